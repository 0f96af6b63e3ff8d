"""One load for any Cashu mint: requests a second, p50, p99 and refusals of the calls that a month consists of.

    python -m bench.nutshell.load URL [--method benefit --pay URL] [--unit sat] [--seconds 5] [--json]

Every request is made before its measurement and every answer is opened after it; the program runs on a core of its own
where the machine has two (`--core`). A call is measured at several numbers of connections, each with one request on the
way; a first, short round tells how many requests fill the wanted time. Tokens that one measurement gives are spent by the
next, so a mint that answered wrongly is found out.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

import msgspec
import psutil

from bench.ceiling import Arithmetic
from bench.nutshell.asking import Answer, post
from bench.nutshell.purse import AMOUNTS, Blank, Method, Purse
from bench.processes import on_core

CONNECTIONS = (1, 8, 32)
# Inputs and outputs.
SWAPS = {"swap 2/2": 2, "swap 8/8": 8}
TURNS = 8
SECONDS = 5.0
MOST_REQUESTS = 20_000
FEWEST_REQUESTS = 40
FEWEST_POINTS = 100


class Row(msgspec.Struct, frozen=True):
    """One call at one number of connections. `per_second` counts answers with status 200; the times are of all answers, in
    milliseconds. `cpu_ms` is what the watched processes used of a processor for one answer: unlike the others it is hardly
    moved by neighbours on the machine. 0 when nothing was watched. `ceiling_...`: the arithmetic alone, measured in turns with the
    call on the mint's core; 0 when it was not."""

    call: str
    connections: int
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    refused: int
    first_refusal: str = ""
    ceiling_per_second: float = 0.0
    ceiling_cpu_ms: float = 0.0
    ceiling_slowest_ms: float = 0.0


class Load(msgspec.Struct, frozen=True):
    """All that was measured, and how many tokens the mint has signed and taken since."""

    rows: list[Row]
    signed: int
    spent: int


class _Sent(msgspec.Struct, frozen=True):
    """What came back of a batch, the seconds it took, and the processor's seconds that the watched processes used."""

    answers: list[Answer]
    taken: float
    cpu: float


class _Batch(msgspec.Struct, frozen=True):
    """Requests ready to be sent, and what takes in their answers."""

    requests: list[bytes]
    take_in: Callable[[Sequence[Answer]], None] = lambda _answers: None


