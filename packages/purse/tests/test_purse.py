"""The purse by itself: what it refuses from a mint that lies, how it pays, and what it knows after an unclear answer."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.purse.tests.conftest import MINT_KEY, NOON, Coiner, Pocket

from amparo_cashu.curve import generator_times, hash_to_curve, show_point
from amparo_cashu.errors import KeysetNotInLog, SignatureNotProved, UnitsDiffer, UnitUnknown
from amparo_cashu.nut10_secret import read_lock
from amparo_cashu.outputs import LockTo
from amparo_cashu.wire import BlindedMessage, MeltQuote, Proof, Signatures
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_purse.errors import CoinsBusy, KeysetNotCurrent, NoExactCoins, NotEnough
from amparo_service.errors import RemoteError, Unreachable

KEY = b"\x01" * 32
SHOP = show_point(generator_times(b"\x02" * 32))
LOCK = LockTo(key=SHOP, locktime=2_000_000_000, refund=show_point(generator_times(b"\x03" * 32)))


def claimed(pocket: Pocket, amount: int) -> str:
    """Aid taken from a paid quote; the quote."""
    quote = pocket.purse.quote(amount, "food", pubkey=show_point(generator_times(KEY)))
    pocket.mint.pay(quote.quote)
    pocket.purse.claim(quote.quote, amount, "food", quote_key=Secret(KEY))
    return quote.quote


def deposit(pocket: Pocket, proofs: list[Proof]) -> MeltQuote:
    """A quote for handing these coins in."""
    amount = sum(proof.amount for proof in proofs)
    body = {"request": "shop", "unit": "food", "amount": amount}
    return pocket.client.post("/v1/melt/quote/settle", body, MeltQuote)


# --- keys come from the log ----------------------------------------------------------------------------------------------


def test_a_keyset_that_is_not_in_the_log_is_refused_before_anything_is_asked_of_the_mint(pocket: Pocket) -> None:
    pocket.fill(8)
    hidden = Coiner("food")
    pocket.mint.coiners[hidden.id] = hidden
    pocket.mint.active[hidden.unit] = hidden.id
    pocket.mint.asked.clear()
    steps: list[Callable[[], None]] = [
        lambda: pocket.purse.claim("q", 8, "food", quote_key=Secret(KEY)),
        lambda: pocket.purse.receive([pocket.food.coin(8)], "food"),
        lambda: pocket.purse.make_exact(3, "food"),
        lambda: pocket.purse.lock(3, "food", lock=LOCK, label="shop"),
    ]
    for step in steps:
        with pytest.raises(KeysetNotInLog):
            step()
    assert set(pocket.mint.asked) == {"/v1/keysets"}
    assert (pocket.states(), pocket.journal()) == ({"ready": 8}, 0)


def test_a_keyset_that_is_of_another_unit_in_the_log_is_refused(pocket: Pocket) -> None:
    pocket.mint.coiners[pocket.rent.id].unit = pocket.food.unit
    pocket.mint.active = {pocket.food.unit: pocket.rent.id}
    with pytest.raises(KeysetNotInLog):
        pocket.purse.keys.active("food")


def test_an_old_keyset_of_the_log_is_refused_also_by_a_purse_that_looked_a_while_ago(pocket: Pocket) -> None:
    """A mint that keeps one person on an old keyset can tell that person's coins from everybody's."""
    pocket.fill(8)
    old, today = pocket.food, pocket.close_keyset()
    pocket.mint.active[today.unit] = old.id
    with pytest.raises(KeysetNotCurrent):
        pocket.purse.make_exact(3, "food")
    assert pocket.log.view().keyset(today.id) is not None
    assert pocket.purse.balance("food") == 8
    pocket.mint.active[today.unit] = today.id
    pocket.purse.make_exact(3, "food")


def test_a_keyset_announced_ahead_counts_from_its_time_and_not_before(pocket: Pocket) -> None:
    now = int(NOON.timestamp())
    following = Coiner("food")
    pocket.log.publish(msgspec.structs.replace(following.announcement(), active_from=now + 10), MINT_KEY)
    pocket.mint.coiners[following.id] = following
    assert pocket.purse.keys.active("food") == pocket.food.id
    pocket.mint.active[following.unit] = following.id
    with pytest.raises(KeysetNotCurrent):
        pocket.purse.keys.active("food")
    pocket.clock.set(NOON + timedelta(seconds=10))
    assert pocket.purse.keys.active("food") == following.id
    pocket.mint.active[following.unit] = pocket.food.id
    with pytest.raises(KeysetNotCurrent):
        pocket.purse.keys.active("food")


def test_a_second_active_keyset_beside_the_current_one_is_not_used(pocket: Pocket) -> None:
    hidden = Coiner("food")
    pocket.mint.coiners = {hidden.id: hidden} | pocket.mint.coiners
    pocket.mint.active[Unit("marked")] = hidden.id
    assert pocket.purse.keys.active("food") == pocket.food.id


def test_a_unit_without_an_active_keyset_is_said(pocket: Pocket) -> None:
    with pytest.raises(UnitUnknown):
        pocket.purse.keys.active("medicine")


def test_a_keyset_that_was_announced_since_is_found(pocket: Pocket) -> None:
    pocket.fill(8)
    fresh = pocket.close_keyset()
    pocket.purse.make_exact(3, "food")
    assert {coin.id for coin in pocket.purse.coins("food")} == {fresh.id}


def test_a_received_coin_is_genuine_only_with_a_proof_under_a_logged_key_of_its_unit(pocket: Pocket) -> None:
    coin = pocket.food.coin(8)
    pocket.purse.keys.check_genuine(coin, "food")
    replace = msgspec.structs.replace
    assert coin.dleq is not None
    with pytest.raises(UnitsDiffer):
        pocket.purse.keys.check_genuine(coin, "rent")
    with pytest.raises(KeysetNotInLog):
        pocket.purse.keys.check_genuine(Coiner("food").coin(8), "food")
    with pytest.raises(KeysetNotInLog):
        pocket.purse.keys.check_genuine(replace(coin, amount=3), "food")
    for false in (
        replace(coin, amount=16),
        replace(coin, dleq=None),
        replace(coin, dleq=replace(coin.dleq, r=None)),
        replace(coin, dleq=replace(coin.dleq, s=coin.dleq.e)),
        replace(coin, secret="another"),
        replace(coin, C=pocket.food.coin(8).C),
    ):
        with pytest.raises(SignatureNotProved):
            pocket.purse.keys.check_genuine(false, "food")


def test_a_known_keyset_needs_no_connection_and_an_unknown_one_does(pocket: Pocket) -> None:
    pocket.log.refresh()
    pocket.log.away = pocket.mint.away = True
    pocket.purse.keys.check_genuine(pocket.food.coin(8), "food")
    with pytest.raises(Unreachable):
        pocket.purse.keys.check_genuine(Coiner("food").coin(8), "food")


def changed(**fields: Any) -> Callable[[Pocket, Signatures], Any]:
    """The mint's answer with something else in its first signature."""

    def change(_pocket: Pocket, honest: Signatures) -> Any:
        first = msgspec.structs.replace(honest.signatures[0], **fields)
        return Signatures([first, *honest.signatures[1:]])

    return change


