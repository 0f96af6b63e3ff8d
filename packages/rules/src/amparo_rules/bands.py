"""Amounts rounded up to a few bands, so that everybody is one of many with the same amount: the cheapest bands that do.

A till, and a mint that was changed, see amounts. Who alone gets an amount is known by it, whatever is blinded. Nobody gets
less than by the rule, and bands change nothing by themselves: `banded` writes them into the text of a new version, which
counts like every rule after its notice period in the public log. Pure.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import yaml

from amparo_rules.evaluate import evaluate
from amparo_rules.examples import example_household
from amparo_rules.rule import Example, ExampleAnswer, RuleFile, RuleText, read_rule

_NEVER = 1 << 60
# The step that holds what the rule gave before its bands, and the lines of the table; a rule with bands is banded anew.
BY_RULE, _TABLE = "by_rule", "band_table_"
# An expression has at most 400 words and signs; a line of the table has ten.
_LINES = 36


def cheapest_bands(amounts: Sequence[int], counts: npt.ArrayLike, *, crowd: int) -> list[int]:
    """The upper ends, ascending, of the bands that cost least among those in which nobody is one of fewer than `crowd`.

    `amounts` are different amounts in minor units, ascending; `counts` says how many get each: a row for every group that can
    be told apart (a form, a month), a column for every amount. A group with fewer people than `crowd` gets one band."""
    table = np.asarray(counts, dtype=np.int64).reshape(-1, len(amounts))
    sums = np.concatenate([np.zeros((len(table), 1), dtype=np.int64), np.cumsum(table, axis=1)], axis=1)
    needed = np.minimum(crowd, sums[:, -1])[:, None]
    cost, start = [0], [0]
    for end, value in enumerate(amounts, start=1):
        inside = sums[:, end, None] - sums[:, :end]
        enough = ((inside == 0) | (inside >= needed)).all(axis=0)
        price = np.where(enough, np.array(cost) + inside.sum(axis=0) * value, _NEVER)
        start.append(int(np.argmin(price)))
        cost.append(min(int(price[start[end]]), _NEVER))
    ends, end = [], len(amounts)
    while end > 0:
        ends.append(int(amounts[end - 1]))
        end = start[end]
    return ends[::-1]


def banded(rule: RuleFile, bands: Sequence[int], *, version: str) -> str:
    """The rule file of a new version with these bands (minor units, ascending), to be read, checked and published: the rule as
    it is becomes the step `by_rule`, the amount the upper end of its band. Above the last band the rule's own amount stays.
    Comments of the file are lost. Raises the errors of `read_rule`."""
    steps = {name: text for name, text in rule.text.let.items() if not name.startswith(_TABLE)}
    steps.setdefault(BY_RULE, rule.text.amount)
    tables = _tables(bands)
    steps |= {f"{_TABLE}{number}": text for number, text in enumerate(tables, start=1)}
    amount = f"greatest({', '.join([BY_RULE, *(name for name in steps if name.startswith(_TABLE))])})"
    text = msgspec.structs.replace(rule.text, version=version, let=steps, amount=amount, examples=[])
    new = read_rule(_written(text), rule.defined)
    return _written(msgspec.structs.replace(text, examples=[_expected(new, each) for each in rule.text.examples]))


def _tables(bands: Sequence[int]) -> list[str]:
    """Each line: whoever would get more than the band below gets this one."""
    below = [0, *bands[:-1]]
    lines = [f"flag({BY_RULE} > {_major(low)}) * {_major(high)}" for low, high in zip(below, bands, strict=True)]
    # greatest() takes two numbers at least.
    return [f"greatest(0, {', '.join(lines[at : at + _LINES])})" for at in range(0, len(lines), _LINES)]


def _major(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def _expected(rule: RuleFile, example: Example) -> Example:
    """The example with what the household gets now."""
    plan, household = example_household(rule, example)
    outcome = evaluate(plan, household)
    answer = ExampleAnswer(failed=outcome.failed, amount=_major(outcome.amount))
    return msgspec.structs.replace(example, expect=answer)


def _written(text: RuleText) -> str:
    """A rule as its file. Fields that are as by default are left out."""
    content: dict[str, Any] = msgspec.to_builtins(text)
    for name in ("let", "parameters", "examples"):
        if not content[name]:
            del content[name]
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
