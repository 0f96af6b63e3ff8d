"""What wallets do with their coins: the bundle they claim, and what a payment shows and leaves. Many wallets at once.

`till` is `amparo_purse`, rule for rule: without `refill` as in release 1, with it and the spread bundle as it is kept up since
(`amparo_purse.upkeep`). `whole` is what many wallets do. `single` changes one coin at most even at the till, and holds no coin
above 10.24, so that no coin tells how rich a purse is.
"""

from dataclasses import dataclass

import numpy as np

from bench.collusion.coins import DENOMINATIONS, KINDS, Flags, Ints, at_least, fewest, greedy, pieces, worth
from bench.collusion.settings import Bundle, Settings

# The largest coin of the standard stock, 10.24: larger ones tell how rich a purse is.
BIG = int(np.flatnonzero(DENOMINATIONS == 1024)[0])
_BIG_WORTH = int(DENOMINATIONS[BIG])


@dataclass(frozen=True, slots=True)
class Payment:
    """What each wallet's payment shows and leaves. `coins` are handed over; `inputs` went into the swap that prepared it
    (all 0 where none did); `after` is what stays; `signed` is how many tokens the mint signed for it."""

    coins: Ints
    inputs: Ints
    after: Ints
    signed: Ints


def claimed(amounts: Ints, bundle: Bundle) -> Ints:
    """The coins of a claim. The standard bundle is one coin of every kind below 10.24 (and one more of the smallest), then
    coins of 10.24, then what is left; amounts below that stock get the fewest coins."""
    match bundle:
        case "fewest":
            return fewest(amounts)
        case "spread":
            return _spread(amounts)
        case "standard":
            return _standard(amounts)


def _standard(amounts: Ints) -> Ints:
    many, rest = np.divmod(np.maximum(amounts - _BIG_WORTH, 0), _BIG_WORTH)
    counts = pieces(np.full(len(amounts), BIG)) + fewest(rest)
    counts[:, BIG] += many
    return np.where((amounts >= _BIG_WORTH)[:, None], counts, fewest(amounts))


