"""Programmes and cycles: a rule counts after its notice, every household is decided once, two people approve."""

from datetime import date, timedelta

import msgspec
import pytest
from packages.office.tests.conftest import (
    AS_OF,
    HOME_COLUMNS,
    OFFICE_KEY,
    PERSON_COLUMNS,
    RECEIPT_KEY,
    PowerCut,
    Town,
    csv_file,
    no_progress,
)

from amparo_common.bridge import AidApproved, DecisionsMade, LogMessage, RulePublished
from amparo_common.clock import FixedClock, to_text
from amparo_common.signing import SigningKey
from amparo_log.memory import MemoryLog
from amparo_office.cycles import CHUNK
from amparo_office.errors import (
    CycleExists,
    CycleUnknown,
    NotAsApproved,
    NotDecided,
    OverBudget,
    ProgrammeUnknown,
    SamePerson,
    VersionPublished,
)
from amparo_rules.errors import DoesNotFollowRule, ExampleFails, ForbiddenConcept, RuleNotPublicInTime
from amparo_rules.receipt import PublicRecord, Receipt, ReceiptBundle, check_receipt, read_receipt
from amparo_rules.rule import read_rule
from amparo_rules.starter import starter
from amparo_rules.sumtree import SumTree
from amparo_service.errors import Unreachable

BASKET = starter("food-basket")
# 32.00 + 6.00 a head + 12.00 for a small child: two heads with a child, and one head.
TOTAL = 5_600 + 3_800


class FragileLog(MemoryLog):
    """A log after whose next entry the power fails: it is published, and the office never learns it."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(clock)
        self.power_fails = False

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Publish, then perhaps die."""
        place = super().publish(body, key)
        if self.power_fails:
            self.power_fails = False
            raise PowerCut
        return place


def receipts(town: Town, cycle: int = 1) -> list[Receipt]:
    """Every stored receipt of a cycle, signature checked, in the order of the batch."""
    tokens = town.rows(f"SELECT receipt FROM decision WHERE cycle = {cycle} ORDER BY place")
    return [read_receipt(token, RECEIPT_KEY.public) for (token,) in tokens]


def check_all(town: Town, number: int = 1) -> None:
    """Check every receipt of a cycle as its household would: against the log, with its place in the batch."""
    rows = town.rows(f"SELECT receipt, leaf, amount FROM decision WHERE cycle = {number} ORDER BY place")
    tree = SumTree([(leaf, amount) for _, leaf, amount in rows])
    view = town.log.refresh()
    for place, (token, _, _) in enumerate(rows):
        receipt = read_receipt(token, RECEIPT_KEY.public)
        found = view.rule(receipt.rule_hash)
        ((logged, batch),) = [each for each in view.decisions if each[1].cycle == receipt.cycle]
        assert found is not None
        record = PublicRecord(
            rule_file=read_rule(found[1].file),
            rule_logged_at=found[0].at,
            receipt_key=RECEIPT_KEY.public,
            batch=batch,
            batch_logged_at=logged.at,
        )
        assert check_receipt(ReceiptBundle(receipt=token, batch=tree.proof(place)), record) == receipt


# --- programmes --------------------------------------------------------------------------------------------------------


def test_publishing_the_same_rule_again_changes_nothing(town: Town) -> None:
    first = town.programmes.publish(BASKET)
    assert town.programmes.publish(BASKET) == first
    assert len(town.log.view().rules) == 1


def test_a_published_version_never_changes_but_a_new_version_may(town: Town) -> None:
    town.programmes.publish(BASKET)
    dearer = BASKET.replace("least(150.00", "least(140.00")
    with pytest.raises(VersionPublished):
        town.programmes.publish(dearer)
    rule, _ = town.programmes.publish(dearer.replace('"2026.1"', '"2026.2"'))
    assert (
        town.programmes.newest("food-basket", "2026.2")
        == rule.rule_hash
        != town.programmes.newest("food-basket", "2026.1")
    )


