"""Purses and tills against the real mint, log and shops side: whatever dies at whatever moment, no aid is lost or doubled."""

import contextlib
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.office.tests.conftest import OFFICE_KEY
from packages.office.tests.conftest import Town as OfficeTown
from tests.journeys.conftest import QUOTE_KEY, Device, Town, code

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import KeysetUnknown
from amparo_cashu.wire import Proof
from amparo_mint.calendar import GRACE_SECONDS
from amparo_office.claims import Claims
from amparo_purse.calendar import GRACE
from amparo_service.errors import RemoteError
from amparo_service.login import LogIns
from amparo_till.errors import TakenBefore


@pytest.fixture(scope="module")
def town(town_of_devices: Town) -> Town:
    """The services and devices of these tests."""
    return town_of_devices


def test_mint_and_devices_count_the_same_days_of_grace() -> None:
    assert GRACE == GRACE_SECONDS


# --- the end of a keyset --------------------------------------------------------------------------------------------------


def test_coins_of_a_keyset_that_was_closed_are_refused_by_the_mint_and_stay_in_the_purse(tmp_path: Path) -> None:
    town = Town(tmp_path)
    device = Device(town)
    town.rotate("short", final_expiry=int(town.clock.now().timestamp()) + 60)
    device.fill(8)
    town.rotate("long")
    town.clock.set(town.clock.now() + timedelta(seconds=61 + GRACE_SECONDS))
    town.keep_calendar()
    with pytest.raises(RemoteError) as refused:
        device.purse.make_exact(3, "food")
    assert refused.value.remote_code == str(KeysetUnknown.number)
    assert sum(coin.amount for coin in device.coins()) == 8
    device.database.close()
    town.close()


def test_coins_of_a_keyset_in_its_time_of_grace_are_changed_for_new_ones(tmp_path: Path) -> None:
    town = Town(tmp_path)
    device = Device(town)
    town.rotate("short", final_expiry=int(town.clock.now().timestamp()) + 60)
    device.fill(8)
    town.rotate("long")
    town.clock.set(town.clock.now() + timedelta(seconds=60 + GRACE_SECONDS))
    device.purse.make_exact(3, "food")
    assert device.value() == 8
    device.database.close()
    town.close()


# --- the office's side ------------------------------------------------------------------------------------------------------


def test_a_claim_into_a_quote_that_the_mint_does_not_have_is_given_back_and_stops_nobody(
    town: Town, device: Device, tmp_path: Path, migrated_file: Path
) -> None:
    office = OfficeTown(tmp_path, migrated_file)
    office.publish()
    office.register()
    office.decide()
    office.cycles.approve("food-basket", "2026-11", approver="second")
    town.approve(9_400, "usd")
    logins = LogIns(OFFICE_KEY, issuer=None, clock=town.clock)
    claims = Claims(office.database, office.log, publish_key=OFFICE_KEY, mint=town.mint_client, logins=logins)
    first, second = office.enrolled("H0"), office.enrolled("H2")
    pubkey = show_point(generator_times(QUOTE_KEY.reveal()))
    too_small, right = (device.purse.quote(amount, "usd", pubkey=pubkey).quote for amount in (1, 3_800))
    claims.claim(first.claim("no such quote"))
    claims.claim(second.claim(too_small))
    claims.deliver()
    assert claims.claim(second.claim(right)) == 3_800
    good = device.purse.quote(5_600, "usd", pubkey=pubkey).quote
    assert claims.claim(first.claim(good)) == 5_600
    claims.deliver()
    for quote, amount in ((right, 3_800), (good, 5_600)):
        device.purse.claim(quote, amount, "usd", quote_key=QUOTE_KEY)
    assert device.purse.balance("usd") == 9_400
    office.close()


# --- any order of operations ------------------------------------------------------------------------------------------------

Step = tuple[str, int, int | None]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "change", "give", "take", "sell online", "lock", "sell offline", "deposit", "refused"]
        ),
        st.integers(1, 300),
        st.none() | st.integers(1, 9),
    ),
    min_size=4,
    max_size=14,
)


