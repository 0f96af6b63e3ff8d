"""What a purse does by itself: it breaks coins so that it can pay exactly, and leaves keysets before they end."""

import json
import random
from datetime import timedelta

import httpx2
import pytest
from packages.purse.tests.conftest import NOON, Pocket

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.outputs import LockTo
from amparo_purse.calendar import DAY, EARLY, GRACE, WARNING
from amparo_purse.coins import coin_to_break, exact_choice
from amparo_purse.errors import LockOutlivesCoins
from amparo_purse.upkeep import PAUSE, REST, Renewal, Resplit, renew, resplit
from amparo_service.errors import RemoteError

NOW = int(NOON.timestamp())
DICE = random.Random(1)


def later(pocket: Pocket, seconds: int) -> None:
    pocket.clock.set(pocket.clock.now() + timedelta(seconds=seconds))


def swaps(pocket: Pocket) -> list[tuple[list[int], list[int]]]:
    """The exchanges that the mint was asked for, in amounts."""
    found = []
    for asked in pocket.mint.served:
        if asked.startswith(b"/v1/swap"):
            body = json.loads(asked.removeprefix(b"/v1/swap"))
            inputs, outputs = ([each["amount"] for each in body[name]] for name in ("inputs", "outputs"))
            found.append((inputs, outputs))
    return found


# --- small change --------------------------------------------------------------------------------------------------------


def test_after_a_claim_the_first_exchange_waits_for_hours(pocket: Pocket) -> None:
    pocket.claim(4_096)
    found = resplit(pocket.purse, "food", chance=DICE)
    assert found.broken is None
    assert found.not_before is not None
    assert NOW + REST[0] <= found.not_before <= NOW + REST[1]
    pocket.reopen()
    later(pocket, REST[0] - 1)
    assert resplit(pocket.purse, "food", chance=DICE) == found
    assert swaps(pocket) == []
    later(pocket, REST[1])
    assert resplit(pocket.purse, "food", chance=DICE).broken == 4_096


def test_every_exchange_is_one_coin_in_and_the_same_coins_out_whatever_the_balance(pocket: Pocket) -> None:
    pocket.claim(5_600)
    later(pocket, REST[1])
    resplit(pocket.purse, "food", chance=DICE)
    later(pocket, REST[1])
    broken, moment = [], 0
    while True:
        found = resplit(pocket.purse, "food", chance=DICE)
        if found.broken is None:
            break
        broken.append(found.broken)
        if found.not_before is not None:
            moment = int(pocket.clock.now().timestamp())
            assert moment + PAUSE[0] <= found.not_before <= moment + PAUSE[1]
    assert moment
    assert found == Resplit(None, None)
    assert swaps(pocket) == [([coin], [1, *(1 << power for power in range(coin.bit_length() - 1))]) for coin in broken]
    amounts = [coin.amount for coin in pocket.purse.coins("food")]
    assert sum(amounts) == 5_600
    assert all(exact_choice(amounts, amount) is not None for amount in range(1, 2_801))


def test_a_claim_that_is_spread_needs_no_exchange(pocket: Pocket) -> None:
    pocket.claim(5_600, spread=True)
    later(pocket, REST[1])
    assert resplit(pocket.purse, "food", chance=DICE) == Resplit(None, None)
    assert swaps(pocket) == []
    pocket.mint.away = True
    for price in (1_299, 850, 42):
        assert sum(coin.amount for coin in pocket.purse.pay(price, "food")) == price


def test_a_claim_of_more_coins_than_fit_one_request_is_made_of_few(pocket: Pocket) -> None:
    pocket.claim(700_003, spread=True)
    assert len(pocket.purse.coins("food")) <= 100
    assert pocket.purse.balance("food") == 700_003


def test_a_lock_that_is_spread_pays_parts_exactly_without_a_connection(pocket: Pocket) -> None:
    pocket.claim(2_000)
    key = show_point(generator_times(b"\x02" * 32))
    pocket.purse.lock(1_000, "food", lock=LockTo(key, NOW + DAY, key), label="market", spread=True)
    pocket.mint.away = pocket.log.away = True
    for price in (333, 99, 250):
        assert sum(coin.amount for coin in pocket.purse.pay_held("food", label="market", amount=price)) == price
    assert pocket.purse.balance("food", state="held", label="market") == 1_000 - 333 - 99 - 250


