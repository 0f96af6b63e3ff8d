"""A fact is asked, typed in and kept only while a published programme needs it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from packages.office.tests.register.desk_pages import NOON, areas, household, signed_in, text
from packages.office.tests.register.people import enrolled, origin, person
from packages.office.tests.town_log import TownLog, asking, publish_rule

from amparo_common.bridge import KeyAnnounced
from amparo_office.desk import place, public_log
from amparo_office.errors import FactNotNeeded
from amparo_office.register import needs, service
from amparo_office.register.models import Change, Household, Individual, Origin
from amparo_office.register.retention import past_limit, run
from amparo_office.register.sealing import open_difference
from amparo_office.register.vault import vault
from amparo_rules.catalogue import Entity
from amparo_service.errors import Unreachable
from amparo_service.keys import signing_key
from amparo_staff.accounts.roles import Role

ROOMS: tuple[Entity, str] = ("household", "rooms")
INCOME: tuple[Entity, str] = ("household", "monthly_income")
BORN: tuple[Entity, str] = ("person", "birth_date")
DAY, WEEK, YEAR = timedelta(days=1), timedelta(days=7), timedelta(days=365)
# Kept for a year after nobody needs it, which is when the version without it counts: a week after it was published.
LAST = NOON + WEEK + YEAR
FIRST = asking("food", "1", BORN, ROOMS, INCOME)
SECOND = asking("food", "2", BORN, INCOME)


def publish(log: TownLog, *files: str, at: datetime = NOON) -> None:
    """Put rules into the log, one after the other."""
    key = signing_key(place.folder(), "publish-key")
    log.clock.set(at)
    log.publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
    for file in files:
        publish_rule(log, file)


def test_a_fact_is_needed_until_a_version_without_it_counts(desk_database: str, town_log: TownLog) -> None:
    assert needs.needed(NOON) == frozenset()
    publish(town_log, FIRST)
    assert ROOMS in needs.needed(NOON)
    publish(town_log, SECOND)
    assert ROOMS in needs.needed(NOON + WEEK - DAY)
    assert needs.needed(NOON + WEEK) == needs.needed(NOON) - {ROOMS}
    now = needs.needs_now(NOON + WEEK)
    assert now is not None
    assert now.ended == {ROOMS: NOON + WEEK}


def test_a_fact_of_two_programmes_is_needed_as_long_as_one_needs_it(desk_database: str, town_log: TownLog) -> None:
    publish(town_log, FIRST, asking("school", "1", ROOMS), SECOND)
    assert ROOMS in needs.needed(NOON + YEAR)
    assert ROOMS not in needs.needed(NOON + YEAR, "food")
    publish(town_log, asking("school", "2"), at=NOON + YEAR)
    now = needs.needs_now(NOON + 2 * YEAR)
    assert now is not None
    assert now.ended == {ROOMS: NOON + YEAR + WEEK}


def test_a_fact_that_is_asked_again_is_needed_again(desk_database: str, town_log: TownLog) -> None:
    publish(town_log, FIRST, SECOND, asking("food", "3", ROOMS))
    assert ROOMS in needs.needed(NOON + YEAR)


def test_what_the_log_said_last_counts_while_it_is_away(desk_database: str, town_log: TownLog) -> None:
    publish(town_log, FIRST)
    town_log.away = True
    assert ROOMS in needs.needed(NOON)
    with pytest.raises(Unreachable):
        needs.needs_now(NOON)


# --- asking and typing in ------------------------------------------------------------------------------------------------


def test_a_desk_without_a_programme_asks_no_fact_and_says_what_to_publish(browser: Client, town_log: TownLog) -> None:
    areas()
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.get("/register/new/"))
    assert "No published programme needs one." in page
    assert "amparo programme publish" in page
    assert "food-basket" in page
    assert "date of birth" not in page.lower()
    browser.post("/register/new/")
    for slug in ("fact-rooms", "member-0-birth", "member-0-fact-disability"):
        assert browser.get(f"/register/new/{slug}/")["Location"] == "/register/new/area/"
    for slug, said in (("area", {"answer": "XA0101"}), ("language", {"answer": "es"}), ("way", {"answer": "paper"})):
        browser.post(f"/register/new/{slug}/", said)
    assert browser.post("/register/new/address/", {})["Location"] == "/register/new/member-0-name/"
    browser.post("/register/new/member-0-name/", {"given": "Ana"})
    browser.post("/register/new/finish/")
    assert (Household.objects.get().facts, Individual.objects.get().facts) == ({}, {})


def test_the_form_asks_what_a_published_programme_needs_and_no_more(browser: Client, town_log: TownLog) -> None:
    areas()
    publish(town_log, FIRST)
    signed_in(browser, Role.REGISTRAR)
    page = text(browser.get("/register/new/"))
    assert "Rooms of the dwelling" in page
    assert "Date of birth" in page
    assert "floor" not in page.casefold()
    browser.post("/register/new/")
    assert browser.get("/register/new/fact-floor_type/").status_code == 302
    assert browser.get("/register/new/fact-rooms/").status_code == 200


def test_the_catalogue_says_what_is_asked_now(browser: Client, town_log: TownLog) -> None:
    publish(town_log, FIRST)
    signed_in(browser, Role.VIEWER)
    rows = {
        row.split("<code>")[1].split("<")[0]: row
        for row in text(browser.get(reverse("register-catalogue"))).split("<tr>")[1:]
        if "<code>" in row
    }
    assert "No programme needs it" not in rows["rooms"]
    assert "No programme needs it" in rows["floor_type"]


def test_an_answer_that_nobody_needs_any_more_is_not_taken_in(browser: Client, town_log: TownLog) -> None:
    areas()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    publish(town_log, asking("food", "1", INCOME, ROOMS), at=long_ago)
    signed_in(browser, Role.REGISTRAR)
    browser.post("/register/new/")
    pages: list[tuple[str, dict[str, str]]] = [
        ("area", {"answer": "XA0101"}),
        ("fact-rooms", {"value": "3"}),
        ("fact-monthly_income", {"value": "10"}),
        ("member-0-name", {"given": "Ana"}),
    ]
    for slug, said in pages:
        browser.post(f"/register/new/{slug}/", said)
    publish(town_log, asking("food", "2", INCOME), at=long_ago)
    browser.post("/register/new/finish/")
    assert set(Household.objects.get().facts) == {"monthly_income"}


def test_a_fact_that_nobody_needs_cannot_be_enrolled(desk_database: str, town_log: TownLog) -> None:
    publish(town_log, FIRST)
    new = service.NewHousehold(members=[person("Ana")], facts={"floor_type": 2})
    with pytest.raises(FactNotNeeded):
        service.enrol(new, origin=origin(), by=None, at=NOON, needed=needs.needed(NOON))
    assert not Household.objects.exists()


def test_a_fact_that_nobody_needs_cannot_be_typed_in_but_can_be_taken_out(browser: Client, town_log: TownLog) -> None:
    areas()
    publish(town_log, FIRST)
    home = household("Luz", "Quintero", floor_type=2)
    signed_in(browser, Role.REGISTRAR)
    assert "No programme needs it any longer." in text(browser.get(f"/register/households/{home.ref}/"))
    path = f"/register/households/{home.ref}/change/fact-floor_type/"
    why = {"step": "save", "reason": "they said so", "version": "1"}
    refused = text(browser.post(path, {**why, "value": "3"}))
    assert "A fact is kept only while a published programme needs it." in refused
    home.refresh_from_db()
    assert home.facts == {"floor_type": 2}
    assert browser.post(path, {**why, "unknown": "on"}).status_code == 302
    home.refresh_from_db()
    assert home.facts == {"floor_type": None}


def test_a_birth_date_that_nobody_needs_cannot_be_typed_in(browser: Client, town_log: TownLog) -> None:
    areas()
    publish(town_log, asking("food", "1", ROOMS))
    home = household("Luz", "Quintero")
    who = home.members.get()
    signed_in(browser, Role.REGISTRAR)
    path = f"/register/people/{who.ref}/change/birth/"
    said = {"step": "save", "reason": "they said so", "version": "1", "year": "1990"}
    assert "No published programme needs" in text(browser.post(path, said))
    who.refresh_from_db()
    assert who.facts == {"birth_date": 5000}


# --- keeping -------------------------------------------------------------------------------------------------------------


def test_a_fact_that_no_programme_needs_any_more_ends_after_its_retention(
    desk_database: str, town_log: TownLog
) -> None:
    publish(town_log, FIRST)
    home = household("Luz", "Quintero", area=None, rooms=3, monthly_income=500)
    changes = service.HouseholdChanges(facts={"rooms": 4, "monthly_income": 600})
    service.correct_household(
        home.id, changes, version=1, reason="moved", origin_source="desk", by=None, at=NOON, needed=needs.needed(NOON)
    )
    publish(town_log, SECOND)
    assert run(LAST).facts == 0
    assert past_limit(LAST + DAY)["facts"] == 1
    assert run(LAST + DAY).facts == 1
    home.refresh_from_db()
    assert (home.facts, set(home.declared)) == ({"monthly_income": 600}, {"monthly_income"})
    change = Change.objects.get()
    said = open_difference(vault().key(home.key), "household-change", home.id, change.sealed or b"")
    assert (said.before, said.after) == ({"monthly_income": 500}, {"monthly_income": 600})
    assert change.fields == ["monthly_income", "rooms"]
    assert past_limit(LAST + DAY)["facts"] == 0


def test_a_fact_that_is_needed_never_ends_while_its_household_stays(desk_database: str, town_log: TownLog) -> None:
    publish(town_log, FIRST)
    home = household("Luz", "Quintero", area=None, rooms=3)
    assert run(NOON + 50 * YEAR).facts == 0
    home.refresh_from_db()
    assert home.facts == {"rooms": 3}


def test_a_birth_date_ends_with_its_precision(desk_database: str, town_log: TownLog) -> None:
    publish(town_log, FIRST)
    who = household("Luz", "Quintero", area=None).members.get()
    publish(town_log, asking("food", "2", ROOMS))
    assert run(LAST + DAY).facts == 1
    who.refresh_from_db()
    assert (who.facts, who.birth_precision) == ({}, "unknown")


def test_what_no_programme_ever_needed_counts_from_the_day_it_was_declared(
    desk_database: str, town_log: TownLog
) -> None:
    publish(town_log, FIRST)
    old = household("Luz", "Quintero", area=None, floor_type=2)
    corrected = household("Ana", "Paz", area=None, floor_type=2)
    Origin.objects.filter(id__in=[old.origin_id, corrected.origin_id]).update(day=date(2025, 1, 1))
    service.correct_household(
        corrected.id,
        service.HouseholdChanges(facts={"floor_type": 3}),
        version=1,
        reason="seen",
        origin_source="desk",
        by=None,
        at=NOON,
    )
    assert run(NOON).facts == 1
    old.refresh_from_db()
    corrected.refresh_from_db()
    assert (old.facts, corrected.facts) == ({}, {"floor_type": 3})


@pytest.mark.parametrize("known", [True, False])
def test_nothing_ends_for_want_of_a_programme_while_the_log_says_nothing(
    desk_database: str, town_log: TownLog, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    publish(town_log, FIRST, SECOND)
    home = enrolled(person("Ana", facts={"disability": 1}))
    Household.objects.filter(id=home.id).update(facts={"rooms": 3})
    town_log.away = True
    if not known:
        monkeypatch.setattr(public_log, "known", lambda: None)
    assert run(LAST + DAY).facts == 0
    home.refresh_from_db()
    assert home.facts == {"rooms": 3}
