"""The mint through its public interface: what it signs, refuses and counts, and what happens when it is asked again."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, MINT_KEY, NOON, RENT, Town, Wallet, refused, strip

from amparo_cashu.curve import generator_times, hash_to_curve, negate, read_point, show_point
from amparo_cashu.errors import AlreadySpent
from amparo_cashu.nut00_blind import unblind
from amparo_cashu.nut10_secret import sign_lock, write_lock
from amparo_cashu.wire import Dleq, Proof, Signatures, SwapRequest
from amparo_common.money import MOST_MINOR_UNITS
from amparo_common.signing import SigningKey
from amparo_mint.catalogue import MOST_INPUTS
from amparo_mint.errors import FiguresDisagree, OverIssued
from amparo_mint.service import MOST_LOOKED_UP, MOST_RESTORED
from amparo_signer.protocol import ExchangeJob, ToSign

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
        changes |= {"crowd": int(paid > 0), "crowd_needed": 0}
        assert town.http.get(f"/v1/mint/quote/benefit/{quote}").json() == shown | changes


def test_an_unpaid_quote_gives_nothing(town: Town, wallet: Wallet, keyset: str) -> None:
    quote = wallet.quote(64)
    body = wallet.claim_body(quote, wallet.split(keyset, 64))
    refused(town.http.post("/v1/mint/benefit", content=body), 20001, "token.quote_not_paid")
    assert town.figures() == {keyset: (0, 0, 0, 0)}
    town.pay(quote, 64)
    assert town.http.post("/v1/mint/benefit", content=body).status_code == 200


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
        ({"pubkey": "02" + "00" * 32}, 10001, "token.bad_point"),
        ({"pubkey": "zz"}, 10001, "token.bad_point"),
        ({"unit": "gold"}, 11013, "token.unit_unknown"),
        ({"amount": None}, 11006, "token.amount_refused"),
        ({"amount": 0}, 11006, "token.amount_refused"),
        ({"amount": -8}, 11006, "token.amount_refused"),
        ({"amount": MOST_MINOR_UNITS + 1}, 11006, "token.amount_refused"),
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


# --- asking again ---------------------------------------------------------------------------------


def test_the_identical_claim_swap_and_deposit_get_the_identical_answer_also_after_a_restart(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    quote = wallet.quote(96)
    town.pay(quote, 96)
    claimed = wallet.split(keyset, 96)
    requests = [("/v1/mint/benefit", wallet.claim_body(quote, claimed))]
    first = [_send(town, requests[0])]
    proofs = wallet.finish(first[0].content, claimed)
    swapped = wallet.blanks(keyset, [32, 64])
    requests.append(("/v1/swap", wallet.swap_body(proofs, swapped)))
    first.append(_send(town, requests[1]))
    deposit = wallet.deposit_quote(96)
    fresh = wallet.finish(first[1].content, swapped)
    requests.append(("/v1/melt/settle", wallet.deposit_body(deposit, fresh)))
    first.append(_send(town, requests[2]))
    assert [answer.status_code for answer in first] == [200, 200, 200]
    assert first[2].json()["state"] == "PAID"
    before = (town.figures(), town.hashes("spent"), town.hashes("issued"))
    for _ in range(2):
        again = [_send(town, request) for request in requests]
        assert [answer.content for answer in again] == [answer.content for answer in first]
        assert (town.figures(), town.hashes("spent"), town.hashes("issued")) == before
        town.reopen()
    town.run(town.server.deliver)
    assert len(town.shops.deposits) == 1


def _send(town: Town, request: tuple[str, bytes]) -> Any:
    return town.http.post(request[0], content=request[1])


def test_a_swap_whose_answer_was_lost_is_repeated_after_the_keyset_was_rotated(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    blanks = wallet.split(keyset, 64)
    body = wallet.swap_body(wallet.receive(keyset, 64), blanks)
    first = town.http.post("/v1/swap", content=body)
    town.new_keyset("2026-12")
    again = town.http.post("/v1/swap", content=body)
    assert again.content == first.content


def test_a_deposit_whose_answer_was_lost_is_repeated_after_the_keyset_expired(town: Town, wallet: Wallet) -> None:
    keyset = town.new_keyset("short", final_expiry=int(NOON.timestamp()) + 60)
    proofs = wallet.receive(keyset, 64)
    body = wallet.deposit_body(wallet.deposit_quote(64), proofs)
    first = town.http.post("/v1/melt/settle", content=body)
    town.clock.set(NOON + timedelta(days=1))
    again = town.http.post("/v1/melt/settle", content=body)
    assert again.content == first.content


def test_a_claim_whose_answer_was_lost_is_repeated_after_the_keyset_was_rotated_and_expired(
    town: Town, wallet: Wallet
) -> None:
    keyset = town.new_keyset("short", final_expiry=int(NOON.timestamp()) + 60)
    quote = wallet.quote(64)
    town.pay(quote, 64)
    body = wallet.claim_body(quote, wallet.split(keyset, 64))
    first = town.http.post("/v1/mint/benefit", content=body)
    assert first.status_code == 200
    town.new_keyset("2026-12")
    town.clock.set(NOON + timedelta(days=1))
    assert town.http.post("/v1/mint/benefit", content=body).content == first.content
    # Only the very same request is answered: a new one for the closed keyset is refused.
    other = wallet.claim_body(quote, wallet.split(keyset, 64))
    refused(town.http.post("/v1/mint/benefit", content=other), 12002, "token.keyset_inactive")


def test_a_repetition_is_known_from_what_it_did_however_it_is_written(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs, blanks = wallet.receive(keyset, 96), wallet.blanks(keyset, [32, 64])
    first = town.http.post("/v1/swap", content=wallet.swap_body(proofs, blanks))
    assert first.status_code == 200
    turned = town.http.post("/v1/swap", content=wallet.swap_body(proofs[::-1], blanks[::-1]) + b" ")
    assert turned.json()["signatures"] == first.json()["signatures"][::-1]
    assert town.figures() == {keyset: (96, 0, 0, 96)}


def test_the_same_tokens_for_other_outputs_are_no_repetition(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs, blanks = wallet.receive(keyset, 96), wallet.blanks(keyset, [32, 64])
    wallet.swap(proofs, blanks)
    for others in (wallet.blanks(keyset, [32, 64]), [blanks[0], *wallet.blanks(keyset, [64])]):
        answer = town.http.post("/v1/swap", content=wallet.swap_body(proofs, others))
        refused(answer, 11001, "token.already_spent")


def test_a_repetition_for_other_amounts_gets_no_signature(town: Town, wallet: Wallet, keyset: str) -> None:
    """An output of 1 that was signed as such would be worth 64 after a "repetition" that calls it so."""
    quote = wallet.quote(64)
    town.pay(quote, 64)
    ones, more = wallet.blanks(keyset, [1] * 64), wallet.blanks(keyset, [1] * 64)
    claimed = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, ones))
    proofs = wallet.finish(claimed.content, ones)
    wallet.swap(proofs, more)
    for blank, path in ((ones[0], "/v1/mint/benefit"), (more[0], "/v1/swap")):
        dear = [msgspec.structs.replace(blank, output=msgspec.structs.replace(blank.output, amount=64))]
        body = wallet.claim_body(quote, dear) if "mint" in path else wallet.swap_body(proofs, dear)
        answer = town.http.post(path, content=body)
        assert answer.json()["error"] in {"token.outputs_already_signed", "token.already_spent"}
        assert "signatures" not in answer.json()


def test_a_body_that_fits_two_addresses_is_no_repetition_at_the_other_one(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    proofs, blanks = wallet.receive(keyset, 64), wallet.split(keyset, 64)
    quote = wallet.deposit_quote(64)
    both = msgspec.json.decode(wallet.swap_body(proofs, blanks)) | {"quote": quote}
    assert town.http.post("/v1/swap", json=both).status_code == 200
    refused(town.http.post("/v1/melt/settle", json=both), 11001, "token.already_spent")
    assert town.http.get(f"/v1/melt/quote/settle/{quote}").json()["state"] == "UNPAID"


# --- spending twice -------------------------------------------------------------------------------


def test_a_token_cannot_be_spent_twice(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    wallet.swap(proofs, wallet.split(keyset, 64))
    assert wallet.state(proofs) == ["SPENT"]
    other = Wallet(town)
    answers = [
        town.http.post("/v1/swap", content=wallet.swap_body(proofs, other.split(keyset, 64))),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(64), proofs)),
    ]
    for answer in answers:
        refused(answer, 11001, "token.already_spent")
    assert town.figures() == {keyset: (64, 0, 0, 64)}


def test_one_spent_token_among_fresh_ones_leaves_the_fresh_ones_unspent(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    old, fresh = wallet.receive(keyset, 64), wallet.receive(keyset, 7)
    wallet.swap(old, wallet.split(keyset, 64))
    issued = town.hashes("issued")
    answer = town.http.post("/v1/swap", content=wallet.swap_body([*fresh, *old], wallet.split(keyset, 71)))
    refused(answer, 11001, "token.already_spent")
    assert wallet.state(fresh) == ["UNSPENT"] * 3
    assert town.hashes("issued") == issued


def test_of_twenty_swaps_of_one_token_at_once_exactly_one_wins(town: Town, wallet: Wallet, keyset: str) -> None:
    proof, bystander = wallet.receive(keyset, 64), wallet.receive(keyset, 32)
    blanks = [wallet.blanks(keyset, [32, 32]) for _ in range(20)]
    bodies = [wallet.swap_body(proof, each) for each in blanks]
    honest = wallet.swap_body(bystander, wallet.split(keyset, 32))

    async def all_at_once() -> list[Signatures | BaseException]:
        bodies.insert(10, honest)
        requests = [msgspec.json.decode(body, type=SwapRequest) for body in bodies]
        return await asyncio.gather(*(town.mint.swap(each) for each in requests), return_exceptions=True)

    results = town.run(all_at_once)
    assert isinstance(results.pop(10), Signatures)
    won = [number for number, result in enumerate(results) if isinstance(result, Signatures)]
    assert len(won) == 1
    assert all(isinstance(result, AlreadySpent) for result in results if not isinstance(result, Signatures))
    assert (len(town.hashes("spent")), len(town.hashes("issued"))) == (2, 2 + 2 + 1)
    assert town.figures() == {keyset: (96, 0, 0, 96)}
    asked = {"outputs": msgspec.to_builtins([blank.output for each in blanks for blank in each])}
    restored = town.http.post("/v1/restore", json=asked).json()["outputs"]
    assert [each["B_"] for each in restored] == [blank.output.B_ for blank in blanks[won[0]]]


def test_an_output_is_signed_once(town: Town, wallet: Wallet, keyset: str) -> None:
    one, two = wallet.receive(keyset, 64), wallet.receive(keyset, 64)
    blanks = wallet.split(keyset, 64)
    wallet.swap(one, blanks)
    answer = town.http.post("/v1/swap", content=wallet.swap_body(two, blanks))
    refused(answer, 11003, "token.outputs_already_signed")
    assert wallet.state(two) == ["UNSPENT"]
    quote = wallet.quote(64)
    town.pay(quote, 64)
    answer = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, blanks))
    refused(answer, 11003, "token.outputs_already_signed")
    assert town.http.get(f"/v1/mint/quote/benefit/{quote}").json()["amount_issued"] == 0


# --- tokens that are refused ----------------------------------------------------------------------


def test_a_forged_token_is_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    (proof,) = wallet.receive(keyset, 64)
    forged = [
        msgspec.structs.replace(proof, secret="0" * 64),
        msgspec.structs.replace(proof, C=show_point(generator_times(b"\x07" * 32))),
        msgspec.structs.replace(proof, C=show_point(negate(hash_to_curve(proof.secret.encode())))),
        msgspec.structs.replace(proof, amount=128),
        msgspec.structs.replace(proof, amount=32),
    ]
    for each in forged:
        answer = town.http.post("/v1/swap", content=wallet.swap_body([each], wallet.split(keyset, each.amount)))
        refused(answer, 10001, "token.proof_false")
        quote = wallet.deposit_quote(each.amount)
        answer = town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, [each]))
        refused(answer, 10001, "token.proof_false")
    assert town.hashes("spent") == []


NO_POINTS = ["", "zz" * 33, "04" + "11" * 32, "02" * 34, "02 " * 22]
OFF_THE_CURVE = "02" + "00" * 32


@pytest.mark.parametrize("point", [*NO_POINTS, OFF_THE_CURVE])
def test_what_is_no_point_of_the_curve_is_refused(town: Town, wallet: Wallet, keyset: str, point: str) -> None:
    (proof,) = wallet.receive(keyset, 64)
    bad = msgspec.structs.replace(proof, C=point)
    answer = town.http.post("/v1/swap", content=wallet.swap_body([bad], wallet.split(keyset, 64)))
    refused(answer, 10001, "token.proof_false")
    (blank,) = wallet.split(keyset, 64)
    output = msgspec.to_builtins(blank.output) | {"B_": point}
    answer = town.http.post("/v1/swap", json={"inputs": msgspec.to_builtins(strip([proof])), "outputs": [output]})
    refused(answer, 10001, "token.bad_point")
    assert wallet.state([proof]) == ["UNSPENT"]


@pytest.mark.parametrize("point", NO_POINTS)
def test_nobody_looks_up_what_is_not_written_like_a_point(town: Town, keyset: str, point: str) -> None:
    output = {"amount": 1, "id": keyset, "B_": point}
    for path, body in (("/v1/checkstate", {"Ys": [point]}), ("/v1/restore", {"outputs": [output]})):
        refused(town.http.post(path, json=body), 10001, "token.bad_point")


def test_what_only_looks_like_a_point_was_never_spent_or_signed(town: Town, keyset: str) -> None:
    answer = town.http.post("/v1/checkstate", json={"Ys": [OFF_THE_CURVE]})
    assert answer.json()["states"] == [{"Y": OFF_THE_CURVE, "state": "UNSPENT", "witness": None}]
    body = {"outputs": [{"amount": 1, "id": keyset, "B_": OFF_THE_CURVE}]}
    assert town.http.post("/v1/restore", json=body).json() == {"outputs": [], "signatures": []}


def test_tokens_and_outputs_of_an_unknown_keyset_are_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    stranger = "01" + "ab" * 32
    inputs = [msgspec.structs.replace(proof, id=stranger) for proof in proofs]
    outputs = [
        msgspec.structs.replace(blank, output=msgspec.structs.replace(blank.output, id=stranger))
        for blank in wallet.split(keyset, 64)
    ]
    answers = [
        town.http.post("/v1/swap", content=wallet.swap_body(inputs, wallet.split(keyset, 64))),
        town.http.post("/v1/swap", content=wallet.swap_body(proofs, outputs)),
        town.http.get(f"/v1/keys/{stranger}"),
    ]
    for answer in answers:
        refused(answer, 12001, "token.keyset_unknown")


def test_an_inactive_keyset_signs_nothing_and_its_tokens_stay_good(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    newer = town.new_keyset("2026-12")
    assert {each["id"]: each["active"] for each in town.http.get("/v1/keysets").json()["keysets"]} == {
        keyset: False,
        newer: True,
    }
    assert [each["id"] for each in town.http.get("/v1/keys").json()["keysets"]] == [newer]
    answer = town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(keyset, 64)))
    refused(answer, 12002, "token.keyset_inactive")
    quote = wallet.quote(64)
    town.pay(quote, 64)
    answer = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(keyset, 64)))
    refused(answer, 12002, "token.keyset_inactive")
    wallet.swap(proofs, wallet.split(newer, 64))


def test_an_expired_keyset_signs_nothing_because_nobody_could_spend_it(town: Town, wallet: Wallet) -> None:
    keyset = town.new_keyset("short", final_expiry=int(NOON.timestamp()) + 60)
    quote = wallet.quote(64)
    town.pay(quote, 64)
    town.clock.set(NOON + timedelta(days=1))
    answer = town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(keyset, 64)))
    refused(answer, 12003, "token.keyset_expired")
    assert town.hashes("issued") == []


def test_good_tokens_are_not_swapped_for_outputs_of_an_expired_keyset(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    short = town.new_keyset("short", final_expiry=int(NOON.timestamp()) + 60)
    town.clock.set(NOON + timedelta(days=1))
    answer = town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(short, 64)))
    refused(answer, 12003, "token.keyset_expired")
    assert wallet.state(proofs) == ["UNSPENT"]


def test_the_same_token_or_output_twice_in_a_request_is_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    (proof,) = wallet.receive(keyset, 64)
    (blank,) = wallet.split(keyset, 64)
    answers = [
        town.http.post("/v1/swap", content=wallet.swap_body([proof, proof], wallet.split(keyset, 128))),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(128), [proof, proof])),
    ]
    for answer in answers:
        refused(answer, 11007, "token.duplicate_inputs")
    shouted = msgspec.structs.replace(blank.output, B_=blank.output.B_.upper())
    pairs = [(blank.output, blank.output), (blank.output, shouted)]
    for pair in pairs:
        body = {"inputs": msgspec.to_builtins(strip(wallet.receive(keyset, 128))), "outputs": msgspec.to_builtins(pair)}
        refused(town.http.post("/v1/swap", json=body), 11008, "token.duplicate_outputs")


@pytest.mark.parametrize("difference", [-1, 1, 63])
def test_what_goes_in_must_come_out(town: Town, wallet: Wallet, keyset: str, difference: int) -> None:
    proofs = wallet.receive(keyset, 64)
    answer = town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(keyset, 64 + difference)))
    refused(answer, 11005, "token.not_balanced")
    quote = wallet.deposit_quote(64 + difference)
    answer = town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, proofs))
    refused(answer, 11005, "token.not_balanced")
    assert wallet.state(proofs) == ["UNSPENT"]


def test_an_amount_that_the_keyset_does_not_have_is_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    (proof,) = wallet.receive(keyset, 64)
    for amount in (0, -64, 3, 2**14, 2**64):
        bad = msgspec.structs.replace(proof, amount=amount)
        answer = town.http.post("/v1/swap", content=wallet.swap_body([bad], wallet.split(keyset, 64)))
        refused(answer, 11006, "token.amount_refused")
        (blank,) = wallet.blanks(keyset, [amount])
        answer = town.http.post("/v1/swap", content=wallet.swap_body([proof], [blank]))
        refused(answer, 11006, "token.amount_refused")


def test_a_request_about_two_units_is_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    rent = town.new_keyset("2026-11", unit=RENT)
    food, other = wallet.receive(keyset, 64), wallet.receive(rent, 64, unit=RENT)
    mixed = [
        town.http.post("/v1/swap", content=wallet.swap_body([*food, *other], wallet.split(rent, 128))),
        town.http.post(
            "/v1/swap", content=wallet.swap_body(food, [*wallet.split(keyset, 32), *wallet.split(rent, 32)])
        ),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(128), [*food, *other])),
    ]
    for answer in mixed:
        refused(answer, 11009, "token.units_mixed")
    answer = town.http.post("/v1/swap", content=wallet.swap_body(food, wallet.split(rent, 64)))
    refused(answer, 11010, "token.units_differ")
    answer = town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(64), other))
    refused(answer, 11005, "token.not_balanced")
    assert wallet.state([*food, *other]) == ["UNSPENT", "UNSPENT"]


def test_a_request_with_too_many_parts_or_none_is_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    assert (MOST_INPUTS, MOST_LOOKED_UP) == (100, 500)
    (proof,) = wallet.receive(keyset, 64)
    many = [msgspec.structs.replace(proof, secret=f"{number:064d}") for number in range(101)]
    few, blanks = wallet.split(keyset, 64), wallet.blanks(keyset, [1] * 101)
    outputs = msgspec.to_builtins([blank.output for blank in blanks])
    point = show_point(hash_to_curve(b"x"))
    of_inputs = [
        town.http.post("/v1/swap", content=wallet.swap_body(many, few)),
        town.http.post("/v1/swap", content=wallet.swap_body([], few)),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body("x", many)),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body("x", [])),
        town.http.post("/v1/restore", json={"outputs": outputs[:1] * (MOST_RESTORED + 1)}),
        town.http.post("/v1/checkstate", json={"Ys": [point] * 501}),
    ]
    for answer in of_inputs:
        refused(answer, 11014, "token.too_many")
    of_outputs = [
        town.http.post("/v1/swap", content=wallet.swap_body([proof], blanks)),
        town.http.post("/v1/swap", content=wallet.swap_body([proof], [])),
        town.http.post("/v1/mint/benefit", content=wallet.claim_body("x", blanks)),
        town.http.post("/v1/mint/benefit/batch", json={"quotes": ["x"], "outputs": outputs}),
    ]
    for answer in of_outputs:
        refused(answer, 11015, "token.too_many_outputs")
    assert town.http.post("/v1/restore", json={"outputs": outputs[:1] * MOST_RESTORED}).status_code == 200
    assert len(town.http.post("/v1/checkstate", json={"Ys": [point] * 500}).json()["states"]) == 500


def test_a_hundred_tokens_for_a_hundred_others_are_one_swap(town: Town, wallet: Wallet, keyset: str) -> None:
    hundred = wallet.swap(wallet.receive(keyset, 100), wallet.blanks(keyset, [1] * 100))
    wallet.swap(hundred, wallet.blanks(keyset, [1] * 100))
    assert town.figures() == {keyset: (100, 0, 0, 100)}


def test_a_request_that_carries_a_blinding_factor_is_refused_loudly(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    outputs = [blank.output for blank in wallet.split(keyset, 64)]
    answer = town.http.post("/v1/swap", content=msgspec.json.encode({"inputs": proofs, "outputs": outputs}))
    refused(answer, 10000, "mint.blinding_factor_sent")
    halves = [
        msgspec.structs.replace(proof, dleq=Dleq(e=proof.dleq.e, s=proof.dleq.s)) for proof in proofs if proof.dleq
    ]
    answer = town.http.post("/v1/swap", content=msgspec.json.encode({"inputs": halves, "outputs": outputs}))
    refused(answer, 10000, "mint.blinding_factor_sent")
    body = msgspec.json.encode({"quote": wallet.deposit_quote(64), "inputs": proofs})
    refused(town.http.post("/v1/melt/settle", content=body), 10000, "mint.blinding_factor_sent")
    assert wallet.state(proofs) == ["UNSPENT"]


def test_a_secret_longer_than_1024_bytes_is_refused(town: Town, wallet: Wallet, keyset: str) -> None:
    fits, longer, wider = "a" * 1_024, "a" * 1_025, "ä" * 513
    proofs = wallet.swap(wallet.receive(keyset, 3), wallet.blanks(keyset, [1, 1, 1], secrets=[fits, longer, wider]))
    for proof in proofs[1:]:
        answer = town.http.post("/v1/swap", content=wallet.swap_body([proof], wallet.split(keyset, 1)))
        refused(answer, 10000, "token.malformed")
    wallet.swap(proofs[:1], wallet.split(keyset, 1))


def test_no_key_signs_for_two_keysets_so_a_token_is_worthless_under_another_keysets_id(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    headers = {"authorization": "Bearer " + town.operation.operator_token().decode()}
    end = int(NOON.timestamp()) + 1_000
    for unit, period, final_expiry in ((FOOD, "2026-12", None), (RENT, "2026-11", None), (FOOD, "2026-11", end)):
        body = {"unit": unit, "period": period, "final_expiry": final_expiry}
        town.http.post("/operate/keysets", json=body, headers=headers)
    ids = [each["id"] for each in town.http.get("/v1/keysets").json()["keysets"]]
    assert len(ids) == 4
    keys = [key for each in ids for key in wallet.keys(each).values()]
    assert len(keys) == len(set(keys))


# --- locked tokens --------------------------------------------------------------------------------

SHOP_SECRET, PAYER_SECRET = b"\x11" * 32, b"\x22" * 32


def locked(wallet: Wallet, keyset: str, locktime: datetime) -> Proof:
    """A token of 64 locked to the shop, from `locktime` on also open to its payer."""
    secret = write_lock(
        "0" * 32,
        show_point(generator_times(SHOP_SECRET)),
        locktime=int(locktime.timestamp()),
        refund=show_point(generator_times(PAYER_SECRET)),
    )
    (proof,) = wallet.swap(wallet.receive(keyset, 64), wallet.blanks(keyset, [64], secrets=[secret]))
    return proof


def try_swap(town: Town, wallet: Wallet, keyset: str, proof: Proof) -> Any:
    return town.http.post("/v1/swap", content=wallet.swap_body([proof], wallet.split(keyset, 64)))


def test_a_locked_token_opens_with_the_shops_signature_only(town: Town, wallet: Wallet, keyset: str) -> None:
    proof = locked(wallet, keyset, NOON + timedelta(days=1))
    other = msgspec.structs.replace(proof, secret=proof.secret.replace("0" * 32, "1" * 32))
    borrowed = msgspec.structs.replace(proof, witness=sign_lock(other, SHOP_SECRET).witness)
    attempts = [proof, sign_lock(proof, PAYER_SECRET), sign_lock(proof, b"\x33" * 32), borrowed]
    attempts += [msgspec.structs.replace(proof, witness=text) for text in ("", "{}", "[]", '{"signatures":["zz"]}')]
    for attempt in attempts:
        refused(try_swap(town, wallet, keyset, attempt), 10001, "token.lock_not_open")
        deposit = wallet.deposit_body(wallet.deposit_quote(64), [attempt])
        refused(town.http.post("/v1/melt/settle", content=deposit), 10001, "token.lock_not_open")
    deposit = wallet.deposit_body(wallet.deposit_quote(64), [sign_lock(proof, SHOP_SECRET)])
    assert town.http.post("/v1/melt/settle", content=deposit).json()["state"] == "PAID"


def test_the_payer_gets_a_locked_token_back_after_its_lock_time_and_not_before(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    end = NOON + timedelta(days=1)
    proof = locked(wallet, keyset, end)
    town.clock.set(end)
    refused(try_swap(town, wallet, keyset, sign_lock(proof, PAYER_SECRET)), 10001, "token.lock_not_open")
    town.clock.set(end + timedelta(seconds=1))
    refused(try_swap(town, wallet, keyset, proof), 10001, "token.lock_not_open")
    assert try_swap(town, wallet, keyset, sign_lock(proof, PAYER_SECRET)).status_code == 200
    refused(try_swap(town, wallet, keyset, sign_lock(proof, SHOP_SECRET)), 11001, "token.already_spent")


def test_the_shop_can_still_redeem_after_the_lock_time(town: Town, wallet: Wallet, keyset: str) -> None:
    proof = locked(wallet, keyset, NOON + timedelta(days=1))
    town.clock.set(NOON + timedelta(days=2))
    assert try_swap(town, wallet, keyset, sign_lock(proof, SHOP_SECRET)).status_code == 200


@pytest.mark.parametrize(
    "secret", ['["HTLC",{"nonce":"0","data":"00"}]', '["P2PK",{}]', '["P2PK",{"nonce":"0","data":"02"}]']
)
def test_a_malformed_or_unsupported_condition_is_refused(town: Town, wallet: Wallet, keyset: str, secret: str) -> None:
    (proof,) = wallet.swap(wallet.receive(keyset, 64), wallet.blanks(keyset, [64], secrets=[secret]))
    answer = try_swap(town, wallet, keyset, proof)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"token.malformed", "token.bad_point"}


# --- restore and state ----------------------------------------------------------------------------


def test_a_lost_answer_is_restored_from_the_outputs_alone(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 96)
    signed, unsigned = wallet.blanks(keyset, [32, 64]), wallet.blanks(keyset, [8])
    first = town.http.post("/v1/swap", content=wallet.swap_body(proofs, signed))
    town.reopen()
    asked = [signed[1].output, unsigned[0].output, signed[0].output]
    # A wallet that lost everything does not know the amounts.
    body = {"outputs": [msgspec.to_builtins(output) | {"amount": 0} for output in asked]}
    found = town.http.post("/v1/restore", json=body).json()
    assert found["outputs"] == [msgspec.to_builtins(blank.output) for blank in (signed[1], signed[0])]
    assert found["signatures"] == first.json()["signatures"][::-1]
    assert town.figures() == {keyset: (96, 0, 0, 96)}


def test_restore_signs_no_output_under_another_keyset_than_it_was_signed_under(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    rent = town.new_keyset("2026-11", unit=RENT)
    blanks = wallet.split(keyset, 64)
    wallet.swap(wallet.receive(keyset, 64), blanks)
    body = {"outputs": [msgspec.to_builtins(blank.output) | {"id": rent} for blank in blanks]}
    answer = town.http.post("/v1/restore", json=body)
    assert answer.json() == {"outputs": [], "signatures": []}
    stranger = {"outputs": [msgspec.to_builtins(blank.output) | {"id": "01" + "ab" * 32} for blank in blanks]}
    refused(town.http.post("/v1/restore", json=stranger), 12001, "token.keyset_unknown")


def test_states_are_told_in_the_order_asked(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 7)
    wallet.swap(proofs[1:2], wallet.split(keyset, 2))
    assert wallet.state([*proofs, proofs[1]]) == ["UNSPENT", "SPENT", "UNSPENT", "SPENT"]


# --- figures --------------------------------------------------------------------------------------


def test_value_moved_from_an_old_keyset_to_a_new_one_keeps_both_keysets_figures_right(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    old = wallet.receive(keyset, 96)
    newer = town.new_keyset("2026-12")
    fresh = wallet.receive(newer, 3)
    moved = wallet.swap([old[0], *fresh], wallet.split(newer, old[0].amount + 3))
    left = old[0].amount
    assert town.figures() == {keyset: (96, -left, 0, 96 - left), newer: (3, left, 0, 3 + left)}
    quote = wallet.deposit_quote(left + 3)
    assert town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, moved)).status_code == 200
    assert town.figures() == {keyset: (96, -left, 0, 96 - left), newer: (3, left, left + 3, 0)}


def test_published_figures_stand_in_the_log(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    town.http.post("/v1/melt/settle", content=wallet.deposit_body(wallet.deposit_quote(64), proofs))
    wallet.receive(keyset, 5)
    assert town.operate("/operate/figures", {"period": "2026-11"}) == {"published": 1}
    ((_, figures),) = town.log.view().mint_figures
    assert (figures.issued, figures.moved, figures.redeemed, figures.outstanding) == (69, 0, 64, 5)


def test_counters_that_differ_from_the_rows_are_not_published(town: Town, wallet: Wallet, keyset: str) -> None:
    wallet.receive(keyset, 64)
    town.rows("UPDATE keyset SET issued = issued + 1")
    with pytest.raises(FiguresDisagree):
        town.figures()
    headers = {"authorization": "Bearer " + town.operation.operator_token().decode()}
    answer = town.http.post("/operate/figures", json={"period": "p"}, headers=headers)
    refused(answer, 10000, "mint.figures_disagree", status=500)
    assert town.log.view().mint_figures == []


def forge(town: Town, wallet: Wallet, keyset: str, amounts: list[int]) -> list[Proof]:
    """Tokens as a thief of the keyset's keys makes them: genuine in every way, and never issued."""
    blanks = wallet.blanks(keyset, amounts)
    job = ExchangeJob([], [ToSign(0, each.output.amount, bytes.fromhex(each.output.B_)) for each in blanks])
    (made,) = town.run(lambda: town.signer.exchange([keyset], [job]))
    keys = wallet.keys(keyset)
    return [
        Proof(
            amount=blank.output.amount,
            id=keyset,
            secret=blank.secret,
            C=show_point(unblind(read_point(signed[:33].hex()), blank.factor, read_point(keys[blank.output.amount]))),
        )
        for blank, signed in zip(blanks, made.signatures, strict=True)
    ]


