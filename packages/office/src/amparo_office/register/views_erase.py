"""Handing a person their whole record, and erasing one for good: a reason, the reference typed again, and a second person."""

from datetime import datetime
from uuid import UUID

from django import forms as django_forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amparo_office.register import erasure, person_file, service
from amparo_office.register.correction import area_of
from amparo_office.register.forms import ReasonForm
from amparo_office.register.models import Household, Individual, Record
from amparo_office.register.views import IDENTITY, VIEW, household_in_scope, moment, person_in_scope
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out

ERASE = "register.erase"


class EraseForm(ReasonForm):
    """Why, and the reference once more."""

    typed = django_forms.CharField(
        label=gettext_lazy("Type the reference again"),
        max_length=16,
        widget=django_forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )

    def __init__(self, *given: object, ref: str, **named: object) -> None:
        super().__init__(*given, **named)
        self._ref = ref

    def clean_typed(self) -> str:
        """The same reference."""
        typed = service.read_ref(self.cleaned_data["typed"]) or ""
        if typed != self._ref:
            raise django_forms.ValidationError(_("This is another reference."))
        return typed


@requires(IDENTITY)
@require_POST
def hand_over(request: HttpRequest, ref: str) -> HttpResponse:
    """The person's whole record as a file, to print or to save for them. It is written down as read."""
    who = person_in_scope(request, ref, IDENTITY)
    content = person_file.write(who.id, by=member_of(request), at=moment())
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{who.ref}.zip"'
    return answer


@requires(ERASE)
@require_http_methods(["GET", "POST"])
def erase_person(request: HttpRequest, ref: str) -> HttpResponse:
    """Ask a second person to erase somebody for good."""
    return _ask(request, person_in_scope(request, ref, ERASE), "individual")


@requires(ERASE)
@require_http_methods(["GET", "POST"])
def erase_household(request: HttpRequest, ref: str) -> HttpResponse:
    """Ask a second person to erase a household with everybody in it."""
    return _ask(request, household_in_scope(request, ref, ERASE), "household")


@requires(VIEW)
@require_safe
def erased(request: HttpRequest, approval: UUID) -> HttpResponse:
    """What was erased, or that it waits for a second person."""
    row = get_object_or_404(Approval, id=approval, kind=ERASE)
    return render(request, "register/erased.html", {"approval": row, "subject": row.subject})


def _ask(request: HttpRequest, record: Record, kind: str) -> HttpResponse:
    waiting = Approval.objects.filter(kind=ERASE, state="waiting", subject__ref=record.ref).first()
    if waiting:
        return redirect("register-erased", approval=waiting.id)
    form = EraseForm(request.POST if request.method == "POST" else None, ref=record.ref)
    members = record.members.count() if isinstance(record, Household) else 0
    if form.is_bound and form.is_valid():
        subject = {"kind": kind, "ref": record.ref, "number": record.pk, "members": members, "area": _area(record)}
        made = ask(ERASE, subject, reason=form.cleaned_data["reason"], by=member_of(request), at=moment())
        return redirect("register-erased", approval=made.id)
    shown = {"form": form, "record": record, "kind": kind, "members": members}
    return render(request, "register/erase.html", shown)


def _area(record: Record) -> str:
    if isinstance(record, Household):
        return record.area_id or ""
    return area_of(record) if isinstance(record, Individual) else ""


def erase_words(approval: Approval) -> str:
    """What the second person is asked."""
    told = approval.subject
    if told["kind"] == "individual":
        return _("Erase the person %(ref)s for good. Nothing can bring them back.") % {"ref": told["ref"]}
    return _("Erase the household %(ref)s for good, with %(count)s people. Nothing can bring them back.") % {
        "ref": told["ref"],
        "count": told["members"],
    }


@carried_out(
    ERASE,
    permission="approvals.decide",
    words=erase_words,
    then=lambda approval, member: (
        (_("What was erased"), reverse("register-erased", args=[approval.id])) if member.may(VIEW) else None
    ),
)
def erase_approved(approval: Approval, at: datetime) -> None:
    """A second person agreed: the rows go in this transaction, the keys as soon as it is kept."""
    told = approval.subject
    erase = erasure.erase_individual if told["kind"] == "individual" else erasure.erase_household
    erase(told["number"], by=approval.maker, at=at)
