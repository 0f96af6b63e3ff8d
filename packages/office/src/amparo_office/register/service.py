"""Enrolling households and changing their records: what is allowed, and the order of the steps.

Every change raises the record's version, keeps what stood there before (sealed under the record's own key) and says by whom, why
and from where. Not here: who may ask (`access`, the views), how it is found (`search`), how it ends (`erasure`, `retention`).
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from django.db import connection, transaction

from amparo_common.secret import Secret
from amparo_office.errors import HouseholdRefused
from amparo_office.programmes import Needed
from amparo_office.register import bulk, catalogue, search
from amparo_office.register.correction import (
    HouseholdChanges,
    IndividualChanges,
    change_head,
    correct_household,
    correct_individual,
    leave,
    move,
    set_collectors,
    split,
)
from amparo_office.register.models import BirthPrecision, Collector, Household, Individual, Origin, Relationship
from amparo_office.register.refs import check_sign, chunks, new_numbers, new_ref, new_refs, read_ref
from amparo_office.register.rules import Facts, check_collectors
from amparo_office.register.sealing import Dwelling, Identity, seal
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.trail.service import Detail, note

__all__ = [
    "Counts",
    "HouseholdChanges",
    "IndividualChanges",
    "NewHousehold",
    "NewIndividual",
    "change_head",
    "check_household",
    "check_sign",
    "correct_household",
    "correct_individual",
    "enrol",
    "enrol_many",
    "leave",
    "make_origin",
    "move",
    "new_ref",
    "read_ref",
    "set_collectors",
    "split",
]

Progress = Callable[[int], None]


class NewIndividual(msgspec.Struct, frozen=True, kw_only=True):
    """A person to enrol. `birth_date` in days since 1970, as far as it is known (`birth_precision`); `source_key` is a keyed
    digest of the identifier in the source, 16 bytes."""

    identity: Identity
    relationship: str = Relationship.UNKNOWN.value
    birth_date: int | None = None
    birth_precision: str = BirthPrecision.UNKNOWN.value
    facts: Facts = {}
    source_key: bytes | None = None


class NewHousehold(msgspec.Struct, frozen=True, kw_only=True):
    """A household to enrol. `primary` and `alternate` are places in `members` (counted from 0)."""

    area: str | None = None
    language: str = "es"
    by_phone: bool = False
    facts: Facts = {}
    dwelling: Dwelling | None = None
    members: list[NewIndividual] = []
    primary: int = 0
    alternate: int | None = None
    source_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What was enrolled."""

    households: int
    individuals: int


# --- enrolling -----------------------------------------------------------------------------------------------------------


def enrol(
    new: NewHousehold,
    *,
    origin: Origin,
    by: StaffMember | None,
    at: datetime,
    needed: Needed | None = None,
) -> Household:
    """Enrol one household. `needed` are the facts that published programmes need (None: all of the catalogue). Raises
    `HouseholdRefused`, `CollectorsRefused`, and the catalogue's errors."""
    with transaction.atomic():
        (number,) = _enrol_some([new], origin, needed)
        made = Household.objects.get(id=number)
        note("register.enrolled", by=by, at=at, subject=made.ref, details={"individuals": len(new.members)})
        return made


def enrol_many(
    new: Iterable[NewHousehold],
    *,
    origin: Origin,
    by: StaffMember | None,
    at: datetime,
    progress: Progress = lambda _done: None,
    needed: Needed | None = None,
) -> Counts:
    """Enrol many, all or none. `progress` hears how many households are in."""
    households = individuals = 0
    with transaction.atomic(), _roomy():
        for some in chunks(new):
            _enrol_some(some, origin, needed)
            households += len(some)
            individuals += sum(len(each.members) for each in some)
            progress(households)
        details: dict[str, Detail] = {"households": households, "individuals": individuals}
        note("register.enrolled", by=by, at=at, subject=f"origin {origin.id}", details=details)
    return Counts(households=households, individuals=individuals)


