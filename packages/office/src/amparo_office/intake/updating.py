"""Changing many records by a file: each row names a record by its reference, each column says what is to stand there.

First a dry run, which changes nothing and says row by row what is wrong; then all of it in one transaction, or nothing. What the
dry run saw must be what is changed: a record that somebody changed in between stops the whole. An empty cell changes nothing; a
word for “unknown” takes a value out. Columns that are not understood are left as they are. Names, papers, telephone and address are
corrected one by one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext, gettext_lazy

from amparo_office.errors import FactNotNeeded, ImportChanged, MappingNotReadable, ValueFault
from amparo_office.intake import refused, storing
from amparo_office.intake.areas import Areas
from amparo_office.intake.checking import FaultList, Refused
from amparo_office.intake.faults import MOST_SHOWN, Fault, shortened
from amparo_office.intake.joining import Line, Tables, cell
from amparo_office.intake.meanings import relationship
from amparo_office.intake.models import Update, UpdateState
from amparo_office.intake.plan import Plan, refuse_column
from amparo_office.intake.sheets import Sheet, sheets
from amparo_office.intake.targets import Definitions, Needed, fact_code, fact_of, fold, guess, told_fact
from amparo_office.intake.values import UNKNOWN, birth_date, fact_value, language, plain_digits, yes_no
from amparo_office.register import bulk, catalogue, needs
from amparo_office.register.bulk_correct import OPEN, Correction, correct_some
from amparo_office.register.correction import area_of, within
from amparo_office.register.models import Household, Individual, Origin, Relationship
from amparo_office.register.refs import read_ref
from amparo_office.register.service import make_origin
from amparo_rules.catalogue import days
from amparo_staff.jobs import files
from amparo_staff.jobs.service import Running, add, job
from amparo_staff.trail.service import note

PERMISSION = "register.change"
_AT_ONCE = 1_000
_HOME_TARGETS, _PERSON_TARGETS = ("area", "language", "by-phone"), ("relationship", "birth")
_UNKNOWN = frozenset(fold(word) for word in UNKNOWN | {"desconocido", "inconnu", "desconhecido", "مجهول", "غير معروف"})
_VERSION = "version"

Record = Household | Individual
Take = Callable[["_Said", str], None]


class Columns(msgspec.Struct, frozen=True):
    """What the columns of a file are: the reference, the version ("" when there is none), and what the others change."""

    person: bool
    ref: str
    version: str
    targets: dict[str, str]

    def left_out(self, columns: list[str]) -> list[str]:
        """Those that change nothing."""
        return [name for name in columns if name not in (self.ref, self.version, *self.targets)]


class Seen(msgspec.Struct, frozen=True):
    """What the dry run would change: the version of each record that it saw, by the record's number."""

    versions: dict[int, int]


@dataclass
class Findings:
    """What a reading found: records that change and that stay, rows with faults, how many change in which field."""

    rows: int = 0
    same: int = 0
    refused: int = 0
    fault_count: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    shown: list[Fault] = field(default_factory=list)


class _Said:
    """What a row says of its record."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.facts: dict[str, int | None] = {}


def columns_of(sheet: Sheet, needed: Needed, definitions: Definitions) -> Columns:
    """What the columns are. Raises `ForbiddenConcept`, `FactNotNeeded`, `MappingNotReadable`."""
    for column in sheet.columns:
        refuse_column(column)
    by_fold = {fold(column): column for column in reversed(sheet.columns)}
    person = "person" in by_fold
    ref = by_fold.get("person") or next(iter(guess(sheet.columns, person=None, allowed={"ref"})), "")
    if not ref:
        raise MappingNotReadable(
            gettext("No column holds the references."), todo=gettext("Call the column with the references “ref”.")
        )
    facts = {fact_code(*key) for key in definitions if (key[0] == "person") == person}
    allowed = {*(_PERSON_TARGETS if person else _HOME_TARGETS), *facts} - {fact_code("person", "is_head")}
    others = [column for column in sheet.columns if column != ref]
    targets = guess(others, person=person, allowed=allowed, definitions=definitions)
    for target in targets.values():
        known = told_fact(target)
        if known is not None and known not in needed:
            raise FactNotNeeded(gettext("No published programme needs the fact “%(fact)s”.") % {"fact": known[1]})
    if not targets:
        raise MappingNotReadable(gettext("No column says what is to change."))
    return Columns(person, ref, by_fold.get(_VERSION, ""), targets)


def sheet_of(given: Update, at: datetime) -> Sheet:
    """The table of an update's file: its first. Raises `FileNotReadable`, `ImportFilesGone`."""
    ((name, file),) = given.files[storing.UPLOADS]
    return sheets(name, storing.opener(file, at))[0]


