"""Months of aid as they happen: who claims when, who pays what where, and which coins it takes.

The adversary runs the same code on households of its own invention: it knows how people behave, only not who is who.
"""

from dataclasses import dataclass, fields

import numpy as np

from bench.collusion.bands import choose_bands, round_up
from bench.collusion.coins import KINDS, Flags, Floats, Ints, worth
from bench.collusion.register import Register
from bench.collusion.settings import (
    CLAIM_DAYS,
    GAP_DAYS,
    LEAST_SHARE,
    MONTH,
    MOST_SHARE,
    NEAR_SHOP,
    PURCHASE_SHARES,
    PURCHASES,
    SECOND_WINDOW,
    SMALLEST_PRICE,
    Settings,
)
from bench.collusion.wallets import Payment, claimed, hand_over, pay

Dice = np.random.Generator


@dataclass(frozen=True, slots=True)
class People:
    """The households that are paid, as the office knows them: amounts and the moments of their claims (households x
    months, days of the month), who has no phone, in which unit each is paid and in which district it lives."""

    amounts: Ints
    claim: Floats
    release: Floats
    paper: Flags
    unit: Ints
    district: Ints

    @property
    def count(self) -> int:
        """How many."""
        return len(self.paper)


@dataclass(frozen=True, slots=True)
class Sales:
    """Purchases, one a row, in no order. What an adversary sees: month, time (days of the month), shop, whether on paper or
    offline, price, coins, inputs of the swap that prepared it. Truth: `who`. What only a player of invented households
    knows: `held` before it, and between what the wanted price was drawn."""

    who: Ints
    month: Ints
    time: Floats
    shop: Ints
    paper: Flags
    offline: Flags
    price: Ints
    coins: Ints
    inputs: Ints
    held: Ints
    low: Floats
    high: Floats

    def chosen(self, which: Ints | Flags) -> "Sales":
        """Some of them."""
        return Sales(*(getattr(self, each.name)[which] for each in fields(self)))

    @property
    def count(self) -> int:
        """How many."""
        return len(self.who)


@dataclass(frozen=True, slots=True)
class Played:
    """What happened: the sales, what each household had left at the end of each month (coins), tokens that were signed."""

    sales: Sales
    rest: Ints
    signed: int


def settle_people(settings: Settings, register: Register, dice: Dice) -> People:
    """The paid households of a register under these settings."""
    amounts = register.amounts
    match settings.amounts:
        case "bands":
            amounts = round_up(amounts, choose_bands(amounts, register.paper, crowd=settings.crowd))
        case "odd":
            cents = dice.integers(1, 100, (len(amounts), 1)) // settings.cents * settings.cents
            amounts = np.where(amounts > 0, amounts - cents, 0)
        case "rule":
            pass
    paid = (amounts > 0).any(axis=1)
    amounts, paper = amounts[paid], register.paper[paid]
    count = len(paper)
    size = settings.size_of_unit or count
    places = dice.permutation(count)
    claim, release = claim_times(settings, count, dice, among=count)
    return People(amounts, claim, release, paper, places // size, dice.integers(0, settings.districts, count))


def claim_times(settings: Settings, count: int, dice: Dice, *, among: int) -> tuple[Floats, Floats]:
    """When each household claims, each month, and from when its wallet pays. `among` so many people that claim."""
    shape = (count, settings.months)
    if settings.window is None:
        claim = dice.uniform(0, CLAIM_DAYS, shape)
    else:
        start = np.where(dice.random(shape) < settings.late, SECOND_WINDOW, 0.0)
        claim = start + dice.uniform(0, settings.window, shape)
        if settings.waits:
            return claim, start + settings.window
    opened = np.quantile(claim, min(settings.gate / among, 1.0), axis=0)
    return claim, np.maximum(claim, opened) if settings.gate else claim


def bundles(settings: Settings, amounts: Ints, paper: Flags) -> Ints:
    """The coins of each claim."""
    return np.where(paper[:, None], claimed(amounts, settings.vouchers), claimed(amounts, settings.bundle))


def play(settings: Settings, people: People, dice: Dice) -> Played:
    """All months. A month's leftover is exchanged into the next month's coins inside its window, coin by coin, so that no
    payment shows how old its coins are."""
    held = np.zeros((people.count, KINDS), dtype=np.int64)
    parts: list[Sales] = []
    rest, signed = [], 0
    for month in range(settings.months):
        bundle = bundles(settings, people.amounts[:, month], people.paper)
        signed += int(bundle.sum()) + int(held.sum())
        held, made = _month(settings, people, month, held + bundle, dice, parts)
        rest.append(held)
        signed += made
    joined = Sales(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Sales)))
    return Played(joined, np.stack(rest, axis=1), signed)


