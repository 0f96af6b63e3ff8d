"""Printed sheets, read by a renderer of the test's own: every code is there, in its place, and says what it should."""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_paper import sheet
from amparo_paper.errors import CodeNotReadable, CodeTooLong, NothingToPrint
from amparo_paper.qr import QUIET_MODULES, make_qr
from amparo_paper.sheet import PER_PAGE, Item, Layout, Sheets, print_sheets

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
WORDS = {"title": "Amparo", "contact": "amparo.example - 555 0100"}
CARD = {
    "language": "eng",
    "name": "Amina Yusuf Al-Khatib",
    "other": "أمينة يوسف الخطيب",
    "other_language": "ar",
    "number_label": "Card",
    "until_label": "Valid until",
    "until": "2027-10-31",
    "warning": "This code shows who you are. Open it only where you are asked by name.",
    "card_label": "Identity card",
    "open_label": "Open here",
    "free": "This card is free.",
    "lost": "Lost it? Any office gives you a new one; you lose no aid.",
}
VOUCHER = {
    "language": "es",
    "label": "Alimentos",
    "amount": "10.50",
    "until_label": "Válido hasta",
    "until": "2026-12-31",
    "free": "Este vale es gratuito.",
}
OUTSIDE = {
    "sheet_label": "Hoja de vales",
    "sheet": "4821 0937 5162",
    "part": "1 / 2",
    "give": "Entréguela cerrada.",
    "closed": "¿Llegó abierta?",
    "lost": "¿La perdió?",
}
HOW_TO_USE = {
    "use_title": "Cómo usar los vales",
    "use_cut": "Corte uno.",
    "use_pay": "Déjelo en la tienda.",
    "use_keep": "Guarde los demás.",
    "use_hide": "Sin fotografías.",
}
SLIP = {
    "language": "es",
    "slip_label": "Papel de reposición",
    "sheet_label": "Hoja de vales",
    "sheet": "4821 0937 5162",
    "keep_apart": "Guárdelo en casa.",
    "slip_lost": "¿Perdió los vales?",
    "slip_closed": "¿Llegó abierto?",
}
LAYOUTS: dict[Layout, dict[str, str]] = {"card": CARD, "voucher": VOUCHER | OUTSIDE | HOW_TO_USE, "slip": SLIP}


def item(layout: Layout, number: int, length: int) -> Item:
    """A card or voucher with a code of its own that looks like the real ones."""
    code = "".join(BASE45[(number * 7 + at * at * 3 + at) % 45] for at in range(length))
    words = LAYOUTS[layout] | {"number": f"{number:04d}"}
    return Item(code=f"{number:04d}{code}", words=words)


def items(layout: Layout, count: int, *, length: int = 300) -> list[Item]:
    return [item(layout, number, length) for number in range(count)]


def printed(layout: Layout, content: list[Item], **words: str) -> Sheets:
    return print_sheets(layout, content, words=WORDS | words)


def read_pages(pdf: bytes, *, dpi: int = 180) -> list[list[str]]:
    """Every page's codes, row by row: rendered and read here, not by the code under test."""
    document = pypdfium2.PdfDocument(pdf)
    pages = [_read_page(page.render(scale=dpi / 72, rev_byteorder=True).to_numpy()[:, :, :3]) for page in document]
    document.close()
    return pages


