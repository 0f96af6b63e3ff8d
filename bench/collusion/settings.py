"""What a game is played with: the town, what the office and the wallets do, how people buy.

The defaults are the recommended settings, which the product does: everybody claims in a window and pays after it, amounts are
in bands, phones claim what pays exactly, paper a standard stock. Times are days; nights are left out, so a day is a day's
shopping hours.
"""

from typing import Literal

import msgspec

MONTH = 30.0
# Where claims are not gathered in a window, people claim over so many days.
CLAIM_DAYS = 20.0
# Who misses the window claims in a second one, which opens so much later.
SECOND_WINDOW = 7.0
SMALLEST_PRICE = 50
# Purchases a month and household: how many, and how often.
PURCHASES = (1, 2, 3, 4, 5)
PURCHASE_SHARES = (0.2, 0.3, 0.2, 0.2, 0.1)
# Of an even share of the balance, what a purchase takes: uniform between these. The last one often takes all.
LEAST_SHARE, MOST_SHARE = 0.5, 1.2
GAP_DAYS = 4.0
NEAR_SHOP = 0.8

Amounts = Literal["rule", "bands", "odd"]
Bundle = Literal["fewest", "spread", "standard"]
Wallet = Literal["till", "whole", "single"]


class Settings(msgspec.Struct, frozen=True):
    """One row of the game. Probabilities and shares are between 0 and 1.

    `amounts`: as the rule gives them; rounded up to bands that `bands.py` chooses; or with odd cents for each household,
    in steps of `cents`.
    `bundle`: the coins of a claim by phone: the fewest, `amparo_purse`'s spread claim, or the standard stock of paper
    (`amparo_purse.coins.stock_coins`); `vouchers`: those of a claim on paper. `wallet`: who changes coins when: `till`, at
    the till the largest coins first, as `amparo_purse`; `whole`, the whole purse in every payment; `single`, at the till one
    coin at most. `refill`: whether coins are also changed before they must be, one at a time at random moments.
    `window`: days in which everybody claims, None for claims as people come. `waits`: wallets pay only after the window.
    `gate`: how many must have claimed before the mint issues to the first.
    `tells_rest`: wallets exchange the last month's leftover in the session in which they claim.
    """

    name: str
    programme: str = "food-basket"
    households: int = 10_000
    shops: int = 200
    months: int = 3
    amounts: Amounts = "bands"
    cents: int = 1
    crowd: int = 100
    bundle: Bundle = "spread"
    vouchers: Bundle = "standard"
    wallet: Wallet = "till"
    refill: bool = True
    window: float | None = 3.0
    waits: bool = True
    gate: int = 0
    late: float = 0.0
    delay: float = 2.0
    offline: float = 0.25
    all_at_once: float = 0.05
    price_step: int = 10
    size_of_unit: int | None = None
    districts: int = 1
    desk_copies: bool = False
    restores: float = 0.0
    tells_rest: bool = False

    @property
    def is_timed(self) -> bool:
        """Whether the moment from which a wallet pays is its own, so that times say something about households."""
        return self.window is None or not self.waits
