"""NUT-00 and NUT-12 from the mint's side: sign a blinded message with its proof, verify a token.

Every use of a private key or nonce goes through the constant-time multiplication of `amparo_cashu.curve`.
"""

import hashlib
import hmac

from coincurve import PublicKey

from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, multiply, read_point, show_point
from amparo_cashu.errors import ProofFalse
from amparo_cashu.nut12_dleq import challenge
from amparo_cashu.wire import BlindedMessage, BlindSignature, Dleq, Proof
from amparo_mint.keysets import DenominationKey


def sign_output(output: BlindedMessage, blinded: PublicKey, key: DenominationKey) -> BlindSignature:
    """The blind signature on one output, with its proof. Deterministic: the same output gets the same answer."""
    signed = multiply(blinded, key.secret.reveal())
    return BlindSignature(amount=output.amount, id=output.id, C_=show_point(signed), dleq=_prove(key, blinded, signed))


def _prove(key: DenominationKey, blinded: PublicKey, signed: PublicKey) -> Dleq:
    nonce = dleq_nonce(key, blinded, signed)
    e = challenge(generator_times(nonce), multiply(blinded, nonce), key.public, signed)
    secret = int.from_bytes(key.secret.reveal(), "big")
    s = (int.from_bytes(nonce, "big") + int.from_bytes(e, "big") * secret) % ORDER
    return Dleq(e=e.hex(), s=f"{s:064x}")


def dleq_nonce(key: DenominationKey, blinded: PublicKey, signed: PublicKey) -> bytes:
    """NUT-12's deterministic nonce: a function of the key and this signature, never repeated for another."""
    points = b"".join(point.format(compressed=False) for point in (key.public, blinded, signed))
    for counter in range(256):
        message = b"Cashu_DLEQ_R_v1" + points + bytes([counter])
        nonce = hmac.new(key.secret.reveal(), message, hashlib.sha256).digest()
        if 0 < int.from_bytes(nonce, "big") < ORDER:
            return nonce
    raise AssertionError("no nonce in 256 tries has chance 2^-32768")


def verify_input(proof: Proof, key: DenominationKey) -> PublicKey:
    """The point Y of a genuine token. Raises `ProofFalse`, `BadPoint`."""
    point = hash_to_curve(proof.secret.encode())
    if multiply(point, key.secret.reveal()) != read_point(proof.C):
        raise ProofFalse("A token is not genuine.")
    return point
