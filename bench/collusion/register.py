"""The households of a game and what the programme's own rule gives them, month by month."""

import csv
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.rule import Plan, read_rule
from amparo_rules.starter import starter
from bench.collusion.coins import Flags, Ints
from bench.made_households import write_households

_FIRST_MONTH, _DAY = 11, 9
_HOUSEHOLD_COLUMNS = {"monthly_income": "ingreso_mensual", "rooms": "cuartos"}
_PERSON_COLUMNS = {"birth_date": "nacimiento", "is_head": "jefatura", "disability": "discapacidad"}
_YES = {"sí": "yes", "no": "no"}

Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Register:
    """What the office knows: amounts in minor units (households x months, 0 for none), and who has no phone."""

    amounts: Ints
    paper: Flags


def make_register(programme: str, *, households: int, months: int, seed: int) -> Register:
    """Invented households, decided by the starter rule `programme`."""
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
        homes, people = Path(folder) / "homes.csv", Path(folder) / "people.csv"
        write_households(homes, people, count=households, seed=seed)
        home_rows, person_rows = _rows(homes), _rows(people)
    places = {row["hogar"]: place for place, row in enumerate(home_rows)}
    owner = np.array([places[row["hogar"]] for row in person_rows])
    rule = read_rule(starter(programme))
    decided = [
        evaluate_batch(plan, _columns(plan, home_rows, person_rows, owner), threads=1).amount
        for plan in (rule.plan(_first_day(month)) for month in range(months))
    ]
    return Register(
        amounts=np.array(decided, dtype=np.int64).T, paper=np.array([row["telefono"] == "no" for row in home_rows])
    )


def _first_day(month: int) -> date:
    years, months = divmod(_FIRST_MONTH - 1 + month, 12)
    return date(2026 + years, months + 1, _DAY)


def _rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _columns(plan: Plan, homes: Rows, people: Rows, owner: Ints) -> Columns:
    return Columns(
        count=len(homes),
        household={
            name: column([kind.parse(row[_HOUSEHOLD_COLUMNS[name]]) for row in homes], kind)
            for name, kind in plan.household_inputs.items()
        },
        owner=owner,
        person={
            name: column([kind.parse(_said(row[_PERSON_COLUMNS[name]])) for row in people], kind)
            for name, kind in plan.person_inputs.items()
        },
    )


def _said(cell: str) -> str:
    return _YES.get(cell, cell)
