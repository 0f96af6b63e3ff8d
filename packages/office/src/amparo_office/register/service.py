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
from amparo_office.register.models import (
    BirthPrecision,
    Collector,
    Household,
    Individual,
    Origin,
    RecordState,
    Relationship,
)
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
    "Ready",
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
    "ready",
    "set_collectors",
    "split",
    "write_ready",
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


HouseholdRow = tuple[int, bytes | None, str, int, bytes, str | None, str, bool]
IndividualRow = tuple[int, int, bytes | None, str, int, bytes, str, str, bytes]
_HOUSEHOLD = ("id", "source_key", "facts", "key", "sealed", "area_id", "language", "by_phone")
_INDIVIDUAL = (
    "id",
    "household_id",
    "source_key",
    "facts",
    "key",
    "sealed",
    "relationship",
    "birth_precision",
    "searched",
)
# What every new record has besides reference and origin.
_REST: dict[str, bulk.Value] = {"state": RecordState.NEW.value, "declared": "{}", "version": 1}


class Ready(msgspec.Struct, frozen=True, array_like=True):
    """Up to a thousand households that have only to be written: rows of the tables, in the order of `_HOUSEHOLD`, `_INDIVIDUAL` and
    household, person, kind. Nothing in it is in the clear that the database would not hold in the clear."""

    households: list[HouseholdRow]
    individuals: list[IndividualRow]
    collectors: list[tuple[int, int, str]]

    def source_keys(self) -> list[bytes]:
        """By what the households are known again."""
        return [row[1] for row in self.households if row[1] is not None]


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
        one = _ready([new], needed)
        _write(one, origin)
        made = Household.objects.get(id=one.households[0][0])
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
    with transaction.atomic():
        return write_ready(ready(new, needed), origin=origin, by=by, at=at, progress=progress)


def ready(new: Iterable[NewHousehold], needed: Needed | None) -> Iterator[Ready]:
    """Check, number and seal households, up to a thousand at a time: all of enrolling but the writing, so that it can be done
    before the transaction that writes them and keeps others waiting. What is never written leaves numbers that no row has and keys
    that open nothing. Raises like `enrol`."""
    for some in chunks(new):
        yield _ready(some, needed)


def write_ready(
    every: Iterable[Ready],
    *,
    origin: Origin,
    by: StaffMember | None,
    at: datetime,
    progress: Progress = lambda _done: None,
) -> Counts:
    """Write what `ready` made, in the caller's transaction. `progress` as in `enrol_many`."""
    households = individuals = 0
    with _roomy():
        for some in every:
            _write(some, origin)
            households += len(some.households)
            individuals += len(some.individuals)
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


def _ready(some: list[NewHousehold], needed: Needed | None) -> Ready:
    for each in some:
        check_household(each, needed)
    people = [(place, member) for place, each in enumerate(some) for member in each.members]
    with transaction.atomic():
        households, individuals = new_numbers(Household, len(some)), new_numbers(Individual, len(people))
    keys, index_key = vault().new_keys(len(some) + len(people)), vault().index_key
    return Ready(
        households=[_household_row(new, number, key) for new, number, key in zip(some, households, keys, strict=False)],
        individuals=[
            _individual_row(new, number, households[place], key, index_key)
            for (place, new), number, key in zip(people, individuals, keys[len(some) :], strict=True)
        ],
        collectors=_collector_rows(some, households, individuals),
    )


def _household_row(new: NewHousehold, number: int, key: tuple[int, Secret]) -> HouseholdRow:
    sealed = seal(key[1], "household", number, new.dwelling or Dwelling())
    return number, new.source_key, bulk.json_text(new.facts), key[0], sealed, new.area, new.language, new.by_phone


def _individual_row(
    new: NewIndividual, number: int, household: int, key: tuple[int, Secret], index_key: Secret
) -> IndividualRow:
    return (
        number,
        household,
        new.source_key,
        bulk.json_text(_person_facts(new)),
        key[0],
        seal(key[1], "individual", number, new.identity),
        new.relationship,
        new.birth_precision,
        search.pack(search.digests_of(index_key, new.identity)),
    )


def _collector_rows(
    some: list[NewHousehold], households: list[int], individuals: list[int]
) -> list[tuple[int, int, str]]:
    rows: list[tuple[int, int, str]] = []
    first = 0
    for new, household in zip(some, households, strict=True):
        chosen = [(Collector.Kind.PRIMARY, new.primary), (Collector.Kind.ALTERNATE, new.alternate)]
        rows += [(household, individuals[first + place], kind.value) for kind, place in chosen if place is not None]
        first += len(new.members)
    return rows


def _write(some: Ready, origin: Origin) -> None:
    rest = (origin.id, *_REST.values())
    homes, people = some.households, some.individuals
    home_rows = [(*row, ref, *rest) for row, ref in zip(homes, new_refs("H", len(homes)), strict=True)]
    bulk.insert(Household._meta.db_table, (*_HOUSEHOLD, "ref", "origin_id", *_REST), home_rows)
    person_rows = [(*row, ref, *rest) for row, ref in zip(people, new_refs("P", len(people)), strict=True)]
    bulk.insert(Individual._meta.db_table, (*_INDIVIDUAL, "ref", "origin_id", *_REST), person_rows)
    searched = search.rows_of([(row[0], row[-1]) for row in people])
    bulk.insert(search.TABLE, search.COLUMNS, searched)
    bulk.insert("register_collector", ("household_id", "individual_id", "kind"), some.collectors)


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
