"""Every address of the desk, found by walking the table of addresses: nobody can forget a permission, a label or a nonce."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from tests.servers.desk import member
from tests.servers.invented import give_passkey

from amparo_staff.accounts.access import needed
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import PERMISSIONS, Role

# What may stand in an address: references of ours, never words that somebody typed.
CONVERTERS = {"UUIDConverter", "IntConverter", "AssetConverter"}
SLUGS = {"ref", "number", "slug", "what", "code", "kind", "step"}
# Address -> why anybody may open it.
PUBLIC = {
    "health": "a watchdog has no account",
    "asset": "the style of the log-in page",
    "choose-language": "the log-in page has it too",
    "sign-in": "the log-in page",
    "first-administrator": "before there is any member; needs the code from the console",
    "sign-in-second": "the second half of the log-in, after the password",
    "sign-in-passkey": "the second half of the log-in, after the password",
    "choose-password": "a new member has a one-time code from an administrator",
}


def routes(patterns: Any = None) -> Iterator[URLPattern]:
    """Every address."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns)
        else:
            yield each


class Page(HTMLParser):
    """What a page says of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.faults: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: list[dict[str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)
        self.faults += [
            f"input without a label: {each.get('name')}"
            for each in self.inputs
            if each.get("id") not in self.labelled and not each.get("aria-label") and not each.get("within")
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.count[tag] = self.count.get(tag, 0) + 1
        self._open.append(tag)
        if tag == "label" and given.get("for"):
            self.labelled.add(str(given["for"]))
        if tag in {"input", "select", "textarea", "progress"} and given.get("type") not in {"hidden", "submit"}:
            self.inputs.append(given | {"within": "label" if "label" in self._open else None})
        self.faults += [f"inline handler {name}" for name in given if name.startswith("on")]
        self.faults += [f"inline style on {tag}" for name in given if name == "style"]
        if tag == "style":
            self.faults.append("inline style sheet")
        if tag == "script" and not given.get("nonce"):
            self.faults.append("script without nonce")
        if tag == "form" and str(given.get("method", "get")).lower() == "get" and "csrf" in str(given):
            self.faults.append("a proof in an address")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass


def test_every_address_says_who_may_open_it() -> None:
    found = list(routes())
    assert len(found) > 20
    silent = [str(each.pattern) for each in found if needed(each.callback) is None]
    assert not silent
    assert all(needed(each.callback) in {*PERMISSIONS, "public", "signed-in"} for each in found)


def test_only_few_addresses_are_public_and_each_has_its_reason() -> None:
    public = {each.name for each in routes() if needed(each.callback) == "public"}
    assert public <= set(PUBLIC), public - set(PUBLIC)


def test_addresses_hold_references_only() -> None:
    for each in routes():
        for name, converter in each.pattern.converters.items():
            kind = type(converter).__name__
            assert kind in CONVERTERS or (kind == "SlugConverter" and name in SLUGS), f"{each.pattern}: {name}"


def test_every_address_has_one_name() -> None:
    names = [each.name for each in routes()]
    assert None not in names
    assert len(names) == len(set(names))


def test_who_is_not_signed_in_is_led_to_the_log_in_page(browser: Client) -> None:
    for each in plain():
        if needed(each.callback) != "public":
            answer = browser.get(reverse(str(each.name)))
            assert answer.status_code == 302, each.name
            assert answer["Location"].startswith(reverse("sign-in")), each.name


@pytest.fixture
def everybody(desk_database: str) -> list[StaffMember]:
    """A member for each role, each with a passkey."""
    made = [member(role) for role in Role]
    for each in made:
        give_passkey(each, datetime(2026, 11, 22, 12, tzinfo=UTC))
    return made


def plain() -> list[URLPattern]:
    """Addresses without parameters that can be looked at."""
    return [each for each in routes() if not each.pattern.converters and each.name != "events"]


def test_every_page_is_well_made_and_opens_only_with_its_permission(
    everybody: list[StaffMember], desk_database: str
) -> None:
    looked_at = 0
    for who in everybody:
        client = Client()
        client.force_login(who)
        for each in plain():
            permission = needed(each.callback) or ""
            answer = client.get(reverse(str(each.name)))
            where = f"{each.name} as {who.login}"
            assert answer.status_code < 500, where
            if permission in PERMISSIONS and not who.may(permission):
                assert answer.status_code == 403, where
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html") and not answer.streaming:
                looked_at += 1
                check_page(answer, where)
    assert looked_at > 30


def check_page(answer: Any, where: str) -> None:
    text = answer.content.decode()
    page = Page(text)
    assert not page.faults, f"{where}: {page.faults}"
    assert page.count.get("h1") == 1, where
    assert re.search(r"<title>\s*\S.* · Amparo</title>", text), where
    policy = answer["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce, where
    assert set(re.findall(r'nonce="([^"]*)"', text)) <= {nonce[1]}, where
    assert "unsafe" not in policy
    assert answer["Cache-Control"] == "no-store", where


# What is written down because somebody looked.
LOOKS = {"sessions.Session", "accounts.StaffSession", "register.Access"}


def counts() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table but those that record who looked."""
    rows = {
        model._meta.label: list(model.objects.order_by("pk").values())  # type: ignore[attr-defined] # every model has it
        for model in apps.get_models()
        if model._meta.label not in LOOKS
    }
    rows["trail.TrailEntry"] = [each for each in rows["trail.TrailEntry"] if not each["action"].endswith(".read")]
    return rows


def test_looking_changes_nothing(everybody: list[StaffMember], desk_database: str) -> None:
    clients = []
    for who in everybody:
        client = Client()
        client.force_login(who)
        clients.append(client)
    before = counts()
    for client in clients:
        for each in plain():
            client.get(reverse(str(each.name)))
    assert counts() == before


def test_a_form_without_its_proof_is_refused_in_words(everybody: list[StaffMember], desk_database: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(everybody[0])
    answer = client.post(reverse("choose-language"), {"language": "fr"})
    assert answer.status_code == 403
    assert "no longer good" in answer.content.decode()
