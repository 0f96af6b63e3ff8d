"""A small invented town whose services run, with a household's aid and a shop that wait for their phones: what the
browser's benches of `bench.phones` play with. As `amparo demo` makes it, without the month before.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from amparo.demo import phones
from amparo.demo.phones import PhonesReady
from amparo.demo.steps import STEPS
from amparo.demo.story import Options, Stage, Story, moment
from amparo.folder import DataFolder
from amparo.installation import Installation
from amparo.sources import invented
from amparo.supervisor import Supervisor
from amparo_service.practice_clock import PracticeClock

HOUSEHOLDS = 60
SEED = 1
# What the next month's decisions stand on; nothing else of the demo's month is played.
NEEDED = ("rules", "register", "enrol")


@contextlib.contextmanager
def newcomers() -> Iterator[PhonesReady]:
    """The services, running, and what a newcomer is given. Needs the built apps."""
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as place:
        folder = DataFolder(Path(place))
        folder.prepare()
        clock = PracticeClock(folder.clock)
        clock.set(moment(1))
        source, options = invented(SEED, HOUSEHOLDS), Options(seed=SEED, households=HOUSEHOLDS)
        with Supervisor(folder, practice=True, apps=True) as services:
            stage = Stage(options, source, folder, Installation(folder, services), clock, _silent)
            steps = [each for each in STEPS if each.name in NEEDED]
            Story(folder, options).play(steps, stage, before=_silent, after=_silent)
            yield phones.make_ready(stage)


def _silent(*_told: object) -> None:
    """Nothing is shown."""
