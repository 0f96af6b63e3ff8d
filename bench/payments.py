"""T5: how long people wait at the till when a nation pays: `python -m bench.payments`.

Payments arrive at fixed moments, 300 a second, whether the ones before them are done or not; each is what a till does with a
connection, an exchange of eight coins for eight, answered after fsync. The mint runs as nobody ties it down, beside the load and
(for PostgreSQL) its database, on all cores of this machine.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.foreign.practice_mint import practice_mint
from tests.servers.postgres import postgres_server

from bench.nutshell.asking import post
from bench.nutshell.purse import AMOUNTS, Method, Purse
from bench.report import Figure, Goal, Report, arguments, machine

UNIT = "sat"
PER_SECOND, P99_MS = 300.0, 1000.0
CONNECTIONS = 128
LIMIT = Goal(1.0, most=True)


def main() -> None:
    """The command."""
    parser = arguments("How long people wait at the till when a nation pays.")
    parser.add_argument("--rate", type=float, default=PER_SECOND, help="payments a second (default: 300)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long (default: 30)")
    parser.add_argument("--only", nargs="+", default=["sqlite", "postgres"], choices=["sqlite", "postgres"])
    given = parser.parse_args()
    facts = machine() | {"payments a second": given.rate, "connections": CONNECTIONS}
    figures = [figure for name in given.only for figure in _measured(name, given.rate, given.seconds)]
    facts["load after"] = round(os.getloadavg()[0], 1)
    Report("Payments with a connection (T5)", facts, figures).write(as_json=given.as_json)


def _measured(name: str, rate: float, seconds: float) -> Iterator[Figure]:
    with ExitStack() as stack:
        database = "sqlite"
        if name == "postgres":
            server = stack.enter_context(postgres_server())
            if server is None:
                return
            database = server.make_database("bench")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="amparo-bench-")))
        mint = stack.enter_context(practice_mint(folder, units=[UNIT], settings={"database": database}))
        purse = Purse(mint.url, Method("benefit", mint.front), UNIT)
        count = int(rate * seconds)
        purse.fill(count)
        blanks = [purse.blanks(AMOUNTS) for _ in range(count)]
        requests = [
            post("/v1/swap", {"inputs": purse.take(AMOUNTS), "outputs": [blank.output for blank in made]})
            for made in blanks
        ]
        answers = purse.server.ask_paced(requests, per_second=rate, connections=CONNECTIONS)
    times = sorted(1000 * answer.seconds for answer in answers)
    done = sum(answer.status == 200 for answer in answers)
    means = f"{done:,} of {count:,} payments done, half of them within {times[count // 2]:.0f} ms,"
    means += f" the slowest after {times[-1]:.0f} ms."
    yield Figure(f"{name}: a payment, p99", times[count * 99 // 100], "ms", means, "the limit", P99_MS, LIMIT)
    yield Figure(
        f"{name}: refused or unanswered", count - done, "payments", "Goal 0." if done == count else "MISSED: goal 0."
    )


if __name__ == "__main__":
    main()
