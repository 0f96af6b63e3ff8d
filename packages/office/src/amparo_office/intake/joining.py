"""Households with their members, one after the other, from one table or two. Memory does not grow with the rows as long as the
people come in the order of their households, as every exporting system writes them; otherwise the people are held in memory.
"""

from collections.abc import Iterator

import msgspec

from amparo_office.errors import OutOfOrder
from amparo_office.intake.faults import Fault, Report, shortened
from amparo_office.intake.plan import Plan
from amparo_office.intake.sheets import Rows, Sheet

Line = tuple[int, list[str]]


class Unit(msgspec.Struct, frozen=True):
    """One household as it stands in the file: its row, and the rows of its people."""

    home: Line
    people: list[Line]


class Tables(msgspec.Struct, frozen=True):
    """What an upload holds: a table of households (or the only table), and one of people."""

    household: Sheet
    person: Sheet | None

    def people(self) -> Sheet:
        """The table in which the people stand."""
        return self.person or self.household


def units(tables: Tables, plan: Plan, report: Report, *, in_order: bool) -> Iterator[Unit]:
    """The households of the file. Raises `OutOfOrder` when `in_order` and they are not. People without household are reported."""
    match plan.shape:
        case "flat":
            for line in tables.household.rows():
                yield Unit(line, [line])
        case "people":
            yield from _grouped(tables.household, plan, report, in_order=in_order)
        case "two":
            yield from _joined(tables, plan, report, in_order=in_order)


def cell(cells: list[str], place: int) -> str:
    """A cell; a short row ends with empty ones."""
    return cells[place] if place < len(cells) else ""


def _grouped(sheet: Sheet, plan: Plan, report: Report, *, in_order: bool) -> Iterator[Unit]:
    column = plan.member_ref()
    place = sheet.columns.index(column)
    if not in_order:
        whole: dict[str, list[Line]] = {}
        for line in sheet.rows():
            if ref := cell(line[1], place):
                whole.setdefault(ref, []).append(line)
            else:
                report(_fault(sheet, line, column, place, "no-reference"))
        for people in whole.values():
            yield Unit(people[0], people)
        return
    seen: set[str] = set()
    current, people = "", list[Line]()
    for line in sheet.rows():
        ref = cell(line[1], place)
        if not ref:
            report(_fault(sheet, line, column, place, "no-reference"))
        elif ref == current:
            people.append(line)
        else:
            if ref in seen:
                raise OutOfOrder("The people do not come in the order of their households.")
            seen.add(ref)
            if people:
                yield Unit(people[0], people)
            current, people = ref, [line]
    if people:
        yield Unit(people[0], people)


def _joined(tables: Tables, plan: Plan, report: Report, *, in_order: bool) -> Iterator[Unit]:
    home_place = tables.household.columns.index(plan.join_column())
    sheet = tables.people()
    place = sheet.columns.index(plan.member_ref())
    if not in_order:
        yield from _from_memory(tables, plan, report)
        return
    people = sheet.rows()
    waiting = next(people, None)
    for line in tables.household.rows():
        ref, members = cell(line[1], home_place), list[Line]()
        while waiting is not None and ref and cell(waiting[1], place) == ref:
            members.append(waiting)
            waiting = next(people, None)
        yield Unit(line, members)
    if waiting is not None:
        raise OutOfOrder("The people do not come in the order of their households.")


def _from_memory(tables: Tables, plan: Plan, report: Report) -> Iterator[Unit]:
    home_place = tables.household.columns.index(plan.join_column())
    sheet, column = tables.people(), plan.member_ref()
    place = sheet.columns.index(column)
    held = _held(sheet.rows(), place)
    for line in tables.household.rows():
        packed = held.pop(cell(line[1], home_place), [])
        yield Unit(line, [msgspec.msgpack.decode(each, type=Line) for each in packed])
    for packed in held.values():
        for each in packed:
            report(_fault(sheet, msgspec.msgpack.decode(each, type=Line), column, place, "no-household"))


def _held(rows: Rows, place: int) -> dict[str, list[bytes]]:
    held: dict[str, list[bytes]] = {}
    for line in rows:
        held.setdefault(cell(line[1], place), []).append(msgspec.msgpack.encode(line))
    return held


def _fault(sheet: Sheet, line: Line, column: str, place: int, code: str) -> Fault:
    return Fault(table=sheet.name, row=line[0], column=column, value=shortened(cell(line[1], place)), code=code)
