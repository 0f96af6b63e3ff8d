"""Amounts rounded up to a few bands, so that everybody has a crowd with the same amount: the cheapest bands that do.

Nobody gets less than the rule gives. The crowd is counted apart for phones and for paper, because a till sees which it is.
"""

import numpy as np

from bench.collusion.coins import Flags, Ints

_NEVER = 1 << 60


def choose_bands(amounts: Ints, paper: Flags, *, crowd: int) -> Ints:
    """The upper ends, ascending, of the cheapest bands in which, in every month (`amounts` is households x months), at least
    `crowd` households with a phone and as many without one get the same. With fewer households there is one band."""
    values = np.unique(amounts[amounts > 0])
    counts = np.array(
        [
            [np.sum((month == value) & (paper == form)) for value in values]
            for month in amounts.T
            for form in (False, True)
        ]
    )
    sums = np.concatenate([np.zeros((len(counts), 1), dtype=np.int64), np.cumsum(counts, axis=1)], axis=1)
    needed = np.minimum(crowd, sums[:, -1])[:, None]
    cost, start = [0], [0]
    for end, value in enumerate(values.tolist(), start=1):
        inside = sums[:, end, None] - sums[:, :end]
        price = np.where((inside >= needed).all(axis=0), np.array(cost) + inside.sum(axis=0) * value, _NEVER)
        start.append(int(np.argmin(price)))
        cost.append(min(int(price[start[end]]), _NEVER))
    ends, end = [], len(values)
    while end > 0:
        ends.append(values[end - 1])
        end = start[end]
    return np.array(ends[::-1], dtype=np.int64)


def round_up(amounts: Ints, bands: Ints) -> Ints:
    """Each amount as its band's upper end; 0 stays 0."""
    return np.where(amounts > 0, bands[np.searchsorted(bands, amounts)], 0)