def _read_page(picture: Any) -> list[str]:
    found = zxingcpp.read_barcodes(np.ascontiguousarray(picture), zxingcpp.barcode_formats_from_str("QRCode"))
    found.sort(key=lambda code: code.position.top_left.y)
    texts = []
    for at in range(0, len(found), 2):
        row = sorted(found[at : at + 2], key=lambda code: code.position.top_left.x)
        assert [code.position.top_left.x * 2 // picture.shape[1] for code in row] == [0, 1][: len(row)]
        heights = [code.position.top_left.y for code in row]
        assert max(heights) - min(heights) < picture.shape[0] / 50
        texts += [code.text for code in row]
    return texts


def in_place(content: list[Item]) -> list[str]:
    """The codes in the order in which they should stand on a page."""
    return [each.code for each in content]


def test_nine_vouchers_are_two_sheets_with_every_code_in_its_place_and_none_outside() -> None:
    content = items("voucher", 9)
    sheets = printed("voucher", content)
    assert (sheets.items, sheets.read_back) == (9, 9)
    assert read_pages(sheets.pdf) == [in_place(content[:8]), [], in_place(content[8:]), []]


def test_nine_slips_have_their_codes_on_the_inside_and_none_on_the_outside() -> None:
    content = items("slip", 9, length=30)
    assert read_pages(printed("slip", content).pdf) == [in_place(content[:8]), [], in_place(content[8:]), []]


def test_nine_cards_have_their_codes_on_the_inside_and_none_on_the_outside() -> None:
    content = items("card", 9, length=430)
    sheets = printed("card", content)
    assert (sheets.items, sheets.read_back) == (9, 9)
    assert read_pages(sheets.pdf) == [in_place(content[:8]), [], in_place(content[8:]), []]


@pytest.mark.parametrize("dpi", [120, 300])
def test_codes_are_read_from_a_coarse_and_a_fine_picture(dpi: int) -> None:
    content = items("card", PER_PAGE, length=430)
    assert read_pages(printed("card", content).pdf, dpi=dpi)[0] == in_place(content)


def test_the_outside_of_a_card_says_nothing_about_its_holder() -> None:
    document = pypdfium2.PdfDocument(printed("card", items("card", 2)).pdf)
    inside, outside = (page.get_textpage().get_text_bounded() for page in document)
    document.close()
    assert "Amina Yusuf" in inside
    assert "0001" in inside
    assert "Identity card" in outside
    assert "Amina" not in outside
    assert "0001" not in outside


def said(shown: list[str], text: str) -> str:
    """What a text says beside these words."""
    rest = " ".join(text.split())
    for each in sorted(shown, key=len, reverse=True):
        assert each in rest
        rest = rest.replace(each, "", 1)
    return "".join(rest.split())


def test_a_voucher_shows_amount_and_number_and_nothing_that_it_was_not_given() -> None:
    document = pypdfium2.PdfDocument(printed("voucher", items("voucher", 1)).pdf)
    inside, outside = [page.get_textpage().get_text_bounded() for page in document]
    assert document.get_metadata_dict().get("CreationDate", "")[:6] in {"", "D:1970"}
    document.close()
    shown = [value for name, value in VOUCHER.items() if name != "language"]
    assert said([*shown, "0000", WORDS["contact"]], inside) == ""
    for_all = [VOUCHER["free"], WORDS["contact"], *"1234"]
    assert said([*OUTSIDE.values(), *HOW_TO_USE.values(), *for_all], outside) == ""


def test_the_outside_of_a_slip_says_its_sheet_and_nothing_of_its_code() -> None:
    document = pypdfium2.PdfDocument(printed("slip", items("slip", 1, length=30)).pdf)
    inside, outside = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    assert "0000" in inside
    assert said([SLIP["slip_label"], SLIP["sheet"], SLIP["slip_closed"]], outside) == ""


@pytest.mark.parametrize("layout", ["card", "voucher"])
def test_arabic_text_is_set_and_its_codes_are_read(layout: Layout) -> None:
    arabic = {"language": "ar", "name": "أمينة يوسف الخطيب", "label": "غذاء", "until_label": "صالح حتى"}
    arabic |= {"warning": "لا تُظهر هذا الرمز إلا إذا سُئلت عن اسمك", "free": "هذه القسيمة مجانية", "lost": "هل فقدتها؟"}
    content = [Item(code=each.code, words=each.words | arabic) for each in items(layout, 3)]
    sheets = printed(layout, content, contact="هاتف 555 0100")
    assert read_pages(sheets.pdf)[0] == in_place(content)
    latin = [Item(code=each.code, words=each.words) for each in items(layout, 3)]
    assert sheets.pdf != printed(layout, latin).pdf


@pytest.mark.parametrize(
    "name", ['#panic("x")', "$ 1/0 $", ']#read("/etc/passwd")', "*a* _b_ `c` <d> @e \\ //", "عربي #let"]
)
def test_words_are_printed_and_never_run(name: str) -> None:
    content = [Item(code="0001", words=CARD | {"name": name, "other": "", "number": "1"})]
    sheets = printed("card", content)
    document = pypdfium2.PdfDocument(sheets.pdf)
    text = document[0].get_textpage().get_text_bounded()
    document.close()
    if name.isascii():
        assert name.replace(" ", "") in "".join(text.split())
    assert read_pages(sheets.pdf)[0] == ["0001"]


def test_the_same_input_gives_the_same_bytes() -> None:
    for layout, length in (("card", 430), ("voucher", 300), ("slip", 30)):
        content = items(layout, 9, length=length)  # type: ignore[arg-type]
        first, second = (print_sheets(layout, content, words=WORDS).pdf for _ in range(2))  # type: ignore[arg-type]
        assert first == second


SEVERAL = items("voucher", 41 * PER_PAGE - 3, length=60)


def test_a_print_run_of_several_parts_is_joined_in_order() -> None:
    done: list[int] = []
    sheets = print_sheets("voucher", SEVERAL, words=WORDS, workers=2, progress=done.append)
    assert done == [320, 325]
    assert (sheets.items, sheets.read_back) == (325, 325)
    document = pypdfium2.PdfDocument(sheets.pdf)
    assert len(document) == 82
    last = pypdfium2.PdfDocument.new()
    last.import_pages(document, [78, 80])
    assert read_pages(_saved(last)) == [in_place(SEVERAL[312:320]), in_place(SEVERAL[320:])]
    document.close()


def test_a_print_run_of_several_parts_gives_the_same_bytes_and_tells_no_time() -> None:
    first, second = (print_sheets("voucher", SEVERAL, words=WORDS, workers=1).pdf for _ in range(2))
    document = pypdfium2.PdfDocument(first)
    assert not {name: value for name, value in document.get_metadata_dict().items() if "Date" in name and value}
    document.close()
    assert first == second
    other = print_sheets("voucher", [*SEVERAL[:-1], item("voucher", 999, 60)], words=WORDS, workers=1).pdf
    assert other != first


def test_printing_writes_nothing_to_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert print_sheets("voucher", SEVERAL, words=WORDS, workers=1).read_back == len(SEVERAL)


def _saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_to_print_is_refused(layout: Layout) -> None:
    with pytest.raises(NothingToPrint):
        printed(layout, [])


# --- what is not handed out --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "fits", "too_long"), [("card", 730, 740), ("voucher", 750, 780), ("card", 9, 9_000)]
)
def test_a_code_too_long_for_paper_is_refused(layout: Layout, fits: int, too_long: int) -> None:
    assert printed(layout, items(layout, 1, length=fits)).read_back == 1
    with pytest.raises(CodeTooLong) as caught:
        printed(layout, [*items(layout, 1), item(layout, 1, too_long)])
    assert "0001" not in str(caught.value)


