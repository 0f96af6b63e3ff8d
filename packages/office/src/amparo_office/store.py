"""The office's database: register, programmes, cycles, decisions, claims, cards, jobs, staff. SQL only; no decisions here.

`household` and `person` hold facts as JSON of scaled integers with the import they came from; `identity` holds names sealed
with a key outside the database. Nothing here names a token; `claim` joins a decision to a quote, which the mint knows by
its amount only.
"""

import sqlite3
from collections.abc import Iterator

import msgspec

from amparo_office.crowds import Crowd
from amparo_office.errors import CycleUnknown
from amparo_rules.receipt import Declared
from amparo_service import outbox

_FIRST = (
    "CREATE TABLE staff (id TEXT NOT NULL PRIMARY KEY, role TEXT NOT NULL, access_hash BLOB NOT NULL UNIQUE) WITHOUT ROWID;\n"
    "CREATE TABLE import (number INTEGER PRIMARY KEY, content_hash TEXT NOT NULL UNIQUE, source TEXT NOT NULL,"
    " date TEXT NOT NULL, households INTEGER NOT NULL, persons INTEGER NOT NULL);\n"
    "CREATE TABLE household (number INTEGER PRIMARY KEY, id BLOB NOT NULL, import INTEGER NOT NULL REFERENCES import,"
    " ref TEXT NOT NULL, phone INTEGER NOT NULL, facts TEXT NOT NULL, holder TEXT, holder_key TEXT, UNIQUE (import, ref));\n"
    "CREATE INDEX household_holder ON household (holder);\n"
    "CREATE TABLE person (number INTEGER PRIMARY KEY, household INTEGER NOT NULL REFERENCES household, facts TEXT NOT NULL);\n"
    "CREATE INDEX person_household ON person (household);\n"
    "CREATE TABLE identity (person INTEGER PRIMARY KEY REFERENCES person, sealed BLOB NOT NULL);\n"
    "CREATE TABLE enrolment_code (code_hash BLOB NOT NULL PRIMARY KEY, household INTEGER NOT NULL UNIQUE REFERENCES household)"
    " WITHOUT ROWID;\n"
    "CREATE TABLE cycle (number INTEGER PRIMARY KEY, programme TEXT NOT NULL, name TEXT NOT NULL, rule_hash TEXT NOT NULL,"
    " as_of TEXT NOT NULL, decided_at TEXT NOT NULL, maker TEXT NOT NULL, root TEXT, total INTEGER, households INTEGER,"
    " eligible INTEGER, approver TEXT, UNIQUE (programme, name));\n"
    "CREATE TABLE decision (cycle INTEGER NOT NULL REFERENCES cycle, place INTEGER NOT NULL, household INTEGER NOT NULL"
    " REFERENCES household, receipt TEXT NOT NULL, amount INTEGER NOT NULL, leaf BLOB NOT NULL,"
    # With a rowid: without one SQLite puts most of a receipt on a page of its own, and the table takes three times the room.
    " PRIMARY KEY (cycle, household));\n"
    "CREATE TABLE claim (cycle INTEGER NOT NULL, household INTEGER NOT NULL, quote TEXT NOT NULL UNIQUE,"
    " PRIMARY KEY (cycle, household)) WITHOUT ROWID;\n"
    "CREATE TABLE card (number TEXT NOT NULL PRIMARY KEY, person INTEGER NOT NULL REFERENCES person) WITHOUT ROWID;\n"
    "CREATE TABLE job (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, argument BLOB NOT NULL, staff TEXT NOT NULL,"
    " state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, result BLOB);\n"
    + outbox.SCHEMA
)
# What the approver was told and said is known: how many households are in crowds smaller than `crowd_asked`.
_CROWDS = "ALTER TABLE cycle ADD COLUMN crowd_asked INTEGER;\nALTER TABLE cycle ADD COLUMN small_crowds INTEGER;\n"
MIGRATIONS = (_FIRST, _CROWDS)


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


class HouseholdRow(msgspec.Struct, frozen=True):
    """A household with its facts; members in the order of the register."""

    number: int
    id: bytes
    imported: int
    holder: str | None
    facts: dict[str, int | None]
    members: list[dict[str, int | None]]


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
_facts = msgspec.json.Decoder(dict[str, int | None])


def find_cycle(connection: sqlite3.Connection, programme: str, name: str) -> Cycle:
    """A cycle. Raises `CycleUnknown`."""
    row = connection.execute(f"{_CYCLE} WHERE programme = ? AND name = ?", (programme, name)).fetchone()
    if row is None:
        raise CycleUnknown("There is no such cycle.")
    return Cycle(*row)


def cycles(connection: sqlite3.Connection) -> list[Cycle]:
    """All cycles, oldest first."""
    return [Cycle(*row) for row in connection.execute(f"{_CYCLE} ORDER BY number").fetchall()]


def households_after(connection: sqlite3.Connection, number: int, count: int) -> list[HouseholdRow]:
    """The next `count` households after `number`, in the order of the register, with their members."""
    rows = connection.execute(
        "SELECT number, id, import, holder, facts FROM household WHERE number > ? ORDER BY number LIMIT ?",
        (number, count),
    ).fetchall()
    if not rows:
        return []
    members: dict[int, list[dict[str, int | None]]] = {row[0]: [] for row in rows}
    decode = _facts.decode
    for household, facts in connection.execute(
        "SELECT household, facts FROM person WHERE household BETWEEN ? AND ? ORDER BY household, number",
        (rows[0][0], rows[-1][0]),
    ):
        members[household].append(decode(facts))
    return [HouseholdRow(row[0], row[1], row[2], row[3], decode(row[4]), members[row[0]]) for row in rows]


def sources(connection: sqlite3.Connection) -> dict[int, Declared]:
    """Where the facts of each import come from."""
    rows = connection.execute("SELECT number, source, date FROM import").fetchall()
    return {row[0]: Declared(source=row[1], date=row[2]) for row in rows}


def leaves(connection: sqlite3.Connection, cycle: int) -> list[tuple[bytes, int]]:
    """The leaves of a cycle's batch in their order."""
    return [
        (bytes(row[0]), int(row[1]))
        for row in connection.execute("SELECT leaf, amount FROM decision WHERE cycle = ? ORDER BY place", (cycle,))
    ]


def crowds(connection: sqlite3.Connection, cycle: int) -> list[Crowd]:
    """How many households get each amount, by phone and on paper."""
    rows = connection.execute(
        "SELECT decision.amount, household.phone, count(*) FROM decision JOIN household ON household.number = decision.household"
        " WHERE decision.cycle = ? AND decision.amount > 0 GROUP BY decision.amount, household.phone ORDER BY 1, 2",
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


def household_of_holder(connection: sqlite3.Connection, holder: str) -> tuple[int, bytes, str] | None:
    """The household whose wallet holds this key: its number, its id, the key as JSON."""
    row = connection.execute("SELECT number, id, holder_key FROM household WHERE holder = ?", (holder,)).fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]), str(row[2]))


def persons(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[str, int | None], bytes | None]]:
    """Every person with facts and sealed identity, in the order of the register."""
    for number, facts, sealed in connection.execute(
        "SELECT person.number, person.facts, identity.sealed FROM person LEFT JOIN identity ON identity.person = person.number"
        " ORDER BY person.number"
    ):
        yield number, _facts.decode(facts), sealed
