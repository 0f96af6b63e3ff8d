"""The present moment for pages of the desk. A test sets `AMPARO_CLOCK`."""

from datetime import datetime

from django.conf import settings

from amparo_common.clock import Clock, SystemClock

_SYSTEM = SystemClock()


def now() -> datetime:
    """The present moment in UTC."""
    clock: Clock = getattr(settings, "AMPARO_CLOCK", _SYSTEM)
    return clock.now()
