"""NUT-16: a token too long for one QR code, as a series of codes (UR of the type `bytes`; BCR-2020-005, -012 and BCR-2024-001).

A message is cut into equal fragments. Part 1 to n hold one each; every later part holds the XOR of some, chosen by a generator
that sender and receiver share, so that any n parts or few more give the message, whichever a camera missed. `UrReader` solves
for the fragments by elimination: it keeps at most one row a fragment, whatever it is shown. The checksum (CRC-32) finds slips,
not forgeries: what comes out is read as any token from a stranger.
"""

import binascii
import hashlib
from collections.abc import Iterator

from amparo_cashu.cbor import read_cbor, write_cbor
from amparo_cashu.errors import BadToken

LONGEST_MESSAGE = 100_000
LONGEST_PART = 8_192
MOST_FRAGMENTS = 1_024
_PREFIX = "ur:bytes/"
_LAST_NUMBER = 2**32 - 1
# Bytewords: the first and last letter of each byte's word
_LETTERS = (
    "aeadaoaxaaahamatayasbkbdbnbtbabsbebybgbwbbbzcmchcscfcycwcecackct"
    "cxclcpcndkdadsdidedtdrdndwdpdmdldyeheyeoeeecenemetesftfrfnfsfmfh"
    "fzfpfwfxfyfefgflfdgagegrgsgtglgwgdgygmgughgohfhghdhkhthphhhlhyhe"
    "hnhsidiaieihiyioisinimjejzjnjtjljojsjpjkjykpkoktkskkknkgkekikblb"
    "lalylflslrlplnltloldlelulklgmnmymhmemomumwmdmtmsmknlnyndnsntnnne"
    "nboyoeotoxonolospdptpkpypspmplpepfpaprqdqzrerprlrorhrdrkrfryrnrs"
    "rtsesasrssskswstspsosgsbsfsntotktitttdtetytltbtstptatnuyuoutueur"
    "vtvyvovlvevwvavdvswlwdwmwpwewywswtwnwzwfwkykynylyaytzszoztzczezm"
)
_PAIRS = [_LETTERS[2 * byte : 2 * byte + 2] for byte in range(256)]
_BYTES = {pair: byte for byte, pair in enumerate(_PAIRS)}


def _write_words(data: bytes) -> str:
    checked = data + binascii.crc32(data).to_bytes(4, "big")
    return "".join(_PAIRS[byte] for byte in checked)


def _read_words(text: str) -> bytes:
    try:
        data = bytes(_BYTES[text[place : place + 2]] for place in range(0, len(text), 2))
    except KeyError as error:
        raise BadToken("A part of a message has letters that no part has.") from error
    if len(data) < 5 or binascii.crc32(data[:-4]).to_bytes(4, "big") != data[-4:]:
        raise BadToken("A part of a message has a wrong checksum.")
    return data[:-4]


class UrWriter:
    """A message as parts. `longest` is the greatest length of a fragment in bytes: a part has about twice as many letters and
    60 more. Raises `BadToken` for an empty or too long message."""

    def __init__(self, content: bytes, *, longest: int = 200) -> None:
        self._message = write_cbor(content)
        if not content or len(self._message) > LONGEST_MESSAGE:
            raise BadToken("A message of this length is not shown as a series of codes.")
        size = _fragment_length(len(self._message), longest)
        self._fragments = [self._message[at : at + size] for at in range(0, len(self._message), size)]
        self._fragments[-1] = self._fragments[-1].ljust(size, b"\x00")
        self._checksum = binascii.crc32(self._message)
        self._chooser = _Chooser(self.count, self._checksum)

    @property
    def count(self) -> int:
        """How many parts give the message when none is missed."""
        return len(self._fragments)

    def part(self, number: int) -> str:
        """Part `number`, from 1, without end: show them one after the other, in capitals. A message of one fragment has one
        part only."""
        if self.count == 1:
            return _PREFIX + _write_words(self._message)
        mixed = 0
        for index in self._chooser.indexes(number):
            mixed ^= int.from_bytes(self._fragments[index], "big")
        data = mixed.to_bytes(len(self._fragments[0]), "big")
        content = [number, self.count, len(self._message), self._checksum, data]
        return f"{_PREFIX}{number}-{self.count}/{_write_words(write_cbor(content))}"