def test_a_stolen_key_redeems_no_more_than_its_keyset_issued(town: Town, wallet: Wallet, keyset: str) -> None:
    wallet.receive(keyset, 96)
    forged = forge(town, wallet, keyset, [64, 64])
    body = wallet.deposit_body(wallet.deposit_quote(128), forged)
    refused(town.http.post("/v1/melt/settle", content=body), 10000, "mint.more_spent_than_signed", status=409)
    assert wallet.state(forged) == ["UNSPENT", "UNSPENT"]
    body = wallet.deposit_body(wallet.deposit_quote(64), forged[:1])
    assert town.http.post("/v1/melt/settle", content=body).status_code == 200
    body = wallet.deposit_body(wallet.deposit_quote(64), forged[1:])
    refused(town.http.post("/v1/melt/settle", content=body), 10000, "mint.more_spent_than_signed", status=409)
    assert town.figures() == {keyset: (96, 0, 64, 32)}


def test_a_stolen_key_of_an_old_keyset_moves_no_more_into_the_new_one_than_was_issued(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    wallet.receive(keyset, 96)
    newer = town.new_keyset("2026-12")
    forged = forge(town, wallet, keyset, [64, 64])
    answer = town.http.post("/v1/swap", content=wallet.swap_body(forged, wallet.split(newer, 128)))
    refused(answer, 10000, "mint.more_spent_than_signed", status=409)
    assert town.figures() == {keyset: (96, 0, 0, 96), newer: (0, 0, 0, 0)}
    wallet.swap(forged[:1], wallet.split(newer, 64))
    assert town.figures() == {keyset: (96, -64, 0, 32), newer: (0, 64, 0, 64)}


def test_a_swap_with_a_stolen_key_does_not_take_its_neighbours_with_it(town: Town, wallet: Wallet, keyset: str) -> None:
    honest = [(wallet.receive(keyset, 64), wallet.split(keyset, 64)) for _ in range(3)]
    forged = forge(town, wallet, keyset, [2])
    bodies = [wallet.swap_body(*pair) for pair in honest]
    bodies.insert(1, wallet.swap_body(forged, wallet.blanks(keyset, [1, 1])))

    async def all_at_once() -> list[Signatures | BaseException]:
        requests = [msgspec.json.decode(body, type=SwapRequest) for body in bodies]
        return await asyncio.gather(*(town.mint.swap(each) for each in requests), return_exceptions=True)

    assert [type(each) for each in town.run(all_at_once)] == [Signatures, OverIssued, Signatures, Signatures]
    assert town.figures() == {keyset: (192, 0, 0, 192)}
