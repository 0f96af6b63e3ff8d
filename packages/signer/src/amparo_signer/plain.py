"""The crypto of a batch in Python: NUT-00's verification, NUT-00's and NUT-12's signing. The fallback of `batch.py`.

Multiplications are constant-time in keys and nonces (`amparo_cashu.curve.multiply`), comparisons too.
"""

import hmac
from collections.abc import Sequence

from coincurve import PublicKey

from amparo_cashu.curve import generator_times, hash_to_curve, multiply, point_of
from amparo_cashu.errors import BadPoint
from amparo_cashu.nut12_dleq import challenge
from amparo_signer.keymemory import DenominationKey
from amparo_signer.library import response

POINT_BYTES = 33
_NONCE_DOMAIN = b"Cashu_DLEQ_R_v1"


class PlainEngine:
    """The batch, one item after the other. Holds nothing."""

    name = "plain"

    def verify(
        self, keys: Sequence[DenominationKey], secrets: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[bytes]:
        """For each token its point Y (33 bytes) when its signature C is genuine under its key, b"" when not."""
        return [_verify(*each) for each in zip(keys, secrets, signatures, strict=True)]

    def sign(self, keys: Sequence[DenominationKey], blinded: Sequence[bytes]) -> list[bytes]:
        """For each output C_ (33) | e (32) | s (32), b"" when its B_ is no compressed point. Deterministic."""
        return [_sign(key, point) for key, point in zip(keys, blinded, strict=True)]


def _verify(key: DenominationKey, secret: bytes, signature: bytes) -> bytes:
    point = hash_to_curve(secret)
    # What the right signature would be is itself a secret: the comparison must not tell how much of it was guessed.
    if not hmac.compare_digest(multiply(point, key.reveal()).format(), signature):
        return b""
    return bytes(point.format())


def _sign(key: DenominationKey, blinded: bytes) -> bytes:
    try:
        point = point_of(blinded)
    except BadPoint:
        return b""
    if len(blinded) != POINT_BYTES:
        return b""
    signed = multiply(point, key.reveal())
    return bytes(signed.format()) + _prove(key, point, signed)


def _prove(key: DenominationKey, blinded: PublicKey, signed: PublicKey) -> bytes:
    """NUT-12's proof e | s with the deterministic nonce."""
    secret = key.reveal()
    points = b"".join(point.format(compressed=False) for point in (key.public, blinded, signed))
    for counter in range(256):
        nonce = hmac.digest(secret, _NONCE_DOMAIN + points + bytes([counter]), "sha256")
        try:
            one = generator_times(nonce)
        except BadPoint:  # the nonce is out of range: chance 2^-127
            continue
        e = challenge(one, multiply(blinded, nonce), key.public, signed)
        s = response(secret, e, nonce)
        if s is not None:
            return e + s
    raise AssertionError("no nonce in 256 tries has chance 2^-32512")
