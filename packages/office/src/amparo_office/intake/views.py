"""The pages of imports: send a file, say what its columns are, see what is wrong, take it in. Each asks for `intake.import`;
a member sees their own imports, one whose role holds everywhere sees all.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amparo_common.errors import AmparoError
from amparo_office.errors import MappingNotReadable
from amparo_office.intake import mapping_page, service, storing
from amparo_office.intake.checking import FaultList
from amparo_office.intake.faults import REASONS, Fault
from amparo_office.intake.forms import UploadForm
from amparo_office.intake.looking import read_look
from amparo_office.intake.models import NONE, Import, ImportState
from amparo_office.intake.plan import Plan, read_plan
from amparo_office.register import catalogue, needs
from amparo_office.register.views import moment
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.jobs import files
from amparo_staff.jobs.models import Job, State
from amparo_staff.layout.lists import page_of
from amparo_staff.layout.streams import stream

PERMISSION = "intake.import"
ROWS = 50
STATE_KINDS = {
    ImportState.UPLOADED: "waiting",
    ImportState.MAPPING: "info",
    ImportState.CHECKING: "waiting",
    ImportState.REFUSED_ROWS: "bad",
    ImportState.READY: "good",
    ImportState.COMMITTING: "waiting",
    ImportState.MERGED: "good",
    ImportState.CANCELLED: "off",
}


class Line(msgspec.Struct, frozen=True):
    """An import in the list."""

    given: object
    kind: str
    words: str


class FaultPage(msgspec.Struct, frozen=True):
    """Some of the faults, and what the filter offers. `before` and `after` are numbers of pages, 0 when there is none; `cut`: there
    were more faults than are kept."""

    faults: list[Fault]
    columns: list[str]
    reasons: list[tuple[str, str]]
    column: str
    reason: str
    count: int
    before: int
    after: int
    cut: bool


def state_words() -> dict[str, str]:
    """The states of an import, in the page's words."""
    return {
        ImportState.UPLOADED: _("Being read"),
        ImportState.MAPPING: _("Waits for its columns"),
        ImportState.CHECKING: _("Being checked"),
        ImportState.REFUSED_ROWS: _("Some rows need you"),
        ImportState.READY: _("Ready to take in"),
        ImportState.COMMITTING: _("Being taken in"),
        ImportState.MERGED: _("Taken in"),
        ImportState.CANCELLED: _("Given up"),
    }


@requires(PERMISSION)
@require_safe
def import_list(request: HttpRequest) -> HttpResponse:
    """All imports, the newest first."""
    page = page_of(_visible(request), ("-at", "id"), request.GET)
    words = state_words()
    lines = [Line(row, STATE_KINDS[ImportState(row.state)], words[row.state]) for row in page.rows]
    return render(request, "intake/list.html", {"page": page, "lines": lines})


@requires(PERMISSION)
@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    """Send a file, or two."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        sent = [(each.name or "", each.file) for each in form.cleaned_data["sent"]]
        try:
            received = service.receive(form.cleaned_data["name"], sent, by=member_of(request), at=moment())
        except AmparoError as error:
            form.add_error("sent", " ".join(refusal_words(error)))
        else:
            return redirect("import-before" if received.before else "import", received.given.id)
    return render(request, "intake/new.html", {"form": form}, status=400 if form.errors else 200)


@requires(PERMISSION)
@require_safe
def import_before(request: HttpRequest, number: int) -> HttpResponse:
    """The same file was taken in before: nothing changed."""
    given = Import.objects.filter(id=number, state=ImportState.MERGED).first()
    if given is None:
        raise Http404
    return render(request, "intake/before.html", {"given": given, "mine": _visible(request).filter(id=number).exists()})


@requires(PERMISSION)
@require_safe
def import_page(request: HttpRequest, number: int) -> HttpResponse:
    """Where an import stands, and what can be done now."""
    given = _own(request, number)
    job = Job.objects.filter(id=given.job or NONE).first()
    ended = job is None or job.state not in (State.WAITING, State.RUNNING)
    stuck = ended and given.state in (ImportState.UPLOADED, ImportState.CHECKING, ImportState.COMMITTING)
    shown = {
        "given": given,
        "kind": STATE_KINDS[ImportState(given.state)],
        "words": state_words()[given.state],
        "job": None if ended else job,
        "stuck": job if stuck else None,
        "stuck_words": _(job.error_words) if stuck and job is not None and job.error_words else "",
        "faults": None,
        "right": given.new + given.known,
        "states": ImportState,
    }
    if given.state == ImportState.READY and not given.new:
        shown |= {"kind": "info", "words": _("Nothing in this file is new.")}
    if given.state == ImportState.REFUSED_ROWS and storing.FAULTS in given.files:
        shown["faults"] = _fault_page(request, given)
        shown["refused_file"] = given.files.get(storing.REFUSED)
    return render(request, "intake/import.html", shown)


@requires(PERMISSION)
@require_safe
def import_of_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The import that a job worked on."""
    given = _visible(request).filter(job=job_id).first()
    if given is None:
        job = Job.objects.filter(id=job_id, kind__startswith="intake.").first()
        number = job.argument.get("import") if job is not None else None
        given = _visible(request).filter(id=number).first() if number is not None else None
    if given is None:
        raise Http404
    return redirect("import", given.id)


