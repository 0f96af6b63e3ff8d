"""Bolt11 invoices that nobody can be paid with: only so that foreign wallets find an amount and a form they accept.

BOLT 11: bech32 of a time, tagged fields and a signature by a key made for each invoice.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence

from coincurve import PrivateKey

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_WORDS_OF_TIME, _TIME = 7, 1_790_000_000
_PART = {"": 100_000_000, "m": 100_000, "u": 100}


def write_invoice(amount: int) -> str:
    """An invoice for an amount in satoshi."""
    head = f"lnbc{amount * 10}n"
    data = [_TIME >> (5 * place) & 31 for place in reversed(range(_WORDS_OF_TIME))]
    data += _tag("p", _words(secrets.token_bytes(32))) + _tag("s", _words(secrets.token_bytes(32)))
    data += _tag("d", _words(b"practice"))
    key = PrivateKey(secrets.token_bytes(32))
    signature = key.sign_recoverable(hashlib.sha256(head.encode() + _octets(data)).digest(), hasher=None)
    return _bech32(head, data + _words(signature))


def amount_of(invoice: str) -> int:
    """The satoshi of an invoice; any author's. Raises `ValueError`."""
    found = re.match(r"ln(?:bc|tb|bcrt|tbs)(\d+)([munp]?)1", invoice)
    if found is None:
        raise ValueError("no invoice with an amount")
    number, unit = int(found[1]), found[2]
    amount, rest = divmod(number, {"n": 10, "p": 10_000}[unit]) if unit in ("n", "p") else (number * _PART[unit], 0)
    if rest:
        raise ValueError("the amount is not a whole number of satoshi")
    return amount


def _tag(letter: str, words: Sequence[int]) -> list[int]:
    return [_LETTERS.index(letter), len(words) >> 5, len(words) & 31, *words]


def _words(data: bytes) -> list[int]:
    """Bytes as numbers of 5 bits, filled with zeros."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[place : place + 5], 2) for place in range(0, len(bits), 5)]


def _octets(words: Sequence[int]) -> bytes:
    """The other way round, filled with zeros."""
    bits = "".join(f"{word:05b}" for word in words)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))


def _bech32(head: str, data: Sequence[int]) -> str:
    """BIP 173."""
    spread = [ord(each) >> 5 for each in head] + [0] + [ord(each) & 31 for each in head]
    check = _polymod([*spread, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    whole = [*data, *(check >> 5 * (5 - place) & 31 for place in range(6))]
    return f"{head}1" + "".join(_LETTERS[word] for word in whole)


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> place & 1 else 0
    return check