# --- the end of a keyset -------------------------------------------------------------------------------------------------


def test_the_end_of_coins_is_known_a_month_before_without_a_connection(pocket: Pocket) -> None:
    assert pocket.purse.next_end("food") is None
    pocket.close_keyset(ends=NOW + 90 * DAY)
    pocket.claim(100)
    pocket.close_keyset(ends=NOW + 120 * DAY)
    pocket.claim(40)
    pocket.mint.away = pocket.log.away = True
    end = pocket.purse.next_end("food")
    assert end is not None
    assert (end.amount, end.final_expiry, end.warn_from) == (100, NOW + 90 * DAY, NOW + 90 * DAY - WARNING)


def test_coins_move_to_the_current_keyset_one_by_one_before_their_end(pocket: Pocket) -> None:
    pocket.close_keyset(ends=NOW + EARLY + DAY)
    pocket.claim(700)
    today = pocket.close_keyset(ends=NOW + 90 * DAY)
    assert renew(pocket.purse, "food", chance=DICE) == Renewal(0, 0, 0)
    later(pocket, DAY)
    assert renew(pocket.purse, "food", chance=DICE) == Renewal(700, 0, 0)
    assert {coin.id for coin in pocket.purse.coins("food")} == {today.id}
    assert sorted(swaps(pocket)) == [([amount], [amount]) for amount in (4, 8, 16, 32, 128, 512)]
    assert renew(pocket.purse, "food", chance=DICE) == Renewal(0, 0, 0)


def test_coins_without_a_later_keyset_wait_and_are_not_lost(pocket: Pocket) -> None:
    pocket.close_keyset(ends=NOW + DAY)
    pocket.claim(700)
    assert renew(pocket.purse, "food", chance=DICE) == Renewal(0, 0, 700)
    pocket.close_keyset(ends=NOW + 90 * DAY)
    later(pocket, DAY + GRACE - 1)
    assert renew(pocket.purse, "food", chance=DICE) == Renewal(700, 0, 0)


@pytest.mark.parametrize(("code", "days", "ended"), [(12003, 1, 700), (12001, 100, 700), (12001, 1, 0)])
def test_coins_of_a_closed_keyset_are_kept_apart_and_those_of_an_unknown_one_are_not_given_up(
    pocket: Pocket, code: int, days: int, ended: int
) -> None:
    old = pocket.close_keyset(ends=NOW)
    pocket.claim(700)
    today = pocket.close_keyset(ends=NOW + 400 * DAY)
    pocket.claim(8)
    later(pocket, days * DAY)

    pocket.mint.refuse("/v1/swap", code, "It is over.")
    if ended:
        assert renew(pocket.purse, "food", chance=DICE) == Renewal(0, 700, 0)
        assert pocket.purse.balance("food") == 8
        assert {coin.id for coin in pocket.purse.coins("food", state="ended")} == {old.id}
        assert {coin.id for coin in pocket.purse.coins("food")} == {today.id}
    else:
        with pytest.raises(RemoteError):
            renew(pocket.purse, "food", chance=DICE)
        assert pocket.purse.balance("food") == 708


def test_coins_are_not_locked_until_after_their_own_end(pocket: Pocket) -> None:
    pocket.close_keyset(ends=NOW + 10 * DAY)
    pocket.claim(100)
    key = show_point(generator_times(b"\x02" * 32))
    with pytest.raises(LockOutlivesCoins):
        pocket.purse.lock(50, "food", lock=LockTo(key, NOW + 10 * DAY + GRACE, key), label="shop")
    pocket.purse.lock(50, "food", lock=LockTo(key, NOW + 10 * DAY + GRACE - 1, key), label="shop")
    assert pocket.purse.balance("food") == 50


def test_an_exchange_that_was_cut_off_is_finished_and_not_made_twice(pocket: Pocket) -> None:
    pocket.fill(4_096)
    pocket.mint.intercept("/v1/swap", httpx2.Response(502))
    with pytest.raises(RemoteError):
        resplit(pocket.purse, "food", chance=DICE)
    pocket.mint.honest()
    pocket.reopen()
    pocket.purse.recover()
    assert pocket.purse.balance("food") == 4_096
    assert coin_to_break([coin.amount for coin in pocket.purse.coins("food")]) != 4_096
