"""The public log as the desk sees it, in memory, for the tests of its apps."""

from datetime import UTC, datetime

from amparo_common.bridge import KeyAnnounced, RulePublished
from amparo_common.clock import FixedClock
from amparo_log.memory import MemoryLog
from amparo_office.desk import place
from amparo_rules.catalogue import CATALOGUE, Definitions, Entity
from amparo_rules.rule import read_rule
from amparo_rules.starter import starter
from amparo_service.keys import signing_key

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class TownLog(MemoryLog):
    """The public log as the desk sees it; `clock` is its own."""

    def __init__(self) -> None:
        self.clock = FixedClock(NOON)
        super().__init__(self.clock)

    @classmethod
    def with_food_basket(cls) -> "TownLog":
        """A log with the office's key and one published programme."""
        log, key = cls(), signing_key(place.folder(), "publish-key")
        log.publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
        publish_rule(log, starter("food-basket"))
        return log

    @classmethod
    def with_everything(cls) -> "TownLog":
        """A log with a programme that needs every fact of the catalogue."""
        log = cls.with_food_basket()
        publish_rule(log, asking("everything", "1", *CATALOGUE))
        return log


def publish_rule(log: TownLog, source: str) -> None:
    """Put a programme's rule into the log."""
    view = log.refresh()
    rule = read_rule(source, view.facts_before(view.size))
    body = RulePublished(
        programme=rule.programme,
        version=rule.text.version,
        rule_hash=rule.rule_hash,
        notice_days=rule.notice_days,
        file=source,
    )
    log.publish(body, signing_key(place.folder(), "publish-key"))


def asking(programme: str, version: str, *facts: tuple[Entity, str], defined: Definitions | None = None) -> str:
    """A rule that needs these facts, and gives everybody the same. With `defined`, facts of the log are among them."""
    known = CATALOGUE | dict(defined or {})
    inputs = {
        entity: ", ".join(f"{name}: {known[kind, name].type.kind}" for kind, name in facts if kind == entity)
        for entity in ("person", "household")
    }
    return f"""
programme: {programme}
version: "{version}"
language: {1 if defined is None else 2}
title: {{en: {programme}}}
purpose: {{en: To test.}}
legal_basis: None, it is a test.
unit: usd
budget: "1000.00"
notice_days: 7
inputs: {{person: {{{inputs["person"]}}}, household: {{{inputs["household"]}}}}}
facts: {{size: count(true)}}
require: [{{id: somebody, when: size >= 1, text: {{en: Somebody is there.}}}}]
amount: least(size, 5)
"""