@pytest.mark.parametrize("layout", ["card", "voucher"])
def test_a_sheet_whose_code_says_something_else_is_not_handed_out(layout: Layout) -> None:
    content = items(layout, 9)
    pdf = printed(layout, content).pdf
    codes = [each.code for each in content]
    sheet._read_back(pdf, layout, codes)
    for wrong in (
        [*codes[:8], codes[8] + "X"],
        [codes[0] + "X", *codes[1:]],
        [*codes[:7], codes[8], codes[7]],
        [*codes, "one more"],
    ):
        with pytest.raises(CodeNotReadable) as caught:
            sheet._read_back(pdf, layout, wrong)
        assert codes[0] not in str(caught.value)


@pytest.mark.parametrize("layout", ["card", "voucher"])
@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 2), (0, 3), (6, 7), (0, 7)])
def test_a_sheet_on_which_two_codes_changed_places_is_not_handed_out(layout: Layout, one: int, other: int) -> None:
    content = items(layout, PER_PAGE)
    codes = [each.code for each in content]
    pdf = printed(layout, content).pdf
    codes[one], codes[other] = codes[other], codes[one]
    with pytest.raises(CodeNotReadable):
        sheet._read_back(pdf, layout, codes)


@pytest.mark.parametrize("layout", ["card", "voucher"])
def test_a_sheet_with_a_page_too_many_or_too_few_is_not_handed_out(layout: Layout) -> None:
    content = items(layout, 2 * PER_PAGE)
    codes = [each.code for each in content]
    pdf = printed(layout, content).pdf
    for wrong in (codes[:PER_PAGE], codes * 2):
        with pytest.raises(CodeNotReadable):
            sheet._read_back(pdf, layout, wrong)


