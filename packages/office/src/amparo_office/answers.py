"""What the office answers about long work, for those who ask over HTTP. Knows nothing of the register."""

import hashlib

import msgspec


class ImportResult(msgspec.Struct, frozen=True):
    """What an import did: how many are new. `known` households of this source were there before. `already` says that the very same
    files had been imported; the numbers are then what is there of them."""

    households: int
    persons: int
    already: bool = False
    known: int = 0


class CardsPrinted(msgspec.Struct, frozen=True):
    """How many cards were printed, and how many of their codes were read back (all, or there is no file)."""

    cards: int
    read_back: int
    without_name: int


def content_hash(mapping: str, files: list[bytes]) -> str:
    """The identity of an import: its mapping and its files, byte for byte."""
    whole = hashlib.sha256(mapping.encode())
    for data in files:
        whole.update(b"\0" + hashlib.sha256(data).digest())
    return whole.hexdigest()
