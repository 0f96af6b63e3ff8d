"""What tests of imports and exports share: a public log in memory with a published programme, files as a member sends them."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
import xlsxwriter
from django.conf import settings
from packages.office.tests.town_log import TownLog
from tests.servers.desk import member

from amparo_common.clock import FixedClock
from amparo_office.desk import public_log
from amparo_office.intake import service
from amparo_office.intake.looking import Look, read_look
from amparo_office.intake.mapping_page import propose
from amparo_office.intake.models import Import
from amparo_office.intake.plan import Plan
from amparo_office.register import catalogue, needs
from amparo_office.register.models import Area
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import run_next

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = date(2026, 10, 1)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(NOON)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages live at the moment of the jobs."""
    monkeypatch.setattr(settings, "AMPARO_CLOCK", FixedClock(NOON))


@pytest.fixture
def town_log(monkeypatch: pytest.MonkeyPatch) -> TownLog:
    """A log with the office's key and one published programme, the food basket."""
    log = TownLog.with_food_basket()
    monkeypatch.setattr(public_log, "known", lambda: log)
    return log


@pytest.fixture
def registrar(desk_database: str, town_log: TownLog) -> StaffMember:
    """A member who imports."""
    del desk_database, town_log
    return member(Role.REGISTRAR)


def make_areas() -> None:
    """A small country: two states, three towns, two of them of the same name."""
    names = (
        ("XA", 0, None, "Amparia"),
        ("XA01", 1, "XA", "Norte"),
        ("XA02", 1, "XA", "Sur"),
        ("XA0101", 2, "XA01", "Santa Ana"),
        ("XA0102", 2, "XA01", "El Puente"),
        ("XA0201", 2, "XA02", "Santa Ana"),
    )
    for code, level, parent, name in names:
        Area.objects.create(code=code, level=level, parent_id=parent, names={"es": name})


def send(by: StaffMember, *uploads: tuple[str, bytes], name: str = "list") -> Import:
    """Send files and let the desk look at them."""
    received = service.receive(name, [(sent, io.BytesIO(data)) for sent, data in uploads], by=by, at=NOON)
    work()
    return fresh(received.given)


def work() -> None:
    """Run every job that waits. Raises when one fails."""
    clock = FixedClock(NOON)
    while run_next(clock):
        pass
    failed = Job.objects.filter(state=State.FAILED).first()
    assert failed is None, (failed.kind, failed.error_code, failed.error_words)


def fresh(given: Import) -> Import:
    """The import as it stands now."""
    return Import.objects.get(id=given.id)


def look_of(given: Import) -> Look:
    """What was seen."""
    return read_look(given, NOON)


def proposed(given: Import) -> Plan:
    """The mapping that the desk proposes."""
    return propose(look_of(given), needs.needed(NOON), catalogue.known())


def checked(given: Import, plan: Plan | None = None, *, source: str = "list", day: date = DAY) -> Import:
    """Check it with this mapping, or with the proposed one."""
    chosen = plan or proposed(given)
    service.start_check(given, look_of(given), chosen, source=source, day=day, by=given.by, at=NOON)
    work()
    return fresh(given)


def taken(given: Import) -> Import:
    """Take it in."""
    service.start_commit(given, by=given.by, at=NOON)
    work()
    return fresh(given)


def csv_of(*rows: Sequence[str], sign: str = ",", mark: bool = False) -> bytes:
    """Rows as a CSV file; `mark`: with a byte order mark."""
    text = "".join(sign.join(cell for cell in row) + "\r\n" for row in rows)
    return text.encode("utf-8-sig" if mark else "utf-8")


def xlsx_of(**sheets: Sequence[Sequence[object]]) -> bytes:
    """Sheets as a workbook."""
    whole = io.BytesIO()
    with xlsxwriter.Workbook(whole, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place_, value in enumerate(row):
                    if isinstance(value, date):
                        sheet.write_datetime(number, place_, value, day)
                    else:
                        sheet.write(number, place_, value)
    return whole.getvalue()
