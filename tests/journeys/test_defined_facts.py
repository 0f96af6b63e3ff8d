"""A fact that nobody thought of, from two people's proposal to a decision that its household recomputes offline and anybody audits:
a real log, the desk's pages and jobs, the office's cycles, the wallet's and the auditor's checks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from django.test import Client as Browser
from packages.office.tests.conftest import AS_OF, NOON, OFFICE_KEY, Town, WalletKey, csv_file, no_progress
from packages.office.tests.intake.conftest import checked, send, taken, work
from packages.office.tests.test_defined_facts import SOURCE
from packages.wallet.tests.conftest import InProcess
from tests.roofs import LABELS, ROOF
from tests.servers.desk import member

from amparo.audit.checks import run_checks
from amparo_common.bridge import LogMessage
from amparo_log.errors import BadProof
from amparo_log.follow import LogFollower
from amparo_log.http import routes
from amparo_log.note import NoteSigner
from amparo_log.service import Publisher, TransparencyLog
from amparo_log.store import SCHEMA
from amparo_log.view import OWNERS
from amparo_office.desk import public_log
from amparo_office.register.models import Household
from amparo_office.store import Cycle
from amparo_rules.errors import RuleNotPublicInTime, UnknownFact
from amparo_rules.receipt import ReceiptBundle
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_wallet.receipts import Evidence, check_evidence, gather_evidence

SIGNER = NoteSigner("town.example/log", bytes(range(32)))
KINDS = frozenset(kind for kind, owner in OWNERS.items() if owner in (None, "office"))


class OpenTown(Town):
    """The office and its desk on one real log. `reader` is anybody who follows that log."""

    def __init__(self, folder: Path, empty: Path) -> None:
        super().__init__(folder, empty)
        self.kept = Database(folder / "log.sqlite", [SCHEMA])
        publishers = {OFFICE_KEY.kid: Publisher(OFFICE_KEY.public, KINDS)}
        log = TransparencyLog(self.kept, SIGNER, publishers=publishers, clock=self.clock)
        wire = InProcess(make_app(routes(log, practice=True)))
        self.real = LogFollower(Client("http://log", transport=wire, patience=0), SIGNER.vkey, folder / "seen")
        self.reader = LogFollower(Client("http://log", transport=wire, patience=0), SIGNER.vkey, folder / "reader")
        self.log = self.real  # type: ignore[assignment] # the tests of the office follow a log in memory
        self.reopen()

    def say(self, body: LogMessage) -> int:
        """Put something of the office's into the log."""
        return self.real.publish(body, OFFICE_KEY)

    def bundle_of(self, wallet: WalletKey) -> ReceiptBundle:
        """The one receipt of this wallet's household."""
        (paper,) = self.claims.papers(wallet.papers())
        return paper.bundle


@pytest.fixture
def town(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenTown]:
    """A town with nothing defined, nothing published and nobody registered."""
    made = OpenTown(tmp_path, migrated_file)
    monkeypatch.setattr(public_log, "known", lambda: made.real)
    monkeypatch.setattr(public_log, "publish", made.say)
    yield made
    made.close()
    made.kept.close()


def define() -> None:
    """Two people define the roof; a job puts it into the log."""
    first, second = (member(Role.PROGRAMME_MANAGER, login=login) for login in ("first", "second"))
    browser = Browser()
    browser.force_login(first)
    said = {
        "entity": "household",
        "name": "roof_type",
        "kind": "int",
        "least": "1",
        "most": "5",
        "purpose": ROOF.purpose,
        "retention_days": "365",
        "reason": "the roof programme needs it",
        **{f"label_{code}": label for code, label in LABELS.items()},
    }
    assert browser.post("/register/catalogue/propose/", said).status_code == 302
    answer(Approval.objects.get(), by=second, yes=True, why="", at=NOON)
    work()


def enrol_at_the_desk() -> Household:
    """A household with a roof of straw, page by page."""
    browser = Browser()
    browser.force_login(member(Role.REGISTRAR))
    browser.post("/register/new/")
    for slug, told in (
        ("language", {"answer": "es"}),
        ("way", {"answer": "phone"}),
        ("address", {}),
        ("fact-roof_type", {"value": "4"}),
        ("member-0-name", {"given": "Ana"}),
        ("member-0-paper", {}),
        ("member-0-telephone", {}),
        ("more", {"answer": "no"}),
    ):
        done = browser.post(f"/register/new/{slug}/", told)
        assert done.status_code == 302, slug
    browser.post("/register/new/finish/")
    return Household.objects.get()


def import_two() -> None:
    """Two more households from a file at the desk."""
    rows = [("ref", "nombre", "roof_type"), ("H1", "Eva Sol", "2"), ("H2", "Luz Mar", "5")]
    given = send(member(Role.REGISTRAR, login="importer"), ("list.csv", csv_file(rows[0], rows[1:])))
    assert taken(checked(given)).new == 2


def test_a_new_fact_goes_from_two_people_to_a_decision_that_anybody_recomputes(town: OpenTown) -> None:
    with pytest.raises(UnknownFact):
        town.programmes.publish(SOURCE)
    define()
    rule = town.publish(SOURCE, wait=False)
    home = enrol_at_the_desk()
    import_two()
    wallet = town.enrolled(home.ref)
    with pytest.raises(RuleNotPublicInTime):
        decide(town, rule.rule_hash)
    town.clock.set(town.clock.now() + timedelta(days=rule.notice_days))
    cycle = decide(town, rule.rule_hash)
    assert (cycle.households, cycle.eligible, cycle.total) == (3, 2, 2_500 + 3_500)
    town.cycles.approve("roofs", "2026-11", approver="second")
    saved = msgspec.json.encode(gather_evidence(town.bundle_of(wallet), town.reader))
    evidence = msgspec.json.decode(saved, type=Evidence)
    receipt = check_evidence(evidence, SIGNER.vkey)
    assert (evidence.v, receipt.amount, receipt.facts.household) == (2, 2_500, {"roof_type": 4})
    view = town.reader.refresh()
    assert [check.findings for check in run_checks(view) if not check.passed] == []
    # One changed sign of the definition, and the file proves nothing any more.
    assert evidence.facts
    (proof,) = evidence.facts
    bent = msgspec.structs.replace(proof, entry="A" + proof.entry[1:])
    with pytest.raises(BadProof):
        check_evidence(msgspec.structs.replace(evidence, facts=[bent]), SIGNER.vkey)


def decide(town: OpenTown, rule_hash: str) -> Cycle:
    """Decide the month."""
    return town.cycles.decide(rule_hash, "2026-11", as_of=AS_OF, maker="maker", progress=no_progress)
