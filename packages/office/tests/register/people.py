"""Invented households for the tests of the register."""

from datetime import UTC, date, datetime

from amparo_office.register import search, service
from amparo_office.register.models import Area, Household, Individual, Origin, SearchKey
from amparo_office.register.sealing import Document, Dwelling, Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TELEPHONE, NUMBER, ADDRESS = "+584145550123", "V-19283746", "Calle Los Almendros 17, portón verde"


def origin(source: str = "desk", kind: Origin.Kind = Origin.Kind.DESK) -> Origin:
    return service.make_origin(kind, source=source, day=date(2026, 11, 22), by=None)


def person(
    *names: str,
    telephone: str = "",
    number: str = "",
    relationship: str = "OTHER",
    facts: dict[str, int | None] | None = None,
) -> NewIndividual:
    return NewIndividual(
        identity=Identity(
            names=[Name(given=name) for name in names],
            telephone=telephone,
            documents=[Document(kind="national-id", number=number, country="VE")] if number else [],
        ),
        relationship=relationship,
        facts=facts or {},
    )


def household(*members: NewIndividual, area: str | None = None, alternate: int | None = None) -> NewHousehold:
    return NewHousehold(area=area, members=list(members), dwelling=Dwelling(address=ADDRESS), alternate=alternate)


def enrolled(*members: NewIndividual, area: str | None = None, alternate: int | None = None) -> Household:
    new = household(*members, area=area, alternate=alternate)
    return service.enrol(new, origin=origin(), by=None, at=NOON)


def enrolled_person(
    *names: str, area: str | None = None, telephone: str = TELEPHONE, number: str = NUMBER
) -> Individual:
    head = person(*names, telephone=telephone, number=number, relationship="HEAD", facts={"disability": 1})
    return enrolled(head, area=area).members.get()


def areas(*codes: str) -> None:
    """Areas under each other by their codes: VE, VE01, VE0101."""
    for code in codes:
        parent = next(
            (each for each in (code[:-2], code[:-4]) if each and Area.objects.filter(code=each).exists()), None
        )
        Area.objects.create(code=code, level=(len(code) - 2) // 2, parent_id=parent, names={"es": code})


def found_under() -> set[tuple[int, int]]:
    """The whole blind index: each digest and who has it."""
    rows = SearchKey.objects.values_list("digest", "individuals")
    return {(digest, number) for digest, packed in rows for number in search.unpack_people(packed).tolist()}
