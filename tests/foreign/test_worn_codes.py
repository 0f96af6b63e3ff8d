"""Every code that Amparo prints or shows, photographed in a bad way and read by machine: turned, leaned away, out of focus, in
noise and shade. Read twice: by the reader that checks our sheets, and by the one in the phones.

The limits below are what must always be read, at 720 pixels with the paper on 60 % of the width. Beyond them a code may still be
read; the last test says where none is, so that this one can fail.
"""

import json
import re
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from tests.foreign.photo import SIDE, Manner, photo
from tools import environments
from tools.environments import ROOT

from amparo_common.codes import random_code
from amparo_paper.sheet import Item, print_sheets
from amparo_purse.recovery import qr_text
from amparo_wallet.vouchers import Slip, print_slips, print_vouchers, voucher_sheet

PATIENCE_SECONDS = 300
READER = Path(__file__).parent / "readers" / "read_photos.mjs"
QR = zxingcpp.barcode_formats_from_str("QRCode")
FORMATS = ROOT / "docs" / "formats"
CARD = {
    "language": "es",
    "name": "Amina Yusuf",
    "other": "",
    "other_language": "ar",
    "number_label": "Tarjeta",
    "number": "0001 0002 0003",
    "until_label": "Hasta",
    "until": "2027-10-31",
    "warning": "Solo en la oficina.",
    "card_label": "Tarjeta",
    "open_label": "No para comprar.",
    "free": "Gratis.",
    "lost": "¿La perdió?",
}

LIMITS = {
    "turned": [Manner(angle=angle) for angle in range(0, 360, 15)],
    "leaned away": [Manner(angle=angle, tilt=20) for angle in range(10, 360, 60)],
    "out of focus": [Manner(angle=angle, blur=0.35) for angle in (0, 20, 45)],
    "in noise": [Manner(angle=angle, noise=20) for angle in (0, 20, 45)],
    "in shade": [Manner(angle=angle, shade=0.5) for angle in (0, 20, 45)],
    "all at once": [Manner(angle=angle, tilt=15, blur=0.25, noise=10, shade=0.3) for angle in range(7, 360, 45)],
}


def example(page: str, name: str) -> str:
    """An example of a published format."""
    found = re.search(rf"<!-- example: {name} -->\n```[^\n]*\n(.*?)\n```", (FORMATS / page).read_text(), re.DOTALL)
    assert found is not None, f"{page} has no example {name}"
    return found[1].strip()


def on_paper() -> dict[str, tuple[str, bytes]]:
    """What is printed: each kind's text and the PDF with it."""
    voucher, slip = example("voucher.md", "code"), Slip(sheet="482109375162", code=random_code())
    sheet = voucher_sheet([(voucher, 2048)], language="es", until=date(2027, 1, 31), number=slip.sheet)
    found = {
        "voucher": (voucher, print_vouchers([sheet], contact="555 0100").pdf),
        "slip": (slip.qr_text(), print_slips([slip], contact="555 0100").pdf),
    }
    for form in ("sealed", "open"):
        text = example("card-code.md", form)
        item = Item(code=text, words=CARD)
        found[f"{form} card"] = (text, print_sheets("card", [item], words={"title": "Amparo", "contact": ""}).pdf)
    return found


def on_screens() -> dict[str, str]:
    """What is shown, or printed by whoever has it: the recovery code, an enrolment code, a till's code, a frame of a payment."""
    return {
        "recovery code": qr_text("1234 " * 14),
        "enrolment code": random_code(),
        "till code": example("till-enrolment.md", "code"),
        "frame of a payment": f"UR:BYTES/3-5/{'LPADAHCFADZCCYFGHF' * 23}",
    }


def cut_out(pdf: bytes) -> tuple[Any, int]:
    """The code of a page as it is printed at 300 dpi, with the paper around it: a square of grey values, and its modules."""
    document = pypdfium2.PdfDocument(pdf)
    page = document[0].render(scale=300 / 72, grayscale=True).to_numpy()
    document.close()
    page = page.reshape(page.shape[:2])
    (code,) = zxingcpp.read_barcodes(page, QR)
    corner, width = code.position.top_left, code.position.top_right.x - code.position.top_left.x
    modules = zxingcpp.create_barcode(code.text, zxingcpp.BarcodeFormat.QRCode, ec_level=code.ec_level).to_image(
        1, False, False
    )
    count = np.array(modules).shape[0]
    quiet = round(4 * width / count)
    square = page[corner.y - quiet : corner.y + width + quiet, corner.x - quiet : corner.x + width + quiet]
    return square, count + 8


def drawn(text: str) -> tuple[Any, int]:
    """A code as a screen draws it: four pixels a module."""
    code = np.array(
        zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="L").to_image(1, False, False)
    )
    framed = np.pad(code, 4, constant_values=255)
    return np.kron(framed, np.ones((4, 4))), framed.shape[0]


@pytest.fixture(scope="module")
def codes() -> dict[str, tuple[str, Any, int]]:
    """Every kind: its text, a picture of it, and how many modules are across it."""
    printed = {kind: (text, *cut_out(pdf)) for kind, (text, pdf) in on_paper().items()}
    return printed | {kind: (text, *drawn(text)) for kind, text in on_screens().items()}


def by_office(pictures: list[Any]) -> list[str | None]:
    """What the reader of our sheets reads."""
    found = [zxingcpp.read_barcodes(each, QR) for each in pictures]
    return [each[0].text if each else None for each in found]


def by_phone(pictures: list[Any], node: Path, folder: Path) -> list[str | None]:
    """What the phones' reader reads."""
    environments.node().install(ROOT / "web")
    file = folder / "photos"
    file.write_bytes(b"".join(each.tobytes() for each in pictures))
    command = [str(node), str(READER), str(ROOT / "web"), str(file), str(SIDE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    read: list[str | None] = json.loads(done.stdout)
    return read


def unread(
    codes: dict[str, tuple[str, Any, int]], manners: list[Manner], read: Callable[[list[Any]], list[Any]]
) -> list[str]:
    """The kinds and manners in which a code is not read as what it says."""
    asked = [(kind, manner) for kind in codes for manner in manners]
    pictures = [photo(codes[kind][1], codes[kind][2], manner) for kind, manner in asked]
    answers = zip(asked, read(pictures), strict=True)
    return [f"{kind}, {manner}" for (kind, manner), text in answers if text != codes[kind][0]]


@pytest.mark.parametrize("how", LIMITS)
def test_every_code_is_read_by_the_office(codes: dict[str, tuple[str, Any, int]], how: str) -> None:
    assert unread(codes, LIMITS[how], by_office) == []


def test_every_code_is_read_by_the_phones(codes: dict[str, tuple[str, Any, int]], node: Path, tmp_path: Path) -> None:
    manners = [manner for each in LIMITS.values() for manner in each[::2]]
    assert unread(codes, manners, lambda pictures: by_phone(pictures, node, tmp_path)) == []


def test_far_beyond_the_limits_nothing_is_read_and_nothing_is_read_wrongly(
    codes: dict[str, tuple[str, Any, int]], node: Path, tmp_path: Path
) -> None:
    bad = [Manner(angle=20, blur=1.2), Manner(angle=20, noise=120, blur=0.5), Manner(tilt=75)]
    pictures = [photo(picture, modules, manner) for _, picture, modules in codes.values() for manner in bad]
    assert set(by_office(pictures) + by_phone(pictures, node, tmp_path)) == {None}
