"""The four calls between the mint and its signer, and the messages they carry. Holds no key material.

A batch of jobs goes over in one call. The signer answers the same question the same way every time (NUT-12's nonce is
deterministic), so that every call may be repeated after a broken connection.
"""

from typing import Protocol

import msgspec

# What `Exchanged.refused` may say.
PROOF_FALSE = "proof_false"
BAD_POINT = "bad_point"
KEYSET_UNKNOWN = "keyset_unknown"
AMOUNT_UNKNOWN = "amount_unknown"


class ToVerify(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One token to be judged. `keyset` is a place in the call's list of keysets; `signature` is C, 33 bytes."""

    keyset: int
    amount: int
    secret: bytes
    signature: bytes


class ToSign(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One output to be signed. `keyset` is a place in the call's list of keysets; `blinded` is B_, 33 bytes."""

    keyset: int
    amount: int
    blinded: bytes


class ExchangeJob(msgspec.Struct, frozen=True, array_like=True):
    """One request's inputs and outputs. Either list may be empty. Sums are the mint's business."""

    inputs: list[ToVerify]
    outputs: list[ToSign]


class Exchanged(msgspec.Struct, frozen=True, array_like=True):
    """The answer to one job: the point Y (33 bytes) of each input, and C_ (33) | e (32) | s (32) of each output.

    `refused` is "" or says why nothing of the job was signed; both lists are empty then. It is "proof_false" when an
    input is not genuine (C may be no point at all), "bad_point" when a B_ is no point, "keyset_unknown" or
    "amount_unknown" when there is no such key.
    """

    points: list[bytes]
    signatures: list[bytes]
    refused: str = ""


class PublicKeyset(msgspec.Struct, frozen=True):
    """A keyset's public half: amount as text -> compressed public key in hex. `final_expiry` in Unix seconds."""

    id: str
    unit: str
    period: str
    final_expiry: int | None
    keys: dict[str, str]


class Signer(Protocol):
    """Whoever holds the private keys: `SignerClient` asks a process, `LocalSigner` is one. Errors are `SignerError`s."""

    async def keysets(self) -> list[PublicKeyset]:
        """Every keyset whose private keys are here."""
        ...

    async def make_keyset(self, unit: str, period: str, final_expiry: int | None) -> PublicKeyset:
        """The keyset of these three, made on first use. Raises `KeysetRetired` after `retire`, `KeysetRefused`."""
        ...

    async def exchange(self, keysets: list[str], jobs: list[ExchangeJob]) -> list[Exchanged]:
        """Judge every input of a job, then sign its outputs if all are genuine. One answer per job, in order."""
        ...

    async def retire(self, keyset: str) -> None:
        """Destroy the private keys of a keyset for good; again is harmless. Raises `KeysetNotHere`."""
        ...
