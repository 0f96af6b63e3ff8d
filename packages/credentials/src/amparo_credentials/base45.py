"""Base45 (RFC 9285): bytes as the letters that a QR code packs best."""

from amparo_credentials.errors import CodeMalformed

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE = {sign: value for value, sign in enumerate(_ALPHABET)}
_PAIRS = [a + b for b in _ALPHABET for a in _ALPHABET]  # c + d * 45 -> two letters


def encode(data: bytes) -> str:
    """`data` as base45."""
    parts = []
    for at in range(0, len(data) - 1, 2):
        high, low = divmod(data[at] << 8 | data[at + 1], 2025)
        parts.append(_PAIRS[low] + _ALPHABET[high])
    if len(data) % 2:
        parts.append(_PAIRS[data[-1]])
    return "".join(parts)


def decode(text: str) -> bytes:
    """The reverse of `encode`. Raises `CodeMalformed`."""
    try:
        values = [_VALUE[sign] for sign in text]
    except KeyError as error:
        raise CodeMalformed("A sign does not belong to a card code.") from error
    out = bytearray()
    for at in range(0, len(values), 3):
        part = values[at : at + 3]
        number = sum(value * 45**place for place, value in enumerate(part))
        length = len(part) - 1
        if length == 0 or number >= 256**length:
            raise CodeMalformed("A card code is cut or changed.")
        out += number.to_bytes(length, "big")
    return bytes(out)