def signed_by_another_key(_pocket: Pocket, honest: Signatures) -> Any:
    """Signatures of a key of its own for one person: the proof fits the key, and the key is not the logged one."""
    other = Coiner("food")
    outputs = [BlindedMessage(each.amount, each.id, each.C_) for each in honest.signatures]
    return Signatures([msgspec.structs.replace(other.sign(each), id=each.id) for each in outputs])


@pytest.mark.parametrize(
    "lie",
    [
        changed(dleq=None),
        changed(amount=2),
        changed(id="01" + "0" * 64),
        changed(C_=show_point(generator_times(KEY))),
        signed_by_another_key,
        lambda _pocket, honest: Signatures(honest.signatures[1:]),
        lambda _pocket, honest: Signatures(honest.signatures[::-1]),
        lambda _pocket, honest: Signatures([*honest.signatures, honest.signatures[0]]),
    ],
    ids=[
        "no proof",
        "another amount",
        "another keyset",
        "another point",
        "another key",
        "one too few",
        "reversed",
        "one more",
    ],
)
def test_a_mint_that_lies_in_its_answer_is_refused_and_nothing_is_lost(
    pocket: Pocket, lie: Callable[[Pocket, Signatures], Any]
) -> None:
    pocket.fill(8)
    pocket.mint.lie = lambda path, honest: lie(pocket, honest) if path == "/v1/swap" else honest
    with pytest.raises(SignatureNotProved):
        pocket.purse.make_exact(3, "food")
    assert (pocket.states(), pocket.journal(), pocket.purse.balance("food")) == ({"busy": 8}, 1, 0)
    pocket.mint.honest()
    assert pocket.purse.recover() == 1
    assert (pocket.states(), pocket.journal()) == ({"ready": 8}, 0)


