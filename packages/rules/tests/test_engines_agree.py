"""The Python evaluator and the DuckDB SQL give the same answer for random rules and random households, edges included."""

import random
from datetime import date
from typing import Any

import numpy as np
import pytest

from amparo_common import canonical
from amparo_common.bridge import FactDefined
from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.catalogue import Entity, FactDefinition, FactType
from amparo_rules.check import divide_half_away
from amparo_rules.defined import FIRST_DAY, LARGEST_VALUE, LAST_DAY, MOST_DECIMALS, standing
from amparo_rules.errors import RuleRefused
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.rule import Plan, read_rule
from amparo_rules.starter import starter

AS_OF = date(2026, 11, 1)


def defined(name: str, entity: Entity, kind: FactType) -> FactDefined:
    """A fact as the log defines it."""
    labels = dict.fromkeys(("es", "en", "fr", "ar", "pt"), "x")
    definition = FactDefinition(name, entity, kind, labels, purpose="to test", retention_days=30)
    return FactDefined(entity, name, canonical.encode(definition).decode(), approvals=2)


class Facts:
    """Facts beside the catalogue, of every kind, with ranges up to the largest that may be defined."""

    def __init__(self, pick: random.Random) -> None:
        self.pick = pick
        self.logged = (
            defined("goats", "person", self._number("int")),
            defined("land", "person", self._number("decimal")),
            defined("works", "person", FactType(kind="bool", min=0, max=1)),
            defined("arrived", "person", self._days()),
            defined("roof_type", "household", self._number("int")),
            defined("rent", "household", self._number("decimal")),
            defined("has_well", "household", FactType(kind="bool", min=0, max=1)),
            defined("moved_in", "household", self._days()),
        )
        self.types = {key: each.type for key, each in standing(self.logged).items()}

    def _number(self, kind: Any) -> FactType:
        low, high = sorted(
            self.pick.choice([0, 1, -3, 50, 10**6, -(10**9), LARGEST_VALUE, -LARGEST_VALUE]) for _ in range(2)
        )
        return FactType(
            kind=kind, min=low, max=high, scale=self.pick.randint(0, MOST_DECIMALS) if kind == "decimal" else 0
        )

    def _days(self) -> FactType:
        low, high = sorted(self.pick.randint(FIRST_DAY, LAST_DAY) for _ in range(2))
        return FactType(kind="date", min=low, max=high)

    def values(self, entity: Entity) -> dict[str, int | None]:
        """Values of all facts of an entity, the ends of their ranges and unknown ones among them."""
        return {
            name: self.pick.choice([None, kind.min, kind.max, self.pick.randint(kind.min, kind.max)])
            for (of, name), kind in self.types.items()
            if of == entity
        }


class Maker:
    """Makes random expressions of the language; some are refused by the checker, which is as it should be."""

    def __init__(self, seed: int, *, facts: Facts | None = None) -> None:
        self.random = random.Random(seed)
        self.facts = facts

    def more_conditions(self, flag: str, whole: str, decimal: str, day: str) -> list[str]:
        """Conditions on facts that the log defines."""
        if self.facts is None:
            return []
        years = self.random.randint(1, 80)
        return [
            flag,
            f"known({flag}, true) and not {flag}",
            f"unknown({whole})",
            f"known({whole}, 3) >= known({decimal}, 1.5)",
            f"age_under({day}, {years}) or unknown({day})",
            f"age_at_least({day}, {years})",
        ]

    def more_numbers(self) -> list[str]:
        """Numbers made of facts that the log defines."""
        if self.facts is None:
            return []
        return ["known(roof_type, 2)", "known(rent, 7.25)", "flag(has_well)", "goats_of_all", "land_of_all"]

    def number(self, names: list[str], depth: int) -> str:
        pick = self.random
        if depth == 0 or pick.random() < 0.2:
            return pick.choice([*names, str(pick.randint(0, 40)), f"{pick.randint(0, 90)}.{pick.randint(0, 99):02d}"])
        one, two = self.number(names, depth - 1), self.number(names, depth - 1)
        return pick.choice(
            [
                f"({one} + {two})",
                f"({one} - {two})",
                f"({one} * {two})",
                f"least({one}, {two})",
                f"greatest({one}, {two}, 3)",
                f"-({one})",
                f"round({one}, {pick.randint(0, 2)})",
                f"divide({one}, greatest({two}, {pick.choice(['1', '0.50'])}), {pick.randint(0, 3)})",
                f"divide({one}, least({two}, -2), {pick.randint(0, 3)})",
                f"flag({self.condition(names, depth - 1)})",
            ]
        )

    def condition(self, names: list[str], depth: int) -> str:
        pick = self.random
        one, two = self.number(names, max(0, depth - 1)), self.number(names, max(0, depth - 1))
        simple = f"{one} {pick.choice(['=', '!=', '<', '<=', '>', '>='])} {two}"
        if depth == 0 or pick.random() < 0.4:
            return simple
        other = self.condition(names, depth - 1)
        return pick.choice(
            [
                f"({simple} and {other})",
                f"({simple} or {other})",
                f"not ({other})",
                f"{one} in ({two}, 3)",
                "unknown(rooms)",
                *self.more_conditions("has_well", "roof_type", "rent", "moved_in"),
            ]
        )

    def member_condition(self) -> str:
        return self.random.choice(
            [
                *self.more_conditions("works", "goats", "land", "arrived"),
                "disability",
                "is_head",
                f"age_under(birth_date, {self.random.randint(1, 80)})",
                f"age_at_least(birth_date, {self.random.randint(1, 80)}) and not disability",
                "unknown(birth_date) or known(disability, true)",
            ]
        )

    def rule(self) -> str:
        names = ["size", "a", "b", "total_a", "known(monthly_income, 7.5)", "known(rooms, 2)", "limit"]
        names += self.more_numbers()
        first, second = self.number(names, 3), self.number(names, 3)
        text = starter("food-basket").split("examples:")[0]
        head, _, _ = text.partition("parameters:")
        persons, homes, totals = "", "", ""
        if self.facts is not None:
            head = head.replace("language: 1", "language: 2")
            persons = ", goats: int, land: decimal, works: bool, arrived: date"
            homes = ", roof_type: int, rent: decimal, has_well: bool, moved_in: date"
            totals = "  goats_of_all: total(known(goats, 1))\n  land_of_all: total(round(known(land, 0), 1) * 2)\n"
        return (
            head
            + 'parameters: {limit: {value: "12.25", since: 2026-01-01, reference: none}}\n'
            + "inputs:\n  person: {birth_date: date, is_head: bool, disability: bool"
            + persons
            + "}\n"
            + "  household: {monthly_income: decimal, rooms: int"
            + homes
            + "}\n"
            + f"facts:\n  size: count(true)\n  a: count({self.member_condition()})\n  b: count({self.member_condition()})\n"
            + f"  total_a: total(flag({self.member_condition()}) * 2.5)\n"
            + totals
            + f'let:\n  first: "{first}"\n  second: "{second}"\n'
            + "".join(
                f'require:\n  - id: one\n    when: "{self.condition([*names, "first", "second"], 2)}"\n'
                "    text: {en: x, es: x, fr: x, ar: x, pt: x}\n"
                for _ in range(1)
            )
            + f'amount: "least(100.00, greatest(0, round({self.number([*names, "first"], 2)}, 2)))"\n'
        )


