"""The security headers of every page: a policy that runs no foreign and no inline script, no caching, no referrer."""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from amparo_staff.layout.assets import KEPT


class SecurityHeaders:
    """Gives each request a nonce (`request.csp_nonce`) and each answer its headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the headers."""
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined] # the layout's template reads it
        answer = self._get_response(request)
        answer["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self';"
            " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        if answer.get("Cache-Control") != KEPT:  # the files that are the same for everybody
            answer["Cache-Control"] = "no-store"
        # With "no-referrer" browsers say "Origin: null" of our own forms, which the check against foreign forms refuses.
        answer["Referrer-Policy"] = "same-origin"
        answer["Cross-Origin-Opener-Policy"] = "same-origin"
        answer["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        return answer
