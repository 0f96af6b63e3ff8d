"""Accounts: sign-in, members, their roles, disabling and recovery. Decisions and the order of steps; pages are in `views*`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.db import transaction

from amparo_staff.accounts import codes, passwords, sessions, tries
from amparo_staff.accounts.models import Grant, OneTimeCode, StaffMember, StaffSession
from amparo_staff.accounts.roles import INCOMPATIBLE, SENSITIVE, Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, may_answer_kind
from amparo_staff.errors import (
    BadCode,
    IncompatibleRoles,
    LoginTaken,
    MayNotChange,
    SignInRefused,
    SignInWaits,
    WeakPassword,
)
from amparo_staff.trail.service import note

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{2,63}")
AREA = re.compile(r"[A-Z0-9]{0,32}")
PROGRAMME = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,63})?")

Purpose = OneTimeCode.Purpose
_NO_PASSWORD = "!"  # what Django keeps where there is none
KIND_ROLES, KIND_ENABLE, KIND_RECOVERY = "accounts.roles", "accounts.enable", "accounts.recovery"


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A role that somebody is to have: for an area (a P-code) and a programme; "" is all."""

    role: Role
    area: str = ""
    programme: str = ""


def plain_login(typed: str) -> str:
    """A log-in name as it is kept."""
    return typed.strip().lower()


# --- signing in --------------------------------------------------------------------------------------------------------


def check_sign_in(typed: str, password: str, *, mark: str = "", at: datetime) -> StaffMember:
    """The member whose name and password these are. Raises `SignInWaits` or `SignInRefused`, the same for a name that nobody has, a
    wrong password and a disabled account, after the same work."""
    login = plain_login(typed)[:64]
    key = tries.key_of(login, mark)
    until = tries.waiting_until(key, at=at)
    if until is not None:
        raise SignInWaits(until)
    member = StaffMember.objects.filter(login=login).first()
    given = passwords.plain(password[: passwords.LONGEST + 1])
    # Without a member Django computes a hash of the same cost.
    good = check_password(given, member.password if member else _NO_PASSWORD)
    if member is None or not good or not member.is_active:
        refuse_try(key, member, at=at)
    tries.right(key)
    return member


def refuse_try(key: str, member: StaffMember | None, *, at: datetime) -> NoReturn:
    """Count a wrong try. Raises `SignInWaits` where a wait begins, otherwise `SignInRefused`."""
    until = tries.wrong(key, at=at)
    if until is None:
        raise SignInRefused("You are not signed in.")
    note("account.sign-in-waits", by=None, at=at, subject=str(member.id) if member else "")
    raise SignInWaits(until)


def check_second(member: StaffMember, typed: str, *, at: datetime) -> None:
    """A one-time code instead of the passkey. Raises `SignInWaits` or `BadCode`."""
    key = tries.key_of(f"second factor of {member.id}")
    until = tries.waiting_until(key, at=at)
    if until is not None:
        raise SignInWaits(until)
    try:
        codes.use(typed, Purpose.SECOND_FACTOR, member=member, at=at)
    except BadCode:
        until = tries.wrong(key, at=at)
        if until is not None:
            raise SignInWaits(until) from None
        raise
    tries.right(key)
    note("account.code-used", by=member, at=at, subject=str(member.id))


# --- members -----------------------------------------------------------------------------------------------------------


def check_new_login(login: str) -> None:
    """Raises `LoginTaken`."""
    if StaffMember.objects.filter(login=login).exists():
        raise LoginTaken("This log-in name is taken.")


def add_member(login: str, name: str, language: str, *, by: StaffMember, at: datetime) -> tuple[StaffMember, str]:
    """A new member without any role, and the code to hand over, with which they choose a password. Raises `LoginTaken`."""
    with transaction.atomic():
        check_new_login(login)
        member = StaffMember(login=login, name=name, language=language)
        member.set_unusable_password()
        member.save(force_insert=True)
        code = codes.make(Purpose.INVITATION, member=member, at=at)
        note("account.added", by=by, at=at, subject=str(member.id))
        return member, code


def invite_again(member: StaffMember, *, by: StaffMember, at: datetime) -> str:
    """A new code for a member who never chose a password. Raises `MayNotChange`."""
    with transaction.atomic():
        if member.has_usable_password() or member.id == by.id:
            raise MayNotChange("This member has a password already.")
        codes.drop(Purpose.INVITATION, member=member)
        code = codes.make(Purpose.INVITATION, member=member, at=at)
        note("account.invited-again", by=by, at=at, subject=str(member.id))
        return code


