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
NUMBER, SIZED, TOKENS, GROUP = 1, 2, 8, 32
LOOKED_UP = 100
# What the size of a token is taken from: so many, packed so many at a time, as in months of service.
SIZED_ROWS, PACKED_AT_ONCE = 400_000, 20_000
SETTINGS = {"shared_buffers": "1GB", "maintenance_work_mem": "2GB", "max_wal_size": "16GB"}
# The projection: what `bench.collusion` counts for a household and month under the recommended settings, and its purchases.
HOUSEHOLDS, TOKENS_A_MONTH, PURCHASES_A_MONTH = 10_000_000, 40, 3
MONTHS_KEPT = 3
SHOPPING_SECONDS = 26 * 10 * 3600
BUSY = 5
PAIR_BYTES = 130.0
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
    with postgres_server(SETTINGS) as server:
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
        await store.add_keyset(NewKeyset(KeysetId("01" + "11" * 32), Unit("tools"), "bench", None, [AMOUNT]))
        sizes = [await _size(connection, store, kind) for kind in ("spent", "issued")]
        await _fill(connection, rows)
        await store.mix()
        known = await connection.fetch(f"SELECT unnest(hashes) FROM spent_{NUMBER} TABLESAMPLE SYSTEM (1) LIMIT 50000")
        return empty, await _speed(store, [row[0].bytes for row in known], seconds), (sizes[0], sizes[1])
    finally:
        await connection.close()
        await store.close()


async def _size(connection: "asyncpg.Connection[asyncpg.Record]", store: PostgresStore, kind: str) -> float:
    """Bytes of a spent or signed token, index and all, in a table that grew little by little and was vacuumed as usual."""
    table, column = f"{kind}_{SIZED}", f", {AMOUNT}" if kind == "issued" else ""
    for _ in range(0, SIZED_ROWS, PACKED_AT_ONCE):
        await connection.execute(
            f"INSERT INTO fresh_{table} SELECT gen_random_uuid(){column} FROM generate_series(1, {PACKED_AT_ONCE})"
        )
        await store.mix()
        await connection.execute(f"VACUUM {table}")
    found = await connection.fetchval(f"SELECT sum(cardinality(hashes)) FROM {table}")
    if found != SIZED_ROWS:
        raise SystemExit("The store has not packed all tokens.")
    size = await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
    return float(size) / SIZED_ROWS


async def _fill(connection: "asyncpg.Connection[asyncpg.Record]", rows: int) -> None:
    columns = (TextColumn("filling"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=rows)
        await fill_table(connection, "spent", NUMBER, rows, lambda done: progress.advance(task, done))
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")


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
        Figure("bytes of a spent token", sizes[0], "bytes", "Rows and index in PostgreSQL, packed little by little."),
        Figure(
            "bytes of a spent and a signed token",
            pair,
            "bytes",
            "Both with their indexes.",
            "the limit",
            PAIR_BYTES,
            Goal(1.0, most=True),
        ),
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
