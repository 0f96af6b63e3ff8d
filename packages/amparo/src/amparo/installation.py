"""Talking to the services of a data folder in each role: the staff, the mint's operator, the finance officer, a reader.

Staff tokens are made on first use with the administrator's token, which only who can read the office's folder has. Two
roles, two tokens: who starts a cycle does not approve it.
"""

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from amparo.errors import JobFailed, NothingRunning
from amparo.folder import DataFolder, ServicesFile
from amparo.sources import Source
from amparo_log.follow import LogFollower
from amparo_office.answers import ImportResult
from amparo_office.crowds import CrowdReport
from amparo_office.jobs import JobView
from amparo_service.client import Client
from amparo_service.keys import file_once, replace_file

T = TypeVar("T")
POLL_SECONDS = 0.05


class CycleTotals(msgspec.Struct, frozen=True):
    """A cycle's public totals, as the office answers them, and how small its crowds are; amounts in minor units."""

    programme: str
    cycle: str
    households: int
    eligible: int
    total: int
    approved: bool
    crowds: CrowdReport


class Installation:
    """The services of one data folder, seen from the command line."""

    def __init__(self, folder: DataFolder, services: ServicesFile) -> None:
        self.folder = folder
        self.services = services
        self.mint = Client(services.url("mint"))
        self.office = Client(services.url("office"))

    @classmethod
    def running(cls, root: Path) -> "Installation":
        """The installation in a folder. Raises `NothingRunning` when services were never started there."""
        folder = DataFolder(root)
        services = folder.services()
        if services is None:
            raise NothingRunning(f"There are no services in {folder.root}.")
        return cls(folder, services)

    def follower(self, memory: Path) -> LogFollower:
        """A reader of the public log, with its memory of the last checkpoint in a file."""
        return LogFollower(Client(self.services.url("log")), self.services.vkey, memory)

    def administrator(self) -> Client:
        """The office, as its administrator: whoever can read the office's folder."""
        access = (self.folder.service("office") / "administrator.token").read_text()
        return Client(self.services.url("office"), bearer=access)

    def staff(self, role: str, *, access: str | None = None) -> Client:
        """The office, as a member of staff with one role: with their own access token, or with one kept in this folder."""
        if access is None:
            access = self._kept_access(role)
        return Client(self.services.url("office"), bearer=access)

    def _kept_access(self, role: str) -> str:
        tokens: dict[str, str] = {}
        if self.folder.staff_file.exists():
            tokens = json.loads(self.folder.staff_file.read_bytes())
        if role not in tokens:
            tokens[role] = self.administrator().post("/staff", {"role": role}, dict[str, str])["access"]
            replace_file(self.folder.staff_file, json.dumps(tokens).encode())
            self.folder.staff_file.chmod(0o600)
        return tokens[role]

    def mint_operator(self) -> Client:
        """The mint, as its operator."""
        return mint_operator(self.folder.root)

    def finance(self) -> Client:
        """The shops side, as the finance officer."""
        return Client(self.services.url("shops"), bearer=_token(self.folder, "shops"))


def mint_operator(root: Path) -> Client:
    """The mint that runs in a folder, alone or beside the other services, as its operator. Raises `NothingRunning`."""
    folder = DataFolder(root)
    address = folder.service("mint") / "address"
    if not address.exists():
        raise NothingRunning(f"There is no mint in {folder.root}.")
    return Client(address.read_text(), bearer=_token(folder, "mint"))


def _token(folder: DataFolder, service: str) -> str:
    path = folder.service(service) / "operator.token"
    return file_once(path, lambda: secrets.token_urlsafe(32).encode()).decode()


def wait_for(client: Client, job: int, into: type[T], *, progress: Callable[[int, int], None]) -> T:
    """The result of an office job, once it is done. Raises `JobFailed` with the office's own reason."""
    while True:
        found = client.get(f"/jobs/{job}", JobView)
        progress(found.done, found.total)
        if found.state == "done":
            return msgspec.convert(found.result, into)
        if found.state == "failed":
            error = found.error or {}
            raise JobFailed(
                error.get("what", "A job failed."),
                remote_code=error.get("code", "?"),
                why=error.get("why", ""),
                todo=error.get("todo", ""),
                faults=[msgspec.to_builtins(fault) for fault in found.faults],
            )
        time.sleep(POLL_SECONDS)


def import_source(registrar: Client, source: Source, *, progress: Callable[[int, int], None]) -> ImportResult:
    """Have the office import a pair of files. Raises `JobFailed` with the rows that cannot be taken."""
    body = {
        "mapping": source.mapping,
        "households": {"name": source.household_file, "data": source.households},
        "individuals": {"name": source.individual_file, "data": source.individuals},
    }
    job = registrar.post_bytes("/imports", msgspec.msgpack.encode(body), dict[str, int])["job"]
    return wait_for(registrar, job, ImportResult, progress=progress)


def fetch_cards(registrar: Client, job: int, path: Path) -> None:
    """Save the printed cards of a job, then have the office remove its copy: it names everybody."""
    replace_file(path, registrar.get_bytes(f"/cards/{job}.pdf"))
    registrar.post(f"/cards/{job}.pdf/printed", {}, dict[str, bool])