class Reading:
    """One reading of an update's file."""

    def __init__(self, given: Update, running: Running) -> None:
        now = running.clock.now()
        self.given, self._running = given, running
        self.needed, self._definitions = needs.needed(now), catalogue.known()
        self.sheet = sheet_of(given, now)
        self.columns = columns_of(self.sheet, self.needed, self._definitions)
        self.model: type[Household] | type[Individual] = Individual if self.columns.person else Household
        self._mine = given.by.areas(PERMISSION)
        self._areas = Areas(self._mine)
        places = {name: place for place, name in enumerate(self.sheet.columns)}
        self._ref = places[self.columns.ref]
        self._version = places.get(self.columns.version)
        self._takes = [(name, places[name], self._take(code)) for name, code in self.columns.targets.items()]

    def corrections(
        self, found: Findings, refuse: files.NewFile | None, *, hold: bool = False
    ) -> Iterator[list[tuple[Record, Correction]]]:
        """What would change, some records at a time; everything else goes to `found`, and rows with faults to `refuse`. `hold`: the
        records are held until the end of the transaction."""
        seen: set[str] = set()
        lines = self.sheet.rows()
        while some := list(islice(lines, _AT_ONCE)):
            found.rows += len(some)
            refs = [read_ref(cell(cells, self._ref)) or "" for _, cells in some]
            known = {row.ref: row for row in self._rows(refs, hold=hold)}
            part = list[tuple[Record, Correction]]()
            for ref, line in zip(refs, some, strict=True):
                faults: list[Fault] = []
                correction = self._correction(line, known.get(ref), faults, again=ref in seen)
                seen.add(ref)
                if faults:
                    self._refuse(line, faults, found, refuse)
                elif correction is not None:
                    part.append((known[ref], correction))
                    _count(correction, known[ref], found)
            yield [(row, each) for row, each in part if row.id in found.versions]
            self._running.progress(found.rows, self.given.rows)

    def _rows(self, refs: list[str], *, hold: bool) -> list[Record]:
        wanted = bulk.these(ref for ref in refs if ref)
        if self.columns.person:
            people = Individual.objects.filter(ref__in=wanted).select_related("household").order_by("id")
            return [*(people.select_for_update(of=("self",)) if hold else people).defer("sealed", "household__sealed")]
        homes = Household.objects.filter(ref__in=wanted).order_by("id")
        return [*(homes.select_for_update(of=("self",)) if hold else homes).defer("sealed")]

    def _correction(self, line: Line, row: Record | None, faults: list[Fault], *, again: bool) -> Correction | None:
        number, cells = line
        ref = cell(cells, self._ref)
        if row is None or not within(self._mine, _area(row)):
            self._fault(faults, line, self.columns.ref, ref, "unknown-reference")
            return None
        if again:
            self._fault(faults, line, self.columns.ref, ref, "twice")
        if row.state not in OPEN:
            self._fault(faults, line, self.columns.ref, ref, "closed")
        if self._version is not None and cell(cells, self._version) not in ("", str(row.version)):
            self._fault(faults, line, self.columns.version, cell(cells, self._version), "changed-since")
        if any(cells[len(self.sheet.columns) :]):
            self._fault(faults, line, "", "", "cells")
        said = _Said()
        for name, place, take in self._takes:
            text = cell(cells, place)
            try:
                if text:
                    take(said, text)
            except ValueFault as error:
                faults.append(Fault(self.sheet.name, number, name, shortened(text), error.fault, error.limits, ref))
        new = said.fields.get("relationship")
        if new not in (None, getattr(row, "relationship", None)) and Relationship.HEAD in (new, row.relationship):  # type: ignore[union-attr] # only of people
            self._fault(faults, line, self._column("relationship"), str(new), "head")
        return Correction(said.fields, said.facts)

    def _fault(self, faults: list[Fault], line: Line, column: str, value: str, code: str) -> None:
        ref = cell(line[1], self._ref)
        faults.append(Fault(self.sheet.name, line[0], column, shortened(value), code, {}, shortened(ref)))

    def _column(self, target: str) -> str:
        return next(name for name, code in self.columns.targets.items() if code == target)

    def _refuse(self, line: Line, faults: list[Fault], found: Findings, refuse: files.NewFile | None) -> None:
        found.refused += 1
        found.fault_count += len(faults)
        found.shown += faults[: MOST_SHOWN - len(found.shown)]
        if refuse is not None:
            storing.add_frame(refuse, Refused(line, [], faults))

    def _take(self, target: str) -> Take:
        known = fact_of(target)
        if known is not None:
            kind, name = self._definitions[known].type, known[1]
            return lambda said, text: said.facts.update({name: fact_value("" if _is_unknown(text) else text, kind)})
        match target:
            case "area":
                return self._take_area
            case "language":
                return lambda said, text: said.fields.update(language=language(text))
            case "by-phone":
                return _take_by_phone
            case "relationship":
                return lambda said, text: said.fields.update(relationship=relationship(text).value)
        return _take_birth

    def _take_area(self, said: _Said, text: str) -> None:
        said.fields["area"] = self._areas.by_code(text)
        self._areas.check_mine(said.fields["area"])