def _month(
    settings: Settings, people: People, month: int, held: Ints, dice: Dice, parts: list[Sales]
) -> tuple[Ints, int]:
    count, signed = people.count, 0
    times = dice.choice(PURCHASES, count, p=PURCHASE_SHARES)
    once = dice.random(count) < settings.all_at_once
    times = np.where(once, 1, times)
    moment = people.release[:, month] + dice.exponential(settings.delay, count)
    for turn in range(max(PURCHASES)):
        buying = np.flatnonzero((times > turn) & (moment < MONTH) & (people.amounts[:, month] > 0))
        low, high = _wanted(worth(held[buying]), times[buying] - turn, once[buying])
        wanted = low + dice.random(len(buying)) * (high - low)
        sales, payment = _buy(settings, people, month, buying, held[buying], (low, high, wanted), moment[buying], dice)
        bought = sales.price > 0
        held[buying[bought]] = payment.after[bought]
        signed += int(payment.signed[bought].sum())
        parts.append(sales.chosen(bought))
        moment += dice.exponential(GAP_DAYS, count)
    return held, signed


def _wanted(balance: Ints, left: Ints, once: Flags) -> tuple[Floats, Floats]:
    """Between what the wanted price is drawn; a price of the balance or more takes all."""
    low = np.where(once, balance, LEAST_SHARE * balance / left)
    return low, np.where(once, balance + 1.0, MOST_SHARE * balance / left)


def _buy(
    settings: Settings,
    people: People,
    month: int,
    buying: Ints,
    held: Ints,
    wish: tuple[Floats, Floats, Floats],
    moment: Floats,
    dice: Dice,
) -> tuple[Sales, Payment]:
    """One purchase of each household of `buying`; a price of 0 means that it was too small to happen."""
    low, high, wanted = wish
    paper = people.paper[buying]
    offline = ~paper & (dice.random(len(buying)) < settings.offline)
    balance = worth(held)
    step = settings.price_step
    price = np.where(wanted >= balance, balance, wanted.astype(np.int64) // step * step)
    phone, sheet = pay(settings, held, price, offline), hand_over(held, np.minimum(wanted.astype(np.int64), balance))
    payment = Payment(
        *(
            np.where(paper[:, None] if part.ndim == 2 else paper, part, other)
            for part, other in (
                (sheet.coins, phone.coins),
                (sheet.inputs, phone.inputs),
                (sheet.after, phone.after),
                (sheet.signed, phone.signed),
            )
        )
    )
    price = np.where(paper, worth(sheet.coins), price)
    price = np.where(price >= np.where(paper, 1, SMALLEST_PRICE), price, 0)
    return (
        Sales(
            who=buying,
            month=np.full(len(buying), month),
            time=moment,
            shop=_shops(settings, people.district[buying], dice),
            paper=paper,
            offline=offline,
            price=price,
            coins=payment.coins,
            inputs=payment.inputs,
            held=held,
            low=low,
            high=high,
        ),
        payment,
    )


def _shops(settings: Settings, district: Ints, dice: Dice) -> Ints:
    """Most people buy in their own district: shops belong to districts in turn."""
    anywhere = dice.integers(0, settings.shops, len(district))
    near = dice.integers(0, settings.shops // settings.districts, len(district)) * settings.districts + district
    return np.where(dice.random(len(district)) < NEAR_SHOP, near, anywhere)
