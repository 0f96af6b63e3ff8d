"""Changing many records by a file: a dry run, then all of it or nothing."""

import io
from collections.abc import Sequence
from datetime import date

import openpyxl  # type: ignore[import-untyped] # brings no types
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from packages.office.tests.town_log import TownLog, asking, publish_rule
from tests.servers.desk import member

from amparo_common.clock import FixedClock
from amparo_office.errors import FactNotNeeded, FileNotReadable, ImportNotReady, MappingNotReadable
from amparo_office.intake import exporting, storing, update_steps
from amparo_office.intake.checking import FaultList
from amparo_office.intake.models import Export, Update, UpdateState
from amparo_office.register import service
from amparo_office.register.forms_filter import read_filter
from amparo_office.register.models import Change, Household, Individual, Origin, RecordState
from amparo_office.register.sealing import Identity, Name, open_difference
from amparo_office.register.vault import vault
from amparo_rules.errors import ForbiddenConcept
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.errors import MayNotApprove
from amparo_staff.jobs import files
from amparo_staff.jobs.models import Job, JobFile, State
from amparo_staff.jobs.service import run_next

from .conftest import NOON, csv_of, make_areas, work, xlsx_of


def homes(count: int, *, area: str = "XA0101") -> list[Household]:
    """Households of one, with two rooms each."""
    origin = service.make_origin(Origin.Kind.IMPORT, source="list", day=date(2026, 10, 1), by=None)
    return [
        service.enrol(
            service.NewHousehold(
                area=area,
                facts={"rooms": 2, "monthly_income": 5_000},
                members=[
                    service.NewIndividual(
                        identity=Identity(names=[Name(given=f"Ana {place}")]), relationship="HEAD", birth_date=5_000
                    )
                ],
            ),
            origin=origin,
            by=None,
            at=NOON,
        )
        for place in range(count)
    ]


@pytest.fixture
def town(registrar: StaffMember) -> list[Household]:
    """Three households in an area."""
    del registrar
    make_areas()
    return homes(3)


def sent(by: StaffMember, *rows: Sequence[str], name: str = "u.csv") -> Update:
    """Send a file and let the desk check it."""
    content = xlsx_of(Sheet=rows) if name.endswith("xlsx") else csv_of(*rows)
    given = update_steps.receive("visits", "seen at home", name, io.BytesIO(content), by=by, at=NOON)
    work()
    return Update.objects.get(id=given.id)


def done(given: Update) -> Update:
    """Change what was shown."""
    update_steps.start(given, by=given.by, at=NOON)
    work()
    return Update.objects.get(id=given.id)


def faults(given: Update) -> list[tuple[int, str, str]]:
    """Row, column and code of each fault."""
    found = storing.kept(given.files[storing.FAULTS], FaultList, at=NOON).faults
    return [(fault.row, fault.column, fault.code) for fault in found]


def fresh(home: Household) -> Household:
    """The household as it stands now."""
    return Household.objects.get(id=home.id)


@pytest.mark.parametrize("name", ["u.csv", "u.xlsx"])
def test_many_households_are_changed_after_a_dry_run(registrar: StaffMember, town: list[Household], name: str) -> None:
    first, second, third = town
    given = sent(
        registrar,
        ("ref", "cuartos", "area", "language", "by_phone", "monthly_income", "notes"),
        (first.ref, "4", "XA0102", "ar", "yes", "", "seen"),
        (second.ref.lower().replace("-", ""), "2", "", "", "", "unknown", ""),
        (third.ref, "2", "xa0101", "", "no", "50.00", ""),
        name=name,
    )
    assert (given.state, given.rows, given.changing, given.same) == (UpdateState.READY, 3, 2, 1)
    assert given.counts == {"rooms": 1, "area": 1, "language": 1, "by_phone": 1, "monthly_income": 1}
    assert [fresh(each).version for each in town] == [1, 1, 1]
    given = done(given)
    assert given.state == UpdateState.DONE
    one, two, three = (fresh(each) for each in town)
    assert (one.area_id, one.language, one.by_phone, one.facts) == (
        "XA0102",
        "ar",
        True,
        {"rooms": 4, "monthly_income": 5_000},
    )
    assert (two.facts, two.area_id, two.language) == ({"rooms": 2, "monthly_income": None}, "XA0101", "es")
    assert [one.version, two.version, three.version] == [2, 2, 1]
    change = Change.objects.get(household=one)
    assert (change.by, change.reason, change.version) == (registrar, "seen at home", 2)
    assert change.fields == ["area", "by_phone", "language", "rooms"]
    assert (change.origin.kind, change.origin.source) == ("correction", "visits")
    assert one.declared == {"rooms": change.origin_id}
    said = open_difference(vault().key(one.key), "household-change", one.id, change.sealed or b"")
    assert said.before == {"rooms": 2, "area": "XA0101", "language": "es", "by_phone": "False"}
    assert said.after == {"rooms": 4, "area": "XA0102", "language": "ar", "by_phone": "True"}
    assert not JobFile.objects.exists()


