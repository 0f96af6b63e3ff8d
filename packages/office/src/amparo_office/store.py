"""The office's database: cycles, decisions, wallets' keys, claims, cards, jobs, staff. SQL only; no decisions here.

People and households are in the register (`people`); here they are the numbers of their rows. Nothing here names a token; `claim`
joins a decision to a quote, which the mint knows by its amount only.
"""

import contextlib
import sqlite3
from collections.abc import Collection
from pathlib import Path

import msgspec

from amparo_office.crowds import Crowd
from amparo_office.errors import CycleUnknown, EarlierLayout
from amparo_service import outbox
from amparo_service.database import Database

_FIRST = (
    "CREATE TABLE staff (id TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, access_hash BLOB NOT NULL UNIQUE) WITHOUT ROWID;\n"
    # The wallet's key of a household; `household` is the number of its row in the register.
    "CREATE TABLE holder (household INTEGER PRIMARY KEY, kid TEXT NOT NULL UNIQUE, jwk TEXT NOT NULL);\n"
    "CREATE TABLE enrolment_code (code_hash BLOB NOT NULL PRIMARY KEY, household INTEGER NOT NULL UNIQUE)"
    " WITHOUT ROWID;\n"
    "CREATE TABLE cycle (number INTEGER PRIMARY KEY, programme TEXT NOT NULL, name TEXT NOT NULL, rule_hash TEXT NOT NULL,"
    " as_of TEXT NOT NULL, decided_at TEXT NOT NULL, maker TEXT NOT NULL, root TEXT, total INTEGER, households INTEGER,"
    " eligible INTEGER, approver TEXT, crowd_asked INTEGER, small_crowds INTEGER, UNIQUE (programme, name));\n"
    "CREATE TABLE decision (cycle INTEGER NOT NULL REFERENCES cycle, place INTEGER NOT NULL, household INTEGER NOT NULL,"
    " by_phone INTEGER NOT NULL, receipt TEXT NOT NULL, amount INTEGER NOT NULL, leaf BLOB NOT NULL,"
    # With a rowid: without one SQLite puts most of a receipt on a page of its own, and the table takes three times the room.
    " PRIMARY KEY (cycle, household));\n"
    "CREATE TABLE claim (cycle INTEGER NOT NULL, household INTEGER NOT NULL, quote TEXT NOT NULL UNIQUE,"
    " PRIMARY KEY (cycle, household)) WITHOUT ROWID;\n"
    "CREATE TABLE card (number TEXT NOT NULL PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE job (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, argument BLOB NOT NULL, staff TEXT NOT NULL,"
    " state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, result BLOB);\n"
    + outbox.SCHEMA
)
MIGRATIONS = (_FIRST,)


class Cycle(msgspec.Struct, frozen=True):
    """One programme's cycle. `root` and the totals are there once all decisions are made; `approver` once approved, and how many
    households were then in crowds smaller than `crowd_asked`."""

    number: int
    programme: str
    name: str
    rule_hash: str
    as_of: str
    decided_at: str
    maker: str
    root: str | None
    total: int | None
    households: int | None
    eligible: int | None
    approver: str | None
    crowd_asked: int | None
    small_crowds: int | None


class DecisionRow(msgspec.Struct, frozen=True):
    """A stored decision."""

    place: int
    household: int
    receipt: str
    amount: int
    leaf: bytes


_CYCLE = (
    "SELECT number, programme, name, rule_hash, as_of, decided_at, maker, root, total, households, eligible, approver,"
    " crowd_asked, small_crowds FROM cycle"
)


def open_database(path: Path) -> Database:
    """The office's database. Raises `EarlierLayout`, `CannotStore`, `DatabaseTooNew`."""
    if path.exists():
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'household'").fetchone()
        if found[0]:
            raise EarlierLayout("This folder has a register of an earlier form.")
    return Database(path, MIGRATIONS)


def find_cycle(connection: sqlite3.Connection, programme: str, name: str) -> Cycle:
    """A cycle. Raises `CycleUnknown`."""
    row = connection.execute(f"{_CYCLE} WHERE programme = ? AND name = ?", (programme, name)).fetchone()
    if row is None:
        raise CycleUnknown("There is no such cycle.")
    return Cycle(*row)


def cycles(connection: sqlite3.Connection) -> list[Cycle]:
    """All cycles, oldest first."""
    return [Cycle(*row) for row in connection.execute(f"{_CYCLE} ORDER BY number").fetchall()]


def holders(connection: sqlite3.Connection, first: int, last: int) -> dict[int, str]:
    """The key that each of these households' wallets holds, by number, from `first` to `last`."""
    return dict(
        connection.execute(
            "SELECT household, kid FROM holder WHERE household BETWEEN ? AND ?", (first, last)
        ).fetchall()
    )


def leaves(connection: sqlite3.Connection, cycle: int) -> list[tuple[bytes, int]]:
    """The leaves of a cycle's batch in their order."""
    return [
        (bytes(row[0]), int(row[1]))
        for row in connection.execute("SELECT leaf, amount FROM decision WHERE cycle = ? ORDER BY place", (cycle,))
    ]


def crowds(connection: sqlite3.Connection, cycle: int) -> list[Crowd]:
    """How many households get each amount, by phone and on paper."""
    rows = connection.execute(
        "SELECT amount, by_phone, count(*) FROM decision WHERE cycle = ? AND amount > 0 GROUP BY amount, by_phone ORDER BY 1, 2",
        (cycle,),
    )
    return [Crowd(amount=amount, phone=bool(phone), households=count) for amount, phone, count in rows]


def find_decision(connection: sqlite3.Connection, cycle: int, household: int) -> DecisionRow | None:
    """One household's decision in a cycle."""
    row = connection.execute(
        "SELECT place, household, receipt, amount, leaf FROM decision WHERE cycle = ? AND household = ?",
        (cycle, household),
    ).fetchone()
    return None if row is None else DecisionRow(row[0], row[1], row[2], row[3], bytes(row[4]))


def household_of_holder(connection: sqlite3.Connection, kid: str) -> tuple[int, str] | None:
    """The household whose wallet holds this key: its number, and the key as JSON."""
    row = connection.execute("SELECT household, jwk FROM holder WHERE kid = ?", (kid,)).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def households(connection: sqlite3.Connection) -> set[int]:
    """The number of every household that anything here is about."""
    found = (
        "SELECT household FROM holder UNION SELECT household FROM enrolment_code UNION SELECT household FROM decision"
    )
    return {row[0] for row in connection.execute(f"{found} WHERE receipt <> ''")}


def cards(connection: sqlite3.Connection) -> set[int]:
    """The number of every person who has a card."""
    return {row[0] for row in connection.execute("SELECT DISTINCT person FROM card")}


def forget(connection: sqlite3.Connection, households: Collection[int], persons: Collection[int]) -> None:
    """Remove what is about records that were erased. Of a decision the leaf and the amount stay, for the batch's sum."""
    for number in households:
        for table in ("holder", "enrolment_code", "claim"):
            connection.execute(f"DELETE FROM {table} WHERE household = ?", (number,))
        connection.execute("UPDATE decision SET receipt = '' WHERE household = ?", (number,))
    connection.executemany("DELETE FROM card WHERE person = ?", [(number,) for number in persons])
