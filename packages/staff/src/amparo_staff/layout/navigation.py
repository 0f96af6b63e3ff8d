"""The bar at the top: each app adds its entries once, in its `AppConfig.ready`:

    navigation.add(Entry(gettext_lazy("Register"), "register-list", "register.view", "people", order=20))

A member sees the entries that their roles open.
"""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its words (lazily translated), the name of its page's path, the permission, a glyph of `icons.svg`."""

    label: str | Promise
    path_name: str
    permission: str
    icon: str
    order: int = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as a page shows it."""

    label: str | Promise
    url: str
    icon: str
    here: bool


_entries: dict[str, Entry] = {}


def add(entry: Entry) -> None:
    """Add an entry, or replace the one of the same page."""
    _entries[entry.path_name] = entry


def entries() -> list[Entry]:
    """All entries, in their order."""
    return sorted(_entries.values(), key=lambda entry: (entry.order, entry.path_name))


def shown(request: HttpRequest) -> list[Shown]:
    """What the member who asks may open; nothing for who is not signed in."""
    if not request.user.is_authenticated:
        return []
    member = request.user
    return [_shown(entry, request.path) for entry in entries() if member.may(entry.permission)]


def _shown(entry: Entry, path: str) -> Shown:
    url = reverse(entry.path_name)
    return Shown(entry.label, url, entry.icon, path == url or (url != "/" and path.startswith(url)))
