"""Checking one's own receipt against the public log: signature, rule, notice, batch. Nothing is sent anywhere.

With a connection the log is read (by the same requests for everybody); without one, the proofs in a saved file are enough:
`gather_evidence` collects them, `check_evidence` needs the log's key and nothing else.
"""

from collections.abc import Sequence

import msgspec

from amparo_common.bridge import (
    DecisionsMade,
    FactDefined,
    KeyAnnounced,
    LogEntry,
    LogMessage,
    RulePublished,
    check_log_signature,
)
from amparo_common.errors import AmparoError
from amparo_common.signing import VerifyingKey, read_unverified
from amparo_log.client import InclusionProof
from amparo_log.errors import BadEntry
from amparo_log.follow import LogFollower
from amparo_log.note import NoteVerifier, open_checkpoint
from amparo_log.view import Logged, LogView
from amparo_rules.errors import (
    NotInBatch,
    ReceiptMalformed,
    RuleNotPublicInTime,
    RuleNotReadable,
    RulesError,
    UnknownFact,
)
from amparo_rules.receipt import PublicRecord, Receipt, ReceiptBundle, check_receipt
from amparo_rules.rule import RuleFile, read_rule
from amparo_wallet.errors import KeyNotInLog


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt with everything needed to check it offline: log entries with their proofs, and one checkpoint. `office` and
    `receipts` announce the keys, `rule` and `batch` are what the receipt names. Version 2 carries in `facts` the definitions of
    those facts of the rule that are not in the catalogue of the release; where there are none, it is version 1 and has no such
    field. A new field is a new version."""

    bundle: ReceiptBundle
    checkpoint: str
    office: InclusionProof
    receipts: InclusionProof
    rule: InclusionProof
    batch: InclusionProof
    facts: list[InclusionProof] | msgspec.UnsetType = msgspec.UNSET
    v: int = 1


class Named(msgspec.Struct, frozen=True):
    """The fields of a receipt that say where to look in the log, not verified."""

    programme: str
    cycle: str
    rule_hash: str


def named(bundle: ReceiptBundle) -> Named:
    """What a receipt says it is about, not verified. Raises `ReceiptMalformed`."""
    try:
        return msgspec.json.decode(read_unverified(bundle.receipt), type=Named)
    except (AmparoError, ValueError, RecursionError) as error:
        raise ReceiptMalformed("The receipt cannot be read.") from error


def gather_evidence(bundle: ReceiptBundle, log: LogFollower) -> Evidence:
    """The receipt with its proofs from the log. Raises `KeyNotInLog`, `RuleNotPublicInTime`, `NotInBatch`."""
    about, view = named(bundle), log.refresh()
    rule = view.rule(about.rule_hash)
    if rule is None:
        raise RuleNotPublicInTime("The rule that the receipt names is not in the public log.")
    batch = next(
        (
            place
            for place, b in view.decisions
            if (b.programme, b.cycle, b.rule_hash) == (about.programme, about.cycle, about.rule_hash)
        ),
        None,
    )
    if batch is None:
        raise NotInBatch("No batch of this programme and cycle is in the public log.")
    try:
        office, receipts = view.keys["office"][0], view.keys["receipts"][0]
    except KeyError as error:
        raise KeyNotInLog("The office's keys are not in the public log.") from error
    facts = _definitions(view, *rule)
    _, note = log.checkpoint()
    return Evidence(
        bundle=bundle,
        checkpoint=note,
        office=log.prove(office.index),
        receipts=log.prove(receipts.index),
        rule=log.prove(rule[0].index),
        batch=log.prove(batch.index),
        facts=[log.prove(place.index) for place in facts] if facts else msgspec.UNSET,
        v=2 if facts else 1,
    )


def _definitions(view: LogView, place: Logged, rule: RulePublished) -> list[Logged]:
    """Where the log defines the facts that the rule uses beside the catalogue. Raises `RuleNotPublicInTime` when it did not before
    the rule: nobody could compute by it."""
    try:
        used = read_rule(rule.file, view.facts_before(place.index)).defined
    except UnknownFact as error:
        raise RuleNotPublicInTime("The rule uses a fact that the public log had not defined before it.") from error
    first: dict[FactDefined, Logged] = {}
    for where, body in view.facts:
        first.setdefault(body, where)
    return [first[body] for body in used]


def check_evidence(evidence: Evidence, vkey: str) -> Receipt:
    """The receipt, when all of it holds under this log key; offline. Raises the finding otherwise (see
    `amparo_rules.receipt`), or `BadNote`, `BadProof`, `BadEntry` when the log's part is false."""
    facts = _facts(evidence)
    checkpoint = open_checkpoint(evidence.checkpoint, NoteVerifier(vkey))
    proofs = (evidence.office, evidence.receipts, evidence.rule, evidence.batch, *facts)
    entries = [proof.check(checkpoint) for proof in proofs]
    office = _office_key(entries)
    key, rule, batch, *defined = (entry.entry.body for entry in entries[1:])
    if not (isinstance(key, KeyAnnounced) and key.purpose == "receipts" and key.jwk is not None):
        raise BadEntry("The proof of the receipt key proves something else.")
    if not isinstance(rule, RulePublished) or not isinstance(batch, DecisionsMade):
        raise BadEntry("A proof proves something else.")
    for entry in entries:
        check_log_signature(entry.entry, office)
    if any(proof.index >= evidence.rule.index for proof in facts):
        raise RuleNotPublicInTime("A fact was defined after the rule that uses it.")
    record = PublicRecord(
        rule_file=_read_with(rule.file, defined),
        rule_logged_at=entries[2].at,
        receipt_key=VerifyingKey(key.jwk),
        batch=batch,
        batch_logged_at=entries[3].at,
    )
    return check_receipt(evidence.bundle, record)


