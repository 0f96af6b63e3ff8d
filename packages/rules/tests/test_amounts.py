"""Amounts that many people get: whole units only, and the cheapest bands in which nobody is one of few."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from amparo_rules.bands import BY_RULE, banded, cheapest_bands
from amparo_rules.errors import AmountTooFine
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.examples import check_examples
from amparo_rules.rule import ANY_DAY, RuleFile, read_rule
from amparo_rules.starter import NAMES, starter
from amparo_rules.step import AMOUNT_STEP, amount_step, check_step

FOOD = starter("food-basket")
HEAD, _, _ = FOOD.partition("examples:")
FORMULA = "least(150.00, round(32.00 + 6.00 * size + 12.00 * under5 + 15.00 * disabled, 0))"


def food(amount: str) -> RuleFile:
    return read_rule(HEAD.replace(FORMULA, amount))


def household(size: int, *, income: int | None, rooms: int, disabled: int) -> Household:
    members = [{"birth_date": None, "is_head": int(n == 0), "disability": int(n < disabled)} for n in range(size)]
    return Household(facts={"monthly_income": income, "rooms": rooms}, members=members)


HOMES = st.builds(
    household,
    st.integers(1, 9),
    income=st.none() | st.integers(0, 30_000),
    rooms=st.integers(0, 9),
    disabled=st.integers(0, 3),
)

# --- steps -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "step"), [("food-basket", 100), ("health-visit", 2_000)])
def test_the_starter_rules_give_whole_units(name: str, step: int) -> None:
    assert name in NAMES
    rule = read_rule(starter(name))
    check_step(rule)
    assert amount_step(rule) == step


@pytest.mark.parametrize(
    ("amount", "step"),
    [
        ("40.00", 4_000),
        ("0", 0),
        ("12.00 + 8.00 * size", 400),
        ("greatest(30.00, 45.00 - 15.00 * flag(disabled = 2))", 1_500),
        ("round(7.77 * size, 0)", 100),
        ("divide(60.00 * size, 3, 2)", 2_000),
        ("5 * known(rooms, 1)", 500),
        ("divide(1500, size, 0)", 100),
        ("round(round(7.77 * size, 0), 2)", 100),
    ],
)
def test_the_step_of_an_amount_is_read_off_its_expression(amount: str, step: int) -> None:
    rule = food(amount)
    assert amount_step(rule) == step
    check_step(rule)


@pytest.mark.parametrize(
    ("amount", "step"),
    [
        ("32.50 + 6.00 * size", 50),
        ("round(income_per_head, 1)", 10),
        ("greatest(0, 150.00 - least(150.00, known(monthly_income, 0)))", 1),
        ("divide(100.00, size, 2)", 1),
        ("least(150.05, 10.00 * size)", 5),
    ],
)
def test_a_rule_whose_amounts_could_mark_a_household_is_refused(amount: str, step: int) -> None:
    rule = food(amount)
    assert amount_step(rule) == step
    with pytest.raises(AmountTooFine, match=r"0\.\d\d.*1\.00"):
        check_step(rule)


NUMBERS = st.recursive(
    st.sampled_from(["size", "disabled", "known(rooms, 3)", "2.50", "6.00", "40", "0.05", "crowding", "12.25"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["least", "greatest"]), inner, inner),
        st.builds("round({}, {})".format, inner, st.integers(0, 2)),
        st.builds("divide({}, {}, {})".format, inner, st.sampled_from(["2", "4.00", "0.50"]), st.integers(0, 2)),
        st.builds("-({})".format, inner),
        st.builds("flag({} > 3) * 15.00".format, inner),
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(NUMBERS, st.lists(HOMES, min_size=5, max_size=5))
def test_the_step_divides_every_amount_that_the_rule_gives(number: str, homes: list[Household]) -> None:
    rule = food(f"greatest(0, least(900.00, round({number}, 2)))")
    step = amount_step(rule)
    plan = rule.plan(ANY_DAY)
    for home in homes:
        amount = evaluate(plan, home).amount
        assert amount == 0 if step == 0 else amount % step == 0


# --- bands -------------------------------------------------------------------------------------------------------------------


def test_the_cheapest_bands_are_found() -> None:
    # Lifting five from 40 to 41 costs less than lifting one from 41 to 60.
    assert cheapest_bands([40, 41, 60], [5, 1, 5], crowd=5) == [41, 60]
    assert cheapest_bands([40, 50, 60], [5, 1, 5], crowd=5) == [40, 60]
    # Of two groups that can be told apart, each needs its crowd.
    assert cheapest_bands([40, 41, 60], [[5, 1, 5], [0, 0, 5]], crowd=5) == [41, 60]
    assert cheapest_bands([40, 41, 60], [[5, 1, 5], [1, 0, 5]], crowd=5) == [60]


def test_a_group_smaller_than_the_crowd_gets_one_band() -> None:
    assert cheapest_bands([10, 20, 30], [[50, 50, 50], [1, 0, 1]], crowd=5) == [30]
    assert cheapest_bands([10, 20, 30], [[50, 50, 50], [0, 2, 0]], crowd=5) == [10, 20, 30]


COUNTS = st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=1, max_size=3)


def _price(amounts: list[int], counts: list[list[int]], ends: list[int], crowd: int) -> int | None:
    """What bands cost; None where somebody would be one of too few."""
    band = {amount: min(end for end in ends if end >= amount) for amount in amounts}
    for group in counts:
        crowds: Counter[int] = Counter()
        for amount, count in zip(amounts, group, strict=True):
            crowds[band[amount]] += count
        if any(0 < found < min(crowd, sum(group)) for found in crowds.values()):
            return None
    return sum(band[amount] * group[place] for group in counts for place, amount in enumerate(amounts))


@settings(deadline=None)
@given(COUNTS, st.integers(0, 20))
def test_no_other_bands_are_cheaper_and_nobody_is_one_of_too_few(counts: list[list[int]], crowd: int) -> None:
    amounts = [100, 150, 700, 800, 1_000]
    found = _price(amounts, counts, cheapest_bands(amounts, counts, crowd=crowd), crowd)
    every = [
        _price(amounts, counts, [*ends, 1_000], crowd) for size in range(5) for ends in combinations(amounts[:-1], size)
    ]
    assert found == min(price for price in every if price is not None)


def test_a_rule_with_bands_is_a_rule_whose_examples_come_true() -> None:
    rule = read_rule(banded(read_rule(FOOD), [5_000, 9_000, 15_000], version="2026.2"))
    check_examples(rule)
    check_step(rule)
    assert rule.text.version == "2026.2"
    assert [example.expect.amount for example in rule.text.examples] == ["90.00", "0.00", "0.00"]
    assert rule.text.let[BY_RULE] == FORMULA


@settings(deadline=None, max_examples=40)
@given(HOMES, st.lists(st.integers(1, 200), min_size=1, max_size=60, unique=True))
def test_bands_round_up_and_nobody_ever_gets_less(home: Household, ends: list[int]) -> None:
    bands = sorted(end * AMOUNT_STEP for end in ends)
    old = read_rule(FOOD)
    by_rule = evaluate(old.plan(ANY_DAY), home).amount
    raised = evaluate(read_rule(banded(old, bands, version="2")).plan(ANY_DAY), home).amount
    assert raised == (0 if by_rule == 0 else min((band for band in bands if band >= by_rule), default=by_rule))


@settings(deadline=None, max_examples=40)
@given(HOMES, st.lists(st.integers(1, 200), min_size=1, max_size=40, unique=True))
def test_a_rule_that_has_bands_gets_new_ones_in_their_place(home: Household, ends: list[int]) -> None:
    bands = sorted(end * AMOUNT_STEP for end in ends)
    first = read_rule(banded(read_rule(FOOD), [6_000, 15_000], version="2"))
    again = read_rule(banded(first, bands, version="3"))
    at_once = read_rule(banded(read_rule(FOOD), bands, version="3"))
    assume(evaluate(at_once.plan(ANY_DAY), home).amount > 0)
    assert again.rule_hash == at_once.rule_hash