def check_household(new: NewHousehold, needed: Needed | None = None) -> None:
    """Raises what `enrol` would raise for this household; stores nothing (for a dry run)."""
    if not new.members:
        raise HouseholdRefused("A household has no member.")
    if sum(member.relationship == Relationship.HEAD for member in new.members) > 1:
        raise HouseholdRefused("A household has two heads.")
    check_collectors(new.primary, new.alternate, range(len(new.members)))
    catalogue.check_facts("household", new.facts, needed)
    for member in new.members:
        catalogue.check_facts("person", _person_facts(member), needed)


def _person_facts(new: NewIndividual) -> Facts:
    return new.facts if new.birth_date is None else {**new.facts, "birth_date": new.birth_date}


def _enrol_some(some: list[NewHousehold], origin: Origin, needed: Needed | None) -> list[int]:
    for each in some:
        check_household(each, needed)
    people = [(place, member) for place, each in enumerate(some) for member in each.members]
    keys = vault().new_keys(len(some) + len(people))
    households = new_numbers(Household, len(some))
    individuals = new_numbers(Individual, len(people))
    bulk.insert_models(
        Household,
        [
            _household_row(new, number, ref, key, origin)
            for new, number, ref, key in zip(some, households, new_refs("H", len(some)), keys, strict=False)
        ],
    )
    index_key = vault().index_key
    rows: list[Individual] = []
    found: list[tuple[int, int]] = []
    for (place, member), number, ref, key in zip(
        people, individuals, new_refs("P", len(people)), keys[len(some) :], strict=True
    ):
        digests = search.digests_of(index_key, member.identity)
        row = _individual_row(member, number, ref, key, origin)
        row.household_id, row.searched = households[place], search.pack(digests)
        rows.append(row)
        found += [(value, number) for value in digests]
    bulk.insert_models(Individual, rows)
    bulk.insert("register_searchkey", ("digest", "individual_id"), sorted(found))
    _write_collectors(some, households, individuals)
    return households


def _write_collectors(some: list[NewHousehold], households: list[int], individuals: list[int]) -> None:
    rows: list[tuple[int, int, str]] = []
    first = 0
    for new, household in zip(some, households, strict=True):
        chosen = [(Collector.Kind.PRIMARY, new.primary), (Collector.Kind.ALTERNATE, new.alternate)]
        rows += [(household, individuals[first + place], kind.value) for kind, place in chosen if place is not None]
        first += len(new.members)
    bulk.insert("register_collector", ("household_id", "individual_id", "kind"), rows)


def _household_row(new: NewHousehold, number: int, ref: str, key: tuple[int, Secret], origin: Origin) -> Household:
    return Household(
        id=number,
        ref=ref,
        origin=origin,
        source_key=new.source_key,
        facts=new.facts,
        key=key[0],
        sealed=seal(key[1], "household", number, new.dwelling or Dwelling()),
        area_id=new.area,
        language=new.language,
        by_phone=new.by_phone,
    )


def _individual_row(new: NewIndividual, number: int, ref: str, key: tuple[int, Secret], origin: Origin) -> Individual:
    return Individual(
        id=number,
        ref=ref,
        origin=origin,
        source_key=new.source_key,
        facts=_person_facts(new),
        key=key[0],
        sealed=seal(key[1], "individual", number, new.identity),
        relationship=new.relationship,
        birth_precision=new.birth_precision,
    )


@contextlib.contextmanager
def _roomy() -> Iterator[None]:
    """SQLite keeps more pages in memory while the index grows in a million places."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size = -262144")
        try:
            yield
        finally:
            cursor.execute("PRAGMA cache_size = -2000")


def make_origin(kind: Origin.Kind, *, source: str, day: date, by: StaffMember | None, content_hash: str = "") -> Origin:
    """Where facts come from."""
    return Origin.objects.create(kind=kind, source=source, day=day, by=by, content_hash=content_hash)
