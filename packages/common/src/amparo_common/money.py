"""Amounts of aid: whole minor units of a named unit, never a float."""

import re
from typing import NewType

from amparo_common.errors import BadMoney

Unit = NewType("Unit", str)

# The largest amount one message may carry (21 million major units). Sums stay far below 2^53.
MOST_MINOR_UNITS = 2_100_000_000

_TYPED = re.compile(r"([0-9]{1,20}|[0-9]{1,3}(?:,[0-9]{3}){1,6})(?:\.([0-9]{1,9}))?")


def format_minor(amount: int, *, digits: int = 2) -> str:
    """Minor units as a decimal: 1050 -> "10.50". Western digits in every language, so paper and phone match."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**digits)
    return f"{sign}{whole:,}.{part:0{digits}d}" if digits else f"{sign}{whole:,}"


def parse_minor(text: str, *, digits: int = 2) -> int:
    """The reverse of `format_minor` for what a person types: "10.5" -> 1050. Raises `BadMoney`."""
    match = _TYPED.fullmatch(text.strip())
    part = (match.group(2) or "") if match else ""
    # A comma is accepted only where it groups thousands: "10,50" would otherwise be read as a hundred times as much.
    if match is None or len(part) > digits:
        raise BadMoney(
            "The amount cannot be read.",
            why=f"It has at most {digits} decimals, after a point.",
            todo="Type it like 10.50.",
        )
    return int(match.group(1).replace(",", "") + part.ljust(digits, "0"))
