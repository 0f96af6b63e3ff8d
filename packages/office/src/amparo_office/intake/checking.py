"""The dry run and the commit of an import: the same reading of the file, once only to count and find faults, once to take in.

The commit takes all that the dry run found right, or nothing, in one transaction; a crash at any moment leaves one of the two.
Before that transaction, which keeps other writers waiting on SQLite, the file is read and its households are checked, numbered and
sealed; in it they are only written. What was taken in before (known by its key in the source) is left as it is, so a corrected file
takes in only what is new.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import msgspec
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy, gettext_noop

from amparo_office.errors import ImportChanged, OutOfOrder
from amparo_office.intake import refused, storing
from amparo_office.intake.areas import Areas
from amparo_office.intake.building import Builder
from amparo_office.intake.faults import MOST_SHOWN, Fault, shortened
from amparo_office.intake.joining import Unit, cell, units
from amparo_office.intake.keys import SourceKeys
from amparo_office.intake.looking import tables_of
from amparo_office.intake.models import Import, ImportState
from amparo_office.intake.plan import check_plan, read_plan
from amparo_office.register import bulk, catalogue, needs
from amparo_office.register.models import Collector, Household, Individual, Origin, SearchKey
from amparo_office.register.service import NewHousehold, Ready, make_origin, ready, write_ready
from amparo_office.register.vault import vault
from amparo_staff.jobs import files
from amparo_staff.jobs.models import JobFile
from amparo_staff.jobs.service import Running, add, job
from amparo_staff.trail.service import note

PERMISSION = "intake.import"
_AT_ONCE = 500
_CHANGED = gettext_noop("The register or the rules have changed since this file was checked.")
_NOT_APPROVED = ("not approved", "not_approved", "on hold", "on_hold", "rejected", "hasissues")


class FaultList(msgspec.Struct, frozen=True):
    """The faults that the page shows: the first thousand."""

    faults: list[Fault]


@dataclass
class Findings:
    """What a reading of the file found. Households: `new` would be taken in with `individuals`, `known` are in the register,
    `left_out` were not approved where they were collected, `refused` have faults."""

    new: int = 0
    individuals: int = 0
    known: int = 0
    left_out: int = 0
    refused: int = 0
    fault_count: int = 0
    shown: list[Fault] = field(default_factory=list)
    faulty: list[Fault] = field(default_factory=list)

    def report(self, fault: Fault) -> None:
        """Take down a fault of the household that is being read, or of a row that belongs to none."""
        self.fault_count += 1
        self.faulty.append(fault)

    def settle(self, ref: str) -> list[Fault]:
        """The faults since the last time, now with the reference of the household that they belong to."""
        settled = [msgspec.structs.replace(fault, ref=fault.ref or ref) for fault in self.faulty]
        self.shown += settled[: MOST_SHOWN - len(self.shown)]
        self.faulty = []
        return settled


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """A refused household as it stands in the file, with what is wrong."""

    home: tuple[int, list[str]]
    people: list[tuple[int, list[str]]]
    faults: list[Fault]


class Reading:
    """One reading of an import's file."""

    def __init__(self, given: Import, running: Running, *, passes: int = 1) -> None:
        self.given, self.plan = given, read_plan(given.plan)
        self._running = running
        self._done, self._all = 0, passes * given.rows
        now = running.clock.now()
        self.tables = tables_of(given, now)
        self._needed, definitions = needs.needed(now), catalogue.known()
        person = self.tables.person
        check_plan(
            self.plan,
            household=self.tables.household.columns,
            person=None if person is None else person.columns,
            needed=self._needed,
            definitions=definitions,
        )
        areas = Areas(given.by.areas(PERMISSION))
        assert given.day is not None  # noqa: S101 - set with the mapping
        self._builder = Builder(
            self.tables, self.plan, day=given.day, areas=areas, needed=self._needed, definitions=definitions
        )
        self._keys = SourceKeys(self.tables, self.plan, source=given.source, secret=vault().named_key("source"))
        self._approved = self.tables.household.columns.index(self.plan.approved) if self.plan.approved else None
        self.needed = self._needed

    def households(self, found: Findings, refuse: files.NewFile | None, *, in_order: bool) -> Iterator[NewHousehold]:
        """The households that can be taken in; everything else goes to `found`, and refused ones whole to `refuse`. Begun anew (a
        file turned out not to be in order) it tells of the work as of one that grew."""
        seen: set[bytes] = set()
        self._all += self._done
        every = units(self.tables, self.plan, found.report, in_order=in_order)
        while some := list(islice(every, _AT_ONCE)):
            keyed = [(self._keys.key(unit), unit) for unit in some]
            known = _known({key for key, _ in keyed})
            for key, unit in keyed:
                # Faults of rows without household were reported while reading; they belong to no unit.
                self._loose(found, refuse)
                if self._approved is not None and _is_refused(cell(unit.home[1], self._approved)):
                    found.left_out += 1
                elif key in seen:
                    self._twice(unit, found, refuse)
                elif key in known:
                    found.known += 1
                else:
                    seen.add(key)
                    new = self._builder.build(unit, key, found.report)
                    if new is None:
                        self._refuse(unit, found, refuse)
                    else:
                        found.new += 1
                        found.individuals += len(new.members)
                        yield new
            self._done += sum(self._rows_of(unit) for unit in some)
            self._running.progress(min(self._done, self._all), self._all)
        self._loose(found, refuse)

    def _rows_of(self, unit: Unit) -> int:
        """How many rows of the file it is; in a table of people the household's is the first one's."""
        match self.plan.shape:
            case "flat":
                return 1
            case "people":
                return len(unit.people)
        return 1 + len(unit.people)

    def _twice(self, unit: Unit, found: Findings, refuse: files.NewFile | None) -> None:
        ref = self.plan.household_ref() or self.plan.member_ref()
        value = shortened(self._keys.ref(unit))
        found.report(Fault(self.tables.household.name, unit.home[0], ref, value, "twice"))
        self._refuse(unit, found, refuse)

    def _refuse(self, unit: Unit, found: Findings, refuse: files.NewFile | None) -> None:
        found.refused += 1
        faults = found.settle(shortened(self._keys.ref(unit)))
        if refuse is not None:
            storing.add_frame(refuse, Refused(unit.home, unit.people, faults))

    @staticmethod
    def _loose(found: Findings, refuse: files.NewFile | None) -> None:
        faults = found.settle("")
        if faults and refuse is not None:
            storing.add_frame(refuse, Refused((0, []), [], faults))


