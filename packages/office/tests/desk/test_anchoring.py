"""The head of the staff's trail in the public log: published daily, and a trail that does not fit it is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amparo_common.bridge import KeyAnnounced, LogEntry, LogMessage, StaffTrail, sign_for_log
from amparo_common.clock import FixedClock, to_text
from amparo_common.signing import SigningKey
from amparo_log.view import LogView
from amparo_office.desk import anchoring
from amparo_service.errors import Unreachable
from amparo_staff.errors import TrailBroken
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import run_next
from amparo_staff.trail.models import TrailEntry
from amparo_staff.trail.service import FIRST, Head, entry_hash, head, note

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = SigningKey.generate()


class FakeLog:
    """A public log in memory: the real view of what was published, without the network. `away`: it cannot be reached."""

    def __init__(self) -> None:
        self.away = False
        self._entries: list[LogMessage] = []
        self._view = LogView()
        self.publish(KeyAnnounced("office", jwk=KEY.public.jwk), KEY)

    def refresh(self) -> LogView:
        """What it says."""
        if self.away:
            raise Unreachable("The log does not answer.")
        return self._view

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Take a message in, the same one once."""
        if self.away:
            raise Unreachable("The log does not answer.")
        if body not in self._entries:
            self._view.add(len(self._entries), LogEntry(at=to_text(NOON), entry=sign_for_log(body, key)))
            self._entries.append(body)
        return self._entries.index(body)


def deeds(count: int, action: str = "test.deed") -> None:
    for _ in range(count):
        note(action, by=None, at=NOON)


def test_the_head_goes_into_the_log_and_the_anchoring_into_the_trail(desk_database: str) -> None:
    deeds(3)
    before, log = head(), FakeLog()
    assert anchoring.anchor(log, KEY, at=NOON) == {"entries": 3, "index": 1}
    assert [body for _, body in log.refresh().trails] == [StaffTrail(entries=3, head=before.hash)]
    last = TrailEntry.objects.get(number=4)
    assert (last.action, last.details) == ("trail.anchored", {"entries": 3, "index": 1})


def test_an_empty_trail_is_not_anchored(desk_database: str) -> None:
    log = FakeLog()
    assert anchoring.anchor(log, KEY, at=NOON) == {"entries": 0, "index": None}
    assert log.refresh().trails == []
    assert head() == Head(0, FIRST)


def test_after_a_crash_between_log_and_trail_the_same_head_is_not_published_twice(desk_database: str) -> None:
    deeds(3)
    log = FakeLog()
    log.publish(StaffTrail(entries=3, head=head().hash), KEY)
    assert anchoring.anchor(log, KEY, at=NOON)["index"] is None
    assert len(log.refresh().trails) == 1


def test_a_trail_that_was_cut_or_rewritten_since_the_last_anchor_is_not_anchored(desk_database: str) -> None:
    deeds(3)
    log = FakeLog()
    anchoring.anchor(log, KEY, at=NOON)
    TrailEntry.objects.filter(number__gte=3).delete()
    with pytest.raises(TrailBroken):
        anchoring.anchor(log, KEY, at=NOON)
    deeds(5, action="test.other")
    with pytest.raises(TrailBroken) as found:
        anchoring.anchor(log, KEY, at=NOON + timedelta(days=1))
    assert found.value.number == 3
    assert len(log.refresh().trails) == 1


def test_a_changed_entry_is_found_before_anything_is_published(desk_database: str) -> None:
    deeds(3)
    entry = TrailEntry.objects.get(number=2)
    entry.subject = "H-other"
    entry.hash = entry_hash(entry)
    entry.save()
    log = FakeLog()
    with pytest.raises(TrailBroken):
        anchoring.anchor(log, KEY, at=NOON)
    assert log.refresh().trails == []


def test_while_the_log_is_away_nothing_is_written(desk_database: str) -> None:
    deeds(3)
    log = FakeLog()
    log.away = True
    with pytest.raises(Unreachable):
        anchoring.anchor(log, KEY, at=NOON)
    assert TrailEntry.objects.count() == 3


def test_the_job_is_added_once_a_day_and_only_when_there_is_something(desk_database: str) -> None:
    assert not anchoring.add_if_due(NOON)
    deeds(1)
    assert anchoring.add_if_due(NOON)
    assert not anchoring.add_if_due(NOON + timedelta(days=2))
    Job.objects.update(state=State.DONE)
    assert not anchoring.add_if_due(NOON + timedelta(hours=23))
    assert anchoring.add_if_due(NOON + timedelta(hours=24))


def test_without_a_log_the_job_fails_and_says_so(
    desk_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMPARO_OFFICE_FOLDER", str(tmp_path))
    deeds(1)
    anchoring.add_if_due(NOON)
    assert run_next(FixedClock(NOON))
    row = Job.objects.get()
    assert (row.state, row.error_code) == (State.FAILED, "office.log_not_configured")
