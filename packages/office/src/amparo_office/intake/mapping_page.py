"""The mapping page: what is proposed for a file's columns, and what a member chose, as a plan. Field names on the page are
numbers of columns, so that no name of a column can disturb another.
"""

from collections.abc import Callable
from collections.abc import Mapping as Given
from datetime import date

import msgspec
from django.utils.translation import gettext as _

from amparo_office.errors import MappingNotReadable, ValueFault
from amparo_office.intake.looking import ColumnLook, Look, TableLook
from amparo_office.intake.meanings import propose_relationship, propose_yes_no, relation_words, relationship
from amparo_office.intake.plan import SHAPES, Plan, Reading, Shape
from amparo_office.intake.targets import (
    CONCEPT_WORDS,
    HOUSEHOLD_WORDS,
    PERSON_WORDS,
    Definitions,
    Needed,
    Target,
    fact_code,
    fact_of,
    guess,
    person_words,
    targets,
)
from amparo_office.intake.values import plain_digits, yes_no
from amparo_office.register.models import Relationship
from amparo_rules.forbidden import forbidden_concept

NOT_READ = ""
_YES_NO = ("by-phone", "collector", "alternate")
_APPROVED = "_validation_status"


class Meaning(msgspec.Struct, frozen=True):
    """One word of a column and what it means."""

    field: str
    word: str
    label: str
    code: str
    choices: list[tuple[str, str]]


class ColumnRow(msgspec.Struct, frozen=True):
    """One column on the page. `forbidden`: why it is never read. `options`: which further fields it has now. `unclear`: it has a
    word that means nothing yet."""

    field: str
    name: str
    examples: list[str]
    forbidden: str
    target: str
    person: bool
    options: list[str] = []
    order: str = ""
    per: int = 1
    word: str = ""
    meanings: list[Meaning] = []
    unclear: bool = False
    choices: list[Target] = []


class MappingPage(msgspec.Struct, frozen=True):
    """Everything the page shows."""

    shape: Shape
    shapes: list[tuple[str, str]]
    tables: list[tuple[str, int, list[ColumnRow]]]
    unknown: list[str]
    forbidden: list[str]


def propose(look: Look, needed: Needed, definitions: Definitions) -> Plan:
    """A first mapping, by the names of the columns and what stands in them."""
    facts = {fact_code(*key) for key in needed if key != ("person", "birth_date")}
    household, person = (
        {*HOUSEHOLD_WORDS, *(each for each in facts if each.startswith("fact:household:"))},
        {
            *person_words(needed),
            *(each for each in facts if each.startswith("fact:person:")),
        },
    )
    approved = _APPROVED if _APPROVED in look.household.names() else ""
    if look.person is not None:
        homes = guess(look.household.names(), person=False, allowed=household, definitions=definitions)
        people = guess(look.person.names(), person=True, allowed=person, definitions=definitions)
        join = "_index" if {"_parent_index"} & set(people) and "_index" in look.household.names() else ""
        return Plan(
            shape="two",
            household=_readings(look.household, homes, definitions),
            person=_readings(look.person, people, definitions),
            approved=approved,
            join=join,
        )
    shape: Shape = "people" if look.repeats else "flat"
    allowed = household | person
    allowed -= {"ref"} if shape == "people" else {"household"}
    found = guess(look.household.names(), person=None, allowed=allowed, definitions=definitions)
    split = {kind: {c: t for c, t in found.items() if _is_person(t) == kind} for kind in (False, True)}
    return Plan(
        shape=shape,
        household=_readings(look.household, split[False], definitions),
        person=_readings(look.household, split[True], definitions),
        approved=approved,
    )


