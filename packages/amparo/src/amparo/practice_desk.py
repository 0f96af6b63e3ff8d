"""The desk for practice: services with an invented district, whose log-ins exist nowhere else."""

import subprocess
import sys
from datetime import datetime, timedelta

import msgspec

from amparo.errors import RealFolder, ServiceFailed
from amparo.folder import DESK, DataFolder, ServicesFile
from amparo.installation import Installation
from amparo_rules.starter import NAMES, starter
from amparo_service.practice_clock import PracticeClock

# The starter rules wait seven days before they count; in practice they were published before that.
_BEFORE = timedelta(days=10)


class Practice(msgspec.Struct, frozen=True):
    """What the district holds, and who can sign in with which password."""

    households: int
    individuals: int
    logins: list[str]
    password: str


def prepare(folder: DataFolder, now: datetime) -> bool:
    """Make a new folder one for practice; before the services start. Whether it is new. Raises `RealFolder`, `DiskFull`."""
    known = folder.services()
    if known is not None and not known.practice:
        raise RealFolder(f"{folder.root} is a folder for real people.")
    folder.prepare()
    if folder.clock.exists():
        return False
    PracticeClock(folder.clock).set(now - _BEFORE)
    return True


def fill(folder: DataFolder, services: ServicesFile) -> Practice:
    """Publish the starter programmes, invent the district, and let the clock run. Safe to repeat. Raises `ServiceFailed`."""
    manager = Installation(folder, services).staff("programme-manager")
    for name in NAMES:
        manager.post("/programmes", {"rule": starter(name)}, dict[str, object])
    PracticeClock(folder.clock).run()
    command = [sys.executable, "-P", "-m", "amparo.district", "--data", str(folder.service(DESK))]
    command += ["--practice-clock", str(folder.clock)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if made.returncode != 0:
        raise ServiceFailed("The invented district cannot be made.", why=made.stderr.strip()[-500:])
    return msgspec.json.decode(made.stdout, type=Practice)
