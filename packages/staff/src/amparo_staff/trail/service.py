"""Writing and checking the trail. Each entry's hash covers the one before, so that a changed or missing entry shows; the newest
hash (`head`) is put into the public log, so that a cut or rewritten end shows too.

`note` comes last in its transaction: writers wait for each other from there to the end of it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from amparo_common import canonical
from amparo_common.clock import to_text
from amparo_staff.accounts.models import StaffMember
from amparo_staff.errors import TrailBroken
from amparo_staff.trail.models import TrailEntry

FIRST = "0" * 64
_TURN = 0x616D7472  # the advisory lock by which writers take turns on PostgreSQL
_CHUNK = 2_000
Detail = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Head:
    """How many entries there are, and the hash of the newest one."""

    count: int
    hash: str


def note(
    action: str, *, by: StaffMember | None, at: datetime, subject: str = "", details: dict[str, Detail] | None = None
) -> TrailEntry:
    """Write down what a member did: `action` is a code like `register.corrected`, `subject` a reference of ours, `details` codes
    and counts. In the transaction of the deed itself: either both are kept or neither."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])
        last = head()
        entry = TrailEntry(
            number=last.count + 1,
            at=at.replace(microsecond=0),
            member=by.id if by else None,
            action=action,
            subject=subject,
            details=details or {},
            previous=last.hash,
        )
        entry.hash = entry_hash(entry)
        entry.save(force_insert=True)
        return entry


def entry_hash(entry: TrailEntry) -> str:
    """SHA-256 over the canonical JSON of an entry and of the hash before it, in hex."""
    said = {
        "number": entry.number,
        "at": to_text(entry.at),
        "member": None if entry.member is None else str(entry.member),
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
        "previous": entry.previous,
    }
    return hashlib.sha256(canonical.encode(said)).hexdigest()


def head() -> Head:
    """Where the trail stands."""
    last = TrailEntry.objects.order_by("-number").values_list("number", "hash").first()
    return Head(0, FIRST) if last is None else Head(*last)


def verify(anchors: Iterable[Head] = ()) -> Head:
    """Read the whole trail and compute every hash again; `anchors` are heads that were published. Where it stands. Raises
    `TrailBroken` with the first entry that was changed, removed, added, put elsewhere or cut off."""
    expected = {anchor.count: anchor.hash for anchor in anchors if anchor.count > 0}
    last = Head(0, FIRST)
    for entry in TrailEntry.objects.order_by("number").iterator(chunk_size=_CHUNK):
        fits = entry.number == last.count + 1 and entry.previous == last.hash and entry.hash == entry_hash(entry)
        if not fits or expected.get(entry.number, entry.hash) != entry.hash:
            raise TrailBroken(last.count + 1)
        last = Head(entry.number, entry.hash)
    if any(count > last.count for count in expected):
        raise TrailBroken(last.count + 1)
    return last
