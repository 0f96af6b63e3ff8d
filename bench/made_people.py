"""Invented people for the bench of duplicates and for the published model: households with names in Spanish and Arabic, and some of
them registered a second time with the mistakes that registers are full of. Everything is invented; a seed gives the same people.
"""

import random
from datetime import date
from typing import Literal

import msgspec

from amparo_office.duplicates.compared import Birth, Compared, Place, compared
from amparo_office.register.sealing import Document, Identity, Name

Language = Literal["es", "ar", "both"]

_GIVEN_ES = [
    "María",
    "José",
    "Ana",
    "Luis",
    "Carmen",
    "Juan",
    "Rosa",
    "Carlos",
    "Luisa",
    "Miguel",
    "Elena",
    "Pedro",
    "Laura",
    "Jorge",
    "Marta",
    "Diego",
    "Lucía",
    "Andrés",
    "Sofía",
    "Manuel",
    "Valeria",
    "Ricardo",
    "Gabriela",
    "Fernando",
    "Patricia",
    "Alejandro",
    "Daniela",
    "Eduardo",
    "Isabel",
    "Rafael",
    "Teresa",
    "Francisco",
    "Claudia",
    "Antonio",
    "Silvia",
    "Javier",
    "Verónica",
    "Roberto",
    "Adriana",
    "Sergio",
    "Beatriz",
    "Raúl",
    "Lorena",
    "Óscar",
    "Natalia",
    "Héctor",
    "Paola",
    "Iván",
    "Yolanda",
    "Mario",
    "Gloria",
    "Alberto",
    "Cecilia",
    "Rubén",
    "Irene",
    "Guillermo",
    "Liliana",
    "Arturo",
    "Mónica",
    "Enrique",
    "Sandra",
    "Víctor",
    "Julia",
    "Ramón",
    "Esther",
    "Felipe",
    "Alicia",
    "Ernesto",
    "Cristina",
    "Gustavo",
    "Margarita",
    "Alfredo",
    "Leticia",
    "César",
    "Norma",
    "Hugo",
    "Pilar",
    "Tomás",
    "Inés",
    "Martín",
    "Graciela",
    "Ignacio",
    "Mercedes",
    "Joaquín",
    "Susana",
    "Nicolás",
    "Raquel",
    "Esteban",
    "Consuelo",
    "Samuel",
    "Josefina",
    "Agustín",
    "Ofelia",
    "Gonzalo",
    "Amparo",
    "Emilio",
    "Dolores",
    "Rodrigo",
    "Estela",
    "Simón",
]
_FAMILY_ES = [
    "García",
    "Rodríguez",
    "Martínez",
    "López",
    "Sánchez",
    "Pérez",
    "Gómez",
    "Fernández",
    "Torres",
    "Ramírez",
    "Flores",
    "Díaz",
    "Hernández",
    "González",
    "Morales",
    "Jiménez",
    "Vargas",
    "Castillo",
    "Romero",
    "Álvarez",
    "Rojas",
    "Mendoza",
    "Ruiz",
    "Moreno",
    "Gutiérrez",
    "Ortiz",
    "Silva",
    "Núñez",
    "Castro",
    "Herrera",
    "Medina",
    "Aguilar",
    "Vega",
    "Reyes",
    "Cruz",
    "Chávez",
    "Ramos",
    "Salazar",
    "Guzmán",
    "Delgado",
    "Campos",
    "Ríos",
    "Navarro",
    "Molina",
    "Suárez",
    "Domínguez",
    "Contreras",
    "Cabrera",
    "Figueroa",
    "Acosta",
    "Peña",
    "Miranda",
    "Paredes",
    "Valencia",
    "Cortés",
    "Mejía",
    "Soto",
    "Espinoza",
    "Lara",
    "Ponce",
    "Velázquez",
    "Sandoval",
    "Cárdenas",
    "Rivas",
    "Bravo",
    "Escobar",
    "Quintero",
    "Montoya",
    "Zapata",
    "Villalba",
    "Benítez",
    "Ibarra",
    "Carrasco",
    "Bustamante",
    "Arias",
    "Duarte",
    "Ojeda",
    "Toro",
    "Zambrano",
    "Lugo",
    "Briceño",
    "Urdaneta",
    "Colmenares",
    "Marcano",
    "Hidalgo",
    "Barrios",
    "Palacios",
    "Serrano",
    "Parra",
    "Blanco",
    "Marín",
    "Pacheco",
    "Guerrero",
    "Rincón",
    "Bermúdez",
    "Márquez",
    "Peralta",
    "Solano",
    "Trujillo",
    "Cordero",
    "Araujo",
]
# Latin spellings that are in use for one name, then the Arabic one.
_GIVEN_AR = """Mohamed/Muhammad/Mohammed محمد|Ahmad/Ahmed أحمد|Fatima/Fatma فاطمة|Maryam/Mariam مريم|Yusuf/Youssef/Yousef يوسف|
Aisha/Aicha عائشة|Omar/Umar عمر|Ali/Aly علي|Hasan/Hassan حسن|Hussein/Husayn/Hussain حسين|Ibrahim/Brahim إبراهيم|Khalid/Khaled خالد|
Mahmoud/Mahmud محمود|Mustafa/Moustafa مصطفى|Zaynab/Zeinab زينب|Khadija/Khadidja خديجة|Layla/Leila ليلى|Salma سلمى|Nour/Nur نور|
Samir سمير|Karim/Kareem كريم|Rashid/Rachid رشيد|Said/Saeed سعيد|Tariq/Tarek طارق|Walid/Waleed وليد|Ziad/Ziyad زياد|Jamal/Gamal جمال|
Abdullah/Abdallah عبد الله|Abdulrahman/Abdel-Rahman عبد الرحمن|Bilal بلال|Hamza حمزة|Ismail/Ismael إسماعيل|Musa/Moussa موسى|
Sara/Sarah سارة|Huda/Houda هدى|Amina/Amena أمينة|Rania رانيا|Dina دينا|Hanan حنان|Samira سميرة|Nadia نادية|Lubna لبنى|Amal أمل|
Imad/Emad عماد|Faisal/Faysal فيصل|Adnan عدنان|Bassam باسم|Ghassan غسان|Nabil نبيل|Sami سامي|Yasin/Yassine ياسين|Anwar أنور|
Rana رنا|Hiba/Heba هبة|Iman/Eman إيمان|Sumaya/Soumaya سمية|Wafa وفاء|Nawal نوال|Basma بسمة|Shirin شيرين"""
_FAMILY_AR = """Haddad حداد|Mansour/Mansur منصور|Khalil خليل|Nasser/Naser ناصر|Saleh/Salih صالح|Najjar نجار|Khoury/Khouri خوري|
Hamdan حمدان|Darwish/Darwich درويش|Shaheen/Chahine شاهين|Qasim/Kassem قاسم|Sabbagh صباغ|Halabi حلبي|Masri المصري|Shami الشامي|
Zaidan/Zeidan زيدان|Awad عوض|Barakat بركات|Jaber/Jabir جابر|Habib حبيب|Salem/Salim سالم|Othman/Osman عثمان|Yasin ياسين|Farah فرح|
Issa/Eissa عيسى|Hijazi/Hegazi حجازي|Tamimi التميمي|Bakri بكري|Rifai الرفاعي|Ghanem/Ghanim غانم|Atallah عطا الله|Sharif/Cherif شريف|
Murad/Mourad مراد|Odeh عودة|Badawi بدوي|Jundi الجندي|Khatib الخطيب|Dabbagh الدباغ|Sayegh صايغ|Kurdi الكردي|Fares/Faris فارس|
Zein زين|Hakim حكيم|Taha طه|Amin أمين|Rahal رحال|Sulaiman/Suleiman سليمان|Dawud/Daoud داود|Hariri حريري|Asad الأسد"""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_AREAS = 200


