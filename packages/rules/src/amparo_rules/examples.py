"""The example households inside a rule file: people read them to know what the rule means, so they must come true."""

from datetime import date

from amparo_common.money import format_minor, parse_minor
from amparo_rules.errors import ExampleFails, RuleNotReadable
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.rule import Example, Plan, RuleFile


def check_examples(rule: RuleFile) -> None:
    """Raises `ExampleFails` unless every example gets the answer the file says; a rule needs a yes and a no."""
    answers = [bool(example.expect.failed) for example in rule.text.examples]
    if True not in answers or False not in answers:
        raise ExampleFails("A rule needs at least one example that gets aid and one that does not.")
    for example in rule.text.examples:
        _check(rule, example)


def example_household(rule: RuleFile, example: Example) -> tuple[Plan, Household]:
    """The rule on the example's day, and the household it is about. Raises `RuleNotReadable`, `FactOutOfRange`."""
    try:
        plan = rule.plan(date.fromisoformat(example.as_of))
    except ValueError as error:
        raise RuleNotReadable(f"The day of the example “{example.name}” cannot be read.") from error
    household = Household(
        facts={name: kind.parse(example.household.get(name, "")) for name, kind in plan.household_inputs.items()},
        members=[
            {name: kind.parse(member.get(name, "")) for name, kind in plan.person_inputs.items()}
            for member in example.members
        ],
    )
    return plan, household


def _check(rule: RuleFile, example: Example) -> None:
    outcome = evaluate(*example_household(rule, example))
    if outcome.failed != example.expect.failed or outcome.amount != parse_minor(example.expect.amount):
        got = ", ".join(outcome.failed) or f"amount {format_minor(outcome.amount)}"
        raise ExampleFails(f"The example “{example.name}” gives: {got}.")
