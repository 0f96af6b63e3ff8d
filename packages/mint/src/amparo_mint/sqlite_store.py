"""The mint's database in one SQLite file: one thread that writes, one that reads (WAL: neither waits for the other).

Token tables are WITHOUT ROWID, in the order of the keyed hash. Rows are inserted once; triggers refuse to change or delete
them. The only process that writes is this mint's, so what was looked up inside a transaction stays true in it.
"""

import asyncio
import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from amparo_cashu.errors import KeysetUnknown
from amparo_common.errors import AmparoError
from amparo_common.ids import KeysetId, random_id
from amparo_common.money import Unit
from amparo_mint.deciding import Outcome, Place, only_swaps
from amparo_mint.errors import DatabaseTooOld, KeysetStillInUse, OverIssued
from amparo_mint.model import Change, KeysetRow, MeltQuoteRow, MintQuoteRow, TokenState
from amparo_mint.sqlite_changes import (
    MELT_QUOTE,
    carry_out,
    carry_out_new,
    marks,
    melt_quote,
    melt_quotes,
    mint_quotes,
    paid,
    signed_amounts,
    spent_items,
    token_states,
)
from amparo_mint.store import CLEARED_AT_ONCE, MOST_WAITING, NewKeyset, Tally
from amparo_service.database import Database
from amparo_service.errors import BadRequest, CannotStore, KeyMissing
from amparo_service.keys import replace_file, sync_folder

T = TypeVar("T")

_TABLES = (
    "CREATE TABLE keyset (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, unit TEXT NOT NULL, period TEXT NOT NULL,"
    " final_expiry INTEGER, state TEXT NOT NULL, issued INTEGER NOT NULL DEFAULT 0, moved INTEGER NOT NULL DEFAULT 0,"
    " redeemed INTEGER NOT NULL DEFAULT 0, returned INTEGER NOT NULL DEFAULT 0, claims INTEGER NOT NULL DEFAULT 0,"
    " CHECK (issued + moved - redeemed - returned >= 0));\n"
    "CREATE TABLE denomination (keyset INTEGER NOT NULL REFERENCES keyset, amount INTEGER NOT NULL,"
    " signed INTEGER NOT NULL DEFAULT 0, spent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (keyset, amount),"
    " CHECK (spent <= signed)) WITHOUT ROWID;\n"
    "CREATE TABLE mint_quote (id TEXT NOT NULL PRIMARY KEY, unit TEXT NOT NULL, amount INTEGER NOT NULL, pubkey TEXT NOT NULL,"
    " paid INTEGER NOT NULL DEFAULT 0, issued INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;\n"
    "CREATE TABLE paid (unit TEXT NOT NULL PRIMARY KEY, total INTEGER NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE melt_quote (id TEXT NOT NULL PRIMARY KEY, shop TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,"
    " state TEXT NOT NULL, request BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE pending (keyset INTEGER NOT NULL REFERENCES keyset, hash BLOB NOT NULL, amount INTEGER NOT NULL,"
    " quote TEXT NOT NULL REFERENCES melt_quote, PRIMARY KEY (keyset, hash)) WITHOUT ROWID;\n"
    "CREATE TABLE hash_key (fingerprint BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;\n"
    "CREATE TABLE progress (groups INTEGER NOT NULL);\n"
    "INSERT INTO progress (groups) VALUES (0);\n"
    "CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);\n"
    "CREATE INDEX melt_waiting ON melt_quote (state) WHERE state = 'PENDING';\n"
    "CREATE INDEX pending_quote ON pending (quote);\n"
)
# Quotes belong to a keyset and go with it; a deposit that waits is its own message to the shops side.
_QUOTES_GO = (
    "ALTER TABLE mint_quote ADD COLUMN keyset INTEGER NOT NULL DEFAULT 0;\n"
    "ALTER TABLE melt_quote ADD COLUMN keyset INTEGER NOT NULL DEFAULT 0;\n"
    + "".join(
        f"UPDATE {table} SET keyset = coalesce((SELECT max(number) FROM keyset WHERE unit = {table}.unit"
        " AND state = 'active'), 0);\n"
        f"CREATE INDEX {table}_keyset ON {table} (keyset);\n"
        for table in ("mint_quote", "melt_quote")
    )
    + "CREATE INDEX mint_quote_unpaid ON mint_quote (id) WHERE paid = 0;\n"
    "CREATE INDEX melt_quote_unpaid ON melt_quote (id) WHERE state = 'UNPAID';\n"
    "DROP TABLE message;\n"
)
MIGRATIONS = (_TABLES, _QUOTES_GO)

