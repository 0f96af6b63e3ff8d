"""The till: what it takes online and offline, what it refuses, and what becomes of it at the deposit."""

import json
from collections.abc import Callable

import httpx2
import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY, Coiner
from packages.till.tests.conftest import NOW, ShopsDesk, Street, code

from amparo_cashu.curve import hash_to_curve, show_point
from amparo_cashu.errors import BadPoint, BadToken, KeysetExpired, KeysetNotInLog, SignatureNotProved, UnitsDiffer
from amparo_cashu.nut00_token import read_token, write_token
from amparo_cashu.wire import Proof
from amparo_service.errors import RemoteError, Unreachable
from amparo_till.errors import LockTooShort, NotLockedToUs, OfflineLimit, TakenBefore, WrongAmount
from amparo_till.till import BATCH, OFFLINE_LIMIT, SHORTEST_LOCK_SECONDS, DepositReport, PaymentRequest


def paid(street: Street) -> dict[str, int]:
    """What each shop has handed in at the mint."""
    found: dict[str, int] = {}
    for deposit in street.mint.deposits.values():
        if any(
            isinstance(answer, type(deposit)) and answer.quote == deposit.quote
            for answer in street.mint.served.values()
        ):
            found[deposit.request] = found.get(deposit.request, 0) + deposit.amount
    return found


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
    assert street.bakery.deposit("food") == DepositReport(deposited=8, lost=4)
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
    street.mint.lie = lambda path, honest: (11005, "differs") if path == "/v1/melt/settle" else honest
    with pytest.raises(RemoteError):
        street.bakery.deposit("food")
    assert (street.bakery.stored("food"), street.bakery.purse.balance("food")) == (8, 4)


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