def choose_password(typed: str, code: str, password: str, *, mark: str = "", at: datetime) -> StaffMember:
    """Set a password with a code of an invitation or a recovery. A recovery takes away what proved the member before: passkeys,
    codes, sessions. Raises `SignInWaits`, `WeakPassword`, `BadCode`."""
    login = plain_login(typed)[:64]
    key = tries.key_of(f"code of {login}", mark)
    until = tries.waiting_until(key, at=at)
    if until is not None:
        raise SignInWaits(until)
    check_password_rules(password, StaffMember(login=login))
    try:
        return _choose(login, code, password, at=at)
    except BadCode:
        until = tries.wrong(key, at=at)
        if until is not None:
            raise SignInWaits(until) from None
        raise


def _choose(login: str, code: str, password: str, *, at: datetime) -> StaffMember:
    with transaction.atomic():
        member = StaffMember.objects.select_for_update().filter(login=login, is_active=True).first()
        if member is None:
            raise BadCode("This code does not work.")
        codes.use(code, Purpose.INVITATION, Purpose.RECOVERY, member=member, at=at)
        for purpose in (Purpose.INVITATION, Purpose.RECOVERY, Purpose.SECOND_FACTOR):
            codes.drop(purpose, member=member)
        member.passkeys.all().delete()
        _set_password(member, password)
        sessions.end_all(member)
        note("account.password-by-code", by=member, at=at, subject=str(member.id))
        return member


def change_password(member: StaffMember, old: str, new: str, *, keep: StaffSession | None, at: datetime) -> None:
    """Change one's own password; the member's other sessions end. Raises `SignInWaits`, `SignInRefused`, `WeakPassword`."""
    confirm(member, old, at=at)
    check_password_rules(new, member)
    with transaction.atomic():
        _set_password(member, new)
        sessions.end_all(member, but=keep)
        note("account.password-changed", by=member, at=at, subject=str(member.id))


def confirm(member: StaffMember, password: str, *, at: datetime) -> None:
    """That it is the member who sits there: their password again. Raises `SignInWaits`, `SignInRefused`."""
    key = tries.key_of(f"again {member.id}")
    until = tries.waiting_until(key, at=at)
    if until is not None:
        raise SignInWaits(until)
    if not check_password(passwords.plain(password[: passwords.LONGEST + 1]), member.password):
        refuse_try(key, member, at=at)
    tries.right(key)


def check_password_rules(password: str, member: StaffMember) -> None:
    """Raises `WeakPassword`."""
    found = passwords.faults(password, member)
    if found:
        raise WeakPassword(found)


def _set_password(member: StaffMember, password: str) -> None:
    member.set_password(passwords.plain(password))
    member.save(update_fields=["password"])


# --- roles -------------------------------------------------------------------------------------------------------------


def check_compatible(wanted: Iterable[Wanted]) -> None:
    """Raises `IncompatibleRoles`. Areas and programmes do not matter: who makes in one and checks in another knows both desks."""
    held = {each.role for each in wanted}
    for pair in sorted(INCOMPATIBLE, key=lambda each: sorted(role.value for role in each)):
        if pair <= held:
            raise IncompatibleRoles(*sorted(pair, key=lambda role: role.value))


def wanted_of(member: StaffMember) -> set[Wanted]:
    """The roles that a member has."""
    return {Wanted(Role(each.role), each.area, each.programme) for each in member.grants.all()}


def needs_second(before: set[Wanted], after: set[Wanted], *, administrators: int) -> bool:
    """Whether a change of roles needs a second administrator: it gives or takes one of the roles that decide. The first
    administrator of all appoints the second one alone, because nobody else could agree."""
    given, taken = after - before, before - after
    touched = {each.role for each in given | taken} & SENSITIVE
    if not touched:
        return False
    first_appoints = administrators == 1 and not taken and touched == {Role.ADMINISTRATOR} and len(given) == 1
    return not first_appoints


def change_roles(
    member: StaffMember, wanted: Sequence[Wanted], *, reason: str, by: StaffMember, at: datetime
) -> Approval | None:
    """Give a member these roles instead of the present ones: at once (None), or once a second administrator agreed (what waits).
    Raises `MayNotChange`, `IncompatibleRoles`."""
    after = set(wanted)
    if member.id == by.id:
        raise MayNotChange("You cannot change your own roles.")
    check_compatible(after)
    with transaction.atomic():
        StaffMember.objects.select_for_update().get(id=member.id)
        if needs_second(wanted_of(member), after, administrators=_administrators_ever()):
            return ask(KIND_ROLES, roles_subject(member, after), reason=reason, by=by, at=at)
        set_roles(member.id, after, by=by, at=at)
        return None


def roles_subject(member: StaffMember, after: set[Wanted]) -> dict[str, object]:
    """What an approval of roles says: the member, the roles before and after."""
    return {
        "member": str(member.id),
        "before": [[each.role.value, each.area, each.programme] for each in sorted(wanted_of(member))],
        "grants": [[each.role.value, each.area, each.programme] for each in sorted(after)],
    }


