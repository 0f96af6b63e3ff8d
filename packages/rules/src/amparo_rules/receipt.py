"""Decision receipts: written when a decision is made, recomputed by anyone who holds one.

A receipt is a compact JWS (ES256, typ `amparo-receipt+jws`) over the canonical JSON of `Receipt`. `check_receipt` needs the
receipt, the rule file and the facts of the log (key, rule entry, batch entry), and nothing else; it raises one of the
five findings: `ReceiptSignatureFalse`, `DoesNotFollowRule`, `RuleNotPublicInTime`, `NotInBatch`, or `ReceiptMalformed`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from amparo_common import canonical
from amparo_common.bridge import DecisionsMade
from amparo_common.clock import from_text
from amparo_common.errors import AmparoError, BadSignature
from amparo_common.money import Unit
from amparo_common.signing import CompactSigner, SigningKey, VerifyingKey, verify_compact
from amparo_rules.catalogue import FactType, Shown, show_decimal
from amparo_rules.errors import (
    DoesNotFollowRule,
    FactOutOfRange,
    NotInBatch,
    ReceiptMalformed,
    ReceiptSignatureFalse,
    RuleNotPublicInTime,
)
from amparo_rules.evaluate import Household, Outcome, evaluate
from amparo_rules.rule import Plan, RuleFile, read_facts
from amparo_rules.sumtree import BatchProof, check_in_batch

if TYPE_CHECKING:  # a wallet checks receipts without the batch engine
    from amparo_rules.batch import Outcomes

RECEIPT_TYP = "amparo-receipt+jws"


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the facts come from and when they were declared."""

    source: str
    date: str


class ReceiptFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts the decision used, and no others, in their JSON form."""

    household: dict[str, Shown]
    members: list[dict[str, Shown]]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision. `household` is the programme's own pseudonym; `holder` the thumbprint of the key that may claim."""

    programme: str
    rule_version: str
    rule_hash: str
    cycle: str
    as_of: str
    decided_at: str
    household: str
    holder: str | None
    declared: Declared
    facts: ReceiptFacts
    steps: dict[str, str]
    failed: list[str]
    eligible: bool
    amount: int
    unit: Unit
    v: int = 1


class ReceiptBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person is given: the receipt (compact JWS) and its place in the batch."""

    receipt: str
    batch: BatchProof


class Frame(msgspec.Struct, frozen=True):
    """What all receipts of one batch share."""

    rule: RuleFile
    cycle: str
    as_of: date
    decided_at: str


class Subject(msgspec.Struct, frozen=True):
    """Whom a receipt is for, the facts it is about, and where they come from."""

    pseudonym: str
    holder: str | None
    declared: Declared
    household: Household


def write_receipts(frame: Frame, plan: Plan, subjects: Sequence[Subject], outcomes: "Outcomes") -> Iterator[bytes]:
    """The canonical JSON of each subject's receipt, in order."""
    clause_ids = [clause.id for clause in plan.clauses]
    scales = [(name, node.scale) for name, node in plan.facts + plan.steps]
    columns = [outcomes.steps[name] for name, _ in scales]
    shared = {
        "as_of": frame.as_of.isoformat(),
        "cycle": frame.cycle,
        "decided_at": frame.decided_at,
        "programme": frame.rule.programme,
        "rule_hash": frame.rule.rule_hash,
        "rule_version": frame.rule.text.version,
        "unit": frame.rule.unit,
        "v": 1,
    }
    households, persons = list(plan.household_inputs.items()), list(plan.person_inputs.items())
    for place, (subject, bits, amount) in enumerate(zip(subjects, outcomes.failed, outcomes.amount, strict=True)):
        yield canonical.encode_trusted(
            shared
            | {
                "amount": amount,
                "declared": subject.declared,
                "eligible": bits == 0,
                "facts": {
                    "household": _shown(households, subject.household.facts),
                    "members": [_shown(persons, member) for member in subject.household.members],
                },
                "failed": [each for bit, each in enumerate(clause_ids) if bits >> bit & 1],
                "holder": subject.holder,
                "household": subject.pseudonym,
                "steps": {
                    name: show_decimal(column[place], scale)
                    for (name, scale), column in zip(scales, columns, strict=True)
                },
            }
        )


def _shown(kinds: list[tuple[str, FactType]], facts: dict[str, int | None]) -> dict[str, Shown]:
    return {name: kind.show(facts.get(name)) for name, kind in kinds}


def receipt_signer(key: SigningKey) -> CompactSigner:
    """Signs receipts with `key`."""
    return CompactSigner(key, RECEIPT_TYP)


