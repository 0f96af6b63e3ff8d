"""Long lists: 50 rows a page, found by where the last page ended (keyset), so that the millionth row is as quick as the first.

    page = page_of(queryset, ("-added", "id"), request.GET)     # then: render(…, {"page": page, …}) with layout/list.html

The order's last field is unique and none of its fields is personal or empty: where a page ended stands in the address.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

ROWS = 50
AFTER, BEFORE = "after", "before"

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of a page, and where the next and the one before it begin ("" when there is none)."""

    rows: list[Row]
    after: str
    before: str


def page_of(queryset: QuerySet[Row], order: Sequence[str], query: QueryDict, *, size: int = ROWS) -> Page[Row]:
    """The page that the address asks for; a mark that cannot be read asks for the first."""
    back = _read(query.get(BEFORE, ""), order)
    start = _read(query.get(AFTER, ""), order) if back is None else None
    try:
        if back is not None:
            return _page_before(queryset, order, back, size)
        rows = list(_beyond(queryset, order, start)[: size + 1])
    except (ValueError, TypeError, ValidationError):  # a mark of another list, or made up
        start, rows = None, list(queryset.order_by(*order)[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    return Page(rows, _mark(rows[-1], order) if more else "", _mark(rows[0], order) if start and rows else "")


def _page_before(queryset: QuerySet[Row], order: Sequence[str], mark: list[Any], size: int) -> Page[Row]:
    turned = [field[1:] if field.startswith("-") else f"-{field}" for field in order]
    rows = list(_beyond(queryset, turned, mark)[: size + 1])
    more, rows = len(rows) > size, rows[:size][::-1]
    return Page(rows, _mark(rows[-1], order) if rows else "", _mark(rows[0], order) if more else "")


def _beyond(queryset: QuerySet[Row], order: Sequence[str], mark: list[Any] | None) -> QuerySet[Row]:
    rows = queryset.order_by(*order)
    if mark is None:
        return rows
    beyond, same = Q(), Q()
    for field, value in zip(order, mark, strict=True):
        name = field.removeprefix("-")
        beyond |= same & Q(**{f"{name}__{'lt' if field.startswith('-') else 'gt'}": value})
        same &= Q(**{name: value})
    return rows.filter(beyond)


def _mark(row: Model, order: Sequence[str]) -> str:
    values = []
    for field in order:
        value: Any = row
        for part in field.removeprefix("-").split("__"):
            value = getattr(value, part)
        values.append(value)
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _read(mark: str, order: Sequence[str]) -> list[Any] | None:
    if not mark or len(mark) > 400:
        return None
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)), type=list[str | int])
    except (binascii.Error, ValueError):
        return None
    return values if len(values) == len(order) else None