class Written(msgspec.Struct, frozen=True):
    """A name of the pools: its Latin spellings, its Arabic one ("" for Spanish names)."""

    latin: tuple[str, ...]
    arabic: str = ""


class Person(msgspec.Struct, frozen=True):
    """One registration. `truth` is the same for registrations of one person."""

    truth: int
    household: int
    is_head: bool
    identity: Identity
    birth: Birth
    area: str

    def as_compared(self, number: int, head: Name | None) -> Compared:
        """As the product compares it."""
        place = Place(self.household, self.area, self.area[:4], self.is_head, head)
        return compared(number, self.identity, self.birth, place)


def _arabic(pool: str) -> list[Written]:
    found = []
    for each in pool.replace("\n", "").split("|"):
        latin, _, arabic = each.strip().partition(" ")
        found.append(Written(tuple(latin.split("/")), arabic))
    return found


_POOLS = {
    "es": ([Written((each,)) for each in _GIVEN_ES], [Written((each,)) for each in _FAMILY_ES]),
    "ar": (_arabic(_GIVEN_AR), _arabic(_FAMILY_AR)),
}


class _Body(msgspec.Struct, frozen=True):
    """A real person behind registrations."""

    truth: int
    language: str
    given: list[Written]
    family: list[Written]
    born: date
    paper: str
    telephone: str


