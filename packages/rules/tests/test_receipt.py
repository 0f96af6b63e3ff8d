"""Receipts of one batch: every one checks out, and every way of deceiving with one is found by whoever holds it."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_common import canonical
from amparo_common.bridge import DecisionsMade
from amparo_common.clock import to_text
from amparo_common.signing import SigningKey, sign_compact
from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.errors import (
    DoesNotFollowRule,
    NotInBatch,
    ReceiptMalformed,
    ReceiptSignatureFalse,
    RuleNotPublicInTime,
)
from amparo_rules.evaluate import Household
from amparo_rules.receipt import (
    RECEIPT_TYP,
    Declared,
    Frame,
    PublicRecord,
    Receipt,
    ReceiptBundle,
    Subject,
    check_receipt,
    notice_ends,
    read_receipt,
    receipt_signer,
    recompute,
    write_receipts,
)
from amparo_rules.rule import Plan, read_rule
from amparo_rules.starter import starter
from amparo_rules.sumtree import BatchProof, ProofStep, SumTree, check_in_batch, leaf

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
RULE = read_rule(starter("food-basket"))
AS_OF = date(2026, 11, 1)
PLAN = RULE.plan(AS_OF)
LOGGED = datetime(2026, 10, 20, 12, tzinfo=UTC)
DECIDED = datetime(2026, 11, 1, 9, tzinfo=UTC)
DECLARED = Declared(source="registry", date="2026-10-01")
FRAME = Frame(
    rule=RULE,
    cycle="2026-11",
    as_of=AS_OF,
    decided_at=to_text(DECIDED),
)
FINDINGS = (ReceiptSignatureFalse, DoesNotFollowRule, RuleNotPublicInTime, NotInBatch, ReceiptMalformed)


def households(count: int) -> list[Household]:
    """Made-up households: with and without a head, poor and not, some facts unknown."""
    pick = random.Random(11)

    def member(*, head: bool) -> dict[str, int | None]:
        born = pick.choice([None, pick.randint(-20_000, 20_700), pick.randint(19_000, 20_700)])
        return {"birth_date": born, "is_head": int(head), "disability": pick.choice([None, 0, 1])}

    return [
        Household(
            facts={
                "monthly_income": pick.choice([None, 0, 5_000, 42_001, 900_000]),
                "rooms": pick.choice([None, 0, 1, 4]),
            },
            members=[member(head=place == 0 and number % 7 > 0) for place in range(pick.randint(1, 7))],
        )
        for number in range(count)
    ]


def as_columns(plan: Plan, many: list[Household]) -> Columns:
    members = [(place, member) for place, household in enumerate(many) for member in household.members]
    return Columns(
        count=len(many),
        household={n: column([h.facts[n] for h in many], kind) for n, kind in plan.household_inputs.items()},
        owner=np.array([place for place, _ in members], dtype=np.int64),
        person={n: column([m[n] for _, m in members], kind) for n, kind in plan.person_inputs.items()},
    )


class Office:
    """A made-up office: signs payloads as receipts and publishes them as one batch, honest or not."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.tokens = [receipt_signer(KEY).sign(payload) for payload in payloads]
        amounts = [msgspec.json.decode(payload)["amount"] for payload in payloads]
        self.tree = SumTree(
            [(leaf(token.encode(), amount), amount) for token, amount in zip(self.tokens, amounts, strict=True)]
        )
        self.batch = DecisionsMade(
            programme=RULE.programme,
            cycle=FRAME.cycle,
            rule_hash=RULE.rule_hash,
            as_of=AS_OF.isoformat(),
            root=self.tree.root,
            households=len(payloads),
            eligible=sum(msgspec.json.decode(payload)["eligible"] for payload in payloads),
            total=self.tree.total,
            unit=RULE.unit,
        )
        self.record = PublicRecord(
            rule_file=RULE, rule_logged_at=to_text(LOGGED), receipt_key=KEY.public, batch=self.batch
        )

    def bundle(self, place: int) -> ReceiptBundle:
        return ReceiptBundle(receipt=self.tokens[place], batch=self.tree.proof(place))

    def check(self, place: int = 0, **changes: Any) -> Receipt:
        """The check with some of the public record changed."""
        return check_receipt(self.bundle(place), msgspec.structs.replace(self.record, **changes))


