"""Names, sealed apart from the facts: AES-256-GCM with a key that is a file outside the database.

Whoever has the database without the key file reads no name; destroying the key file destroys every name at once.
"""

import secrets

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amparo_common.secret import Secret


class Identity(msgspec.Struct, frozen=True):
    """What identifies a person on a card. `language` is ISO 639-1."""

    given_name: str
    family_name: str
    other_name: str = ""
    language: str = "es"


class IdentitySealer:
    """Seals and opens identities; `person` binds a sealed identity to its row, so that rows cannot be exchanged."""

    def __init__(self, key: Secret) -> None:
        self._cipher = AESGCM(key.reveal())

    def seal(self, person: int, identity: Identity) -> bytes:
        """The sealed form, 28 bytes longer than the content."""
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(identity), b"identity %d" % person)

    def open(self, person: int, sealed: bytes) -> Identity:
        """The identity of this row."""
        plain = self._cipher.decrypt(sealed[:12], sealed[12:], b"identity %d" % person)
        return msgspec.json.decode(plain, type=Identity)
