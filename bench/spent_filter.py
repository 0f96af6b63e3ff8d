"""The published filter of spent tokens: its size, how often it takes a good token for spent, and how many replays it catches:
`python -m bench.spent_filter`.

Tokens are hashes in the form of points. What is asked of the filter are tokens that were never spent (each one found is a customer
who is sent to a till with a connection) and tokens that were (each one not found would be a replay). At the 20 bits that the mint
publishes a mistake is so rare that a million questions find about one; the law is measured at 10 bits beside it.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Sequence

from amparo_cashu.spent_filter import SpentFilter, build_filter, filter_item
from bench.report import Figure, Goal, Report, arguments, machine

KEYSET = "01" + "ab" * 32
DAY = 20_000
BITS, COARSE = 20, 10
SIZES = (10_000, 1_000_000, 4_000_000)
STRANGERS = 1_000_000
KNOWN = 20_000
LIMIT = Goal(1.0, most=True)
ALL = Goal(1.0, most=False)
# So many standard deviations above what is promised are chance.
SPREAD = 4


def main() -> None:
    """The command."""
    parser = arguments("The published filter of spent tokens.")
    parser.add_argument("--tokens", type=int, nargs="+", default=list(SIZES), help="how many tokens were spent")
    parser.add_argument("--strangers", type=int, default=STRANGERS, help="how many good tokens are asked about")
    given = parser.parse_args()
    figures = [figure for count in given.tokens for figure in _measured(count)]
    smallest = sorted(_items(0, min(given.tokens)))
    figures += [_mistaken(smallest, bits, given.strangers) for bits in (COARSE, BITS)]
    Report("The filter of spent tokens", machine() | {"bits": BITS}, figures).write(as_json=given.as_json)


def _measured(count: int) -> Iterator[Figure]:
    items = sorted(_items(0, count))
    began = time.perf_counter()
    data = build_filter(b"".join(items), keyset=KEYSET, day=DAY, bits=BITS)
    built = time.perf_counter() - began
    means = f"{len(data):,} bytes, made in {built:.1f} s. No code of such a set is shorter than the limit."
    least = BITS + math.log2(math.e)
    yield Figure(
        f"filter of {count:,} tokens", 8 * len(data) / count, "bits a token", means, "the least there is", least
    )
    spent, known = SpentFilter(data), items[:: max(1, count // KNOWN)]
    caught = sum(map(spent.has, known))
    means = f"{len(known):,} replayed codes were shown to an offline till that has the day's filter."
    yield Figure(f"replays of {count:,} caught", 100 * caught / len(known), "%", means, "all", 100.0, ALL)


def _mistaken(items: Sequence[bytes], bits: int, strangers: int) -> Figure:
    spent = SpentFilter(build_filter(b"".join(items), keyset=KEYSET, day=DAY, bits=bits))
    began = time.perf_counter()
    wrong = sum(map(spent.has, _items(len(items), strangers)))
    each_us = 1e6 * (time.perf_counter() - began) / strangers
    promised = strangers / 2**bits
    most = promised + SPREAD * math.sqrt(promised)
    means = f"Of {strangers:,} good tokens; promised is one in {2**bits:,}, {promised:,.1f} of these."
    means += f" A look-up took {each_us:.0f} us, the token's item included."
    what = f"good tokens taken for spent, at {bits} bits"
    return Figure(what, wrong, "tokens", means, "the most that chance explains", most, LIMIT)


def _items(first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        yield filter_item(KEYSET, b"\x02" + hashlib.sha256(number.to_bytes(8, "big")).digest())


if __name__ == "__main__":
    main()
