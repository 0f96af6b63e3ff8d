"""Tokens from long ago: puts spent and signed tokens of one keyset into the database of a mint that does not run.

The rows are what honest tokens leave behind (16 random bytes each), the counters agree with them, and what is outstanding stays as
it was: every stored token was signed and spent.
"""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import asyncpg

AT_ONCE = 250_000
# Counted as tokens of this denomination, which every keyset has.
AMOUNT = 1


def fill_sqlite(path: Path, number: int, count: int) -> None:
    """`count` tokens into keyset `number` of an SQLite file."""
    hashes = sorted(secrets.token_bytes(16) for _ in range(count))
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(f"INSERT INTO spent_{number} (hash) VALUES (?)", ((each,) for each in hashes))
        rows = ((bytes(reversed(each)), AMOUNT) for each in hashes)
        database.executemany(f"INSERT INTO issued_{number} (hash, amount) VALUES (?, ?)", sorted(rows))
        database.execute(
            "UPDATE denomination SET signed = signed + ?1, spent = spent + ?1 WHERE keyset = ?2 AND amount = ?3",
            (count, number, AMOUNT),
        )
        database.execute(
            "UPDATE keyset SET issued = issued + ?1, redeemed = redeemed + ?1 WHERE number = ?2",
            (count * AMOUNT, number),
        )


def fill_postgres(address: str, number: int, count: int) -> None:
    """`count` tokens into keyset `number` of a PostgreSQL database."""
    asyncio.run(_fill_postgres(address, number, count))


async def _fill_postgres(address: str, number: int, count: int) -> None:
    connection = await asyncpg.connect(address)
    try:
        for kind in ("spent", "issued"):
            await fill_table(connection, kind, number, count)
        await connection.execute(
            "UPDATE denomination SET signed = signed + $1, spent = spent + $1 WHERE keyset = $2 AND amount = $3",
            *(count, number, AMOUNT),
        )
        await connection.execute(
            "UPDATE keyset SET issued = issued + $1, redeemed = redeemed + $1 WHERE number = $2", count * AMOUNT, number
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def fill_table(
    connection: "asyncpg.Connection[asyncpg.Record]",
    kind: str,
    number: int,
    count: int,
    advance: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Random tokens into a keyset's `spent` or `issued` ones, packed all at once as the mint does with a small table: many times
    faster than little by little."""
    issued = kind == "issued"
    await connection.execute(
        "CREATE TEMPORARY TABLE long_ago AS SELECT unnest(hashes) AS hash"
        f"{', unnest(amounts) AS amount' if issued else ''} FROM {kind}_{number}"
    )
    for start in range(0, count, AT_ONCE):
        rows = min(AT_ONCE, count - start)
        column = f", {AMOUNT}" if issued else ""
        await connection.execute(
            f"INSERT INTO long_ago SELECT gen_random_uuid(){column} FROM generate_series(1, {rows})"
        )
        advance(rows)
    await connection.execute(f"TRUNCATE {kind}_{number}")
    await connection.execute("SELECT fill_buckets($1, $2, 'pg_temp.long_ago')", kind, number, timeout=3600)
    await connection.execute("DROP TABLE long_ago")
