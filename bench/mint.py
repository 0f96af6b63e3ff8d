"""The whole mint beside Nutshell's: `python -m bench.mint`. One load drives both over HTTP, in one run on one machine.

Each mint runs on one processor core with all its processes (ours: mint and signer; a PostgreSQL server is not tied to it),
the load on another core; Nutshell's environment is made on first use. How long people wait is measured a second time, with
ours on all cores of the machine, beside the load, as a mint runs that nobody ties down. Ours has everything on: keyed quotes
with a signature for each claim (Nutshell's practice quotes have none), proofs on every signature, fsync before every answer.
Neighbours on a shared machine move the figures of the clock; beside them stand the processor's own milliseconds, which they
hardly move.
"""

import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psutil
from tests.foreign.practice_mint import PracticeMint, practice_mint
from tests.servers.postgres import postgres_server

from amparo_signer.batch import choose_engine
from bench.nutshell.environment import nutshell_mint, nutshell_version
from bench.nutshell.load import CALLS, CONNECTIONS, SWAPS, Load, Row, table
from bench.processes import cores, run_child
from bench.report import Figure, Goal, Report, arguments, machine
from bench.stored import fill_postgres, fill_sqlite

MANY = max(CONNECTIONS)
TIMES_NUTSHELL, OF_CEILING = Goal(20.0, most=False), Goal(0.6, most=False)
LIMIT = Goal(1.0, most=True)
P99_MS, RESTART_SECONDS, PAIR_BYTES, MOST_MB = 60.0, 1.0, 130.0, 100.0
UNIT = "sat"
MB = 1_000_000
PEERS = ("nutshell", "sqlite", "postgres")


class Ours(msgspec.Struct, frozen=True):
    """What was measured at our mint on one database."""

    load: Load
    restart_seconds: float
    restart_cpu: float
    memory_mb: float
    pair_bytes: float | None
    untied: list[Row]


class Cores(msgspec.Struct, frozen=True):
    """Which processor core the mint has to itself, and which one the load; None where the system cannot say."""

    mint: int | None
    load: int | None


def main() -> None:
    """The command."""
    parser = arguments("The whole mint beside Nutshell's, over HTTP.")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="for each call and number of connections (default: 5)"
    )
    parser.add_argument("--only", nargs="+", default=list(PEERS), choices=PEERS, help="leave the others out")
    parser.add_argument("--calls", nargs="+", default=list(CALLS), choices=list(CALLS))
    parser.add_argument(
        "--stored", type=int, default=0, metavar="N", help="so many tokens were signed and spent before"
    )
    given = parser.parse_args()
    where = Cores(cores()[0], cores()[-1]) if cores() else Cores(None, None)
    facts = machine()
    if given.stored:
        facts["stored before"] = given.stored
    load = _Load(given.seconds, given.calls, where)
    nutshell = _nutshell(load) if "nutshell" in given.only else None
    ours = {
        name: found
        for name in given.only
        if name != "nutshell" and (found := _ours(load, name, given.stored)) is not None
    }
    facts["load after"] = round(os.getloadavg()[0], 1)
    figures = [figure for name, found in ours.items() for figure in _figures(name, found, nutshell)]
    tables = {"Nutshell": nutshell.rows if nutshell else []}
    for name, each in ours.items():
        tables |= {f"ours on {name}": each.load.rows, f"ours on {name}, on all cores": each.untied}
    notes = list(_tables(tables))
    versions: dict[str, str | int | float] = {"nutshell": nutshell_version(), "signer's engine": choose_engine().name}
    Report("The mint over HTTP", facts | versions, figures, notes).write(as_json=given.as_json)


