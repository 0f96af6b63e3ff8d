"""The pages of enrolling a household, one question each, and their order: which form a page has, what it keeps in the draft, what
comes after it. Pure but for Django's forms: who stores the draft and shows the pages is `views_new`."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import cast

import msgspec
from django.utils.translation import gettext as _

from amparo_office.register import forms
from amparo_office.register.forms_draft import Draft, DraftMember
from amparo_office.register.models import Relationship
from amparo_rules.catalogue import FactDefinition

HOME = ("area", "language", "way", "address")
MEMBER = ("name", "relationship", "birth", "paper", "telephone")
_SLUG = re.compile(r"^(?:member-(\d{1,2})-)?(?:fact-([a-z0-9_]{1,60})|([a-z]+))$")
NOBODY = "nobody"


class Asked(msgspec.Struct, frozen=True):
    """What may be asked: the facts that a published programme needs (`born`: the date of birth among them), and the areas in which
    the member enrols: to choose from, or (`areas` empty, `by_code`) too many for that."""

    household: Sequence[FactDefinition]
    person: Sequence[FactDefinition]
    areas: Sequence[tuple[str, str]]
    by_code: Callable[[str], bool] | None
    today: date
    born: bool

    @property
    def has_areas(self) -> bool:
        """Whether an area has to be told."""
        return bool(self.areas) or self.by_code is not None


class Step(msgspec.Struct, frozen=True):
    """One page. `member` is a place among the members; None for the household."""

    kind: str
    member: int | None = None
    fact: str = ""

    @property
    def slug(self) -> str:
        """Its part of the address."""
        own = f"fact-{self.fact}" if self.fact else self.kind
        return own if self.member is None else f"member-{self.member}-{own}"


def read_step(slug: str) -> Step | None:
    """The page of an address; None when there is none."""
    known = _SLUG.match(slug)
    if known is None:
        return None
    member = int(known[1]) if known[1] else None
    return Step("fact", member, known[2]) if known[2] else Step(known[3], member)


def steps(draft: Draft, asked: Asked) -> list[Step]:
    """Every page in its order, for the members who are there."""
    pages = [Step(kind) for kind in HOME if kind != "area" or asked.has_areas]
    pages += [Step("fact", None, fact.name) for fact in asked.household]
    for number in range(max(1, len(draft.members))):
        pages += [Step(kind, number) for kind in _member_pages(number, asked)]
        pages += [Step("fact", number, fact.name) for fact in asked.person]
    pages.append(Step("more"))
    if len(draft.members) > 1:
        pages += [Step("primary"), Step("alternate")]
    return [*pages, Step("possible"), Step("check")]


def _member_pages(number: int, asked: Asked) -> list[str]:
    left_out = {"relationship": not number, "birth": not asked.born}
    return [kind for kind in MEMBER if not left_out.get(kind, False)]


def exists(step: Step, draft: Draft, asked: Asked) -> bool:
    """Whether the page can be opened now. The name of one more member can."""
    return step in steps(draft, asked) or (step.kind == "name" and step.member == len(draft.members) < 40)


def following(step: Step, draft: Draft, asked: Asked) -> Step:
    """What comes after a page that was answered."""
    pages = steps(draft, asked)
    return pages[min(pages.index(step) + 1, len(pages) - 1)] if step in pages else pages[0]


def before(step: Step, draft: Draft, asked: Asked) -> Step | None:
    """The page to go back to."""
    pages = steps(draft, asked)
    if step not in pages:
        return Step("more")
    place = pages.index(step)
    return pages[place - 1] if place else None


def question(step: Step, draft: Draft, asked: Asked) -> forms.Form | None:
    """The form of a page with the answer given before; None for the pages that show."""
    return _form(step, draft, asked, None)


def answered(step: Step, draft: Draft, asked: Asked, data: Mapping[str, str]) -> forms.Form | None:
    """The form of a page with what was posted; None for the pages that show."""
    return _form(step, draft, asked, data)


def heading(step: Step) -> str:
    """The one heading of a page; about whom stands under it."""
    words = {
        "area": _("Where does the household live?"),
        "language": _("Which language does it speak?"),
        "way": _("How does it get its aid?"),
        "address": _("How is it found?"),
        "more": _("Does anybody else live here?"),
        "primary": _("Who collects the aid?"),
        "alternate": _("Who else may collect it?"),
        "possible": _("Is somebody here already?"),
        "check": _("Check the answers"),
        "relationship": _("What is this person to the head?"),
        "birth": _("When was this person born?"),
        "paper": _("Does this person have a paper?"),
        "telephone": _("Does this person have a telephone?"),
        "fact": _("One fact"),
    }
    if step.kind == "name":
        return _("Who is the head of the household?") if step.member == 0 else _("Who else lives here?")
    return words[step.kind]


def keep(step: Step, draft: Draft, form: forms.Form) -> None:
    """Put a page's valid answer into the draft."""
    if step.member is None:
        _keep_home(step, draft, form)
        return
    if step.member == len(draft.members):
        draft.members.append(DraftMember(relationship=Relationship.UNKNOWN if step.member else Relationship.HEAD))
    _keep_member(step, draft.members[step.member], form)


