"""kill -9 at any point loses and doubles nothing: the month ends with the totals of an undisturbed one.

Slow; run with `just faults`. Services are killed again and again while the month is played; then the demo itself is.
"""

import contextlib
import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import play
from tests.journeys.test_main_job import totals

from amparo.demo.steps import STEPS
from amparo.demo.story import StepDone, Story, moment
from amparo.folder import SERVICES, DataFolder, ServicesFile
from amparo.supervisor import Supervisor
from amparo_service.client import Client
from amparo_service.errors import Unreachable
from amparo_service.practice_clock import PracticeClock

pytestmark = pytest.mark.faults

HOUSEHOLDS, SEED = 40, 11
START_SECONDS = 60.0


def month(
    folder: DataFolder,
    supervisor: Supervisor,
    disturb: Callable[[ServicesFile, threading.Event], None] = lambda _services, _done: None,
) -> dict[str, StepDone]:
    """A month in a folder under a supervisor, while `disturb` does its worst until the event is set."""
    PracticeClock(folder.clock).set(moment(1))
    with supervisor as services:
        stage = play(folder, services, seed=SEED, households=HOUSEHOLDS)
        done = threading.Event()
        thread = threading.Thread(target=disturb, args=(services, done))
        thread.start()
        try:
            return Story(folder, stage.options).play(
                STEPS, stage, before=lambda _step: None, after=lambda _done, _earlier: None
            )
        finally:
            done.set()
            thread.join()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The totals of a month in which nothing goes wrong."""
    folder = DataFolder(tmp_path_factory.mktemp("calm"))
    return totals(month(folder, Supervisor(folder, practice=True)))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_killed_again_and_again_changes_no_total(
    name: str, undisturbed: dict[str, object], tmp_path: Path
) -> None:
    folder = DataFolder(tmp_path)
    restarts: list[str] = []
    supervisor = Supervisor(folder, practice=True, on_restart=restarts.append)
    dice = random.Random(name)

    def killer(services: ServicesFile, done: threading.Event) -> None:
        service = Client(services.url(name), patience=START_SECONDS)
        while not done.wait(dice.uniform(0.2, 3.0)):
            supervisor.kill(name)
            if dice.random() < 0.3:  # once more while it starts
                done.wait(dice.uniform(0.1, 1.0))
                supervisor.kill(name)
            # A machine on which it never comes up shows nothing.
            with contextlib.suppress(Unreachable):
                service.get("/health", dict[str, object])

    found = month(folder, supervisor, killer)
    print(f"{name} was started again {restarts.count(name)} times, and the month's totals are the same")
    assert name in restarts
    assert totals(found) == undisturbed


def test_a_demo_killed_again_and_again_goes_on_where_it_was(undisturbed: dict[str, object], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "amparo", "demo", "--once", "--json", "--data", str(tmp_path / "demo")]
    command += ["--households", str(HOUSEHOLDS), "--seed", str(SEED)]
    dice, kills, found = random.Random(5), 0, None
    while found is None:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            # A little longer each time, so that it ends one day.
            out, _ = process.communicate(timeout=dice.uniform(3.0, 6.0) + kills * 0.5)
            assert process.returncode == 0
            found = json.loads(out)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
    print(f"the demo was killed {kills} times, and the month's totals are the same")
    assert kills >= 2
    assert totals(found) == undisturbed
