"""A receipt of a rule that uses facts defined in the log: recomputed on one's own device, every deceit with it found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.wallet.tests.conftest import LOG_SIGNER, STRANGER, Town
from tests import roofs as roofs_of
from tests.roofs import logged

from amparo_common.bridge import FactDefined
from amparo_common.errors import AmparoError, BadSignature
from amparo_log.client import LogReader
from amparo_log.errors import BadEntry, BadProof
from amparo_log.note import NoteVerifier
from amparo_rules.errors import DoesNotFollowRule, ReceiptMalformed, RuleNotPublicInTime
from amparo_rules.receipt import ReceiptBundle
from amparo_rules.rule import RuleFile, read_rule
from amparo_service.client import Client
from amparo_wallet.receipts import Evidence, check_bundle, check_evidence, gather_evidence

VKEY = LOG_SIGNER.vkey
ROOF = logged()


def redefined(name: str = "roof_type", **kind: Any) -> FactDefined:
    """Another definition than the roof's: of another name, or of another kind."""
    made = msgspec.structs.replace(roofs_of.ROOF.type, **kind)
    return logged(msgspec.structs.replace(roofs_of.ROOF, name=name, type=made))


def roofs(*entries: FactDefined) -> RuleFile:
    """The rule, as the office reads it with these definitions."""
    return read_rule(roofs_of.RULE, entries)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town whose office has introduced itself and defined nothing yet."""
    made = Town(tmp_path)
    made.introduce()
    yield made
    made.close()


@pytest.fixture
def honest(town: Town) -> ReceiptBundle:
    """A receipt of the first household: the fact is defined, then the rule published, then decided."""
    town.say(ROOF)
    town.publish_rule(roofs(ROOF))
    return town.decide(rule=roofs(ROOF))[0]


def saved(town: Town, bundle: ReceiptBundle) -> Evidence:
    """What the wallet saves, written and read."""
    return msgspec.json.decode(msgspec.json.encode(gather_evidence(bundle, town.follower)), type=Evidence)


def test_receipts_of_a_rule_with_a_defined_fact_are_recomputed_offline(town: Town) -> None:
    town.say(redefined("wall_type"))
    town.say(ROOF)
    town.publish_rule(roofs(ROOF))
    found = []
    for bundle in town.decide(rule=roofs(ROOF)):
        evidence = saved(town, bundle)
        assert (evidence.v, len(evidence.facts or [])) == (2, 1)
        found.append(check_evidence(evidence, VKEY))
    assert [(receipt.amount, receipt.failed) for receipt in found] == [(3_000, []), (0, ["bad"]), (0, ["bad"])]
    assert [receipt.facts.household["roof_type"] for receipt in found] == [4, 1, None]


def test_a_wrongful_refusal_is_provable_with_the_definition(town: Town) -> None:
    town.say(ROOF)
    town.publish_rule(roofs(ROOF))

    def refuse(_place: int, receipt: dict[str, Any]) -> None:
        receipt.update(amount=0, eligible=False, failed=["bad"])

    evidence = saved(town, town.decide(rule=roofs(ROOF), change=refuse)[0])
    with pytest.raises(DoesNotFollowRule):
        check_evidence(evidence, VKEY)


def test_evidence_of_a_rule_without_defined_facts_is_as_it_always_was(town: Town) -> None:
    town.say(ROOF)
    town.publish_rule()
    written = msgspec.to_builtins(gather_evidence(town.decide()[0], town.follower))
    assert list(written) == ["bundle", "checkpoint", "office", "receipts", "rule", "batch", "v"]
    assert written["v"] == 1


# --- an office that lies ----------------------------------------------------------------------------------------------------


def test_a_fact_that_was_defined_after_the_rule_is_found(town: Town) -> None:
    town.publish_rule(roofs(ROOF))
    place = town.say(ROOF)
    bundle = town.decide(rule=roofs(ROOF))[0]
    with pytest.raises(RuleNotPublicInTime, match="had not defined"):
        check_bundle(bundle, town.follower, VKEY)
    # A file that shows the late definition shows that it was late.
    reader = LogReader(Client("http://log", transport=town.log_wire), NoteVerifier(VKEY))
    size = reader.update().size
    keys = town.follower.refresh().keys
    late = Evidence(
        bundle=bundle,
        checkpoint=reader.note or "",
        office=reader.prove(keys["office"][0].index),
        receipts=reader.prove(keys["receipts"][0].index),
        rule=reader.prove(place - 1),
        batch=reader.prove(size - 1),
        facts=[reader.prove(place)],
        v=2,
    )
    with pytest.raises(RuleNotPublicInTime, match="after the rule"):
        check_evidence(late, VKEY)


@pytest.mark.parametrize("kind", [{"max": 50}, {"min": 0}, {"max": 4}], ids=str)
def test_a_second_definition_of_the_name_changes_nothing(town: Town, kind: dict[str, Any]) -> None:
    """The office widens or narrows the range, and decides by what it wrote last."""
    other = redefined(**kind)
    town.say(ROOF)
    town.say(other)
    town.publish_rule(roofs(ROOF))
    assert check_bundle(town.decide(rule=roofs(ROOF))[0], town.follower, VKEY).amount == 3_000
    with pytest.raises(RuleNotPublicInTime):
        check_bundle(town.decide(rule=roofs(other), cycle="2026-12")[0], town.follower, VKEY)


def test_a_rule_that_was_hashed_with_a_second_definition_is_found(town: Town) -> None:
    other = redefined(max=50)
    town.say(ROOF)
    town.say(other)
    town.publish_rule(roofs(other))
    bundle = town.decide(rule=roofs(other))[0]
    evidence = saved(town, bundle)
    with pytest.raises(DoesNotFollowRule):
        check_evidence(evidence, VKEY)


@pytest.mark.parametrize("approvals", [0, 1])
def test_a_definition_of_one_person_makes_no_rule_evaluable(town: Town, approvals: int) -> None:
    town.say(msgspec.structs.replace(ROOF, approvals=approvals))
    town.publish_rule(roofs(ROOF))
    with pytest.raises(RuleNotPublicInTime):
        check_bundle(town.decide(rule=roofs(ROOF))[0], town.follower, VKEY)


# --- evidence that was tampered with ----------------------------------------------------------------------------------------


def test_evidence_without_its_definitions_or_with_others_is_refused(town: Town, honest: ReceiptBundle) -> None:
    walls = town.say(redefined("wall_type"))
    evidence = saved(town, honest)
    assert evidence.facts
    (proof,) = evidence.facts
    replace = msgspec.structs.replace
    for facts, v in (
        (msgspec.UNSET, 1),
        (msgspec.UNSET, 2),
        (msgspec.UNSET, 3),
        ([], 2),
        ([proof], 1),
        ([proof], 3),
        ([proof, proof], 2),
    ):
        with pytest.raises(ReceiptMalformed):
            check_evidence(replace(evidence, facts=facts, v=v), VKEY)
    for wrong in ([evidence.rule], [proof, evidence.batch], [town.follower.prove(walls)]):
        with pytest.raises(AmparoError) as refused:
            check_evidence(replace(evidence, facts=wrong), VKEY)
        assert refused.value.code in ("log.bad_entry", "log.bad_proof", "rules.rule_not_public_in_time")


def test_a_definition_with_one_changed_sign_is_not_in_the_log(town: Town, honest: ReceiptBundle) -> None:
    evidence = saved(town, honest)
    assert evidence.facts
    (proof,) = evidence.facts
    replace = msgspec.structs.replace
    for false in (
        replace(proof, index=proof.index - 1),
        replace(proof, proof=proof.proof[:-1]),
        replace(proof, entry=("A" if proof.entry[9] != "A" else "B").join((proof.entry[:9], proof.entry[10:]))),
    ):
        with pytest.raises((BadProof, BadEntry)):
            check_evidence(replace(evidence, facts=[false]), VKEY)


def test_a_definition_that_somebody_else_than_the_office_signed_is_refused(town: Town) -> None:
    places = {name: town.follower.refresh().keys[name][0].index for name in ("office", "receipts")}
    forged = town.say(ROOF, STRANGER)
    town.publish_rule(roofs(ROOF))
    bundle = town.decide(rule=roofs(ROOF))[0]
    reader = LogReader(Client("http://log", transport=town.log_wire), NoteVerifier(VKEY))
    size = reader.update().size
    evidence = Evidence(
        bundle=bundle,
        checkpoint=reader.note or "",
        office=reader.prove(places["office"]),
        receipts=reader.prove(places["receipts"]),
        rule=reader.prove(size - 2),
        batch=reader.prove(size - 1),
        facts=[reader.prove(forged)],
        v=2,
    )
    with pytest.raises(BadSignature):
        check_evidence(evidence, VKEY)
    with pytest.raises(BadEntry):
        check_bundle(bundle, town.follower, VKEY)
