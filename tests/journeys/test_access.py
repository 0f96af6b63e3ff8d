"""A mint that answers wallets and tills of the programme only, and cannot tell which (NUT-21, 22): with access tokens everything
goes as without, also when a device dies at any step; no token is shown twice; and want of one never costs a coin."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.journeys.conftest import Device, Town, code
from tests.journeys.test_deaths import AMOUNT, change, claim, lock, receive, take_online

from amparo_cashu.errors import SignatureNotProved
from amparo_cashu.nut22_auth import UNIT
from amparo_cashu.wire import Endpoint
from amparo_mint.blind_auth import USUALLY_PROTECTED, BlindAuthSettings
from amparo_purse.access import MOST_ASKED
from amparo_purse.errors import NoAccess
from amparo_purse.restore import Manner, Restorer
from amparo_service.client import Client
from amparo_service.errors import TooOften, Unreachable


class Listening(httpx2.BaseTransport):
    """Hears what goes to the mint, and may answer in its place."""

    def __init__(self, wire: httpx2.BaseTransport) -> None:
        self.wire = wire
        self.heard: list[tuple[str, str | None, str | None]] = []
        self.instead: Callable[[httpx2.Request], httpx2.Response | None] = lambda _request: None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request."""
        self.heard.append((request.url.path, request.headers.get("clear-auth"), request.headers.get("blind-auth")))
        return self.instead(request) or self.wire.handle_request(request)

    def tokens(self) -> list[str]:
        """The access tokens that were shown."""
        return [token for _, _, token in self.heard if token is not None]

    def log_ins(self) -> list[dict[str, Any]]:
        """What the log-ins that were shown say."""
        shown = [login.split(".")[1] for _, login, _ in self.heard if login is not None]
        return [json.loads(base64.urlsafe_b64decode(each + "=" * (-len(each) % 4))) for each in shown]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose mint wants access tokens for all that a wallet does, and a log-in for deposits."""
    protected = (*USUALLY_PROTECTED, Endpoint("GET", "/v1/keysets"))
    made = Town(tmp_path_factory.mktemp("guarded"), access=BlindAuthSettings(protected_endpoints=protected), login=True)
    for unit in (UNIT, "food", "usd"):
        made.rotate("start", unit=unit)
    yield made
    made.close()


@pytest.fixture
def device(town: Town) -> Iterator[Device]:
    """A phone with a shop's till on it, new."""
    made = Device(town)
    yield made
    made.database.close()


@pytest.fixture
def heard(town: Town) -> Iterator[Listening]:
    """What goes to the mint in this test."""
    wire = town.mint_wire
    town.mint_wire = listening = Listening(wire)  # type: ignore[assignment] # devices that start now send through it
    yield listening
    town.mint_wire = wire


def stock(device: Device) -> int:
    """How many access tokens a device has."""
    with device.database.reading() as connection:
        (found,) = connection.execute("SELECT count(*) FROM access WHERE purse = 'mine'").fetchone()
    return int(found)


def test_everything_goes_and_no_token_is_shown_twice_nor_two_log_ins_joined(town: Town, heard: Listening) -> None:
    device, shop = Device(town), Device(town)
    for _ in range(3):
        device.fill(AMOUNT)
        device.purse.make_exact(1_000, "food")
        coins = device.purse.pay(1_000, "food")
        shop.till.accept_online(code(coins), shop.till.request(1_000, "food"))
    device.lock(500, shop.till, "a")
    shop.till.accept_offline(code(device.purse.pay_held("food", label="a")), shop.till.request(500, "food"))
    assert shop.till.deposit("food").deposited == 3_500
    assert town.deposited(shop.shop.shop) == 3_500
    assert device.value() == 3 * AMOUNT - 3_500
    assert len(heard.tokens()) > 15
    assert max(Counter(heard.tokens()).values()) == 1
    names = [each["sub"] for each in heard.log_ins()]
    assert len(names) == len(set(names)) > 2
    assert all(set(each) == {"iss", "sub", "azp", "iat", "exp"} for each in heard.log_ins())
    # A token tells nothing of a log-in, and carries no proof that would.
    for token in heard.tokens():
        body = token.removeprefix("authA")
        assert set(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))) == {"id", "secret", "C"}
    device.database.close()
    shop.database.close()


def test_tokens_are_fetched_beside_a_claim_and_not_beside_an_exchange(town: Town, heard: Listening) -> None:
    device = Device(town)
    device.fill(AMOUNT)
    with device.database.transaction() as connection:
        few = "SELECT token FROM access WHERE purse = 'mine' LIMIT 10"
        connection.execute(f"DELETE FROM access WHERE purse = 'mine' AND token NOT IN ({few})")
    device.fill(AMOUNT)
    assert stock(device) > MOST_ASKED // 2
    before = len(heard.log_ins())
    device.purse.make_exact(700, "food")
    assert len(heard.log_ins()) == before
    device.database.close()