def test_a_rule_with_a_false_example_or_a_forbidden_input_is_not_published(town: Town) -> None:
    with pytest.raises(ExampleFails):
        town.programmes.publish(BASKET.replace('expect: {amount: "74.00"}', 'expect: {amount: "75.00"}'))
    with pytest.raises(ForbiddenConcept):
        town.programmes.publish(BASKET.replace("rooms: int", "partido: int"))
    assert town.log.view().rules == []


def test_a_rule_counts_from_the_moment_its_notice_period_ends_and_not_a_second_before(town: Town) -> None:
    rule = town.publish(wait=False)
    ends = town.clock.now() + timedelta(days=rule.notice_days)
    town.clock.set(ends - timedelta(seconds=1))
    with pytest.raises(RuleNotPublicInTime, match=f"{ends:%Y-%m-%d}"):
        town.programmes.in_force(rule.rule_hash)
    town.clock.set(ends)
    assert town.programmes.in_force(rule.rule_hash).rule_hash == rule.rule_hash


def test_a_rule_that_is_not_in_the_log_is_unknown(town: Town) -> None:
    with pytest.raises(ProgrammeUnknown):
        town.programmes.in_force(read_rule(BASKET).rule_hash)
    with pytest.raises(ProgrammeUnknown):
        town.programmes.newest("food-basket", "2026.1")


def test_a_logged_file_that_does_not_have_its_logged_hash_is_refused(town: Town) -> None:
    body = RulePublished(programme="food-basket", version="x", rule_hash="0" * 64, notice_days=7, file=BASKET)
    town.log.publish(body, OFFICE_KEY)
    town.clock.set(town.clock.now() + timedelta(days=7))
    with pytest.raises(DoesNotFollowRule):
        town.programmes.in_force("0" * 64)


# --- deciding ----------------------------------------------------------------------------------------------------------


def test_nothing_is_decided_before_the_notice_ends(town: Town) -> None:
    rule = town.publish(wait=False)
    town.register()
    with pytest.raises(RuleNotPublicInTime):
        town.decide()
    assert town.rows("SELECT count(*) FROM cycle") == [(0,)]
    town.clock.set(town.clock.now() + timedelta(days=rule.notice_days))
    assert town.decide().households == 3


def test_an_empty_register_is_said_and_begins_no_cycle(town: Town) -> None:
    town.publish()
    with pytest.raises(NotDecided, match="no household"):
        town.decide()
    assert town.rows("SELECT count(*) FROM cycle") == [(0,)]


def test_every_household_gets_a_receipt_that_checks_out_and_their_sum_is_the_batchs(ready: Town) -> None:
    cycle = ready.decide()
    found = receipts(ready)
    assert [receipt.amount for receipt in found] == [5_600, 0, 3_800]
    assert [receipt.failed for receipt in found] == [[], ["income"], []]
    assert [receipt.declared.source for receipt in found] == ["parish registry"] * 3
    ((_, batch),) = ready.log.view().decisions
    expected = (cycle.root, 3, 2, sum(receipt.amount for receipt in found))
    assert (batch.root, batch.households, batch.eligible, batch.total) == expected
    assert (cycle.households, cycle.eligible, cycle.total, cycle.approver) == (3, 2, TOTAL, None)
    check_all(ready)


def test_a_receipt_holds_the_facts_that_its_rule_asks_for_and_no_others(ready: Town) -> None:
    ready.publish(starter("health-visit"))
    rule_hash = ready.programmes.newest("health-visit", "2026.1")
    ready.cycles.decide(rule_hash, "2026-11", as_of=AS_OF, maker="maker", progress=no_progress)
    assert [set(receipt.facts.household) for receipt in receipts(ready)] == [set()] * 3
    assert {name for receipt in receipts(ready) for each in receipt.facts.members for name in each} == {"birth_date"}


def test_programmes_know_a_household_by_names_that_cannot_be_joined(ready: Town) -> None:
    ready.decide()
    ready.publish(starter("health-visit"))
    other = ready.programmes.newest("health-visit", "2026.1")
    ready.cycles.decide(other, "2026-11", as_of=AS_OF, maker="maker", progress=no_progress)
    ready.decide("2026-12")
    first, health, next_month = ([receipt.household for receipt in receipts(ready, number)] for number in (1, 2, 3))
    assert len({*first, *health}) == 6
    assert first == next_month


