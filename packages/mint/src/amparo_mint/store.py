"""The mint's database: spent and issued tokens as keyed hashes, quotes, keysets, and the writer that commits in groups.

`spent` and `issued` hold 16-byte keyed hashes in the order of the hash: no time, no order of arrival, no link between
inputs and outputs, and without the key (a file beside the database) no way to test a token against them. Rows are
inserted once; triggers refuse to change or delete them. Counters are kept with every change and compared with the rows
before figures are published. The writer thread drains everything that waits into one transaction; each job has a
savepoint of its own, so one refused request does not undo its neighbours.
"""

import asyncio
import hashlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from coincurve import PublicKey

from amparo_cashu.errors import AlreadySigned, AlreadySpent
from amparo_common.ids import DepositId, KeysetId, QuoteId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_mint.errors import FiguresDisagree, OverIssued
from amparo_service import outbox
from amparo_service.database import Database
from amparo_service.errors import CannotStore

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

SCHEMA = (
    "CREATE TABLE keyset (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, unit TEXT NOT NULL, period TEXT NOT NULL,"
    " final_expiry INTEGER, active INTEGER NOT NULL, issued INTEGER NOT NULL DEFAULT 0,"
    " moved INTEGER NOT NULL DEFAULT 0, redeemed INTEGER NOT NULL DEFAULT 0);\n"
    "CREATE TABLE spent (hash BLOB NOT NULL PRIMARY KEY, keyset INTEGER NOT NULL REFERENCES keyset, amount INTEGER NOT NULL)"
    " WITHOUT ROWID;\n"
    "CREATE TABLE issued (hash BLOB NOT NULL PRIMARY KEY, keyset INTEGER NOT NULL REFERENCES keyset, amount INTEGER NOT NULL)"
    " WITHOUT ROWID;\n"
    "CREATE TABLE served (request BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;\n"
    "CREATE TABLE mint_quote (id TEXT NOT NULL PRIMARY KEY, unit TEXT NOT NULL, amount INTEGER NOT NULL, pubkey TEXT NOT NULL,"
    " paid INTEGER NOT NULL DEFAULT 0, issued INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;\n"
    "CREATE TABLE melt_quote (id TEXT NOT NULL PRIMARY KEY, shop TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,"
    " paid INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;\n"
    + outbox.SCHEMA
    + ";\n"
    + "".join(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'tokens are recorded once'); END;\n"
        for table in ("spent", "issued")
        for verb in ("UPDATE", "DELETE")
    )
)


class KeysetRow(msgspec.Struct, frozen=True):
    """A keyset as stored; `number` stands for it in the token tables."""

    number: int
    id: KeysetId
    unit: Unit
    period: str
    final_expiry: int | None
    active: bool
    issued: int
    moved: int
    redeemed: int


class MintQuoteRow(msgspec.Struct, frozen=True):
    """A quote for aid."""

    id: QuoteId
    unit: Unit
    amount: int
    pubkey: str
    paid: int
    issued: int


class MeltQuoteRow(msgspec.Struct, frozen=True):
    """A quote for a shop's deposit."""

    id: DepositId
    shop: str
    unit: Unit
    amount: int
    paid: bool


class TokenRow(msgspec.Struct, frozen=True):
    """A token to be recorded: its keyed hash, its keyset's number, its amount."""

    hash: bytes
    keyset: int
    amount: int


class TokenHasher:
    """Keyed hashes of points and requests; the key never leaves the mint's folder."""

    def __init__(self, key: Secret) -> None:
        self._key = key.reveal()

    def point(self, point: PublicKey) -> bytes:
        """16 bytes for a token's Y or an output's B_."""
        return hashlib.blake2b(point.format(), key=self._key, digest_size=16).digest()

    def request(self, path: str, body: bytes) -> bytes:
        """16 bytes for a whole request, to recognise its repetition."""
        return hashlib.blake2b(path.encode() + b"\0" + body, key=self._key, digest_size=16).digest()


# --- what may happen inside a transaction ----------------------------------------------------------------------------


def was_served(connection: sqlite3.Connection, request: bytes) -> bool:
    """Whether this very request was carried out before."""
    return connection.execute("SELECT 1 FROM served WHERE request = ?", (request,)).fetchone() is not None


def record_served(connection: sqlite3.Connection, request: bytes) -> None:
    """Remember a carried-out request by its keyed hash."""
    connection.execute("INSERT INTO served (request) VALUES (?)", (request,))


def record_spent(connection: sqlite3.Connection, rows: list[TokenRow]) -> None:
    """Spend tokens. Raises `AlreadySpent` when one of them was spent before."""
    try:
        connection.executemany(
            "INSERT INTO spent (hash, keyset, amount) VALUES (?, ?, ?)", [(r.hash, r.keyset, r.amount) for r in rows]
        )
    except sqlite3.IntegrityError as error:
        raise AlreadySpent("A token was already spent.") from error


def record_issued(connection: sqlite3.Connection, rows: list[TokenRow]) -> None:
    """Record signed outputs. Raises `AlreadySigned` when one of them was signed before."""
    try:
        connection.executemany(
            "INSERT INTO issued (hash, keyset, amount) VALUES (?, ?, ?)", [(r.hash, r.keyset, r.amount) for r in rows]
        )
    except sqlite3.IntegrityError as error:
        raise AlreadySigned("An output was already signed.") from error