def registrations(count: int, *, seed: int, language: Language = "both", share: float = 0.06) -> list[Person]:
    """`count` registrations in households of one to seven, the heads first; `share` of the households are registered twice, some of
    them only in part."""
    dice = random.Random(seed)
    made: list[Person] = []
    homes: list[tuple[list[_Body], str]] = []
    household = truth = 0
    while len(made) < count:
        household += 1
        if homes and dice.random() < share:
            bodies, area = homes.pop(dice.randrange(len(homes)))
            bodies = bodies if dice.random() < 0.5 else bodies[: 1 + dice.randrange(len(bodies))]
            again = dice.random() < 0.75
            area = area if again else _area(dice)
            made += [
                _registered(dice, body, household, area, is_head=place == 0, mistakes=True)
                for place, body in enumerate(bodies)
            ]
            continue
        area = _area(dice)
        bodies = _family(dice, language, truth)
        truth += len(bodies)
        homes.append((bodies, area))
        made += [
            _registered(dice, body, household, area, is_head=place == 0, mistakes=False)
            for place, body in enumerate(bodies)
        ]
    return made[:count]


def _area(dice: random.Random) -> str:
    number = int(dice.triangular(0, _AREAS, 0))
    return f"XA{number // 10:02d}{number % 10:02d}"


def _pick(dice: random.Random, pool: list[Written]) -> Written:
    """Names are common in unequal measure."""
    return pool[min(int(len(pool) * dice.random() ** 1.6), len(pool) - 1)]


def _family(dice: random.Random, wanted: Language, truth: int) -> list[_Body]:
    language = wanted if wanted != "both" else ("ar" if dice.random() < 0.3 else "es")
    given, families = _POOLS[language]
    first, second = _pick(dice, families), _pick(dice, families)
    size = min(7, 1 + int(dice.expovariate(0.5)))
    telephone = (
        f"+58{dice.choice(['412', '414', '416', '424'])}{dice.randrange(10**7):07d}" if dice.random() < 0.7 else ""
    )
    bodies: list[_Body] = []
    head_born = 1945 + dice.randrange(60)
    for place in range(size):
        year = head_born + (0 if place == 0 else dice.randrange(-5, 6) if place == 1 else dice.randrange(18, 40))
        born = date(min(year, 2025), 1 + dice.randrange(12), 1 + dice.randrange(28))
        if place > 2 and dice.random() < 0.03:
            born = bodies[-1].born  # twins
        names = [_pick(dice, given)] + ([_pick(dice, given)] if language == "es" and dice.random() < 0.3 else [])
        mine = [first, second] if language == "es" else [first]
        if place == 1:  # married in
            mine = [_pick(dice, families) for _ in mine]
        if language == "ar" and dice.random() < 0.5:
            names.append(bodies[0].given[0] if bodies and place > 1 else _pick(dice, given))  # the father's name
        paper = f"{dice.choice('VE')}{dice.randrange(10**7, 4 * 10**7)}" if dice.random() < 0.6 else ""
        bodies.append(_Body(truth + place, language, names, mine, born, paper, telephone))
    return bodies


