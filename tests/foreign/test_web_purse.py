"""The phone apps' own purse, wallet and till (web/) beside the Python ones, over a real installation: each pays, takes and restores
what the other made. The phones are `web/wallet/tests/drive.ts` and `web/till/tests/drive.ts`, run by node, in one month for all.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import play
from tools import environments
from tools.environments import ROOT

from amparo.demo.people import People
from amparo.demo.steps import STEPS
from amparo.demo.story import Stage, moment
from amparo.folder import DataFolder
from amparo.supervisor import Settings, Supervisor
from amparo.town import FOOD
from amparo_cashu.nut00_token import read_token
from amparo_cashu.nut26_request import read_any_request, write_request_b
from amparo_common.secret import Secret
from amparo_purse.restore import Manner
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_service.practice_clock import PracticeClock
from amparo_till import till as till_module
from amparo_till.enrolment import TillEnrolment, read_enrolment, write_enrolment
from amparo_till.till import Till
from amparo_wallet.vouchers import take_vouchers
from amparo_wallet.wallet import must_wait

WEB = ROOT / "web"
SEED, HOUSEHOLDS = 7, 16
BEFORE_THE_CLAIMS = ("rules", "register", "enrol", "decide", "approve", "keysets")
# The mint's window ends a day and a half after its first claim; a wallet pays some hours later.
WINDOW = timedelta(days=3)
PATIENCE_SECONDS = 30


class Device:
    """A phone that node plays. What is called on it runs there; its errors come back as their codes."""

    def __init__(self, node: Path, script: str, street: "Street") -> None:
        self._street = street
        self._process = subprocess.Popen(
            [str(node), str(WEB / script)],
            cwd=WEB,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.restart()

    def restart(self) -> None:
        """Start it again from what is on its disk."""
        self.ask("restart", self._street.told)

    def ask(self, method: str, *arguments: Any) -> Any:
        """What it answers; its error's code as `Refused`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        now = int(self._street.stage.clock.now().timestamp())
        order = json.dumps({"method": method, "args": list(arguments), "now": now})
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the device ended"
        said = json.loads(line)
        if "error" in said:
            raise Refused(said["error"])
        return said["result"]

    def close(self) -> None:
        """Switch it off."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(PATIENCE_SECONDS)


class Refused(Exception):
    """A device said no, with this code."""


class Street:
    """An installation in the middle of its month: aid is approved and nobody has claimed; a shop waits for its tills."""

    def __init__(self, stage: Stage, node: Path) -> None:
        self.stage, self.node = stage, node
        self.people = People(stage)
        services = stage.installation.services
        names = ("office", "mint", "shops", "log")
        self.told = {name: services.url(name) for name in names} | {"vkey": services.vkey}
        body = {"name": "Bodega Sol", "account": "ES7921000813610123456789", "units": [FOOD]}
        shop = stage.installation.finance().post("/shops", body, dict[str, str])
        self.enrolment = TillEnrolment(
            shop=shop["shop"],
            name="Bodega Sol",
            access=shop["access"],
            units=[FOOD],
            mint=self.told["mint"],
            shops=self.told["shops"],
            log=self.told["log"],
            vkey=services.vkey,
        )
        self.home, self.aid = self._claim_all_but_one()
        self.wallet = Device(node, "wallet/tests/drive.ts", self)
        self.till = Device(node, "till/tests/drive.ts", self)
        self.lock_key = self.till.ask("enrol", write_enrolment(self.enrolment))

    def _claim_all_but_one(self) -> tuple[str, int]:
        """The Python wallets claim, but for one household with food aid, whose phone is new: its reference and its aid."""
        left: tuple[str, int] | None = None
        for patient in (True, False):
            for home in self.people.homes():
                wallet = self.people.wallet(home.ref)
                for paper in wallet.papers():
                    if not paper.approved or paper.unit != FOOD or not paper.amount:
                        continue
                    if left is None and home.phone:
                        left = (home.ref, paper.amount)
                    if left is not None and left[0] == home.ref:
                        continue
                    try:
                        wallet.claim(paper, spread=home.phone, stock=not home.phone, hurry=True)
                    except RemoteError as error:
                        if not (patient and must_wait(error)):
                            raise
        assert left is not None
        return left

    def code_for(self, ref: str) -> str:
        """What the office gives to somebody with a new phone."""
        registrar = self.stage.installation.staff("registrar")
        return registrar.post("/enrolment-codes", {"refs": [ref]}, dict[str, str])[ref]

    def python_till(self, folder: Path) -> Till:
        """A till of the same shop, in Python, with the phone's key."""
        enrolment = read_enrolment(self.till.ask("secondTill"))
        assert enrolment.lock is not None
        return Till(
            Database(folder / "till.sqlite", [till_module.SCHEMA]),
            enrolment.shop,
            access=enrolment.access,
            mint=Client(enrolment.mint),
            shops_url=enrolment.shops,
            log=self.people.log,
            clock=self.stage.clock,
            lock_key=Secret(bytes.fromhex(enrolment.lock)),
        )

    def neighbour(self) -> Any:
        """A household's Python wallet that has claimed."""
        for home in self.people.homes("phone = 1"):
            wallet = self.people.wallet(home.ref)
            if home.ref != self.home and wallet.purse.balance(FOOD) > 1_000:
                return wallet
        raise AssertionError("nobody has enough")


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, node: Path) -> Iterator[Street]:
    """The installation, its month up to the claims."""
    environments.node().install(WEB)
    folder = DataFolder(tmp_path_factory.mktemp("phones"))
    PracticeClock(folder.clock).set(moment(1))
    with Supervisor(folder, practice=True, settings=Settings(smallest_crowd=2)) as services:
        stage = play(folder, services, seed=SEED, households=HOUSEHOLDS)
        for step in STEPS:
            if step.name in BEFORE_THE_CLAIMS:
                step.run(stage)
        stage.on(11)
        made = Street(stage, node)
        yield made
        made.wallet.close()
        made.till.close()


