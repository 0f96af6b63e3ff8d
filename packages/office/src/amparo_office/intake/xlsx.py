"""Reading a workbook (XLSX, ECMA-376) row by row: the sheets' XML passes by in pieces; only the shared texts are held.

Values only: formulas are never computed, the value that was stored with them is read. A document type, a declared entity, a
broken archive or a sheet that grows out of proportion is refused.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from amparo_office.errors import FileNotReadable

Cell = str | int | float | bool | datetime | None

_PIECE = 256 * 1024
_MOST_TEXTS = 400 * 1024 * 1024
_MOST_SHEET = 4 * 1024 * 1024 * 1024
_MOST_COLUMN = 16_384
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_NO_DATE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, OSError)


def sheet_names(file: BinaryIO) -> list[str]:
    """The names of the sheets, in their order. Raises `FileNotReadable`."""
    with _Book(file) as book:
        return list(_paths(book))


def rows(file: BinaryIO, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
    """The rows that hold something, with their numbers. Raises `FileNotReadable`."""
    with _Book(file) as book:
        path = _paths(book).get(sheet)
        if path is None:
            raise FileNotReadable("The workbook lacks a sheet.")
        yield from _SheetReader(_texts(book), _date_styles(book), _epoch(book)).rows(_xml(book, path))


class _Book:
    """The archive; what is wrong with it becomes our error."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._archive = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise FileNotReadable("The file is not a readable workbook.") from error

    def __enter__(self) -> zipfile.ZipFile:
        return self._archive

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self._archive.close()
        if isinstance(error, _BROKEN):
            raise FileNotReadable("The file is not a readable workbook.") from error


