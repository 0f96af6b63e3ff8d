"""What can be changed of a record at the desk: for each change its heading, its form with what stands there now, how it is saved.
Who may, opening the record, conflicts and pages are `views_change`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar, cast

import msgspec
from django import forms as django_forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import UNSET

from amparo_office.errors import RecordUnknown
from amparo_office.register import catalogue, forms, needs, service
from amparo_office.register.access import HouseholdView, IndividualView
from amparo_office.register.forms_filter import in_areas
from amparo_office.register.models import Household, RecordState, Relationship
from amparo_office.register.sealing import Dwelling, Identity
from amparo_office.register.views import CHANGE, area_choices, knows_area
from amparo_rules.catalogue import Entity
from amparo_staff.accounts.models import StaffMember

SOURCE = "desk"
NOBODY = "nobody"
Data = Mapping[str, str] | None
Seen = TypeVar("Seen", HouseholdView, IndividualView)


@dataclass(frozen=True, slots=True)
class Why:
    """Who changes something, why, when, and which version they saw."""

    version: int
    reason: str
    by: StaffMember
    at: datetime

    def said(self) -> dict[str, object]:
        """As the service's functions take it."""
        return {
            "version": self.version,
            "reason": self.reason,
            "origin_source": SOURCE,
            "by": self.by,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Act(Generic[Seen]):
    """One kind of change. `identity`: the record is opened for it under the purpose “correction”."""

    heading: str | Promise
    form: Callable[[Seen, Data, StaffMember, date], forms.Form]
    save: Callable[[Seen, forms.Form, Why], None]
    identity: bool = False


# --- a person ----------------------------------------------------------------------------------------------------------


def _names_form(seen: IndividualView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return forms.NameForm(data, initial=forms.NameForm.initial_from(_identity(seen).names))


def _save_names(seen: IndividualView, form: forms.Form, why: Why) -> None:
    names = cast(forms.NameForm, form).names()
    known = _identity(seen)
    _correct(
        seen,
        service.IndividualChanges(identity=msgspec.structs.replace(known, names=[*names, *known.names[2:]])),
        why,
    )


def _birth_form(seen: IndividualView, data: Data, _by: StaffMember, today: date) -> forms.Form:
    shown = forms.BirthDateForm.initial_from(seen.facts.get("birth_date"), seen.birth_precision, today)
    return forms.BirthDateForm(data, initial=shown, today=today)


def _save_birth(seen: IndividualView, form: forms.Form, why: Why) -> None:
    born = cast(forms.BirthDateForm, form).birth_date()
    _correct(seen, service.IndividualChanges(birth_date=born.value, birth_precision=born.precision), why)


def _papers_form(seen: IndividualView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return forms.PapersForm(data, initial=forms.PapersForm.initial_from(_identity(seen).documents))


def _save_papers(seen: IndividualView, form: forms.Form, why: Why) -> None:
    known = _identity(seen)
    kept = [*cast(forms.PapersForm, form).documents(), *known.documents[forms.PAPERS :]]
    _correct(seen, service.IndividualChanges(identity=msgspec.structs.replace(known, documents=kept)), why)


def _telephone_form(seen: IndividualView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return forms.TelephoneForm(data, initial={"telephone": _identity(seen).telephone})


def _save_telephone(seen: IndividualView, form: forms.Form, why: Why) -> None:
    identity = msgspec.structs.replace(_identity(seen), telephone=form.cleaned_data["telephone"])
    _correct(seen, service.IndividualChanges(identity=identity), why)


def _relationship_form(seen: IndividualView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return _choice(_("To the head"), forms.relationship_choices(), seen.relationship, data)


def _save_relationship(seen: IndividualView, form: forms.Form, why: Why) -> None:
    _correct(seen, service.IndividualChanges(relationship=form.cleaned_data["answer"]), why)


def _move_form(seen: IndividualView, data: Data, by: StaffMember, _today: date) -> forms.Form:
    return MoveForm(data, by=by, initial={"relationship": seen.relationship})


def _save_move(seen: IndividualView, form: forms.Form, why: Why) -> None:
    household = cast(MoveForm, form).household()
    service.move(seen.id, household, relationship=form.cleaned_data["relationship"], **why.said())  # type: ignore[arg-type] # `Why.said` names the arguments


def _person_leaves(seen: IndividualView, _form: forms.Form, why: Why) -> None:
    if seen.household is None:
        raise RecordUnknown("This person lives in no household of the register.")
    household = Household.objects.only("version").get(id=seen.household)
    service.leave(seen.household, members=[seen.id], version=household.version, reason=why.reason, by=why.by, at=why.at)


def _correct(seen: IndividualView, changes: service.IndividualChanges, why: Why) -> None:
    asks = bool(changes.facts) or changes.birth_date is not UNSET
    needed = needs.needed(why.at) if asks else None
    service.correct_individual(seen.id, changes, needed=needed, **why.said())  # type: ignore[arg-type] # `Why.said` names the arguments


def _identity(seen: IndividualView) -> Identity:
    return seen.identity or Identity()


# --- a household -------------------------------------------------------------------------------------------------------


def _area_form(seen: HouseholdView, data: Data, by: StaffMember, _today: date) -> forms.Form:
    areas = by.areas(CHANGE)
    if choices := area_choices(areas):
        return _choice(_("Area"), choices, seen.area, data, select=True)
    return forms.AreaCodeForm(data, known=lambda code: knows_area(areas, code), initial={"answer": seen.area})


def _save_area(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    _correct_home(seen, service.HouseholdChanges(area=form.cleaned_data["answer"]), why)


def _language_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return _choice(_("Language"), forms.LANGUAGES, seen.language, data)


def _save_language(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    _correct_home(seen, service.HouseholdChanges(language=form.cleaned_data["answer"]), why)


def _way_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    ways = [("phone", _("On a phone")), ("paper", _("On paper"))]
    return _choice(_("How it gets its aid"), ways, "phone" if seen.by_phone else "paper", data)


def _save_way(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    _correct_home(seen, service.HouseholdChanges(by_phone=form.cleaned_data["answer"] == "phone"), why)


def _address_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return forms.AddressForm(data, initial={"address": (seen.dwelling or Dwelling()).address})


def _save_address(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    _correct_home(seen, service.HouseholdChanges(dwelling=Dwelling(address=form.cleaned_data["address"])), why)


def _state_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    states = [
        (RecordState.NEW.value, _("New")),
        (RecordState.VALIDATED.value, _("Checked")),
        (RecordState.PAUSED.value, _("Paused")),
    ]
    return _choice(_("State"), states, seen.state, data)


def _save_state(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    _correct_home(seen, service.HouseholdChanges(state=form.cleaned_data["answer"]), why)


def _collectors_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    now = {kind: str(each.id) for kind, each in seen.collectors.items()}
    people = {str(each.id): each.name() for each in (*_living(seen), *seen.collectors.values())}
    shown = {"primary": now.get("primary", ""), "alternate": now.get("alternate", NOBODY)}
    return CollectorsForm(data, people=list(people.items()), initial=shown)


def _save_collectors(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    said = form.cleaned_data
    alternate = None if said["alternate"] == NOBODY else int(said["alternate"])
    service.set_collectors(seen.id, primary=int(said["primary"]), alternate=alternate, **why.said())  # type: ignore[arg-type] # `Why.said` names the arguments


def _head_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    head = next((str(each.id) for each in _living(seen) if each.relationship == Relationship.HEAD), "")
    return HeadForm(data, people=_named(seen), initial={"head": head, "former": Relationship.UNKNOWN.value})


def _save_head(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    said = form.cleaned_data
    service.change_head(seen.id, int(said["head"]), former=said["former"], **why.said())  # type: ignore[arg-type] # `Why.said` names the arguments


def _split_form(seen: HouseholdView, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return SplitForm(data, people=_named(seen))


def _save_split(seen: HouseholdView, form: forms.Form, why: Why) -> None:
    said = form.cleaned_data
    going = [int(each) for each in said["members"]]
    service.split(seen.id, going, head=int(said["head"]), **why.said())  # type: ignore[arg-type] # `Why.said` names the arguments


def _nothing_form(_seen: Seen, data: Data, _by: StaffMember, _today: date) -> forms.Form:
    return forms.Form(data)


def _household_leaves(seen: HouseholdView, _form: forms.Form, why: Why) -> None:
    service.leave(seen.id, version=why.version, reason=why.reason, by=why.by, at=why.at)


def _correct_home(seen: HouseholdView, changes: service.HouseholdChanges, why: Why) -> None:
    needed = needs.needed(why.at) if changes.facts else None
    service.correct_household(seen.id, changes, needed=needed, **why.said())  # type: ignore[arg-type] # `Why.said` names the arguments


def _living(seen: HouseholdView) -> list[IndividualView]:
    return [each for each in seen.members if each.state not in (RecordState.LEFT, RecordState.MERGED)]


def _named(seen: HouseholdView) -> list[tuple[str, str]]:
    return [(str(each.id), each.name()) for each in _living(seen)]


PERSON: dict[str, Act[IndividualView]] = {
    "names": Act(gettext_lazy("Correct the names"), _names_form, _save_names, identity=True),
    "birth": Act(gettext_lazy("Correct the date of birth"), _birth_form, _save_birth),
    "papers": Act(gettext_lazy("Correct the papers"), _papers_form, _save_papers, identity=True),
    "telephone": Act(gettext_lazy("Correct the telephone"), _telephone_form, _save_telephone, identity=True),
    "relationship": Act(gettext_lazy("Correct what they are to the head"), _relationship_form, _save_relationship),
    "move": Act(gettext_lazy("Move to another household"), _move_form, _save_move),
    "leave": Act(gettext_lazy("This person leaves the register"), _nothing_form, _person_leaves),
}
HOUSEHOLD: dict[str, Act[HouseholdView]] = {
    "area": Act(gettext_lazy("Correct the area"), _area_form, _save_area),
    "language": Act(gettext_lazy("Correct the language"), _language_form, _save_language),
    "way": Act(gettext_lazy("Correct how it gets its aid"), _way_form, _save_way),
    "address": Act(gettext_lazy("Correct the address"), _address_form, _save_address, identity=True),
    "state": Act(gettext_lazy("Set the state"), _state_form, _save_state),
    "collectors": Act(gettext_lazy("Choose who collects"), _collectors_form, _save_collectors, identity=True),
    "head": Act(gettext_lazy("Choose the head"), _head_form, _save_head, identity=True),
    "split": Act(gettext_lazy("Some members get a household of their own"), _split_form, _save_split, identity=True),
    "leave": Act(gettext_lazy("This household leaves the register"), _nothing_form, _household_leaves),
}


def person_act(what: str) -> Act[IndividualView] | None:
    """The change of a person with this code; `fact-NAME` for a fact of the catalogue."""
    if known := PERSON.get(what):
        return known
    name = what.removeprefix("fact-")
    if not _is_fact("person", what):
        return None
    return Act(
        gettext_lazy("Correct a fact"),
        lambda seen, data, _by, _today: _fact_form("person", name, seen.facts, data),
        lambda seen, form, why: _correct(seen, service.IndividualChanges(facts=_fact_said(name, form)), why),
    )


def household_act(what: str) -> Act[HouseholdView] | None:
    """The change of a household with this code; `fact-NAME` for a fact of the catalogue."""
    if known := HOUSEHOLD.get(what):
        return known
    name = what.removeprefix("fact-")
    if not _is_fact("household", what):
        return None
    return Act(
        gettext_lazy("Correct a fact"),
        lambda seen, data, _by, _today: _fact_form("household", name, seen.facts, data),
        lambda seen, form, why: _correct_home(seen, service.HouseholdChanges(facts=_fact_said(name, form)), why),
    )


def _is_fact(entity: Entity, what: str) -> bool:
    name = what.removeprefix("fact-")
    return what.startswith("fact-") and name not in ("birth_date", "is_head") and (entity, name) in catalogue.known()


def _fact_form(entity: Entity, name: str, facts: dict[str, int | None], data: Data) -> forms.FactForm:
    fact = catalogue.definition(entity, name)
    return forms.FactForm(data, definition=fact, initial=forms.FactForm.initial_from(fact, facts))


def _fact_said(name: str, form: forms.Form) -> dict[str, int | None]:
    return {name: cast(forms.FactForm, form).value()}


def _choice(label: str, choices: forms.Choices, now: str, data: Data, *, select: bool = False) -> forms.ChoiceForm:
    return forms.ChoiceForm(data, label=label, choices=choices, select=select, initial={"answer": now})


# --- forms of their own ------------------------------------------------------------------------------------------------


class MoveForm(forms.Form):
    """To which household a person goes, by its reference, and what they are to its head."""

    ref = django_forms.CharField(
        label=gettext_lazy("Reference of the other household"),
        max_length=16,
        help_text=gettext_lazy("Like H-7F3K-9Q2M."),
        widget=django_forms.TextInput(attrs={"dir": "ltr"}),
    )
    relationship = django_forms.ChoiceField(label=gettext_lazy("To the head of that household"))

    def __init__(self, *given: object, by: StaffMember, **named: object) -> None:
        super().__init__(*given, **named)
        self._by = by
        forms.offer(self, "relationship", forms.relationship_choices())

    def clean_ref(self) -> str:
        """A household among the member's areas."""
        ref = service.read_ref(self.cleaned_data["ref"])
        if ref is None or not in_areas(Household.objects.all(), self._by.areas(CHANGE)).filter(ref=ref).exists():
            raise django_forms.ValidationError(_("There is no such household in your areas."))
        return ref

    def household(self) -> int:
        """Its number."""
        return Household.objects.only("id").get(ref=self.cleaned_data["ref"]).id


class CollectorsForm(forms.Form):
    """Who receives for a household."""

    primary = django_forms.ChoiceField(label=gettext_lazy("Collects the aid"))
    alternate = django_forms.ChoiceField(label=gettext_lazy("May collect it too"))

    def __init__(self, *given: object, people: forms.Choices, **named: object) -> None:
        super().__init__(*given, **named)
        forms.offer(self, "primary", [("", _("Choose")), *people])
        forms.offer(self, "alternate", [(NOBODY, _("Nobody else")), *people])

    def clean(self) -> dict[str, object]:
        """Two different people."""
        said = super().clean() or {}
        if said.get("primary") and said.get("primary") == said.get("alternate"):
            self.add_error("alternate", _("Choose somebody else, or “Nobody else”."))
        return said


class HeadForm(forms.Form):
    """Who is the head now, and what the former one is to them."""

    head = django_forms.ChoiceField(label=gettext_lazy("Head of the household"))
    former = django_forms.ChoiceField(label=gettext_lazy("The former head is to the new one"))

    def __init__(self, *given: object, people: forms.Choices, **named: object) -> None:
        super().__init__(*given, **named)
        forms.offer(self, "head", [("", _("Choose")), *people])
        forms.offer(self, "former", forms.relationship_choices())


class SplitForm(forms.Form):
    """Who goes into a household of their own, and who is its head."""

    members = django_forms.MultipleChoiceField(
        label=gettext_lazy("Who goes"), widget=django_forms.CheckboxSelectMultiple
    )
    head = django_forms.ChoiceField(label=gettext_lazy("Head of the new household"))

    def __init__(self, *given: object, people: forms.Choices, **named: object) -> None:
        super().__init__(*given, **named)
        self._people = len(people)
        forms.offer(self, "members", people)
        forms.offer(self, "head", [("", _("Choose")), *people])

    def clean(self) -> dict[str, object]:
        """The head goes too, and somebody stays."""
        said = super().clean() or {}
        going = said.get("members")
        if isinstance(going, list):
            if said.get("head") and said["head"] not in going:
                self.add_error("head", _("The new head has to be one of those who go."))
            if len(going) == self._people:
                self.add_error("members", _("Somebody has to stay. If all go, correct the area."))
        return said
