"""A town up to its approval, and commands answered as JSON: for tests of what households, shops and desks do at a terminal."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import play
from typer.testing import CliRunner

from amparo.__main__ import app
from amparo.demo import month
from amparo.demo.people import People
from amparo.demo.story import Stage, moment
from amparo.folder import DataFolder
from amparo.supervisor import Supervisor
from amparo_common.errors import AmparoError
from amparo_service.practice_clock import PracticeClock

HOUSEHOLDS = 20


def answer(*words: str, typed: str | None = None) -> Any:
    """What a command answers as JSON, also when it fails; `typed`: what somebody types when it asks."""
    result = CliRunner().invoke(app, [*words, "--json"], input=typed)
    if isinstance(result.exception, AmparoError):
        return {"error": result.exception.public()["code"]}
    assert result.exit_code == 0, f"{words}: {result.output} {result.exception!r}"
    # The runner repeats on standard output what is typed; a terminal does that by itself.
    return json.loads(result.stdout.splitlines()[-1])


def somebody_with_aid(stage: Stage, unit: str) -> str:
    """The first household to which aid of this unit was approved."""
    people = People(stage)
    return next(
        home.ref
        for home in people.homes()
        if any(paper.amount for paper in people.wallet(home.ref).papers() if paper.unit == unit)
    )


@contextlib.contextmanager
def approved_town(root: Path) -> Iterator[Stage]:
    """A town with its services running, whose payments are approved. Its keysets have no end, so that a test holds at any date
    of the machine's own clock."""
    folder = DataFolder(root)
    PracticeClock(folder.clock).set(moment(1))
    with Supervisor(folder, practice=True) as services:
        stage = play(folder, services, seed=3, households=HOUSEHOLDS)
        for step in (month.publish_rules, month.register, month.enrol, month.decide, month.approve):
            step(stage)
        for unit in month.UNITS:
            stage.installation.mint_operator().post(
                "/operate/keysets", {"unit": unit, "period": "2026-10"}, dict[str, str]
            )
        yield stage
