"""The printing desk's tables: sheets, and while they are not printed their codes and whose they are.

A sheet is `filling` (its purse claims or restores), `ready` (codes and slip wait to be printed), `written` (they are in the files
that were written last), `printed` (only its number, its last day and its reserve are left) or `struck` (a successor took its
place). `household` is there until the sheet is printed: one household has one sheet that is not.
"""

import sqlite3
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from amparo_common.sheets import Listed
from amparo_wallet import wallet as wallet_module
from amparo_wallet.errors import SheetTaken, SheetUnknown

MIGRATIONS = (
    wallet_module.SCHEMA + ";\n"
    # `reserve` is closed with the slip; `slip` is here until both are printed.
    "CREATE TABLE sheet (number TEXT NOT NULL PRIMARY KEY, language TEXT NOT NULL, until TEXT NOT NULL, state TEXT NOT NULL,"
    " reserve BLOB, slip TEXT, successor TEXT) WITHOUT ROWID;\n"
    "CREATE TABLE sheet_voucher (sheet TEXT NOT NULL REFERENCES sheet, place INTEGER NOT NULL, code TEXT NOT NULL,"
    " unit TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (sheet, place)) WITHOUT ROWID",
    # `files`: digest of the files in which the sheet was written.
    "ALTER TABLE sheet ADD COLUMN household TEXT;\n"
    "ALTER TABLE sheet ADD COLUMN files BLOB;\n"
    "CREATE UNIQUE INDEX sheet_household ON sheet (household)",
)


class State(StrEnum):
    """How far a sheet is; see the module."""

    FILLING = "filling"
    READY = "ready"
    WRITTEN = "written"
    PRINTED = "printed"
    STRUCK = "struck"


class Row(msgspec.Struct, frozen=True):
    """A sheet as it is stored. `until`: the last day of its vouchers."""

    number: str
    language: str
    until: date
    state: State
    reserve: bytes | None
    slip: str | None
    successor: str | None

    @property
    def is_at_desk(self) -> bool:
        """Whether its codes, or what makes them, are still here."""
        return self.state in (State.FILLING, State.READY, State.WRITTEN)


_COLUMNS = "number, language, until, state, reserve, slip, successor"


def add(
    connection: sqlite3.Connection, number: str, *, language: str, until: date, household: str | None = None
) -> None:
    """A new sheet that is to be filled. Raises `SheetTaken`."""
    if is_known(connection, number):
        raise SheetTaken("There is a sheet of this number already.")
    connection.execute(
        "INSERT INTO sheet (number, language, until, state, household) VALUES (?, ?, ?, ?, ?)",
        (number, language, until.isoformat(), State.FILLING, household),
    )


def is_known(connection: sqlite3.Connection, number: str) -> bool:
    """Whether there is a sheet of this number, however far."""
    return connection.execute("SELECT 1 FROM sheet WHERE number = ?", (number,)).fetchone() is not None


def find(connection: sqlite3.Connection, number: str) -> Row:
    """A sheet. Raises `SheetUnknown`."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM sheet WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise SheetUnknown("This desk made no sheet of this number.")
    return _read(row)


def find_of(connection: sqlite3.Connection, household: str) -> Row | None:
    """The household's sheet that is not printed yet."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM sheet WHERE household = ?", (household,)).fetchone()
    return None if row is None else _read(row)


def _read(row: Sequence[Any]) -> Row:
    number, language, until, state, reserve, slip, successor = row
    return Row(number, language, date.fromisoformat(until), State(state), reserve, slip, successor)


def correct(connection: sqlite3.Connection, number: str, *, language: str, until: date) -> None:
    """A sheet that is not printed gets another last day or language; files that say something else do not count."""
    connection.execute(
        "UPDATE sheet SET language = ?, until = ?, files = NULL, state = CASE state WHEN ? THEN ? ELSE state END"
        " WHERE number = ?",
        (language, until.isoformat(), State.WRITTEN, State.READY, number),
    )


def fill(
    connection: sqlite3.Connection,
    number: str,
    vouchers: Sequence[tuple[str, str, int]],
    *,
    slip: str,
    reserve: bytes,
) -> None:
    """The codes of a sheet, each as (code, unit, amount in minor units), its slip and its reserve. Raises `SheetTaken` when it
    was filled already."""
    changed = connection.execute(
        "UPDATE sheet SET state = ?, slip = ?, reserve = ? WHERE number = ? AND state = ?",
        (State.READY, slip, reserve, number, State.FILLING),
    ).rowcount
    if changed != 1:
        raise SheetTaken("This sheet was filled meanwhile.")
    connection.executemany(
        "INSERT INTO sheet_voucher (sheet, place, code, unit, amount) VALUES (?, ?, ?, ?, ?)",
        [(number, place, *each) for place, each in enumerate(vouchers)],
    )


