"""Who looks like whom: blocs of households, the line that T1 draws, and the ceiling that no attack can pass.

A bloc is the households that nothing tells apart before they buy: the same amounts in every month, all on paper or all with
phones, in one unit, district and window. If wallets wait until the window has closed, what they do afterwards depends on
the bloc alone, so swapping two of its members changes no probability: whatever is observed and whatever is computed, the
chance to name the right member is at most 1 / size of the bloc. Where a wallet's own moment shows, each is a bloc of its own.
"""

from dataclasses import dataclass

import numpy as np

from bench.collusion.coins import Flags, Floats, Ints
from bench.collusion.settings import Settings
from bench.collusion.town import People, Sales

SLACK = 0.01
# A crowd of so many keeps each household below the line, not only the mean.
SMALL = 100


@dataclass(frozen=True, slots=True)
class Blocs:
    """`of` gives each household's bloc, `sizes` how many are in it, `first` one of them."""

    of: Ints
    sizes: Ints
    first: Ints


def _grouped(columns: list[Ints]) -> Blocs:
    table = np.column_stack(columns)
    _, first, of, sizes = np.unique(table, axis=0, return_index=True, return_inverse=True, return_counts=True)
    return Blocs(of.reshape(-1), sizes, first)


def classes(people: People) -> Blocs:
    """Households with the same amounts and the same form: their wallets behave alike."""
    return _grouped([people.amounts, people.paper.astype(np.int64)])


def blocs(settings: Settings, people: People) -> Blocs:
    """What cannot be told apart before anything is bought."""
    if settings.is_timed or settings.tells_rest:
        each = np.arange(people.count)
        return Blocs(each, np.ones_like(each), each)
    window = (people.release * 1000).astype(np.int64)
    return _grouped([people.amounts, people.paper.astype(np.int64), people.unit, people.district, window])


def active(people: People, month: int) -> Ints:
    """For each household: how many are paid in its unit that month, itself included (0 where it is not paid)."""
    paid = people.amounts[:, month] > 0
    counts = np.bincount(people.unit, weights=paid, minlength=int(people.unit.max()) + 1).astype(np.int64)
    return np.where(paid, counts[people.unit], 0)


def guessing(people: People, sales: Sales) -> Floats:
    """For each sale: 1/k, with k the people active in its programme (unit) and month."""
    by_month = np.stack([active(people, month) for month in range(people.amounts.shape[1])], axis=1)
    found: Floats = 1.0 / by_month[sales.who, sales.month]
    return found


def ceiling(settings: Settings, people: People, sales: Sales) -> Floats:
    """For each sale: the highest chance that any attack can have, whatever it computes."""
    found = blocs(settings, people)
    highest: Floats = 1.0 / found.sizes[found.of[sales.who]]
    return np.where(certain(settings, people, sales), 1.0, highest)


def certain(settings: Settings, people: People, sales: Sales) -> Flags:
    """The sales whose buyer is simply written down: paper of a desk that copies codes, wallets restored in one session."""
    restored = np.random.default_rng(people.count).random(people.count) < settings.restores
    found: Flags = (sales.paper & settings.desk_copies) | restored[sales.who]
    return found
