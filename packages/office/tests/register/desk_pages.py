"""What the tests of the register's pages share: areas, a household, somebody who is signed in, the page as text."""

from datetime import UTC, date, datetime

from django.test import Client
from tests.servers.desk import member

from amparo_office.register.models import Area, Household, Origin
from amparo_office.register.sealing import Document, Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual, enrol, make_origin
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def areas() -> None:
    """Two districts, one with a village."""
    Area.objects.create(code="XA", level=0, names={"en": "Land"})
    Area.objects.create(code="XA01", level=1, parent_id="XA", names={"en": "North"})
    Area.objects.create(code="XA0101", level=2, parent_id="XA01", names={"en": "Well"})
    Area.objects.create(code="XA02", level=1, parent_id="XA", names={"en": "South"})


def origin() -> Origin:
    """An import."""
    return make_origin(Origin.Kind.IMPORT, source="parish list", day=date(2026, 10, 1), by=None)


def household(
    given: str, family: str, *, area: str | None = "XA0101", by_phone: bool = False, **facts: int
) -> Household:
    """A household of one, with a telephone and a paper."""
    identity = Identity(
        names=[Name(given=given, family=family, script="Latn")],
        documents=[Document(kind="national-id", number=f"V{abs(hash(given)) % 10**8}")],
        telephone="+584120001122",
    )
    new = NewHousehold(
        area=area,
        by_phone=by_phone,
        facts=dict(facts),
        members=[NewIndividual(identity=identity, relationship="HEAD", birth_date=5000, birth_precision="day")],
    )
    return enrol(new, origin=origin(), by=None, at=NOON)


def signed_in(browser: Client, *roles: Role, area: str = "") -> StaffMember:
    """A member with these roles, signed in."""
    made = member(*roles, area=area)
    browser.force_login(made)
    return made


def text(answer: object) -> str:
    """The page."""
    content: str = answer.content.decode()  # type: ignore[attr-defined] # Django's answer
    assert content.count("<h1>") == 1, content
    return content
