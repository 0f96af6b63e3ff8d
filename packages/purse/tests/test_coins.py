"""Which coins a purse holds, breaks and pays with: pure rules, compared with trying everything."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo_cashu.errors import AmountRefused
from amparo_purse.coins import broken, coin_to_break, exact_choice, stock_coins, target_coins

DENOMINATIONS = [1 << power for power in range(14)]
some_coins = st.lists(st.sampled_from(DENOMINATIONS[:8]), max_size=14)


def payable(coins: list[int]) -> int:
    """The sums that these coins make, as bits."""
    sums = 1
    for coin in coins:
        sums |= sums << coin
    return sums


@given(st.integers(0, 400_000))
def test_the_target_of_a_balance_pays_every_amount_up_to_the_whole(balance: int) -> None:
    coins = target_coins(balance, DENOMINATIONS)
    assert sum(coins) == balance
    assert coins == sorted(coins)
    assert payable(coins) == (1 << balance + 1) - 1
    assert len(coins) <= 50 + balance // 8_192


@given(st.integers(200, 60_000), st.data())
def test_after_one_payment_the_target_pays_again_any_amount_up_to_half_of_the_rest(
    balance: int, data: st.DataObject
) -> None:
    coins = target_coins(balance, DENOMINATIONS)
    first = exact_choice(coins, data.draw(st.integers(1, balance // 2)))
    assert first is not None
    rest = [coin for place, coin in enumerate(coins) if place not in first]
    assert exact_choice(rest, data.draw(st.integers(1, sum(rest) // 2))) is not None


@given(st.integers(0, 60_000))
def test_paper_gets_the_same_stock_whatever_it_is_worth_and_no_large_coin(balance: int) -> None:
    coins = stock_coins(balance, DENOMINATIONS)
    assert (sum(coins), coins) == (balance, sorted(coins))
    assert max(coins, default=0) <= 1_024
    if balance >= 1_024:
        assert not Counter([1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) - Counter(coins)
    assert payable(coins) == (1 << balance + 1) - 1 or balance < 1_024


def test_paper_of_a_keyset_without_the_stock_gets_the_fewest_coins() -> None:
    assert stock_coins(2_000, [each for each in DENOMINATIONS if each != 1]) == [16, 64, 128, 256, 512, 1_024]


def test_a_balance_that_the_coins_cannot_make_is_refused() -> None:
    with pytest.raises(AmountRefused):
        target_coins(7, [2, 4])
    with pytest.raises(AmountRefused):
        target_coins(-1, DENOMINATIONS)


@pytest.mark.parametrize("coin", DENOMINATIONS[1:])
def test_a_broken_coin_is_worth_the_same_and_pays_every_amount_below_it(coin: int) -> None:
    parts = broken(coin)
    assert sum(parts) == coin
    assert payable(parts) == (1 << coin + 1) - 1
    assert parts == broken(coin)  # the same for everybody


@given(some_coins, st.integers(1, 600))
def test_a_choice_is_found_whenever_there_is_one_and_no_smaller_one_exists(coins: list[int], amount: int) -> None:
    chosen = exact_choice(coins, amount)
    sizes = [
        size
        for size in range(min(len(coins), 6) + 1)
        for part in itertools.combinations(coins, size)
        if sum(part) == amount
    ]
    if chosen is None:
        assert not payable(coins) >> amount & 1
    else:
        assert sum(coins[place] for place in chosen) == amount
        assert len(set(chosen)) == len(chosen)
        assert not sizes or len(chosen) == min(sizes)


@given(st.lists(st.sampled_from(DENOMINATIONS), max_size=30))
def test_breaking_ends_and_afterwards_every_amount_up_to_half_is_payable(coins: list[int]) -> None:
    held, total = list(coins), sum(coins)
    for _ in range(40):
        coin = coin_to_break(held)
        if coin is None:
            break
        held.remove(coin)
        held += broken(coin)
        assert sum(held) == total
    assert coin_to_break(held) is None
    half = (1 << total // 2 + 1) - 1
    assert payable(held) & half == half


@given(st.integers(1, 60_000))
def test_a_purse_that_has_its_target_breaks_nothing(balance: int) -> None:
    assert coin_to_break(target_coins(balance, DENOMINATIONS)) is None


def test_the_smallest_coin_that_fills_every_gap_is_broken() -> None:
    large = [coin for coin in DENOMINATIONS if coin >= 64 for _ in range(2)]
    assert coin_to_break(large) == 64
    assert coin_to_break([*large, 32, 32]) == 32
    assert coin_to_break([4_096, 4_096, 1, 1, 1]) == 4_096


def test_nothing_is_broken_in_an_empty_purse_or_one_of_small_change() -> None:
    assert coin_to_break([]) is None
    assert coin_to_break([1]) is None
    assert coin_to_break([1, 1, 1]) is None
    assert coin_to_break([8_192]) == 8_192
