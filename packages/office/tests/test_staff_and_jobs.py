"""Staff, roles and jobs: every address needs a role but those meant for everybody, and work survives a kill."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.office.tests.conftest import HOME_COLUMNS, MAPPING, PERSON_COLUMNS, Town, csv_file
from starlette.routing import Route

from amparo_office.errors import JobUnknown, RoleMissing, RowFault, RowsRefused
from amparo_office.jobs import Jobs, Progress
from amparo_office.staff import ROLES, Role, Staff
from amparo_office.store import MIGRATIONS
from amparo_rules.starter import starter
from amparo_service.database import Database
from amparo_service.errors import CannotStore, Unreachable

# Who may do what; nobody else may. Wallets prove themselves with a signature inside the request.
ALLOWED: dict[str, set[str]] = {
    "/staff": {"administrator"},
    "/imports": {"registrar"},
    "/programmes": {"programme-manager"},
    "/cycles": {"programme-manager"},
    "/cycles/approve": {"approver", "programme-manager"},
    "/cycles/bands": {"approver", "programme-manager"},
    "/cards": {"registrar"},
    "/cards/{number:int}.pdf": {"registrar"},
    "/cards/{number:int}.pdf/printed": {"registrar"},
    "/apps": {"administrator"},
    "/enrolment-codes": {"registrar"},
    "/jobs/{number:int}": {"registrar", "programme-manager", "approver", "administrator"},
}
PUBLIC = {"/health", "/wallet/enrol", "/wallet/papers", "/wallet/claim", "/wallet/login"}


def address(route: Route) -> tuple[str, str]:
    """A method and a path that lead to a route."""
    methods = (route.methods or set()) - {"HEAD"}
    return methods.pop(), route.path.replace("{number:int}", "1")


def codes_of(town: Town, headers: dict[str, str]) -> dict[str, str]:
    """The error code of every address, asked with these headers and an empty body."""
    found = {}
    for route in town.routes:
        method, path = address(route)
        answer = town.http.request(method, path, headers=headers)
        found[route.path] = str(answer.json().get("code", "")) if answer.status_code >= 400 else "answered"
    return found


# --- roles ---------------------------------------------------------------------------------------------------------------


def test_every_address_is_either_meant_for_everybody_or_has_its_roles(town: Town) -> None:
    assert {route.path for route in town.routes} == set(ALLOWED) | PUBLIC


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer first"},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"cookie": "session=1"},
    ],
    ids=str,
)
def test_without_a_staff_token_no_address_does_anything_for_staff(town: Town, headers: dict[str, str]) -> None:
    found = codes_of(town, headers)
    assert {path for path, code in found.items() if code != "office.role_missing"} == PUBLIC
    assert found["/health"] == "answered"
    for path in PUBLIC - {"/health"}:
        assert found[path] == "common.bad_signature"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_own_addresses_and_no_others(town: Town, role: Role) -> None:
    found = codes_of(town, {"authorization": f"Bearer {town.access(role)}"})
    opened = {path for path, code in found.items() if code != "office.role_missing"} - PUBLIC
    assert opened == {path for path, roles in ALLOWED.items() if role in roles}


def test_the_first_administrator_is_a_file_that_only_the_office_can_read(town: Town) -> None:
    path = town.folder / "administrator.token"
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_text()
    assert len(first) >= 40
    town.reopen()
    assert path.read_text() == first
    assert town.ask("administrator", "POST", "/staff", {"role": "registrar"}).status_code == 200


def test_a_colleagues_token_is_shown_once_and_not_stored(town: Town) -> None:
    new = town.ask("administrator", "POST", "/staff", {"role": "approver"}).json()
    town.close()
    stored = (town.folder / "office.sqlite").read_bytes()
    assert new["id"].encode() in stored
    assert new["access"].encode() not in stored
    town.open()
    staff = Staff(town.database, town.folder)
    assert staff.require(new["access"], "approver").id == new["id"]
    with pytest.raises(RoleMissing):
        staff.require(new["access"], "registrar", "administrator", "programme-manager")


@pytest.mark.parametrize("role", ["auditor", "", 1, None])
def test_a_role_that_does_not_exist_is_refused(town: Town, role: Any) -> None:
    answer = town.ask("administrator", "POST", "/staff", {"role": role})
    assert (answer.status_code, answer.json()["code"]) == (400, "service.bad_request")
    assert town.rows("SELECT count(*) FROM staff") == [(1,)]


# --- the work through HTTP -----------------------------------------------------------------------------------------------


def import_body(*, bad: bool = False) -> bytes:
    homes = csv_file(HOME_COLUMNS, [("H0", "yes", "50.5", "many" if bad else "2")])
    people = csv_file(PERSON_COLUMNS, [("H0", "Ana", "Díaz", "", "es", "1990-01-02", "yes", "no")])
    files = {"households": {"name": "homes.csv", "data": homes}, "individuals": {"name": "people.csv", "data": people}}
    return msgspec.msgpack.encode({"mapping": MAPPING, **files})


def test_a_release_of_a_phone_app_stands_in_the_log_once(town: Town) -> None:
    app = {"app": "wallet", "release": "0123456789abcdef", "hash": "a" * 64}
    first = town.ask("administrator", "POST", "/apps", app).json()["index"]
    assert town.ask("administrator", "POST", "/apps", app).json()["index"] == first
    newer = town.ask("administrator", "POST", "/apps", app | {"hash": "b" * 64}).json()["index"]
    assert newer > first
    # The log takes a message once: a release that was followed by another is not the newest again.
    assert town.ask("administrator", "POST", "/apps", app).json()["index"] == first
    for bad in ({"app": "desk"}, {"hash": "a" * 63}, {"release": ""}):
        assert town.ask("administrator", "POST", "/apps", app | bad).status_code == 400


def test_a_month_through_http_from_the_rule_to_the_approval(running: Town) -> None:
    town = running
    assert town.ask("programme-manager", "POST", "/programmes", {"rule": starter("food-basket")}).status_code == 200
    job = town.ask("registrar", "POST", "/imports", import_body()).json()["job"]
    assert town.finish(job)["result"] == {"households": 1, "persons": 1, "already": False, "known": 0}
    again = town.ask("registrar", "POST", "/imports", import_body()).json()["job"]
    assert town.finish(again)["result"]["already"] is True
    cycle = {"programme": "food-basket", "version": "2026.1", "cycle": "2026-11", "as_of": "2026-11-01"}
    early = town.ask("programme-manager", "POST", "/cycles", cycle)
    assert early.json()["code"] == "rules.rule_not_public_in_time"
    town.clock.set(town.clock.now().replace(month=11))
    manager = {"authorization": f"Bearer {town.access('programme-manager')}"}
    job = town.http.post("/cycles", json=cycle, headers=manager).json()["job"]
    view = town.finish(job)
    totals = {"programme": "food-basket", "cycle": "2026-11", "households": 1, "eligible": 1, "total": 3_800}
    totals |= {"crowds": {"amounts": 1, "smallest": 1, "asked": 0, "below": 0}}
    assert (view["result"], view["done"], view["total"]) == (totals | {"approved": False}, 1, 1)
    mine = town.http.post("/cycles/approve", json={"programme": "food-basket", "cycle": "2026-11"}, headers=manager)
    assert mine.json()["code"] == "office.same_person"
    theirs = town.ask("approver", "POST", "/cycles/approve", {"programme": "food-basket", "cycle": "2026-11"})
    assert theirs.json() == totals | {"approved": True}


def test_a_job_that_fails_says_why_with_the_report_and_keeps_no_file(running: Town) -> None:
    running.publish(wait=False)
    job = running.ask("registrar", "POST", "/imports", import_body(bad=True)).json()["job"]
    view = running.finish(job)
    assert (view["state"], view["error"]["code"]) == ("failed", "office.rows_refused")
    (fault,) = view["faults"]
    assert fault.pop("reason")
    assert fault == {"file": "homes.csv", "row": 2, "column": "rooms", "value": "many"}
    assert running.rows("SELECT argument FROM job") == [(b"",)]
    good = running.ask("registrar", "POST", "/imports", import_body()).json()["job"]
    assert running.finish(good)["state"] == "done"
    assert running.rows("SELECT argument FROM job WHERE state = 'done'") == [(b"",)]


@pytest.mark.parametrize("body", [b"", b"x", msgspec.msgpack.encode({"mapping": MAPPING})])
def test_an_import_that_cannot_be_read_fails_with_words(running: Town, body: bytes) -> None:
    job = running.ask("registrar", "POST", "/imports", body).json()["job"]
    assert running.finish(job)["error"]["code"] == "service.bad_request"


def test_a_job_or_a_file_that_does_not_exist_is_said(town: Town) -> None:
    for path in ("/jobs/9", "/cards/9.pdf"):
        answer = town.ask("registrar", "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "office.unknown_job")


def test_a_rule_that_is_not_published_starts_no_job(town: Town) -> None:
    cycle = {"programme": "food-basket", "version": "2026.1", "cycle": "2026-11", "as_of": "2026-11-01"}
    assert town.ask("programme-manager", "POST", "/cycles", cycle).json()["code"] == "office.unknown_programme"
    assert town.rows("SELECT count(*) FROM job") == [(0,)]


# --- jobs by themselves --------------------------------------------------------------------------------------------------


class Shift:
    """A database of jobs and a thread that works them; `works` says what each kind does."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, MIGRATIONS)
        self.seen: list[tuple[bytes, str]] = []
        self.jobs = Jobs(
            self.database, {"good": self._good, "bad": self._bad, "broken": self._broken, "away": self._away}
        )

    def _good(self, argument: bytes, staff: str, progress: Progress) -> dict[str, int]:
        self.seen.append((argument, staff))
        progress(1, 2)
        return {"length": len(argument)}

    def _bad(self, _argument: bytes, _staff: str, _progress: Progress) -> None:
        raise RowsRefused("1 value cannot be taken.", [RowFault("a.csv", 2, "c", "v", "Why.")])

    def _broken(self, _argument: bytes, _staff: str, _progress: Progress) -> None:
        raise ZeroDivisionError("Ana Díaz, born 1990")

    def _away(self, _argument: bytes, _staff: str, _progress: Progress) -> None:
        raise Unreachable("The log gives no answer.")

    def work(self) -> None:
        """Work until nothing waits, then stop."""
        self.jobs.add("end", b"", "")
        self.jobs.start()
        for thread in threading.enumerate():
            if thread.name == "office-jobs":
                while self.jobs.find(self._last()).state in ("waiting", "running"):
                    thread.join(0.005)
                self.jobs.stop()
                thread.join(30)

    def _last(self) -> int:
        with self.database.reading() as connection:
            (number,) = connection.execute("SELECT max(number) FROM job").fetchone()
        return int(number)


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    made = Shift(tmp_path / "jobs.sqlite")
    yield made
    made.database.close()


