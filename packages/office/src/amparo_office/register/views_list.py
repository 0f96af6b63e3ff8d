"""The list of households: filters in the URL, 50 a page by keyset; names of heads only in answer to a POST with its purpose."""

from collections.abc import Sequence
from datetime import date

import msgspec
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from amparo_office.register import catalogue
from amparo_office.register.access import read_names
from amparo_office.register.forms import fact_label
from amparo_office.register.forms_filter import Filter, households, read_filter
from amparo_office.register.models import Area, Household, Individual, Origin, RecordState, Relationship
from amparo_office.register.views import (
    CHANGE,
    IDENTITY,
    STATE_KINDS,
    VIEW,
    area_choices,
    area_name,
    moment,
    options,
    origin_words,
    purpose_choices,
    state_words,
)
from amparo_staff.accounts.access import member_of, requires

PAGE = 50
COUNT_LIMIT = 1000
HIDDEN_UNDER = 10
_ORIGINS_SHOWN = 50


class Row(msgspec.Struct, frozen=True):
    """One line of the list. `head` is empty unless a purpose was chosen."""

    ref: str
    area: str
    state: str
    kind: str
    size: int
    by_phone: bool
    day: date
    source: str
    head: str = ""


class Page(msgspec.Struct, frozen=True):
    """Up to 50 lines. `after` and `before` are the numbers to go on from; None where there is nothing more."""

    rows: list[Row]
    after: int | None
    before: int | None


@requires(VIEW)
@require_http_methods(["GET", "POST"])
def register_list(request: HttpRequest) -> HttpResponse:
    """The list. A POST shows the same with the names of the heads, and writes down that they were read."""
    member = member_of(request)
    asked = read_filter(request.GET.dict())
    areas = member.areas(VIEW)
    purpose = request.POST.get("purpose", "") if request.method == "POST" and member.may(IDENTITY) else ""
    purpose = purpose if purpose in dict(purpose_choices()) else ""
    turn = request.POST if purpose else request.GET
    found = households(asked, areas)
    picked, after, before = page_ids(found, after=_number(turn.get("after")), before=_number(turn.get("before")))
    identity_areas = member.areas(IDENTITY) if purpose else []
    # While names are shown the next page is a POST again (`next_names`), so the links to it are left out.
    page = Page(
        rows=_rows(picked, purpose, identity_areas, request),
        after=None if purpose else after,
        before=None if purpose else before,
    )
    return render(
        request,
        "register/list.html",
        {
            "page": page,
            "filter": asked,
            "query": asked.query(),
            "mark": _mark(turn.get("after"), turn.get("before")),
            "next_names": {"before": before, "after": after},
            "count": capped_count(found),
            "limit": COUNT_LIMIT,
            "choices": _choices(areas, asked),
            "purpose": purpose,
            "purposes": purpose_choices() if member.may(IDENTITY) else None,
            "may_change": member.may(CHANGE),
            "export_url": _export_url() if member.may("intake.export") else "",
        },
    )


@requires(VIEW)
@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """How many households by state and by area; numbers under 10 are hidden."""
    found = households(read_filter(request.GET.dict()), member_of(request).areas(VIEW))
    words = state_words()
    by_state = [
        (words[state], hidden(number))
        for state, number in found.order_by("state").values_list("state").annotate(number=Count("id"))
    ]
    by_area: dict[str | None, int] = {}
    for code, number in found.order_by("area").values_list("area").annotate(number=Count("id")):
        by_area[code] = number
    names = {area.code: area_name(area) for area in Area.objects.filter(code__in=[code for code in by_area if code])}
    lines = [(code or "", names.get(code or "", _("No area")), hidden(number)) for code, number in by_area.items()]
    return render(request, "register/counts.html", {"by_state": by_state, "by_area": lines, "under": HIDDEN_UNDER})


def hidden(number: int) -> int | None:
    """A count as it may be shown in a summary; None when it is so small that it could point at somebody."""
    return None if 0 < number < HIDDEN_UNDER else number


