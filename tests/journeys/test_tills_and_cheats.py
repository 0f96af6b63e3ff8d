"""Tills at the real mint: a code pays once, at its own shop and until its time has passed; who cheats gets nothing."""

from datetime import timedelta

import pytest
from tests.journeys.conftest import QUOTE_KEY, REFUND_KEY, Device, Town, code

from amparo_cashu.errors import AlreadySpent, LockNotOpen
from amparo_cashu.nut00_token import without_dleq
from amparo_cashu.nut10_secret import sign_lock
from amparo_cashu.wire import MeltQuote
from amparo_service.errors import RemoteError


@pytest.fixture(scope="module")
def town(town_of_devices: Town) -> Town:
    """The services and devices of these tests."""
    return town_of_devices


def test_a_code_pays_at_one_till_and_the_other_is_told_that_it_was_spent(device: Device, other: Device) -> None:
    device.fill(64)
    payment = code(device.purse.pay(64, "food"))
    device.till.accept_online(payment, device.till.request(64, "food"))
    with pytest.raises(RemoteError) as refused:
        other.till.accept_online(payment, other.till.request(64, "food"))
    assert refused.value.remote_code == str(AlreadySpent.number)
    assert (device.till.purse.balance("food"), other.till.purse.balance("food")) == (64, 0)


def test_a_locked_code_can_be_redeemed_by_its_shop_only_until_its_time_has_passed(
    town: Town, device: Device, other: Device
) -> None:
    device.fill(64)
    until = int((town.clock.now() + timedelta(days=8)).timestamp())
    device.lock(64, device.till, "a", until=until)
    coins = device.purse.pay_held("food", label="a")
    device.till.accept_offline(code(coins), device.till.request(64, "food"))
    refund = [sign_lock(coin, REFUND_KEY.reveal()) for coin in coins]
    thief = [sign_lock(coin, QUOTE_KEY.reveal()) for coin in coins]
    for attempt in (coins, refund, thief):
        with pytest.raises(RemoteError) as refused:
            other.purse.receive(attempt, "food")
        assert refused.value.remote_code == str(LockNotOpen.number)
    town.clock.set(town.clock.now() + timedelta(days=9))
    other.purse.receive(refund, "food")  # the shop waited too long: the payer's wallet takes it back
    report = device.till.deposit("food")
    assert (report.deposited, report.lost) == (0, 64)
    assert other.value() == 64


def test_what_was_not_paid_comes_back_once_its_time_has_passed(town: Town, device: Device, other: Device) -> None:
    device.fill(64)
    until = int((town.clock.now() + timedelta(days=8)).timestamp())
    device.lock(48, other.till, "a", until=until)
    now = int(town.clock.now().timestamp())
    assert device.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=now) == 0
    assert device.purse.balance("food") == 16
    town.clock.set(town.clock.now() + timedelta(days=9))
    later = int(town.clock.now().timestamp())
    assert device.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=later) == 48
    assert device.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=later) == 0
    assert device.purse.balance("food") == 64


def test_a_code_locked_to_a_shop_can_be_taken_there_with_a_connection_and_nowhere_else(
    town: Town, device: Device, other: Device
) -> None:
    device.fill(64)
    until = int((town.clock.now() + timedelta(days=1)).timestamp())
    device.lock(64, other.till, "a", until=until)
    payment = code(device.purse.pay_held("food", label="a"))
    with pytest.raises(RemoteError) as refused:
        device.till.accept_online(payment, device.till.request(64, "food"))
    assert refused.value.remote_code == str(LockNotOpen.number)
    other.till.accept_online(payment, other.till.request(64, "food"))
    assert other.till.purse.balance("food") == 64


def test_a_deposit_of_another_shop_cannot_use_locked_codes(device: Device, other: Device) -> None:
    device.fill(64)
    device.lock(64, device.till, "a")
    coins = device.purse.pay_held("food", label="a")
    other.purse.keep(coins, "food", label="stolen")
    body = {"request": other.shop.shop, "unit": "food", "amount": 64}
    quote = other.client.post("/v1/melt/quote/settle", body, MeltQuote)
    with pytest.raises(RemoteError) as refused:
        other.purse.redeem(quote, [sign_lock(without_dleq(coin), QUOTE_KEY.reveal()) for coin in coins])
    assert refused.value.remote_code == str(LockNotOpen.number)
    device.till.accept_offline(code(coins), device.till.request(64, "food"))
    assert device.till.deposit("food").deposited == 64


def test_what_a_till_deposits_it_can_ask_for_and_no_cent_more(town: Town, device: Device) -> None:
    device.fill(500)
    device.till.accept_online(code(device.purse.pay(500, "food")), device.till.request(500, "food"))
    device.till.deposit("food")
    assert town.deposited(device.shop.shop) == 500
    with pytest.raises(RemoteError) as refused:
        device.till.ask_settlement("food", 501, claim="1")
    assert refused.value.remote_code == "shops.claim_exceeds_deposits"
    for _ in range(2):
        standing = device.till.ask_settlement("food", 500, claim="1")
        assert (standing.deposited, standing.asked, standing.to_settle) == (500, 500, 500)
