"""Long work: it survives what happens to its worker, stops when told, and says why it failed."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction

from amparo_common.clock import FixedClock, SystemClock
from amparo_common.errors import AmparoError
from amparo_staff.errors import JobHasEnded, JobTakenOver
from amparo_staff.jobs import pulse
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.pulse import Beat
from amparo_staff.jobs.service import MOST_ATTEMPTS, STALE, Running, add, cancel, job, retry, run_next

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_reached = threading.Event()
_go_on = threading.Event()


@job("test.count")
def count(running: Running) -> dict[str, object]:
    running.progress(1, 2)
    return {"counted": running.argument["to"]}


@job("test.fail")
def fail(_running: Running) -> dict[str, object]:
    raise AmparoError("It cannot be done.")


@job("test.break")
def break_down(_running: Running) -> dict[str, object]:
    raise ValueError("María")


@job("test.cancelled-meanwhile")
def cancelled_meanwhile(running: Running) -> dict[str, object]:
    cancel(running.row, at=NOON)
    running.progress(1, 2)
    raise AssertionError


@job("test.taken-meanwhile")
def taken_meanwhile(running: Running) -> dict[str, object]:
    Job.objects.filter(id=running.row.id).update(turn="another", done=7)
    return {"late": True}


@job("test.long-transaction")
def long_transaction(running: Running) -> dict[str, object]:
    with transaction.atomic():
        Job.objects.filter(id=running.row.id).update(argument={"written": True})
        running.progress(5, 9)
        beat = _beat_of(running.row, done=5)
    return {"seen": beat.done}


@job("test.until-stopped")
def until_stopped(running: Running) -> dict[str, object]:
    _reached.set()
    _go_on.wait(20)
    running.progress(1, 2)
    raise AssertionError


def _beat_of(row: Job, *, done: int) -> Beat:
    """The job's beat once it tells of `done`."""
    for _ in range(200):
        beat = pulse.read(row)
        if beat is not None and beat.done == done:
            return beat
        threading.Event().wait(0.05)
    raise AssertionError


