"""Chooses the crypto of a batch: the compiled C batch when it is there and fits, else plain Python.

`batch.library` is made from `batch.c` when the package is installed (`hatch_build.py`); it is not called `.so`, because Python
would take it for a module. It is used only if it carries the hash of the `batch.c` beside it and gives the known answer;
`AMPARO_SIGNER_PLAIN=1` leaves it out.
"""

import ctypes
import hashlib
import itertools
import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from amparo_cashu.curve import hash_to_curve
from amparo_signer.keymemory import DenominationKey
from amparo_signer.library import addresses
from amparo_signer.plain import POINT_BYTES, PlainEngine

_HERE = Path(__file__).parent
SIGNATURE_BYTES = 97
_NO_POINT = bytes(POINT_BYTES)


class Engine(Protocol):
    """What computes a batch. Both engines give the same bytes for the same question."""

    name: str

    def verify(
        self, keys: Sequence[DenominationKey], secrets: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[bytes]:
        """For each token its point Y (33 bytes) when its signature C is genuine under its key, b"" when not."""
        ...

    def sign(self, keys: Sequence[DenominationKey], blinded: Sequence[bytes]) -> list[bytes]:
        """For each output C_ (33) | e (32) | s (32), b"" when its B_ is no compressed point. Deterministic."""
        ...


def choose_engine(*, plain: bool = False, folder: Path = _HERE) -> Engine:
    """The fastest engine that works here; `plain`, or the variable AMPARO_SIGNER_PLAIN, forces the Python one. The C batch
    and its source are looked for in `folder`."""
    if plain or os.environ.get("AMPARO_SIGNER_PLAIN"):
        return PlainEngine()
    return load_batch(folder / "batch.library", folder / "batch.c") or PlainEngine()


class BatchEngine:
    """The C batch. Its calls run without Python's lock, so threads work at once."""

    name = "batch"

    def __init__(self, library: ctypes.CDLL) -> None:
        self._verify, self._sign = library.amparo_verify, library.amparo_sign
        self._verify.restype = self._sign.restype = None
        self._verify.argtypes = [
            *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p),
            *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p),
        ]
        self._sign.argtypes = [
            *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p),
            *(ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p),
        ]
        pointers = addresses()
        self._api = (ctypes.c_void_p * len(pointers))(*pointers)

    def verify(
        self, keys: Sequence[DenominationKey], secrets: Sequence[bytes], signatures: Sequence[bytes]
    ) -> list[bytes]:
        """For each token its point Y (33 bytes) when its signature C is genuine under its key, b"" when not."""
        count = len(keys)
        ends = array("Q", itertools.accumulate(map(len, secrets)))
        points, genuine = ctypes.create_string_buffer(POINT_BYTES * count), ctypes.create_string_buffer(count)
        where = _where(keys)
        self._verify(
            *(self._api, count, where.buffer_info()[0], b"".join(secrets)),
            *(ends.buffer_info()[0], _points(signatures), points, genuine),
        )
        return _cut(points.raw, POINT_BYTES, genuine.raw)

    def sign(self, keys: Sequence[DenominationKey], blinded: Sequence[bytes]) -> list[bytes]:
        """For each output C_ (33) | e (32) | s (32), b"" when its B_ is no compressed point. Deterministic."""
        count = len(keys)
        signatures, made = ctypes.create_string_buffer(SIGNATURE_BYTES * count), ctypes.create_string_buffer(count)
        where = _where(keys)
        self._sign(self._api, count, where.buffer_info()[0], _points(blinded), signatures, made)
        return _cut(signatures.raw, SIGNATURE_BYTES, made.raw)


def _where(keys: Sequence[DenominationKey]) -> "array[int]":
    # A pointer is an unsigned long on every Unix. The caller's reference to each key keeps its memory where it is.
    return array("L", [key.address for key in keys])


def _points(values: Sequence[bytes]) -> bytes:
    """The values one after the other; 33 zero bytes, which are no point, for one of another length."""
    return b"".join([value if len(value) == POINT_BYTES else _NO_POINT for value in values])


def _cut(values: bytes, size: int, good: bytes) -> list[bytes]:
    return [values[place * size : (place + 1) * size] if one else b"" for place, one in enumerate(good)]


def load_batch(path: Path, source: Path) -> BatchEngine | None:
    """The C batch, if the library is there, was made from `source`, and gives the answer that the plain engine gives."""
    try:
        library = ctypes.CDLL(str(path))
        made_from = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "amparo_batch_source")))
        if made_from.decode() != hashlib.sha256(source.read_bytes()).hexdigest():
            return None
    except (OSError, ValueError, AttributeError):
        return None
    engine = BatchEngine(library)
    return engine if _gives_known_answers(engine) else None


def _gives_known_answers(engine: Engine) -> bool:
    key, plain = DenominationKey(bytes(31) + b"\x02"), PlainEngine()
    point = hash_to_curve(b"known").format()
    (signature,) = plain.sign([key], [point])
    # k*Y is both what is signed for an unblinded output Y and what a token's C must be.
    answers = engine.sign([key] * 2, [point, _NO_POINT])
    answers += engine.verify([key] * 2, [b"known", b"other"], [signature[:POINT_BYTES]] * 2)
    return answers == [signature, b"", point, b""]
