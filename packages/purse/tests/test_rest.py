"""What is kept apart in time: aid waits for the end of its window, exchanges and claims keep away from each other."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import pytest
from packages.purse.tests.conftest import NOON, Pocket, PowerCut

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.outputs import LockTo
from amparo_common.secret import Secret
from amparo_purse import store, upkeep
from amparo_purse.errors import AidRests, ClaimRests, ExchangeRests, NotEnough, Resting
from amparo_purse.purse import APART
from amparo_purse.restore import Restorer
from amparo_service.errors import RemoteError

NOW = int(NOON.timestamp())
WINDOW = NOW + 72 * 3_600
KEY = Secret(b"\x01" * 32)
REFUND = Secret(b"\x03" * 32)
LOCK = LockTo(
    key=show_point(generator_times(b"\x02" * 32)), locktime=NOW - 1, refund=show_point(generator_times(REFUND.reveal()))
)
NewPocket = Callable[[], Pocket]


def claim(pocket: Pocket, amount: int, *, pay_from: int = WINDOW, unit: str = "food") -> None:
    """Take aid whose window ends later."""
    quote = pocket.purse.quote(amount, unit, pubkey=show_point(generator_times(KEY.reveal())))
    pocket.mint.pay(quote.quote)
    pocket.purse.claim(quote.quote, amount, unit, quote_key=KEY, pay_from=pay_from, quiet_until=pay_from)


def at(pocket: Pocket, moment: int) -> None:
    pocket.clock.set(datetime.fromtimestamp(moment, UTC))


def test_aid_is_not_paid_before_its_window_has_ended_and_the_error_says_from_when(pocket: Pocket) -> None:
    claim(pocket, 100)
    for pay in (
        lambda: pocket.purse.pay(4, "food"),
        lambda: pocket.purse.make_exact(5, "food"),
        lambda: pocket.purse.lock(4, "food", lock=LOCK, label="a"),
    ):
        with pytest.raises(AidRests) as early:
            pay()
        assert early.value.until == WINDOW
        assert "2026-11-04T12:00:00Z" in early.value.what
    assert pocket.purse.resting("food") == [(WINDOW, 100)]
    at(pocket, WINDOW)
    assert pocket.purse.resting("food") == []
    assert sum(coin.amount for coin in pocket.purse.pay(4, "food")) == 4


def test_who_needs_food_today_pays_today(pocket: Pocket) -> None:
    claim(pocket, 100)
    pocket.purse.make_exact(5, "food", hurry=True)
    assert sum(coin.amount for coin in pocket.purse.pay(5, "food", hurry=True)) == 5
    pocket.purse.lock(7, "food", lock=LOCK, label="a", hurry=True)
    assert pocket.purse.balance("food", state="held", label="a") == 7
    assert pocket.purse.resting("food") == [(WINDOW, 88)]  # the change of a hurry waits on
    with pytest.raises(AidRests):
        pocket.purse.pay(1, "food")


def test_what_was_there_before_the_claim_is_paid_meanwhile(pocket: Pocket) -> None:
    pocket.fill(8, 8)
    claim(pocket, 100)
    assert sum(coin.amount for coin in pocket.purse.pay(8, "food")) == 8
    with pytest.raises(AidRests):
        pocket.purse.pay(12, "food")
    with pytest.raises(NotEnough):
        pocket.purse.pay(200, "food")


def test_of_two_claims_the_earlier_moment_counts_when_it_is_enough(pocket: Pocket) -> None:
    claim(pocket, 16, pay_from=NOW + 10)
    claim(pocket, 16, pay_from=NOW + 20)
    for amount, until in ((16, NOW + 10), (20, NOW + 20)):
        with pytest.raises(AidRests) as early:
            pocket.purse.pay(amount, "food")
        assert early.value.until == until
    assert pocket.purse.resting("food") == [(NOW + 10, 16), (NOW + 20, 16)]
    assert pocket.purse.quiet_until() == NOW + 20


def test_a_later_claim_does_not_shorten_the_quiet_of_an_earlier_one(pocket: Pocket) -> None:
    claim(pocket, 16, pay_from=NOW + 20)
    claim(pocket, 16, pay_from=NOW + 10)
    assert pocket.purse.quiet_until() == NOW + 20


def test_nothing_is_exchanged_beside_a_claim_of_any_unit(pocket: Pocket) -> None:
    pocket.fill(64)
    pocket.purse.lock(16, "food", lock=LOCK, label="a")
    given = [coin.secret for coin in pocket.purse.pay(16, "food")]
    stranger = pocket.food.coin(8)
    claim(pocket, 100, unit="rent")
    asked = len(pocket.mint.asked)
    held = pocket.purse.coins("food")
    for exchange in (
        lambda: pocket.purse.make_exact(3, "food"),
        lambda: pocket.purse.lock(4, "food", lock=LOCK, label="b"),
        lambda: pocket.purse.exchange(held[:1], [held[0].amount], "food"),
        lambda: pocket.purse.receive([stranger], "food"),
        lambda: pocket.purse.take_back("food", refund_key=lambda _label: REFUND, now=NOW),
        lambda: pocket.purse.take_back_given(given, "food"),
        lambda: Restorer(pocket.purse, connect=pocket.connect).begin(pocket.purse.recovery_code()),
    ):
        with pytest.raises(ExchangeRests) as beside:
            exchange()
        assert beside.value.until == WINDOW
    assert upkeep.resplit(pocket.purse, "food") == upkeep.Resplit(None, WINDOW)
    assert len(pocket.mint.asked) == asked
    at(pocket, WINDOW)
    assert pocket.purse.take_back("food", refund_key=lambda _label: REFUND, now=NOW) == 16
    assert pocket.purse.take_back_given(given, "food") == 16


def test_a_keyset_is_not_left_beside_a_claim_but_afterwards(pocket: Pocket) -> None:
    pocket.close_keyset(ends=NOW + 10 * 86_400)
    pocket.fill(8)
    pocket.close_keyset(ends=NOW + 100 * 86_400)
    claim(pocket, 16)
    assert upkeep.renew(pocket.purse, "food") == upkeep.Renewal(renewed=0, ended=0, waiting=8)
    at(pocket, WINDOW)
    assert upkeep.renew(pocket.purse, "food") == upkeep.Renewal(renewed=8, ended=0, waiting=0)


def test_a_restoring_that_was_begun_waits_while_the_purse_is_quiet(pocket: Pocket) -> None:
    pocket.fill(8)
    restorer = Restorer(pocket.purse, connect=pocket.connect)
    restorer.begin(pocket.purse.recovery_code(), gap=30)
    assert not restorer.step().done
    with pocket.database.transaction() as connection:
        store.set_rest(connection, pocket.purse.name, "food", WINDOW)
    with pytest.raises(ExchangeRests):
        restorer.step()
    assert not Restorer(pocket.purse, connect=pocket.connect, hurry=True).step().done
    at(pocket, WINDOW)
    assert not restorer.step().done


def test_a_claim_does_not_follow_an_exchange_at_once(pocket: Pocket) -> None:
    assert pocket.purse.claim_from() == 0
    pocket.fill(8)
    first = pocket.purse.claim_from()
    assert APART[0] <= first - NOW <= APART[1]
    assert pocket.purse.quiet_until() == 0  # an exchange keeps no other exchange back
    pocket.purse.make_exact(3, "food")
    assert pocket.purse.claim_from() >= first


def test_claims_and_other_requests_are_finished_apart(pocket: Pocket) -> None:
    pocket.fill(8)
    quote = pocket.purse.quote(11, "food", pubkey=show_point(generator_times(KEY.reveal())))
    pocket.mint.pay(quote.quote)
    for path in ("/v1/swap", "/v1/mint/benefit"):
        pocket.mint.intercept(path, httpx2.Response(502))
    with pytest.raises(RemoteError):
        pocket.purse.make_exact(3, "food")
    with pytest.raises(RemoteError):
        pocket.purse.claim(quote.quote, 11, "food", quote_key=KEY, pay_from=WINDOW, quiet_until=WINDOW)
    pocket.mint.honest()
    assert pocket.purse.has_interrupted_claim()
    asked = len(pocket.mint.asked)
    assert pocket.purse.recover(claims=True) == 1
    assert set(pocket.mint.asked[asked:]) == {"/v1/mint/benefit"}
    assert not pocket.purse.has_interrupted_claim()
    assert pocket.purse.resting("food") == [(WINDOW, 11)]
    assert pocket.purse.recover(claims=False) == 1
    assert pocket.purse.balance("food") == 19


def test_a_device_that_dies_at_any_step_of_a_claim_still_knows_from_when_it_may_be_paid(new_pocket: NewPocket) -> None:
    deaths, lived = 0, False
    while not lived:
        deaths += 1
        pocket = new_pocket()
        pocket.fate.countdown = deaths
        try:
            claim(pocket, 100)
            lived = True
        except PowerCut:
            pocket.reopen()
            pocket.purse.recover()
        pocket.fate.countdown = None
        claimed = pocket.purse.balance("food")
        assert pocket.purse.resting("food") == ([(WINDOW, 100)] if claimed else [])
        assert (pocket.purse.quiet_until() == WINDOW) == bool(claimed)
        pocket.close()
    assert deaths > 8


def test_nothing_of_a_paid_coin_stays_in_the_file(pocket: Pocket) -> None:
    claim(pocket, 100)
    given = [coin.secret for coin in pocket.purse.pay(100, "food", hurry=True)]
    pocket.purse.forget(given)
    with pocket.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM resting").fetchone() == (0,)


def test_every_wait_has_an_error_of_its_own_that_says_until_when() -> None:
    found = [each(WINDOW) for each in (AidRests, ExchangeRests, ClaimRests)]
    assert len({each.code for each in found}) == 3
    assert all(isinstance(each, Resting) and "2026-11-04T12:00:00Z" in each.what for each in found)
    assert all("privacy, not money" in each.todo for each in found)
