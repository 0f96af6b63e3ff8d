"""Tile addresses and contents (C2SP tlog-tiles), shared by the server and the client."""

import struct
from collections.abc import Iterable

from amparo_log.errors import BadEntry, EntryTooLarge

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
LARGEST_ENTRY = 65_535


def tile_path(level: int | str, index: int, *, width: int = TILE_WIDTH) -> str:
    """`tile/L/N[.p/W]`: N in groups of three digits, all but the last prefixed with x. `level` may be "entries"."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def parse_index(groups: str) -> int | None:
    """The tile number in `x001/x234/067`, or None when it is not written as `tile_path` writes it."""
    parts = groups.split("/")
    digits = [part[1:] if number < len(parts) - 1 else part for number, part in enumerate(parts)]
    prefixed = all(part.startswith("x") for part in parts[:-1])
    if not prefixed or any(len(d) != 3 or not d.isascii() or not d.isdigit() for d in digits) or len(parts) > 5:
        return None
    index = int("".join(digits))
    # The one spelling only: no leading zero groups.
    return index if tile_path("0", index).split("/", 2)[2] == groups else None


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry after its big-endian 16-bit length. Raises `EntryTooLarge`."""
    parts = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise EntryTooLarge("A log entry is too large.")
        parts.append(struct.pack(">H", len(entry)) + entry)
    return b"".join(parts)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """The reverse of `pack_entries`. Raises `BadEntry`."""
    entries, at = [], 0
    while at < len(bundle):
        if at + 2 > len(bundle):
            raise BadEntry("An entry bundle ends in the middle.")
        (length,) = struct.unpack_from(">H", bundle, at)
        at += 2
        if at + length > len(bundle):
            raise BadEntry("An entry bundle ends in the middle.")
        entries.append(bundle[at : at + length])
        at += length
    return entries