def test_a_change_by_a_file_is_written_as_one_at_the_desk_is(registrar: StaffMember, town: list[Household]) -> None:
    first, second, _ = town
    service.correct_household(
        first.id,
        service.HouseholdChanges(facts={"rooms": 4}, area="XA0102", by_phone=True),
        version=1,
        reason="seen at home",
        origin_source="visits",
        by=registrar,
        at=NOON,
    )
    done(sent(registrar, ("ref", "rooms", "area", "by_phone"), (second.ref, "4", "XA0102", "yes")))
    one, two = Change.objects.order_by("id")
    for field in ("version", "at", "by", "what", "fields", "reason"):
        assert getattr(one, field) == getattr(two, field)
    opened = [
        open_difference(vault().key(home.key), "household-change", home.id, change.sealed or b"")
        for home, change in ((first, one), (second, two))
    ]
    assert opened[0] == opened[1]


def test_people_are_changed_by_their_own_reference(registrar: StaffMember, town: list[Household]) -> None:
    who, other = (home.members.get() for home in town[:2])
    given = done(
        sent(
            registrar,
            ("person", "ref", "disability", "birth"),
            (who.ref, "anything", "yes", "1990"),
            (other.ref, "", "", "unknown"),
        )
    )
    assert (given.people, given.state) == (True, UpdateState.DONE)
    who.refresh_from_db()
    other.refresh_from_db()
    assert (who.facts, who.birth_precision) == ({"birth_date": 7486, "disability": 1}, "year")
    assert (other.facts, other.birth_precision) == ({"birth_date": None}, "unknown")
    assert Job.objects.filter(kind="duplicates.find").exists()


def test_one_wrong_row_and_nothing_changes(registrar: StaffMember, town: list[Household]) -> None:
    first, second, third = town
    outside, gone = homes(2, area="XA0201")
    Household.objects.filter(id=gone.id).update(state=RecordState.LEFT)
    given = sent(
        registrar,
        ("ref", "rooms", "area", "version", "by_phone"),
        (first.ref, "4", "", "", ""),
        (first.ref, "3", "", "", ""),
        (second.ref, "99", "XZ", "", "perhaps"),
        ("H-0000-0000", "1", "", "", ""),
        (third.ref, "1", "", "7", ""),
        (gone.ref, "1", "", "", ""),
        (outside.ref, "1", "", "1", "", "more"),
    )
    assert (given.state, given.refused) == (UpdateState.FAULTY, 6)
    assert sorted(faults(given)) == [
        (3, "ref", "twice"),
        (4, "area", "area-unknown"),
        (4, "by_phone", "yes-no"),
        (4, "rooms", "range"),
        (5, "ref", "unknown-reference"),
        (6, "version", "changed-since"),
        (7, "ref", "closed"),
        (8, "", "cells"),
    ]
    with pytest.raises(ImportNotReady):
        update_steps.start(given, by=registrar, at=NOON)
    assert not Change.objects.exists()


def test_who_is_head_is_not_changed_by_a_file(registrar: StaffMember, town: list[Household]) -> None:
    head = town[0].members.get()
    given = sent(registrar, ("person", "relationship"), (head.ref, "OTHER"))
    assert faults(given) == [(2, "relationship", "head")]
    assert sent(registrar, ("person", "relationship"), (head.ref, "HEAD")).state == UpdateState.READY


def test_only_records_of_the_members_areas_are_found(registrar: StaffMember, town: list[Household]) -> None:
    mine = member(Role.VALIDATOR, area="XA01")
    (outside,) = homes(1, area="XA0201")
    given = sent(mine, ("ref", "rooms", "area"), (outside.ref, "3", ""), (town[0].ref, "3", "XA0201"))
    assert faults(given) == [(2, "ref", "unknown-reference"), (3, "area", "area-yours")]