HOUSEHOLDS = households(50)
OUTCOMES = evaluate_batch(PLAN, as_columns(PLAN, HOUSEHOLDS))
SUBJECTS = [
    Subject(pseudonym=f"p{number:03}", holder=KEY.kid, declared=DECLARED, household=each)
    for number, each in enumerate(HOUSEHOLDS)
]
PAYLOADS = list(write_receipts(FRAME, PLAN, SUBJECTS, OUTCOMES))
HONEST = Office(PAYLOADS)
RECEIPTS = [canonical.decode(payload, Receipt) for payload in PAYLOADS]
PAID = next(place for place, receipt in enumerate(RECEIPTS) if receipt.eligible and len(receipt.facts.members) > 1)
REFUSED = next(place for place, receipt in enumerate(RECEIPTS) if not receipt.eligible)


def deceiving(receipt: Receipt | dict[str, Any]) -> Office:
    """An office that signs this receipt with its own key and publishes it in a batch with true ones."""
    return Office([canonical.encode(receipt), *PAYLOADS[1:]])


def test_a_batch_of_50_households_has_50_receipts_that_all_check_out() -> None:
    found = [check_receipt(HONEST.bundle(place), HONEST.record) for place in range(50)]
    assert [receipt.household for receipt in found] == [f"p{number:03}" for number in range(50)]
    assert sum(receipt.amount for receipt in found) == HONEST.batch.total > 0
    assert 0 < sum(receipt.eligible for receipt in found) == HONEST.batch.eligible < 50
    for receipt, payload in zip(found, PAYLOADS, strict=True):
        assert canonical.encode(receipt) == payload
        assert recompute(receipt, RULE).amount == receipt.amount
        assert receipt.eligible == (not receipt.failed)
        assert receipt.eligible or receipt.amount == 0


def test_a_receipt_holds_the_facts_that_were_used_and_no_others() -> None:
    for receipt, household in zip(RECEIPTS, HOUSEHOLDS, strict=True):
        assert set(receipt.facts.household) == {"monthly_income", "rooms"}
        assert len(receipt.facts.members) == len(household.members)
        assert {name for member in receipt.facts.members for name in member} == {"birth_date", "is_head", "disability"}


# --- the signature ----------------------------------------------------------------------------------------------------


def test_a_receipt_of_another_key_or_for_another_purpose_is_not_a_receipt() -> None:
    with pytest.raises(ReceiptSignatureFalse):
        HONEST.check(receipt_key=OTHER.public)
    for token in (
        sign_compact(PAYLOADS[0], OTHER, typ=RECEIPT_TYP),
        sign_compact(PAYLOADS[0], KEY, typ="amparo-quote-paid+jws"),
        "",
        HONEST.tokens[0][:-1],
    ):
        with pytest.raises(ReceiptSignatureFalse):
            check_receipt(ReceiptBundle(receipt=token, batch=HONEST.tree.proof(0)), HONEST.record)


@given(st.data())
@settings(deadline=None)
def test_one_changed_sign_in_a_receipt_makes_its_signature_false(data: st.DataObject) -> None:
    token = HONEST.tokens[PAID]
    at = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("ABCxyz019-_.").filter(lambda each: each != token[at]))
    with pytest.raises(ReceiptSignatureFalse):
        read_receipt(token[:at] + sign + token[at + 1 :], KEY.public)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"null",
        b"\xff",
        b'"\xff"',
        PAYLOADS[0] + b" ",
        PAYLOADS[0].replace(b'"amount":', b'"amount": ', 1),
        PAYLOADS[0].replace(b'"v":1', b'"v":"1"'),
        PAYLOADS[0].replace(b'{"amount"', b'{"address":"x","amount"'),
    ],
    ids=lambda payload: ascii(payload[:20]),
)
def test_a_signed_document_of_another_shape_is_malformed(payload: bytes) -> None:
    with pytest.raises(ReceiptMalformed):
        read_receipt(sign_compact(payload, KEY, typ=RECEIPT_TYP), KEY.public)


# --- the rule ---------------------------------------------------------------------------------------------------------


def with_facts(
    receipt: Receipt, *, household: dict[str, Any] | None = None, member: dict[str, Any] | None = None
) -> Receipt:
    first, *rest = receipt.facts.members
    facts = msgspec.structs.replace(
        receipt.facts,
        household=receipt.facts.household | (household or {}),
        members=[first | (member or {}), *rest],
    )
    return msgspec.structs.replace(receipt, facts=facts)


