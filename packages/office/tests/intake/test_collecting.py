"""Templates and forms ask exactly what published programmes need, what comes back is read, and a foreign form is told what it may
not ask."""

import io
import json

import openpyxl  # type: ignore[import-untyped] # brings no types
import pytest
from django.utils.translation import override
from pyxform import xls2xform  # type: ignore[import-untyped] # brings no types
from tests.needed import real_data

from amparo_office.intake.asked import relation_labels
from amparo_office.intake.form_check import check_form
from amparo_office.intake.models import ImportState
from amparo_office.intake.template_book import write_template
from amparo_office.intake.xlsform import write_form
from amparo_office.register import catalogue, needs
from amparo_office.register.models import Household, Individual
from amparo_rules.catalogue import CATALOGUE
from amparo_staff.accounts.models import StaffMember

from .conftest import NOON, checked, make_areas, proposed, send, taken, xlsx_of

LANGUAGES = ("es", "en", "fr", "ar", "pt")
YES = {"es": "sí", "en": "yes", "fr": "oui", "ar": "نعم", "pt": "sim"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_template_is_read_back_in_every_language(registrar: StaffMember, language: str) -> None:
    with override(language):
        book = openpyxl.load_workbook(io.BytesIO(write_template(needs.needed(NOON), catalogue.known(), language)))
    homes, people = book["Households"], book["Individuals"]
    names = {cell.value: cell.column for cell in people[1]}
    labels = [cell.value for cell in people[2]]
    assert people.row_dimensions[1].hidden
    assert all(labels)
    assert people.protection.sheet
    home_names = {cell.value: cell.column for cell in homes[1]}
    assert {"monthly_income", "rooms"} <= set(home_names)
    assert "floor_type" not in home_names
    words = [item.sqref for item in people.data_validations.dataValidation]
    assert words
    head, yes = relation_labels()["HEAD"][language], YES[language]
    homes.cell(3, home_names["ref"], "1")
    homes.cell(3, home_names["rooms"], 4)
    for name, value in {"household": "1", "given": "Ana", "relationship": head, "disability": yes}.items():
        people.cell(3, names[name], value)
    whole = io.BytesIO()
    book.save(whole)
    done = taken(checked(send(registrar, ("filled.xlsx", whole.getvalue()))))
    assert (done.state, done.refused) == (ImportState.MERGED, 0)
    assert Household.objects.get().facts["rooms"] == 4
    person = Individual.objects.get()
    assert (person.relationship, person.facts["disability"], person.facts["is_head"]) == ("HEAD", 1, 1)


def test_the_form_is_a_valid_xlsform_in_five_languages_without_places_and_pictures(registrar: StaffMember) -> None:
    make_areas()
    form = write_form(needs.needed(NOON), catalogue.known(), name="amparo_all", title="Enrolment", version="1")
    made = xls2xform.convert(io.BytesIO(form), validate=False, file_type=".xlsx")
    said = json.dumps(made._pyxform)
    for name in ("Spanish (es)", "English (en)", "French (fr)", "Arabic (ar)", "Portuguese (pt)"):
        assert f'lang="{name}"' in made.xform
    asked = {name for (_, name) in needs.needed(NOON)} - {"is_head", "birth_date"}
    assert all(f'"name": "{name}"' in said for name in asked)
    assert '"floor_type"' not in said
    for kind in ("geopoint", "image", "barcode", "deviceid", "audio"):
        assert f'"type": "{kind}"' not in said
    assert '<repeat nodeset="/' in made.xform
    assert ". &gt;= 0 and . &lt;= 50" in made.xform
    assert not [warning for warning in made.warnings if "language" in warning.lower()]
    assert not check_form("f.xlsx", lambda: io.BytesIO(form), catalogue.known()).findings


def test_what_kobo_sends_back_for_our_form_is_understood(registrar: StaffMember) -> None:
    home = [
        ("household/language", "household/rooms", "_uuid", "_index"),
        ("ar", 3, "7d3a9a1c-6a2f-4f0e-9a55-2b8f1f3c1a01", 1),
    ]
    member = [
        (
            "member/given",
            "member/relationship",
            "member/birth_date",
            "member/disability",
            "_parent_index",
            "_parent_table_name",
        ),
        ("Ana", "HEAD", "", "unknown", 1, "f"),
    ]
    given = send(registrar, ("kobo.xlsx", xlsx_of(f=home, member=member)))
    targets = {each.target for each in [*proposed(given).household, *proposed(given).person]}
    assert {"language", "fact:household:rooms", "ref", "given", "relationship", "fact:person:disability"} <= targets
    done = taken(checked(given))
    assert (done.new, done.refused) == (1, 0)
    assert Individual.objects.get().facts["disability"] is None


@pytest.mark.parametrize(
    "label",
    [
        "¿Cuál es su religión?",
        "Which party do you support?",
        "Pour qui avez-vous voté ?",
        "ما هي ديانتك؟ دين",
        "Qual é a sua raça?",
    ],
)
def test_a_form_that_asks_what_is_never_recorded_is_told_so_row_by_row(registrar: StaffMember, label: str) -> None:
    survey = [
        ("type", "name", "label::English (en)"),
        ("text", "given", "Given name"),
        ("text", "q7", label),
        ("geopoint", "home_place", "Where do you live?"),
        ("integer", "goats", "How many goats?"),
    ]
    report = check_form("f.xlsx", lambda: io.BytesIO(xlsx_of(survey=survey)), catalogue.known())
    assert [(each.row, each.bad) for each in report.findings] == [(3, True), (4, True), (5, False)]
    assert report.questions == 4


def test_the_real_form_of_impact_is_checked_row_by_row(registrar: StaffMember) -> None:
    path = real_data("xlsform/impact-cleaningtools-household-form.xlsx")
    report = check_form(path.name, lambda: path.open("rb"), CATALOGUE)
    assert report.questions > 150
    assert any(each.bad and "audit" in each.words for each in report.findings)
