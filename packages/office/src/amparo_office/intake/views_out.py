"""The pages of what goes out: lists of the register (with two people when they are long), templates to fill in, forms for Kobo and
ODK, and the check of somebody else's form.
"""

import io
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from amparo_common.errors import AmparoError
from amparo_office.intake import exporting
from amparo_office.intake.form_check import FormReport, check_form
from amparo_office.intake.forms import ExportForm, FormFile
from amparo_office.intake.models import NONE, Export, ExportState
from amparo_office.intake.template_book import write_template
from amparo_office.intake.views import download, refusal_words
from amparo_office.intake.xlsform import write_form
from amparo_office.programmes import Needed
from amparo_office.register import catalogue, needs
from amparo_office.register.forms_filter import Filter, read_filter
from amparo_office.register.models import Area
from amparo_office.register.views import area_name, moment, state_words
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.jobs.models import Job, JobFile, State
from amparo_staff.layout.lists import page_of

EXPORT, IMPORT = "intake.export", "intake.import"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@requires(EXPORT)
@require_safe
def export_list(request: HttpRequest) -> HttpResponse:
    """The lists that this member asked for."""
    page = page_of(Export.objects.filter(by=member_of(request)), ("-at", "id"), request.GET)
    lines = [(row, *_state(row, ready=_file(row) is not None)) for row in page.rows]
    return render(request, "intake/exports.html", {"page": page, "lines": lines})


@requires(EXPORT)
@require_http_methods(["GET", "POST"])
def export_new(request: HttpRequest) -> HttpResponse:
    """What the list is for; the filter stands in the address, as it came from the list of households."""
    member, at = member_of(request), moment()
    asked = read_filter(request.GET.dict())
    form = ExportForm(request.POST or None, programmes=needs.programmes(), identity=member.may(exporting.IDENTITY))
    if request.method == "POST" and form.is_valid():
        try:
            row = exporting.start(_asked(form, asked), by=member, at=at)
        except AmparoError as error:
            form.add_error(None, " ".join(refusal_words(error)))
        else:
            return redirect("export", row.id)
    plain = exporting.Asked(asked, "", "csv", people=False, identity=False, reason="audit")
    shown = {
        "form": form,
        "filters": _filter_words(asked),
        "count": exporting.count(plain, member),
        "alone": exporting.alone(),
    }
    return render(request, "intake/export_new.html", shown, status=400 if form.errors else 200)


@requires(EXPORT)
@require_safe
def export_page(request: HttpRequest, number: int) -> HttpResponse:
    """Where a list stands."""
    row = _own(request, number)
    approval = Approval.objects.filter(id=row.approval or NONE).first()
    job = Job.objects.filter(id=row.job or NONE).first()
    kind, words = _state(row, ready=_file(row) is not None)
    shown = {
        "row": row,
        "kind": kind,
        "words": words,
        "approval": approval,
        "waits": approval is not None and approval.state == Decision.WAITING,
        "job": job if job is not None and job.state in (State.WAITING, State.RUNNING, State.FAILED) else None,
        "failed": job is not None and job.state == State.FAILED,
        "file": _file(row),
        "reason": exporting.REASONS.get(row.reason, row.reason),
        "filters": _filter_words(read_filter(row.asked)),
    }
    return render(request, "intake/export.html", shown)


