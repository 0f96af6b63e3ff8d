"""Files as field teams have them: any order of columns, any separator, any of the peers' forms."""

import io
import uuid
from datetime import date

import msgspec
import pytest
from tests.needed import real_data

from amparo_office.errors import FileNotReadable
from amparo_office.intake import joining, storing
from amparo_office.intake.checking import FaultList
from amparo_office.intake.looking import tables_of
from amparo_office.intake.models import ImportState
from amparo_office.intake.sheets import sheets
from amparo_office.register.models import Household, Individual
from amparo_office.register.sealing import open_identity
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember

from .conftest import NOON, checked, csv_of, look_of, make_areas, proposed, send, taken, xlsx_of


def names() -> list[str]:
    """All names in the register, opened."""
    rows = Individual.objects.order_by("id")
    found = [open_identity(vault().key(row.key), row.id, bytes(row.sealed or b"")) for row in rows]
    return [" / ".join(name.whole() for name in identity.names) for identity in found]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [True, False])
def test_commas_semicolons_and_tabs_are_read_with_and_without_a_mark(
    registrar: StaffMember, sign: str, mark: bool
) -> None:
    rows = [("apellidos", "nombres", "ref"), ("Rojas", "Ana", "1"), ("Núñez", "José", "2")]
    taken(checked(send(registrar, ("lista.csv", csv_of(*rows, sign=sign, mark=mark)))))
    assert names() == ["Ana Rojas", "José Núñez"]


def test_columns_in_another_order_are_the_same_households(registrar: StaffMember) -> None:
    taken(checked(send(registrar, ("a.csv", csv_of(("nombres", "edad"), ("Ana", "40"))))))
    again = checked(send(registrar, ("b.csv", csv_of(("edad", "nombres"), ("40", "Ana")))))
    assert (again.new, again.known) == (0, 1)


def test_kobos_sheets_are_joined_by_index_and_known_by_uuid(registrar: StaffMember) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    main = [
        (
            "start",
            "home/rooms",
            "home/needs",
            "home/needs/food",
            "_uuid",
            "_submission_time",
            "_validation_status",
            "_index",
        ),
        ("2026-10-01", 3, "food water", 1, first, "2026-10-01T10:00:00", "Approved", 1),
        ("2026-10-01", 1, "", 0, second, "2026-10-01T11:00:00", "Not Approved", 2),
    ]
    member = [
        (
            "member/full_name",
            "member/relationship",
            "member/birth_date",
            "_index",
            "_parent_table_name",
            "_parent_index",
        ),
        ("Ana Rojas", "head", date(1980, 5, 1), 1, "form", 1),
        ("Luis Rojas", "son_or_daughter", date(2010, 5, 1), 2, "form", 1),
        ("Eva Paz", "head", date(1970, 1, 1), 3, "form", 2),
    ]
    given = checked(send(registrar, ("kobo.xlsx", xlsx_of(form=main, member=member))))
    assert (given.kind, given.new, given.individuals, given.left_out, given.refused) == ("kobo", 1, 2, 1, 0)
    taken(given)
    assert names() == ["Ana Rojas", "Luis Rojas"]
    # The same submissions in a later export, under another list name: known by their _uuid.
    main.append(("2026-10-02", 2, "", 0, str(uuid.uuid4()), "2026-10-02T11:00:00", "", 3))
    member.append(("Rosa Sol", "head", date(1970, 1, 1), 4, "form", 3))
    later = checked(send(registrar, ("kobo2.xlsx", xlsx_of(form=main, member=member))), source="another list")
    assert (later.new, later.known, later.left_out) == (1, 1, 1)


def test_a_list_of_121_is_read_with_either_separator(registrar: StaffMember) -> None:
    rows = [
        ("referenceId", "programFspConfigurationName", "phoneNumber", "preferredLanguage", "fullName", "gender", "age"),
        (str(uuid.uuid4()), "x", "04125550100", "ar", "Anna Lloyd", "female", "35"),
    ]
    given = send(registrar, ("121.csv", csv_of(*rows, sign=";")))
    assert given.kind == "121"
    plan = proposed(given)
    assert {each.column for each in [*plan.household, *plan.person]} == {
        "referenceId", "phoneNumber", "preferredLanguage", "fullName", "age"
    }  # fmt: skip
    taken(checked(given, msgspec.structs.replace(plan, calling="58")))
    row = Individual.objects.get()
    identity = open_identity(vault().key(row.key), row.id, bytes(row.sealed or b""))
    assert identity.telephone == "+584125550100"
    assert (row.relationship, row.birth_precision) == ("HEAD", "estimated")
    assert Household.objects.get().language == "ar"


def test_people_in_another_order_than_their_households_are_joined_all_the_same(registrar: StaffMember) -> None:
    homes = [("household_id", "rooms"), ("1", 2), ("2", 3)]
    people = [
        ("household_id", "full_name", "relationship"),
        ("2", "Eva", "HEAD"),
        ("1", "Ana", "HEAD"),
        ("9", "Sol", "HEAD"),
    ]
    given = checked(send(registrar, ("hope.xlsx", xlsx_of(Households=homes, Individuals=people))))
    assert (given.state, given.in_order, given.new, given.fault_count) == (ImportState.REFUSED_ROWS, False, 2, 1)
    (fault,) = storing.kept(given.files[storing.FAULTS], FaultList, at=NOON).faults
    assert (fault.table, fault.row, fault.column, fault.value, fault.code) == (
        "Individuals", 4, "household_id", "9", "no-household"
    )  # fmt: skip
    taken(given)
    assert sorted(names()) == ["Ana", "Eva"]


