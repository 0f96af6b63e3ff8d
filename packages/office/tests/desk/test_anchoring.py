"""The head of the staff's trail in the public log: published daily, and a trail that does not fit it is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amparo_common.bridge import KeyAnnounced, StaffTrail
from amparo_common.clock import FixedClock
from amparo_common.signing import SigningKey
from amparo_log.memory import MemoryLog
from amparo_office.desk import anchoring
from amparo_service.errors import Unreachable
from amparo_staff.errors import TrailBroken
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import run_next
from amparo_staff.trail.models import TrailEntry
from amparo_staff.trail.service import FIRST, Head, entry_hash, head, note

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = SigningKey.generate()


def town_log() -> MemoryLog:
    """A log that knows the office."""
    log = MemoryLog(FixedClock(NOON))
    log.publish(KeyAnnounced("office", jwk=KEY.public.jwk), KEY)
    return log


def deeds(count: int, action: str = "test.deed") -> None:
    for _ in range(count):
        note(action, by=None, at=NOON)


def test_the_head_goes_into_the_log_and_the_anchoring_into_the_trail(desk_database: str) -> None:
    deeds(3)
    before, log = head(), town_log()
    assert anchoring.anchor(log, KEY, at=NOON) == {"entries": 3, "index": 1}
    assert [body for _, body in log.refresh().trails] == [StaffTrail(entries=3, head=before.hash)]
    last = TrailEntry.objects.get(number=4)
    assert (last.action, last.details) == ("trail.anchored", {"entries": 3, "index": 1})


def test_an_empty_trail_is_not_anchored(desk_database: str) -> None:
    log = town_log()
    assert anchoring.anchor(log, KEY, at=NOON) == {"entries": 0, "index": None}
    assert log.refresh().trails == []
    assert head() == Head(0, FIRST)


def test_after_a_crash_between_log_and_trail_the_same_head_is_not_published_twice(desk_database: str) -> None:
    deeds(3)
    log = town_log()
    log.publish(StaffTrail(entries=3, head=head().hash), KEY)
    assert anchoring.anchor(log, KEY, at=NOON)["index"] is None
    assert len(log.refresh().trails) == 1


def test_a_trail_that_was_cut_or_rewritten_since_the_last_anchor_is_not_anchored(desk_database: str) -> None:
    deeds(3)
    log = town_log()
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
    log = town_log()
    with pytest.raises(TrailBroken):
        anchoring.anchor(log, KEY, at=NOON)
    assert log.refresh().trails == []


def test_while_the_log_is_away_nothing_is_written(desk_database: str) -> None:
    deeds(3)
    log = town_log()
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