def _spread(amounts: Ints) -> Ints:
    """`amparo_purse.coins.target_coins`: some copies of each coin from the smallest up, the rest in few coins."""
    counts, rest = np.zeros((len(amounts), KINDS), dtype=np.int64), amounts.copy()
    goes_on = np.ones(len(amounts), dtype=np.bool_)
    for at in range(KINDS - 1, -1, -1):
        each = int(DENOMINATIONS[at])
        copies = np.where(goes_on, np.minimum(3 if each < 128 else 2, rest // each), 0)
        goes_on &= copies > 0
        counts[:, at] = copies
        rest -= copies * each
    return counts + fewest(rest)


def pay(settings: Settings, held: Ints, prices: Ints, offline: Flags) -> Payment:
    """Phones pay exact prices, none above what is held. Coins for a till without a connection are locked beforehand."""
    match settings.wallet:
        case "till":
            return _at_the_till(held, prices, offline, refill=settings.refill)
        case "whole":
            return _whole(held, prices)
        case "single":
            return _single(held, prices, offline, refill=settings.refill)


def hand_over(held: Ints, wanted: Ints) -> Payment:
    """Paper: the largest vouchers that the price allows; the basket is made to fit them."""
    coins, _ = greedy(held, wanted)
    nothing = np.zeros_like(held)
    return Payment(coins, nothing, held - coins, nothing[:, 0])


def _at_the_till(held: Ints, prices: Ints, offline: Flags, *, refill: bool) -> Payment:
    direct, missing = greedy(held, prices)
    swaps = (missing > 0) | offline
    inputs = np.where(swaps[:, None], at_least(held, prices), 0)
    made, change = fewest(prices), fewest(np.where(swaps, worth(inputs) - prices, 0))
    rest = held - inputs + change
    online, _ = greedy(rest + made, prices)
    coins = np.where(swaps[:, None], np.where(offline[:, None], made, online), direct)
    after = np.where((swaps & ~offline)[:, None], rest + made - coins, np.where(offline[:, None], rest, held - direct))
    signed = np.where(swaps, made.sum(axis=1) + change.sum(axis=1), 0)
    if refill:
        after, more = resplit(after)
        signed += more
    return Payment(coins, inputs, after, signed)


def _whole(held: Ints, prices: Ints) -> Payment:
    coins, after = fewest(prices), fewest(worth(held) - prices)
    return Payment(coins, held, after, coins.sum(axis=1) + after.sum(axis=1))


def _single(held: Ints, prices: Ints, offline: Flags, *, refill: bool) -> Payment:
    direct, missing = greedy(held, prices)
    short = missing > 0
    rest = held - direct
    # The smallest coin that is left and larger than what is missing is broken.
    fits = (rest > 0) & (DENOMINATIONS[None, :] > missing[:, None])
    kind = KINDS - 1 - np.argmax(fits[:, ::-1], axis=1)
    broken = np.where(short[:, None], np.arange(KINDS)[None, :] == kind[:, None], 0).astype(np.int64)
    extra = np.where(short[:, None], fewest(missing), 0)
    coins = direct + extra
    after = rest - broken + np.where(short[:, None], pieces(kind), 0) - extra
    inputs = np.where(offline[:, None], coins, broken)
    signed = np.where(short, pieces(kind).sum(axis=1), 0) + np.where(offline, fewest(prices).sum(axis=1), 0)
    if refill:
        after, more = refilled(after)
        signed += more
    return Payment(np.where(offline[:, None], fewest(prices), coins), inputs, after, signed)


def refilled(held: Ints) -> tuple[Ints, Ints]:
    """Each missing kind below 10.24 made by breaking the smallest larger coin that there are two of (or a coin of 10.24):
    one coin in each swap. Also how many tokens were signed."""
    counts, signed = held.copy(), np.zeros(len(held), dtype=np.int64)
    for at in range(BIG + 1, KINDS):
        for larger in range(at - 1, BIG - 1, -1):
            breaks = (counts[:, at] == 0) & (counts[:, larger] >= (1 if larger == BIG else 2))
            made = pieces(np.full(len(counts), larger))
            made[:, larger] -= 1
            counts += np.where(breaks[:, None], made, 0)
            signed += np.where(breaks, KINDS - larger, 0)
    return counts, signed


def resplit(held: Ints) -> tuple[Ints, Ints]:
    """`amparo_purse.upkeep.resplit` until nothing more is worth a request. Also how many tokens were signed."""
    counts, signed = held.copy(), np.zeros(len(held), dtype=np.int64)
    waiting = np.arange(len(held))
    while len(waiting):
        kind = _to_break(counts[waiting])
        waiting, kind = waiting[kind >= 0], kind[kind >= 0]
        made = pieces(kind)
        made[np.arange(len(kind)), kind] -= 1
        counts[waiting] += made
        signed[waiting] += KINDS - kind
    return counts, signed


def _to_break(held: Ints) -> Ints:
    """`amparo_purse.coins.coin_to_break`: the kind to break next, -1 for none."""
    count = len(held)
    total, largest = worth(held), np.where(held.any(axis=1), np.argmax(held > 0, axis=1), KINDS)
    spare, needed = np.zeros(count, dtype=np.int64), 0
    first, last = np.full(count, -1), np.full(count, -1)
    for at in range(KINDS - 1, -1, -1):
        needed += 2 * int(DENOMINATIONS[at])
        copies = held[:, at] + spare
        missing = (needed <= total) & (at >= largest) & (copies < 2)
        first, last = np.where(missing & (first < 0), at, first), np.where(missing, at, last)
        spare = np.maximum(0, copies - 2) // 2
    columns = np.arange(KINDS)[None, :]
    above_all, above_one = (held > 0) & (columns < last[:, None]), (held > 0) & (columns < first[:, None])
    smallest = KINDS - 1 - np.argmax(above_all[:, ::-1], axis=1)
    found = np.where(above_all.any(axis=1), smallest, np.where(above_one.any(axis=1), np.argmax(above_one, axis=1), -1))
    return np.where(first < 0, -1, found)