def page(look: Look, plan: Plan, needed: Needed, definitions: Definitions, language: str) -> MappingPage:
    """The page for a plan."""
    every = targets(needed, definitions, language)
    chosen = {(False, each.column): each for each in plan.household} | {
        (True, each.column): each for each in plan.person
    }
    if look.person is None:
        merged = {**{c: r for (_p, c), r in chosen.items()}}
        tables = [(look.household, "h", merged, [each for each in every if _fits(each.code, plan.shape)])]
    else:
        tables = [
            (look.household, "h", {c: r for (p, c), r in chosen.items() if not p}, [t for t in every if not t.person]),
            (look.person, "p", {c: r for (p, c), r in chosen.items() if p}, [t for t in every if t.person]),
        ]
    shown = [
        (table.name, table.rows, _rows(table, mark, readings, choices, definitions))
        for table, mark, readings, choices in tables
    ]
    rows = [row for _name, _count, found in shown for row in found]
    return MappingPage(
        shape=plan.shape,
        shapes=[] if look.person is not None else _shape_words(),
        tables=shown,
        unknown=[row.name for row in rows if not row.target and not row.forbidden],
        forbidden=[row.name for row in rows if row.forbidden],
    )


def read(look: Look, posted: Given[str, str], definitions: Definitions, before: Plan) -> Plan:
    """What was chosen on the page. Raises `MappingNotReadable` for what the page does not offer."""
    shape = posted.get("shape", before.shape)
    if shape not in SHAPES:
        raise MappingNotReadable(_("The mapping names something unknown."))
    calling = plain_digits(posted.get("calling", "")).strip().lstrip("+0")
    if calling and not (calling.isascii() and calling.isdigit() and len(calling) <= 4):
        raise MappingNotReadable(_("The calling code of a country is digits, like 58."))
    household: list[Reading] = []
    person: list[Reading] = []
    for mark, table in (("h", look.household), ("p", look.person)):
        for place, column in enumerate(table.columns if table is not None else []):
            reading = _read_column(f"{mark}{place}", column, posted, definitions)
            if reading is not None:
                (person if _is_person(reading.target) else household).append(reading)
    two = look.person is not None
    return Plan(
        shape="two" if two else "people" if shape == "people" else "flat",
        household=household,
        person=person,
        calling=calling,
        approved=before.approved,
        join=before.join if two else "",
    )