@pytest.fixture(scope="module")
def claimed(street: Street) -> Street:
    """The phone has enrolled and claimed; the window has passed."""
    street.wallet.ask("enrol", street.code_for(street.home))
    papers = [paper for paper in street.wallet.ask("fetchPapers") if paper["unit"] == FOOD]
    aid = street.wallet.ask("claim", papers[0], {"hurry": True})
    assert aid["taken"]
    assert aid["payFrom"] > 0
    street.stage.clock.set(street.stage.clock.now() + WINDOW)
    return street


def sell(street: Street, amount: int) -> str:
    """Begin a sale at the phone's till; its request."""
    request: str = street.till.ask("begin", amount, FOOD)["request"]
    return request


def finish(street: Street) -> None:
    """The shopkeeper has seen it."""
    street.till.ask("finish")


def booked(street: Street, amount: int) -> dict[str, Any]:
    """The shop's totals, once the mint's messages have arrived."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        standing: dict[str, Any] = street.till.ask("standing", FOOD)
        if standing["deposited"] >= amount or time.monotonic() > deadline:
            return standing
        time.sleep(0.05)


def test_a_phone_claims_what_its_checked_receipt_says_and_has_it_after_a_restart(claimed: Street) -> None:
    for _ in range(2):
        came = [entry["amount"] for entry in claimed.wallet.ask("activity") if entry["kind"] == "claimed"]
        assert came == [claimed.aid]
        assert claimed.wallet.ask("isEnrolled") is True
        claimed.wallet.restart()


def test_a_false_code_of_the_office_is_refused_in_its_own_words(claimed: Street) -> None:
    other = Device(claimed.node, "wallet/tests/drive.ts", claimed)
    with pytest.raises(Refused, match=r"office\.unknown_enrolment_code"):
        other.ask("enrol", "ABCD-EFGH")
    other.close()


def test_a_phone_pays_a_phone_and_the_shop_is_credited(claimed: Street) -> None:
    before = claimed.till.ask("standing", FOOD)["deposited"]
    waiting = claimed.wallet.ask("holding", FOOD)["waiting"]
    asked = claimed.wallet.ask("readRequest", sell(claimed, 735))
    assert (asked["amount"], asked["lockKey"]) == (735, claimed.lock_key)
    payment = claimed.wallet.ask("pay", asked, {"hurry": True})
    taken = claimed.till.ask("take", payment["code"], {"online": False})
    assert (taken["state"], taken["confirmed"]) == ("paid", False)
    finish(claimed)
    assert claimed.wallet.ask("look", payment["number"], {"ask": True}) is False
    claimed.wallet.restart()
    assert claimed.wallet.ask("payment", payment["number"])["code"] == payment["code"]
    report = claimed.till.ask("deposit", FOOD)
    assert report["deposited"] + report["pending"] >= 735
    assert booked(claimed, before + 735)["deposited"] >= before + 735
    claimed.till.ask("deposit", FOOD)
    assert claimed.till.ask("sales") == []
    assert claimed.wallet.ask("look", payment["number"], {"ask": True}) is True
    assert claimed.wallet.ask("holding", FOOD)["waiting"] == waiting


def test_a_person_first_code_is_taken_once_with_a_connection(claimed: Street) -> None:
    balance = claimed.wallet.ask("holding", FOOD)["balance"]
    payment = claimed.wallet.ask("payAmount", 117, FOOD, {"change": True, "hurry": True})
    for state in ("paid", None):
        sell(claimed, 117)
        if state is None:
            with pytest.raises(Refused, match=r"till\.taken_before"):
                claimed.till.ask("take", payment["code"], {"online": True})
        else:
            assert claimed.till.ask("take", payment["code"], {"online": True})["confirmed"] is True
            finish(claimed)
    assert claimed.wallet.ask("takeBack", payment["number"], {"hurry": True}) == {"back": 0, "taken": True, "later": 0}
    assert claimed.wallet.ask("holding", FOOD)["balance"] == balance - 117


def test_a_python_till_takes_a_phones_code_and_a_phones_till_a_python_wallets(claimed: Street, tmp_path: Path) -> None:
    till = claimed.python_till(tmp_path)
    request = till.request(250, FOOD)
    assert request.lock_key == claimed.lock_key
    asked = claimed.wallet.ask("readRequest", write_request_b(till.shown(request)))
    code = claimed.wallet.ask("pay", asked, {"hurry": True})["code"]
    keysets = [body.keyset for _, body in claimed.people.log.view().keysets]
    till.accept_offline(read_token(code, keysets=keysets), request)
    assert till.deposit(FOOD).lost == 0

    shown = read_any_request(sell(claimed, 250))
    paid = claimed.neighbour().pay_request(shown, hurry=True)
    assert claimed.till.ask("take", paid, {"online": False})["state"] == "paid"
    finish(claimed)
    assert claimed.till.ask("deposit", FOOD)["lost"] == 0
    # What the phone's till has taken, the Python till of the same shop finds spent.
    again = till.request(250, FOOD)
    till.accept_offline(read_token(paid, keysets=keysets), again)
    assert till.deposit(FOOD).lost == 250


def test_a_wallet_in_python_and_one_on_a_phone_give_each_other_money(claimed: Street) -> None:
    neighbour = claimed.neighbour()
    before = claimed.wallet.ask("holding", FOOD)["balance"]
    neighbour.purse.make_exact(64, FOOD, hurry=True)
    claimed.wallet.ask("receive", neighbour.pay_code(64, FOOD, hurry=True), {"hurry": True})
    assert claimed.wallet.ask("holding", FOOD)["balance"] == before + 64
    code = claimed.wallet.ask("payAmount", 64, FOOD, {"change": True, "hurry": True})["code"]
    claimed.stage.clock.set(claimed.stage.clock.now() + WINDOW)
    neighbour.purse.receive(neighbour.read(code).proofs, FOOD)


def test_paper_vouchers_are_taken_in_a_batch(claimed: Street) -> None:
    paper = next(
        home for home in claimed.people.homes("phone = 0") if claimed.people.wallet(home.ref).purse.balance(FOOD)
    )
    wallet = claimed.people.wallet(paper.ref)
    with wallet.purse.database.transaction():
        taken = take_vouchers(wallet, FOOD, mint_url=claimed.told["mint"])
    first, *others = [code for code, _amount in taken]
    total = sum(amount for _code, amount in taken)
    for code in (first, *others, first):
        batch = claimed.till.ask("addVoucher", code, FOOD)
    assert [bad["reason"] for bad in batch["bad"]] == ["twice"]
    assert claimed.till.ask("finishBatch", FOOD)["sum"] == total
    assert claimed.till.ask("today", FOOD)["vouchers"] == total


def test_the_shop_asks_to_be_paid(claimed: Street) -> None:
    before = claimed.till.ask("standing", FOOD)["deposited"]
    paid = claimed.neighbour().pay_request(read_any_request(sell(claimed, 33)), hurry=True)
    claimed.till.ask("take", paid, {"online": True})
    finish(claimed)
    claimed.till.ask("deposit", FOOD)
    owed = booked(claimed, before + 33)["to_settle"]
    assert owed >= 33
    assert claimed.till.ask("askSettlement", FOOD, owed)["asked"] == owed
    with pytest.raises(Refused, match=r"shops\."):
        claimed.till.ask("askSettlement", FOOD, 10_000_000)


def test_a_lost_phone_is_restored_by_python_and_a_python_wallet_by_a_phone(claimed: Street) -> None:
    lost, new = (Device(claimed.node, "wallet/tests/drive.ts", claimed) for _ in range(2))
    neighbour = claimed.neighbour()
    neighbour.purse.make_exact(317, FOOD, hurry=True)
    lost.ask("receive", neighbour.pay_code(317, FOOD, hurry=True))
    found = claimed.people.wallet("restored from a phone")
    quickly = Manner(numbers=(60, 60), outputs=60, points=2, pause=0.0)
    progress = found.restore(
        lost.ask("recoveryCode"),
        connect=lambda: Client(claimed.told["mint"]),
        wait=lambda _seconds: None,
        manner=quickly,
    )
    assert (progress.done, progress.found, found.purse.balance(FOOD)) == (True, 317, 317)

    new.ask("beginRestore", found.recovery_code())
    while not new.ask("restoreStep")["done"]:
        pass
    assert new.ask("holding", FOOD)["balance"] == 317
    for device in (lost, new):
        device.close()
