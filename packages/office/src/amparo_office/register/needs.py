"""What published programmes need: the facts that may be asked, typed in, taken from files, handed out and kept.

A version of a rule needs its facts from the day it is published until a later version of its programme counts, that is, has served
its notice period: until then cycles are decided by the older one, while people are asked already for the newer one. Read from the
public log, and from what it said last while it gives no answer. A desk without a log yet needs no fact.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from amparo_common.bridge import RulePublished
from amparo_log.view import Logged
from amparo_office.desk import public_log
from amparo_office.register.catalogue import Needed
from amparo_rules.catalogue import Entity
from amparo_rules.receipt import notice_ends
from amparo_rules.rule import RuleFile, read_rule
from amparo_service.errors import Unreachable

Published = Iterable[tuple[Logged, RulePublished]]
ENTITIES: tuple[Entity, ...] = ("person", "household")


class Needs(msgspec.Struct, frozen=True):
    """The facts that are needed, and those that were: since when nobody needs them."""

    needed: Needed
    ended: dict[tuple[Entity, str], datetime]


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


def needs_of(published: Published, at: datetime) -> Needs:
    """The same of these rules, in the log's order. Pure."""
    until: dict[tuple[Entity, str], datetime | None] = {}
    counts_from: dict[str, datetime] = {}
    # Backwards: the versions that can replace one are then known when it comes.
    for place, body in reversed(list(published)):
        rule = read_rule(body.file)
        replaced = counts_from.get(body.programme)
        counts = notice_ends(place.at, rule.notice_days)
        counts_from[body.programme] = counts if replaced is None else min(counts, replaced)
        for key in facts_of(rule):
            known = until.get(key, replaced)
            until[key] = None if known is None or replaced is None else max(known, replaced)
    ended = {key: end for key, end in until.items() if end is not None and end <= at}
    return Needs(frozenset(until.keys() - ended.keys()), ended)


def facts_of(rule: RuleFile) -> Needed:
    """The facts that a rule tests."""
    return frozenset((entity, name) for entity in ENTITIES for name in rule.text.inputs.get(entity, {}))


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
