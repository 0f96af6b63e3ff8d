"""How many households get the same amount in the same form (phone or paper), and what bands would cost.

Mint and tills see amounts, and a till sees whether somebody pays with a phone or with paper. Whoever is alone with an amount can
be found by it, so before a payment is approved the approver is told how small the crowds are. Counts only, no household is
named. Nobody is refused aid for being alone: the approver may say that it is known. Pure.
"""

from collections.abc import Sequence

import msgspec

from amparo_rules.bands import banded, cheapest_bands
from amparo_rules.rule import RuleFile

# Offered beside the crowd that is asked for, so that the price of privacy can be weighed.
USUAL_CROWDS = (20, 50, 100)


class Crowd(msgspec.Struct, frozen=True):
    """So many households get this amount (minor units) in this form."""

    amount: int
    phone: bool
    households: int


class CrowdReport(msgspec.Struct, frozen=True):
    """A cycle's crowds: how many different amounts, how large the smallest crowd is (0: nobody gets aid), how many households
    are in crowds of fewer than `asked`."""

    amounts: int
    smallest: int
    asked: int
    below: int


class Offer(msgspec.Struct, frozen=True):
    """Bands with crowds of at least `crowd`: their upper ends and what the cycle would cost with them, in minor units."""

    crowd: int
    bands: list[int]
    total: int


class BandsOffer(msgspec.Struct, frozen=True):
    """Bands for a cycle: several offers, and the rule file of the one that was asked for. `total` is what the cycle costs as it
    was decided, `budget` what the rule allows; all in minor units."""

    total: int
    budget: int
    offers: list[Offer]
    rule: str


def report(crowds: Sequence[Crowd], *, asked: int) -> CrowdReport:
    """The crowds of a cycle in four numbers."""
    return CrowdReport(
        amounts=len({each.amount for each in crowds}),
        smallest=min((each.households for each in crowds), default=0),
        asked=asked,
        below=sum(each.households for each in crowds if each.households < asked),
    )


def offer(crowds: Sequence[Crowd], *, crowd: int) -> Offer:
    """The cheapest bands in which nobody is one of fewer than `crowd`, or of all households of the form where there are
    fewer."""
    amounts = sorted({each.amount for each in crowds})
    counts = [[0] * len(amounts), [0] * len(amounts)]
    for each in crowds:
        counts[each.phone][amounts.index(each.amount)] = each.households
    bands = cheapest_bands(amounts, counts, crowd=crowd)
    total = sum(min(band for band in bands if band >= each.amount) * each.households for each in crowds)
    return Offer(crowd=crowd, bands=bands, total=total)


def offer_bands(rule: RuleFile, crowds: Sequence[Crowd], *, crowd: int, version: str) -> BandsOffer:
    """Bands for a rule by what it gave in a cycle. `crowds` are not empty. Raises the errors of `read_rule`."""
    chosen = offer(crowds, crowd=crowd)
    others = [offer(crowds, crowd=each) for each in USUAL_CROWDS if each != crowd]
    return BandsOffer(
        total=sum(each.amount * each.households for each in crowds),
        budget=rule.budget,
        offers=sorted([chosen, *others], key=lambda each: each.crowd),
        rule=banded(rule, chosen.bands, version=version),
    )
