"""How many exact amounts can be paid without a connection: `python -m bench.offline`.

Many balances and prices, paid with the purse's own choice of coins from three sets: the fewest coins (what a plain claim
gives), those after re-splitting (`upkeep.resplit`'s exchanges, one coin broken in each), and the target set (what a spread
claim gives). The bar is 99 % of amounts with a balance of twice the amount. Then payment after payment without a connection,
and months with a connection now and then. No cryptography and no mint: only which coins there are.
"""

import random
from collections.abc import Callable, Sequence

from amparo_cashu.nut00_blind import split_amount
from amparo_purse.coins import broken, coin_to_break, exact_choice, target_coins
from bench.report import Figure, Goal, Report, arguments

DENOMINATIONS = [1 << power for power in range(14)]
GOAL = Goal(0.99, most=False)
BALANCES = (200, 50_000)
RATIOS = (2.0, 1.5, 1.1)
IN_A_ROW = 6

Coins = list[int]
Price = Callable[[random.Random, int], int]


def uniform(dice: random.Random, most: int) -> int:
    """Any amount."""
    return dice.randint(1, most)


def with_endings(dice: random.Random, most: int) -> int:
    """Prices that end in .99, .50 or .00."""
    return max(1, min(most, dice.randint(0, most // 100) * 100 + dice.choice((99, 50, 0))))


def market(dice: random.Random, most: int) -> int:
    """The demo market's prices: whole tenths, at least ten."""
    return dice.randint(1, max(1, most // 10)) * 10


PRICES: dict[str, Price] = {"any amount": uniform, "prices .99 .50 .00": with_endings, "market, whole tenths": market}


def fewest(balance: int) -> Coins:
    """The coins of a plain claim."""
    return split_amount(balance, DENOMINATIONS)


def resplit(coins: Coins) -> tuple[Coins, int]:
    """The coins after the exchanges that are worth a request, and how many those were."""
    held, exchanges = list(coins), 0
    while (coin := coin_to_break(held)) is not None:
        held.remove(coin)
        held += broken(coin)
        exchanges += 1
    return held, exchanges


def after_resplit(balance: int) -> Coins:
    """A plain claim, re-split later."""
    return resplit(fewest(balance))[0]


def spread(balance: int) -> Coins:
    """The coins of a spread claim."""
    return target_coins(balance, DENOMINATIONS)


SETS: dict[str, Callable[[int], Coins]] = {
    "fewest coins": fewest,
    "after re-split": after_resplit,
    "spread claim": spread,
}


class Tally:
    """How many payments were tried and made exactly, with how many coins."""

    def __init__(self) -> None:
        self.tried = self.made = self.coins = 0

    def pay(self, held: Coins, amount: int) -> Coins | None:
        """What is left after a payment, None when it cannot be made exactly."""
        self.tried += 1
        chosen = exact_choice(held, amount)
        if chosen is None:
            return None
        self.made += 1
        self.coins += len(chosen)
        return [coin for place, coin in enumerate(held) if place not in chosen]

    @property
    def share(self) -> float:
        """Payments made exactly."""
        return self.made / self.tried if self.tried else 0.0


def in_a_row(make: Callable[[int], Coins], price: Price, ratio: float, dice: random.Random, trials: int) -> list[Tally]:
    """Payment after payment without a connection, each of at most the balance then divided by `ratio`."""
    tallies = [Tally() for _ in range(IN_A_ROW)]
    for _ in range(trials):
        held = make(dice.randint(*BALANCES))
        for tally in tallies:
            most = int(sum(held) / ratio)
            if most < 10:
                break
            left = tally.pay(held, price(dice, most))
            held = held if left is None else left
    return tallies


def month(between: int, price: Price, dice: random.Random, trials: int) -> tuple[Tally, float, float, int]:
    """A household that spends its aid in about sixteen payments, with a connection after every `between` of them: the
    payments, exchanges a payment, coins held on average and at most."""
    tally, exchanges, held_sum, held_most, rounds = Tally(), 0, 0, 0, 0
    for _ in range(trials):
        aid = dice.randint(2_000, 30_000)
        held = spread(aid)
        while sum(held) > aid // 10:
            for _ in range(between):
                most = min(sum(held) // 2, aid // 8)
                left = tally.pay(held, price(dice, most)) if most >= 10 else None
                held = held if left is None else left
            rounds, held_sum, held_most = rounds + 1, held_sum + len(held), max(held_most, len(held))
            held, made = resplit(held)
            exchanges += made
    return tally, exchanges / tally.tried, held_sum / rounds, held_most


def main() -> None:
    """Measure and print."""
    parser = arguments("How many exact amounts can be paid without a connection.")
    parser.add_argument("--trials", type=int, default=4_000, help="balances for each line (default 4,000)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    trials, dice = asked.trials, random.Random(asked.seed)
    figures = [_first_payment(ratio, trials, dice) for ratio in RATIOS]
    notes = [*_rows(trials, dice), "", *_months(max(100, trials // 10), dice)]
    facts: dict[str, str | int | float] = {
        "balances": f"{BALANCES[0] / 100:.2f} to {BALANCES[1] / 100:.2f}",
        "payments for each figure": 2 * trials * len(PRICES),
        "coins of a balance of 56.00": f"{len(fewest(5_600))} fewest, {len(after_resplit(5_600))} re-split,"
        f" {len(spread(5_600))} spread",
    }
    Report("Exact amounts without a connection", facts, figures, notes).write(as_json=asked.as_json)


def _first_payment(ratio: float, trials: int, dice: random.Random) -> Figure:
    before, after = Tally(), Tally()
    for price in PRICES.values():
        for make, tally in ((fewest, before), (after_resplit, after), (spread, after)):
            for _ in range(trials):
                balance = dice.randint(*BALANCES)
                tally.pay(make(balance), price(dice, int(balance / ratio)))
    return Figure(
        what=f"payable exactly with a balance of {ratio:g} times the largest price",
        ours=after.share,
        unit="of all payments tried",
        means=f"{before.share:.1%} with the fewest coins; {after.coins / max(1, after.made):.1f} coins in a payment.",
        peer_is="all of them",
        peer=1.0,
        goal=GOAL if ratio == RATIOS[0] else None,
    )


def _rows(trials: int, dice: random.Random) -> list[str]:
    found = ["Payment after payment without a connection, each up to half of what is left then:"]
    found.append(f"  {'coins':<16}{'prices':<22}" + "".join(f"{number + 1:>8}." for number in range(IN_A_ROW)))
    for set_name, make in SETS.items():
        for price_name, price in PRICES.items():
            tallies = in_a_row(make, price, 2.0, dice, trials)
            found.append(f"  {set_name:<16}{price_name:<22}" + _shares([tally.share for tally in tallies]))
    return found


def _months(trials: int, dice: random.Random) -> list[str]:
    found = ["A month of about sixteen payments, re-splitting whenever there is a connection:"]
    for between in (1, 2, 3, 4):
        tally, exchanges, held, most = month(between, with_endings, dice, trials)
        found.append(
            f"  a connection after every {between}: {tally.share:.1%} exact, {exchanges:.2f} exchanges a payment,"
            f" {tally.coins / tally.made:.1f} coins in a payment, {held:.0f} held (at most {most})"
        )
    return found


def _shares(shares: Sequence[float]) -> str:
    return "".join(f"{share:>9.1%}" for share in shares)


if __name__ == "__main__":
    main()
