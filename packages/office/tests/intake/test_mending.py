"""What is wrong is marked in a workbook that can be corrected and imported again; single values are read as people write them."""

import io
from datetime import date

import openpyxl  # type: ignore[import-untyped] # brings no types
import pytest

from amparo_office.errors import FactNotNeeded, ValueFault
from amparo_office.intake import service, storing, values
from amparo_office.intake.faults import REASONS, Fault
from amparo_office.intake.models import ImportState
from amparo_office.intake.plan import Plan, Reading, check_plan, read_plan
from amparo_office.intake.targets import targets
from amparo_office.register.models import BirthPrecision, Household
from amparo_rules.catalogue import CATALOGUE, Entity
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs import files

from .conftest import NOON, checked, look_of, send, taken, xlsx_of

HOMES = [("household_id", "rooms"), ("1", "2"), ("2", "many"), ("3", "1")]
PEOPLE = [
    ("household_id", "full_name", "relationship", "birth_date"),
    ("1", "Ana", "HEAD", "1980-05-01"),
    ("2", "Eva", "HEAD", "1970-02-30"),
    ("2", "Sol", "SON_DAUGHTER", "2010-02-03"),
    ("3", "Luz", "HEAD", "٢٠٠١-٠٢-٠٣"),
]


def test_refused_rows_are_marked_corrected_and_imported_again(registrar: StaffMember) -> None:
    given = checked(send(registrar, ("hope.xlsx", xlsx_of(Households=HOMES, Individuals=PEOPLE))))
    assert (given.state, given.new, given.refused, given.fault_count) == (ImportState.REFUSED_ROWS, 2, 1, 2)
    assert Household.objects.count() == 0
    whole = b"".join(files.read_pieces(storing.row_of(given.files[storing.REFUSED]), at=NOON))
    book = openpyxl.load_workbook(io.BytesIO(whole))
    homes, people = book["Households"], book["Individuals"]
    assert [[cell.value for cell in row] for row in homes.rows] == [["household_id", "rooms"], ["2", "many"]]
    assert people.max_row == 3
    assert "no number" in homes["B2"].comment.text
    assert "no date" in people["D2"].comment.text
    assert people["D3"].comment is None
    taken(given)
    homes["B2"], people["D2"] = "4", "1970-02-28"
    mended = io.BytesIO()
    book.save(mended)
    second = send(registrar, ("to-correct.xlsx", mended.getvalue()))
    remembered = service.remembered(look_of(second))
    assert remembered is not None
    done = taken(checked(second, read_plan(remembered.text)))
    assert (done.state, done.new, done.refused) == (ImportState.MERGED, 1, 0)
    assert Household.objects.count() == 3


@pytest.mark.parametrize(
    ("text", "order", "found", "precision"),
    [
        ("1980-05-01", "dmy", date(1980, 5, 1), BirthPrecision.DAY),
        ("01/05/1980", "dmy", date(1980, 5, 1), BirthPrecision.DAY),
        ("05.13.1980", "mdy", date(1980, 5, 13), BirthPrecision.DAY),
        ("٠١-٠٥-١٩٨٠", "dmy", date(1980, 5, 1), BirthPrecision.DAY),
        ("1980-05-01T00:00:00", "dmy", date(1980, 5, 1), BirthPrecision.DAY),
        ("1980", "dmy", date(1980, 7, 1), BirthPrecision.YEAR),
        ("05/1980", "dmy", date(1980, 5, 15), BirthPrecision.MONTH),
    ],
)
def test_dates_are_read_in_several_orders_and_in_parts(text: str, order: str, found: date, precision: str) -> None:
    assert values.birth_date(text, order) == (found, precision)


@pytest.mark.parametrize("text", ["31/02/1980", "01/05/80", "soon", "1980-13-01", "1/2/3/4"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        values.birth_date(text, "dmy")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+58 412-555.01.00", "+584125550100"),
        ("0058 412 5550100", "+584125550100"),
        ("0412 5550100", "+584125550100"),
        ("٠٤١٢٥٥٥٠١٠٠", "+584125550100"),
        ("584125550100", "+584125550100"),
        ("", ""),
    ],
)
def test_telephones_become_e164_with_the_programmes_country(text: str, found: str) -> None:
    assert values.telephone(text, "58") == found


@pytest.mark.parametrize("text", ["none", "12", "+", "04125550100123456"])
def test_what_is_no_telephone_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        values.telephone(text, "58")


def test_numbers_are_read_with_point_or_comma_and_ranges_are_kept() -> None:
    income, rooms = CATALOGUE["household", "monthly_income"].type, CATALOGUE["household", "rooms"].type
    assert values.fact_value("125,5", income) == 12550
    assert values.fact_value("5044", income, per=12) == 42033
    assert values.fact_value("", income) is None
    for text, kind, code in (("1.234,50", income, "number"), ("99", rooms, "range"), ("2.5", rooms, "whole")):
        with pytest.raises(ValueFault) as caught:
            values.fact_value(text, kind)
        assert caught.value.fault == code


def test_every_reason_is_said_in_words() -> None:
    limits = {"least": "1", "most": "2"}
    assert all(Fault("t", 1, "c", "v", code, limits).reason for code in REASONS)


@pytest.mark.parametrize(
    ("text", "order", "parts"),
    [
        ("Rojas, Ana María", "one", ("Ana María", "Rojas")),
        ("Ana Rojas Paz", "given-first", ("Ana", "Rojas Paz")),
        ("Rojas Ana", "family-first", ("Ana", "Rojas")),
        ("Ana Rojas", "one", ("Ana Rojas", "")),
        ("مريم", "given-first", ("مريم", "")),
    ],
)
def test_names_in_one_cell_are_read_as_the_mapping_says(text: str, order: str, parts: tuple[str, str]) -> None:
    name = values.whole_name(text, order)
    assert (name.given, name.family) == parts
    assert name.script == ("Arab" if text == "مريم" else "Latn")


@pytest.mark.parametrize("target", ["birth", "birth-year", "birth-month", "birth-day", "age"])
def test_a_date_of_birth_that_no_programme_needs_is_not_even_read(target: str) -> None:
    nobody, somebody = frozenset[tuple[Entity, str]](), frozenset[tuple[Entity, str]]({("person", "birth_date")})
    plan = Plan(shape="flat", household=[], person=[Reading(column="edad", target=target)])
    with pytest.raises(FactNotNeeded):
        check_plan(plan, household=["edad"], person=None, needed=nobody, definitions=CATALOGUE)
    check_plan(plan, household=["edad"], person=None, needed=somebody, definitions=CATALOGUE)
    assert target not in {each.code for each in targets(nobody, CATALOGUE, "en")}
    assert target in {each.code for each in targets(somebody, CATALOGUE, "en")}