def read_receipt(token: str, key: VerifyingKey) -> Receipt:
    """The receipt in a compact JWS. Raises `ReceiptSignatureFalse`, `ReceiptMalformed`."""
    try:
        receipt = canonical.decode(verify_compact(token, key, typ=RECEIPT_TYP), Receipt)
        from_text(receipt.decided_at)
    except BadSignature as error:
        raise ReceiptSignatureFalse("The receipt's signature is false.") from error
    except AmparoError as error:
        raise ReceiptMalformed("The receipt cannot be read.") from error
    if receipt.v != 1:
        raise ReceiptMalformed("The receipt is of an unknown version.")
    return receipt


class PublicRecord(msgspec.Struct, frozen=True):
    """What the public log says that a receipt check needs, already proved to be in the log."""

    rule_file: RuleFile
    rule_logged_at: str
    receipt_key: VerifyingKey
    batch: DecisionsMade | None
    batch_logged_at: str | None = None


def recompute(receipt: Receipt, rule: RuleFile) -> Outcome:
    """The outcome the rule gives for the receipt's own facts. Raises `ReceiptMalformed`, `DoesNotFollowRule`."""
    try:
        plan = rule.plan(date.fromisoformat(receipt.as_of))
        household = Household(
            facts=read_facts(plan.household_inputs, receipt.facts.household),
            members=[read_facts(plan.person_inputs, member) for member in receipt.facts.members],
        )
        extra = set(receipt.facts.household) - set(plan.household_inputs)
        extra |= {name for member in receipt.facts.members for name in set(member) - set(plan.person_inputs)}
        if extra:
            raise DoesNotFollowRule(f"The receipt uses a fact that the rule does not ask for: {min(extra)}.")
        return evaluate(plan, household)
    except FactOutOfRange as error:
        raise ReceiptMalformed("The receipt uses a value that no fact can have.") from error
    except ValueError as error:
        raise ReceiptMalformed("The receipt's date cannot be read.") from error


def check_receipt(bundle: ReceiptBundle, record: PublicRecord) -> Receipt:
    """The receipt, when everything about it holds; otherwise raises the finding (see the module)."""
    receipt = read_receipt(bundle.receipt, record.receipt_key)
    _check_rule(receipt, record.rule_file)
    _check_notice(receipt, record)
    batch = record.batch
    if batch is None or (batch.programme, batch.cycle, batch.rule_hash, batch.as_of, batch.unit) != (
        receipt.programme,
        receipt.cycle,
        receipt.rule_hash,
        receipt.as_of,
        receipt.unit,
    ):
        raise NotInBatch("No batch of this programme and cycle is in the public log.")
    if bundle.batch.count != batch.households:
        raise NotInBatch("The batch has another number of decisions than was published.")
    check_in_batch(bundle.receipt.encode(), receipt.amount, bundle.batch, root=batch.root, total=batch.total)
    return receipt


def _check_rule(receipt: Receipt, rule: RuleFile) -> None:
    if (receipt.rule_hash, receipt.programme, receipt.unit) != (rule.rule_hash, rule.programme, rule.unit):
        raise DoesNotFollowRule("The receipt names another rule than the published one.")
    outcome = recompute(receipt, rule)
    plan = rule.plan(date.fromisoformat(receipt.as_of))
    for name, node in plan.facts + plan.steps:
        if receipt.steps.get(name) != show_decimal(outcome.steps[name], node.scale):
            raise DoesNotFollowRule(f"The step “{name}” comes out differently.")
    if set(receipt.steps) != set(outcome.steps):
        raise DoesNotFollowRule("The receipt shows steps that the rule does not have.")
    if receipt.failed != outcome.failed or receipt.eligible != outcome.eligible:
        raise DoesNotFollowRule("The requirements come out differently.")
    if receipt.amount != outcome.amount:
        raise DoesNotFollowRule("The amount comes out differently.")


def _check_notice(receipt: Receipt, record: PublicRecord) -> None:
    ends = notice_ends(record.rule_logged_at, record.rule_file.notice_days)
    # The office's own word, and the log's: a batch that was logged too early proves an early decision whatever it says.
    moments = [receipt.decided_at] + ([record.batch_logged_at] if record.batch_logged_at else [])
    if min(from_text(moment) for moment in moments) < ends:
        raise RuleNotPublicInTime("The decision was made before the rule's notice period had ended.")


def notice_ends(logged_at: str, notice_days: int) -> datetime:
    """The moment from which a rule may be evaluated: its log time plus its notice period."""
    return from_text(logged_at) + timedelta(days=notice_days)
