"""An import from the file to the register: all or nothing, once only, only what is new."""

import io
from datetime import date

import pytest

from amparo_office.errors import ImportNotReady
from amparo_office.intake import service
from amparo_office.intake.models import ImportState
from amparo_office.register.models import Household, Individual
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs.models import JobFile

from .conftest import NOON, checked, csv_of, send, taken, xlsx_of

HOMES = [
    ("household_id", "admin2_h_c", "rooms_h_f", "monthly_income_h_f"),
    ("1", "", "2", "120.50"),
    ("2", "", "3", ""),
]
PEOPLE = [
    ("household_id", "given_name_i_c", "family_name_i_c", "relationship_i_c", "birth_date_i_c", "disability_i_c"),
    ("1", "Ana", "Rojas", "HEAD", date(1980, 5, 1), "no"),
    ("1", "Luis", "Rojas", "SON_DAUGHTER", date(2010, 1, 31), "yes"),
    ("2", "مريم", "", "HEAD", "", ""),
]


def test_hopes_two_sheets_are_taken_in_by_their_names(registrar: StaffMember) -> None:
    given = checked(send(registrar, ("hope.xlsx", xlsx_of(Individuals=PEOPLE, Households=HOMES))))
    assert (given.kind, given.state, given.new, given.individuals, given.refused) == (
        "hope",
        ImportState.READY,
        2,
        3,
        0,
    )
    assert Household.objects.count() == 0
    done = taken(given)
    assert done.state == ImportState.MERGED
    assert [home.facts for home in Household.objects.order_by("id")] == [
        {"monthly_income": 12050, "rooms": 2},
        {"monthly_income": None, "rooms": 3},
    ]
    heads = Individual.objects.filter(relationship="HEAD").order_by("id")
    assert [head.facts["is_head"] for head in heads] == [1, 1]
    assert JobFile.objects.count() == 0


def test_the_same_file_a_second_time_changes_nothing_and_says_so(registrar: StaffMember) -> None:
    data = xlsx_of(Individuals=PEOPLE, Households=HOMES)
    first = taken(checked(send(registrar, ("hope.xlsx", data))))
    again = service.receive("list", [("other-name.xlsx", io.BytesIO(data))], by=registrar, at=NOON)
    assert again.before
    assert again.given.id == first.id
    assert Household.objects.count() == 2


def test_a_corrected_file_takes_only_what_is_new(registrar: StaffMember) -> None:
    rows = [("ref", "nombres", "apellidos", "edad"), ("a", "Ana", "Rojas", "40"), ("b", "Luis", "Paz", "cuarenta")]
    first = checked(send(registrar, ("lista.csv", csv_of(*rows))))
    assert (first.state, first.new, first.refused, first.fault_count) == (ImportState.REFUSED_ROWS, 1, 1, 1)
    taken(first)
    mended = [*rows[:2], ("b", "Luis", "Paz", "40")]
    second = checked(send(registrar, ("lista.csv", csv_of(*mended))))
    assert (second.state, second.new, second.known) == (ImportState.READY, 1, 1)
    taken(second)
    assert Household.objects.count() == 2


def test_an_import_without_anything_new_cannot_be_taken_in(registrar: StaffMember) -> None:
    rows = [("ref", "nombres"), ("a", "Ana")]
    taken(checked(send(registrar, ("lista.csv", csv_of(*rows)))))
    second = checked(send(registrar, ("lista.csv", csv_of(*rows, mark=True))))
    assert (second.new, second.known) == (0, 1)
    with pytest.raises(ImportNotReady):
        service.start_commit(second, by=registrar, at=NOON)
