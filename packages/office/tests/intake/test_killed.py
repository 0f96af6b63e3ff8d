"""A commit, or an update of many, that is killed in its middle leaves nothing, and is done whole when it is run again."""

import io
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from amparo_common.clock import FixedClock
from amparo_office.desk import place
from amparo_office.intake import service, update_steps
from amparo_office.intake.models import ImportState, Update, UpdateState
from amparo_office.register.models import Change, Household, Individual, Origin
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs.models import JobFile
from amparo_staff.jobs.service import run_next

from .conftest import NOON, checked, csv_of, fresh, send, taken, work

ROOT = Path(__file__).parents[4]
COUNT = 1_300
# Runs the next job as a worker does; the clock of its beats kills the process at the given call.
WORKER = """
import json, os, signal, sys
from datetime import UTC, datetime
from tests.servers.desk import use
from amparo_common.clock import FixedClock
from amparo_office.desk import public_log
from amparo_staff.jobs.service import run_next
from packages.office.tests.town_log import TownLog, publish_rule

class Dying(FixedClock):
    left = int(sys.argv[2])
    def now(self):
        Dying.left -= 1
        if Dying.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().now()

use(json.loads(sys.argv[1]))
noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
log = TownLog.with_food_basket()
public_log.known = lambda: log
run_next(FixedClock(noon), alive=Dying(noon))
"""


@pytest.mark.parametrize("beats", [1, 4, 5])
def test_a_killed_commit_leaves_nothing_and_is_done_whole_when_it_is_run_again(
    registrar: StaffMember, beats: int
) -> None:
    rows = [("ref", "nombre"), *((str(number), f"Ana {number}") for number in range(COUNT))]
    given = checked(send(registrar, ("l.csv", csv_of(*rows))))
    service.start_commit(given, by=registrar, at=NOON)
    _run_and_kill(beats)
    assert (Household.objects.count(), Individual.objects.count(), Origin.objects.count()) == (0, 0, 0)
    assert fresh(given).state == ImportState.COMMITTING
    later = FixedClock(NOON + timedelta(minutes=5))
    assert run_next(later)
    assert (Household.objects.count(), Individual.objects.count()) == (COUNT, COUNT)
    assert fresh(given).state == ImportState.MERGED
    assert JobFile.objects.count() == 0


@pytest.mark.parametrize("beats", [1, 2])
def test_a_killed_update_of_many_leaves_nothing_and_is_done_whole_when_it_is_run_again(
    registrar: StaffMember, beats: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_steps, "MOST_ALONE", COUNT)
    rows = [("ref", "nombre", "rooms"), *((str(number), f"Ana {number}", "2") for number in range(COUNT))]
    taken(checked(send(registrar, ("l.csv", csv_of(*rows)))))
    content = csv_of(("ref", "rooms"), *((ref, "4") for ref in Household.objects.values_list("ref", flat=True)))
    given = update_steps.receive("visits", "seen at home", "u.csv", io.BytesIO(content), by=registrar, at=NOON)
    work()
    update_steps.start(Update.objects.get(id=given.id), by=registrar, at=NOON)
    _run_and_kill(beats)
    assert (_rooms(), Change.objects.count(), Origin.objects.count()) == ({2}, 0, 1)
    assert Update.objects.get().state == UpdateState.WRITING
    assert run_next(FixedClock(NOON + timedelta(minutes=5)))
    assert (_rooms(), Change.objects.count(), Origin.objects.count()) == ({4}, COUNT, 2)
    assert Update.objects.get().state == UpdateState.DONE
    assert JobFile.objects.count() == 0


def _rooms() -> set[int | None]:
    return {facts["rooms"] for facts in Household.objects.values_list("facts", flat=True)}


def _run_and_kill(beats: int) -> None:
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    settings = {name: connection.settings_dict[name] for name in names}
    environment = os.environ | {place.FOLDER: str(place.folder()), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WORKER, json.dumps(settings, default=str), str(beats)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