PRAGMAS = (
    # Hashes go to pages all over the file, and a page is written whole. Counts for new files.
    "page_size=1024",
    # The inner pages of the trees of some million tokens.
    "cache_size=-8000",
    # Folded into the file every few seconds anyhow (`tidy`); in between rather seldom.
    "wal_autocheckpoint=40000",
)

# Beside the file: its mark (`application_id`), and how many groups were folded into it at least.
FOLDED_NOTE = "folded"

_KEYSET = "number, id, unit, period, final_expiry, state, issued, moved, redeemed, returned, claims"


def token_tables(number: int) -> list[str]:
    """The statements that make a keyset's own tables."""
    made = []
    for table, columns in ((f"spent_{number}", ""), (f"issued_{number}", ", amount INTEGER NOT NULL")):
        made.append(f"CREATE TABLE {table} (hash BLOB NOT NULL PRIMARY KEY{columns}) WITHOUT ROWID")
        made += [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
            " BEGIN SELECT RAISE(ABORT, 'tokens are recorded once'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return made


class SqliteStore:
    """The mint's SQLite file."""

    def __init__(self, path: Path) -> None:
        """Raises `DatabaseTooOld` when the write-ahead log beside the file is another file's."""
        _check_log_is_its_own(path)
        self._database = Database(path, MIGRATIONS, PRAGMAS)
        self._reading = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._reading.execute("PRAGMA query_only=ON")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="mint-writer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="mint-reader")
        self._backups = 0

    async def open(self) -> None:
        """The file is open already."""

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._in_transaction, work)

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._database.transaction() as connection:
                return work(connection)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise _trouble(error, "The database did not take what had to be kept.") from error

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._at_one_moment, work)

    def _at_one_moment(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._reading.execute("BEGIN")
            try:
                return work(self._reading)
            finally:
                self._reading.execute("COMMIT")
        except sqlite3.Error as error:
            raise _trouble(error, "The database cannot be read.") from error

    async def bind(self, fingerprint: bytes) -> None:
        """Remember under which hash key the tokens are kept."""
        await self._write(lambda connection: _bind(connection, fingerprint))

    # --- groups ------------------------------------------------------------------------------------------------------------

    async def apply(self, group: Sequence[Change]) -> list[Outcome]:
        """Carry out a group in one commit."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._apply, group)

    def _apply(self, group: Sequence[Change]) -> list[Outcome]:
        if only_swaps(group):
            # Nearly always all of it is new, and then the database finds out by itself: to look before is half of the work.
            with contextlib.suppress(sqlite3.IntegrityError, KeysetUnknown):
                outcomes = self._in_transaction(lambda connection: carry_out_new(connection, group))
                if outcomes is not None:
                    return outcomes
        try:
            return self._in_transaction(lambda connection: carry_out(connection, group))
        except (sqlite3.IntegrityError, KeysetUnknown) as error:
            # Only a token that its keyset never signed gets here (a stolen key, or a fault of ours), or one whose keyset was closed
            # meanwhile. One by one, so that its neighbours are not refused with it.
            if len(group) == 1:
                return [error if isinstance(error, KeysetUnknown) else _over_issued(error)]
            return [outcome for change in group for outcome in self._apply([change])]

    # --- quotes and deposits -------------------------------------------------------------------------------------------------

    async def mint_quotes(self, ids: Sequence[str]) -> dict[str, MintQuoteRow]:
        """The quotes for aid that exist among these."""
        return await self._read(lambda connection: mint_quotes(connection, ids))

    async def melt_quotes(self, ids: Sequence[str]) -> dict[str, MeltQuoteRow]:
        """The quotes for deposits that exist among these."""
        return await self._read(lambda connection: melt_quotes(connection, ids))

    async def waiting(self, *, after: str = "") -> list[MeltQuoteRow]:
        """Deposits that wait for the shops side's answer."""
        question = (
            f"SELECT {MELT_QUOTE} FROM melt_quote WHERE state = 'PENDING' AND id > ? ORDER BY id LIMIT {MOST_WAITING}"
        )
        return await self._read(lambda connection: [melt_quote(row) for row in connection.execute(question, (after,))])

    async def count_waiting(self) -> int:
        """How many deposits wait for the shops side's answer."""
        question = "SELECT count(*) FROM melt_quote WHERE state = 'PENDING'"
        return await self._read(lambda connection: int(connection.execute(question).fetchone()[0]))

    async def finish_deposit(self, quote: str, *, accepted: bool) -> None:
        """The tokens of a waiting deposit are spent, or given back."""
        await self._write(lambda connection: _finish_deposit(connection, quote, accepted=accepted))

    async def clear_quotes(self, *, ended: Sequence[int], over: Sequence[int], most_unpaid: int) -> int:
        """Remove quotes that nobody needs."""
        return await self._write(lambda connection: _clear_quotes(connection, ended, over, most_unpaid))

    # --- tokens ---------------------------------------------------------------------------------------------------------------

    async def token_states(self, places: Sequence[Place]) -> list[TokenState]:
        """The state of each token."""
        return await self._read(lambda connection: token_states(connection, places))

    async def signed_amounts(self, places: Sequence[Place]) -> list[int | None]:
        """The denomination that each output was signed for, or None."""
        return await self._read(lambda connection: signed_amounts(connection, places))

    async def spent_items(self, keyset: int, *, most: int) -> bytearray:
        """The filter items of a keyset's spent tokens."""
        return await self._read(lambda connection: spent_items(connection, keyset, most))

    async def paid_total(self, unit: Unit) -> int:
        """What the office has paid for in a unit."""
        return (await self._read(lambda connection: paid(connection, {unit}))).get(unit, 0)

    async def claims(self, keyset: int) -> int:
        """How many quotes were paid while this keyset signed."""
        question = "SELECT claims FROM keyset WHERE number = ?"
        return await self._read(lambda connection: int((connection.execute(question, (keyset,)).fetchone() or [0])[0]))

    # --- keysets --------------------------------------------------------------------------------------------------------------

    async def keysets(self) -> list[KeysetRow]:
        """All keysets, oldest first."""
        return await self._read(_keysets)

    async def add_keyset(self, keyset: NewKeyset) -> None:
        """Keep an announced keyset."""
        await self._write(lambda connection: _add_keyset(connection, keyset))

    async def activate(self, keyset: str) -> None:
        """Make a keyset its unit's only signing one."""
        await self._write(lambda connection: _activate(connection, keyset))

    async def close_keyset(self, keyset: str) -> KeysetRow:
        """Give back what is left of a keyset and drop its tables."""
        return await self._write(lambda connection: _close_keyset(connection, keyset))

    async def tallies(self) -> list[Tally]:
        """Every open keyset counted in two ways."""
        return await self._read(_tallies)

    async def progress(self) -> int:
        """How many groups were committed."""
        return await self._read(lambda connection: int(connection.execute("SELECT groups FROM progress").fetchone()[0]))

    async def freeze(self) -> list[KeysetRow]:
        """Take nothing of any open keyset any more."""
        return await self._write(_freeze)

    # --- keeping house ------------------------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Fold the write-ahead log into the file: until then it holds recent changes in their order."""
        if self._backups:
            return
        # Most of it beside the writer, which goes on meanwhile; then the rest, and the log is emptied.
        await asyncio.to_thread(_fold_beside, self._database.path)
        # A backup reads the log as it is: to wait for its end would hold up every writer.
        if not self._backups:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._database.fold_journal)

    async def backup(self, path: str) -> None:
        """A consistent copy into a new file, made while the mint goes on."""
        self._backups += 1
        try:
            await asyncio.to_thread(_copy, self._database.path, path)
        finally:
            self._backups -= 1

    async def close(self) -> None:
        """Finish what runs and close."""
        self._writer.shutdown()
        self._reader.shutdown()
        with contextlib.suppress(CannotStore):  # the next start finds everything in the write-ahead log
            self._database.fold_journal()
        self._reading.close()
        self._database.close()


