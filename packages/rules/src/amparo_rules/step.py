"""The step of amounts: what all amounts of a rule are multiples of, found without evaluating anything.

A rule whose amounts go down to single cents (a share of an income, say) gives nearly every household an amount of its own, and
an amount that nobody else gets is as good as a name wherever it is paid or claimed. A rule is therefore published only if its
amounts are whole units of `AMOUNT_STEP`. Why this size: decision 0019. A rule that is in the log already stays what it is.
"""

import math
from collections.abc import Callable, Mapping

from amparo_common.money import format_minor
from amparo_rules.check import Node
from amparo_rules.errors import AmountTooFine
from amparo_rules.rule import ANY_DAY, RuleFile

# Minor units. The language rounds to whole units with round(…, 0).
AMOUNT_STEP = 100

Steps = Mapping[str, int]


def check_step(rule: RuleFile) -> None:
    """Raises `AmountTooFine` unless every amount the rule could ever give is a multiple of `AMOUNT_STEP` minor units."""
    found = amount_step(rule)
    if found % AMOUNT_STEP:
        raise AmountTooFine(
            f"The amounts go in steps of {format_minor(found)}; they have to be multiples of {format_minor(AMOUNT_STEP)}."
        )


def amount_step(rule: RuleFile) -> int:
    """The largest number of minor units that divides every amount, as far as the form of the expressions shows it; 0 when
    the amount is always 0."""
    plan = rule.plan(ANY_DAY)
    known: dict[str, int] = {}
    for name, node in [*plan.facts, *plan.steps]:
        known[name] = _step(node, known)
    return _step(plan.amount, known)


def _step(node: Node, known: Steps) -> int:
    """What divides every value of a node (a scaled integer); 1 where nothing more is known."""
    if node.op == "column":
        return known.get(str(node.args[0]), 1)
    if node.op == "const":
        return abs(int(node.args[0]))  # type: ignore[arg-type]  # a const holds an int
    inner = [_step(each, known) for each in node.nodes()]
    plain = [arg for arg in node.args if isinstance(arg, int)]
    rule = _RULES.get(node.op)
    return 1 if rule is None else rule(inner, plain, node)


def _divided(inner: list[int], by: int) -> int:
    """A quotient is exact, and so keeps what divides it, only where the divisor goes into the step."""
    return inner[0] // by if inner[0] % by == 0 else 1


def _quotient(inner: list[int], _plain: list[int], node: Node) -> int:
    under = node.nodes()[1]
    return _divided(inner, inner[1]) if under.op == "const" and inner[1] else 1


_RULES: dict[str, Callable[[list[int], list[int], Node], int]] = {
    "times": lambda inner, plain, _: inner[0] * plain[0],
    "*": lambda inner, _plain, _: inner[0] * inner[1],
    "round": lambda inner, plain, _: _divided(inner, plain[0]),
    "divide": _quotient,
    "total": lambda inner, _plain, _: inner[0],
} | dict.fromkeys(("+", "-", "negative", "least", "greatest", "known"), lambda inner, _plain, _: math.gcd(*inner))
