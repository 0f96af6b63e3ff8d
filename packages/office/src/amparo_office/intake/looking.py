"""A first look at an upload: which table is which, its columns with examples, how many rows. A job, because a large workbook takes
minutes to read to its end. So it is read this once: its rows are kept in a form that is quick to read, and what was sent is erased.
Everything lies sealed; the mapping page shows the examples shortened.
"""

import contextlib
from dataclasses import replace
from datetime import datetime
from itertools import islice

import msgspec
from django.utils.translation import gettext_lazy

from amparo_office.errors import FileNotReadable, ImportFilesGone
from amparo_office.intake import storing
from amparo_office.intake.faults import shortened
from amparo_office.intake.joining import Tables
from amparo_office.intake.models import Import, ImportState
from amparo_office.intake.sheets import Rows, Sheet, sheets
from amparo_office.intake.targets import PERSON_WORDS, fact_code, fold, guess, is_person
from amparo_office.register import catalogue
from amparo_staff.jobs import files
from amparo_staff.jobs.service import Running, job

EXAMPLES = 3
MOST_VALUES = 40
_SAMPLE = 2_000
_AT_ONCE = 500
# The sheet by which our own template is known: below its hidden row of codes stands a row of words.
MARK = "amparo"
# Sheets of our own workbooks, and of Kobo's and HOPE's, that hold no registrations.
_ASIDE = frozenset({MARK, "lists", "help", "choices", "settings", "survey", "meta"})


class ColumnLook(msgspec.Struct, frozen=True, array_like=True):
    """A column: some examples, and its different values where there are few. `labels`: what the file says they mean."""

    name: str
    examples: list[str]
    values: list[str]
    labels: dict[str, str]


class TableLook(msgspec.Struct, frozen=True, array_like=True):
    """A table as the mapping page shows it."""

    name: str
    rows: int
    columns: list[ColumnLook]

    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]


class Look(msgspec.Struct, frozen=True, array_like=True):
    """What an upload holds. `repeats`: in a single table several rows share a household reference."""

    kind: str
    household: TableLook
    person: TableLook | None
    repeats: bool

    def tables(self) -> list[TableLook]:
        """One or two."""
        return [self.household] if self.person is None else [self.household, self.person]


