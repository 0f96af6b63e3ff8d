"""Long work as rows: started, counted, finished or failed with a reason, and begun again after a crash.

One thread works the rows in order. Each kind of work is safe to repeat, so a job that was running when the power failed is
simply run again; whoever asks sees the same row throughout.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from amparo_common.errors import AmparoError
from amparo_office.errors import JobUnknown, RowFault, RowsRefused
from amparo_service.database import Database
from amparo_service.errors import CannotStore

log = logging.getLogger("amparo.office")

Progress = Callable[[int, int], None]
Work = Callable[[bytes, str, Progress], Any]


class JobView(msgspec.Struct, frozen=True):
    """A job as it stands. `state`: waiting, running, done or failed."""

    number: int
    kind: str
    state: str
    done: int
    total: int
    result: Any = None
    error: dict[str, str] | None = None
    faults: list[RowFault] = []


class _Failure(msgspec.Struct, frozen=True):
    error: dict[str, str]
    faults: list[RowFault] = []


class Jobs:
    """The rows and the thread that works them. `kinds` names the work: (argument, staff id, progress) -> result."""

    def __init__(self, database: Database, kinds: dict[str, Work]) -> None:
        self._database = database
        self._kinds = kinds
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="office-jobs", daemon=True)

    def start(self) -> None:
        """Begin working, with whatever a crash left behind."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present job; what was not begun waits for the next start."""
        self._stop.set()
        self._wake.set()

    def add(self, kind: str, argument: bytes, staff: str) -> int:
        """A new job; its number."""
        with self._database.transaction() as connection:
            number = connection.execute(
                "INSERT INTO job (kind, argument, staff, state) VALUES (?, ?, ?, 'waiting')", (kind, argument, staff)
            ).lastrowid
        self._wake.set()
        return int(number or 0)

    def find(self, number: int) -> JobView:
        """A job as it stands. Raises `JobUnknown`."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT number, kind, state, done, total, result FROM job WHERE number = ?", (number,)
            ).fetchone()
        if row is None:
            raise JobUnknown("There is no such job.")
        view = JobView(number=row[0], kind=row[1], state=row[2], done=row[3], total=row[4])
        if row[2] == "failed":
            failure = msgspec.json.decode(row[5], type=_Failure)
            return msgspec.structs.replace(view, error=failure.error, faults=failure.faults)
        return view if row[5] is None else msgspec.structs.replace(view, result=msgspec.json.decode(row[5]))

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._database.reading() as connection:
                row = connection.execute(
                    "SELECT number, kind, argument, staff FROM job WHERE state IN ('waiting', 'running') ORDER BY number LIMIT 1"
                ).fetchone()
            if row is None:
                self._wake.wait(5)
                self._wake.clear()
                continue
            try:
                self._work(row[0], row[1], bytes(row[2]), row[3])
            except CannotStore as error:  # the row stands as it was; it is worked again when the disk takes it
                log.error("job %s could not be noted: %s", row[1], error.code)
                self._wake.wait(5)
                self._wake.clear()

    def _work(self, number: int, kind: str, argument: bytes, staff: str) -> None:
        self._mark(number, "running", None)
        try:
            result = self._kinds[kind](argument, staff, lambda done, total: self._advance(number, done, total))
        except RowsRefused as error:
            self._mark(number, "failed", msgspec.json.encode(_Failure(error.public(), error.faults)))
        except AmparoError as error:
            self._mark(number, "failed", msgspec.json.encode(_Failure(error.public())))
        except Exception as error:  # noqa: BLE001 - the edge of this thread: the row must tell that the work failed
            log.error("job %s failed with %s", kind, type(error).__name__)
            unexpected = {
                "code": "service.unexpected",
                "what": "The work failed.",
                "why": "A fault of the system.",
                "todo": "",
            }
            self._mark(number, "failed", msgspec.json.encode(_Failure(unexpected)))
        else:
            self._mark(number, "done", msgspec.json.encode(result))

    def _mark(self, number: int, state: str, result: bytes | None) -> None:
        # The argument of an import is the file itself; it is dropped as soon as it is not needed again.
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE job SET state = ?1, result = ?2, argument = CASE WHEN ?1 IN ('done', 'failed') THEN x'' ELSE argument END"
                " WHERE number = ?3",
                (state, result, number),
            )

    def _advance(self, number: int, done: int, total: int) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE job SET done = ?, total = ? WHERE number = ?", (done, total, number))
