"""Runs every attack over a finished demo and says how often each is right, beside guessing.

The truth (who really bought what) comes from the people's own file, which no server has; it is used for counting only.
"""

import msgspec

from amparo.demo.market import Market
from amparo.demo.people import People
from amparo.demo.story import Stage
from amparo.folder import SERVICES, SIGNER
from amparo.thief import matchers
from amparo.thief.loot import Loot
from amparo.thief.matchers import Candidate, Guess, Sale
from amparo_common.signing import SigningKey


class Attack(msgspec.Struct, frozen=True):
    """One attack's success: the share of sales whose household it names (expected, when it names several)."""

    name: str
    success: float


class Robbery(msgspec.Struct, frozen=True):
    """What all attacks together achieved. `rows` is how much was read."""

    rows: int
    sales: int
    households: int
    guessing: float
    attacks: list[Attack]

    @property
    def best(self) -> Attack:
        """The most successful attack."""
        return max(self.attacks, key=lambda attack: attack.success)


def rob(stage: Stage, loot: Loot | None = None) -> Robbery:
    """Take everything the servers and tills hold and try to link each sale to a household."""
    people = People(stage)
    market = Market(stage, people)
    stolen = take_everything(stage) if loot is None else loot
    sales, truth = _sales(people, market, stolen)
    candidates = find_candidates(stolen)
    attacks: dict[str, list[Guess]] = {}
    for number, (name, attack) in enumerate(matchers.ATTACKS.items(), start=1):
        attacks[name] = attack(sales, candidates, stolen)
        stage.progress(number, len(matchers.ATTACKS))
    return Robbery(
        rows=len(stolen.rows),
        sales=len(sales),
        households=len({candidate.household for candidate in candidates}),
        guessing=_success(matchers.by_guessing(sales, candidates), truth),
        attacks=[Attack(name, _success(guesses, truth)) for name, guesses in attacks.items()],
    )


def take_everything(stage: Stage) -> Loot:
    """Every database, journal and key of every service, and of every shop's till."""
    loot = Loot()
    for name in (*SERVICES, SIGNER):
        loot.add_folder(stage.folder.service(name))
    loot.add_folder(stage.folder.root / "tills")
    return loot


def _sales(people: People, market: Market, loot: Loot) -> tuple[list[Sale], list[int]]:
    numbers = {
        str(row.cells["kid"]): int(str(row.cells["household"]))
        for key, row in loot.rows.items()
        if key[:2] == ("office", "holder")
    }
    wallets = {
        name: SigningKey.from_pem(key).public.kid for name, key in people.rows("SELECT name, holder_key FROM wallet")
    }
    sales, truth = [], []
    for purchase, place in market.finished():
        token = market.read(purchase, purchase.code or "")
        sales.append(
            Sale(place=place, shop=purchase.shop, amount=purchase.amount, unit=purchase.unit, coins=token.proofs)
        )
        truth.append(numbers[wallets[purchase.home]])
    return sales, truth


def find_candidates(loot: Loot) -> list[Candidate]:
    """Who was paid how much, and in which order as far as the office's journal still tells it."""
    journal = loot.journals.get("office", b"")
    cycles, decisions, units = {}, {}, {}
    for key, row in loot.rows.items():
        match key[:2]:
            case ("office", "cycle"):
                cycles[row.cells["number"]] = str(row.cells["programme"])
            case ("office", "decision"):
                decisions[row.cells["cycle"], row.cells["household"]] = int(str(row.cells["amount"]))
            case ("mint", "mint_quote"):
                units[row.cells["id"]] = str(row.cells["unit"])
    found = []
    for key, row in loot.rows.items():
        if key[:2] == ("office", "claim"):
            quote = str(row.cells["quote"])
            place = journal.find(quote.encode())
            amount = decisions[row.cells["cycle"], row.cells["household"]]
            household = int(str(row.cells["household"]))
            found.append(
                Candidate(household, units.get(row.cells["quote"], ""), amount, place if place >= 0 else key[2])
            )
    return found


def _success(guesses: list[Guess], truth: list[int]) -> float:
    if not truth:
        return 0.0
    return sum(guess.success(right) for guess, right in zip(guesses, truth, strict=True)) / len(truth)
