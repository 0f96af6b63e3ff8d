"""A clock read from a file, for the demo town: one month in a minute, the same moment in every service.

A service takes it only when started with `--practice-clock`; its health answer then says `"practice": true`.
"""

from datetime import datetime
from pathlib import Path

from amparo_common.clock import Clock, SystemClock, from_text, to_text
from amparo_service.keys import replace_file


class PracticeClock:
    """Shows the moment written in a file. Whoever runs the demo moves it with `set`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The moment in the file. Raises `NaiveTime` when the file holds none."""
        return from_text(self._path.read_text().strip())

    def set(self, instant: datetime) -> None:
        """Move the practice time."""
        replace_file(self._path, to_text(instant).encode())


def clock_for(practice: Path | None) -> Clock:
    """The practice clock when one is named, else the machine's."""
    return SystemClock() if practice is None else PracticeClock(practice)
