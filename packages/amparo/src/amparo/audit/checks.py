"""What an auditor checks, as pure functions over what the public log says.

Each check gives findings: what is wrong, in words, none when all is well. Units are kept apart; amounts are minor units.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec

from amparo_common.bridge import AidApproved, DecisionsMade, MintFigures, SettlementFigures
from amparo_common.clock import from_text
from amparo_common.errors import AmparoError
from amparo_common.money import Unit, format_minor
from amparo_log.view import Logged, LogView
from amparo_purse.calendar import GRACE
from amparo_rules.defined import first_of_each, read_definition
from amparo_rules.examples import check_examples
from amparo_rules.rule import RuleFile, read_rule

TWO_PEOPLE = 2
# The log dates by its own clock, which may be so many seconds behind the mint's.
CLOCKS = 3_600


class Check(msgspec.Struct, frozen=True):
    """One check: its stable id and what it found wrong."""

    id: str
    findings: list[str]

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class UnitFigures(msgspec.Struct, frozen=True):
    """The way of one unit's aid, in minor units: decided -> approved -> issued -> redeemed -> settled. What is approved and
    not issued is unclaimed; what is issued and not redeemed is outstanding or expired."""

    unit: Unit
    decided: int
    approved: int
    issued: int
    redeemed: int
    outstanding: int
    expired: int
    deposited: int
    settled: int
    payable: int
    shops: int

    @property
    def unclaimed(self) -> int:
        """Approved and not issued yet."""
        return self.approved - self.issued


class ProgrammeFigures(msgspec.Struct, frozen=True):
    """One cycle of one programme: how many were asked, how many said yes to, and the sum in minor units."""

    programme: str
    cycle: str
    unit: Unit
    households: int
    eligible: int
    total: int
    approved: bool


class Figures(msgspec.Struct, frozen=True):
    """All figures of the audit."""

    units: list[UnitFigures]
    programmes: list[ProgrammeFigures]


def newest_mint_figures(view: LogView) -> dict[str, MintFigures]:
    """Each keyset's newest figures, by keyset id."""
    return {body.keyset: body for _, body in view.mint_figures}


def newest_settlements(view: LogView) -> dict[Unit, SettlementFigures]:
    """Each unit's newest figures of the shops side."""
    return {body.unit: body for _, body in view.settlements}


def figures(view: LogView) -> Figures:
    """The figures of every unit and of every cycle."""
    mint, shops = newest_mint_figures(view).values(), newest_settlements(view)
    units = sorted({body.unit for _, body in view.decisions} | {each.unit for each in mint} | set(shops))
    approved = {(body.programme, body.cycle) for _, body in view.approvals}
    return Figures(
        units=[
            UnitFigures(
                unit=unit,
                decided=sum(body.total for _, body in view.decisions if body.unit == unit),
                approved=view.approved(unit),
                issued=sum(each.issued for each in mint if each.unit == unit),
                redeemed=sum(each.redeemed for each in mint if each.unit == unit),
                outstanding=sum(each.outstanding for each in mint if each.unit == unit),
                expired=sum(each.expired for each in mint if each.unit == unit),
                deposited=shops[unit].deposited if unit in shops else 0,
                settled=shops[unit].settled if unit in shops else 0,
                payable=shops[unit].payable if unit in shops else 0,
                shops=shops[unit].shops if unit in shops else 0,
            )
            for unit in units
        ],
        programmes=[
            ProgrammeFigures(
                programme=body.programme,
                cycle=body.cycle,
                unit=body.unit,
                households=body.households,
                eligible=body.eligible,
                total=body.total,
                approved=(body.programme, body.cycle) in approved,
            )
            for _, body in view.decisions
        ],
    )


# --- rules ------------------------------------------------------------------------------------------------------------------


def facts_defined(view: LogView) -> Iterator[str]:
    """Every fact beside the catalogue was defined once, by two people, within the limits; none speaks of what is never recorded."""
    every = view.facts_before(view.size)
    first = first_of_each(every)
    for body in every:
        if first[body.entity, body.name] != body:
            yield f"The {body.entity} fact {body.name} was defined again with different content; the first definition counts."
            continue
        try:
            read_definition(body)
        except AmparoError as error:
            yield error.what


def rules_unchanged(view: LogView) -> Iterator[str]:
    """Every version was published once; its file has the hash and notice period that stand beside it, and uses no fact that was
    not defined before it; examples hold."""
    seen: dict[tuple[str, str], str] = {}
    for place, body in view.rules:
        label = f"{body.programme} {body.version}"
        if seen.setdefault((body.programme, body.version), body.rule_hash) != body.rule_hash:
            yield f"{label} was published twice with different content."
        try:
            rule = read_rule(body.file, view.facts_before(place.index))
            check_examples(rule)
        except AmparoError as error:
            yield f"{label}: {error.what}"
            continue
        if (rule.rule_hash, rule.programme, rule.text.version) != (body.rule_hash, body.programme, body.version):
            yield f"{label}: the file is not what its entry says."
        if rule.notice_days != body.notice_days:
            yield f"{label}: the notice period differs from the file's."


def notice_kept(view: LogView) -> Iterator[str]:
    """No batch was decided before its rule's notice period had ended, and none under a rule that is not in the log."""
    for place, body in view.decisions:
        found = view.rule(body.rule_hash)
        if found is None:
            yield f"{_cycle(body)} was decided by a rule that is not in the log."
            continue
        logged, rule = found
        if from_text(place.at) < from_text(logged.at) + timedelta(days=rule.notice_days):
            yield f"{_cycle(body)} was decided before the notice period of its rule had ended."


