"""The mint through its public interface: tokens that are spent, refused, restored and looked up."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, NOON, RENT, Town, Wallet, refused, strip

from amparo_cashu.curve import generator_times, hash_to_curve, negate, show_point
from amparo_cashu.errors import AlreadySpent
from amparo_cashu.wire import Dleq, Signatures, SwapRequest
from amparo_mint.catalogue import MOST_INPUTS
from amparo_mint.service import MOST_LOOKED_UP, MOST_RESTORED

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
    refused(answer, 12002, "token.keyset_inactive")
    asked = {"unit": "food", "amount": 8, "pubkey": wallet.pubkey}
    refused(town.http.post("/v1/mint/quote/benefit", json=asked), 11013, "token.unit_unknown")
    assert town.hashes("issued") == []


def test_good_tokens_are_not_swapped_for_outputs_of_an_expired_keyset(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    short = town.new_keyset("short", final_expiry=int(NOON.timestamp()) + 60)
    town.clock.set(NOON + timedelta(days=1))
    answer = town.http.post("/v1/swap", content=wallet.swap_body(proofs, wallet.split(short, 64)))
    refused(answer, 12002, "token.keyset_inactive")
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
    refused(answer, 11010, "token.units_differ")
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
        town.http.post("/v1/checkstate", json={"Ys": [point] * 501}),
    ]
    for answer in of_inputs:
        refused(answer, 11014, "token.too_many")
    of_outputs = [
        town.http.post("/v1/restore", json={"outputs": outputs[:1] * (MOST_RESTORED + 1)}),
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
