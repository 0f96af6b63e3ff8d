"""Lock-out: after five wrong tries in a row a growing wait, never longer than five minutes.

It counts by what was typed, whether or not such an account exists, so that its words tell nothing. A browser in which the member
signed in before carries a signed mark and is counted by itself: a stranger who keeps guessing does not keep the member out. Tries
during a wait are not looked at and do not lengthen it.

LIMIT: while a stranger goes on guessing one name, that member waits in a browser they never used before, up to five minutes
each time; a passkey alone (`views.sign_in_passkey`) opens without waiting.
"""

import secrets
from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.utils.crypto import salted_hmac

from amparo_staff.accounts.models import WrongTries

FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=5)
FORGOTTEN = timedelta(days=1)
MARK = "desk-known"
MARK_LIFE = timedelta(days=90)
_MARK_SALT = "amparo.known-browser"


def wait_after(wrong: int) -> timedelta:
    """How long to wait after so many wrong tries in a row."""
    if wrong < FREE_TRIES:
        return timedelta()
    doubled: int = 2 ** min(wrong - FREE_TRIES, 10)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def key_of(login: str, mark: str = "") -> str:
    """The key under which tries are counted: by the log-in name as typed, and by the browser's mark where it is this name's."""
    known = _mark_of(login, mark)
    return salted_hmac("amparo.sign-in-tries", f"{login}\0{known}", algorithm="sha256").hexdigest()


def new_mark(login: str) -> str:
    """The mark of a browser in which this member signed in. It names nobody to who cannot read the key."""
    value = f"{key_of(login)}:{secrets.token_hex(8)}"
    return signing.dumps(value, salt=_MARK_SALT)


def _mark_of(login: str, mark: str) -> str:
    if not mark:
        return ""
    try:
        value: str = signing.loads(mark, salt=_MARK_SALT, max_age=MARK_LIFE)
    except signing.BadSignature:
        return ""
    return value if value.startswith(f"{key_of(login)}:") else ""


def waiting_until(key: str, *, at: datetime) -> datetime | None:
    """Until when this key waits; None when it may try."""
    until = WrongTries.objects.filter(key=key).values_list("until", flat=True).first()
    return until if until is not None and until > at else None


def wrong(key: str, *, at: datetime) -> datetime | None:
    """Count a wrong try. Until when to wait now, if at all."""
    with transaction.atomic():
        WrongTries.objects.filter(last__lt=at - FORGOTTEN).delete()
        WrongTries.objects.bulk_create([WrongTries(key=key, last=at)], ignore_conflicts=True)
        row = WrongTries.objects.select_for_update().get(key=key)
        row.count, row.last = row.count + 1, at
        wait = wait_after(row.count)
        row.until = at + wait if wait else None
        row.save()
        return row.until


def right(key: str) -> None:
    """Forget the wrong tries of a key."""
    WrongTries.objects.filter(key=key).delete()
