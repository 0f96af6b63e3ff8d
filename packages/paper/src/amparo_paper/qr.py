"""QR codes: made as one-bit PNG with one pixel a module, and read back from a grey picture (zxing-cpp)."""

import hashlib
import struct
import zlib
from typing import Any

import numpy as np
import zxingcpp

from amparo_paper.errors import CodeTooLong

QUIET_MODULES = 4
COLUMNS = 2


def make_qr(text: str, *, level: str, largest_version: int) -> tuple[bytes, int]:
    """A QR code as PNG and its width in modules, quiet zone included. Raises `CodeTooLong`."""
    framed = _framed(text, level=level, largest_version=largest_version)
    return _png(framed), int(framed.shape[0])


def make_pattern(columns: int, rows: int) -> bytes:
    """A pattern as PNG with one pixel a module, dark and light at random and always the same: in front of a code of the same
    grain it hides what shines through the paper."""
    words = -(-columns * rows // 256)
    noise = b"".join(hashlib.sha256(b"amparo pattern" + place.to_bytes(4, "big")).digest() for place in range(words))
    bits = np.unpackbits(np.frombuffer(noise, dtype=np.uint8))[: columns * rows]
    return _png(bits.reshape(rows, columns) > 0)


def draw_qr(text: str, *, level: str = "L", largest_version: int = 40) -> str:
    """A QR code in half blocks for a terminal that shows black on white, two rows of modules a line. Raises `CodeTooLong`."""
    light = _framed(text, level=level, largest_version=largest_version)
    if light.shape[0] % 2:
        light = np.vstack([light, np.ones((1, light.shape[1]), dtype=bool)])
    signs = {(True, True): " ", (False, False): "█", (False, True): "▀", (True, False): "▄"}
    return "\n".join(
        "".join(signs[bool(upper), bool(lower)] for upper, lower in zip(light[row], light[row + 1], strict=True))
        for row in range(0, light.shape[0], 2)
    )


def _framed(text: str, *, level: str, largest_version: int) -> "np.ndarray[Any, Any]":
    """The modules of a QR code with its quiet zone; True is light."""
    try:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    except ValueError as error:
        raise CodeTooLong("A text does not fit into any QR code.") from error
    modules = np.array(code.to_image(1, False, False)) > 0  # scale, text, quiet zone
    version = (modules.shape[0] - 17) // 4
    if version > largest_version:
        raise CodeTooLong(f"A code would have size {version}, the largest allowed here is {largest_version}.")
    return np.pad(modules, QUIET_MODULES, constant_values=True)


def _png(light: "np.ndarray[Any, Any]") -> bytes:
    height, width = light.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(light, axis=1))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def read_codes(picture: "np.ndarray[Any, Any]") -> list[str]:
    """The texts of all QR codes in a grey picture, row by row as on a sheet of two columns."""
    found = zxingcpp.read_barcodes(
        picture,
        formats=zxingcpp.barcode_formats_from_str("QRCode"),
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    downwards = sorted(found, key=lambda code: code.position.top_left.y)
    rows = (downwards[at : at + COLUMNS] for at in range(0, len(downwards), COLUMNS))
    return [code.text for row in rows for code in sorted(row, key=lambda code: code.position.top_left.x)]
