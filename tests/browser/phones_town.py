"""A town whose services run for phones in a real browser: households with aid that nobody has taken yet, neighbours who give
codes, a shop whose till key is known, and what the mint itself says that is in circulation.
"""

import contextlib
import json
import secrets
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import HOUSEHOLDS, play

from amparo.demo import month, phones
from amparo.demo.people import People
from amparo.demo.phones import CYCLE, PhonesReady
from amparo.demo.story import Stage, moment
from amparo.folder import DataFolder
from amparo.supervisor import Supervisor
from amparo.town import FOOD
from amparo_cashu.curve import generator_times, hash_to_curve, show_point
from amparo_cashu.nut18_request import LockOption, PaymentRequest
from amparo_cashu.nut26_request import write_request_b
from amparo_cashu.wire import CheckStateAnswer
from amparo_service.practice_clock import PracticeClock
from amparo_till.enrolment import TillEnrolment, write_enrolment
from amparo_wallet.vouchers import VoucherSheet, take_vouchers, voucher_sheet
from amparo_wallet.wallet import Wallet

# Points asked about at once.
ASKED = 200


class PhonesTown:
    """The town, and everything that its people can hand to a phone."""

    def __init__(self, stage: Stage, ready: PhonesReady) -> None:
        self.stage, self.ready = stage, ready
        self.people = People(stage)
        self._givers = [home.ref for home in self.people.homes("phone = 1")]
        self._untaken = self._find_untaken()
        # Of those that were looked at, the ones that had too little for somebody.
        self._passed: list[tuple[str, int]] = []

    def household(self, least: int = 0) -> dict[str, Any]:
        """A household whose aid, `least` minor units or more, waits: the office's code for its new phone, and the aid. Each is
        given once."""
        fitting = [each for each in self._passed if each[1] >= least]
        while not fitting:
            home = next(self._untaken)
            (fitting if home[1] >= least else self._passed).append(home)
        ref, aid = fitting[0]
        self._passed = [each for each in self._passed if each[0] != ref]
        registrar = self.stage.installation.staff("registrar")
        return {"code": registrar.post("/enrolment-codes", {"refs": [ref]}, dict[str, str])[ref], "aid": aid}

    def _find_untaken(self) -> Iterator[tuple[str, int]]:
        for home in self.people.homes("phone = 1"):
            wallet = self.people.wallet(home.ref)
            for paper in wallet.papers() if home.ref != self.ready.household else []:
                if paper.approved and not paper.claimed and paper.amount and wallet.check(paper).cycle == CYCLE:
                    yield home.ref, paper.amount

    def giver(self, amount: int) -> Wallet:
        """A neighbour who has so much. Raises `AssertionError` when nobody has."""
        for ref in self._givers:
            wallet = self.people.wallet(ref)
            if ref != self.ready.household and wallet.purse.balance(FOOD) >= amount:
                return wallet
        raise AssertionError("nobody has enough")

    def plain_code(self, amount: int) -> str:
        """Unlocked coins as the text of a code."""
        giver = self.giver(amount)
        giver.purse.make_exact(amount, FOOD, hurry=True)
        return giver.pay_code(amount, FOOD, hurry=True)

    def locked_code(self, amount: int, key: str) -> str:
        """Coins locked to a till's key, as the text of a code."""
        return self.giver(amount).pay_request(self.request(amount, key), hurry=True)

    def request(self, amount: int, key: str | None) -> PaymentRequest:
        """What a till with this key asks for."""
        mints = [self.stage.installation.services.url("mint")]
        lock = None if key is None else LockOption(kind="P2PK", data=key)
        return PaymentRequest(id=secrets.token_hex(4), amount=amount, unit=FOOD, mints=mints, lock=lock)

    def vouchers(self) -> VoucherSheet:
        """What a household without a phone gets on paper."""
        for home in self.people.homes("phone = 0"):
            wallet = self.people.wallet(home.ref)
            for paper in wallet.papers():
                if paper.approved and not paper.claimed and paper.amount and wallet.check(paper).cycle == CYCLE:
                    wallet.claim(paper, stock=True, hurry=True)
                    with wallet.purse.database.transaction():
                        taken = take_vouchers(wallet, FOOD, mint_url=self.people.mint_url)
                    return voucher_sheet(taken, language="es", until=month.KEYSET_LAST_DAY)
        raise AssertionError("nobody needs paper")

    def shop(self, name: str) -> dict[str, str]:
        """A new shop: the code for its till, the key of the till, and its access to the shops side."""
        secret = secrets.token_bytes(32)
        body = {"name": name, "account": "ES7921000813610123456789", "units": [FOOD]}
        made = self.stage.installation.finance().post("/shops", body, dict[str, str])
        services = self.stage.installation.services
        mint, shops, log = (services.url(each) for each in ("mint", "shops", "log"))
        enrolment = TillEnrolment(
            shop=made["shop"],
            name=name,
            access=made["access"],
            units=[FOOD],
            mint=mint,
            shops=shops,
            log=log,
            vkey=services.vkey,
            lock=secret.hex(),
        )
        key = show_point(generator_times(secret))
        return {"code": write_enrolment(enrolment), "key": key, "access": made["access"], "shops": shops}

    # --- what the mint says ---------------------------------------------------------------------------------------------------

    def in_circulation(self) -> int:
        """What is in wallets by the mint's own counters, in minor units of food aid."""
        file = self.stage.folder.service("mint") / "mint.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (sum_,) = database.execute(
                "SELECT SUM(issued + moved - redeemed - returned) FROM keyset WHERE unit = ?", (FOOD,)
            ).fetchone()
        return int(sum_)

    def states(self, texts: list[str]) -> dict[str, str]:
        """How the mint says that coins stand, by their secrets' texts."""
        points = {show_point(hash_to_curve(text.encode())): text for text in texts}
        asked = list(points)
        found: dict[str, str] = {}
        for at in range(0, len(asked), ASKED):
            answer = self.stage.installation.mint.post(
                "/v1/checkstate", {"Ys": asked[at : at + ASKED]}, CheckStateAnswer
            )
            found |= {points[each.Y]: each.state for each in answer.states}
        return found

    def answer(self, asked: dict[str, Any]) -> Any:
        """What the people of the town hand to a program that plays phones."""
        match asked["ask"]:
            case "household":
                return self.household()
            case "plain":
                return self.plain_code(asked["amount"])
            case "locked":
                return self.locked_code(asked["amount"], asked["key"])
            case "request":
                return write_request_b(self.request(asked["amount"], asked["key"]))
            case other:
                raise AssertionError(f"nobody knows what {other} is")


@contextlib.contextmanager
def phones_town(root: Path, *, households: int = HOUSEHOLDS) -> Iterator[PhonesTown]:
    """The town in a folder, with its services and both apps. Needs the built apps."""
    folder = DataFolder(root)
    PracticeClock(folder.clock).set(moment(1))
    with Supervisor(folder, practice=True, apps=True) as services:
        stage = play(folder, services, households=households)
        for step in (month.publish_rules, month.register, month.enrol):
            step(stage)
        yield PhonesTown(stage, phones.make_ready(stage))


class Player:
    """A program that plays phones: it is told what to do, asks for what it needs and reports, a line of JSON each."""

    def __init__(self, command: list[str], told: dict[str, Any]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._tell(told)

    def _tell(self, content: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(content) + "\n")
        self._process.stdin.flush()

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it says, until it ends; each is to be answered before the next is asked for."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield json.loads(line)

    def reply(self, content: Any) -> None:
        """Answer its last line."""
        self._tell(content)

    def end(self) -> None:
        """Stop it, whatever it does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
