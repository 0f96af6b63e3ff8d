"""The exchange with another agency's list at the desk: off unless the operator turned sharing on, asked by one person, answered by
a second, and said in the public log before anything is handed out. What comes out is a file without names, or counts and our
own references.
"""

import hashlib
import re
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amparo_common.bridge import ExportMade
from amparo_office.desk import place, public_log
from amparo_office.duplicates import other_list
from amparo_office.duplicates.models import OtherListUse
from amparo_office.errors import OtherListRefused
from amparo_office.register.correction import within
from amparo_office.register.models import Individual
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.jobs import files
from amparo_staff.jobs.models import JobFile
from amparo_staff.jobs.service import Running, add, job
from amparo_staff.trail.service import note

PERMISSION, KIND, REASON = "duplicates.judge", "duplicates.other-list", "another-organisation"
SECRET_FILE = "other-list-secret"
_AGENCY = re.compile(r"^[a-z0-9][a-z0-9-]{1,39}$")


def is_on() -> bool:
    """Whether the operator turned sharing on and put the agreed secret into the desk's folder."""
    return bool(getattr(settings, "SHARING", False)) and (place.folder() / SECRET_FILE).is_file()


def start(kind: str, *, agency: str, area: str, file: JobFile | None, by: StaffMember, at: datetime) -> Approval:
    """Ask a second person to encode the records of an area, or to compare them with a file. Raises `OtherListRefused`."""
    if not is_on():
        raise OtherListRefused("Comparing with other lists is off.")
    _secret()
    if (
        kind not in OtherListUse.Kind.values
        or not _AGENCY.match(agency)
        or (kind == OtherListUse.Kind.COMPARE) != bool(file)
    ):
        raise OtherListRefused("Say what to do and with which agency.")
    if not within(by.areas(PERMISSION), area):
        raise OtherListRefused("You may not do this for all areas.")
    subject = {"kind": kind, "agency": agency, "area": area, "file": None if file is None else str(file.id)}
    return ask(KIND, subject, reason=REASON, by=by, at=at)


def approval_words(approval: Approval) -> str:
    """What a second person is asked."""
    said = {"agency": approval.subject["agency"], "area": approval.subject["area"] or gettext("all areas")}
    if approval.subject["kind"] == OtherListUse.Kind.ENCODE:
        return gettext("Encode the records of %(area)s for “%(agency)s”, without names.") % said
    return gettext("Compare the records of %(area)s with the encoded list of “%(agency)s”.") % said


@carried_out(KIND, permission=PERMISSION, words=approval_words)
def _approved(approval: Approval, at: datetime) -> None:
    add(KIND, {"approval": str(approval.id), **approval.subject}, by=approval.maker, at=at)


@job(KIND, words=_("Compare with another list"), permission=PERMISSION)
def exchange(running: Running) -> dict[str, Any]:
    """Encode or compare; the public log says it before the file can be fetched."""
    said, at = running.argument, running.clock.now()
    secret = _secret()
    people = _people(said["area"], running)
    if said["kind"] == OtherListUse.Kind.ENCODE:
        lines, count = other_list.write(people, secret, secrets.SystemRandom())
        matches = 0
    else:
        with files.open_file(JobFile.objects.get(id=said["file"]), at=at) as file:
            theirs = other_list.read(iter(lambda: file.readline(other_list.LONGEST_LINE + 1), b""), secret)
        found = other_list.matching(people, theirs, secret)
        refs = Individual.objects.filter(id__in=found).order_by("id").values_list("ref", flat=True)
        lines, count, matches = [f"{ref}\n".encode() for ref in ("ref", *refs)], len(people), len(found)
    running.progress(len(people), len(people))
    _hand_out(running, lines, count, matches, at)
    return {"records": count, "matches": matches}


def _people(area: str, running: Running) -> list[Any]:
    # Splink and DuckDB, which `runs` loads, stay out of every other process.
    from amparo_office.duplicates.runs import read_all

    everybody = read_all(by=running.row.by, at=running.clock.now(), progress=running.progress)
    return [person for person in everybody if (person.area or "").startswith(area)]


def _hand_out(running: Running, lines: list[bytes], count: int, matches: int, at: datetime) -> None:
    said, by = running.argument, running.row.by
    if by is None:
        raise OtherListRefused("Nobody asked for this.")
    with files.new_file(
        "encoded.txt" if said["kind"] == OtherListUse.Kind.ENCODE else "matches.csv", by=by, at=at
    ) as made:
        for line in lines:
            made.write(line)
    with files.erased_unless_done(made.row):
        public_log.publish(_message(said, count))
        with transaction.atomic():
            JobFile.objects.filter(id=made.row.id).update(job=running.row)
            OtherListUse.objects.create(
                kind=said["kind"],
                agency=said["agency"],
                area=said["area"],
                by=by,
                at=at,
                records=count,
                matches=matches,
            )
            note(
                "duplicates.other-list",
                by=by,
                at=at,
                subject=said["agency"],
                details={"records": count, "matches": matches},
            )


def _message(said: dict[str, Any], count: int) -> ExportMade:
    reference = hashlib.sha256(f"other list {said['approval']}".encode()).hexdigest()[:16]
    return ExportMade(
        reference=reference, programme="register", count=count, identity=False, reason=REASON, approvals=2
    )


def _secret() -> Any:
    return other_list.shared_secret((place.folder() / SECRET_FILE).read_text(encoding="utf-8"))
