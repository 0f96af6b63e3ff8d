"""The first administrator: a one-time code on the console, good only while there is no member at all. No default account exists."""

from datetime import datetime

from django.db import transaction

from amparo_staff.accounts import codes, passwords
from amparo_staff.accounts.models import Grant, OneTimeCode, StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.accounts.service import check_password_rules
from amparo_staff.errors import BadCode
from amparo_staff.trail.service import note


def is_open() -> bool:
    """Whether the first administrator is still to come."""
    return not StaffMember.objects.exists()


def make_code(at: datetime) -> str | None:
    """A code for the first administrator, to be printed on the console; the one before it is good for nothing any more. None when
    there is a member already."""
    with transaction.atomic():
        if not is_open():
            return None
        codes.drop(OneTimeCode.Purpose.FIRST, member=None)
        return codes.make(OneTimeCode.Purpose.FIRST, member=None, at=at)


def make_first(code: str, login: str, name: str, password: str, *, language: str, at: datetime) -> StaffMember:
    """Make the first administrator. Of two at once with the same code one comes first. Raises `BadCode`, `WeakPassword`."""
    member = StaffMember(login=login, name=name, language=language)
    check_password_rules(password, member)
    with transaction.atomic():
        codes.use(code, OneTimeCode.Purpose.FIRST, member=None, at=at)
        if not is_open():
            raise BadCode("There is an administrator already.")
        member.set_password(passwords.plain(password))
        member.save(force_insert=True)
        Grant.objects.create(member=member, role=Role.ADMINISTRATOR.value)
        note("account.first-administrator", by=member, at=at, subject=str(member.id))
    return member