# --- unclear answers -----------------------------------------------------------------------------------------------------

HOT_SPOT = httpx2.Response(200, content=b"<html>Please log in to use this network</html>")
UNCLEAR: dict[str, Any] = {
    "a hot spot's page": HOT_SPOT,
    "a redirection": httpx2.Response(302, headers={"location": "http://hotspot.example"}),
    "a proxy's refusal": httpx2.Response(403, content=b"<html>Forbidden</html>"),
    "a proxy's own json": httpx2.Response(429, json={"message": "slow down"}),
    "an error of the server": httpx2.Response(500, json={"detail": "?", "code": 10000}),
    "a gateway's error": httpx2.Response(502, content=b"bad gateway"),
    "another shape": httpx2.Response(200, json={"signatures": "none"}),
}


@pytest.mark.parametrize("name", UNCLEAR)
@pytest.mark.parametrize("served", [True, False])
def test_after_an_unclear_answer_the_coins_stay_in_the_journal_until_the_mint_is_asked_again(
    pocket: Pocket, name: str, *, served: bool
) -> None:
    pocket.fill(8)
    pocket.mint.intercept("/v1/swap", UNCLEAR[name], served=served)
    with pytest.raises(RemoteError):
        pocket.purse.make_exact(3, "food")
    assert (pocket.states(), pocket.journal()) == ({"busy": 8}, 1)
    pocket.reopen()
    with pytest.raises(RemoteError):
        pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"busy": 8}, 1)
    pocket.mint.honest()
    assert pocket.purse.recover() == 1
    assert (pocket.states(), pocket.journal()) == ({"ready": 8}, 0)
    assert [coin.amount for coin in pocket.purse.pay(3, "food")] == [2, 1]


def test_without_a_connection_the_request_waits_and_is_finished_later(pocket: Pocket) -> None:
    quote = pocket.purse.quote(11, "food", pubkey=show_point(generator_times(KEY)))
    pocket.mint.pay(quote.quote)
    pocket.mint.intercept("/v1/mint/benefit", UNCLEAR["a gateway's error"])
    with pytest.raises(RemoteError):
        pocket.purse.claim(quote.quote, 11, "food", quote_key=Secret(KEY))
    assert pocket.purse.find_quote(quote.quote).amount_issued == 11
    assert pocket.purse.has_interrupted_claim()
    pocket.mint.away = True
    with pytest.raises(Unreachable):
        pocket.purse.recover()
    pocket.mint.away = False
    pocket.mint.honest()
    pocket.purse.recover()
    assert pocket.purse.balance("food") == 11


def test_a_refusal_of_the_mint_gives_the_coins_back_at_once(pocket: Pocket) -> None:
    pocket.fill(8, 4)
    pocket.mint.refuse("/v1/swap", 11001, "spent")
    with pytest.raises(RemoteError) as found:
        pocket.purse.make_exact(3, "food")
    assert found.value.remote_code == "11001"
    assert (pocket.states(), pocket.journal()) == ({"ready": 12}, 0)


def test_held_coins_are_held_again_when_their_deposit_is_refused(pocket: Pocket) -> None:
    coins = [pocket.food.coin(8), pocket.food.coin(4)]
    pocket.purse.keep(coins, "food", label="locked sales")
    quote = deposit(pocket, coins)
    pocket.mint.refuse("/v1/melt/settle", 11005, "differs")
    with pytest.raises(RemoteError):
        pocket.purse.redeem(quote, coins)
    assert sum(coin.amount for coin in pocket.purse.coins("food", state="held", label="locked sales")) == 12
    pocket.mint.honest()
    pocket.purse.redeem(quote, coins)
    assert pocket.states() == {}


def test_what_the_mint_refuses_at_recovery_is_undone_and_stops_nothing_behind_it(pocket: Pocket) -> None:
    pocket.fill(8, 4)
    for served, amount in ((False, 3), (True, 1)):
        pocket.mint.intercept("/v1/swap", UNCLEAR["a gateway's error"], served=served)
        with pytest.raises(RemoteError):
            pocket.purse.make_exact(amount, "food")
    assert (pocket.states(), pocket.journal()) == ({"busy": 12}, 2)
    pocket.mint.honest()
    pocket.close_keyset()
    pocket.reopen()
    assert pocket.purse.recover() == 2
    assert (pocket.states(), pocket.journal()) == ({"ready": 12}, 0)
    assert sorted(coin.amount for coin in pocket.purse.coins("food")) == [1, 1, 2, 8]