def test_a_record_that_somebody_changed_since_stops_the_whole(registrar: StaffMember, town: list[Household]) -> None:
    given = sent(registrar, ("ref", "rooms"), *((home.ref, "5") for home in town))
    changes = service.HouseholdChanges(facts={"rooms": 3})
    service.correct_household(town[2].id, changes, version=1, reason="r", origin_source="desk", by=registrar, at=NOON)
    update_steps.start(given, by=registrar, at=NOON)
    assert run_next(FixedClock(NOON))
    job = Job.objects.get(kind="intake.update-write")
    assert (job.state, job.error_code) == (State.FAILED, "office.import_changed")
    assert [fresh(home).facts["rooms"] for home in town] == [2, 2, 3]
    job.delete()
    update_steps.check_again(given, by=registrar, at=NOON)
    work()
    given = done(Update.objects.get(id=given.id))
    assert given.state == UpdateState.DONE
    assert [fresh(home).facts["rooms"] for home in town] == [5, 5, 5]


def test_the_same_file_a_second_time_changes_nothing(registrar: StaffMember, town: list[Household]) -> None:
    rows = [("ref", "rooms"), (town[0].ref, "5")]
    done(sent(registrar, *rows))
    again = sent(registrar, *rows)
    assert (again.changing, again.same) == (0, 1)
    with pytest.raises(ImportNotReady):
        update_steps.start(again, by=registrar, at=NOON)


def test_a_fact_that_no_programme_needs_is_not_taken_from_a_file(registrar: StaffMember, town: list[Household]) -> None:
    with pytest.raises(FactNotNeeded):
        sent(registrar, ("ref", "floor_type"), (town[0].ref, "2"))
    assert not Update.objects.exists()
    assert not JobFile.objects.exists()


