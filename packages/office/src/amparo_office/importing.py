"""Taking a pair of tables into the register by a mapping file: every row checked, then all of it in one transaction, or nothing.

For lists that come again and again, and for a console; at the desk the same is done by hand (`intake`). A household that came
before in a list of the same source is not taken twice. Faults are collected over the whole file: a field team mends it once.
"""

from collections.abc import Callable
from datetime import date, datetime

import msgspec
from django.db import transaction

from amparo_office import people
from amparo_office.answers import ImportResult
from amparo_office.card_words import CARD_WORDS
from amparo_office.errors import HouseholdRefused, RowFault, RowsRefused
from amparo_office.intake.keys import key_of_ref
from amparo_office.mapping import ColumnText, FactReader, Mapping, column_of
from amparo_office.register.models import BirthPrecision, Household, Individual, Origin, Relationship
from amparo_office.register.refs import chunks
from amparo_office.register.sealing import Identity, Name
from amparo_office.register.service import NewHousehold, NewIndividual, check_household, enrol_many, make_origin
from amparo_office.register.vault import vault
from amparo_office.tables import Table
from amparo_rules.errors import FactOutOfRange
from amparo_rules.rule import MOST_MEMBERS
from amparo_staff.jobs.service import add

MOST_FAULTS = 1_000


class _Home(msgspec.Struct):
    """A household of the file, being read. `row`: its row in the file."""

    row: int
    key: bytes
    by_phone: bool
    facts: dict[str, int | None]
    members: list[NewIndividual]


