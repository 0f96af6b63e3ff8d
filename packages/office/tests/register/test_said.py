"""What was changed, as a page and a person's own file say it: words of the page's language, never codes or our own numbers."""

import pytest
from django.test import Client
from django.utils import translation
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text

from amparo_office.duplicates.models import Why
from amparo_office.register import person_file, said
from amparo_office.register.said import both_sides
from amparo_staff.accounts.roles import Role

pytestmark = pytest.mark.usefixtures("everything_needed")

WHY = {"step": "save", "reason": "they said so", "version": 1}


@pytest.fixture(autouse=True)
def _english(desk_database: str) -> object:
    del desk_database
    with translation.override("en"):
        yield


def test_of_an_identity_only_what_differs_is_said() -> None:
    before = {"identity": {"names": [{"given": "Luz", "family": "Kintero", "script": "Latn"}], "telephone": "+58412"}}
    after = {"identity": {"names": [{"given": "Luz", "family": "Quintero", "script": "Latn"}], "telephone": "+58412"}}
    assert both_sides("identity", before, after, entity="person") == ("Luz Kintero", "Luz Quintero")
    gone = {"identity": {"names": [{"given": "Luz", "family": "Quintero"}], "telephone": ""}}
    assert both_sides("identity", after, gone, entity="person") == ("+58412", "None")


@pytest.mark.parametrize(
    ("name", "before", "after", "words"),
    [
        ("monthly_income", 12_050, None, ("120.50", "Not known")),
        ("by_phone", "True", "False", ("On a phone", "On paper")),
        ("language", "es", "ar", ("Español", "العربية")),
        ("state", "new", "validated", ("New", "Checked")),
        ("dwelling", {"address": ""}, {"address": "calle Nueva 3"}, ("None", "calle Nueva 3")),
        ("collectors", {}, {"primary": 999_999}, ("None", "–")),
    ],
)
def test_a_value_of_a_household_is_said_in_words(
    name: str, before: object, after: object, words: tuple[str, str]
) -> None:
    assert both_sides(name, {name: before}, {name: after}, entity="household") == words


@pytest.mark.parametrize(
    ("name", "before", "after", "words"),
    [
        ("relationship", "SON_DAUGHTER", "HEAD", ("Son or daughter", "Head of the household")),
        ("birth_precision", "estimated", "month", ("about …", "Month")),
        ("disability", 0, 1, ("No", "Yes")),
    ],
)
def test_a_value_of_a_person_is_said_in_words(name: str, before: object, after: object, words: tuple[str, str]) -> None:
    assert both_sides(name, {name: before}, {name: after}, entity="person") == words


def test_a_date_of_birth_is_said_as_exactly_as_it_was_known() -> None:
    before = {"birth_date": 0, "birth_precision": "estimated"}
    after = {"birth_date": 31, "birth_precision": "month"}
    assert both_sides("birth_date", before, after, entity="person") == ("about 1970", "1970-02")
    assert both_sides("birth_date", {"birth_date": 0}, {}, entity="person") == ("1970-01-01", "Not known")


def test_a_verdict_s_code_is_said_in_words_and_what_somebody_wrote_stays() -> None:
    assert said.reason_words(Why.TYPED_TWICE.value) == "The same form was typed in twice"
    assert said.reason_words("She showed her papers.") == "She showed her papers."


def test_the_page_and_the_file_of_a_person_say_a_correction_in_words(browser: Client) -> None:
    areas()
    home = household("Luz", "Quintero")
    who = signed_in(browser, Role.REGISTRAR)
    person = home.members.get()
    path = f"/register/people/{person.ref}/"
    browser.post(f"{path}change/birth/", {**WHY, "year": "1988", "month": "2"})
    shown = text(browser.post(path, {"purpose": "service"}))
    assert "1988-02" in shown
    assert str(person.facts.get("birth_date")) not in shown
    record, _language = person_file.collect(person.id, by=who, at=NOON)
    assert "1988-02" in record.changes[-1].said_after()
