"""The till: what it takes online and offline, what it refuses, and what becomes of it at the deposit."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY, Coiner
from packages.till.tests.conftest import NOON, NOW, ShopsDesk, Street, code

from amparo_cashu.curve import hash_to_curve, show_point
from amparo_cashu.errors import BadPoint, BadToken, KeysetExpired, KeysetNotInLog, SignatureNotProved, UnitsDiffer
from amparo_cashu.nut00_token import read_token, write_token
from amparo_cashu.spent_filter import SpentFilter, build_filter, filter_item
from amparo_cashu.wire import Proof
from amparo_common.secret import Secret
from amparo_service.errors import RemoteError, Unreachable
from amparo_till.errors import (
    AloneTooLong,
    LockTooShort,
    NotLockedToUs,
    OfflineLimit,
    SaleTooLarge,
    SpentBefore,
    TakenBefore,
    WrongAmount,
)
from amparo_till.till import (
    BATCH,
    OFFLINE_LIMIT,
    SHORTEST_LOCK_SECONDS,
    DepositReport,
    PaymentRequest,
    TillSettings,
)


def paid(street: Street) -> dict[str, int]:
    """What each shop has handed in at the mint."""
    found: dict[str, int] = {}
    for deposit in street.mint.deposits.values():
        if deposit.state == "PAID":
            found[deposit.request] = found.get(deposit.request, 0) + deposit.amount
    return found


def point_of(coin: Proof) -> str:
    """What the mint knows a coin by."""
    return show_point(hash_to_curve(coin.secret.encode()))


def fresh_lock(street: Street, tags: list[list[str]]) -> str:
    """A condition for the bakery with these tags."""
    return json.dumps(["P2PK", {"nonce": "n", "data": street.bakery.lock_key, "tags": tags}])


# --- asking ----------------------------------------------------------------------------------------------------------------


def test_a_payment_request_says_the_shop_the_amount_and_the_key_and_nothing_of_the_payer(street: Street) -> None:
    request = street.bakery.request(12, "food")
    assert request == PaymentRequest(shop="bakery", amount=12, unit="food", lock_key=street.bakery.lock_key)
    assert street.bakery.lock_key != street.grocer.lock_key
    key = street.bakery.lock_key
    street.reopen()
    assert street.bakery.lock_key == key


# --- online ----------------------------------------------------------------------------------------------------------------


def test_a_payment_online_becomes_the_tills_own_coins_at_once(street: Street) -> None:
    coins = [street.food.coin(8), street.food.coin(4)]
    text = write_token(code(*coins))
    street.bakery.accept_online(read_token(text, keysets=[street.food.id]), street.bakery.request(12, "food"))
    assert street.bakery.purse.balance("food") == 12
    assert not {coin.secret for coin in coins} & {coin.secret for coin in street.bakery.purse.coins("food")}


def test_the_same_code_is_taken_by_one_till_only(street: Street) -> None:
    payment = code(street.food.coin(8))
    street.bakery.accept_online(payment, street.bakery.request(8, "food"))
    for till in (street.grocer, street.bakery):
        with pytest.raises(RemoteError) as found:
            till.accept_online(payment, till.request(8, "food"))
        assert found.value.remote_code == "11001"
    assert (street.bakery.purse.balance("food"), street.grocer.purse.balance("food")) == (8, 0)


@pytest.mark.parametrize("online", [True, False])
def test_a_code_of_another_amount_or_unit_is_refused(street: Street, *, online: bool) -> None:
    accept = street.bakery.accept_online if online else street.bakery.accept_offline
    for payment in (
        code(street.locked(8, street.bakery)),
        code(street.locked(16, street.bakery)),
        code(street.locked(4, street.bakery), street.locked(8, street.bakery), unit="rent"),
    ):
        with pytest.raises(WrongAmount):
            accept(payment, street.bakery.request(12, "food"))
    assert street.mint.asked == []


@pytest.mark.parametrize("online", [True, False])
def test_coins_of_another_unit_under_the_asked_units_name_are_refused(street: Street, *, online: bool) -> None:
    coin = street.locked(8, street.bakery, coiner=street.rent)
    accept = street.bakery.accept_online if online else street.bakery.accept_offline
    with pytest.raises(UnitsDiffer):
        accept(code(coin), street.bakery.request(8, "food"))
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (0, 0)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda coin: msgspec.structs.replace(coin, amount=16), SignatureNotProved),
        (lambda coin: msgspec.structs.replace(coin, secret=coin.secret + " "), SignatureNotProved),
        (lambda coin: msgspec.structs.replace(coin, id="01" + "0" * 64), KeysetNotInLog),
    ],
    ids=["raised amount", "another secret", "unknown keyset"],
)
def test_a_false_code_is_refused(
    street: Street, change: Callable[[Proof], Proof], finding: type[Exception], *, online: bool
) -> None:
    false = change(street.locked(8, street.bakery))
    accept = street.bakery.accept_online if online else street.bakery.accept_offline
    with pytest.raises(finding):
        accept(code(false), street.bakery.request(false.amount, "food"))
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (0, 0)


def test_a_code_without_its_proof_is_refused_where_no_mint_can_be_asked(street: Street) -> None:
    bare = msgspec.structs.replace(street.locked(8, street.bakery), dleq=None)
    with pytest.raises(SignatureNotProved):
        street.bakery.accept_offline(code(bare), street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == 0


def test_a_payment_online_that_was_cut_off_is_finished_by_the_next_deposit(street: Street) -> None:
    street.mint.intercept("/v1/swap", httpx2.Response(502))
    with pytest.raises(RemoteError):
        street.bakery.accept_online(code(street.food.coin(8)), street.bakery.request(8, "food"))
    assert street.bakery.purse.balance("food") == 0
    street.mint.honest()
    street.reopen()
    assert street.bakery.deposit("food") == DepositReport(deposited=8, lost=0)
    assert paid(street) == {"bakery": 8}


# --- offline ---------------------------------------------------------------------------------------------------------------


def test_a_code_locked_to_this_till_is_taken_without_a_connection(street: Street) -> None:
    street.connect(connected=False)
    text = write_token(code(street.locked(8, street.bakery), street.locked(4, street.bakery)))
    street.bakery.accept_offline(read_token(text, keysets=[street.food.id]), street.bakery.request(12, "food"))
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (12, 0)
    assert street.mint.asked == []
    street.reopen()
    assert street.bakery.stored("food") == 12


def test_a_code_not_locked_to_this_till_is_refused_offline(street: Street) -> None:
    for coin in (street.food.coin(8), street.locked(8, street.grocer)):
        with pytest.raises(NotLockedToUs):
            street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    two_keys = fresh_lock(street, [["pubkeys", street.grocer.lock_key], ["n_sigs", "1"]])
    with pytest.raises(NotLockedToUs):
        street.bakery.accept_offline(code(street.food.coin(8, secret=two_keys)), street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == 0


@pytest.mark.parametrize(
    "secret",
    [
        lambda street: fresh_lock(street, [["sigflag", "SIG_ALL"]]),
        lambda street: fresh_lock(street, [["n_sigs", "2"]]),
        lambda street: fresh_lock(street, [["locktime", "1"], ["locktime", "9999999999"]]),
        lambda street: json.dumps(["HTLC", {"nonce": "n", "data": street.bakery.lock_key, "tags": []}]),
        lambda street: fresh_lock(street, []).replace(street.bakery.lock_key, "02" + "0" * 64),
        lambda street: fresh_lock(street, [["nonce", "x" * 1_024]]),
    ],
    ids=["SIG_ALL", "two signatures of one key", "two times", "another kind", "no key", "too long"],
)
def test_a_condition_that_the_mint_would_not_open_is_refused_offline(
    street: Street, secret: Callable[[Street], str]
) -> None:
    coin = street.food.coin(8, secret=secret(street))
    with pytest.raises((BadToken, BadPoint)):
        street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == 0


@pytest.mark.parametrize(
    ("seconds", "taken"), [(SHORTEST_LOCK_SECONDS, True), (SHORTEST_LOCK_SECONDS - 1, False), (-1, False)]
)
def test_a_lock_must_last_long_enough_to_be_deposited(street: Street, seconds: int, *, taken: bool) -> None:
    payment = code(street.locked(8, street.bakery, until=NOW + seconds))
    if taken:
        street.bakery.accept_offline(payment, street.bakery.request(8, "food"))
    else:
        with pytest.raises(LockTooShort):
            street.bakery.accept_offline(payment, street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == (8 if taken else 0)


def test_a_lock_without_an_end_is_the_safest(street: Street) -> None:
    coin = street.food.coin(8, secret=fresh_lock(street, []))
    street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    assert street.bakery.deposit("food").deposited == 8


def test_a_code_is_taken_once_also_after_a_restart_and_after_its_deposit(street: Street) -> None:
    coin = street.locked(8, street.bakery)
    street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    for _ in range(2):
        with pytest.raises(TakenBefore):
            street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
        street.reopen()
    street.bakery.deposit("food")
    with pytest.raises(TakenBefore):
        street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == 0


def test_a_code_that_is_stored_is_not_taken_once_more_with_a_connection(street: Street) -> None:
    """The mint would exchange it: it is unspent until it is deposited."""
    till = street.bakery
    payment = code(street.locked(64, till))
    till.accept_offline(payment, till.request(64, "food"))
    with pytest.raises(TakenBefore):
        till.accept_online(payment, till.request(64, "food"))
    assert (till.stored("food"), till.purse.balance("food")) == (64, 0)
    assert till.deposit("food").deposited == 64


def test_a_code_with_the_same_coin_twice_or_one_taken_before_is_refused_whole(street: Street) -> None:
    coin, other = street.locked(8, street.bakery), street.locked(8, street.bakery)
    with pytest.raises(TakenBefore):
        street.bakery.accept_offline(code(coin, coin), street.bakery.request(16, "food"))
    assert street.bakery.stored("food") == 0
    street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    with pytest.raises(TakenBefore):
        street.bakery.accept_offline(code(other, coin), street.bakery.request(16, "food"))
    street.bakery.accept_offline(code(other), street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == 16


@pytest.mark.parametrize(
    ("seconds", "taken"), [(SHORTEST_LOCK_SECONDS, True), (SHORTEST_LOCK_SECONDS - 1, False), (-1, False)]
)
def test_coins_of_a_keyset_that_ends_soon_are_not_taken_offline(street: Street, seconds: int, *, taken: bool) -> None:
    ending = Coiner("food", final_expiry=NOW + seconds)
    street.log.publish(ending.announcement(), MINT_KEY)
    payment = code(street.locked(8, street.bakery, coiner=ending))
    if taken:
        street.bakery.accept_offline(payment, street.bakery.request(8, "food"))
    else:
        with pytest.raises(KeysetExpired):
            street.bakery.accept_offline(payment, street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == (8 if taken else 0)


def test_the_till_stores_no_more_than_its_limit_without_a_connection(street: Street) -> None:
    most = 8_192
    for _ in range(OFFLINE_LIMIT // most):
        street.bakery.accept_offline(code(street.locked(most, street.bakery)), street.bakery.request(most, "food"))
    with pytest.raises(OfflineLimit):
        street.bakery.accept_offline(code(street.locked(most, street.bakery)), street.bakery.request(most, "food"))
    assert street.bakery.stored("food") == OFFLINE_LIMIT // most * most
    street.bakery.deposit("food")
    street.bakery.accept_offline(code(street.locked(most, street.bakery)), street.bakery.request(most, "food"))


@pytest.mark.parametrize(("amount", "taken"), [(64, True), (65, False)])
def test_a_sale_without_a_connection_is_bounded_by_the_settings(street: Street, amount: int, *, taken: bool) -> None:
    till = street.till("bakery", device="2", settings=TillSettings(most_per_sale=64))
    coins = [street.locked(1 << power, till) for power in range(7) if amount >> power & 1]
    if taken:
        till.accept_offline(code(*coins), till.request(amount, "food"))
    else:
        with pytest.raises(SaleTooLarge):
            till.accept_offline(code(*coins), till.request(amount, "food"))
        till.accept_online(code(*coins), till.request(amount, "food"))
    assert till.stored("food") + till.purse.balance("food") == amount


@pytest.mark.parametrize("reached", ["deposit", "sale"])
def test_a_till_that_was_alone_too_long_takes_nothing_until_it_has_reached_the_mint(
    street: Street, reached: str
) -> None:
    till = street.till("bakery", device="2", settings=TillSettings(most_hours_alone=72))
    street.clock.set(NOON + timedelta(hours=72))
    till.accept_offline(code(street.locked(8, till)), till.request(8, "food"))
    street.clock.set(NOON + timedelta(hours=72, seconds=1))
    assert 72 < till.hours_alone() < 73
    with pytest.raises(AloneTooLong):
        till.accept_offline(code(street.locked(8, till)), till.request(8, "food"))
    street.connect(connected=False)
    with pytest.raises(Unreachable):
        till.deposit("food")
    with pytest.raises(AloneTooLong):
        till.accept_offline(code(street.locked(8, till)), till.request(8, "food"))
    street.connect(connected=True)
    if reached == "deposit":
        till.deposit("food")
    else:
        till.accept_online(code(street.food.coin(4)), till.request(4, "food"))
    assert till.hours_alone() == 0
    till.accept_offline(code(street.locked(8, till)), till.request(8, "food"))
    assert till.stored("food") == (8 if reached == "deposit" else 16)


def test_a_code_in_the_published_filter_is_refused_without_a_connection(street: Street) -> None:
    spent, fresh = street.locked(8, street.bakery), street.locked(8, street.bakery)
    item = filter_item(street.food.id, bytes.fromhex(point_of(spent)))
    street.bakery.use_filters([SpentFilter(build_filter(item, keyset=street.food.id, day=20_000))])
    street.connect(connected=False)
    with pytest.raises(SpentBefore):
        street.bakery.accept_offline(code(spent), street.bakery.request(8, "food"))
    street.bakery.accept_offline(code(fresh), street.bakery.request(8, "food"))
    assert street.bakery.stored("food") == 8
    elsewhere = SpentFilter(build_filter(item, keyset=street.rent.id, day=20_000))
    street.bakery.use_filters([elsewhere])  # of another keyset: it says nothing of this one
    street.bakery.accept_offline(code(spent), street.bakery.request(8, "food"))


@pytest.mark.parametrize("part", [slice(1, None), slice(None, None, -1), slice(0)])
def test_an_answer_about_other_coins_than_were_asked_about_drops_none(street: Street, part: slice) -> None:
    for amount in (8, 4):
        street.bakery.accept_offline(code(street.locked(amount, street.bakery)), street.bakery.request(amount, "food"))

    def lie(path: str, honest: Any) -> Any:
        return {"states": honest["states"][part]} if path == "/v1/checkstate" else honest

    street.mint.lie = lie
    with pytest.raises(SignatureNotProved):
        street.bakery.deposit("food")
    street.mint.honest()
    assert street.bakery.deposit("food") == DepositReport(deposited=12, lost=0)


def test_a_second_device_of_a_shop_takes_its_codes_and_the_deposits_find_one_shown_to_both(street: Street) -> None:
    key = Secret(b"\x0b" * 32)
    one, two = (street.till("bakery", device=device, lock_key=key) for device in ("-1", "-2"))
    assert one.lock_key == two.lock_key != street.bakery.lock_key
    coin, other = street.locked(8, one), street.locked(4, two)
    for till in (one, two):
        till.accept_offline(code(coin), till.request(8, "food"))
    two.accept_offline(code(other), two.request(4, "food"))
    assert one.deposit("food") == DepositReport(deposited=8, lost=0)
    assert two.deposit("food") == DepositReport(deposited=4, lost=8, lost_coins=1)
    street.reopen()
    assert street.till("bakery", device="-1").lock_key == one.lock_key  # the key stays with the device


def test_an_unknown_keyset_is_not_taken_while_there_is_no_connection(street: Street) -> None:
    street.connect(connected=False)
    with pytest.raises(Unreachable):
        street.bakery.accept_offline(
            code(street.locked(8, street.bakery, coiner=Coiner("food"))), street.bakery.request(8, "food")
        )
    assert street.bakery.stored("food") == 0


# --- deposits --------------------------------------------------------------------------------------------------------------


def test_a_deposit_hands_in_everything_of_its_unit_and_nothing_else(street: Street) -> None:
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    street.bakery.accept_online(code(street.food.coin(4)), street.bakery.request(4, "food"))
    street.bakery.accept_online(code(street.rent.coin(2), unit="rent"), street.bakery.request(2, "rent"))
    assert street.bakery.deposit("food") == DepositReport(deposited=12, lost=0)
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food"), street.bakery.purse.balance("rent")) == (
        0,
        0,
        2,
    )
    assert paid(street) == {"bakery": 12}


def test_a_code_that_was_spent_before_its_deposit_is_counted_as_lost_and_dropped(street: Street) -> None:
    good, bad = street.locked(8, street.bakery), street.locked(4, street.bakery)
    street.bakery.accept_offline(code(good, bad), street.bakery.request(12, "food"))
    street.mint.spent.add(show_point(hash_to_curve(bad.secret.encode())))
    assert street.bakery.deposit("food") == DepositReport(deposited=8, lost=4, lost_coins=1)
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)


def test_many_codes_are_handed_in_by_the_hundred(street: Street) -> None:
    for _ in range(BATCH + 5):
        street.bakery.accept_offline(code(street.locked(1, street.bakery)), street.bakery.request(1, "food"))
    assert street.bakery.deposit("food") == DepositReport(deposited=BATCH + 5, lost=0)
    assert sorted(each.amount for each in street.mint.deposits.values()) == [5, BATCH]


@pytest.mark.parametrize("path", ["/v1/checkstate", "/v1/melt/quote/settle", "/v1/melt/settle"])
@pytest.mark.parametrize("served", [True, False])
def test_a_deposit_cut_off_anywhere_is_repeated_and_counts_once(street: Street, path: str, *, served: bool) -> None:
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    street.bakery.accept_online(code(street.food.coin(4)), street.bakery.request(4, "food"))
    street.mint.intercept(path, httpx2.Response(504), served=served)
    for _ in range(2):
        with pytest.raises(RemoteError):
            street.bakery.deposit("food")
        street.reopen()
    street.mint.honest()
    street.bakery.deposit("food")
    assert paid(street) == {"bakery": 12}
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (0, 0)
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)


def test_a_deposit_that_the_mint_refuses_keeps_everything_in_the_till(street: Street) -> None:
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    street.bakery.accept_online(code(street.food.coin(4)), street.bakery.request(4, "food"))
    street.mint.refuse("/v1/melt/settle", 11005, "differs")
    with pytest.raises(RemoteError):
        street.bakery.deposit("food")
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (8, 4)


def test_a_deposit_that_waits_is_told_so_and_credited_once(street: Street) -> None:
    street.mint.slow = True
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0, pending=8)
    for _ in range(2):
        assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)
        street.reopen()
    assert street.bakery.stored("food") == 0
    street.mint.settle(paid=True)
    street.bakery.deposit("food")
    assert paid(street) == {"bakery": 8}
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)


def test_a_deposit_that_is_refused_later_is_in_the_till_again(street: Street) -> None:
    street.mint.slow = True
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    street.bakery.accept_online(code(street.food.coin(4)), street.bakery.request(4, "food"))
    street.bakery.deposit("food")
    street.mint.settle(paid=False)
    refused = httpx2.Response(400, json={"code": 20004, "detail": "The shops side does not take it."})
    street.mint.intercept("/v1/melt/settle", refused, served=False)
    street.bakery.purse.recover()
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (8, 4)
    street.mint.honest()
    street.mint.slow = False
    assert street.bakery.deposit("food") == DepositReport(deposited=12, lost=0)


def test_a_deposit_that_is_given_back_at_once_is_told_so(street: Street) -> None:
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    street.mint.lie = lambda path, honest: (
        msgspec.structs.replace(honest, state="UNPAID") if path == "/v1/melt/settle" else honest
    )
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0, refused=8)
    assert street.bakery.stored("food") == 8


def test_coins_of_a_keyset_that_is_over_do_not_keep_the_others_back(street: Street) -> None:
    old = Coiner("food", final_expiry=NOW + SHORTEST_LOCK_SECONDS)
    street.mint.coiners[old.id] = old
    street.log.publish(old.announcement(), MINT_KEY)
    over = street.locked(16, street.bakery, coiner=old)
    street.bakery.accept_offline(code(over), street.bakery.request(16, "food"))
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    street.mint.ended.add(old.id)
    assert street.bakery.deposit("food") == DepositReport(deposited=8, lost=0, ended=16)
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)
    assert [coin.secret for coin in street.bakery.purse.coins("food", state="ended")] == [over.secret]
    assert paid(street) == {"bakery": 8}


def test_a_code_spent_between_question_and_deposit_does_not_keep_the_others_back(street: Street) -> None:
    good, bad = street.locked(8, street.bakery), street.locked(4, street.bakery)
    street.bakery.accept_offline(code(good, bad), street.bakery.request(12, "food"))

    def spends_meanwhile(path: str, honest: object) -> object:
        if path == "/v1/melt/quote/settle":
            street.mint.spent.add(point_of(bad))
        return honest

    street.mint.lie = spends_meanwhile
    assert street.bakery.deposit("food") == DepositReport(deposited=8, lost=4, lost_coins=1)
    assert paid(street) == {"bakery": 8}


def test_a_mint_that_refuses_what_it_calls_unspent_is_not_asked_for_ever(street: Street) -> None:
    street.bakery.accept_offline(code(street.locked(8, street.bakery)), street.bakery.request(8, "food"))
    false = httpx2.Response(400, json={"code": 11001, "detail": "A token was already spent."})
    street.mint.intercept("/v1/melt/settle", false, served=False)
    with pytest.raises(RemoteError):
        street.bakery.deposit("food")
    assert street.bakery.stored("food") == 8


def test_a_code_in_another_devices_waiting_deposit_is_left_for_the_next_time(street: Street) -> None:
    coin = street.locked(8, street.bakery)
    street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    street.mint.pending["elsewhere"] = {point_of(coin)}
    assert street.bakery.deposit("food") == DepositReport(deposited=0, lost=0)
    assert street.bakery.stored("food") == 8
    street.mint.pending.clear()
    assert street.bakery.deposit("food") == DepositReport(deposited=8, lost=0)


# --- settlement ------------------------------------------------------------------------------------------------------------


def test_a_till_asks_for_its_money_once_under_its_own_number(street: Street, desk: ShopsDesk) -> None:
    for _ in range(2):
        standing = street.bakery.ask_settlement("food", 400, claim="2026-11")
        assert (standing.deposited, standing.asked) == (1_000, 400)
    assert street.grocer.standing("food").asked == 0
    assert street.bakery.standing("food").asked == 400
    assert desk.claims == {("bakery", "2026-11"): 400}


def test_a_claim_that_is_too_high_or_of_another_shop_is_refused_with_the_other_sides_code(street: Street) -> None:
    with pytest.raises(RemoteError) as found:
        street.bakery.ask_settlement("food", 1_001, claim="a")
    assert found.value.remote_code == "shops.claim_exceeds_deposits"
    stranger = street.till("stranger", access="x" * 20)
    with pytest.raises(RemoteError) as refused:
        stranger.standing("food")
    assert refused.value.status == 403
    assert "x" * 20 not in str(refused.value)
