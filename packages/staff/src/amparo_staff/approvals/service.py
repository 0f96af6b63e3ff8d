"""Asking for a second person and answering. Whoever needs approvals registers once what is done when there are enough:

    @carried_out("register.export", permission="intake.export", words=export_words)
    def start_export(approval: Approval, at: datetime) -> None: ...

It runs in the transaction of the last answer, so it is quick: long work is added as a job. `words` says to who answers what will
happen, in their language and with counts; `heed` is what they look at before a yes; `then` is where it goes on for them afterwards,
if anywhere.

A subject may hold `area` (then only who has the permission there answers) and `member` (whom it concerns; they never answer).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.functional import Promise

from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval, Decision, Vote
from amparo_staff.errors import AlreadyDecided, ApprovalExpired, MayNotApprove
from amparo_staff.trail.service import note

LIFE = timedelta(days=14)

Deed = Callable[[Approval, datetime], None]
Words = Callable[[Approval], str]
# Where it goes on for a member after the yes: words of the link and its address, or None.
Then = Callable[[Approval, StaffMember], tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """What was registered for one kind of approval."""

    permission: str
    deed: Deed
    words: Words | None
    heed: str | Promise
    then: Then | None


_kinds: dict[str, Kind] = {}


def carried_out(
    kind: str,
    *,
    permission: str,
    words: Words | None = None,
    heed: str | Promise = "",
    then: Then | None = None,
) -> Callable[[Deed], Deed]:
    """Registers what is done once a kind of approval has its answers, and the permission that answering needs."""

    def register(deed: Deed) -> Deed:
        _kinds[kind] = Kind(permission, deed, words, heed, then)
        return deed

    return register


def ask(kind: str, subject: dict[str, Any], *, reason: str, by: StaffMember, at: datetime, needed: int = 1) -> Approval:
    """Ask `needed` colleagues."""
    with transaction.atomic():
        made = Approval.objects.create(kind=kind, subject=subject, reason=reason, maker=by, asked=at, needed=needed)
        note("approval.asked", by=by, at=at, subject=str(made.id), details={"kind": kind})
        return made


def answer(approval: Approval, *, by: StaffMember, yes: bool, why: str, at: datetime) -> Approval:
    """Answer as a colleague. One no refuses; enough yes carry it out, at once. Raises `MayNotApprove`, `AlreadyDecided`,
    `ApprovalExpired`, and what carrying it out raises: then nothing was answered."""
    expire(at)
    with transaction.atomic():
        row = Approval.objects.select_for_update().get(id=approval.id)
        _check_waits(row)
        if not may_answer(row, by):
            raise MayNotApprove("You may not answer this.")
        Vote.objects.create(approval=row, member=by, yes=yes, why=why, at=at)
        if not yes:
            row.state, row.decided = Decision.REFUSED, at
        elif row.votes.filter(yes=True).count() >= row.needed:
            row.state, row.decided = Decision.APPROVED, at
        row.save()
        if row.state == Decision.APPROVED:
            _kinds[row.kind].deed(row, at)
        note("approval.answered", by=by, at=at, subject=str(row.id), details={"kind": row.kind, "yes": yes})
        return row


def cancel(approval: Approval, *, by: StaffMember, at: datetime) -> Approval:
    """Take back what one asked oneself. Raises `MayNotApprove`, `AlreadyDecided`, `ApprovalExpired`."""
    expire(at)
    with transaction.atomic():
        row = Approval.objects.select_for_update().get(id=approval.id)
        _check_waits(row)
        if row.maker_id != by.id:
            raise MayNotApprove("Only who asked takes it back.")
        row.state, row.decided = Decision.CANCELLED, at
        row.save()
        note("approval.cancelled", by=by, at=at, subject=str(row.id), details={"kind": row.kind})
        return row


def expire(at: datetime) -> int:
    """End what nobody answered in fourteen days: it is no yes. How many."""
    with transaction.atomic():
        over = Approval.objects.filter(state=Decision.WAITING, asked__lte=at - LIFE)
        rows = list(over.select_for_update().order_by("id")) if over.exists() else []
        for row in rows:
            row.state, row.decided = Decision.EXPIRED, at
            row.save()
            note("approval.expired", by=None, at=at, subject=str(row.id), details={"kind": row.kind})
        return len(rows)


def _check_waits(row: Approval) -> None:
    if row.state == Decision.EXPIRED:
        raise ApprovalExpired("This waited too long.")
    if row.state != Decision.WAITING:
        raise AlreadyDecided("This was decided already.")


# --- who may answer what ---------------------------------------------------------------------------------------------------


def may_answer_kind(kind: str, member: StaffMember) -> bool:
    """Whether a member's roles allow answering a kind of approval, somewhere."""
    registered = _kinds.get(kind)
    return registered is not None and member.is_active and member.may(registered.permission)


def may_answer(approval: Approval, member: StaffMember) -> bool:
    """Whether a member may answer this: has the role for it, there; did not ask it, is not concerned, did not answer yet."""
    if approval.maker_id == member.id or not _has_the_role_for(approval, member):
        return False
    return not approval.votes.filter(member=member).exists()


def _has_the_role_for(approval: Approval, member: StaffMember) -> bool:
    """Whether a member has the role to answer this, there, and is not concerned."""
    if approval.subject.get("member") == str(member.id) or not may_answer_kind(approval.kind, member):
        return False
    area = approval.subject.get("area")
    return area is None or any(str(area).startswith(each) for each in member.areas(_kinds[approval.kind].permission))


def may_see(approval: Approval, member: StaffMember) -> bool:
    """Whether a member may open an approval: who asked, who answered, who has the role to answer it, there, who reads the trail."""
    return (
        approval.maker_id == member.id
        or approval.votes.filter(member=member).exists()
        or _has_the_role_for(approval, member)
        or member.may("trail.read")
    )


def waiting_for(member: StaffMember) -> list[Approval]:
    """What waits for a member's answer, the oldest first."""
    kinds = [kind for kind in _kinds if may_answer_kind(kind, member)]
    rows = Approval.objects.filter(state=Decision.WAITING, kind__in=kinds).exclude(
        Q(maker=member) | Q(votes__member=member)
    )
    return [row for row in rows.select_related("maker").order_by("asked") if may_answer(row, member)]


def asked_by(member: StaffMember) -> QuerySet[Approval]:
    """What a member asked, the newest first."""
    return Approval.objects.filter(maker=member).order_by("-asked")


def answered_by(member: StaffMember) -> QuerySet[Approval]:
    """What a member answered, the newest first."""
    return Approval.objects.filter(votes__member=member).select_related("maker").order_by("-asked")


# --- words ---------------------------------------------------------------------------------------------------------------


def words_of(approval: Approval) -> str:
    """What will happen, as the kind's owner says it; its code where it says nothing."""
    registered = _kinds.get(approval.kind)
    return approval.kind if registered is None or registered.words is None else registered.words(approval)


def heed_of(approval: Approval) -> str:
    """What to look at before a yes, as the kind's owner says it; "" where it says nothing."""
    registered = _kinds.get(approval.kind)
    return "" if registered is None else str(registered.heed)


def next_for(approval: Approval, member: StaffMember) -> tuple[str, str] | None:
    """Where it goes on for a member: words and address of a link, or None."""
    registered = _kinds.get(approval.kind)
    return None if registered is None or registered.then is None else registered.then(approval, member)
