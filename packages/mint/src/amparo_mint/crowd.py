"""The smallest crowd: aid is issued only once so many people of a unit have been paid for in the same month that each is one among
many. Pure.

The crowd of a unit is the number of quotes that were paid under its signing keyset. A programme that is smaller than the smallest
crowd waits for all of its people; and nobody waits for ever: when the claiming window has passed since the last approval, whoever
came is the crowd, and is told how small it is.

Every wallet of a unit is told the same end of the window. A wallet that pays only after it shows nothing by its times that
the others do not; the mint itself never waits with a payment.
"""

from datetime import timedelta
from typing import Annotated

import msgspec

from amparo_common.clock import from_text
from amparo_common.money import Unit
from amparo_log.view import LogView


class CrowdSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`crowd` in config.json: how many people must be paid for before the first of them is issued aid, and for how many hours
    after an approval that is waited for."""

    smallest: Annotated[int, msgspec.Meta(ge=1)] = 20
    window_hours: Annotated[int, msgspec.Meta(ge=0, le=31 * 24)] = 72


def needed(settings: CrowdSettings | None, view: LogView, unit: Unit, *, now: int) -> int:
    """How large a unit's crowd must be at `now` (unix time). 0 when nothing is asked for."""
    if settings is None:
        return 0
    eligible = {(body.programme, body.cycle): body.eligible for _, body in view.decisions if body.unit == unit}
    approved = {(body.programme, body.cycle): place.at for place, body in view.approvals if body.unit == unit}
    # Each programme's newest approved cycle: its people are those who may come now.
    newest = {programme: (eligible.get((programme, cycle), 0), at) for (programme, cycle), at in approved.items()}
    open_now = [count for count, at in newest.values() if now <= _end(settings, at)]
    return min(settings.smallest, sum(open_now)) if open_now else 0


def window_ends(settings: CrowdSettings | None, view: LogView, unit: Unit) -> int:
    """When the claiming window of a unit's newest approval ends (unix time), also when that has passed. 0 when there is no
    window: nothing is approved, or no crowd is asked for."""
    if settings is None:
        return 0
    return max((_end(settings, place.at) for place, body in view.approvals if body.unit == unit), default=0)


def _end(settings: CrowdSettings, approved_at: str) -> int:
    return int((from_text(approved_at) + timedelta(hours=settings.window_hours)).timestamp())
