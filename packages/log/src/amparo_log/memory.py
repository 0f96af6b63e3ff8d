"""A whole log in memory together with its follower, for tests and measurements: no network, no files, lost with its process."""

import threading

from amparo_common import canonical
from amparo_common.bridge import LogEntry, LogMessage, sign_for_log
from amparo_common.clock import Clock, to_text
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.view import LogView
from amparo_service.errors import Unreachable


class MemoryLog(LogFollower):
    """It keeps the promises of a real log and its follower that a service relies on: every entry is checked as each reader checks
    it, a message repeated is no new entry, and any number of threads may use it. `said`: what was published, in order. `away`:
    there is no connection; `publish` and `refresh` raise `Unreachable`, and what was seen stays known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._view = LogView()
        self._places: dict[bytes, int] = {}
        self.said: list[LogMessage] = []
        self.away = False

    def refresh(self) -> LogView:
        """All that was published."""
        self._connect()
        return self._view

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Take a message in as the next entry. Returns its place."""
        self._connect()
        with self._lock:
            place = self._places.setdefault(canonical.encode(body), self._view.size)
            if place == self._view.size:
                self._view.add(place, LogEntry(at=to_text(self._clock.now()), entry=sign_for_log(body, key)))
                self.said.append(body)
            return place

    def _connect(self) -> None:
        if self.away:
            raise Unreachable("The log gives no answer.")
