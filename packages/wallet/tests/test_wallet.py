"""The wallet: it enrols, claims what its receipt says and no other amount, once, and pays by code, with and without a net."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY, Coiner
from packages.wallet.tests.conftest import AMOUNTS, Fragile, PowerCut, Town

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import KeysetNotInLog
from amparo_cashu.nut00_token import read_token
from amparo_cashu.nut10_secret import read_lock
from amparo_cashu.wire import MintQuote
from amparo_common.errors import AmparoError
from amparo_common.signing import SigningKey
from amparo_purse.errors import NotEnough
from amparo_rules.errors import DoesNotFollowRule, NotInBatch, ReceiptSignatureFalse
from amparo_service.errors import RemoteError, Unreachable
from amparo_wallet.errors import AmountDiffers, NothingToClaim
from amparo_wallet.wallet import Paper

SHOP = show_point(generator_times(b"\x02" * 32))
UNTIL = 1_800_000_000


@pytest.fixture(autouse=True)
def _nobody_dies_unasked() -> Iterator[None]:
    Fragile.countdown = None
    yield
    Fragile.countdown = None


def paper(town: Town) -> Paper:
    """The household's newest paper, as the wallet is given it."""
    return town.wallet.papers()[-1]


def balance(town: Town) -> int:
    return town.wallet.purse.balance("usd")


# --- enrolling and papers --------------------------------------------------------------------------------------------------


def test_a_wallet_enrols_with_a_code_and_keeps_its_key(town: Town) -> None:
    with pytest.raises(RemoteError) as refused:
        town.wallet.papers()
    assert refused.value.remote_code == "office.unknown_holder"
    with pytest.raises(RemoteError):
        town.wallet.enrol("another code")
    for _ in range(2):
        town.wallet.enrol(town.office.code)
    assert town.wallet.papers() == []
    town.reopen()
    assert town.wallet.papers() == []


def test_wallets_on_one_phone_have_keys_and_coins_of_their_own(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled))
    other = enrolled.named("theirs")
    with pytest.raises(RemoteError):
        other.papers()
    assert (balance(enrolled), other.purse.balance("usd")) == (AMOUNTS[0], 0)


# --- claiming --------------------------------------------------------------------------------------------------------------


def test_approved_aid_is_claimed_once_however_often_it_is_asked_for(enrolled: Town) -> None:
    assert [enrolled.wallet.claim(paper(enrolled)) for _ in range(3)] == [AMOUNTS[0]] * 3
    assert balance(enrolled) == AMOUNTS[0]
    assert len(enrolled.office.claims) == len(enrolled.mint.quotes) == 1
    enrolled.reopen()
    enrolled.wallet.claim(paper(enrolled))
    assert balance(enrolled) == AMOUNTS[0]


def test_each_claim_has_a_quote_under_a_fresh_key(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled))
    enrolled.hand_out(enrolled.decide(cycle="2026-12")[0], AMOUNTS[0])
    enrolled.wallet.claim(paper(enrolled))
    keys = [quote.pubkey for quote in enrolled.mint.quotes.values()]
    assert len(set(keys)) == 2
    assert balance(enrolled) == 2 * AMOUNTS[0]


def test_a_refused_or_unapproved_decision_has_nothing_to_claim(enrolled: Town) -> None:
    _, refused, third = enrolled.decide(cycle="2026-12")
    for bundle, amount, approved in ((refused, 0, True), (third, AMOUNTS[2], False)):
        with pytest.raises(NothingToClaim):
            enrolled.wallet.claim(enrolled.hand_out(bundle, amount, approved=approved))
    assert (enrolled.mint.quotes, enrolled.office.claims) == ({}, [])


def one_more(_place: int, receipt: dict[str, Any]) -> None:
    receipt["amount"] += 1


