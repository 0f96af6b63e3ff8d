"""Enrolling a household at the desk, page by page."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text

from amparo_office.register import access
from amparo_office.register.forms_draft import COOKIE
from amparo_office.register.models import Area, Household, Individual
from amparo_staff.accounts.roles import Role

pytestmark = pytest.mark.usefixtures("everything_needed")

HOME: list[tuple[str, dict[str, str]]] = [
    ("area", {"answer": "XA0101"}),
    ("language", {"answer": "ar"}),
    ("way", {"answer": "paper"}),
    ("address", {"address": "behind the well"}),
    ("fact-monthly_income", {"value": "120,50"}),
    ("fact-rooms", {"value": "٣"}),
    ("fact-floor_type", {"unknown": "on"}),
]
HEAD: list[tuple[str, dict[str, str]]] = [
    ("member-0-name", {"given": "Fatima", "family": "Haddad", "other_given": "فاطمة", "other_family": "حداد"}),
    ("member-0-birth", {"year": "1980"}),
    ("member-0-paper", {"kind": "national-id", "paper_number": "V123", "country": "ve"}),
    ("member-0-telephone", {"telephone": "+58 (412) 555-1234"}),
    ("member-0-fact-disability", {"value": "no"}),
]
CHILD: list[tuple[str, dict[str, str]]] = [
    ("more", {"answer": "yes"}),
    ("member-1-name", {"given": "Omar"}),
    ("member-1-relationship", {"answer": "SON_DAUGHTER"}),
    ("member-1-birth", {"unknown": "on"}),
    ("member-1-paper", {}),
    ("member-1-telephone", {}),
    ("member-1-fact-disability", {"value": "unknown"}),
    ("more", {"answer": "no"}),
    ("primary", {"answer": "1"}),
    ("alternate", {"answer": "0"}),
]


def begin(browser: Client) -> str:
    """Begin; where the first question is."""
    return str(browser.post("/register/new/")["Location"])


def go(browser: Client, pages: list[tuple[str, dict[str, str]]], at: str) -> str:
    """Answer these pages, each of which must be the one that comes; where it goes on."""
    for slug, said in pages:
        assert at == f"/register/new/{slug}/"
        text(browser.get(at))
        answer = browser.post(at, said)
        assert answer.status_code == 302, answer.context["form"].errors
        at = answer["Location"]
    return at


def test_a_household_is_enrolled_page_by_page(browser: Client) -> None:
    areas()
    who = signed_in(browser, Role.REGISTRAR)
    at = go(browser, HOME + HEAD + CHILD, begin(browser))
    assert at == "/register/new/possible/"
    assert "Nobody like them" in text(browser.get(at))
    page = text(browser.get("/register/new/check/"))
    assert "behind the well" in page
    assert not Household.objects.exists()
    done = browser.post("/register/new/finish/")["Location"]
    home = Household.objects.get()
    assert done == f"/register/new/done/{home.ref}/"
    assert home.ref in text(browser.get(done))
    seen = access.read_household(home.id, by=who, purpose="service", at=NOON)
    assert (seen.area, seen.language, seen.by_phone) == ("XA0101", "ar", False)
    assert seen.facts == {"monthly_income": 12050, "rooms": 3, "floor_type": None}
    assert seen.dwelling is not None
    assert seen.dwelling.address == "behind the well"
    head, child = seen.members
    assert head.identity is not None
    assert [name.script for name in head.identity.names] == ["Latn", "Arab"]
    assert (head.identity.telephone, head.identity.documents[0].country) == ("+584125551234", "VE")
    assert (head.relationship, head.birth_precision, child.relationship) == ("HEAD", "year", "SON_DAUGHTER")
    assert (child.facts.get("birth_date"), child.birth_precision) == (None, "unknown")
    assert {kind: each.id for kind, each in seen.collectors.items()} == {"primary": child.id, "alternate": head.id}
    assert home.origin.by == who


def test_the_last_page_sent_twice_enrols_once(browser: Client) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME + HEAD, begin(browser))
    cookie, session = browser.cookies[COOKIE].value, dict(browser.session)
    browser.post("/register/new/finish/")
    browser.cookies[COOKIE] = cookie
    again = browser.session
    again.update(session)
    again.save()
    browser.post("/register/new/finish/")
    assert Household.objects.count() == 1


def test_nothing_that_was_typed_stands_in_the_session_in_clear_and_the_session_alone_does_not_open_it(
    browser: Client,
) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME + HEAD, begin(browser))
    stored = b"".join(repr(each.get_decoded()).encode() for each in Session.objects.all())
    assert b"register.draft" in stored
    for secret in (b"Fatima", b"Haddad", b"584125551234", b"well"):
        assert secret not in stored
    assert "Fatima" in text(browser.get("/register/new/check/"))
    browser.cookies[COOKIE] = "another browser's"
    assert browser.get("/register/new/check/")["Location"] == "/register/new/"


def test_a_draft_ends_when_it_is_thrown_away_or_finished(browser: Client) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME, begin(browser))
    browser.post("/register/new/stop/")
    assert "register.draft" not in browser.session
    assert browser.cookies[COOKIE].value == ""
    go(browser, HOME + HEAD, begin(browser))
    browser.post("/register/new/finish/")
    assert "register.draft" not in browser.session


def test_a_draft_is_not_opened_after_a_day(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    from amparo_office.register import views_new

    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME, begin(browser))
    monkeypatch.setattr(views_new, "moment", lambda: datetime.now(UTC) + timedelta(days=1))
    assert browser.get("/register/new/check/")["Location"] == "/register/new/"


def test_back_shows_what_was_answered(browser: Client) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME + HEAD, begin(browser))
    page = text(browser.get("/register/new/member-0-name/"))
    assert 'value="Fatima"' in page
    assert "/register/new/fact-floor_type/" in page
    changed = browser.post("/register/new/member-0-name/?from=check", {"given": "Fatma"})
    assert changed["Location"] == "/register/new/check/"
    assert "Fatma" in text(browser.get("/register/new/check/"))


@pytest.mark.parametrize(
    ("slug", "said", "field"),
    [
        ("area", {"answer": ""}, "answer"),
        ("area", {"answer": "XB"}, "answer"),
        ("fact-rooms", {"value": ""}, "value"),
        ("fact-rooms", {"value": "51"}, "value"),
        ("fact-rooms", {"value": "three"}, "value"),
        ("member-0-name", {"given": ""}, "given"),
        ("member-0-birth", {}, "year"),
        ("member-0-birth", {"day": "31", "month": "2", "year": "1990"}, "day"),
        ("member-0-birth", {"day": "3", "year": "1990"}, "month"),
        ("member-0-birth", {"year": "2099"}, "year"),
        ("member-0-paper", {"kind": "passport"}, "paper_number"),
        ("member-0-paper", {"paper_number": "1"}, "kind"),
        ("member-0-telephone", {"telephone": "call me"}, "telephone"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_in_the_summary(
    browser: Client, slug: str, said: dict[str, str], field: str
) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME + HEAD[:1], begin(browser))
    answer = browser.post(f"/register/new/{slug}/", said)
    assert field in answer.context["form"].errors
    assert f'href="#id_{field}' in text(answer)


@pytest.mark.parametrize(
    ("said", "precision", "value"),
    [
        ({"day": "2", "month": "1", "year": "1970"}, "day", 1),
        ({"month": "1", "year": "1970"}, "month", 14),
        ({"year": "١٩٧٠"}, "year", 181),
        ({"unknown": "on", "year": "1970"}, "unknown", None),
    ],
)
def test_as_much_of_a_birth_date_as_is_known_is_kept(
    browser: Client, said: dict[str, str], precision: str, value: int | None
) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, [*HOME, HEAD[0], ("member-0-birth", said)], begin(browser))
    browser.post("/register/new/finish/")
    person = Individual.objects.get()
    assert (person.birth_precision, person.facts.get("birth_date")) == (precision, value)


def test_a_field_that_no_programme_needs_does_not_exist(browser: Client) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    begin(browser)
    for slug in ("fact-religion", "fact-birth_date", "member-0-fact-rooms", "member-7-name", "nonsense"):
        assert browser.get(f"/register/new/{slug}/")["Location"] == "/register/new/area/"


def test_a_possible_duplicate_is_named_by_reference_only(browser: Client) -> None:
    areas()
    known = household("Fatma", "Haddad")
    other = household("Fatma", "Haddad", area="XA02")
    signed_in(browser, Role.REGISTRAR, area="XA01")
    steps = [*HOME, HEAD[0], ("member-0-birth", {"year": "1983"}), *HEAD[2:], ("more", {"answer": "no"})]
    page = text(browser.get(go(browser, steps, begin(browser))))
    assert known.members.get().ref in page
    assert other.members.get().ref not in page
    assert "Fatma" not in page
    assert "584120001122" not in page


def test_a_member_enrols_only_in_their_area(browser: Client) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR, area="XA02")
    at = begin(browser)
    assert "XA0101" not in text(browser.get(at))
    assert browser.post(at, {"answer": "XA0101"}).status_code == 200


def test_an_area_is_typed_by_its_code_where_there_are_too_many(browser: Client) -> None:
    areas()
    Area.objects.bulk_create(Area(code=f"XA03{n:04d}", level=2, parent_id="XA", names={}) for n in range(2001))
    signed_in(browser, Role.REGISTRAR)
    at = begin(browser)
    assert 'type="text"' in text(browser.get(at))
    assert browser.post(at, {"answer": "XZ"}).context["form"].errors
    assert browser.post(at, {"answer": "xa030001"})["Location"] == "/register/new/language/"


def test_members_are_taken_out_and_another_becomes_head(browser: Client) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME + HEAD + CHILD, begin(browser))
    browser.post("/register/new/member/1/", {"deed": "head"})
    browser.post("/register/new/member/0/", {"deed": "remove"})
    browser.post("/register/new/finish/")
    assert Individual.objects.get().relationship == "HEAD"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.GRIEVANCE_OFFICER, Role.PROGRAMME_MANAGER])
def test_only_who_may_change_enrols(browser: Client, role: Role) -> None:
    signed_in(browser, role)
    for path in ("/register/new/", "/register/new/area/"):
        assert browser.get(path).status_code == 403
    assert browser.post("/register/new/finish/").status_code == 403


def test_what_is_typed_stands_in_no_log(browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    go(browser, HOME + HEAD, begin(browser))
    answer: Any = browser.post("/register/search/", {"words": "Fatima", "purpose": "service"})
    assert answer.status_code == 200
    assert "Fatima" not in caplog.text
