"""Coins by denomination, for many wallets at once: rows are wallets, columns denominations, the largest first.

Amounts are minor units. The keysets' denominations are powers of two, so that taking the largest first finds an exact
payment whenever there is one (as `amparo_purse` does, whose rules these are).
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DENOMINATIONS: Ints = np.array([1 << exponent for exponent in range(13, -1, -1)], dtype=np.int64)
KINDS = len(DENOMINATIONS)
# Odd multipliers: two different rows of counts hash alike with a chance of about 2**-64.
_HASH = np.random.default_rng(20261).integers(1, 1 << 62, KINDS, dtype=np.int64) | 1


def worth(counts: Ints) -> Ints:
    """The value of each row."""
    found: Ints = counts @ DENOMINATIONS
    return found


def hashed(counts: Ints) -> Ints:
    """One number for each row, equal for equal rows."""
    with np.errstate(over="ignore"):
        found: Ints = (counts * _HASH).sum(axis=1)
    return found


def fewest(amounts: Ints) -> Ints:
    """Each amount as the fewest coins."""
    rest, counts = amounts.copy(), np.zeros((len(amounts), KINDS), dtype=np.int64)
    for at, each in enumerate(DENOMINATIONS):
        counts[:, at], rest = np.divmod(rest, each)
    return counts


def greedy(held: Ints, amounts: Ints) -> tuple[Ints, Ints]:
    """Coins of each wallet, the largest first, worth at most its amount; and what is missing (0: paid exactly)."""
    rest, taken = amounts.copy(), np.zeros_like(held)
    for at, each in enumerate(DENOMINATIONS):
        taken[:, at] = np.minimum(held[:, at], rest // each)
        rest -= taken[:, at] * each
    return taken, rest


def at_least(held: Ints, amounts: Ints) -> Ints:
    """Coins of each wallet, the largest first, until they are worth its amount."""
    rest, taken = amounts.copy(), np.zeros_like(held)
    for at, each in enumerate(DENOMINATIONS):
        taken[:, at] = np.minimum(held[:, at], -(-np.maximum(rest, 0) // each))
        rest -= taken[:, at] * each
    return taken


def pieces(kinds: Ints) -> Ints:
    """One coin of each kind (a column's number) broken into half, a quarter, ... and twice the smallest: every part of its
    value can be paid from them. A coin of the smallest kind stays as it is."""
    columns = np.arange(KINDS)
    counts = (columns[None, :] > kinds[:, None]).astype(np.int64)
    counts[:, -1] += 1
    return counts
