"""The rows of the game: the recommended settings, what each part of them is worth, and the settings that lose."""

import msgspec

from bench.collusion.settings import Settings

MINUTES = 10 / 720  # ten minutes of a shopping day of twelve hours
SMALLER = (100, 300, 1_000, 2_500)

RECOMMENDED = Settings("recommended")
BY_RULE = Settings("recommended, amounts by rule", amounts="rule")
CROWDS_OF_20 = Settings("recommended, bands with crowds of 20", crowd=20)
RELEASE_1 = Settings(
    "fewest coins, amounts by rule (release 1's purse)",
    amounts="rule",
    bundle="fewest",
    vouchers="fewest",
    refill=False,
)
ONE_COIN = Settings("recommended, one coin changed at most", bundle="standard", wallet="single")
FEWEST_ON_PAPER = Settings("amounts by rule, vouchers of the fewest coins", amounts="rule", vouchers="fewest")
WHOLE = msgspec.structs.replace(RELEASE_1, name="whole purse in every payment, amounts by rule", wallet="whole")
# Played in towns of several sizes.
FAMILIES = {
    "recommended": RECOMMENDED,
    "crowds of 20": CROWDS_OF_20,
    "amounts by rule": BY_RULE,
    "vouchers of the fewest coins": FEWEST_ON_PAPER,
    "release 1": RELEASE_1,
}

VARIANTS = (
    BY_RULE,
    CROWDS_OF_20,
    ONE_COIN,
    FEWEST_ON_PAPER,
    msgspec.structs.replace(RELEASE_1, name="release 1's purse, amounts in bands", amounts="bands"),
    msgspec.structs.replace(WHOLE, name="whole purse in every payment, amounts in bands", amounts="bands"),
    Settings("recommended, coins changed only when they must be", refill=False),
    Settings("recommended, everything paid offline", offline=1.0),
    Settings("recommended, one in sixteen claims a week later", late=1 / 16),
    Settings("recommended, medicine programme", programme="health-visit", amounts="rule"),
)

LOSING = (
    WHOLE,
    msgspec.structs.replace(RELEASE_1, name="odd amounts, release 1's purse", amounts="odd"),
    msgspec.structs.replace(WHOLE, name="odd amounts, whole purse in every payment", amounts="odd"),
    Settings("odd amounts, recommended wallet", amounts="odd"),
    Settings("odd amounts, recommended wallet, spent all at once", amounts="odd", all_at_once=1.0),
    *(
        msgspec.structs.replace(
            RELEASE_1, name=f"odd amounts in steps of {step}, release 1's purse", amounts="odd", cents=step
        )
        for step in (5, 10, 25, 50)
    ),
    Settings("no window, paid in days", window=None),
    Settings("no window, paid in minutes", window=None, delay=MINUTES),
    Settings("window of 1 day, no waiting, paid in minutes", window=1.0, waits=False, delay=MINUTES),
    Settings("window of 3 days, no waiting, paid in minutes", waits=False, delay=MINUTES),
    Settings("window of 7 days, no waiting, paid in minutes", window=7.0, waits=False, delay=MINUTES),
    Settings("window of 3 days, no waiting, paid in days", waits=False),
    Settings("mint waits for 20 claims, paid in minutes", waits=False, delay=MINUTES, gate=20),
    Settings("mint waits for 2,000 claims, paid in minutes", waits=False, delay=MINUTES, gate=2_000),
    Settings("leftover exchanged beside the next claim", tells_rest=True),
    msgspec.structs.replace(WHOLE, name="leftover beside the claim, whole purse", amounts="bands", tells_rest=True),
    Settings("one unit a village of 50 households", size_of_unit=50),
    Settings("one keyset a programme of 20 households", size_of_unit=20),
    Settings("one household an epoch", size_of_unit=1),
    Settings("office knows the district (20), people buy nearby", districts=20),
    Settings("the desk that prints vouchers keeps copies", desk_copies=True),
    Settings("one in twenty wallets restored in one session", restores=0.05),
)


def smaller() -> list[Settings]:
    """The families in smaller towns."""
    return [
        msgspec.structs.replace(base, name=f"{label}, {count:,} households", households=count)
        for label, base in FAMILIES.items()
        for count in SMALLER
    ]
