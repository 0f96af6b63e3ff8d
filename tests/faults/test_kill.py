"""kill -9 at any point loses and doubles nothing: the month ends with the totals of an undisturbed one.

Slow; run with `just faults`. Services are killed again and again while the month is played; then the demo itself is.
"""

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
from amparo.folder import SERVICES, DataFolder
from amparo.supervisor import Supervisor
from amparo_service.practice_clock import PracticeClock

pytestmark = pytest.mark.faults

HOUSEHOLDS, SEED = 40, 11


def month(
    folder: DataFolder, supervisor: Supervisor, disturb: Callable[[threading.Event], None] = lambda _done: None
) -> dict[str, StepDone]:
    """A month in a folder under a supervisor, while `disturb` does its worst until the event is set."""
    PracticeClock(folder.clock).set(moment(1))
    with supervisor as services:
        stage = play(folder, services, seed=SEED, households=HOUSEHOLDS)
        done = threading.Event()
        thread = threading.Thread(target=disturb, args=(done,))
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

    def killer(done: threading.Event) -> None:
        while not done.wait(dice.uniform(1.5, 4.0)):
            supervisor.kill(name)

    found = month(folder, supervisor, killer)
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
    assert kills >= 2
    assert totals(found) == undisturbed