def test_one_row_for_each_person_is_grouped_by_the_household(registrar: StaffMember) -> None:
    rows = [
        ("hogar", "nombre", "parentesco", "cuartos"),
        ("1", "Ana", "jefa", "2"),
        ("1", "Luis", "hijo", "2"),
        ("2", "Eva", "jefa", "1"),
    ]
    given = checked(send(registrar, ("lista.csv", csv_of(*rows))))
    assert proposed(given).shape == "people"
    taken(given)
    assert [home.members.count() for home in Household.objects.order_by("id")] == [2, 1]


def test_areas_are_found_by_code_and_by_name_within_the_area_above(registrar: StaffMember) -> None:
    make_areas()
    rows = [
        ("ref", "nombre", "admin1", "admin2"),
        ("1", "Ana", "Sur", "santa ana"),
        ("2", "Eva", "Norte", "SANTA ANA"),
        ("3", "Sol", "Norte", "XA0102"),
        ("4", "Luz", "", "Santa Ana"),
        ("5", "Mar", "Oeste", ""),
    ]
    given = checked(send(registrar, ("lista.csv", csv_of(*rows))))
    faults = storing.kept(given.files[storing.FAULTS], FaultList, at=NOON).faults
    assert [(fault.row, fault.column, fault.code, fault.ref) for fault in faults] == [
        (5, "admin2", "area-twice", "4"),
        (6, "admin1", "area-unknown", "5"),
    ]
    taken(given)
    assert list(Household.objects.order_by("id").values_list("area", flat=True)) == ["XA0201", "XA0101", "XA0102"]


def test_a_member_with_an_area_enrols_nowhere_else(registrar: StaffMember) -> None:
    make_areas()
    registrar.grants.update(area="XA01")
    rows = [("ref", "nombre", "pcode"), ("1", "Ana", "XA0101"), ("2", "Eva", "XA0201"), ("3", "Sol", "")]
    given = checked(send(registrar, ("lista.csv", csv_of(*rows))))
    faults = storing.kept(given.files[storing.FAULTS], FaultList, at=NOON).faults
    assert (given.new, [fault.code for fault in faults]) == (1, ["area-yours", "area-missing"])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.csv", b""),
        ("latin.csv", "ref,nombre\n1,José\n".encode("latin-1")),
        ("open.csv", b'ref,name\n1,"never closed\n'),
        ("no.xlsx", b"PK\x03\x04 nothing"),
        ("no.dta", b"<stata_dta><header>"),
        ("picture.png", b"\x89PNG"),
    ],
)
def test_what_is_no_table_is_refused_with_words(name: str, data: bytes) -> None:
    with pytest.raises(FileNotReadable):
        _read_all(name, data)


def test_the_real_survey_goes_through_the_mapping(registrar: StaffMember) -> None:
    survey = real_data("worldbank-synthetic-survey")
    files = [(path.name, path.read_bytes()) for path in sorted(survey.glob("*.dta"))]
    given = send(registrar, *files)
    look, plan = look_of(given), proposed(given)
    assert look.person is not None
    assert (look.household.rows, look.person.rows, plan.shape) == (8000, 32396, "two")
    targets = {each.target: each for each in [*plan.household, *plan.person]}
    assert targets["relationship"].values["1"] == "HEAD"
    assert targets["fact:person:disability"].values == {"0": "no", "1": "yes"}
    assert "religion" not in {each.column for each in plan.person}
    del targets["area-1"]
    kept = {each.target for each in targets.values()}
    household = [
        msgspec.structs.replace(each, per=12) if each.column == "tot_exp" else each
        for each in plan.household
        if each.target in kept and not each.target.startswith("area")
    ]
    done = taken(
        checked(given, msgspec.structs.replace(plan, household=household), source="World Bank synthetic survey")
    )
    assert (done.state, done.new, done.individuals, done.refused) == (ImportState.MERGED, 8000, 32396, 0)
    assert Individual.objects.filter(relationship="HEAD").count() == 8000
    home = Household.objects.order_by("id").first()
    assert home is not None
    assert home.facts == {"monthly_income": 42033, "rooms": 1}


def test_tables_can_be_read_again_from_their_start(registrar: StaffMember) -> None:
    given = send(registrar, ("lista.csv", csv_of(("ref", "nombre"), ("1", "Ana"))))
    tables = tables_of(given, NOON)
    assert list(tables.household.rows()) == list(tables.household.rows()) == [(2, ["1", "Ana"])]
    assert joining.cell(["1"], 5) == ""


def _read_all(name: str, data: bytes) -> None:
    for sheet in sheets(name, lambda: io.BytesIO(data)):
        list(sheet.rows())
