"""Uploaded files as rows of text: CSV (comma or semicolon), XLSX, Stata. Headers by name; a row keeps its number in the file.

Whole numbers come out without a decimal point, whatever the file's type; empty cells as "", and no cell with blanks around
it. Only the asked columns are read.
"""

import codecs
import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from amparo_office.errors import FileNotReadable, MappingNotReadable

Row = tuple[int, dict[str, str]]


class Table:
    """One table: its column names, and its rows as (row number in the file, column -> text)."""

    def __init__(self, name: str, columns: Sequence[str], rows: Iterator[list[str]]) -> None:
        self.name = name
        self.columns = [column.strip() for column in columns]
        self._rows = rows

    def require(self, wanted: set[str]) -> None:
        """Raises `MappingNotReadable` when a wanted column is missing, or a name stands twice."""
        missing = sorted(wanted - set(self.columns))
        if missing:
            raise MappingNotReadable(f"{self.name} has no column “{missing[0]}”.")
        twice = sorted({column for column in wanted if self.columns.count(column) > 1})
        if twice:
            raise MappingNotReadable(f"{self.name} has the column “{twice[0]}” twice.")

    def rows(self, wanted: set[str]) -> Iterator[Row]:
        """The rows, with the wanted columns only. The header is row 1."""
        self.require(wanted)
        places = [(self.columns.index(column), column) for column in sorted(wanted)]
        for number, cells in enumerate(self._rows, start=2):
            # More cells than columns: a comma inside a value has moved what stands behind it into other columns.
            if any(cells[len(self.columns) :]):
                raise FileNotReadable(f"{self.name} has more cells than columns in row {number}.")
            if any(cells):
                yield number, {column: (cells[place] if place < len(cells) else "") for place, column in places}


def read_table(name: str, data: bytes, *, sheet: str | None = None) -> Table:
    """The table in a file; `name` tells the kind by its ending. Raises `FileNotReadable`."""
    match Path(name).suffix.lower():
        case ".csv":
            return _read_csv(name, data)
        case ".xlsx":
            return _read_xlsx(name, data, sheet)
        case ".dta":
            return _read_stata(name, data)
    raise FileNotReadable(f"{Path(name).name} is of an unknown kind.")


def _read_csv(name: str, data: bytes) -> Table:
    _check_utf8(name, data)
    first = io.BytesIO(data).readline()
    delimiter = ";" if first.count(b";") > first.count(b",") else ","
    # Decoded line by line: as one text, a register of a million households would take four times its file's size.
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)

    def rows() -> Iterator[list[str]]:
        try:
            for cells in reader:
                yield [cell.strip() for cell in cells]
        except csv.Error as error:
            raise FileNotReadable(f"{name} cannot be read in line {reader.line_num}.") from error

    found = rows()
    header = next(found, None)
    if not header:
        raise FileNotReadable(f"{name} is empty.")
    return Table(name, header, found)


def _check_utf8(name: str, data: bytes) -> None:
    decoder, piece = codecs.getincrementaldecoder("utf-8")(), 1 << 20
    try:
        for start in range(0, len(data), piece):
            decoder.decode(data[start : start + piece])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise FileNotReadable(f"{name} is not UTF-8 text.") from error


def _read_xlsx(name: str, data: bytes, sheet: str | None) -> Table:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        found = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
        rows = found.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise FileNotReadable(f"{name} is not a readable workbook, or lacks the sheet.") from error
    if not rows:
        raise FileNotReadable(f"{name} is empty.")
    return Table(name, [_show(cell) for cell in rows[0]], ([_show(cell) for cell in row] for row in rows[1:]))


def _read_stata(name: str, data: bytes) -> Table:
    import pyreadstat

    with tempfile.NamedTemporaryFile(suffix=".dta") as file:
        file.write(data)
        file.flush()
        try:
            _, head = pyreadstat.read_dta(file.name, output_format="dict", metadataonly=True)
            # The reader makes room for as many rows as the head promises, so a broken head would fill the memory.
            if head.number_rows is None or head.number_rows * len(head.column_names) > len(data):
                raise FileNotReadable(f"{name} promises more rows than it holds.")
            columns, meta = pyreadstat.read_dta(file.name, output_format="dict")
            if not all(meta.column_names):
                raise FileNotReadable(f"{name} has a column without a name.")
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OverflowError, ValueError) as error:
            raise FileNotReadable(f"{name} is not a readable Stata file.") from error
    names = list(meta.column_names)
    cells = zip(*(columns[column] for column in names), strict=True)
    return Table(name, names, ([_show(cell) for cell in row] for row in cells))


def _show(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            if cell != cell:
                return ""
            return str(int(cell)) if cell.is_integer() else format(cell, ".6f").rstrip("0")
        case _:
            return str(cell).strip()
