"""Reading a workbook (XLSX, ECMA-376) row by row: the sheets' XML passes by in pieces; only the shared texts are held.

Values only: formulas are never computed, the value that was stored with them is read. Macros, links to other files and everything
else that is no value is not even opened. A document type, a declared entity, a broken archive, a part that grows out of proportion,
nests without end or holds one endless piece is refused: no file makes this take more memory than its texts.
"""

import io
import posixpath
import re
import sys
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
# A part may be as large as this whatever it is packed to; a larger one at most so many times what it is packed to.
_PLAIN_SIZE, _MOST_TIMES = 64 * 1024 * 1024, 200
_DIRECTORY = 2 * 1024 * 1024
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_SHEETS = 100
_MOST_COLUMN = 16_384
_LONGEST_CELL = 131_072
_MOST_ELEMENTS, _MOST_NAMES = 250_000, 10_000
_LONGEST_TAG = 1024 * 1024
_DEEPEST = 100
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_NO_DATE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    OSError,
    ValueError,
)


def sheet_names(file: BinaryIO) -> list[str]:
    """The names of the sheets, in their order. Raises `FileNotReadable`."""
    with _Book(file) as book:
        return list(_paths(book))


def rows(file: BinaryIO, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
    """The rows that hold something, with their numbers; what lies right of the first row's last cell is left out. Raises
    `FileNotReadable`."""
    with _Book(file) as book:
        path = _paths(book).get(sheet)
        if path is None:
            raise FileNotReadable("The workbook lacks a sheet.")
        yield from _SheetReader(_texts(book), _date_styles(book), _epoch(book)).rows(_xml(book, path))


class _Sparing:
    """The file as the archive sees it; a table of contents of many megabytes is not read into memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        """Read some."""
        if size < 0:
            at = self._file.tell()
            size = self._file.seek(0, io.SEEK_END) - at
            self._file.seek(at)
        if size > _DIRECTORY:
            raise FileNotReadable("The workbook holds what no workbook needs.")
        return self._file.read(size)

    def seekable(self) -> bool:
        """It is."""
        return True


class _Book:
    """The archive; what is wrong with it becomes our error."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._archive = zipfile.ZipFile(_Sparing(file))
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
    read, known = 0, book.getinfo(path)
    if known.compress_type not in _PACKED:
        raise FileNotReadable("The file is not a readable workbook.")
    most = min(most, max(_PLAIN_SIZE, known.compress_size * _MOST_TIMES))
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
    depth = _Depth()

    def start(name: str, attributes: dict[str, str]) -> None:
        depth.down()
        if len(found) >= _MOST_ELEMENTS:
            raise FileNotReadable("The workbook is too large.")
        found.append((_local(name), {_local(key): value for key, value in attributes.items()}))

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler = start, depth.up
    for _ in _parsed(parser, _xml(book, path, 16 * 1024 * 1024)):
        pass
    return found


class _Depth:
    """How deep the elements lie in each other; a parser remembers every open one."""

    def __init__(self) -> None:
        self._depth = 0

    def down(self) -> None:
        """One begins. Raises `FileNotReadable`."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FileNotReadable("The workbook holds what no workbook needs.")

    def up(self, _name: str = "") -> None:
        """One ends."""
        self._depth -= 1


def _parsed(parser: expat.XMLParserType, pieces: Iterator[bytes]) -> Iterator[None]:
    """Parse a part; it comes back after each piece. A tag that does not end, and endlessly many names, would be held in memory."""
    fed = 0
    for piece in pieces:
        parser.Parse(piece, False)
        fed += len(piece)
        if fed - parser.CurrentByteIndex > _LONGEST_TAG or len(parser.intern) > _MOST_NAMES:
            raise FileNotReadable("The workbook holds what no workbook needs.")
        yield
    parser.Parse(b"", True)
    yield


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
    if len(found) > _MOST_SHEETS:
        raise FileNotReadable("The workbook has too many sheets.")
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
    depth, size, held = _Depth(), 0, 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        depth.down()
        local = _local(name)
        if local == "rPh":
            state["aside"] = True
        state["text"] = local == "t" and not state["aside"]

    def end(name: str) -> None:
        nonlocal size, held
        depth.up()
        local = _local(name)
        state["text"] = False
        if local == "rPh":
            state["aside"] = False
        elif local == "si":
            found.append("".join(parts))
            parts.clear()
            size, held = 0, held + sys.getsizeof(found[-1])
            if held > _MOST_TEXTS:
                raise FileNotReadable("The workbook is too large.")

    def text(data: str) -> None:
        nonlocal size
        if state["text"]:
            parts.append(data)
            size += len(data)
            if size > _LONGEST_CELL:
                _too_long()

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    for _ in _parsed(parser, _xml(book, "xl/sharedStrings.xml", _MOST_TEXTS)):
        pass
    return found


def _too_long() -> NoReturn:
    raise FileNotReadable("A cell of the workbook is longer than any text.")


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
        self._size = 0
        self._depth = _Depth()
        self._most = _MOST_COLUMN
        self._names: dict[str, str] = {}
        self._columns: dict[str, int] = {}

    def rows(self, pieces: Iterator[bytes]) -> Iterator[tuple[int, list[Cell]]]:
        """The rows that hold something."""
        parser = _parser()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        for _ in _parsed(parser, pieces):
            yield from self._ready
            self._ready.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth.down()
        match self._names.get(name) or self._names.setdefault(name, _local(name)):
            case "c":
                place = attributes.get("r")
                self._column = self._column + 1 if place is None else self._place(place)
                self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
                self._parts.clear()
                self._size = 0
            case "v" | "t":
                self._in_text = True
            case "row":
                self._number = int(attributes.get("r") or self._number + 1)
                self._row, self._column = [], -1

    def _text(self, data: str) -> None:
        if self._in_text:
            self._parts.append(data)
            self._size += len(data)
            if self._size > _LONGEST_CELL:
                _too_long()

    def _end(self, name: str) -> None:
        self._depth.up()
        match self._names[name]:
            case "v" | "t":
                self._in_text = False
            case "c":
                if self._parts and self._column < self._most:
                    row = self._row
                    if len(row) <= self._column:
                        row.extend([None] * (self._column + 1 - len(row)))
                    row[self._column] = self._value("".join(self._parts))
            case "row":
                if self._row:
                    if self._most == _MOST_COLUMN:
                        self._most = len(self._row)
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
                number = int(text)
                if number < 0:
                    raise ValueError(text)
                return self._texts[number]
            case "inlineStr" | "str":
                return text
            case "b":
                return text.strip() == "1"
            case "e":
                return None
            case "d":
                return text
        value = float(text)
        if self._style in self._dates and value >= 1:
            # Excel counts 1900 as a leap year; before March of that year its days are one too high.
            return self._epoch + timedelta(seconds=round(value * 86_400))
        return int(value) if value.is_integer() else value
