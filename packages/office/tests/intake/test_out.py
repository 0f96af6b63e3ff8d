"""What goes out: exactly what is filtered, with two people when it is long, and nothing that joins two programmes."""

import csv
import io
import zipfile

import pytest
from django.conf import settings as desk_settings
from packages.office.tests.town_log import TownLog, publish_rule
from tests.servers.desk import member

from amparo_common.bridge import ExportMade
from amparo_common.clock import FixedClock
from amparo_office.errors import ExportRefused
from amparo_office.intake import exporting
from amparo_office.intake.lists_out import LONGEST, writer
from amparo_office.intake.models import Export, ExportState
from amparo_office.intake.sheets import sheets
from amparo_office.register.access import accesses_of
from amparo_office.register.access_lists import PEOPLE
from amparo_office.register.forms_filter import read_filter
from amparo_office.register.models import Household, Individual
from amparo_rules.starter import starter
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.errors import MayNotApprove
from amparo_staff.jobs import files
from amparo_staff.jobs.models import Job, JobFile, State
from amparo_staff.jobs.service import retry, run_next

from .conftest import NOON, checked, csv_of, make_areas, send, taken, work


def fill(by: StaffMember, count: int = 6) -> None:
    """Some households of two areas, with names."""
    make_areas()
    rows = [("ref", "nombre", "edad", "pcode", "telefono")]
    rows += [(str(n), f"Ana {n}", "40", "XA01" if n % 2 else "XA02", f"+5841255501{n:02d}") for n in range(count)]
    done = taken(checked(send(by, ("l.csv", csv_of(*rows)))))
    assert done.new == count


def asked(**more: object) -> exporting.Asked:
    """What is asked for."""
    said: dict[str, object] = {
        "filter": read_filter({}),
        "programme": "food-basket",
        "form": "csv",
        "people": True,
        "identity": False,
        "reason": "audit",
    }
    return exporting.Asked(**(said | more))  # type: ignore[arg-type] # a test's own choice


def rows_of(row: Export) -> list[list[str]]:
    """What is in the file."""
    file = JobFile.objects.get(job=row.job)
    whole = b"".join(files.read_pieces(file, at=NOON))
    if row.form == "csv":
        return list(csv.reader(io.StringIO(whole.decode("utf-8-sig"))))
    (sheet,) = sheets("list.xlsx", lambda: io.BytesIO(whole))
    return [sheet.columns, *(cells for _, cells in sheet.rows())]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_list_holds_exactly_what_is_filtered_in_the_members_areas(registrar: StaffMember, form: str) -> None:
    fill(registrar)
    maker = member(Role.VALIDATOR, area="XA01")
    row = exporting.start(asked(people=False, form=form), by=maker, at=NOON)
    work()
    head, *rows = rows_of(Export.objects.get(id=row.id))
    assert head[:6] == ["ref", "area", "state", "language", "by_phone", "members"]
    assert [line[1] for line in rows] == ["XA01"] * 3
    other = exporting.start(
        asked(people=False, filter=read_filter({"area": "XA02"})), by=member(Role.VALIDATOR, login="x"), at=NOON
    )
    work()
    assert [line[1] for line in rows_of(Export.objects.get(id=other.id))[1:]] == ["XA02"] * 3


def test_lists_of_two_programmes_cannot_be_joined(registrar: StaffMember, town_log: TownLog) -> None:
    publish_rule(town_log, starter("health-visit"))
    fill(registrar, 20)
    maker = member(Role.VALIDATOR)
    found = []
    for programme in ("food-basket", "health-visit"):
        row = exporting.start(asked(programme=programme), by=maker, at=NOON)
        work()
        found.append(rows_of(Export.objects.get(id=row.id))[1:])
    first, second = ({cell for line in rows for cell in line[:2]} for rows in found)
    assert len(first) == 40
    assert not first & second
    refs = {ref for model in (Household, Individual) for ref in model._default_manager.values_list("ref", flat=True)}
    assert not refs & (first | second)


