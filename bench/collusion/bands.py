"""Amounts rounded up to the product's bands (`amparo_rules.bands`), for whole registers and several months.

The crowd is counted apart for phones and for paper, because a till sees which it is.
"""

import numpy as np

from amparo_rules.bands import cheapest_bands
from bench.collusion.coins import Flags, Ints


def choose_bands(amounts: Ints, paper: Flags, *, crowd: int) -> Ints:
    """The upper ends, ascending, of the cheapest bands in which, in every month (`amounts` is households x months), nobody is
    one of fewer than `crowd` households of the same form."""
    values = np.unique(amounts[amounts > 0])
    counts = [
        [np.sum((month == value) & (paper == form)) for value in values]
        for month in amounts.T
        for form in (False, True)
    ]
    return np.array(cheapest_bands(values.tolist(), counts, crowd=crowd), dtype=np.int64)


def round_up(amounts: Ints, bands: Ints) -> Ints:
    """Each amount as its band's upper end; 0 stays 0."""
    return np.where(amounts > 0, bands[np.searchsorted(bands, amounts)], 0)
