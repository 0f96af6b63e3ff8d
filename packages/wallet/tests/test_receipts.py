"""Checking one's own receipt: an honest one holds, and every way to deceive with one is found, online and offline."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.wallet.tests.conftest import AMOUNTS, LOG_SIGNER, OFFICE_KEY, PUBLISHED, RULE, STRANGER, Town

from amparo_common.bridge import KeyAnnounced
from amparo_common.errors import AmparoError, BadSignature
from amparo_common.signing import SigningKey, b64url, unb64url
from amparo_log.client import LogReader
from amparo_log.errors import BadEntry, BadNote, BadProof
from amparo_log.note import NoteSigner, NoteVerifier, open_checkpoint
from amparo_rules.errors import (
    DoesNotFollowRule,
    NotInBatch,
    ReceiptMalformed,
    ReceiptSignatureFalse,
    RuleNotPublicInTime,
)
from amparo_rules.receipt import Receipt, ReceiptBundle
from amparo_rules.rule import read_rule
from amparo_service.client import Client
from amparo_wallet.errors import KeyNotInLog
from amparo_wallet.receipts import Evidence, check_bundle, check_evidence, gather_evidence, proof_of

VKEY = LOG_SIGNER.vkey


def check(town: Town, bundle: ReceiptBundle) -> Receipt:
    """Check online, and offline from a file; both say the same."""
    receipt = check_bundle(bundle, town.follower, VKEY)
    saved = msgspec.json.encode(gather_evidence(bundle, town.follower))
    assert check_evidence(msgspec.json.decode(saved, type=Evidence), VKEY) == receipt
    return receipt


def found(town: Town, bundle: ReceiptBundle, finding: type[AmparoError], match: str = "") -> None:
    """The check ends with this finding, and so does that of the proof which a person gives away; or the log proves nothing."""
    with pytest.raises(finding, match=match or None):
        check_bundle(bundle, town.follower, VKEY)
    proof = proof_of(bundle, town.follower)
    if isinstance(proof, ReceiptBundle):
        assert proof == bundle
        with pytest.raises(finding):
            gather_evidence(bundle, town.follower)
    else:
        with pytest.raises(finding, match=match or None):
            check_evidence(msgspec.json.decode(msgspec.json.encode(proof), type=Evidence), VKEY)


def test_every_receipt_of_an_honest_batch_holds_whether_yes_or_no(town: Town) -> None:
    receipts = [check(town, bundle) for bundle in town.decide()]
    assert [receipt.amount for receipt in receipts] == AMOUNTS
    assert [receipt.failed for receipt in receipts] == [[], ["income"], []]


def test_later_entries_of_the_log_change_nothing(town: Town) -> None:
    bundle = town.decide()[0]
    evidence = gather_evidence(bundle, town.follower)
    for month in ("2026-12", "2027-01"):
        town.decide(cycle=month)
    assert check(town, bundle).amount == AMOUNTS[0]
    assert check_evidence(evidence, VKEY).amount == AMOUNTS[0]


# --- a receipt that was changed after it was signed ------------------------------------------------------------------------


def payload_of(bundle: ReceiptBundle) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode(unb64url(bundle.receipt.split(".")[1]))
    return content


def with_payload(bundle: ReceiptBundle, content: Any) -> ReceiptBundle:
    """The bundle with another content under the old signature."""
    head, _, signature = bundle.receipt.split(".")
    payload = b64url(msgspec.json.encode(content, order="sorted"))
    return msgspec.structs.replace(bundle, receipt=f"{head}.{payload}.{signature}")


@pytest.mark.parametrize(
    "field", ["decided_at", "household", "amount", "eligible", "facts", "steps", "declared", "holder"]
)
def test_a_receipt_changed_in_one_field_is_found(town: Town, field: str) -> None:
    bundle = town.decide()[0]
    content = payload_of(bundle)
    assert with_payload(bundle, content) == bundle
    content[field] = {"decided_at": "2026-11-02T09:00:00Z", "amount": 1, "eligible": False}.get(field, "x")
    found(town, with_payload(bundle, content), ReceiptSignatureFalse)


@pytest.mark.parametrize(
    ("field", "finding"), [("rule_hash", RuleNotPublicInTime), ("cycle", NotInBatch), ("programme", NotInBatch)]
)
def test_a_receipt_that_points_elsewhere_is_found(town: Town, field: str, finding: type[AmparoError]) -> None:
    bundle = town.decide()[0]
    found(town, with_payload(bundle, payload_of(bundle) | {field: "0" * 64}), finding)


DEEP = "e30." + b64url(b'{"x": ' + b"[" * 100_000) + ".e30"


@pytest.mark.parametrize(
    "receipt", ["", "a.b.c", "a.b", "e30.e30.e30", "ñ.ñ.ñ", "x" * 5_000, DEEP], ids=lambda text: text[:9]
)
def test_what_is_no_receipt_is_said(town: Town, receipt: str) -> None:
    bundle = msgspec.structs.replace(town.decide()[0], receipt=receipt)
    found(town, bundle, ReceiptMalformed)


# --- an office that lies ---------------------------------------------------------------------------------------------------


def test_a_receipt_signed_with_another_key_is_found(town: Town) -> None:
    found(town, town.decide(key=SigningKey.generate())[0], ReceiptSignatureFalse)


def set_fact(_place: int, receipt: dict[str, Any]) -> None:
    receipt["facts"]["household"]["monthly_income"] = "9999.00"


def set_amount(_place: int, receipt: dict[str, Any]) -> None:
    receipt["amount"] += 100


def refuse(_place: int, receipt: dict[str, Any]) -> None:
    receipt.update(amount=0, eligible=False, failed=["income"])


def hide_step(_place: int, receipt: dict[str, Any]) -> None:
    del receipt["steps"]["size"]


def add_fact(_place: int, receipt: dict[str, Any]) -> None:
    receipt["facts"]["household"]["partido"] = "x"


def other_version(_place: int, receipt: dict[str, Any]) -> None:
    receipt["v"] = 2


def impossible_fact(_place: int, receipt: dict[str, Any]) -> None:
    receipt["facts"]["household"]["rooms"] = 99


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (set_fact, DoesNotFollowRule),
        (set_amount, DoesNotFollowRule),
        (refuse, DoesNotFollowRule),
        (hide_step, DoesNotFollowRule),
        (add_fact, DoesNotFollowRule),
        (other_version, ReceiptMalformed),
        (impossible_fact, ReceiptMalformed),
    ],
)
def test_a_decision_that_does_not_follow_the_rule_is_found_although_the_office_signed_it(
    town: Town, change: Callable[[int, dict[str, Any]], None], finding: type[AmparoError]
) -> None:
    found(town, town.decide(change=change)[0], finding)


@pytest.mark.parametrize(
    "wrong",
    [
        {"root": "0" * 64},
        {"total": sum(AMOUNTS) + 1},
        {"households": 4},
        {"as_of": "2026-11-02"},
        {"unit": "food"},
    ],
    ids=str,
)
def test_a_batch_published_otherwise_than_it_was_signed_is_found(town: Town, wrong: dict[str, Any]) -> None:
    found(town, town.decide(**wrong)[0], NotInBatch)


def test_a_batch_that_is_not_in_the_log_is_found(town: Town) -> None:
    found(town, town.decide(publish=False)[0], NotInBatch, match="No batch")


def test_a_receipt_that_was_left_out_of_the_batch_is_found(town: Town) -> None:
    """The office signs a second, secret decision for the household, which no published batch holds."""
    town.decide()
    secret = town.decide(publish=False, change=lambda _place, receipt: receipt.update(household="H9"))[0]
    found(town, secret, NotInBatch)


def test_a_place_in_the_batch_of_somebody_else_is_found(town: Town) -> None:
    first, second, _ = town.decide()
    found(town, msgspec.structs.replace(first, batch=second.batch), NotInBatch)


def test_a_rule_that_was_published_too_late_is_found(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.introduce()
    town.clock.set(PUBLISHED.replace(day=26))  # seven days of notice end on the 2nd of November
    town.publish_rule()
    found(town, town.decide()[0], RuleNotPublicInTime)
    town.close()


def test_a_batch_that_was_logged_before_the_notice_ended_is_found_whatever_the_receipt_says(town: Town) -> None:
    bundle = town.decide(logged=PUBLISHED.replace(day=26))[0]
    assert payload_of(bundle)["decided_at"] == "2026-11-01T09:00:00Z"
    found(town, bundle, RuleNotPublicInTime)


def test_a_rule_that_is_not_in_the_log_is_found(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.introduce()
    found(town, town.decide()[0], RuleNotPublicInTime)
    town.close()


def test_a_logged_file_that_is_another_rule_than_its_hash_says_is_found(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.introduce()
    town.publish_rule(file=RULE.source.replace("least(150.00", "least(140.00"))
    found(town, town.decide()[0], DoesNotFollowRule)
    town.close()


def test_an_office_that_never_announced_the_key_of_its_receipts_is_found(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.say(KeyAnnounced(purpose="office", jwk=OFFICE_KEY.public.jwk))
    town.publish_rule()
    found(town, town.decide()[0], KeyNotInLog)
    town.close()


# --- evidence that was tampered with ---------------------------------------------------------------------------------------


@pytest.fixture
def evidence(town: Town) -> Evidence:
    return gather_evidence(town.decide()[0], town.follower)


def test_evidence_of_another_log_is_refused(evidence: Evidence) -> None:
    other = NoteSigner(LOG_SIGNER.name, bytes(32))
    with pytest.raises(BadNote):
        check_evidence(evidence, other.vkey)
    text = evidence.checkpoint.partition("\n\n")[0] + "\n"
    with pytest.raises(BadNote):
        check_evidence(msgspec.structs.replace(evidence, checkpoint=other.sign(text)), VKEY)
    assert check_evidence(msgspec.structs.replace(evidence, checkpoint=LOG_SIGNER.sign(text)), VKEY)


@pytest.mark.parametrize("part", ["office", "receipts", "rule", "batch"])
def test_a_proof_in_the_place_of_another_is_refused(evidence: Evidence, part: str) -> None:
    for other in {"office", "receipts", "rule", "batch"} - {part}:
        with pytest.raises(AmparoError) as refused:
            check_evidence(msgspec.structs.replace(evidence, **{part: getattr(evidence, other)}), VKEY)
        assert refused.value.code in ("log.bad_entry", "common.bad_signature")


@pytest.mark.parametrize("part", ["office", "receipts", "rule", "batch"])
def test_a_proof_with_another_entry_index_or_path_is_refused(evidence: Evidence, part: str) -> None:
    proof = getattr(evidence, part)
    replace = msgspec.structs.replace
    for false in (
        replace(proof, index=proof.index + 1),
        replace(proof, index=10**9),
        replace(proof, index=-1),
        replace(proof, proof=proof.proof[:-1]),
        replace(proof, proof=[*proof.proof, proof.proof[0]]),
        replace(proof, proof=["?"]),
        replace(proof, entry=""),
        replace(proof, entry="?"),
    ):
        with pytest.raises((BadProof, BadEntry)):
            check_evidence(replace(evidence, **{part: false}), VKEY)


@pytest.mark.parametrize("part", ["receipts", "rule", "batch"])
def test_an_entry_that_somebody_else_than_the_office_signed_is_refused_although_it_is_in_the_log(
    town: Town, evidence: Evidence, part: str
) -> None:
    body = getattr(evidence, part).check(open_checkpoint(evidence.checkpoint, NoteVerifier(VKEY))).entry.body
    places = {name: getattr(evidence, name).index for name in ("office", "receipts", "rule", "batch")}
    places[part] = town.say(body, STRANGER)
    reader = LogReader(Client("http://log", transport=town.log_wire), NoteVerifier(VKEY))
    reader.update()
    proofs = {name: reader.prove(place) for name, place in places.items()}
    forged = msgspec.structs.replace(evidence, checkpoint=reader.note, **proofs)
    with pytest.raises(BadSignature):
        check_evidence(forged, VKEY)
    with pytest.raises(BadEntry):
        check_bundle(evidence.bundle, town.follower, VKEY)


def test_one_sign_changed_anywhere_in_the_evidence_is_noticed(evidence: Evidence) -> None:
    saved = msgspec.json.encode(evidence)
    pick = random.Random(3)
    broken = 0
    for _ in range(250):
        place = pick.randrange(len(saved))
        sign = pick.choice(b'0123456789abcdefABCDEF+/={}[]",:. ')
        changed = saved[:place] + bytes([sign]) + saved[place + 1 :]
        if sign == saved[place]:
            continue
        try:
            read = msgspec.json.decode(changed, type=Evidence)
        except ValueError:
            continue
        with pytest.raises(AmparoError):
            check_evidence(read, VKEY)
        broken += 1
    assert broken > 150


def test_a_second_rule_and_batch_of_the_programme_do_not_stand_in_for_the_receipts_own(town: Town) -> None:
    """An honest programme publishes version after version; a receipt is checked by the one it names."""
    first = town.decide()[0]
    newer = read_rule(RULE.source.replace('"2026.1"', '"2026.2"').replace("least(150.00", "least(149.00"))
    town.publish_rule(newer)
    town.decide(cycle="2026-12")
    assert check(town, first).rule_version == "2026.1"
    evidence = gather_evidence(first, town.follower)
    second = town.follower.refresh().rule(newer.rule_hash)
    assert second is not None
    with pytest.raises(DoesNotFollowRule):
        check_evidence(msgspec.structs.replace(evidence, rule=town.follower.prove(second[0].index)), VKEY)