def _xml(book: zipfile.ZipFile, path: str, most: int = _MOST_SHEET) -> Iterator[bytes]:
    """A part of the archive, piece by piece."""
    read = 0
    with book.open(path) as part:
        while piece := part.read(_PIECE):
            read += len(piece)
            if read > most:
                raise FileNotReadable("The workbook is too large.")
            yield piece


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_: object) -> NoReturn:
        raise FileNotReadable("The workbook holds what no workbook needs.")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _elements(book: zipfile.ZipFile, path: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a small part: name without its namespace, attributes likewise."""
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append((_local(name), {_local(key): value for key, value in attributes.items()}))

    parser = _parser()
    parser.StartElementHandler = start
    _feed(parser, _xml(book, path, 16 * 1024 * 1024))
    return found


def _feed(parser: expat.XMLParserType, pieces: Iterator[bytes]) -> None:
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FileNotReadable("The file is not a readable workbook.") from error


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _paths(book: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name -> path in the archive."""
    targets = {
        each["Id"]: each["Target"]
        for name, each in _elements(book, "xl/_rels/workbook.xml.rels")
        if name == "Relationship" and "Id" in each and "Target" in each
    }
    found = {}
    for name, each in _elements(book, "xl/workbook.xml"):
        target = targets.get(each.get("id", ""))
        if name == "sheet" and target is not None and "worksheet" in target:
            path = target.removeprefix("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            found[each.get("name", "")] = path
    return found


def _epoch(book: zipfile.ZipFile) -> datetime:
    for name, each in _elements(book, "xl/workbook.xml"):
        if name == "workbookPr" and each.get("date1904") in ("1", "true"):
            return datetime(1904, 1, 1)  # noqa: DTZ001 - a day of the calendar, of no zone
    return datetime(1899, 12, 30)  # noqa: DTZ001 - a day of the calendar, of no zone


def _date_styles(book: zipfile.ZipFile) -> frozenset[str]:
    """The style numbers under which a number is a date."""
    if "xl/styles.xml" not in book.namelist():
        return frozenset()
    own: set[int] = set()
    found, inside, place = set(), False, 0
    for name, each in _elements(book, "xl/styles.xml"):
        if name == "numFmt" and re.search(r"[ymdhs]", _NO_DATE.sub("", each.get("formatCode", "")).lower()):
            own.add(int(each.get("numFmtId", "0")))
        elif name in ("cellXfs", "cellStyles", "dxfs", "cellStyleXfs"):
            inside = name == "cellXfs"
        elif name == "xf" and inside:
            number = int(each.get("numFmtId", "0"))
            if number in _DATE_FORMATS or number in own:
                found.add(str(place))
            place += 1
    return frozenset(found)


def _texts(book: zipfile.ZipFile) -> list[str]:
    """The shared texts. Pronunciation beside a text is left out."""
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    found: list[str] = []
    parts: list[str] = []
    state = {"text": False, "aside": False}

    def start(name: str, _attributes: dict[str, str]) -> None:
        local = _local(name)
        if local == "rPh":
            state["aside"] = True
        state["text"] = local == "t" and not state["aside"]

    def end(name: str) -> None:
        local = _local(name)
        state["text"] = False
        if local == "rPh":
            state["aside"] = False
        elif local == "si":
            found.append("".join(parts))
            parts.clear()

    def text(data: str) -> None:
        if state["text"]:
            parts.append(data)

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    _feed(parser, _xml(book, "xl/sharedStrings.xml", _MOST_TEXTS))
    return found


class _SheetReader:
    """Makes rows of a sheet's XML as it passes by."""

    def __init__(self, texts: list[str], dates: frozenset[str], epoch: datetime) -> None:
        self._texts, self._dates, self._epoch = texts, dates, epoch
        self._ready: list[tuple[int, list[Cell]]] = []
        self._row: list[Cell] = []
        self._number, self._column = 0, 0
        self._kind, self._style = "n", ""
        self._parts: list[str] = []
        self._in_text = False
        self._names: dict[str, str] = {}
        self._columns: dict[str, int] = {}

    def rows(self, pieces: Iterator[bytes]) -> Iterator[tuple[int, list[Cell]]]:
        """The rows that hold something."""
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        try:
            for piece in pieces:
                parser.Parse(piece, False)
                yield from self._ready
                self._ready.clear()
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, IndexError, OverflowError) as error:
            raise FileNotReadable("The file is not a readable workbook.") from error
        yield from self._ready

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        match self._names.get(name) or self._names.setdefault(name, _local(name)):
            case "c":
                place = attributes.get("r")
                self._column = self._column + 1 if place is None else self._place(place)
                self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
                self._parts.clear()
            case "v" | "t":
                self._in_text = True
            case "row":
                self._number = int(attributes.get("r") or self._number + 1)
                self._row, self._column = [], -1

    def _text(self, data: str) -> None:
        if self._in_text:
            self._parts.append(data)

    def _end(self, name: str) -> None:
        match self._names[name]:
            case "v" | "t":
                self._in_text = False
            case "c":
                if self._parts:
                    row = self._row
                    if len(row) <= self._column:
                        row.extend([None] * (self._column + 1 - len(row)))
                    row[self._column] = self._value("".join(self._parts))
            case "row":
                if self._row:
                    self._ready.append((self._number, self._row))

    def _place(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        known = self._columns.get(letters)
        if known is None:
            known = 0
            for letter in letters.upper():
                known = known * 26 + ord(letter) - 64
            if not 0 < known <= _MOST_COLUMN:
                raise FileNotReadable("The file is not a readable workbook.")
            self._columns[letters] = known
        return known - 1

    def _value(self, text: str) -> Cell:
        match self._kind:
            case "s":
                return self._texts[int(text)]
            case "inlineStr" | "str":
                return text
            case "b":
                return text.strip() == "1"
            case "e":
                return None
            case "d":
                return text
        number = float(text)
        if self._style in self._dates and number >= 1:
            # Excel counts 1900 as a leap year; before March of that year its days are one too high.
            return self._epoch + timedelta(seconds=round(number * 86_400))
        return int(number) if number.is_integer() else number
