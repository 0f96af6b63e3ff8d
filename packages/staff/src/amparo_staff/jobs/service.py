"""Adding jobs and running them. Whoever defines a kind of job registers its function once:

    @job("intake.commit", words=gettext_lazy("Import households"), permission="intake.import", result_path="intake-report")
    def commit(running: Running) -> dict[str, object]: ...

The function may be run again from its start after a crash, so each of its steps is whole or nothing and safe to repeat. `words` is
what its page is called, `result_path` the name of a page that takes the job's id.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_noop

from amparo_common.clock import Clock
from amparo_common.errors import AmparoError
from amparo_staff.accounts.models import StaffMember
from amparo_staff.errors import JobCancelled, JobDied, JobHasEnded, JobTakenOver, WorkerStops
from amparo_staff.jobs import pulse
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.pulse import DirectPulse, Pulse, ThreadPulse

log = logging.getLogger("amparo.desk")

STALE = timedelta(seconds=30)
# A job whose worker died so often is not tried again: it may be what kills it.
MOST_ATTEMPTS = 3
UNEXPECTED = "service.unexpected"

Result = dict[str, Any]


class Running:
    """A job as its function sees it."""

    def __init__(self, row: Job, clock: Clock, beats: Pulse) -> None:
        self.row = row
        self.argument: dict[str, Any] = row.argument
        self.clock = clock
        self._pulse = beats

    def progress(self, done: int, total: int) -> None:
        """Say how far it is; as often as one likes. Raises `JobCancelled` and the like when it shall stop: let them through."""
        self._pulse.note(done, total)


Work = Callable[[Running], Result]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job, as it was registered."""

    work: Work
    words: str | Promise
    permission: str
    result_path: str


_kinds: dict[str, Kind] = {}


def job(
    kind: str, *, words: str | Promise = "", permission: str = "jobs.view", result_path: str = ""
) -> Callable[[Work], Work]:
    """Registers the function of a kind of job."""

    def register(work: Work) -> Work:
        _kinds[kind] = Kind(work, words or kind, permission, result_path)
        return work

    return register


def kind_of(row: Job) -> Kind | None:
    """How the job's kind was registered."""
    return _kinds.get(row.kind)


def add(kind: str, argument: dict[str, Any], *, by: StaffMember | None, at: datetime) -> Job:
    """Add a job; it is run by whichever worker comes first."""
    return Job.objects.create(kind=kind, argument=argument, by=by, added=at)


def cancel(row: Job, *, at: datetime) -> None:
    """Stop a job: at once when it waits, at its next step when it runs. Raises `JobHasEnded`."""
    if Job.objects.filter(id=row.id, state=State.WAITING).update(state=State.CANCELLED, finished=at):
        return
    if not Job.objects.filter(id=row.id, state=State.RUNNING).update(cancel_asked=True):
        raise JobHasEnded("This work has ended already.")


def retry(row: Job) -> None:
    """Let a job that failed or was cancelled wait again. Raises `JobHasEnded`."""
    changed = Job.objects.filter(id=row.id, state__in=(State.FAILED, State.CANCELLED)).update(
        state=State.WAITING,
        attempts=0,
        cancel_asked=False,
        error_code="",
        error_words="",
        done=0,
        total=0,
        finished=None,
    )
    if not changed:
        raise JobHasEnded("This work cannot be tried again.")


def run_next(clock: Clock, *, alive: Clock | None = None, stop: threading.Event | None = None) -> bool:
    """Run the oldest job that waits, or whose worker died. Whether there was one. `alive` is the clock of the beats (the machine's,
    also when `clock` is invented). A worker gives `stop`: its jobs then beat from a thread, and are given back once it is set."""
    alive = alive or clock
    row = _take(clock.now(), alive.now())
    if row is None:
        return False
    beats = DirectPulse(row, alive) if stop is None else ThreadPulse(row, alive, stop)
    with beats if isinstance(beats, ThreadPulse) else nullcontext():
        ended = _run(row, Running(row, clock, beats))
    _end(row, clock, ended)
    return True


def _run(row: Job, running: Running) -> Result | None:
    """Run the function; how the job ends, None when another worker has it."""
    kind = _kinds.get(row.kind)
    if kind is None:
        return {
            "state": State.FAILED,
            "error_code": UNEXPECTED,
            "error_words": gettext_noop("This version does not know such work."),
        }
    try:
        result = kind.work(running)
    except JobTakenOver:
        return None
    except JobCancelled:
        return {"state": State.CANCELLED}
    except WorkerStops:
        return {"state": State.WAITING, "attempts": row.attempts - 1}
    except AmparoError as error:
        return {"state": State.FAILED, "error_code": error.code, "error_words": error.what[:500]}
    except Exception as error:  # noqa: BLE001 - the edge of the worker: the row must tell that the work failed
        log.error("job failed with %s", type(error).__name__)
        return {
            "state": State.FAILED,
            "error_code": UNEXPECTED,
            "error_words": gettext_noop("Something went wrong on our side."),
        }
    return {"state": State.DONE, "result": result}


def _take(now: datetime, beaten: datetime) -> Job | None:
    with transaction.atomic():
        dead = Q(state=State.RUNNING, beat__lt=beaten - STALE)
        for row in (
            Job.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(Q(state=State.WAITING) | dead)
            .order_by("added")[:20]
        ):
            beat = pulse.read(row) if row.state == State.RUNNING else None
            if beat is not None and beat.at >= beaten - STALE:
                continue  # it lives: only its row could not be written
            if row.attempts >= MOST_ATTEMPTS:
                _give_up(row, now)
                continue
            row.state, row.started, row.beat, row.attempts = State.RUNNING, now, beaten, row.attempts + 1
            row.turn = secrets.token_hex(16)
            row.save()
            return row
        return None


def _give_up(row: Job, now: datetime) -> None:
    died = JobDied(gettext_noop("The work stopped three times without a word."))
    row.state, row.finished, row.error_code, row.error_words = State.FAILED, now, died.code, died.what
    row.save()
    pulse.erase(row)


def _end(row: Job, clock: Clock, ended: Result | None) -> None:
    if ended is None:
        return
    if ended["state"] == State.DONE:
        said = pulse.read(row)
        if said is not None:
            ended = {"done": said.done, "total": said.total} | ended
    finished = None if ended["state"] == State.WAITING else clock.now()
    if Job.objects.filter(id=row.id, turn=row.turn).update(finished=finished, **ended):
        pulse.erase(row)
