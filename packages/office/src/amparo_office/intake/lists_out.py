"""Writing a list as CSV or XLSX, row by row, to a sealed file: nothing is held back, nothing lies on the disk in the clear.

No cell is ever run as a formula: what begins like one gets an apostrophe before it in CSV, and is marked as text in XLSX.
"""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from typing import IO, Protocol, cast
from xml.sax.saxutils import escape

from amparo_office.intake.formulas import harmless, like_formula

Value = str | int | None

LONGEST = 32_767
_PIECE = 64 * 1024
# What XML cannot hold.
_NO_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# What stands around the sheet. Style 1 marks text that begins like a formula (quotePrefix), style 2 is the head.
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument"'
    ' Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="List" sheetId="1" r:id="rId1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/worksheet"'
    f' Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="1"><fill><patternFill patternType="none"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3">'
    '<xf xfId="0"/><xf xfId="0" quotePrefix="1"/><xf xfId="0" fontId="1" applyFont="1"/></cellXfs></styleSheet>',
}


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> int:
        """Take some more."""
        ...


class ListWriter(Protocol):
    """A list being written. `close` ends it."""

    def row(self, values: Sequence[Value]) -> None: ...
    def close(self) -> None: ...


def writer(form: str, sink: Sink) -> ListWriter:
    """A writer of this form, `csv` or `xlsx`."""
    return XlsxList(sink) if form == "xlsx" else CsvList(sink)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


class CsvList:
    """Commas, UTF-8 with the mark that spreadsheets look for."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._text = sink, io.StringIO("\ufeff", newline="")
        self._text.seek(0, io.SEEK_END)
        self._csv = csv.writer(self._text)

    def row(self, values: Sequence[Value]) -> None:
        """One more row."""
        self._csv.writerow([harmless(_shortened(each)) if isinstance(each, str) else each for each in values])
        if self._text.tell() > _PIECE:
            self._flush()

    def close(self) -> None:
        """Write the rest."""
        self._flush()

    def _flush(self) -> None:
        self._sink.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


class _Forward:
    """A file that can only be written to, as the archive wants it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes, /) -> int:
        """Take some more."""
        self._sink.write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


class XlsxList:
    """One sheet; texts stand in their cells."""

    def __init__(self, sink: Sink) -> None:
        whole = cast("IO[bytes]", _Forward(sink))
        self._archive = zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        for name, content in _PARTS.items():
            self._archive.writestr(name, _XML + content)
        self._sheet = self._archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True)
        pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        pane = f'<sheetView workbookViewId="0">{pane}</sheetView>'
        self._pieces = [f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews>{pane}</sheetViews><sheetData>']
        self._size, self._rows = 0, 0

    def row(self, values: Sequence[Value]) -> None:
        """One more row; the first is the head."""
        self._rows += 1
        cells = "".join(self._cell(value) for value in values)
        piece = f"<row>{cells}</row>"
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > _PIECE:
            self._flush()

    def close(self) -> None:
        """End the workbook."""
        self._pieces.append("</sheetData></worksheet>")
        self._flush()
        self._sheet.close()
        self._archive.close()

    def _cell(self, value: Value) -> str:
        if value is None or value == "":
            return "<c/>"
        if isinstance(value, int):
            return f"<c><v>{value}</v></c>"
        style = ' s="2"' if self._rows == 1 else ' s="1"' if like_formula(value) else ""
        clean = _NO_XML.sub("", _shortened(value))
        return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{escape(clean)}</t></is></c>'

    def _flush(self) -> None:
        self._sheet.write("".join(self._pieces).encode())
        self._pieces.clear()
        self._size = 0
