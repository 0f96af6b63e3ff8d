"""Comparing with another agency's list without names: each side encodes its records with a secret that both share.

A record becomes 1,024 bits (a keyed Bloom filter of the pieces of its name and birth date: CLK, Schnell and others 2011).
Alike records have alike bits. A file holds those bits in random order and nothing else: no name, no number, no reference of ours.
Records without a name or a year of birth are left out, so missing data never agree. Pure but for the order.

LIMIT: whoever has the secret, or guesses it, can test names against the file; and without it the commonest bits still tell which
names are the commonest (docs/operate/other-lists.md). PyPI's `clkhash` makes the same kind of file, but is held to `cryptography`
before 41, which has known faults; so these few lines are ours.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from random import Random

import msgspec
import numpy as np
from numpy.typing import NDArray

from amparo_common.secret import Secret
from amparo_office.duplicates.compared import Compared
from amparo_office.errors import OtherListRefused

FORM, VERSION, BITS, PLACES = "amparo-other-list", 1, 1024, 12
ALIKE = 0.82
MOST_RECORDS, LONGEST_LINE = 1_000_000, 400
_AT_ONCE = 4096

Bits = NDArray[np.uint8]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a file. `check` shows whether both sides used one secret."""

    form: str
    version: int
    bits: int
    check: str


def shared_secret(text: str) -> Secret:
    """The secret as the two agencies wrote it down: 64 hexadecimal digits. Raises `OtherListRefused`."""
    try:
        raw = bytes.fromhex(text.strip())
    except ValueError:
        raw = b""
    if len(raw) != 32 or len(set(raw)) < 8:
        raise OtherListRefused("The shared secret is not 32 random bytes.")
    return Secret(raw)


def encoded(person: Compared, secret: Secret) -> bytes | None:
    """The bits of a record; None when it says too little to be compared."""
    if not person.words or person.birth.year is None:
        return None
    bits = np.zeros(BITS, dtype=np.uint8)
    for piece in _pieces(person):
        said = hmac.digest(secret.reveal(), piece.encode(), hashlib.sha512)
        bits[np.frombuffer(said, dtype="<u2")[:PLACES] % BITS] = 1
    return np.packbits(bits).tobytes()


def _pieces(person: Compared) -> Iterator[str]:
    for word in person.words:
        padded = f"_{word}_"
        yield from (f"name {padded[place : place + 2]}" for place in range(len(padded) - 1))
    for code in person.sounds:
        yield from (f"sound {code} {turn}" for turn in range(3))
    parts = (("year", person.birth.year), ("month", person.birth.month), ("day", person.birth.day))
    for kind, value in parts:
        if value is not None:
            yield from (f"{kind} {value} {turn}" for turn in range(8))


def write(people: Iterable[Compared], secret: Secret, dice: Random) -> tuple[list[bytes], int]:
    """The lines of a file for the other agency, and how many records it has. `dice` gives their order, which nobody may guess."""
    rows = [bits for person in people if (bits := encoded(person, secret)) is not None]
    dice.shuffle(rows)
    head = msgspec.json.encode(Head(FORM, VERSION, BITS, _check(secret)))
    return [head + b"\n", *(base64.b64encode(bits) + b"\n" for bits in rows)], len(rows)


def read(lines: Iterable[bytes], secret: Secret) -> list[bytes]:
    """The bits of the records in another agency's file. Raises `OtherListRefused`."""
    found: list[bytes] = []
    for number, line in enumerate(lines):
        if len(line) > LONGEST_LINE or number > MOST_RECORDS:
            raise OtherListRefused("This is no encoded list.")
        if number == 0:
            _read_head(line, secret)
        else:
            found.append(_read_bits(line.strip()))
    if not found:
        raise OtherListRefused("This list is empty.")
    return found


def _read_head(line: bytes, secret: Secret) -> None:
    try:
        head = msgspec.json.decode(line, type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OtherListRefused("This is no encoded list.") from error
    if (head.form, head.version, head.bits) != (FORM, VERSION, BITS):
        raise OtherListRefused("This list is of another form.")
    if not hmac.compare_digest(head.check.encode(), _check(secret).encode()):
        raise OtherListRefused("This list was made with another secret.")


def _read_bits(line: bytes) -> bytes:
    try:
        bits = base64.b64decode(line, validate=True)
    except ValueError as error:
        raise OtherListRefused("This is no encoded list.") from error
    if len(bits) * 8 != BITS:
        raise OtherListRefused("This is no encoded list.")
    return bits


def _check(secret: Secret) -> str:
    return hmac.digest(secret.reveal(), b"check " + FORM.encode(), hashlib.sha256)[:8].hex()


def matching(people: Iterable[Compared], theirs: list[bytes], secret: Secret) -> list[int]:
    """The numbers of our records that are like one of theirs, in order."""
    ours = [(person.number, bits) for person in people if (bits := encoded(person, secret)) is not None]
    found: list[int] = []
    for start in range(0, len(ours), _AT_ONCE):
        part = ours[start : start + _AT_ONCE]
        alike = _alike([bits for _, bits in part], theirs)
        found += [number for (number, _), yes in zip(part, alike, strict=True) if yes]
    return sorted(found)


def _alike(ours: list[bytes], theirs: list[bytes]) -> list[bool]:
    """For each of ours whether one of theirs shares so many bits (Dice's coefficient)."""
    mine = _unpacked(ours)
    own = mine.sum(axis=1, keepdims=True)
    best = np.zeros(len(ours), dtype=np.float32)
    for start in range(0, len(theirs), _AT_ONCE):
        other = _unpacked(theirs[start : start + _AT_ONCE])
        shared = mine @ other.T
        best = np.maximum(best, (2 * shared / (own + other.sum(axis=1))).max(axis=1))
    return [bool(each >= ALIKE) for each in best]


def _unpacked(rows: list[bytes]) -> NDArray[np.float32]:
    packed = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), BITS // 8)
    return np.unpackbits(packed, axis=1).astype(np.float32)