@job("intake.check", words=gettext_lazy("Check a file"), permission=PERMISSION, result_path="import-of-job")
def check(running: Running) -> dict[str, object]:
    """The dry run: nothing is stored in the register."""
    given = Import.objects.select_related("by").get(id=running.argument["import"])
    if given.state != ImportState.CHECKING:
        return {}
    reading, in_order = Reading(given, running), True
    try:
        found, kept = _dry_run(reading, running, in_order=True)
    except OutOfOrder:
        in_order = False
        found, kept = _dry_run(reading, running, in_order=False)
    now = running.clock.now()
    new_files = dict(given.files) | {storing.FAULTS: storing.keep(FaultList(found.shown), by=given.by, at=now)}
    if found.fault_count:
        frames = storing.frames(str(kept.id), Refused, at=now)
        new_files[storing.REFUSED] = refused.write_workbook(frames, reading.tables, reading.plan, by=given.by, at=now)
    files.erase(kept)
    state = ImportState.REFUSED_ROWS if found.fault_count else ImportState.READY
    Import.objects.filter(id=given.id, state=ImportState.CHECKING).update(
        state=state,
        in_order=in_order,
        new=found.new,
        individuals=found.individuals,
        known=found.known,
        left_out=found.left_out,
        refused=found.refused,
        fault_count=found.fault_count,
        households=found.new + found.known + found.left_out + found.refused,
        files=new_files,
    )
    counts = {"new": found.new, "known": found.known, "refused": found.refused, "faults": found.fault_count}
    note("import.checked", by=given.by, at=now, subject=str(given.id), details=dict(counts))
    return dict(counts)


def _dry_run(reading: Reading, running: Running, *, in_order: bool) -> tuple[Findings, JobFile]:
    found = Findings()
    with files.new_file("refused.bin", by=reading.given.by, at=running.clock.now()) as kept:
        for _ in reading.households(found, kept, in_order=in_order):
            pass
    return found, kept.row


@job("intake.commit", words=gettext_lazy("Take in a file"), permission=PERMISSION, result_path="import-of-job")
def commit(running: Running) -> dict[str, object]:
    """Take in what the dry run found right: all of it, or nothing. Raises `ImportChanged` when it is no longer what was shown."""
    given = Import.objects.select_related("by").get(id=running.argument["import"])
    if given.state == ImportState.COMMITTING:
        prepared = _prepare(given, running)
        with files.erased_unless_done(prepared), transaction.atomic():
            given = Import.objects.select_for_update(of=("self",)).select_related("by").get(id=given.id)
            if given.state == ImportState.COMMITTING:
                _take_in(given, running)
    # After the commit: a crash between the two is mended by running this again.
    if given.state == ImportState.MERGED:
        storing.erase(given)
        bulk.measure(Household, Individual, Collector, SearchKey)
    return {"households": given.new, "individuals": given.individuals}


def _prepare(given: Import, running: Running) -> JobFile:
    """All that can be done before the transaction. A file of a run that was killed goes first."""
    storing.erase(given, storing.PREPARED)
    reading, found = Reading(given, running, passes=2), Findings()
    every = ready(reading.households(found, None, in_order=given.in_order), reading.needed)
    with files.new_file("prepared.bin", by=given.by, at=running.clock.now()) as kept:
        for some in every:
            storing.add_frame(kept, some)
        if (found.new, found.individuals) != (given.new, given.individuals):
            raise ImportChanged(_CHANGED)
    given.files[storing.PREPARED] = str(kept.row.id)
    given.save(update_fields=["files"])
    return kept.row


def _take_in(given: Import, running: Running) -> None:
    now = running.clock.now()
    assert given.day is not None  # noqa: S101 - set with the mapping
    origin = make_origin(
        Origin.Kind.IMPORT, source=given.source, day=given.day, by=given.by, content_hash=given.content_hash
    )
    try:
        taken = write_ready(
            storing.frames(given.files[storing.PREPARED], Ready, at=now),
            origin=origin,
            by=given.by,
            at=now,
            progress=lambda done: running.progress(given.rows + given.rows * done // given.new, 2 * given.rows),
        )
    except IntegrityError as error:
        # One of the households came into the register after it was prepared.
        raise ImportChanged(_CHANGED) from error
    given.state, given.merged = ImportState.MERGED, now
    given.save(update_fields=["state", "merged"])
    counts: dict[str, str | int | bool | None] = {"households": taken.households, "individuals": taken.individuals}
    add("duplicates.find", {}, by=given.by, at=now)
    note("import.merged", by=given.by, at=now, subject=str(given.id), details=counts)


def _known(keys: set[bytes]) -> set[bytes]:
    rows = Household.objects.filter(source_key__in=keys).values_list("source_key", flat=True)
    return {bytes(row) for row in rows if row is not None}


def _is_refused(status: str) -> bool:
    word = status.casefold().removeprefix("validation_status_")
    return word in _NOT_APPROVED
