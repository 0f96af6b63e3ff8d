"""A compact published filter of spent tokens, with which a till without a network catches codes that were used before.

**What is in it.** For every spent token of one keyset an item of 8 bytes: the beginning of SHA-256 over a fixed text, the keyset's
id and the token's point Y (`filter_item`). Whoever holds a token can compute its item; nobody can go back from an item to a token,
because Y comes from a secret of 256 random bits. So the filter tells a token's holders that it was spent, and since which
edition, which NUT-07 tells them at any time; it lets nobody list tokens, and it spares tills a question that the mint would see.
It also shows how many tokens were spent (the mint publishes that figure anyhow), so it is made on a fixed calendar, for whole
keysets, never on request. A copy of a filter outlives the mint's own table.

**What the mint must store.** Its table of spent tokens holds keyed hashes (h16), from which no item can be made afterwards. The
item is therefore made when the token is spent. It costs nothing to store if the 16 bytes become item (8) + first 8 bytes of the
keyed hash: two honest tokens still collide with chance 2^-128, nobody without the database's key can aim for the second half, and
whoever steals the table learns no more of it than the filter tells everybody. Stored beside h16 it costs 8 bytes a token.

**Form.** A Golomb-coded set (as in BIP 158): items become numbers below count * 2^`bits`, sorted, and the differences are written
in Rice code. About `bits` + 1.7 bits a token; a token that was never spent is taken for spent with chance 2^-`bits`. At the 20 bits
used here a binary fuse filter is as large (1.075 * 20), and building one takes retries. The numbers stand in buckets of about
`_BUCKET`, each with its place in front, so that a look-up decodes one bucket. Equal sets give equal bytes. Not here: signing and
publishing; a till takes filters that the log names.
"""

import functools
import hashlib
import struct
from collections.abc import Iterator
from itertools import pairwise

from amparo_cashu.errors import FilterMalformed

ITEM_BYTES = 8
LONGEST = 2**30
LONGEST_BUCKET = 2**20
_DOMAIN = b"Amparo_spent_filter_v1"
_MAGIC = b"AMSF"
_VERSION = 1
_BUCKET = 512
# magic, version, bits, keyset id, day of the edition, items, buckets; then each bucket's place
_HEAD = struct.Struct(">4sBB33sIQI")
_PLACE_BYTES = 4
_ITEM = struct.Struct(">Q")


def filter_item(keyset: str, point: bytes) -> bytes:
    """The item of a token: `keyset` is its id (66 digits), `point` its Y (33 bytes, compressed)."""
    state = _keyset_state(keyset).copy()
    state.update(point)
    return state.digest()[:ITEM_BYTES]


@functools.lru_cache(maxsize=64)
def _keyset_state(keyset: str) -> "hashlib._Hash":
    # A copy of it is cheaper than to hash domain and keyset again for every token.
    return hashlib.sha256(_DOMAIN + bytes.fromhex(keyset))


