"""Who lives in the invented district. The same seed gives the same people; all of them are invented."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from amparo.town import Name, Namer, generator
from amparo_office.register.models import BirthPrecision, Relationship
from amparo_office.register.sealing import Document, Dwelling, Identity
from amparo_office.register.sealing import Name as SealedName
from amparo_office.register.service import NewHousehold, NewIndividual
from amparo_rules.catalogue import days

TODAY = date(2026, 11, 1)
TWINS = 12
# Invented P-codes: no country has the letters XA.
AREAS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("XA", "", {"es": "Distrito inventado", "ar": "المقاطعة المتخيلة"}),
    ("XA01", "XA", {"es": "Ribera Norte", "ar": "الضفة الشمالية"}),
    ("XA02", "XA", {"es": "Sierra Sur", "ar": "الجبل الجنوبي"}),
    ("XA0101", "XA01", {"es": "El Olivo", "ar": "الزيتونة"}),
    ("XA0102", "XA01", {"es": "La Palma", "ar": "النخلة"}),
    ("XA0103", "XA01", {"es": "San Miguel", "ar": "سان ميغيل"}),
    ("XA0201", "XA02", {"es": "El Molino", "ar": "الطاحونة"}),
    ("XA0202", "XA02", {"es": "Las Flores", "ar": "الزهور"}),
)
VILLAGES = ("XA0101", "XA0102", "XA0103", "XA0201", "XA0202")
_STREETS = ("calle del Río", "calle Nueva", "plaza del Pozo", "camino de la Fuente", "calle del Sol")
# How a second clerk may have written the same name.
_SLIPS = (
    ("z", "s"),
    ("v", "b"),
    ("í", "i"),
    ("ll", "y"),
    ("é", "e"),
    ("á", "a"),
    ("h", ""),
    ("ou", "u"),
    ("q", "k"),
    ("i", "e"),
)
COLUMNS = (
    "hogar",
    "aldea",
    "idioma",
    "nombre",
    "apellidos",
    "parentesco",
    "nacimiento",
    "ingreso_mensual",
    "cuartos",
)


def households(seed: int, count: int) -> Iterator[NewHousehold]:
    """The households; behind them `TWINS` who were enrolled a second time, elsewhere and written otherwise."""
    made = [_household(generator(seed, "district", number)) for number in range(count)]
    yield from made
    step = max(1, count // TWINS)
    for number, home in enumerate(made[::step][:TWINS]):
        yield _again(home, generator(seed, "twin", number))


def _household(dice: Random) -> NewHousehold:
    namer, ages = Namer(dice), _ages(dice)
    members = [_person(dice, namer.name(), age, place) for place, age in enumerate(ages)]
    return NewHousehold(
        area=dice.choice(VILLAGES),
        language=namer.language,
        by_phone=dice.random() < 0.7,
        facts={
            "monthly_income": None
            if dice.random() < 0.05
            else int(100 * dice.lognormvariate(5.3, 0.7) * len(ages) ** 0.55),
            "rooms": None if dice.random() < 0.03 else max(1, round(dice.gauss(len(ages) / 2, 0.9))),
        },
        dwelling=Dwelling(address=f"{dice.choice(_STREETS)} {dice.randrange(1, 90)}"),
        members=members,
        primary=0,
        alternate=1 if len(members) > 1 and ages[1] >= 18 else None,
    )


def _ages(dice: Random) -> list[float]:
    head = dice.uniform(19, 80)
    ages = [head] + ([max(18.0, head + dice.gauss(-2, 5))] if dice.random() < 0.7 else [])
    return ages + [dice.uniform(0, min(22.0, max(1.0, head - 17))) for _ in range(min(int(dice.expovariate(0.4)), 6))]


def _person(dice: Random, name: Name, age: float, place: int) -> NewIndividual:
    born = TODAY - timedelta(days=int(age * 365.25))
    # One in twelve knows the year only, one in forty nothing.
    chance = dice.random()
    precision = (
        BirthPrecision.UNKNOWN if chance < 0.025 else BirthPrecision.YEAR if chance < 0.11 else BirthPrecision.DAY
    )
    given = date(born.year, 7, 1) if precision == BirthPrecision.YEAR else born
    names = [SealedName(given=name.given, family=name.family, script="Latn")]
    if name.language == "ar" and name.other:
        first, _, family = name.other.partition(" ")
        names.append(SealedName(given=first, family=family, script="Arab"))
    papers = (
        [Document(kind="national-id", number=f"X{dice.randrange(10**7):07d}")]
        if age >= 18 and dice.random() < 0.6
        else []
    )
    return NewIndividual(
        identity=Identity(
            names=names,
            documents=papers,
            telephone=f"+3460{dice.randrange(10**7):07d}" if place == 0 and dice.random() < 0.7 else "",
            language=name.language,
        ),
        relationship=(Relationship.HEAD, Relationship.WIFE_HUSBAND)[place].value
        if place < 2 and age >= 18
        else Relationship.SON_DAUGHTER.value,
        birth_date=None if precision == BirthPrecision.UNKNOWN else days(given),
        birth_precision=precision.value,
        facts={"disability": int(dice.random() < 0.05)},
    )


def _again(home: NewHousehold, dice: Random) -> NewHousehold:
    """The head of a household, alone, as another clerk wrote them down: another village, a slip in the name, no papers."""
    head = home.members[0]
    names = [
        SealedName(given=_slip(n.given, dice), family=_slip(n.family, dice), script=n.script)
        for n in head.identity.names
    ]
    twin = NewIndividual(
        identity=Identity(
            names=names,
            telephone=head.identity.telephone if dice.random() < 0.5 else "",
            language=head.identity.language,
        ),
        relationship=Relationship.HEAD.value,
        birth_date=head.birth_date,
        birth_precision=head.birth_precision,
        facts=head.facts,
    )
    elsewhere = dice.choice([each for each in VILLAGES if each != home.area])
    return NewHousehold(
        area=elsewhere,
        language=home.language,
        by_phone=False,
        facts={"monthly_income": None, "rooms": 1},
        members=[twin],
    )


def _slip(text: str, dice: Random) -> str:
    for right, wrong in dice.sample(_SLIPS, len(_SLIPS)):
        if right in text:
            return text.replace(right, wrong, 1)
    return text


def import_to_mend(seed: int, count: int = 60) -> bytes:
    """A village's list as a field team sends it: `count` households, seven rows with a fault each."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number in range(count):
        dice = generator(seed, "import", number)
        home = _household(dice)
        for place, person in enumerate(home.members):
            name = person.identity.names[0]
            born = (
                "" if person.birth_date is None else (date(1970, 1, 1) + timedelta(days=person.birth_date)).isoformat()
            )
            income, rooms = home.facts["monthly_income"], home.facts["rooms"]
            row = [
                f"OLV-{number + 1:03d}",
                home.area,
                home.language,
                name.given,
                name.family,
                person.relationship,
                born,
                "" if income is None else f"{income / 100:.2f}",
                "" if rooms is None else rooms,
            ]
            if place == 0 and number in FAULTS:
                column, value = FAULTS[number]
                row[COLUMNS.index(column)] = value
            writer.writerow(row)
    return file.getvalue().encode()


# Household of the list (from 0) -> the column and the value that cannot be taken.
FAULTS = {
    3: ("nacimiento", "31/02/1980"),
    9: ("ingreso_mensual", "ciento veinte"),
    17: ("aldea", "XA0109"),
    24: ("cuartos", "200"),
    31: ("nacimiento", "2062-05-14"),
    44: ("parentesco", "vecino"),
    52: ("nombre", ""),
}
