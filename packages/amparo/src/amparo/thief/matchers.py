"""The attacks: each says, for every sale, which households could have made it. Pure functions over the loot.

The success of an attack is the mean over all sales of: 1 / (how many households it names), if the right one is among them.
That is the chance to be right when one must be named, so it can be compared with guessing among all households.
"""

import hashlib
from bisect import bisect
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


class Group:
    """The households that were paid the same amount in a unit, by their place in the order of claims."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        ordered = sorted(candidates, key=lambda candidate: candidate.place)
        self.amount = ordered[0].amount
        self.places = [candidate.place for candidate in ordered]
        self.households = [candidate.household for candidate in ordered]
        self.members = frozenset(self.households)

    def nearest(self, place: int) -> tuple[int, int]:
        """How far the nearest claim is from a place in the order, and whose it was."""
        at = bisect(self.places, place)
        around = range(max(at - 1, 0), min(at + 1, len(self.places)))
        return min((abs(self.places[each] - place), self.households[each]) for each in around)


class Guess(msgspec.Struct, frozen=True):
    """Whom an attack names for one sale: everybody in these groups."""

    groups: list[frozenset[int]]

    def success(self, truth: int) -> float:
        """The chance to be right when one of them must be named."""
        return 1 / sum(map(len, self.groups)) if any(truth in group for group in self.groups) else 0.0


def groups_of(candidates: Sequence[Candidate]) -> dict[str, list[Group]]:
    """The candidates of each unit, grouped by amount, the smallest first."""
    found: dict[tuple[str, int], list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault((candidate.unit, candidate.amount), []).append(candidate)
    grouped: dict[str, list[Group]] = {}
    for (unit, _), members in sorted(found.items()):
        grouped.setdefault(unit, []).append(Group(members))
    return grouped


def by_guessing(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Anybody who was paid in the unit."""
    grouped = groups_of(candidates)
    return [Guess([group.members for group in grouped.get(sale.unit, [])]) for sale in sales]


def by_amount(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Who was paid at least as much, and in whose aid the coins of the sale can have been."""
    grouped = groups_of(candidates)
    return [Guess([group.members for group in _fitting(sale, grouped.get(sale.unit, []))]) for sale in sales]


def _fitting(sale: Sale, groups: Sequence[Group]) -> list[Group]:
    """Amounts are powers of two, so untouched aid holds each coin at most once. A sale whose coins fit nobody's aid was
    changed at the mint before: then only its sum says something."""
    rich = [group for group in groups if group.amount >= sale.amount]
    coins = {coin.amount for coin in sale.coins}
    if len(coins) < len(sale.coins):
        return rich
    return [group for group in rich if all(group.amount & coin for coin in coins)] or rich


def by_exact_amount(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Who was paid exactly what the sale cost, as if people spent all at once; else who was paid next above it."""
    grouped = groups_of(candidates)
    found = []
    for sale in sales:
        above = [group for group in grouped.get(sale.unit, []) if group.amount >= sale.amount]
        found.append(Guess([group.members for group in above[:1]]))
    return found


def _same_place(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> dict[int, Candidate]:
    """For each sale (by its place) the claim at the same point of the order, as if people spent in the order in which they
    were paid."""
    found = {}
    for unit in {candidate.unit for candidate in candidates}:
        queue = sorted((c for c in candidates if c.unit == unit), key=lambda c: c.place)
        line = sorted((sale for sale in sales if sale.unit == unit), key=lambda sale: sale.place)
        for rank, sale in enumerate(line):
            found[sale.place] = queue[rank * len(queue) // len(line)]
    return found


def by_order(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Who claimed at the same point of the order."""
    same = _same_place(sales, candidates)
    return [Guess([frozenset({same[sale.place].household})] if sale.place in same else []) for sale in sales]


def by_amount_and_order(sales: Sequence[Sale], candidates: Sequence[Candidate]) -> list[Guess]:
    """Of those whose amount fits, the one nearest in the order."""
    grouped, same = groups_of(candidates), _same_place(sales, candidates)
    found = []
    for sale in sales:
        fitting = _fitting(sale, grouped.get(sale.unit, []))
        if not fitting:
            found.append(Guess([]))
            continue
        _, nearest = min(group.nearest(same[sale.place].place) for group in fitting)
        found.append(Guess([frozenset({nearest})]))
    return found


def by_ids(sales: Sequence[Sale], loot: Loot) -> list[Guess]:
    """Every value of the sale (secrets, signatures, points, the servers' own keyed hashes of them, made with the stolen key)
    is looked up, and from row to row every shared value and reference is followed until a household is reached."""
    stolen = loot.keys.get("mint/hash-key", b"")
    return [Guess([_reached(_traces(sale, stolen), loot)]) for sale in sales]


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
        households = frozenset(number for key in edge for number in _named(loot, key))
        if households:
            return households
        seen |= edge
        edge = {other for key in edge for other in loot.beside(key, widest=WIDEST)} - seen
    return frozenset()


# Where a row says which household it is about. The register and the office number households alike.
_SAID = {"office": "household", "register": "household_id"}


def _named(loot: Loot, key: RowKey) -> list[int]:
    column = "id" if key[:2] == ("register", "register_household") else _SAID.get(key[0], "")
    found = loot.rows[key].cells.get(column)
    return [] if found is None else [int(str(found))]


ATTACKS: dict[str, Callable[[Sequence[Sale], Sequence[Candidate], Loot], list[Guess]]] = {
    "ids and shared values": lambda sales, _candidates, loot: by_ids(sales, loot),
    "amounts and coins": lambda sales, candidates, _loot: by_amount(sales, candidates),
    "amounts, as if all were spent at once": lambda sales, candidates, _loot: by_exact_amount(sales, candidates),
    "order and journals": lambda sales, candidates, _loot: by_order(sales, candidates),
    "amounts and order together": lambda sales, candidates, _loot: by_amount_and_order(sales, candidates),
}
