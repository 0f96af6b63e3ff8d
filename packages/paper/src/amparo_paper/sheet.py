"""Sheets of cards and vouchers: a typst layout with data, rendered to PDF in parallel, every code read back.

`print_sheets` gives the PDF only after each page was rendered as a printer would and each of its codes was read and found
to say what it should. Layouts are `layouts/*.typ`; text that runs from right to left is set by typst.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import cbor2
import msgspec
import pypdfium2
import typst

from amparo_paper.errors import CodeNotReadable
from amparo_paper.qr import make_qr, read_codes

Layout = Literal["card", "voucher"]
# A4 sheets are 8-up: two columns of four.
PER_PAGE = 8
_CHUNK = 40 * PER_PAGE
_READ_AT_DPI = (150, 200, 300)
_LEVEL: dict[Layout, str] = {"card": "M", "voucher": "L"}
_LARGEST: dict[Layout, int] = {"card": 17, "voucher": 15}


class Item(msgspec.Struct, frozen=True):
    """One card or voucher: the text of its code, and the words around it by name (see the layout)."""

    code: str
    words: dict[str, str]


class Sheets(msgspec.Struct, frozen=True):
    """The printed result: a PDF, how many items it holds, and how many codes were read back (all of them)."""

    pdf: bytes
    items: int
    read_back: int


def print_sheets(
    layout: Layout,
    items: Sequence[Item],
    *,
    words: Mapping[str, str],
    workers: int = 2,
    progress: Callable[[int], None] = lambda _done: None,
) -> Sheets:
    """All items as one PDF. `words` are the same for every item. Raises `CodeTooLong`, `CodeNotReadable`."""
    chunks = [list(items[at : at + _CHUNK]) for at in range(0, len(items), _CHUNK)]
    parts = []
    for part in _each(chunks, layout, dict(words), workers):
        parts.append(part)
        progress(min(len(parts) * _CHUNK, len(items)))
    return Sheets(pdf=_joined(parts), items=len(items), read_back=len(items))


def _each(chunks: list[list[Item]], layout: Layout, words: dict[str, str], workers: int) -> Iterator[bytes]:
    if len(chunks) < 2 or workers < 2:
        for chunk in chunks:
            yield _print_chunk(layout, chunk, words)
        return
    # "spawn": a forked child would inherit threads and database connections in an unknown state.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_print_chunk, [layout] * len(chunks), chunks, [words] * len(chunks))


def _print_chunk(layout: Layout, items: list[Item], words: dict[str, str]) -> bytes:
    rows = []
    for item in items:
        png, modules = make_qr(item.code, level=_LEVEL[layout], largest_version=_LARGEST[layout])
        rows.append({"qr": png, "modules": modules, **item.words})
    pdf = _typeset(layout, {"items": rows, "words": words})
    _read_back(pdf, layout, [item.code for item in items])
    return pdf


def _typeset(layout: Layout, data: Mapping[str, Any]) -> bytes:
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(resources.files("pylopdf_fonts_ar"))])
    source = resources.files(__package__).joinpath("layouts", f"{layout}.typ").read_bytes()
    with tempfile.TemporaryDirectory(prefix="amparo-print-") as folder:
        Path(folder, "data.cbor").write_bytes(cbor2.dumps(data))
        # A fixed timestamp: the same content gives the same file, and the file does not say when it was printed.
        pdf = typst.Compiler(font_paths=fonts).compile(source, format="pdf", root=folder, pdf_tags=False, timestamp=0)
    assert isinstance(pdf, bytes)  # noqa: S101 - one PDF is asked for; lists are for other formats
    return pdf


def _read_back(pdf: bytes, layout: Layout, codes: list[str]) -> None:
    document = pypdfium2.PdfDocument(pdf)
    try:
        # Cards are printed on both sides: codes are on the odd pages (the inside).
        pages_per_sheet = 2 if layout == "card" else 1
        for sheet, at in enumerate(range(0, len(codes), PER_PAGE)):
            _read_page(document[sheet * pages_per_sheet], codes[at : at + PER_PAGE])
    finally:
        document.close()


def _read_page(page: Any, expected: list[str]) -> None:
    for dpi in _READ_AT_DPI:
        picture = page.render(scale=dpi / 72, grayscale=True, draw_annots=False, may_draw_forms=False).to_numpy()
        found = read_codes(picture.reshape(picture.shape[0], picture.shape[1]))
        if sorted(found) == sorted(expected):
            return
    raise CodeNotReadable("A printed code did not read back.")


def _joined(parts: list[bytes]) -> bytes:
    if len(parts) == 1:
        return parts[0]
    whole = pypdfium2.PdfDocument.new()
    for part in parts:
        source = pypdfium2.PdfDocument(part)
        whole.import_pages(source)
        source.close()
    with tempfile.TemporaryFile() as file:
        whole.save(file)
        whole.close()
        file.seek(0)
        return file.read()
