"""A rule that uses facts defined in the log is published, taken in for and decided by; one that uses them before they stand there
never counts."""

from datetime import timedelta

import msgspec
import pytest
from packages.office.tests.conftest import (
    AS_OF,
    HOME_COLUMNS,
    OFFICE_KEY,
    PERSON_COLUMNS,
    RECEIPT_KEY,
    Town,
    csv_file,
    no_progress,
)
from tests.roofs import ROOF, RULE, logged

from amparo_common.bridge import RulePublished
from amparo_office.desk import public_log
from amparo_office.errors import FactNotNeeded
from amparo_office.register.models import Household
from amparo_office.store import Cycle
from amparo_rules.errors import DoesNotFollowRule, ForbiddenConcept, RuleNotPublicInTime, UnknownFact
from amparo_rules.receipt import Receipt, read_receipt, recompute
from amparo_rules.rule import RuleFile, read_rule

SOURCE = (
    RULE
    + """examples:
  - {name: straw, as_of: 2026-11-01, household: {roof_type: "4"}, members: [{}], expect: {amount: "25.00"}}
  - {name: nobody knows, as_of: 2026-11-01, household: {}, members: [{}], expect: {failed: [bad]}}
"""
)
MAPPING = """
source: parish registry
date: 2026-10-01
household: {ref: ref, facts: {roof_type: roof}}
individual: {household: home, given_name: name}
"""


def published(rule: RuleFile) -> RulePublished:
    """What the log says about a rule."""
    return RulePublished(rule.programme, rule.text.version, rule.rule_hash, rule.notice_days, rule.source)


