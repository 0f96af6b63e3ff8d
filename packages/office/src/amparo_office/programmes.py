"""Programmes: a rule is checked, its examples computed, and then it stands in the public log for its notice period.

The office keeps no rule of its own: what it evaluates is read from the log each time, so a rule that somebody changed on
the office's disk has no effect. What published programmes need is all that is asked of people, taken in and kept.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from amparo_common.bridge import RulePublished
from amparo_common.clock import Clock
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.view import Logged, LogView
from amparo_office.errors import ProgrammeUnknown, VersionPublished
from amparo_rules.catalogue import Definitions, Entity
from amparo_rules.defined import standing
from amparo_rules.errors import DoesNotFollowRule, RuleNotPublicInTime, RulesError
from amparo_rules.examples import check_examples
from amparo_rules.receipt import notice_ends
from amparo_rules.rule import RuleFile, facts_of, read_rule
from amparo_rules.step import check_step

Needed = frozenset[tuple[Entity, str]]


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
        view = self._log.refresh()
        rule = read_rule(source, view.facts_before(view.size))
        check_examples(rule)
        check_step(rule)
        for _, known in view.rules:
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
        `RuleNotPublicInTime`, `DoesNotFollowRule` when the logged file does not have the logged hash, `UnknownFact` when it names
        a fact that was not defined in the log before it."""
        view = self._log.refresh()
        found = view.rule(rule_hash)
        if found is None:
            raise ProgrammeUnknown("This rule is not in the public log.")
        logged, published = found
        rule = rule_at(view, logged, published)
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


def rule_at(view: LogView, place: Logged, published: RulePublished) -> RuleFile:
    """A rule as it stands in the log, read with the facts that were defined before it. Raises `DoesNotFollowRule` when the file
    does not have the hash that stands beside it, and the errors of `read_rule`."""
    rule = read_rule(published.file, view.facts_before(place.index))
    if rule.rule_hash != published.rule_hash:
        raise DoesNotFollowRule("The rule file in the log does not have the hash that stands beside it.")
    return rule


def readable(view: LogView) -> Iterator[tuple[Logged, RuleFile]]:
    """The rules in the log that can ever be in force, in its order. One that cannot be read, or that uses a fact which was not
    defined before it, counts for nothing: no cycle is decided by it, so it asks nothing of anybody (the audit reports it)."""
    for place, published in view.rules:
        try:
            yield place, rule_at(view, place, published)
        except RulesError:
            continue


def defined_in(view: LogView) -> Definitions:
    """The facts that the log defines beside the catalogue, as far as it was read."""
    return standing(view.facts_before(view.size))


def needs_of(view: LogView, at: datetime, *, programme: str = "") -> Needs:
    """What the published rules of a programme (for "", of all) need at `at`. Pure."""
    until: dict[tuple[Entity, str], datetime | None] = {}
    counts_from: dict[str, datetime] = {}
    # Backwards: the versions that can replace one are then known when it comes.
    for place, rule in reversed([each for each in readable(view) if programme in ("", each[1].programme)]):
        replaced = counts_from.get(rule.programme)
        counts = notice_ends(place.at, rule.notice_days)
        counts_from[rule.programme] = counts if replaced is None else min(counts, replaced)
        for key in facts_of(rule.text):
            known = until.get(key, replaced)
            until[key] = None if known is None or replaced is None else max(known, replaced)
    ended = {key: end for key, end in until.items() if end is not None and end <= at}
    return Needs(frozenset(until.keys() - ended.keys()), ended)
