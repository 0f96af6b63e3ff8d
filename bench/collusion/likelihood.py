"""How likely each class of households is to have shown what a sale shows: the adversary asks wallets of its own invention.

For every class (amounts, form) it plays many households with the town's own code, and keeps the coins that they held before
each purchase. Each of these wallets is then asked to pay the price that was seen: those that would have shown the same coins
(and, for the live adversary, put the same coins into the swap before) count, by the chance that they wanted this price.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from bench.collusion.coins import Floats, Ints, greedy, hashed, worth
from bench.collusion.crowd import Blocs
from bench.collusion.settings import Settings
from bench.collusion.town import Dice, People, Sales, claim_times, play
from bench.collusion.wallets import pay

WALLETS = 12_000
FEWEST_WALLETS, MOST_WALLETS = 4, 150
# How much of what a class would show for the price alone counts, so that a coin pattern never seen is not impossible.
_BACK_OFF = 1e-3
_NOTHING = 1e-9

Table = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """For each sale and class, how likely one household of the class is to have made it: for the robbed servers' adversary
    (price and coins) and for the live one (and the swap before)."""

    robbed: Table
    live: Table


class Invented:
    """The adversary's own households: `each` wallets for every class."""

    def __init__(self, settings: Settings, people: People, kinds: Blocs, dice: Dice) -> None:
        # What a payment shows does not depend on the change of coins after it.
        self.settings = msgspec.structs.replace(settings, refill=False)
        self.classes = len(kinds.sizes)
        self.each = int(np.clip(WALLETS // self.classes, FEWEST_WALLETS, MOST_WALLETS))
        first = np.repeat(kinds.first, self.each)
        count = len(first)
        claim, release = claim_times(settings, count, dice, among=people.count)
        nowhere = np.zeros(count, dtype=np.int64)
        played = People(people.amounts[first], claim, release, people.paper[first], nowhere, nowhere)
        self.sales = play(settings, played, dice).sales
        self.kind = self.sales.who // self.each
        self.waited = self.sales.time - release[self.sales.who, self.sales.month]

    def purchases(self, month: int) -> Floats:
        """How many purchases a household of each class makes in a month."""
        found: Floats = (
            np.bincount(self.kind[self.sales.month == month], minlength=self.classes).astype(np.float64) / self.each
        )
        return found

    def told_by_leftover(self) -> float:
        """The share of payments that are a wallet's last in a month (where the whole purse shows) or its only one."""
        _, many = np.unique(self.sales.who * self.settings.months + self.sales.month, return_counts=True)
        return float((len(many) if self.settings.wallet == "whole" else (many == 1).sum()) / self.sales.count)

    def judge(self, seen: Sales) -> Seen:
        """The likelihoods of some sales of one month."""
        robbed = np.zeros((seen.count, self.classes), dtype=np.float32)
        live = np.zeros_like(robbed)
        if seen.count == 0:
            return Seen(robbed, live)
        coins, inputs = hashed(seen.coins), hashed(seen.inputs)
        in_month = self.sales.month == seen.month[0]
        for paper in (False, True):
            own = np.flatnonzero(in_month & (self.sales.paper == paper))
            wallets, kind = self.sales.chosen(own), self.kind[own]
            for group in _groups(seen, paper=paper):
                asked = self._on_paper if paper else self._by_phone
                chance, own_coins, own_inputs = asked(wallets, seen, int(group[0]))
                may = np.flatnonzero(chance > 0)
                of, weight = kind[may], chance[may]
                anyhow = self._sum(of, weight) * _BACK_OFF + _NOTHING
                for sale in group:
                    same = own_coins[may] == coins[sale]
                    both = same & (own_inputs[may] == inputs[sale])
                    robbed[sale] = self._sum(of[same], weight[same]) + anyhow
                    live[sale] = self._sum(of[both], weight[both]) + anyhow
        return Seen(robbed, live)

    def _sum(self, kind: Ints, weight: Floats) -> Floats:
        found: Floats = np.bincount(kind, weights=weight, minlength=self.classes) / self.each
        return found

    def _by_phone(self, wallets: Sales, seen: Sales, sale: int) -> tuple[Floats, Ints, Ints]:
        price, balance = int(seen.price[sale]), worth(wallets.held)
        end = np.where(balance == price, np.inf, np.minimum(price + self.settings.price_step, balance))
        chance = np.where(balance >= price, _share(wallets, float(price), end), 0.0)
        may = np.flatnonzero(chance > 0)
        prices, offline = np.full(len(may), price), np.full(len(may), seen.offline[sale])
        payment = pay(self.settings, wallets.held[may], prices, offline)
        coins, inputs = np.zeros(wallets.count, dtype=np.int64), np.zeros(wallets.count, dtype=np.int64)
        coins[may], inputs[may] = hashed(payment.coins), hashed(payment.inputs)
        return chance, coins, inputs

    def _on_paper(self, wallets: Sales, seen: Sales, sale: int) -> tuple[Floats, Ints, Ints]:
        price = int(seen.price[sale])
        may = np.flatnonzero((worth(wallets.held) >= price) & (wallets.high > price))
        able = wallets.chosen(may)
        given, missing = greedy(able.held, np.full(len(may), price))
        rest = able.held - given
        smallest = np.where((rest > 0).any(axis=1), _smallest(rest), np.inf)
        chance, coins = np.zeros(wallets.count), np.zeros(wallets.count, dtype=np.int64)
        chance[may] = np.where(missing == 0, _share(able, float(price), price + smallest), 0.0)
        coins[may] = hashed(given)
        return chance, coins, np.zeros(wallets.count, dtype=np.int64)


def _smallest(counts: Ints) -> Floats:
    last = counts.shape[1] - 1 - np.argmax((counts > 0)[:, ::-1], axis=1)
    found: Floats = (1 << (counts.shape[1] - 1 - last)).astype(np.float64)
    return found


def _share(wallets: Sales, start: float, end: Floats) -> Floats:
    """The chance that each wallet wanted something between `start` and `end`."""
    width = np.minimum(wallets.high, end) - np.maximum(wallets.low, start)
    found: Floats = np.maximum(width, 0.0) / (wallets.high - wallets.low)
    return found


def _groups(seen: Sales, *, paper: bool) -> list[Ints]:
    """The sales with the same price, in the same way."""
    which = np.flatnonzero(seen.paper == paper)
    if len(which) == 0:
        return []
    key = seen.price[which] * 2 + seen.offline[which]
    order = which[np.argsort(key, kind="stable")]
    _, starts = np.unique(np.sort(key), return_index=True)
    return np.split(order, starts[1:])
