"""NUT-13: a wallet's secrets from one seed and a counter, so that a lost phone can be restored (version 2 keysets)."""

import hashlib
import hmac
import re

import msgspec

from amparo_cashu.curve import ORDER
from amparo_cashu.errors import BadToken
from amparo_common.secret import Secret

_VERSION_2 = re.compile(r"01[0-9a-f]{64}")


class BlankSecret(msgspec.Struct, frozen=True):
    """The secret of a token and the factor it is blinded with."""

    secret: str
    factor: bytes


def derive(seed: Secret, keyset: str, counter: int) -> BlankSecret:
    """The secret and blinding factor number `counter` of a keyset."""
    if not _VERSION_2.fullmatch(keyset):
        raise BadToken("Secrets are derived for keysets of version 2 only.")
    start = b"Cashu_KDF_HMAC_SHA256" + bytes.fromhex(keyset) + counter.to_bytes(8, "big")
    secret, factor = (hmac.new(seed.reveal(), start + kind, hashlib.sha256).digest() for kind in (b"\x00", b"\x01"))
    return BlankSecret(secret=secret.hex(), factor=(int.from_bytes(factor, "big") % ORDER).to_bytes(32, "big"))
