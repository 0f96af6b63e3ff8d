"""Erasing the whole register: keys first, then rows; rehearsed on a copy; two people on the page (R41)."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from packages.office.tests.register.people import ADDRESS, NOON, NUMBER, TELEPHONE, enrolled, enrolled_person, person
from tests.servers.desk import member

from amparo_office.errors import RegisterDestroyed
from amparo_office.register import access, erasure, panic
from amparo_office.register.models import Access, Household, Individual, SearchKey
from amparo_office.register.vault import DESTROYED, KEYRING, MASTER, vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.service import answer
from amparo_staff.errors import MayNotApprove
from amparo_staff.trail.models import TrailEntry

NAME = "Xiomara Quebrantahuesos"


def filled() -> Individual:
    made = enrolled_person(NAME)
    enrolled(person("Ana"), person("Luis"), alternate=1)
    access.read_individual(made.id, by=member(Role.REGISTRAR), purpose="service", at=NOON)
    return made


def test_after_a_panic_no_row_and_no_key_is_left_and_the_staff_is(desk_database: str, own_folder: Path) -> None:
    made = filled()
    erasure.panic(by=None, at=NOON)
    for model in (Individual, Household, SearchKey, Access):
        assert not model._default_manager.exists()
    with pytest.raises(RegisterDestroyed):
        vault().key(made.key)
    assert sorted(path.name for path in own_folder.iterdir() if path.name in (KEYRING, MASTER)) == []
    assert StaffMember.objects.count() == 1
    assert TrailEntry.objects.filter(action="register.panic").count() == 1


@pytest.mark.parametrize("desk_database", ["sqlite"], indirect=True)
def test_a_panic_leaves_no_sealed_text_in_the_database_file(desk_database: str, own_folder: Path) -> None:
    made = filled()
    sealed, path = bytes(made.sealed or b""), Path(connection.settings_dict["NAME"])
    erasure.fold_journal()
    assert sealed in path.read_bytes()
    erasure.panic(by=None, at=NOON)
    for end in ("", "-wal", "-shm"):
        file = path.with_name(path.name + end)
        assert not file.exists() or sealed not in file.read_bytes()
    # The file is whole, and takes part in the desk's life as before.
    with sqlite3.connect(path) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with connection.cursor() as cursor:
        settings = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("foreign_keys", "secure_delete")]
    assert settings == [1, 1]


def test_the_page_needs_two_people(desk_database: str, own_folder: Path) -> None:
    made = filled()
    first, second = (member(Role.ADMINISTRATOR, login=login) for login in ("first", "second"))
    asked = erasure.ask_panic(reason="They are at the door.", by=first, at=NOON)
    for other in (first, member(Role.VALIDATOR)):
        with pytest.raises(MayNotApprove):
            answer(asked, by=other, yes=True, why="", at=NOON)
    assert vault().key(made.key)
    answer(asked, by=second, yes=True, why="", at=NOON)
    assert not Individual.objects.exists()
    with pytest.raises(RegisterDestroyed):
        vault().key(made.key)


def test_a_rehearsal_changes_nothing_and_says_what_would_go(desk_database: str, own_folder: Path) -> None:
    made = filled()
    before = {path.name: path.read_bytes() for path in own_folder.iterdir() if path.name in (KEYRING, MASTER)}
    said: list[str] = []
    assert panic.rehearse(said.append) > 0
    assert "register_individual: 3 rows" in said
    assert "nothing of the register was changed" in said[-1]
    assert access.read_individual(made.id, by=None, purpose="service", at=NOON).name() == NAME
    assert {path.name: path.read_bytes() for path in own_folder.iterdir() if path.name in before} == before
    assert not (own_folder / DESTROYED).exists()
    assert Individual.objects.count() == 3
    for hidden in (NAME, TELEPHONE, NUMBER, ADDRESS):
        assert hidden not in "\n".join(said)


def test_for_good_needs_the_number_of_people_typed(desk_database: str, own_folder: Path) -> None:
    made = filled()
    said: list[str] = []
    assert not panic.erase_for_good(said.append, lambda _question: "yes")
    assert vault().key(made.key)
    assert panic.erase_for_good(said.append, lambda _question: " 3\n")
    assert not Individual.objects.exists()
    assert (own_folder / DESTROYED).exists()


def test_the_command_asks_for_one_of_two_ways(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "amparo_office.register.panic", "--data", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--rehearse" in done.stderr
    assert "--for-good" in done.stderr
