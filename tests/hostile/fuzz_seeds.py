"""What the fuzz targets share: what a target is, and the texts of the official vectors, with which many of them begin."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]


class Target(msgspec.Struct, frozen=True):
    """A reader of strangers' bytes, and good examples of what it reads."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


def text_of(data: bytes) -> str:
    """Any bytes as a text, also one that is no valid Unicode."""
    return data.decode("utf-8", errors="surrogateescape")


def vector_texts(*names: str) -> Iterator[str]:
    """Every text of the official vectors in these files."""
    for name in names:
        found = msgspec.json.decode((ROOT / "vectors" / "cashu" / f"{name}.json").read_bytes())
        yield from _texts([found["vectors"], found.get("uris"), found.get("proof")])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def beginning(prefix: str, *names: str) -> Iterator[str]:
    """The texts of the vectors that begin so, in whichever case."""
    return (text for text in vector_texts(*names) if text.lower().startswith(prefix.lower()))
