"""A list as a file: CSV or XLSX of exactly what is filtered. Rows are taken one by one; no cell can run as a formula."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import xlsxwriter
from django.http import HttpRequest, StreamingHttpResponse

from amparo_staff.layout.streams import stream

Cell = str | int | None
_PIECE = 64 * 1024
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_answer(
    request: HttpRequest, name: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """The rows as the file that `?format=` asks for. `name` without its ending."""
    if request.GET.get("format") == "xlsx":
        return stream(request, xlsx_pieces(headers, rows), kind=_XLSX, name=f"{name}.xlsx")
    return stream(request, csv_pieces(headers, rows), kind="text/csv; charset=utf-8", name=f"{name}.csv")


def csv_pieces(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """UTF-8 with its mark, so that spreadsheets read every script."""
    held = io.StringIO()
    writer = csv.writer(held)
    held.write("\ufeff")
    writer.writerow(headers)
    for row in rows:
        writer.writerow([_safe(cell) for cell in row])
        if held.tell() >= _PIECE:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def xlsx_pieces(headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """A workbook of one sheet, row by row through a nameless file."""
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, headers, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                else:
                    sheet.write_string(number, column, cell or "")
        book.close()
        file.seek(0)
        while part := file.read(_PIECE):
            yield part


def _safe(cell: Cell) -> Cell:
    """A text that a spreadsheet would run gets a quotation mark in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
