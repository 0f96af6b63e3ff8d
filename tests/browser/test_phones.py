"""The newcomer's story in Debian's Chromium: a wallet and a till with the real services, each phone's camera seeing the other.

Aid is claimed with the office's code and its decision checked on the phone; a shop is paid with a connection and, after both plugs
are pulled and both pages opened anew, without one; a printed voucher pays a part and the phone the rest; a code that is shown
twice is refused; the sales are sent in and settled.
"""

import base64
import os
import struct
import zlib

import msgspec
import pypdfium2
from tests.browser.conftest import Browser
from tests.browser.phones_town import PhonesTown

from amparo.demo import phones
from amparo_wallet.vouchers import print_vouchers

STEPS = [
    "the wallet is begun",
    "the decision is checked on the phone",
    "the aid is taken",
    "the shop's till is begun",
    "paid with a connection, the shop first",
    "paid with a connection, the person first",
    "a paper voucher pays a part, and the phone the rest",
    "an amount is set aside for this shop",
    "both plugs are pulled, and it is paid again",
    "a code is shown twice, and refused the second time",
    "with a connection again the sales are sent in and settled",
    "the wallet is closed with a PIN, and opens with it alone",
]
DPI = 200


def test_a_newcomer_pays_with_and_without_a_connection_and_the_shop_is_settled(
    browser_rig: Browser, phones_town: PhonesTown
) -> None:
    sheet = phones_town.vouchers()
    paper = print_vouchers([sheet], contact="Amparo").pdf
    with phones.Bank(phones_town.stage):
        asked = msgspec.to_builtins(phones_town.ready) | {
            "chromium": browser_rig.chromium,
            "pictures": os.environ.get("AMPARO_PICTURES"),
            "voucher": {"picture": base64.b64encode(first_place(paper)).decode(), "amount": sheet.amounts[0]},
        }
        found = browser_rig.run("phones.mjs", asked, seconds=400)
    assert not found["faults"], "\n".join(found["faults"])
    assert [each["step"] for each in found["said"]] == STEPS


def first_place(pdf: bytes) -> bytes:
    """The first of the eight places of the first page as a camera sees it: a grey picture (PNG)."""
    document = pypdfium2.PdfDocument(pdf)
    grey = document[0].render(scale=DPI / 72, grayscale=True).to_numpy()
    document.close()
    height, width = grey.shape[0] // 4, grey.shape[1] // 2
    rows = b"".join(b"\0" + row[:width].tobytes() for row in grey[:height])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
