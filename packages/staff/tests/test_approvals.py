"""Four eyes: nobody twice, nobody for themselves, carried out once, and silence is no yes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.test import Client
from packages.staff.tests.staff_desk import NOON, at_once, person, standing_clock
from tests.servers.desk import member

from amparo_common.clock import FixedClock
from amparo_common.errors import AmparoError
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval, Decision, Vote
from amparo_staff.approvals.service import LIFE, answer, ask, cancel, carried_out, expire, may_see, waiting_for
from amparo_staff.errors import AlreadyDecided, ApprovalExpired, MayNotApprove
from amparo_staff.trail.models import TrailEntry
from amparo_staff.trail.service import note, verify

KIND, FAILING = "test.deed", "test.failing"


def deed_words(approval: Approval) -> str:
    return f"{approval.subject['count']} records leave the office."


@carried_out(KIND, permission="approvals.decide", words=deed_words, heed="Count them first.")
def do_it(approval: Approval, at: datetime) -> None:
    """Leaves a mark in the trail, so that a test can count how often it was done."""
    note("test.done", by=approval.maker, at=at, subject=str(approval.id))


@carried_out(FAILING, permission="approvals.decide")
def fail(approval: Approval, at: datetime) -> None:
    raise AmparoError("It cannot be done.")


def done() -> int:
    return TrailEntry.objects.filter(action="test.done").count()


@pytest.fixture
def clock() -> Iterator[FixedClock]:
    with standing_clock() as standing:
        yield standing


@pytest.fixture
def maker(desk_database: str, clock: FixedClock) -> StaffMember:
    return member(Role.PROGRAMME_MANAGER, login="maker")


def asked(maker: StaffMember, *, needed: int = 1, **subject: object) -> Approval:
    return ask(KIND, {"count": 12, **subject}, reason="The month ends.", by=maker, at=NOON, needed=needed)


def test_one_yes_of_a_colleague_carries_it_out_once(maker: StaffMember) -> None:
    row = answer(asked(maker), by=member(Role.APPROVER), yes=True, why="Right.", at=NOON)
    assert (row.state, row.decided, done()) == (Decision.APPROVED, NOON, 1)
    with pytest.raises(AlreadyDecided):
        answer(row, by=member(Role.APPROVER, login="other"), yes=True, why="", at=NOON)
    assert done() == 1


def test_nobody_answers_their_own_or_twice_or_without_the_role_or_disabled(maker: StaffMember) -> None:
    row, approver = asked(maker, needed=2), member(Role.APPROVER)
    answer(row, by=approver, yes=True, why="", at=NOON)
    off = member(Role.APPROVER, login="off")
    off.is_active = False
    for nobody in (maker, approver, member(Role.REGISTRAR), member(Role.VIEWER), off):
        with pytest.raises(MayNotApprove):
            answer(row, by=nobody, yes=True, why="", at=NOON)
    assert (done(), Vote.objects.count()) == (0, 1)
    answer(row, by=member(Role.APPROVER, login="other"), yes=True, why="", at=NOON)
    assert done() == 1


def test_one_no_refuses_whatever_others_said(maker: StaffMember) -> None:
    row = asked(maker, needed=2)
    answer(row, by=member(Role.APPROVER), yes=True, why="", at=NOON)
    row = answer(row, by=member(Role.VALIDATOR), yes=False, why="The count is wrong.", at=NOON)
    assert (row.state, done()) == (Decision.REFUSED, 0)


def test_of_answers_that_race_exactly_one_carries_it_out(maker: StaffMember) -> None:
    row = asked(maker)
    people = [member(Role.APPROVER, login=f"approver-{number}") for number in range(4)]
    results = at_once([partial(answer, row, by=by, yes=True, why="", at=NOON) for by in people])
    assert done() == 1
    assert sorted(type(each).__name__ for each in results) == ["AlreadyDecided"] * 3 + ["Approval"]
    assert verify().count == TrailEntry.objects.count()


def test_of_a_yes_a_no_and_a_taking_back_that_race_one_counts(maker: StaffMember) -> None:
    row = asked(maker)
    one, other = member(Role.APPROVER, login="one"), member(Role.APPROVER, login="other")
    results = at_once(
        [
            lambda: answer(row, by=one, yes=True, why="", at=NOON),
            lambda: answer(row, by=other, yes=False, why="", at=NOON),
            lambda: cancel(row, by=maker, at=NOON),
        ]
    )
    assert sum(isinstance(each, Approval) for each in results) == 1
    row.refresh_from_db()
    assert done() == (row.state == Decision.APPROVED)


def test_the_same_person_in_two_tabs_counts_once(maker: StaffMember) -> None:
    row, approver = asked(maker, needed=2), member(Role.APPROVER)
    results = at_once([lambda: answer(row, by=approver, yes=True, why="", at=NOON)] * 3)
    assert sum(isinstance(each, Approval) for each in results) == 1
    assert (Vote.objects.count(), done()) == (1, 0)


def test_a_deed_that_fails_leaves_no_answer_behind(maker: StaffMember) -> None:
    row = ask(FAILING, {}, reason="", by=maker, at=NOON)
    with pytest.raises(AmparoError):
        answer(row, by=member(Role.APPROVER), yes=True, why="", at=NOON)
    row.refresh_from_db()
    assert (row.state, Vote.objects.count()) == (Decision.WAITING, 0)


def test_who_asked_takes_it_back_and_nobody_else(maker: StaffMember) -> None:
    row, approver = asked(maker), member(Role.APPROVER)
    with pytest.raises(MayNotApprove):
        cancel(row, by=approver, at=NOON)
    assert cancel(row, by=maker, at=NOON).state == Decision.CANCELLED
    with pytest.raises(AlreadyDecided):
        answer(row, by=approver, yes=True, why="", at=NOON)
    with pytest.raises(AlreadyDecided):
        cancel(row, by=maker, at=NOON)
    assert done() == 0


def test_after_fourteen_days_it_is_over_and_no_yes(maker: StaffMember) -> None:
    row, approver = asked(maker), member(Role.APPROVER)
    with pytest.raises(ApprovalExpired):
        answer(row, by=approver, yes=True, why="", at=NOON + LIFE)
    row.refresh_from_db()
    assert (row.state, done()) == (Decision.EXPIRED, 0)
    assert expire(NOON + LIFE) == 0
    early = asked(maker)
    assert (
        answer(early, by=approver, yes=True, why="", at=NOON + LIFE - timedelta(seconds=1)).state == Decision.APPROVED
    )


def test_who_it_concerns_and_who_has_the_role_elsewhere_do_not_answer(maker: StaffMember) -> None:
    here = member(Role.APPROVER, login="here", area="SV01")
    there = member(Role.APPROVER, login="there", area="SV02")
    row = asked(maker, area="SV0102", member=str(member(Role.APPROVER, login="concerned").id))
    assert waiting_for(here) == [row]
    for nobody in (there, StaffMember.objects.get(login="concerned")):
        assert waiting_for(nobody) == []
        assert not may_see(row, nobody)
        with pytest.raises(MayNotApprove):
            answer(row, by=nobody, yes=True, why="", at=NOON)
    assert may_see(row, here)
    assert answer(row, by=here, yes=True, why="", at=NOON).state == Decision.APPROVED


def test_an_answer_for_a_whole_country_needs_the_role_everywhere(maker: StaffMember) -> None:
    row = asked(maker, area="")
    with pytest.raises(MayNotApprove):
        answer(row, by=member(Role.APPROVER, area="SV01"), yes=True, why="", at=NOON)


# --- pages -------------------------------------------------------------------------------------------------------------


def test_the_inbox_shows_what_waits_what_i_asked_and_what_i_answered(maker: StaffMember) -> None:
    row, approver, browser = asked(maker), person("carla", Role.APPROVER), Client()
    browser.force_login(approver)
    page = browser.get("/approvals").content.decode()
    assert "12 records leave the office." in page.split("You asked")[0]
    browser.post(f"/approvals/{row.id}", {"answer": "yes", "why": "Right."})
    page = browser.get("/approvals").content.decode()
    assert "12 records" not in page.split("You asked")[0]
    assert "12 records" in page.split("You answered")[1]
    browser.force_login(maker)
    assert "12 records" in browser.get("/approvals").content.decode().split("You asked")[1]


def test_one_approval_says_what_will_happen_how_many_who_asked_and_why(maker: StaffMember) -> None:
    row, browser = asked(maker), Client()
    browser.force_login(person("carla", Role.APPROVER))
    page = browser.get(f"/approvals/{row.id}").content.decode()
    for words in ("12 records leave the office.", "The month ends.", "Maker", "0 / 1", "Count them first."):
        assert words in page
    assert browser.post(f"/approvals/{row.id}", {"answer": "yes"}).status_code == 400
    assert browser.post(f"/approvals/{row.id}", {"why": "Right."}).status_code == 400
    assert done() == 0
    assert browser.post(f"/approvals/{row.id}", {"answer": "no", "why": "Too many."}).status_code == 302
    page = browser.get(f"/approvals/{row.id}").content.decode()
    assert "Too many." in page
    assert "Count them first." not in page


def test_an_answer_that_comes_too_late_is_told_so(maker: StaffMember, clock: FixedClock) -> None:
    row, browser = asked(maker), Client()
    clock.set(NOON + LIFE)
    browser.force_login(person("carla", Role.APPROVER))
    answered = browser.post(f"/approvals/{row.id}", {"answer": "yes", "why": "Right."})
    assert answered.status_code == 409
    assert "staff.approval_expired" in answered.content.decode()


def test_an_approval_is_shown_to_who_may_answer_asked_or_reads_the_trail(maker: StaffMember) -> None:
    row, browser = asked(maker), Client()
    for role, status in ((Role.APPROVER, 200), (Role.AUDITOR, 200), (Role.REGISTRAR, 403), (Role.VIEWER, 403)):
        browser.force_login(member(role))
        assert browser.get(f"/approvals/{row.id}").status_code == status
    browser.force_login(maker)
    page = browser.get(f"/approvals/{row.id}").content.decode()
    assert 'name="answer"' not in page
    assert browser.post(f"/approvals/{row.id}/cancel").status_code == 302
    row.refresh_from_db()
    assert row.state == Decision.CANCELLED
