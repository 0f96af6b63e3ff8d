"""Sealing keys: what the seeds on disk are encrypted with. Each seal has a mark, which every sealed file names.

The default key lies beside the seeds (`seal-key.bin`). LIMIT: it then protects against a leaked single file, not against
somebody who can read the folder; `--seal-key` and `--pkcs11` keep it elsewhere.
"""

import hashlib
import secrets
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amparo_common.secret import Secret
from amparo_signer.errors import SealKeyMissing, SealKeyUnusable, SeedDamaged
from amparo_signer.files import write_new

KEY_BYTES = 32
NONCE_BYTES = 12
DEFAULT_KEY = "seal-key.bin"


class Seal(Protocol):
    """Encrypts and opens with one key, AES-256-GCM. `mark` tells this key from another and nothing about it."""

    mark: str

    def close_up(self, content: bytes, associated: bytes) -> bytes:
        """`content` sealed, bound to `associated`."""
        ...

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """The content again. Raises `SeedDamaged` when anything differs."""
        ...


class KeySeal:
    """A seal whose key is in this process."""

    def __init__(self, key: Secret) -> None:
        self._cipher = AESGCM(key.reveal())
        self.mark = hashlib.sha256(b"amparo sealing key" + key.reveal()).hexdigest()[:16]

    def close_up(self, content: bytes, associated: bytes) -> bytes:
        """Nonce, then ciphertext and tag."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """The content. Raises `SeedDamaged`."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
        except (InvalidTag, ValueError) as error:
            raise SeedDamaged("A seed cannot be opened.") from error


def seal_from_file(path: Path) -> KeySeal:
    """The seal of a key file: 32 bytes, or 64 hex digits. Never makes one. Raises `SealKeyUnusable`."""
    try:
        content, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise SealKeyUnusable("The sealing key's file cannot be read.") from error
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SealKeyUnusable("Every user of this machine can read or change the sealing key's file.")
    return KeySeal(Secret(_key_of(content)))


def _key_of(content: bytes) -> bytes:
    if len(content) == KEY_BYTES:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError as error:
        raise SealKeyUnusable("The sealing key's file holds no key.") from error
    if len(key) != KEY_BYTES:
        raise SealKeyUnusable("The sealing key's file holds no key of 32 bytes.")
    return key


def default_seal(folder: Path, *, in_use: bool) -> KeySeal:
    """The seal of `seal-key.bin`, made on first use. Raises `SealKeyMissing` when seeds are there (`in_use`) and it
    is not, `SealKeyUnusable`, `CannotKeep`."""
    path = folder / DEFAULT_KEY
    if not path.exists():
        if in_use:
            raise SealKeyMissing(f"{DEFAULT_KEY} is not in the signer's folder.")
        write_new(path, secrets.token_bytes(KEY_BYTES))
    return seal_from_file(path)


def default_mark(folder: Path) -> str | None:
    """The mark of the folder's own `seal-key.bin`, None when there is none. Raises `SealKeyUnusable`."""
    path = folder / DEFAULT_KEY
    return seal_from_file(path).mark if path.exists() else None
