"""The pages of duplicates through Django's client: what they show, to whom, and what they write down."""

import re

import pytest
from django.conf import settings
from django.test import Client
from packages.office.tests.duplicates.invented import ADDRESS, NOON, PAPER, PHONE, areas, enrolled, heads, person
from tests.servers.desk import member

from amparo_common.clock import FixedClock
from amparo_office.duplicates import runs
from amparo_office.duplicates.models import Crowd, Merge, PossibleDuplicate, Verdict
from amparo_office.register.models import Access, Area, Individual, RecordState
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs.models import Job


@pytest.fixture(autouse=True)
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AMPARO_CLOCK", FixedClock(NOON), raising=False)


@pytest.fixture
def pair(browser: Client) -> PossibleDuplicate:
    """Two records with one name, other papers, and a telephone on one side alone."""
    areas("VE01")
    enrolled(person(telephone=PHONE, paper=PAPER), area="VE01")
    enrolled(person("María Elene", paper=PAPER), person("Zoraida", relationship="OTHER"), area="VE01")
    runs.find_duplicates(by=None, at=NOON)
    Access.objects.all().delete()
    return PossibleDuplicate.objects.get()


def signed_in(browser: Client, *roles: Role, area: str = "") -> StaffMember:
    made = member(*roles, area=area)
    browser.force_login(made)
    return made


def page(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_list_shows_references_and_what_agrees_but_no_name_and_reads_nobody(
    browser: Client, pair: PossibleDuplicate
) -> None:
    signed_in(browser, Role.VALIDATOR)
    shown = page(browser, "/duplicates/")
    assert pair.first.ref in shown
    assert pair.second.ref in shown
    assert "Rojas" not in shown
    assert not Access.objects.exists()
    assert shown.count("<h1") == 1


def test_side_by_side_shows_what_was_compared_and_nothing_else(browser: Client, pair: PossibleDuplicate) -> None:
    Individual.objects.update(facts={"birth_date": 5181, "disability": 987654})
    signed_in(browser, Role.VALIDATOR)
    shown = page(browser, f"/duplicates/pairs/{pair.id}/")
    for value in ("María Elena Rojas Peña", "María Elene Rojas Peña", PAPER, PHONE, "1984-03-09", "VE01"):
        assert value in shown
    for hidden in ("987654", ADDRESS, "Zoraida"):
        assert hidden not in shown
    assert shown.count("<h1") == 1


def test_a_difference_is_an_icon_and_a_word_and_not_only_a_colour(browser: Client, pair: PossibleDuplicate) -> None:
    signed_in(browser, Role.VALIDATOR)
    shown = page(browser, f"/duplicates/pairs/{pair.id}/")
    states = dict(
        re.findall(r'<th scope="row">([^<]+)</th>.*?<span class="tag tag-(\w+)"><svg', shown, flags=re.DOTALL)
    )
    assert states == {
        "Name": "info",
        "Date of birth": "good",
        "Papers": "good",
        "Telephone": "off",
        "Head of the household": "off",
        "Place": "good",
    }


def test_a_place_is_called_by_its_name_and_a_head_is_said_to_be_one(browser: Client, pair: PossibleDuplicate) -> None:
    Area.objects.filter(code="VE01").update(names={"en": "Los Andes"})
    signed_in(browser, Role.VALIDATOR)
    shown = page(browser, f"/duplicates/pairs/{pair.id}/")
    assert shown.count("Los Andes (VE01)") == 2
    assert shown.count("Is the head") == 2


def test_reading_two_records_is_written_down_for_both(browser: Client, pair: PossibleDuplicate) -> None:
    reader = signed_in(browser, Role.VALIDATOR)
    page(browser, f"/duplicates/pairs/{pair.id}/")
    assert set(Access.objects.values_list("individual", "by", "purpose")) == {
        (pair.first_id, reader.id, "duplicates"),
        (pair.second_id, reader.id, "duplicates"),
    }


def test_a_head_who_is_named_is_read_too(browser: Client) -> None:
    sons = [
        enrolled(person("Rosa", telephone=PHONE), person(relationship="SON_DAUGHTER", telephone=PHONE)).members.get(
            relationship="SON_DAUGHTER"
        )
        for _ in range(2)
    ]
    runs.find_duplicates(by=None, at=NOON)
    found = PossibleDuplicate.objects.get(first=sons[0])
    Access.objects.all().delete()
    signed_in(browser, Role.VALIDATOR)
    assert page(browser, f"/duplicates/pairs/{found.id}/").count("Rosa Rojas Peña") == 2
    assert Access.objects.filter(kinds=["names"], individual__relationship="HEAD").count() == 2


@pytest.mark.parametrize("role", [each for each in Role if each != Role.VALIDATOR])
def test_no_other_role_opens_a_page_of_duplicates(browser: Client, pair: PossibleDuplicate, role: Role) -> None:
    signed_in(browser, role)
    for path in ("/duplicates/", f"/duplicates/pairs/{pair.id}/", "/duplicates/merges/", "/duplicates/crowds/"):
        assert browser.get(path).status_code == 403
    assert not Access.objects.exists()


def test_a_pair_outside_the_areas_is_refused_and_nobody_is_read(browser: Client, pair: PossibleDuplicate) -> None:
    signed_in(browser, Role.VALIDATOR, area="VE02")
    assert pair.first.ref not in page(browser, "/duplicates/")
    assert browser.get(f"/duplicates/pairs/{pair.id}/").status_code == 403
    assert not Access.objects.filter(refused=False).exists()


def test_one_person_is_kept_and_the_merge_is_undone_from_its_page(browser: Client, pair: PossibleDuplicate) -> None:
    signed_in(browser, Role.VALIDATOR)
    said = {"verdict": "same", "why": "papers-seen", "keep": "second", "with_members": "on"}
    answer = browser.post(f"/duplicates/pairs/{pair.id}/", said)
    assert (answer.status_code, answer["Location"]) == (302, "/duplicates/")
    made = Merge.objects.get()
    assert (made.kept_id, made.other_id) == (pair.second_id, pair.first_id)
    assert pair.first.ref in page(browser, "/duplicates/merges/")
    assert browser.post(f"/duplicates/merges/{made.id}/undo/").status_code == 302
    assert not Individual.objects.filter(state=RecordState.MERGED).exists()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"why": "papers-seen"}, "id_verdict"),
        ({"verdict": "different"}, "id_why"),
        ({"verdict": "same", "why": "papers-seen"}, "id_keep"),
        ({"verdict": "unsure", "why": "not-enough"}, "id_ask_by"),
        ({"verdict": "unsure", "why": "not-enough"}, "id_ask_whom"),
        ({"verdict": "different", "why": "he is my cousin"}, "id_why"),
    ],
)
def test_an_incomplete_verdict_is_refused_with_a_link_to_what_is_missing(
    browser: Client, pair: PossibleDuplicate, said: dict[str, str], field: str
) -> None:
    signed_in(browser, Role.VALIDATOR)
    answer = browser.post(f"/duplicates/pairs/{pair.id}/", said)
    assert answer.status_code == 200
    assert f'href="#{field}' in answer.content.decode()
    assert PossibleDuplicate.objects.get().verdict == Verdict.WAITING


