"""What identifies somebody, and how it is sealed: AES-256-GCM under a key of the record's own (`vault`).

The record's kind and number are bound to the sealed text, so that rows cannot be exchanged.
"""

import secrets
from typing import Any, Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amparo_common.secret import Secret
from amparo_office.errors import SealBroken

Kind = Literal["household", "individual", "household-change", "individual-change"]
Content = TypeVar("Content", bound=msgspec.Struct)


class Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One name of a person. `script` is ISO 15924 (Latn, Arab, …), "" when not told. Somebody with one name has it in `given`."""

    given: str
    family: str = ""
    middle: str = ""
    script: str = ""

    def whole(self) -> str:
        """The name as it is said."""
        return " ".join(part for part in (self.given, self.middle, self.family) if part)


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A paper that somebody showed. None is ever needed. `kind` is a code of `DOCUMENT_KINDS`."""

    kind: str
    number: str
    country: str = ""


DOCUMENT_KINDS = ("national-id", "passport", "birth-certificate", "refugee-card", "driving-licence", "other")


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What identifies a person: names (the first is the one they use), papers, telephone in E.164, language (ISO 639-1)."""

    names: list[Name] = []
    documents: list[Document] = []
    telephone: str = ""
    language: str = ""


class Dwelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a household is found, in words; no coordinates exist."""

    address: str = ""


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stood in the changed fields before a change, and after it."""

    before: dict[str, Any]
    after: dict[str, Any]


def seal(key: Secret, kind: Kind, number: int, content: msgspec.Struct) -> bytes:
    """The sealed form, 28 bytes longer than the JSON of the content. `number` is the record's row; for a change (`kind`
    "household-change", "individual-change") it is the record's row too."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key.reveal()).encrypt(nonce, msgspec.json.encode(content), _bound(kind, number))


def open_identity(key: Secret, number: int, sealed: bytes | memoryview) -> Identity:
    """A person's identity. Raises `SealBroken` when the key or the row is another's."""
    return _opened(key, "individual", number, sealed, Identity)


def open_dwelling(key: Secret, number: int, sealed: bytes | memoryview) -> Dwelling:
    """A household's address. Raises `SealBroken` when the key or the row is another's."""
    return _opened(key, "household", number, sealed, Dwelling)


def open_difference(key: Secret, kind: Kind, number: int, sealed: bytes | memoryview) -> Difference:
    """What a change replaced. Raises `SealBroken` when the key or the row is another's."""
    return _opened(key, kind, number, sealed, Difference)


def _opened(key: Secret, kind: Kind, number: int, sealed: bytes | memoryview, into: type[Content]) -> Content:
    whole = bytes(sealed)
    try:
        plain = AESGCM(key.reveal()).decrypt(whole[:12], whole[12:], _bound(kind, number))
    except (InvalidTag, ValueError) as error:
        raise SealBroken("A sealed record does not open under its key.") from error
    return msgspec.json.decode(plain, type=into)


def _bound(kind: Kind, number: int) -> bytes:
    return f"{kind} {number}".encode()
