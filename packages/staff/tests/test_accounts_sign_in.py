"""Signing in: with a password, with lock-out, with limits; and the first administrator."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings
from django.test import Client
from packages.staff.tests.staff_desk import NOON, PASSWORD, QuickHasher, at_once, person, sign_in, standing_clock

from amparo_common.clock import FixedClock
from amparo_staff.accounts import first, tries
from amparo_staff.accounts.models import OneTimeCode, StaffMember, StaffSession, WrongTries
from amparo_staff.accounts.roles import Role
from amparo_staff.errors import BadCode
from amparo_staff.trail.models import TrailEntry

WRONG = "eight green lanterns"
FIRST = {"login": "ana", "name": "Ana", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    with standing_clock() as standing:
        yield standing


def _main(content: bytes) -> str:
    return content.decode().split("<main", 1)[1]


def test_the_desk_hashes_passwords_with_argon2() -> None:
    assert settings.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]


# --- password ----------------------------------------------------------------------------------------------------------


def test_a_member_signs_in_with_name_and_password_and_gets_a_new_session_key(
    browser: Client, clock: FixedClock
) -> None:
    person("ana", Role.REGISTRAR)
    browser.get("/sign-in/passkey")  # begins a session without a member
    before = browser.session.session_key
    answer = browser.post("/sign-in", {"login": " ANA ", "password": PASSWORD, "next": "/account"})
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    assert before is not None
    assert browser.session.session_key not in (None, before)
    assert browser.get("/account").status_code == 200
    assert TrailEntry.objects.filter(action="account.signed-in").count() == 1


def test_a_wrong_password_an_unknown_name_and_a_disabled_account_get_the_same_answer(
    browser: Client, clock: FixedClock
) -> None:
    person("ana", Role.REGISTRAR)
    StaffMember.objects.filter(id=person("ben").id).update(is_active=False)
    pages = []
    for login, password in (("ana", WRONG), ("nobody", PASSWORD), ("ben", PASSWORD)):
        answer = browser.post("/sign-in", {"login": login, "password": password})
        assert answer.status_code == 403
        pages.append(
            re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", _main(answer.content).replace(login, "NAME"))
        )
    assert len(set(pages)) == 1
    assert "do not belong together" in pages[0]


def test_every_refusal_costs_one_hash(browser: Client, clock: FixedClock) -> None:
    person("ana")
    invited = StaffMember(login="ben", name="Ben")
    invited.set_unusable_password()
    invited.save()
    counts = []
    for login in ("ana", "ben", "nobody"):
        QuickHasher.count = 0
        assert sign_in(browser, login, WRONG) == 403
        counts.append(QuickHasher.count)
    assert counts == [1, 1, 1]


@pytest.mark.parametrize("onward", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_sign_in_leads_to_no_foreign_page(browser: Client, clock: FixedClock, onward: str) -> None:
    person("ana")
    answer = browser.post("/sign-in", {"login": "ana", "password": PASSWORD, "next": onward})
    assert answer["Location"] == "/"


def test_the_same_password_typed_on_another_keyboard_is_the_same(browser: Client, clock: FixedClock) -> None:
    composed, pieces = "café con leche fría", "cafe\u0301 con leche fri\u0301a"
    person("ana")
    sign_in(browser, "ana")
    browser.post("/account/password", {"old": PASSWORD, "password": pieces, "again": pieces})
    assert sign_in(Client(), "ana", composed) == 302


# --- lock-out ----------------------------------------------------------------------------------------------------------


def test_waits_grow_and_end_at_five_minutes() -> None:
    waits = [int(tries.wait_after(count).total_seconds()) for count in (1, 4, 5, 6, 7, 8, 9, 10, 50, 5000)]
    assert waits == [0, 0, 15, 30, 60, 120, 240, 300, 300, 300]


@pytest.mark.parametrize("login", ["ana", "nobody"])
def test_after_five_wrong_tries_everybody_waits_alike_whether_the_account_exists_or_not(
    browser: Client, clock: FixedClock, login: str
) -> None:
    person("ana")
    for _ in range(4):
        assert "Try again after" not in browser.post("/sign-in", {"login": login, "password": WRONG}).content.decode()
    page = browser.post("/sign-in", {"login": login, "password": WRONG}).content.decode()
    assert "Try again after 12:00:15 UTC" in page
    page = browser.post("/sign-in", {"login": login, "password": PASSWORD}).content.decode()
    assert "Try again after 12:00:15 UTC" in page


def test_a_try_during_a_wait_does_not_lengthen_it_and_afterwards_the_right_password_opens(
    browser: Client, clock: FixedClock
) -> None:
    person("ana")
    for _ in range(30):
        sign_in(browser, "ana", WRONG)
    assert WrongTries.objects.get().count == 5
    clock.set(NOON + timedelta(seconds=16))
    assert sign_in(browser, "ana") == 302
    assert not WrongTries.objects.exists()


def test_a_stranger_who_keeps_guessing_does_not_keep_the_member_s_own_browser_out(
    browser: Client, clock: FixedClock
) -> None:
    person("ana")
    assert sign_in(browser, "ana") == 302
    browser.post("/sign-out")
    stranger = Client()
    for minute in range(20):
        clock.set(NOON + timedelta(minutes=minute))
        for _ in range(6):
            sign_in(stranger, "ana", WRONG)
    assert sign_in(stranger, "ana") == 403
    assert sign_in(browser, "ana") == 302


def test_another_member_s_mark_or_a_made_up_one_gives_no_free_tries(browser: Client, clock: FixedClock) -> None:
    assert tries.key_of("ana", tries.new_mark("ben")) == tries.key_of("ana")
    assert tries.key_of("ana", "made:up") == tries.key_of("ana")
    assert tries.key_of("ana", tries.new_mark("ana")) != tries.key_of("ana")


def test_wrong_tries_are_counted_once_each_also_when_they_come_together(desk_database: str, clock: FixedClock) -> None:
    key = tries.key_of("ana")
    at_once([lambda: tries.wrong(key, at=NOON)] * 4)
    assert WrongTries.objects.get(key=key).count == 4


def test_wrong_tries_are_forgotten_after_a_day(desk_database: str, clock: FixedClock) -> None:
    tries.wrong("a" * 64, at=NOON)
    tries.wrong("b" * 64, at=NOON + timedelta(days=1, seconds=1))
    assert list(WrongTries.objects.values_list("key", flat=True)) == ["b" * 64]


def test_the_typed_name_of_a_wrong_try_is_not_kept(browser: Client, clock: FixedClock) -> None:
    sign_in(browser, "maria.secret", WRONG)
    row = WrongTries.objects.get()
    assert "maria" not in f"{row.key} {list(TrailEntry.objects.values())}"


# --- limits of a session -------------------------------------------------------------------------------------------------


def test_a_session_ends_after_thirty_minutes_without_a_page(browser: Client, clock: FixedClock) -> None:
    person("ana")
    sign_in(browser, "ana")
    clock.set(NOON + timedelta(minutes=29))
    assert browser.get("/account").status_code == 200
    clock.set(NOON + timedelta(minutes=58))
    assert browser.get("/account").status_code == 200
    clock.set(NOON + timedelta(minutes=88))
    assert browser.get("/account")["Location"] == "/sign-in?next=/account"
    assert not StaffSession.objects.exists()


def test_a_session_ends_after_ten_hours_however_busy(browser: Client, clock: FixedClock) -> None:
    person("ana")
    sign_in(browser, "ana")
    for minute in range(20, 600, 20):
        clock.set(NOON + timedelta(minutes=minute))
        assert browser.get("/account").status_code == 200
    clock.set(NOON + timedelta(hours=10))
    assert browser.get("/account").status_code == 302


def test_a_member_sees_their_sessions_and_ends_all_others(browser: Client, clock: FixedClock) -> None:
    person("ana")
    other = Client()
    sign_in(browser, "ana")
    sign_in(other, "ana")
    assert browser.get("/account").content.decode().count("another one") == 1
    assert browser.post("/account/sessions/end").status_code == 302
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert StaffSession.objects.count() == 1


def test_signing_out_ends_the_session_on_the_server(browser: Client, clock: FixedClock) -> None:
    person("ana")
    sign_in(browser, "ana")
    kept = browser.cookies[settings.SESSION_COOKIE_NAME].value
    browser.post("/sign-out")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert thief.get("/account").status_code == 302


def test_a_disabled_account_is_out_at_once(browser: Client, clock: FixedClock) -> None:
    member = person("ana")
    sign_in(browser, "ana")
    StaffMember.objects.filter(id=member.id).update(is_active=False)
    assert browser.get("/account").status_code == 302


def test_a_changed_password_keeps_this_session_and_ends_the_others(browser: Client, clock: FixedClock) -> None:
    person("ana")
    other = Client()
    sign_in(browser, "ana")
    sign_in(other, "ana")
    new = "nine quiet bicycles"
    answer = browser.post("/account/password", {"old": PASSWORD, "password": new, "again": new})
    assert answer.status_code == 302
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert sign_in(Client(), "ana") == 403
    assert sign_in(Client(), "ana", new) == 302


@pytest.mark.parametrize(
    ("password", "words"),
    [("short", "12 letters"), ("password1234", "Many people"), ("anastasia-2026x", "too much like your name")],
)
def test_a_weak_password_is_refused_with_its_reason(
    browser: Client, clock: FixedClock, password: str, words: str
) -> None:
    person("anastasia-2026")
    sign_in(browser, "anastasia-2026")
    page = browser.post("/account/password", {"old": PASSWORD, "password": password, "again": password})
    assert page.status_code == 400
    assert words in page.content.decode()


def test_no_page_keeps_an_address_or_the_name_of_a_browser(browser: Client, clock: FixedClock) -> None:
    person("ana")
    browser.post(
        "/sign-in", {"login": "ana", "password": PASSWORD}, headers={"user-agent": "Spy/1"}, REMOTE_ADDR="203.0.113.9"
    )
    kept = f"{list(StaffSession.objects.values())} {list(TrailEntry.objects.values())} {dict(browser.session)}"
    assert "Spy" not in kept
    assert "203.0.113.9" not in kept


# --- the first administrator -----------------------------------------------------------------------------------------------


def test_the_first_administrator_begins_with_the_console_s_code_and_then_the_page_is_gone(
    browser: Client, clock: FixedClock
) -> None:
    code = first.make_code(NOON)
    assert code is not None
    assert browser.get("/first-administrator").status_code == 200
    answer = browser.post("/first-administrator", FIRST | {"code": code.lower().replace("-", " ")})
    assert answer.status_code == 302
    member = StaffMember.objects.get()
    assert [grant.role for grant in member.grants.all()] == [Role.ADMINISTRATOR]
    assert browser.get("/first-administrator").status_code == 404
    assert browser.post("/first-administrator", FIRST | {"code": code}).status_code == 404
    assert first.make_code(NOON) is None
    # Signed in, and led to a passkey before anything else.
    assert browser.get("/members")["Location"] == "/account/passkeys"


def test_the_first_page_is_in_one_language_whatever_the_server_speaks(browser: Client, clock: FixedClock) -> None:
    browser.cookies["amparo_language"] = "en"
    page = browser.get("/first-administrator").content.decode()
    assert "Small letters, digits, dot or dash." in page
    assert "Letras" not in page


def test_without_the_right_code_nobody_becomes_administrator(browser: Client, clock: FixedClock) -> None:
    assert browser.post("/first-administrator", FIRST | {"code": "0000-0000-0000-0000"}).status_code == 403
    old, new = first.make_code(NOON), first.make_code(NOON)
    assert browser.post("/first-administrator", FIRST | {"code": old or ""}).status_code == 403
    clock.set(NOON + timedelta(hours=24))
    assert browser.post("/first-administrator", FIRST | {"code": new or ""}).status_code == 403
    assert not StaffMember.objects.exists()


def test_of_two_who_use_the_console_s_code_at_once_one_becomes_administrator(
    desk_database: str, clock: FixedClock
) -> None:
    code = first.make_code(NOON) or ""
    results = at_once(
        [partial(first.make_first, code, each, each, PASSWORD, language="en", at=NOON) for each in ("a1", "b1")]
    )
    assert StaffMember.objects.count() == 1
    assert [type(each) for each in results if not isinstance(each, StaffMember)] == [BadCode]


def test_the_console_s_code_is_kept_as_a_digest_only(desk_database: str) -> None:
    code = first.make_code(NOON) or ""
    assert len(code.replace("-", "")) == 16
    assert code not in str(list(OneTimeCode.objects.values()))


def test_there_is_no_account_by_default(browser: Client) -> None:
    assert not StaffMember.objects.exists()
    page = browser.get("/sign-in").content.decode()
    assert "/first-administrator" in page
