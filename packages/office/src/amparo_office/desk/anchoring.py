"""Putting the head of the staff's trail into the public log (decision 0025), once a day.

The whole trail is checked first, against all heads that the log has: a trail that was changed, cut or rewritten is not anchored,
the job fails and says so.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Q
from django.utils.translation import gettext_lazy

from amparo_common.bridge import LogMessage, StaffTrail
from amparo_common.signing import SigningKey
from amparo_log.view import LogView
from amparo_office.desk import place, public_log
from amparo_service.keys import signing_key
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import Result, Running, add, job
from amparo_staff.trail.service import Head, head, note, verify

JOB = "trail.anchor"
EVERY = timedelta(days=1)


class TrailLog(Protocol):
    """The public log, as far as anchoring needs it (`LogFollower` is one)."""

    def refresh(self) -> LogView:
        """What the log says now."""
        ...

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Put a message into the log; its place."""
        ...


def anchored(view: LogView) -> Sequence[Head]:
    """The heads that the log has, the oldest first."""
    return [Head(message.entries, message.head) for _, message in view.trails]


def anchor(log: TrailLog, key: SigningKey, *, at: datetime) -> Result:
    """Check the trail and publish its head; a head that the log has already adds nothing. Raises `TrailBroken`, and what the log
    raises."""
    known = anchored(log.refresh())
    now = verify(known)
    if now in known or now.count == 0:
        return {"entries": now.count, "index": None}
    index = log.publish(StaffTrail(entries=now.count, head=now.hash), key)
    note("trail.anchored", by=None, at=at, details={"entries": now.count, "index": index})
    return {"entries": now.count, "index": index}


def add_if_due(at: datetime) -> bool:
    """Add the job when none waits or runs and a day has passed since the last one. Whether it was added. The worker calls it."""
    recent = Q(state__in=(State.WAITING, State.RUNNING)) | Q(added__gt=at - EVERY)
    if head().count == 0 or Job.objects.filter(recent, kind=JOB).exists():
        return False
    add(JOB, {}, by=None, at=at)
    return True


@job(JOB, words=gettext_lazy("Publish where the trail stands"), permission="trail.read")
def _run(running: Running) -> Result:
    log = public_log.required()
    return anchor(log, signing_key(place.folder(), "publish-key"), at=running.clock.now())
