"""Members of staff, as an administrator sees them: list, add, roles, disable, enable, recover; and what each role may do."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo_staff.accounts import service
from amparo_staff.accounts.access import before_passkey, member_of, requires, signed_in
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.deeds import shown
from amparo_staff.accounts.forms import MemberForm, ReasonForm, RoleForm, RoleRows
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.role_words import role_deeds, role_name
from amparo_staff.accounts.roles import INCOMPATIBLE, PERMISSIONS, SENSITIVE, Role
from amparo_staff.accounts.service import Wanted
from amparo_staff.approvals.models import Approval, Decision
from amparo_staff.errors import IncompatibleRoles, LoginTaken, MayNotChange

STATES = ("active", "disabled")


@before_passkey
@signed_in
@require_GET
def roles(request: HttpRequest) -> HttpResponse:
    """The twelve roles: what each may do, and which do not go together."""
    rows = [
        {
            "name": role_name(role),
            "deeds": role_deeds(role),
            "identity": role in PERMISSIONS["register.identity"],
            "second": role in SENSITIVE,
            "apart": sorted(role_name(other) for pair in INCOMPATIBLE if role in pair for other in pair - {role}),
        }
        for role in Role
    ]
    return render(request, "accounts/roles.html", {"rows": rows})


@requires("accounts.manage")
@require_GET
def members(request: HttpRequest) -> HttpResponse:
    """Every member, with roles; by state and role."""
    found = StaffMember.objects.prefetch_related("grants", "passkeys").order_by("name", "id")
    state, role = request.GET.get("state", ""), request.GET.get("role", "")
    if state in STATES:
        found = found.filter(is_active=state == "active")
    if role in set(Role):
        found = found.filter(grants__role=role).distinct()
    rows = [{"member": each, "roles": [shown(one) for one in sorted(service.wanted_of(each))]} for each in found]
    choices = [(each.value, role_name(each)) for each in Role]
    words = {"rows": rows, "state": state, "role": role, "choices": choices}
    return render(request, "accounts/members.html", words)


@requires("accounts.manage")
@require_http_methods(["GET", "POST"])
def add_member(request: HttpRequest) -> HttpResponse:
    """Add a member, and show the code to hand over."""
    form = MemberForm(request.POST or None, initial={"language": member_of(request).language})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made, code = service.add_member(
                given["login"], given["name"], given["language"], by=member_of(request), at=now()
            )
        except LoginTaken:
            form.add_error("login", gettext("Somebody has this log-in name already. Choose another one."))
        else:
            return render(request, "accounts/code.html", {"member": made, "code": code})
    return render(request, "accounts/add_member.html", {"form": form}, status=400 if form.errors else 200)


@requires("accounts.manage")
@require_GET
def member(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """One member: roles, state, what waits, what can be done."""
    row = get_object_or_404(StaffMember, id=member_id)
    waiting = Approval.objects.filter(state=Decision.WAITING, subject__member=str(row.id)).order_by("asked")
    words = {
        "row": row,
        "roles": [shown(each) for each in sorted(service.wanted_of(row))],
        "own": row.id == member_of(request).id,
        "passkeys": row.passkeys.count(),
        "waiting": waiting,
        "form": ReasonForm(),
    }
    return render(request, "accounts/member.html", words)


@requires("accounts.manage")
@require_http_methods(["GET", "POST"])
def member_roles(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Change a member's roles; some changes wait for a second administrator."""
    row, by = get_object_or_404(StaffMember, id=member_id), member_of(request)
    if row.id == by.id:
        raise MayNotChange("You cannot change your own roles.")
    reason = ReasonForm(request.POST or None)
    if request.method == "POST":
        rows = RoleRows(request.POST, prefix="roles")
        if rows.is_valid() and reason.is_valid():
            wanted = [each for form in rows for each in [_wanted(form)] if each is not None]
            try:
                asked = service.change_roles(row, wanted, reason=reason.cleaned_data["reason"], by=by, at=now())
            except IncompatibleRoles as error:
                reason.add_error(None, pair_words(error))
            else:
                return _told(request, row, asked)
    else:
        kept = sorted(service.wanted_of(row))
        values = [{"role": each.role.value, "area": each.area, "programme": each.programme} for each in kept]
        rows = RoleRows(initial=values, prefix="roles")
    status = 400 if request.method == "POST" else 200
    return render(request, "accounts/member_roles.html", {"row": row, "rows": rows, "form": reason}, status=status)


def _wanted(form: object) -> Wanted | None:
    return form.wanted() if isinstance(form, RoleForm) else None


def pair_words(error: IncompatibleRoles) -> str:
    """Why two roles do not go together."""
    first, second = error.pair
    return gettext(
        "%(first)s and %(second)s do not go together, in no area and no programme: who makes, who checks and who releases are"
        " different people."
    ) % {"first": role_name(first), "second": role_name(second)}


def _told(request: HttpRequest, row: StaffMember, asked: Approval | None) -> HttpResponse:
    if asked is None:
        messages.success(request, gettext("Done. It counts from now on."))
        return redirect("member", row.id)
    messages.info(request, gettext("A second administrator must say yes first."))
    return redirect("approval", asked.id)


@requires("accounts.manage")
@require_POST
def invite_again(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """A new code for a member who has no password yet."""
    row = get_object_or_404(StaffMember, id=member_id)
    code = service.invite_again(row, by=member_of(request), at=now())
    return render(request, "accounts/code.html", {"member": row, "code": code})


@requires("accounts.manage")
@require_POST
def disable(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Disable an account at once."""
    row = get_object_or_404(StaffMember, id=member_id)
    service.disable(row, by=member_of(request), at=now())
    messages.success(request, gettext("The account is disabled. Nobody can use it."))
    return redirect("member", row.id)


@requires("accounts.manage")
@require_POST
def enable(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Enable an account again."""
    row = get_object_or_404(StaffMember, id=member_id)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    return _told(request, row, service.enable(row, reason=reason, by=member_of(request), at=now()))


@requires("accounts.manage")
@require_http_methods(["GET", "POST"])
def recover(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Ask a second administrator to agree that a member gets a code for a new password."""
    row = get_object_or_404(StaffMember, id=member_id)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = service.ask_recovery(row, reason=form.cleaned_data["reason"], by=member_of(request), at=now())
        return _told(request, row, asked)
    status = 400 if form.errors else 200
    return render(request, "accounts/recover.html", {"row": row, "form": form}, status=status)


@requires("accounts.manage")
@require_http_methods(["GET", "POST"])
def recovery_code(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """The code of an approved recovery: a page that warns, then the code, once."""
    approval = get_object_or_404(Approval, id=approval_id, kind=service.KIND_RECOVERY)
    row = get_object_or_404(StaffMember, id=approval.subject["member"])
    if request.method == "POST":
        code = service.recovery_code(approval, by=member_of(request), at=now())
        return render(request, "accounts/code.html", {"member": row, "code": code})
    return render(request, "accounts/recovery_code.html", {"row": row, "approval": approval})