class UrReader:
    """Collects parts in any order until the message is complete. Bounded: at most `MOST_FRAGMENTS` rows of one fragment."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self._head: tuple[int, int, int, int] | None = None
        self._chooser: _Chooser | None = None
        # lowest fragment of a row -> which fragments are mixed in it (one bit each), and their XOR
        self._rows: dict[int, tuple[int, int]] = {}

    @property
    def progress(self) -> float:
        """The share of the message that is known, 0 to 1."""
        if self.content is not None:
            return 1.0
        return len(self._rows) / self._head[0] if self._head else 0.0

    def take(self, part: str) -> None:
        """One part that was scanned. Sets `content` when the message is complete. Raises `BadToken` for what is no part, or is
        a part of another message; what was collected stays."""
        text = part.strip().lower()
        if len(text) > LONGEST_PART or not text.startswith(_PREFIX):
            raise BadToken("This is not a part of a message.")
        sequence, _, words = text.removeprefix(_PREFIX).rpartition("/")
        data = _read_words(words)
        if self.content is not None:
            return
        if not sequence:
            self.content = _content(data)
            return
        number, head, fragment = _read_part(data)
        if sequence != f"{number}-{head[0]}":
            raise BadToken("A part of a message contradicts itself.")
        if self._head not in (None, head):
            raise BadToken("A part belongs to another message.")
        if self._chooser is None:
            self._head, self._chooser = head, _Chooser(head[0], head[2])
        self._add(sum(1 << index for index in self._chooser.indexes(number)), int.from_bytes(fragment, "big"))
        if len(self._rows) == head[0]:
            self._solve(head)

    def _add(self, mask: int, value: int) -> None:
        while mask:
            lowest = mask & -mask
            if lowest not in self._rows:
                self._rows[lowest] = (mask, value)
                return
            other, known = self._rows[lowest]
            mask, value = mask ^ other, value ^ known

    def _solve(self, head: tuple[int, int, int, int]) -> None:
        count, length, checksum, size = head
        solved: dict[int, int] = {}
        for lowest in sorted(self._rows, reverse=True):
            mask, value = self._rows[lowest]
            for each in _bits(mask ^ lowest):
                value ^= solved[each]
            solved[lowest] = value
        message = b"".join(solved[1 << index].to_bytes(size, "big") for index in range(count))[:length]
        if binascii.crc32(message) != checksum:
            self._head, self._chooser, self._rows = None, None, {}
            raise BadToken("The parts of a message do not fit together; begin again.")
        self.content = _content(message)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest
        mask ^= lowest


def _content(message: bytes) -> bytes:
    content = read_cbor(message)
    if not isinstance(content, bytes):
        raise BadToken("A message is not a byte string.")
    return content


def _read_part(data: bytes) -> tuple[int, tuple[int, int, int, int], bytes]:
    """Number; count, message length, checksum and fragment length; fragment."""
    match read_cbor(data):
        case [int(number), int(count), int(length), int(checksum), bytes(fragment)]:
            head = (count, length, checksum, len(fragment))
        case _:
            raise BadToken("A part of a message is malformed.")
    if not (1 <= number <= _LAST_NUMBER and 1 <= count <= MOST_FRAGMENTS and 0 <= checksum <= _LAST_NUMBER):
        raise BadToken("A part of a message is malformed.")
    if not fragment or not 0 < length <= LONGEST_MESSAGE or count != -(-length // len(fragment)):
        raise BadToken("A part of a message is malformed.")
    return number, head, fragment


def _fragment_length(length: int, longest: int) -> int:
    """The length of equal fragments, none longer than `longest`, as the standard's writer chooses it."""
    for count in range(1, MOST_FRAGMENTS + 1):
        size = -(-length // count)
        if size <= longest:
            return size
    raise BadToken("A message is too long for fragments of this length.")


class _Chooser:
    """Which fragments are mixed into a part: agreed by both sides from its number and the message's checksum."""

    def __init__(self, count: int, checksum: int) -> None:
        self._count, self._checksum = count, checksum
        self._chances, self._aliases = _alias_table(count)

    def indexes(self, number: int) -> list[int]:
        """The fragments of part `number`, from 0."""
        if number <= self._count:
            return [number - 1]
        draw = _draws(hashlib.sha256(number.to_bytes(4, "big") + self._checksum.to_bytes(4, "big")).digest())
        place = _index(next(draw), self._count)
        degree = (place if next(draw) < self._chances[place] else self._aliases[place]) + 1
        left = list(range(self._count))
        return [left.pop(_index(next(draw), len(left))) for _ in range(degree)]


def _index(draw: float, count: int) -> int:
    return min(int(draw * count), count - 1)


def _alias_table(count: int) -> tuple[list[float], list[int]]:
    """Walker's table for choosing 1 to `count` fragments with chances as 1 : 1/2 : 1/3 ... In the standard's order of steps:
    both sides must round alike."""
    total = 0.0
    for degree in range(1, count + 1):
        total += 1 / degree
    weights = [1 / degree * count / total for degree in range(1, count + 1)]
    small = [place for place in reversed(range(count)) if weights[place] < 1]
    large = [place for place in reversed(range(count)) if weights[place] >= 1]
    chances, aliases = [1.0] * count, [0] * count
    while small and large:
        less, more = small.pop(), large.pop()
        chances[less], aliases[less] = weights[less], more
        weights[more] += weights[less] - 1
        (small if weights[more] < 1 else large).append(more)
    return chances, aliases


def _draws(seed: bytes) -> Iterator[float]:
    """Numbers from 0 to 1 of the generator xoshiro256**, seeded with 32 bytes."""
    full = 2**64 - 1
    a, b, c, d = (int.from_bytes(seed[place : place + 8], "big") for place in range(0, 32, 8))
    while True:
        start = b * 5 & full
        yield ((start << 7 | start >> 57) * 9 & full) / 2**64
        shifted = b << 17 & full
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = (d << 45 | d >> 19) & full
