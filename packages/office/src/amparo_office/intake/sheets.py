"""The tables in an upload, read row by row: CSV (comma, semicolon or tab; UTF-8), XLSX, Stata. Memory does not grow with the rows.

Every cell comes as text: whole numbers without a point, dates as YYYY-MM-DD, yes and no for truth values, empty as "", no blanks
around. Row numbers are the file's own; the header is row 1. A table can be read again from its start as often as needed.
"""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from amparo_office.errors import FileNotReadable
from amparo_office.intake import xlsx
from amparo_office.intake.formulas import as_meant

Rows = Iterator[tuple[int, list[str]]]
Opener = Callable[[], AbstractContextManager[BinaryIO]]

MOST_COLUMNS = 2_000
_BLOCK = 10_000
_DELIMITERS = ",;\t"
_LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True)
class Sheet:
    """One table. `labels`: what the codes of a column mean, where the file says so (Stata)."""

    name: str
    columns: list[str]
    rows: Callable[[], Rows]
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


def sheets(name: str, opener: Opener) -> list[Sheet]:
    """The tables of a file; the ending of `name` tells its kind. Sheets without a row of headers are left out. Raises
    `FileNotReadable`."""
    match Path(name).suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            found = [_csv_sheet(name, opener)]
        case ".xlsx":
            with opener() as file:
                titles = xlsx.sheet_names(file)
            found = [each for title in titles if (each := _xlsx_sheet(title, opener)) is not None]
        case ".dta":
            found = [_stata_sheet(name, opener)]
        case _:
            raise FileNotReadable("This kind of file is not read.")
    if not found:
        raise FileNotReadable("The file is empty.")
    return found


def named_once(header: list[str]) -> list[str]:
    """Column names, each once: a second “age” is “age (2)”, one without a name is “column 7”. Empty ones at the end are dropped."""
    while header and not header[-1].strip():
        header = header[:-1]
    if len(header) > MOST_COLUMNS:
        raise FileNotReadable("The file has too many columns.", why=f"At most {MOST_COLUMNS:,} are read.")
    seen: dict[str, int] = {}
    names = []
    for place, text in enumerate(header, start=1):
        name = " ".join(text.split()) or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def show(cell: object) -> str:
    """A cell as text."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case int():
            return str(cell)
        case float():
            if cell != cell:
                return ""
            return str(int(cell)) if cell.is_integer() else format(cell, ".6f").rstrip("0")
        case datetime():
            whole = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
            return cell.date().isoformat() if whole else cell.isoformat(" ", "seconds")
        case date():
            return cell.isoformat()
        case _:
            return str(cell).strip()


def _csv_sheet(name: str, opener: Opener) -> Sheet:
    with opener() as file:
        delimiter = _delimiter(file)
    header = next(_csv_rows(opener, delimiter), None)
    if header is None or not any(header[1]):
        raise FileNotReadable("The file is empty.")

    def rows() -> Rows:
        found = _csv_rows(opener, delimiter)
        next(found)
        for number, cells in found:
            if any(cells):
                yield number, cells

    return Sheet(Path(name).stem, named_once(header[1]), rows)


def _delimiter(file: BinaryIO) -> str:
    first = file.readline(1 << 20).decode("utf-8-sig", errors="replace")
    plain = "".join(first.split('"')[::2])  # what stands outside quotes
    return max(_DELIMITERS, key=plain.count)


def _csv_rows(opener: Opener, delimiter: str) -> Rows:
    with opener() as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
        try:
            for number, cells in enumerate(reader, start=1):
                yield number, [as_meant(cell.strip()).strip() for cell in cells]
        except csv.Error as error:
            raise FileNotReadable(f"The file cannot be read in line {reader.line_num:,}.") from error
        except UnicodeDecodeError as error:
            raise FileNotReadable(
                "The file is not UTF-8 text.", todo="Save it as “CSV UTF-8” and send it again."
            ) from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text file. One of many megabytes is no line of a table, and zero characters are no text."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise FileNotReadable("A line of the file is longer than any row of a table.")
        if "\0" in line:
            raise FileNotReadable("The file is not UTF-8 text.", todo="Save it as “CSV UTF-8” and send it again.")
        yield line


def _xlsx_sheet(title: str, opener: Opener) -> Sheet | None:
    first = next(_xlsx_rows(title, opener), None)
    if first is None or first[0] != 1 or not any(first[1]):
        return None

    def rows() -> Rows:
        found = _xlsx_rows(title, opener)
        next(found)
        for number, cells in found:
            if any(cells):
                yield number, cells

    return Sheet(title, named_once(first[1]), rows)


def _xlsx_rows(title: str, opener: Opener) -> Rows:
    with opener() as file:
        for number, cells in xlsx.rows(file, title):
            yield number, [show(cell) for cell in cells]


def _stata_sheet(name: str, opener: Opener) -> Sheet:
    import pyreadstat

    try:
        with opener() as file:
            _, head = pyreadstat.read_dta(cast(Any, file), output_format="dict", metadataonly=True)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OverflowError, ValueError) as error:
        raise FileNotReadable("The file is not a readable Stata file.") from error
    columns = list(head.column_names)
    if not columns or not all(columns):
        raise FileNotReadable("The file has a column without a name.")
    count = int(head.number_rows or 0)
    with opener() as file:
        # A broken head may promise so many rows that making room for them would fill the memory.
        if count * len(columns) > file.seek(0, io.SEEK_END):
            raise FileNotReadable("The file promises more rows than it holds.")
    labels = {
        column: {show(code): str(text) for code, text in found.items()}
        for column, found in (head.variable_value_labels or {}).items()
    }

    def rows() -> Rows:
        for start in range(0, count, _BLOCK):
            yield from _stata_block(opener, columns, start)

    return Sheet(Path(name).stem, columns, rows, labels)


def _stata_block(opener: Opener, columns: list[str], start: int) -> Rows:
    import pyreadstat

    try:
        with opener() as file:
            found, _ = pyreadstat.read_dta(cast(Any, file), output_format="dict", row_offset=start, row_limit=_BLOCK)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OverflowError, ValueError) as error:
        raise FileNotReadable("The file is not a readable Stata file.") from error
    for place, cells in enumerate(zip(*(found[column] for column in columns), strict=True)):
        yield start + place + 2, [show(cell) for cell in cells]
