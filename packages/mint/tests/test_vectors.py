"""The mint's curve work against the published vectors, and its figures after any sequence of steps."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packages.mint.tests.conftest import Town, Wallet

from amparo_cashu.curve import generator_times, hash_to_curve, read_point, show_point
from amparo_cashu.errors import ProofFalse
from amparo_cashu.nut00_blind import blind, unblind
from amparo_cashu.nut12_dleq import check_signature
from amparo_cashu.wire import BlindedMessage, Proof
from amparo_common.secret import Secret
from amparo_mint.keysets import DenominationKey
from amparo_mint.nut00_sign import dleq_nonce, sign_output, verify_input

VECTORS = Path(__file__).parents[3] / "vectors" / "cashu"


def cases(name: str, kind: str | None = None) -> list[dict[str, Any]]:
    """The published cases of a file, or those of one kind."""
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["vectors"]
    return [case for case in found if kind is None or case["type"] == kind]


def key_of(text: str) -> DenominationKey:
    """A denomination's key from its private key in hex."""
    scalar = bytes.fromhex(text)
    return DenominationKey(secret=Secret(scalar), public=generator_times(scalar))


SIGNATURES = cases("nut00_blind_signatures.json")
NONCES = cases("nut12_dleq.json", "deterministic_nonce")


def test_there_are_vectors_to_judge_by() -> None:
    assert (len(SIGNATURES), len(NONCES)) == (2, 1)


@pytest.mark.parametrize("case", SIGNATURES, ids=lambda case: case["mint_private_key_hex"][:4])
def test_published_blind_signatures_are_made(case: dict[str, Any]) -> None:
    key, blinded = key_of(case["mint_private_key_hex"]), read_point(case["B__hex"])
    signed = sign_output(BlindedMessage(amount=1, id="00", B_=case["B__hex"]), blinded, key)
    assert (signed.amount, signed.id, signed.C_) == (1, "00", case["C__hex"])
    check_signature(signed.dleq, key=key.public, blinded=blinded, signed=read_point(signed.C_))


@pytest.mark.parametrize("case", NONCES, ids=lambda case: case["mint_private_key_a_hex"][-4:])
def test_published_proofs_with_a_deterministic_nonce_are_made(case: dict[str, Any]) -> None:
    key, blinded = key_of(case["mint_private_key_a_hex"]), read_point(case["B__hex"])
    assert show_point(key.public) == case["A_hex"]
    signed = sign_output(BlindedMessage(amount=1, id="00", B_=case["B__hex"]), blinded, key)
    assert signed.dleq is not None
    assert (signed.C_, signed.dleq.e, signed.dleq.s) == (case["C__hex"], case["e_hex"], case["s_hex"])
    assert signed == sign_output(BlindedMessage(amount=1, id="00", B_=case["B__hex"]), blinded, key)


def test_a_nonce_is_never_the_same_for_another_key_or_another_output() -> None:
    keys = [key_of(f"{number:064x}") for number in (1, 2)]
    points = [generator_times(bytes([number]) * 32) for number in (3, 4, 5)]
    nonces = {dleq_nonce(key, one, two) for key in keys for one in points for two in points}
    assert len(nonces) == 2 * 3 * 3


scalars = st.integers(1, 2**256 - 2**130).map(lambda number: number.to_bytes(32, "big"))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), scalars, scalars, scalars)
def test_what_is_blinded_signed_and_unblinded_is_genuine_under_its_own_key_only(
    secret: str, factor: bytes, scalar: bytes, other: bytes
) -> None:
    key, blinded = key_of(scalar.hex()), blind(secret, factor)
    signed = sign_output(BlindedMessage(amount=1, id="00", B_=show_point(blinded)), blinded, key)
    unblinded = unblind(read_point(signed.C_), factor, key.public)
    proof = Proof(amount=1, id="00", secret=secret, C=show_point(unblinded))
    assert verify_input(proof, key) == hash_to_curve(secret.encode())
    if other != scalar:
        with pytest.raises(ProofFalse):
            verify_input(proof, key_of(other.hex()))
    with pytest.raises(ProofFalse):
        verify_input(Proof(amount=1, id="00", secret=secret + "x", C=proof.C), key)


