"""The pages of jobs: whose they are, what they say, and the stream that makes them live."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.servers.desk import member

from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs import files, pulse
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.pulse import Beat
from amparo_staff.jobs.shown import seconds_left

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def rosa(browser: Client) -> StaffMember:
    """A registrar, signed in."""
    made = member(Role.REGISTRAR, login="rosa")
    browser.force_login(made)
    return made


def new(by: StaffMember | None, state: State = State.WAITING, **values: object) -> Job:
    """A job."""
    made: Job = Job.objects.create(kind="practice", by=by, state=state, added=NOON, **values)
    return made


def shown(browser: Client, name: str, *args: object) -> str:
    """The text of a page."""
    answer = browser.get(reverse(name, args=args))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_running_job_says_how_far_it_is_with_and_without_script(browser: Client, rosa: StaffMember) -> None:
    text = shown(browser, "job", new(rosa, State.RUNNING, done=41_500, total=100_000).id)
    assert 'max="100000" value="41500"' in text
    assert "41,500 of 100,000 done." in text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text
    assert 'role="status"' in text


def test_a_page_shows_what_the_pulse_file_says(browser: Client, rosa: StaffMember) -> None:
    job = new(rosa, State.RUNNING, done=1, total=9)
    pulse.write(job, Beat(NOON, 8, 9))
    assert "8 of 9 done." in shown(browser, "job", job.id)
    pulse.erase(job)


def test_a_job_that_failed_says_what_why_and_what_to_do(browser: Client, rosa: StaffMember) -> None:
    job = new(
        rosa, State.FAILED, error_code="staff.job_died", error_words="The work stopped three times without a word."
    )
    text = shown(browser, "job", job.id)
    for words in ("stopped three times", "needs more memory", "ask your operator", "staff.job_died", "Try it again"):
        assert words in text
    assert "http-equiv" not in text


def test_a_failed_job_is_tried_again_and_a_waiting_one_stopped_by_a_post_only(
    browser: Client, rosa: StaffMember
) -> None:
    job = new(rosa, State.FAILED)
    assert browser.get(reverse("job-retry", args=[job.id])).status_code == 405
    browser.post(reverse("job-retry", args=[job.id]))
    assert Job.objects.get(id=job.id).state == State.WAITING
    browser.post(reverse("job-cancel", args=[job.id]))
    assert Job.objects.get(id=job.id).state == State.CANCELLED
    text = browser.post(reverse("job-cancel", args=[job.id]), follow=True).content.decode()
    assert "This work has ended already." in text


def test_jobs_of_others_are_neither_seen_nor_touched(browser: Client, rosa: StaffMember) -> None:
    job = new(member(Role.VALIDATOR))
    for name in ("job", "job-events"):
        assert browser.get(reverse(name, args=[job.id])).status_code == 404
    for name in ("job-cancel", "job-retry"):
        assert browser.post(reverse(name, args=[job.id])).status_code == 404
    assert str(job.id) not in shown(browser, "jobs")
    assert Job.objects.get(id=job.id).state == State.WAITING


def test_who_reads_the_trail_sees_the_jobs_of_others_and_does_nothing_to_them(browser: Client) -> None:
    browser.force_login(member(Role.AUDITOR))
    job = new(member(Role.VALIDATOR))
    assert "Stop this work" not in shown(browser, "job", job.id)
    assert browser.post(reverse("job-cancel", args=[job.id])).status_code == 404


def test_the_list_is_filtered_by_state_in_its_address(browser: Client, rosa: StaffMember) -> None:
    done, failed = new(rosa, State.DONE), new(rosa, State.FAILED)
    text = browser.get(reverse("jobs"), {"state": "failed"}).content.decode()
    assert str(failed.id) in text
    assert str(done.id) not in text
    assert browser.get(reverse("jobs"), {"state": "nonsense"}).status_code == 200


def test_a_file_goes_to_its_owner_only_and_until_its_time_is_over(browser: Client, rosa: StaffMember) -> None:
    job = new(rosa, State.DONE)
    at = datetime.now(UTC)
    with files.new_file("report.csv", by=rosa, at=at, job=job) as made:
        made.write(b"a,b\n" * 50_000)
    assert "report.csv" in shown(browser, "job", job.id)
    answer = browser.get(reverse("job-file", args=[made.row.id]))
    assert answer.getvalue() == b"a,b\n" * 50_000
    assert answer["Content-Disposition"] == 'attachment; filename="report.csv"'
    other = Client()
    other.force_login(member(Role.VALIDATOR))
    assert other.get(reverse("job-file", args=[made.row.id])).status_code == 404
    made.row.expires = at
    made.row.save()
    assert browser.get(reverse("job-file", args=[made.row.id])).status_code == 410


def test_the_stream_tells_counts_and_words_and_nothing_else(browser: Client, rosa: StaffMember) -> None:
    job = new(rosa, State.RUNNING, done=1, total=2)
    answer = browser.get(reverse("job-events", args=[job.id]))
    assert answer["Content-Type"] == "text/event-stream"
    (event,) = answer.getvalue().decode().strip().split("\n\n")
    assert event.startswith("id: running-0-1-0\ndata: {")
    assert '"words":"1 of 2 done."' in event


@pytest.mark.parametrize(
    ("done", "total", "passed", "left"),
    [(50, 100, 60, 60), (1, 100, 10, 990), (0, 100, 60, None), (100, 100, 60, None), (5, 0, 60, None), (5, 9, 0, None)],
)
def test_the_time_left_is_told_once_there_is_a_pace(done: int, total: int, passed: int, left: int | None) -> None:
    assert seconds_left(NOON, NOON + timedelta(seconds=passed), done, total) == left
