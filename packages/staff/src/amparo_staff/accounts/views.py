"""Signing in and out, choosing a password with a code, the first administrator."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST

from amparo_staff.accounts import first, passkeys, service, sessions, tries
from amparo_staff.accounts.access import before_passkey, public, signed_in
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.forms import ChoosePasswordForm, CodeForm, FirstForm, SignInForm
from amparo_staff.accounts.models import StaffMember, StaffSession
from amparo_staff.errors import BadCode, BadPasskey, SignInRefused, SignInWaits, WeakPassword
from amparo_staff.trail.service import note

_HALF = "half_signed_in"
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_ANONYMOUS_LIFE = 600  # seconds that a session without a member is kept

How = StaffSession.How


@public
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Log-in name and password; then the passkey, where the member has one."""
    at = now()
    if request.method == "GET":
        form = SignInForm(initial={"next": _safe(request, request.GET.get("next", ""))})
        return render(request, "accounts/sign_in.html", {"form": form, "first": first.is_open()})
    form = SignInForm(request.POST)
    if form.is_valid():
        try:
            member = service.check_sign_in(
                form.cleaned_data["login"],
                form.cleaned_data["password"],
                mark=request.COOKIES.get(tries.MARK, ""),
                at=at,
            )
        except SignInWaits as error:
            form.add_error(None, waits(error))
        except SignInRefused:
            form.add_error(None, gettext("Log-in name and password do not belong together. Try again."))
        else:
            return _after_password(request, member, _safe(request, form.cleaned_data["next"]), at=at)
    return render(request, "accounts/sign_in.html", {"form": form, "first": first.is_open()}, status=403)


def _after_password(request: HttpRequest, member: StaffMember, onward: str, *, at: datetime) -> HttpResponse:
    if not member.passkeys.exists():
        return _complete(request, member, How.PASSWORD, onward, at=at)
    request.session.flush()
    request.session[_HALF] = {"member": str(member.id), "at": at.timestamp(), "next": onward}
    request.session.set_expiry(_ANONYMOUS_LIFE)
    return redirect("sign-in-second")


def _half(request: HttpRequest, at: datetime) -> tuple[StaffMember, str] | None:
    """Who gave a right password within the last five minutes, and where they want to go."""
    kept = request.session.get(_HALF)
    if kept is None or at.timestamp() - kept["at"] > passkeys.WAITS.total_seconds():
        return None
    member = StaffMember.objects.filter(id=UUID(kept["member"]), is_active=True).first()
    return None if member is None else (member, kept["next"])


@public
@require_http_methods(["GET", "POST"])
def sign_in_second(request: HttpRequest) -> HttpResponse:
    """The second factor: the passkey, or a one-time code."""
    at = now()
    half = _half(request, at)
    if half is None:
        return redirect("sign-in")
    member, onward = half
    form, status = CodeForm(), 200
    if request.method == "POST":
        form = CodeForm(request.POST)
        how = How.PASSKEY if request.POST.get("answer") else How.CODE
        if _second_is_right(request, member, form, at=at):
            return _complete(request, member, how, onward, at=at)
        status = 403
    options = passkeys.begin_sign_in(request, member)
    return render(request, "accounts/sign_in_second.html", {"form": form, "options": options}, status=status)


def _second_is_right(request: HttpRequest, member: StaffMember, form: CodeForm, *, at: datetime) -> bool:
    answer = request.POST.get("answer", "")
    try:
        if answer:
            passkeys.finish_sign_in(request, member, answer, at=at)
            return True
        if form.is_valid():
            service.check_second(member, form.cleaned_data["code"], at=at)
            return True
    except BadPasskey:
        form.errors.clear()
        form.add_error(None, gettext("This passkey was not accepted. Try again."))
    except BadCode:
        form.add_error("code", gettext("This code does not work. Each code works once."))
    except SignInWaits as error:
        form.add_error(None, waits(error))
    return False


@public
@require_http_methods(["GET", "POST"])
def sign_in_passkey(request: HttpRequest) -> HttpResponse:
    """Signing in with a passkey alone; the passkey itself checks its person."""
    at = now()
    form = Form(request.POST or None)
    status = 200
    if request.method == "POST":
        try:
            member = passkeys.finish_sign_in(request, None, request.POST.get("answer", ""), at=at)
        except BadPasskey:
            form.full_clean()
            form.add_error(None, gettext("This passkey was not accepted. Try again, or use your password."))
            status = 403
        else:
            return _complete(request, member, How.PASSKEY, "", at=at)
    options = passkeys.begin_sign_in(request, None)
    if not request.user.is_authenticated:
        request.session.set_expiry(_ANONYMOUS_LIFE)
    return render(request, "accounts/sign_in_passkey.html", {"form": form, "options": options}, status=status)


@before_passkey
@signed_in
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    sessions.end_own(request)
    return redirect("sign-in")


@public
@require_http_methods(["GET", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """A new member, or one who is recovered, chooses a password with the code that was handed over."""
    form = ChoosePasswordForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        return render(request, "accounts/choose_password.html", {"form": form}, status=status)
    at, given = now(), form.cleaned_data
    mark = request.COOKIES.get(tries.MARK, "")
    try:
        member = service.choose_password(given["login"], given["code"], given["password"], mark=mark, at=at)
    except SignInWaits as error:
        form.add_error(None, waits(error))
    except WeakPassword as error:
        form.add_error("password", error.faults)
    except BadCode:
        form.add_error("code", gettext("Log-in name and code do not belong together, or the code is too old."))
    else:
        return _complete(request, member, How.PASSWORD, "", at=at)
    return render(request, "accounts/choose_password.html", {"form": form}, status=403)


@public
@require_http_methods(["GET", "POST"])
def first_administrator(request: HttpRequest) -> HttpResponse:
    """The page of the first administrator; once there is one it does not exist."""
    if not first.is_open():
        raise Http404
    form = FirstForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        return render(request, "accounts/first.html", {"form": form}, status=status)
    at, given = now(), form.cleaned_data
    language = get_language() or settings.LANGUAGE_CODE
    try:
        member = first.make_first(
            given["code"], given["login"], given["name"], given["password"], language=language[:2], at=at
        )
    except WeakPassword as error:
        form.add_error("password", error.faults)
    except BadCode:
        form.add_error("code", gettext("This code does not work. Look again where the server was started."))
    else:
        return _complete(request, member, How.PASSWORD, "", at=at)
    return render(request, "accounts/first.html", {"form": form}, status=403)


def _complete(
    request: HttpRequest, member: StaffMember, how: StaffSession.How, onward: str, *, at: datetime
) -> HttpResponse:
    """Begin the session, with a new key and nothing of the one before."""
    request.session.flush()
    sessions.say_how(request, how)
    login(request, member, backend=_BACKEND)
    note("account.signed-in", by=member, at=at, subject=str(member.id), details={"how": how.value})
    answer = redirect(onward or "/")
    answer.set_cookie(
        tries.MARK,
        tries.new_mark(member.login),
        max_age=tries.MARK_LIFE,
        httponly=True,
        samesite="Strict",
        secure=request.is_secure(),
    )
    return answer


def _safe(request: HttpRequest, onward: str) -> str:
    """A page of ours to go on to, or ""."""
    good = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return onward if good and onward.startswith("/") else ""


def waits(error: SignInWaits) -> str:
    """Until when to wait, in words that say nothing about an account."""
    return gettext("There were too many wrong tries. Try again after %(time)s UTC.") % {
        "time": date_format(error.until, "H:i:s")
    }
