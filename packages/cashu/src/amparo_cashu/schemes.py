"""What holders compute with coins and what the mint reads of them, by the version of their keyset: the first byte of its id.
A new version is one class and one line in `SCHEMES`. How private keys sign, by version: the signer's `schemes.py`.

Version "01" is secp256k1 blind Diffie-Hellman (NUT-00) with ids of NUT-02 version 2, secrets of NUT-13 and proofs of NUT-12.
LIMIT: locks (NUT-10, 11, 28) and signed quotes (NUT-20) are of secp256k1 whatever the version.
"""

from typing import Protocol

from amparo_cashu import nut00_blind, nut02_keyset, nut12_dleq, nut13_secrets
from amparo_cashu.curve import POINT_BYTES, generator_times, hash_to_curve, is_point_like, read_point, show_point
from amparo_cashu.errors import KeysetUnknown
from amparo_cashu.nut13_secrets import BlankSecret
from amparo_cashu.wire import BlindSignature, Dleq, Keyset, Proof
from amparo_common.secret import Secret


class Scheme(Protocol):
    """One kind of coin. Points are texts in hex, as the messages carry them."""

    version: str
    point_bytes: int
    """How long B_, C_, C and Y are."""

    def point_data(self, text: str) -> bytes:
        """A point's bytes. Raises `BadPoint` for what is none."""
        ...

    def is_point_like(self, data: bytes) -> bool:
        """Whether bytes are spelled as a point; not whether they are one."""
        ...

    def check_keyset(self, keyset: Keyset) -> None:
        """Raises `KeysetUnknown` unless its keys are keys and its id is the one that they give."""
        ...

    def blank(self, seed: Secret, keyset: str, counter: int) -> BlankSecret:
        """A wallet's secret and blinding factor number `counter`. Raises `BadToken`."""
        ...

    def ephemeral(self, seed: Secret, keyset: str, counter: int) -> bytes:
        """The key that hides the lock of output number `counter` (NUT-28). Raises `BadToken`."""
        ...

    def blind(self, secret: str, factor: bytes) -> str:
        """B_: what the mint is asked to sign."""
        ...

    def finish(self, secret: str, factor: bytes, signature: BlindSignature, key: str) -> Proof:
        """The coin, when the signature was made with the public key. Raises `SignatureNotProved`, `BadPoint`."""
        ...

    def check(self, proof: Proof, key: str) -> None:
        """Raises `SignatureNotProved`, `BadPoint` or `BadToken` unless a received coin was made with the public key."""
        ...

    def point(self, secret: str) -> str:
        """Y: under which the mint knows a coin (NUT-07)."""
        ...

    def invented(self, chance: bytes) -> str:
        """A point that nobody has signed or spent, from 31 random bytes."""
        ...


class Secp256k1:
    """Version "01"."""

    version = nut02_keyset.VERSION
    point_bytes = POINT_BYTES
    is_point_like = staticmethod(is_point_like)
    check_keyset = staticmethod(nut02_keyset.check_keyset)
    blank = staticmethod(nut13_secrets.derive)
    ephemeral = staticmethod(nut13_secrets.derive_ephemeral)

    def point_data(self, text: str) -> bytes:
        """Compressed."""
        return read_point(text).format()

    def blind(self, secret: str, factor: bytes) -> str:
        """NUT-00."""
        return show_point(nut00_blind.blind(secret, factor))

    def finish(self, secret: str, factor: bytes, signature: BlindSignature, key: str) -> Proof:
        """NUT-00, and the proof of NUT-12 with the factor that whoever receives the coin needs."""
        public, signed = read_point(key), read_point(signature.C_)
        blinded = nut00_blind.blind(secret, factor)
        nut12_dleq.check_signature(signature.dleq, key=public, blinded=blinded, signed=signed)
        assert signature.dleq is not None  # noqa: S101 - check_signature refuses None
        return Proof(
            amount=signature.amount,
            id=signature.id,
            secret=secret,
            C=show_point(nut00_blind.unblind(signed, factor, public)),
            dleq=Dleq(e=signature.dleq.e, s=signature.dleq.s, r=factor.hex()),
        )

    def check(self, proof: Proof, key: str) -> None:
        """NUT-12."""
        nut12_dleq.check_proof(proof, read_point(key))

    def point(self, secret: str) -> str:
        """NUT-00's hash to the curve."""
        return show_point(hash_to_curve(secret.encode()))

    def invented(self, chance: bytes) -> str:
        """A multiple of the generator."""
        return show_point(generator_times(b"\x01" + chance))


SCHEMES: dict[str, Scheme] = {scheme.version: scheme for scheme in (Secp256k1(),)}


def scheme_of(keyset: str) -> Scheme:
    """How coins of a keyset are made and judged, by its id. Raises `KeysetUnknown`."""
    found = SCHEMES.get(keyset[:2])
    if found is None:
        raise KeysetUnknown("A keyset's id is of a version that is not accepted here.")
    return found


def point_data(keyset: str, text: str) -> bytes:
    """The bytes of a keyset's point. Keysets of an unknown version are refused elsewhere; their points are read as those of
    version 1, which had the same as version 2. Raises `BadPoint`."""
    return SCHEMES.get(keyset[:2], SCHEMES[nut02_keyset.VERSION]).point_data(text)


def check_keyset(keyset: Keyset) -> None:
    """Raises `KeysetUnknown` unless the keyset's id is the one that its own content gives, in a version of this release."""
    scheme_of(keyset.id).check_keyset(keyset)
