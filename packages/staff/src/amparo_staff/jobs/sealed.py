"""Sealed files: AES-256-GCM in pieces of 64 KiB, so that a file of any size is written, read and sought without being held whole.

Each piece's nonce is its number and whether it is the last, so a piece that was changed, moved, dropped or added at the end is
seen. A key seals one file only.
"""

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from amparo_common.secret import Secret
from amparo_staff.errors import FileDamaged

PIECE = 64 * 1024
_TAG = 16
_SEALED = PIECE + _TAG


class SealedWriter:
    """Writes a sealed file; it is whole once `finish` has returned."""

    def __init__(self, path: Path, key: Secret) -> None:
        self._cipher = AESGCM(key.reveal())
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._held = bytearray()
        self._number = 0
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take some more bytes."""
        self._held += data
        self.size += len(data)
        while len(self._held) > PIECE:
            self._seal(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]
        return len(data)

    def finish(self) -> None:
        """Write the last piece and flush all to the disk."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Stop in the middle."""
        self._held.clear()
        self._file.close()

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), piece, None))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads a sealed file from any place. Raises `FileDamaged`. Wrap it in `io.BufferedReader`."""

    def __init__(self, path: Path, key: Secret) -> None:
        super().__init__()
        self._cipher = AESGCM(key.reveal())
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise FileDamaged("A file of this work cannot be read.") from error
        length = os.fstat(self._file.fileno()).st_size
        self._last = max(0, -(-length // _SEALED) - 1)
        self._size = length - _TAG * (self._last + 1)
        self._at = 0
        self._kept = (-1, b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Where it reads next."""
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override] # any writable buffer
        """Read up to a piece."""
        if self._at >= self._size:
            self._piece(self._last)  # a file cut short or an empty one is seen here
            return 0
        number, within = divmod(self._at, PIECE)
        part = self._piece(number)[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self._file.close()
        super().close()

    def _piece(self, number: int) -> bytes:
        if self._kept[0] != number:
            self._file.seek(number * _SEALED)
            sealed = self._file.read(_SEALED)
            try:
                opened = self._cipher.decrypt(_nonce(number, last=number == self._last), sealed, None)
            except InvalidTag as error:
                raise FileDamaged("A file of this work is damaged.") from error
            self._kept = (number, opened)
        return self._kept[1]


def pieces(path: Path, key: Secret) -> Iterator[bytes]:
    """The whole file, a piece at a time."""
    with SealedReader(path, key) as reader:
        while part := reader.read(PIECE):
            yield part


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack(">QI", number, int(last))
