"""The log's database: entries in order, complete subtree hashes, the newest checkpoint. Append only.

Entry, hashes and checkpoint are committed together, so a checkpoint never promises an entry that a power cut loses.
`node` holds every complete subtree's root: level 0 are leaves. Triggers refuse to change or delete a row.
"""

from amparo_log.tree import ReadNode, leaf_hash, node_hash
from amparo_service.database import Database

SCHEMA = (
    "CREATE TABLE entry (number INTEGER PRIMARY KEY, message_hash BLOB NOT NULL UNIQUE, body BLOB NOT NULL);\n"
    "CREATE TABLE node (level INTEGER NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL,"
    " PRIMARY KEY (level, number)) WITHOUT ROWID;\n"
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), note TEXT NOT NULL);\n"
    + "".join(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;\n"
        for table in ("entry", "node")
        for verb in ("UPDATE", "DELETE")
    )
)


class LogStore:
    """Entries and hashes of one log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def size(self) -> int:
        """How many entries there are."""
        with self._database.reading() as connection:
            (count,) = connection.execute("SELECT coalesce(max(number) + 1, 0) FROM entry").fetchone()
        return int(count)

    def find(self, message_hash: bytes) -> int | None:
        """The place of the entry that holds this message, if it is there."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT number FROM entry WHERE message_hash = ?", (message_hash,)).fetchone()
        return None if row is None else int(row[0])

    def append(self, message_hash: bytes, body: bytes) -> int:
        """Add one entry and the subtrees it completes; returns its place. Call inside `Database.transaction`."""
        with self._database.transaction() as connection:
            number = self.size()
            connection.execute(
                "INSERT INTO entry (number, message_hash, body) VALUES (?, ?, ?)", (number, message_hash, body)
            )
            level, place, hashed = 0, number, leaf_hash(body)
            connection.execute("INSERT INTO node (level, number, hash) VALUES (?, ?, ?)", (level, place, hashed))
            while place & 1:
                hashed = node_hash(self.node(level, place - 1), hashed)
                level, place = level + 1, place >> 1
                connection.execute("INSERT INTO node (level, number, hash) VALUES (?, ?, ?)", (level, place, hashed))
        return number

    def node(self, level: int, number: int) -> bytes:
        """The root of a complete subtree."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT hash FROM node WHERE level = ? AND number = ?", (level, number)).fetchone()
        return bytes(row[0])

    @property
    def read_node(self) -> ReadNode:
        """`node` as the tree functions want it."""
        return self.node

    def nodes(self, level: int, start: int, count: int) -> list[bytes]:
        """`count` subtree roots of one level from `start` on (fewer when there are fewer)."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT hash FROM node WHERE level = ? AND number >= ? AND number < ? ORDER BY number",
                (level, start, start + count),
            ).fetchall()
        return [bytes(row[0]) for row in rows]

    def entries(self, start: int, count: int) -> list[bytes]:
        """`count` entries from `start` on (fewer when there are fewer)."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT body FROM entry WHERE number >= ? AND number < ? ORDER BY number", (start, start + count)
            ).fetchall()
        return [bytes(row[0]) for row in rows]

    def head(self) -> str | None:
        """The newest signed checkpoint."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT note FROM head").fetchone()
        return None if row is None else str(row[0])

    def set_head(self, note: str) -> None:
        """Replace the newest checkpoint. Call inside the transaction that appended."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO head (one, note) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET note = excluded.note",
                (note,),
            )