def test_jobs_are_worked_in_order_and_show_their_progress_and_result(shift: Shift) -> None:
    first, second = shift.jobs.add("good", b"one", "ana"), shift.jobs.add("good", b"three", "luz")
    assert shift.jobs.find(first).state == "waiting"
    shift.work()
    assert shift.seen == [(b"one", "ana"), (b"three", "luz")]
    view = shift.jobs.find(second)
    assert (view.state, view.done, view.total, view.result) == ("done", 1, 2, {"length": 5})


def test_a_failed_job_says_why_and_does_not_stop_the_next(shift: Shift) -> None:
    bad, away, good = (shift.jobs.add(kind, b"", "ana") for kind in ("bad", "away", "good"))
    shift.work()
    assert [shift.jobs.find(each).state for each in (bad, away, good)] == ["failed", "failed", "done"]
    view = shift.jobs.find(bad)
    assert view.error is not None
    assert view.error["code"] == "office.rows_refused"
    assert view.faults == [RowFault("a.csv", 2, "c", "v", "Why.")]
    assert (shift.jobs.find(away).error or {}).get("code") == "service.unreachable"


def test_an_unexpected_fault_tells_nobodys_data(shift: Shift, caplog: pytest.LogCaptureFixture) -> None:
    broken = shift.jobs.add("broken", b"", "ana")
    shift.work()
    view = shift.jobs.find(broken)
    assert (view.state, (view.error or {})["code"]) == ("failed", "service.unexpected")
    assert "ZeroDivisionError" in caplog.text
    assert "Díaz" not in caplog.text + str(view)


