"""Tags of the layout: `{% load layout %}`."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from amparo_staff.layout.assets import address
from amparo_staff.layout.numbers import grouped

register = template.Library()

# The kinds of tag, each with its glyph: never colour alone.
_KINDS = {"good": "check", "waiting": "clock", "bad": "warn", "info": "info", "off": "cross"}


@register.simple_tag
def asset(name: str) -> str:
    """The address of a file of the layout."""
    return address(name)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A glyph of icons.svg; it stands beside words, so it says nothing itself."""
    return format_html(
        '<svg class="icon icon-{}" aria-hidden="true" focusable="false" width="24" height="24"><use href="{}#{}"></use></svg>',
        name,
        address("icons.svg"),
        name,
    )


@register.simple_tag
def tag(kind: str, words: Any) -> SafeString:
    """A state as icon, word and colour. Kinds: good, waiting, bad, info, off."""
    return format_html('<span class="tag tag-{}">{}{}</span>', kind, icon(_KINDS[kind]), words)


@register.simple_tag
def crumb(words: Any, path_name: str, *args: Any) -> SafeString:
    """One step of the way to a page: `{% crumb _("Register") "register-list" %}`."""
    return format_html('<li><a href="{}">{}</a></li>', reverse(path_name, args=args), words)


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """A time in UTC, written so that no country reads another day."""
    if value is None:
        return ""
    return format_html(
        '<time datetime="{}"><bdi>{} UTC</bdi></time>', value.isoformat(), f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    )


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The address of this page with other parameters; "" takes one away: `{% query after=page.after before="" %}`."""
    request: HttpRequest = context["request"]
    values = request.GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in ("", None):
            values[name] = str(value)
    return f"?{values.urlencode()}"


@register.filter
def count(value: int) -> str:
    """A whole number with its groups, as the language of the page writes it."""
    return grouped(value)


@register.filter
def many(widget_type: str) -> bool:
    """Whether a field is a group of boxes or circles."""
    return widget_type in {"radioselect", "checkboxselectmultiple"}
