"""The mint's database in PostgreSQL: the same tables and the same decisions as in SQLite, for many mint processes at once.

Groups of all processes take turns by one advisory lock, held to the end of the commit: what a group looked up stays true until
it has written, so nothing is ever refused because of a lock, and no table is locked. A group is up to 64 requests and costs four
round trips. A connection that breaks in a commit leaves the question open: the sender is told to ask again, and asking again
finds what was done.

PostgreSQL keeps rows in the order of arrival and each with its transaction's number. So new tokens go into `fresh_...` tables and
are packed from there into buckets of their hashes (`postgres_schema.py`): every `MIX_SECONDS`, and sooner when there are
`MOST_FRESH`. In a small table all tokens are written anew each time, in a large one at least `SMALLEST_MIX` are packed at once: no
token carries a number that few others carry, even in a quiet hour. Quotes are written anew with them while they are few. LIMIT:
until then, among many quotes, and in PostgreSQL's own write-ahead log, an order can be seen (docs/operate/mint.md, «What the disk
shows»).

Whatever makes, empties or drops tables is a function of the database that runs with its owner's rights, so that the mint can be a
user who cannot change or delete a token (`roles.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from amparo_cashu.errors import KeysetUnknown
from amparo_cashu.spent_filter import ITEM_BYTES
from amparo_common.errors import AmparoError
from amparo_common.ids import DepositId, KeysetId, QuoteId, random_id
from amparo_common.money import Unit
from amparo_mint.deciding import Known, Outcome, Place, Writes, decide, sought
from amparo_mint.errors import BadConfiguration, DatabaseAway, KeysetStillInUse, OverIssued
from amparo_mint.model import Change, KeysetRow, MeltQuoteRow, MintQuoteRow, TokenState
from amparo_mint.postgres_pool import AWAY, PATIENCE_SECONDS, PostgresPool
from amparo_mint.postgres_schema import MIGRATIONS, PACKING, TURN
from amparo_mint.postgres_tokens import filter_items, present, rows_of, token_inserts
from amparo_mint.store import CLEARED_AT_ONCE, MOST_WAITING, NewKeyset, Tally
from amparo_service.errors import BadRequest, CannotStore, DatabaseTooNew, KeyMissing

MIX_SECONDS = 600.0
SMALL_TABLE = 20_000
SMALLEST_MIX = 1_000
# Spent and signed ones of this process together: about half a second of PostgreSQL's.
MOST_FRESH = 40_000
# A large database is brought up to date in minutes.
_MIGRATION_SECONDS = 86_400.0

# Emptying a table, or another name for it, waits for whoever still reads it, and everybody would wait behind: rather later.
_RATHER_LATER = "SET LOCAL lock_timeout = '200ms'"
_PACK_SECONDS = 3_600.0

_KEYSET = "number, id, unit, period, final_expiry, state, issued, moved, redeemed, returned, claims"
_MINT_QUOTE = "id, unit, amount, pubkey, paid, issued, keyset"
_MELT_QUOTE = "id, shop, unit, amount, state, request, keyset"


class PostgresStore:
    """The mint's PostgreSQL database at an address (`postgresql://...`)."""

    def __init__(self, address: str, *, patience: float = PATIENCE_SECONDS) -> None:
        self._pool = PostgresPool(address, patience=patience)
        self._mixed_at = 0.0
        # Tokens written since.
        self._fresh = 0

    async def open(self) -> None:
        """Connect and bring the tables up to date. Several processes may do so at once. Raises `DatabaseTooNew`, and
        `BadConfiguration` when they are not up to date and this user may not change them."""
        try:
            await self._pool.open()
        except AWAY as error:
            raise DatabaseAway("The PostgreSQL database cannot be reached.") from error
        # What the last run left is mixed first of all.
        self._mixed_at = asyncio.get_running_loop().time() - MIX_SECONDS
        try:
            await self._migrate()
        except DatabaseAway as error:
            if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
                raise BadConfiguration(
                    "The mint's tables are not up to date, and its user of the database may not change them.",
                    why="They belong to another user.",
                    todo="Run what `python -m amparo_mint.roles` prints as their owner.",
                ) from error
            raise

    async def _migrate(self) -> None:
        async with self._turn() as connection:
            # Asked first: to be allowed to make tables is not needed for finding them there.
            if not await connection.fetchval("SELECT to_regclass('schema_version') IS NOT NULL"):
                await connection.execute("CREATE TABLE schema_version (version integer NOT NULL)")
            version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
            if version > len(MIGRATIONS):
                raise DatabaseTooNew(f"The database is at version {version}, this program knows {len(MIGRATIONS)}.")
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                await connection.execute(script, timeout=_MIGRATION_SECONDS)
                await connection.execute("INSERT INTO schema_version (version) VALUES ($1)", number)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Any]:
        """A connection in a transaction, in this process's turn. Raises `DatabaseAway` when the database went away: whether the
        transaction was carried out is then unknown."""
        async with self._transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", TURN)
            yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.transaction() as connection:
                yield connection
        except asyncpg.IntegrityConstraintViolationError:
            raise
        except AWAY as error:
            raise _trouble(error, "The database did not take what had to be kept.") from error

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Any]:
        """A connection on which every single statement sees one moment. No transaction: its moment would be fixed before a
        statement has waited for `mix`, and a table that was emptied meanwhile looks empty at every moment."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except AWAY as error:
            raise _trouble(error, "The database cannot be read.") from error

    async def bind(self, fingerprint: bytes) -> None:
        """Remember under which hash key the tokens are kept."""
        async with self._turn() as connection:
            known = await connection.fetchval("SELECT fingerprint FROM hash_key")
            if known is None:
                await connection.execute("INSERT INTO hash_key (fingerprint) VALUES ($1)", fingerprint)
            elif known != fingerprint:
                raise KeyMissing("The tokens of this database are kept under another hash key.")

    # --- groups ------------------------------------------------------------------------------------------------------------

    async def apply(self, group: Sequence[Change]) -> list[Outcome]:
        """Carry out a group in one commit."""
        try:
            async with self._turn() as connection:
                outcomes, writes = decide(group, await _look_up(connection, group))
                await _write(connection, writes)
            self._fresh += len(writes.spent) + len(writes.issued)
            return outcomes
        except (asyncpg.IntegrityConstraintViolationError, KeysetUnknown) as error:
            # Only a token that its keyset never signed gets here (a stolen key, or a fault of ours), or one whose keyset was closed
            # meanwhile. One by one, so that its neighbours are not refused with it.
            if len(group) == 1:
                if isinstance(error, KeysetUnknown):
                    return [error]
                refusal = OverIssued("More of a denomination would be spent than was signed.")
                refusal.__cause__ = error
                return [refusal]
            return [outcome for change in group for outcome in await self.apply([change])]

    # --- quotes and deposits -------------------------------------------------------------------------------------------------

    async def mint_quotes(self, ids: Sequence[str]) -> dict[str, MintQuoteRow]:
        """The quotes for aid that exist among these."""
        async with self._reading() as connection:
            return await _mint_quotes(connection, ids)

    async def melt_quotes(self, ids: Sequence[str]) -> dict[str, MeltQuoteRow]:
        """The quotes for deposits that exist among these."""
        async with self._reading() as connection:
            return await _melt_quotes(connection, ids)

    async def waiting(self, *, after: str = "") -> list[MeltQuoteRow]:
        """Deposits that wait for the shops side's answer."""
        async with self._reading() as connection:
            rows = await connection.fetch(
                f"SELECT {_MELT_QUOTE} FROM melt_quote WHERE state = 'PENDING' AND id > $1 ORDER BY id LIMIT {MOST_WAITING}",
                after,
            )
            if rows:
                # The shops side will book it: no failover may take it back.
                await self._pool.on_replica(connection)
        return [_melt_quote(row) for row in rows]

    async def count_waiting(self) -> int:
        """How many deposits wait for the shops side's answer."""
        async with self._reading() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM melt_quote WHERE state = 'PENDING'"))

    async def finish_deposit(self, quote: str, *, accepted: bool) -> None:
        """The tokens of a waiting deposit are spent, or given back."""
        async with self._turn() as connection:
            await _finish_deposit(connection, quote, accepted=accepted)

    async def clear_quotes(self, *, ended: Sequence[int], over: Sequence[int], most_unpaid: int) -> int:
        """Remove quotes that nobody needs."""
        cleared = 0
        for table, unpaid, finished in (
            ("mint_quote", "paid = 0", "paid = issued"),
            ("melt_quote", "state = 'UNPAID'", "state = 'PAID'"),
        ):
            # Counted without a turn: so many rows take a while, and nobody else should wait for it. Two processes that count at
            # once remove a few more.
            async with self._reading() as connection:
                held = int(await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {unpaid}"))
            async with self._turn() as connection:
                sought = f"SELECT id FROM {table} WHERE keyset = ANY($1::integer[]) AND {unpaid} UNION ALL"
                sought += (
                    f" SELECT id FROM {table} WHERE keyset = ANY($2::integer[]) AND {finished} LIMIT {CLEARED_AT_ONCE}"
                )
                asked = f"DELETE FROM {table} WHERE id IN ({sought})"
                cleared += _count_of(await connection.execute(asked, list(ended), list(over)))
                cleared += await _clear_surplus(connection, table, unpaid, min(held - most_unpaid, CLEARED_AT_ONCE))
        return cleared

    # --- tokens ---------------------------------------------------------------------------------------------------------------

    async def token_states(self, places: Sequence[Place]) -> list[TokenState]:
        """The state of each token."""
        async with self._reading() as connection:
            spent, pending, _ = await present(connection, places, [])
        return ["SPENT" if place in spent else "PENDING" if place in pending else "UNSPENT" for place in places]

    async def signed_amounts(self, places: Sequence[Place]) -> list[int | None]:
        """The denomination that each output was signed for, or None."""
        async with self._reading() as connection:
            _, _, issued = await present(connection, [], places)
            if issued:
                # Its signature is as good as the one that was lost: no failover may leave it and the token it was given for.
                await self._pool.on_replica(connection)
        return [issued.get(place) for place in places]

    async def spent_items(self, keyset: int, *, most: int) -> bytearray:
        """The filter items of a keyset's spent tokens. While they are read none that are set aside are packed."""
        items = bytearray()
        loose = f"SELECT hash FROM fresh_spent_{keyset} UNION ALL SELECT hash FROM aside_spent_{keyset}"
        question = (
            f"SELECT packed, hashes FROM (SELECT hash AS first, false AS packed, ARRAY[hash] AS hashes FROM ({loose}) AS l"
            f" UNION ALL SELECT first, true, hashes FROM spent_{keyset}) AS every ORDER BY first, packed DESC"
        )
        bucket: list[bytes] = []
        # A cursor lives in a transaction; as it is the only statement there, it sees one moment.
        async with self._reading() as connection, connection.transaction():
            async for packed, hashes in connection.cursor(question, prefetch=1_000):
                # What is not packed comes after the bucket that it belongs to.
                if packed:
                    items += filter_items(bucket)
                    bucket = []
                    if len(items) >= most * ITEM_BYTES:
                        break
                bucket += hashes
        return (items + filter_items(bucket))[: most * ITEM_BYTES]

    async def paid_total(self, unit: Unit) -> int:
        """What the office has paid for in a unit."""
        async with self._reading() as connection:
            return int(await connection.fetchval("SELECT total FROM paid WHERE unit = $1", unit) or 0)

    async def claims(self, keyset: int) -> int:
        """How many quotes were paid while this keyset signed."""
        async with self._reading() as connection:
            return int(await connection.fetchval("SELECT claims FROM keyset WHERE number = $1", keyset) or 0)

    # --- keysets --------------------------------------------------------------------------------------------------------------

    async def keysets(self) -> list[KeysetRow]:
        """All keysets, oldest first."""
        async with self._reading() as connection:
            return await _keysets(connection)

    async def add_keyset(self, keyset: NewKeyset) -> None:
        """Keep an announced keyset."""
        async with self._turn() as connection:
            if await connection.fetchval("SELECT 1 FROM keyset WHERE id = $1", keyset.id):
                return
            number = await connection.fetchval("SELECT coalesce(max(number), 0) + 1 FROM keyset")
            await connection.execute(
                "INSERT INTO keyset (number, id, unit, period, final_expiry, state) VALUES ($1, $2, $3, $4, $5, 'announced')",
                number,
                keyset.id,
                keyset.unit,
                keyset.period,
                keyset.final_expiry,
            )
            await connection.executemany(
                "INSERT INTO denomination (keyset, amount) VALUES ($1, $2)", [(number, each) for each in keyset.amounts]
            )
            await connection.execute("SELECT make_token_tables($1)", number)

    async def activate(self, keyset: str) -> None:
        """Make a keyset its unit's only signing one."""
        async with self._turn() as connection:
            await connection.execute(
                "UPDATE keyset SET state = 'ending' WHERE state = 'active' AND id <> $1"
                " AND unit = (SELECT unit FROM keyset WHERE id = $1)",
                keyset,
            )
            await connection.execute(
                "UPDATE keyset SET state = 'active' WHERE id = $1 AND state NOT IN ('closed', 'frozen')", keyset
            )

    async def close_keyset(self, keyset: str) -> KeysetRow:
        """Give back what is left of a keyset and drop its tables."""
        async with self._turn() as connection:
            row = next(each for each in await _keysets(connection) if each.id == keyset)
            if row.state != "closed":
                if await connection.fetchval("SELECT 1 FROM pending WHERE keyset = $1", row.number):
                    raise KeysetStillInUse("A deposit with tokens of this keyset is not finished.")
                await connection.execute(
                    "UPDATE keyset SET state = 'closed', returned = $1 WHERE number = $2", row.outstanding, row.number
                )
                await connection.execute("SELECT drop_token_tables($1)", row.number)
            return next(each for each in await _keysets(connection) if each.id == keyset)

    async def tallies(self) -> list[Tally]:
        """Every open keyset counted in two ways."""
        async with self._reading() as connection:
            return [await _tally(connection, row.number) for row in await _keysets(connection) if row.state != "closed"]

    async def progress(self) -> int:
        """How many groups were committed."""
        async with self._reading() as connection:
            return int(await connection.fetchval("SELECT groups FROM progress"))

    async def freeze(self) -> list[KeysetRow]:
        """Take nothing of any open keyset any more."""
        async with self._turn() as connection:
            await connection.execute("UPDATE keyset SET state = 'frozen' WHERE state <> 'closed'")
            return [row for row in await _keysets(connection) if row.state == "frozen"]

    # --- keeping house ------------------------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Pack fresh tokens, so that no order shows, and write few quotes anew, when it is time."""
        now = asyncio.get_running_loop().time()
        if now - self._mixed_at >= MIX_SECONDS or self._fresh >= MOST_FRESH:
            await self.mix()
            self._mixed_at = now

    async def mix(self) -> None:
        """Pack all fresh tokens, those of a table at once, sorted by hash; write quotes anew, sorted by id."""
        self._fresh = 0
        for row in await self.keysets():
            if row.state != "closed":
                for kind in ("spent", "issued"):
                    await self._pack(kind, row.number)
        async with self._turn() as connection:
            await connection.execute(_RATHER_LATER)
            await connection.execute("SELECT mix_quotes($1)", SMALL_TABLE)

    async def _pack(self, kind: str, keyset: int) -> None:
        async with self._turn() as connection:
            await connection.execute(_RATHER_LATER)
            question = "SELECT set_aside($1, $2, $3, $4)"
            if not await connection.fetchval(question, kind, keyset, SMALL_TABLE, SMALLEST_MIX):
                return
        # Without a turn: meanwhile groups go on.
        async with self._transaction() as connection:
            if await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", PACKING):
                await connection.execute(_RATHER_LATER)
                await connection.execute(
                    "SELECT pack_tokens($1, $2, $3)", kind, keyset, SMALL_TABLE, timeout=_PACK_SECONDS
                )

    async def backup(self, path: str) -> None:
        """PostgreSQL is backed up with its own tools."""
        raise BadRequest(
            f"Nothing was written to {path}.",
            why="This mint keeps its tokens in PostgreSQL.",
            todo="Use pg_basebackup or pg_dump, as docs/operate/mint.md says.",
        )

    async def close(self) -> None:
        """Finish what runs and close."""
        await self._pool.close()


def _trouble(error: Exception, what: str) -> AmparoError:
    match error:
        case asyncpg.UndefinedTableError():
            return KeysetUnknown("This keyset was closed a moment ago.")
        case asyncpg.DiskFullError() | asyncpg.PostgresIOError():
            return CannotStore(what)
    return DatabaseAway(what)


# --- inside a transaction ----------------------------------------------------------------------------------------------------


async def _look_up(connection: Any, group: Sequence[Change]) -> Known:
    asked = sought(group)
    spent, pending, issued = await present(connection, asked.spend, asked.issue)
    return Known(
        spent=spent,
        pending=pending,
        issued=issued,
        mint_quotes=await _mint_quotes(connection, asked.mint_quotes),
        melt_quotes=await _melt_quotes(connection, asked.melt_quotes),
        paid=await _paid(connection, asked.units),
    )


async def _write(connection: Any, writes: Writes) -> None:
    parts, values = token_inserts(writes)
    parts.append("UPDATE progress SET groups = groups + 1")
    numbered = [f"part{at} AS ({part})" for at, part in enumerate(parts)]
    await connection.execute(f"WITH {', '.join(numbered)} SELECT 1", *values)
    await _write_quotes(connection, writes)


async def _write_quotes(connection: Any, writes: Writes) -> None:
    if writes.new_mint_quotes:
        await connection.executemany(
            f"INSERT INTO mint_quote ({_MINT_QUOTE}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [(q.id, q.unit, q.amount, q.pubkey, q.paid, q.issued, q.keyset) for q in writes.new_mint_quotes],
        )
    if writes.new_melt_quotes:
        await connection.executemany(
            f"INSERT INTO melt_quote ({_MELT_QUOTE}) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [(q.id, q.shop, q.unit, q.amount, q.state, q.request, q.keyset) for q in writes.new_melt_quotes],
        )
    if writes.mint_quotes:
        await connection.executemany(
            "UPDATE mint_quote SET paid = $1, issued = $2, keyset = $3 WHERE id = $4",
            [(q.paid, q.issued, q.keyset, q.id) for q in writes.mint_quotes.values()],
        )
    if writes.melt_quotes:
        await connection.executemany(
            "UPDATE melt_quote SET state = $1, request = $2, keyset = $3 WHERE id = $4",
            [(q.state, q.request, q.keyset, q.id) for q in writes.melt_quotes.values()],
        )
    if writes.pending:
        await connection.executemany(
            "INSERT INTO pending (keyset, hash, amount, quote) VALUES ($1, $2, $3, $4)",
            [(entry.keyset, entry.hash, entry.amount, quote) for entry, quote in writes.pending],
        )
    if writes.paid:
        await connection.executemany(
            "INSERT INTO paid (unit, total) VALUES ($1, $2) ON CONFLICT (unit) DO UPDATE SET total = excluded.total",
            list(writes.paid.items()),
        )


async def _mint_quotes(connection: Any, ids: Sequence[str]) -> dict[str, MintQuoteRow]:
    sought = _sound(ids)
    if not sought:
        return {}
    rows = await connection.fetch(f"SELECT {_MINT_QUOTE} FROM mint_quote WHERE id = ANY($1::text[])", sought)
    return {row[0]: MintQuoteRow(QuoteId(row[0]), Unit(row[1]), *row[2:]) for row in rows}


async def _melt_quotes(connection: Any, ids: Sequence[str]) -> dict[str, MeltQuoteRow]:
    sought = _sound(ids)
    if not sought:
        return {}
    rows = await connection.fetch(f"SELECT {_MELT_QUOTE} FROM melt_quote WHERE id = ANY($1::text[])", sought)
    return {row[0]: _melt_quote(row) for row in rows}


def _sound(ids: Iterable[str]) -> list[str]:
    # No text of PostgreSQL holds this sign: such an id is nobody's.
    return [each for each in ids if "\0" not in each]


def _melt_quote(row: Any) -> MeltQuoteRow:
    return MeltQuoteRow(DepositId(row[0]), row[1], Unit(row[2]), *row[3:])


async def _clear_surplus(connection: Any, table: str, unpaid: str, surplus: int) -> int:
    """Ids are random: those that follow a random place are any, however old."""
    if surplus <= 0:
        return 0
    part = f"(SELECT id FROM {table} WHERE {unpaid} AND id {{}} $1 ORDER BY id LIMIT {surplus})"
    sought = f"{part.format('>=')} UNION ALL {part.format('<')} LIMIT {surplus}"
    return _count_of(await connection.execute(f"DELETE FROM {table} WHERE id IN ({sought})", random_id()))


def _count_of(status: str) -> int:
    """PostgreSQL's word on a statement that deleted: `DELETE 3`."""
    return int(status.rpartition(" ")[2])


async def _paid(connection: Any, units: Sequence[Unit]) -> dict[Unit, int]:
    if not units:
        return {}
    rows = await connection.fetch("SELECT unit, total FROM paid WHERE unit = ANY($1::text[])", list(units))
    return {Unit(row[0]): row[1] for row in rows}


async def _keysets(connection: Any) -> list[KeysetRow]:
    rows = await connection.fetch(f"SELECT {_KEYSET} FROM keyset ORDER BY number")
    return [_keyset(row) for row in rows]


def _keyset(row: Sequence[Any]) -> KeysetRow:
    return KeysetRow(row[0], KeysetId(row[1]), Unit(row[2]), *row[3:])


async def _finish_deposit(connection: Any, quote: str, *, accepted: bool) -> None:
    found = (await _melt_quotes(connection, [quote])).get(quote)
    if found is None or found.state != "PENDING":
        return
    rows = await connection.fetch("SELECT keyset, hash, amount FROM pending WHERE quote = $1", quote)
    for number, hashed, amount in rows:
        if accepted:
            await connection.execute(f"INSERT INTO fresh_spent_{number} (hash) VALUES ($1)", hashed)
        else:
            await connection.execute(
                "UPDATE denomination SET spent = spent - 1 WHERE keyset = $1 AND amount = $2", number, amount
            )
            await connection.execute("UPDATE keyset SET redeemed = redeemed - $1 WHERE number = $2", amount, number)
    await connection.execute("DELETE FROM pending WHERE quote = $1", quote)
    state, request = ("PAID", found.request) if accepted else ("UNPAID", b"")
    await connection.execute("UPDATE melt_quote SET state = $1, request = $2 WHERE id = $3", state, request, quote)


async def _tally(connection: Any, number: int) -> Tally:
    issued, spent, waiting, waiting_value, signed_count, spent_count, value, *row = await connection.fetchrow(
        f"SELECT {rows_of('issued', number)}, {rows_of('spent', number)},"
        " (SELECT count(*) FROM pending WHERE keyset = k.number),"
        " (SELECT coalesce(sum(amount), 0)::bigint FROM pending WHERE keyset = k.number), d.signed, d.spent, d.value,"
        " k.number, k.id, k.unit, k.period, k.final_expiry, k.state, k.issued, k.moved, k.redeemed, k.returned, k.claims"
        " FROM keyset AS k, (SELECT coalesce(sum(signed), 0)::bigint AS signed, coalesce(sum(spent), 0)::bigint AS spent,"
        " coalesce(sum((signed - spent) * amount), 0)::bigint AS value FROM denomination WHERE keyset = $1) AS d"
        " WHERE k.number = $1",
        number,
    )
    return Tally(_keyset(row), issued, spent + waiting, signed_count, spent_count, value, waiting_value)
