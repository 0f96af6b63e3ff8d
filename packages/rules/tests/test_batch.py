"""Batches share one engine and nothing else: each evaluation sees its own households, one after another and at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import duckdb
import numpy as np
import pytest

from amparo_rules.batch import Columns, Outcomes, _engine, column, evaluate_batch
from amparo_rules.rule import read_rule
from amparo_rules.starter import starter

PLAN = read_rule(starter("food-basket")).plan(date(2026, 11, 1))


def evaluated(incomes: list[int]) -> Outcomes:
    """One-person households with these monthly incomes, in hundredths, decided."""
    count = len(incomes)
    rooms, people = PLAN.household_inputs["rooms"], PLAN.person_inputs
    columns = Columns(
        count=count,
        household={
            "monthly_income": column(list(incomes), PLAN.household_inputs["monthly_income"]),
            "rooms": column([1] * count, rooms),
        },
        owner=np.arange(count, dtype=np.int64),
        person={
            "birth_date": column([0] * count, people["birth_date"]),
            "is_head": column([1] * count, people["is_head"]),
            "disability": column([0] * count, people["disability"]),
        },
    )
    return evaluate_batch(PLAN, columns)


def test_a_batch_keeps_nothing_of_the_one_before() -> None:
    first = evaluated([100, 99_999, 100])
    assert first.failed == [0, 2, 0]
    assert evaluated([99_999]).failed == [2]
    assert evaluated([100, 99_999, 100]) == first


def test_batches_evaluated_at_once_do_not_meet() -> None:
    incomes = [[100 * (place + 1)] * (50 * (place + 1)) for place in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for asked, found in zip(incomes, pool.map(evaluated, incomes), strict=True):
            assert found.steps["income_per_head"] == asked


def test_the_shared_engine_keeps_its_doors_locked() -> None:
    evaluated([100])
    with _engine(2).cursor() as cursor:
        with pytest.raises(duckdb.PermissionException):
            cursor.execute(f"SELECT * FROM read_text('{__file__}')")
        with pytest.raises(duckdb.InvalidInputException):
            cursor.execute("SET enable_external_access = true")
        with pytest.raises(duckdb.InvalidInputException):
            cursor.execute("SET threads = 1")