def without(draft: Draft, number: int) -> None:
    """Take a member out again. The first of those who stay is the head if the head went; collectors are asked anew."""
    if 0 <= number < len(draft.members):
        del draft.members[number]
    draft.primary, draft.alternate = 0, None
    if draft.members:
        draft.members[0].relationship = Relationship.HEAD


def _form(step: Step, draft: Draft, asked: Asked, data: Mapping[str, str] | None) -> forms.Form | None:
    if step.member is not None:
        known = draft.members[step.member] if step.member < len(draft.members) else DraftMember()
        return _member_form(step, known, asked, data)
    match step.kind:
        case "area" if asked.by_code is not None:
            return forms.AreaCodeForm(data, known=asked.by_code, initial={"answer": draft.area or ""})
        case "area":
            choices = [("", _("Choose")), *asked.areas]
            return _choice(_("Area"), choices, draft.area or "", data, select=True)
        case "language":
            return _choice(_("Language"), forms.LANGUAGES, draft.language, data)
        case "way":
            said = [("phone", _("On a phone")), ("paper", _("On paper"))]
            return _choice(_("Way"), said, "phone" if draft.by_phone else "paper", data)
        case "address":
            return forms.AddressForm(data, initial={"address": draft.address})
        case "fact":
            return _fact_form(step, asked.household, draft.facts, data)
        case "more":
            said = [("yes", _("Yes, add somebody")), ("no", _("No, that is everybody"))]
            return _choice(_("Does anybody else live here?"), said, "", data)
        case "primary":
            return _choice(_("Collects the aid"), _people(draft), str(draft.primary), data)
        case "alternate":
            others = [each for each in _people(draft) if each[0] != str(draft.primary)]
            now = NOBODY if draft.alternate is None else str(draft.alternate)
            return _choice(_("May collect it too"), [*others, (NOBODY, _("Nobody else"))], now, data)
    return None


def _member_form(step: Step, known: DraftMember, asked: Asked, data: Mapping[str, str] | None) -> forms.Form | None:
    match step.kind:
        case "name":
            return forms.NameForm(data, initial=forms.NameForm.initial_from(known.names))
        case "relationship":
            return _choice(_("To the head"), forms.relationship_choices(), known.relationship, data)
        case "birth":
            shown = forms.BirthDateForm.initial_from(known.birth.value, known.birth.precision, asked.today)
            return forms.BirthDateForm(data, initial=shown, today=asked.today)
        case "paper":
            return forms.PaperForm(data, initial=forms.PaperForm.initial_from(known.documents))
        case "telephone":
            return forms.TelephoneForm(data, initial={"telephone": known.telephone})
        case "fact":
            return _fact_form(step, asked.person, known.facts, data)
    return None


def _fact_form(
    step: Step, facts: Sequence[FactDefinition], known: dict[str, int | None], data: Mapping[str, str] | None
) -> forms.FactForm | None:
    for fact in facts:
        if fact.name == step.fact:
            return forms.FactForm(data, definition=fact, initial=forms.FactForm.initial_from(fact, known))
    return None


def _keep_home(step: Step, draft: Draft, form: forms.Form) -> None:
    said = form.cleaned_data
    match step.kind:
        case "area":
            draft.area = said["answer"]
        case "language":
            draft.language = said["answer"]
        case "way":
            draft.by_phone = said["answer"] == "phone"
        case "address":
            draft.address = said["address"]
        case "primary":
            draft.primary = int(said["answer"])
            draft.alternate = None if draft.alternate == draft.primary else draft.alternate
        case "alternate":
            draft.alternate = None if said["answer"] == NOBODY else int(said["answer"])
        case "fact":
            draft.facts[step.fact] = cast(forms.FactForm, form).value()


def _keep_member(step: Step, member: DraftMember, form: forms.Form) -> None:
    match form:
        case forms.NameForm():
            member.names = form.names()
        case forms.BirthDateForm():
            member.birth = form.birth_date()
        case forms.PaperForm():
            member.documents = form.documents()
        case forms.TelephoneForm():
            member.telephone = form.cleaned_data["telephone"]
        case forms.FactForm():
            member.facts[step.fact] = form.value()
        case _:
            member.relationship = form.cleaned_data["answer"]


def _people(draft: Draft) -> list[tuple[str, str]]:
    return [(str(place), member.whole_name()) for place, member in enumerate(draft.members)]


def _choice(
    label: str, choices: forms.Choices, now: str, data: Mapping[str, str] | None, *, select: bool = False
) -> forms.ChoiceForm:
    return forms.ChoiceForm(data, label=label, choices=choices, select=select, initial={"answer": now})
