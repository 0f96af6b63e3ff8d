"""What a till has stored without a connection, sale by sale, so that the shopkeeper sees what became of each.

A sale is a number, a unit and an amount; no time, no basket, no payer. One that was credited is forgotten. One of which the deposit
found that it had been spent before stays until somebody has seen it.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Literal

import msgspec

from amparo_cashu.wire import Proof
from amparo_purse import store as purse_store

LATER = (
    "CREATE TABLE IF NOT EXISTS sale_coin (shop TEXT NOT NULL, secret TEXT NOT NULL, sale INTEGER NOT NULL, unit TEXT NOT NULL,"
    " amount INTEGER NOT NULL, mark TEXT NOT NULL DEFAULT '', PRIMARY KEY (shop, secret)) WITHOUT ROWID"
)
# Which order was paid with which coins, until they are deposited: whoever asks again in between gets the goods again. Hashed: an
# order's name may say who made it.
ORDERS = (
    "CREATE TABLE IF NOT EXISTS paid_order (shop TEXT NOT NULL, secret TEXT NOT NULL, paid_for BLOB NOT NULL,"
    " PRIMARY KEY (shop, secret)) WITHOUT ROWID"
)
# What is written down of a coin; everything else is seen from where the coin is.
REFUSED: Literal["refused"] = "refused"
SPENT: Literal["spent"] = "spent"
State = Literal["pending", "waiting", "refused", "ended", "spent"]
_WORST: tuple[State, ...] = ("pending", "waiting", "refused", "ended", "spent")


class Sale(msgspec.Struct, frozen=True):
    """A stored sale. `pending`: not handed in; `waiting`: handed in, not answered; `refused`: the shops side did not take it,
    it stays and is tried again; `ended`: its keyset is closed; `spent`: its code had been spent before, wholly or in part. The
    amount is in minor units."""

    number: int
    unit: str
    amount: int
    state: State


def add_sale(connection: sqlite3.Connection, shop: str, proofs: Sequence[Proof], unit: str) -> None:
    """Write a new sale down."""
    (number,) = connection.execute(
        "SELECT coalesce(max(sale), 0) + 1 FROM sale_coin WHERE shop = ?", (shop,)
    ).fetchone()
    connection.executemany(
        "INSERT INTO sale_coin (shop, secret, sale, unit, amount) VALUES (?, ?, ?, ?, ?)",
        [(shop, proof.secret, number, unit, proof.amount) for proof in proofs],
    )


def note_order(connection: sqlite3.Connection, shop: str, order: str, proofs: Sequence[Proof]) -> None:
    """Write down which order these coins paid."""
    rows = [(shop, proof.secret, _order_hash(order)) for proof in proofs]
    connection.executemany("INSERT INTO paid_order (shop, secret, paid_for) VALUES (?, ?, ?)", rows)


def is_paid_with(connection: sqlite3.Connection, shop: str, order: str, proofs: Sequence[Proof]) -> bool:
    """Whether it was this order that these coins paid, all of them."""
    found = [
        connection.execute(
            "SELECT paid_for FROM paid_order WHERE shop = ? AND secret = ?", (shop, proof.secret)
        ).fetchone()
        for proof in proofs
    ]
    return bool(found) and all(row is not None and row[0] == _order_hash(order) for row in found)


def _order_hash(order: str) -> bytes:
    return hashlib.sha256(order.encode()).digest()


def mark_coins(connection: sqlite3.Connection, shop: str, proofs: Sequence[Proof], mark: str) -> None:
    """Write down what a deposit found about coins."""
    connection.executemany(
        "UPDATE sale_coin SET mark = ? WHERE shop = ? AND secret = ?", [(mark, shop, proof.secret) for proof in proofs]
    )


def forget_credited(connection: sqlite3.Connection, shop: str, purse: str) -> None:
    """Forget what left the purse because it was credited."""
    places = purse_store.states(connection, purse)
    rows = connection.execute("SELECT secret FROM sale_coin WHERE shop = ? AND mark <> ?", (shop, SPENT)).fetchall()
    gone = [(shop, secret) for (secret,) in rows if secret not in places]
    connection.executemany("DELETE FROM sale_coin WHERE shop = ? AND secret = ?", gone)
    connection.executemany("DELETE FROM paid_order WHERE shop = ? AND secret = ?", gone)


def forget_spent(connection: sqlite3.Connection, shop: str) -> None:
    """Forget the coins that had been spent before: somebody has seen them."""
    spent = "SELECT secret FROM sale_coin WHERE shop = ? AND mark = ?"
    connection.execute(f"DELETE FROM paid_order WHERE shop = ? AND secret IN ({spent})", (shop, shop, SPENT))
    connection.execute("DELETE FROM sale_coin WHERE shop = ? AND mark = ?", (shop, SPENT))


def sales(connection: sqlite3.Connection, shop: str, purse: str) -> list[Sale]:
    """The stored sales, the oldest first."""
    places = purse_store.states(connection, purse)
    found: dict[int, Sale] = {}
    rows = connection.execute(
        "SELECT sale, unit, amount, secret, mark FROM sale_coin WHERE shop = ? ORDER BY sale, secret", (shop,)
    ).fetchall()
    for number, unit, amount, secret, mark in rows:
        if secret not in places and mark != SPENT:
            continue  # credited since the last deposit
        state = _state(places.get(secret, ""), mark)
        known = found.get(number, Sale(number, unit, 0, "pending"))
        worst = max(known.state, state, key=_WORST.index)
        found[number] = Sale(number, unit, known.amount + amount, worst)
    return list(found.values())


def _state(place: str, mark: str) -> State:
    if mark == SPENT:
        return SPENT
    if place == "ended":
        return "ended"
    if place.startswith("busy"):
        return "waiting"
    return REFUSED if mark == REFUSED else "pending"
