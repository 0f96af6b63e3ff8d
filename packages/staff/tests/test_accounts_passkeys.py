"""Passkeys: added, asked for, enough alone, and never taken for somebody else's or elsewhere's. The browser is a software key."""

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
from django.test import Client
from fido2.utils import websafe_encode
from packages.staff.tests.software_key import SoftwareKey, options_of
from packages.staff.tests.staff_desk import NOON, PASSWORD, person, sign_in, standing_clock

from amparo_common.clock import FixedClock
from amparo_staff.accounts.models import OneTimeCode, Passkey, StaffMember, StaffSession
from amparo_staff.accounts.passkeys import is_origin
from amparo_staff.accounts.roles import Role
from amparo_staff.trail.models import TrailEntry


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    with standing_clock() as standing:
        yield standing


@pytest.fixture
def ana(desk_database: str, clock: FixedClock) -> StaffMember:
    return person("ana", Role.ADMINISTRATOR, passkey=False)


def add(browser: Client, key: SoftwareKey, **changes: str) -> str:
    """Add a passkey on its page; the page that answers."""
    options = options_of(browser.get("/account/passkeys").content.decode())
    sent = {"label": "blue key", "password": PASSWORD, "answer": key.create(options)}
    return browser.post("/account/passkeys", sent | changes).content.decode()


def with_key(login: str) -> tuple[SoftwareKey, list[str]]:
    """A passkey of a member, and the one-time codes that were shown with it."""
    browser, key = Client(), SoftwareKey()
    browser.force_login(StaffMember.objects.get(login=login))
    page = add(browser, key)
    codes = [part.partition("<")[0] for part in page.partition("Your one-time codes")[2].split("<code>")[1:]]
    StaffSession.objects.all().delete()
    return key, codes


def second(browser: Client, key: SoftwareKey) -> int:
    """The status of the answer to the passkey on the second page."""
    options = options_of(browser.get("/sign-in/second").content.decode())
    return browser.post("/sign-in/second", {"answer": key.get(options)}).status_code


# --- adding ------------------------------------------------------------------------------------------------------------


def test_an_administrator_adds_a_passkey_sees_ten_codes_once_and_then_reaches_the_desk(
    browser: Client, ana: StaffMember
) -> None:
    sign_in(browser, "ana")
    assert browser.get("/members").status_code == 302
    page = add(browser, SoftwareKey())
    codes = page.partition("Your one-time codes")[2].split("<code>")[1:]
    assert len(codes) == 10
    assert codes[0].partition("<")[0] not in str(list(OneTimeCode.objects.values()))
    assert "Your one-time codes" not in browser.get("/account/passkeys").content.decode()
    assert browser.get("/members").status_code == 200
    row = Passkey.objects.get()
    assert (row.label, row.member_id) == ("blue key", ana.id)
    assert TrailEntry.objects.filter(action="account.passkey-added").count() == 1


def test_adding_needs_the_password(browser: Client, ana: StaffMember) -> None:
    sign_in(browser, "ana")
    assert "This is not your password" in add(browser, SoftwareKey(), password="not the password")
    assert not Passkey.objects.exists()


def test_an_answer_is_taken_once_and_for_five_minutes(browser: Client, ana: StaffMember, clock: FixedClock) -> None:
    sign_in(browser, "ana")
    options = options_of(browser.get("/account/passkeys").content.decode())
    sent = {"label": "key", "password": PASSWORD, "answer": SoftwareKey().create(options)}
    clock.set(NOON + timedelta(minutes=5, seconds=1))
    assert browser.post("/account/passkeys", sent).status_code == 400
    clock.set(NOON)
    key = SoftwareKey()
    options = options_of(browser.get("/account/passkeys").content.decode())
    sent["answer"] = key.create(options)
    assert browser.post("/account/passkeys", sent).status_code == 200
    assert browser.post("/account/passkeys", sent).status_code == 400
    assert Passkey.objects.count() == 1


