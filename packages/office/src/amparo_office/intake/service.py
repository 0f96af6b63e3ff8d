"""An import step by step: file, columns, check, take in; or cancel. Who may do it is for the views."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from django.db import transaction

from amparo_office.errors import FileNotReadable, ImportNotReady
from amparo_office.intake import storing
from amparo_office.intake.looking import Look
from amparo_office.intake.models import NONE, Import, ImportState, Mapping
from amparo_office.intake.plan import Plan, check_plan, columns_hash, write_plan
from amparo_office.register import catalogue, needs
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs import files
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import add
from amparo_staff.trail.service import note

LARGEST = 1024 * 1024 * 1024
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".dta")
MOST_FILES = 2
_PIECE = 1 << 20


class Received(msgspec.Struct, frozen=True):
    """What became of an upload. `before`: the same content was taken in by this import, so nothing changes."""

    given: Import
    before: bool


def receive(name: str, uploads: Iterable[tuple[str, BinaryIO]], *, by: StaffMember, at: datetime) -> Received:
    """Keep what was sent, sealed, and look at it in a job. `uploads`: file name and content. Raises `FileNotReadable`."""
    kept: list[tuple[str, str]] = []
    whole = hashlib.sha256()
    for sent, content in uploads:
        ending = Path(sent).suffix.lower()
        if ending not in ENDINGS:
            raise FileNotReadable("This kind of file is not read.")
        row, digest = keep_upload(ending, content, by=by, at=at)
        whole.update(digest)
        kept.append((_sheet_name(sent, len(kept), ending), row))
    if not 1 <= len(kept) <= MOST_FILES:
        raise FileNotReadable("Send one file, or two: households and people.")
    content_hash = whole.hexdigest()
    before = Import.objects.filter(content_hash=content_hash, state=ImportState.MERGED).order_by("-id").first()
    given = Import(name=name, kind="", content_hash=content_hash, files={storing.UPLOADS: kept}, by=by, at=at)
    if before is not None:
        storing.erase(given)
        note("import.repeated", by=by, at=at, subject=str(before.id))
        return Received(before, before=True)
    with transaction.atomic():
        given.save()
        given.job = add("intake.look", {"import": given.id}, by=by, at=at).id
        given.save(update_fields=["job"])
        note("import.sent", by=by, at=at, subject=str(given.id))
    return Received(given, before=False)


def remembered(look: Look) -> Mapping | None:
    """The mapping that was used for a file with the same columns."""
    return Mapping.objects.filter(columns_hash=_hash_of(look)).first()


def start_check(
    given: Import, look: Look, plan: Plan, *, source: str, day: date, by: StaffMember, at: datetime
) -> None:
    """Remember the mapping and check the file with it in a job. Raises `ImportNotReady` and the errors of `check_plan`."""
    check_plan(
        plan,
        household=look.household.names(),
        person=None if look.person is None else look.person.names(),
        needed=needs.needed(at),
        definitions=catalogue.known(),
    )
    with transaction.atomic():
        row = _step(given, {ImportState.MAPPING, ImportState.REFUSED_ROWS, ImportState.READY, ImportState.CHECKING})
        text = write_plan(plan)
        row.mapping, _ = Mapping.objects.update_or_create(
            columns_hash=_hash_of(look), defaults={"name": source, "text": text, "by": by, "at": at}
        )
        storing.erase(row, storing.FAULTS, storing.REFUSED, storing.PREPARED)
        row.plan, row.source, row.day, row.state = text, source, day, ImportState.CHECKING
        row.job = add("intake.check", {"import": row.id}, by=by, at=at).id
        row.save()


def check_again(given: Import, *, by: StaffMember, at: datetime) -> None:
    """Check once more with the same mapping: after a fault, or because the register has changed. Raises `ImportNotReady`."""
    with transaction.atomic():
        row = _step(given, {ImportState.CHECKING, ImportState.COMMITTING, ImportState.READY, ImportState.REFUSED_ROWS})
        storing.erase(row, storing.FAULTS, storing.REFUSED, storing.PREPARED)
        row.state = ImportState.CHECKING
        row.job = add("intake.check", {"import": row.id}, by=by, at=at).id
        row.save()


def start_commit(given: Import, *, by: StaffMember, at: datetime) -> None:
    """Take in, in a job, what the dry run found right. Raises `ImportNotReady`."""
    with transaction.atomic():
        row = _step(given, {ImportState.READY, ImportState.REFUSED_ROWS})
        if not row.new:
            raise ImportNotReady("Nothing in this file is new.")
        row.state = ImportState.COMMITTING
        row.job = add("intake.commit", {"import": row.id}, by=by, at=at).id
        row.save()


def cancel(given: Import, *, by: StaffMember, at: datetime) -> None:
    """Give an import up, and erase its files. Raises `ImportNotReady` when it was taken in."""
    with transaction.atomic():
        row = _step(given, set(ImportState) - {ImportState.MERGED, ImportState.CANCELLED})
        row.state = ImportState.CANCELLED
        row.save()
        note("import.cancelled", by=by, at=at, subject=str(row.id))
    storing.erase(row)


def _step(given: Import, allowed: set[ImportState]) -> Import:
    """The import, held for this step. Raises `ImportNotReady` when it stands elsewhere, or a job is at work on it."""
    row = Import.objects.select_for_update(of=("self",)).get(id=given.id)
    if row.state not in allowed:
        raise ImportNotReady("This import is at another step.")
    if Job.objects.filter(id=row.job or NONE, state__in=(State.WAITING, State.RUNNING)).exists() and row.state in (
        ImportState.CHECKING,
        ImportState.COMMITTING,
    ):
        raise ImportNotReady("Work on this import is still going on.")
    return row


def keep_upload(ending: str, content: BinaryIO, *, by: StaffMember, at: datetime) -> tuple[str, bytes]:
    """Keep a file that was sent, sealed; its id and the hash of its content. Raises `FileNotReadable`."""
    digest, size = hashlib.sha256(), 0
    with files.new_file(f"import{ending}", by=by, at=at) as made:
        while piece := content.read(_PIECE):
            size += len(piece)
            if size > LARGEST:
                raise FileNotReadable("This file is too large.", todo="Send it in parts; each part is an import.")
            digest.update(piece)
            made.write(piece)
    return str(made.row.id), digest.digest()


def _sheet_name(sent: str, place: int, ending: str) -> str:
    """What a file is called from now on; what its own name says may be about a person. A few words are kept: they tell the tables
    apart."""
    low = sent.casefold()
    if any(word in low for word in ("household", "hogar", "hld", "menage", "famil")):
        return f"households{ending}"
    if any(word in low for word in ("individual", "person", "people", "ind-", "member", "miembro")):
        return f"individuals{ending}"
    return f"file-{place + 1}{ending}"


def _hash_of(look: Look) -> str:
    return columns_hash(look.household.names(), None if look.person is None else look.person.names())
