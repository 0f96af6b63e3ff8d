"""A mapping file: which column of a table becomes which fact or identity field. Small YAML, checked before a row is read.

Refused with a reason: a column or fact that speaks of a forbidden concept, a fact outside the catalogue and the log, a fact that no
published programme needs, a mapping without a fact that may not be unknown. Format page: `docs/formats/mapping.md`.
"""

from collections.abc import Callable, Set
from datetime import date

import msgspec
import yaml

from amparo_office.errors import FactNotNeeded, MappingNotReadable
from amparo_rules.catalogue import Definitions, Entity, FactType, days, fact
from amparo_rules.check import divide_half_away
from amparo_rules.errors import FactOutOfRange
from amparo_rules.forbidden import refuse_forbidden


class ColumnText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one value is read from a column. `yes`: these texts mean yes, any other text no. `per`: divide a number.
    `age_on`: the column holds an age in whole years on that day; the date of birth is taken as that day, so many years before."""

    column: str
    yes: list[str] | None = None
    per: str | None = None
    age_on: str | None = None


class HouseholdMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of the household table. `phone`: whether the household has a phone for the wallet."""

    ref: str
    phone: ColumnText | str | None = None
    facts: dict[str, ColumnText | str] = {}


class PersonMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of the individuals table. Names are sealed apart from the facts."""

    household: str
    given_name: str | None = None
    family_name: str | None = None
    other_name: str | None = None
    language: str | None = None
    facts: dict[str, ColumnText | str] = {}


class MappingText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file as written."""

    source: str
    date: str
    household: HouseholdMap
    individual: PersonMap
    household_sheet: str | None = None
    individual_sheet: str | None = None


Reader = Callable[[dict[str, str]], int | None]


class FactReader(msgspec.Struct, frozen=True):
    """Reads one fact from a row."""

    name: str
    column: str
    read: Reader


class Mapping(msgspec.Struct, frozen=True):
    """A checked mapping."""

    text: MappingText
    household_facts: list[FactReader]
    person_facts: list[FactReader]
    phone: Reader | None

    def household_columns(self) -> set[str]:
        """The columns read from the household table."""
        found = {self.text.household.ref, *(each.column for each in self.household_facts)}
        return found | (set() if self.text.household.phone is None else {column_of(self.text.household.phone)})

    def person_columns(self) -> set[str]:
        """The columns read from the individuals table."""
        person = self.text.individual
        named = {person.given_name, person.family_name, person.other_name, person.language} - {None}
        return {person.household, *(each.column for each in self.person_facts), *(str(name) for name in named)}


def read_mapping(source: str, *, needed: Set[tuple[Entity, str]], defined: Definitions) -> Mapping:
    """A mapping file, checked against the catalogue, what the log defines beside it, and the facts that published programmes need.
    Raises `MappingNotReadable`, `ForbiddenConcept`, `UnknownFact`, `FactNotNeeded`."""
    try:
        text = msgspec.convert(yaml.load(source, Loader=yaml.BaseLoader), MappingText)  # noqa: S506 - texts and lists only
    except (yaml.YAMLError, RecursionError) as error:
        raise MappingNotReadable("The mapping is not YAML.") from error
    except msgspec.ValidationError as error:
        raise MappingNotReadable(f"The mapping has the wrong shape: {error}.") from error
    _day(text.date)
    for column in _columns(text):
        refuse_forbidden(column, place="The column")
    mapping = Mapping(
        text=text,
        household_facts=[_reader("household", n, c, needed, defined) for n, c in text.household.facts.items()],
        person_facts=[_reader("person", n, c, needed, defined) for n, c in text.individual.facts.items()],
        phone=None if text.household.phone is None else _value_reader(text.household.phone, _YES_NO),
    )
    _check_complete(text, needed, defined)
    return mapping


def _columns(text: MappingText) -> list[str]:
    """Every column that is read, whatever for."""
    household, person = text.household, text.individual
    named = [household.ref, person.household, person.given_name, person.family_name, person.other_name, person.language]
    written = [*household.facts.values(), *person.facts.values(), household.phone]
    return [name for name in named if name is not None] + [column_of(each) for each in written if each is not None]


def _check_complete(text: MappingText, needed: Set[tuple[Entity, str]], defined: Definitions) -> None:
    """Without this, households that lack the fact would be taken in, and no cycle could be decided any more."""
    mapped = {("household", name) for name in text.household.facts}
    mapped |= {("person", name) for name in text.individual.facts}
    for entity, name in sorted(needed - mapped):
        if not fact(entity, name, defined).type.nullable:
            raise MappingNotReadable(f"The mapping leaves out the {entity} fact “{name}”, which may not be unknown.")


_YES_NO = FactType(kind="bool", min=0, max=1)


def column_of(written: ColumnText | str) -> str:
    """The column that something is read from."""
    return written if isinstance(written, str) else written.column


def _reader(
    entity: Entity, name: str, written: ColumnText | str, needed: Set[tuple[Entity, str]], defined: Definitions
) -> FactReader:
    definition = fact(entity, name, defined)
    if (entity, name) not in needed:
        raise FactNotNeeded(f"No published programme needs the fact “{name}”.")
    return FactReader(name, column_of(written), _value_reader(written, definition.type))


def _value_reader(written: ColumnText | str, kind: FactType) -> Reader:
    column = column_of(written)
    if isinstance(written, str):
        return lambda row: kind.parse(row[column])
    how: str | None = None
    for option in ("yes", "per", "age_on"):
        if getattr(written, option) is not None:
            if how is not None:
                raise MappingNotReadable(f"The column “{column}” is read in two ways.")
            how = option
    match how:
        case "yes":
            if kind.kind != "bool":
                raise MappingNotReadable(f"The column “{column}” is read as yes or no, but the fact is neither.")
            texts = {text.casefold() for text in written.yes or []}
            return lambda row: kind.check(None if row[column] == "" else int(row[column].casefold() in texts))
        case "per":
            return _divided(column, kind, written.per or "")
        case "age_on":
            return _born(column, kind, _day(written.age_on or ""))
    return lambda row: kind.parse(row[column])


def _divided(column: str, kind: FactType, per: str) -> Reader:
    if not (per.isascii() and per.isdigit() and len(per) < 7 and int(per) > 0) or kind.kind != "decimal":
        raise MappingNotReadable(f"The column “{column}” cannot be divided by “{per}”.")
    whole = msgspec.structs.replace(kind, max=kind.max * int(per))

    def read(row: dict[str, str]) -> int | None:
        value = whole.parse(row[column])
        return None if value is None else divide_half_away(value, int(per))

    return read


def _born(column: str, kind: FactType, on: date) -> Reader:
    if kind.kind != "date":
        raise MappingNotReadable(f"The column “{column}” is read as an age, but the fact is no date.")
    ages = FactType(kind="int", min=0, max=130)

    def read(row: dict[str, str]) -> int | None:
        age = ages.parse(row[column])
        if age is None:
            return None
        try:
            return kind.check(days(on.replace(year=on.year - age)))
        except ValueError as error:
            raise FactOutOfRange("An age does not fit the day it was asked on.") from error

    return read


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise MappingNotReadable(f"The day “{text}” cannot be read; write YYYY-MM-DD.") from error
