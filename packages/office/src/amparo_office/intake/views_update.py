"""The pages of changing many records by a file: send it, see what would change and what is wrong, change it. Each asks for
`register.change`; a member sees their own, one whose role holds everywhere sees all.
"""

from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amparo_common.errors import AmparoError
from amparo_office.intake import storing, update_steps
from amparo_office.intake.checking import FaultList
from amparo_office.intake.forms import UpdateForm
from amparo_office.intake.models import NONE, Update, UpdateState
from amparo_office.intake.updating import PERMISSION
from amparo_office.intake.views import download, refusal_words
from amparo_office.register.views import field_words, moment
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.jobs.models import Job, State
from amparo_staff.layout.lists import page_of

MOST_ON_PAGE = 200
STATE_KINDS = {
    UpdateState.CHECKING: "waiting",
    UpdateState.FAULTY: "bad",
    UpdateState.READY: "good",
    UpdateState.ASKED: "waiting",
    UpdateState.WRITING: "waiting",
    UpdateState.DONE: "good",
    UpdateState.CANCELLED: "off",
}


class Line(msgspec.Struct, frozen=True):
    """An update in the list."""

    given: object
    kind: str
    words: str


def state_words() -> dict[str, str]:
    """The states of an update, in the page's words."""
    return {
        UpdateState.CHECKING: _("Being checked"),
        UpdateState.FAULTY: _("Some rows need you"),
        UpdateState.READY: _("Ready to change"),
        UpdateState.ASKED: _("Waits for a colleague"),
        UpdateState.WRITING: _("Being changed"),
        UpdateState.DONE: _("Changed"),
        UpdateState.CANCELLED: _("Given up"),
    }


@requires(PERMISSION)
@require_safe
def update_list(request: HttpRequest) -> HttpResponse:
    """All updates, the newest first."""
    page = page_of(_visible(request), ("-at", "id"), request.GET)
    words = state_words()
    lines = [Line(row, STATE_KINDS[UpdateState(row.state)], words[row.state]) for row in page.rows]
    return render(request, "intake/updates.html", {"page": page, "lines": lines})


@requires(PERMISSION)
@require_http_methods(["GET", "POST"])
def update_new(request: HttpRequest) -> HttpResponse:
    """Send a file."""
    form = UpdateForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        said, sent = form.cleaned_data, form.cleaned_data["sent"]
        try:
            given = update_steps.receive(
                said["name"], said["reason"], sent.name or "", sent.file, by=member_of(request), at=moment()
            )
        except AmparoError as error:
            form.add_error("sent", " ".join(refusal_words(error)))
        else:
            return redirect("update", given.id)
    return render(request, "intake/update_new.html", {"form": form}, status=400 if form.errors else 200)


@requires(PERMISSION)
@require_safe
def update_page(request: HttpRequest, number: int) -> HttpResponse:
    """Where an update stands, what it would change, and what can be done now."""
    given = _own(request, number)
    job = Job.objects.filter(id=given.job or NONE).first()
    ended = job is None or job.state not in (State.WAITING, State.RUNNING)
    stuck = ended and given.state in (UpdateState.CHECKING, UpdateState.WRITING)
    answer = Approval.objects.filter(id=given.approval or NONE).values_list("state", flat=True).first()
    shown = {
        "given": given,
        "kind": STATE_KINDS[UpdateState(given.state)],
        "words": state_words()[given.state],
        "job": None if ended else job,
        "stuck": job if stuck else None,
        "stuck_words": _(job.error_words) if stuck and job is not None and job.error_words else "",
        "fields": [(field_words(name), count) for name, count in sorted(given.counts.items())],
        "refused": given.state == UpdateState.ASKED and answer not in (None, Decision.WAITING),
        "two": given.state == UpdateState.READY and update_steps.needs_two(given.changing, given.by, moment()),
        "faults": [],
        "refused_file": given.files.get(storing.REFUSED),
    }
    if given.state == UpdateState.FAULTY and storing.FAULTS in given.files:
        shown["faults"] = storing.kept(given.files[storing.FAULTS], FaultList, at=moment()).faults[:MOST_ON_PAGE]
    return render(request, "intake/update.html", shown)


@requires(PERMISSION)
@require_safe
def update_of_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The update that a job worked on."""
    given = _visible(request).filter(job=job_id).first()
    if given is None:
        raise Http404
    return redirect("update", given.id)


@requires(PERMISSION)
@require_POST
def update_start(request: HttpRequest, number: int) -> HttpResponse:
    """Change what was shown, or ask a colleague."""
    given = _own(request, number)
    update_steps.start(given, by=member_of(request), at=moment())
    return redirect("update", given.id)


@requires(PERMISSION)
@require_POST
def update_check_again(request: HttpRequest, number: int) -> HttpResponse:
    """Check once more."""
    given = _own(request, number)
    update_steps.check_again(given, by=member_of(request), at=moment())
    return redirect("update", given.id)


@requires(PERMISSION)
@require_POST
def update_cancel(request: HttpRequest, number: int) -> HttpResponse:
    """Give it up; its file is erased."""
    given = _own(request, number)
    update_steps.cancel(given, by=member_of(request), at=moment())
    return redirect("update", given.id)


@requires(PERMISSION)
@require_safe
def update_refused(request: HttpRequest, number: int) -> HttpResponseBase:
    """The rows with faults as a workbook, marked."""
    found = _own(request, number).files.get(storing.REFUSED)
    if not found:
        raise Http404
    return download(request, found, moment())


def _visible(request: HttpRequest) -> QuerySet[Update]:
    member = member_of(request)
    if member.areas(PERMISSION) == [""]:
        return Update.objects.all()
    return Update.objects.filter(by=member)


def _own(request: HttpRequest, number: int) -> Update:
    found = _visible(request).select_related("by").filter(id=number).first()
    if found is None:
        raise Http404
    return found