def day_of(text: str, today: date) -> date:
    """The day of the list. Raises `MappingNotReadable`."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise MappingNotReadable(_("The day of the list cannot be read.")) from error
    if found > today:
        raise MappingNotReadable(_("The day of the list lies in the future."))
    return found


def _read_column(field: str, column: ColumnLook, posted: Given[str, str], definitions: Definitions) -> Reading | None:
    target = posted.get(field, NOT_READ)
    if target == NOT_READ:
        return None
    per = plain_digits(posted.get(f"{field}-per", "1") or "1")
    if not (per.isascii() and per.isdigit() and len(per) <= 7):
        raise MappingNotReadable(_("A number is divided by a whole number."))
    options = _options(target, definitions)
    values = {}
    if "meanings" in options:
        given = {word: posted.get(f"{field}-m{number}", "") for number, word in enumerate(column.values)}
        values = {word: code for word, code in given.items() if code}
    return Reading(
        column=column.name,
        target=target,
        values=values,
        order=posted.get(f"{field}-order", "") if {"date", "name"} & set(options) else "",
        per=int(per) if "per" in options else 1,
        word=posted.get(f"{field}-word", "").strip()[:60] if "word" in options else "",
    )


def _readings(table: TableLook, found: dict[str, str], definitions: Definitions) -> list[Reading]:
    by_name = {column.name: column for column in table.columns}
    return [_proposed(by_name[column], target, definitions) for column, target in found.items()]


def _proposed(column: ColumnLook, target: str, definitions: Definitions) -> Reading:
    options = _options(target, definitions)
    values = {}
    if "meanings" in options:
        guessed = {word: _meaning(target, word, column.labels.get(word, ""), definitions) for word in column.values}
        values = {word: code for word, code in guessed.items() if code}
        if all(word.casefold() == code for word, code in values.items()):
            values = {}  # they say themselves what they mean
    order = _date_order(column.examples + column.values) if "date" in options else "one" if "name" in options else ""
    return Reading(column=column.name, target=target, values=values, order=order)


def _meaning(target: str, word: str, label: str, definitions: Definitions) -> str:
    if target == "relationship":
        return propose_relationship(label) or propose_relationship(word)
    known = fact_of(target)
    if known == ("person", "is_head"):
        said = propose_yes_no(label) or propose_yes_no(word)
        relation = propose_relationship(label) or propose_relationship(word)
        return said or ("" if not relation else "yes" if relation == Relationship.HEAD else "no")
    if target in _YES_NO or (known is not None and definitions[known].type.kind == "bool"):
        return propose_yes_no(label) or propose_yes_no(word)
    return ""


def _date_order(samples: list[str]) -> str:
    for sample in samples:
        parts = [part for part in plain_digits(sample).replace("/", "-").replace(".", "-").split("-") if part.isdigit()]
        if len(parts) == 3 and len(parts[0]) == 4:
            return "ymd"
        if len(parts) == 3 and int(parts[0]) > 12:
            return "dmy"
        if len(parts) == 3 and int(parts[1]) > 12:
            return "mdy"
    return "dmy"


def _options(target: str, definitions: Definitions) -> list[str]:
    """Which further fields a target has."""
    known = fact_of(target)
    if known is not None and known in definitions:
        kind = definitions[known].type
        match kind.kind:
            case "bool":
                return ["meanings", "word"]
            case "date":
                return ["date"]
            case "decimal":
                return ["per"]
        return ["meanings"] if kind.max - kind.min < 20 else []
    if target == "relationship" or target in _YES_NO:
        return ["meanings"]
    if target == "birth":
        return ["date"]
    return ["name"] if target.startswith("whole") else []


def _rows(
    table: TableLook, mark: str, readings: dict[str, Reading], choices: list[Target], definitions: Definitions
) -> list[ColumnRow]:
    rows = []
    for place, column in enumerate(table.columns):
        field, reading = f"{mark}{place}", readings.get(column.name)
        concept = forbidden_concept(column.name)
        target = reading.target if reading is not None and concept is None else NOT_READ
        options = _options(target, definitions)
        rows.append(
            ColumnRow(
                field=field,
                name=column.name,
                examples=[] if concept else column.examples,
                forbidden=str(CONCEPT_WORDS[concept]) if concept else "",
                target=target,
                person=mark == "p",
                options=[each for each in options if each != "meanings"],
                order=reading.order if reading else "",
                per=reading.per if reading else 1,
                word=reading.word if reading else "",
                meanings=_meanings(field, column, reading, definitions) if reading and "meanings" in options else [],
                unclear=reading is not None and "meanings" in options and _unclear(column, reading, definitions),
                choices=choices,
            )
        )
    return rows


def _meanings(field: str, column: ColumnLook, reading: Reading, definitions: Definitions) -> list[Meaning]:
    known = fact_of(reading.target)
    if reading.target == "relationship":
        choices = [(each.value, str(words)) for each, words in relation_words().items()]
    elif known is not None and definitions[known].type.kind == "int":
        kind = definitions[known].type
        choices = [(str(code), str(code)) for code in range(kind.min, kind.max + 1)]
    else:
        choices = [("yes", _("yes")), ("no", _("no"))]
    return [
        Meaning(f"{field}-m{number}", word, column.labels.get(word, ""), reading.values.get(word, ""), choices)
        for number, word in enumerate(column.values)
    ]


def _unclear(column: ColumnLook, reading: Reading, definitions: Definitions) -> bool:
    """Whether a word of the column has no meaning and is not understood as it stands."""
    known = fact_of(reading.target)
    if reading.word or (known is not None and definitions[known].type.kind == "int"):
        return False
    understand: Callable[[str], object] = relationship if reading.target == "relationship" else yes_no
    try:
        for word in column.values:
            if word not in reading.values:
                understand(word)
    except ValueFault:
        return True
    return False


def _shape_words() -> list[tuple[str, str]]:
    return [
        ("flat", _("Each row is a household of one person")),
        ("people", _("Each row is a person; rows of one household share a reference")),
    ]


def _fits(code: str, shape: Shape) -> bool:
    return code not in (("ref",) if shape == "people" else ("household",))


def _is_person(code: str) -> bool:
    return code in PERSON_WORDS or code.startswith("fact:person:")