ALTERATIONS: dict[str, Callable[[Receipt], Receipt]] = {
    "amount, one more": lambda r: msgspec.structs.replace(r, amount=r.amount + 1),
    "amount, nothing": lambda r: msgspec.structs.replace(r, amount=0),
    "a fact: not the head": lambda r: with_facts(r, member={"is_head": False}),
    "a fact: more income": lambda r: with_facts(r, household={"monthly_income": "999999.00"}),
    "a fact: a baby": lambda r: with_facts(
        r, member={"birth_date": "2026-10-01" if r.facts.members[0]["birth_date"] != "2026-10-01" else None}
    ),
    "one member fewer": lambda r: msgspec.structs.replace(
        r, facts=msgspec.structs.replace(r.facts, members=r.facts.members[:-1])
    ),
    "a step, another value": lambda r: msgspec.structs.replace(r, steps=r.steps | {"size": "99"}),
    "a step, another spelling": lambda r: msgspec.structs.replace(
        r, steps=r.steps | {"income_per_head": r.steps["income_per_head"] + "0"}
    ),
    "a step missing": lambda r: msgspec.structs.replace(r, steps={n: v for n, v in r.steps.items() if n != "size"}),
    "a step too many": lambda r: msgspec.structs.replace(r, steps=r.steps | {"bonus": "1"}),
    "eligible, the other way": lambda r: msgspec.structs.replace(r, eligible=not r.eligible),
    "a requirement failed": lambda r: msgspec.structs.replace(r, failed=["income"]),
    "an unknown requirement failed": lambda r: msgspec.structs.replace(r, failed=["loyalty"], eligible=False, amount=0),
    "another rule": lambda r: msgspec.structs.replace(r, rule_hash="0" * 64),
    "another programme": lambda r: msgspec.structs.replace(r, programme="health-visit"),
    "another unit": lambda r: msgspec.structs.replace(r, unit="ves"),
    "a fact that the rule does not ask for": lambda r: with_facts(r, household={"floor_type": 1}),
    "a fact of a person that the rule does not ask for": lambda r: with_facts(r, member={"party": 1}),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_a_receipt_that_differs_from_the_rule_is_found_even_when_signed_and_counted(name: str) -> None:
    honest, altered = RECEIPTS[PAID], ALTERATIONS[name](RECEIPTS[PAID])
    assert altered != honest
    assert deceiving(honest).check().household == honest.household
    with pytest.raises(DoesNotFollowRule):
        deceiving(altered).check()


def test_a_refusal_that_the_rule_does_not_give_is_found_and_so_is_aid() -> None:
    refused, paid = RECEIPTS[REFUSED], RECEIPTS[PAID]
    for lie in (
        msgspec.structs.replace(refused, eligible=True, failed=[], amount=5_000),
        msgspec.structs.replace(refused, eligible=True, failed=[]),
        msgspec.structs.replace(refused, amount=5_000),
        msgspec.structs.replace(paid, eligible=False, failed=["income"], amount=0),
    ):
        with pytest.raises(DoesNotFollowRule):
            deceiving(lie).check()


def test_a_receipt_checked_against_another_published_rule_is_found() -> None:
    dearer = read_rule(starter("food-basket").replace("6.00 * size", "6.01 * size"))
    with pytest.raises(DoesNotFollowRule):
        HONEST.check(PAID, rule_file=dearer)
    with pytest.raises(DoesNotFollowRule):
        HONEST.check(PAID, rule_file=read_rule(starter("health-visit")))


IMPOSSIBLE: dict[str, Callable[[Receipt], Receipt]] = {
    "a day that is none": lambda r: msgspec.structs.replace(r, as_of="soon"),
    "a day before all days": lambda r: msgspec.structs.replace(r, as_of="0001-01-01"),
    "a moment that is none": lambda r: msgspec.structs.replace(r, decided_at="soon"),
    "a moment without an offset": lambda r: msgspec.structs.replace(r, decided_at="2026-11-01T09:00:00"),
    "no members": lambda r: msgspec.structs.replace(r, facts=msgspec.structs.replace(r.facts, members=[])),
    "a fact out of range": lambda r: with_facts(r, household={"rooms": 5_000}),
    "a fact of another kind": lambda r: with_facts(r, household={"rooms": "many"}),
    "a fact in another spelling": lambda r: with_facts(r, household={"monthly_income": "0"}),
    "a date in another spelling": lambda r: with_facts(r, member={"birth_date": "20200101"}),
    "a missing value": lambda r: with_facts(r, member={"is_head": None}),
    "an amount below nothing": lambda r: msgspec.structs.replace(r, amount=-1),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_signed_receipt_that_cannot_be_true_is_a_finding_and_not_a_fault_of_the_checker(name: str) -> None:
    token = receipt_signer(KEY).sign(canonical.encode(IMPOSSIBLE[name](RECEIPTS[PAID])))
    with pytest.raises(FINDINGS):
        check_receipt(ReceiptBundle(receipt=token, batch=HONEST.tree.proof(PAID)), HONEST.record)


def test_a_receipt_of_a_later_version_is_not_read_as_this_one() -> None:
    with pytest.raises(FINDINGS):
        deceiving(msgspec.structs.replace(RECEIPTS[PAID], v=2)).check()


# --- the notice -------------------------------------------------------------------------------------------------------


def test_a_decision_before_the_end_of_the_notice_is_found_to_the_second() -> None:
    last = DECIDED - timedelta(days=RULE.notice_days)
    assert notice_ends(to_text(last), RULE.notice_days) == DECIDED
    assert HONEST.check(PAID, rule_logged_at=to_text(last)).household == RECEIPTS[PAID].household
    for late in (last + timedelta(seconds=1), DECIDED, DECIDED + timedelta(days=30)):
        with pytest.raises(RuleNotPublicInTime):
            HONEST.check(PAID, rule_logged_at=to_text(late))


# --- the batch --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"root": "0" * 64},
        {"root": ""},
        {"root": HONEST.batch.root.upper()},
        {"total": HONEST.batch.total + 1},
        {"total": HONEST.batch.total - 1},
        {"total": 0},
        {"households": 49},
        {"households": 51},
        {"programme": "health-visit"},
        {"cycle": "2026-12"},
        {"rule_hash": "0" * 64},
        {"as_of": "2026-11-02"},
        {"unit": "ves"},
    ],
    ids=str,
)
def test_a_receipt_is_not_in_a_batch_that_was_published_otherwise(change: dict[str, Any]) -> None:
    for place in (0, PAID, 49):
        with pytest.raises(NotInBatch):
            HONEST.check(place, batch=msgspec.structs.replace(HONEST.batch, **change))


