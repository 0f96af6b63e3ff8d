"""Ten thousand payments stored without a connection: the deposits find every code that was taken twice, and lose no other."""

import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.purse.tests.conftest import Coiner
from packages.till.tests.conftest import NOW, PAYER, ShopsDesk, Street, code

from amparo_cashu.curve import hash_to_curve, show_point
from amparo_cashu.nut10_secret import write_lock
from amparo_cashu.wire import Proof
from amparo_common.secret import Secret
from amparo_service.errors import RemoteError
from amparo_till.till import BATCH, SHORTEST_LOCK_SECONDS, Till, TillSettings

PAYMENTS, TWICE, ELSEWHERE = 10_000, 700, 300
KEY = Secret(b"\x0c" * 32)
NO_LIMIT = TillSettings(most_per_sale=10**9, most_stored=10**9)


@pytest.fixture
def street(tmp_path: Path, desk: ShopsDesk) -> Iterator[Street]:
    made = Street(tmp_path, desk.url)
    yield made
    made.close()


def stored(till: Till, coiner: Coiner, amounts: list[int]) -> list[Proof]:
    """Payments as they lie in a till: their signatures were checked when they were taken, so here they stand for that."""
    some_point = coiner.public[1]
    locks = [
        write_lock(secrets.token_hex(32), till.lock_key, locktime=NOW + 2 * SHORTEST_LOCK_SECONDS, refund=PAYER)
        for _ in amounts
    ]
    return [Proof(amount, coiner.id, lock, some_point) for amount, lock in zip(amounts, locks, strict=True)]


def point_of(coin: Proof) -> str:
    return show_point(hash_to_curve(coin.secret.encode()))


def test_of_ten_thousand_stored_payments_every_double_one_is_found_and_no_other(street: Street) -> None:
    dice = random.Random(4)
    one, two = (street.till("bakery", device=name, lock_key=KEY, settings=NO_LIMIT) for name in ("-1", "-2"))
    coins = stored(one, street.food, [1 << dice.randrange(14) for _ in range(PAYMENTS - TWICE)])
    twice, alone = coins[:TWICE], coins[TWICE:]
    middle = len(alone) // 2
    first, second = [*alone[:middle], *twice], [*alone[middle:], *twice]
    for each in (first, second):
        dice.shuffle(each)
    one.purse.keep(first, "food", label="locked sales")
    two.purse.keep(second, "food", label="locked sales")
    elsewhere = dice.sample(alone, ELSEWHERE)  # its payer had brought these back before the shop came to the mint
    street.mint.spent |= {point_of(coin) for coin in elsewhere}
    total = sum(coin.amount for coin in coins)

    reports = [one.deposit("food"), two.deposit("food")]

    lost = sum(coin.amount for coin in elsewhere)
    assert sum(report.lost_coins for report in reports) == TWICE + ELSEWHERE
    assert sum(report.lost for report in reports) == lost + sum(coin.amount for coin in twice)
    assert sum(report.deposited for report in reports) == total - lost
    assert sum(each.amount for each in street.mint.deposits.values() if each.state == "PAID") == total - lost
    assert street.mint.spent == {point_of(coin) for coin in coins}
    assert (one.stored("food"), two.stored("food")) == (0, 0)
    batches = street.mint.asked.count("/v1/melt/settle")
    assert batches <= (PAYMENTS // BATCH) + 2
    for till in (one, two):
        assert till.deposit("food").lost == 0
    assert street.mint.asked.count("/v1/melt/settle") == batches
    print(
        f"\nT6 stored payments: {PAYMENTS} in two tills of one shop, {TWICE} of them in both and {ELSEWHERE} spent elsewhere:"
        f" {TWICE + ELSEWHERE} found, 0 missed, 0 others lost, {batches} deposits"
    )


def test_a_deposit_of_many_that_is_cut_off_between_two_requests_credits_each_code_once(street: Street) -> None:
    till = street.till("bakery", device="-1", lock_key=KEY, settings=NO_LIMIT)
    coins = stored(till, street.food, [4] * 1_000)
    till.purse.keep(coins, "food", label="locked sales")
    handed_in = 0

    def falters(path: str, honest: object) -> object:
        nonlocal handed_in
        handed_in += path == "/v1/melt/settle"
        return (10000, "no") if path == "/v1/melt/quote/settle" and handed_in % 3 == 2 else honest

    street.mint.lie = falters
    for _ in range(20):
        try:
            till.deposit("food")
        except RemoteError:
            handed_in += 1  # the mint faltered; the shop presses the button again
    assert till.stored("food") == 0
    assert sum(each.amount for each in street.mint.deposits.values() if each.state == "PAID") == 4_000


def test_a_payment_that_is_really_checked_is_stored_like_the_ten_thousand(street: Street) -> None:
    """What `stored` stands for, once in full: signature, lock, time, and not twice at one till."""
    till = street.till("bakery", device="-1", lock_key=KEY, settings=NO_LIMIT)
    coin = street.locked(8, till)
    till.accept_offline(code(coin), till.request(8, "food"))
    (kept,) = till.purse.coins("food", state="held", label="locked sales")
    assert (kept.secret, kept.amount, kept.C) == (coin.secret, 8, coin.C)
