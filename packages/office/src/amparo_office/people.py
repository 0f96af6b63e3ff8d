"""What cycles, cards and enrolment codes read of the register: facts to decide by, names to print, which household is meant.

The register is the desk's (`register`); there is no other. These functions run in threads that Django does not look after, so each
leaves no connection open. Read: households and people who neither left nor were merged into another record.
"""

import contextlib
from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec
from django.db import OperationalError, connections
from django.db.models import Exists, OuterRef, QuerySet

from amparo_office.intake.keys import key_of_ref
from amparo_office.register.access import open_for_matching
from amparo_office.register.models import Erased, Household, Individual, Origin, RecordState, Relationship
from amparo_office.register.refs import chunks, read_ref
from amparo_office.register.sealing import Identity
from amparo_office.register.vault import vault
from amparo_rules.receipt import Declared
from amparo_service.errors import Unreachable

_GONE = (RecordState.LEFT.value, RecordState.MERGED.value)
_ROW = (
    "household_id",
    "household__ref",
    "household__by_phone",
    "household__facts",
    "household__origin__source",
    "household__origin__day",
    "relationship",
    "facts",
)


class HouseholdRow(msgspec.Struct, frozen=True):
    """A household with its facts (scaled integers by the catalogue's names); members in the order of the register."""

    number: int
    ref: str
    by_phone: bool
    declared: Declared
    facts: dict[str, int | None]
    members: list[dict[str, int | None]]


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """The register, for this thread, until the end of the block. Raises `Unreachable` when its database gives no answer."""
    try:
        yield
    except OperationalError as error:
        raise Unreachable("The register gives no answer.") from error
    finally:
        connections.close_all()


def count() -> int:
    """How many households are decided about."""
    with reading():
        return _counting().count()


def batches(*, after: int, size: int) -> Iterator[list[HouseholdRow]]:
    """Every household whose number is above `after`, in the order of the register, at most `size` at once and never none."""
    while True:
        with reading():
            numbers = list(_counting().filter(id__gt=after).order_by("id").values_list("id", flat=True)[:size])
            found = _rows(numbers) if numbers else []
        if not numbers:
            return
        after = numbers[-1]
        if found:
            yield found


def _counting() -> QuerySet[Household]:
    member = Individual.objects.filter(household=OuterRef("pk")).exclude(state__in=_GONE)
    return Household.objects.exclude(state__in=_GONE).filter(Exists(member))


def _rows(numbers: list[int]) -> list[HouseholdRow]:
    """In one statement, so that nobody who moves meanwhile counts twice or not at all."""
    people = (
        Individual.objects.filter(household_id__gte=numbers[0], household_id__lte=numbers[-1])
        .exclude(state__in=_GONE)
        .exclude(household__state__in=_GONE)
        .order_by("household_id", "id")
        .values_list(*_ROW)
    )
    found: list[HouseholdRow] = []
    for number, ref, by_phone, home, source, day, relationship, facts in people.iterator(chunk_size=10_000):
        if not found or found[-1].number != number:
            declared = Declared(source=source, date=day.isoformat())
            found.append(HouseholdRow(number, ref, by_phone, declared, home, []))
        found[-1].members.append({**facts, "is_head": int(relationship == Relationship.HEAD)})
    return found


def names(at: datetime) -> Iterator[tuple[int, int | None, Identity]]:
    """Everybody's number, day of birth (days since 1970, as far as it is known) and identity, for a machine that prints cards and
    shows nothing. The access log of each person says so."""
    with reading():
        for row, identity in open_for_matching(by=None, at=at, purpose="card"):
            if row.state not in _GONE:
                yield row.id, row.facts.get("birth_date"), identity


def numbers_of(refs: Collection[str]) -> dict[str, int]:
    """The households that these references mean: the register's own (however typed), or those of the lists they were imported from.
    One that means nobody, or two households of two lists, is left out."""
    with reading():
        own = {ref: read_ref(ref) for ref in refs}
        by_ref = _by("ref", {said for said in own.values() if said is not None})
        found = {ref: by_ref[said] for ref, said in own.items() if said is not None and said in by_ref}
        sources = list(Origin.objects.filter(kind=Origin.Kind.IMPORT).values_list("source", flat=True).distinct())
        secret = vault().named_key("source")
        keys = {ref: {key_of_ref(secret, source, ref) for source in sources} for ref in refs if ref not in found}
        by_key = _by("source_key", {key for some in keys.values() for key in some})
        for ref, some in keys.items():
            meant = {by_key[key] for key in some if key in by_key}
            if len(meant) == 1:
                found[ref] = meant.pop()
        return found


def _by(field: str, wanted: Collection[str | bytes]) -> dict[str | bytes, int]:
    found: dict[str | bytes, int] = {}
    for some in chunks(wanted):
        rows = Household.objects.exclude(state__in=_GONE).filter(**{f"{field}__in": some}).values_list(field, "id")
        found |= {bytes(said) if field == "source_key" else said: number for said, number in rows}
    return found


def erased() -> tuple[set[int], set[int]]:
    """The numbers of households and of people that were ever erased."""
    with reading():
        rows = list(Erased.objects.values_list("kind", "number"))
    households = {number for kind, number in rows if kind == Erased.Kind.HOUSEHOLD}
    return households, {number for kind, number in rows if kind == Erased.Kind.INDIVIDUAL}
