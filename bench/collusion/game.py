"""One row of the game: play the months, let both adversaries try everything, and hold their best against T1's line."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from bench.collusion import crowd, matchers, tracking
from bench.collusion.coins import Floats
from bench.collusion.likelihood import Invented, Table
from bench.collusion.register import Register
from bench.collusion.settings import Settings
from bench.collusion.town import Dice, People, Played, Sales, play, settle_people

# Sales x candidates that are scored at most; beyond it a random part of the sales stands for all.
MOST_SCORES = 15_000_000
MANY_CLASSES = 400
JUDGED_WITH_MANY_CLASSES = 400
# The filter of purses takes minutes in a large town, where it finds no more than the likelihood does.
MOST_FOLLOWED = 2_000
LINKED = 1_500

Attacks = dict[str, Floats]
Month = tuple[Sales, Attacks]


class Rates(msgspec.Struct, frozen=True):
    """Success of each attack, the mean over sales. `best`: the best attack for payments by phone and the best one for paper,
    taken together; a till sees which it is."""

    attacks: dict[str, float]
    best: float
    phones: float
    paper: float


class Result(msgspec.Struct, frozen=True):
    """One row. `people`: the median number active in a sale's programme and month; `guessing`: mean 1/k; `line`: T1's;
    `ceiling`: what no attack can pass; `chained`: the live adversary if it were told which payments are of one wallet;
    `linked`: how often it names a wallet's payment before; `small`: share of the sales by households whose crowd is below
    100, and `rare` the likelihood's success there; `dearer`: what rounding up adds to the budget; `signed`: tokens that
    the mint signs for a household and month."""

    settings: Settings
    people: int
    sales: int
    judged: int
    guessing: float
    line: float
    robbed: Rates
    live: Rates
    ceiling: float
    chained: float | None
    linked: float
    small: float
    rare: float
    dearer: float
    signed: float

    @property
    def passes(self) -> bool:
        """Whether no attack of either adversary came above the line."""
        return max(self.robbed.best, self.live.best) <= self.line

    @property
    def is_certain(self) -> bool:
        """Whether no attack at all can come above it, also one that nobody has thought of."""
        return self.ceiling <= self.line


class Plan(msgspec.Struct, frozen=True):
    """How much is attacked: the months (0 is the first), at most so many sales of each (None: all), and whether purses are
    followed in large towns too."""

    months: tuple[int, ...] = (1,)
    most: int | None = None
    thorough: bool = False


def run(
    settings: Settings, register: Register, plan: Plan, *, seed: int, progress: Callable[[str], None] = lambda _: None
) -> Result:
    """Play a row and attack it. The same seed gives the same result."""
    dice = np.random.default_rng(seed)
    people = settle_people(settings, register, dice)
    progress("months of aid")
    played = play(settings, people, dice)
    game = _Game(settings, people, played, plan, np.random.default_rng(seed + 1))
    robbed: list[Month] = []
    live: list[Month] = []
    told: list[Floats] = []
    for month in plan.months:
        progress(f"attacks on month {month + 1}")
        game.attack_month(month, robbed, live, told)
    if game.may_follow:
        progress("following purses")
        live.append(game.follow())
    return game.result(register, robbed, live, told)


def _rates(months: Sequence[Month]) -> Rates:
    """Means over all judged sales, by attack; an attack that was tried in some months counts there."""
    names = list(dict.fromkeys(name for _, attacks in months for name in attacks))
    means: dict[str, float] = {}
    best = {False: 0.0, True: 0.0}
    for name in names:
        tried = [(sales, attacks[name]) for sales, attacks in months if name in attacks]
        paper = np.concatenate([sales.paper for sales, _ in tried])
        success = np.concatenate([found for _, found in tried])
        means[name] = float(success.mean())
        for form in best:
            which = paper == form
            best[form] = max(best[form], float(success[which].mean()) if which.any() else 0.0)
    on_paper = float(np.concatenate([sales.paper for sales, attacks in months if names[0] in attacks]).mean())
    whole = best[True] * on_paper + best[False] * (1 - on_paper)
    return Rates(attacks=means, best=whole, phones=best[False], paper=best[True])


class _Game:
    """One row's adversaries, with what they know of everybody."""

    def __init__(self, settings: Settings, people: People, played: Played, plan: Plan, dice: Dice) -> None:
        self._settings = settings
        self._people = people
        self._played = played
        self._plan = plan
        self._dice = dice
        self._kinds = crowd.classes(people)
        self._blocs = crowd.blocs(settings, people)
        self._invented = Invented(settings, people, self._kinds, dice)
        self._rare: list[Floats] = []

    @property
    def may_follow(self) -> bool:
        """The filters know classes, and neither moments nor places; where the whole purse shows they are quick."""
        settings = self._settings
        if settings.is_timed or settings.size_of_unit is not None or settings.districts > 1:
            return False
        small = self._people.count <= MOST_FOLLOWED and len(self._kinds.sizes) <= MANY_CLASSES
        return settings.wallet == "whole" or small or self._plan.thorough

    def attack_month(self, month: int, robbed: list[Month], live: list[Month], told: list[Floats]) -> None:
        """Everything but the filters, on a month's sales."""
        sales, is_all = self._judged(month)
        seen = self._invented.judge(sales)
        simple = matchers.by_amount(self._settings, self._people, self._kinds, sales)
        robbed.append((sales, simple | self._bayes(sales, seen.robbed, live=False)))
        live.append((sales, simple | self._bayes(sales, seen.live, live=True)))
        sizes = self._blocs.sizes[self._blocs.of[sales.who]]
        self._rare.append(live[-1][1]["likelihood, sale by sale"][sizes < crowd.SMALL])
        if is_all and len(self._kinds.sizes) <= MANY_CLASSES:
            truth = self._kinds.of[sales.who]
            told.append(matchers.chained(seen.live.astype(np.float64), self._kinds.sizes, sales.who, truth))

    def follow(self) -> Month:
        """The filters, on the first month's sales."""
        sales = self._played.sales.chosen(self._played.sales.month == 0)
        found = tracking.follow(self._settings, self._people, self._kinds, sales, self._invented.sales)
        return sales, {"following purses": self._sure(sales, found, live=True)}

    def result(self, register: Register, robbed: list[Month], live: list[Month], told: list[Floats]) -> Result:
        """What came of it."""
        settings, people, sales = self._settings, self._people, self._played.sales
        guess, ceiling = crowd.guessing(people, sales), crowd.ceiling(settings, people, sales)
        sizes = self._blocs.sizes[self._blocs.of[sales.who]]
        rare = np.concatenate(self._rare)
        last = sales.chosen(sales.month == self._plan.months[-1])
        return Result(
            settings=settings,
            people=int(np.median(1 / guess)),
            sales=sales.count,
            judged=sum(part.count for part, _ in robbed),
            guessing=float(guess.mean()),
            line=float(guess.mean()) + crowd.SLACK,
            robbed=_rates(robbed),
            live=_rates(live),
            ceiling=float(ceiling.mean()),
            chained=float(np.concatenate(told).mean()) if told else None,
            linked=matchers.previous_payment(settings, last, most=LINKED, dice=self._dice),
            small=float((sizes < crowd.SMALL).mean()),
            rare=float(rare.mean()) if len(rare) else 0.0,
            dearer=float(people.amounts.sum() / register.amounts.sum() - 1),
            signed=self._played.signed / people.count / settings.months,
        )

    def _judged(self, month: int) -> tuple[Sales, bool]:
        """The sales of a month, or a random part of them where all would be too many to score."""
        which = np.flatnonzero(self._played.sales.month == month)
        most = min(MOST_SCORES // len(self._blocs.sizes), self._plan.most or len(which))
        if len(self._kinds.sizes) > MANY_CLASSES:
            most = min(most, JUDGED_WITH_MANY_CLASSES)
        is_all = len(which) <= most
        if not is_all:
            which = np.sort(self._dice.choice(which, most, replace=False))
        return self._played.sales.chosen(which), is_all

    def _bayes(self, sales: Sales, likelihood: Table, *, live: bool) -> Attacks:
        """All that is known, sale by sale; and all sales together."""
        blocs, month = self._blocs, int(sales.month[0])
        truth = blocs.of[sales.who]
        alone: list[Floats] = []
        lists: list[matchers.Shortlist] = []
        release, blur = matchers.known_release(self._settings, self._people, live=live)
        clock = matchers.Clock(self._invented.waited, blur=blur, dice=self._dice)
        paid = matchers.is_paid(self._people, blocs.first, month)
        for start in range(0, sales.count, matchers.BATCH):
            rows = slice(start, min(start + matchers.BATCH, sales.count))
            part = sales.chosen(np.arange(rows.start, rows.stop))
            scores = likelihood[rows][:, self._kinds.of[blocs.first]].astype(np.float64)
            scores *= clock.chance(part.time[:, None] - release[blocs.first, month][None, :]) * paid
            scores *= matchers.near(self._settings, self._people, blocs.first, part)
            if live and self._settings.tells_rest:
                told = self._invented.told_by_leftover()
                scores *= matchers.leftover_known(self._settings, self._people, self._played, part, told)
            alone.append(matchers.named(scores, blocs.sizes, truth[rows]))
            lists.append(matchers.shortlist(scores))
        expected = self._invented.purchases(month)[self._kinds.of[blocs.first]] * blocs.sizes * paid
        expected *= sales.count / max(float(expected.sum()), 1e-9)
        found = {
            "likelihood, sale by sale": np.concatenate(alone),
            "likelihood, all sales together": matchers.assigned(lists, blocs.sizes, expected, truth),
        }
        if self._settings.is_timed:
            found["the last who could pay"] = matchers.by_time(self._people, release, sales)
        return {name: self._sure(sales, success, live=live) for name, success in found.items()}

    def _sure(self, sales: Sales, success: Floats, *, live: bool) -> Floats:
        """Where the buyer is written down there is nothing to guess. A desk's copies are stolen with its disk; a restored
        wallet shows itself only while somebody looks."""
        known = crowd.certain(self._settings, self._people, sales)
        if not live:
            known = known & sales.paper & self._settings.desk_copies
        return np.where(known, 1.0, success)
