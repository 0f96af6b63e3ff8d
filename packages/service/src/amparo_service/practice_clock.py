"""A clock read from a file, for the demo town: one month in a minute, the same moment in every service.

A service takes it only when started with `--practice-clock`; its health answer then says `"practice": true`.
"""

from datetime import datetime
from pathlib import Path

from amparo_common.clock import Clock, SystemClock, from_text, to_text
from amparo_service.keys import replace_file

# In the file instead of a moment: the machine's own time, from now on.
RUNNING = "running"


class PracticeClock:
    """Shows the moment written in a file. Whoever runs the demo moves it with `set`, or lets it run with the machine's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The moment in the file. Raises `NaiveTime` when the file holds none."""
        written = self._path.read_text().strip()
        return SystemClock().now() if written == RUNNING else from_text(written)

    def set(self, instant: datetime) -> None:
        """Move the practice time."""
        replace_file(self._path, to_text(instant).encode())

    def run(self) -> None:
        """From now on it shows the machine's own time."""
        replace_file(self._path, RUNNING.encode())


def clock_for(practice: Path | None) -> Clock:
    """The practice clock when one is named, else the machine's."""
    return SystemClock() if practice is None else PracticeClock(practice)
