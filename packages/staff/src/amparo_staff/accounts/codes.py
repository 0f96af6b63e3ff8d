"""One-time codes, which somebody reads aloud or copies from paper.

What is kept is a keyed digest. A code is used in one statement, so that of two who type it at once one gets through.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q
from django.utils.crypto import salted_hmac

from amparo_common.codes import as_meant, random_code
from amparo_staff.accounts.models import OneTimeCode, StaffMember
from amparo_staff.errors import BadCode

LIFE = timedelta(hours=24)
SECOND_FACTOR_CODES = 10

Purpose = OneTimeCode.Purpose


def make(
    purpose: Purpose,
    *,
    member: StaffMember | None,
    at: datetime,
    life: timedelta | None = LIFE,
    approval: UUID | None = None,
) -> str:
    """A new code; it can be shown only now."""
    text = random_code()
    expires = None if life is None else at + life
    OneTimeCode.objects.create(
        digest=digest(text), purpose=purpose, member=member, approval=approval, made=at, expires=expires
    )
    return text


def replace_second_factor(member: StaffMember, *, at: datetime) -> list[str]:
    """New codes that stand in for a lost passkey; the old ones are good for nothing any more."""
    drop(Purpose.SECOND_FACTOR, member=member)
    return [make(Purpose.SECOND_FACTOR, member=member, at=at, life=None) for _ in range(SECOND_FACTOR_CODES)]


def left(member: StaffMember, *, at: datetime) -> int:
    """How many second-factor codes a member still has."""
    return OneTimeCode.objects.filter(_good(at), purpose=Purpose.SECOND_FACTOR, member=member, used=None).count()


def drop(purpose: Purpose, *, member: StaffMember | None) -> None:
    """Make unused codes useless. A code that an approval allowed leaves its row: it is shown once only."""
    unused = OneTimeCode.objects.filter(purpose=purpose, member=member, used=None)
    unused.filter(approval=None).delete()
    unused.update(expires=F("made"))


def use(text: str, *purposes: Purpose, member: StaffMember | None, at: datetime) -> None:
    """Use a code up. Raises `BadCode` when it is none of this member's for this, was used, or is too old."""
    changed = OneTimeCode.objects.filter(
        _good(at), digest=digest(text), purpose__in=purposes, member=member, used=None
    ).update(used=at)
    if not changed:
        raise BadCode("This code does not work.")


def _good(at: datetime) -> Q:
    return Q(expires=None) | Q(expires__gt=at)


def digest(text: str) -> str:
    """The keyed digest of a code, however somebody typed it."""
    return salted_hmac("amparo.one-time-code", as_meant(text), algorithm="sha256").hexdigest()
