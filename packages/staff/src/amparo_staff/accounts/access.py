"""Who may open which page. Every view of every app says it: `@public`, `@signed_in` or `@requires("part.deed")`.

The middleware refuses a view that says nothing, so that a forgotten line closes a page instead of opening it. It ends sessions
whose time is over, and leads an administrator without a passkey to the page where one is set up, and nowhere else.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

from amparo_staff.accounts import sessions
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import PERMISSIONS, Role

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

_PUBLIC, _SIGNED_IN = "public", "signed-in"


def public(view: View) -> View:
    """Anybody may open it."""
    return _marked(view, _PUBLIC)


def signed_in(view: View) -> View:
    """Any member of staff who is signed in may open it."""
    return _marked(view, _SIGNED_IN)


def requires(permission: str) -> Callable[[View], View]:
    """Members whose role has the permission may open it."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)
    return lambda view: _marked(view, permission)


def before_passkey(view: View) -> View:
    """An administrator may open it without a passkey: only what leads to one, and out."""
    view.before_passkey = True  # type: ignore[attr-defined] # read by the middleware
    return view


def needed(view: Callable[..., Any]) -> str | None:
    """What a view asks for; None when it says nothing."""
    return getattr(view, "needed_permission", None)


def member_of(request: HttpRequest) -> StaffMember:
    """The member of staff who asks. For views that are not public."""
    return cast(StaffMember, request.user)


def lacks_passkey(request: HttpRequest) -> bool:
    """Whether a signed-in administrator has no passkey, or came in by a code instead of it (R38)."""
    member = member_of(request)
    if all(grant.role != Role.ADMINISTRATOR.value for grant in member.held()):
        return False
    return sessions.came_by_code(request) or not member.passkeys.exists()


class AccessMiddleware(MiddlewareMixin):
    """Lets a request through to its view, to the log-in page, or nowhere."""

    def process_request(self, request: HttpRequest) -> None:
        """Sign out whose session is over."""
        if request.user.is_authenticated:
            sessions.check(request, at=now())

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: tuple[Any, ...], _kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """None lets it through."""
        permission = needed(view)
        if permission is None:
            raise PermissionDenied
        if permission == _PUBLIC:
            return None
        if not request.user.is_authenticated:
            back = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
            return redirect_to_login(back, settings.LOGIN_URL)
        if permission != _SIGNED_IN and not member_of(request).may(permission):
            raise PermissionDenied
        if not getattr(view, "before_passkey", False) and lacks_passkey(request):
            return redirect("passkeys")
        return None


def _marked(view: View, permission: str) -> View:
    view.needed_permission = permission  # type: ignore[attr-defined] # read by `needed`
    return view
