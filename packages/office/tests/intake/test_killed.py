"""A commit that is killed in its middle leaves nothing, and is done whole when it is run again."""

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
from amparo_office.intake import service
from amparo_office.intake.models import ImportState
from amparo_office.register.models import Household, Individual, Origin
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs.models import JobFile
from amparo_staff.jobs.service import run_next

from .conftest import NOON, checked, csv_of, fresh, send

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


@pytest.mark.parametrize("beats", [1, 3])
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


def _run_and_kill(beats: int) -> None:
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    settings = {name: connection.settings_dict[name] for name in names}
    environment = os.environ | {place.FOLDER: str(place.folder()), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WORKER, json.dumps(settings, default=str), str(beats)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
