"""The refused rows as a workbook to correct: whole rows, in the shape that can be imported again, faulty cells marked, with a
comment that says why. The first twenty thousand households; mend those, and the next check shows the others.
"""

import io
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Protocol

import xlsxwriter
from django.utils.translation import override

from amparo_office.intake.faults import Fault
from amparo_office.intake.joining import Tables
from amparo_office.intake.plan import Plan
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs import files

# What is held in memory while the workbook is put together: nothing of it is on the disk in the clear.
MOST_UNITS = 20_000
LONGEST_CELL = 32_767
HOUSEHOLDS, INDIVIDUALS = "Households", "Individuals"

Line = tuple[int, list[str]]


class RefusedUnit(Protocol):
    """A household that was refused: `checking.Refused`."""

    @property
    def home(self) -> Line: ...
    @property
    def people(self) -> list[Line]: ...
    @property
    def faults(self) -> list[Fault]: ...


class _Sheet:
    """One sheet being written, row by row."""

    def __init__(self, book: xlsxwriter.Workbook, name: str, table: str, columns: list[str]) -> None:
        self._sheet = book.add_worksheet(name)
        self._bad = book.add_format({"bg_color": "#FFF4D6", "border": 2, "border_color": "#A4161A"})
        self._plain = book.add_format({"num_format": "@"})
        head = book.add_format({"bold": True, "bottom": 2})
        self.table, self._columns, self._row = table, columns, 0
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, max(0, len(columns) - 1), 16)
        for place, name_ in enumerate(columns):
            self._sheet.write_string(0, place, name_, head)

    def write(self, line: Line, faults: list[Fault]) -> None:
        """One row, with its faults."""
        self._row += 1
        number, cells = line
        bad: dict[int, list[str]] = {}
        for fault in faults:
            if (fault.table, fault.row) == (self.table, number):
                place = self._columns.index(fault.column) if fault.column in self._columns else 0
                bad.setdefault(place, []).append(fault.reason)
        for place, text in enumerate(cells):
            self._sheet.write_string(self._row, place, text[:LONGEST_CELL], self._bad if place in bad else self._plain)
        for place, reasons in bad.items():
            if place >= len(cells) or not cells[place]:
                self._sheet.write_blank(self._row, place, None, self._bad)
            self._sheet.write_comment(self._row, place, "\n".join(reasons), {"x_scale": 2})


def write_workbook(units: Iterable[RefusedUnit], tables: Tables, plan: Plan, *, by: StaffMember, at: datetime) -> str:
    """Write it, in the member's language; the id of the sealed file."""
    with override(by.language), io.BytesIO() as whole, files.new_file("to-correct.xlsx", by=by, at=at) as made:
        with xlsxwriter.Workbook(whole, {"in_memory": True, "strings_to_formulas": False}) as book:
            _write(book, units, tables, plan)
        made.write(whole.getvalue())
    return str(made.row.id)


def _write(book: xlsxwriter.Workbook, units: Iterable[RefusedUnit], tables: Tables, plan: Plan) -> None:
    homes = _Sheet(book, HOUSEHOLDS, tables.household.name, tables.household.columns)
    people = None
    if tables.person is not None:
        people = _Sheet(book, INDIVIDUALS, tables.person.name, tables.person.columns)
    for unit in islice(units, MOST_UNITS):
        if plan.shape == "people":
            for line in unit.people:
                homes.write(line, unit.faults)
            continue
        if unit.home[0]:
            homes.write(unit.home, unit.faults)
        for line in unit.people if people is not None else []:
            people.write(line, unit.faults)  # type: ignore[union-attr] # the loop is empty without it