class Model:
    """What the figures should be, counted by the test itself: the tokens in all wallets, and the sums that went by."""

    def __init__(self, town: Town, wallet: Wallet) -> None:
        self.town, self.wallet = town, wallet
        self.purse: list[Proof] = []
        self.issued: Counter[str] = Counter()
        self.moved: Counter[str] = Counter()
        self.redeemed: Counter[str] = Counter()
        self.keysets: list[str] = []

    def rotate(self, _amount: int) -> None:
        """A new keyset becomes the active one."""
        self.keysets.append(self.town.new_keyset(f"period {len(self.keysets)}"))

    def issue(self, amount: int) -> None:
        """Aid comes in."""
        self.purse += self.wallet.receive(self.keysets[-1], amount)
        self.issued[self.keysets[-1]] += amount

    def _take(self, amount: int) -> list[Proof]:
        """About as many tokens as the amount says, from the oldest or the newest."""
        count = min(amount % 5 + 1, len(self.purse))
        taken = self.purse[:count] if amount % 2 else self.purse[-count:]
        self.purse = [proof for proof in self.purse if proof not in taken]
        return taken

    def swap(self, amount: int) -> None:
        """Tokens are exchanged for others, of the active keyset."""
        taken = self._take(amount)
        if not taken:
            return
        for proof in taken:
            if any(each.id != self.keysets[-1] for each in taken):
                self.moved[proof.id] -= proof.amount
                self.moved[self.keysets[-1]] += proof.amount
        total = sum(proof.amount for proof in taken)
        self.purse += self.wallet.swap(taken, self.wallet.split(self.keysets[-1], total))

    def redeem(self, amount: int) -> None:
        """A shop hands tokens in."""
        taken = self._take(amount)
        if not taken:
            return
        quote = self.wallet.deposit_quote(sum(proof.amount for proof in taken))
        body = self.wallet.deposit_body(quote, taken)
        answer = self.town.http.post("/v1/melt/settle", content=body)
        assert answer.status_code == 200, answer.text
        # Handing them in again, or swapping them, changes nothing.
        assert self.town.http.post("/v1/melt/settle", content=body).content == answer.content
        again = self.wallet.swap_body(taken, self.wallet.split(self.keysets[-1], taken[0].amount))
        assert self.town.http.post("/v1/swap", content=again).status_code == 400
        for proof in taken:
            self.redeemed[proof.id] += proof.amount

    def expected(self) -> dict[str, tuple[int, int, int, int]]:
        """Issued, moved, redeemed, outstanding by keyset."""
        held: Counter[str] = Counter()
        for proof in self.purse:
            held[proof.id] += proof.amount
        return {each: (self.issued[each], self.moved[each], self.redeemed[each], held[each]) for each in self.keysets}


STEPS = st.lists(
    st.tuples(st.sampled_from(["issue", "swap", "redeem", "swap", "rotate"]), st.integers(1, 300)),
    min_size=1,
    max_size=9,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
@example([("issue", 96), ("issue", 7), ("rotate", 1), ("swap", 4), ("issue", 3), ("swap", 3), ("redeem", 4)])
def test_after_any_sequence_of_steps_issued_and_moved_are_redeemed_and_outstanding_in_each_keyset(
    new_town: Callable[[], Town], new_wallet: type[Wallet], steps: list[tuple[str, int]]
) -> None:
    town = new_town()
    try:
        model = Model(town, new_wallet(town))
        model.rotate(0)
        for name, amount in steps:
            getattr(model, name)(amount)
            figures = town.figures()
            assert figures == model.expected()
            for issued, moved, redeemed, outstanding in figures.values():
                assert issued + moved == redeemed + outstanding
            assert sum(moved for _, moved, _, _ in figures.values()) == 0
    finally:
        town.close()
