"""A desk with invented content, and Chromium to look at it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.browser.content import AT
from tests.browser.phones_town import PhonesTown, phones_town
from tests.needed import cannot_run
from tools import environments
from tools.environments import CannotMake
from tools.phone_apps import build

from amparo.folder import DESK, DataFolder
from amparo.installation import Installation
from amparo.phone_apps import make_apps
from amparo.supervisor import DESK_OUTPUT, Supervisor
from amparo_common.clock import to_text
from amparo_log.client import LogReader
from amparo_log.note import NoteVerifier
from amparo_office.desk import place
from amparo_rules.starter import NAMES, starter
from amparo_service.client import Client

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STARTS_IN = 60.0


@dataclass(frozen=True)
class Desk:
    """A running desk: its address and its screens, as the driver takes them."""

    address: str
    screens: list[dict[str, Any]]


@dataclass(frozen=True)
class EmptyDesk:
    """A desk for real people in which nobody works yet, as `./amparo serve` starts it: its address, the code that the console
    shows, the public log that it follows."""

    address: str
    code: str
    log: LogReader


@dataclass(frozen=True)
class Browser:
    """Chromium, the node that drives it."""

    chromium: str
    node: Path

    def run(self, script: str, told: Mapping[str, Any], *, seconds: float) -> Any:
        """What a script of this folder prints (JSON) to what it is told (JSON). Fails when it does, or takes longer."""
        done = subprocess.run(
            [str(self.node), str(HERE / script)],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def judge(
        self,
        desk: Desk,
        variants: list[dict[str, Any]],
        pictures: Path | None,
        *,
        screens: list[dict[str, Any]] | None = None,
    ) -> list[dict[str, Any]]:
        """What is wrong with each screen in each variant."""
        told = {
            "chromium": self.chromium,
            "address": desk.address,
            "screens": desk.screens if screens is None else screens,
            "variants": variants,
            "pictures": str(pictures or ""),
        }
        found: list[dict[str, Any]] = self.run("drive.mjs", told, seconds=1800)
        return found


def find_browser() -> Browser:
    """Debian's Chromium with playwright and axe from the lock file. Skips where they cannot be had; fails in CI."""
    chromium = shutil.which("chromium")
    if chromium is None:
        cannot_run("Debian's chromium is needed to look at the desk: apt install chromium")
    try:
        found = environments.node()
        found.install(HERE)
    except CannotMake as error:
        cannot_run(f"node, playwright or axe cannot be installed: {error}")
    return Browser(chromium, found.program)


@pytest.fixture(scope="session")
def browser_rig() -> Browser:
    """The browser, once a test run."""
    return find_browser()


def need_phone_apps(folder: Path) -> None:
    """Both phone apps, built. Skips where they cannot be; fails in CI."""
    if not make_apps():
        try:
            build(folder)
        except CannotMake as error:
            cannot_run(f"the phone apps cannot be built: {error}")


@pytest.fixture(scope="session", name="phones_town")
def town_for_phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhonesTown]:
    """A town whose services run for phones, once a test run."""
    need_phone_apps(tmp_path_factory.mktemp("built"))
    with phones_town(tmp_path_factory.mktemp("phones")) as town:
        yield town


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk on a free port with the content of `content.py`."""
    folder = tmp_path_factory.mktemp("browser") / "desk"
    clock = folder.with_name("clock")
    clock.write_text(to_text(AT))
    surroundings = {
        name: value for name, value in os.environ.items() if not name.startswith(("AMPARO_OFFICE", "DJANGO"))
    }
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.content", str(folder), str(clock)],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-3000:]
    command = [sys.executable, "-P", "-m", "amparo_office.desk", "--data", str(folder), "--practice-clock", str(clock)]
    process = subprocess.Popen(
        [*command, "--attached"], stdin=subprocess.PIPE, env=surroundings, stdout=subprocess.DEVNULL
    )
    try:
        yield Desk(address_in(folder / "address", process), json.loads(made.stdout.splitlines()[-1]))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmptyDesk]:
    """All services with two published programmes, and an empty desk beside them, on either database."""
    if request.param == "postgresql":
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        monkeypatch.setenv(place.DATABASE, new_database())
    else:
        monkeypatch.delenv(place.DATABASE, raising=False)
    folder = DataFolder(tmp_path / "amparo")
    with Supervisor(folder, practice=False, desk=True) as services:
        installation = Installation(folder, services)
        manager = installation.staff("programme-manager")
        for name in NAMES:
            manager.post("/programmes", {"rule": starter(name)}, dict[str, object])
        said = (folder.service(DESK) / DESK_OUTPUT).read_text()
        code = next(line.rpartition(" ")[2] for line in said.splitlines() if line.startswith("Code for the first"))
        # Passkeys are bound to a name, and an address in numbers is none.
        address = services.url(DESK).replace("127.0.0.1", "localhost")
        yield EmptyDesk(address, code, LogReader(Client(services.url("log")), NoteVerifier(services.vkey)))


def address_in(file: Path, process: "subprocess.Popen[bytes]") -> str:
    """The address that a service writes when it has started."""
    until = time.monotonic() + STARTS_IN
    while not file.exists():
        assert process.poll() is None, "it ended at its start"
        assert time.monotonic() < until, "it did not start"
        time.sleep(0.05)
    return file.read_text()
