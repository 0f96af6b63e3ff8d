"""What a purse does when the mint says no: nothing that was done is undone, nothing is tried without end, and no refusal costs
money later."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from packages.purse.tests.conftest import Pocket

from amparo_cashu.wire import MeltQuote
from amparo_purse.errors import CoinsBusy, NoAccess
from amparo_purse.purse import Purse
from amparo_purse.restore import Manner, Restorer
from amparo_service.client import Client
from amparo_service.errors import RemoteError

WANTS = httpx2.Response(400, json={"detail": "no token", "code": 31001, "error": "token.blind_auth_missing"})
SLOW = httpx2.Response(408, json={"detail": "slow", "code": 10000, "error": "mint.request_too_slow"})
NO = httpx2.Response(400, json={"detail": "no", "code": 12001})


class LossyWire(httpx2.BaseTransport):
    """The first sending to `path` is carried out and its answer lost; every later one gets `then`."""

    def __init__(self, inner: httpx2.BaseTransport, path: str, then: httpx2.Response) -> None:
        self._inner, self._path, self._then = inner, path, then
        self._sent = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on."""
        if request.url.path != self._path:
            return self._inner.handle_request(request)
        self._sent += 1
        if self._sent > 1:
            return self._then
        self._inner.handle_request(request)
        raise httpx2.ReadError("connection reset")


def purse_by(pocket: Pocket, path: str, then: httpx2.Response) -> Purse:
    """The pocket's purse by a lossy way, on which requests are sent again for a while."""
    client = Client("http://mint", transport=LossyWire(pocket.mint, path, then), patience=5)
    return Purse(pocket.database, "mine", mint=client, log=pocket.log, clock=pocket.clock)


def attempt(work: Callable[[], Any]) -> None:
    """It may be told that it was refused: what counts is what is there afterwards."""
    with contextlib.suppress(RemoteError, NoAccess):
        work()


@pytest.mark.parametrize("then", [NO, SLOW, WANTS], ids=["refused", "too slow", "wants access"])
def test_an_exchange_that_was_done_is_kept_though_its_second_sending_was_refused(
    pocket: Pocket, then: httpx2.Response
) -> None:
    pocket.fill(8, 4)
    attempt(lambda: purse_by(pocket, "/v1/swap", then).make_exact(3, "food"))
    pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"ready": 12}, 0)
    pocket.purse.receive(pocket.purse.pay(3, "food"), "food")  # they are good


@pytest.mark.parametrize("then", [NO, SLOW, WANTS], ids=["refused", "too slow", "wants access"])
def test_a_claim_that_was_done_is_kept_though_its_second_sending_was_refused(
    pocket: Pocket, then: httpx2.Response
) -> None:
    quote, key = pocket.paid_quote(64)
    attempt(lambda: purse_by(pocket, "/v1/mint/benefit", then).claim(quote, 64, "food", quote_key=key))
    pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"ready": 64}, 0)


@pytest.mark.parametrize("then", [NO, SLOW, WANTS], ids=["refused", "too slow", "wants access"])
def test_a_deposit_that_was_done_is_done_though_its_second_sending_was_refused(
    pocket: Pocket, then: httpx2.Response
) -> None:
    pocket.fill(8, 4)
    coins = pocket.purse.coins("food")
    body = {"request": "shop", "unit": "food", "amount": 12}
    quote = pocket.client.post("/v1/melt/quote/settle", body, MeltQuote)
    attempt(lambda: purse_by(pocket, "/v1/melt/settle", then).redeem(quote, coins))
    pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({}, 0)


def test_a_coin_that_is_handed_over_after_it_was_chosen_is_not_exchanged_and_brought_back_it_is(pocket: Pocket) -> None:
    pocket.fill(8)
    chosen = pocket.purse.coins("food")
    pocket.purse.pay(8, "food")
    with pytest.raises(CoinsBusy):
        pocket.purse.exchange(chosen, [8], "food")
    assert (pocket.states(), pocket.journal()) == ({"given": 8}, 0)
    assert pocket.purse.take_back_given([coin.secret for coin in chosen], "food") == 8
    assert pocket.states() == {"ready": 8}


def test_a_coin_in_a_request_is_not_handed_over(pocket: Pocket) -> None:
    pocket.fill(8)
    chosen = pocket.purse.coins("food")
    pocket.mint.intercept("/v1/swap", httpx2.Response(502, text="a gateway"), served=False)
    with pytest.raises(RemoteError):
        pocket.purse.exchange(chosen, [8], "food")
    with pytest.raises(CoinsBusy):
        pocket.purse.mark_given([coin.secret for coin in chosen])
    pocket.mint.honest()
    pocket.purse.recover()
    assert pocket.states() == {"ready": 8}


def test_a_mint_that_names_a_keyset_and_refuses_it_all_the_same_is_asked_once_and_what_was_received_stays(
    pocket: Pocket,
) -> None:
    pocket.mint.intercept("/v1/swap", httpx2.Response(404, text="a hot spot's page"), served=False)
    with pytest.raises(RemoteError):
        pocket.purse.receive([pocket.food.coin(8)], "food")
    pocket.mint.refuse("/v1/swap", 12002)
    for _ in range(2):
        pocket.mint.asked.clear()
        with pytest.raises(RemoteError):
            pocket.purse.recover()
        assert (pocket.mint.asked.count("/v1/swap"), pocket.journal()) == (1, 1)
    # Another keyset signs now, and the mint keeps its word.
    pocket.mint.honest()
    pocket.close_keyset()
    pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"ready": 8}, 0)


def test_however_often_a_claim_is_refused_the_recovery_code_finds_its_coins(pocket: Pocket, tmp_path: Path) -> None:
    quote, key = pocket.paid_quote(6000)
    pocket.mint.refuse("/v1/mint/benefit", 10000, "too few")
    for _ in range(20):
        with pytest.raises(RemoteError):
            pocket.purse.claim(quote, 6000, "food", quote_key=key, spread=True)
        pocket.reopen()
    pocket.mint.honest()
    pocket.purse.claim(quote, 6000, "food", quote_key=key, spread=True)
    new = Pocket(tmp_path / "new.sqlite", beside=pocket)
    restorer = Restorer(new.purse, connect=new.connect, filters=[], manner=Manner(pause=0))
    restorer.begin(pocket.purse.recovery_code())
    while not restorer.step().done:
        pass
    assert new.states() == {"ready": 6000}
    new.close()


class NotingWire(httpx2.BaseTransport):
    """Notes what is asked on one connection."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on."""
        self.asked.append(request.url.path)
        return self._inner.handle_request(request)


def test_a_refusal_is_asked_about_over_the_connection_it_came_by(pocket: Pocket) -> None:
    """A restoring gives each exchange a connection of its own; its outputs must not be shown on another one."""
    pocket.fill(8)
    wire = NotingWire(pocket.mint)
    pocket.mint.refuse("/v1/swap", 11001)
    through = Client("http://mint", transport=wire, patience=0)
    with pytest.raises(RemoteError):
        pocket.purse.exchange(pocket.purse.coins("food"), [8], "food", through=through)
    assert wire.asked == ["/v1/swap", "/v1/restore"]
    assert (pocket.states(), pocket.journal()) == ({"ready": 8}, 0)