def test_a_long_list_needs_a_second_person_and_stands_in_the_public_log(
    registrar: StaffMember, town_log: TownLog, four_are_long: None
) -> None:
    fill(registrar)
    maker, second = member(Role.VALIDATOR, login="maker"), member(Role.VALIDATOR, login="second")
    row = exporting.start(asked(identity=True), by=maker, at=NOON)
    work()
    row.refresh_from_db()
    assert row.state == ExportState.ASKED
    approval = Approval.objects.get(id=str(row.approval))
    with pytest.raises(MayNotApprove):
        answer(approval, by=maker, yes=True, why="", at=NOON)
    answer(approval, by=second, yes=True, why="", at=NOON)
    town_log.away = True
    assert run_next(FixedClock(NOON))
    row.refresh_from_db()
    assert row.state == ExportState.WRITING
    assert not JobFile.objects.filter(name="list.csv").exists()
    town_log.away = False
    retry(Job.objects.get(state=State.FAILED))
    work()
    row.refresh_from_db()
    assert row.state == ExportState.READY
    (said,) = [each for each in town_log.said if isinstance(each, ExportMade)]
    assert (said.programme, said.count, said.identity, said.reason, said.approvals) == (
        "food-basket",
        6,
        True,
        "audit",
        2,
    )
    assert "Ana 1" in {cell for line in rows_of(row) for cell in line}
    for person in Individual.objects.all():
        taken = [each for each in accesses_of(person.id) if each.purpose == "export"]
        assert {(each.by, each.at, tuple(each.kinds)) for each in taken} == {(maker, NOON, tuple(sorted(PEOPLE)))}


@pytest.fixture
def four_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four records is long."""
    monkeypatch.setattr(desk_settings, "EXPORT_ALONE", 4, raising=False)


def test_many_short_lists_count_as_one_long_one(registrar: StaffMember, four_are_long: None) -> None:
    fill(registrar)
    maker = member(Role.VALIDATOR, area="XA01")
    assert exporting.start(asked(), by=maker, at=NOON).approval is None
    assert exporting.start(asked(), by=maker, at=NOON).approval is not None


def test_a_refused_list_is_never_written(registrar: StaffMember, four_are_long: None) -> None:
    fill(registrar)
    row = exporting.start(asked(), by=member(Role.VALIDATOR, login="maker"), at=NOON)
    answer(
        Approval.objects.get(id=str(row.approval)),
        by=member(Role.VALIDATOR, login="second"),
        yes=False,
        why="no",
        at=NOON,
    )
    work()
    row.refresh_from_db()
    assert row.state == ExportState.ASKED
    assert row.job is None


def test_names_need_the_role_and_giving_to_others_is_off(registrar: StaffMember) -> None:
    fill(registrar)
    with pytest.raises(ExportRefused):
        exporting.start(asked(identity=True), by=member(Role.PROGRAMME_MANAGER), at=NOON)
    with pytest.raises(ExportRefused):
        exporting.start(asked(reason="another-organisation"), by=member(Role.VALIDATOR), at=NOON)
    assert not Export.objects.exists()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("text", ["=1+1", "+58", "-2", "@SUM(A1)", "\tx"])
def test_no_cell_is_run_as_a_formula(form: str, text: str) -> None:
    whole = io.BytesIO()
    out = writer(form, whole)
    out.row(["name"])
    out.row([text])
    out.close()
    if form == "csv":
        assert whole.getvalue().decode("utf-8-sig").split("\r\n")[1].startswith("'")
        return
    sheet = zipfile.ZipFile(whole).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert '<c t="inlineStr" s="1">' in sheet


def test_a_cell_longer_than_a_spreadsheet_takes_is_cut_and_says_so() -> None:
    whole = io.BytesIO()
    out = writer("xlsx", whole)
    out.row(["x" * (LONGEST + 5)])
    out.close()
    (sheet,) = sheets("l.xlsx", lambda: io.BytesIO(whole.getvalue()))
    assert len(sheet.columns[0]) == LONGEST
    assert sheet.columns[0].endswith("…")
