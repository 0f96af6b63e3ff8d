"""A household survey as a field team sends it: two CSV files, some rows with a slip, some people written down twice.

The rows are the first of the World Bank's synthetic survey of `shared/data` where it is there, otherwise an invented survey of the
same shape. It has no names; names and telephones are invented here. What is wrong with which household, and what is right, is known
to the test.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from random import Random

import pyreadstat

from amparo.town import Namer, generator

HOUSEHOLDS = 220
SHARED = Path(__file__).parents[3] / "shared/data/worldbank-synthetic-survey"
SEED = 7
Row = dict[str, str]

# What was written in place of what is right: place of the household -> table, column, what was written.
# Two heads of households who are one person, written down twice; and two whose names are the same and no more.
TYPED_TWICE, SAME_NAME = (10, 60), (30, 90)
RIGHT_SPELLING, SLIP_OF_A_PEN, NAMESAKES = "Zambrano Izquierdo", "Sambrano Isquierdo", "Montesinos Urrutia"
# The head of a household who asks to be erased.
LEAVES, LEAVER = 150, "Quintanilla Bolívar"
SLIPS = {
    4: ("people", "age", "3O"),
    19: ("people", "telephone", "ask the neighbour"),
    47: ("homes", "rooms", "-2"),
    83: ("people", "relation", "Chief"),
    131: ("homes", "tot_exp", "about 5000"),
}


@dataclass
class Survey:
    """The two tables. `right`: household -> table, column and what should stand there."""

    homes: list[Row]
    people: list[Row]
    real: bool
    right: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """As two files."""
        found = folder / "households.csv", folder / "individuals.csv"
        for path, rows in zip(found, (self.homes, self.people), strict=True):
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        return found

    def write_areas(self, folder: Path) -> Path:
        """The areas that the households name, as a nation's table of P-codes."""
        first = sorted({home["geo1"] for home in self.homes})
        pairs = sorted({(home["geo1"], home["geo2"]) for home in self.homes})
        path = folder / "areas.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["ADM2_EN", "ADM2_PCODE", "ADM1_EN", "ADM1_PCODE", "ADM0_EN", "ADM0_PCODE"])
            for number, (around, name) in enumerate(pairs, start=1):
                code = f"XS{first.index(around) + 1:02d}"
                writer.writerow([name, f"{code}{number:03d}", around, code, "Synthetic", "XS"])
        return path


def survey() -> Survey:
    """The survey with names, two people who were written down twice, and slips."""
    real = SHARED.is_dir()
    homes, people = _real() if real else _invented()
    by_home = {ref: list(rows) for ref, rows in groupby(people, lambda row: row["hid"])}
    for number, home in enumerate(homes):
        _name(home, by_home[home["hid"]], number)
    heads = [by_home[home["hid"]][0] for home in homes]
    for first, second in (TYPED_TWICE, SAME_NAME):
        heads[second] |= {name: heads[first][name] for name in ("sex", "age", "given_name", "family_name")}
    heads[TYPED_TWICE[1]] |= {"family_name": SLIP_OF_A_PEN, "telephone": heads[TYPED_TWICE[0]]["telephone"]}
    heads[TYPED_TWICE[0]]["family_name"] = RIGHT_SPELLING
    for place in SAME_NAME:
        heads[place]["family_name"] = NAMESAKES
    heads[LEAVES]["family_name"] = LEAVER
    found = Survey(homes, people, real)
    for place, (table, column, written) in SLIPS.items():
        row = homes[place] if table == "homes" else heads[place]
        found.right[row["hid"]] = (table, column, row[column])
        row[column] = written
    return found


def _real() -> tuple[list[Row], list[Row]]:
    homes = list(_stata("HLD"))[:HOUSEHOLDS]
    chosen = {home["hid"] for home in homes}
    return homes, [person for person in _stata("IND") if person["hid"] in chosen]


def _stata(table: str) -> Iterator[Row]:
    """The rows with the words for their codes, as Stata itself exports them."""
    path = SHARED / f"WLD_2023_SYNTH-SVY-{table}-EN_v01_M.dta"
    columns, about = pyreadstat.read_dta(path, output_format="dict")
    labels = about.variable_value_labels
    for cells in zip(*columns.values(), strict=True):
        row = zip(columns, cells, strict=True)
        yield {name: "" if cell is None else str(labels.get(name, {}).get(cell, cell)) for name, cell in row}


def _invented() -> tuple[list[Row], list[Row]]:
    """Invented rows with the columns of the survey that a reader of it meets: what is read, what is not, what may never be."""
    dice, homes, people = Random(SEED), [], []
    for number in range(HOUSEHOLDS):
        ref, size = f"{number:03x}{dice.randrange(16**8):08x}", dice.choice((1, 2, 3, 4, 4, 5, 6))
        head = dice.randrange(22, 75)
        homes.append(
            {
                "hid": ref,
                "geo1": f"geo_{number % 10 + 1:02d}",
                "geo2": f"geo_{number % 60 + 1:02d}",
                "urbrur": dice.choice(("Rural", "Urban")),
                "hhsize": str(size),
                "rooms": str(dice.randrange(1, 7)),
                "floor": dice.choice(("Earth", "Tile", "Wood")),
                "water": "Piped into dwelling",
                "phone": dice.choice(("No", "Yes")),
                "cell": dice.choice(("No", "Yes")),
                "tot_exp": str(dice.randrange(800, 30_000)),
                "hhweight": f"{dice.uniform(100, 400):.6f}",
            }
        )
        for place in range(size):
            age = head if place == 0 else max(16, head - dice.randrange(9)) if place == 1 else dice.randrange(head - 16)
            people.append(
                {
                    "hid": ref,
                    "idno": str(place + 1),
                    "relation": ("Head", "Spouse/partner", "Child")[min(place, 2)],
                    "sex": dice.choice(("Male", "Female")),
                    "age": str(age),
                    "religion": dice.choice(("Religion A", "Religion B")),
                    "literacy": "Yes",
                    "disability": "Has disability" if dice.random() < 0.05 else "No disability",
                    "mental": "No",
                }
            )
    return homes, people


def _name(home: Row, people: list[Row], number: int) -> None:
    dice = generator(SEED, "survey", number)
    namer = Namer(dice)
    for place, person in enumerate(people):
        name = namer.name()
        has_phone = place == 0 and (home["cell"] == "Yes" or number in (*TYPED_TWICE, *SAME_NAME))
        person |= {
            "given_name": name.given,
            "family_name": name.family,
            "telephone": f"0412-555{number:04d}" if has_phone else "",
        }
