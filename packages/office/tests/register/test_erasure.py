"""Erasing a person so that no copy brings them back: rows, search keys, changes, readings, journal, backups, crashes."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from packages.office.tests.register.people import (
    ADDRESS,
    NOON,
    NUMBER,
    TELEPHONE,
    areas,
    enrolled,
    enrolled_person,
    found_under,
    person,
)
from tests.servers.desk import member, use

from amparo_office.desk import place
from amparo_office.errors import KeyDestroyed, KeysLost, OutsideArea, RecordUnknown
from amparo_office.register import access, erasure, panic, search, service
from amparo_office.register.models import (
    Access,
    Change,
    Collector,
    Household,
    Individual,
    KeyToDestroy,
    Origin,
    RecordState,
    SearchKey,
)
from amparo_office.register.sealing import Dwelling, open_identity
from amparo_office.register.service import IndividualChanges
from amparo_office.register.vault import KEYRING, MASTER, Vault, vault
from amparo_staff.accounts.roles import Role
from amparo_staff.trail.models import TrailEntry

NAME, FORMER = "Xiomara Quebrantahuesos", "Eustaquia Picaflor"
WHY: dict[str, Any] = {"by": None, "at": NOON}


def changed_and_read() -> Individual:
    """Somebody who was corrected, read, and receives for a household."""
    made = enrolled_person(FORMER)
    changes = IndividualChanges(identity=person(NAME, telephone=TELEPHONE, number=NUMBER).identity)
    service.correct_individual(
        made.id, changes, version=1, reason="misspelt", origin_source="at the desk", by=None, at=NOON
    )
    access.read_individual(made.id, by=member(Role.REGISTRAR), purpose="service", at=NOON)
    return Individual.objects.get(id=made.id)


def traces(folder: Path, *said: bytes) -> list[tuple[str, bytes]]:
    """Which of these bytes stand in which file."""
    return [
        (path.name, each) for path in folder.rglob("*") if path.is_file() for each in said if each in path.read_bytes()
    ]


def test_nothing_of_an_erased_person_is_left_in_any_table(desk_database: str) -> None:
    stays, made = enrolled_person("Ana"), changed_and_read()
    erasure.erase_individual(made.id, **WHY)
    assert list(Individual.objects.values_list("id", flat=True)) == [stays.id]
    assert list(Household.objects.values_list("id", flat=True)) == [stays.household_id]
    assert not Change.objects.exists()
    assert not Access.objects.exists()
    assert not Collector.objects.filter(individual_id=made.id).exists()
    assert {number for _, number in found_under()} == {stays.id}
    assert not KeyToDestroy.objects.exists()
    assert (search.find(NAME, areas=[""]), search.find(FORMER, areas=[""])) == ([], [])
    with pytest.raises(KeyDestroyed):
        vault().key(made.key)
    assert vault().key(stays.key)


def test_the_trail_says_who_erased_whom_by_reference_alone(desk_database: str) -> None:
    made, by = enrolled_person(NAME), member(Role.VALIDATOR)
    erasure.erase_individual(made.id, by=by, at=NOON)
    entry = TrailEntry.objects.get(action="register.erased")
    assert (entry.subject, entry.member) == (made.ref, by.id)
    assert NAME not in str(entry.details)


def test_a_household_stays_while_somebody_lives_in_it_and_goes_with_the_last(desk_database: str) -> None:
    home = enrolled(person("Ana"), person("Luis"), alternate=1)
    ana, luis = home.members.order_by("id")
    erasure.erase_individual(ana.id, **WHY)
    assert Household.objects.filter(id=home.id).exists()
    erasure.erase_individual(luis.id, **WHY)
    assert not Household.objects.exists()
    assert vault().keys([home.key, ana.key, luis.key]) == {}


def test_a_whole_household_is_erased(desk_database: str) -> None:
    home = enrolled(person("Ana"), person("Luis"), alternate=1)
    keys = [home.key, *home.members.values_list("key", flat=True)]
    erasure.erase_household(home.id, **WHY)
    assert (Household.objects.count(), Individual.objects.count(), SearchKey.objects.count()) == (0, 0, 0)
    assert vault().keys(keys) == {}


def test_records_that_were_merged_into_a_persons_go_with_them(desk_database: str) -> None:
    kept, other, third, stays = (enrolled_person(name) for name in ("Ana", "Anna", "Hanna", "Berta"))
    for row, into in ((other, kept), (third, other)):
        Individual.objects.filter(id=row.id).update(state=RecordState.MERGED, merged_into=into)
    erasure.erase_individual(kept.id, **WHY)
    assert [each.id for each in Individual.objects.all()] == [stays.id]
    assert vault().keys([kept.key, other.key, third.key]) == {}


def test_an_erasure_inside_a_transaction_that_is_taken_back_destroys_no_key(desk_database: str) -> None:
    made = enrolled_person(NAME)
    with transaction.atomic():
        erasure.erase_individual(made.id, **WHY)
        transaction.set_rollback(True)
    assert access.read_individual(made.id, by=None, purpose="service", at=NOON).name() == NAME


def test_only_who_may_erase_erases_and_only_in_their_areas(desk_database: str) -> None:
    areas("VE01", "VE02")
    made = enrolled_person("Ana", area="VE02")
    for by in (member(Role.REGISTRAR), member(Role.VALIDATOR, area="VE01")):
        with pytest.raises(OutsideArea):
            erasure.erase_individual(made.id, by=by, at=NOON)
        with pytest.raises(OutsideArea):
            erasure.erase_household(made.household_id or 0, by=by, at=NOON)
    with pytest.raises(RecordUnknown):
        erasure.erase_individual(999_999, **WHY)
    with pytest.raises(RecordUnknown):
        erasure.erase_household(999_999, **WHY)
    assert vault().key(made.key)


@pytest.mark.parametrize("desk_database", ["sqlite"], indirect=True)
def test_no_file_of_the_desk_and_no_old_backup_gives_the_person_back(
    desk_database: str, own_folder: Path, tmp_path: Path
) -> None:
    """The rows leave no bytes in the database or its journal; a backup of the day before still has the sealed row and the old
    keyring, and neither of them, with every key that exists today, opens it."""
    stays, made = enrolled_person("Ana"), changed_and_read()
    backup = tmp_path / "backup"
    backup.mkdir()
    for source, name in ((Path(connection.settings_dict["NAME"]), "register.sqlite"), (own_folder / KEYRING, KEYRING)):
        with sqlite3.connect(source) as base, sqlite3.connect(backup / name) as copy:
            base.backup(copy)
    sealed = bytes(made.sealed or b"")
    assert [name for name, _ in traces(backup, sealed)] == ["register.sqlite"]
    erasure.erase_individual(made.id, **WHY)
    database = Path(connection.settings_dict["NAME"])
    said = [each.encode() for each in (NAME, FORMER, TELEPHONE, NUMBER)] + [sealed, bytes(made.searched)]
    files = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    for path in (each for each in files if each.exists()):
        content = path.read_bytes()
        assert [each for each in said if each in content] == []
    assert traces(own_folder, *said[:4]) == []
    # The backup, with the master key of today: the old keyring does not open, and today's keyring has no such key.
    shutil.copy(own_folder / MASTER, backup / MASTER)
    with pytest.raises(KeysLost):
        Vault(backup).key(made.key)
    assert Vault(own_folder).keys([made.key]) == {}
    assert open_identity(vault().key(stays.key), stays.id, bytes(stays.sealed or b"")).names[0].given == "Ana"


@pytest.mark.parametrize("desk_database", ["sqlite"], indirect=True)
def test_after_a_backup_is_put_back_the_erased_are_erased_again(desk_database: str, tmp_path: Path) -> None:
    stays, made = enrolled_person("Ana"), enrolled_person(NAME)
    database = Path(connection.settings_dict["NAME"])
    with sqlite3.connect(database) as base, sqlite3.connect(tmp_path / "backup.sqlite") as copy:
        base.backup(copy)
    erasure.erase_individual(made.id, **WHY)
    use(place.database("", tmp_path / "backup.sqlite"))
    assert Individual.objects.count() == 2
    said: list[str] = []
    assert panic.erase_again(said.append) == 2
    assert said == ["2 records were erased once more."]
    assert [each.id for each in Individual.objects.all()] == [stays.id]
    assert {number for _, number in found_under()} == {stays.id}
    assert erasure.erase_again(NOON) == 0


def test_an_erasure_that_a_crash_cut_short_is_finished(desk_database: str) -> None:
    """The row is gone and the key not yet: it is destroyed by the next run."""
    made = enrolled_person(NAME)
    with transaction.atomic():
        erasure.remove_individuals([Individual.objects.get(id=made.id)], NOON)
    assert vault().keys([made.key]).keys() == {made.key}
    assert erasure.finish() == 1
    assert vault().keys([made.key]) == {}
    assert erasure.finish() == 0


def test_an_erasure_that_is_taken_back_keeps_row_and_key(desk_database: str) -> None:
    made = enrolled_person(NAME)
    with transaction.atomic():
        erasure.remove_individuals([Individual.objects.get(id=made.id)], NOON)
        transaction.set_rollback(True)
    assert erasure.finish() == 0
    assert search.find(NAME, areas=[""]) == [made.id]
    assert access.read_individual(made.id, by=None, purpose="service", at=NOON).name() == NAME


def test_where_facts_came_from_stays_for_others_who_came_the_same_way(desk_database: str) -> None:
    made, other = enrolled_person("Ana"), enrolled_person("Berta")
    erasure.erase_individual(made.id, **WHY)
    assert Origin.objects.filter(id=other.origin_id).exists()
    view = access.read_household(other.household_id or 0, by=None, purpose="service", at=NOON)
    assert view.dwelling == Dwelling(address=ADDRESS)