@pytest.mark.parametrize("layout", ["card", "voucher"])
def test_a_sheet_with_a_code_on_the_side_that_is_shown_is_not_handed_out(layout: Layout) -> None:
    content = items(layout, 2)
    codes = [each.code for each in content]
    document = pypdfium2.PdfDocument(printed(layout, content).pdf)
    inside_twice = pypdfium2.PdfDocument.new()
    inside_twice.import_pages(document, [0, 0])
    with pytest.raises(CodeNotReadable, match="folded"):
        sheet._read_back(_saved(inside_twice), layout, codes)
    document.close()


def test_a_sheet_with_a_spoiled_picture_is_not_handed_out() -> None:
    content = items("voucher", 2)
    rows = []
    for each in content:
        png, modules = make_qr(each.code, level="L", largest_version=15)
        rows.append({"qr": png, "modules": modules, **each.words})
    codes = [each.code for each in content]
    sheet._read_back(sheet._typeset("voucher", {"items": rows, "words": WORDS}), "voucher", codes)
    rows[1]["qr"] = rows[0]["qr"]
    with pytest.raises(CodeNotReadable):
        sheet._read_back(sheet._typeset("voucher", {"items": rows, "words": WORDS}), "voucher", codes)


# --- the fold ------------------------------------------------------------------------------------------------------


