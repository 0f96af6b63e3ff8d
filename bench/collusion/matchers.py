"""The attacks on single sales: from a simple look at amounts to a soft assignment of all sales to all households.

Each gives, for every sale, the chance to be right when one household must be named; ties are named at random, so they count
as their expectation. Scores belong to blocs (`crowd.py`), whose members look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.collusion.coins import DENOMINATIONS, Flags, Floats, Ints, fewest, worth
from bench.collusion.crowd import Blocs, active
from bench.collusion.settings import MONTH, NEAR_SHOP, Settings
from bench.collusion.town import People, Played, Sales, bundles

TIES = 1 - 1e-6
BATCH = 500
CANDIDATES = 64
_ROUNDS = 25
_BINS_A_DAY = 2880
_MINUTE = 1.0 / 720

Scores = npt.NDArray[np.float64]


def named(scores: Scores, sizes: Ints, truth: Ints) -> Floats:
    """The chance of each row's right bloc's household to be named: the highest score wins, its ties share."""
    tied = (scores >= scores.max(axis=1, keepdims=True) * TIES) & (scores > 0)
    crowd = (tied * sizes).sum(axis=1)
    right = tied[np.arange(len(truth)), truth]
    found: Floats = np.where(right, 1.0 / np.maximum(crowd, 1), 0.0)
    return found


# --- simple looks ------------------------------------------------------------------------------------------------------


def by_amount(settings: Settings, people: People, kinds: Blocs, sales: Sales) -> dict[str, Floats]:
    """Who could have afforded it; whose aid is the next above the price; in whose untouched aid these coins were."""
    truth, sizes = kinds.of[sales.who], kinds.sizes
    paid = people.amounts[kinds.first]
    funds = np.cumsum(paid, axis=1).T[sales.month]
    this = paid.T[sales.month]
    rich = (funds >= sales.price[:, None]) & (people.paper[kinds.first] == sales.paper[:, None]) & (this > 0)
    above = np.where(rich & (this >= sales.price[:, None]), this, np.iinfo(np.int64).max)
    nearest = rich & (above == above.min(axis=1, keepdims=True))
    untouched = rich.copy()
    for month in range(settings.months):
        rows = np.flatnonzero(sales.month == month)
        issued = bundles(settings, paid[:, month], people.paper[kinds.first])
        untouched[rows] &= (issued[None, :, :] >= sales.coins[rows, None, :]).all(axis=2)
    untouched |= rich & ~untouched.any(axis=1, keepdims=True)
    looks = {"who could afford it": rich, "as if all were spent": nearest, "coins as they were issued": untouched}
    return {name: named(look.astype(np.float64), sizes, truth) for name, look in looks.items()}


def by_time(people: People, release: Floats, sales: Sales) -> Floats:
    """Who, of those that could afford it, could pay last before it was paid."""
    found = np.zeros(sales.count)
    funds = np.cumsum(people.amounts, axis=1)
    for start in range(0, sales.count, BATCH):
        part = slice(start, start + BATCH)
        months = sales.month[part]
        gap = sales.time[part, None] - release.T[months]
        able = (gap >= -_MINUTE) & (funds.T[months] >= sales.price[part, None])
        able &= (people.amounts.T[months] > 0) & (people.paper == sales.paper[part, None])
        closeness = np.where(able, 1.0 / (np.maximum(gap, 0) + _MINUTE), 0.0)
        found[part] = named(closeness, np.ones(people.count, dtype=np.int64), sales.who[part])
    return found


# --- what is known beside amounts and coins -------------------------------------------------------------------------------


class Clock:
    """What the time of a sale says: how long after a wallet could pay people buy, as seen in invented households."""

    def __init__(self, waited: Floats, *, blur: float, dice: np.random.Generator) -> None:
        known = waited + dice.normal(0, blur, len(waited)) if blur else waited
        counts = np.bincount(self._bins(known), minlength=self._most)
        # Neighbours share: with few invented households a bin may be empty by chance.
        self._chance = np.convolve(counts, np.ones(9) / 9, mode="same") + 1e-6
        self._chance[: self._zero - int((4 * blur + 1e-3) * _BINS_A_DAY) - 4] = 0.0

    _zero = int(_BINS_A_DAY * 1.0)
    _most = int(_BINS_A_DAY * (MONTH + 2))

    def _bins(self, waited: Floats) -> Ints:
        return np.clip((waited * _BINS_A_DAY).astype(np.int64) + self._zero, 0, self._most - 1)

    def chance(self, waited: Floats) -> Floats:
        """How likely (up to a factor) a purchase is so many days after its wallet could pay."""
        found: Floats = self._chance[self._bins(waited)]
        return found


def known_release(settings: Settings, people: People, *, live: bool) -> tuple[Floats, float]:
    """From when each household could pay, as the adversary knows it, and how far off that may be (days). A robbed office
    gives the order of claims only; how they spread over time is known."""
    if live or not settings.is_timed:
        return people.release, 0.0
    ranks = np.argsort(np.argsort(people.claim, axis=0), axis=0)
    ordered = np.sort(people.claim, axis=0)
    span = float(ordered[-1].max() - ordered[0].min())
    return ordered[0].min() + span * (ranks + 0.5) / people.count, 0.5 * span / np.sqrt(people.count)


def near(settings: Settings, people: People, first: Ints, sales: Sales) -> Floats:
    """What the shop says: in the right unit or not at all, and how likely in each district."""
    at = sales.shop % settings.districts
    unit = people.unit[first] == people.unit[sales.who][:, None]
    home = people.district[first] == at[:, None]
    found: Floats = unit * (1 - NEAR_SHOP + np.where(home, NEAR_SHOP * settings.districts, 0.0))
    return found


def leftover_known(settings: Settings, people: People, played: Played, sales: Sales, told: float) -> Floats:
    """What a leftover that was exchanged beside a claim says. Where the whole purse shows, a month's last payment leaves just
    what its household had left; where it does not, a month's only payment is just what its household spent. `told` is the
    share of such payments among all. Sales of the last month are not told. Factors, sales x households."""
    left = played.rest @ DENOMINATIONS
    before = np.column_stack([np.zeros(people.count, dtype=np.int64), left[:, :-1]])
    spent = people.amounts + before - left
    change = worth(sales.inputs) - sales.price
    is_whole = settings.wallet == "whole"
    found = np.ones((sales.count, people.count))
    for month in range(settings.months - 1):
        rows = np.flatnonzero((sales.month == month) & ~sales.paper)
        known, shown = (left[:, month], change[rows]) if is_whole else (spent[:, month], sales.price[rows])
        _, of, many = np.unique(known, return_inverse=True, return_counts=True)
        equal = told * people.count / many[of.reshape(-1)]
        may = known <= shown[:, None] if is_whole else known >= shown[:, None]
        found[rows] = np.where(known == shown[:, None], equal, 0.0) + (1 - told) * may + 1e-6
    return found


# --- all sales together --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shortlist:
    """For each sale the blocs that fit best: their numbers and scores (of one household), the right one's chance beside."""

    blocs: Ints
    scores: Floats