@requires(PERMISSION)
@require_http_methods(["GET", "POST"])
def import_mapping(request: HttpRequest, number: int) -> HttpResponse:
    """Which column is what. “Save” shows the page again with what the choice needs to know; “check” begins the dry run."""
    given = _own(request, number)
    if storing.LOOK not in given.files or given.state not in (
        ImportState.MAPPING,
        ImportState.READY,
        ImportState.REFUSED_ROWS,
    ):
        return redirect("import", given.id)
    needed, definitions = needs.needed(moment()), catalogue.known()
    look = read_look(given, moment())
    remembered = service.remembered(look)
    plan = _plan_before(given, remembered.text if remembered else "") or mapping_page.propose(look, needed, definitions)
    error: AmparoError | None = None
    source = request.POST.get("source", given.source or (remembered.name if remembered else given.name)).strip()[:120]
    day = request.POST.get("day", given.day.isoformat() if given.day else given.at.date().isoformat())
    if request.method == "POST":
        try:
            plan = mapping_page.read(look, request.POST.dict(), definitions, plan)
            if request.POST.get("step") == "check":
                on = mapping_page.day_of(day, moment().date())
                service.start_check(
                    given, look, plan, source=source or given.name, day=on, by=member_of(request), at=moment()
                )
                return redirect("import", given.id)
        except AmparoError as found:
            error = found
    shown = mapping_page.page(look, plan, needed, definitions, get_language() or "en")
    words = None if error is None else mapping_words(error)
    return render(
        request,
        "intake/mapping.html",
        {
            "given": given,
            "mapping": shown,
            "plan": plan,
            "source": source,
            "day": day,
            "today": moment().date().isoformat(),
            "remembered": remembered,
            "refusal": words,
            "no_programme": not needed,
        },
        status=400 if error is not None else 200,
    )


@requires(PERMISSION)
@require_POST
def import_check_again(request: HttpRequest, number: int) -> HttpResponse:
    """Check once more with the same columns."""
    given = _own(request, number)
    service.check_again(given, by=member_of(request), at=moment())
    return redirect("import", given.id)


@requires(PERMISSION)
@require_http_methods(["GET", "POST"])
def import_take_in(request: HttpRequest, number: int) -> HttpResponse:
    """What would happen; then it does."""
    given = _own(request, number)
    if request.method == "POST":
        service.start_commit(given, by=member_of(request), at=moment())
        return redirect("import", given.id)
    if given.state not in (ImportState.READY, ImportState.REFUSED_ROWS):
        return redirect("import", given.id)
    return render(request, "intake/take_in.html", {"given": given})


@requires(PERMISSION)
@require_POST
def import_cancel(request: HttpRequest, number: int) -> HttpResponse:
    """Give it up; its files are erased."""
    given = _own(request, number)
    service.cancel(given, by=member_of(request), at=moment())
    return redirect("import", given.id)


@requires(PERMISSION)
@require_safe
def import_refused(request: HttpRequest, number: int) -> HttpResponseBase:
    """The refused rows as a workbook to correct."""
    given = _own(request, number)
    found = given.files.get(storing.REFUSED)
    if not found:
        raise Http404
    return download(request, found, moment())


def refusal_words(error: AmparoError) -> list[str]:
    """What happened, why, and what to do, in the language of the page."""
    return [_(part) for part in (error.what, error.reason, error.remedy) if part]


def mapping_words(error: AmparoError) -> list[str]:
    """The same of a choice on the mapping page. What is true of every mapping file is left out: here there is a page."""
    if type(error) is not MappingNotReadable:
        return refusal_words(error)
    own = [text for text, general in ((error.reason, error.why), (error.remedy, error.todo)) if text != general]
    return [_(part) for part in (error.what, *own)]


def download(request: HttpRequest, number: str, at: datetime) -> HttpResponseBase:
    """A sealed file to the browser, piece by piece."""
    row = storing.row_of(number)
    return stream(request, files.read_pieces(row, at=at), kind="application/octet-stream", name=row.name)


def _plan_before(given: Import, remembered: str) -> Plan | None:
    text = given.plan or remembered
    return read_plan(text) if text else None


def _fault_page(request: HttpRequest, given: Import) -> FaultPage:
    every = storing.kept(given.files[storing.FAULTS], FaultList, at=moment()).faults
    columns = sorted({fault.column for fault in every if fault.column})
    codes = sorted({fault.code for fault in every})
    column = request.GET.get("column", "") if request.GET.get("column", "") in columns else ""
    reason = request.GET.get("reason", "") if request.GET.get("reason", "") in codes else ""
    chosen = [fault for fault in every if column in ("", fault.column) and reason in ("", fault.code)]
    asked = request.GET.get("page", "1")
    pages = max(1, -(-len(chosen) // ROWS))
    page = min(int(asked), pages) if asked.isascii() and asked.isdigit() and len(asked) < 6 and asked != "0" else 1
    return FaultPage(
        faults=chosen[(page - 1) * ROWS : page * ROWS],
        columns=columns,
        reasons=[(code, _plain(code)) for code in codes],
        column=column,
        reason=reason,
        count=len(chosen),
        before=page - 1,
        after=page + 1 if page < pages else 0,
        cut=given.fault_count > len(every),
    )


def _plain(code: str) -> str:
    """A reason without its limits, for the filter."""
    return str(REASONS[code]) % {"least": "…", "most": "…"}


def _visible(request: HttpRequest) -> QuerySet[Import]:
    member = member_of(request)
    if member.areas(PERMISSION) == [""]:
        return Import.objects.all()
    return Import.objects.filter(by=member)


def _own(request: HttpRequest, number: int) -> Import:
    found = _visible(request).select_related("by").filter(id=number).first()
    if found is None:
        raise Http404
    return found
