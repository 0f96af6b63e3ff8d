"""A hundred million spent tokens in PostgreSQL: `python -m bench.many_tokens`. What a nation's months leave in one table.

The mint's own store, its own tables, a PostgreSQL server that this command starts (fsync on) and removes. The same groups of swaps
are written, and the same tokens looked up, before and after the table is filled. About ten minutes and 12 GB of disk; the figures
are of the database alone, without signatures and HTTP.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Sequence

import asyncpg
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tests.servers.postgres import postgres_server

from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_mint.model import Change, Done, Entry
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.store import NewKeyset
from bench.report import Figure, Goal, Report, arguments, machine, middle
from bench.stored import AMOUNT, fill_table

ROWS = 100_000_000
NUMBER, TOKENS, GROUP = 1, 8, 32
LOOKED_UP = 100
# What the size of a table of signed tokens is taken from.
SIGNED_ROWS = 5_000_000
SETTINGS = {"shared_buffers": "1GB", "maintenance_work_mem": "2GB", "max_wal_size": "16GB"}
# The projection: what `bench.collusion` counts for a household and month under the recommended settings, and its purchases.
HOUSEHOLDS, TOKENS_A_MONTH, PURCHASES_A_MONTH = 10_000_000, 40, 3
MONTHS_KEPT = 3
SHOPPING_SECONDS = 26 * 10 * 3600
BUSY = 5
GB = 1_000_000_000


class Speed(msgspec.Struct, frozen=True):
    """Swaps of 8 tokens written a second, and tokens looked up a second, with milliseconds for one group and one question."""

    written: float
    group_ms: float
    looked_up: float
    question_ms: float


def main() -> None:
    """The command."""
    parser = arguments("Insert and look-up in PostgreSQL with a hundred million spent tokens there.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"spent tokens in the table (default: {ROWS})")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement (default: 10)")
    given = parser.parse_args()
    facts = machine() | {"spent tokens": given.rows}
    with postgres_server(**SETTINGS) as server:
        if server is None:
            sys.stdout.write("PostgreSQL is not installed; nothing was measured.\n")
            return
        began = time.monotonic()
        empty, full, sizes = asyncio.run(_measure(server.make_database("many"), given.rows, given.seconds))
        facts["seconds"] = round(time.monotonic() - began)
    Report("Many tokens in PostgreSQL", facts, _figures(given.rows, empty, full, sizes)).write(as_json=given.as_json)


async def _measure(address: str, rows: int, seconds: float) -> tuple[Speed, Speed, tuple[float, float]]:
    store = PostgresStore(address)
    await store.open()
    connection = await asyncpg.connect(address, command_timeout=3600)
    try:
        await store.bind(b"bench")
        await store.add_keyset(NewKeyset(KeysetId("01" + "00" * 32), Unit("food"), "bench", None, [AMOUNT]))
        # Enough was signed: the database itself refuses more spent than signed.
        await connection.execute("UPDATE denomination SET signed = $1", 10 * rows + 10**9)
        empty = await _speed(store, [], seconds)
        sizes = await _fill(connection, rows)
        known = await connection.fetch(f"SELECT hash FROM spent_{NUMBER} TABLESAMPLE SYSTEM (0.01) LIMIT 50000")
        return empty, await _speed(store, [row[0].bytes for row in known], seconds), sizes
    finally:
        await connection.close()
        await store.close()


async def _fill(connection: "asyncpg.Connection[asyncpg.Record]", rows: int) -> tuple[float, float]:
    """Bytes of a spent and of a signed token, index and all."""
    columns = (TextColumn("filling"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=rows + min(rows, SIGNED_ROWS))
        sizes = []
        for table, column, count in (
            (f"spent_{NUMBER}", "", rows),
            (f"issued_{NUMBER}", f", {AMOUNT}", min(rows, SIGNED_ROWS)),
        ):
            await fill_table(connection, table, column, count, lambda done: progress.advance(task, done))
            size = await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
            sizes.append(size / await connection.fetchval(f"SELECT count(*) FROM {table}"))
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    return sizes[0], sizes[1]


async def _speed(store: PostgresStore, known: Sequence[bytes], seconds: float) -> Speed:
    writing, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        group = [Change(spend=_entries(), issue=_entries()) for _ in range(GROUP)]
        began = time.perf_counter()
        outcomes = await store.apply(group)
        writing.append(time.perf_counter() - began)
        if not all(isinstance(each, Done) for each in outcomes):
            raise SystemExit("The store refuses honest tokens.")
    asking, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        there = [secrets.choice(known) for _ in range(LOOKED_UP // 2)] if known else []
        hashes = there + [secrets.token_bytes(16) for _ in range(LOOKED_UP - len(there))]
        began = time.perf_counter()
        states = await store.token_states([(NUMBER, each) for each in hashes])
        asking.append(time.perf_counter() - began)
        if states.count("SPENT") != len(there):
            raise SystemExit("The store does not find what it holds.")
    written, asked = middle(writing), middle(asking)
    return Speed(GROUP / written, written * 1000, LOOKED_UP / asked, asked * 1000)


def _entries() -> list[Entry]:
    return [Entry(secrets.token_bytes(16), NUMBER, AMOUNT) for _ in range(TOKENS)]


def _figures(rows: int, empty: Speed, full: Speed, sizes: tuple[float, float]) -> list[Figure]:
    pair = sum(sizes)
    stored = HOUSEHOLDS * TOKENS_A_MONTH * MONTHS_KEPT * pair / GB
    payments = HOUSEHOLDS * PURCHASES_A_MONTH / SHOPPING_SECONDS * BUSY
    return [
        Figure(
            f"swaps 8/8 written with {rows:,} spent tokens there",
            full.written,
            "a second",
            f"A group of {GROUP} takes {full.group_ms:.1f} ms, fsync included; empty {empty.group_ms:.1f} ms.",
            "the same with an empty table",
            empty.written,
        ),
        Figure(
            "tokens looked up",
            full.looked_up,
            "a second",
            f"A question about {LOOKED_UP} tokens takes {full.question_ms:.1f} ms; empty {empty.question_ms:.1f} ms.",
            "the same with an empty table",
            empty.looked_up,
        ),
        Figure("bytes of a spent token", sizes[0], "bytes", "Row and index in PostgreSQL."),
        Figure("bytes of a spent and a signed token", pair, "bytes", "Both rows with their indexes."),
        Figure(
            f"on paper: disk for {HOUSEHOLDS:,} households",
            stored,
            "GB",
            f"{TOKENS_A_MONTH} tokens a household and month, kept for {MONTHS_KEPT} months; a closed keyset's tables are dropped.",
        ),
        Figure(
            f"on paper: payments of {HOUSEHOLDS:,} households in a busy hour",
            payments,
            "a second",
            f"{PURCHASES_A_MONTH} purchases a month in ten hours a day, {BUSY} times the mean; beside it the swaps that the"
            " database alone writes.",
            "swaps written",
            full.written,
            Goal(1.0, most=True),
        ),
    ]


if __name__ == "__main__":
    main()
