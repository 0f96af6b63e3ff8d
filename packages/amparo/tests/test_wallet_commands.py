"""A household and a shop at the terminal: claim in a crowd, wait, pay, lose the phone, sell without a connection, deposit."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from packages.amparo.tests.terminal import answer, approved_town, somebody_with_aid
from typer.testing import CliRunner

from amparo.__main__ import app
from amparo.commands import shell
from amparo.commands.shell import FOUND_WRONG
from amparo.commands.wallet import open_wallet
from amparo.demo.story import Stage
from amparo.errors import FileMissing
from amparo.i18n import LANGUAGES
from amparo_common.signing import b64url, unb64url
from amparo_paper.qr import draw_qr, read_codes
from amparo_rules.errors import NotInBatch, ReceiptSignatureFalse
from amparo_wallet.wallet import Paper

UNIT = "usd"


class Household:
    """The town up to the approval, and one household that gets aid, at a terminal."""

    def __init__(self, stage: Stage, ref: str, folder: Path) -> None:
        self.stage, self.ref = stage, ref
        self.data = ("--data", str(stage.folder.root))
        self.wallet, self.till = folder / "wallet", folder / "till"

    def at_home(self, *words: str, folder: Path | None = None) -> Any:
        """A command of the wallet, answered as JSON."""
        return answer("wallet", *words, "--wallet", str(folder or self.wallet))

    def at_shop(self, *words: str, folder: Path | None = None) -> Any:
        """A command of the till, answered as JSON."""
        return answer("shop", *words, "--till", str(folder or self.till))


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    with approved_town(tmp_path_factory.mktemp("town")) as stage:
        ref = somebody_with_aid(stage, UNIT)
        stage.on(11)
        yield Household(stage, ref, tmp_path_factory.mktemp("devices"))


def test_a_month_of_a_household_and_a_shop_at_the_terminal(household: Household, tmp_path: Path) -> None:
    """One story, because each part needs what came before."""
    home, shop = household.at_home, household.at_shop
    answer("wallet", "init", "--wallet", str(household.wallet), "--latest-hours", "96", *household.data)
    home("enrol", answer("codes", household.ref, *household.data)[household.ref])
    decided = [paper["receipt"]["amount"] for paper in home("papers") if paper["receipt"]["unit"] == UNIT]
    assert all(paper["one_of"] > 0 for paper in home("papers") if paper["receipt"]["eligible"])

    false_decisions(household, tmp_path)

    # Nobody else has come: the aid waits, and the claim that was begun is found again.
    first = home("claim")
    assert first["claimed"] == []
    assert {each["state"] for each in first["aid"]} == {"waiting"}
    assert all(1 <= each["crowd"] < each["crowd_needed"] for each in first["aid"])
    household.stage.on(13)  # the window is over: whoever came is the crowd
    found = home("claim")
    (total,) = decided
    assert total in found["claimed"]
    assert home("claim") == {"claimed": [], "aid": []}

    # Paying waits, and is not forbidden.
    rests = home("balance", UNIT)
    assert rests["balance"] == rests["resting"][0]["amount"] == total
    assert not rests["interrupted_claim"]
    assert home("pay", "1.00", UNIT) == {"error": "purse.aid_rests"}
    assert home("take-back", UNIT) == {"unit": UNIT, "taken_back": 0}
    assert home("tidy", UNIT)["renewal"]["renewed"] == 0
    code = home("pay", "1.00", UNIT, "--now")["code"]
    assert home("balance", UNIT)["balance"] == total - 100

    # The shop.
    new = answer("shop", "accredit", "Mercado", "ES9121000418450200051332", "--unit", UNIT, *household.data)
    shop("open", "--shop", new["shop"], "--access", new["access"], *household.data)
    assert shop("take", code, "1.00", UNIT) == {"taken": 100, "unit": UNIT, "confirmed": True}
    assert home("received", code) == {"forgotten": True}

    # A code that was not taken comes back.
    kept = home("pay", "0.50", UNIT, "--now")["code"]
    assert home("cancel", kept) == {"error": "purse.exchange_rests"}
    assert home("cancel", kept, "--now") == {"unit": UNIT, "back": 50}
    assert home("cancel", code, "--now") == {"unit": UNIT, "back": 0}
    refused_in_every_language(household)

    # Without a connection: a request, a second device, the lists of spent codes.
    assert shop("settings", "--most-per-sale", "2.00")["most_per_sale"] == 200
    asked = shop("request", "1.50", UNIT)
    assert asked["request"].startswith("CREQB1")
    assert shop("request", "1.50", UNIT, "--long")["request"].startswith("creqA")
    locked = home("pay", asked["request"], "--now")["code"]
    second, file = household.till.parent / "second", tmp_path / "shared.json"
    shop("share", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert shop("join", str(file), folder=second)["shop"] == new["shop"]
    assert shop("take", locked, "1.50", UNIT, "--offline")["confirmed"] is False
    assert shop("take", locked, "1.50", UNIT, "--offline") == {"error": "till.taken_before"}
    shop("filters", folder=second)  # what the second device sees of the log and the lists while it has a connection
    assert shop("take", locked, "1.50", UNIT, "--offline", folder=second)["taken"] == 150
    assert [(each["amount"], each["state"]) for each in shop("sales")] == [(150, "pending")]
    deposited = shop("deposit", UNIT, "--wait", "20")
    assert (deposited["deposited"], deposited["pending"], deposited["refused"]) == (250, 0, 0)
    assert shop("sales") == []
    assert home("received", locked) == {"forgotten": True}
    assert shop("deposit", UNIT, folder=second)["lost"] == 150
    assert [each["state"] for each in shop("sales", "--seen", folder=second)] == ["spent"]
    assert shop("sales", folder=second) == []

    # The phone is lost. The new one is another wallet of the household: its money comes back, its aid is not claimed twice.
    shown = home("recovery", "show")
    assert not shown["tested"]
    assert home("recovery", "qr")["qr"] == shown["qr"]
    assert home("recovery", "test", *shown["code"].split(" ")) == {"tested": True}
    assert home("recovery", "test", "1234") == {"error": "purse.recovery_code_false"}
    phone = household.wallet.parent / "phone"
    answer("wallet", "init", "--wallet", str(phone), *household.data)
    home("enrol", answer("codes", household.ref, *household.data)[household.ref], folder=phone)
    assert {each["state"] for each in home("claim", folder=phone)["aid"]} == {"elsewhere"}
    back = home("restore", shown["code"], "--pause", "0", folder=phone)
    assert back["found"] - back["spent"] >= total - 250
    assert home("balance", UNIT, folder=phone)["balance"] == total - 250
    assert home("claim", folder=phone) == {"error": "purse.claim_rests"}
    again = home("claim", "--now", folder=phone)
    assert (again["claimed"], {each["state"] for each in again["aid"]}) == ([], {"before"})
    assert home("balance", UNIT, folder=phone)["balance"] == total - 250
    own, _, _ = open_wallet(phone)
    assert own.recovery_code() != shown["code"]
    read_by_people(household, phone)


@contextmanager
def lying_office(papers: list[Paper]) -> Iterator[str]:
    """An office that hands out these papers, whatever it is asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(msgspec.json.encode(papers))

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def false_decisions(household: Household, folder: Path) -> None:
    """Decisions that do not hold stand among the others, and what is saved of them proves it."""
    phone, saved = folder / "phone", folder / "saved"
    shutil.copytree(household.wallet, phone)
    own, _, places = open_wallet(phone)
    honest = own.papers()

    def told(paper: Paper, receipt: str) -> Paper:
        return msgspec.structs.replace(paper, bundle=msgspec.structs.replace(paper.bundle, receipt=receipt))

    head, payload, signature = honest[0].bundle.receipt.split(".")
    turned = ("A" if signature[0] != "A" else "B") + signature[1:]
    elsewhere = msgspec.json.decode(unb64url(payload)) | {"programme": "../../evil"}
    forms = [f"{head}.{payload}.{turned}", f"{head}.{b64url(msgspec.json.encode(elsewhere))}.{signature}", "nonsense"]
    with lying_office([*honest, *(told(honest[0], form) for form in forms)]) as office:
        (phone / "places.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(places, office=office)))
        words = ["wallet", "papers", "--wallet", str(phone), "--save", str(saved)]
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == FOUND_WRONG, result.output
        listed = json.loads(result.stdout)
        codes = ["rules.receipt_signature_false", "rules.not_in_batch", "rules.receipt_malformed"]
        assert [each["finding"] for each in listed] == [None] * len(honest) + codes
        assert [each["receipt"] is None for each in listed] == [False] * len(honest) + [True] * 3
        said = CliRunner().invoke(app, words)
        assert said.exit_code == FOUND_WRONG
        assert all(code in said.stdout for code in codes)
    names = {f"false-{hashlib.sha256(form.encode()).hexdigest()[:16]}.json": form for form in forms}
    kept = {path.name for path in saved.iterdir()}
    assert {name for name in kept if name.startswith("false-")} == set(names)
    check = ["receipt", "check", "--vkey", places.vkey]
    for name in kept - set(names):
        assert CliRunner().invoke(app, [*check, str(saved / name)]).exit_code == 0
    signed, moved, _ = (str(saved / name) for name in names)
    with pytest.raises(ReceiptSignatureFalse):
        CliRunner().invoke(app, [*check, signed], catch_exceptions=False)
    with pytest.raises(FileMissing, match="no proofs"):
        CliRunner().invoke(app, [*check, moved], catch_exceptions=False)
    with pytest.raises(NotInBatch):
        CliRunner().invoke(app, [*check, moved, "--log", places.log], catch_exceptions=False)


def read_by_people(household: Household, phone: Path) -> None:
    """The same in words."""
    for words, said in (
        (("wallet", "papers"), "you are one of"),
        (("wallet", "balance", UNIT), f" {UNIT}"),
        (("wallet", "claim", "--now"), "nothing to claim"),
        (("wallet", "tidy", UNIT), ""),
        (("wallet", "recovery", "show"), "not in the code"),
        (("wallet", "recovery", "qr"), "█"),
        (("shop", "settings"), "2.00"),
        (("shop", "filters"), "at hand"),
        (("shop", "sales"), "state"),
        (("shop", "deposit", UNIT), "0.00 usd handed in"),
        (("shop", "request", "1.00", UNIT), "CREQB1"),
    ):
        place = ("--wallet", str(phone)) if words[0] == "wallet" else ("--till", str(household.till))
        result = CliRunner().invoke(app, [*words, *place])
        assert result.exit_code == 0, f"{words}: {result.exception!r}"
        assert said in " ".join(result.stdout.split()), words


def refused_in_every_language(household: Household) -> None:
    """A refusal that says from when on speaks the reader's language."""
    found = {}
    for language in LANGUAGES:
        result = subprocess.run(
            [sys.executable, "-m", "amparo", "wallet", "pay", "1.00", UNIT, "--wallet", str(household.wallet)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | {"NO_COLOR": "1", "COLUMNS": "400", "AMPARO_LANGUAGE": language},
        )
        assert result.returncode == shell.CANNOT
        assert "--now" in result.stderr
        assert result.stderr.strip().endswith("[purse.aid_rests]")
        found[language] = result.stderr
    assert len(set(found.values())) == len(LANGUAGES)


def test_a_folder_that_holds_no_till_or_a_damaged_one_is_said(tmp_path: Path) -> None:
    assert answer("shop", "sales", "--till", str(tmp_path)) == {"error": "amparo.file_missing"}
    (tmp_path / "file").write_text("{}")
    assert answer("shop", "join", str(tmp_path / "file"), "--till", str(tmp_path)) == {"error": "amparo.file_missing"}


def test_a_code_drawn_in_the_terminal_is_read_by_a_camera() -> None:
    text = "CREQB1" + "ABCDEFGH" * 12
    lines = draw_qr(text).split("\n")
    upper = {" ": (255, 255), "█": (0, 0), "▀": (0, 255), "▄": (255, 0)}
    rows = [[upper[sign][half] for sign in line] for line in lines for half in (0, 1)]
    picture = np.kron(np.array(rows, dtype=np.uint8), np.ones((4, 4), dtype=np.uint8))
    assert read_codes(picture) == [text]
