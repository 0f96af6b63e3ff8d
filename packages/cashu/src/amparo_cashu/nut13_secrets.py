"""NUT-13: a wallet's secrets from one seed and a counter, so that a lost phone can be restored (version 2 keysets).

Keysets of version 1 (ids "00...") are refused: their derivation lets two keysets share their secrets, and this mint has none.
"""

import hashlib
import hmac
import re

import msgspec

from amparo_cashu.curve import ORDER
from amparo_cashu.errors import BadToken
from amparo_common.secret import Secret

_VERSION_2 = re.compile(r"01[0-9a-f]{64}")
_DOMAIN = b"Cashu_KDF_HMAC_SHA256"
# Not of the specification, which leaves it to each wallet where an ephemeral key (NUT-28) comes from.
_EPHEMERAL_DOMAIN = b"Amparo_P2BK_v1"


class BlankSecret(msgspec.Struct, frozen=True):
    """The secret of a token and the factor it is blinded with."""

    secret: str
    factor: bytes


def derive(seed: Secret, keyset: str, counter: int) -> BlankSecret:
    """The secret and blinding factor number `counter` of a keyset. Raises `BadToken`."""
    start = _DOMAIN + _place(keyset, counter)
    secret, factor = (hmac.new(seed.reveal(), start + kind, hashlib.sha256).digest() for kind in (b"\x00", b"\x01"))
    return BlankSecret(secret=secret.hex(), factor=_scalar(factor))


def derive_ephemeral(seed: Secret, keyset: str, counter: int) -> bytes:
    """The secret key that hides the lock of output number `counter` (NUT-28): the same again after a crash. Raises
    `BadToken`."""
    message = _EPHEMERAL_DOMAIN + _place(keyset, counter)
    return _scalar(hmac.new(seed.reveal(), message, hashlib.sha256).digest())


def _place(keyset: str, counter: int) -> bytes:
    if not _VERSION_2.fullmatch(keyset) or not 0 <= counter < 2**64:
        raise BadToken("Secrets are derived for keysets of version 2 only, by a counter of 64 bits.")
    return bytes.fromhex(keyset) + counter.to_bytes(8, "big")


def _scalar(digest: bytes) -> bytes:
    scalar = int.from_bytes(digest, "big") % ORDER
    if not scalar:
        raise BadToken("A counter gives no blinding factor.")  # chance 2^-256
    return scalar.to_bytes(32, "big")
