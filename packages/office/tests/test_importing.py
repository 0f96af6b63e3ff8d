"""Taking files into the register: whole or not at all, with every fault in its place; names are sealed apart."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.office.tests.conftest import HOME_COLUMNS, MAPPING, NOON, PERSON_COLUMNS, Town, csv_file

from amparo_office import people
from amparo_office.answers import ImportResult
from amparo_office.errors import FactNotNeeded, FileNotReadable, MappingNotReadable, RowFault, RowsRefused
from amparo_office.importing import MOST_FAULTS
from amparo_office.mapping import read_mapping
from amparo_office.register.models import Collector, Household, Individual, Origin
from amparo_rules.rule import MOST_MEMBERS
from amparo_staff.jobs.models import Job

Row = tuple[str, ...]
HOME = ("H1", "yes", "50.5", "2")
MEMBER = ("H1", "Luz", "Díaz", "", "es", "2020-01-02", "no", "no")
REGISTER = "register.sqlite"
HEAD = ("H1", "Ana", "Díaz", "آنا", "es", "1990-01-02", "yes", "no")
TABLES = ("register_origin", "register_household", "register_individual", "register_searchkey")


def files(homes: Sequence[Row], people: Sequence[Row]) -> tuple[bytes, bytes]:
    return csv_file(HOME_COLUMNS, homes), csv_file(PERSON_COLUMNS, people)


def counts(town: Town) -> list[int]:
    """How many rows each table of the register has."""
    return [town.rows(f"SELECT count(*) FROM {table}", REGISTER)[0][0] for table in TABLES]


def faults(town: Town, homes: Sequence[Row], people: Sequence[Row]) -> list[RowFault]:
    """The report on files that are refused. Nothing of them is stored."""
    before = counts(town)
    with pytest.raises(RowsRefused) as found:
        town.take_in(*files(homes, people))
    assert counts(town) == before
    assert "nothing was stored" in str(found.value)
    return found.value.faults


@pytest.fixture
def open_town(town: Town) -> Town:
    """A town whose published programme needs the facts of the mapping."""
    town.publish(wait=False)
    return town


def test_a_good_pair_of_files_is_taken_whole(open_town: Town) -> None:
    homes = [HOME, ("H2", "", "", "")]
    people = [
        HEAD,
        ("H2", "Omar", "", "", "", "", "yes", ""),
        ("H1", "Luz", "Díaz", "", "ar", "2024-05-01", "no", "yes"),
    ]
    assert open_town.take_in(*files(homes, people)) == ImportResult(households=2, persons=3)
    homes_kept = Household.objects.order_by("id")
    assert [(home.by_phone, home.language, home.facts) for home in homes_kept] == [
        (True, "es", {"monthly_income": 5050, "rooms": 2}),
        (False, "es", {"monthly_income": None, "rooms": None}),
    ]
    members = Individual.objects.order_by("id")
    assert [(each.household, each.relationship, each.birth_precision) for each in members] == [
        (homes_kept[0], "HEAD", "day"),
        (homes_kept[0], "UNKNOWN", "day"),
        (homes_kept[1], "HEAD", "unknown"),
    ]
    assert [(each.household, each.individual) for each in Collector.objects.order_by("id")] == [
        (homes_kept[0], members[0]),
        (homes_kept[1], members[2]),
    ]
    origin = Origin.objects.get()
    assert (origin.kind, origin.source, str(origin.day)) == ("import", "parish registry", "2026-10-01")
    assert Job.objects.get().kind == "duplicates.find"


def test_names_are_sealed_and_stand_nowhere_else(open_town: Town) -> None:
    open_town.take_in(
        *files([HOME], [("H1", "Xochiquetzal", "Quetzalcoatl", "شوتشيكيتزال", "es", "1990-01-02", "yes", "")])
    )
    open_town.close()
    for path in open_town.folder.glob("*.sqlite*"):
        for name in ("Xochiquetzal", "Quetzalcoatl", "شوتشيكيتزال"):
            assert name.encode() not in path.read_bytes(), path.name
    open_town.open()
    ((_, _, identity),) = people.names(NOON)
    assert [name.whole() for name in identity.names] == ["Xochiquetzal Quetzalcoatl", "شوتشيكيتزال"]


def test_columns_outside_the_mapping_leave_no_trace(open_town: Town) -> None:
    homes = csv_file((*HOME_COLUMNS, "partido"), [(*HOME, "conservador-xyz")])
    open_town.take_in(homes, csv_file(PERSON_COLUMNS, [HEAD]))
    open_town.close()
    for path in open_town.folder.glob("*.sqlite*"):
        assert b"conservador-xyz" not in path.read_bytes(), path.name
    open_town.open()


def test_the_same_files_twice_change_nothing_and_say_so(open_town: Town) -> None:
    pair = files([HOME], [HEAD])
    first = open_town.take_in(*pair)
    before = counts(open_town)
    again = open_town.take_in(*pair)
    assert (again, counts(open_town)) == (msgspec.structs.replace(first, already=True), before)
    open_town.reopen()
    assert open_town.take_in(*pair).already


def test_a_household_that_came_before_in_a_list_of_this_source_is_not_taken_twice(open_town: Town) -> None:
    homes, people_file = files([HOME], [HEAD])
    open_town.take_in(homes, people_file)
    more = open_town.take_in(homes + b"H9,,,\r\n", people_file + b"H9,,,,,,yes,\r\n")
    assert more == ImportResult(households=1, persons=1, known=1)
    other = open_town.take_in(homes, people_file, mapping=MAPPING.replace("parish registry", "school"))
    assert other == ImportResult(households=1, persons=1)


def test_two_heads_are_refused_with_the_households_row(open_town: Town) -> None:
    (fault,) = faults(open_town, [HOME], [HEAD, HEAD])
    assert (fault.row, fault.value, fault.reason) == (2, "H1", "A household has two heads.")


def test_a_birth_by_age_is_an_estimate(open_town: Town) -> None:
    by_age = MAPPING.replace("birth_date: born", "birth_date: {column: born, age_on: 2026-10-01}")
    open_town.take_in(*files([HOME], [(*HEAD[:5], "36", *HEAD[6:])]), mapping=by_age)
    assert Individual.objects.get().birth_precision == "estimated"


def test_every_fault_is_reported_with_file_row_column_value_and_reason(open_town: Town) -> None:
    homes = [
        HOME,
        ("", "yes", "1", "1"),
        ("H1", "yes", "1", "1"),
        ("H4", "maybe", "12.5", "99"),
        ("H5", "yes", "a lot", "2"),
        ("H6", "yes", "1", "1"),
    ]
    people = [
        HEAD,
        ("H7", "No", "Home", "", "", "", "yes", ""),
        ("H4", "Ana", "", "", "", "1990-13-01", "", "no"),
        ("H5", "Ana", "", "", "", "1890-01-01", "yes", "perhaps"),
    ]
    report = faults(open_town, homes, people)
    assert [(each.file, each.row, each.column, each.value) for each in report] == [
        ("homes.csv", 3, "ref", ""),
        ("homes.csv", 4, "ref", "H1"),
        ("homes.csv", 5, "rooms", "99"),
        ("homes.csv", 5, "phone", "maybe"),
        ("homes.csv", 6, "income", "a lot"),
        ("people.csv", 3, "home", "H7"),
        ("people.csv", 4, "born", "1990-13-01"),
        ("people.csv", 4, "head", ""),
        ("people.csv", 5, "born", "1890-01-01"),
        ("people.csv", 5, "disabled", "perhaps"),
        ("homes.csv", 7, "ref", "H6"),
    ]
    reasons = {(each.row, each.column): each.reason for each in report if each.file == "homes.csv"}
    assert reasons[4, "ref"] == "This reference stands twice."
    assert "0 to 50" in reasons[5, "rooms"]
    assert "neither" in reasons[5, "phone"]
    assert "0 members" in reasons[7, "ref"]
    assert all(len(each.reason.split()) >= 4 for each in report)


def test_a_phone_column_under_another_name_is_reported_under_its_own(open_town: Town) -> None:
    homes = csv_file(("ref", "tel", "income", "rooms"), [("H1", "?", "1", "1")])
    with pytest.raises(RowsRefused) as found:
        open_town.take_in(
            homes, csv_file(PERSON_COLUMNS, [HEAD]), mapping=MAPPING.replace("phone: phone", "phone: tel")
        )
    assert [(each.column, each.value) for each in found.value.faults] == [("tel", "?")]


def test_one_bad_row_among_many_keeps_all_of_them_out_and_its_mended_file_is_taken(open_town: Town) -> None:
    homes: list[Row] = [(f"H{number}", "yes", "1", "1") for number in range(200)]
    people: list[Row] = [(f"H{number}", "Ana", "", "", "", "", "yes", "") for number in range(200)]
    bad = ("H150", "yes", "1", "x")
    assert [each.row for each in faults(open_town, [*homes[:150], bad, *homes[151:]], people)] == [152]
    assert open_town.take_in(*files(homes, people)) == ImportResult(households=200, persons=200)


def test_the_report_lists_the_first_thousand_faults_and_counts_all(open_town: Town) -> None:
    homes: list[Row] = [(f"H{number}", "", "x", "x") for number in range(500)]
    with pytest.raises(RowsRefused, match="1,500 values") as found:
        open_town.take_in(*files(homes, []))
    assert len(found.value.faults) == MOST_FAULTS


def test_a_long_value_is_cut_in_the_report(open_town: Town) -> None:
    (fault,) = faults(open_town, [("H1", "", "9" * 500, "1")], [HEAD])
    assert fault.value == "9" * 60


@pytest.mark.parametrize("members", [0, MOST_MEMBERS + 1])
def test_a_household_of_an_impossible_size_is_refused(open_town: Town, members: int) -> None:
    (fault,) = faults(open_town, [HOME], [MEMBER] * members)
    assert f"{members} members" in fault.reason


def test_a_household_of_the_largest_size_is_taken(open_town: Town) -> None:
    assert open_town.take_in(*files([HOME], [HEAD, *[MEMBER] * (MOST_MEMBERS - 1)])).persons == MOST_MEMBERS


def test_a_file_that_breaks_in_its_middle_leaves_nothing(open_town: Town) -> None:
    homes, people = files([HOME], [HEAD])
    with pytest.raises(FileNotReadable):
        open_town.take_in(homes, people + b'"H1,open\r\n')
    assert counts(open_town) == [0, 0, 0, 0]
    with pytest.raises(MappingNotReadable):
        open_town.take_in(homes, people.replace(b"born", b"birthday"))
    assert counts(open_town) == [0, 0, 0, 0]


def test_facts_that_no_published_programme_needs_are_refused(town: Town) -> None:
    with pytest.raises(FactNotNeeded):
        town.take_in(*files([HOME], [HEAD]))
    town.publish(wait=False)
    assert town.take_in(*files([HOME], [HEAD])).households == 1


def test_a_fact_of_an_unpublished_rule_is_not_needed(town: Town) -> None:
    assert town.needed() == frozenset()
    town.publish(wait=False)
    needed = town.needed()
    assert ("household", "floor_type") not in needed
    with pytest.raises(FactNotNeeded, match="floor_type"):
        read_mapping(MAPPING.replace("rooms: rooms", "floor_type: floor"), needed=needed, defined={})


cells = st.sampled_from(["", "H1", "H2", "yes", "no", "1", "1.5", "-1", "1990-01-02", "x", "ñ", "99999999999999999999"])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_whatever_the_cells_say_an_import_is_whole_or_nothing(new_town: Callable[[], Town], data: Any) -> None:
    homes = data.draw(st.lists(st.tuples(*[cells] * 4), max_size=3))
    people = data.draw(st.lists(st.tuples(*[cells] * 8), max_size=3))
    town = new_town()
    try:
        town.publish(wait=False)
        done = report = None
        try:
            done = town.take_in(*files(homes, people))
        except RowsRefused as refusal:
            report = refusal.faults
        if done is None:
            assert report
            assert counts(town) == [0, 0, 0, 0]
        else:
            kept = [row for row in homes if any(row)], [row for row in people if any(row)]
            named = [row for row in kept[1] if row[1] or row[2]]
            assert [done.households, done.persons] == [len(each) for each in kept]
            assert counts(town)[:3] == [1, done.households, done.persons]
            assert (counts(town)[3] > 0) == bool(named)
    finally:
        town.close()
