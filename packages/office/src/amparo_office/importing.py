"""Taking a pair of tables into the register: every row checked, then all of it in one transaction, or nothing.

A second import of the same content changes nothing and says so. Faults are collected over the whole file, so that a field
team mends it once.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable

import msgspec

from amparo_office.errors import RowFault, RowsRefused
from amparo_office.identity import Identity, IdentitySealer
from amparo_office.mapping import FactReader, Mapping, column_of
from amparo_office.tables import Table
from amparo_rules.errors import FactOutOfRange
from amparo_rules.rule import MOST_MEMBERS
from amparo_service.database import Database

MOST_FAULTS = 1_000
_CHUNK = 10_000


class ImportResult(msgspec.Struct, frozen=True):
    """What an import did. `already` says that the same content had been imported before."""

    households: int
    persons: int
    already: bool = False


def content_hash(mapping: str, files: list[bytes]) -> str:
    """The identity of an import: its mapping and its files, byte for byte."""
    whole = hashlib.sha256(mapping.encode())
    for data in files:
        whole.update(b"\0" + hashlib.sha256(data).digest())
    return whole.hexdigest()


class Importer:
    """One import of a household table and an individuals table."""

    def __init__(
        self, database: Database, sealer: IdentitySealer, mapping: Mapping, *, progress: Callable[[int], None]
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._mapping = mapping
        self._progress = progress
        self._faults: list[RowFault] = []
        self._fault_count = 0
        # ref -> [household number, members, row]; held for the length of the import.
        self._households: dict[str, list[int]] = {}
        self._done = 0

    def run(self, households: Table, persons: Table, *, identity: str) -> ImportResult:
        """Import both tables under the content hash `identity`. Raises `RowsRefused` with the report."""
        text = self._mapping.text
        with self._database.transaction() as connection:
            known = connection.execute(
                "SELECT households, persons FROM import WHERE content_hash = ?", (identity,)
            ).fetchone()
            if known is not None:
                return ImportResult(households=known[0], persons=known[1], already=True)
            number = connection.execute(
                "INSERT INTO import (content_hash, source, date, households, persons) VALUES (?, ?, ?, 0, 0)",
                (identity, text.source, text.date),
            ).lastrowid
            self._take_households(connection, households, int(number or 0))
            count = self._take_persons(connection, persons)
            self._check_sizes(households.name)
            if self._fault_count:
                # Raised inside the transaction: all of it is undone.
                raise RowsRefused(f"{self._fault_count:,} values cannot be taken.", self._faults)
            connection.execute(
                "UPDATE import SET households = ?, persons = ? WHERE number = ?", (len(self._households), count, number)
            )
        return ImportResult(households=len(self._households), persons=count)

    def _take_households(self, connection: sqlite3.Connection, table: Table, import_number: int) -> None:
        (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM household").fetchone()
        ref_column, rows = self._mapping.text.household.ref, []
        for row_number, row in table.rows(self._mapping.household_columns()):
            ref = row[ref_column]
            if ref == "" or ref in self._households:
                reason = "The household has no reference." if ref == "" else "This reference stands twice."
                self._fault(table.name, row_number, ref_column, ref, reason)
                continue
            last += 1
            self._households[ref] = [last, 0, row_number]
            facts = self._facts(table.name, row_number, row, self._mapping.household_facts)
            phone = self._phone(table.name, row_number, row)
            rows.append((last, secrets.token_bytes(16), import_number, ref, phone, msgspec.json.encode(facts).decode()))
            if len(rows) == _CHUNK:
                self._write_households(connection, rows)
        self._write_households(connection, rows)

    def _write_households(
        self, connection: sqlite3.Connection, rows: list[tuple[int, bytes, int, str, int, str]]
    ) -> None:
        connection.executemany(
            "INSERT INTO household (number, id, import, ref, phone, facts) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        self._advance(len(rows))
        rows.clear()

    def _take_persons(self, connection: sqlite3.Connection, table: Table) -> int:
        (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM person").fetchone()
        first, people, names = last, [], []
        for row_number, row in table.rows(self._mapping.person_columns()):
            ref = row[self._mapping.text.individual.household]
            household = self._households.get(ref)
            if household is None:
                column = self._mapping.text.individual.household
                self._fault(table.name, row_number, column, ref, "No household has this reference.")
                continue
            last += 1
            household[1] += 1
            facts = self._facts(table.name, row_number, row, self._mapping.person_facts)
            people.append((last, household[0], msgspec.json.encode(facts).decode()))
            identity = self._identity(row)
            if identity is not None:
                names.append((last, self._sealer.seal(last, identity)))
            if len(people) == _CHUNK:
                self._write_persons(connection, people, names)
        self._write_persons(connection, people, names)
        return int(last - first)

    def _write_persons(
        self, connection: sqlite3.Connection, people: list[tuple[int, int, str]], names: list[tuple[int, bytes]]
    ) -> None:
        connection.executemany("INSERT INTO person (number, household, facts) VALUES (?, ?, ?)", people)
        connection.executemany("INSERT INTO identity (person, sealed) VALUES (?, ?)", names)
        self._advance(len(people))
        people.clear()
        names.clear()

    def _identity(self, row: dict[str, str]) -> Identity | None:
        columns = self._mapping.text.individual

        def cell(column: str | None) -> str:
            return row[column] if column is not None else ""

        found = Identity(
            given_name=cell(columns.given_name),
            family_name=cell(columns.family_name),
            other_name=cell(columns.other_name),
            language=cell(columns.language) or "es",
        )
        return found if found.given_name or found.family_name else None

    def _facts(self, file: str, number: int, row: dict[str, str], readers: list[FactReader]) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for reader in readers:
            try:
                found[reader.name] = reader.read(row)
            except FactOutOfRange as error:
                self._fault(file, number, reader.column, row[reader.column], f"{error.what} {error.reason}")
        return found

    def _phone(self, file: str, number: int, row: dict[str, str]) -> int:
        written = self._mapping.text.household.phone
        if self._mapping.phone is None or written is None:
            return 0
        try:
            return self._mapping.phone(row) or 0
        except FactOutOfRange as error:
            column = column_of(written)
            self._fault(file, number, column, row[column], f"{error.what} {error.reason}")
            return 0

    def _check_sizes(self, file: str) -> None:
        for ref, (_, members, row_number) in self._households.items():
            if not 1 <= members <= MOST_MEMBERS:
                column = self._mapping.text.household.ref
                self._fault(
                    file,
                    row_number,
                    column,
                    ref,
                    f"The household has {members} members; 1 to {MOST_MEMBERS} are allowed.",
                )

    def _fault(self, file: str, row: int, column: str, value: str, reason: str) -> None:
        self._fault_count += 1
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(RowFault(file=file, row=row, column=column, value=value[:60], reason=reason))

    def _advance(self, count: int) -> None:
        self._done += count
        self._progress(self._done)