class _Load:
    """Runs the load in a process of its own."""

    def __init__(
        self, seconds: float, calls: list[str], where: Cores, *, connections: Sequence[int] = CONNECTIONS
    ) -> None:
        self.seconds, self.calls, self.where = seconds, calls, where
        self._words = ["--json", "--seconds", str(seconds), "--unit", UNIT, "--calls", *calls]
        self._words += ["--connections", *map(str, connections)]
        self._words += [] if where.load is None else ["--core", str(where.load)]

    def run(self, url: str, processes: Sequence[int], *words: str) -> Load:
        """What it found at an address, where these processes answer."""
        words += ("--watch", *map(str, processes))
        return msgspec.json.decode(run_child("bench.nutshell.load", url, *self._words, *words), type=Load)


def _nutshell(load: _Load) -> Load:
    with (
        tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder,
        nutshell_mint(Path(folder), core=load.where.mint) as (url, process),
    ):
        return load.run(url, [process])


def _ours(load: _Load, name: str, stored: int) -> Ours | None:
    """Our mint on a database in which so many tokens are already, or None where PostgreSQL is not installed."""
    with _mint(name, stored, load.where.mint) as mint:
        if mint is None:
            return None
        words = () if load.where.mint is None else ("--ceiling-core", str(load.where.mint))
        found = load.run(mint.url, mint.processes(), *_paid_by(mint), *words)
        memory = sum(_pss(each) for each in mint.processes())
        restart, restart_cpu = _restart(mint)
        pairs = stored + (found.signed + found.spent) / 2
        pair = _file_bytes(mint) / pairs if name == "sqlite" else None
    return Ours(found, restart, restart_cpu, memory, pair, _untied(load, name, stored))


def _untied(load: _Load, name: str, stored: int) -> list[Row]:
    """The swaps alone at the most connections, by a mint on all cores."""
    calls = [each for each in load.calls if each in SWAPS]
    if not calls:
        return []
    free = _Load(load.seconds, calls, Cores(None, None), connections=[MANY])
    with _mint(name, stored, None) as mint:
        return free.run(mint.url, mint.processes(), *_paid_by(mint)).rows if mint else []


def _paid_by(mint: PracticeMint) -> list[str]:
    return ["--method", "benefit", "--pay", mint.front]


@contextmanager
def _mint(name: str, stored: int, core: int | None) -> Iterator[PracticeMint | None]:
    """Our mint on a database in which so many tokens are, on one core or on all; None where PostgreSQL is not installed."""
    with ExitStack() as stack:
        database = "sqlite"
        if name == "postgres":
            server = stack.enter_context(postgres_server())
            if server is None:
                yield None
                return
            database = server.make_database("bench")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="amparo-bench-")))
        mint = stack.enter_context(practice_mint(folder, units=[UNIT], core=core, settings={"database": database}))
        if stored:
            mint.stop()
            _fill(mint, database, stored)
            mint.start()
        yield mint


def _fill(mint: PracticeMint, database: str, count: int) -> None:
    # A new mint's first keyset has the number 1.
    if database == "sqlite":
        fill_sqlite(mint.folder / "mint.sqlite", 1, count)
    else:
        fill_postgres(database, 1, count)


def _pss(process: int) -> float:
    """Proportional set size in MB."""
    return float(psutil.Process(process).memory_full_info().pss) / MB


def _restart(mint: PracticeMint) -> tuple[float, float]:
    """Seconds from starting the mint's program to its first answer, with all that the load left in its database; and how many of
    the processor it took for that."""
    mint.stop()
    began = time.perf_counter()
    mint.start()
    taken = time.perf_counter() - began
    return taken, sum(psutil.Process(mint.processes()[0]).cpu_times()[:2])


def _file_bytes(mint: PracticeMint) -> int:
    return sum(path.stat().st_size for path in mint.folder.glob("mint.sqlite*"))


# --- what it means -----------------------------------------------------------------------------------------------------------


