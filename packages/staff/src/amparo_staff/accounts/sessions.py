"""Sessions of the staff: 30 minutes without a page, ten hours at most, a row each that can be ended from elsewhere.

A session is begun by Django's `login` (which gives it a new key) and ends when its row goes: at sign-out, when roles change, when
the account is disabled, or by its member from another browser.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest

from amparo_staff.accounts.clock import now
from amparo_staff.accounts.models import StaffMember, StaffSession

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
_SEEN_EVERY = timedelta(minutes=1)
_HOW = "signed_in_by"
_BY_CODE = "came_by_code"


@receiver(user_logged_in)
def begin(sender: type[Any], request: HttpRequest, user: StaffMember, **_: Any) -> None:
    """Write down a session that Django just began, and forget those that are over."""
    del sender
    at = now()
    _end(_over(at))
    request.session.clear_expired()
    how = request.session.pop(_HOW, StaffSession.How.PASSWORD)
    request.session[_BY_CODE] = how == StaffSession.How.CODE
    request.session.set_expiry(int(LONGEST.total_seconds()))
    if request.session.session_key is None:
        request.session.create()
    StaffSession.objects.create(member=user, session_key=request.session.session_key or "", began=at, seen=at, how=how)


def say_how(request: HttpRequest, how: StaffSession.How) -> None:
    """Say by what the session that begins next was opened."""
    request.session[_HOW] = how.value


def came_by_code(request: HttpRequest) -> bool:
    """Whether this session was opened with a one-time code in place of a passkey, and none was added since."""
    return bool(request.session.get(_BY_CODE))


def has_passkey_now(request: HttpRequest) -> None:
    """Say that a passkey was added in this session."""
    request.session.pop(_BY_CODE, None)


def check(request: HttpRequest, *, at: datetime) -> StaffSession | None:
    """The row of a signed-in request's session. Without one, or when its time is over, the request is signed out: None."""
    row = StaffSession.objects.filter(session_key=request.session.session_key or "", member_id=request.user.pk).first()
    if row is None or at - row.seen >= IDLE or at - row.began >= LONGEST:
        if row is not None:
            row.delete()
        logout(request)
        return None
    if at - row.seen >= _SEEN_EVERY:
        _write_seen(row, at)
    return row


def own(request: HttpRequest) -> StaffSession | None:
    """The row of this request's session."""
    return StaffSession.objects.filter(session_key=request.session.session_key or "").first()


def lasting(member: StaffMember, *, at: datetime) -> list[StaffSession]:
    """A member's sessions that are not over, the newest first."""
    fresh = StaffSession.objects.filter(member=member, seen__gt=at - IDLE, began__gt=at - LONGEST)
    return list(fresh.order_by("-began"))


def end_all(member: StaffMember, *, but: StaffSession | None = None) -> int:
    """End a member's sessions. How many there were."""
    which = Q(member=member)
    return _end(which if but is None else which & ~Q(id=but.id))


def end_own(request: HttpRequest) -> None:
    """End the session of this request."""
    _end(Q(session_key=request.session.session_key or ""))
    logout(request)


def _end(which: Q) -> int:
    keys = list(StaffSession.objects.filter(which).values_list("session_key", flat=True))
    StaffSession.objects.filter(session_key__in=keys).delete()
    Session.objects.filter(session_key__in=keys).delete()
    return len(keys)


def _over(at: datetime) -> Q:
    return Q(seen__lte=at - IDLE) | Q(began__lte=at - LONGEST)


def _write_seen(row: StaffSession, at: datetime) -> None:
    """Keep that a session lives. On SQLite a long import may hold the file: then the next page writes it."""
    if connection.vendor != "sqlite":
        StaffSession.objects.filter(id=row.id).update(seen=at)
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        before = int(cursor.fetchone()[0])
        cursor.execute("PRAGMA busy_timeout = 100")
        try:
            StaffSession.objects.filter(id=row.id).update(seen=at)
        except OperationalError:
            return
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")
