"""Whether the signer's time tells anything of its keys: `python -m bench.constant_time`.

As dudect does it: many single calls with a key of very low weight (3) and with random keys, in random order on the same points, the
slowest tenth of all left out (interruptions), and Welch's t between the two classes. Below 4.5 nothing is seen; beside it the plain
multiplication of the same library, which is known to leak the scalar, shows that the measurement sees a leak.
"""

import random
import secrets
import time
from collections.abc import Callable, Sequence
from statistics import fmean, variance

from amparo_cashu.curve import ORDER, hash_to_curve
from amparo_signer.batch import choose_engine
from amparo_signer.keymemory import DenominationKey
from bench.report import Figure, Goal, Report, arguments, machine

SEEN = 4.5
LIMIT, LEAK = Goal(1.0, most=True), Goal(1.0, most=False)
KEPT = 0.9
LOW = (3).to_bytes(32, "big")
RANDOM_KEYS = 64
# So many calls between two looks at the clock: one alone is shorter than what a look disturbs.
CALLS = 4

Work = Callable[[DenominationKey, bytes], object]


def main() -> None:
    """The command."""
    parser = arguments("Whether the signer's time tells anything of its keys.")
    parser.add_argument("--samples", type=int, default=20_000, help="for each class (default: 20,000)")
    given = parser.parse_args()
    engine = choose_engine()
    keys = [DenominationKey((secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")) for _ in range(RANDOM_KEYS)]
    points = [hash_to_curve(secrets.token_bytes(8)).format() for _ in range(RANDOM_KEYS)]
    works: dict[str, tuple[Work, Goal]] = {
        "signing an output, with its proof": (lambda key, point: engine.sign([key], [point]), LIMIT),
        "checking a token": (lambda key, point: engine.verify([key], [point], [point]), LIMIT),
        "the library's plain multiplication (must be seen)": (_leaky(points), LEAK),
    }
    figures = [_figure(what, work, goal, keys, points, given.samples) for what, (work, goal) in works.items()]
    facts = machine() | {"engine": engine.name, "samples a class": given.samples}
    Report("The signer's time and its keys", facts, figures).write(as_json=given.as_json)


def _leaky(points: Sequence[bytes]) -> Work:
    known = {point: hash_to_curve(b"") for point in points}
    scalars: dict[int, bytes] = {}

    def work(key: DenominationKey, point: bytes) -> object:
        scalar = scalars.get(key.address) or scalars.setdefault(key.address, key.reveal())
        return known[point].multiply(scalar)

    return work


def _figure(
    what: str, work: Work, goal: Goal, keys: Sequence[DenominationKey], points: Sequence[bytes], samples: int
) -> Figure:
    found = abs(_t(work, keys, points, samples))
    means = "Welch's t between a key of weight 2 and random keys."
    means += " Nothing is seen." if found < SEEN else " The time tells of the key."
    return Figure(what, found, "t", means, "where a leak begins to be seen", SEEN, goal)


def _t(work: Work, keys: Sequence[DenominationKey], points: Sequence[bytes], samples: int) -> float:
    low = DenominationKey(LOW)
    dice = random.Random(7)
    order = [place % 2 == 0 for place in range(2 * samples)]
    dice.shuffle(order)
    times: dict[bool, list[int]] = {True: [], False: []}
    for is_low in order:
        # Both classes choose a key and a point, so that nothing else differs.
        other, point = dice.choice(keys), dice.choice(points)
        key = low if is_low else other
        work(key, point)
        began = time.perf_counter_ns()
        for _ in range(CALLS):
            work(key, point)
        times[is_low].append(time.perf_counter_ns() - began)
    limit = sorted(times[True] + times[False])[int(KEPT * 2 * samples)]
    one, two = ([taken for taken in times[each] if taken <= limit] for each in (True, False))
    return float((fmean(one) - fmean(two)) / (variance(one) / len(one) + variance(two) / len(two)) ** 0.5)


if __name__ == "__main__":
    main()
