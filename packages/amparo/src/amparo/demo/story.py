"""The order of the demo's steps, and the memory of those that are done.

A step is finished when its result is on the disk. Every step can be run again from its beginning, whatever was interrupted:
what it did already is found done. So killing the demo or any service at any point changes no total.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from amparo.errors import AnotherTown
from amparo.folder import DataFolder
from amparo.installation import Installation
from amparo.sources import Source
from amparo_service.keys import replace_file
from amparo_service.practice_clock import PracticeClock

Figure = int | str | bool | list[dict[str, str]]
Figures = dict[str, Figure]


class Options(msgspec.Struct, frozen=True):
    """What makes one demo different from another: the same options give the same totals."""

    seed: int
    households: int
    files: str = ""


class StepDone(msgspec.Struct, frozen=True):
    """What one step made true: a plain sentence and its figures."""

    title: str
    sentence: str
    figures: Figures


class Stage(msgspec.Struct):
    """What every step works with."""

    options: Options
    source: Source
    folder: DataFolder
    installation: Installation
    clock: PracticeClock
    progress: Callable[[int, int], None]

    @property
    def papers(self) -> Path:
        """The folder for what the demo prints and writes for people to look at."""
        path = self.folder.root / "papers"
        path.mkdir(exist_ok=True)
        return path

    def on(self, day: int, hour: int = 9) -> None:
        """Move the practice clock to a day of the demo's month."""
        self.clock.set(moment(day, hour))


def moment(day: int, hour: int = 9) -> datetime:
    """A moment of the demo's month."""
    return datetime(2026, 10, day, hour, tzinfo=UTC)


class Step(msgspec.Struct, frozen=True):
    """One step: its name in the memory, its title, and what it does."""

    name: str
    title: str
    run: Callable[[Stage], tuple[str, Figures]]


class _Memory(msgspec.Struct):
    options: Options
    done: dict[str, StepDone] = {}


class Story:
    """The steps of one demo in its folder."""

    def __init__(self, folder: DataFolder, options: Options) -> None:
        self._path = folder.root / "story.json"
        self._memory = _Memory(options=options)
        if self._path.exists():
            self._memory = msgspec.json.decode(self._path.read_bytes(), type=_Memory)
        if self._memory.options != options:
            raise AnotherTown("This folder holds another demo.")

    def play(
        self,
        steps: list[Step],
        stage: Stage,
        *,
        before: Callable[[Step], None],
        after: Callable[[StepDone, bool], None],
    ) -> dict[str, StepDone]:
        """Run what is not done yet. `after` is told whether the step was done in an earlier run."""
        for step in steps:
            known = self._memory.done.get(step.name)
            before(step)
            if known is None:
                sentence, figures = step.run(stage)
                known = StepDone(title=step.title, sentence=sentence, figures=figures)
                self._remember(step.name, known)
                after(known, False)
            else:
                after(known, True)
        return self._memory.done

    def _remember(self, name: str, done: StepDone) -> None:
        self._memory.done[name] = done
        replace_file(self._path, json.dumps(msgspec.to_builtins(self._memory), indent=1, ensure_ascii=False).encode())