def households(seed: int, count: int, *, facts: Facts | None = None) -> list[Household]:
    pick = random.Random(seed)

    def more(entity: Entity) -> dict[str, int | None]:
        return {} if facts is None else facts.values(entity)

    def maybe(value: int) -> int | None:
        return None if pick.random() < 0.2 else value

    def member(*, head: bool) -> dict[str, int | None]:
        born = maybe(pick.choice([pick.randint(-20_000, 20_700), 20_758 - 365 * pick.randint(0, 90)]))
        return {"birth_date": born, "is_head": int(head), "disability": maybe(pick.randint(0, 1))} | more("person")

    return [
        Household(
            facts={
                "monthly_income": maybe(pick.choice([0, 1, 999, 100_000_000, pick.randint(0, 90_000)])),
                "rooms": maybe(pick.randint(0, 50)),
            }
            | more("household"),
            members=[member(head=number == 0) for number in range(pick.choice([1, 1, 2, 5, 9, 30]))],
        )
        for _ in range(count)
    ]


def as_columns(plan: Plan, many: list[Household]) -> Columns:
    members = [(place, member) for place, household in enumerate(many) for member in household.members]
    return Columns(
        count=len(many),
        household={n: column([h.facts[n] for h in many], kind) for n, kind in plan.household_inputs.items()},
        owner=np.array([place for place, _ in members], dtype=np.int64),
        person={n: column([m[n] for _, m in members], kind) for n, kind in plan.person_inputs.items()},
    )


def assert_same(plan: Plan, many: list[Household]) -> None:
    found = evaluate_batch(plan, as_columns(plan, many))
    ids = [clause.id for clause in plan.clauses]
    for place, household in enumerate(many):
        one = evaluate(plan, household)
        assert {name: values[place] for name, values in found.steps.items()} == one.steps
        assert [each for bit, each in enumerate(ids) if found.failed[place] >> bit & 1] == one.failed
        assert found.amount[place] == one.amount


@pytest.mark.parametrize("name", ["food-basket", "health-visit"])
def test_the_starter_rules_mean_the_same_in_both_engines(name: str) -> None:
    assert_same(read_rule(starter(name)).plan(AS_OF), households(1, 2_000))


def test_random_rules_mean_the_same_in_both_engines() -> None:
    many = households(7, 60)
    agreed = 0
    for seed in range(250):
        try:
            plan = read_rule(Maker(seed).rule()).plan(AS_OF)
        except RuleRefused:
            continue
        assert_same(plan, many)
        agreed += 1
    assert agreed > 100


def test_random_rules_with_facts_that_the_log_defines_mean_the_same_in_both_engines() -> None:
    agreed = 0
    for seed in range(250):
        facts = Facts(random.Random(seed))
        try:
            plan = read_rule(Maker(seed, facts=facts).rule(), facts.logged).plan(AS_OF)
        except RuleRefused:
            continue
        assert_same(plan, households(seed, 40, facts=facts))
        agreed += 1
    assert agreed > 60


@pytest.mark.parametrize(
    ("top", "bottom", "result"),
    [(5, 2, 3), (-5, 2, -3), (5, -2, -3), (-5, -2, 3), (4, 3, 1), (0, 7, 0), (1, 3, 0), (-1, 2, -1)],
)
def test_halves_are_rounded_away_from_zero(top: int, bottom: int, result: int) -> None:
    assert divide_half_away(top, bottom) == result