def test_received_coins_whose_exchange_never_arrived_are_exchanged_into_the_keyset_of_today(pocket: Pocket) -> None:
    pocket.mint.intercept("/v1/swap", UNCLEAR["a gateway's error"], served=False)
    with pytest.raises(RemoteError):
        pocket.purse.receive([pocket.food.coin(8)], "food")
    pocket.mint.honest()
    today = pocket.close_keyset()
    pocket.reopen()
    pocket.purse.recover()
    assert [(each.id, each.amount) for each in pocket.purse.coins("food")] == [(today.id, 8)]
    assert pocket.journal() == 0


def test_received_coins_that_somebody_spent_meanwhile_are_given_up_and_stop_nothing(pocket: Pocket) -> None:
    coin = pocket.food.coin(8)
    pocket.mint.intercept("/v1/swap", UNCLEAR["a gateway's error"], served=False)
    with pytest.raises(RemoteError):
        pocket.purse.receive([coin], "food")
    pocket.mint.honest()
    pocket.named("other").receive([coin], "food")
    assert pocket.purse.recover() == 1
    assert (pocket.purse.balance("food"), pocket.named("other").balance("food"), pocket.journal()) == (0, 8, 0)


def test_a_request_of_which_nothing_is_known_stops_none_behind_it(pocket: Pocket) -> None:
    pocket.fill(8, 4)
    pocket.mint.lie = lambda path, honest: changed(dleq=None)(pocket, honest) if path == "/v1/swap" else honest
    with pytest.raises(SignatureNotProved):
        pocket.purse.make_exact(3, "food")
    pocket.mint.honest()
    pocket.mint.intercept("/v1/swap", UNCLEAR["a gateway's error"], served=False)
    with pytest.raises(RemoteError):
        pocket.purse.make_exact(1, "food")
    pocket.mint.honest()
    evil = list(pocket.mint.served)[-1]
    pocket.mint.served[evil] = changed(dleq=None)(pocket, pocket.mint.served[evil])
    with pytest.raises(SignatureNotProved):
        pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"busy": 8, "ready": 4}, 1)


@pytest.mark.parametrize("code", [11001, 11003, 20002, 12002])
def test_a_refusal_of_what_was_done_long_ago_is_not_believed(pocket: Pocket, code: int) -> None:
    """A mint that has forgotten its answers refuses the repetition; its signatures say that the request was done."""
    pocket.mint.intercept("/v1/mint/benefit", UNCLEAR["a gateway's error"])
    with pytest.raises(RemoteError):
        claimed(pocket, 13)
    pocket.mint.honest()
    pocket.mint.lie = lambda path, honest: (code, "no") if path == "/v1/mint/benefit" else honest
    assert pocket.purse.recover() == 1
    assert (pocket.states(), pocket.journal()) == ({"ready": 13}, 0)


def test_a_refusal_while_the_signatures_cannot_be_asked_for_leaves_everything_as_it_is(pocket: Pocket) -> None:
    pocket.fill(8)
    pocket.mint.intercept("/v1/swap", UNCLEAR["a gateway's error"])
    with pytest.raises(RemoteError):
        pocket.purse.make_exact(3, "food")
    pocket.mint.honest()
    pocket.mint.served.clear()
    pocket.mint.intercept("/v1/restore", UNCLEAR["an error of the server"])
    with pytest.raises(RemoteError):
        pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"busy": 8}, 1)
    pocket.mint.honest()
    pocket.purse.recover()
    assert (pocket.states(), pocket.journal()) == ({"ready": 8}, 0)


# --- holding and paying --------------------------------------------------------------------------------------------------


def test_a_claim_gives_few_ascending_coins_that_are_the_purses_own(pocket: Pocket) -> None:
    claimed(pocket, 1337)
    assert [coin.amount for coin in pocket.purse.coins("food")] == [1024, 256, 32, 16, 8, 1]
    assert pocket.purse.balance("food") == 1337
    assert pocket.purse.balance("rent") == 0
    for coin in pocket.purse.coins("food"):
        pocket.purse.keys.check_genuine(coin, "food")


