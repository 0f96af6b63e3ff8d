"""What a member does about their own account: password, passkeys, codes, sessions."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo_staff.accounts import codes, passkeys, service, sessions
from amparo_staff.accounts.access import before_passkey, lacks_passkey, member_of, signed_in
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.deeds import shown
from amparo_staff.accounts.forms import AddPasskeyForm, ChangePasswordForm, ConfirmForm
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.views import waits
from amparo_staff.errors import BadPasskey, SignInRefused, SignInWaits, WeakPassword
from amparo_staff.trail.service import note


@before_passkey
@signed_in
@require_GET
def my_account(request: HttpRequest) -> HttpResponse:
    """One's own roles, sign-in and sessions."""
    member = member_of(request)
    words = {
        "roles": [shown(each) for each in sorted(service.wanted_of(member))],
        "passkeys": member.passkeys.count(),
        "codes_left": codes.left(member, at=now()),
        "sessions": sessions.lasting(member, at=now()),
        "own": sessions.own(request),
    }
    return render(request, "accounts/my_account.html", words)


@before_passkey
@signed_in
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End one's sessions in all other browsers."""
    member = member_of(request)
    ended = sessions.end_all(member, but=sessions.own(request))
    note("account.sessions-ended", by=member, at=now(), subject=str(member.id), details={"count": ended})
    messages.success(request, gettext("All your other sessions have ended."))
    return redirect("my-account")


@before_passkey
@signed_in
@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password."""
    member, form = member_of(request), ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        old, new = form.cleaned_data["old"], form.cleaned_data["password"]
        try:
            service.change_password(member, old, new, keep=sessions.own(request), at=now())
        except WeakPassword as error:
            form.add_error("password", error.faults)
        except (SignInRefused, SignInWaits) as error:
            form.add_error("old", password_words(error))
        else:
            _new_key(request, member)
            messages.success(request, gettext("Your password was changed."))
            return redirect("my-account")
    status = 400 if form.errors else 200
    return render(request, "accounts/change_password.html", {"form": form}, status=status)


def _new_key(request: HttpRequest, member: StaffMember) -> None:
    """Keep this session over a changed password, under a new key."""
    row = sessions.own(request)
    update_session_auth_hash(request, member)
    if row is not None:
        row.session_key = request.session.session_key or ""
        row.save(update_fields=["session_key"])


@before_passkey
@signed_in
@require_http_methods(["GET", "POST"])
def passkeys_page(request: HttpRequest) -> HttpResponse:
    """One's passkeys: add one. The password was just given, or is asked for first."""
    member, at = member_of(request), now()
    form, shown_codes = AddPasskeyForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            shown_codes = _add(request, member, form)
        except BadPasskey:
            form.add_error(None, gettext("This passkey was not added. Try again."))
        except (SignInRefused, SignInWaits) as error:
            form.add_error("password", password_words(error))
        else:
            form = AddPasskeyForm()
    words = {
        "form": form,
        "rows": member.passkeys.order_by("added"),
        "options": passkeys.begin_adding(request, member),
        "new_codes": shown_codes,
        "codes_left": codes.left(member, at=at),
        "must": lacks_passkey(request),
    }
    return render(request, "accounts/passkeys.html", words, status=400 if form.errors else 200)


def _add(request: HttpRequest, member: StaffMember, form: AddPasskeyForm) -> list[str] | None:
    """Add the passkey. The new one-time codes, where there were none."""
    at = now()
    service.confirm(member, form.cleaned_data["password"], at=at)
    passkeys.finish_adding(request, member, form.cleaned_data["answer"], form.cleaned_data["label"], at=at)
    sessions.has_passkey_now(request)
    return None if codes.left(member, at=at) else codes.replace_second_factor(member, at=at)


@before_passkey
@signed_in
@require_http_methods(["GET", "POST"])
def remove_passkey(request: HttpRequest, number: int) -> HttpResponse:
    """Remove one of one's passkeys, with the password."""
    member, at = member_of(request), now()
    row = get_object_or_404(member.passkeys, id=number)
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and _confirmed(member, form):
        passkeys.remove(member, row.id, at=at)
        messages.success(request, gettext("The passkey was removed."))
        return redirect("passkeys")
    status = 400 if form.errors else 200
    return render(request, "accounts/remove_passkey.html", {"form": form, "row": row}, status=status)


@before_passkey
@signed_in
@require_http_methods(["GET", "POST"])
def new_codes(request: HttpRequest) -> HttpResponse:
    """New one-time codes in place of the old ones, with the password; shown once."""
    member, form, made = member_of(request), ConfirmForm(request.POST or None), None
    if not member.passkeys.exists() or sessions.came_by_code(request):
        return redirect("passkeys")
    if request.method == "POST" and _confirmed(member, form):
        made = codes.replace_second_factor(member, at=now())
        note("account.codes-made", by=member, at=now(), subject=str(member.id), details={"count": len(made)})
    status = 400 if form.errors else 200
    return render(request, "accounts/new_codes.html", {"form": form, "new_codes": made}, status=status)


def _confirmed(member: StaffMember, form: Form) -> bool:
    if not form.is_valid():
        return False
    try:
        service.confirm(member, form.cleaned_data["password"], at=now())
    except (SignInRefused, SignInWaits) as error:
        form.add_error("password", password_words(error))
        return False
    return True


def password_words(error: SignInRefused | SignInWaits) -> str:
    """What is wrong with the present password."""
    return waits(error) if isinstance(error, SignInWaits) else gettext("This is not your password.")
