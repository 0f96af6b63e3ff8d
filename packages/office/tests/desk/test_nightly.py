"""What the desk does by itself once a day."""

from datetime import UTC, datetime, timedelta

from amparo_common.clock import FixedClock
from amparo_office.desk.nightly import DAILY, add_if_due
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import run_next

NIGHT = datetime(2026, 11, 22, 2, tzinfo=UTC)


def test_what_is_due_is_added_once_a_day_and_can_be_run(desk_database: str) -> None:
    assert add_if_due(NIGHT) == list(DAILY)
    assert add_if_due(NIGHT + timedelta(hours=23)) == []
    assert add_if_due(NIGHT + timedelta(hours=24)) == list(DAILY)
    while run_next(FixedClock(NIGHT)):
        pass
    assert {job.state for job in Job.objects.all()} == {State.DONE}
