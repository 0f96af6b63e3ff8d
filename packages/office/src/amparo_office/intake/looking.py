"""A first look at an upload: which table is which, its columns with examples, how many rows. A job, because a large workbook takes
minutes to read to its end. The examples lie sealed; the mapping page shows them shortened.
"""

from dataclasses import replace
from datetime import datetime

import msgspec
from django.utils.translation import gettext_lazy

from amparo_office.errors import FileNotReadable, ImportFilesGone
from amparo_office.intake import storing
from amparo_office.intake.faults import shortened
from amparo_office.intake.joining import Tables
from amparo_office.intake.models import Import, ImportState
from amparo_office.intake.sheets import Sheet, sheets
from amparo_office.intake.targets import PERSON_WORDS, fact_code, fold, guess, is_person
from amparo_rules.catalogue import CATALOGUE
from amparo_staff.jobs.service import Running, job

EXAMPLES = 3
MOST_VALUES = 40
_SAMPLE = 2_000
_BEAT = 5_000
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


def tables_of(given: Import, at: datetime) -> tuple[str, Tables]:
    """The tables of an upload, and what kind of file it is. Raises `FileNotReadable`, `ImportFilesGone`."""
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
    kind, tables = tables_of(given, running.clock.now())
    home, repeats = _look_at(tables.household, running)
    person = None if tables.person is None else _look_at(tables.person, running)[0]
    seen = Look(kind, home, person, repeats)
    kept = storing.keep(seen, by=given.by, at=running.clock.now())
    Import.objects.filter(id=given.id, state=ImportState.UPLOADED).update(
        state=ImportState.MAPPING,
        kind=kind,
        rows=home.rows + (0 if person is None else person.rows),
        files=given.files | {storing.LOOK: kept},
    )
    return {"rows": home.rows}


def _look_at(sheet: Sheet, running: Running) -> tuple[TableLook, bool]:
    sample: list[list[str]] = []
    count = 0
    for _, cells in sheet.rows():
        count += 1
        if len(sample) < _SAMPLE:
            sample.append(cells)
        if count % _BEAT == 0:
            running.progress(count, 0)
    columns = [_column(sheet, place, sample) for place in range(len(sheet.columns))]
    return TableLook(sheet.name, count, columns), _has_repeats(sheet, sample)


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
    allowed = {*PERSON_WORDS, *(fact_code(*key) for key in CATALOGUE)}
    return sum(is_person(code) for code in guess(sheet.columns, person=None, allowed=allowed).values())
