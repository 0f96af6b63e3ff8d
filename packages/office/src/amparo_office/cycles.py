"""Cycles: decide every household by a rule in force, publish the batch, approve the payment with a second person.

Decisions are made in chunks, each committed with its signed receipts; a job that was killed goes on behind the last chunk
with the same decision time. The batch's Merkle-sum root goes to the log before anybody can approve. Who approves is told how small
the crowds are in which people get the same amount, and says so where they are too small (`crowds.py`).
"""

from collections.abc import Callable
from datetime import date

import numpy as np

from amparo_common.bridge import AidApproved, DecisionsMade
from amparo_common.clock import Clock, to_text
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_office import people, store
from amparo_office.crowds import BandsOffer, CrowdReport, offer_bands, report
from amparo_office.errors import (
    CrowdsTooSmall,
    CycleExists,
    NotAsApproved,
    NotDecided,
    NothingToBand,
    OverBudget,
    SamePerson,
)
from amparo_office.people import HouseholdRow
from amparo_office.programmes import Programmes
from amparo_office.register.pseudonyms import Pseudonyms
from amparo_office.store import Cycle
from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.evaluate import Household
from amparo_rules.receipt import Frame, Subject, receipt_signer, write_receipts
from amparo_rules.rule import Plan, RuleFile
from amparo_rules.sumtree import SumTree, leaf
from amparo_service.database import Database

CHUNK = 20_000


