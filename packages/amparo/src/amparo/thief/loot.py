"""What a thief finds: the rows of every table of every database, the bytes of their journals, the secret keys.

Rows are indexed by the values they hold (whole cells, and the words inside texts and signed documents), so that any value
that stands in two places joins them.
"""

import base64
import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

_WORD = re.compile(r"[0-9A-Za-z_+/=-]{8,}")
_SHORTEST = 8

RowKey = tuple[str, str, int]


class Row(msgspec.Struct, frozen=True):
    """A row of a table: where it is, and its cells by column."""

    key: RowKey
    cells: dict[str, object]


class Loot:
    """All rows, and which rows hold a value. `journals` are the raw bytes of each write-ahead log."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, Row] = {}
        self.journals: dict[str, bytes] = {}
        self.keys: dict[str, bytes] = {}
        self._by_value: dict[str, list[RowKey]] = {}
        self._references: dict[RowKey, list[RowKey]] = {}
        self._beside: dict[RowKey, frozenset[RowKey]] = {}

    def add_folder(self, folder: Path) -> None:
        """Take everything in a service's folder: databases, journals, key files."""
        for path in sorted(folder.iterdir()):
            if path.suffix == ".sqlite":
                journal = path.with_name(path.name + "-wal")
                self.journals[path.stem] = journal.read_bytes() if journal.exists() else b""
                self._add_database(path)
            elif path.suffix == ".bin":
                self.keys[f"{folder.name}/{path.stem}"] = path.read_bytes()

    def _add_database(self, path: Path) -> None:
        with contextlib.closing(sqlite3.connect(":memory:")) as copy:
            with contextlib.closing(sqlite3.connect(path)) as source:
                source.backup(copy)
            tables = [name for (name,) in copy.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            numbers: dict[tuple[str, object], RowKey] = {}
            for table in tables:
                self._add_table(copy, path.stem, table, numbers)
            for table in tables:
                self._join_references(copy, path.stem, table, numbers)

    def _add_table(
        self, copy: sqlite3.Connection, database: str, table: str, numbers: dict[tuple[str, object], RowKey]
    ) -> None:
        cursor = copy.execute(f'SELECT * FROM "{table}"')
        columns = [column[0] for column in cursor.description]
        for place, values in enumerate(cursor):
            key = (database, table, place)
            self.rows[key] = Row(key, dict(zip(columns, values, strict=True)))
            numbers[table, values[0]] = key
            for value in values:
                for word in words_of(value):
                    self._by_value.setdefault(word, []).append(key)

    def _join_references(
        self, copy: sqlite3.Connection, database: str, table: str, numbers: dict[tuple[str, object], RowKey]
    ) -> None:
        """Follow foreign keys, and columns that are named after another table, in both directions."""
        declared = {row[3]: row[2] for row in copy.execute(f'PRAGMA foreign_key_list("{table}")')}
        columns = [row[1] for row in copy.execute(f'PRAGMA table_info("{table}")')]
        named = {column: declared.get(column, column) for column in columns}
        for key, row in list(self.rows.items()):
            if key[:2] != (database, table):
                continue
            for column, other in named.items():
                target = numbers.get((other, row.cells[column]))
                if target is not None and target != key:
                    self._references.setdefault(key, []).append(target)
                    self._references.setdefault(target, []).append(key)

    def holding(self, value: str) -> list[RowKey]:
        """The rows that hold a value."""
        return self._by_value.get(value, [])

    def beside(self, key: RowKey, *, widest: int) -> frozenset[RowKey]:
        """The rows that share a value or a reference with a row; what more than `widest` rows share says nothing."""
        if key not in self._beside:
            self._beside[key] = frozenset(self._find_beside(key, widest))
        return self._beside[key]

    def _find_beside(self, key: RowKey, widest: int) -> Iterator[RowKey]:
        references = self._references.get(key, [])
        by_table: dict[str, list[RowKey]] = {}
        for other in references:
            by_table.setdefault(other[1], []).append(other)
        for group in by_table.values():
            if len(group) <= widest:
                yield from group
        for value in self.rows[key].cells.values():
            for word in words_of(value):
                found = self._by_value.get(word, [])
                if 1 < len(found) <= widest:
                    yield from (other for other in found if other != key)


def words_of(value: object) -> Iterator[str]:
    """The values inside a cell by which rows could be joined: bytes as hex, texts, their words, signed payloads."""
    match value:
        case bytes() if len(value) >= _SHORTEST:
            yield value.hex()
        case str() if len(value) >= _SHORTEST:
            yield value
            for word in _WORD.findall(_opened(value)):
                if word != value:
                    yield word


def _opened(text: str) -> str:
    """A text with the payload of a signed document read."""
    parts = text.split(".")
    if len(parts) != 3 or not text.startswith("ey"):
        return text
    payload = parts[1] + "=" * (-len(parts[1]) % 4)
    return base64.urlsafe_b64decode(payload).decode("utf-8", errors="replace")
