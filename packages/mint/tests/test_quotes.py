"""Quotes for aid and the office's payments: who claims what, once, and never more than was approved."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import MINT_KEY, RENT, SHOP, Town, Wallet, refused

from amparo_cashu.wire import BlindedMessage, Proof
from amparo_common.money import MOST_MINOR_UNITS
from amparo_common.signing import SigningKey
from amparo_mint.signing import Signed, SigningDesk

# --- quotes and claims ----------------------------------------------------------------------------


def test_aid_is_claimed_with_the_quotes_key_and_every_signature_is_proved(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    proofs = wallet.receive(keyset, 1337)
    assert [proof.amount for proof in proofs] == [1, 8, 16, 32, 256, 1024]
    assert town.figures() == {keyset: (1337, 0, 0, 1337)}
    assert wallet.state(proofs) == ["UNSPENT"] * 6


def test_a_quote_shows_what_was_paid_and_issued_and_tells_no_time(town: Town, wallet: Wallet, keyset: str) -> None:
    quote = wallet.quote(64)
    shown = {"quote": quote, "request": quote, "unit": "food", "method": "benefit", "amount": 64, "expiry": None}
    shown |= {"pubkey": wallet.pubkey}
    for paid, issued in ((0, 0), (64, 0), (64, 64)):
        if issued:
            blanks = wallet.split(keyset, 64)
            assert town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, blanks)).status_code == 200
        elif paid:
            town.pay(quote, 64)
        changes = {"amount_paid": paid, "amount_issued": issued, "updated_at": (paid > 0) + (issued > 0)}
        changes |= {"crowd": int(paid > 0), "crowd_needed": 0, "window_ends": 0}
        assert town.http.get(f"/v1/mint/quote/benefit/{quote}").json() == shown | changes


def test_an_unpaid_quote_gives_nothing(town: Town, wallet: Wallet, keyset: str) -> None:
    quote = wallet.quote(64)
    body = wallet.claim_body(quote, wallet.split(keyset, 64))
    refused(town.http.post("/v1/mint/benefit", content=body), 20001, "token.quote_not_paid")
    assert town.figures() == {keyset: (0, 0, 0, 0)}
    town.pay(quote, 64)
    assert town.http.post("/v1/mint/benefit", content=body).status_code == 200


class NoSigner(SigningDesk):
    """Nobody signs here."""

    async def run(self, inputs: Sequence[Proof], outputs: Sequence[BlindedMessage]) -> Signed:
        """Never asked."""
        pytest.fail(f"The signer was asked for {len(inputs)} inputs and {len(outputs)} outputs.")


def test_nothing_is_signed_for_a_quote_that_nobody_has_paid(town: Town, wallet: Wallet, keyset: str) -> None:
    """Anybody makes such quotes: a hundred signatures for each would keep the signer busy."""
    quote = wallet.quote(8)
    town.mint._desk = NoSigner(town.signer)
    body = wallet.claim_body(quote, wallet.split(keyset, 8))
    refused(town.http.post("/v1/mint/benefit", content=body), 20001, "token.quote_not_paid")


def test_an_unknown_quote_is_refused_everywhere(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 8)
    answers = [
        town.http.post("/v1/mint/benefit", content=wallet.claim_body("0" * 32, wallet.split(keyset, 64))),
        town.http.get("/v1/mint/quote/benefit/" + "0" * 32),
        town.http.post("/bridge/quote-paid", content=town.payment("0" * 32, 8)),
        town.http.get("/v1/melt/quote/settle/" + "0" * 32),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body("0" * 32, proofs)),
    ]
    for answer in answers:
        refused(answer, 10000, "token.quote_unknown")
    assert wallet.state(proofs) == ["UNSPENT"]


def test_only_the_key_that_made_a_quote_claims_it(town: Town, wallet: Wallet, keyset: str) -> None:
    quote = wallet.quote(64)
    town.pay(quote, 64)
    thief = Wallet(town)
    answer = town.http.post("/v1/mint/benefit", content=thief.claim_body(quote, thief.split(keyset, 64)))
    refused(answer, 20008, "token.quote_signature_false")
    # The right signature over other outputs is a false signature too.
    body = msgspec.json.decode(wallet.claim_body(quote, wallet.split(keyset, 64)))
    body["outputs"] = msgspec.json.decode(thief.claim_body(quote, thief.split(keyset, 64)))["outputs"]
    refused(town.http.post("/v1/mint/benefit", json=body), 20008, "token.quote_signature_false")
    for signature in (None, "", "zz", "00" * 64):
        answer = town.http.post("/v1/mint/benefit", json=body | {"signature": signature})
        refused(answer, 20008, "token.quote_signature_false")
    assert town.figures() == {keyset: (0, 0, 0, 0)}


def test_a_quote_is_issued_once_and_for_its_whole_amount(town: Town, wallet: Wallet, keyset: str) -> None:
    quote = wallet.quote(64)
    town.pay(quote, 64)
    for amount in (32, 63, 65, 128):
        answer = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(keyset, amount)))
        refused(answer, 11005, "token.not_balanced")
    first = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(keyset, 64)))
    assert first.status_code == 200
    again = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(keyset, 64)))
    refused(again, 20002, "token.quote_already_issued")
    assert town.figures() == {keyset: (64, 0, 0, 64)}


def test_a_quote_is_claimed_in_its_own_unit_only(town: Town, wallet: Wallet) -> None:
    rent = town.new_keyset("2026-11", unit=RENT)
    quote = wallet.quote(64)
    town.pay(quote, 64)
    answer = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(rent, 64)))
    refused(answer, 11010, "token.units_differ")


@pytest.mark.parametrize(
    ("change", "number", "code"),
    [
        ({"pubkey": None}, 20009, "token.quote_key_missing"),
        ({"pubkey": "02" + "00" * 32}, 20009, "token.quote_key_missing"),
        ({"pubkey": "zz"}, 20009, "token.quote_key_missing"),
        ({"unit": "gold"}, 11013, "token.unit_unknown"),
        ({"amount": None}, 11006, "token.amount_refused"),
        ({"amount": 0}, 11006, "token.amount_refused"),
        ({"amount": -8}, 11006, "token.amount_refused"),
        ({"amount": MOST_MINOR_UNITS + 1}, 11006, "token.amount_refused"),
        # 88 of the largest coin and one of each other: the first amount that no request could claim.
        ({"amount": 729_087}, 11006, "token.amount_refused"),
        ({"amount": 2**70}, 11006, "token.amount_refused"),
        ({"amount": 1.5}, 10000, "service.bad_request"),
        ({"amount": "8"}, 10000, "service.bad_request"),
    ],
)
def test_a_quote_needs_a_key_a_known_unit_and_a_sound_amount(
    town: Town, wallet: Wallet, change: dict[str, Any], number: int, code: str
) -> None:
    asked = {"unit": "food", "amount": 8, "pubkey": wallet.pubkey}
    assert town.http.post("/v1/mint/quote/benefit", json=asked).status_code == 200
    refused(town.http.post("/v1/mint/quote/benefit", json=asked | change), number, code)
    assert len(town.rows("SELECT id FROM mint_quote")) == 1


# --- the office's payments ------------------------------------------------------------------------


def test_no_more_is_paid_than_was_approved_in_the_log(town: Town, wallet: Wallet, keyset: str) -> None:
    town.approve(100)
    one, two, three = wallet.quote(60), wallet.quote(41), wallet.quote(40)
    say = "/bridge/quote-paid"
    assert town.http.post(say, content=town.payment(one, 60)).json() == {"paid": True}
    refused(town.http.post(say, content=town.payment(two, 41)), 10000, "mint.over_approved_total", status=409)
    assert town.http.get(f"/v1/mint/quote/benefit/{two}").json()["amount_paid"] == 0
    assert town.http.post(say, content=town.payment(three, 40)).json() == {"paid": True}
    town.approve(40)
    refused(town.http.post(say, content=town.payment(two, 41)), 10000, "mint.over_approved_total", status=409)
    town.approve(1)
    assert town.http.post(say, content=town.payment(two, 41)).json() == {"paid": True}


def test_an_approval_in_one_unit_pays_nothing_in_another(town: Town, wallet: Wallet) -> None:
    town.new_keyset("2026-11", unit=RENT)
    town.approve(1_000, unit=RENT)
    answer = town.http.post("/bridge/quote-paid", content=town.payment(wallet.quote(8), 8))
    refused(answer, 10000, "mint.over_approved_total", status=409)


def test_a_payment_said_twice_counts_once(town: Town, wallet: Wallet) -> None:
    town.approve(100)
    one, two = wallet.quote(50), wallet.quote(50)
    for _ in range(2):
        assert town.http.post("/bridge/quote-paid", content=town.payment(one, 50)).json() == {"paid": True}
    assert town.http.post("/bridge/quote-paid", content=town.payment(two, 50)).json() == {"paid": True}


def test_a_payment_for_another_amount_or_unit_than_the_quotes_is_refused(town: Town, wallet: Wallet) -> None:
    town.approve(1_000)
    town.approve(1_000, unit=RENT)
    quote = wallet.quote(50)
    for message in (town.payment(quote, 49), town.payment(quote, 51), town.payment(quote, 50, unit=RENT)):
        refused(town.http.post("/bridge/quote-paid", content=message), 11005, "token.not_balanced")
    assert town.http.get(f"/v1/mint/quote/benefit/{quote}").json()["amount_paid"] == 0


def test_only_the_office_says_what_is_paid(town: Town, wallet: Wallet) -> None:
    town.approve(1_000)
    quote = wallet.quote(50)
    honest = town.payment(quote, 50)
    stranger = town.payment(quote, 50, key=SigningKey.generate())
    for message in (stranger, town.payment(quote, 50, key=MINT_KEY), honest[:-8], honest + "A", "", "\xff.\xff.\xff"):
        refused(town.http.post("/bridge/quote-paid", content=message), 10000, "common.bad_signature", status=403)
    assert town.http.get(f"/v1/mint/quote/benefit/{quote}").json()["amount_paid"] == 0


def test_the_mint_says_up_to_which_amounts_every_quote_is_taken(town: Town, wallet: Wallet, keyset: str) -> None:
    nuts = town.http.get("/v1/info").json()["nuts"]
    (claims,), (deposits,) = nuts["4"]["methods"], nuts["5"]["methods"]
    assert (claims["min_amount"], claims["max_amount"]) == (1, 729_086)
    assert (deposits["min_amount"], deposits["max_amount"]) == (1, 819_200)
    # The last one is claimed by as many coins as a request takes.
    assert len(wallet.split(keyset, 729_086)) == 100
    assert len(wallet.receive(keyset, 729_086)) == 100
    asked = {"unit": "food", "request": SHOP, "amount": 819_201}
    refused(town.http.post("/v1/melt/quote/settle", json=asked), 11006, "token.amount_refused")