def build_filter(items: bytes | bytearray, *, keyset: str, day: int, bits: int = 20) -> bytes:
    """The filter of items that stand one after the other, ascending; a repetition counts once. `day` is the edition, in days since
    1970: no finer time is published. Beside `items` it holds the filter itself and one bucket. Raises `FilterMalformed`."""
    if not 1 <= bits <= 32:
        raise FilterMalformed("A filter has 1 to 32 bits.")
    if len(items) % ITEM_BYTES:
        raise FilterMalformed(f"An item of a filter has {ITEM_BYTES} bytes.")
    count = sum(1 for _ in _distinct(items))
    buckets = -(-count // _BUCKET)
    width = _width(count, bits, buckets)
    coded = bytearray()
    places = bytearray()
    waiting: list[int] = []
    for value in _distinct(items):
        bucket, number = divmod(_reduce(value, count, bits), width)
        while len(places) // _PLACE_BYTES < bucket:
            places += len(coded).to_bytes(_PLACE_BYTES, "big")
            coded += _write_bucket(waiting, bits)
            waiting = []
        if not waiting or waiting[-1] != number:
            waiting.append(number)
    while len(places) // _PLACE_BYTES < buckets:
        places += len(coded).to_bytes(_PLACE_BYTES, "big")
        coded += _write_bucket(waiting, bits)
        waiting = []
    head = _HEAD.pack(_MAGIC, _VERSION, bits, bytes.fromhex(keyset), day, count, buckets)
    return b"".join([head, places, coded])


def _distinct(items: bytes | bytearray) -> Iterator[int]:
    last = -1
    for (value,) in _ITEM.iter_unpack(items):
        if value < last:
            raise FilterMalformed("The items of a filter are out of order.")
        if value != last:
            yield value
        last = value


def _reduce(value: int, count: int, bits: int) -> int:
    """A number of 64 bits as one below count * 2^bits, evenly."""
    return value * (count << bits) >> 64


def _width(count: int, bits: int, buckets: int) -> int:
    return -(-(count << bits) // buckets) if buckets else 1


def _write_bucket(numbers: list[int], bits: int) -> bytes:
    """Differences in Rice code: quotient as ones and a zero, remainder in `bits` bits; filled up with ones."""
    codes, last = [], 0
    for number in numbers:
        quotient, rest = divmod(number - last, 1 << bits)
        codes.append("1" * quotient + "0" + f"{rest:0{bits}b}")
        last = number
    text = "".join(codes)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big") if text else b""


def _read_bucket(code: bytes, bits: int) -> Iterator[int]:
    text = f"{int.from_bytes(code, 'big'):0{8 * len(code)}b}" if code else ""
    place = number = 0
    while (zero := text.find("0", place)) >= 0:
        rest = text[zero + 1 : zero + 1 + bits]
        if len(rest) != bits:
            raise FilterMalformed("A bucket of a filter is cut.")
        number += (zero - place << bits) + int(rest, 2)
        place = zero + 1 + bits
        yield number


class SpentFilter:
    """A published filter. `keyset`, `day` and `count` (spent tokens) are as published; `bits` is its precision."""

    def __init__(self, data: bytes) -> None:
        """Raises `FilterMalformed`."""
        if not _HEAD.size <= len(data) <= LONGEST:
            raise FilterMalformed("A filter is cut or too long.")
        head: tuple[bytes, int, int, bytes, int, int, int] = _HEAD.unpack_from(data)
        magic, version, self.bits, keyset, self.day, self.count, buckets = head
        start = _HEAD.size + _PLACE_BYTES * buckets
        if (magic, version) != (_MAGIC, _VERSION) or not 1 <= self.bits <= 32:
            raise FilterMalformed("A filter is of an unknown version.")
        if buckets != -(-self.count // _BUCKET) or start > len(data):
            raise FilterMalformed("A filter contradicts itself.")
        # Each item takes its bits and a zero, all quotients together are no more than the items, a bucket is filled up to a byte.
        # One with more in it than it says takes many good tokens for spent.
        if 8 * (len(data) - start) > (self.bits + 2) * self.count + 8 * buckets:
            raise FilterMalformed("A filter has more items than it says.")
        self.keyset = keyset.hex()
        self._data, self._start, self._buckets = data, start, buckets
        self._width = _width(self.count, self.bits, buckets)
        places = [self._place(bucket) for bucket in range(buckets + 1)]
        if places[0] != start or places[-1] != len(data):
            raise FilterMalformed("The buckets of a filter are out of order.")
        if not all(0 <= end - begin <= LONGEST_BUCKET for begin, end in pairwise(places)):
            raise FilterMalformed("A bucket of a filter has an impossible length.")

    def _place(self, bucket: int) -> int:
        if bucket == self._buckets:
            return len(self._data)
        at = _HEAD.size + _PLACE_BYTES * bucket
        return self._start + int.from_bytes(self._data[at : at + _PLACE_BYTES], "big")

    def has(self, item: bytes) -> bool:
        """Whether the token of this item was spent: never wrongly no, wrongly yes with chance 2^-`bits`. Raises
        `FilterMalformed` when the filter is damaged there."""
        if len(item) != ITEM_BYTES:
            raise FilterMalformed(f"An item of a filter has {ITEM_BYTES} bytes.")
        value = int.from_bytes(item, "big")
        if not self.count:
            return False
        number = _reduce(value, self.count, self.bits)
        bucket, wanted = divmod(number, self._width)
        code = self._data[self._place(bucket) : self._place(bucket + 1)]
        for found in _read_bucket(code, self.bits):
            if found >= wanted:
                return found == wanted
        return False
