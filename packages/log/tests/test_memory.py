"""The log in memory keeps the promises of the real one."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from amparo_common.bridge import KeyAnnounced, StaffTrail
from amparo_common.clock import FixedClock
from amparo_common.signing import SigningKey
from amparo_log.memory import MemoryLog
from amparo_service.errors import Unreachable

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = SigningKey.generate()


class SlowClock(FixedClock):
    """Nobody knows the time before `threads` of them ask for it, or a moment has passed: a log that lets two threads in at once has
    them there."""

    def __init__(self, threads: int) -> None:
        super().__init__(NOON)
        self._all_ask = threading.Barrier(threads, timeout=0.1)

    def now(self) -> datetime:
        """The moment it was set to."""
        with contextlib.suppress(threading.BrokenBarrierError):
            self._all_ask.wait()
        return super().now()


@pytest.fixture
def log() -> MemoryLog:
    """A log that knows the office."""
    log = MemoryLog(FixedClock(NOON))
    log.publish(KeyAnnounced("office", jwk=KEY.public.jwk), KEY)
    return log


def trail(entries: int) -> StaffTrail:
    return StaffTrail(entries=entries, head="0" * 64)


def test_a_message_repeated_is_no_new_entry(log: MemoryLog) -> None:
    assert [log.publish(trail(1), KEY), log.publish(trail(2), KEY), log.publish(trail(1), KEY)] == [1, 2, 1]
    assert log.said[1:] == [trail(1), trail(2)]
    assert [body for _, body in log.refresh().trails] == [trail(1), trail(2)]


def test_two_threads_publish_one_after_the_other() -> None:
    log = MemoryLog(SlowClock(2))
    log.publish(KeyAnnounced("office", jwk=KEY.public.jwk), KEY)
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(lambda each: log.publish(trail(each), KEY), range(2))) == [1, 2]
    assert log.view().size == 3


def test_what_was_seen_stays_known_while_it_is_away(log: MemoryLog) -> None:
    log.away = True
    with pytest.raises(Unreachable):
        log.publish(trail(1), KEY)
    with pytest.raises(Unreachable):
        log.refresh()
    assert log.view().size == 1
