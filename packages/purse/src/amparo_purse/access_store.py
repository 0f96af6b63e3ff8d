"""Access tokens in the purse's database: the ones that are there, and the ones that were asked for and have not come."""

import sqlite3
from collections.abc import Sequence

import msgspec

from amparo_cashu.outputs import OutputPlan


class Asked(msgspec.Struct, frozen=True):
    """Tokens that were asked for: enough to ask for the same ones again. `seed` (64 bytes) serves this request only."""

    plan: OutputPlan
    seed: bytes


def count(connection: sqlite3.Connection, purse: str) -> int:
    """How many tokens there are."""
    (found,) = connection.execute("SELECT count(*) FROM access WHERE purse = ?", (purse,)).fetchone()
    return int(found)


def add(connection: sqlite3.Connection, purse: str, tokens: Sequence[str]) -> None:
    """Tokens that came."""
    connection.executemany(
        "INSERT INTO access (purse, token) VALUES (?, ?) ON CONFLICT DO NOTHING", [(purse, token) for token in tokens]
    )


def take(connection: sqlite3.Connection, purse: str) -> str | None:
    """Any one of the tokens, which is gone from here then."""
    row = connection.execute(
        "DELETE FROM access WHERE purse = ?1 AND token = (SELECT token FROM access WHERE purse = ?1 ORDER BY random() LIMIT 1)"
        " RETURNING token",
        (purse,),
    ).fetchone()
    return None if row is None else str(row[0])


def forget(connection: sqlite3.Connection, purse: str) -> None:
    """Throw all away."""
    connection.execute("DELETE FROM access WHERE purse = ?", (purse,))


def ask(connection: sqlite3.Connection, purse: str, made: Asked) -> Asked:
    """Write down what is about to be asked for; gives what another process was asking for, if one was."""
    connection.execute(
        "INSERT INTO access_asked (purse, plan, seed) VALUES (?, ?, ?) ON CONFLICT (purse) DO NOTHING",
        (purse, msgspec.json.encode(made.plan), made.seed),
    )
    return asked(connection, purse) or made


def asked(connection: sqlite3.Connection, purse: str) -> Asked | None:
    """What was asked for and has not come."""
    row = connection.execute("SELECT plan, seed FROM access_asked WHERE purse = ?", (purse,)).fetchone()
    return None if row is None else Asked(msgspec.json.decode(row[0], type=OutputPlan), row[1])


def drop_asked(connection: sqlite3.Connection, purse: str) -> None:
    """They came, or never will."""
    connection.execute("DELETE FROM access_asked WHERE purse = ?", (purse,))
