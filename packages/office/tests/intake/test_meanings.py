"""What the words of a column mean: chosen on the page, else as they stand; what means nothing yet is shown and refused."""

import re

import pytest
from django.test import Client

from amparo_office.intake.models import Import
from amparo_office.register.models import Individual
from amparo_staff.accounts.models import StaffMember

from .conftest import checked, csv_of, send, taken, work
from .test_pages import ROWS, text_of

PEOPLE = [
    ("ref", "nombre", "discapacidad"),
    ("1", "Ana Rojas", "camina con bastón"),
    ("2", "Eva Paz", "no"),
    ("3", "Luz Gil", "sí"),
    ("4", "Sol Gil", "quizás"),
]
CHOSEN = {"h0": "ref", "h1": "whole", "h2": "fact:person:disability", "source": "market", "day": "2026-10-01"}


@pytest.fixture
def desk(browser: Client, registrar: StaffMember) -> Client:
    """A browser in which the registrar is signed in."""
    browser.force_login(registrar)
    return browser


def details(page: str) -> list[str]:
    """The parts of the mapping page in which words get a meaning: the tag that opens each."""
    return re.findall(r"<details[^>]*>(?=<summary>What its words mean)", page)


def test_a_word_without_a_meaning_of_its_own_is_read_as_it_stands(desk: Client) -> None:
    given = send(StaffMember.objects.get(), ("l.csv", csv_of(*PEOPLE)))
    # Only the first word gets a meaning; yes and no say themselves what they mean.
    desk.post(f"/imports/{given.id}/columns", CHOSEN | {"h2-m0": "yes", "step": "check"})
    work()
    given = Import.objects.get()
    assert (given.new, given.refused) == (3, 1)
    page = text_of(desk.get(f"/imports/{given.id}"))
    assert "This word has no meaning yet." in page
    assert "quizás" in page
    taken(given)
    said = [person.facts["disability"] for person in Individual.objects.order_by("id")]
    assert said == [1, 0, 1]


def test_the_meanings_are_unfolded_while_a_word_means_nothing(desk: Client) -> None:
    given = send(StaffMember.objects.get(), ("l.csv", csv_of(*PEOPLE)))
    page = text_of(desk.post(f"/imports/{given.id}/columns", CHOSEN | {"h2-m0": "yes", "step": "save"}))
    assert details(page) == ["<details open>"]
    page = text_of(desk.post(f"/imports/{given.id}/columns", CHOSEN | {"h2-m0": "yes", "h2-m3": "no", "step": "save"}))
    assert details(page) == ["<details>"]


def test_a_file_in_which_nothing_is_new_says_so_and_one_that_was_taken_in_leads_on(desk: Client) -> None:
    member = StaffMember.objects.get()
    done = taken(checked(send(member, ("l.csv", csv_of(*ROWS[:2])))))
    assert "Open the register" in text_of(desk.get(f"/imports/{done.id}"))
    again = checked(send(member, ("l.csv", csv_of(*ROWS[:2], ("", "", "", "", "")))))
    page = text_of(desk.get(f"/imports/{again.id}"))
    assert "Nothing in this file is new." in page
    assert "Ready to take in" not in page
    assert "Take them in" not in page


def test_a_refused_choice_is_said_without_what_holds_for_files_only(desk: Client) -> None:
    given = send(StaffMember.objects.get(), ("l.csv", csv_of(*ROWS)))
    page = text_of(desk.post(f"/imports/{given.id}/columns", CHOSEN | {"h2": "", "calling": "x", "step": "check"}))
    assert "The calling code of a country is digits, like 58." in page
    assert "docs/formats" not in page
