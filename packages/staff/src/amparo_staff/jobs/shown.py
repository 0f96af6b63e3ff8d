"""A job in words: how far it is, how long it takes, why it failed."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from amparo_common.errors import AmparoError
from amparo_staff.accounts.models import StaffMember
from amparo_staff.errors import StaffError
from amparo_staff.jobs import pulse
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import kind_of
from amparo_staff.layout.numbers import grouped

STATES: dict[str, tuple[str, str | Promise]] = {
    State.WAITING: ("waiting", gettext_lazy("Waiting to begin")),
    State.RUNNING: ("info", gettext_lazy("In progress")),
    State.DONE: ("good", gettext_lazy("Done")),
    State.FAILED: ("bad", gettext_lazy("Failed")),
    State.CANCELLED: ("off", gettext_lazy("Cancelled")),
}
_UNEXPECTED = {
    "why": gettext_lazy("This is a fault of the system. You did nothing wrong."),
    "todo": gettext_lazy("Try it again. If it fails again, tell your operator the code."),
}


@dataclass(frozen=True, slots=True)
class JobShown:
    """One job as its page and its line in the list show it."""

    job: Job
    name: str | Promise
    tag: str
    state: str | Promise
    done: int
    total: int
    words: str
    ended: bool
    said: str = ""
    why: str = ""
    todo: str = ""
    result_url: str = ""


def show(job: Job, now: datetime, member: StaffMember | None = None) -> JobShown:
    """A job as it stands, for this member."""
    beat = pulse.read(job) if job.state == State.RUNNING else None
    done, total = (beat.done, beat.total) if beat else (job.done, job.total)
    kind = kind_of(job)
    tag, state = STATES[job.state]
    why, todo = _advice(job)
    return JobShown(
        job=job,
        name=kind.words if kind else job.kind,
        tag=tag,
        state=state,
        done=done,
        total=total,
        words=_words(job, done, total, now),
        ended=job.state in {State.DONE, State.FAILED, State.CANCELLED},
        said=gettext(job.error_words) if job.error_words else "",
        why=why,
        todo=todo,
        result_url=_result_url(job, member),
    )


def seconds_left(started: datetime | None, now: datetime, done: int, total: int) -> int | None:
    """How long it will take at the pace so far; None when that cannot be said yet."""
    if started is None or done <= 0 or total <= done:
        return None
    passed = (now - started).total_seconds()
    return round(passed * (total - done) / done) if passed > 0 else None


def _words(job: Job, done: int, total: int, now: datetime) -> str:
    if job.state != State.RUNNING:
        return str(STATES[job.state][1])
    if job.cancel_asked:
        return gettext("Stopping at the next step.")
    if not total:
        return gettext("In progress.")
    count = gettext("%(done)s of %(total)s done.") % {"done": grouped(done), "total": grouped(total)}
    left = seconds_left(job.started, now, done, total)
    return count if left is None else f"{count} {_time_left(left)}"


def _time_left(seconds: int) -> str:
    if seconds < 90:
        return ngettext("About %(count)s second left.", "About %(count)s seconds left.", seconds) % {"count": seconds}
    minutes = round(seconds / 60)
    return ngettext("About %(count)s minute left.", "About %(count)s minutes left.", minutes) % {"count": minutes}


def _advice(job: Job) -> tuple[str, str]:
    if job.state != State.FAILED:
        return "", ""
    known = _errors().get(job.error_code)
    if known is None:
        return str(_UNEXPECTED["why"]), str(_UNEXPECTED["todo"])
    return gettext(known.why) if known.why else "", gettext(known.todo) if known.todo else ""


def _errors() -> dict[str, type[AmparoError]]:
    found: dict[str, type[AmparoError]] = {}
    waiting: list[type[AmparoError]] = [AmparoError, StaffError]
    while waiting:
        each = waiting.pop()
        found[each.code] = each
        waiting += each.__subclasses__()
    return found


def _result_url(job: Job, member: StaffMember | None) -> str:
    kind = kind_of(job)
    if job.state != State.DONE or kind is None or not kind.result_path:
        return ""
    return reverse(kind.result_path, args=[job.id]) if member is None or member.may(kind.permission) else ""
