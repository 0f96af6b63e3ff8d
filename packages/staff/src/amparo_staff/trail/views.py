"""The page on which the trail is read: filters in the address, 50 entries a page, the same as a file."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from amparo_common.clock import to_text
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.models import StaffMember
from amparo_staff.layout.exports import table_answer
from amparo_staff.layout.lists import page_of
from amparo_staff.trail.models import TrailEntry
from amparo_staff.trail.service import head, note

_CHUNK = 2_000


@requires("trail.read")
@require_GET
def trail(request: HttpRequest) -> HttpResponseBase:
    """The entries, the newest first; opening it and taking it away are deeds too."""
    by, at, found = member_of(request), now(), filtered(request.GET)
    names = {row.id: row.name for row in StaffMember.objects.only("id", "name")}
    if request.GET.get("format"):
        note("trail.taken", by=by, at=at, details={"count": found.count()})
        headers = ["number", "at", "member_id", "member", "action", "subject", "details", "hash"]
        return table_answer(request, "trail", headers, _cells(found, names))
    page = page_of(found, ("-number",), request.GET)
    if not request.GET.get("after") and not request.GET.get("before"):
        note("trail.read", by=by, at=at)
    mark = head()
    rows = [(each, names.get(each.member) if each.member else None, _details(each)) for each in page.rows]
    words = {
        "page": page,
        "rows": rows,
        "entries": mark.count,
        "mark": " ".join(mark.hash[place : place + 8] for place in range(0, len(mark.hash), 8)),
        "exports": True,
        "members": sorted(names.items(), key=lambda pair: pair[1]),
        "actions": list(TrailEntry.objects.order_by("action").values_list("action", flat=True).distinct()),
        "chosen": {name: request.GET.get(name, "") for name in ("from", "to", "action", "member")},
        "nobody": gettext("nobody"),
    }
    return render(request, "trail/trail.html", words)


def filtered(query: QueryDict) -> QuerySet[TrailEntry]:
    """The entries that an address asks for: `from` and `to` are days (both included), `action` and `member` as they stand."""
    found = TrailEntry.objects.all()
    begins, ends = _day(query.get("from", "")), _day(query.get("to", ""))
    if begins is not None:
        found = found.filter(at__gte=begins)
    if ends is not None:
        found = found.filter(at__lt=ends + timedelta(days=1))
    if query.get("action"):
        found = found.filter(action=query["action"])
    member = _id(query.get("member", ""))
    return found if member is None else found.filter(member=member)


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=UTC)
    except ValueError:
        return None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _details(entry: TrailEntry) -> str:
    return " · ".join(f"{name}: {value}" for name, value in sorted(entry.details.items()))


def _cells(found: QuerySet[TrailEntry], names: dict[UUID, str]) -> Iterator[list[str | int | None]]:
    for each in found.order_by("-number").iterator(chunk_size=_CHUNK):
        member = "" if each.member is None else str(each.member)
        name = names.get(each.member, "") if each.member else ""
        details = msgspec.json.encode(each.details).decode()
        yield [each.number, to_text(each.at), member, name, each.action, each.subject, details, each.hash]
