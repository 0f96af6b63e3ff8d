"""One service's own SQLite file: WAL, synchronous=FULL, one writing connection, numbered migrations.

Guarantees: what a transaction committed survives kill -9 and power loss; what it did not commit leaves no trace. A
migration runs in one transaction with its number. The connection belongs to whoever holds the lock (`transaction`).
Deliberately out: an ORM. SQL lists its columns and lives in each package's `store.py`.
"""

import contextlib
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

from amparo_service.errors import CannotStore, DatabaseTooNew

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=10000",
    "secure_delete=ON",
    # Without it REPLACE would delete a row behind the back of the triggers that forbid deleting.
    "recursive_triggers=ON",
)


class Database:
    """A SQLite database. `migrations` are SQL scripts, one statement to a
    line end with a semicolon; their count is the schema version kept in `user_version`. `pragmas` are set before the usual ones."""

    def __init__(self, path: Path | str, migrations: Sequence[str], pragmas: Sequence[str] = ()) -> None:
        self.path = str(path)
        # Owner of the connection: whoever holds this lock. Re-entrant, so that a service step may call another.
        self._lock = threading.RLock()
        self._depth = 0
        self._doomed = False
        try:
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            for pragma in (*pragmas, *_PRAGMAS):
                self._connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise CannotStore("The database cannot be opened.") from error
        self._finalizer = weakref.finalize(self, self._connection.close)
        try:
            self._migrate(migrations)
        except DatabaseTooNew:
            self._connection.close()
            raise

    def _migrate(self, migrations: Sequence[str]) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(migrations):
            raise DatabaseTooNew(f"The database is at version {version}, this program knows {len(migrations)}.")
        for number, script in enumerate(migrations[version:], start=version + 1):
            with self.transaction() as connection:
                for statement in script.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction: committed at the end, undone on any error. Nested calls join the outer
        one. Raises `CannotStore` when the disk refuses."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._doomed = False
                    self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                if self._depth == 1:
                    if self._doomed:
                        raise CannotStore("A step inside was given up.", why="It is stored whole or not at all.")
                    self._connection.execute("COMMIT")
            except BaseException as error:  # an interrupt undoes a step like any error; all of them are raised again
                # A nested step that failed dooms the whole, even when its caller caught the error.
                self._doomed = True
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and _is_disk_trouble(error):
                    raise CannotStore("Nothing was stored.") from error
                raise
            finally:
                self._depth -= 1

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for reading; no transaction is opened."""
        with self._lock:
            yield self._connection

    def fold_journal(self) -> None:
        """Fold the write-ahead log into the file and empty it: until then it holds recent changes in their order. Raises
        `CannotStore` when the disk refuses: nothing is lost then, and the next time goes on."""
        with self.reading() as connection:
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                raise CannotStore("The write-ahead log could not be folded into the file.") from error

    def rewrite(self) -> None:
        """Write the whole file anew, for what must leave no trace: SQLite overwrites what is deleted, but a page that it rebuilds
        may keep an old copy in its gap. For small files. Raises `CannotStore` when the disk refuses: nothing is lost then."""
        with self.reading() as connection:
            try:
                connection.execute("VACUUM")
            except sqlite3.OperationalError as error:
                raise CannotStore("The file could not be written anew.") from error
        self.fold_journal()

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            self._connection.close()


def _is_disk_trouble(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
    }
