"""Bech32 and Bech32m (BIP 173, 350) without their limit of 90 characters, as NUT-26 and NIP-19 use them.

Reading is bounded by `LONGEST`. The checksum finds up to three errors in any text this long only by chance: it guards against
slips of a scanner, not against strangers.
"""

from amparo_cashu.errors import BadToken

LONGEST = 8_192
BECH32 = 1
BECH32M = 0x2BC830A3
_CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_CHARACTERS)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


def encode(prefix: str, data: bytes, *, constant: int) -> str:
    """`data` as lower-case text under `prefix`. `constant` is `BECH32` or `BECH32M`."""
    values = _regroup(data, 8, 5, pad=True)
    checksum = _polymod([*_spread(prefix), *values, *[0] * _CHECKSUM]) ^ constant
    values += [checksum >> 5 * (_CHECKSUM - 1 - place) & 31 for place in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_CHARACTERS[value] for value in values)}"


def decode(text: str, prefix: str, *, constant: int) -> bytes:
    """The data of a text under `prefix`, all upper-case or all lower-case. Raises `BadToken`."""
    plain = text.lower()
    if len(text) > LONGEST or not text.isascii() or text not in (plain, text.upper()):
        raise BadToken("A text is too long or mixes upper and lower case.")
    start, _, rest = plain.rpartition("1")
    if start != prefix or len(rest) < _CHECKSUM or not set(rest) <= set(_CHARACTERS):
        raise BadToken(f"A text does not begin with {prefix}1 or has a character that it cannot have.")
    values = [_VALUES[character] for character in rest]
    if _polymod([*_spread(prefix), *values]) != constant:
        raise BadToken("A text has a wrong checksum.")
    return bytes(_regroup(values[:-_CHECKSUM], 5, 8, pad=False))


def _spread(prefix: str) -> list[int]:
    return [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= generator
    return check


def _regroup(values: list[int] | bytes, of: int, into: int, *, pad: bool) -> list[int]:
    """Groups of `of` bits as groups of `into` bits. Raises `BadToken` when bits are left over that no writer leaves."""
    held = bits = 0
    found = []
    for value in values:
        held = (held << of | value) & 0xFFF
        bits += of
        while bits >= into:
            bits -= into
            found.append(held >> bits & (1 << into) - 1)
    left = held & (1 << bits) - 1
    if pad and bits:
        found.append(left << into - bits)
    elif not pad and (bits >= of or left):
        raise BadToken("A text is not padded as its standard says.")
    return found
