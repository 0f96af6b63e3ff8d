"""The published filters of spent tokens, one edition a day and keyset: files, so that a restart publishes no second edition."""

from collections.abc import Iterable
from pathlib import Path

from amparo_cashu.errors import FilterMalformed, KeysetUnknown
from amparo_cashu.spent_filter import SpentFilter
from amparo_service.keys import replace_file


class Filters:
    """The editions in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, keyset: str, day: int) -> bool:
        """Whether this day's edition of a keyset is there."""
        try:
            return SpentFilter(self._path(keyset).read_bytes()).day == day
        except (OSError, FilterMalformed):
            return False

    def keep(self, keyset: str, edition: bytes) -> None:
        """Publish an edition instead of the one before."""
        replace_file(self._path(keyset), edition)

    def read(self, keyset: str, known: Iterable[str]) -> bytes:
        """The present edition of one of the known keysets. Raises `KeysetUnknown`."""
        if keyset not in set(known) or not self._path(keyset).exists():
            raise KeysetUnknown("There is no filter of this keyset.")
        return self._path(keyset).read_bytes()

    def drop_others(self, known: Iterable[str]) -> None:
        """Remove the editions of keysets that are closed."""
        names = {self._path(keyset).name for keyset in known}
        for path in self._folder.glob("*.filter"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    def _path(self, keyset: str) -> Path:
        return self._folder / f"{keyset}.filter"
