"""What published programmes need (`programmes.needs_of`), as the desk's log says it: the facts that may be asked, typed in, taken
from files, handed out and kept. Read from the public log, and from what it said last while it gives no answer. A desk without a log
yet needs no fact.
"""

from datetime import datetime

from amparo_log.view import LogView
from amparo_office.desk import public_log
from amparo_office.programmes import Needed, Needs, defined_in, needs_of, readable
from amparo_rules.catalogue import Definitions
from amparo_rules.rule import RuleFile
from amparo_service.errors import Unreachable


def programmes() -> dict[str, RuleFile]:
    """The newest published rule of each programme."""
    return {rule.programme: rule for _, rule in readable(_said(fresh=True))}


def needed(at: datetime, programme: str = "", *, fresh: bool = True) -> Needed:
    """The facts that this programme needs at `at`, or (for "") any published one. `fresh` asks the log first; without it, what it
    said last counts, which is enough to show a page."""
    return needs_of(_said(fresh=fresh), at, programme=programme).needed


def needs_now(at: datetime) -> Needs | None:
    """What is and what was needed, for ending what no longer is; None for a desk without a log. What the log said last is not
    enough here. Raises `Unreachable`."""
    follower = public_log.known()
    return None if follower is None else needs_of(follower.refresh(), at)


def defined() -> Definitions:
    """The facts that are defined in the log, as it was read last."""
    follower = public_log.known()
    return {} if follower is None else defined_in(follower.view())


def _said(*, fresh: bool) -> LogView:
    follower = public_log.known()
    if follower is None:
        return LogView()
    if not fresh and follower.view().rules:
        return follower.view()
    try:
        return follower.refresh()
    except Unreachable:
        return follower.view()
