"""Enrolling a household at the desk: one question a page, back keeps the answers; the last page puts it into the register."""

from collections.abc import Callable
from functools import partial

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amparo_office.programmes import Needed
from amparo_office.register import forms, needs, search, service
from amparo_office.register.forms_draft import BirthDate, Draft, DraftMember, DraftStore
from amparo_office.register.forms_filter import codes_under
from amparo_office.register.forms_steps import (
    Asked,
    Step,
    answered,
    before,
    exists,
    following,
    heading,
    keep,
    question,
    read_step,
    without,
)
from amparo_office.register.models import Household, Individual, Origin, RecordState, Relationship
from amparo_office.register.rules import Facts
from amparo_office.register.sealing import Dwelling, Identity
from amparo_office.register.vault import vault
from amparo_office.register.views import (
    CHANGE,
    area_choices,
    area_name,
    asked_facts,
    birth_words,
    day_of,
    household_in_scope,
    knows_area,
    moment,
    shown_fact,
    today,
)
from amparo_rules.catalogue import Entity
from amparo_rules.starter import NAMES
from amparo_staff.accounts.access import member_of, requires

SOURCE = "desk"
_AREAS = 2000
_HINTS = 5
_LOOKED_AT = 20


class Possible(msgspec.Struct, frozen=True):
    """Somebody who is in the register already and may be one of the new people. Nothing of them is shown but this."""

    ref: str
    member: str
    area: str
    same_number: bool


class Line(msgspec.Struct, frozen=True):
    """One answer on the page that shows them all."""

    label: str
    value: str
    slug: str


@requires(CHANGE)
@require_http_methods(["GET", "POST"])
def new_household(request: HttpRequest) -> HttpResponse:
    """The start: what will be asked, and that nothing else is. A POST begins, or throws away what was begun."""
    store = _store(request)
    if request.method != "POST":
        asked = _asked(request, fresh=True)
        facts = [forms.fact_label(each) for each in (*asked.household, *asked.person)]
        if asked.born:
            facts.append(_("Date of birth"))
        shown = {"facts": facts, "begun": store.read(), "starters": NAMES}
        return render(request, "register/new_start.html", shown)
    draft = store.begin((get_language() or "es")[:2])
    answer = redirect("register-new-step", slug=following(Step("start"), draft, _asked(request)).slug)
    store.keep(draft, answer)
    return answer


@requires(CHANGE)
@require_http_methods(["GET", "POST"])
def new_step(request: HttpRequest, slug: str) -> HttpResponse:
    """One page. A POST keeps its answer and goes on; with mistakes it shows the page again."""
    store, asked, step = _store(request), _asked(request), read_step(slug)
    draft = store.read()
    if draft is None:
        return redirect("register-new")
    if step is None or not exists(step, draft, asked):
        return redirect("register-new-step", slug=following(Step("start"), draft, asked).slug)
    if step.kind in _SHOWN:
        return _SHOWN[step.kind](request, draft, asked)
    if request.method != "POST":
        return _page(request, step, draft, asked, question(step, draft, asked))
    form = answered(step, draft, asked, request.POST.dict())
    if form is None:
        raise Http404
    if not form.is_valid():
        return _page(request, step, draft, asked, form)
    keep(step, draft, form)
    answer = redirect("register-new-step", slug=_next(request, step, draft, asked, form).slug)
    store.keep(draft, answer)
    return answer


@requires(CHANGE)
@require_POST
def new_member_deed(request: HttpRequest, number: int) -> HttpResponse:
    """Take somebody out again, or make them the head."""
    store = _store(request)
    draft = store.read()
    if draft is None:
        return redirect("register-new")
    if request.POST.get("deed") == "head" and number < len(draft.members):
        for place, member in enumerate(draft.members):
            if place == number:
                member.relationship = Relationship.HEAD
            elif member.relationship == Relationship.HEAD:
                member.relationship = Relationship.UNKNOWN
    elif request.POST.get("deed") == "remove":
        without(draft, number)
    answer = redirect("register-new-step", slug="check" if draft.members else "member-0-name")
    store.keep(draft, answer)
    return answer


@requires(CHANGE)
@require_POST
def new_stop(request: HttpRequest) -> HttpResponse:
    """Throw away what was begun."""
    answer = redirect("register-list")
    _store(request).erase(answer)
    return answer


