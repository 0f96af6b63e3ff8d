"""The keyset calendar: one keyset per unit and month, announced in the log before its month, spendable for months after it, closed
after its time of grace. Pure: what is due at a time follows from the time, the settings and the keysets that are there.

A wallet reads the same calendar in the log (`active_from`), so a mint cannot choose a keyset for one person.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from amparo_mint.model import KeysetRow

DAY = 24 * 3600
# After its published end a keyset's tokens are still exchanged at the mint for so long (tills stop at the end), so that a phone
# which was off loses nothing.
GRACE_SECONDS = 90 * DAY


class CalendarSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`calendar` in config.json: the units that get a keyset every month by themselves; for how many whole months after their
    own its tokens can be spent; how many days before its month it is announced."""

    units: list[str]
    # What is announced stands in the public log for good, so a slip of the pen is refused before.
    spend_months: Annotated[int, msgspec.Meta(ge=0, le=36)] = 3
    announce_days: Annotated[int, msgspec.Meta(ge=0, le=62)] = 7


class Announce(msgspec.Struct, frozen=True):
    """Make this keyset and put it into the log."""

    unit: str
    period: str
    final_expiry: int
    active_from: int


class Activate(msgspec.Struct, frozen=True):
    """Let this keyset sign."""

    keyset: str


class Close(msgspec.Struct, frozen=True):
    """Close this keyset."""

    keyset: str


Due = Announce | Activate | Close


def due(
    settings: CalendarSettings | None, keysets: Sequence[KeysetRow], now: int, held: Collection[str] = ()
) -> list[Due]:
    """What is to be done at `now` (unix time), in this order. Doing it makes it no longer due. `held` are the keysets whose private
    keys still exist: a closed one among them was closed half-way, by a crash or while the log was away."""
    found: list[Due] = []
    if settings is not None:
        for unit in settings.units:
            found += _due_for(unit, settings, [row for row in keysets if row.unit == unit], now)
    found += [
        Close(row.id)
        for row in keysets
        if row.final_expiry is not None
        and now > row.final_expiry + GRACE_SECONDS
        and (row.state != "closed" or row.id in held)
    ]
    return found


def _due_for(unit: str, settings: CalendarSettings, keysets: Iterable[KeysetRow], now: int) -> list[Due]:
    known = {row.period: row for row in keysets}
    periods = [period_of(now)]
    if period_of(now + settings.announce_days * DAY) not in periods:
        periods.append(period_of(now + settings.announce_days * DAY))
    missing: list[Due] = [
        Announce(unit, period, start_of(_later(period, 1 + settings.spend_months)), start_of(period))
        for period in periods
        if period not in known
    ]
    today = known.get(periods[0])
    if today is not None and today.state == "announced":
        return [*missing, Activate(today.id)]
    return missing


def period_of(now: int) -> str:
    """The month that a time (unix) belongs to, in UTC: `2026-11`."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m}"


def start_of(period: str) -> int:
    """The first second of a month, unix time."""
    year, _, month = period.partition("-")
    return int(datetime(int(year), int(month), 1, tzinfo=UTC).timestamp())


def _later(period: str, months: int) -> str:
    year, _, month = period.partition("-")
    count = int(year) * 12 + int(month) - 1 + months
    return f"{count // 12:04}-{count % 12 + 1:02}"