class Street:
    """A payer and a shop; what the payer handed over and nobody has taken yet lies `in_hand`."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.payer, self.shop = Device(town), Device(town)
        self.before, self.redeemed_before = town.outstanding(), town.redeemed()
        self.in_hand: list[list[Proof]] = []
        self.locked_in_hand: list[list[Proof]] = []

    def do(self, name: str, amount: int, dies_at: int | None) -> None:
        """One step, perhaps with a death in its middle."""
        till, payer = self.shop.till, self.payer
        match name:
            case "claim":
                quote = payer.paid_quote(amount)
                payer.attempt(lambda: payer.purse.claim(quote, amount, "food", quote_key=QUOTE_KEY), dies_at=dies_at)
            case "change" if payer.purse.balance("food") >= amount:
                payer.attempt(lambda: payer.purse.make_exact(amount, "food"), dies_at=dies_at)
            case "give" if payer.purse.balance("food") >= amount:
                payer.purse.make_exact(amount, "food")
                payer.attempt(lambda: self.in_hand.append(payer.purse.pay(amount, "food")), dies_at=dies_at)
            case "take" if self.in_hand:
                coins = self.in_hand[-1]
                self.shop.attempt(lambda: self.shop.purse.receive(coins, "food"), dies_at=dies_at)
            case "sell online" if self.in_hand:
                coins = self.in_hand[0]
                asked = till.request(sum(coin.amount for coin in coins), "food")
                self.shop.attempt(lambda: till.accept_online(code(coins), asked), dies_at=dies_at)
            case "lock" if payer.purse.balance("food") >= amount:
                payer.attempt(lambda: payer.lock(amount, till, "shop"), dies_at=dies_at)
            case "sell offline":
                payer.attempt(lambda: self._hand_over_locked(), dies_at=dies_at)
                for coins in self.locked_in_hand:
                    asked = till.request(sum(coin.amount for coin in coins), "food")
                    with contextlib.suppress(TakenBefore):
                        self.shop.attempt(lambda: till.accept_offline(code(coins), asked), dies_at=dies_at)  # noqa: B023
            case "deposit":
                self.shop.attempt(lambda: self.shop.till.deposit("food"), dies_at=dies_at)
            case "refused" if payer.purse.balance("food"):
                stale = payer.purse.coins("food")[0]
                false = msgspec.structs.replace(stale, secret="0" * 64)
                with pytest.raises(RemoteError):
                    self.shop.purse.receive([false], "food")

    def _hand_over_locked(self) -> None:
        coins = self.payer.purse.pay_held("food", label="shop")
        if coins:
            self.locked_in_hand.append(coins)

    def check(self) -> None:
        """What everybody holds is what the mint says is outstanding, and the shop's deposits are what is missing."""
        self.in_hand = [coins for coins in self.in_hand if self.town.unspent(coins)]
        taken = {coin.secret for coin in self.shop.coins()}
        self.locked_in_hand = [
            coins for coins in self.locked_in_hand if self.town.unspent(coins) and coins[0].secret not in taken
        ]
        on_the_table = sum(coin.amount for coins in self.in_hand + self.locked_in_hand for coin in coins)
        total = self.payer.value() + self.shop.value() + on_the_table
        assert total == self.town.outstanding() - self.before
        assert self.town.deposited(self.shop.shop.shop) == self.town.redeemed() - self.redeemed_before


@settings(max_examples=20, deadline=None)
@given(steps)
def test_any_order_of_operations_and_deaths_conserves_every_cent(town: Town, taken: list[Step]) -> None:
    street = Street(town)
    try:
        for step in [("claim", 1_000, None), *taken, ("deposit", 1, None)]:
            street.do(*step)
            street.check()
        assert (street.shop.till.stored("food"), street.shop.till.purse.balance("food")) == (0, 0)
    finally:
        street.payer.database.close()
        street.shop.database.close()
