"""Reading many records for a list that leaves the register.

Who will be in it is written into the access log first, in one transaction: one reading, and the set of records (`access_pages`).
Then they are read, part by part, outside of it; whoever came since is not read. Opened is what stands in the list and nothing else:
of a household the head, who receives for it, and the address; of a list of people everybody in it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Count, QuerySet

from amparo_common.secret import Secret
from amparo_office.register import access_pages, bulk
from amparo_office.register.access import IDENTITY, Kinds, Reader, reader_of, shown
from amparo_office.register.access_pages import Numbers
from amparo_office.register.models import Access, Collector, Household, Individual, RecordState, Relationship
from amparo_office.register.sealing import Identity, open_dwelling, open_identity
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember

PURPOSE = "export"
HOMES: Kinds = frozenset({"facts", "place", "names", "telephone", "address"})
PEOPLE: Kinds = frozenset({"facts", "place", "names", "telephone", "documents"})
AT_ONCE = 1_000
_SEEN_AT_ONCE = 5_000


class ListedHome(msgspec.Struct, frozen=True):
    """A household in a list. `members` is how many there are. Where there is no head, no collector or no address, or the list is
    without identity, it is None or ""."""

    id: int
    ref: str
    version: int
    state: str
    area: str
    language: str
    by_phone: bool
    facts: dict[str, int | None]
    members: int
    head: Identity | None
    collector: Identity | None
    address: str


class ListedPerson(msgspec.Struct, frozen=True):
    """A person in a list, with their household's number, reference and area."""

    id: int
    ref: str
    version: int
    household: int
    household_ref: str
    area: str
    relationship: str
    birth_precision: str
    facts: dict[str, int | None]
    identity: Identity | None


@dataclass(frozen=True, slots=True)
class _Noted:
    """Whom the access log says to have been read."""

    homes: Numbers
    people: Numbers


def read_homes(
    numbers: Sequence[int], *, identity: bool, by: StaffMember | None, at: datetime
) -> Iterator[list[ListedHome]]:
    """These households in this order, in parts. Those outside the reader's areas, or erased, are left out. The reading is written
    down before this returns. Call it where an error does not undo that: not inside a transaction of your own."""
    reader = reader_of(by, PURPOSE, at, HOMES if identity else HOMES - IDENTITY)
    noted = _note(numbers, reader, _named_in if reader.kinds & IDENTITY else _nobody_in)
    return (_homes(part, reader, noted) for part in _parts(numbers, AT_ONCE))


def read_people(
    numbers: Sequence[int], *, identity: bool, by: StaffMember | None, at: datetime
) -> Iterator[list[ListedPerson]]:
    """The people of these households, household by household, in parts; otherwise like `read_homes`."""
    reader = reader_of(by, PURPOSE, at, PEOPLE if identity else PEOPLE - IDENTITY)
    noted = _note(numbers, reader, _everybody_in)
    return (_people(part, reader, noted) for part in _parts(numbers, AT_ONCE))


# --- writing it down -----------------------------------------------------------------------------------------------------


def _note(numbers: Sequence[int], reader: Reader, whom: Callable[[Sequence[int]], Iterable[int]]) -> _Noted:
    noted = _Noted(Numbers(), Numbers())
    with transaction.atomic():
        for part in _parts(numbers, _SEEN_AT_ONCE):
            found = Household.objects.filter(id__in=bulk.these(part)).values_list("id", "area_id")
            seen = [number for number, area in found if reader.may_see(area or "")]
            noted.homes.add(seen)
            noted.people.add(whom(seen))
        row = Access.objects.create(at=reader.at, by=reader.by, purpose=reader.purpose, kinds=sorted(reader.kinds))
        access_pages.write(row, noted.homes, noted.people)
    return noted


def _everybody_in(homes: Sequence[int]) -> Iterable[int]:
    return _members(homes).values_list("id", flat=True)


def _named_in(homes: Sequence[int]) -> Iterable[int]:
    return [*_heads(homes).values(), *_collectors(homes).values()]


def _nobody_in(_homes: Sequence[int]) -> Iterable[int]:
    return ()


# --- reading -------------------------------------------------------------------------------------------------------------


