"""What every page's template knows besides its own."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from amparo_staff.layout import navigation
from amparo_staff.layout.words import LANGUAGES


def layout(request: HttpRequest) -> dict[str, Any]:
    """The navigation of the member who asks, the languages, whether the time is invented."""
    return {
        "navigation": lambda: navigation.shown(request),
        "languages": LANGUAGES.items(),
        "practice": getattr(settings, "PRACTICE", False),
    }
