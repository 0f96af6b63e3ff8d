"""A phone or till that dies at any step, also while keysets rotate: it has everything or nothing, and no aid is doubled."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from packages.purse.tests.conftest import PowerCut
from tests.journeys.conftest import QUOTE_KEY, Device, Town, code


@pytest.fixture(scope="module")
def town(town_of_devices: Town) -> Town:
    """The services and devices of these tests."""
    return town_of_devices


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """One for a single test that rotates keysets: wallets take only some in a month."""
    made = Town(tmp_path)
    made.rotate("start")
    yield made
    made.close()


# --- death at every step -------------------------------------------------------------------------------------------------

AMOUNT = 1_337


def claim(device: Device) -> Callable[[], Any]:
    quote = device.paid_quote(AMOUNT)
    return lambda: device.purse.claim(quote, AMOUNT, "food", quote_key=QUOTE_KEY)


def receive(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    coins = device.purse.pay(AMOUNT, "food")
    return lambda: device.purse.receive(coins, "food")


def change(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    return lambda: device.purse.make_exact(700, "food")


def lock(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    return lambda: device.lock(700, device.till, "a")


def take_online(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    coins = device.purse.pay(AMOUNT, "food")
    return lambda: device.till.accept_online(code(coins), device.till.request(AMOUNT, "food"))


def take_offline(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    device.lock(AMOUNT, device.till, "a")
    coins = device.purse.pay_held("food", label="a")
    return lambda: device.till.accept_offline(code(coins), device.till.request(AMOUNT, "food"))


@pytest.mark.parametrize("story", [claim, receive, change, lock, take_online, take_offline])
def test_a_device_that_dies_at_any_step_has_everything_or_nothing_and_the_next_try_has_everything(
    town: Town, story: Callable[[Device], Callable[[], Any]]
) -> None:
    deaths = outcomes = 0
    lived = False
    while not lived:
        device, before = Device(town), town.outstanding()
        work = story(device)
        deaths += 1
        lived = device.attempt(work, dies_at=deaths)
        issued = town.outstanding() - before
        if device.value() != AMOUNT:
            outcomes += 1
            assert (device.value(), issued) in {(0, 0), (0, AMOUNT)}  # not begun: the quote or the code is still good
            work()
        assert device.value() == town.outstanding() - before == AMOUNT, f"died at step {deaths}"
        device.database.close()
    assert deaths > (2 if story is take_offline else 5)
    assert outcomes < deaths


def test_a_till_that_dies_at_any_step_of_its_deposit_is_credited_exactly_once(town: Town) -> None:
    deaths, lived = 0, False
    while not lived:
        device, before = Device(town), town.outstanding()
        device.fill(AMOUNT)
        device.lock(300, device.till, "a")
        device.till.accept_offline(code(device.purse.pay_held("food", label="a")), device.till.request(300, "food"))
        rest = device.purse.pay(AMOUNT - 300, "food")
        device.till.accept_online(code(rest), device.till.request(AMOUNT - 300, "food"))
        deaths += 1
        lived = device.attempt(lambda: device.till.deposit("food"), dies_at=deaths)  # noqa: B023 - called at once
        assert device.value() + town.deposited(device.shop.shop) == AMOUNT, f"died at step {deaths}"
        device.till.deposit("food")
        assert (device.value(), town.deposited(device.shop.shop), town.outstanding()) == (0, AMOUNT, before)
        device.database.close()
    assert deaths > 6


# --- rotation and end of a keyset between death and recovery ----------------------------------------------------------------


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("story", [change, receive])
def test_a_keyset_closed_between_death_and_recovery_costs_nothing(
    own_town: Town, story: Callable[[Device], Callable[[], Any]], *, served: bool, ended: bool
) -> None:
    town = own_town
    soon = int(town.clock.now().timestamp()) + 60
    town.rotate("closing", final_expiry=soon if ended and served else None)
    device, before = Device(town), town.outstanding()
    work = story(device)
    device.fate.countdown = 6 if served else 5
    asked: list[str] = []
    with pytest.raises(PowerCut):
        work()
    with device.database.reading() as connection:
        asked += [row[0] for row in connection.execute("SELECT path FROM journal")]
    assert asked == ["/v1/swap"]
    town.rotate("after")
    if ended and served:
        town.clock.set(town.clock.now() + timedelta(minutes=2))
    device.die()
    held = device.coins()
    assert sum(coin.amount for coin in held) == town.outstanding() - before == AMOUNT
    device.database.close()
