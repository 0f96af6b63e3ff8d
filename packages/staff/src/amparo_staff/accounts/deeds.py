"""What is done about accounts once a second administrator agreed. Loaded when the app starts."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext

from amparo_staff.accounts import service
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.role_words import role_name
from amparo_staff.accounts.roles import Role
from amparo_staff.accounts.service import Wanted
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.approvals.service import carried_out
from amparo_staff.errors import RolesChanged


def _name(approval: Approval) -> str:
    return StaffMember.objects.values_list("name", flat=True).get(id=approval.subject["member"])


def _wanted(rows: list[list[str]]) -> set[Wanted]:
    return {Wanted(Role(role), area, programme) for role, area, programme in rows}


def shown(wanted: Wanted) -> str:
    """A role with its scope, in words."""
    scope = " ".join(each for each in (wanted.area, wanted.programme) if each)
    return f"{role_name(wanted.role)} ({scope})" if scope else role_name(wanted.role)


def roles_words(approval: Approval) -> str:
    """What an approval of roles will do."""
    before, after = _wanted(approval.subject["before"]), _wanted(approval.subject["grants"])
    none = gettext("none")
    return gettext("Change the roles of %(name)s. New: %(given)s. Taken away: %(taken)s.") % {
        "name": _name(approval),
        "given": ", ".join(shown(each) for each in sorted(after - before)) or none,
        "taken": ", ".join(shown(each) for each in sorted(before - after)) or none,
    }


def enable_words(approval: Approval) -> str:
    """What an approval to enable will do."""
    return gettext("%(name)s can sign in again, with the roles of before.") % {"name": _name(approval)}


def recovery_words(approval: Approval) -> str:
    """What an approval of a recovery will do."""
    return gettext(
        "%(name)s can choose a new password with a code that you hand over. Old passkeys stop to work. Make sure that it is them."
    ) % {"name": _name(approval)}


def recovery_next(approval: Approval, member: StaffMember) -> tuple[str, str] | None:
    """The page that shows the code, for who agreed last."""
    last = approval.votes.filter(yes=True).order_by("-at", "-id").first()
    if (
        approval.state != Decision.APPROVED
        or last is None
        or last.member_id != member.id
        or service.code_shown(approval)
    ):
        return None
    return gettext("Show the code"), reverse("recovery-code", args=[approval.id])


def give_roles(approval: Approval, at: datetime) -> None:
    """Write the roles. Raises `RolesChanged` when they were changed since it was asked, `IncompatibleRoles`."""
    member = StaffMember.objects.select_for_update().get(id=approval.subject["member"])
    if service.wanted_of(member) != _wanted(approval.subject["before"]):
        raise RolesChanged("The roles were changed since this was asked.")
    service.set_roles(member.id, _wanted(approval.subject["grants"]), by=approval.maker, at=at)


def enable(approval: Approval, at: datetime) -> None:
    """Enable the account."""
    service.set_enabled(StaffMember.objects.get(id=approval.subject["member"]).id, by=approval.maker, at=at)


def recover(approval: Approval, at: datetime) -> None:
    """Nothing yet: the code is made when it is shown, to who agreed last."""
    del approval, at


def register() -> None:
    """Register the kinds of approval about accounts."""
    manage = "accounts.manage"
    carried_out(service.KIND_ROLES, permission=manage, words=roles_words)(give_roles)
    carried_out(service.KIND_ENABLE, permission=manage, words=enable_words)(enable)
    carried_out(service.KIND_RECOVERY, permission=manage, words=recovery_words, then=recovery_next)(recover)