@pytest.mark.parametrize("story", [claim, receive, change, lock, take_online])
@pytest.mark.parametrize("stocked", [True, False])
def test_a_device_that_dies_at_any_step_loses_nothing(
    town: Town, story: Callable[[Device], Callable[[], Any]], stocked: bool
) -> None:
    lived, at = False, 0
    while not lived:
        at += 1
        device = Device(town)
        work = story(device)
        if not stocked:
            with device.database.transaction() as connection:
                connection.execute("DELETE FROM access")
        lived = device.attempt(work, dies_at=at)
        device.purse.recover()
        device.till.purse.recover()
        if story is receive or story is take_online:
            assert device.value() in (0, AMOUNT)
        elif story is not claim:
            assert device.value() == AMOUNT
        else:
            assert device.value() in (0, AMOUNT)
        if not lived and device.value() == 0:
            work()
        assert device.value() == AMOUNT
        device.database.close()
    assert at > 5


def test_a_lost_answer_and_then_no_token_costs_no_coin(town: Town, heard: Listening) -> None:
    """The exchange was done. Its repetition finds no token: that says nothing about the exchange."""
    device = Device(town)
    device.fill(AMOUNT)

    def lost(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path == "/v1/swap":
            heard.wire.handle_request(request)
            raise httpx2.ConnectError("The line is cut.")
        return None

    heard.instead = lost
    with pytest.raises(Unreachable):
        device.purse.make_exact(700, "food")
    with device.database.transaction() as connection:
        connection.execute("DELETE FROM access")
    refusal = {"detail": "No.", "code": 31004, "error": "token.auth_rate_exceeded"}

    def too_often(request: httpx2.Request) -> httpx2.Response | None:
        asks = request.url.path == "/v1/auth/blind/mint"
        return httpx2.Response(400, json=refusal) if asks else None

    heard.instead = too_often
    with pytest.raises(NoAccess, match="No"):
        device.purse.recover()
    # The coin of 1,024 is neither free nor gone.
    assert device.purse.balance("food") == AMOUNT - 1_024
    heard.instead = lambda _request: None
    device.purse.recover()
    assert device.value() == AMOUNT
    device.database.close()


def test_tokens_that_the_mint_does_not_take_are_thrown_away(town: Town, device: Device) -> None:
    device.fill(AMOUNT)
    with device.database.reading() as connection:
        kept = connection.execute("SELECT purse, token FROM access WHERE purse = 'mine'").fetchall()
    for _ in range(len(kept) - 1):
        device.purse.mint.post("/v1/checkstate", {"Ys": ["02" + "11" * 32]}, dict[str, Any])
    with device.database.transaction() as connection:
        # As after a copy of the file: all of these were shown before.
        connection.executemany("INSERT INTO access VALUES (?, ?) ON CONFLICT DO NOTHING", kept)
    device.purse.make_exact(700, "food")
    assert stock(device) >= MOST_ASKED - 5
    assert device.value() == AMOUNT


def test_a_restoring_shows_a_token_with_every_request_and_looks_for_no_access_tokens(
    town: Town, device: Device, heard: Listening
) -> None:
    device.fill(AMOUNT)
    other = Device(town)
    restorer = Restorer(
        other.purse,
        connect=lambda: Client("http://mint", transport=heard, patience=0),
        manner=Manner(pause=0, numbers=(60, 80), outputs=80),
    )
    restorer.begin(device.purse.recovery_code())
    other.till.purse.recover()
    while not restorer.step().done:
        other.town.clock.set(other.town.clock.now() + timedelta(seconds=1))
    assert other.value() == AMOUNT
    asked = [token for path, _, token in heard.heard if path in ("/v1/restore", "/v1/checkstate")]
    # Without one it was only asked whether there must be one.
    assert (len(asked) > 5, asked.count(None)) == (True, 1)
    other.database.close()


def test_a_device_that_nobody_logs_in_is_told_so_and_keeps_its_coins(
    town: Town, device: Device, tmp_path: Path
) -> None:
    device.fill(AMOUNT)
    device.purse._access._login = None
    with device.database.transaction() as connection:
        connection.execute("DELETE FROM access")
    with pytest.raises(NoAccess, match="nobody logs this device in"):
        device.purse.make_exact(700, "food")
    device.start()
    device.purse.recover()
    assert device.value() == AMOUNT


def test_a_mint_cannot_mark_a_device_by_its_access_tokens(town: Town, heard: Listening) -> None:
    device = Device(town)

    def forged(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path != "/v1/auth/blind/mint":
            return None
        answer = heard.wire.handle_request(request)
        said = json.loads(answer.read())
        said["signatures"][0]["dleq"]["s"] = "11" * 32
        return httpx2.Response(200, json=said)

    heard.instead = forged
    with pytest.raises(SignatureNotProved):
        device.purse.quote(1, "food", pubkey="02" + "11" * 32)
    assert stock(device) == 0
    device.database.close()


def test_who_asks_too_often_gets_no_more_log_ins_that_day(town: Town) -> None:
    who = "somebody"
    for _ in range(20):
        town.logins.new(who)
    with pytest.raises(TooOften):
        town.logins.new(who)
    town.logins.new("somebody else")
    today = town.clock.now()
    town.clock.set(today + timedelta(days=1))
    town.logins.new(who)
    town.clock.set(today)
