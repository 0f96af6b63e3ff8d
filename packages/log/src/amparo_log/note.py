"""Signed notes (C2SP signed-note) with Ed25519 keys, and checkpoints (C2SP tlog-checkpoint).

A note is text ending in a newline, an empty line, and signature lines `— NAME BASE64(key hash || signature)`. The key hash is
the first 4 bytes of SHA-256(NAME || 0x0A || 0x01 || public key); a verifier key is written `NAME+HASH+BASE64(0x01 || key)`.
"""

import base64
import hashlib
from typing import final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from amparo_log.errors import BadNote

_ED25519 = b"\x01"
LARGEST_NOTE = 1_000_000


@final
class NoteVerifier:
    """One key that may sign notes, read from its vkey text."""

    def __init__(self, vkey: str) -> None:
        name, _, rest = vkey.partition("+")
        hashed, _, encoded = rest.partition("+")
        try:
            key = base64.b64decode(encoded, validate=True)
            if key[:1] != _ED25519 or len(key) != 33 or not _is_name(name):
                raise BadNote("The log's key is not an Ed25519 vkey.")
            self._key = Ed25519PublicKey.from_public_bytes(key[1:])
        except ValueError as error:
            raise BadNote("The log's key cannot be read.") from error
        self.name = name
        self.vkey = vkey
        self.key_hash = _key_hash(name, key)
        if self.key_hash.hex() != hashed:
            raise BadNote("The log's key does not match its own key hash.")

    def verify(self, note: str) -> str:
        """The text of a note that carries this key's signature; other signatures are ignored. Raises `BadNote`."""
        if len(note) > LARGEST_NOTE:
            raise BadNote("The note is too large.")
        text, blank, signatures = note.rpartition("\n\n")
        text += "\n"
        if not blank or not signatures.endswith("\n"):
            raise BadNote("The note has no signature block.")
        for line in signatures[:-1].split("\n"):
            if self._is_signed_by(line, text):
                return text
        raise BadNote(f"The note is not signed by {self.name}.")

    def _is_signed_by(self, line: str, text: str) -> bool:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—":
            raise BadNote("A signature line is malformed.")
        try:
            data = base64.b64decode(parts[2], validate=True)
        except ValueError as error:
            raise BadNote("A signature line is malformed.") from error
        if parts[1] != self.name or data[:4] != self.key_hash:
            return False
        try:
            self._key.verify(data[4:], text.encode())
        except InvalidSignature as error:
            raise BadNote(f"The signature of {self.name} is not valid.") from error
        return True


@final
class NoteSigner:
    """Signs notes as `name` with an Ed25519 key given as its 32 secret bytes."""

    def __init__(self, name: str, seed: bytes) -> None:
        if not _is_name(name):
            raise BadNote("A log's name has no spaces and no plus sign.")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = _ED25519 + self._key.public_key().public_bytes_raw()
        self._hash = _key_hash(name, public)
        self.name = name
        self.vkey = f"{name}+{self._hash.hex()}+{base64.b64encode(public).decode()}"

    def sign(self, text: str) -> str:
        """`text` (ending in a newline) as a signed note."""
        signature = base64.b64encode(self._hash + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"


class Checkpoint(msgspec.Struct, frozen=True):
    """The head of a log: its origin, how many entries it has, and the tree's root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The checkpoint's body as tlog-checkpoint writes it."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def open_checkpoint(note: str, verifier: NoteVerifier) -> Checkpoint:
    """The checkpoint in a signed note. Raises `BadNote`."""
    lines = verifier.verify(note).split("\n")
    if len(lines) < 4 or lines[0] != verifier.name:
        raise BadNote("The checkpoint is of another log.")
    size = lines[1]
    if not (size.isascii() and size.isdigit()) or (size != "0" and size.startswith("0")) or len(size) > 18:
        raise BadNote("The checkpoint's size is malformed.")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except ValueError as error:
        raise BadNote("The checkpoint's root is malformed.") from error
    if len(root) != 32:
        raise BadNote("The checkpoint's root is malformed.")
    return Checkpoint(origin=lines[0], size=int(size), root=root)


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(sign.isspace() for sign in name)


def _key_hash(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
