"""Evaluate a rule for many households at once, in DuckDB with its doors locked: no files, no network, no settings.

One DuckDB serves the whole process, because opening one takes as long as a chunk of 20,000 households; every evaluation has
a cursor of its own, whose tables no other one sees, so threads may evaluate at the same time. Columns are numpy arrays
(int64, or masked where unknown). The result has the same order as the households given.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from amparo_rules.catalogue import FactType
from amparo_rules.rule import Plan
from amparo_rules.sql import query

Column = np.ma.MaskedArray[Any, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Facts of many households. `owner[i]` is the place (0-based) of the household that person i belongs to."""

    count: int
    household: Mapping[str, Column]
    owner: np.ndarray[Any, Any]
    person: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Results by household place: each step's scaled integers, the failed-clause bits, the amount in minor units."""

    steps: Mapping[str, list[int]]
    failed: list[int]
    amount: list[int]


def column(values: list[int | None], kind: FactType) -> Column:
    """A list of scaled integers as the array the batch wants. Values outside the catalogued range raise
    `FactOutOfRange`: what a rule computes on is always inside the ranges it was checked for."""
    unknown = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    known = np.fromiter((0 if value is None else value for value in values), dtype=np.int64, count=len(values))
    checked = known[~unknown]
    if (unknown.any() and not kind.nullable) or (
        checked.size and (checked.min() < kind.min or checked.max() > kind.max)
    ):
        for value in values:
            kind.check(value)
    return np.ma.MaskedArray(known.astype(bool) if kind.kind == "bool" else known, mask=unknown)


def evaluate_batch(plan: Plan, columns: Columns, *, threads: int = 2) -> Outcomes:
    """The outcomes of all households, the same as `evaluate` gives one by one."""
    with _engine(threads).cursor() as connection:
        household = {f"h_{name}": columns.household[name] for name in plan.household_inputs}
        person = {f"p_{name}": columns.person[name] for name in plan.person_inputs}
        connection.register("household", {"id": np.arange(columns.count, dtype=np.int64)} | household)
        connection.register("person", {"household": columns.owner} | person)
        found = connection.execute(f"{query(plan)} ORDER BY id").fetchnumpy()
    steps = {name: found[f"s_{name}"].tolist() for name, _ in plan.facts + plan.steps}
    return Outcomes(steps=steps, failed=found["failed"].tolist(), amount=found["amount"].tolist())


@functools.cache
def _engine(threads: int) -> duckdb.DuckDBPyConnection:
    """The process's DuckDB with so many threads. It holds no table: those stand in the cursors and go with them."""
    engine = duckdb.connect(
        ":memory:",
        config={"enable_external_access": "false", "threads": str(threads), "preserve_insertion_order": "false"},
    )
    engine.execute("SET lock_configuration = true")
    return engine