def test_a_receipt_without_a_published_batch_is_not_in_one() -> None:
    with pytest.raises(NotInBatch):
        HONEST.check(batch=None)


def test_a_receipt_is_not_in_a_batch_by_the_proof_of_another() -> None:
    for place in range(1, 50):
        with pytest.raises(NotInBatch):
            check_receipt(ReceiptBundle(receipt=HONEST.tokens[0], batch=HONEST.tree.proof(place)), HONEST.record)


def test_a_receipt_signed_but_left_out_of_the_batch_is_found() -> None:
    left_out = receipt_signer(KEY).sign(canonical.encode(msgspec.structs.replace(RECEIPTS[0], household="p999")))
    for place in range(50):
        with pytest.raises(NotInBatch):
            check_receipt(ReceiptBundle(receipt=left_out, batch=HONEST.tree.proof(place)), HONEST.record)


def test_a_family_whose_age_was_taken_on_another_day_than_the_batch_says_is_found() -> None:
    # A day years earlier makes a child of six a child under five: the rule is followed, but on the wrong day.
    household = Household(
        facts={"monthly_income": 0, "rooms": 1}, members=[{"birth_date": 18_400, "is_head": 1, "disability": 0}]
    )
    earlier = date(2021, 1, 1)
    plan = RULE.plan(earlier)
    outcomes = evaluate_batch(plan, as_columns(plan, [household]))
    frame = msgspec.structs.replace(FRAME, as_of=earlier)
    (payload,) = write_receipts(
        frame, plan, [Subject(pseudonym="p000", holder=None, declared=DECLARED, household=household)], outcomes
    )
    assert canonical.decode(payload, Receipt).steps["under5"] == "1"
    with pytest.raises((NotInBatch, DoesNotFollowRule)):
        Office([payload, *PAYLOADS[1:]]).check()


# --- the sum tree -----------------------------------------------------------------------------------------------------


def leaves(size: int) -> list[tuple[bytes, int]]:
    return [(leaf(f"receipt {number}".encode(), number * 100), number * 100) for number in range(size)]


@pytest.mark.parametrize("size", range(1, 21))
def test_every_decision_of_every_small_batch_is_proved_and_the_total_is_the_sum(size: int) -> None:
    tree = SumTree(leaves(size))
    assert (tree.count, tree.total) == (size, sum(number * 100 for number in range(size)))
    for place in range(size):
        receipt, amount, proof = f"receipt {place}".encode(), place * 100, tree.proof(place)
        assert (proof.index, proof.count) == (place, size)
        check_in_batch(receipt, amount, proof, root=tree.root, total=tree.total)
        longer = msgspec.structs.replace(proof, count=proof.count + 1)
        for other_receipt, other_amount, other_proof, total in (
            (receipt, amount + 100, proof, tree.total),
            (receipt, amount + 100, proof, tree.total + 100),
            (receipt + b"x", amount, proof, tree.total),
            (receipt, amount, proof, tree.total + 1),
            (receipt, amount, longer, tree.total),
        ):
            with pytest.raises(NotInBatch):
                check_in_batch(other_receipt, other_amount, other_proof, root=tree.root, total=total)


