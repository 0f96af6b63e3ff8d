"""Which coins a purse should hold, which it pays with, which it breaks. Pure: amounts in minor units, powers of two.

`target_coins` is the set that pays exactly without a connection: every amount up to the whole, and after one such payment
every amount again (three copies of each coin below 1.28, two of each above, the rest in few coins). The same balance gives
the same set in every purse. A purse gets it at the claim, where it tells nothing new, or by standard exchanges later: one
coin in, always the same coins out (`broken`), so that an exchange says which coin was broken and nothing of the balance.
Paper has no purse that could exchange anything, so it gets coins that look alike for everybody (`stock_coins`).
LIMIT: payment after payment without a connection uses the small coins up; `bench/offline.py` says how soon.
"""

from collections.abc import Sequence

from amparo_cashu.nut00_blind import split_amount

# Copies of each coin: small change is needed in every price.
_SMALL, _SMALL_COPIES, _COPIES = 128, 3, 2
# What the stock of paper is worth, and its largest coin: larger ones tell who got much.
_STOCK = 1_024
# How many payments in a row every coin must be there for; with fewer, an exchange is worth its request.
_LEAST_COPIES = 2


def target_coins(balance: int, denominations: Sequence[int]) -> list[int]:
    """The coins that a balance should be made of, ascending. Raises `AmountRefused` when it cannot be."""
    coins: list[int] = []
    rest = balance
    for each in sorted(denominations):
        copies = min(_SMALL_COPIES if each < _SMALL else _COPIES, rest // each)
        if copies <= 0:
            break
        coins += [each] * copies
        rest -= copies * each
    return sorted(coins + split_amount(rest, list(denominations)))


def stock_coins(balance: int, denominations: Sequence[int]) -> list[int]:
    """The coins for paper, ascending: the same stock for everybody (one coin of every kind below 10.24, one more of the
    smallest), the rest in coins of 10.24 and below. No coin tells how much a sheet was worth in all. A balance below the
    stock, or a keyset without its coins, gets the fewest. Raises `AmountRefused` when it cannot be made."""
    if balance < _STOCK or not {_STOCK, *broken(_STOCK)} <= set(denominations):
        return split_amount(balance, list(denominations))
    many, rest = divmod(balance - _STOCK, _STOCK)
    return sorted([*broken(_STOCK), *[_STOCK] * many, *split_amount(rest, list(denominations))])


def broken(coin: int) -> list[int]:
    """What one coin is broken into: every coin below it once, and the smallest twice; ascending."""
    return [1, *(1 << power for power in range(coin.bit_length() - 1))]


def coin_to_break(held: Sequence[int]) -> int | None:
    """The coin to break next so that these coins pay exactly again, or None when that is not worth a request."""
    missing = _missing(held)
    if not missing:
        return None
    above_all = [coin for coin in held if coin > missing[-1]]
    if above_all:
        return min(above_all)
    return max((coin for coin in held if coin > missing[0]), default=None)


def _missing(held: Sequence[int]) -> list[int]:
    """The coins of which there are too few copies, ascending. Two spare ones are worth one of the next."""
    total, needed, spare = sum(held), 0, 0
    missing = []
    coin = 1
    while (needed := needed + _LEAST_COPIES * coin) <= total and coin <= max(held):
        copies = sum(each == coin for each in held) + spare
        if copies < _LEAST_COPIES:
            missing.append(coin)
        spare = max(0, copies - _LEAST_COPIES) // 2
        coin *= 2
    return missing


def exact_choice(held: Sequence[int], amount: int) -> list[int] | None:
    """The places of coins that make `amount` exactly, the fewest that do, or None. Largest first is right for powers of
    two: if any choice makes the amount, this one does."""
    chosen: list[int] = []
    rest = amount
    for place in sorted(range(len(held)), key=lambda place: -held[place]):
        if held[place] <= rest:
            chosen.append(place)
            rest -= held[place]
    return chosen if rest == 0 else None
