"""Invented households, fast: the demo town's columns and roughly its people, by numpy, for registers of a million.

Everything is invented; the same seed and number give the same files. Not the demo town itself (`amparo.town`), which makes
each household from a seed of its own and takes a minute for what is made here in seconds.
"""

from pathlib import Path
from typing import Any

import numpy as np

from amparo.town import MONTH, NAMES

BLOCK = 50_000
_YES_NO = np.array(["no", "sí"])
_HOUSEHOLDS = "hogar,telefono,ingreso_mensual,cuartos\n"
_INDIVIDUALS = "hogar,nombre,apellidos,nombre_arabe,idioma,nacimiento,jefatura,discapacidad\n"

Array = np.ndarray[Any, Any]


def write_households(households: Path, individuals: Path, *, count: int, seed: int) -> None:
    """Write the two CSV files of `count` households."""
    dice = np.random.default_rng(seed)
    with households.open("w", encoding="utf-8") as homes, individuals.open("w", encoding="utf-8") as people:
        homes.write(_HOUSEHOLDS)
        people.write(_INDIVIDUALS)
        for first in range(1, count + 1, BLOCK):
            numbers = np.arange(first, min(first + BLOCK, count + 1))
            ages, lives = _ages(dice, len(numbers))
            homes.write(_home_rows(dice, numbers, lives.sum(axis=1)))
            people.write(_person_rows(dice, numbers, ages, lives))


def _ages(dice: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Ages in years and whether the place is taken, for up to 11 places a household: head, partner, children, old parent."""
    head = dice.uniform(19, 82, count)
    partner = np.maximum(18, head + dice.normal(-2, 5, count))
    children = dice.uniform(0, 1, (count, 8)) * np.clip(head - 17, 1, 22)[:, None]
    parent = dice.uniform(66, 92, count)
    wanted = np.where(head < 62, np.minimum(dice.exponential(1 / 0.36, count), 8), dice.random(count) < 0.2).astype(int)
    lives = np.column_stack(
        [
            np.ones(count, dtype=bool),
            dice.random(count) < 0.7,
            np.arange(8)[None, :] < wanted[:, None],
            dice.random(count) < 0.12,
        ]
    )
    return np.column_stack([head, partner, children, parent]), lives


def _home_rows(dice: np.random.Generator, numbers: Array, sizes: Array) -> str:
    count = len(numbers)
    phones = _YES_NO[(dice.random(count) < 0.7).astype(int)]
    incomes = dice.lognormal(5.3, 0.7, count) * sizes**0.55
    rooms = np.maximum(1, np.rint(dice.normal(sizes / 2, 0.9))).astype(int)
    columns = (numbers, phones, incomes, dice.random(count) < 0.03, rooms, dice.random(count) < 0.02)
    return "".join(
        f"H{number:07d},{phone},{'' if no_income else f'{income:.2f}'},{'' if no_rooms else room}\n"
        for number, phone, income, no_income, room, no_rooms in zip(*(each.tolist() for each in columns), strict=True)
    )


def _person_rows(dice: np.random.Generator, numbers: Array, ages: Array, lives: Array) -> str:
    home, place = np.nonzero(lives)
    count = len(home)
    born = (np.datetime64(MONTH) - (ages[home, place] * 365.25).astype("timedelta64[D]")).astype(str)
    born[dice.random(count) < 0.02] = ""
    arabic = (dice.random(len(numbers)) < 0.25)[home]
    families = dice.integers(0, 1 << 30, (len(numbers), 2))[home]
    columns = (
        numbers[home],
        arabic,
        dice.integers(0, 1 << 30, count),
        families[:, 0],
        families[:, 1],
        born,
        _YES_NO[(place == 0).astype(int)],
        _YES_NO[(dice.random(count) < 0.04).astype(int)],
    )
    return "".join(
        f"H{number:07d},{_name(is_arabic, given, one, two)},{birth},{head},{disabled}\n"
        for number, is_arabic, given, one, two, birth, head, disabled in zip(
            *(each.tolist() for each in columns), strict=True
        )
    )


def _name(arabic: bool, given: int, one: int, two: int) -> str:  # noqa: FBT001 - one cell of a row beside the others
    """The four cells of a name, as the town writes them."""
    language = "ar" if arabic else "es"
    first_names, families = NAMES[f"given_{language}"], NAMES[f"family_{language}"]
    first, family = first_names[given % len(first_names)], families[one % len(families)]
    if arabic:
        return f"{first[0]},{family[0]},{first[1]} {family[1]},ar"
    return f"{first[0]},{family[0]} {families[two % len(families)][0]},{first[1]},es"
