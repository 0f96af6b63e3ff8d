"""What published programmes need (`programmes.needs_of`), as the desk's log says it: the facts that may be asked, typed in, taken
from files, handed out and kept. Read from the public log, and from what it said last while it gives no answer. A desk without a log
yet needs no fact.
"""

from datetime import datetime

from amparo_office.desk import public_log
from amparo_office.programmes import Needed, Needs, Published, needs_of
from amparo_rules.rule import RuleFile, read_rule
from amparo_service.errors import Unreachable


def programmes() -> dict[str, RuleFile]:
    """The newest published rule of each programme."""
    return {published.programme: read_rule(published.file) for _, published in _published(fresh=True)}


def needed(at: datetime, programme: str = "", *, fresh: bool = True) -> Needed:
    """The facts that this programme needs at `at`, or (for "") any published one. `fresh` asks the log first; without it, what it
    said last counts, which is enough to show a page."""
    chosen = [each for each in _published(fresh=fresh) if programme in ("", each[1].programme)]
    return needs_of(chosen, at).needed


def needs_now(at: datetime) -> Needs | None:
    """What is and what was needed, for ending what no longer is; None for a desk without a log. What the log said last is not
    enough here. Raises `Unreachable`."""
    follower = public_log.known()
    return None if follower is None else needs_of(follower.refresh().rules, at)


def _published(*, fresh: bool) -> Published:
    follower = public_log.known()
    if follower is None:
        return []
    if not fresh and follower.view().rules:
        return follower.view().rules
    try:
        return follower.refresh().rules
    except Unreachable:
        return follower.view().rules
