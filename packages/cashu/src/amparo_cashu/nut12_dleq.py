"""NUT-12: the proof that the mint signed with its published key, checked by whoever receives a signature or a token.

Without it a mint could sign one person's tokens with another key and recognise them later.
"""

import hashlib

from coincurve import PublicKey

from amparo_cashu.curve import add, generator_times, hash_to_curve, multiply, read_point, read_scalar, subtract
from amparo_cashu.errors import BadPoint, BadToken, SignatureNotProved
from amparo_cashu.wire import Dleq, Proof


def challenge(*points: PublicKey) -> bytes:
    """SHA-256 over the points' uncompressed hex texts, joined."""
    return hashlib.sha256("".join(point.format(compressed=False).hex() for point in points).encode()).digest()


def check_signature(dleq: Dleq | None, *, key: PublicKey, blinded: PublicKey, signed: PublicKey) -> None:
    """Raises `SignatureNotProved` unless `signed` was made from `blinded` with the secret of `key`."""
    if dleq is None:
        raise SignatureNotProved("A signature comes without its proof.")
    try:
        e, s = read_scalar(dleq.e), read_scalar(dleq.s)
        one = subtract(generator_times(s), multiply(key, e))
        two = subtract(multiply(blinded, s), multiply(signed, e))
    except (BadPoint, BadToken) as error:
        raise SignatureNotProved("The proof of a signature is malformed.") from error
    if challenge(one, two, key, signed) != e:
        raise SignatureNotProved("A signature was not made with the published key.")


def check_proof(proof: Proof, key: PublicKey) -> None:
    """The same for a token received from somebody else, whose proof carries the blinding factor `r`.
    Raises `SignatureNotProved`, `BadPoint`, `BadToken`."""
    if proof.dleq is None or proof.dleq.r is None:
        raise SignatureNotProved("A token comes without its proof.")
    factor = read_scalar(proof.dleq.r)
    signed = add(read_point(proof.C), multiply(key, factor))
    blinded = add(hash_to_curve(proof.secret.encode()), generator_times(factor))
    check_signature(proof.dleq, key=key, blinded=blinded, signed=signed)
