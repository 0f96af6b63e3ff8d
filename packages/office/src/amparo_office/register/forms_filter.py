"""Which households a list, a count, a bulk action or an export speaks of: a filter that stands in the URL, so that it can be shared
and gone back to. It holds codes and dates only, never anything that identifies a person."""

from collections.abc import Iterable, Mapping
from datetime import date
from urllib.parse import urlencode

import msgspec
from django.db.models import JSONField, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform, KeyTransformExact

from amparo_office.register import catalogue
from amparo_office.register.models import Area, Household, RecordState

WAYS = ("phone", "paper")
KNOWN = ("known", "unknown")
_CODES_NAMED = 500


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for; "" and None ask for nothing. `area` is a P-code and takes in everything under it. `fact` is a household
    fact of the catalogue, `is_` whether it is known. `since` and `until`, both included, are days of registration."""

    state: str = ""
    area: str = ""
    way: str = ""
    origin: int | None = None
    fact: str = ""
    is_: str = ""
    since: date | None = None
    until: date | None = None

    def query(self, **more: str) -> str:
        """The part of a URL after the question mark, with `more` added; "" when there is nothing to say."""
        said = {name: str(value) for name, value in self.said().items()}
        return urlencode(said | {name: value for name, value in more.items() if value})

    def said(self) -> dict[str, str | int]:
        """Its parts as they are written in a URL, or in a job's argument; only what it asks for."""
        parts: dict[str, str | int | None] = {
            "state": self.state,
            "area": self.area,
            "way": self.way,
            "origin": self.origin,
            "fact": self.fact,
            "is": self.is_,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }
        return {name: value for name, value in parts.items() if value not in ("", None) and value is not None}


def read_filter(said: Mapping[str, str | int]) -> Filter:
    """The filter that a URL or a job's argument asks for. What is not understood asks for nothing."""
    text = {name: str(value) for name, value in said.items()}
    fact = text.get("fact", "")
    fact = fact if fact and ("household", fact) in catalogue.known() else ""
    origin = text.get("origin", "")
    return Filter(
        state=_one_of(text.get("state", ""), RecordState.values),
        area=text.get("area", "")[:32],
        way=_one_of(text.get("way", ""), WAYS),
        origin=int(origin) if origin.isascii() and origin.isdigit() and len(origin) < 18 else None,
        fact=fact,
        is_=(_one_of(text.get("is", ""), KNOWN) or "known") if fact else "",
        since=_day(text.get("since", "")),
        until=_day(text.get("until", "")),
    )


def households(asked: Filter, areas: list[str]) -> QuerySet[Household]:
    """The households that the filter asks for, of those in `areas` (P-codes with everything under them; [""] is all, [] none)."""
    found = in_areas(Household.objects.all(), areas)
    found = found.filter(state=asked.state) if asked.state else found.exclude(state=RecordState.MERGED)
    if asked.area:
        found = found.filter(area__in=named_codes([asked.area]))
    if asked.way:
        found = found.filter(by_phone=asked.way == "phone")
    if asked.origin is not None:
        found = found.filter(origin=asked.origin)
    if asked.fact:
        found = found.filter(_known(asked.fact) if asked.is_ == "known" else ~_known(asked.fact))
    if asked.since:
        found = found.filter(origin__day__gte=asked.since)
    if asked.until:
        found = found.filter(origin__day__lte=asked.until)
    return found


def in_areas(found: QuerySet[Household], areas: list[str]) -> QuerySet[Household]:
    """Only the households in these areas; one without an area belongs to those who may see all."""
    if "" in areas:
        return found
    return found.filter(area__in=named_codes(areas)) if areas else found.none()


def named_codes(areas: list[str]) -> list[str] | QuerySet[Area, str]:
    """The codes under these areas, by name where they are few: a database that sees the codes reads the index of areas, one that
    is asked for them in the same breath walks through all households. Many stay a query."""
    codes = codes_under(areas)
    some = list(codes[: _CODES_NAMED + 1])
    return some if len(some) <= _CODES_NAMED else codes


def codes_under(areas: Iterable[str]) -> QuerySet[Area, str]:
    """The codes of these areas and of everything under them."""
    wanted = Q(pk__in=[])
    for each in areas:
        wanted |= Q(code__startswith=each)
    return Area.objects.filter(wanted).values_list("code", flat=True)


def _known(name: str) -> Q:
    # Not as facts__NAME: a fact may be called like one of Django's lookups.
    null = KeyTransformExact(KeyTransform(name, "facts"), Value(None, JSONField()))
    return Q(facts__has_key=name) & ~Q(null)


def _one_of(value: str, allowed: Iterable[str]) -> str:
    return value if value in tuple(allowed) else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
