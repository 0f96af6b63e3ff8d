"""Time as an argument: who needs the time is given a `Clock`."""

from datetime import UTC, datetime
from typing import Protocol

from amparo_common.errors import NaiveTime


class Clock(Protocol):
    """Gives the present moment in UTC."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is set. For tests."""

    def __init__(self, instant: datetime) -> None:
        self._instant = require_utc(instant)

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._instant

    def set(self, instant: datetime) -> None:
        """Move the clock to `instant`. Raises `NaiveTime`."""
        self._instant = require_utc(instant)


def require_utc(instant: datetime) -> datetime:
    """`instant` in UTC. Raises `NaiveTime` when it has no offset."""
    if instant.tzinfo is None:
        raise NaiveTime("A time has no offset from UTC.")
    return instant.astimezone(UTC)


def to_text(instant: datetime) -> str:
    """RFC 3339 in UTC, whole seconds: 2026-11-01T00:00:00Z."""
    return require_utc(instant).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def from_text(text: str) -> datetime:
    """The reverse of `to_text`. Raises `NaiveTime` for text without an offset or that is no time at all."""
    try:
        return require_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise NaiveTime("A time cannot be read.") from error