def shortlist(scores: Scores) -> Shortlist:
    """The best candidates of each row."""
    most = min(CANDIDATES, scores.shape[1])
    best = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    return Shortlist(best, np.take_along_axis(scores, best, axis=1))


def assigned(parts: Sequence[Shortlist], sizes: Ints, expected: Floats, truth: Ints) -> Floats:
    """Soft assignment: every sale has one buyer, every bloc makes about as many purchases as `expected`. Scores are scaled
    in turn to both (Sinkhorn); what comes out is each sale's chance given all the others, better than one best matching."""
    blocs = np.concatenate([part.blocs for part in parts])
    weights = np.concatenate([part.scores for part in parts]) * sizes[blocs]
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    for _ in range(_ROUNDS):
        load = np.bincount(blocs.reshape(-1), weights=weights.reshape(-1), minlength=len(sizes))
        scale = np.sqrt(expected / np.maximum(load, 1e-12))
        weights *= np.minimum(scale, 3.0)[blocs]
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    each = weights / sizes[blocs]
    tied = (each >= each.max(axis=1, keepdims=True) * TIES) & (each > 0)
    crowd = (tied * sizes[blocs]).sum(axis=1)
    right = (tied & (blocs == truth[:, None])).any(axis=1)
    found: Floats = np.where(right, 1.0 / np.maximum(crowd, 1), 0.0)
    return found


def chained(likelihood: Floats, sizes: Ints, wallet: Ints, truth: Ints) -> Floats:
    """If somebody told which sales are of one wallet: all its sales speak together. No adversary of this game knows that."""
    order = np.argsort(wallet, kind="stable")
    _, starts, of = np.unique(wallet[order], return_index=True, return_inverse=True)
    together = np.add.reduceat(np.log(np.maximum(likelihood[order], 1e-12)), starts, axis=0)
    scores = np.exp(together - together.max(axis=1, keepdims=True))
    right = named(scores, sizes, truth[order][starts])
    found: Floats = np.zeros(len(wallet))
    found[order] = right[of.reshape(-1)]
    return found


def previous_payment(settings: Settings, sales: Sales, *, most: int, dice: np.random.Generator) -> float:
    """The live adversary's other question: which earlier payment was of the same wallet? It names the latest one whose change
    holds the coins that went into this payment's swap (or any, where no swap shows). The share of hits, over payments by
    phone that have one before them in the month."""
    phone = sales.chosen(~sales.paper)
    order = np.lexsort((phone.time, phone.who))
    follows = phone.who[order[1:]] == phone.who[order[:-1]]
    later, earlier = order[1:][follows], order[:-1][follows]
    if len(later) == 0:
        return 0.0
    change = fewest(np.where(phone.inputs.any(axis=1), worth(phone.inputs) - phone.price, 0)).astype(np.int16)
    part = dice.choice(len(later), min(most, len(later)), replace=False)
    hits = 0
    for sale, truth in zip(later[part], earlier[part], strict=True):
        may = phone.time < phone.time[sale]
        needed = phone.inputs[sale]
        for at in np.flatnonzero(needed):
            column = change[:, at]
            may &= column == needed[at] if settings.wallet == "whole" else column >= needed[at]
        may = np.flatnonzero(may)
        hits += len(may) > 0 and may[np.argmax(phone.time[may])] == truth
    return float(hits / len(part))


def is_paid(people: People, first: Ints, month: int) -> Flags:
    """Which blocs are paid in a month."""
    return active(people, month)[first] > 0
