"""Changing a record at the desk: the form shows what stands there, the change names the version that was seen, and when a colleague
saved meanwhile both versions are shown and nothing is lost."""

from collections.abc import Callable
from typing import Any, cast

from django import forms as django_forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amparo_common.errors import AmparoError
from amparo_office.errors import CollectorsRefused, FactNotNeeded, HouseholdRefused, RecordChanged
from amparo_office.register import access, forms
from amparo_office.register.forms_acts import Act, Data, Seen, Why, household_act, person_act
from amparo_office.register.views import (
    CHANGE,
    field_words,
    household_in_scope,
    is_open,
    moment,
    person_in_scope,
    today,
)
from amparo_staff.accounts.access import member_of, requires

QUIET: access.Kinds = frozenset({"facts", "place"})
OPEN, SAVE = "open", "save"


@requires(CHANGE)
@require_http_methods(["GET", "POST"])
def change_household(request: HttpRequest, ref: str, what: str) -> HttpResponse:
    """One change of a household."""
    home = household_in_scope(request, ref, CHANGE)
    act = household_act(what)
    if act is None or not is_open(home):
        raise Http404

    def read() -> access.HouseholdView:
        return access.read_household(home.id, **_reading(request, identity=act.identity))

    return _change(request, act, read, "register-household", ref)


@requires(CHANGE)
@require_http_methods(["GET", "POST"])
def change_person(request: HttpRequest, ref: str, what: str) -> HttpResponse:
    """One change of a person."""
    who = person_in_scope(request, ref, CHANGE)
    act = person_act(what)
    if act is None or not is_open(who):
        raise Http404

    def read() -> access.IndividualView:
        return access.read_individual(who.id, **_reading(request, identity=act.identity))

    return _change(request, act, read, "register-person", ref)


def _reading(request: HttpRequest, *, identity: bool) -> dict[str, Any]:
    kinds = access.PURPOSES["correction"].kinds - {"history"} if identity else QUIET
    return {"by": member_of(request), "purpose": "correction", "at": moment(), "kinds": kinds}


def _change(request: HttpRequest, act: Act[Seen], read: Callable[[], Seen], page: str, ref: str) -> HttpResponse:
    """Open, ask, save. What identifies somebody is opened by a POST only."""
    shown: dict[str, object] = {"heading": act.heading, "page": page, "ref": ref}
    step = request.POST.get("step", "") if request.method == "POST" else ""
    if act.identity and step not in (OPEN, SAVE):
        return render(request, "register/change_open.html", shown)
    seen = read()
    if step != SAVE:
        return _ask(request, shown, _form(act, seen, None, request), seen.version)
    form = _form(act, seen, request.POST, request)
    version = request.POST.get("version", "")
    if not form.is_valid() or not version.isdecimal():
        return _ask(request, shown, form, seen.version if not version.isdecimal() else int(version))
    why = Why(version=int(version), reason=form.cleaned_data["reason"], by=member_of(request), at=moment())
    try:
        act.save(seen, form, why)
    except RecordChanged as error:
        return _conflict(request, shown, form, seen.version, error)
    except (HouseholdRefused, CollectorsRefused, FactNotNeeded) as error:
        form.add_error(None, _words(error))
        return _ask(request, shown, form, seen.version)
    messages.success(request, _("It is saved."))
    return redirect(page, ref=ref)


def _form(act: Act[Seen], seen: Seen, data: Any, request: HttpRequest) -> forms.Form:
    given: Data = data
    form = act.form(seen, given, member_of(request), today())
    form.fields["reason"] = forms.ReasonForm().fields["reason"]
    return form


def _ask(request: HttpRequest, shown: dict[str, object], form: forms.Form, version: int) -> HttpResponse:
    return render(request, "register/change.html", shown | {"form": form, "version": version})


def _conflict(
    request: HttpRequest, shown: dict[str, object], form: forms.Form, version: int, error: RecordChanged
) -> HttpResponse:
    """Both versions beside each other; sending again saves over the one that is there now."""
    both = [
        (
            field.label,
            _shown(field.field, form.initial.get(field.name)),
            _shown(field.field, form.cleaned_data.get(field.name)),
        )
        for field in form
        if field.name != "reason"
    ]
    more = {"both": both, "differs": [field_words(name) for name in error.differs], "form": form, "version": version}
    return render(request, "register/change_conflict.html", shown | more, status=error.http_status)


def _shown(field: django_forms.Field, value: object) -> str:
    if isinstance(field, django_forms.ChoiceField):
        choices = cast(forms.Choices, field.choices)
        words = {str(code): str(said) for code, said in choices}
        values = value if isinstance(value, list) else [value]
        return ", ".join(words.get(str(each), "") for each in values)
    if isinstance(field, django_forms.BooleanField):
        return _("Yes") if value else _("No")
    return "" if value is None else str(value)


def _words(error: AmparoError) -> str:
    return " ".join(_(part) for part in (error.what, error.reason, error.remedy) if part)