def _registered(
    dice: random.Random,
    body: _Body,
    household: int,
    area: str,
    *,
    is_head: bool,
    mistakes: bool,
) -> Person:
    names, born = _names(dice, body, mistakes=mistakes), _birth(dice, body, mistakes=mistakes)
    paper, telephone = body.paper, body.telephone
    if mistakes:
        paper = "" if dice.random() < 0.35 else _typo(dice, paper) if paper and dice.random() < 0.06 else paper
        chance = dice.random()
        if chance < 0.45:
            telephone = "" if chance < 0.25 else f"+58412{dice.randrange(10**7):07d}"
        elif chance < 0.5 and telephone:
            telephone = telephone[:-2] + telephone[-1] + telephone[-2]
    documents = [Document("national-id", paper)] if paper else []
    return Person(body.truth, household, is_head, Identity(names, documents, telephone, body.language), born, area)


def _names(dice: random.Random, body: _Body, *, mistakes: bool) -> list[Name]:
    given, family = body.given, body.family
    if mistakes and len(given) > 1 and dice.random() < 0.3:
        given = given[:1]
    if mistakes and len(family) > 1 and dice.random() < 0.25:
        family = family[:1]
    script = "latin"
    if body.language == "ar":
        chance = dice.random()
        script = "arabic" if chance < 0.4 else "latin" if chance < 0.8 else "both"
    said = [_spell(dice, each, mistakes=mistakes) for each in (given, family)]
    latin, arabic = (Name(said[0][way], said[1][way], script=("Latn", "Arab")[way]) for way in (0, 1))
    if mistakes and dice.random() < 0.08:
        latin, arabic = (Name(each.family, each.given, script=each.script) for each in (latin, arabic))
    return {"latin": [latin], "arabic": [arabic], "both": [latin, arabic]}[script]


def _spell(dice: random.Random, words: list[Written], *, mistakes: bool) -> tuple[str, str]:
    latin, arabic = [], []
    for word in words:
        one, other = dice.choice(word.latin), word.arabic
        if mistakes and dice.random() < 0.12:
            one, other = _typo(dice, one), _typo(dice, other) if other else other
        if mistakes and dice.random() < 0.15:
            one = one.upper().translate(str.maketrans("ÁÉÍÓÚÑÜ", "AEIOUNU"))
        latin.append(one)
        arabic.append(other)
    return " ".join(latin), " ".join(arabic)


def _typo(dice: random.Random, text: str) -> str:
    """One slip: a letter changed, left out, doubled, or two exchanged."""
    if len(text) < 3:
        return text
    place = 1 + dice.randrange(len(text) - 2)
    match dice.randrange(4):
        case 0:
            other = str(dice.randrange(10)) if text[place].isdigit() else dice.choice(_LETTERS)
            return (
                text[:place]
                + (other if text.isascii() or text[place].isdigit() else text[place - 1])
                + text[place + 1 :]
            )
        case 1:
            return text[:place] + text[place + 1 :]
        case 2:
            return text[:place] + text[place] + text[place:]
    return text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :]


def _birth(dice: random.Random, body: _Body, *, mistakes: bool) -> Birth:
    born, chance = body.born, dice.random()
    if chance < 0.05:
        return Birth() if chance < 0.02 else Birth(born.year)
    if not mistakes or chance < 0.7:
        return Birth(born.year, born.month, born.day)
    if chance < 0.78 and born.day <= 12:
        return Birth(born.year, born.day, born.month)
    if chance < 0.84:
        return Birth(born.year, born.month)
    if chance < 0.90:
        return Birth(born.year + dice.choice((-1, 0, 0, 1)), estimated=True)
    if chance < 0.95:
        return Birth(born.year, born.month, 1 + dice.randrange(28))
    return Birth(born.year + dice.choice((-10, -1, 1, 10)), born.month, born.day)


def as_compared(people: list[Person]) -> list[Compared]:
    """All registrations as the product compares them, numbered from 1."""
    heads = {each.household: each.identity.names[0] for each in people if each.is_head}
    return [each.as_compared(number, heads.get(each.household)) for number, each in enumerate(people, 1)]
