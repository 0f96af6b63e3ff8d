"""When very many records look alike: one case for all of them instead of a flood of pairs. Pure."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from amparo_office.duplicates.finding import Pair

# More possible duplicates than this of one record are no pairs to judge one by one.
MOST_PAIRS = 10


class Sorted(msgspec.Struct, frozen=True):
    """Pairs to judge, and groups of records that look alike in large numbers."""

    pairs: list[Pair]
    crowds: list[set[int]]


def sort_out(found: Iterable[Pair], waiting: Iterable[tuple[int, int]], in_crowds: set[int]) -> Sorted:
    """Which pairs are judged one by one. `waiting` are pairs that wait already, `in_crowds` who is in a crowd already: whatever is
    found about them belongs to it."""
    pairs = list(found)
    known = {(pair.first, pair.second) for pair in pairs} | set(waiting)
    counts = Counter(number for pair in known for number in pair)
    crowded = {number for number, count in counts.items() if count > MOST_PAIRS} | in_crowds
    apart = [pair for pair in known if crowded.intersection(pair)]
    return Sorted([pair for pair in pairs if not crowded.intersection((pair.first, pair.second))], _groups(apart))


def _groups(edges: Iterable[tuple[int, int]]) -> list[set[int]]:
    """What hangs together."""
    group: dict[int, set[int]] = {}
    for one, other in edges:
        joined = group.get(one, {one}) | group.get(other, {other})
        for number in joined:
            group[number] = joined
    distinct = {id(each): each for each in group.values()}
    return sorted(distinct.values(), key=min)
