"""Pages for what goes wrong: what happened, why, and what to do. They show our words and codes, nothing of the request."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_lazy

from amparo_common.errors import AmparoError

log = logging.getLogger("amparo.desk")

Words = dict[str, Any]

_NOT_READABLE: Words = {
    "status": 400,
    "heading": gettext_lazy("This request cannot be read"),
    "why": gettext_lazy("The page was too old, or your browser sent something else."),
    "todo": gettext_lazy("Go back, load the page again and repeat. Nothing was changed."),
}
_NOT_ALLOWED: Words = {
    "status": 403,
    "heading": gettext_lazy("You may not open this page"),
    "why": gettext_lazy("Each kind of work has its role, and you do not have the role for this."),
    "todo": gettext_lazy("Ask a colleague with that role, or ask an administrator for it."),
}
_NOT_FOUND: Words = {
    "status": 404,
    "heading": gettext_lazy("There is nothing here"),
    "why": gettext_lazy("The address is wrong, or what was here is gone."),
    "todo": gettext_lazy("Check the address, or begin at the start page."),
}
_FAILED: Words = {
    "status": 500,
    "heading": gettext_lazy("Something went wrong on our side"),
    "why": gettext_lazy("This is a fault of the system. You did nothing wrong."),
    "todo": gettext_lazy("Try again. If it comes back, tell your operator the time."),
}
_STALE: Words = {
    "status": 403,
    "heading": gettext_lazy("This form is no longer good"),
    "why": gettext_lazy("You signed in or out since it was opened, or your browser takes no cookies."),
    "todo": gettext_lazy("Go back, load the page again and repeat. Nothing was changed."),
}


def error_words(error: AmparoError) -> Words:
    """A deliberate error in the language of the page."""
    return {
        "status": error.http_status,
        "code": error.code,
        "heading": gettext(error.what),
        "why": gettext(error.reason) if error.reason else "",
        "todo": gettext(error.remedy) if error.remedy else "",
    }


class FaultPages:
    """Shows deliberate errors that a view lets through; logs the type of any other, and nothing else of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page of a deliberate error."""
        if isinstance(error, AmparoError):
            return _page(error_words(error), request)
        if isinstance(error, (Http404, PermissionDenied, BadRequest, SuspiciousOperation)):
            return None  # Django answers these with the pages below
        log.error("unexpected %s", type(error).__name__)
        return None


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    """400."""
    return _page(_NOT_READABLE, request)


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    """403."""
    return _page(_NOT_ALLOWED, request)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    """404."""
    return _page(_NOT_FOUND, request)


def failed(_request: HttpRequest) -> HttpResponse:
    """500. Asks nothing of the database, which may be what failed."""
    return _page(_FAILED, None)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    """A form without its proof that it came from our page."""
    return _page(_STALE, request)


def _page(words: Words, request: HttpRequest | None) -> HttpResponse:
    return HttpResponse(render_to_string("layout/error.html", words, request), status=words["status"])