@requires(CHANGE)
@require_POST
def new_finish(request: HttpRequest) -> HttpResponse:
    """Put the household into the register and forget the answers. Sending it twice enrols once."""
    store, asked = _store(request), _asked(request)
    draft = store.read()
    if draft is None:
        return redirect("register-new")
    if not _is_complete(draft, asked):
        return redirect("register-new-step", slug="check")
    made = _enrolled(draft) or _enrol(draft, request)
    answer = redirect("register-new-done", ref=made.ref)
    store.erase(answer)
    return answer


@requires(CHANGE)
@require_safe
def new_done(request: HttpRequest, ref: str) -> HttpResponse:
    """The number that the household keeps, to print."""
    home = household_in_scope(request, ref, CHANGE)
    shown = {"home": home, "area": area_name(home.area), "size": home.members.count()}
    return render(request, "register/new_done.html", shown)


def _store(request: HttpRequest) -> DraftStore:
    return DraftStore(request, vault().named_key("draft"), moment())


def _asked(request: HttpRequest, *, fresh: bool = False) -> Asked:
    """What is asked now. The log itself is read at the start and at the end; in between, what it said last."""
    needed = needs.needed(moment(), fresh=fresh)
    mine = member_of(request).areas(CHANGE)
    choices = area_choices(mine, limit=_AREAS)
    by_code = partial(knows_area, mine) if not choices and codes_under(mine).exists() else None
    return Asked(
        household=asked_facts("household", needed),
        person=asked_facts("person", needed),
        areas=choices,
        by_code=by_code,
        today=today(),
        born=("person", "birth_date") in needed,
    )


def _page(request: HttpRequest, step: Step, draft: Draft, asked: Asked, form: forms.Form | None) -> HttpResponse:
    back = before(step, draft, asked)
    about = ""
    if step.member is not None and step.kind != "name" and step.member < len(draft.members):
        about = draft.members[step.member].whole_name()
    return render(
        request,
        "register/new_step.html",
        {
            "form": form,
            "heading": heading(step),
            "about": about,
            "step": step,
            "back": back.slug if back else None,
        },
    )


def _next(request: HttpRequest, step: Step, draft: Draft, asked: Asked, form: forms.Form) -> Step:
    if step.kind == "more" and form.cleaned_data["answer"] == "yes":
        return Step("name", len(draft.members))
    if request.GET.get("from") == "check" and draft.members:
        return Step("check")
    return following(step, draft, asked)


def _check(request: HttpRequest, draft: Draft, asked: Asked) -> HttpResponse:
    areas = dict(asked.areas)
    ways = _("On a phone") if draft.by_phone else _("On paper")
    home = [
        Line(_("Area"), areas.get(draft.area or "", _("Missing")), "area"),
        Line(_("Language"), dict(forms.LANGUAGES).get(draft.language, draft.language), "language"),
        Line(_("How it gets its aid"), ways, "way"),
        Line(_("Address"), draft.address or _("None"), "address"),
        *(Line(forms.fact_label(fact), shown_fact(fact, draft.facts), f"fact-{fact.name}") for fact in asked.household),
    ]
    people = [(number, member, _member_lines(number, member, asked)) for number, member in enumerate(draft.members)]
    primary = draft.members[draft.primary].whole_name() if draft.members else ""
    alternate = "" if draft.alternate is None else draft.members[draft.alternate].whole_name()
    shown = {"home": home, "people": people, "primary": primary, "alternate": alternate, "many": len(draft.members) > 1}
    return render(request, "register/new_check.html", shown | {"complete": _is_complete(draft, asked)})


def _is_complete(draft: Draft, asked: Asked) -> bool:
    return (
        bool(draft.members)
        and all(member.names for member in draft.members)
        and bool(draft.area or not asked.has_areas)
    )


