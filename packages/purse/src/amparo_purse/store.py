"""The purse's database: seeds, counters, coins and the journal of requests whose answer has not come yet.

A coin is `ready` (can be paid), `busy` (in a request of the journal), `held` (locked to one shop, for paying offline) or
`given` (handed over). One file may hold many purses (a family's, or a demo's); each sees only its own.
"""

import sqlite3

import msgspec

from amparo_cashu.outputs import OutputPlan
from amparo_cashu.wire import Dleq, Proof

SCHEMA = (
    "CREATE TABLE purse (name TEXT NOT NULL PRIMARY KEY, seed BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE counter (purse TEXT NOT NULL, keyset TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (purse, keyset))"
    " WITHOUT ROWID;\n"
    "CREATE TABLE coin (purse TEXT NOT NULL, secret TEXT NOT NULL, unit TEXT NOT NULL, keyset TEXT NOT NULL,"
    " amount INTEGER NOT NULL, signature TEXT NOT NULL, dleq BLOB, state TEXT NOT NULL, label TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (purse, secret)) WITHOUT ROWID;\n"
    "CREATE INDEX coin_state ON coin (purse, state, unit);\n"
    "CREATE TABLE journal (number INTEGER PRIMARY KEY, purse TEXT NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL,"
    " plan BLOB, unit TEXT NOT NULL, spends TEXT NOT NULL, states TEXT NOT NULL,"
    " label TEXT NOT NULL)"
)


class JournalRow(msgspec.Struct, frozen=True):
    """A request that was sent or is about to be. `spends` are the secrets of its inputs that this purse holds; `states` are
    the states its new coins will have."""

    number: int
    path: str
    body: bytes
    plan: OutputPlan | None
    unit: str
    spends: list[str]
    states: list[str]
    label: str


def next_counter(connection: sqlite3.Connection, purse: str, keyset: str, count: int) -> int:
    """Take `count` numbers of a keyset; they are never given out again."""
    row = connection.execute("SELECT next FROM counter WHERE purse = ? AND keyset = ?", (purse, keyset)).fetchone()
    first = 0 if row is None else int(row[0])
    connection.execute(
        "INSERT INTO counter (purse, keyset, next) VALUES (?, ?, ?)"
        " ON CONFLICT (purse, keyset) DO UPDATE SET next = excluded.next",
        (purse, keyset, first + count),
    )
    return first


def coins(connection: sqlite3.Connection, purse: str, unit: str, state: str, label: str = "") -> list[Proof]:
    """The coins of a unit in a state, largest first."""
    rows = connection.execute(
        "SELECT secret, keyset, amount, signature, dleq FROM coin WHERE purse = ? AND state = ? AND unit = ? AND label = ?"
        " ORDER BY amount DESC, secret",
        (purse, state, unit, label),
    ).fetchall()
    return [_proof(row) for row in rows]


def held(connection: sqlite3.Connection, purse: str, unit: str) -> list[tuple[Proof, str]]:
    """All coins of a unit that are set aside, each with its label."""
    rows = connection.execute(
        "SELECT secret, keyset, amount, signature, dleq, label FROM coin WHERE purse = ? AND state = 'held' AND unit = ?"
        " ORDER BY amount DESC, secret",
        (purse, unit),
    ).fetchall()
    return [(_proof(row[:5]), str(row[5])) for row in rows]


def _proof(row: tuple[str, str, int, str, bytes | None]) -> Proof:
    dleq = None if row[4] is None else msgspec.json.decode(row[4], type=Dleq)
    return Proof(amount=row[2], id=row[1], secret=row[0], C=row[3], dleq=dleq)


def add_coin(connection: sqlite3.Connection, purse: str, proof: Proof, *, unit: str, state: str, label: str) -> None:
    """Put a coin into the purse; one that is there already stays as it is."""
    dleq = None if proof.dleq is None else msgspec.json.encode(proof.dleq)
    connection.execute(
        "INSERT INTO coin (purse, secret, unit, keyset, amount, signature, dleq, state, label)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (purse, secret) DO NOTHING",
        (purse, proof.secret, unit, proof.id, proof.amount, proof.C, dleq, state, label),
    )


def set_state(connection: sqlite3.Connection, purse: str, secrets: list[str], state: str) -> None:
    """Move coins to another state."""
    connection.executemany(
        "UPDATE coin SET state = ? WHERE purse = ? AND secret = ?", [(state, purse, secret) for secret in secrets]
    )


def release(connection: sqlite3.Connection, purse: str, secrets: list[str]) -> None:
    """Coins of a request that was refused: held again when they stand under a label, else ready."""
    connection.executemany(
        "UPDATE coin SET state = CASE WHEN label = '' THEN 'ready' ELSE 'held' END"
        " WHERE purse = ? AND secret = ? AND state = 'busy'",
        [(purse, secret) for secret in secrets],
    )


def drop(connection: sqlite3.Connection, purse: str, secrets: list[str]) -> None:
    """Forget coins: they are spent, and a purse keeps no history of what was bought."""
    connection.executemany("DELETE FROM coin WHERE purse = ? AND secret = ?", [(purse, secret) for secret in secrets])


def write_journal(connection: sqlite3.Connection, purse: str, row: JournalRow) -> int:
    """Write a request down before it is sent; returns its number."""
    plan = None if row.plan is None else msgspec.json.encode(row.plan)
    number = connection.execute(
        "INSERT INTO journal (purse, path, body, plan, unit, spends, states, label) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            purse,
            row.path,
            row.body,
            plan,
            row.unit,
            msgspec.json.encode(row.spends).decode(),
            msgspec.json.encode(row.states).decode(),
            row.label,
        ),
    ).lastrowid
    return int(number or 0)


def journal(connection: sqlite3.Connection, purse: str) -> list[JournalRow]:
    """What waits for its answer, oldest first."""
    rows = connection.execute(
        "SELECT number, path, body, plan, unit, spends, states, label FROM journal WHERE purse = ? ORDER BY number",
        (purse,),
    ).fetchall()
    return [
        JournalRow(
            number=row[0],
            path=row[1],
            body=bytes(row[2]),
            plan=None if row[3] is None else msgspec.json.decode(row[3], type=OutputPlan),
            unit=row[4],
            spends=msgspec.json.decode(row[5]),
            states=msgspec.json.decode(row[6]),
            label=row[7],
        )
        for row in rows
    ]


def strike(connection: sqlite3.Connection, number: int) -> None:
    """The answer has come: take the request out of the journal."""
    connection.execute("DELETE FROM journal WHERE number = ?", (number,))
