"""A request whose answer was lost is sent again: the same answer, whatever happened since, and nothing twice."""

from datetime import timedelta
from typing import Any

import msgspec
from packages.mint.tests.conftest import NOON, Town, Wallet, refused

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
