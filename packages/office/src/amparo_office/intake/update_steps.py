"""An update of many records step by step: file, check, agree, change; or give up. Who may do it is for the views.

More records in a week than one member may change alone (`MOST_ALONE`) need a second person: a file that raises everybody's income
takes aid from many as surely as pausing them does (requirement R18).
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from amparo_office.errors import FileNotReadable, ImportNotReady
from amparo_office.intake import storing
from amparo_office.intake.models import NONE, Update, UpdateState
from amparo_office.intake.service import keep_upload
from amparo_office.intake.updating import PERMISSION, columns_of, sheet_of
from amparo_office.register import catalogue, needs
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.jobs import files
from amparo_staff.jobs.models import Job, JobFile, State
from amparo_staff.jobs.service import add
from amparo_staff.trail.service import note

KIND = "intake.update"
MOST_ALONE = 500
_WEEK = timedelta(days=7)
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx")


def receive(name: str, reason: str, sent: str, content: BinaryIO, *, by: StaffMember, at: datetime) -> Update:
    """Keep what was sent, sealed, see what its columns are, and check its rows in a job. `sent` is what the file was called. Raises
    `FileNotReadable`, `ForbiddenConcept`, `FactNotNeeded`, `MappingNotReadable`; then nothing is kept."""
    ending = Path(sent).suffix.lower()
    if ending not in ENDINGS:
        raise FileNotReadable("This kind of file is not read.")
    file, digest = keep_upload(ending, content, by=by, at=at)
    given = Update(name=name, reason=reason, content_hash=digest.hex(), by=by, at=at)
    given.files = {storing.UPLOADS: [(f"update{ending}", file)]}
    with files.erased_unless_done(JobFile.objects.get(id=file)):
        given.people = columns_of(sheet_of(given, at), needs.needed(at), catalogue.known()).person
        with transaction.atomic():
            given.save()
            _begin_check(given, at)
            note("update.sent", by=by, at=at, subject=str(given.id))
    return given


def check_again(given: Update, *, by: StaffMember, at: datetime) -> None:
    """Check once more: the register has changed, or the work stopped. Raises `ImportNotReady`."""
    with transaction.atomic():
        row = _step(given, {UpdateState.CHECKING, UpdateState.READY, UpdateState.FAULTY, UpdateState.WRITING})
        storing.erase(row, storing.FAULTS, storing.REFUSED, storing.SEEN)
        row.approval = None
        _begin_check(row, at)
        note("update.check-again", by=by, at=at, subject=str(row.id))


def start(given: Update, *, by: StaffMember, at: datetime) -> None:
    """Change what the dry run showed, or ask a second person first. Raises `ImportNotReady`."""
    with transaction.atomic():
        row = _step(given, {UpdateState.READY})
        if not row.changing:
            raise ImportNotReady("Nothing in this file is new.")
        if needs_two(row.changing, row.by, at):
            subject = {"update": row.id, "count": row.changing, "fields": sorted(row.counts)}
            row.approval = ask(KIND, subject, reason=row.reason, by=by, at=at).id
            row.state = UpdateState.ASKED
        else:
            _begin_write(row, at)
        row.save()
        note("update.started", by=by, at=at, subject=str(row.id), details={"changing": row.changing})


def needs_two(count: int, by: StaffMember, at: datetime) -> bool:
    """Whether a second person has to agree to so many more."""
    recent = Update.objects.filter(by=by, approval=None, state=UpdateState.DONE, done__gt=at - _WEEK)
    return count + (recent.aggregate(changed=Sum("changing"))["changed"] or 0) > MOST_ALONE


def cancel(given: Update, *, by: StaffMember, at: datetime) -> None:
    """Give it up, and erase its file. Raises `ImportNotReady` when it is done."""
    with transaction.atomic():
        row = _step(given, set(UpdateState) - {UpdateState.DONE, UpdateState.CANCELLED})
        row.state = UpdateState.CANCELLED
        row.save()
        note("update.cancelled", by=by, at=at, subject=str(row.id))
    storing.erase(row)


def approval_words(approval: Approval) -> str:
    """What a second person is asked."""
    said = {"count": approval.subject["count"], "fields": ", ".join(approval.subject["fields"])}
    return _("Change %(count)s records by a file: %(fields)s.") % said


@carried_out(KIND, permission=PERMISSION, words=approval_words)
def _approved(approval: Approval, at: datetime) -> None:
    row = Update.objects.select_for_update(of=("self",)).select_related("by").get(id=approval.subject["update"])
    if row.state == UpdateState.ASKED and row.approval == approval.id:
        _begin_write(row, at)
        row.save()


def _begin_check(row: Update, at: datetime) -> None:
    row.state = UpdateState.CHECKING
    row.job = add("intake.update-check", {"update": row.id}, by=row.by, at=at).id
    row.save()


def _begin_write(row: Update, at: datetime) -> None:
    row.state = UpdateState.WRITING
    row.job = add("intake.update-write", {"update": row.id}, by=row.by, at=at).id


def _step(given: Update, allowed: set[UpdateState]) -> Update:
    """The update, held for this step. Raises `ImportNotReady` when it stands elsewhere, or a job is at work on it."""
    row = Update.objects.select_for_update(of=("self",)).select_related("by").get(id=given.id)
    if row.state not in allowed:
        raise ImportNotReady("This update is at another step.")
    if Job.objects.filter(id=row.job or NONE, state__in=(State.WAITING, State.RUNNING)).exists():
        raise ImportNotReady("Work on this update is still going on.")
    return row