@pytest.mark.parametrize(
    ("lie", "amount", "finding"),
    [
        ({"key": SigningKey.generate()}, AMOUNTS[0], ReceiptSignatureFalse),
        ({"change": one_more}, AMOUNTS[0] + 1, DoesNotFollowRule),
        ({"root": "0" * 64}, AMOUNTS[0], NotInBatch),
        ({"publish": False}, AMOUNTS[0], NotInBatch),
    ],
    ids=["signature", "amount", "root", "unpublished"],
)
def test_a_false_receipt_is_found_before_anything_is_asked_of_anybody(
    enrolled: Town, lie: dict[str, Any], amount: int, finding: type[AmparoError]
) -> None:
    false = enrolled.hand_out(enrolled.decide(cycle="2026-12", **lie)[0], amount)
    with pytest.raises(finding):
        enrolled.wallet.claim(false)
    assert (enrolled.mint.asked, enrolled.office.claims) == ([], [])


@pytest.mark.parametrize("change", [{"amount": AMOUNTS[0] - 1}, {"unit": "food"}], ids=str)
def test_an_office_that_names_another_amount_than_the_receipt_is_found(
    enrolled: Town, change: dict[str, object]
) -> None:
    with pytest.raises(AmountDiffers):
        enrolled.wallet.claim(msgspec.structs.replace(paper(enrolled), **change))
    assert (enrolled.mint.quotes, enrolled.office.claims) == ({}, [])


def test_an_office_that_pays_another_amount_than_the_receipt_says_is_found(enrolled: Town) -> None:
    enrolled.office.answer = AMOUNTS[0] - 1
    with pytest.raises(AmountDiffers):
        enrolled.wallet.claim(paper(enrolled))
    assert balance(enrolled) == 0
    enrolled.office.answer = None
    enrolled.wallet.claim(paper(enrolled))
    assert balance(enrolled) == AMOUNTS[0]


@pytest.mark.parametrize("change", [{"amount": AMOUNTS[0] - 1}, {"unit": "food"}], ids=str)
def test_a_mint_whose_quote_is_for_another_amount_is_found_before_the_office_hears_of_it(
    enrolled: Town, change: dict[str, object]
) -> None:
    def lie(_path: str, honest: object) -> object:
        return msgspec.structs.replace(honest, **change) if isinstance(honest, MintQuote) else honest

    enrolled.mint.lie = lie
    with pytest.raises(AmountDiffers):
        enrolled.wallet.claim(paper(enrolled))
    assert enrolled.office.claims == []
    enrolled.mint.honest()
    assert enrolled.wallet.claim(paper(enrolled)) == AMOUNTS[0]


def test_a_mint_with_a_keyset_outside_the_log_gives_no_coins_and_the_aid_stays_claimable(enrolled: Town) -> None:
    hidden, honest = Coiner("usd"), dict(enrolled.mint.active)
    enrolled.mint.coiners[hidden.id] = hidden
    enrolled.mint.active[hidden.unit] = hidden.id
    with pytest.raises(KeysetNotInLog):
        enrolled.wallet.claim(paper(enrolled))
    enrolled.mint.active = honest
    assert enrolled.wallet.claim(paper(enrolled)) == AMOUNTS[0]
    assert balance(enrolled) == AMOUNTS[0]


def test_a_claim_before_the_mint_hears_of_the_payment_is_repeated_later(enrolled: Town) -> None:
    told: list[str] = []
    enrolled.office._pays = told.append
    with pytest.raises(RemoteError) as refused:
        enrolled.wallet.claim(paper(enrolled))
    assert refused.value.remote_code == "20001"
    assert balance(enrolled) == 0
    (quote,) = told
    enrolled.mint.pay(quote)
    assert enrolled.wallet.claim(paper(enrolled)) == AMOUNTS[0]
    assert balance(enrolled) == AMOUNTS[0]