# --- decisions and approvals ------------------------------------------------------------------------------------------------


def approvals_match(view: LogView) -> Iterator[str]:
    """Every approval is of one batch in the log, after it, by two people, of exactly its root and total, once, and within
    the published budget of its programme."""
    batches = {(body.programme, body.cycle): (place, body) for place, body in view.decisions}
    if len(batches) != len(view.decisions):
        yield "A cycle was decided more than once."
    approved: set[tuple[str, str]] = set()
    for place, body in view.approvals:
        key = (body.programme, body.cycle)
        if key in approved:
            yield f"{_cycle(body)} was approved more than once."
        approved.add(key)
        if key not in batches:
            yield f"{_cycle(body)} was approved without decisions."
            continue
        yield from _approval_fits(place, body, *batches[key])
        yield from _within_budget(view, batches[key][1])


def _approval_fits(place: Logged, body: AidApproved, batch_place: Logged, batch: DecisionsMade) -> Iterator[str]:
    if (body.root, body.total, body.unit) != (batch.root, batch.total, batch.unit):
        yield f"{_cycle(body)}: what was approved is not what was decided."
    if place.index < batch_place.index:
        yield f"{_cycle(body)} was approved before it was decided."
    if body.approvals < TWO_PEOPLE:
        yield f"{_cycle(body)} was approved by fewer than two people."


def _within_budget(view: LogView, batch: DecisionsMade) -> Iterator[str]:
    rule = _rule_of(view, batch)
    if rule is not None and batch.total > rule.budget:
        yield f"{_cycle(batch)} is over the budget of {format_minor(rule.budget)}."
    if rule is not None and rule.unit != batch.unit:
        yield f"{_cycle(batch)} is in another unit than its rule."


def _rule_of(view: LogView, batch: DecisionsMade) -> RuleFile | None:
    found = view.rule(batch.rule_hash)
    try:
        return None if found is None else read_rule(found[1].file, view.facts_before(found[0].index))
    except AmparoError:
        return None  # `rules_unchanged` reports it


# --- the money --------------------------------------------------------------------------------------------------------------


def keysets_announced(view: LogView) -> Iterator[str]:
    """Figures speak only of keysets that the log had before, and in the same unit."""
    announced = {body.keyset: (place, body.unit) for place, body in view.keysets}
    for place, body in view.mint_figures:
        found = announced.get(body.keyset)
        if found is None or found[0].index > place.index or found[1] != body.unit:
            yield f"There are figures of the keyset {body.keyset[:16]}, which was not announced before."


def issued_within_approved(view: LogView) -> Iterator[str]:
    """The mint issued no more than was approved."""
    for each in figures(view).units:
        if each.issued > each.approved:
            yield f"{each.unit}: {format_minor(each.issued)} issued, {format_minor(each.approved)} approved."


def issued_is_accounted_for(view: LogView) -> Iterator[str]:
    """issued + moved = redeemed + outstanding + expired for every keyset; what moved between keysets sums to zero; nothing is
    taken back as expired before a keyset's end and its days of grace."""
    moved: dict[Unit, int] = {}
    for each in newest_mint_figures(view).values():
        moved[each.unit] = moved.get(each.unit, 0) + each.moved
        if each.issued + each.moved != each.redeemed + each.outstanding + each.expired:
            yield f"{each.unit}: the figures of the keyset {each.keyset[:16]} do not add up."
        if min(each.issued, each.redeemed, each.outstanding, each.expired) < 0:
            yield f"{each.unit}: a figure of the keyset {each.keyset[:16]} is negative."
    for unit, total in moved.items():
        if total != 0:
            yield f"{unit}: {format_minor(total)} appeared while moving between keysets."
    ends = {body.keyset: body.final_expiry for _, body in view.keysets if body.final_expiry is not None}
    for place, body in view.mint_figures:
        end = ends.get(body.keyset)
        if end is not None and body.expired > 0 and from_text(place.at).timestamp() + CLOCKS <= end + GRACE:
            yield f"{body.unit}: the keyset {body.keyset[:16]} was closed before its days of grace were over."


def redeemed_is_settled(view: LogView) -> Iterator[str]:
    """What the mint redeemed is what the shops deposited, and that is settled or payable."""
    for each in figures(view).units:
        if each.redeemed != each.deposited:
            yield f"{each.unit}: {format_minor(each.redeemed)} redeemed, {format_minor(each.deposited)} deposited."
        if each.deposited != each.settled + each.payable:
            yield f"{each.unit}: deposits are neither settled nor payable."


CHECKS: dict[str, Callable[[LogView], Iterator[str]]] = {
    "facts_defined": facts_defined,
    "rules_unchanged": rules_unchanged,
    "notice_kept": notice_kept,
    "approvals_match": approvals_match,
    "keysets_announced": keysets_announced,
    "issued_within_approved": issued_within_approved,
    "issued_is_accounted_for": issued_is_accounted_for,
    "redeemed_is_settled": redeemed_is_settled,
}


def run_checks(view: LogView) -> list[Check]:
    """Every check over what the log says."""
    return [Check(id=name, findings=list(check(view))) for name, check in CHECKS.items()]


def _cycle(body: DecisionsMade | AidApproved) -> str:
    return f"{body.programme} {body.cycle}"
