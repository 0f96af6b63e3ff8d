"""How a running job says how far it is and that it lives, and hears that it shall stop.

A bulk job may hold one long transaction, and SQLite lets nobody else write meanwhile. So the pulse of a job is also a small file in
the job folder (counts and a time, no data), which the job's page and other workers read.
"""

import contextlib
import threading
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
from django.conf import settings
from django.db import OperationalError, connection

from amparo_common.clock import Clock
from amparo_staff.errors import JobCancelled, JobTakenOver, WorkerStops
from amparo_staff.jobs.models import Job

SECONDS = 1.0


class Beat(msgspec.Struct, frozen=True):
    """What a pulse file says."""

    at: datetime
    done: int
    total: int


class Pulse(Protocol):
    """What a job's function reaches through `Running.progress`."""

    def note(self, done: int, total: int) -> None:
        """Take down how far it is. Raises `JobCancelled`, `JobTakenOver`, `WorkerStops`."""
        ...


def path_of(job: Job) -> Path:
    """The pulse file of a job."""
    return Path(settings.JOB_FOLDER) / f"{job.id}.pulse"


def read(job: Job) -> Beat | None:
    """The last beat in the job's file, if there is one."""
    try:
        return msgspec.json.decode(path_of(job).read_bytes(), type=Beat)
    except (OSError, ValueError):
        return None


def write(job: Job, beat: Beat) -> None:
    """Write the job's file, whole or not at all."""
    path = path_of(job)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{job.turn}.draft")
    draft.write_bytes(msgspec.json.encode(beat))
    draft.replace(path)


def erase(job: Job) -> None:
    """The job has ended."""
    path_of(job).unlink(missing_ok=True)


class DirectPulse:
    """Writes each note at once, on the connection of the job itself."""

    def __init__(self, job: Job, alive: Clock) -> None:
        self._job = job
        self._alive = alive

    def note(self, done: int, total: int) -> None:
        """Take it down."""
        _update(self._job, Beat(self._alive.now(), done, total))
        _hear(self._job)


class ThreadPulse:
    """Beats every second from a thread with a connection of its own; `note` only remembers, so it may be called for every row.

    Its one lock guards the counts and what was heard.
    """

    def __init__(self, job: Job, alive: Clock, stop: threading.Event) -> None:
        self._job = job
        self._alive = alive
        self._stop = stop
        self._lock = threading.Lock()
        self._counts = (job.done, job.total)
        self._stopped: JobCancelled | JobTakenOver | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="job-pulse", daemon=True)

    def __enter__(self) -> "ThreadPulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            write(self._job, Beat(self._alive.now(), *self._counts))

    def note(self, done: int, total: int) -> None:
        """Remember it for the next beat."""
        with self._lock:
            self._counts = (done, total)
            if self._stopped is not None:
                raise self._stopped
        if self._stop.is_set():
            raise WorkerStops("The worker stops.")

    def _beat(self) -> None:
        try:
            while True:
                with self._lock:
                    done, total = self._counts
                beat = Beat(self._alive.now(), done, total)
                with contextlib.suppress(OSError):  # a full disk stops the job itself soon enough
                    write(self._job, beat)
                # The job's own transaction may keep everybody else from writing; the file has said it already.
                with contextlib.suppress(OperationalError):
                    self._say(beat)
                if self._end.wait(SECONDS):
                    return
        finally:
            connection.close()

    def _say(self, beat: Beat) -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout=100")
        elif connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '500ms'")
        try:
            _hear(self._job)
        except (JobCancelled, JobTakenOver) as error:
            with self._lock:
                self._stopped = error
        _update(self._job, beat)


def _update(job: Job, beat: Beat) -> None:
    Job.objects.filter(id=job.id, turn=job.turn).update(done=beat.done, total=beat.total, beat=beat.at)


def _hear(job: Job) -> None:
    """Raises when the job shall stop."""
    said = Job.objects.filter(id=job.id).values_list("turn", "cancel_asked").first()
    if said is None or said[0] != job.turn:
        raise JobTakenOver("Another worker has begun this work anew.")
    if said[1]:
        raise JobCancelled("This work was cancelled.")
