"""The page of a household and the page of a person: facts with their source and purpose, changes, and every access. What identifies
somebody is shown only in answer to a POST that says for what, and that is written down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from amparo_office.programmes import Needed
from amparo_office.register import access, catalogue, needs, said
from amparo_office.register.forms import LANGUAGES, document_words, fact_label, relationship_words
from amparo_office.register.forms_search import PurposeForm
from amparo_office.register.models import Access, Change, Individual, Origin, Record
from amparo_office.register.sealing import open_difference
from amparo_office.register.vault import vault
from amparo_office.register.views import (
    CHANGE,
    IDENTITY,
    STATE_KINDS,
    VIEW,
    area_name,
    asked_facts,
    birth_words,
    change_words,
    field_words,
    household_in_scope,
    is_open,
    kind_words,
    moment,
    origin_words,
    person_in_scope,
    purpose_words,
    shown_fact,
    state_words,
)
from amparo_rules.catalogue import Entity
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.accounts.models import StaffMember

SHOWN_AT_ONCE = 200


class FactLine(msgspec.Struct, frozen=True):
    """A fact as a page shows it. `needed`: a published programme needs it; otherwise it ends after its retention."""

    name: str
    label: str
    value: str
    source: str
    purpose: str
    retention_days: int
    needed: bool


class ChangeLine(msgspec.Struct, frozen=True):
    """A change as a page shows it. `values`: field, before, after; empty without a purpose that opens them."""

    at: datetime
    who: str
    what: str
    fields: list[str]
    reason: str
    values: list[tuple[str, str, str]]


class AccessLine(msgspec.Struct, frozen=True):
    """A reading as a page shows it."""

    at: datetime
    who: str
    purpose: str
    kinds: list[str]
    refused: bool
    everybody: bool


@requires(VIEW)
@require_http_methods(["GET", "POST"])
def household(request: HttpRequest, ref: str) -> HttpResponse:
    """A household with its members."""
    home = household_in_scope(request, ref)
    purpose, form = _purpose(request)
    seen = access.read_household(
        home.id, by=member_of(request), purpose=purpose, at=moment(), kinds=_kinds(form, purpose)
    )
    changes = Change.objects.filter(household=home)
    shown = _shared(request, home, form, "household", seen.facts) | {
        "home": home,
        "seen": seen,
        "area": area_name(home.area),
        "language": dict(LANGUAGES).get(home.language, home.language),
        "members": [_member(each) for each in seen.members],
        "collectors": [
            (kind == "primary", _member(each)) for kind, each in sorted(seen.collectors.items(), reverse=True)
        ],
        "changes": _changes(changes, home, "household-change", opens=_opens_history(form, purpose)),
        "accesses": _accesses(access.accesses_of_household(home.id)),
    }
    return render(request, "register/household.html", shown)


@requires(VIEW)
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, ref: str) -> HttpResponse:
    """A person."""
    who = person_in_scope(request, ref)
    purpose, form = _purpose(request)
    seen = access.read_individual(
        who.id, by=member_of(request), purpose=purpose, at=moment(), kinds=_kinds(form, purpose)
    )
    papers = document_words()
    changes = Change.objects.filter(individual=who)
    shown = _shared(request, who, form, "person", seen.facts) | {
        "who": who,
        "seen": seen,
        "shows": dict.fromkeys(_kinds(form, purpose), True),
        "papers": [(papers.get(each.kind, each.kind), each) for each in seen.identity.documents]
        if seen.identity
        else [],
        "born": birth_words(seen.facts.get("birth_date"), seen.birth_precision),
        "relationship": relationship_words().get(seen.relationship, ""),
        "collects_for": [each.household.ref for each in who.collects_for.select_related("household")],
        "changes": _changes(changes, who, "individual-change", opens=_opens_history(form, purpose)),
        "accesses": _accesses(access.accesses_of(who.id)),
    }
    return render(request, "register/person.html", shown)


def quiet_purpose(member: StaffMember) -> str:
    """For what a page without names is read: to serve, or for those who only look, to count."""
    return "service" if member.may(IDENTITY) else "statistics"


def _purpose(request: HttpRequest) -> tuple[str, PurposeForm | None]:
    """The purpose that was chosen, with its valid form; otherwise the quiet one and what is to be shown of the form."""
    member = member_of(request)
    if request.method == "POST" and member.may(IDENTITY):
        form = PurposeForm(request.POST)
        if form.is_valid():
            return form.cleaned_data["purpose"], form
    return quiet_purpose(member), None


def _kinds(form: PurposeForm | None, purpose: str) -> access.Kinds:
    quiet = frozenset({"facts", "place"})
    return access.PURPOSES[purpose].kinds if form else quiet & access.PURPOSES[purpose].kinds


def _opens_history(form: PurposeForm | None, purpose: str) -> bool:
    return form is not None and "history" in access.PURPOSES[purpose].kinds


def _shared(
    request: HttpRequest, record: Record, form: PurposeForm | None, entity: Entity, facts: Mapping[str, int | None]
) -> dict[str, object]:
    member = member_of(request)
    needed = needs.needed(moment(), fresh=False)
    return {
        "purpose_form": PurposeForm() if member.may(IDENTITY) else None,
        "opened_for": access.PURPOSES[form.cleaned_data["purpose"]].words if form else None,
        "state": state_words()[record.state],
        "kind": STATE_KINDS[record.state],
        "change_url": reverse(f"register-{entity}-change", args=[record.ref, "x"]).removesuffix("x/"),
        "missing": [(fact.name, fact_label(fact)) for fact in asked_facts(entity, needed) if fact.name not in facts],
        "source": origin_words(record.origin),
        "facts": _facts(record, entity, facts, needed),
        "may_change": member.may(CHANGE) and is_open(record),
        "may_erase": member.may("register.erase"),
        "may_hand_over": member.may(IDENTITY),
        "limit": SHOWN_AT_ONCE,
    }


def _facts(record: Record, entity: Entity, facts: Mapping[str, int | None], needed: Needed) -> list[FactLine]:
    declared: dict[str, int] = record.declared or {}
    origins = Origin.objects.in_bulk([number for name, number in declared.items() if name in facts])
    definitions = catalogue.known()
    lines = []
    for name in facts:
        fact = definitions.get((entity, name))
        if fact is None or name in ("birth_date", "is_head"):
            continue
        origin = origins.get(declared.get(name, 0), record.origin)
        source = f"{origin_words(origin)}, {origin.day.isoformat()}"
        value = shown_fact(fact, dict(facts))
        purpose, is_needed = purpose_words(fact.purpose), (entity, name) in needed
        lines.append(FactLine(name, fact_label(fact), value, source, purpose, fact.retention_days, is_needed))
    return lines


def _member(seen: access.IndividualView) -> dict[str, object]:
    return {
        "ref": seen.ref,
        "name": seen.name() if seen.identity else "",
        "relationship": relationship_words().get(seen.relationship, ""),
        "born": birth_words(seen.facts.get("birth_date"), seen.birth_precision),
        "state": state_words()[seen.state],
    }


def _changes(
    rows: QuerySet[Change], record: Record, kind: Literal["household-change", "individual-change"], *, opens: bool
) -> list[ChangeLine]:
    """The changes, newest first. Their values only when the chosen purpose opens the history; `access` has written that down."""
    key = vault().key(record.key) if opens and record.key else None
    lines = []
    for row in rows.select_related("by").order_by("-at", "-id")[:SHOWN_AT_ONCE]:
        values: list[tuple[str, str, str]] = []
        if key is not None and row.sealed is not None:
            told = open_difference(key, kind, record.pk, row.sealed)
            entity: Entity = "person" if isinstance(record, Individual) else "household"
            precision = record.birth_precision if isinstance(record, Individual) else ""
            values = [
                (field_words(name), *said.both_sides(name, told.before, told.after, entity=entity, precision=precision))
                for name in row.fields
            ]
        who, why = row.by.name if row.by else "", said.reason_words(row.reason)
        fields = [field_words(name) for name in row.fields]
        lines.append(ChangeLine(row.at, who, change_words(row.what), fields, why, values))
    return lines


def _accesses(rows: QuerySet[Access]) -> list[AccessLine]:
    words = kind_words()
    return [
        AccessLine(
            at=row.at,
            who=row.by.name if row.by else "",
            purpose=str(access.PURPOSES[row.purpose].words) if row.purpose in access.PURPOSES else row.purpose,
            kinds=[words.get(kind, kind) for kind in row.kinds],
            refused=row.refused,
            everybody=row.everybody,
        )
        for row in rows[:SHOWN_AT_ONCE]
    ]
