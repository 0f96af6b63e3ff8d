"""Checking one's own receipt against the public log: signature, rule, notice, batch. Nothing is sent anywhere.

With a connection the log is read (by the same requests for everybody); without one, the proofs in a saved file are enough:
`gather_evidence` collects them, `check_evidence` needs the log's key and nothing else.
"""

from collections.abc import Sequence

import msgspec

from amparo_common.bridge import DecisionsMade, KeyAnnounced, LogEntry, RulePublished, check_log_signature
from amparo_common.errors import AmparoError
from amparo_common.signing import VerifyingKey, read_unverified
from amparo_log.client import InclusionProof
from amparo_log.errors import BadEntry
from amparo_log.follow import LogFollower
from amparo_log.note import NoteVerifier, open_checkpoint
from amparo_rules.errors import NotInBatch, ReceiptMalformed, RuleNotPublicInTime
from amparo_rules.receipt import PublicRecord, Receipt, ReceiptBundle, check_receipt
from amparo_rules.rule import read_rule
from amparo_wallet.errors import KeyNotInLog


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt with everything needed to check it offline: log entries with their proofs, and one checkpoint. `office` and
    `receipts` announce the keys, `rule` and `batch` are what the receipt names."""

    bundle: ReceiptBundle
    checkpoint: str
    office: InclusionProof
    receipts: InclusionProof
    rule: InclusionProof
    batch: InclusionProof
    v: int = 1


class _Named(msgspec.Struct, frozen=True):
    """The fields of a receipt that say where to look in the log. Not verified yet."""

    programme: str
    cycle: str
    rule_hash: str


def _named(bundle: ReceiptBundle) -> _Named:
    try:
        return msgspec.json.decode(read_unverified(bundle.receipt), type=_Named)
    except (AmparoError, ValueError, RecursionError) as error:
        raise ReceiptMalformed("The receipt cannot be read.") from error


def gather_evidence(bundle: ReceiptBundle, log: LogFollower) -> Evidence:
    """The receipt with its proofs from the log. Raises `KeyNotInLog`, `RuleNotPublicInTime`, `NotInBatch`."""
    named, view = _named(bundle), log.refresh()
    rule = view.rule(named.rule_hash)
    if rule is None:
        raise RuleNotPublicInTime("The rule that the receipt names is not in the public log.")
    batch = next(
        (
            place
            for place, b in view.decisions
            if (b.programme, b.cycle, b.rule_hash) == (named.programme, named.cycle, named.rule_hash)
        ),
        None,
    )
    if batch is None:
        raise NotInBatch("No batch of this programme and cycle is in the public log.")
    try:
        office, receipts = view.keys["office"][0], view.keys["receipts"][0]
    except KeyError as error:
        raise KeyNotInLog("The office's keys are not in the public log.") from error
    _, note = log.checkpoint()
    return Evidence(
        bundle=bundle,
        checkpoint=note,
        office=log.prove(office.index),
        receipts=log.prove(receipts.index),
        rule=log.prove(rule[0].index),
        batch=log.prove(batch.index),
    )


def check_evidence(evidence: Evidence, vkey: str) -> Receipt:
    """The receipt, when all of it holds under this log key; offline. Raises the finding otherwise (see
    `amparo_rules.receipt`), or `BadNote`, `BadProof`, `BadEntry` when the log's part is false."""
    checkpoint = open_checkpoint(evidence.checkpoint, NoteVerifier(vkey))
    proofs = (evidence.office, evidence.receipts, evidence.rule, evidence.batch)
    entries = [proof.check(checkpoint) for proof in proofs]
    office = _office_key(entries)
    key, rule, batch = (entry.entry.body for entry in entries[1:])
    if not (isinstance(key, KeyAnnounced) and key.purpose == "receipts" and key.jwk is not None):
        raise BadEntry("The proof of the receipt key proves something else.")
    if not isinstance(rule, RulePublished) or not isinstance(batch, DecisionsMade):
        raise BadEntry("A proof proves something else.")
    for entry in entries:
        check_log_signature(entry.entry, office)
    record = PublicRecord(
        rule_file=read_rule(rule.file),
        rule_logged_at=entries[2].at,
        receipt_key=VerifyingKey(key.jwk),
        batch=batch,
        batch_logged_at=entries[3].at,
    )
    return check_receipt(evidence.bundle, record)


def _office_key(entries: Sequence[LogEntry]) -> VerifyingKey:
    body = entries[0].entry.body
    if not (isinstance(body, KeyAnnounced) and body.purpose == "office" and body.jwk is not None):
        raise BadEntry("The proof of the office's key proves something else.")
    return VerifyingKey(body.jwk)


def check_bundle(bundle: ReceiptBundle, log: LogFollower, vkey: str) -> Receipt:
    """Check a receipt with a connection to the log. Raises the finding."""
    return check_evidence(gather_evidence(bundle, log), vkey)