def test_the_same_register_and_rule_give_the_same_decisions(ready: Town) -> None:
    ready.decide("a")
    ready.decide("b")
    one, two = ([msgspec.structs.replace(each, cycle="") for each in receipts(ready, number)] for number in (1, 2))
    assert one == two


def test_deciding_again_changes_nothing(ready: Town) -> None:
    cycle, tokens = ready.decide(), ready.rows("SELECT receipt FROM decision")
    ready.clock.set(ready.clock.now() + timedelta(days=1))
    assert ready.decide(maker="somebody else") == cycle
    assert ready.rows("SELECT receipt FROM decision") == tokens
    assert len(ready.log.view().decisions) == 1


def test_a_household_that_comes_after_the_batch_waits_for_the_next_cycle(ready: Town) -> None:
    cycle = ready.decide()
    homes = csv_file(HOME_COLUMNS, [("H9", "", "1", "1")])
    ready.take_in(homes, csv_file(PERSON_COLUMNS, [("H9", "", "", "", "", "", "yes", "")]))
    assert ready.decide() == cycle
    assert len(receipts(ready)) == 3
    assert ready.decide("2026-12").households == 4


def test_a_cycle_is_not_begun_twice_under_another_day_or_rule(ready: Town) -> None:
    ready.decide()
    rule = ready.publish(BASKET.replace('"2026.1"', '"2026.2"'))
    for rule_hash, as_of in (
        (ready.programmes.newest("food-basket", "2026.1"), date(2026, 11, 2)),
        (rule.rule_hash, AS_OF),
    ):
        with pytest.raises(CycleExists):
            ready.cycles.decide(rule_hash, "2026-11", as_of=as_of, maker="maker", progress=no_progress)


def test_a_power_cut_between_publishing_the_batch_and_keeping_it_is_mended_by_deciding_again(ready: Town) -> None:
    log = FragileLog(ready.clock)
    for body in (ready.log.view().keys["office"][1], ready.log.view().rules[0][1]):
        log.publish(body, OFFICE_KEY)
    ready.log = log
    ready.clock.set(ready.clock.now() + timedelta(days=7))
    ready.reopen()
    log.power_fails = True
    with pytest.raises(PowerCut):
        ready.decide()
    assert ready.rows("SELECT root FROM cycle") == [(None,)]
    ready.reopen()
    ready.clock.set(ready.clock.now() + timedelta(hours=1))
    cycle = ready.decide()
    ((_, batch),) = log.view().decisions
    assert (batch.root, batch.total) == (cycle.root, TOTAL)
    check_all(ready)


def test_a_log_that_is_away_stops_the_publishing_and_the_next_try_finishes(ready: Town) -> None:
    rule_hash = ready.programmes.newest("food-basket", "2026.1")

    def lose_the_log(_done: int, _total: int) -> None:
        ready.log.away = True

    with pytest.raises(Unreachable):
        ready.cycles.decide(rule_hash, "2026-11", as_of=AS_OF, maker="maker", progress=lose_the_log)
    ready.log.away = False
    with pytest.raises(NotDecided):
        ready.cycles.approve("food-basket", "2026-11", approver="second")
    assert ready.decide().total == TOTAL


def test_deciding_goes_on_behind_the_last_chunk_after_a_power_cut(town: Town) -> None:
    town.publish()
    count = CHUNK + 5
    homes = csv_file(HOME_COLUMNS, [(f"H{n}", "", "1", "1") for n in range(count)])
    people = csv_file(PERSON_COLUMNS, [(f"H{n}", "", "", "", "", "1990-01-01", "yes", "") for n in range(count)])
    town.take_in(homes, people)
    rule_hash = town.programmes.newest("food-basket", "2026.1")
    seen: list[tuple[int, int]] = []

    def cut(done: int, total: int) -> None:
        seen.append((done, total))
        raise PowerCut

    with pytest.raises(PowerCut):
        town.cycles.decide(rule_hash, "2026-11", as_of=AS_OF, maker="maker", progress=cut)
    assert seen == [(CHUNK, count)]
    begun, first = to_text(town.clock.now()), town.rows("SELECT leaf FROM decision ORDER BY place LIMIT 3")
    town.reopen()
    town.clock.set(town.clock.now() + timedelta(days=2))
    cycle = town.decide()
    assert (cycle.households, cycle.total, cycle.decided_at) == (count, count * 3_800, begun)
    assert town.rows("SELECT min(place), max(place), count(*), count(DISTINCT household) FROM decision") == [
        (0, count - 1, count, count)
    ]
    assert town.rows("SELECT leaf FROM decision ORDER BY place LIMIT 3") == first
    last = read_receipt(town.rows("SELECT receipt FROM decision ORDER BY place DESC LIMIT 1")[0][0], RECEIPT_KEY.public)
    assert last.decided_at == begun