def test_a_job_is_run_once_and_keeps_its_result(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    assert not run_next(FixedClock(NOON))
    row = Job.objects.get(id=made.id)
    assert (row.state, row.result, row.done, row.total, row.attempts) == (State.DONE, {"counted": 3}, 1, 2, 1)
    assert (row.started, row.finished) == (NOON, NOON)


def test_the_oldest_job_comes_first(desk_database: str) -> None:
    young = add("test.count", {"to": 1}, by=None, at=NOON)
    old = add("test.count", {"to": 2}, by=None, at=NOON - timedelta(minutes=1))
    run_next(FixedClock(NOON))
    assert [Job.objects.get(id=each.id).state for each in (old, young)] == [State.DONE, State.WAITING]


def test_a_job_whose_worker_died_is_run_again_and_one_that_lives_is_left_alone(desk_database: str) -> None:
    clock = FixedClock(NOON)
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    Job.objects.update(state=State.RUNNING, beat=NOON)
    clock.set(NOON + STALE)
    assert not run_next(clock)
    clock.set(NOON + STALE + timedelta(seconds=1))
    assert run_next(clock)
    assert Job.objects.get(id=made.id).state == State.DONE


def test_a_job_whose_row_could_not_be_written_lives_by_its_file(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    Job.objects.update(state=State.RUNNING, beat=NOON, turn="its-turn")
    later = NOON + STALE * 3
    made.turn = "its-turn"
    pulse.write(made, Beat(later, 1, 2))
    assert not run_next(FixedClock(later + STALE))
    assert run_next(FixedClock(later + STALE + timedelta(seconds=1)))


def test_a_job_that_kills_its_worker_is_given_up_after_three_times(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    Job.objects.update(state=State.RUNNING, beat=NOON, attempts=MOST_ATTEMPTS)
    assert not run_next(FixedClock(NOON + STALE * 2))
    row = Job.objects.get(id=made.id)
    assert (row.state, row.error_code) == (State.FAILED, "staff.job_died")


def test_a_job_that_fails_says_why(desk_database: str) -> None:
    made = add("test.fail", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    row = Job.objects.get(id=made.id)
    assert (row.state, row.error_code) == (State.FAILED, "amparo.error")
    assert "cannot be done" in row.error_words


def test_a_job_that_breaks_fails_without_telling_what_it_held(
    desk_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = add("test.break", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    row = Job.objects.get(id=made.id)
    assert (row.state, row.error_code) == (State.FAILED, "service.unexpected")
    assert "María" not in row.error_words + caplog.text


def test_a_kind_that_this_version_does_not_know_fails(desk_database: str) -> None:
    made = add("test.unheard-of", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    assert Job.objects.get(id=made.id).state == State.FAILED


def test_a_job_that_waits_is_cancelled_at_once(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    cancel(made, at=NOON)
    assert not run_next(FixedClock(NOON))
    assert Job.objects.get(id=made.id).state == State.CANCELLED


def test_a_job_that_runs_is_cancelled_at_its_next_step(desk_database: str) -> None:
    made = add("test.cancelled-meanwhile", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    assert Job.objects.get(id=made.id).state == State.CANCELLED


def test_a_job_that_has_ended_is_neither_cancelled_nor_repeated(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    run_next(FixedClock(NOON))
    with pytest.raises(JobHasEnded):
        cancel(made, at=NOON)
    with pytest.raises(JobHasEnded):
        retry(made)


def test_a_job_that_failed_can_be_tried_again(desk_database: str) -> None:
    made = add("test.fail", {}, by=None, at=NOON)
    run_next(FixedClock(NOON))
    retry(made)
    Job.objects.update(kind="test.count", argument={"to": 4})
    assert run_next(FixedClock(NOON))
    row = Job.objects.get(id=made.id)
    assert (row.state, row.result, row.error_code, row.attempts) == (State.DONE, {"counted": 4}, "", 1)


def test_a_worker_that_was_given_up_does_not_end_what_another_began(desk_database: str) -> None:
    made = add("test.taken-meanwhile", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON))
    row = Job.objects.get(id=made.id)
    assert (row.state, row.result, row.done) == (State.RUNNING, None, 7)


def test_a_worker_that_was_given_up_hears_it(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    made.turn = "mine"
    with pytest.raises(JobTakenOver):
        pulse.DirectPulse(made, FixedClock(NOON)).note(1, 2)


def test_progress_is_seen_while_the_job_holds_one_long_transaction(desk_database: str) -> None:
    made = add("test.long-transaction", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON), alive=SystemClock(), stop=threading.Event())
    row = Job.objects.get(id=made.id)
    assert (row.state, row.result, row.done, row.total) == (State.DONE, {"seen": 5}, 5, 9)
    assert pulse.read(row) is None


def test_a_worker_that_is_stopped_gives_its_job_back(desk_database: str) -> None:
    made = add("test.until-stopped", {}, by=None, at=NOON)
    stop = threading.Event()
    _reached.clear()
    _go_on.clear()

    def stop_it() -> None:
        _reached.wait(20)
        stop.set()
        _go_on.set()

    thread = threading.Thread(target=stop_it)
    thread.start()
    assert run_next(FixedClock(NOON), alive=SystemClock(), stop=stop)
    thread.join()
    row = Job.objects.get(id=made.id)
    assert (row.state, row.attempts, row.finished) == (State.WAITING, 0, None)


def test_a_pulse_file_holds_counts_and_a_time_only(desk_database: str) -> None:
    made = add("test.count", {"to": 3}, by=None, at=NOON)
    made.turn = "x"
    pulse.write(made, Beat(NOON, 1, 2))
    assert pulse.path_of(made).read_bytes() == b'{"at":"2026-11-22T12:00:00Z","done":1,"total":2}'
    assert str(pulse.path_of(made)).startswith(str(settings.JOB_FOLDER))
    pulse.erase(made)
    assert connection.vendor in desk_database