def test_a_passkey_that_another_member_has_is_not_added(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    browser.force_login(person("ben"))
    assert "This passkey was not added" in add(browser, key)
    assert Passkey.objects.get().member_id == ana.id


@pytest.mark.parametrize("origin", ["https://evil.example", "http://testserver", "https://testserver:8443"])
def test_a_passkey_made_at_another_place_is_not_added(browser: Client, ana: StaffMember, origin: str) -> None:
    sign_in(browser, "ana")
    assert "This passkey was not added" in add(browser, SoftwareKey(origin))
    assert not Passkey.objects.exists()


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://desk.example", "desk.example", True),
        ("https://desk.example:443", "desk.example", True),
        ("http://desk.example", "desk.example", False),
        ("https://desk.example.evil", "desk.example", False),
        ("https://sub.desk.example", "desk.example", False),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://localhost:8001", "localhost:8000", False),
        ("http://desk.localhost:8000", "desk.localhost:8000", True),
        ("http://localhost.evil:8000", "localhost:8000", False),
        ("null", "desk.example", False),
    ],
)
def test_an_origin_is_the_host_s_own_over_tls_or_on_this_machine(origin: str, host: str, *, same: bool) -> None:
    assert is_origin(origin, host) == same


# --- as second factor ----------------------------------------------------------------------------------------------------


