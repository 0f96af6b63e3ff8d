"""The outbox: messages that are committed together with what they tell, and delivered until the other side has them.

Guarantees: a message is in the outbox if and only if its cause is committed; it is delivered at least once, in the order
of its cause per destination; receivers treat the second delivery as the first. So kill -9 loses and doubles nothing.
A delivered row is deleted: the outbox is no record of what happened.
"""

import sqlite3
from collections.abc import Callable

from amparo_service.database import Database

SCHEMA = "CREATE TABLE outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, body TEXT NOT NULL)"


def put(connection: sqlite3.Connection, destination: str, body: str) -> None:
    """Add a message inside the transaction that commits its cause."""
    connection.execute("INSERT INTO outbox (destination, body) VALUES (?, ?)", (destination, body))


def deliver(database: Database, destination: str, send: Callable[[str], None]) -> int:
    """Send what waits for `destination`, oldest first; returns how many were delivered. What `send` raises ends it and
    leaves that message and the ones behind it for the next call."""
    delivered = 0
    while True:
        with database.reading() as connection:
            row = connection.execute(
                "SELECT number, body FROM outbox WHERE destination = ? ORDER BY number LIMIT 1", (destination,)
            ).fetchone()
        if row is None:
            return delivered
        send(row[1])
        with database.transaction() as connection:
            # Numbers are never used again (AUTOINCREMENT), so a second delivery that overlaps this one deletes nothing else.
            connection.execute("DELETE FROM outbox WHERE number = ?", (row[0],))
        delivered += 1