class Lines(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of a table, with their numbers in the file."""

    lines: list[tuple[int, list[str]]]


def tables_of(given: Import, at: datetime) -> Tables:
    """The tables of an upload that was looked at. Raises `ImportFilesGone`."""
    look = read_look(given, at)
    kept = given.files.get(storing.TABLES, [])
    found = [_kept(seen, file, at) for seen, file in zip(look.tables(), kept, strict=False)]
    if not found:
        raise ImportFilesGone("The files of this import are gone.")
    return Tables(found[0], found[1] if len(found) > 1 else None)


def _kept(seen: TableLook, file: str, at: datetime) -> Sheet:
    def rows() -> Rows:
        for some in storing.frames(file, Lines, at=at):
            yield from some.lines

    return Sheet(seen.name, seen.names(), rows)


def _sent(given: Import, at: datetime) -> tuple[str, Tables]:
    """The tables of an upload as it was sent, and what kind of file it is. Raises `FileNotReadable`, `ImportFilesGone`."""
    uploads = given.files.get(storing.UPLOADS, [])
    found = [sheet for name, file in uploads for sheet in sheets(name, storing.opener(file, at))]
    if not found:
        raise ImportFilesGone("The files of this import are gone.")
    if any(fold(sheet.name) == MARK for sheet in found):
        found = [_without_words(sheet) for sheet in found]
    return arrange([sheet for sheet in found if fold(sheet.name) not in _ASIDE] or found)


def arrange(found: list[Sheet]) -> tuple[str, Tables]:
    """Which table holds the households and which the people."""
    if len(found) == 1:
        kind = "121" if fold("referenceId") in {fold(name) for name in found[0].columns} else "table"
        return kind, Tables(found[0], None)
    repeats = [sheet for sheet in found if {"_parent_index", "PARENT_KEY"} & set(sheet.columns)]
    if repeats:
        homes = [sheet for sheet in found if sheet not in repeats]
        if not homes:
            raise FileNotReadable("The main table of the form is missing.")
        return "kobo", Tables(homes[0], max(repeats, key=_people_guesses))
    by_name = {fold(sheet.name): sheet for sheet in found}
    if "households" in by_name and "individuals" in by_name:
        return "hope", Tables(by_name["households"], by_name["individuals"])
    person = max(found, key=_people_guesses)
    return "two", Tables(next(sheet for sheet in found if sheet is not person), person)


def _without_words(sheet: Sheet) -> Sheet:
    """A sheet of our template without its row of words."""
    return replace(sheet, rows=lambda: (line for line in sheet.rows() if line[0] != 2))


def read_look(given: Import, at: datetime) -> Look:
    """What was seen. Raises `ImportFilesGone`."""
    return storing.kept(given.files.get(storing.LOOK, ""), Look, at=at)


@job("intake.look", words=gettext_lazy("Look at a file"), permission="intake.import", result_path="import-of-job")
def look(running: Running) -> dict[str, object]:
    """Read the upload once to its end."""
    given = Import.objects.get(id=running.argument["import"])
    if given.state != ImportState.UPLOADED:
        return {}
    now = running.clock.now()
    kind, tables = _sent(given, now)
    found = [tables.household] if tables.person is None else [tables.household, tables.person]
    with contextlib.ExitStack() as whole:
        kept = [whole.enter_context(files.new_file("table.bin", by=given.by, at=now)) for _ in found]
        looks = _looks(found, kept, running)
    (home, repeats), *others = looks
    person = others[0][0] if others else None
    seen = storing.keep(Look(kind, home, person, repeats), by=given.by, at=now)
    sent, made = given.files, {storing.LOOK: seen, storing.TABLES: [str(each.row.id) for each in kept]}
    looked_at = Import.objects.filter(id=given.id, state=ImportState.UPLOADED).update(
        state=ImportState.MAPPING, kind=kind, rows=sum(table.rows for table, _ in looks), files=made
    )
    # Where it was given up meanwhile, all of it goes.
    storing.let_go(sent if looked_at else sent | made)
    return {"rows": home.rows}


def _looks(found: list[Sheet], kept: list[files.NewFile], running: Running) -> list[tuple[TableLook, bool]]:
    """What is seen in each table, and whether its rows share households; the rows go to the file of the table."""
    looks, count = list[tuple[TableLook, bool]](), 0
    for sheet, file in zip(found, kept, strict=True):
        sample, before, rows = list[list[str]](), count, sheet.rows()
        while some := list(islice(rows, _AT_ONCE)):
            storing.add_frame(file, Lines(some))
            sample += [cells for _, cells in some[: _SAMPLE - len(sample)]]
            count += len(some)
            running.progress(count, 0)
        columns = [_column(sheet, place, sample) for place in range(len(sheet.columns))]
        looks.append((TableLook(sheet.name, count - before, columns), _has_repeats(sheet, sample)))
    return looks


def _column(sheet: Sheet, place: int, sample: list[list[str]]) -> ColumnLook:
    name = sheet.columns[place]
    values: dict[str, int] = {}
    for cells in sample:
        if place < len(cells) and cells[place]:
            values[cells[place]] = values.get(cells[place], 0) + 1
    labels = sheet.labels.get(name, {})
    few = list(dict.fromkeys([*labels, *values])) if len(values) <= MOST_VALUES else []
    few = [value for value in few if len(value) <= 200][:MOST_VALUES]
    return ColumnLook(name, [shortened(value) for value in list(values)[:EXAMPLES]], few, labels)


def _has_repeats(sheet: Sheet, sample: list[list[str]]) -> bool:
    """Whether rows share a household: then a row is a person."""
    guessed = guess(sheet.columns, person=None, allowed={"ref"})
    if not guessed:
        return False
    place = sheet.columns.index(next(iter(guessed)))
    refs = [cells[place] for cells in sample if place < len(cells) and cells[place]]
    # A few twice are mistakes, many are members of one household.
    return len(set(refs)) < 0.9 * len(refs)


def _people_guesses(sheet: Sheet) -> int:
    definitions = catalogue.known()
    allowed = {*PERSON_WORDS, *(fact_code(*key) for key in definitions)}
    guessed = guess(sheet.columns, person=None, allowed=allowed, definitions=definitions)
    return sum(is_person(code) for code in guessed.values())