class Cycles:
    """Deciding and approving."""

    def __init__(
        self,
        database: Database,
        log: LogFollower,
        programmes: Programmes,
        *,
        publish_key: SigningKey,
        receipt_key: SigningKey,
        clock: Clock,
        smallest_crowd: int = 20,
    ) -> None:
        self._database = database
        self._log = log
        self._programmes = programmes
        self._publish_key = publish_key
        self._signer = receipt_signer(receipt_key)
        self._clock = clock
        self._smallest_crowd = smallest_crowd

    def open(self, rule: RuleFile, name: str, *, as_of: date, maker: str) -> Cycle:
        """The cycle to decide, made on first use. Raises `CycleExists` when it was begun under another rule or day."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO cycle (programme, name, rule_hash, as_of, decided_at, maker) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (programme, name) DO NOTHING",
                (rule.programme, name, rule.rule_hash, as_of.isoformat(), to_text(self._clock.now()), maker),
            )
            cycle = store.find_cycle(connection, rule.programme, name)
        if (cycle.rule_hash, cycle.as_of) != (rule.rule_hash, as_of.isoformat()):
            raise CycleExists("This cycle was begun under another rule or day.")
        return cycle

    def decide(
        self, rule_hash: str, name: str, *, as_of: date, maker: str, progress: Callable[[int, int], None]
    ) -> Cycle:
        """Decide every household of the register and publish the batch. Safe to repeat and to resume.
        Raises `ProgrammeUnknown`, `RuleNotPublicInTime`, `CycleExists`, `FactOutOfRange`, `NotDecided`."""
        rule = self._programmes.in_force(rule_hash)
        total = people.count()
        if total == 0:
            raise NotDecided(
                "The register holds no household.", why="There is nobody to decide about.", todo="Import one first."
            )
        cycle = self.open(rule, name, as_of=as_of, maker=maker)
        if cycle.root is not None:
            return cycle
        plan = rule.plan(as_of)
        with self._database.reading() as connection:
            (last, done) = connection.execute(
                "SELECT coalesce(max(household), 0), count(*) FROM decision WHERE cycle = ?", (cycle.number,)
            ).fetchone()
        for households in people.batches(after=last, size=CHUNK):
            self._decide_chunk(cycle, rule, plan, households, done)
            done += len(households)
            progress(done, max(done, total))
        return self._close(cycle, rule)

    def _decide_chunk(
        self, cycle: Cycle, rule: RuleFile, plan: Plan, households: list[HouseholdRow], first_place: int
    ) -> None:
        outcomes = evaluate_batch(plan, _columns(plan, households))
        with self._database.reading() as connection:
            holders = store.holders(connection, households[0].number, households[-1].number)
        pseudonyms = Pseudonyms(rule.programme)
        subjects = [
            Subject(
                pseudonym=pseudonyms.of(row.ref),
                holder=holders.get(row.number),
                declared=row.declared,
                household=Household(facts=row.facts, members=row.members),
            )
            for row in households
        ]
        frame = Frame(rule=rule, cycle=cycle.name, as_of=plan.as_of, decided_at=cycle.decided_at)
        rows = []
        for place, payload in enumerate(write_receipts(frame, plan, subjects, outcomes)):
            receipt, amount = self._signer.sign(payload), outcomes.amount[place]
            rows.append(
                (
                    cycle.number,
                    first_place + place,
                    households[place].number,
                    households[place].by_phone,
                    receipt,
                    amount,
                    leaf(receipt.encode(), amount),
                )
            )
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO decision (cycle, place, household, by_phone, receipt, amount, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def _close(self, cycle: Cycle, rule: RuleFile) -> Cycle:
        """Publish the batch, then keep its totals. A crash between the two is mended by doing both again."""
        with self._database.reading() as connection:
            leaves = store.leaves(connection, cycle.number)
        tree = SumTree(leaves)
        eligible = sum(amount > 0 for _, amount in leaves)
        self._log.publish(
            DecisionsMade(
                programme=cycle.programme,
                cycle=cycle.name,
                rule_hash=cycle.rule_hash,
                as_of=cycle.as_of,
                root=tree.root,
                households=tree.count,
                eligible=eligible,
                total=tree.total,
                unit=rule.unit,
            ),
            self._publish_key,
        )
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE cycle SET root = ?, total = ?, households = ?, eligible = ? WHERE number = ?",
                (tree.root, tree.total, tree.count, eligible, cycle.number),
            )
            return store.find_cycle(connection, cycle.programme, cycle.name)

    def crowds(self, cycle: Cycle) -> CrowdReport:
        """How small the crowds of a decided cycle are."""
        with self._database.reading() as connection:
            return report(store.crowds(connection, cycle.number), asked=self._smallest_crowd)

    def bands(self, programme: str, name: str, *, crowd: int, version: str) -> BandsOffer:
        """Bands by what a cycle gave, and the rule file that would bring them. Changes nothing. Raises `CycleUnknown`,
        `NotDecided`, `NothingToBand`, and what the rule raises."""
        cycle = self._decided(programme, name)
        with self._database.reading() as connection:
            found = store.crowds(connection, cycle.number)
        if not found:
            raise NothingToBand("Nobody gets aid in this cycle.")
        return offer_bands(self._programmes.in_force(cycle.rule_hash), found, crowd=crowd, version=version)

    def _decided(self, programme: str, name: str) -> Cycle:
        with self._database.reading() as connection:
            cycle = store.find_cycle(connection, programme, name)
        if cycle.root is None:
            raise NotDecided("The decisions of this cycle are not finished.")
        return cycle

    def approve(self, programme: str, name: str, *, approver: str, small_crowds_known: bool = False) -> Cycle:
        """Approve a cycle's payment as the second person and publish it. Safe to repeat. Where households are in crowds that
        are too small, the approver has to say that it is known; that is noted with the cycle, as counts.
        Raises `NotDecided`, `SamePerson`, `NotAsApproved`, `OverBudget`, `CrowdsTooSmall`, `CycleUnknown`."""
        cycle = self._decided(programme, name)
        if cycle.maker == approver:
            raise SamePerson("You started this cycle, so you cannot approve it.")
        rule = self._programmes.in_force(cycle.rule_hash)
        total = self._checked_total(cycle, rule)
        found = self.crowds(cycle)
        if found.below and not small_crowds_known and cycle.approver is None:
            raise CrowdsTooSmall(
                f"{found.below:,} households would be one of fewer than {found.asked} with their amount,"
                f" the smallest crowd is {found.smallest}."
            )
        self._log.publish(
            AidApproved(
                programme=programme, cycle=name, root=cycle.root or "", total=total, unit=rule.unit, approvals=2
            ),
            self._publish_key,
        )
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE cycle SET approver = ?, crowd_asked = ?, small_crowds = ? WHERE number = ? AND approver IS NULL",
                (approver, found.asked, found.below, cycle.number),
            )
            return store.find_cycle(connection, programme, name)

    def _checked_total(self, cycle: Cycle, rule: RuleFile) -> int:
        """What may be approved. Raises `NotAsApproved`, `OverBudget`."""
        published = {
            (b.root, b.total)
            for _, b in self._log.view().decisions
            if (b.programme, b.cycle) == (cycle.programme, cycle.name)
        }
        if cycle.total is None or (cycle.root, cycle.total) not in published:
            raise NotAsApproved("The stored totals are not those of the published batch.")
        if cycle.total > rule.budget:
            raise OverBudget("The cycle's total is higher than the published budget.")
        return cycle.total


def _columns(plan: Plan, households: list[HouseholdRow]) -> Columns:
    members = [(place, member) for place, row in enumerate(households) for member in row.members]
    return Columns(
        count=len(households),
        household={
            name: column([row.facts.get(name) for row in households], kind)
            for name, kind in plan.household_inputs.items()
        },
        owner=np.fromiter((place for place, _ in members), dtype=np.int64, count=len(members)),
        person={name: column([m.get(name) for _, m in members], kind) for name, kind in plan.person_inputs.items()},
    )