def _take_by_phone(said: _Said, text: str) -> None:
    value = yes_no(text)
    if value is None:
        raise ValueFault("empty")
    said.fields["by_phone"] = bool(value)


def _take_birth(said: _Said, text: str) -> None:
    if _is_unknown(text):
        said.facts["birth_date"], said.fields["birth_precision"] = None, "unknown"
        return
    found, precision = birth_date(plain_digits(text), "ymd")
    said.facts["birth_date"], said.fields["birth_precision"] = days(found), precision.value


def _is_unknown(text: str) -> bool:
    return fold(text) in _UNKNOWN or text == "?"


def _area(row: Record) -> str:
    return area_of(row) if isinstance(row, Individual) else row.area_id or ""


def _count(correction: Correction, row: Record, found: Findings) -> None:
    fields, facts = correction.differences(row)
    if not fields and not facts:
        found.same += 1
        return
    found.versions[row.id] = row.version
    for name in (*fields, *facts):
        found.counts[name] = found.counts.get(name, 0) + 1


# --- the two jobs --------------------------------------------------------------------------------------------------------


@job("intake.update-check", words=gettext_lazy("Check a file"), permission=PERMISSION, result_path="update-of-job")
def check(running: Running) -> dict[str, object]:
    """The dry run: nothing changes."""
    given = Update.objects.select_related("by").get(id=running.argument["update"])
    if given.state != UpdateState.CHECKING:
        return {}
    reading, found, now = Reading(given, running), Findings(), running.clock.now()
    with files.new_file("refused.bin", by=given.by, at=now) as kept:
        for _ in reading.corrections(found, kept):
            pass
    new_files = dict(given.files) | {
        storing.FAULTS: storing.keep(FaultList(found.shown), by=given.by, at=now),
        storing.SEEN: storing.keep(Seen(found.versions), by=given.by, at=now),
    }
    if found.fault_count:
        frames = storing.frames(str(kept.row.id), Refused, at=now)
        tables, plan = Tables(reading.sheet, None), Plan("flat", [], [])
        new_files[storing.REFUSED] = refused.write_workbook(frames, tables, plan, by=given.by, at=now)
    files.erase(kept.row)
    Update.objects.filter(id=given.id, state=UpdateState.CHECKING).update(
        state=UpdateState.FAULTY if found.fault_count else UpdateState.READY,
        rows=found.rows,
        changing=len(found.versions),
        same=found.same,
        refused=found.refused,
        fault_count=found.fault_count,
        counts=found.counts,
        files=new_files,
    )
    counts = {"rows": found.rows, "changing": len(found.versions), "faults": found.fault_count}
    note("update.checked", by=given.by, at=now, subject=str(given.id), details=dict(counts))
    return dict(counts)


@job(
    "intake.update-write", words=gettext_lazy("Change many records"), permission=PERMISSION, result_path="update-of-job"
)
def write(running: Running) -> dict[str, object]:
    """Change all that the dry run showed, or nothing. Raises `ImportChanged` when it is no longer what was shown."""
    with transaction.atomic():
        given = Update.objects.select_for_update(of=("self",)).select_related("by").get(id=running.argument["update"])
        if given.state == UpdateState.WRITING:
            _write(given, running)
    # After the commit: a crash between the two is mended by running this again.
    if given.state == UpdateState.DONE:
        storing.erase(given)
    return {"changed": given.changing}


def _write(given: Update, running: Running) -> None:
    now, found = running.clock.now(), Findings()
    reading = Reading(given, running)
    seen = storing.kept(given.files[storing.SEEN], Seen, at=now)
    origin = make_origin(
        Origin.Kind.CORRECTION, source=given.name, day=now.date(), by=given.by, content_hash=given.content_hash
    )
    written = sum(
        correct_some(
            reading.model, some, reason=given.reason, origin=origin, by=given.by, at=now, needed=reading.needed
        )
        for some in reading.corrections(found, None, hold=True)
    )
    if found.fault_count or found.versions != seen.versions or written != given.changing:
        raise ImportChanged("The register has changed since this file was checked.")
    given.state, given.done = UpdateState.DONE, now
    given.save(update_fields=["state", "done"])
    if "birth_date" in found.counts:
        add("duplicates.find", {}, by=given.by, at=now)
    note("update.done", by=given.by, at=now, subject=str(given.id), details={"changed": written})
