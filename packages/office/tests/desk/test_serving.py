"""The desk as real processes: it serves, its worker survives kill -9, it stops in order, it refuses a newer database."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.servers.desk import use

from amparo_common.clock import SystemClock
from amparo_office.desk import place
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import STALE, add

PATIENCE = 40.0
ROOT = Path(__file__).resolve().parents[4]
# A kind of job for these tests, as an app would register it.
SLOW = """
import time
from amparo_staff.jobs.service import job
@job("test.slow")
def slow(running):
    for step in range(running.argument["steps"]):
        running.progress(step, running.argument["steps"])
        time.sleep(0.05)
    return {"process": __import__("os").getpid()}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def surroundings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of the desk's processes, on an empty database; this process' Django works on it too."""
    folder = tmp_path / "desk"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMPARO_OFFICE", "DJANGO"))}
    if request.param == "sqlite":
        use(place.database("", folder / "register.sqlite"))
        return kept | {"FOLDER": str(folder)}
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    address = new_database()
    use(place.database(address))
    return kept | {"FOLDER": str(folder), place.DATABASE: address}


def until(true: Callable[[], object], what: str) -> None:
    """Wait until it is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Process:
    """One of the desk's processes."""

    def __init__(self, surroundings: dict[str, str], program: list[str]) -> None:
        self.folder = Path(surroundings["FOLDER"])
        self._said = self.folder / f"said-{len(list(self.folder.glob('said-*')))}"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, *program, "--data", str(self.folder), "--attached"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=surroundings,
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def address(self) -> str:
        """Where it listens."""
        file = self.folder / "address"
        until(lambda: file.exists() or self.process.poll() is not None, "it does not listen")
        assert self.process.poll() is None, self.said
        return file.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        assert self.process.stdin is not None
        self.process.stdin.close()
        return code


@pytest.fixture
def start(surroundings: dict[str, str]) -> Iterator[Callable[..., Process]]:
    """Starts processes; none is left behind."""
    running: list[Process] = []

    def one(*program: str) -> Process:
        running.append(Process(surroundings, list(program)))
        return running[-1]

    yield one
    for each in running:
        each.end(signal.SIGKILL)


DESK = ("-P", "-m", "amparo_office.desk")


def slow_worker(start: Callable[..., Process], folder: str) -> Process:
    """A worker that knows the slow kind of job."""
    code = f"""
import sys
from pathlib import Path
from amparo_office.desk import start, worker
from amparo_service.serve import ServiceArguments
start.prepare(ServiceArguments(Path({folder!r}), "", 0, None))
{SLOW}
sys.argv[0] = "worker"
worker.main()
"""
    return start("-c", code)


def body(address: str) -> str:
    """A page."""
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
        return str(answer.read().decode())


def test_the_desk_serves_and_stops_in_order(start: Callable[..., Process]) -> None:
    desk = start(*DESK)
    address = desk.address()
    assert json.loads(body(address + "/health"))["practice"] is False
    assert "<h1>" in body(address + "/sign-in")
    assert "Code for the first administrator" in desk.said
    # Uvicorn ends in order and then by the signal itself.
    assert desk.end() in {0, -signal.SIGTERM}
    # Nothing but the code: no line for a request.
    assert len(desk.said.splitlines()) == 1


def test_a_worker_that_is_killed_leaves_its_job_to_the_next(
    start: Callable[..., Process], surroundings: dict[str, str]
) -> None:
    first = slow_worker(start, surroundings["FOLDER"])
    until(lambda: (first.folder / "migrating").exists() and _ready(), "the database is not made")
    made = add("test.slow", {"steps": 400}, by=None, at=SystemClock().now())
    until(lambda: _job(made).done > 2, "it does not run")
    first.end(signal.SIGKILL)
    assert _job(made).state == State.RUNNING
    # As if half a minute had passed since its last sign of life.
    long_ago = SystemClock().now() - 2 * STALE
    (first.folder / "jobs" / f"{made.id}.pulse").unlink()
    assert Job.objects.filter(id=made.id).update(beat=long_ago)
    second = slow_worker(start, surroundings["FOLDER"])
    until(lambda: _job(made).attempts == 2, "nobody takes it")
    Job.objects.filter(id=made.id).update(argument={"steps": 1})
    second.end()
    assert (_job(made).state, _job(made).attempts) == (State.WAITING, 1)
    third = slow_worker(start, surroundings["FOLDER"])
    until(lambda: _job(made).state == State.DONE, "it does not end")
    assert _job(made).result == {"process": third.process.pid}
    assert third.end() == 0


def test_the_desk_starts_its_worker_again(start: Callable[..., Process]) -> None:
    desk = start(*DESK)
    desk.address()
    first = _another_child(desk)
    os.kill(first, signal.SIGKILL)
    second = _another_child(desk, than=first)
    desk.end(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{second}").exists() or _is_dead(second), "the worker outlives the desk")


def test_a_newer_database_is_refused_in_words(start: Callable[..., Process], surroundings: dict[str, str]) -> None:
    desk = start(*DESK)
    desk.address()
    desk.end()
    (desk.folder / "address").unlink()
    insert = "INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '9999_later', '2030-01-01')"
    if place.DATABASE in surroundings:
        with psycopg.connect(surroundings[place.DATABASE]) as connection:
            connection.execute(insert)
    else:
        with sqlite3.connect(desk.folder / "register.sqlite") as file:
            file.execute(insert)
    again = start(*DESK)
    assert again.process.wait(PATIENCE) == 3
    assert "[service.database_too_new]" in again.said
    assert "Traceback" not in again.said


def test_a_database_without_its_key_is_refused_in_words(start: Callable[..., Process]) -> None:
    desk = start(*DESK)
    desk.address()
    desk.end()
    (desk.folder / "register.sqlite").touch()
    (desk.folder / "desk-key.bin").unlink()
    again = start(*DESK)
    assert again.process.wait(PATIENCE) == 3
    assert "[service.key_missing]" in again.said


def _job(made: Job) -> Job:
    return Job.objects.get(id=made.id)


def _ready() -> bool:
    from django.db import connection
    from django.db.utils import DatabaseError

    try:
        Job.objects.exists()
    except DatabaseError:
        connection.close()
        return False
    return True


def _children(desk: Process) -> list[int]:
    found = Path(f"/proc/{desk.process.pid}/task/{desk.process.pid}/children").read_text().split()
    threads = Path(f"/proc/{desk.process.pid}/task").glob("*/children")
    return sorted({int(each) for file in threads for each in file.read_text().split()} | {int(each) for each in found})


def _another_child(desk: Process, than: int = 0) -> int:
    """The worker, as soon as there is one; between two of them, there is none."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [each for each in _children(desk) if each != than and not _is_dead(each)]
        return bool(found)

    until(look, "no worker")
    return found[0]


def _is_dead(number: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return True


def test_a_worker_knows_every_kind_of_job_that_is_registered_anywhere(surroundings: dict[str, str]) -> None:
    sources = [path for package in ("office", "staff") for path in (ROOT / "packages" / package / "src").rglob("*.py")]
    registered = {path for path in sources if re.search(r"^@job\(", path.read_text(), re.MULTILINE)}
    code = f"""
import sys
from pathlib import Path
from amparo_office.desk import start
from amparo_service.serve import ServiceArguments
start.prepare(ServiceArguments(Path({surroundings["FOLDER"]!r}), "", 0, None))
from amparo_staff.jobs import service
print(*sorted({{sys.modules[kind.work.__module__].__file__ for kind in service._kinds.values()}}), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True)
    assert {Path(line) for line in done.stdout.splitlines()} == registered
    assert len(registered) >= 3