def test_no_secret_is_ever_used_twice_whatever_fails_in_between(pocket: Pocket) -> None:
    seen: list[str] = []
    for _ in range(3):
        pocket.mint.refuse("/v1/swap", 11001)
        with pytest.raises(RemoteError):
            pocket.purse.receive([pocket.food.coin(8)], "food")
        pocket.mint.honest()
        pocket.purse.receive([pocket.food.coin(8)], "food")
        coins = [coin.secret for coin in pocket.purse.coins("food")]
        pocket.purse.forget(coins)
        seen += coins
        pocket.reopen()
    assert len(seen) == len(set(seen)) == 3


def test_purses_on_one_device_see_only_their_own_coins(pocket: Pocket) -> None:
    other = pocket.named("other")
    pocket.fill(8)
    pocket.fill(4, purse=other)
    assert (pocket.purse.balance("food"), other.balance("food")) == (8, 4)
    theirs = other.coins("food")
    with pytest.raises(CoinsBusy):
        pocket.purse.mark_given([coin.secret for coin in theirs])
    pocket.purse.forget([coin.secret for coin in theirs])
    assert other.balance("food") == 4
    pocket.reopen()
    assert pocket.named("other").coins("food") == theirs


def test_paying_hands_over_exactly_the_amount_once_and_without_a_connection(pocket: Pocket) -> None:
    pocket.fill(8, 4, 1)
    pocket.mint.away = pocket.log.away = True
    paid = pocket.purse.pay(9, "food")
    assert sorted(coin.amount for coin in paid) == [1, 8]
    assert all(coin.dleq is not None and coin.dleq.r is not None for coin in paid)
    assert pocket.purse.balance("food") == 4
    with pytest.raises(NoExactCoins):
        pocket.purse.pay(3, "food")
    with pytest.raises(NotEnough):
        pocket.purse.pay(5, "food")
    assert pocket.purse.balance("food") == 4


def test_make_exact_changes_coins_only_when_needed(pocket: Pocket) -> None:
    pocket.fill(8, 4)
    pocket.mint.asked.clear()
    pocket.purse.make_exact(4, "food")
    pocket.purse.make_exact(12, "food")
    assert pocket.mint.asked == []
    pocket.purse.make_exact(5, "food")
    assert sum(coin.amount for coin in pocket.purse.pay(5, "food")) == 5
    assert pocket.purse.balance("food") == 7
    with pytest.raises(NotEnough):
        pocket.purse.make_exact(8, "food")
    assert pocket.purse.balance("food") == 7


def test_what_is_locked_is_set_aside_for_its_shop_and_the_rest_stays(pocket: Pocket) -> None:
    pocket.fill(16)
    pocket.purse.lock(5, "food", lock=LOCK, label="baker")
    assert pocket.purse.balance("food") == 11
    held = pocket.purse.coins("food", state="held", label="baker")
    locks = [read_lock(coin.secret) for coin in held]
    assert sum(coin.amount for coin in held) == 5
    assert all(
        lock is not None and (lock.keys, lock.locktime, lock.refund) == ([SHOP], 2_000_000_000, [LOCK.refund])
        for lock in locks
    )
    with pytest.raises(NotEnough):
        pocket.purse.lock(12, "food", lock=LOCK, label="baker")
    pocket.purse.lock(3, "food", lock=LOCK, label="candle maker")
    pocket.mint.away = pocket.log.away = True
    assert sum(coin.amount for coin in pocket.purse.pay_held("food", label="baker")) == 5
    assert pocket.purse.pay_held("food", label="baker") == []
    assert pocket.purse.pay_held("food", label="butcher") == []
    assert sum(coin.amount for coin in pocket.purse.coins("food", state="held", label="candle maker")) == 3


def lock_for(pocket: Pocket, label: str, amount: int, *, until: int = 100) -> None:
    lock = LockTo(key=SHOP, locktime=until, refund=show_point(generator_times(KEY)))
    pocket.purse.lock(amount, "food", lock=lock, label=label)


def test_each_payment_comes_back_in_a_request_of_its_own_and_one_that_was_handed_in_is_forgotten(
    pocket: Pocket,
) -> None:
    pocket.fill(64)
    for label, amount in (("baker", 3), ("butcher", 5), ("candle maker", 9)):
        lock_for(pocket, label, amount)
    lock_for(pocket, "not yet", 1, until=2_000_000_000)
    taken = pocket.purse.pay_held("food", label="butcher")
    pocket.purse.pay_held("food", label="candle maker")  # shown, and the shop never handed it in
    pocket.mint.spent |= {show_point(hash_to_curve(coin.secret.encode())) for coin in taken}
    before = pocket.mint.asked.count("/v1/swap")
    assert pocket.purse.take_back("food", refund_key=lambda _label: Secret(KEY), now=101) == 12
    assert pocket.mint.asked.count("/v1/swap") == before + 3
    assert pocket.states() == {"ready": 64 - 5 - 1, "held": 1}
    assert pocket.purse.take_back("food", refund_key=lambda _label: Secret(KEY), now=101) == 0