@pytest.fixture
def roofs(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town in which the roof is defined; no rule is published yet."""
    monkeypatch.setattr(public_log, "known", lambda: town.log)
    town.log.publish(logged(), OFFICE_KEY)
    return town


def take_in(town: Town, *roofs: str) -> None:
    """Households of one person with these roofs, by an import."""
    homes = [(f"H{n}", roof) for n, roof in enumerate(roofs)]
    people = [(f"H{n}", "Ana") for n in range(len(roofs))]
    town.take_in(csv_file(("ref", "roof"), homes), csv_file(("home", "name"), people), mapping=MAPPING)


def decide(town: Town, rule: RuleFile) -> Cycle:
    """Decide by this rule."""
    return town.cycles.decide(rule.rule_hash, "2026-11", as_of=AS_OF, maker="maker", progress=no_progress)


def receipts(town: Town) -> list[Receipt]:
    """Every receipt."""
    tokens = town.rows("SELECT receipt FROM decision ORDER BY place")
    return [read_receipt(token, RECEIPT_KEY.public) for (token,) in tokens]


def test_a_rule_with_a_defined_fact_is_published_taken_in_for_and_decided_by(roofs: Town) -> None:
    rule = roofs.publish(SOURCE)
    take_in(roofs, "4", "2", "", "5")
    assert [home.facts for home in Household.objects.order_by("id")] == [
        {"roof_type": value} for value in (4, 2, None, 5)
    ]
    cycle = decide(roofs, rule)
    assert (cycle.households, cycle.eligible, cycle.total) == (4, 2, 2_500 + 3_500)
    found = receipts(roofs)
    assert [receipt.amount for receipt in found] == [2_500, 0, 0, 3_500]
    assert [receipt.facts.household for receipt in found] == [{"roof_type": value} for value in (4, 2, None, 5)]
    for receipt in found:
        assert recompute(receipt, rule).amount == receipt.amount
    roofs.cycles.approve("roofs", "2026-11", approver="second")
    assert roofs.log.view().approved(rule.unit) == 6_000


def test_bands_are_offered_for_a_cycle_by_a_rule_with_a_defined_fact(roofs: Town) -> None:
    rule = roofs.publish(SOURCE)
    take_in(roofs, "4", "4", "5")
    decide(roofs, rule)
    offer = roofs.cycles.bands("roofs", "2026-11", crowd=3, version="2")
    new, _ = roofs.programmes.publish(offer.rule)
    assert new.defined == (logged(),)


def test_a_fact_is_not_taken_in_before_a_programme_needs_it(roofs: Town) -> None:
    with pytest.raises(FactNotNeeded):
        take_in(roofs, "4")
    roofs.programmes.publish(SOURCE)
    take_in(roofs, "4")


def test_a_mapping_cannot_name_a_fact_that_is_defined_nowhere(town: Town) -> None:
    with pytest.raises(UnknownFact):
        take_in(town, "4")


def test_a_rule_is_not_published_before_its_facts_are_defined(town: Town) -> None:
    with pytest.raises(UnknownFact, match="roof_type"):
        town.programmes.publish(SOURCE)
    assert town.log.view().rules == []
    town.log.publish(logged(), OFFICE_KEY)
    assert town.programmes.publish(SOURCE)[0].defined == (logged(),)


def test_a_rule_that_stood_in_the_log_before_its_fact_is_never_in_force(town: Town) -> None:
    """The office puts both into the log itself, past its own checks, in the wrong order."""
    rule = read_rule(SOURCE, (logged(),))
    town.log.publish(published(rule), OFFICE_KEY)
    town.log.publish(logged(), OFFICE_KEY)
    town.clock.set(town.clock.now() + timedelta(days=30))
    assert town.needed() == frozenset()
    with pytest.raises(UnknownFact):
        town.programmes.in_force(rule.rule_hash)
    # Neither does it help to say the rule once more: its first publication counts.
    town.log.publish(msgspec.structs.replace(published(rule), version="1 again"), OFFICE_KEY)
    with pytest.raises(UnknownFact):
        decide(town, rule)


def test_a_definition_after_the_rule_does_not_change_the_rule(roofs: Town) -> None:
    rule = roofs.publish(SOURCE)
    wider = msgspec.structs.replace(ROOF, type=msgspec.structs.replace(ROOF.type, max=50))
    roofs.log.publish(logged(wider), OFFICE_KEY)
    assert roofs.programmes.in_force(rule.rule_hash) == rule
    again = SOURCE.replace('version: "1"', 'version: "2"')
    assert roofs.programmes.publish(again)[0].plan(AS_OF).household_inputs["roof_type"].max == 5


def test_a_rule_with_the_hash_of_a_later_definition_is_never_in_force(roofs: Town) -> None:
    wider = msgspec.structs.replace(ROOF, type=msgspec.structs.replace(ROOF.type, max=50))
    rule = read_rule(SOURCE, (logged(wider),))
    roofs.log.publish(published(rule), OFFICE_KEY)
    roofs.clock.set(roofs.clock.now() + timedelta(days=30))
    with pytest.raises(DoesNotFollowRule):
        roofs.programmes.in_force(rule.rule_hash)
    assert roofs.needed() == frozenset()


def test_the_notice_period_of_a_rule_with_a_defined_fact_runs_as_of_any_other(roofs: Town) -> None:
    rule = roofs.publish(SOURCE, wait=False)
    with pytest.raises(RuleNotPublicInTime):
        roofs.programmes.in_force(rule.rule_hash)


def test_a_forbidden_definition_in_the_log_makes_no_rule_evaluable(town: Town) -> None:
    forbidden = msgspec.structs.replace(ROOF, name="party_card")
    town.log.publish(logged(forbidden), OFFICE_KEY)
    town.log.publish(logged(msgspec.structs.replace(ROOF, purpose="to know their religion")), OFFICE_KEY)
    with pytest.raises(ForbiddenConcept):
        town.programmes.publish(SOURCE.replace("roof_type", "party_card"))
    with pytest.raises(UnknownFact):
        town.programmes.publish(SOURCE)


def test_rules_of_the_catalogue_are_decided_the_same_beside_defined_facts(roofs: Town) -> None:
    rule = roofs.publish()
    assert rule.defined == ()
    roofs.take_in(
        csv_file(HOME_COLUMNS, [("H0", "yes", "50.5", "2")]),
        csv_file(PERSON_COLUMNS, [("H0", "Ana", "Díaz", "", "es", "1990-01-02", "yes", "no")]),
    )
    assert roofs.decide().eligible == 1
