"""Plays phones that die in a real browser (`deaths.mjs`) and holds what they have against the mint: no coin is lost, none counts
twice. Shared by the sample that every run has and the whole sweep of `tests/faults`.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from tests.browser.conftest import HERE, Browser
from tests.browser.phones_town import PhonesTown, Player

from amparo.town import FOOD
from amparo_service.client import Client

KINDS = ("reload", "crash", "power")
DEEDS = ("claim", "pay", "pay first", "receive", "take locked", "take locked, alone", "take unlocked", "deposit")
PATIENCE_SECONDS = 30
Plan = dict[str, list[dict[str, Any]]]


class Deaths(msgspec.Struct):
    """What a run found: how often a phone died in which deed and how, at which points, and after how many deaths the deed was done
    without being touched again."""

    died: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    points: dict[str, set[str]] = msgspec.field(default_factory=dict)
    done: int = 0

    def __str__(self) -> str:
        return f"{self.died.total()} deaths, {self.done} of them after the deed was done; lost 0, doubled 0"


class Books:
    """The whole town's money: every phone's coins against the mint's word and counters."""

    def __init__(self, town: PhonesTown) -> None:
        self._town = town
        self._phones: dict[str, list[dict[str, Any]]] = {}
        # What everybody has who is no phone of this test.
        self._others = town.in_circulation()

    def given(self, amount: int) -> None:
        """A neighbour gave a code of so much to a phone."""
        self._others -= amount

    def check(self, report: dict[str, Any]) -> None:
        """After a deed: no coin is lost, none counts twice, no request is open."""
        assert report["isDone"], report
        assert not report["faults"], report["faults"]
        assert report["journal"] == [], report
        self._phones[report["phone"]] = report["coins"]
        amounts = {coin["secret"]: coin["amount"] for coins in self._phones.values() for coin in coins}
        states = self._town.states(list(amounts))
        here = sum(amount for text, amount in amounts.items() if states[text] != "SPENT")
        assert here + self._others == self._town.in_circulation(), report
        assert not any(coin["busy"] for coin in report["coins"]), report
        # What the phone says that it can spend, it can.
        own = [coin for coin in report["coins"] if coin["state"] != "given"]
        assert all(states[coin["secret"]] == "UNSPENT" for coin in own), report
        if report["worth"] is not None:
            assert sum(coin["amount"] for coin in report["coins"]) == report["worth"], report


def play(town: PhonesTown, rig: Browser, folder: Path, plan: Plan) -> Deaths:
    """Let phones die as planned, in the order of `DEEDS`. Fails at the first coin that is lost or counts twice."""
    shop = town.shop("Bodega Luna")
    ready, books, deaths = town.ready, Books(town), Deaths()
    told = {
        "chromium": rig.chromium,
        "wallet": ready.wallet,
        "till": ready.till,
        "folder": str(folder),
        "key": shop["key"],
        "shop_code": shop["code"],
        "plan": plan,
    }
    player = Player([str(rig.node), str(HERE / "deaths.mjs")], told)
    sold = 0
    try:
        for line in player.lines():
            if "failed" in line:
                raise AssertionError(line["failed"])
            if "ask" in line:
                player.reply(town.answer(line))
                if line["ask"] in ("plain", "locked"):
                    books.given(line["amount"])
                    sold += line["amount"] if line["for"] == "till" else 0
                continue
            books.check(line)
            if line["died"]:
                deaths.died[line["report"], line["kind"]] += 1
                deaths.points.setdefault(line["report"], set()).add(line["point"])
                deaths.done += line["wasDone"]
            player.reply({})
    finally:
        player.end()
    if plan.get("deposit"):
        _check_credited(Client(shop["shops"], bearer=shop["access"]), sold)
    return deaths


def _check_credited(shops: Client, amount: int) -> None:
    """The shop is credited with every sale once; the mint's last word may be on its way."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (found := shops.get(f"/mine/{FOOD}", dict[str, Any])["deposited"]) != amount:
        assert found < amount, (found, amount)
        assert time.monotonic() < until, (found, amount)
        time.sleep(0.1)
