"""The reference evaluator: one household at a time, on Python integers. What a receipt check runs.

The SQL in `sql.py` computes the same for millions; `tests/test_engines_agree.py` holds the two together.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from amparo_rules.check import Node, divide_half_away
from amparo_rules.errors import FactOutOfRange
from amparo_rules.rule import MOST_MEMBERS, Plan

Facts = Mapping[str, int | None]


class Household(msgspec.Struct, frozen=True):
    """What a rule may see of one household: scaled integers by fact name, members in a fixed order."""

    facts: dict[str, int | None]
    members: list[dict[str, int | None]]


class Outcome(msgspec.Struct, frozen=True):
    """The result of one evaluation: every named step (scaled integers), the failed clauses' ids, the amount in minor
    units (0 when a clause failed)."""

    steps: dict[str, int]
    failed: list[str]
    amount: int

    @property
    def eligible(self) -> bool:
        """Whether every clause held."""
        return not self.failed


def evaluate(plan: Plan, household: Household) -> Outcome:
    """Decide one household. Raises `FactOutOfRange` when a fact breaks its catalogued range."""
    check_facts(plan, household)
    values: dict[str, int | None] = {name: household.facts.get(name) for name in plan.household_inputs}
    steps: dict[str, int] = {}
    for name, fact in plan.facts:
        values[name] = steps[name] = _aggregate(fact, household.members)
    for name, node in plan.steps:
        value = compute(node, values)
        values[name] = steps[name] = 0 if value is None else value
    failed = [clause.id for clause in plan.clauses if not compute(clause.when, values)]
    amount = 0 if failed else compute(plan.amount, values) or 0
    return Outcome(steps=steps, failed=failed, amount=amount)


def check_facts(plan: Plan, household: Household) -> None:
    """Raises `FactOutOfRange` unless every input is inside its catalogued range."""
    if not 1 <= len(household.members) <= MOST_MEMBERS:
        raise FactOutOfRange("A household has an impossible number of members.", why=f"1 to {MOST_MEMBERS}.")
    for name, kind in plan.household_inputs.items():
        kind.check(household.facts.get(name))
    for member in household.members:
        for name, kind in plan.person_inputs.items():
            kind.check(member.get(name))


def _aggregate(node: Node, members: Sequence[Facts]) -> int:
    inner = node.args[0]
    assert isinstance(inner, Node)  # noqa: S101 - built by rule.py, always a node
    if node.op == "count":
        return sum(1 for member in members if compute(inner, member))
    return sum(value for member in members if (value := compute(inner, member)) is not None)


def compute(node: Node, values: Facts) -> int | None:
    """The value of a node; None only where the node may be unknown."""
    if node.op == "column":
        return values[str(node.args[0])]
    if node.op == "const":
        return int(node.args[0])  # type: ignore[arg-type]  # a const holds an int
    if node.op in _LAZY:
        return _LAZY[node.op](node, values)
    inner = [compute(each, values) for each in node.nodes()]
    plain = [arg for arg in node.args if isinstance(arg, int)]
    return _STRICT[node.op](*inner, *plain)


def _age_under(born: int | None, cutoff: int) -> int:
    return int(born is not None and born > cutoff)


def _age_at_least(born: int | None, cutoff: int) -> int:
    return int(born is not None and born <= cutoff)


def _and(node: Node, values: Facts) -> int:
    return int(all(compute(each, values) for each in node.nodes()))


def _or(node: Node, values: Facts) -> int:
    return int(any(compute(each, values) for each in node.nodes()))


_LAZY: dict[str, Callable[[Node, Facts], int | None]] = {"and": _and, "or": _or}
_STRICT: dict[str, Callable[..., int | None]] = {
    "times": lambda a, factor: None if a is None else a * factor,
    "negative": lambda a: -a,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "least": lambda *each: min(each),
    "greatest": lambda *each: max(each),
    "round": divide_half_away,
    "divide": divide_half_away,
    "flag": int,
    "truth": lambda a: int(a == 1),
    "not": lambda a: int(not a),
    "known": lambda a, default: default if a is None else a,
    "unknown": lambda a: int(a is None),
    "age_under": _age_under,
    "age_at_least": _age_at_least,
    "=": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
}