@pytest.mark.parametrize("size", range(2, 21))
def test_an_altered_sum_anywhere_in_a_proof_is_refused(size: int) -> None:
    tree = SumTree(leaves(size))
    for place in range(size):
        proof = tree.proof(place)
        for at, step in enumerate(proof.steps):
            for altered, total in (
                (msgspec.structs.replace(step, sum=step.sum + 1), tree.total + 1),
                (msgspec.structs.replace(step, sum=step.sum + 1), tree.total),
                (msgspec.structs.replace(step, hash="00" * 32), tree.total),
                (msgspec.structs.replace(step, hash=step.hash[:-2]), tree.total),
                (msgspec.structs.replace(step, hash="zz" * 32), tree.total),
                (msgspec.structs.replace(step, left=not step.left), tree.total),
            ):
                steps = [*proof.steps[:at], altered, *proof.steps[at + 1 :]]
                changed = msgspec.structs.replace(proof, steps=steps)
                with pytest.raises(NotInBatch):
                    check_in_batch(f"receipt {place}".encode(), place * 100, changed, root=tree.root, total=total)


@given(st.lists(st.integers(0, 2_100_000_000), min_size=1, max_size=40), st.data())
@settings(deadline=None)
def test_any_amounts_sum_up_and_one_moved_cent_gives_another_root(amounts: list[int], data: st.DataObject) -> None:
    def tree_of(each: list[int]) -> SumTree:
        return SumTree([(leaf(b"%d" % number, amount), amount) for number, amount in enumerate(each)])

    tree, place = tree_of(amounts), data.draw(st.integers(0, len(amounts) - 1))
    assert tree.total == sum(amounts)
    check_in_batch(b"%d" % place, amounts[place], tree.proof(place), root=tree.root, total=tree.total)
    changed = [amount + 1 if number == place else amount for number, amount in enumerate(amounts)]
    assert tree_of(changed).root != tree.root
    assert tree_of([*amounts, 0]).root != tree.root
    if len(amounts) > 1:
        moved = [*changed]
        moved[place - 1] -= 1 if moved[place - 1] else 0
        assert tree_of(moved).root != tree.root


def test_a_batch_cannot_hide_a_negative_amount_in_its_sum() -> None:
    with pytest.raises(ReceiptMalformed):
        leaf(b"receipt", -1)
    with pytest.raises(ReceiptMalformed):
        SumTree([(bytes(32), 500), (bytes(32), -400)])
    tree = SumTree(leaves(4))
    steps = [msgspec.structs.replace(tree.proof(0).steps[0], sum=-100), *tree.proof(0).steps[1:]]
    with pytest.raises((NotInBatch, ReceiptMalformed)):
        check_in_batch(
            b"receipt 0", 0, msgspec.structs.replace(tree.proof(0), steps=steps), root=tree.root, total=tree.total - 200
        )


def test_an_inner_node_cannot_be_passed_off_as_a_decision() -> None:
    tree = SumTree(leaves(4))
    left = tree.proof(2).steps[-1]
    shorter = BatchProof(index=0, count=4, steps=tree.proof(0).steps[1:])
    check_in_batch(b"receipt 0", 0, tree.proof(0), root=tree.root, total=tree.total)
    with pytest.raises(NotInBatch):
        check_in_batch(bytes.fromhex(left.hash), left.sum, shorter, root=tree.root, total=tree.total)


@pytest.mark.parametrize(
    "proof",
    [
        BatchProof(index=-1, count=1, steps=[]),
        BatchProof(index=1, count=1, steps=[]),
        BatchProof(index=0, count=0, steps=[]),
        BatchProof(index=0, count=2**70, steps=[]),
        BatchProof(index=0, count=1, steps=[ProofStep(hash="00" * 32, sum=0, left=True)] * 65),
        BatchProof(index=0, count=1, steps=[ProofStep(hash="00" * 32, sum=2**70, left=True)]),
        BatchProof(index=0, count=1, steps=[ProofStep(hash="é", sum=0, left=True)]),
    ],
)
def test_a_malformed_proof_is_refused_in_our_words(proof: BatchProof) -> None:
    tree = SumTree(leaves(1))
    check_in_batch(b"receipt 0", 0, tree.proof(0), root=tree.root, total=0)
    with pytest.raises((NotInBatch, ReceiptMalformed)):
        check_in_batch(b"receipt 0", 0, proof, root=tree.root, total=0)


def test_a_batch_without_decisions_has_no_tree() -> None:
    with pytest.raises(ReceiptMalformed):
        SumTree([])