def _figures(name: str, ours: Ours, nutshell: Load | None) -> Iterator[Figure]:
    rows = {(row.call, row.connections): row for row in ours.load.rows}
    for call in dict.fromkeys(row.call for row in ours.load.rows):
        yield from _beside_nutshell(name, rows[call, MANY], nutshell)
    for call in SWAPS:
        if (call, MANY) in rows:
            yield from _swap_figures(name, rows[call, MANY])
    for row in ours.untied:
        words = f"The slowest of a hundred waits so long at the till; p50 {row.p50_ms:.1f} ms, {row.per_second:,.0f} a second,"
        words += f" on {os.cpu_count()} cores beside the load."
        yield Figure(f"{name}: {row.call} on all cores, p99", row.p99_ms, "ms", words, "the limit", P99_MS, LIMIT)
    refused = sum(row.refused for row in (*ours.load.rows, *ours.untied))
    yield Figure(
        f"{name}: refusals", refused, "requests", "Nobody was sent away." if not refused else "MISSED: goal 0."
    )
    words = "From the program's start to its first answer, with what the load left in the database;"
    words += f" {ours.restart_cpu:.2f} s of the processor, the rest is waiting for it."
    yield Figure(f"{name}: restart", ours.restart_seconds, "s", words, "the limit", RESTART_SECONDS, LIMIT)
    words = "Mint and signer together, after the load."
    yield Figure(f"{name}: memory (PSS)", ours.memory_mb, "MB", words, "the limit", MOST_MB, LIMIT)
    if ours.pair_bytes is not None:
        words = "The database file, quotes and all, for each token spent and one issued."
        yield Figure(f"{name}: bytes a pair", ours.pair_bytes, "bytes", words, "the limit", PAIR_BYTES, LIMIT)


def _beside_nutshell(name: str, row: Row, nutshell: Load | None) -> Iterator[Figure]:
    means = f"p50 {row.p50_ms:.1f} ms, p99 {row.p99_ms:.1f} ms, {row.cpu_ms:.2f} ms of the processor."
    what, words = f"{name}: {row.call}, {MANY} connections", "Nutshell at its best number of connections"
    if nutshell is None:
        yield Figure(what, row.per_second, "a second", means)
        return
    theirs = [each for each in nutshell.rows if each.call == row.call]
    goal = TIMES_NUTSHELL if row.call in SWAPS else None
    yield Figure(what, row.per_second, "a second", means, words, max(each.per_second for each in theirs), goal)
    least, means = min(each.cpu_ms for each in theirs), "How many one processor answers, whoever else uses the machine."
    what = f"{name}: {row.call} by the processor's time"
    yield Figure(what, 1000 / row.cpu_ms, "for a second of the processor", means, words, 1000 / least, goal)


def _swap_figures(name: str, row: Row) -> Iterator[Figure]:
    if row.ceiling_per_second:
        means = "How much of the core goes into the mathematics that no mint can leave out."
        words = "the curve's arithmetic alone, in turns with it"
        ceiling, on_cpu = row.ceiling_per_second, 1000 / row.ceiling_cpu_ms
        what = f"{name}: {row.call} beside the ceiling"
        yield Figure(what, row.per_second, "swaps/s", means, words, ceiling, OF_CEILING)
        what, unit = f"{name}: {row.call} beside it by the processor's time", "swaps for a second of the processor"
        yield Figure(what, 1000 / row.cpu_ms, unit, means, words, on_cpu, OF_CEILING)
    means = "The slowest of a hundred, where mint and signer share one core."
    if row.ceiling_per_second:
        alone, core = 1000 * MANY / row.ceiling_per_second, MANY * row.ceiling_cpu_ms
        means += f" The arithmetic alone of {MANY} at once took {alone:.0f} ms meanwhile ({core:.0f} ms of the processor), and"
        means += f" {MANY * row.ceiling_slowest_ms:.0f} ms in its slowest turn, without a mint."
    yield Figure(f"{name}: {row.call} on one core, p99", row.p99_ms, "ms", means, "the limit", P99_MS, LIMIT)


def _tables(tables: dict[str, list[Row]]) -> Iterator[str]:
    for name, rows in tables.items():
        if rows:
            yield from itertools.chain([f"{name}:"], (f"  {line}" for line in table(rows)), [""])


if __name__ == "__main__":
    main()