def _trouble(error: sqlite3.Error, what: str) -> AmparoError:
    if str(error).startswith("no such table"):
        return KeysetUnknown("This keyset was closed a moment ago.")
    return CannotStore(what)


def _fold_beside(path: str) -> None:
    """As much of the write-ahead log as can be folded without anybody waiting; afterwards the file's mark and what it has done
    are noted beside it."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            (done,) = connection.execute("SELECT groups FROM progress").fetchone()
            _, logged, folded = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if logged == folded:
                (mark,) = connection.execute("PRAGMA application_id").fetchone()
                _note_folded(Path(path), mark, done)
    except sqlite3.OperationalError as error:
        raise CannotStore("The write-ahead log could not be folded into the file.") from error


def _note_folded(path: Path, mark: int, done: int) -> None:
    note, said = path.parent / FOLDED_NOTE, f"{mark} {done}".encode()
    if not note.exists() or note.read_bytes() != said:
        replace_file(note, said)


def _check_log_is_its_own(path: Path) -> None:
    """An older copy of the file under a newer file's write-ahead log is taken by SQLite for one database: neither the copy nor
    what came after it. Raises `DatabaseTooOld` when the file alone is another one than was folded into last, or has done less."""
    note, logged = path.parent / FOLDED_NOTE, Path(f"{path}-wal")
    if not path.exists():
        return
    try:
        # Of the file alone: without its log, and without changing anything.
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            (has_mark,) = connection.execute("PRAGMA application_id").fetchone()
            (has_done,) = connection.execute("SELECT groups FROM progress").fetchone()
    except sqlite3.Error:
        return  # torn in the middle of a fold, which its own log mends; what is not, SQLite refuses
    if not (logged.exists() and logged.stat().st_size):
        # The file is all there is; noted before its first change, so that a log which a crash leaves is known as its own.
        _note_folded(path, has_mark, has_done)
        return
    mark, done = map(int, note.read_bytes().split()) if note.exists() else (has_mark, has_done)
    if has_mark != mark or has_done < done:
        raise DatabaseTooOld(
            "The write-ahead log is another file's: the database was replaced and its log was not.",
            todo=f"Move {logged} and {path}-shm away, then follow docs/operate/mint.md, «Restoring a backup».",
        )


def _copy(source: str, target: str) -> None:
    """Afterwards `target` is whole or not there; what a crash leaves is called `*.draft`."""
    draft = Path(f"{target}.{secrets.token_hex(4)}.draft")
    if not draft.parent.is_dir():
        raise BadRequest(
            "There is no folder for this backup.",
            why="A backup goes into a folder that is there, so that a slip of the pen is noticed.",
            todo="Make the folder, or name another one.",
        )
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with contextlib.closing(sqlite3.connect(source)) as connection:
                connection.execute("VACUUM INTO ?", (str(draft),))
            with contextlib.closing(sqlite3.connect(draft)) as copy:
                # A mark of its own: the original's write-ahead log is not the copy's.
                copy.execute(f"PRAGMA application_id={secrets.randbelow(2**31 - 1) + 1}")
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            # `link` never replaces a file: an older backup stays as it is.
            os.link(draft, target)
        finally:
            draft.unlink()
        sync_folder(draft.parent)
    except FileExistsError as error:
        raise BadRequest(
            "There is such a file already.", why="No backup is replaced.", todo="Name a new file."
        ) from error
    except (sqlite3.Error, OSError, MemoryError) as error:
        # MemoryError: SQLite's word when it cannot write the copy's first page.
        raise CannotStore("The backup could not be written.") from error


# --- inside a transaction ----------------------------------------------------------------------------------------------------


def _bind(connection: sqlite3.Connection, fingerprint: bytes) -> None:
    connection.execute(
        "INSERT INTO hash_key (fingerprint) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM hash_key)", (fingerprint,)
    )
    if connection.execute("SELECT fingerprint FROM hash_key").fetchone() != (fingerprint,):
        raise KeyMissing("The tokens of this database are kept under another hash key.")


def _over_issued(cause: sqlite3.IntegrityError) -> OverIssued:
    refusal = OverIssued("More of a denomination would be spent than was signed.")
    refusal.__cause__ = cause
    return refusal


def _clear_quotes(connection: sqlite3.Connection, ended: Sequence[int], over: Sequence[int], most_unpaid: int) -> int:
    cleared = 0
    for table, unpaid, finished in (
        ("mint_quote", "paid = 0", "paid = issued"),
        ("melt_quote", "state = 'UNPAID'", "state = 'PAID'"),
    ):
        sought = f"SELECT id FROM {table} WHERE keyset IN ({marks(ended)}) AND {unpaid} UNION ALL"
        sought += f" SELECT id FROM {table} WHERE keyset IN ({marks(over)}) AND {finished} LIMIT {CLEARED_AT_ONCE}"
        cleared += connection.execute(f"DELETE FROM {table} WHERE id IN ({sought})", [*ended, *over]).rowcount
        (held,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {unpaid}").fetchone()
        surplus = min(held - most_unpaid, CLEARED_AT_ONCE)
        if surplus > 0:
            # Ids are random: those that follow a random place are any, however old.
            place = random_id()
            part = f"SELECT id FROM (SELECT id FROM {table} WHERE {unpaid} AND id {{}} ? ORDER BY id LIMIT {surplus})"
            sought = f"{part.format('>=')} UNION ALL {part.format('<')} LIMIT {surplus}"
            cleared += connection.execute(f"DELETE FROM {table} WHERE id IN ({sought})", (place, place)).rowcount
    return cleared


def _finish_deposit(connection: sqlite3.Connection, quote: str, *, accepted: bool) -> None:
    found = melt_quotes(connection, [quote]).get(quote)
    if found is None or found.state != "PENDING":
        return
    rows = connection.execute("SELECT keyset, hash, amount FROM pending WHERE quote = ?", (quote,)).fetchall()
    for number, hashed, amount in sorted(rows):
        if accepted:
            connection.execute(f"INSERT INTO spent_{number} (hash) VALUES (?)", (hashed,))
        else:
            connection.execute(
                "UPDATE denomination SET spent = spent - 1 WHERE keyset = ? AND amount = ?", (number, amount)
            )
            connection.execute("UPDATE keyset SET redeemed = redeemed - ? WHERE number = ?", (amount, number))
    connection.execute("DELETE FROM pending WHERE quote = ?", (quote,))
    state, request = ("PAID", found.request) if accepted else ("UNPAID", b"")
    connection.execute("UPDATE melt_quote SET state = ?, request = ? WHERE id = ?", (state, request, quote))


def _keysets(connection: sqlite3.Connection) -> list[KeysetRow]:
    return [_keyset(row) for row in connection.execute(f"SELECT {_KEYSET} FROM keyset ORDER BY number")]


def _keyset(row: tuple[int, str, str, str, int | None, str, int, int, int, int]) -> KeysetRow:
    number, keyset, unit, period, final_expiry, state, *sums = row
    return KeysetRow(number, KeysetId(keyset), Unit(unit), period, final_expiry, state, *sums)  # type: ignore[arg-type] # the column holds no other


def _add_keyset(connection: sqlite3.Connection, keyset: NewKeyset) -> None:
    if connection.execute("SELECT 1 FROM keyset WHERE id = ?", (keyset.id,)).fetchone() is not None:
        return
    number = connection.execute(
        "INSERT INTO keyset (id, unit, period, final_expiry, state) VALUES (?, ?, ?, ?, 'announced')",
        (keyset.id, keyset.unit, keyset.period, keyset.final_expiry),
    ).lastrowid
    connection.executemany(
        "INSERT INTO denomination (keyset, amount) VALUES (?, ?)", [(number, amount) for amount in keyset.amounts]
    )
    for statement in token_tables(int(number or 0)):
        connection.execute(statement)


def _activate(connection: sqlite3.Connection, keyset: str) -> None:
    connection.execute(
        "UPDATE keyset SET state = 'ending' WHERE state = 'active' AND id <> ?1"
        " AND unit = (SELECT unit FROM keyset WHERE id = ?1)",
        (keyset,),
    )
    connection.execute(
        "UPDATE keyset SET state = 'active' WHERE id = ? AND state NOT IN ('closed', 'frozen')", (keyset,)
    )


def _close_keyset(connection: sqlite3.Connection, keyset: str) -> KeysetRow:
    row = next(each for each in _keysets(connection) if each.id == keyset)
    if row.state != "closed":
        if connection.execute("SELECT 1 FROM pending WHERE keyset = ?", (row.number,)).fetchone() is not None:
            raise KeysetStillInUse("A deposit with tokens of this keyset is not finished.")
        connection.execute(
            "UPDATE keyset SET state = 'closed', returned = ? WHERE number = ?", (row.outstanding, row.number)
        )
        connection.execute("DELETE FROM denomination WHERE keyset = ?", (row.number,))
        # Dropping a table does not fire its triggers: the one way in which tokens leave.
        connection.execute(f"DROP TABLE spent_{row.number}")
        connection.execute(f"DROP TABLE issued_{row.number}")
    return next(each for each in _keysets(connection) if each.id == keyset)


def _freeze(connection: sqlite3.Connection) -> list[KeysetRow]:
    connection.execute("UPDATE keyset SET state = 'frozen' WHERE state <> 'closed'")
    return [row for row in _keysets(connection) if row.state == "frozen"]


def _tallies(connection: sqlite3.Connection) -> list[Tally]:
    found = []
    for row in _keysets(connection):
        if row.state == "closed":
            continue
        rows = [
            int(connection.execute(f"SELECT count(*) FROM {kind}_{row.number}").fetchone()[0])
            for kind in ("issued", "spent")
        ]
        waiting, waiting_value = connection.execute(
            "SELECT count(*), coalesce(sum(amount), 0) FROM pending WHERE keyset = ?", (row.number,)
        ).fetchone()
        signed, spent, value = connection.execute(
            "SELECT coalesce(sum(signed), 0), coalesce(sum(spent), 0), coalesce(sum((signed - spent) * amount), 0)"
            " FROM denomination WHERE keyset = ?",
            (row.number,),
        ).fetchone()
        found.append(Tally(row, rows[0], rows[1] + waiting, signed, spent, value, waiting_value))
    return found
