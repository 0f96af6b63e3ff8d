"""Taking files into the register: whole or not at all, with every fault in its place; names are sealed apart."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.office.tests.conftest import HOME_COLUMNS, MAPPING, PERSON_COLUMNS, Town, csv_file

from amparo_office.errors import FactNotNeeded, FileNotReadable, MappingNotReadable, RowFault, RowsRefused
from amparo_office.importing import MOST_FAULTS, ImportResult
from amparo_office.mapping import read_mapping
from amparo_office.programmes import needed_facts
from amparo_rules.rule import MOST_MEMBERS

Row = tuple[str, ...]
HOME = ("H1", "yes", "50.5", "2")
HEAD = ("H1", "Ana", "Díaz", "آنا", "es", "1990-01-02", "yes", "no")
TABLES = ("import", "household", "person", "identity")


def files(homes: Sequence[Row], people: Sequence[Row]) -> tuple[bytes, bytes]:
    return csv_file(HOME_COLUMNS, homes), csv_file(PERSON_COLUMNS, people)


def counts(town: Town) -> list[int]:
    """How many rows each table of the register has."""
    return [town.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


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
    assert open_town.rows("SELECT ref, phone, facts FROM household ORDER BY number") == [
        ("H1", 1, '{"monthly_income":5050,"rooms":2}'),
        ("H2", 0, '{"monthly_income":null,"rooms":null}'),
    ]
    assert [row[0] for row in open_town.rows("SELECT household FROM person ORDER BY number")] == [1, 2, 1]
    assert open_town.rows("SELECT source, date, households, persons FROM import") == [
        ("parish registry", "2026-10-01", 2, 3)
    ]


def test_names_are_sealed_and_stand_nowhere_else(open_town: Town) -> None:
    open_town.take_in(
        *files([HOME], [("H1", "Xochiquetzal", "Quetzalcoatl", "شوتشيكيتزال", "es", "1990-01-02", "yes", "")])
    )
    open_town.close()
    for path in open_town.folder.glob("office.sqlite*"):
        for name in ("Xochiquetzal", "Quetzalcoatl", "شوتشيكيتزال"):
            assert name.encode() not in path.read_bytes(), path.name
    open_town.open()
    (sealed,) = open_town.rows("SELECT sealed FROM identity")[0]
    assert open_town.sealer.open(1, sealed).family_name == "Quetzalcoatl"


def test_columns_outside_the_mapping_leave_no_trace(open_town: Town) -> None:
    homes = csv_file((*HOME_COLUMNS, "partido"), [(*HOME, "conservador-xyz")])
    open_town.take_in(homes, csv_file(PERSON_COLUMNS, [HEAD]))
    open_town.close()
    for path in open_town.folder.glob("office.sqlite*"):
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
    assert not open_town.take_in(pair[0] + b"H9,,,\r\n", pair[1] + b"H9,,,,,,yes,\r\n").already


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
    (fault,) = faults(open_town, [HOME], [HEAD] * members)
    assert f"{members} members" in fault.reason


def test_a_household_of_the_largest_size_is_taken(open_town: Town) -> None:
    assert open_town.take_in(*files([HOME], [HEAD] * MOST_MEMBERS)).persons == MOST_MEMBERS


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
    assert needed_facts(town.log.refresh()) == set()
    town.publish(wait=False)
    needed = needed_facts(town.log.refresh())
    assert ("household", "floor_type") not in needed
    with pytest.raises(FactNotNeeded, match="floor_type"):
        read_mapping(MAPPING.replace("rooms: rooms", "floor_type: floor"), needed=needed)


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
            assert counts(town) == [1, done.households, done.persons, len(named)]
    finally:
        town.close()