def count_issued(connection: sqlite3.Connection, rows: list[TokenRow]) -> None:
    """Add newly issued value to its keysets' counters."""
    connection.executemany(
        "UPDATE keyset SET issued = issued + ? WHERE number = ?", [(row.amount, row.keyset) for row in rows]
    )


def count_redeemed(connection: sqlite3.Connection, rows: list[TokenRow]) -> None:
    """Add redeemed value to its keysets' counters. Raises `OverIssued` before more leaves than was issued."""
    _take_out(connection, rows, "redeemed = redeemed + ?1")


def count_moved(connection: sqlite3.Connection, *, out_of: list[TokenRow], into: list[TokenRow]) -> None:
    """Value went from one keyset to another in a swap. Raises `OverIssued` before more leaves than was issued."""
    _take_out(connection, out_of, "moved = moved - ?1")
    connection.executemany(
        "UPDATE keyset SET moved = moved + ? WHERE number = ?", [(row.amount, row.keyset) for row in into]
    )


def _take_out(connection: sqlite3.Connection, rows: list[TokenRow], change: str) -> None:
    for row in rows:
        changed = connection.execute(
            f"UPDATE keyset SET {change} WHERE number = ?2 AND issued + moved - redeemed >= ?1",
            (row.amount, row.keyset),
        )
        if changed.rowcount != 1:
            raise OverIssued("More would leave a keyset than was issued.")


def find_mint_quote(connection: sqlite3.Connection, quote: str) -> MintQuoteRow | None:
    """A quote for aid."""
    row = connection.execute(
        "SELECT id, unit, amount, pubkey, paid, issued FROM mint_quote WHERE id = ?", (quote,)
    ).fetchone()
    return None if row is None else MintQuoteRow(*row)


def find_melt_quote(connection: sqlite3.Connection, quote: str) -> MeltQuoteRow | None:
    """A quote for a deposit."""
    row = connection.execute("SELECT id, shop, unit, amount, paid FROM melt_quote WHERE id = ?", (quote,)).fetchone()
    return None if row is None else MeltQuoteRow(row[0], row[1], row[2], row[3], bool(row[4]))


def total_paid(connection: sqlite3.Connection, unit: Unit) -> int:
    """What the office has paid for in a unit, over all quotes."""
    (total,) = connection.execute("SELECT coalesce(sum(paid), 0) FROM mint_quote WHERE unit = ?", (unit,)).fetchone()
    return int(total)


def keysets(connection: sqlite3.Connection) -> list[KeysetRow]:
    """All keysets, oldest first."""
    rows = connection.execute(
        "SELECT number, id, unit, period, final_expiry, active, issued, moved, redeemed FROM keyset ORDER BY number"
    ).fetchall()
    return [KeysetRow(r[0], r[1], r[2], r[3], r[4], bool(r[5]), r[6], r[7], r[8]) for r in rows]


def outstanding(connection: sqlite3.Connection, keyset: KeysetRow) -> int:
    """What is in wallets: counted from the rows, and compared with the counters. Raises `FiguresDisagree`."""
    totals = [
        int(
            connection.execute(
                f"SELECT coalesce(sum(amount), 0) FROM {table} WHERE keyset = ?", (keyset.number,)
            ).fetchone()[0]
        )
        for table in ("issued", "spent")
    ]
    rest = totals[0] - totals[1]
    if rest != keyset.issued + keyset.moved - keyset.redeemed:
        raise FiguresDisagree("The rows of a keyset do not add up to its counters.")
    return rest


# --- the writer --------------------------------------------------------------------------------------------------------


class GroupWriter:
    """Runs jobs on the database in one thread, all that wait in one transaction. A job's result or error is given back
    only after the transaction is on the disk."""

    MOST_WAITING = 2_000
    MOST_IN_GROUP = 64

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs: queue.Queue[tuple[Job[Any], asyncio.Future[Any]] | None] = queue.Queue(self.MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="mint-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Job[T]) -> T:
        """The job's result, once it is durable. Raises what the job raised, or `CannotStore` when too much waits."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            self._jobs.put_nowait((job, future))
        except queue.Full as error:
            raise CannotStore("Too many requests are waiting.", why="The mint is busy.", todo="Try again.") from error
        return await future

    def close(self) -> None:
        """Finish what waits and stop."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group, stop = self._take()
            if group:
                self._commit(group)
            if stop:
                return

    def _take(self) -> tuple[list[tuple[Job[Any], asyncio.Future[Any]]], bool]:
        group = []
        item = self._jobs.get()
        while item is not None:
            group.append(item)
            if len(group) == self.MOST_IN_GROUP:
                return group, False
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _commit(self, group: list[tuple[Job[Any], asyncio.Future[Any]]]) -> None:
        results: list[tuple[Any, BaseException | None]] = []
        try:
            with self._database.transaction() as connection:
                for job, _ in group:
                    results.append(_attempt(connection, job))
        except Exception as error:  # noqa: BLE001 - the edge of this thread: every waiting request must get its answer
            results = [(None, error)] * len(group)
        for (_, future), (result, error_or_none) in zip(group, results, strict=True):
            future.get_loop().call_soon_threadsafe(_settle, future, result, error_or_none)


def _attempt(connection: sqlite3.Connection, job: Job[Any]) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT one")
    try:
        result = job(connection)
    except Exception as error:  # noqa: BLE001 - given to whoever waits for this job; the others go on
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return None, error
    connection.execute("RELEASE one")
    return result, None


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():  # the client went away; what was committed stays, and repeating the request finds it
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
