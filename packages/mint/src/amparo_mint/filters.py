"""The published filters of spent tokens, one edition a day and keyset: files, so that a restart publishes no second edition."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from amparo_cashu.errors import FilterMalformed, KeysetUnknown
from amparo_cashu.spent_filter import SpentFilter
from amparo_service.keys import replace_file


class _Edition(msgspec.Struct, frozen=True):
    """A file as last read: which one it was, its day, and its bytes, which all answers share."""

    stamp: tuple[int, int]
    day: int
    data: bytes


class Filters:
    """The editions in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Edition] = {}

    def has(self, keyset: str, day: int) -> bool:
        """Whether this day's edition of a keyset is there."""
        found = self._find(keyset)
        return found is not None and found.day == day

    def keep(self, keyset: str, edition: bytes) -> None:
        """Publish an edition instead of the one before."""
        replace_file(self._path(keyset), edition)

    def read(self, keyset: str, known: Iterable[str]) -> bytes:
        """The present edition of one of the known keysets. Raises `KeysetUnknown`."""
        found = self._find(keyset) if keyset in set(known) else None
        if found is None:
            raise KeysetUnknown("There is no filter of this keyset.")
        return found.data

    def drop_others(self, known: Iterable[str]) -> None:
        """Remove the editions of keysets that are closed."""
        names = {self._path(keyset).name for keyset in known}
        for path in self._folder.glob("*.filter"):
            if path.name not in names:
                path.unlink(missing_ok=True)
                self._known.pop(path.stem, None)

    def _find(self, keyset: str) -> _Edition | None:
        """The present edition, opened again only when it is another file; a damaged one is none."""
        path = self._path(keyset)
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            found = self._known.get(keyset)
            if found is None or found.stamp != stamp:
                data = path.read_bytes()
                found = self._known[keyset] = _Edition(stamp, SpentFilter(data).day, data)
        except (OSError, FilterMalformed):
            return None
        return found

    def _path(self, keyset: str) -> Path:
        return self._folder / f"{keyset}.filter"