def test_folds_and_grid_lie_in_the_middle_of_the_paper() -> None:
    """The packet closes only if both pages are divided where the paper is."""
    inside, outside = pictures(printed("voucher", items("voucher", PER_PAGE)).pdf)
    height, width = inside.shape
    for page in (inside, outside):
        dark = page < 0.5
        (down,) = np.nonzero(dark[: height // 40, width // 2 - 10 : width // 2 + 10].any(axis=0))
        (across,) = np.nonzero(dark[height // 2 - 10 : height // 2 + 10, width // 84 : width // 42].all(axis=1))
        assert abs(down.mean() - 10) < 2
        assert abs(across.mean() - 10) < 2
    middle = inside[:, width // 2 - 6 : width // 2 + 6] < 0.5
    assert not middle[height // 10 : height * 9 // 10].any(), "nothing is printed over a fold"


def pictures(pdf: bytes, *, dpi: int = 150) -> list[Any]:
    """Each page as grey values from 0 (black) to 1, with an even number of rows and columns."""
    document = pypdfium2.PdfDocument(pdf)
    pages = [page.render(scale=dpi / 72, grayscale=True).to_numpy().astype(float) / 255 for page in document]
    document.close()
    return [page.reshape(page.shape[:2])[: page.shape[0] // 2 * 2, : page.shape[1] // 2 * 2] for page in pages]


def against_the_light(paper: Any) -> int:
    """How many codes are read from a picture of light that went through paper, also as a mirror and as a negative shows it."""
    grey = np.ascontiguousarray((paper / paper.max() * 255).astype(np.uint8))
    formats = zxingcpp.barcode_formats_from_str("QRCode")
    return sum(
        len(zxingcpp.read_barcodes(np.ascontiguousarray(each), formats)) for each in (grey, grey[:, ::-1], 255 - grey)
    )


@pytest.mark.parametrize("ink", [0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("count", [1, 3, PER_PAGE])
def test_a_closed_packet_held_against_the_light_shows_no_code(ink: float, count: int) -> None:
    """The worst paper: clear as glass. `ink` is how much light a printed spot takes."""
    front, back = (1 - ink * (1 - page) for page in pictures(printed("voucher", items("voucher", count)).pdf))
    assert against_the_light(front[:, ::-1]) >= count, "without the fold the codes shine through"
    both = front[:, ::-1] * back
    height, width = both.shape
    once = both[: height // 2] * both[height // 2 :][::-1]
    packet = once[:, width // 2 :] * once[:, : width // 2][:, ::-1]
    assert against_the_light(packet) == 0
    assert against_the_light(once) == 0


@pytest.mark.parametrize("ink", [0.1, 0.3, 0.6, 1.0])
def test_a_closed_slip_held_against_the_light_shows_no_code(ink: float) -> None:
    content = items("slip", PER_PAGE, length=30)
    front, back = (1 - ink * (1 - page) for page in pictures(printed("slip", content).pdf))
    assert against_the_light(front[:, ::-1]) >= PER_PAGE, "without the fold the codes shine through"
    both = front[:, ::-1] * back
    height, width = (side / extent for side, extent in zip(both.shape, (297, 210), strict=True))
    for row in range(4):
        for column in range(2):
            top, left = round((18.5 + row * 66) * height), round((15 + column * 92) * width)
            half = round(44 * width)
            slip = both[top : top + round(62 * height), left : left + 2 * half]
            assert against_the_light(slip[:, :half] * slip[:, half:][:, ::-1]) == 0


def test_glyphs_on_paper_are_those_of_the_phones() -> None:
    root = Path(__file__).resolve().parents[3]
    layout = (root / "packages/paper/src/amparo_paper/layouts/voucher.typ").read_text()
    on_paper = dict(re.findall(r'^  ([a-z]+): "(M[^"]+)",$', layout, re.MULTILINE))
    phones = dict(
        re.findall(r'^  "?([a-z-]+)"?: "([^"]+)",$', (root / "web/kit/src/icons.ts").read_text(), re.MULTILINE)
    )
    assert on_paper.keys() - phones.keys() == {"cut"}
    assert {name: phones.get(name, path) for name, path in on_paper.items()} == on_paper


# --- codes -------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from(BASE45 + "abcñ،م"), min_size=1, max_size=120), st.sampled_from("LMQH"))
def test_any_text_becomes_a_code_that_reads_back(text: str, level: str) -> None:
    png, modules = make_qr(text, level=level, largest_version=40)
    picture = decoded(png)
    assert picture.shape == (modules, modules)
    (found,) = zxingcpp.read_barcodes(np.kron(picture, np.ones((4, 4), dtype=np.uint8)))
    assert (found.text, found.ec_level) == (text, level)


def test_a_code_has_its_quiet_zone() -> None:
    picture = decoded(make_qr("1234", level="M", largest_version=5)[0])
    assert QUIET_MODULES == 4
    inner = picture[4:-4, 4:-4]
    assert int(picture.sum()) == 255 * (picture.size - inner.size) + int(inner.sum())
    assert (inner[0, 0], inner[0, -1], inner[-1, 0]) == (0, 0, 0)


def decoded(png: bytes) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """A one-bit grey PNG without filters as grey values; every chunk's checksum is checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + data),)
        chunks[kind] = data
        at += 12 + length
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [1, 0, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return np.unpackbits(rows[:, 1:], axis=1)[:, :width] * np.uint8(255)
