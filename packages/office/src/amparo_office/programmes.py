"""Programmes: a rule is checked, its examples computed, and then it stands in the public log for its notice period.

The office keeps no rule of its own: what it evaluates is read from the log each time, so a rule that somebody changed on
the office's disk has no effect. What published programmes need is all that is asked of people, taken in and kept.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from amparo_common.bridge import RulePublished
from amparo_common.clock import Clock
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.view import Logged
from amparo_office.errors import ProgrammeUnknown, VersionPublished
from amparo_rules.catalogue import Entity
from amparo_rules.errors import DoesNotFollowRule, RuleNotPublicInTime
from amparo_rules.examples import check_examples
from amparo_rules.receipt import notice_ends
from amparo_rules.rule import RuleFile, read_rule
from amparo_rules.step import check_step

Needed = frozenset[tuple[Entity, str]]
Published = Iterable[tuple[Logged, RulePublished]]
ENTITIES: tuple[Entity, ...] = ("person", "household")


class Needs(msgspec.Struct, frozen=True):
    """The facts that are needed, and those that were: since when nobody needs them. A version of a rule needs its facts from the
    day it is published until a later version of its programme counts, that is, has served its notice period: until then cycles
    are decided by the older one, while people are asked already for the newer one."""

    needed: Needed
    ended: dict[tuple[Entity, str], datetime]


class Programmes:
    """Publishing rules and finding them again."""

    def __init__(self, log: LogFollower, *, key: SigningKey, clock: Clock) -> None:
        self._log = log
        self._key = key
        self._clock = clock

    def publish(self, source: str) -> tuple[RuleFile, int]:
        """Check a rule file and put it into the log; returns its place. Publishing the same again changes nothing.
        Raises the errors of `read_rule`, `ExampleFails`, `AmountTooFine`, `VersionPublished`."""
        rule = read_rule(source)
        check_examples(rule)
        check_step(rule)
        for _, known in self._log.refresh().rules:
            same = (known.programme, known.version) == (rule.programme, rule.text.version)
            if same and known.rule_hash != rule.rule_hash:
                raise VersionPublished("This version is already published with other content.")
        body = RulePublished(
            programme=rule.programme,
            version=rule.text.version,
            rule_hash=rule.rule_hash,
            notice_days=rule.notice_days,
            file=source,
        )
        return rule, self._log.publish(body, self._key)

    def in_force(self, rule_hash: str) -> RuleFile:
        """The rule as the log has it, when its notice period has ended. Raises `ProgrammeUnknown`,
        `RuleNotPublicInTime`, `DoesNotFollowRule` when the logged file does not have the logged hash."""
        found = self._log.refresh().rule(rule_hash)
        if found is None:
            raise ProgrammeUnknown("This rule is not in the public log.")
        logged, published = found
        rule = read_rule(published.file)
        if rule.rule_hash != rule_hash:
            raise DoesNotFollowRule("The rule file in the log does not have the hash that stands beside it.")
        ends = notice_ends(logged.at, rule.notice_days)
        if self._clock.now() < ends:
            raise RuleNotPublicInTime(
                f"The rule counts from {ends:%Y-%m-%d} on.", why=f"Its notice period is {rule.notice_days} days."
            )
        return rule

    def newest(self, programme: str, version: str) -> str:
        """The hash of a published version. Raises `ProgrammeUnknown`."""
        for _, known in self._log.refresh().rules:
            if (known.programme, known.version) == (programme, version):
                return known.rule_hash
        raise ProgrammeUnknown("This version of the programme is not in the public log.")


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
