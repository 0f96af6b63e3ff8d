"""The language of a page: what the member chose, else what the browser asks for, else the programme's own."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils import translation
from django.views.decorators.http import require_POST

from amparo_staff.accounts.access import public
from amparo_staff.accounts.models import StaffMember
from amparo_staff.layout.words import LANGUAGES

_YEAR = 365 * 24 * 3600


class MemberLanguage:
    """Speaks the signed-in member's language, unless this browser chose another. Stands behind the log-in's middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in that language."""
        member = request.user
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and isinstance(member, StaffMember):
            translation.activate(member.language if member.language in LANGUAGES else settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()
        return self._get_response(request)


@public
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember the chosen language in this browser, and with the member, and go back to the page."""
    chosen = request.POST.get("language", "")
    answer = HttpResponseRedirect(_page(request.POST.get("next", "/")))
    if chosen in LANGUAGES:
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=_YEAR,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure(),
        )
        if isinstance(request.user, StaffMember):
            StaffMember.objects.filter(id=request.user.id).update(language=chosen)
    return answer


def _page(wanted: str) -> str:
    """The page to go back to, if it is one of ours."""
    path = wanted.partition("?")[0]
    try:
        resolve(path)
    except Resolver404:
        return "/"
    return "/" + wanted.lstrip("/\\")
