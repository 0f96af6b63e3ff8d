"""Each check of the audit passes on an honest log and finds its own planted fault."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from amparo.audit.checks import CHECKS, CLOCKS, figures, run_checks
from amparo_common import canonical
from amparo_common.bridge import (
    AidApproved,
    DecisionsMade,
    FactDefined,
    KeyAnnounced,
    KeysetAnnounced,
    LogEntry,
    LogMessage,
    MintFigures,
    RulePublished,
    SettlementFigures,
    sign_for_log,
)
from amparo_common.clock import to_text
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.view import LogView
from amparo_purse.calendar import GRACE
from amparo_rules.catalogue import FactDefinition, FactType
from amparo_rules.rule import read_rule
from amparo_rules.starter import starter

USD = Unit("usd")
RULE = read_rule(starter("food-basket"))
OFFICE, MINT, SHOPS = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
DAY = datetime(2026, 10, 1, 9, tzinfo=UTC)
KEYSET = KeysetId("01" + "ab" * 32)

# The moment of the figures of the honest month, which say that something expired.
LOGGED = int((DAY + timedelta(days=30)).timestamp())

Story = list[tuple[int, LogMessage, SigningKey]]


def honest() -> Story:
    """An honest month: (day, message, publisher)."""
    return [
        (1, KeyAnnounced(purpose="office", jwk=OFFICE.public.jwk), OFFICE),
        (1, KeyAnnounced(purpose="mint", jwk=MINT.public.jwk), MINT),
        (1, KeyAnnounced(purpose="shops", jwk=SHOPS.public.jwk), SHOPS),
        (1, RulePublished("food-basket", "2026.1", RULE.rule_hash, 7, RULE.source), OFFICE),
        (9, DecisionsMade("food-basket", "2026-10", RULE.rule_hash, "2026-10-09", "aa", 10, 6, 60_000, USD), OFFICE),
        (10, AidApproved("food-basket", "2026-10", "aa", 60_000, USD, 2), OFFICE),
        (10, KeysetAnnounced(KEYSET, USD, {"1": "02"}), MINT),
        (31, MintFigures("2026-10", KEYSET, USD, 50_000, 0, 30_000, 18_000, 2_000), MINT),
        (31, SettlementFigures("2026-10", USD, 2, 30_000, 25_000, 5_000), SHOPS),
    ]


def view_of(story: Story) -> LogView:
    """What a log with this story says."""
    view = LogView()
    for index, (day, message, key) in enumerate(story):
        at = to_text(DAY + timedelta(days=day - 1))
        view.add(index, LogEntry(at=at, entry=sign_for_log(message, key)))
    return view


def changed(kind: type[msgspec.Struct], **fields: Any) -> Callable[[], Story]:
    """The honest month with fields of one kind of message changed."""
    return lambda: [
        (day, msgspec.structs.replace(body, **fields) if isinstance(body, kind) else body, key)
        for day, body, key in honest()
    ]


def again(kind: type[msgspec.Struct], day: int, **fields: Any) -> Callable[[], Story]:
    """The honest month with one message said once more, changed."""

    def made() -> Story:
        (body, key) = next((body, key) for _, body, key in honest() if isinstance(body, kind))
        return _in_time([*honest(), (day, msgspec.structs.replace(body, **fields), key)])

    return made


def too_early() -> Story:
    return [(5 if isinstance(body, DecisionsMade) else day, body, key) for day, body, key in honest()]


def _in_time(story: Story) -> Story:
    """The story with days that never go back, as a log writes them."""
    found: Story = []
    for day, body, key in story:
        found.append((max(day, found[-1][0] if found else day), body, key))
    return found


def approved_first() -> Story:
    story = honest()
    story[4], story[5] = story[5], story[4]
    return _in_time(story)


def keyset_afterwards() -> Story:
    story = honest()
    story[6], story[7] = story[7], story[6]
    return _in_time(story)


def roof(**changes: Any) -> FactDefined:
    """A fact beside the catalogue, as the office defines it, perhaps with something else in its definition."""
    labels = dict.fromkeys(("es", "en", "fr", "ar", "pt"), "type of roof")
    made = FactDefinition("roof_type", "household", FactType(kind="int", min=1, max=5), labels, "declared need", 365)
    made = msgspec.structs.replace(made, **changes)
    return FactDefined(made.entity, made.name, canonical.encode(made).decode(), approvals=2)


ROOFS = RULE.source.replace("language: 1", "language: 2").replace("rooms: int}", "rooms: int, roof_type: int}")


def with_roofs(*order: str, **changes: Any) -> Callable[[], Story]:
    """The honest month by a rule that uses a defined fact: `order` says what stands where ("fact", "rule", "other fact")."""
    rule = read_rule(ROOFS, (roof(),))
    said: dict[str, LogMessage] = {
        "fact": msgspec.structs.replace(roof(), **changes),
        "rule": RulePublished("food-basket", "2026.1", rule.rule_hash, 7, ROOFS),
        "other fact": roof(type=FactType(kind="int", min=1, max=50)),
    }

    def made() -> Story:
        story: Story = []
        for day, body, key in honest():
            if isinstance(body, RulePublished):
                story += [(day, said[name], OFFICE) for name in order]
            elif isinstance(body, DecisionsMade):
                story.append((day, msgspec.structs.replace(body, rule_hash=rule.rule_hash), key))
            else:
                story.append((day, body, key))
        return story

    return made


FAULTS: list[tuple[str, Callable[[], Story]]] = [
    ("facts_defined", with_roofs("fact", "rule", "other fact")),
    ("facts_defined", with_roofs("fact", "rule", approvals=1)),
    ("facts_defined", with_roofs("fact", "rule", name="wall_type")),
    ("facts_defined", with_roofs("fact", "rule", definition=roof(purpose="to know their religion").definition)),
    ("rules_unchanged", with_roofs("rule", "fact")),
    ("rules_unchanged", with_roofs("other fact", "fact", "rule")),
    ("rules_unchanged", with_roofs("rule")),
    ("rules_unchanged", again(RulePublished, 12, rule_hash="00" * 32)),
    ("rules_unchanged", changed(RulePublished, file=RULE.source.replace("150.00", "90.00"))),
    ("rules_unchanged", changed(RulePublished, notice_days=1)),
    ("rules_unchanged", changed(RulePublished, file="not a rule")),
    ("notice_kept", too_early),
    ("notice_kept", changed(DecisionsMade, rule_hash="00" * 32)),
    ("approvals_match", changed(AidApproved, total=60_001)),
    ("approvals_match", changed(AidApproved, root="bb")),
    ("approvals_match", changed(AidApproved, approvals=1)),
    ("approvals_match", changed(AidApproved, cycle="2026-11")),
    ("approvals_match", again(AidApproved, 12)),
    ("approvals_match", again(DecisionsMade, 12)),
    ("approvals_match", approved_first),
    ("approvals_match", lambda: [*changed(DecisionsMade, total=150_000_001)()]),
    ("keysets_announced", keyset_afterwards),
    ("keysets_announced", changed(KeysetAnnounced, unit=Unit("usd-medicine"))),
    ("issued_within_approved", changed(MintFigures, issued=60_001)),
    ("issued_is_accounted_for", changed(MintFigures, outstanding=18_001)),
    ("issued_is_accounted_for", changed(MintFigures, moved=5, outstanding=18_005)),
    ("issued_is_accounted_for", changed(MintFigures, outstanding=-1, expired=20_001)),
    ("issued_is_accounted_for", changed(KeysetAnnounced, final_expiry=LOGGED - GRACE + CLOCKS)),
    ("redeemed_is_settled", changed(SettlementFigures, deposited=29_999, settled=24_999)),
    ("redeemed_is_settled", changed(SettlementFigures, payable=4_999)),
]


def test_an_honest_month_passes_every_check() -> None:
    assert [check.id for check in run_checks(view_of(honest())) if not check.passed] == []


def test_a_month_by_a_rule_with_a_defined_fact_passes_every_check() -> None:
    assert [check.id for check in run_checks(view_of(with_roofs("fact", "rule")())) if not check.passed] == []


@pytest.mark.parametrize(("check", "story"), FAULTS, ids=[f"{name}-{n}" for n, (name, _) in enumerate(FAULTS)])
def test_a_planted_fault_is_found(check: str, story: Callable[[], Story]) -> None:
    findings = {each.id: each.findings for each in run_checks(view_of(story()))}
    assert findings[check]


def test_every_check_has_a_planted_fault() -> None:
    assert {name for name, _ in FAULTS} == set(CHECKS)


def test_the_figures_follow_the_aid_from_decision_to_shop() -> None:
    (unit,) = figures(view_of(honest())).units
    assert (unit.decided, unit.approved, unit.issued, unit.unclaimed) == (60_000, 60_000, 50_000, 10_000)
    assert (unit.redeemed, unit.outstanding, unit.expired) == (30_000, 18_000, 2_000)
    assert (unit.deposited, unit.settled, unit.payable, unit.shops) == (30_000, 25_000, 5_000, 2)


def test_a_keyset_may_be_closed_once_its_days_of_grace_are_over() -> None:
    story = changed(KeysetAnnounced, final_expiry=LOGGED - GRACE + CLOCKS - 1)
    assert [check.id for check in run_checks(view_of(story())) if not check.passed] == []


def test_only_the_newest_figures_of_a_keyset_count() -> None:
    later = again(MintFigures, 40, period="2026-11", redeemed=31_000, outstanding=17_000)
    (unit,) = figures(view_of(later())).units
    assert (unit.redeemed, unit.outstanding) == (31_000, 17_000)
