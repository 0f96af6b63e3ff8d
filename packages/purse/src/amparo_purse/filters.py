"""The published filters of spent coins on a device: fetched while there is a connection, used without one.

Everybody fetches the same files, so fetching one tells the mint nothing about a coin. LIMIT: an edition is the mint's word, and no
older than it says: a mint that leaves coins out is found at the deposit, one that adds coins makes tills refuse good codes. It has
to know these coins: a filter that takes any coin for spent with more than a small chance is refused (`LEAST_BITS`).
"""

from collections.abc import Sequence
from pathlib import Path

from amparo_cashu.errors import FilterMalformed, KeysetUnknown
from amparo_cashu.spent_filter import SpentFilter
from amparo_purse.calendar import DAY, is_closed
from amparo_purse.purse import Purse
from amparo_service.errors import RemoteError
from amparo_service.keys import replace_file

# Mints publish 20: one good coin in a million is taken for spent.
LEAST_BITS = 16


class FilterShelf:
    """The editions in a folder of a device, one a keyset."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def at_hand(self) -> list[SpentFilter]:
        """The editions that are here; a damaged one is left out."""
        found = [_read(path.read_bytes()) for path in sorted(self._folder.glob("*.filter"))]
        return [each for each in found if each is not None]

    def fetch(self, purse: Purse) -> int:
        """Fetch today's edition of every keyset of the public log that is not here yet, and drop those of closed keysets;
        returns how many came. A keyset of which the mint has published none is left out. Raises `Unreachable`, `RemoteError`,
        `FilterMalformed` for an edition that is of another keyset, older than the one at hand, or coarse."""
        now = purse.now()
        wanted = [str(each.keyset) for _, each in purse.keys.fresh_log().keysets if not is_closed(each, now)]
        days = {each.keyset: each.day for each in self.at_hand()}
        self._drop_others(wanted)
        missing = [keyset for keyset in wanted if days.get(keyset, -1) < now // DAY]
        return sum(self._fetch_one(purse, keyset, newer_than=days.get(keyset, -1)) for keyset in missing)

    def _fetch_one(self, purse: Purse, keyset: str, *, newer_than: int) -> bool:
        try:
            data = purse.mint.get_bytes(f"/filters/spent/{keyset}")
        except RemoteError as error:
            if error.remote_code != str(KeysetUnknown.number):
                raise
            return False
        edition = _checked(data)
        if edition.keyset != keyset or edition.day < newer_than:
            raise FilterMalformed("The mint gave the filter of another keyset or day.")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self._folder / f"{keyset}.filter", data)
        return edition.day > newer_than

    def _drop_others(self, wanted: Sequence[str]) -> None:
        for path in self._folder.glob("*.filter"):
            if path.stem not in wanted:
                path.unlink(missing_ok=True)


def _checked(data: bytes) -> SpentFilter:
    found = SpentFilter(data)
    if found.bits < LEAST_BITS:
        raise FilterMalformed("A filter would take many good coins for spent.")
    return found


def _read(data: bytes) -> SpentFilter | None:
    try:
        return _checked(data)
    except FilterMalformed:
        return None