def test_an_unknown_job_is_said(shift: Shift) -> None:
    with pytest.raises(JobUnknown):
        shift.jobs.find(1)


class FullDisk(Database):
    """A database on a disk that is full for a while: the next `full` transactions are refused."""

    full = 0

    def transaction(self) -> Any:
        """A transaction, when there is room."""
        if self.full > 0:
            self.full -= 1
            raise CannotStore("Nothing was stored.")
        return super().transaction()


def test_a_full_disk_does_not_end_the_work_for_good(tmp_path: Path) -> None:
    database = FullDisk(tmp_path / "jobs.sqlite", MIGRATIONS)
    done = threading.Event()
    jobs = Jobs(database, {"good": lambda _argument, _staff, _progress: done.set()})
    jobs.add("good", b"", "ana")
    database.full = 1
    jobs.start()
    assert done.wait(30)
    jobs.stop()
    for thread in threading.enumerate():
        if thread.name == "office-jobs":
            thread.join(30)
    assert jobs.find(1).state == "done"
    database.close()


KILLED = """
import os, sys, time
from amparo_office.jobs import Jobs
from amparo_office.store import MIGRATIONS
from amparo_service.database import Database

def work(argument, staff, progress):
    progress(1, 3)
    os._exit(9)

jobs = Jobs(Database(sys.argv[1], MIGRATIONS), {"good": work})
jobs.add("good", b"the whole file", "ana")
jobs.start()
time.sleep(60)
"""


def test_a_job_that_was_killed_in_its_middle_is_worked_again_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60).returncode == 9
    shift = Shift(path)
    view = shift.jobs.find(1)
    assert (view.state, view.done, view.total) == ("running", 1, 3)
    shift.work()
    assert shift.seen == [(b"the whole file", "ana")]
    assert shift.jobs.find(1).state == "done"
    shift.database.close()