# --- approving ---------------------------------------------------------------------------------------------------------


def approvals(town: Town) -> list[AidApproved]:
    return [body for _, body in town.log.view().approvals]


def test_who_started_a_cycle_cannot_approve_it_and_a_second_person_can(ready: Town) -> None:
    cycle = ready.decide(maker="ana")
    with pytest.raises(SamePerson):
        ready.cycles.approve("food-basket", "2026-11", approver="ana")
    assert approvals(ready) == []
    done = ready.cycles.approve("food-basket", "2026-11", approver="luz")
    assert done.approver == "luz"
    (approval,) = approvals(ready)
    assert (approval.root, approval.total, approval.unit, approval.approvals) == (cycle.root, TOTAL, "usd", 2)


def test_the_maker_stays_the_maker_when_somebody_else_resumes_the_work(ready: Town) -> None:
    ready.decide(maker="ana")
    ready.decide(maker="luz")
    with pytest.raises(SamePerson):
        ready.cycles.approve("food-basket", "2026-11", approver="ana")


def test_approving_again_is_one_approval_of_the_first_person(ready: Town) -> None:
    ready.decide()
    for approver in ("luz", "luz", "sol"):
        assert ready.cycles.approve("food-basket", "2026-11", approver=approver).approver == "luz"
    assert len(approvals(ready)) == 1
    assert ready.log.view().approved(approvals(ready)[0].unit) == TOTAL


def test_only_a_decided_cycle_is_approved(ready: Town) -> None:
    with pytest.raises(CycleUnknown):
        ready.cycles.approve("food-basket", "2026-11", approver="luz")
    rule = ready.programmes.in_force(ready.programmes.newest("food-basket", "2026.1"))
    ready.cycles.open(rule, "2026-11", as_of=AS_OF, maker="ana")
    with pytest.raises(NotDecided):
        ready.cycles.approve("food-basket", "2026-11", approver="luz")


@pytest.mark.parametrize(("budget", "allowed"), [("94.00", True), ("93.99", False)])
def test_a_total_above_the_published_budget_is_not_approved(town: Town, budget: str, *, allowed: bool) -> None:
    town.publish(BASKET.replace('budget: "1500000.00"', f'budget: "{budget}"'))
    town.register()
    town.decide()
    if allowed:
        assert town.cycles.approve("food-basket", "2026-11", approver="luz").total == TOTAL
    else:
        with pytest.raises(OverBudget):
            town.cycles.approve("food-basket", "2026-11", approver="luz")
        assert approvals(town) == []


@pytest.mark.parametrize("change", ["total = 9999999", f"root = '{'0' * 64}'"])
def test_totals_that_were_changed_after_their_publication_are_not_approved(ready: Town, change: str) -> None:
    ready.decide()
    ready.change(f"UPDATE cycle SET {change}")
    with pytest.raises(NotAsApproved):
        ready.cycles.approve("food-basket", "2026-11", approver="luz")
    assert approvals(ready) == []


def test_the_log_has_one_batch_per_cycle_and_it_names_nobody(ready: Town) -> None:
    ready.decide()
    ((_, batch),) = ready.log.view().decisions
    assert set(msgspec.structs.asdict(batch)) == {
        "programme",
        "cycle",
        "rule_hash",
        "as_of",
        "root",
        "households",
        "eligible",
        "total",
        "unit",
    }
    assert isinstance(batch, DecisionsMade)
