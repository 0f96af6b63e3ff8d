"""Erasing: one person so that backups cannot bring them back, or the whole register in an emergency.

A row, its sealed text, its search keys, changes and accesses go in one transaction, which also notes the key (`KeyToDestroy`); then
the vault destroys the key. A crash between the two is finished by the next erasure, the nightly retention run or the start of the
desk (`finish`).
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from django.apps import apps
from django.db import connection, transaction
from django.utils.translation import gettext

from amparo_office.errors import RecordUnknown
from amparo_office.register import access_pages, search
from amparo_office.register.correction import area_of, require_area
from amparo_office.register.models import AccessPage, Erased, Household, Individual, KeyToDestroy, Record
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.trail.service import note

log = logging.getLogger(__name__)

_AT_ONCE = 1_000
# The apps whose tables hold records of people.
_PERSONAL = ("register", "intake", "duplicates", "packets", "jobs", "sessions")


def erase_individual(number: int, *, by: StaffMember | None, at: datetime) -> None:
    """Erase a person for good. A household left without any member goes with them. Raises `RecordUnknown`, `OutsideArea`."""
    with transaction.atomic():
        row = Individual.objects.select_for_update(of=("self",)).filter(id=number).first()
        if row is None:
            raise RecordUnknown("There is no such person.")
        require_area(by, "register.erase", area_of(row))
        household = row.household
        remove_individuals([row], at)
        if household is not None and not household.members.exists():
            remove_households([household], at)
        note("register.erased", by=by, at=at, subject=row.ref, details={"kind": "individual"})
        transaction.on_commit(finish)


def erase_household(number: int, *, by: StaffMember | None, at: datetime) -> None:
    """Erase a household with all its members for good. Raises `RecordUnknown`, `OutsideArea`."""
    with transaction.atomic():
        row = Household.objects.select_for_update().filter(id=number).first()
        if row is None:
            raise RecordUnknown("There is no such household.")
        require_area(by, "register.erase", row.area_id or "")
        remove_individuals(list(row.members.all()), at)
        remove_households([row], at)
        note("register.erased", by=by, at=at, subject=row.ref, details={"kind": "household"})
        transaction.on_commit(finish)


def remove_individuals(rows: Collection[Individual], at: datetime) -> None:
    """The rows of these people and everything about them, in the caller's transaction; `finish` destroys the keys after it.
    Records that were merged into theirs are theirs too, and go with them."""
    rows = _with_merged(rows)
    for row in rows:
        search.remove_person(row.id, row.searched)
    access_pages.forget(AccessPage.Kind.INDIVIDUAL, [row.id for row in rows])
    _noted(rows, Erased.Kind.INDIVIDUAL, at)
    Individual.objects.filter(id__in=[row.id for row in rows]).delete()


def _with_merged(rows: Collection[Individual]) -> list[Individual]:
    found = {row.id: row for row in rows}
    fresh = list(found)
    while fresh:
        merged = Individual.objects.filter(merged_into_id__in=fresh).exclude(id__in=list(found))
        fresh = [row.id for row in merged]
        found |= {row.id: row for row in merged}
    return list(found.values())


def remove_households(rows: Collection[Household], at: datetime) -> None:
    """Like `remove_individuals`, for households without members."""
    access_pages.forget(AccessPage.Kind.HOUSEHOLD, [row.id for row in rows])
    _noted(rows, Erased.Kind.HOUSEHOLD, at)
    Household.objects.filter(id__in=[row.id for row in rows]).delete()


def finish() -> int:
    """Destroy the keys of everything that was erased and not finished. How many there were. Not inside a transaction."""
    waiting = list(KeyToDestroy.objects.values_list("key", flat=True))
    if waiting:
        vault().destroy(waiting)
        KeyToDestroy.objects.filter(key__in=waiting).delete()
        fold_journal()
    return len(waiting)


def erase_again(at: datetime) -> int:
    """After a backup was put back: records whose key was destroyed since are erased once more. How many there were."""
    gone = 0
    last = 0
    while people := list(Individual.objects.filter(id__gt=last).order_by("id")[:_AT_ONCE]):
        last, dead = people[-1].id, _dead(people)
        gone += _removed([row for row in people if row.key in dead], [], at)
    last = 0
    while homes := list(Household.objects.filter(id__gt=last).order_by("id")[:_AT_ONCE]):
        last, dead = homes[-1].id, _dead(homes)
        ending = [row for row in homes if row.key in dead]
        gone += _removed(list(Individual.objects.filter(household__in=ending)), ending, at)
    finish()
    return gone


def _dead(rows: Sequence[Record]) -> set[int]:
    """The keys of these records that no longer exist."""
    keys = {row.key for row in rows if row.key}
    return keys - vault().keys(keys).keys()


def _removed(people: Collection[Individual], homes: Collection[Household], at: datetime) -> int:
    with transaction.atomic():
        remove_individuals(people, at)
        remove_households(homes, at)
    return len(people) + len(homes)


def fold_journal() -> None:
    """SQLite: write the journal into the database and empty it, so that what was erased lies in neither."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# --- the whole register --------------------------------------------------------------------------------------------------


def ask_panic(*, reason: str, by: StaffMember, at: datetime) -> Approval:
    """Ask a second person to erase the whole register. With their yes it is gone."""
    return ask("register.panic", {"what": "whole register"}, reason=reason, by=by, at=at)


def _panic_question(_approval: Approval) -> str:
    return gettext("The whole register is erased for good. Nobody can read it again, and no backup brings it back.")


@carried_out("register.panic", permission="register.panic", words=_panic_question)
def _panic_approved(approval: Approval, at: datetime) -> None:
    """Two people agreed: the keys go at once, the rows when the answer is stored."""
    vault().destroy_all()
    note("register.panic", by=approval.maker, at=at, subject=str(approval.id))
    transaction.on_commit(wipe)


def panic(*, by: StaffMember | None, at: datetime) -> None:
    """Erase the whole register for good: keys first (after that nothing can be opened), then every row about a person."""
    vault().destroy_all()
    wipe()
    note("register.panic", by=by, at=at)


def personal_tables() -> list[str]:
    """The tables that hold something about people, work on it, or what a browser session kept sealed."""
    return sorted(model._meta.db_table for label in _PERSONAL for model in apps.get_app_config(label).get_models())


def wipe() -> None:
    """Empty every table about people, and give the room back. In seconds: nothing is overwritten row by row."""
    tables = personal_tables()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE " + ", ".join(f'"{table}"' for table in tables))
        else:
            wipe_sqlite(cursor.execute, tables)


def wipe_sqlite(execute: Callable[[str], object], tables: Collection[str]) -> None:
    """Empty these tables and write the file anew without their pages; not inside a transaction. What stays beside them is little,
    so this takes no longer for a million people."""
    execute("PRAGMA foreign_keys = OFF")
    execute("PRAGMA secure_delete = OFF")
    execute("BEGIN IMMEDIATE")
    for table in tables:
        execute(f'DELETE FROM "{table}"')
    execute("COMMIT")
    execute("VACUUM")
    execute("PRAGMA secure_delete = ON")
    execute("PRAGMA foreign_keys = ON")
    execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _noted(rows: Collection[Household] | Collection[Individual], kind: Erased.Kind, at: datetime) -> None:
    KeyToDestroy.objects.bulk_create(
        [KeyToDestroy(key=row.key, at=at) for row in rows if row.key], ignore_conflicts=True
    )
    Erased.objects.bulk_create([Erased(kind=kind, number=row.id) for row in rows], ignore_conflicts=True)