def test_a_code_that_was_not_taken_comes_back_and_one_that_was_is_forgotten(pocket: Pocket) -> None:
    pocket.fill(8, 4, 2)
    kept, taken = ([coin.secret for coin in pocket.purse.pay(amount, "food")] for amount in (4, 8))
    pocket.named("shop").receive(pocket.purse.coins("food", state="given")[:1], "food")
    assert pocket.purse.take_back_given(taken, "food") == 0
    assert pocket.purse.take_back_given(kept, "food") == 4
    assert pocket.purse.coins("food", state="given") == []
    assert pocket.purse.balance("food") == 6
    assert kept[0] not in {coin.secret for coin in pocket.purse.coins("food")}


def test_a_locked_code_that_was_not_taken_is_set_aside_again_without_a_connection(pocket: Pocket) -> None:
    pocket.fill(8)
    lock_for(pocket, "baker", 5)
    given = [coin.secret for coin in pocket.purse.pay_held("food", label="baker")]
    pocket.mint.away = pocket.log.away = True
    assert pocket.purse.take_back_given(given, "food") == 0
    assert sum(coin.amount for coin in pocket.purse.pay_held("food", label="baker")) == 5


def test_part_of_what_is_set_aside_is_paid_exactly_or_not_at_all(pocket: Pocket) -> None:
    pocket.fill(8)
    lock_for(pocket, "baker", 5)
    with pytest.raises(NoExactCoins):
        pocket.purse.pay_held("food", label="baker", amount=2)
    with pytest.raises(NotEnough):
        pocket.purse.pay_held("food", label="baker", amount=6)
    assert [coin.amount for coin in pocket.purse.pay_held("food", label="baker", amount=4)] == [4]
    assert pocket.purse.balance("food", state="held", label="baker") == 1


def test_the_same_coin_kept_twice_counts_once(pocket: Pocket) -> None:
    coin = pocket.food.coin(8)
    for _ in range(2):
        pocket.purse.keep([coin], "food", label="x")
    assert pocket.states() == {"held": 8}


def test_redeemed_coins_leave_the_purse_without_a_trace(pocket: Pocket) -> None:
    pocket.fill(8, 4)
    coins = pocket.purse.coins("food")
    pocket.purse.redeem(deposit(pocket, coins), coins)
    assert (pocket.states(), pocket.journal()) == ({}, 0)
    pocket.close()
    stored = pocket.path.read_bytes()
    assert not any(coin.secret.encode() in stored for coin in coins)
    pocket.open()


def test_the_blinding_factor_never_reaches_the_mint(pocket: Pocket) -> None:
    claimed(pocket, 13)
    coins = pocket.purse.coins("food")
    pocket.purse.lock(6, "food", lock=LOCK, label="a")
    pocket.purse.redeem(deposit(pocket, pocket.purse.coins("food")), pocket.purse.coins("food"))
    factors = [coin.dleq.r for coin in coins if coin.dleq is not None and coin.dleq.r is not None]
    sent = b"".join(pocket.mint.served)
    assert len(factors) == 3
    assert not any(factor.encode() in sent for factor in factors)


def best(coins: list[int], amount: int) -> bool:
    """Whether any choice of coins makes the amount, tried one by one."""
    return any(sum(part) == amount for size in range(len(coins) + 1) for part in itertools.combinations(coins, size))


@settings(max_examples=30, deadline=None)
@given(coins=st.lists(st.sampled_from([1, 2, 4, 8, 16]), max_size=7), amount=st.integers(1, 60))
def test_an_amount_is_paid_exactly_whenever_the_coins_can_make_it(
    new_pocket: Callable[[], Pocket], coins: list[int], amount: int
) -> None:
    pocket = new_pocket()
    try:
        pocket.fill(*coins)
        if best(coins, amount):
            assert sum(coin.amount for coin in pocket.purse.pay(amount, "food")) == amount
            assert pocket.purse.balance("food") == sum(coins) - amount
        else:
            with pytest.raises(NotEnough if sum(coins) < amount else NoExactCoins):
                pocket.purse.pay(amount, "food")
            assert pocket.purse.balance("food") == sum(coins)
    finally:
        pocket.close()
