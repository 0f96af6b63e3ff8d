"""Invented people for the tests of duplicates."""

from datetime import UTC, date, datetime

from amparo_office.duplicates.compared import Birth, Compared, Place, compared
from amparo_office.register import service
from amparo_office.register.models import Area, Household, Individual, Origin
from amparo_office.register.sealing import Document, Dwelling, Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BORN = (date(1984, 3, 9) - date(1970, 1, 1)).days
PHONE, PAPER, ADDRESS = "+584145550123", "V19283746", "Calle Los Almendros 17"


def identity(given: str = "María Elena", family: str = "Rojas Peña", telephone: str = "", paper: str = "") -> Identity:
    return Identity(
        names=[Name(given, family)] if given or family else [],
        documents=[Document("national-id", paper)] if paper else [],
        telephone=telephone,
    )


def person(
    given: str = "María Elena",
    family: str = "Rojas Peña",
    *,
    telephone: str = "",
    paper: str = "",
    born: int | None = BORN,
    precision: str = "day",
    relationship: str = "HEAD",
) -> NewIndividual:
    """By default all records made here are one person's."""
    return NewIndividual(
        identity=identity(given, family, telephone, paper),
        relationship=relationship,
        birth_date=born,
        birth_precision=precision if born is not None else "unknown",
        facts={"disability": 1},
    )


def enrolled(*members: NewIndividual, area: str | None = None, alternate: int | None = None) -> Household:
    origin = service.make_origin(Origin.Kind.DESK, source="desk", day=NOON.date(), by=None)
    new = NewHousehold(area=area, members=list(members), dwelling=Dwelling(address=ADDRESS), alternate=alternate)
    return service.enrol(new, origin=origin, by=None, at=NOON)


def heads(*households: Household) -> list[Individual]:
    return [each.members.get(relationship="HEAD") for each in households]


def areas(*codes: str) -> None:
    for code in codes:
        Area.objects.create(code=code, level=(len(code) - 2) // 2, names={"es": code})


def as_compared(number: int, said: Identity, *, born: Birth | None = None, place: Place | None = None) -> Compared:
    return compared(number, said, born or Birth(), place or Place())