def _homes(part: Sequence[int], reader: Reader, noted: _Noted) -> list[ListedHome]:
    columns = ("id", "ref", "state", "area_id", "language", "by_phone", "facts", "key", "sealed", "version")
    rows = _in_order(part, Household.objects.filter(id__in=bulk.these(part)).values_list(*columns), reader, noted)
    there = [row[0] for row in rows]
    counted = dict(_members(there).values_list("household_id").annotate(Count("id")))
    opening = bool(reader.kinds & IDENTITY)
    heads, collectors = (_heads(there), _collectors(there)) if opening else ({}, {})
    people = _identities({*heads.values(), *collectors.values()}, reader, noted)
    keys = vault().keys([row[7] for row in rows])
    return [
        ListedHome(
            id=number,
            ref=ref,
            version=version,
            state=state,
            area=area or "",
            language=language,
            by_phone=by_phone,
            facts=facts,
            members=counted.get(number, 0),
            head=people.get(heads.get(number, 0)),
            collector=people.get(collectors.get(number, 0)),
            address=open_dwelling(keys[key], number, sealed).address if opening and sealed is not None else "",
        )
        for number, ref, state, area, language, by_phone, facts, key, sealed, version in rows
        if key in keys
    ]


def _people(part: Sequence[int], reader: Reader, noted: _Noted) -> list[ListedPerson]:
    columns = ("id", "ref", "household_id", "relationship", "birth_precision", "facts", "key", "sealed", "version")
    found = Household.objects.filter(id__in=bulk.these(part)).values_list("id", "ref", "state", "area_id")
    homes = {row[0]: row for row in _in_order(part, found, reader, noted)}
    places = {number: place for place, number in enumerate(homes)}
    rows = [row for row in _members(homes).values_list(*columns) if row[0] in noted.people]
    rows.sort(key=lambda row: (places[row[2]], row[0]))
    keys = vault().keys([row[6] for row in rows])
    return [
        ListedPerson(
            id=number,
            ref=ref,
            version=version,
            household=home,
            household_ref=homes[home][1],
            area=homes[home][3] or "",
            relationship=relationship,
            birth_precision=precision,
            facts=facts,
            identity=_opened(number, keys[key], sealed, reader),
        )
        for number, ref, home, relationship, precision, facts, key, sealed, version in rows
        if key in keys
    ]


def _parts(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _in_order(part: Sequence[int], found: Iterable[Any], reader: Reader, noted: _Noted) -> list[Any]:
    """Rows that begin with id, reference, state, area: those of households that were noted and still lie in the reader's areas."""
    rows = {row[0]: row for row in found if row[0] in noted.homes and reader.may_see(row[3] or "")}
    return [rows[number] for number in part if number in rows]


def _members(homes: Collection[int]) -> QuerySet[Individual]:
    return Individual.objects.filter(household_id__in=bulk.these(homes)).exclude(state=RecordState.MERGED)


def _heads(homes: Collection[int]) -> dict[int, int]:
    """Household -> its head; one who left only where nobody followed."""
    rows = _members(homes).filter(relationship=Relationship.HEAD).values_list("household_id", "id", "state")
    found = sorted(rows, key=lambda row: (row[2] != RecordState.LEFT, -row[1]))
    return {home: head for home, head, _state in found if home is not None}


def _collectors(homes: Collection[int]) -> dict[int, int]:
    """Household -> who receives for it first."""
    rows = Collector.objects.filter(household_id__in=bulk.these(homes), kind=Collector.Kind.PRIMARY)
    return dict(rows.values_list("household_id", "individual_id"))


def _identities(numbers: Collection[int], reader: Reader, noted: _Noted) -> dict[int, Identity]:
    rows = [
        row
        for row in Individual.objects.filter(id__in=bulk.these(numbers), sealed__isnull=False).values_list(
            "id", "key", "sealed"
        )
        if row[0] in noted.people
    ]
    keys = vault().keys([row[1] for row in rows])
    opened = ((row[0], _opened(row[0], keys[row[1]], row[2], reader)) for row in rows if row[1] in keys)
    return {number: identity for number, identity in opened if identity is not None}


def _opened(number: int, key: Secret, sealed: bytes | memoryview | None, reader: Reader) -> Identity | None:
    if sealed is None or not reader.kinds & IDENTITY:
        return None
    return shown(open_identity(key, number, sealed), reader.kinds)
