"""The attacks: each says, for every sale, which households could have made it. Pure functions over the loot.

The success of an attack is the mean over all sales of: 1 / (how many households it names), if the right one is among them.
That is the chance to be right when one must be named, so it can be compared with guessing among all households.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import msgspec

from amparo.thief.loot import Loot, RowKey
from amparo_cashu.curve import hash_to_curve, show_point
from amparo_cashu.wire import Proof

DEEPEST = 5
# A value or reference that more rows share than this joins nobody to anything.
WIDEST = 32


class Sale(msgspec.Struct, frozen=True):
    """A sale as a dishonest shop would note it: its place in the order of all sales, amount, unit, and the coins of its code."""

    place: int
    shop: int
    amount: int
    unit: str
    coins: list[Proof]


class Candidate(msgspec.Struct, frozen=True):
    """A household that was paid aid in a unit: its number in the register, how much, its place in the order of claims."""

    household: int
    unit: str
    amount: int
    place: int


class Guess(msgspec.Struct, frozen=True):
    """Whom an attack names for one sale."""

    households: frozenset[int]

    def success(self, truth: int) -> float:
        """The chance to be right when one of them must be named."""
        return 1 / len(self.households) if truth in self.households else 0.0


def by_guessing(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Anybody who was paid in the unit."""
    everybody = {unit: frozenset(c.household for c in candidates if c.unit == unit) for unit in _units(candidates)}
    return [Guess(everybody.get(sale.unit, frozenset())) for sale in sales]


def by_amount(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Who was paid at least as much, and in whose aid the coins of the sale can have been (amounts are powers of two, so
    untouched aid holds each coin at most once)."""
    found = []
    for sale in sales:
        rich = [c for c in candidates if c.unit == sale.unit and c.amount >= sale.amount]
        coins = {coin.amount for coin in sale.coins}
        whole = len(coins) == len(sale.coins)
        fitting = [c for c in rich if whole and all(c.amount & coin for coin in coins)]
        # A sale whose coins fit nobody's aid was changed at the mint before: then only the sum says something.
        found.append(Guess(frozenset(c.household for c in fitting or rich)))
    return found


def by_exact_amount(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Who was paid exactly what the sale cost, as if people spent all at once; else who was paid next above it."""
    found = []
    for sale in sales:
        above = [c for c in candidates if c.unit == sale.unit and c.amount >= sale.amount]
        nearest = min((c.amount for c in above), default=0)
        found.append(Guess(frozenset(c.household for c in above if c.amount == nearest)))
    return found


def by_order(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Who claimed at the same point of the order, as if people spent in the order in which they were paid."""
    found = {}
    for unit in _units(candidates):
        queue = sorted((c for c in candidates if c.unit == unit), key=lambda c: c.place)
        line = sorted((sale for sale in sales if sale.unit == unit), key=lambda sale: sale.place)
        for rank, sale in enumerate(line):
            found[sale.place] = Guess(frozenset({queue[rank * len(queue) // len(line)].household}))
    return [found.get(sale.place, Guess(frozenset())) for sale in sales]


def by_amount_and_order(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Of those whose amount fits, the one nearest in the order."""
    places = {(c.household, c.unit): c.place for c in candidates}
    ordered = by_order(sales, candidates)
    found = []
    for sale, fitting, same in zip(sales, by_amount(sales, candidates), ordered, strict=True):
        here = next((places[household, sale.unit] for household in same.households), 0)
        nearest = min(fitting.households, key=lambda h: abs(places[h, sale.unit] - here), default=None)
        found.append(Guess(frozenset() if nearest is None else frozenset({nearest})))
    return found


def by_ids(sales: Sequence[Sale], loot: Loot) -> list[Guess]:
    """Every value of the sale (secrets, signatures, points, the servers' own keyed hashes of them, made with the stolen key)
    is looked up, and from row to row every shared value and reference is followed until a household is reached."""
    stolen = loot.keys.get("mint/hash-key", b"")
    return [Guess(_reached(_traces(sale, stolen), loot)) for sale in sales]


def _traces(sale: Sale, stolen: bytes) -> list[str]:
    found = []
    for coin in sale.coins:
        point = hash_to_curve(coin.secret.encode())
        hashes = [
            hashlib.blake2b(bytes.fromhex(each), key=stolen, digest_size=16).hexdigest()
            for each in (show_point(point), coin.C)
        ]
        found += [coin.secret, coin.C, show_point(point), *hashes]
        if coin.dleq is not None:
            found += [each for each in (coin.dleq.e, coin.dleq.s, coin.dleq.r) if each]
    return found


def _reached(values: Iterable[str], loot: Loot) -> frozenset[int]:
    edge = {key for value in values for key in loot.holding(value)[:WIDEST]}
    seen: set[RowKey] = set()
    for _ in range(DEEPEST):
        households = {_number(loot, key) for key in edge if key[:2] == ("office", "household")}
        if households:
            return frozenset(households)
        seen |= edge
        edge = {other for key in edge for other in loot.beside(key, widest=WIDEST)} - seen
    return frozenset()


def _number(loot: Loot, key: RowKey) -> int:
    return int(str(loot.rows[key].cells["number"]))


def _units(candidates: Sequence[Candidate]) -> set[str]:
    return {candidate.unit for candidate in candidates}


ATTACKS: dict[str, Callable[[Sequence[Sale], Sequence[Candidate], Loot], list[Guess]]] = {
    "ids and shared values": lambda sales, _candidates, loot: by_ids(sales, loot),
    "amounts and coins": lambda sales, candidates, _loot: by_amount(sales, candidates),
    "amounts, as if all were spent at once": lambda sales, candidates, _loot: by_exact_amount(sales, candidates),
    "order and journals": lambda sales, candidates, _loot: by_order(sales, candidates),
    "amounts and order together": lambda sales, candidates, _loot: by_amount_and_order(sales, candidates),
}
