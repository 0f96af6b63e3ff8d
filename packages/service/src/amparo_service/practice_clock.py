"""A clock read from a file, for the demo town: one month in a minute, the same moment in every service.

A service takes it only when started with `--practice-clock`; its health answer then says `"practice": true`.
"""

from datetime import datetime
from pathlib import Path

from amparo_common.clock import Clock, SystemClock, from_text, to_text
from amparo_service.keys import replace_file

# In the file instead of a moment: the machine's own time; or, with two moments behind it, a time that showed the first one when the
# machine's showed the second, and runs on.
RUNNING = "running"


class PracticeClock:
    """Shows the moment written in a file. Whoever runs the demo moves it with `set`, or lets it run with the machine's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The moment in the file. Raises `NaiveTime` when the file holds none."""
        written = self._path.read_text()
        match written.split():
            case ["running"]:
                return SystemClock().now()
            case ["running", shown, then]:
                return from_text(shown) + (SystemClock().now() - from_text(then))
            case _:
                return from_text(written.strip())

    def set(self, instant: datetime) -> None:
        """Move the practice time."""
        replace_file(self._path, to_text(instant).encode())

    def run(self, instant: datetime | None = None) -> None:
        """From now on it runs: it shows the machine's own time, or what follows `instant`."""
        since = "" if instant is None else f" {to_text(instant)} {to_text(SystemClock().now())}"
        replace_file(self._path, f"{RUNNING}{since}".encode())


def clock_for(practice: Path | None) -> Clock:
    """The practice clock when one is named, else the machine's."""
    return SystemClock() if practice is None else PracticeClock(practice)
