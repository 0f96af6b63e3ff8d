"""The live adversary's filters: they follow the purses of a whole town through every payment in the order of time.

A filter keeps, for every class, what its households may hold, each possible purse with the expected number of households that
hold it. A payment is shared out among the purses that would have shown it; these shares move on to what such a purse holds
afterwards. So the change of one payment is known when it is spent in the next: inputs, outputs and later inputs chain.
Mean field: what two households did is taken as independent given what was seen. The first month only, where all begin alike.
"""

from typing import Protocol

import numpy as np

from bench.collusion.coins import KINDS, Floats, Ints, hashed, worth
from bench.collusion.crowd import Blocs
from bench.collusion.matchers import named
from bench.collusion.settings import Settings
from bench.collusion.town import People, Sales
from bench.collusion.wallets import Payment, claimed, hand_over, pay

MOST_PURSES = 30_000
_MERGE_AT = 20_000
_MERGE_AFTER = 20
_SHARES = 60


class Filter(Protocol):
    """What follows purses."""

    def see(self, price: int, coins: Ints, inputs: Ints, *, offline: bool) -> Floats:
        """One payment: each class's share in it."""
        ...


class Wishes:
    """How likely a household with some balance wants some price, as seen in invented purchases."""

    def __init__(self, invented: Sales) -> None:
        balance = worth(invented.held)
        share = np.minimum((invented.price * _SHARES) // np.maximum(balance, 1), _SHARES)
        self._chance: Floats = np.bincount(share, minlength=_SHARES + 1) / max(len(share), 1)
        self._chance[:_SHARES] *= _SHARES
        self._chance += 1e-9

    def chance(self, price: int, balance: Ints) -> Floats:
        """Up to a factor, for balances of at least the price."""
        share = np.minimum((price * _SHARES) // np.maximum(balance, 1), _SHARES)
        found: Floats = self._chance[share] / np.where(share == _SHARES, 1, balance)
        return found


class BalanceFilter:
    """For wallets that show the price and nothing else: purses are balances, in steps of the prices."""

    def __init__(self, amounts: Ints, sizes: Ints, step: int, wishes: Wishes) -> None:
        self._step, self._wishes = step, wishes
        self._mass = np.zeros((len(sizes), int(amounts.max(initial=0)) // step + 1))
        self._mass[np.arange(len(sizes)), amounts // step] = sizes
        self._balances = np.arange(self._mass.shape[1], dtype=np.int64) * step

    def see(self, price: int, coins: Ints, inputs: Ints, *, offline: bool) -> Floats:  # noqa: ARG002 - they say nothing
        """One payment: each class's share in it."""
        at = price // self._step
        share = self._mass[:, at:] * self._wishes.chance(price, self._balances[at:])
        total = float(share.sum())
        if total <= 0:
            return np.zeros(len(self._mass))
        share /= total
        moved = np.minimum(share, self._mass[:, at:])
        self._mass[:, at:] -= moved
        self._mass[:, : self._mass.shape[1] - at] += moved
        found: Floats = share.sum(axis=1)
        return found


class PurseFilter:
    """For all others: purses are coins."""

    def __init__(self, settings: Settings, amounts: Ints, sizes: Ints, *, paper: bool, wishes: Wishes) -> None:
        self._settings, self._paper, self._wishes = settings, paper, wishes
        self._classes = len(sizes)
        self._kind = np.arange(self._classes)
        held = claimed(amounts, settings.vouchers if paper else settings.bundle)
        self._balance, self._key = worth(held), _keys(held, self._kind)
        self._held = np.asfortranarray(held, dtype=np.int16)
        self._mass = sizes.astype(np.float64)
        self._new: list[tuple[Ints, Ints, Floats]] = []
        self._waiting = 0

    def see(self, price: int, coins: Ints, inputs: Ints, *, offline: bool) -> Floats:
        """One payment: each class's share in it."""
        may = self._may(price, coins, inputs)
        payment = self._asked(self._held[may].astype(np.int64), price, offline=offline)
        same = (payment.coins == coins).all(axis=1) & (payment.inputs == inputs).all(axis=1)
        which = may[same]
        share = self._mass[which] * self._wishes.chance(price, self._balance[which])
        total = float(share.sum())
        if total <= 0:
            return np.zeros(self._classes)
        share /= total
        of, moved = self._kind[which], np.minimum(share, self._mass[which])
        self._mass[which] -= moved
        self._new.append((of, payment.after[same], moved))
        self._waiting += len(which)
        if self._waiting > _MERGE_AT or len(self._new) >= _MERGE_AFTER:
            self._merge()
        return self._by_class(of, share)

    def _by_class(self, kind: Ints, mass: Floats) -> Floats:
        found: Floats = np.bincount(kind, weights=mass, minlength=self._classes).astype(np.float64)
        return found

    def _asked(self, held: Ints, price: int, *, offline: bool) -> Payment:
        prices = np.full(len(held), price)
        if self._paper:
            return hand_over(held, prices)
        return pay(self._settings, held, prices, np.full(len(held), offline))

    def _may(self, price: int, coins: Ints, inputs: Ints) -> Ints:
        """A quick look: leaves out what surely cannot have shown this, column by column."""
        may: Ints = np.flatnonzero(self._balance >= price)
        swapped = bool(inputs.any())
        needed = inputs if swapped else coins
        if swapped and self._settings.wallet == "till":
            # The largest coins first: of all but the smallest kind that went in, everything went in.
            for at in range(int(np.flatnonzero(inputs)[-1])):
                may = may[self._held[may, at] == inputs[at]]
        for at in range(KINDS):
            if needed[at]:
                may = may[self._held[may, at] >= needed[at]]
        return may

    def _merge(self) -> None:
        held = np.concatenate([each[1] for each in self._new])
        of = np.concatenate([each[0] for each in self._new])
        kind = np.concatenate([self._kind, of])
        key = np.concatenate([self._key, _keys(held, of)])
        balance = np.concatenate([self._balance, worth(held)])
        mass = np.concatenate([self._mass, *(each[2] for each in self._new)])
        key, first, back = np.unique(key, return_index=True, return_inverse=True)
        summed: Floats = np.bincount(back.reshape(-1), weights=mass).astype(np.float64)
        # Rare purses are dropped; their households are counted with the others of their class.
        kept = (
            np.argpartition(-summed, MOST_PURSES)[:MOST_PURSES] if len(summed) > MOST_PURSES else np.arange(len(summed))
        )
        before = self._by_class(kind[first], summed)
        first, summed = first[kept], summed[kept]
        after = self._by_class(kind[first], summed)
        summed *= (before / np.maximum(after, 1e-9))[kind[first]]
        everything = np.concatenate([self._held, held.astype(np.int16)])
        self._held = np.asfortranarray(everything[first])
        self._kind, self._key, self._balance, self._mass = kind[first], key[kept], balance[first], summed
        self._new, self._waiting = [], 0


def _keys(held: Ints, kind: Ints) -> Ints:
    with np.errstate(over="ignore"):
        found: Ints = hashed(held) * 1_000_003 + kind
    return found


def follow(settings: Settings, people: People, kinds: Blocs, sales: Sales, invented: Sales) -> Floats:
    """For each sale of the first month (all of them are needed): the chance that the filter names its household."""
    found = np.zeros(sales.count)
    truth = kinds.of[sales.who]
    amounts = people.amounts[kinds.first, 0]
    for paper in (False, True):
        kind = np.flatnonzero((people.paper[kinds.first] == paper) & (amounts > 0))
        if len(kind) == 0:
            continue
        place = np.full(len(kinds.sizes), -1)
        place[kind] = np.arange(len(kind))
        wishes = Wishes(invented.chosen((invented.paper == paper) & (invented.month == 0)))
        own = _filter(settings, amounts[kind], kinds.sizes[kind], paper=paper, wishes=wishes)
        which = np.flatnonzero(sales.paper == paper)
        for sale in which[np.argsort(sales.time[which])]:
            share = own.see(
                int(sales.price[sale]), sales.coins[sale], sales.inputs[sale], offline=bool(sales.offline[sale])
            )
            scores = (share / kinds.sizes[kind])[None, :]
            found[sale] = named(scores, kinds.sizes[kind], place[truth[sale : sale + 1]])[0]
    return found


def _filter(settings: Settings, amounts: Ints, sizes: Ints, *, paper: bool, wishes: Wishes) -> Filter:
    is_even = not (amounts % settings.price_step).any()
    if settings.wallet == "single" and not paper and is_even:
        return BalanceFilter(amounts, sizes, settings.price_step, wishes)
    return PurseFilter(settings, amounts, sizes, paper=paper, wishes=wishes)
