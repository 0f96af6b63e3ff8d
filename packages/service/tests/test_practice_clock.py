"""The practice clock: every service sees the time that was set, and nothing else counts as a time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amparo_common.clock import SystemClock
from amparo_common.errors import NaiveTime
from amparo_service.practice_clock import PracticeClock, clock_for

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_every_service_sees_the_practice_time_that_was_set(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    one, two = PracticeClock(path), clock_for(path)
    for instant in (NOON, NOON.replace(month=12), NOON.replace(year=2025)):
        one.set(instant)
        assert one.now() == two.now() == instant
        assert two.now().tzinfo == UTC
    assert path.read_text() == "2025-11-01T12:00:00Z"


def test_a_practice_time_without_an_offset_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    clock = PracticeClock(tmp_path / "clock")
    clock.set(NOON)
    with pytest.raises(NaiveTime):
        clock.set(datetime(2026, 11, 2))  # noqa: DTZ001 - what is refused here
    assert clock.now() == NOON


def test_a_practice_time_runs_on_from_the_moment_that_was_set(tmp_path: Path) -> None:
    clock = PracticeClock(tmp_path / "clock")
    clock.run(NOON)
    first = clock.now()
    assert NOON <= first < NOON + timedelta(minutes=1)
    assert first < clock_for(tmp_path / "clock").now() < NOON + timedelta(minutes=1)
    clock.run()
    assert abs(clock.now() - SystemClock().now()) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "content",
    ["", "soon", "running soon", "running 2026-11-01T00:00:00Z soon", "2026-11-01T00:00:00", "2026-11-01T00:00"],
)
def test_a_clock_file_that_holds_no_time_is_said_in_our_words(tmp_path: Path, content: str) -> None:
    (tmp_path / "clock").write_text(content)
    with pytest.raises(NaiveTime):
        PracticeClock(tmp_path / "clock").now()


def test_without_a_practice_clock_the_machines_clock_is_used() -> None:
    assert isinstance(clock_for(None), SystemClock)