def test_a_programme_that_ends_after_the_check_stops_it(
    registrar: StaffMember, town: list[Household], town_log: TownLog
) -> None:
    publish_rule(town_log, asking("floors", "1", ("household", "floor_type")))
    given = sent(registrar, ("ref", "floor_type"), (town[0].ref, "2"))
    assert given.state == UpdateState.READY
    town_log.view().rules.pop()
    update_steps.start(given, by=registrar, at=NOON)
    assert run_next(FixedClock(NOON))
    assert Job.objects.get(state=State.FAILED).error_code == "office.fact_not_needed"
    assert "floor_type" not in fresh(town[0]).facts


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        (("ref", "religion"), ForbiddenConcept),
        (("hogares", "rooms"), MappingNotReadable),
        (("ref", "given_name", "telephone"), MappingNotReadable),
        (("ref", "state"), MappingNotReadable),
    ],
)
def test_a_file_that_says_nothing_that_may_change_is_refused_at_once(
    registrar: StaffMember, town: list[Household], columns: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        sent(registrar, columns, (town[0].ref, "x", "y")[: len(columns)])
    assert not Update.objects.exists()
    assert not JobFile.objects.exists()


def test_another_kind_of_file_is_refused(registrar: StaffMember) -> None:
    with pytest.raises(FileNotReadable):
        update_steps.receive("n", "r", "list.pdf", io.BytesIO(b"%PDF"), by=registrar, at=NOON)


def test_many_records_need_a_second_person(
    registrar: StaffMember, town: list[Household], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_steps, "MOST_ALONE", 2)
    done(sent(registrar, ("ref", "rooms"), (town[0].ref, "5")))
    given = sent(registrar, ("ref", "rooms"), (town[1].ref, "5"), (town[2].ref, "5"))
    assert done(given).state == UpdateState.ASKED
    approval = Approval.objects.get()
    assert "2" in update_steps.approval_words(approval)
    with pytest.raises(MayNotApprove):
        answer(approval, by=registrar, yes=True, why="", at=NOON)
    assert fresh(town[1]).facts["rooms"] == 2
    answer(approval, by=member(Role.VALIDATOR), yes=True, why="", at=NOON)
    work()
    assert [fresh(home).facts["rooms"] for home in town] == [5, 5, 5]
    # What two agreed to does not count as changed alone.
    assert not update_steps.needs_two(1, registrar, NOON)


def test_a_file_that_is_given_up_is_erased(registrar: StaffMember, town: list[Household]) -> None:
    given = sent(registrar, ("ref", "rooms"), (town[0].ref, "99"))
    update_steps.cancel(given, by=registrar, at=NOON)
    assert not JobFile.objects.exists()
    assert Update.objects.get().state == UpdateState.CANCELLED


def test_the_pages_lead_from_the_file_to_the_change(
    browser: Client, registrar: StaffMember, town: list[Household]
) -> None:
    browser.force_login(registrar)
    assert "Nothing was changed by a file yet" in browser.get("/updates/").content.decode()
    assert browser.get("/updates/new").status_code == 200
    said = {"name": "visits", "reason": "seen at home"}
    wrong = browser.post(
        "/updates/new", {**said, "sent": SimpleUploadedFile("u.csv", csv_of(("ref", "religion"), ("x", "y")))}
    )
    assert wrong.status_code == 400
    assert "religion" in wrong.content.decode()
    rows = (("ref", "rooms"), (town[0].ref, "5"), (town[1].ref, "99"))
    where = browser.post("/updates/new", {**said, "sent": SimpleUploadedFile("u.csv", csv_of(*rows))})["Location"]
    assert "Being checked" in browser.get(where).content.decode()
    work()
    page = browser.get(where).content.decode()
    assert "Allowed is 0 to 50." in page
    book = b"".join(browser.get(f"{where}/to-correct").streaming_content)  # type: ignore[attr-defined] # it streams
    marked = openpyxl.load_workbook(io.BytesIO(book))["Households"]
    assert [cell.value for cell in marked[2]] == [town[1].ref, "99"]
    assert browser.post(f"{where}/change").status_code == 409
    browser.post(f"{where}/give-up")
    where = browser.post("/updates/new", {**said, "sent": SimpleUploadedFile("u.csv", csv_of(*rows[:2]))})["Location"]
    work()
    page = browser.get(where).content.decode()
    assert "Records that would change" in page
    assert "Rooms of the dwelling" in page
    browser.post(f"{where}/change")
    work()
    assert "Changed" in browser.get(where).content.decode()
    assert fresh(town[0]).facts["rooms"] == 5
    assert browser.get(f"/updates/of-job/{Update.objects.latest('id').job}")["Location"] == where
    assert where in browser.get("/updates/").content.decode()


def test_only_who_may_correct_changes_by_a_file(browser: Client, town: list[Household]) -> None:
    for role in (Role.VIEWER, Role.PROGRAMME_MANAGER):
        browser.force_login(member(role))
        assert browser.get("/updates/").status_code == 403
        assert browser.post("/updates/new").status_code == 403


def test_a_member_sees_their_own_files_only(browser: Client, registrar: StaffMember, town: list[Household]) -> None:
    given = sent(registrar, ("ref", "rooms"), (town[0].ref, "5"))
    browser.force_login(member(Role.VALIDATOR, area="XA01"))
    assert browser.get(f"/updates/{given.id}").status_code == 404
    assert browser.post(f"/updates/{given.id}/change").status_code == 404
    assert Individual.objects.count() == 3


def test_a_list_of_the_register_comes_back_as_a_change(registrar: StaffMember, town: list[Household]) -> None:
    asked = exporting.Asked(read_filter({}), "", "csv", people=False, identity=False, reason="monitoring")
    row = exporting.start(asked, by=member(Role.PROGRAMME_MANAGER), at=NOON)
    work()
    file = JobFile.objects.get(job=Export.objects.get(id=row.id).job)
    lines = b"".join(files.read_pieces(file, at=NOON)).decode("utf-8-sig").splitlines()
    assert {"ref", "rooms", "version"} <= set(lines[0].split(","))
    changed = [line.split(",") for line in lines]
    place = changed[0].index("rooms")
    changed[1][place] = "7"
    service.correct_household(
        town[2].id,
        service.HouseholdChanges(facts={"rooms": 3}),
        version=1,
        reason="r",
        origin_source="desk",
        by=registrar,
        at=NOON,
    )
    given = sent(registrar, *changed)
    assert faults(given) == [(4, "version", "changed-since")]
    given = sent(registrar, *changed[:3])
    assert (given.changing, given.same, given.counts) == (1, 1, {"rooms": 1})