@requires(EXPORT)
@require_safe
def export_of_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The list that a job made."""
    row = Export.objects.filter(job=job_id, by=member_of(request)).first()
    if row is None:
        raise Http404
    return redirect("export", row.id)


@requires(EXPORT)
@require_safe
def export_file(request: HttpRequest, number: int) -> HttpResponseBase:
    """The list itself; only whoever asked for it fetches it."""
    row = _own(request, number)
    file = _file(row)
    if file is None or (row.identity and not member_of(request).may(exporting.IDENTITY)):
        raise Http404
    return download(request, str(file.id), moment())


@requires(IMPORT)
@require_safe
def templates(request: HttpRequest) -> HttpResponse:
    """Templates to fill in, forms to collect with, and the check of a form."""
    return render(request, "intake/templates.html", {"programmes": sorted(needs.programmes()), "form": FormFile()})


@requires(IMPORT)
@require_safe
def template_book(request: HttpRequest) -> HttpResponse:
    """A template for a programme (`?programme=`), or for all."""
    language = get_language() or "en"
    content = write_template(_needed(request), catalogue.known(), language)
    return _workbook(content, f"amparo-template-{language}.xlsx")


@requires(IMPORT)
@require_safe
def collect_form(request: HttpRequest) -> HttpResponse:
    """The XLSForm for a programme (`?programme=`), or for all."""
    name = request.GET.get("programme", "") or "all"
    version = moment().strftime("%Y%m%d%H")
    title = _("Enrolment")
    content = write_form(_needed(request), catalogue.known(), name=f"amparo_{name}", title=title, version=version)
    return _workbook(content, "amparo-form.xlsx")


@requires(IMPORT)
@require_http_methods(["GET", "POST"])
def form_check(request: HttpRequest) -> HttpResponse:
    """Check somebody else's form; nothing of it is kept."""
    form = FormFile(request.POST or None, request.FILES or None)
    report: FormReport | None = None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        content = sent.read()
        try:
            report = check_form("form.xlsx", lambda: io.BytesIO(content), catalogue.known())
        except AmparoError as error:
            form.add_error("file", " ".join(refusal_words(error)))
    bad = sum(each.bad for each in report.findings) if report else 0
    shown = {"form": form, "report": report, "bad": bad}
    return render(request, "intake/form_check.html", shown, status=400 if form.errors else 200)


def _asked(form: ExportForm, asked: Filter) -> exporting.Asked:
    said = form.cleaned_data
    return exporting.Asked(
        filter=asked,
        programme=said["programme"],
        form=said["form"],
        people=said["rows"] == "people",
        identity=bool(said.get("identity")),
        reason=said["reason"],
    )


def _needed(request: HttpRequest) -> Needed:
    programme = request.GET.get("programme", "")
    if programme and programme not in needs.programmes():
        raise Http404
    return needs.needed(moment(), programme)


def _workbook(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=_XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _filter_words(asked: Filter) -> list[tuple[str, str]]:
    """The filter for people to read."""
    said: list[tuple[str, str]] = []
    if asked.state:
        said.append((_("State"), str(state_words()[asked.state])))
    if asked.area:
        said.append((_("Area and all in it"), area_name(Area.objects.filter(code=asked.area).first()) or asked.area))
    if asked.way:
        said.append((_("Way"), _("By phone") if asked.way == "phone" else _("On paper")))
    if asked.fact:
        said.append((_("Fact"), f"{asked.fact} ({_('known') if asked.is_ == 'known' else _('not known')})"))
    if asked.origin is not None:
        said.append((_("Import"), str(asked.origin)))
    if asked.since:
        said.append((_("Registered from day"), asked.since.isoformat()))
    if asked.until:
        said.append((_("to day"), asked.until.isoformat()))
    return said


def _state(row: Export, *, ready: bool) -> tuple[str, str]:
    """Kind of tag, and words."""
    if row.state == ExportState.READY:
        return ("good", _("Ready to fetch")) if ready else ("off", _("Erased"))
    if row.state == ExportState.WRITING:
        return "waiting", _("Being written")
    decision = Approval.objects.filter(id=row.approval or NONE).values_list("state", flat=True).first()
    if decision == Decision.WAITING:
        return "waiting", _("Waits for a second person")
    return "bad", _("Not approved")


def _file(row: Export) -> JobFile | None:
    if row.state != ExportState.READY or row.job is None:
        return None
    return JobFile.objects.filter(job=row.job, by=row.by, expires__gt=moment()).first()


def _own(request: HttpRequest, number: int) -> Export:
    row = Export.objects.filter(id=number, by=member_of(request)).first()
    if row is None:
        raise Http404
    return row
