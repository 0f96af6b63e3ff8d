"""Reading, checking and hashing rule files, and what is refused before a rule can do harm."""

from datetime import date

import pytest

from amparo_rules.errors import (
    ExampleFails,
    FactOutOfRange,
    ForbiddenConcept,
    RuleNotReadable,
    RuleRefused,
    UnknownFact,
)
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.examples import check_examples
from amparo_rules.rule import read_rule
from amparo_rules.starter import NAMES, starter
from amparo_rules.syntax import parse

FOOD = starter("food-basket")


@pytest.mark.parametrize("name", NAMES)
def test_the_starter_rules_are_valid_and_their_examples_come_true(name: str) -> None:
    check_examples(read_rule(starter(name)))


def test_layout_and_comments_do_not_change_the_hash_and_one_number_does() -> None:
    rule = read_rule(FOOD)
    assert read_rule("# a comment\n" + FOOD.replace("6.00 * size", "6.00   *  size")).rule_hash == rule.rule_hash
    assert read_rule(FOOD.replace("6.00 * size", "6.01 * size")).rule_hash != rule.rule_hash
    assert read_rule(FOOD.replace("Exactly one head", "Just one head")).rule_hash != rule.rule_hash


def test_an_example_that_does_not_come_true_is_refused() -> None:
    with pytest.raises(ExampleFails, match=r"74\.00"):
        check_examples(read_rule(FOOD.replace('amount: "74.00"', 'amount: "75.00"')))


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("size, 2)", "under5, 2)", RuleRefused, "divisor could be 0"),
        ("known(monthly_income, 0)", "monthly_income", RuleRefused, "may be unknown"),
        ("least(150.00,", "greatest(150.00, 99999999.00 *", RuleRefused, "out of bounds"),
        ("heads = 1", "heads", RuleRefused, "condition is needed"),
        ("heads = 1", "heads = 1 = 1", RuleNotReadable, "chained"),
        ("count(true)", "count(yes)", RuleRefused, "not known"),
        ("count(disability)", "count(unknown(is_head))", RuleRefused, "always known"),
        ("notice_days: 7", "notice_days: 6", RuleRefused, "notice period"),
        ("monthly_income: decimal", "monthly_income: int", UnknownFact, "catalogue"),
        ("rooms: int}", "rooms: int, religion: int}", ForbiddenConcept, "religion"),
        ("rooms: int}", "rooms: int, partido: int}", ForbiddenConcept, "party"),
        ("rooms: int}", "rooms: int, shoe_size: int}", UnknownFact, "is not in the catalogue"),
        ("  under5:", "  votes:", ForbiddenConcept, "vote"),
        ("      fr: Un seul chef de ménage est enregistré.\n", "", RuleNotReadable, "every language"),
        ("version:", "version: a\nversion:", RuleNotReadable, "written twice"),
        ("unit: usd\n", "unit: usd\nphone: 5\n", RuleNotReadable, "phone"),
        ("language: 1", "language: 3", RuleNotReadable, "language"),
        ('"2026.1"', r'"\UFFFFFFFF"', RuleNotReadable, "not YAML"),
        ('"2026.1"', r'"\U00110000"', RuleNotReadable, "not YAML"),
        ("unit: usd", "unit: &a usd", RuleNotReadable, "anchors"),
        ("unit: usd", "unit: !!str usd", RuleNotReadable, "tags"),
    ],
)
def test_a_rule_that_could_go_wrong_is_refused_with_the_reason(
    old: str, new: str, error: type[Exception], words: str
) -> None:
    assert old in FOOD
    with pytest.raises(error, match=words):
        read_rule(FOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "(1",
        "1 2",
        "a.b",
        "'x'",
        "1 / 2",
        "f(",
        "not",
        "((" * 300,
        "1" * 3000,
        "a" + "+a" * 300,
        "x; drop",
        "1.1234567",
        "\u0661 + 1",
    ],
)
def test_text_that_is_no_expression_is_refused_without_breaking_the_parser(text: str) -> None:
    with pytest.raises(RuleNotReadable):
        parse(text)


def test_binding_is_as_people_read_it() -> None:
    assert parse("1 + 2 * 3") == ["+", ["number", 1, 0], ["*", ["number", 2, 0], ["number", 3, 0]]]
    assert parse("not a and b or c")[0] == "or"
    assert parse("a - b - c") == ["-", ["-", ["name", "a"], ["name", "b"]], ["name", "c"]]


@pytest.mark.parametrize(
    ("born", "under"),
    [("2021-11-01", False), ("2021-11-02", True), ("2020-01-01", False), ("2026-10-31", True)],
)
def test_a_child_is_under_five_until_the_fifth_birthday(born: str, under: bool) -> None:
    plan = read_rule(starter("health-visit")).plan(date(2026, 11, 1))
    birth = plan.person_inputs["birth_date"].parse(born)
    outcome = evaluate(plan, Household(facts={}, members=[{"birth_date": birth}]))
    assert outcome.eligible is under


def test_somebody_born_on_the_29th_of_february_has_a_birthday_in_every_year() -> None:
    rule = read_rule(starter("health-visit"))
    for day, under in ((date(2025, 2, 28), True), (date(2025, 3, 1), False)):
        plan = rule.plan(day)
        birth = plan.person_inputs["birth_date"].parse("2020-02-29")
        assert evaluate(plan, Household(facts={}, members=[{"birth_date": birth}])).eligible is under


def test_a_household_out_of_range_is_an_error_and_never_a_refusal() -> None:
    plan = read_rule(starter("health-visit")).plan(date(2026, 11, 1))
    with pytest.raises(FactOutOfRange):
        evaluate(plan, Household(facts={}, members=[]))
    with pytest.raises(FactOutOfRange):
        evaluate(plan, Household(facts={}, members=[{"birth_date": 10**9}]))