class Measurement:
    """Measures one mint. `watched`: the process ids of the mint, whose children count too."""

    def __init__(
        self, purse: Purse, seconds: float, watched: Sequence[int] = (), ceiling_core: int | None = None
    ) -> None:
        self._purse, self._seconds = purse, seconds
        self._ceiling_core = ceiling_core
        self._watched = [psutil.Process(each) for each in watched]

    def run(self, calls: Sequence[str], connections: Sequence[int]) -> Load:
        """A row for each of these calls at each number of connections."""
        self._purse.fill(max(FEWEST_POINTS // len(AMOUNTS) + 1, max(connections)))
        rows = [self._row(call, at_once) for call in calls for at_once in connections]
        return Load(rows, self._purse.signed, self._purse.spent)

    def _row(self, call: str, connections: int) -> Row:
        first = self._send(call, connections, max(FEWEST_REQUESTS, 2 * connections))
        wanted = int(len(first.answers) / first.taken * self._seconds)
        wanted = min(max(wanted, FEWEST_REQUESTS, 4 * connections), MOST_REQUESTS)
        if call not in SWAPS or connections != max(CONNECTIONS) or self._ceiling_core is None:
            return _row(call, connections, [self._send(call, connections, wanted)])
        # Neighbours make the machine now faster, now slower: the two take turns, so that both meet the same ones.
        sent, alone = [], Arithmetic(SWAPS[call])
        for _ in range(TURNS):
            sent.append(self._send(call, connections, max(wanted // TURNS, 4 * connections)))
            with on_core(self._ceiling_core):
                alone.run(self._seconds / TURNS / 2)
        return _row(call, connections, sent, alone)

    def _send(self, call: str, connections: int, count: int) -> _Sent:
        batch = CALLS[call](self._purse, count)
        before = self._cpu()
        answers, taken = self._purse.server.ask(batch.requests, connections=connections)
        used = self._cpu() - before
        batch.take_in(answers)
        return _Sent(answers, taken, used)

    def _cpu(self) -> float:
        family = [each for process in self._watched for each in (process, *process.children(recursive=True))]
        # With what children used that have ended meanwhile.
        return sum(sum(each.cpu_times()[:4]) for each in family)


def _row(call: str, connections: int, turns: Sequence[_Sent], alone: Arithmetic | None = None) -> Row:
    answers = [answer for sent in turns for answer in sent.answers]
    times = sorted(answer.seconds * 1000 for answer in answers)
    refused = [answer for answer in answers if answer.status != 200]
    return Row(
        call=call,
        connections=connections,
        requests=len(times),
        per_second=round((len(times) - len(refused)) / sum(sent.taken for sent in turns), 1),
        p50_ms=round(times[len(times) // 2], 2),
        p99_ms=round(times[len(times) * 99 // 100], 2),
        cpu_ms=round(sum(sent.cpu for sent in turns) * 1000 / len(times), 3),
        refused=len(refused),
        first_refusal=f"{refused[0].status} {refused[0].body.decode(errors='replace')[:200]}" if refused else "",
        ceiling_per_second=alone.per_second if alone else 0.0,
        ceiling_cpu_ms=alone.cpu_ms if alone else 0.0,
        ceiling_slowest_ms=alone.slowest_ms if alone else 0.0,
    )


# --- the calls -------------------------------------------------------------------------------------------------------------


def _swaps(purse: Purse, count: int, size: int) -> _Batch:
    groups = [AMOUNTS[start : start + size] for start in range(0, len(AMOUNTS), size)]
    purse.fill(count // len(groups) + 1)
    amounts = [groups[place % len(groups)] for place in range(count)]
    blanks = [purse.blanks(each) for each in amounts]
    requests = [
        post("/v1/swap", {"inputs": purse.take(each), "outputs": [blank.output for blank in made]})
        for each, made in zip(amounts, blanks, strict=True)
    ]
    return _Batch(requests, lambda answers: purse.keep(answers, blanks))


def _mints(purse: Purse, count: int) -> _Batch:
    quotes = purse.quotes(count, sum(AMOUNTS))
    blanks: list[list[Blank]] = [purse.blanks(AMOUNTS) for _ in quotes]
    requests = [purse.claim(quote, made) for quote, made in zip(quotes, blanks, strict=True)]
    return _Batch(requests, lambda answers: purse.keep(answers, blanks))


def _checks(purse: Purse, count: int, size: int) -> _Batch:
    return _Batch([post("/v1/checkstate", {"Ys": purse.some_points(size)}) for _ in range(count)])


def _restores(purse: Purse, count: int) -> _Batch:
    return _Batch([post("/v1/restore", {"outputs": purse.some_signed(100)}) for _ in range(count)])


CALLS: dict[str, Callable[[Purse, int], _Batch]] = {
    "swap 2/2": lambda purse, count: _swaps(purse, count, 2),
    "swap 8/8": lambda purse, count: _swaps(purse, count, 8),
    "mint 8": _mints,
    "checkstate 1": lambda purse, count: _checks(purse, count, 1),
    "checkstate 100": lambda purse, count: _checks(purse, count, 100),
    "restore 100": _restores,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="One load for any Cashu mint.")
    parser.add_argument("url")
    parser.add_argument("--method", default="bolt11", help="the mint method (bolt11: the mint counts quotes as paid)")
    parser.add_argument("--pay", default="", metavar="URL", help="who pays quotes of another method")
    parser.add_argument("--unit", default="sat")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each measurement should take")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument("--calls", nargs="+", default=list(CALLS), choices=list(CALLS))
    parser.add_argument("--watch", type=int, nargs="+", default=[], metavar="PID", help="the mint's processes")
    parser.add_argument(
        "--ceiling-core", type=int, help="measure the arithmetic of our swaps in turns with them, there"
    )
    parser.add_argument("--core", type=int, help="run on this processor core alone")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    with on_core(given.core):
        purse = Purse(given.url, Method(given.method, given.pay), given.unit)
        found = Measurement(purse, given.seconds, given.watch, given.ceiling_core).run(given.calls, given.connections)
    sys.stdout.write(
        msgspec.json.encode(found).decode() + "\n" if given.as_json else "\n".join(table(found.rows)) + "\n"
    )


def table(rows: Sequence[Row]) -> list[str]:
    """The rows for people."""
    lines = [
        f"{'call':<16}{'conns':>6}{'requests':>10}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>9}{'refused':>9}"
    ]
    for row in rows:
        lines.append(
            f"{row.call:<16}{row.connections:>6}{row.requests:>10,}{row.per_second:>9,.1f}{row.p50_ms:>9,.1f}"
            f"{row.p99_ms:>9,.1f}{row.cpu_ms:>9,.3f}{row.refused:>9,}"
        )
        if row.first_refusal:
            lines.append(f"    first refusal: {row.first_refusal}")
    return lines


if __name__ == "__main__":
    main()
