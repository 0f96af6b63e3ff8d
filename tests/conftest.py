"""A small town whose month is finished, with its services running: shared by the journeys and the attacks."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from amparo.demo.steps import STEPS
from amparo.demo.story import Options, Stage, StepDone, Story, moment
from amparo.folder import DataFolder, ServicesFile
from amparo.installation import Installation
from amparo.sources import invented
from amparo.supervisor import Supervisor
from amparo_service.practice_clock import PracticeClock

SEED, HOUSEHOLDS = 7, 60


class Town(msgspec.Struct, frozen=True):
    """A finished month: what the steps found, and everything needed to go on working with it."""

    stage: Stage
    done: dict[str, StepDone]
    services: ServicesFile
    supervisor: Supervisor

    @property
    def papers(self) -> Path:
        """The folder with what the demo printed and wrote."""
        return self.stage.papers


def play(folder: DataFolder, services: ServicesFile, *, seed: int = SEED, households: int = HOUSEHOLDS) -> Stage:
    """A stage for a town in a folder whose services run."""
    options = Options(seed=seed, households=households)
    source = invented(seed, households)
    clock = PracticeClock(folder.clock)
    return Stage(options, source, folder, Installation(folder, services), clock, lambda _done, _total: None)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The town, played once a test run."""
    folder = DataFolder(tmp_path_factory.mktemp("town"))
    PracticeClock(folder.clock).set(moment(1))
    supervisor = Supervisor(folder, practice=True)
    with supervisor as services:
        stage = play(folder, services)
        done = Story(folder, stage.options).play(
            STEPS, stage, before=lambda _step: None, after=lambda _done, _earlier: None
        )
        yield Town(stage, done, services, supervisor)