def waiting(connection: sqlite3.Connection) -> list[Row]:
    """The sheets that are ready or written, by number."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM sheet WHERE state IN (?, ?) ORDER BY number", (State.READY, State.WRITTEN)
    ).fetchall()
    return [_read(row) for row in rows]


def listed(connection: sqlite3.Connection) -> list[Listed]:
    """Whose the sheets are that are ready or written, by number; a successor's household only the office knows."""
    rows = connection.execute(
        "SELECT number, household, until FROM sheet WHERE state IN (?, ?) AND household IS NOT NULL ORDER BY number",
        (State.READY, State.WRITTEN),
    ).fetchall()
    return [Listed(number, household, date.fromisoformat(until)) for number, household, until in rows]


def vouchers_of(connection: sqlite3.Connection, number: str) -> list[tuple[str, str, int]]:
    """The codes of a sheet in their order, each as (code, unit, amount in minor units)."""
    rows = connection.execute(
        "SELECT code, unit, amount FROM sheet_voucher WHERE sheet = ? ORDER BY place", (number,)
    ).fetchall()
    return [(str(code), str(unit), int(amount)) for code, unit, amount in rows]


def mark_written(connection: sqlite3.Connection, numbers: Sequence[str], files: bytes) -> None:
    """These sheets are in files of this digest, and in no others that count."""
    connection.executemany(
        "UPDATE sheet SET state = ?, files = ? WHERE number = ? AND state IN (?, ?)",
        [(State.WRITTEN, files, number, State.READY, State.WRITTEN) for number in numbers],
    )


def is_written(connection: sqlite3.Connection) -> bool:
    """Whether any sheet is in files that count."""
    return connection.execute("SELECT 1 FROM sheet WHERE state = ?", (State.WRITTEN,)).fetchone() is not None


def mark_printed(connection: sqlite3.Connection, files: bytes) -> int:
    """The sheets in files of this digest are on paper: forget their codes, slips, purses and whose they are. How many, also when
    it is said again."""
    rows = connection.execute(
        "SELECT number, state FROM sheet WHERE state IN (?, ?) AND files = ?", (State.WRITTEN, State.PRINTED, files)
    ).fetchall()
    for number, state in rows:
        if state == State.WRITTEN:
            _empty(connection, number)
    connection.execute(
        "UPDATE sheet SET state = ?, slip = NULL, household = NULL WHERE state = ? AND files = ?",
        (State.PRINTED, State.WRITTEN, files),
    )
    return len(rows)


def printed(connection: sqlite3.Connection) -> set[str]:
    """The numbers of the sheets that are on paper and not struck."""
    rows = connection.execute("SELECT number FROM sheet WHERE state = ?", (State.PRINTED,)).fetchall()
    return {str(number) for (number,) in rows}


def succeed(connection: sqlite3.Connection, row: Row, successor: str) -> None:
    """A printed sheet gets its successor, once; a repeated call changes nothing. Raises `SheetTaken` when the successor's number
    is another sheet's."""
    if row.successor is None:
        add(connection, successor, language=row.language, until=row.until)
        connection.execute("UPDATE sheet SET successor = ? WHERE number = ?", (successor, row.number))


def strike(connection: sqlite3.Connection, number: str) -> None:
    """The sheet is worth nothing now, and nobody opens its reserve again."""
    _empty(connection, number)
    connection.execute(
        "UPDATE sheet SET state = ?, reserve = NULL, slip = NULL, household = NULL, files = NULL WHERE number = ?",
        (State.STRUCK, number),
    )


def remove_empty(connection: sqlite3.Connection, number: str) -> None:
    """Leave no row of a sheet to which no vouchers came, and of its purse. Raises `SheetTaken` when it was filled meanwhile."""
    if find(connection, number).state is not State.FILLING:
        raise SheetTaken("This sheet was filled meanwhile.")
    _remove(connection, number)


def _remove(connection: sqlite3.Connection, number: str) -> None:
    _empty(connection, number)
    connection.execute("DELETE FROM sheet WHERE number = ?", (number,))


def remove_ended(connection: sqlite3.Connection, today: date) -> int:
    """Remove the sheets whose last day is over, however far they were; how many."""
    rows = connection.execute("SELECT number FROM sheet WHERE until < ?", (today.isoformat(),)).fetchall()
    for (number,) in rows:
        _remove(connection, number)
    return len(rows)


def _empty(connection: sqlite3.Connection, number: str) -> None:
    connection.execute("DELETE FROM sheet_voucher WHERE sheet = ?", (number,))
    wallet_module.forget_wallet(connection, number)
