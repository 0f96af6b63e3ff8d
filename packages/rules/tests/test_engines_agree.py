"""The Python evaluator and the DuckDB SQL give the same answer for random rules and random households, edges included."""

import random
from datetime import date

import numpy as np
import pytest

from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.check import divide_half_away
from amparo_rules.errors import RuleRefused
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.rule import Plan, read_rule
from amparo_rules.starter import starter

AS_OF = date(2026, 11, 1)


class Maker:
    """Makes random expressions of the language; some are refused by the checker, which is as it should be."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

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
            ]
        )

    def member_condition(self) -> str:
        return self.random.choice(
            [
                "disability",
                "is_head",
                f"age_under(birth_date, {self.random.randint(1, 80)})",
                f"age_at_least(birth_date, {self.random.randint(1, 80)}) and not disability",
                "unknown(birth_date) or known(disability, true)",
            ]
        )

    def rule(self) -> str:
        names = ["size", "a", "b", "total_a", "known(monthly_income, 7.5)", "known(rooms, 2)", "limit"]
        first, second = self.number(names, 3), self.number(names, 3)
        text = starter("food-basket").split("examples:")[0]
        head, _, _ = text.partition("parameters:")
        return (
            head
            + 'parameters: {limit: {value: "12.25", since: 2026-01-01, reference: none}}\n'
            + "inputs:\n  person: {birth_date: date, is_head: bool, disability: bool}\n"
            + "  household: {monthly_income: decimal, rooms: int}\n"
            + f"facts:\n  size: count(true)\n  a: count({self.member_condition()})\n  b: count({self.member_condition()})\n"
            + f"  total_a: total(flag({self.member_condition()}) * 2.5)\n"
            + f'let:\n  first: "{first}"\n  second: "{second}"\n'
            + "".join(
                f'require:\n  - id: one\n    when: "{self.condition([*names, "first", "second"], 2)}"\n'
                "    text: {en: x, es: x, fr: x, ar: x, pt: x}\n"
                for _ in range(1)
            )
            + f'amount: "least(100.00, greatest(0, round({self.number([*names, "first"], 2)}, 2)))"\n'
        )


def households(seed: int, count: int) -> list[Household]:
    pick = random.Random(seed)

    def maybe(value: int) -> int | None:
        return None if pick.random() < 0.2 else value

    def member(*, head: bool) -> dict[str, int | None]:
        born = maybe(pick.choice([pick.randint(-20_000, 20_700), 20_758 - 365 * pick.randint(0, 90)]))
        return {"birth_date": born, "is_head": int(head), "disability": maybe(pick.randint(0, 1))}

    return [
        Household(
            facts={
                "monthly_income": maybe(pick.choice([0, 1, 999, 100_000_000, pick.randint(0, 90_000)])),
                "rooms": maybe(pick.randint(0, 50)),
            },
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


@pytest.mark.parametrize(
    ("top", "bottom", "result"),
    [(5, 2, 3), (-5, 2, -3), (5, -2, -3), (-5, -2, 3), (4, 3, 1), (0, 7, 0), (1, 3, 0), (-1, 2, -1)],
)
def test_halves_are_rounded_away_from_zero(top: int, bottom: int, result: int) -> None:
    assert divide_half_away(top, bottom) == result
