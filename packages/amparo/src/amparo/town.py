"""The invented town: households, people and shops made from a seed, written as the CSV files a field team would send.

Everything here is invented; the same seed gives the same town. About a quarter of the households have Arabic as their first
language, with names in both scripts; about three in ten have no phone. Nothing secret comes from this module.
"""

import csv
import io
import random
from datetime import date, timedelta
from importlib import resources

import msgspec
import yaml

MONTH = date(2026, 10, 1)


NAMES = yaml.safe_load(resources.files(__package__).joinpath("names.yaml").read_text(encoding="utf-8"))

FOOD, MEDICINE = "usd", "usd-medicine"
SHOPS, PHARMACIES = 20, 4


class Name(msgspec.Struct, frozen=True):
    """A person's name as a card shows it."""

    given: str
    family: str
    other: str
    language: str


class InventedShop(msgspec.Struct, frozen=True):
    """A shop to accredit."""

    name: str
    account: str
    units: list[str]


class TownFiles(msgspec.Struct, frozen=True):
    """The town as two CSV files."""

    households: bytes
    individuals: bytes


def generator(seed: int, *labels: object) -> random.Random:
    """Repeatable randomness for one thing of the story, independent of the order in which things happen."""
    return random.Random(":".join(str(each) for each in (seed, *labels)))  # noqa: S311 - a story, no secret


class Namer:
    """Invents the names of one household: one language, one family name, given names as they come."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.language = "ar" if dice.random() < 0.25 else "es"
        self._given, families = NAMES[f"given_{self.language}"], NAMES[f"family_{self.language}"]
        first, second = dice.choice(families), dice.choice(families)
        # Two family names in Spanish, one in Arabic.
        self._family = first if self.language == "ar" else [f"{first[0]} {second[0]}", ""]

    def name(self) -> Name:
        """The next person's name."""
        given = self._dice.choice(self._given)
        other = f"{given[1]} {self._family[1]}".strip()
        return Name(given=given[0], family=self._family[0], other=other, language=self.language)


def make_town(seed: int, households: int) -> TownFiles:
    """The town's two files. Same seed and size, same bytes."""
    homes: list[list[object]] = []
    people: list[list[object]] = []
    for number in range(1, households + 1):
        dice = generator(seed, "household", number)
        ref, namer = f"H{number:06d}", Namer(dice)
        ages = _ages(dice)
        income = "" if dice.random() < 0.03 else f"{dice.lognormvariate(5.3, 0.7) * len(ages) ** 0.55:.2f}"
        rooms = "" if dice.random() < 0.02 else max(1, round(dice.gauss(len(ages) / 2, 0.9)))
        homes.append([ref, "sí" if dice.random() < 0.7 else "no", income, rooms])
        for place, age in enumerate(ages):
            name = namer.name()
            born = "" if dice.random() < 0.02 else (MONTH - timedelta(days=int(age * 365.25))).isoformat()
            disabled = "sí" if dice.random() < 0.04 else "no"
            head = "sí" if place == 0 else "no"
            people.append([ref, name.given, name.family, name.other, name.language, born, head, disabled])
    return TownFiles(
        households=_csv(["hogar", "telefono", "ingreso_mensual", "cuartos"], homes),
        individuals=_csv(
            ["hogar", "nombre", "apellidos", "nombre_arabe", "idioma", "nacimiento", "jefatura", "discapacidad"], people
        ),
    )


def _ages(dice: random.Random) -> list[float]:
    """Ages in years, the head first."""
    head = dice.uniform(19, 82)
    ages = [head]
    if dice.random() < 0.7:
        ages.append(max(18.0, head + dice.gauss(-2, 5)))
    children = min(int(dice.expovariate(0.36)), 8) if head < 62 else int(dice.random() < 0.2)
    ages += [dice.uniform(0, min(22.0, max(1.0, head - 17))) for _ in range(children)]
    if dice.random() < 0.12:
        ages.append(dice.uniform(66, 92))
    return ages


def _csv(header: list[str], rows: list[list[object]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()


def make_shops(seed: int) -> list[InventedShop]:
    """Twenty shops; the last four are pharmacies, which alone take medicine aid."""
    found = []
    for number in range(SHOPS):
        dice = generator(seed, "shop", number)
        pharmacy = number >= SHOPS - PHARMACIES
        kind = "Farmacia" if pharmacy else dice.choice(NAMES["shops"])
        found.append(
            InventedShop(
                name=f"{kind} {dice.choice(NAMES['streets'])} {number + 1}",
                account=_account(dice),
                units=[MEDICINE] if pharmacy else [FOOD],
            )
        )
    return found


def _account(dice: random.Random) -> str:
    """An invented Spanish account number with right check digits (ISO 13616)."""
    number = f"9999{dice.randrange(10**16):016d}"
    check = 98 - int(number + "142800") % 97
    return f"ES{check:02d}{number}"
