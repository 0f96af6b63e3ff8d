"""Ten thousand payments stored without a connection, and a real mint: genuine coins, real locks, real refunds. The deposits find
every code that was taken twice or brought back by its payer, and lose no other."""

import random
from datetime import timedelta

import pytest
from tests.journeys.conftest import REFUND_KEY, UNTIL, Device, Town

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.nut10_secret import sign_lock
from amparo_cashu.outputs import LockTo
from amparo_cashu.wire import Proof
from amparo_common.secret import Secret
from amparo_purse.purse import Purse
from amparo_service.database import Database
from amparo_till.till import BATCH, Till, TillSettings
from amparo_till.till import SCHEMA as DEVICE_SCHEMA

PAYMENTS, TWICE, LATE = 10_000, 700, 300
KEY = Secret(b"\x0c" * 32)
NO_LIMIT = TillSettings(most_per_sale=10**9, most_stored=10**9)
SALES = "locked sales"


@pytest.fixture
def town(town_of_devices: Town) -> Town:
    return town_of_devices


def till_of(device: Device, name: str) -> Till:
    """One of two tills of a device's shop, which share the shop's key."""
    database = Database(device.town.folder / f"{name}.sqlite", [DEVICE_SCHEMA])
    return Till(
        database,
        device.shop.shop,
        access=device.shop.access,
        mint=device.town.mint_client,
        shops_url=device.town.shops_url,
        log=device.follower,
        clock=device.town.clock,
        lock_key=KEY,
        settings=NO_LIMIT,
    )


def paid(payer: Device, till: Till, amounts: list[int], until: int) -> list[Proof]:
    """Coins of these amounts, set aside for a till by a real wallet and handed over."""
    lock = LockTo(key=till.lock_key, locktime=until, refund=show_point(generator_times(REFUND_KEY.reveal())))
    purse: Purse = payer.purse
    found: list[Proof] = []
    for at in range(0, len(amounts), BATCH):
        some = amounts[at : at + BATCH]
        payer.fill(sum(some))
        plan = purse._plan(purse.keys.today("food"), [(amount, lock) for amount in some])
        purse._journal.carry_out(purse._swap_row(purse.coins("food"), plan, unit="food", label="sale"))
        found += purse.pay_held("food", label="sale")
        purse.forget([coin.secret for coin in found[-len(some) :]])
    return found


def test_of_ten_thousand_real_stored_payments_every_double_one_is_found_and_no_other(
    town: Town, device: Device, other: Device
) -> None:
    dice = random.Random(4)
    one, two = till_of(device, "one"), till_of(device, "two")
    soon = int((town.clock.now() + timedelta(days=8)).timestamp())
    good = paid(other, one, [1 << dice.randrange(10) for _ in range(PAYMENTS - TWICE - LATE)], UNTIL)
    late = paid(other, one, [1 << dice.randrange(10) for _ in range(LATE)], soon)
    twice, once = good[:TWICE], [*good[TWICE:], *late]
    dice.shuffle(once)
    middle = len(once) // 2
    one.purse.keep([*once[:middle], *twice], "food", label=SALES)
    two.purse.keep([*once[middle:], *twice], "food", label=SALES)
    # The shop waited too long with some of them, and their payer has brought them back.
    town.clock.set(town.clock.now() + timedelta(days=9))
    for at in range(0, LATE, BATCH):
        other.purse.receive([sign_lock(coin, REFUND_KEY.reveal()) for coin in late[at : at + BATCH]], "food")

    reports = [one.deposit("food"), two.deposit("food")]

    value, lost = sum(coin.amount for coin in good), sum(coin.amount for coin in late)
    assert sum(report.lost_coins for report in reports) == TWICE + LATE
    assert sum(report.lost for report in reports) == lost + sum(coin.amount for coin in twice)
    assert sum(report.deposited for report in reports) == value
    assert town.deposited(device.shop.shop) == value
    assert (one.stored("food"), two.stored("food")) == (0, 0)
    assert other.value() == lost
    assert one.deposit("food").deposited == two.deposit("food").deposited == 0
    print(
        f"\nT6 stored payments at a real mint: {PAYMENTS:,} in two tills of one shop, {TWICE} of them in both and {LATE} brought"
        f" back by their payer: {TWICE + LATE} found, 0 missed, 0 others lost"
    )