def set_roles(member_id: UUID, after: set[Wanted], *, by: StaffMember, at: datetime) -> None:
    """Write a member's roles and end their sessions. In the caller's transaction. Raises `IncompatibleRoles`."""
    check_compatible(after)
    member = StaffMember.objects.select_for_update().get(id=member_id)
    before = wanted_of(member)
    if before == after:
        return
    member.grants.all().delete()
    Grant.objects.bulk_create(
        Grant(member=member, role=each.role.value, area=each.area, programme=each.programme) for each in sorted(after)
    )
    sessions.end_all(member)
    note(
        "account.roles-changed",
        by=by,
        at=at,
        subject=str(member.id),
        details={"given": _said(after - before), "taken": _said(before - after)},
    )


def _said(roles: set[Wanted]) -> str:
    return " ".join(f"{each.role.value}:{each.area}:{each.programme}" for each in sorted(roles))


def _administrators_ever() -> int:
    """Members with the role, disabled ones too: whoever disables the others does not become the first again."""
    return Grant.objects.filter(role=Role.ADMINISTRATOR.value).values("member").distinct().count()


# --- disabling, enabling, recovery -----------------------------------------------------------------------------------------


def disable(member: StaffMember, *, by: StaffMember, at: datetime) -> None:
    """Disable an account at once: sessions end, nobody signs in with it. Roles stay, for when it is enabled.
    Raises `MayNotChange`."""
    if member.id == by.id:
        raise MayNotChange("You cannot disable yourself.")
    with transaction.atomic():
        # Both rows in one order: of two administrators who disable each other one comes first.
        both = StaffMember.objects.select_for_update().filter(id__in=[member.id, by.id]).order_by("id")
        if not all(each.is_active for each in both if each.id == by.id):
            raise MayNotChange("Your own account was disabled.")
        StaffMember.objects.filter(id=member.id).update(is_active=False)
        for purpose in (Purpose.INVITATION, Purpose.RECOVERY):
            codes.drop(purpose, member=member)
        sessions.end_all(member)
        note("account.disabled", by=by, at=at, subject=str(member.id))


def enable(member: StaffMember, *, reason: str, by: StaffMember, at: datetime) -> Approval | None:
    """Enable a disabled account: at once, or after a second administrator where it holds a role that decides.
    Raises `MayNotChange`."""
    if member.id == by.id:
        raise MayNotChange("You cannot enable yourself.")
    with transaction.atomic():
        if {each.role for each in wanted_of(member)} & SENSITIVE:
            return ask(KIND_ENABLE, {"member": str(member.id)}, reason=reason, by=by, at=at)
        set_enabled(member.id, by=by, at=at)
        return None


def set_enabled(member_id: UUID, *, by: StaffMember, at: datetime) -> None:
    """Write that an account is enabled. In the caller's transaction."""
    StaffMember.objects.filter(id=member_id).update(is_active=True)
    note("account.enabled", by=by, at=at, subject=str(member_id))


def ask_recovery(member: StaffMember, *, reason: str, by: StaffMember, at: datetime) -> Approval:
    """One administrator says that a member may choose a new password; another one has to agree. Raises `MayNotChange`."""
    if member.id == by.id or not member.is_active:
        raise MayNotChange("You cannot ask for this.")
    return ask(KIND_RECOVERY, {"member": str(member.id)}, reason=reason, by=by, at=at)


def recovery_code(approval: Approval, *, by: StaffMember, at: datetime) -> str:
    """The code of an approved recovery, once, for the administrator who agreed last. Raises `MayNotChange`."""
    with transaction.atomic():
        row = Approval.objects.select_for_update().get(id=approval.id)
        last = row.votes.filter(yes=True).order_by("-at", "-id").first()
        agreed = row.kind == KIND_RECOVERY and row.state == "approved" and last is not None and last.member_id == by.id
        fresh = row.decided is not None and at < row.decided + codes.LIFE
        if not agreed or not fresh or not may_answer_kind(KIND_RECOVERY, by) or code_shown(row):
            raise MayNotChange("This code was shown already, or it is not yours to see.")
        member = StaffMember.objects.select_for_update().get(id=row.subject["member"])
        codes.drop(Purpose.RECOVERY, member=member)
        code = codes.make(Purpose.RECOVERY, member=member, at=at, approval=row.id)
        note("account.recovery-code", by=by, at=at, subject=str(member.id))
        return code


def code_shown(approval: Approval) -> bool:
    """Whether the code of a recovery was shown."""
    return OneTimeCode.objects.filter(approval=approval.id).exists()
