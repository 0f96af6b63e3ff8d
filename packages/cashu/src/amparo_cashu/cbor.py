"""The CBOR that tokens and payment requests are made of (RFC 8949): whole numbers, byte and text strings, arrays, maps, and the
four simple values. Read with bounds, because these bytes come from strangers.

Own reader, not the library's: a library follows tags, shared references and lengths that a hostile text only claims, and has no
limit for depth. Here a length never exceeds what is there, nothing is nested deeper than `DEEPEST`, a map has each key once,
and everything else is refused. `undefined` is read as None. Writing is left to the library.
"""

from typing import Any

import cbor2

from amparo_cashu.errors import BadToken

DEEPEST = 16
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_BREAK = 0xFF
_ENDLESS = 31


def write_cbor(content: Any) -> bytes:
    """The content as CBOR, maps in their own order."""
    return bytes(cbor2.dumps(content))


def read_cbor(data: bytes) -> Any:
    """The one value that `data` holds. Raises `BadToken`."""
    reader = _Reader(data)
    value = reader.value(DEEPEST)
    if reader.place != len(data):
        raise BadToken("Something follows the content.")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def value(self, depth: int) -> Any:
        if not depth:
            raise BadToken("The content is nested too deeply.")
        kind, detail = divmod(self._take(1)[0], 32)
        if kind == 7:
            return self._simple(detail)
        endless = detail == _ENDLESS and 2 <= kind <= 5
        size = 0 if endless else self._argument(detail)
        match kind:
            case 0:
                return size
            case 1:
                return -1 - size
            case 2 | 3:
                content = self._chunks(kind) if endless else self._take(size)
                return content if kind == 2 else _text(content)
            case 4:
                return self._array(None if endless else size, depth - 1)
            case 5:
                return self._map(None if endless else size, depth - 1)
        raise BadToken("The content has a tag.")

    def _take(self, size: int) -> bytes:
        found = self._data[self.place : self.place + size]
        if len(found) != size:
            raise BadToken("The content is cut.")
        self.place += size
        return found

    def _argument(self, detail: int) -> int:
        if detail < 24:
            return detail
        if detail > 27:
            raise BadToken("The content is malformed.")
        return int.from_bytes(self._take(1 << (detail - 24)), "big")

    def _simple(self, detail: int) -> bool | None:
        if detail not in _SIMPLE:
            raise BadToken("The content has a value that no token has.")
        return _SIMPLE[detail]

    def _chunks(self, kind: int) -> bytes:
        parts = []
        while not self._ends():
            chunk_kind, detail = divmod(self._take(1)[0], 32)
            if chunk_kind != kind or detail == _ENDLESS:
                raise BadToken("The content is malformed.")
            parts.append(self._take(self._argument(detail)))
        return b"".join(parts)

    def _ends(self) -> bool:
        if self._data[self.place : self.place + 1] != bytes([_BREAK]):
            return False
        self.place += 1
        return True

    def _array(self, size: int | None, depth: int) -> list[Any]:
        found: list[Any] = []
        while len(found) != size if size is not None else not self._ends():
            found.append(self.value(depth))
        return found

    def _map(self, size: int | None, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while len(found) != size if size is not None else not self._ends():
            key = self.value(depth)
            if isinstance(key, bool) or not isinstance(key, str | int | bytes) or key in found:
                raise BadToken("A name in the content is malformed or stands twice.")
            found[key] = self.value(depth)
        return found


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadToken("A text in the content is not UTF-8.") from error