def test_a_phone_that_dies_at_any_step_of_a_claim_gets_the_aid_once(enrolled: Town) -> None:
    steps = 0
    for step in range(1, 100):
        month = f"20{step:02d}-01"
        bundle = enrolled.decide(cycle=month)[0]
        due = enrolled.hand_out(bundle, AMOUNTS[0])
        before, quotes = balance(enrolled), len(enrolled.mint.quotes)
        Fragile.countdown = step
        try:
            enrolled.wallet.claim(due)
        except PowerCut:
            steps += 1
            enrolled.reopen()
            enrolled.wallet.claim(due)
        finished = Fragile.countdown is not None
        Fragile.countdown = None
        assert balance(enrolled) == before + AMOUNTS[0], f"died at step {step}"
        assert len([claim for claim in enrolled.office.claims if claim.cycle == month]) == 1
        assert len(enrolled.mint.quotes) - quotes <= 2
        if finished:
            break
    assert steps >= 8  # quote, claim, is it issued, keysets, the coins: before and after each
    assert balance(enrolled) == (steps + 1) * AMOUNTS[0]


# --- paying ----------------------------------------------------------------------------------------------------------------


def test_a_code_pays_exactly_its_amount_and_carries_no_blinding_factor(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled))
    enrolled.rest()
    enrolled.wallet.purse.make_exact(1_234, "usd")
    enrolled.mint.away = True
    token = read_token(enrolled.wallet.pay_code(1_234, "usd"), keysets=[enrolled.coiner.id])
    assert (token.unit, token.mint, sum(proof.amount for proof in token.proofs)) == ("usd", "http://mint", 1_234)
    for proof in token.proofs:
        enrolled.wallet.purse.keys.check_known(proof, "usd")
        assert proof.dleq is None
    assert balance(enrolled) == AMOUNTS[0] - 1_234
    with pytest.raises(NotEnough):
        enrolled.wallet.pay_code(AMOUNTS[0], "usd")


def test_what_is_set_aside_is_locked_to_the_shop_and_comes_back_to_this_wallet_after_its_time(enrolled: Town) -> None:
    enrolled.wallet.claim(paper(enrolled))
    enrolled.rest()
    for label in ("baker", "butcher"):
        enrolled.wallet.set_aside(1_000, "usd", shop_key=SHOP, until=UNTIL, label=label)
    enrolled.mint.away = True
    token = read_token(enrolled.wallet.pay_held_code("usd", label="baker"), keysets=[enrolled.coiner.id])
    locks = [read_lock(proof.secret) for proof in token.proofs]
    assert sum(proof.amount for proof in token.proofs) == 1_000
    assert {(tuple(lock.keys), lock.locktime) for lock in locks if lock is not None} == {((SHOP,), UNTIL)}
    (refund,) = {tuple(lock.refund) for lock in locks if lock is not None}
    assert len(refund) == 1
    assert refund != (SHOP,)
    enrolled.mint.away = False
    enrolled.reopen()
    assert sum(coin.amount for coin in enrolled.wallet.purse.coins("usd", state="held", label="butcher")) == 1_000
    enrolled.wallet.set_aside(8, "usd", shop_key=SHOP, until=UNTIL, label="again")
    (again,) = enrolled.wallet.purse.coins("usd", state="held", label="again")
    lock = read_lock(again.secret)
    assert lock is not None
    assert tuple(lock.refund) != refund  # another key for every lock: nothing joins two payments of one wallet


def test_without_a_connection_to_the_mint_a_claim_waits(enrolled: Town) -> None:
    due = paper(enrolled)
    enrolled.mint.away = True
    with pytest.raises(Unreachable):
        enrolled.wallet.claim(due)
    assert enrolled.office.claims == []
    enrolled.mint.away = False
    assert enrolled.wallet.claim(due) == AMOUNTS[0]


def test_coins_are_taken_from_the_keyset_of_the_day(enrolled: Town) -> None:
    today = Coiner("usd")
    enrolled.mint.coiners[today.id] = today
    enrolled.mint.active[today.unit] = today.id
    enrolled.say(today.announcement(), MINT_KEY)
    enrolled.wallet.claim(paper(enrolled))
    assert {coin.id for coin in enrolled.wallet.purse.coins("usd")} == {today.id}
