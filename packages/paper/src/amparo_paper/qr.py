"""QR codes: made as one-bit PNG with one pixel a module, and read back from a grey picture (zxing-cpp)."""

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
    try:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    except ValueError as error:
        raise CodeTooLong("A text does not fit into any QR code.") from error
    modules = np.array(code.to_image(1, False, False)) > 0  # scale, text, quiet zone
    version = (modules.shape[0] - 17) // 4
    if version > largest_version:
        raise CodeTooLong(f"A code would have size {version}, the largest allowed here is {largest_version}.")
    framed = np.pad(modules, QUIET_MODULES, constant_values=True)
    return _png(framed), int(framed.shape[0])


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