def test_who_cannot_tell_says_who_asks_whom_and_the_pair_stays_open(browser: Client, pair: PossibleDuplicate) -> None:
    signed_in(browser, Role.VALIDATOR)
    asker = member(Role.REGISTRAR)
    said = {"verdict": "unsure", "why": "not-enough", "ask_by": str(asker.id), "ask_whom": "both"}
    assert browser.post(f"/duplicates/pairs/{pair.id}/", said).status_code == 302
    assert asker.name in page(browser, "/duplicates/?state=unsure")
    said = {"verdict": "different", "why": "people-asked"}
    assert browser.post(f"/duplicates/pairs/{pair.id}/", said).status_code == 302
    assert PossibleDuplicate.objects.get().verdict == Verdict.DIFFERENT
    assert browser.post(f"/duplicates/pairs/{pair.id}/", said).status_code == 409


def test_a_run_is_started_by_a_button_and_followed_as_a_job(browser: Client) -> None:
    signed_in(browser, Role.VALIDATOR)
    answer = browser.post("/duplicates/look/")
    row = Job.objects.get()
    assert (answer.status_code, row.kind, row.argument) == (302, "duplicates.find", {})
    assert str(row.id) in answer["Location"]


def test_a_crowd_is_one_case_with_references_alone(browser: Client) -> None:
    everybody = heads(*(enrolled(person(telephone=PHONE)) for _ in range(13)))
    runs.find_duplicates(by=None, at=NOON)
    signed_in(browser, Role.VALIDATOR)
    (crowd,) = Crowd.objects.all()
    assert "1 case of many records" in page(browser, "/duplicates/")
    shown = page(browser, f"/duplicates/crowds/{crowd.id}/")
    assert all(each.ref in shown for each in everybody)
    assert "Rojas" not in shown
    assert browser.post(f"/duplicates/crowds/{crowd.id}/").status_code == 302
    assert browser.get(f"/duplicates/crowds/{crowd.id}/").status_code == 404


def test_who_is_not_signed_in_is_sent_to_the_log_in(browser: Client) -> None:
    for path in ("/duplicates/", "/duplicates/pairs/1/", "/duplicates/merges/", "/duplicates/crowds/1/"):
        assert browser.get(path).status_code == 302
