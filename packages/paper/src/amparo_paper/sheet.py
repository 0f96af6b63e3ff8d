"""Sheets of cards and vouchers: a typst layout with data, rendered to PDF in parallel, every code read back.

`print_sheets` gives the PDF only after each page was rendered as a printer would and each of its codes was read and found,
in its place, to say what it should, and no code was found on a side that is shown. The same content gives the same bytes,
which do not tell when they were printed. Layouts are `layouts/*.typ`; text that runs from right to left is set by typst.
"""

import hashlib
import io
import json
import multiprocessing
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import resources
from typing import Any, Literal

import msgspec
import pypdfium2
import typst

from amparo_paper.errors import CodeNotReadable, NothingToPrint
from amparo_paper.qr import make_pattern, make_qr, read_codes

Layout = Literal["card", "slip", "voucher"]
# A4 sheets are 8-up: two columns of four.
PER_PAGE = 8
_CHUNK = 40 * PER_PAGE
_READ_AT_DPI = (150, 200, 300)
# What pdfium writes into a new file besides its content: when it was made, and a random number.
_MADE_AT = re.compile(rb"/CreationDate\([^)]*\)")
_FILE_ID = re.compile(rb"(?<=<)[0-9A-F]{32}(?=>)")
_LEVEL: dict[Layout, str] = {"card": "M", "slip": "M", "voucher": "L"}
_LARGEST: dict[Layout, int] = {"card": 17, "slip": 6, "voucher": 15}
# The pattern on the outside of what is closed: modules across eight slips (180 x 260 mm) and half a voucher sheet (210 x 148.5 mm),
# each as large as one of the codes inside.
_PATTERN: dict[Layout, tuple[int, int]] = {"slip": (208, 300), "voucher": (356, 252)}


class Item(msgspec.Struct, frozen=True):
    """One card, voucher or slip: the text of its code, and the words around it by name (see the layout)."""

    code: str
    words: dict[str, str]


class Sheets(msgspec.Struct, frozen=True):
    """The printed result: a PDF, how many items it holds, and how many codes were read back (all of them)."""

    pdf: bytes
    items: int
    read_back: int


def print_sheets(
    layout: Layout,
    items: Sequence[Item | None],
    *,
    words: Mapping[str, str],
    workers: int = 2,
    progress: Callable[[int], None] = lambda _done: None,
) -> Sheets:
    """All items as one PDF. `words` are the same for every item; None leaves a place empty (`on_own_pages`).
    Raises `NothingToPrint`, `CodeTooLong`, `CodeNotReadable`."""
    count = sum(item is not None for item in items)
    if count == 0:
        raise NothingToPrint("There is nothing to print.")
    chunks = [list(items[at : at + _CHUNK]) for at in range(0, len(items), _CHUNK)]
    parts = []
    for part in _each(chunks, layout, dict(words), workers):
        parts.append(part)
        progress(min(len(parts) * _CHUNK, len(items)))
    return Sheets(pdf=_joined(parts), items=count, read_back=count)


def on_own_pages(groups: Sequence[Sequence[Item]]) -> list[Item | None]:
    """The items of several people, each beginning on a page of their own: the rest of a page is left empty."""
    found: list[Item | None] = []
    for group in groups:
        found += [*group, *[None] * (-len(group) % PER_PAGE)]
    return found


def _each(chunks: list[list[Item | None]], layout: Layout, words: dict[str, str], workers: int) -> Iterator[bytes]:
    if len(chunks) < 2 or workers < 2:
        for chunk in chunks:
            yield _print_chunk(layout, chunk, words)
        return
    # "spawn": a forked child would inherit threads and database connections in an unknown state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_starter) as pool:
        yield from pool.map(_print_chunk, [layout] * len(chunks), chunks, [words] * len(chunks))


def _end_with_starter() -> None:
    """Otherwise a worker whose starter was killed waits for work for ever, with people's codes in its memory."""
    starter = multiprocessing.parent_process()
    if starter is not None:
        threading.Thread(target=_end_after, args=(starter.join,), daemon=True).start()


def _end_after(wait: Callable[[], None]) -> None:
    wait()
    signal.raise_signal(signal.SIGKILL)