def _facts(evidence: Evidence) -> Sequence[InclusionProof]:
    """The proofs of definitions, which only version 2 has."""
    match evidence.v, evidence.facts:
        case 1, msgspec.UNSET:
            return ()
        case 2, [_, *_] as facts:
            return facts
    raise ReceiptMalformed("The saved receipt is of an unknown version.")


def _read_with(file: str, entries: Sequence[LogMessage]) -> RuleFile:
    """The rule, read with these definitions: those that it uses and no others."""
    defined = tuple(body for body in entries if isinstance(body, FactDefined))
    if len(defined) != len(entries):
        raise BadEntry("A proof proves something else.")
    try:
        rule = read_rule(file, defined)
    except UnknownFact as error:
        raise ReceiptMalformed("The saved receipt lacks the definition of a fact that its rule uses.") from error
    if rule.defined != defined:
        raise ReceiptMalformed("The saved receipt holds definitions that its rule does not use.")
    return rule


def _office_key(entries: Sequence[LogEntry]) -> VerifyingKey:
    body = entries[0].entry.body
    if not (isinstance(body, KeyAnnounced) and body.purpose == "office" and body.jwk is not None):
        raise BadEntry("The proof of the office's key proves something else.")
    return VerifyingKey(body.jwk)


def is_finding(error: AmparoError) -> bool:
    """Whether an error says something of a decision, and not of the way to the log or of a language that this release does not
    read."""
    return isinstance(error, (RulesError, KeyNotInLog)) and not isinstance(error, RuleNotReadable)


def proof_of(bundle: ReceiptBundle, log: LogFollower) -> Evidence | ReceiptBundle:
    """What proves a decision, true or false, to anybody: the receipt with its proofs from the log; when the log lacks what it
    names, the receipt alone, which the office signed. Raises the errors of `LogFollower`."""
    try:
        return gather_evidence(bundle, log)
    except AmparoError as error:
        if not is_finding(error):
            raise
        return bundle


def check_bundle(bundle: ReceiptBundle, log: LogFollower, vkey: str) -> Receipt:
    """Check a receipt with a connection to the log. Raises the finding."""
    return check_evidence(gather_evidence(bundle, log), vkey)