def test_with_a_passkey_the_password_alone_opens_nothing(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    answer = browser.post("/sign-in", {"login": "ana", "password": PASSWORD, "next": "/members"})
    assert answer["Location"] == "/sign-in/second"
    assert browser.get("/account").status_code == 302
    assert not StaffSession.objects.exists()
    options = options_of(browser.get("/sign-in/second").content.decode())
    assert [each["id"] for each in options["allowCredentials"]] == [websafe_encode(key.id)]
    answer = browser.post("/sign-in/second", {"answer": key.get(options)})
    assert answer["Location"] == "/members"
    assert browser.get("/members").status_code == 200
    assert StaffSession.objects.get().how == "passkey"


def test_the_second_step_must_follow_the_password_within_five_minutes(
    browser: Client, ana: StaffMember, clock: FixedClock
) -> None:
    with_key("ana")
    assert browser.get("/sign-in/second")["Location"] == "/sign-in"
    sign_in(browser, "ana")
    clock.set(NOON + timedelta(minutes=5, seconds=1))
    assert browser.get("/sign-in/second")["Location"] == "/sign-in"


def test_another_member_s_passkey_is_not_a_second_factor(browser: Client, ana: StaffMember) -> None:
    person("ben")
    with_key("ana")
    other, _ = with_key("ben")
    sign_in(browser, "ana")
    assert second(browser, other) == 403
    assert browser.get("/account").status_code == 302


def test_a_copied_passkey_shows_by_its_counter(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    sign_in(browser, "ana")
    key.counter = 5
    assert second(browser, key) == 302
    other = Client()
    sign_in(other, "ana")
    key.counter = 4
    assert second(other, key) == 403


def test_a_passkey_without_a_counter_works_again_and_again(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    for _ in range(2):
        sign_in(browser, "ana")
        key.counter = -1
        assert second(browser, key) == 302


def test_without_javascript_the_password_and_a_code_work_and_each_code_once(browser: Client, clock: FixedClock) -> None:
    person("ben", Role.REGISTRAR)
    _, codes = with_key("ben")
    sign_in(browser, "ben")
    assert browser.post("/sign-in/second", {"code": codes[0]}).status_code == 302
    assert browser.get("/approvals").status_code == 200
    other = Client()
    sign_in(other, "ben")
    assert other.post("/sign-in/second", {"code": codes[0]}).status_code == 403
    assert other.post("/sign-in/second", {"code": codes[1]}).status_code == 302


def test_an_administrator_who_came_in_by_a_code_must_add_a_passkey_first(browser: Client, ana: StaffMember) -> None:
    _, codes = with_key("ana")
    sign_in(browser, "ana")
    browser.post("/sign-in/second", {"code": codes[0]})
    assert browser.get("/members")["Location"] == "/account/passkeys"
    assert browser.get("/account/codes")["Location"] == "/account/passkeys"
    add(browser, SoftwareKey())
    assert browser.get("/members").status_code == 200


def test_guessing_second_factor_codes_makes_wait(browser: Client, ana: StaffMember) -> None:
    _, codes = with_key("ana")
    sign_in(browser, "ana")
    for _ in range(5):
        assert browser.post("/sign-in/second", {"code": "0000-0000-0000-0000"}).status_code == 403
    page = browser.post("/sign-in/second", {"code": codes[0]})
    assert page.status_code == 403
    assert "Try again after" in page.content.decode()


def test_new_codes_make_the_old_ones_useless(browser: Client, ana: StaffMember) -> None:
    key, codes = with_key("ana")
    sign_in(browser, "ana")
    second(browser, key)
    page = browser.post("/account/codes", {"password": PASSWORD}).content.decode()
    assert page.count("<code>") == 10
    other = Client()
    sign_in(other, "ana")
    assert other.post("/sign-in/second", {"code": codes[0]}).status_code == 403


# --- alone ---------------------------------------------------------------------------------------------------------------


def alone(browser: Client, key: SoftwareKey, **changes: object) -> int:
    options = options_of(browser.get("/sign-in/passkey").content.decode())
    return browser.post("/sign-in/passkey", {"answer": key.get(options, **changes)}).status_code


def test_a_passkey_that_checks_its_person_is_enough_alone(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    assert alone(browser, key) == 302
    assert browser.get("/members").status_code == 200


def test_a_passkey_that_checks_nobody_is_not_enough_alone_but_a_good_second_factor(
    browser: Client, ana: StaffMember
) -> None:
    key, _ = with_key("ana")
    key.verifies = False
    assert alone(browser, key) == 403
    sign_in(browser, "ana")
    assert second(browser, key) == 302


def test_a_passkey_says_itself_whose_it_is(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    for handle in (b"", person("ben").id.bytes, b"short"):
        key.handle = handle
        assert alone(browser, key) == 403


def test_a_removed_passkey_and_one_of_a_disabled_member_open_nothing(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    StaffMember.objects.update(is_active=False)
    assert alone(browser, key) == 403
    StaffMember.objects.update(is_active=True)
    assert alone(browser, key) == 302
    row = Passkey.objects.get()
    assert browser.post(f"/account/passkeys/{row.id}/remove", {"password": "wrong"}).status_code == 400
    assert browser.post(f"/account/passkeys/{row.id}/remove", {"password": PASSWORD}).status_code == 302
    assert alone(Client(), key) == 403


def test_nobody_removes_another_member_s_passkey(browser: Client, ana: StaffMember) -> None:
    with_key("ana")
    browser.force_login(person("ben"))
    row = Passkey.objects.get()
    assert browser.post(f"/account/passkeys/{row.id}/remove", {"password": PASSWORD}).status_code == 404
    assert Passkey.objects.exists()


def test_a_challenge_of_another_session_is_refused(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    foreign = options_of(Client().get("/sign-in/passkey").content.decode())
    browser.get("/sign-in/passkey")
    assert browser.post("/sign-in/passkey", {"answer": key.get(foreign)}).status_code == 403


def test_an_answer_for_another_place_is_refused(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    key.place = "evil.example"
    assert alone(browser, key) == 403
    key.place, key.origin = "testserver", "https://evil.example"
    assert alone(browser, key) == 403


def test_whatever_is_sent_as_an_answer_is_refused_without_a_fault(browser: Client, ana: StaffMember) -> None:
    key, _ = with_key("ana")
    random = Random(7)
    hostile = [
        "",
        "null",
        "[]",
        "7",
        '"x"',
        "{}",
        "{" * 3000,
        "[" * 9000,
        "x" * 20_000,
        json.dumps({"id": 1, "rawId": 2}),
    ]
    options = options_of(browser.get("/sign-in/passkey").content.decode())
    good = json.loads(key.get(options))
    for _ in range(60):
        spoiled = json.loads(json.dumps(good))
        inner = random.choice(sorted(spoiled["response"]))
        text = spoiled["response"][inner]
        place = random.randrange(len(text))
        choices = [
            None,
            7,
            [],
            {},
            text[:place],
            text + "AAAA",
            text[:place] + secrets.choice("AZaz09") + text[place + 1 :],
        ]
        spoiled["response"][inner] = random.choice(choices)
        hostile.append(json.dumps(spoiled))
    for answer in hostile:
        options_of(browser.get("/sign-in/passkey").content.decode())
        assert browser.post("/sign-in/passkey", {"answer": answer}).status_code == 403
    assert not StaffSession.objects.exists()


def test_whatever_is_sent_as_a_new_passkey_is_refused_without_a_fault(browser: Client, ana: StaffMember) -> None:
    sign_in(browser, "ana")
    random, key = Random(8), SoftwareKey()
    for _ in range(40):
        spoiled = json.loads(key.create(options_of(browser.get("/account/passkeys").content.decode())))
        inner = random.choice(sorted(spoiled["response"]))
        text = spoiled["response"][inner]
        cut = random.randrange(len(text) - 100)
        spoiled["response"][inner] = random.choice([None, 7, [], {}, text[:cut], text[cut:]])
        sent = {"label": "key", "password": PASSWORD, "answer": json.dumps(spoiled)}
        assert browser.post("/account/passkeys", sent).status_code == 400
    assert not Passkey.objects.exists()