def _print_chunk(layout: Layout, items: list[Item | None], words: dict[str, str]) -> bytes:
    rows: list[dict[str, Any] | None] = []
    for item in items:
        if item is None:
            rows.append(None)
            continue
        png, modules = make_qr(item.code, level=_LEVEL[layout], largest_version=_LARGEST[layout])
        rows.append({"qr": png, "modules": modules, **item.words})
    pdf = _typeset(layout, {"items": rows, "words": words})
    _read_back(pdf, layout, [None if item is None else item.code for item in items])
    return pdf


def _typeset(layout: Layout, data: Mapping[str, Any]) -> bytes:
    if layout in _PATTERN:
        data = {**data, "pattern": make_pattern(*_PATTERN[layout])}
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(resources.files("pylopdf_fonts_ar"))])
    source = resources.files(__package__).joinpath("layouts", f"{layout}.typ").read_bytes()
    # Files in memory, which are texts: what stands on the disk is found there when the power fails.
    files = {"main.typ": source, "data.json": json.dumps(data, default=list).encode()}
    compiler: Any = typst.Compiler(font_paths=fonts)  # its stubs do not know of several files
    # A fixed timestamp: the same content gives the same file, and the file does not say when it was printed.
    pdf = compiler.compile(files, format="pdf", pdf_tags=False, timestamp=0)
    assert isinstance(pdf, bytes)  # noqa: S101 - one PDF is asked for; lists are for other formats
    return pdf


def _read_back(pdf: bytes, layout: Layout, codes: Sequence[str | None]) -> None:
    document = pypdfium2.PdfDocument(pdf)
    try:
        starts = range(0, len(codes), PER_PAGE)
        # Printed on both sides: codes are on the odd pages (the inside), the even ones are what is shown.
        if len(document) != 2 * len(starts):
            raise CodeNotReadable("A print run has another number of pages than it should.")
        for sheet, at in enumerate(starts):
            _read_page(document[2 * sheet], [code for code in codes[at : at + PER_PAGE] if code])
            # Codes are pictures, so one more than the pattern could be a code.
            if _pictures(document[2 * sheet + 1]) != (layout in _PATTERN):
                raise CodeNotReadable("A picture shows on a side that is not folded in.")
    finally:
        document.close()


def _read_page(page: Any, expected: list[str]) -> None:
    if not any(_codes_at(page, dpi) == expected for dpi in _READ_AT_DPI):
        raise CodeNotReadable("A printed code did not read back in its place.")


def _pictures(page: Any) -> int:
    return sum(1 for _ in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))


def _codes_at(page: Any, dpi: int) -> list[str]:
    picture = page.render(scale=dpi / 72, grayscale=True, draw_annots=False, may_draw_forms=False).to_numpy()
    return read_codes(picture.reshape(picture.shape[0], picture.shape[1]))


def read_printed(pdf: bytes, *, page: int) -> list[str]:
    """The texts of the codes on a page of a PDF (the first is 1), row by row. Raises `CodeNotReadable` when there are none."""
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise CodeNotReadable("The file is not a readable PDF.") from error
    try:
        found = _codes_at(document[page - 1], max(_READ_AT_DPI)) if page <= len(document) else []
    finally:
        document.close()
    if not found:
        raise CodeNotReadable("No code was found on this page.", why="It holds none, or they cannot be read.")
    return found


def _joined(parts: list[bytes]) -> bytes:
    if len(parts) == 1:
        return parts[0]
    whole = pypdfium2.PdfDocument.new()
    for part in parts:
        source = pypdfium2.PdfDocument(part)
        whole.import_pages(source)
        source.close()
    file = io.BytesIO()
    whole.save(file)
    whole.close()
    return _timeless(file.getvalue())


def _timeless(pdf: bytes) -> bytes:
    """The file with its date blanked and its random identifier made from its content. Nothing changes its place."""
    blanked = _MADE_AT.sub(lambda found: b" " * len(found[0]), pdf, count=1)
    body, trailer, rest = blanked.rpartition(b"trailer")
    name = hashlib.sha256(body).hexdigest()[:32].upper().encode()
    return body + trailer + _FILE_ID.sub(name, rest)
