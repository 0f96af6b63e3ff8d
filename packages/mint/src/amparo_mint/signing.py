"""The mint's way to its signer: requests of many wallets in one call, answers in the protocol's words.

The signer checks every input before it signs an output; the mint's own process holds no private key and does no curve
arithmetic on tokens. Signatures are given to nobody before the database has committed.
"""

import os
from collections.abc import Sequence

import msgspec

from amparo_cashu.errors import BadPoint, KeysetUnknown, ProofFalse, TokenError
from amparo_cashu.schemes import scheme_of
from amparo_cashu.wire import BlindedMessage, BlindSignature, Dleq, Proof
from amparo_mint.batches import Batches
from amparo_signer import protocol
from amparo_signer.protocol import Exchanged, ExchangeJob, Signer, ToSign, ToVerify

# With the signer at once: about 32 ms of one core. Shared out among the workers, so that none of them takes what another could do.
MOST_AT_SIGNER = 512
MOST_WORKERS = 4


class Work(msgspec.Struct, frozen=True):
    """One request's inputs to check and outputs to sign."""

    inputs: Sequence[Proof]
    outputs: Sequence[BlindedMessage]

    def weight(self) -> int:
        """How many multiplications of points it is about; at least 1."""
        return max(1, len(self.inputs) + len(self.outputs))


class Signed(msgspec.Struct, frozen=True):
    """The inputs' points (Y, compressed) and the outputs' signatures."""

    points: list[bytes]
    signatures: list[BlindSignature]


class SigningDesk:
    """Gathers requests and asks the signer. `workers` batches are with it at once: by default one for each processor core."""

    def __init__(self, signer: Signer, *, workers: int | None = None) -> None:
        self._signer = signer
        workers = workers or min(_cores(), MOST_WORKERS)
        self._batches: Batches[Work, Exchanged] = Batches(
            self._exchange, workers=workers, most=MOST_AT_SIGNER // workers, weigh=Work.weight
        )

    async def run(self, inputs: Sequence[Proof], outputs: Sequence[BlindedMessage]) -> Signed:
        """Check inputs and sign outputs. Raises `ProofFalse`, `BadPoint`, `MintBusy`, and the signer's errors."""
        found = await self._batches.run(Work(inputs, outputs))
        if found.refused:
            raise _refusal(found.refused)
        return Signed(found.points, [show_signature(*pair) for pair in zip(outputs, found.signatures, strict=True)])

    async def finished(self) -> None:
        """Returns when no request waits for the signer."""
        await self._batches.finished()

    async def _exchange(self, works: list[Work]) -> list[Exchanged]:
        keysets = _Keysets()
        jobs = [
            ExchangeJob(
                [_to_verify(each, *keysets[each.id]) for each in work.inputs],
                [_to_sign(each, *keysets[each.id]) for each in work.outputs],
            )
            for work in works
        ]
        return await self._signer.exchange(list(keysets), jobs)


class _Keysets(dict[str, tuple[int, int]]):
    """The keysets of one call: the place of each in it, and how long its points are."""

    def __missing__(self, keyset: str) -> tuple[int, int]:
        found = self[keyset] = len(self), scheme_of(keyset).point_bytes
        return found


def _to_verify(proof: Proof, place: int, size: int) -> ToVerify:
    return ToVerify(place, proof.amount, proof.secret.encode(), _point(proof.C, size))


def _to_sign(output: BlindedMessage, place: int, size: int) -> ToSign:
    return ToSign(place, output.amount, _point(output.B_, size))


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _refusal(refused: str) -> TokenError:
    match refused:
        case protocol.PROOF_FALSE:
            return ProofFalse("A token is not genuine.")
        case protocol.BAD_POINT:
            return BadPoint("A value is not a point of the curve.")
    return KeysetUnknown("The signer does not have this key.")


def _point(text: str, size: int) -> bytes:
    """A point's bytes; what is not one of this size becomes bytes that the signer refuses."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return b""
    return data if len(data) == size else b""


def show_signature(output: BlindedMessage, signature: bytes) -> BlindSignature:
    """The signer's answer for an output in the protocol's words."""
    shown, end = signature.hex(), 2 * scheme_of(output.id).point_bytes
    # Of some versions anybody can check a signature by itself.
    dleq = Dleq(e=shown[end : end + 64], s=shown[end + 64 :]) if len(shown) > end else None
    return BlindSignature(amount=output.amount, id=output.id, C_=shown[:end], dleq=dleq)
