"""A mapping: which column is read as what, and how. Made on the mapping page, remembered by the set of columns, checked before a
row is read. Pure; knows no file and no database.

Shapes: `flat` is one table, each row a household of one person (121's lists); `people` one table with a row for each person and a
household reference that several rows share; `two` a table of households and one of people (HOPE, Kobo and ODK, Stata).
"""

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec
from django.utils.translation import gettext

from amparo_office.errors import FactNotNeeded, MappingNotReadable
from amparo_office.intake.targets import (
    CONCEPT_WORDS,
    HOUSEHOLD_WORDS,
    PERSON_WORDS,
    Definitions,
    Needed,
    is_person,
    told_fact,
)
from amparo_office.intake.values import DATE_ORDERS, NAME_ORDERS
from amparo_rules.errors import ForbiddenConcept
from amparo_rules.forbidden import forbidden_concept

Shape = Literal["flat", "people", "two"]
SHAPES: tuple[Shape, ...] = ("flat", "people", "two")


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one column is read. `values`: what its words mean (as they stand in the file -> yes, no, a code). `order`: of a date or
    of a name. `per`: a number is divided by this. `word`: yes where this word is among those in the cell (several answers in one
    cell)."""

    column: str
    target: str
    values: dict[str, str] = {}
    order: str = ""
    per: int = 1
    word: str = ""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole mapping. `calling` is the calling code of the programme's country (58), "" when every number brings its own.
    `approved` is the column that says whether a submission was approved where it was collected (Kobo). `join`: the column of the
        households by which people are joined, when it is not the reference itself (Kobo's `_index`)."""

    shape: Shape
    household: list[Reading]
    person: list[Reading]
    calling: str = ""
    approved: str = ""
    join: str = ""

    def household_ref(self) -> str:
        """The column with the household's reference, "" when there is none."""
        return next((each.column for each in self.household if each.target == "ref"), "")

    def join_column(self) -> str:
        """The column of the households by which people are joined."""
        return self.join or self.household_ref()

    def member_ref(self) -> str:
        """The column of the people's table that says to which household they belong."""
        return next((each.column for each in self.person if each.target == "household"), "")


def read_plan(text: str) -> Plan:
    """A mapping as it was remembered. Raises `MappingNotReadable`."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError as error:
        raise MappingNotReadable("The mapping cannot be read.") from error


def write_plan(plan: Plan) -> str:
    """A mapping as it is remembered."""
    return msgspec.json.encode(plan).decode()


def columns_hash(household: Iterable[str], person: Iterable[str] | None) -> str:
    """What a mapping is remembered by: the names of the columns, whatever their order and the file's name."""
    named = sorted(f"household {name}" for name in household) + sorted(f"person {name}" for name in person or ())
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def refuse_column(column: str) -> None:
    """Raises `ForbiddenConcept`, in the language of the moment, for a column that speaks of what is never recorded."""
    concept = forbidden_concept(column)
    if concept is not None:
        said = gettext("The column “%(column)s” speaks of %(concept)s.")
        raise ForbiddenConcept(
            said % {"column": column, "concept": CONCEPT_WORDS[concept]},
            why=gettext("Aid must not depend on such things, so they are never recorded."),
            todo=gettext("Leave this column out."),
        )


def check_plan(
    plan: Plan,
    *,
    household: Iterable[str],
    person: Iterable[str] | None,
    needed: Needed,
    definitions: Definitions,
) -> None:
    """Raises `ForbiddenConcept`, `FactNotNeeded`, `MappingNotReadable` unless the plan fits these columns and takes only what a
    published programme needs."""
    homes, people = set(household), set(household if person is None else person)
    for each, columns in [*((one, homes) for one in plan.household), *((one, people) for one in plan.person)]:
        refuse_column(each.column)
        if each.column not in columns:
            raise MappingNotReadable(gettext("The file has no column “%(column)s”.") % {"column": each.column})
        _check_reading(each, needed)
    for column in (plan.approved, plan.join):
        if column and column not in homes:
            raise MappingNotReadable(gettext("The file has no column “%(column)s”.") % {"column": column})
    _check_once(plan)
    _check_shape(plan, two=person is not None)
    _check_complete(plan, needed, definitions)


def _check_reading(reading: Reading, needed: Needed) -> None:
    known = told_fact(reading.target)
    if known is not None:
        if known not in needed:
            raise FactNotNeeded(gettext("No published programme needs the fact “%(fact)s”.") % {"fact": known[1]})
    elif reading.target not in HOUSEHOLD_WORDS and reading.target not in PERSON_WORDS:
        raise MappingNotReadable(gettext("The mapping names something unknown."))
    if reading.order not in ("", *DATE_ORDERS, *NAME_ORDERS) or not 1 <= reading.per <= 1_000_000:
        raise MappingNotReadable(gettext("A column is read in a way that does not exist."))


def _check_once(plan: Plan) -> None:
    seen: set[str] = set()
    for each in [*plan.household, *plan.person]:
        if each.target in seen:
            raise MappingNotReadable(
                gettext("Two columns are read as the same thing."),
                why=gettext("Each thing comes from one column. See “%(column)s”.") % {"column": each.column},
            )
        seen.add(each.target)
        if is_person(each.target) != (each in plan.person):
            raise MappingNotReadable(gettext("A column of one table is read as something of the other."))


def _check_shape(plan: Plan, *, two: bool) -> None:
    if plan.shape == "two" and not (two and plan.join_column() and plan.member_ref()):
        raise MappingNotReadable(
            gettext("The two tables cannot be joined."),
            todo=gettext("Say in each table which column holds the household's reference."),
        )
    if plan.shape == "people" and not plan.member_ref():
        raise MappingNotReadable(
            gettext("It is not known who belongs together."),
            todo=gettext("Say which column holds the household's reference."),
        )
    if plan.shape != "two" and two:
        raise MappingNotReadable(gettext("There are two tables, but the mapping reads one."))


def _check_complete(plan: Plan, needed: Needed, definitions: Definitions) -> None:
    """Facts that may not be unknown. Who the head is can also be read off the relation, or off there being one person only."""
    mapped = {found for each in [*plan.household, *plan.person] if (found := told_fact(each.target)) is not None}
    relation = plan.shape == "flat" or any(each.target == "relationship" for each in plan.person)
    if relation:
        mapped.add(("person", "is_head"))
    for entity, name in sorted(needed - mapped):
        if (entity, name) in definitions and not definitions[entity, name].type.nullable:
            raise MappingNotReadable(
                gettext("The mapping leaves out “%(fact)s”, which may not be unknown.") % {"fact": name},
                todo=gettext("Say which column tells it."),
            )
