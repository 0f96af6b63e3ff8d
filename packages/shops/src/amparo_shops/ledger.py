"""A double-entry ledger: every entry is a set of postings that sum to zero in its unit, written once.

Accounts are names: `aid:UNIT` (the programme owes it to shops), `payable:SHOP` (owed to one shop), `bank:UNIT` (on its way
through the bank). Debits are positive, credits negative. An entry's `reference` is unique, so repeating changes nothing.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from amparo_common.money import Unit
from amparo_shops.errors import LedgerUnbalanced

SCHEMA = (
    "CREATE TABLE entry (number INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, unit TEXT NOT NULL, day TEXT NOT NULL);\n"
    "CREATE TABLE posting (entry INTEGER NOT NULL REFERENCES entry, account TEXT NOT NULL, amount INTEGER NOT NULL,"
    " PRIMARY KEY (entry, account)) WITHOUT ROWID;\n"
    "CREATE INDEX posting_account ON posting (account);\n"
    + "".join(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'ledger entries are written once'); END;\n"
        for table in ("entry", "posting")
        for verb in ("UPDATE", "DELETE")
    )
)


class Posting(msgspec.Struct, frozen=True):
    """One line of an entry: debit positive, credit negative, minor units."""

    account: str
    amount: int


def record_entry(
    connection: sqlite3.Connection, reference: str, postings: Sequence[Posting], *, unit: Unit, day: str
) -> bool:
    """Write an entry; False when this reference is already written. Raises `LedgerUnbalanced`."""
    if sum(posting.amount for posting in postings) != 0 or not postings:
        raise LedgerUnbalanced("The postings of an entry do not sum to zero.")
    written = connection.execute(
        "INSERT INTO entry (reference, unit, day) VALUES (?, ?, ?) ON CONFLICT (reference) DO NOTHING",
        (reference, unit, day),
    )
    if written.rowcount == 0:
        return False
    connection.executemany(
        "INSERT INTO posting (entry, account, amount) VALUES (?, ?, ?)",
        [(written.lastrowid, posting.account, posting.amount) for posting in postings],
    )
    return True


def find_entry(connection: sqlite3.Connection, reference: str) -> tuple[Unit, list[Posting]] | None:
    """An entry's unit and its postings in the order of their accounts."""
    rows = connection.execute(
        "SELECT entry.unit, posting.account, posting.amount FROM posting JOIN entry ON entry.number = posting.entry"
        " WHERE entry.reference = ? ORDER BY posting.account",
        (reference,),
    ).fetchall()
    return (Unit(rows[0][0]), [Posting(account, amount) for _, account, amount in rows]) if rows else None


def balance(connection: sqlite3.Connection, account: str, unit: Unit) -> int:
    """Debits minus credits of an account in a unit."""
    (total,) = connection.execute(
        "SELECT coalesce(sum(posting.amount), 0) FROM posting JOIN entry ON entry.number = posting.entry"
        " WHERE posting.account = ? AND entry.unit = ?",
        (account, unit),
    ).fetchone()
    return int(total)


def trial_balance(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Every account's balance by unit. Raises `LedgerUnbalanced` unless each unit sums to zero."""
    rows = connection.execute(
        "SELECT entry.unit, posting.account, sum(posting.amount) FROM posting JOIN entry ON entry.number = posting.entry"
        " GROUP BY entry.unit, posting.account ORDER BY entry.unit, posting.account"
    ).fetchall()
    found: dict[str, dict[str, int]] = {}
    for unit, account, amount in rows:
        found.setdefault(unit, {})[account] = amount
    if any(sum(accounts.values()) != 0 for accounts in found.values()):
        raise LedgerUnbalanced("The ledger does not sum to zero.")
    return found