class Importer:
    """One import of a household table and an individuals table. `progress` hears how many households are in, and of how many."""

    def __init__(self, mapping: Mapping, *, at: datetime, progress: Callable[[int, int], None]) -> None:
        self._mapping = mapping
        self._at = at
        self._progress = progress
        self._faults: list[RowFault] = []
        self._fault_count = 0
        # By reference; held for the length of the import.
        self._homes: dict[str, _Home] = {}
        written = mapping.text.individual.facts.get("birth_date")
        by_age = isinstance(written, ColumnText) and written.age_on is not None
        self._precision = BirthPrecision.ESTIMATED if by_age else BirthPrecision.DAY

    def run(self, households: Table, persons: Table, *, identity: str) -> ImportResult:
        """Import both tables under the content hash `identity`. Raises `RowsRefused` with the report."""
        with people.reading():
            before = Origin.objects.filter(kind=Origin.Kind.IMPORT, content_hash=identity).first()
            if before is not None:
                return _counted(before)
            self._read_households(households)
            self._read_persons(persons)
            known = self._known()
            self._check(households.name)
            if self._fault_count:
                raise RowsRefused(f"{self._fault_count:,} values cannot be taken.", self._faults)
            return self._store(identity, known)

    def _store(self, identity: str, known: set[bytes]) -> ImportResult:
        text = self._mapping.text
        new = [home for home in self._homes.values() if home.key not in known]
        with transaction.atomic():
            origin = make_origin(
                Origin.Kind.IMPORT,
                source=text.source,
                day=date.fromisoformat(text.date),
                by=None,
                content_hash=identity,
            )
            taken = enrol_many(
                map(_household, new),
                origin=origin,
                by=None,
                at=self._at,
                progress=lambda done: self._progress(done, len(new)),
            )
            add("duplicates.find", {}, by=None, at=self._at)
        return ImportResult(households=taken.households, persons=taken.individuals, known=len(known))

    def _known(self) -> set[bytes]:
        """The keys of those that the register has."""
        found: set[bytes] = set()
        for some in chunks([home.key for home in self._homes.values()]):
            rows = Household.objects.filter(source_key__in=some).values_list("source_key", flat=True)
            found |= {bytes(row) for row in rows if row is not None}
        return found

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read_households(self, table: Table) -> None:
        ref_column, secret = self._mapping.text.household.ref, vault().named_key("source")
        for row_number, row in table.rows(self._mapping.household_columns()):
            ref = row[ref_column]
            if ref == "" or ref in self._homes:
                reason = "The household has no reference." if ref == "" else "This reference stands twice."
                self._fault(table.name, row_number, ref_column, ref, reason)
                continue
            self._homes[ref] = _Home(
                row=row_number,
                key=key_of_ref(secret, self._mapping.text.source, ref),
                facts=self._facts(table.name, row_number, row, self._mapping.household_facts),
                by_phone=self._phone(table.name, row_number, row),
                members=[],
            )

    def _read_persons(self, table: Table) -> None:
        column = self._mapping.text.individual.household
        for row_number, row in table.rows(self._mapping.person_columns()):
            home = self._homes.get(row[column])
            if home is None:
                self._fault(table.name, row_number, column, row[column], "No household has this reference.")
                continue
            home.members.append(self._person(table.name, row_number, row))

    def _person(self, file: str, number: int, row: dict[str, str]) -> NewIndividual:
        facts = self._facts(file, number, row, self._mapping.person_facts)
        is_head, born = facts.pop("is_head", 0), facts.pop("birth_date", None)
        known = BirthPrecision.UNKNOWN if born is None else self._precision
        return NewIndividual(
            identity=self._identity(row),
            relationship=(Relationship.HEAD if is_head else Relationship.UNKNOWN).value,
            birth_date=born,
            birth_precision=known.value,
            facts=facts,
        )

    def _identity(self, row: dict[str, str]) -> Identity:
        columns = self._mapping.text.individual

        def cell(column: str | None) -> str:
            return row[column] if column is not None else ""

        given, family, other = cell(columns.given_name), cell(columns.family_name), cell(columns.other_name)
        names = [Name(given=given or family, family=family if given else "")] if given or family else []
        if names and other:
            names.append(Name(given=other))
        return Identity(names=names, language=cell(columns.language) or "es")

    def _facts(self, file: str, number: int, row: dict[str, str], readers: list[FactReader]) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for reader in readers:
            try:
                found[reader.name] = reader.read(row)
            except FactOutOfRange as error:
                self._fault(file, number, reader.column, row[reader.column], f"{error.what} {error.reason}")
        return found

    def _phone(self, file: str, number: int, row: dict[str, str]) -> bool:
        written = self._mapping.text.household.phone
        if self._mapping.phone is None or written is None:
            return False
        try:
            return bool(self._mapping.phone(row))
        except FactOutOfRange as error:
            column = column_of(written)
            self._fault(file, number, column, row[column], f"{error.what} {error.reason}")
            return False

    # --- faults -------------------------------------------------------------------------------------------------------

    def _check(self, file: str) -> None:
        """What the rows of a household say together."""
        column = self._mapping.text.household.ref
        for ref, home in self._homes.items():
            if not 1 <= len(home.members) <= MOST_MEMBERS:
                reason = f"The household has {len(home.members)} members; 1 to {MOST_MEMBERS} are allowed."
                self._fault(file, home.row, column, ref, reason)
                continue
            try:
                check_household(_household(home))
            except HouseholdRefused as error:
                self._fault(file, home.row, column, ref, error.what)

    def _fault(self, file: str, row: int, column: str, value: str, reason: str) -> None:
        self._fault_count += 1
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(RowFault(file=file, row=row, column=column, value=value[:60], reason=reason))


def _household(home: _Home) -> NewHousehold:
    head = (place for place, each in enumerate(home.members) if each.relationship == Relationship.HEAD)
    language = home.members[0].identity.language
    return NewHousehold(
        language=language if language in CARD_WORDS else "es",
        by_phone=home.by_phone,
        facts=home.facts,
        members=home.members,
        primary=next(head, 0),
        source_key=home.key,
    )


def _counted(origin: Origin) -> ImportResult:
    homes, members = Household.objects.filter(origin=origin), Individual.objects.filter(origin=origin)
    return ImportResult(households=homes.count(), persons=members.count(), already=True)
