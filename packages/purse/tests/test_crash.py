"""A device that dies at any commit or request, or whose answers are lost, loses and doubles no coin."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.purse.tests.conftest import NOON, Pocket

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.outputs import LockTo
from amparo_cashu.wire import MeltQuote, Proof
from amparo_common.secret import Secret
from amparo_purse import upkeep
from amparo_purse.restore import Manner, Progress, Restorer
from amparo_service.errors import RemoteError

AMOUNT = 1_337
NOW = int(NOON.timestamp())
SHOP_KEY, REFUND_KEY = b"\x02" * 32, Secret(b"\x03" * 32)
LOCK = LockTo(
    key=show_point(generator_times(SHOP_KEY)),
    locktime=NOW - 1,
    refund=show_point(generator_times(REFUND_KEY.reveal())),
)
Work = Callable[[], Any]
NewPocket = Callable[[], Pocket]


def deposit_quote(pocket: Pocket, proofs: list[Proof]) -> MeltQuote:
    body = {"request": "shop", "unit": "food", "amount": sum(proof.amount for proof in proofs)}
    return pocket.client.post("/v1/melt/quote/settle", body, MeltQuote)


def claim(pocket: Pocket) -> Work:
    key = Secret(b"\x01" * 32)
    quote = pocket.purse.quote(AMOUNT, "food", pubkey=show_point(generator_times(key.reveal())))
    pocket.mint.pay(quote.quote)
    return lambda: pocket.purse.claim(quote.quote, AMOUNT, "food", quote_key=key, spread=True)


def receive(pocket: Pocket) -> Work:
    pocket.claim(AMOUNT)
    coins = pocket.purse.coins("food")
    pocket.purse.forget([coin.secret for coin in coins])
    return lambda: pocket.purse.receive(coins, "food")


def make_exact(pocket: Pocket) -> Work:
    pocket.claim(AMOUNT)
    return lambda: pocket.purse.make_exact(700, "food")


def lock(pocket: Pocket) -> Work:
    pocket.claim(AMOUNT)
    return lambda: pocket.purse.lock(700, "food", lock=LOCK, label="a", spread=True)


def take_back(pocket: Pocket) -> Work:
    pocket.claim(AMOUNT)
    for label in ("a", "b"):
        pocket.purse.lock(400, "food", lock=LOCK, label=label)
    pocket.purse.pay_held("food", label="b")
    return lambda: pocket.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=NOW)


def take_back_given(pocket: Pocket) -> Work:
    pocket.claim(AMOUNT)
    given = [coin.secret for coin in pocket.purse.pay(1_024, "food")]
    return lambda: pocket.purse.take_back_given(given, "food")


def resplit(pocket: Pocket) -> Work:
    pocket.claim(AMOUNT)
    upkeep.resplit(pocket.purse, "food")
    pocket.clock.set(NOON + timedelta(seconds=upkeep.REST[1]))
    return lambda: upkeep.resplit(pocket.purse, "food")


def renew(pocket: Pocket) -> Work:
    pocket.close_keyset(ends=NOW + 10 * 86_400)
    pocket.claim(AMOUNT)
    pocket.close_keyset(ends=NOW + 100 * 86_400)
    return lambda: upkeep.renew(pocket.purse, "food")


STORIES = [claim, receive, make_exact, lock, take_back, take_back_given, resplit, renew]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("remembers", [True, False], ids=["mint remembers", "mint forgot its answers"])
def test_a_device_that_dies_at_any_step_has_everything_or_nothing_and_the_next_try_has_everything(
    new_pocket: NewPocket, story: Callable[[Pocket], Work], *, remembers: bool
) -> None:
    deaths = not_begun = 0
    lived = False
    while not lived:
        pocket = new_pocket()
        work = story(pocket)
        deaths += 1
        lived = pocket.attempt(work if remembers else forgotten(pocket, work), dies_at=deaths)
        assert pocket.journal() == 0
        if pocket.value() != AMOUNT:
            not_begun += 1
            assert pocket.value() == 0  # the quote, or the code that was handed over, is still good
            work()
        assert pocket.value() == pocket.mint.outstanding == AMOUNT, f"died at step {deaths}"
        pocket.close()
    assert deaths > 8
    assert not_begun < deaths


def forgotten(pocket: Pocket, work: Work) -> Work:
    """Do something; hours pass, and afterwards the mint has only what NUT-09 says."""

    def and_forget() -> None:
        try:
            work()
        finally:
            pocket.mint.served.clear()

    return and_forget


REFUSED = httpx2.Response(400, json={"code": 20004, "detail": "The shops side does not take it."})


@pytest.mark.parametrize("slow", [False, True], ids=["at once", "waits"])
@pytest.mark.parametrize("paid", [True, False], ids=["paid", "given back"])
def test_a_deposit_cut_off_at_any_step_is_made_once_or_given_back_whole(
    new_pocket: NewPocket, *, slow: bool, paid: bool
) -> None:
    deaths, lived = 0, False
    while not lived:
        pocket = new_pocket()
        pocket.mint.slow = slow
        pocket.claim(AMOUNT)
        coins = pocket.purse.coins("food")
        quote = deposit_quote(pocket, coins)
        deaths += 1
        lived = pocket.attempt(lambda: pocket.purse.redeem(quote, coins), dies_at=deaths)  # noqa: B023 - called at once
        assert pocket.value() == pocket.mint.outstanding
        if pocket.mint.pending:
            assert (pocket.states(), pocket.journal()) == ({"busy": AMOUNT}, 1)
            pocket.mint.settle(paid=paid)
            pocket.mint.slow = False
            if not paid:
                pocket.mint.intercept(
                    "/v1/melt/settle", httpx2.Response(400, json={"code": 20004, "detail": "refused"})
                )
            pocket.purse.recover()
            assert pocket.journal() == 0
        assert pocket.value() == pocket.mint.outstanding == pocket.purse.balance("food")
        assert pocket.value() == (0 if pocket.mint.deposits[quote.quote].state == "PAID" else AMOUNT)
        pocket.close()
    assert deaths == (5 if slow else 7)


def test_a_deposit_that_waits_keeps_its_coins_in_the_journal_and_asks_again(pocket: Pocket) -> None:
    pocket.mint.slow = True
    pocket.claim(AMOUNT)
    coins = pocket.purse.coins("food")
    assert pocket.purse.redeem(deposit_quote(pocket, coins), coins) == "PENDING"
    for _ in range(2):
        assert pocket.purse.recover() == 0
        assert (pocket.states(), pocket.journal(), pocket.purse.balance("food")) == ({"busy": AMOUNT}, 1, 0)
        pocket.reopen()
    pocket.mint.settle(paid=True)
    assert pocket.purse.recover() == 1
    assert (pocket.states(), pocket.journal()) == ({}, 0)


@pytest.mark.parametrize(("paid", "left"), [(True, {}), (False, {"ready": AMOUNT})])
def test_a_deposit_of_which_the_mint_only_knows_its_state_is_settled_by_that(
    pocket: Pocket, left: dict[str, int], *, paid: bool
) -> None:
    pocket.mint.slow = True
    pocket.claim(AMOUNT)
    coins = pocket.purse.coins("food")
    pocket.purse.redeem(deposit_quote(pocket, coins), coins)
    pocket.mint.served.clear()
    pocket.mint.settle(paid=paid)
    pocket.mint.intercept("/v1/melt/settle", REFUSED, served=False)
    assert pocket.purse.recover() == 1
    assert (pocket.states(), pocket.journal()) == (left, 0)


# --- restoring -----------------------------------------------------------------------------------------------------------


def lost(pocket: Pocket) -> str:
    """A purse that was claimed into, paid from and lost; its code."""
    pocket.claim(AMOUNT, spread=True)
    pocket.purse.make_exact(700, "food")
    shop = pocket.named("shop")
    paid = pocket.purse.pay(700, "food")
    shop.keep(paid, "food", label="sale")
    shop.redeem(deposit_quote(pocket, paid), paid)
    pocket.purse.forget([coin.secret for coin in paid])
    return pocket.purse.recovery_code()


def finish(pocket: Pocket, code: str, *, keep_code: bool) -> Progress:
    """Restore until it is done."""
    restorer = Restorer(pocket.purse, connect=pocket.connect, manner=Manner(numbers=(20, 40), outputs=40, pause=0))
    restorer.begin(code, keep_code=keep_code, gap=60)
    while not (progress := restorer.step()).done:
        pass
    return progress


@pytest.mark.parametrize("keep_code", [False, True], ids=["new code", "same code"])
def test_a_restoring_that_dies_at_any_step_goes_on_and_finds_everything_once(
    tmp_path: Path, new_pocket: NewPocket, *, keep_code: bool
) -> None:
    deaths, lived = 0, False
    while not lived:
        deaths += 1 + deaths // 3  # every step at first, then wider: the later ones are alike
        old = new_pocket()
        code = lost(old)
        new = Pocket(tmp_path / f"{deaths}.sqlite", beside=old)
        lived = new.attempt(lambda: finish(new, code, keep_code=keep_code), dies_at=deaths)  # noqa: B023 - called at once
        if not lived:
            finish(new, code, keep_code=keep_code)
        assert new.purse.balance("food") == new.mint.outstanding == AMOUNT - 700, f"died at step {deaths}"
        assert (new.states(), new.journal()) == ({"ready": AMOUNT - 700}, 0)
        old.close()
        new.close()
    assert deaths > 60


# --- any order -----------------------------------------------------------------------------------------------------------

Op = tuple[str, int, int | None]
ops = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "exact", "pay", "lock", "back", "deposit", "resplit", "forgets", "slow", "settle", "lost"]
        ),
        st.integers(1, 400),
        st.none() | st.integers(1, 12),
    ),
    min_size=3,
    max_size=12,
)


def do(pocket: Pocket, op: Op) -> None:
    """One operation, perhaps with a death in its middle."""
    name, amount, dies_at = op
    purse, mint = pocket.purse, pocket.mint
    # A claim is followed by exchanges only when its quiet time is over.
    pocket.clock.set(max(pocket.clock.now(), datetime.fromtimestamp(purse.quiet_until(), UTC)))
    enough = purse.balance("food") >= amount
    match name:
        case "claim":
            pocket.attempt(lambda: pocket.claim(amount, spread=amount % 2 == 0), dies_at=dies_at)
        case "exact" if enough:
            pocket.attempt(lambda: pocket.purse.make_exact(amount, "food"), dies_at=dies_at)
        case "pay" if enough:
            purse.make_exact(amount, "food")
            given = [coin.secret for coin in pocket.purse.pay(amount, "food")]
            pocket.attempt(lambda: pocket.purse.take_back_given(given, "food"), dies_at=dies_at)
        case "lock" if enough:
            pocket.attempt(lambda: pocket.purse.lock(amount, "food", lock=LOCK, label=str(amount % 3)), dies_at=dies_at)
        case "back":
            pocket.attempt(
                lambda: pocket.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=NOW), dies_at=dies_at
            )
        case "deposit" if purse.coins("food"):
            coins = purse.coins("food")[:3]
            quote = deposit_quote(pocket, coins)
            pocket.attempt(lambda: pocket.purse.redeem(quote, coins), dies_at=dies_at)
        case "resplit":
            pocket.clock.set(pocket.clock.now() + timedelta(hours=amount))
            pocket.attempt(lambda: upkeep.resplit(pocket.purse, "food"), dies_at=dies_at)
            pocket.clock.set(max(pocket.clock.now(), datetime.fromtimestamp(pocket.purse.quiet_until(), UTC)))
        case "forgets":
            mint.served.clear()
        case "slow":
            mint.slow = amount % 2 == 0
        case "settle":
            mint.settle(paid=amount % 2 == 0)
        case "lost" if enough:
            mint.intercept("/v1/swap", httpx2.Response(502), served=amount % 2 == 0)
            with pytest.raises(RemoteError):
                purse.exchange(purse.coins("food")[:1], [purse.coins("food")[0].amount], "food")
            mint.honest()


@settings(max_examples=40, deadline=None)
@given(ops)
def test_any_order_of_operations_deaths_and_lost_answers_conserves_every_cent(
    new_pocket: NewPocket, taken: list[Op]
) -> None:
    pocket = new_pocket()
    try:
        for op in [("claim", 1_000, None), *taken]:
            do(pocket, op)
            pocket.purse.recover()
            # Coins whose claim died before it was carried out are claimed again by the wallet, not by the purse.
            assert pocket.value() == pocket.mint.outstanding
        pocket.mint.settle(paid=False)
        pocket.mint.slow = False
        pocket.purse.recover()
        pocket.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=NOW)
        assert pocket.journal() == 0
        assert sum(pocket.states().values()) == pocket.value() == pocket.mint.outstanding
    finally:
        pocket.close()