def capped_count(found: QuerySet[Household]) -> int:
    """How many, up to one more than a thousand: counting a million rows for a line of text would cost more than the page."""
    return len(found.order_by().values_list("id")[: COUNT_LIMIT + 1])


def page_ids(
    found: QuerySet[Household], *, after: int | None, before: int | None
) -> tuple[list[int], int | None, int | None]:
    """The numbers of one page, newest first, and where the next and the one before go on. A page costs the same wherever it is."""
    if before is not None:
        back = list(found.filter(id__gt=before).order_by("id").values_list("id", flat=True)[: PAGE + 1])
        ids = back[:PAGE][::-1]
        return ids, (ids[-1] if ids else None), (ids[0] if len(back) > PAGE else None)
    if after is not None:
        found = found.filter(id__lt=after)
    ids = list(found.order_by("-id").values_list("id", flat=True)[: PAGE + 1])
    more = len(ids) > PAGE
    ids = ids[:PAGE]
    return ids, (ids[-1] if more else None), (ids[0] if ids and after is not None else None)


def _rows(ids: Sequence[int], purpose: str, identity_areas: list[str], request: HttpRequest) -> list[Row]:
    fields = (
        "id",
        "ref",
        "state",
        "by_phone",
        "area__code",
        "area__names",
        "origin__kind",
        "origin__source",
        "origin__day",
    )
    homes = {
        home.id: home for home in Household.objects.select_related("area", "origin").filter(id__in=ids).only(*fields)
    }
    heads, sizes = _members(ids)
    names: dict[int, str] = {}
    if purpose:
        seen = [
            heads[number]
            for number in ids
            if number in heads and any((homes[number].area_id or "").startswith(area) for area in identity_areas)
        ]
        names = read_names(seen, by=member_of(request), purpose=purpose, at=moment())
    words = state_words()
    return [
        Row(
            ref=home.ref,
            area=area_name(home.area),
            state=words[home.state],
            kind=STATE_KINDS[home.state],
            size=sizes.get(number, 0),
            by_phone=home.by_phone,
            day=home.origin.day,
            source=origin_words(home.origin),
            head=names.get(heads.get(number, 0), ""),
        )
        for number in ids
        if (home := homes.get(number))
    ]


def _members(ids: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Of these households: the number of the head, and how many live there."""
    heads: dict[int, int] = {}
    sizes: dict[int, int] = {}
    living = Individual.objects.filter(household__in=ids).exclude(state__in=[RecordState.LEFT, RecordState.MERGED])
    for number, home, relationship in living.values_list("id", "household_id", "relationship"):
        if relationship == Relationship.HEAD:
            heads[home] = number
        if relationship != Relationship.NON_BENEFICIARY:
            sizes[home] = sizes.get(home, 0) + 1
    return heads, sizes


def _choices(areas: list[str], asked: Filter) -> dict[str, object]:
    """The filter's choices as `<option>` lines; `areas` is empty when there are too many to choose from."""
    origins = Origin.objects.filter(kind=Origin.Kind.IMPORT).order_by("-id")[:_ORIGINS_SHOWN]
    named = [(origin.id, f"{origin.day.isoformat()} · {origin.source}") for origin in origins]
    known = catalogue.known().values()
    facts = [(fact.name, fact_label(fact)) for fact in known if fact.entity == "household"]
    places = area_choices(areas)
    return {
        "states": options(state_words().items(), asked.state),
        "areas": options(places, asked.area) if places else "",
        "ways": options([("phone", _("By phone")), ("paper", _("On paper"))], asked.way),
        "origins": options(named, asked.origin),
        "facts": options(facts, asked.fact),
        "known": options([("known", _("known")), ("unknown", _("not known"))], asked.is_),
    }


def _mark(after: str | None, before: str | None) -> tuple[str, str] | None:
    """Where the page that is shown begins, so that showing names shows the same page."""
    if _number(before) is not None:
        return "before", str(before)
    return ("after", str(after)) if _number(after) is not None else None


def _export_url() -> str:
    try:
        return reverse("export-new")
    except NoReverseMatch:
        return ""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None
