"""Bundles of entries as they are sent to whoever takes gzip (RFC 9110, section 8.4.1.3): text that packs to a fifth.

The same bundle gives the same bytes. Every phone asks for the same few, so the last ones are kept. Not here: hashes, which do not
pack.
"""

import gzip
import re
import threading
from collections import OrderedDict
from collections.abc import Callable

# The hardest level, 9, takes half as long again for two hundredths less.
_LEVEL = 6
_REFUSED = re.compile(r"q=0(\.0{0,3})?")


class PackedBundles:
    """Packs bundles and keeps those asked for last, `room` bytes of them at most: a bundle of so many entries never changes. Any
    number of threads may ask."""

    def __init__(self, room: int = 32 * 1024 * 1024) -> None:
        self._room = room
        # Both are read and changed under the lock only.
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def packed(self, index: int, width: int, read: Callable[[], bytes]) -> bytes:
        """The bundle `index` with its first `width` entries, packed; `read` gives its plain bytes where it is not kept. Raises what
        `read` raises."""
        key = (index, width)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = gzip.compress(read(), compresslevel=_LEVEL, mtime=0)
        with self._lock:
            self._size += len(made) - len(self._kept.pop(key, b""))
            self._kept[key] = made
            while self._size > self._room:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest)
        return made


def takes_gzip(accepted: str) -> bool:
    """Whether the value of an Accept-Encoding header names gzip, and not as refused (`gzip;q=0`). `*` is not enough: plain bytes
    suit everybody."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.replace(" ", "").partition(";")
        if coding == "gzip":
            return _REFUSED.fullmatch(weight) is None
    return False
