"""What can be wrong with a value or a row, by code, and the words for it. A fault is kept as code and limits, and said in the
language of whoever reads it.
"""

from collections.abc import Callable

import msgspec
from django.utils.translation import gettext_lazy as _

MOST_SHOWN = 1_000
_LONGEST = 60

REASONS = {
    "empty": _("This cell may not be empty."),
    "yes-no": _("This is neither yes nor no."),
    "number": _("This is no number. Write digits and at most one point, like 125.50."),
    "whole": _("This is no whole number."),
    "date": _("This is no date. Write it as year-month-day."),
    "two-digit-year": _("Write the year with four digits."),
    "future": _("This day lies after the day of the list."),
    "age": _("This is no age. Write whole years from 0 to 130."),
    "range": _("Allowed is %(least)s to %(most)s."),
    "decimals": _("This number has too many decimals. At most %(most)s."),
    "not-in-map": _("This word has no meaning yet. Add it to the meanings of the column, or correct it."),
    "language": _("This is no language. Write es, en, fr, ar, pt or another code of two letters."),
    "telephone": _("This is no telephone number. Write it with its country code, like +58 412 5550100."),
    "too-long": _("This is too long. At most %(most)s characters."),
    "area-unknown": _("There is no such area. An administrator takes in the list of areas."),
    "area-twice": _("More than one area has this name. Give the area above it too, or the code."),
    "area-yours": _("This area is not one of yours."),
    "area-missing": _("Give an area. You may only enrol in your own."),
    "twice": _("This stands twice in the file. The first one is taken."),
    "no-reference": _("The household has no reference."),
    "no-household": _("No household of the file has this reference."),
    "no-members": _("The household has no members in the file."),
    "many-members": _("The household has too many members. At most %(most)s."),
    "no-head": _("Nobody is the head of this household."),
    "two-heads": _("More than one person is the head of this household."),
    "two-collectors": _("More than one person collects first for this household."),
    "cells": _("This row has more cells than there are columns. A sign may have moved its values."),
    "unknown-reference": _("Nobody in the register of your areas has this reference."),
    "closed": _("Who has left or was merged can no longer be changed."),
    "changed-since": _("Somebody changed this record since the list was made."),
    "head": _("Who is the head is changed on the page of the household."),
}


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """One thing that is wrong: in which table and row (the file's own number), column, what stands there (shortened), why. `ref`
    is the reference in the source, where there is one."""

    table: str
    row: int
    column: str
    value: str
    code: str
    limits: dict[str, str] = {}
    ref: str = ""

    @property
    def reason(self) -> str:
        """Why, in the language of the moment."""
        return str(REASONS[self.code]) % self.limits


Report = Callable[[Fault], None]


def shortened(value: str) -> str:
    """A value as it is shown."""
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