def _member_lines(number: int, member: DraftMember, asked: Asked) -> list[Line]:
    at = f"member-{number}-"
    papers = forms.document_words()
    lines = [Line(_("Names"), " · ".join(name.whole() for name in member.names), f"{at}name")]
    if member.relationship == Relationship.HEAD:
        lines.append(Line(_("To the head"), _("Head of the household"), ""))
    else:
        words = forms.relationship_words().get(member.relationship, "")
        lines.append(Line(_("To the head"), words, f"{at}relationship" if number else ""))
    if asked.born:
        lines.append(Line(_("Born"), birth_words(member.birth.value, member.birth.precision), f"{at}birth"))
    lines += [
        Line(
            _("Paper"),
            ", ".join(f"{papers[each.kind]} {each.number}" for each in member.documents) or _("None"),
            f"{at}paper",
        ),
        Line(_("Telephone"), member.telephone or _("None"), f"{at}telephone"),
    ]
    return lines + [
        Line(forms.fact_label(fact), shown_fact(fact, member.facts), f"{at}fact-{fact.name}") for fact in asked.person
    ]


def _possible(request: HttpRequest, draft: Draft, asked: Asked) -> HttpResponse:
    found: dict[str, Possible] = {}
    for member in draft.members:
        for each in _alike(member, member_of(request).areas(CHANGE)):
            found.setdefault(each.ref, each)
    back = before(Step("possible"), draft, asked)
    shown = {"possible": list(found.values())[:_HINTS], "back": back.slug if back else None}
    return render(request, "register/new_possible.html", shown)


def _alike(member: DraftMember, areas: list[str]) -> list[Possible]:
    """People in these areas with a number of this member, or with such a name and no other year of birth. A missing date is no
    reason to think that they are the same, so the names alone must then agree in every word."""
    numbers = [member.telephone, *(paper.number for paper in member.documents)]
    by_number = {found for number in numbers if number for found in search.find(number, areas=areas, limit=_HINTS)}
    by_name = search.find(member.whole_name(), areas=areas, limit=_LOOKED_AT)
    people = Individual.objects.select_related("household__area").exclude(state=RecordState.MERGED)
    rows = {each.id: each for each in people.filter(id__in=[*by_number, *by_name]).defer("sealed", "household__sealed")}
    kept = [number for number in by_name if number in rows and _same_year(member, rows[number])]
    return [
        Possible(
            ref=rows[number].ref,
            member=member.whole_name(),
            area=area_name(home.area) if (home := rows[number].household) else "",
            same_number=number in by_number,
        )
        for number in dict.fromkeys([*sorted(by_number), *kept])
        if number in rows
    ]


def _same_year(member: DraftMember, other: Individual) -> bool:
    theirs = other.facts.get("birth_date")
    if member.birth.value is None or theirs is None:
        return False
    return abs(day_of(member.birth.value).year - day_of(theirs).year) <= 1


def _enrolled(draft: Draft) -> Household | None:
    return Household.objects.filter(source_key=bytes.fromhex(draft.once)).first()


def _enrol(draft: Draft, request: HttpRequest) -> Household:
    at = moment()
    needed = needs.needed(at)
    origin = Origin.objects.create(kind=Origin.Kind.DESK, source=SOURCE, day=at.date(), by=member_of(request))
    return service.enrol(new_of(draft, needed), origin=origin, by=member_of(request), at=at, needed=needed)


def new_of(draft: Draft, needed: Needed) -> service.NewHousehold:
    """The household that the answers tell of. An answer that a programme needed when it was asked, and none needs now, is left
    out."""
    return service.NewHousehold(
        area=draft.area,
        language=draft.language,
        by_phone=draft.by_phone,
        facts=_still_needed("household", draft.facts, needed),
        dwelling=Dwelling(address=draft.address) if draft.address else None,
        members=[_new_member(member, draft.language, needed) for member in draft.members],
        primary=draft.primary,
        alternate=draft.alternate,
        source_key=bytes.fromhex(draft.once),
    )


def _new_member(member: DraftMember, language: str, needed: Needed) -> service.NewIndividual:
    born = member.birth if ("person", "birth_date") in needed else BirthDate()
    return service.NewIndividual(
        identity=Identity(
            names=member.names, documents=member.documents, telephone=member.telephone, language=language
        ),
        relationship=member.relationship,
        birth_date=born.value,
        birth_precision=born.precision,
        facts=_still_needed("person", member.facts, needed),
        source_key=None,
    )


def _still_needed(entity: Entity, facts: Facts, needed: Needed) -> Facts:
    return {name: value for name, value in facts.items() if (entity, name) in needed}


_SHOWN: dict[str, Callable[[HttpRequest, Draft, Asked], HttpResponse]] = {"check": _check, "possible": _possible}
