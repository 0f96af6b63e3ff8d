"""A household of the register made of the rows of a file, or the faults why it cannot be. Reads values as the mapping says; decides
who heads and who collects; touches no database.
"""

from collections.abc import Callable
from datetime import date

import msgspec

from amparo_office.errors import ValueFault
from amparo_office.intake.areas import Areas
from amparo_office.intake.faults import Fault, Report, shortened
from amparo_office.intake.joining import Line, Tables, Unit, cell
from amparo_office.intake.meanings import relationship
from amparo_office.intake.plan import Plan, Reading
from amparo_office.intake.targets import Definitions, Needed, document_kind, fact_of
from amparo_office.intake.values import (
    EARLIEST,
    birth_date,
    born,
    fact_value,
    language,
    named,
    part_date,
    plain_digits,
    telephone,
    whole_name,
    yes_no,
)
from amparo_office.register.models import BirthPrecision, Relationship
from amparo_office.register.sealing import Document, Dwelling, Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual
from amparo_rules.catalogue import Entity, days
from amparo_rules.rule import MOST_MEMBERS

MOST_ADDRESS = 300
MOST_NUMBER = 60

Facts = dict[str, int | None]


class Draft:
    """What was read of one row, before it is put together."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.facts: Facts = {}
        self.names: dict[str, Name] = {}
        self.born: tuple[date, BirthPrecision] | None = None
        self.relationship: Relationship | None = None
        self.documents: list[Document] = []
        self.area = ""
        self.level = 0
        self.flags: dict[str, bool] = {}


Take = Callable[[Draft, str], None]


class _Column(msgspec.Struct, frozen=True):
    """One column with the way to read it."""

    name: str
    place: int
    take: Take


class Builder:
    """Reads the units of one file. `day` is the day of the list: ages count on it. Faults go to `report`."""

    def __init__(
        self,
        tables: Tables,
        plan: Plan,
        *,
        day: date,
        areas: Areas,
        needed: Needed,
        definitions: Definitions,
    ) -> None:
        self._plan, self._day, self._areas, self._needed, self._definitions = plan, day, areas, needed, definitions
        self._home_table, self._people_table = tables.household.name, tables.people().name
        self._widths = (len(tables.household.columns), len(tables.people().columns))
        self._home = self._columns(plan.household, tables.household.columns)
        self._person = self._columns(plan.person, tables.people().columns)
        self._tells_heads = any(each.target in ("relationship", "fact:person:is_head") for each in plan.person)

    def build(self, unit: Unit, source_key: bytes, report: Report) -> NewHousehold | None:
        """The household, or None when something was reported."""
        faults: list[Fault] = []
        home = self._read(self._home_table, self._widths[0], self._home, unit.home, faults)
        people = [self._read(self._people_table, self._widths[1], self._person, line, faults) for line in unit.people]
        for draft, line in zip(people, unit.people, strict=True):
            self._finish(draft, line, faults)
        self._check_whole(unit, home, people, faults)
        for fault in faults:
            report(fault)
        return None if faults else self._household(home, people, source_key)

    def _columns(self, readings: list[Reading], columns: list[str]) -> list[_Column]:
        found = [_Column(each.column, columns.index(each.column), self._way(each)) for each in readings]
        # Larger areas first: a name is looked for within the area above it.
        order = {each.column: each.target for each in readings}
        return sorted(found, key=lambda each: order[each.name] if order[each.name].startswith("area-") else "")

    def _read(self, table: str, width: int, columns: list[_Column], line: Line, faults: list[Fault]) -> Draft:
        row, cells = line
        draft = Draft()
        if any(cells[width:]):
            faults.append(Fault(table=table, row=row, column="", value="", code="cells"))
        for column in columns:
            text = cell(cells, column.place)
            try:
                column.take(draft, text)
            except ValueFault as error:
                value = shortened(text)
                faults.append(Fault(table, row, column.name, value, error.fault, error.limits))
        return draft

    def _way(self, reading: Reading) -> Take:
        """How a column is taken into a draft."""
        target = reading.target
        read = _mapped(reading)
        known = fact_of(target)
        if known is not None:
            return self._fact_way(reading, known)
        if (kind := document_kind(target)) is not None:
            return lambda draft, text: _take_document(draft, kind, text)
        match target:
            case "area":
                return self._take_area
            case "area-1" | "area-2" | "area-3" | "area-4":
                return lambda draft, text: self._take_named_area(draft, text, int(target[-1]))
            case "language" | "person-language":
                return lambda draft, text: _part(draft, target, language(text))
            case "by-phone" | "collector" | "alternate":
                return lambda draft, text: _flag(draft, target, read(text))
            case "whole" | "whole-2":
                return lambda draft, text: _take_whole(draft, target, text, reading.order)
            case "telephone":
                return lambda draft, text: _part(draft, target, telephone(text, self._plan.calling))
            case "relationship":
                return lambda draft, text: _take_relationship(draft, text, reading.values)
            case "birth":
                return lambda draft, text: _take_birth(draft, text, reading.order or "dmy")
            case "age":
                return self._take_age
            case "address":
                return lambda draft, text: _long_part(draft, target, text, MOST_ADDRESS)
        return lambda draft, text: _part(draft, target, text)

    def _fact_way(self, reading: Reading, known: tuple[Entity, str]) -> Take:
        kind, name = self._definitions[known].type, known[1]
        if kind.kind == "bool" and (reading.values or reading.word):
            read = _mapped(reading)

            def take_flag(draft: Draft, text: str) -> None:
                value = read(text)
                if value is None and not kind.nullable:
                    raise ValueFault("empty")
                draft.facts[name] = value

            return take_flag

        def take(draft: Draft, text: str) -> None:
            draft.facts[name] = _meant(
                reading, text, lambda said: fact_value(said, kind, order=reading.order or "dmy", per=reading.per)
            )

        return take

    def _take_area(self, draft: Draft, text: str) -> None:
        if text:
            draft.area = self._areas.by_code(text)

    def _take_named_area(self, draft: Draft, text: str, level: int) -> None:
        if text:
            draft.area = self._areas.by_name(text, level, draft.area)

    def _take_age(self, draft: Draft, text: str) -> None:
        if text and draft.born is None:
            draft.born = (born(text, self._day), BirthPrecision.ESTIMATED)

    def _finish(self, draft: Draft, line: Line, faults: list[Fault]) -> None:
        """What several columns of a row say together."""
        try:
            _join_birth(draft)
            for number, (given, middle, family) in enumerate(
                (("given", "middle", "family"), ("given-2", "", "family-2"))
            ):
                texts = [draft.parts.get(part, "") for part in (given, middle, family)]
                if any(texts):
                    draft.names["whole-2" if number else "whole"] = named(*texts)
            if draft.born is not None and not EARLIEST <= draft.born[0] <= self._day:
                raise ValueFault("future" if draft.born[0] > self._day else "date")
        except ValueFault as error:
            column = self._column_of("given" if error.fault == "too-long" else "birth")
            faults.append(Fault(self._people_table, line[0], column, "", error.fault, error.limits))
        is_head = draft.facts.get("is_head")
        if draft.relationship is None and is_head is not None:
            draft.relationship = Relationship.HEAD if is_head else Relationship.UNKNOWN

    def _check_whole(self, unit: Unit, home: Draft, people: list[Draft], faults: list[Fault]) -> None:
        try:
            self._areas.check_mine(home.area)
        except ValueFault as error:
            self._whole_fault(unit, faults, error.fault, column=self._column_of("area"))
        if len(people) > MOST_MEMBERS:
            self._whole_fault(unit, faults, "many-members", most=str(MOST_MEMBERS))
        if not people:
            self._whole_fault(unit, faults, "no-members")
        heads = sum(draft.relationship == Relationship.HEAD for draft in people)
        if len(people) == 1 and not heads and not self._tells_heads:
            people[0].relationship = Relationship.HEAD
        elif heads > 1:
            self._whole_fault(unit, faults, "two-heads")
        elif people and not heads and self._tells_heads and not faults:
            self._whole_fault(unit, faults, "no-head")
        if sum(draft.flags.get("collector", False) for draft in people) > 1:
            self._whole_fault(unit, faults, "two-collectors")

    def _whole_fault(self, unit: Unit, faults: list[Fault], code: str, *, column: str = "", **limits: str) -> None:
        ref = self._plan.household_ref() or self._plan.member_ref()
        faults.append(Fault(self._home_table, unit.home[0], column or ref, "", code, limits))

    def _column_of(self, target: str) -> str:
        """The first column that tells this, or the part of it."""
        readings = [*self._plan.household, *self._plan.person]
        return next((each.column for each in readings if each.target.startswith(target)), "")

    def _household(self, home: Draft, people: list[Draft], source_key: bytes) -> NewHousehold:
        members = [self._individual(draft) for draft in people]
        first = _first(people, lambda draft: draft.flags.get("collector", False))
        head = _first(people, lambda draft: draft.relationship == Relationship.HEAD)
        primary = first if first is not None else head or 0
        second = _first(people, lambda draft: draft.flags.get("alternate", False))
        address = home.parts.get("address", "")
        return NewHousehold(
            area=home.area or None,
            language=home.parts.get("language") or "es",
            by_phone=home.flags.get("by-phone", False),
            facts=self._complete("household", home.facts),
            dwelling=Dwelling(address=address) if address else None,
            members=members,
            primary=primary,
            alternate=second if second != primary else None,
            source_key=source_key,
        )

    def _individual(self, draft: Draft) -> NewIndividual:
        relation = draft.relationship or Relationship.UNKNOWN
        if ("person", "is_head") in self._needed:
            draft.facts["is_head"] = int(relation == Relationship.HEAD)
        when, precision = draft.born or (None, BirthPrecision.UNKNOWN)
        names = [draft.names[key] for key in ("whole", "whole-2") if key in draft.names]
        return NewIndividual(
            identity=Identity(
                names=names,
                documents=draft.documents,
                telephone=draft.parts.get("telephone", ""),
                language=draft.parts.get("person-language", ""),
            ),
            relationship=relation.value,
            birth_date=None if when is None else days(when),
            birth_precision=precision.value,
            facts=self._complete("person", draft.facts),
        )

    def _complete(self, entity: Entity, facts: Facts) -> Facts:
        """Only what is needed, and every needed fact: unknown where the file says nothing."""
        names = [name for kind, name in self._needed if kind == entity and (kind, name) != ("person", "birth_date")]
        return {name: facts.get(name) for name in sorted(names)}


def _first(people: list[Draft], test: Callable[[Draft], bool]) -> int | None:
    return next((place for place, draft in enumerate(people) if test(draft)), None)


def _mapped(reading: Reading) -> Callable[[str], int | None]:
    """Reads yes or no: by the meanings given for the column, by one word among several, or as everybody writes it."""
    if reading.word:
        wanted = reading.word.casefold()
        return lambda text: None if text == "" else int(wanted in text.casefold().split())
    return lambda text: _meant(reading, text, yes_no)


def _meant(reading: Reading, text: str, read: Callable[[str], int | None]) -> int | None:
    """What a cell says: by the meaning that was chosen for its word, otherwise as it stands. Raises `ValueFault`."""
    meaning = reading.values.get(text)
    if meaning is None:
        folded = text.casefold()
        meaning = next((code for word, code in reading.values.items() if word.casefold() == folded), None)
    try:
        return read(text if meaning is None else meaning)
    except ValueFault as error:
        if reading.values and error.fault in ("yes-no", "number"):
            raise ValueFault("not-in-map") from error
        raise


def _part(draft: Draft, target: str, text: str) -> None:
    if text:
        draft.parts[target] = text


def _long_part(draft: Draft, target: str, text: str, most: int) -> None:
    if len(text) > most:
        raise ValueFault("too-long", most=most)
    _part(draft, target, text)


def _flag(draft: Draft, target: str, value: int | None) -> None:
    draft.flags[target] = bool(value)


def _take_whole(draft: Draft, target: str, text: str, order: str) -> None:
    if text:
        draft.names[target] = whole_name(text, order)


def _take_document(draft: Draft, kind: str, text: str) -> None:
    if len(text) > MOST_NUMBER:
        raise ValueFault("too-long", most=MOST_NUMBER)
    if text:
        draft.documents.append(Document(kind=kind, number=plain_digits(text)))


def _take_relationship(draft: Draft, text: str, values: dict[str, str]) -> None:
    if text == "":
        return
    draft.relationship = relationship(values.get(text, text))


def _take_birth(draft: Draft, text: str, order: str) -> None:
    if text:
        draft.born = birth_date(text, order)


def _join_birth(draft: Draft) -> None:
    parts = [plain_digits(draft.parts.get(f"birth-{part}", "")) for part in ("year", "month", "day")]
    if not parts[0] or (draft.born is not None and draft.born[1] == BirthPrecision.DAY):
        return
    if not all(part == "" or (part.isascii() and part.isdigit() and len(part) <= 4) for part in parts):
        raise ValueFault("date")
    year, month, day = (int(part or "0") for part in parts)
    draft.born = part_date(year, month, day if month else 0)
