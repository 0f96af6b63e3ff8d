"""Which keyset counts today, read from the public log alone. Pure.

A mint may announce a keyset ahead of its time (`active_from`); at every time exactly one keyset of a unit counts, so a mint
cannot mark somebody by choosing among those in the log.
"""

from collections.abc import Sequence

import msgspec

from amparo_common.bridge import KeysetAnnounced
from amparo_log.view import LogView

DAY = 86_400
# People are warned this long before coins end, and coins are changed this long before: a month is one round of aid.
WARNING, EARLY = 30 * DAY, 14 * DAY
# For so long after their published end the mint still exchanges coins (tills stop at the end).
GRACE = 90 * DAY


def current_keyset(view: LogView, unit: str, now: int) -> KeysetAnnounced | None:
    """The keyset with which the mint signs a unit at `now` (unix time): of those whose time has come, the one announced for the
    latest time; among equals the newest in the log. One without a time counts from its place in the log on."""
    found: tuple[int, KeysetAnnounced] | None = None
    for _, body in view.keysets:
        if body.unit != unit or (body.active_from is not None and body.active_from > now):
            continue
        since = body.active_from if body.active_from is not None else (0 if found is None else found[0])
        if found is None or since >= found[0]:
            found = (since, body)
    return None if found is None else found[1]


def is_closed(keyset: KeysetAnnounced, now: int) -> bool:
    """Whether a keyset's coins cannot even be exchanged any more. `now` in unix time."""
    return keyset.final_expiry is not None and keyset.final_expiry + GRACE <= now


def ends_soon(keyset: KeysetAnnounced, now: int) -> bool:
    """Whether it is time to leave a keyset. `now` in unix time."""
    return keyset.final_expiry is not None and keyset.final_expiry - EARLY <= now


class End(msgspec.Struct, frozen=True):
    """When coins end: `amount` in minor units, `final_expiry` and the day from which to warn in unix time."""

    amount: int
    final_expiry: int
    warn_from: int


def next_end(coins: Sequence[tuple[str, int]], view: LogView) -> End | None:
    """The earliest end among coins given as (keyset, amount), or None when none of them ends."""
    sums: dict[int, int] = {}
    for keyset, amount in coins:
        found = view.keyset(keyset)
        if found is not None and found.final_expiry is not None:
            sums[found.final_expiry] = sums.get(found.final_expiry, 0) + amount
    if not sums:
        return None
    first = min(sums)
    return End(amount=sums[first], final_expiry=first, warn_from=first - WARNING)
