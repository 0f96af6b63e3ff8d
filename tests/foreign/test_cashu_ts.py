"""An unchanged foreign wallet library, cashu-ts from npm, meets our mint: one test for each part of the specification.

The drives are programs for node in `cashu_ts/`. Each prints sentences that were true or not; here they are judged. What
the mint does not announce (`/v1/info`) it must refuse cleanly, and may lack only while `NOT_YET` says so.
"""

import contextlib
import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.foreign.conftest import CASHU_TS
from tests.foreign.gateway import PRACTICE_SHOP
from tests.foreign.practice_mint import LogIn, PracticeMint, practice_mint
from tests.foreign.web_shop import PRICE, web_shop

from amparo_cashu.nut00_token import read_token, write_token
from amparo_cashu.nut18_request import LockOption, PaymentRequest, Transport, write_request
from amparo_cashu.nut26_request import read_any_request, write_request_b
from amparo_service.client import Client

UNIT = "sat"
PATIENCE_SECONDS = 60

# Drive -> the NUT by which the mint announces it; None where nothing is announced.
DRIVES: dict[str, str | None] = {
    "nut00": None,
    "nut01": None,
    "nut02": None,
    "nut03": None,
    "nut04": "4",
    "nut05": "5",
    "nut06": None,
    "nut07": "7",
    "nut09": "9",
    "nut10": "10",
    "nut11_lock": "11",
    "nut11_locktime": "11",
    "nut11_multisig": "11",
    "nut11_sig_all": "11",
    "nut12": "12",
    "nut14": "14",
    "nut17": "17",
    "nut18": None,
    "nut19": "19",
    "nut20": "20",
    "nut26": None,
    "nut28": None,
    "nut29": "29",
}
# NUT -> why the mint may lack it. What stands here and is announced makes a test fail, so that the table stays true.
NOT_YET = {
    "14": "hash locks have no use in a benefits mint, and every condition is attack surface",
    "21": "off unless the operator configures a log-in service; on at the guarded mint",
    "22": "off unless the operator configures a log-in service; on at the guarded mint",
}
# NUT -> the drive that tries it where it is missing.
REFUSALS = {"14": "no14", "17": "no17", "21": "no22", "22": "no22"}
# Drives of the mint that asks for log-ins and access tokens.
GUARDED = {"nut21": "21", "nut22": "22"}


class Fact(msgspec.Struct, frozen=True):
    """A sentence that a drive found true or not, and what it saw otherwise."""

    sentence: str
    holds: bool
    detail: str


class Verdict(msgspec.Struct, frozen=True):
    """All that one drive found, and the things it hands over."""

    found: list[Fact]
    things: dict[str, Any]


@pytest.fixture(scope="session")
def announced(mint: PracticeMint) -> set[str]:
    """The NUTs that the mint says it has."""
    return set(Client(mint.url).get("/v1/info", dict[str, Any])["nuts"])


def drive(node: Path, mint: PracticeMint, name: str, **more: str | int) -> Verdict:
    """Run one drive; everything it found is true."""
    town = more | {
        "mint": mint.url,
        "front": mint.front,
        "unit": UNIT,
        "keyset": mint.keysets[UNIT],
        "shop": PRACTICE_SHOP,
    }
    command = [str(node), str(CASHU_TS / "drive.mjs"), name, json.dumps(town)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    verdict = msgspec.json.decode(done.stdout, type=Verdict)
    assert verdict.found, f"{name} found nothing"
    faults = [f"{fact.sentence}: {fact.detail}" for fact in verdict.found if not fact.holds]
    assert not faults, "\n".join(faults)
    return verdict


@pytest.mark.parametrize("name", DRIVES)
def test_cashu_ts_finds_what_the_mint_announces_and_a_clean_refusal_else(
    name: str, node: Path, mint: PracticeMint, announced: set[str]
) -> None:
    nut = DRIVES[name]
    if nut is None or nut in announced:
        drive(node, mint, name)
        return
    assert nut in NOT_YET, f"the mint no longer announces NUT-{nut}"
    drive(node, mint, REFUSALS[nut])


@pytest.mark.parametrize("name", GUARDED)
def test_cashu_ts_logs_in_and_pays_for_requests(
    name: str, node: Path, guarded_mint: PracticeMint, log_in: LogIn
) -> None:
    assert GUARDED[name] in Client(guarded_mint.url).get("/v1/info", dict[str, Any])["nuts"]
    tokens = {"cat": log_in.token(), "ended": log_in.token(lasts=-60)}
    drive(node, guarded_mint, name, **tokens)


def test_a_mint_whose_signer_has_no_c_batch_serves_cashu_ts_the_same(
    node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMPARO_SIGNER_PLAIN", "1")
    with practice_mint(tmp_path, units=[UNIT]) as plain:
        for name in ("nut03", "nut04", "nut05", "nut09", "nut12"):
            drive(node, plain, name)


def test_cashu_ts_gets_its_answer_from_a_mint_that_was_started_anew_in_between(node: Path, tmp_path: Path) -> None:
    with practice_mint(tmp_path, units=[UNIT]) as own, restarting(own) as (address, starts):
        drive(node, own, "nut19_restart", restart=address)
        assert len(starts) == 1


@contextlib.contextmanager
def restarting(mint: PracticeMint) -> Iterator[tuple[str, list[str]]]:
    """An address at which the mint can be started anew (the answer: where it is then), and where it has been."""
    starts: list[str] = []

    class Restart(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            mint.stop()
            mint.start()
            starts.append(mint.url)
            self.send_response(200)
            self.send_header("content-length", str(len(mint.url)))
            self.end_headers()
            self.wfile.write(mint.url.encode())

        def log_message(self, *_arguments: object) -> None:
            """Nothing is printed."""

    with http.server.HTTPServer(("127.0.0.1", 0), Restart) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", starts
        server.shutdown()
        thread.join(10)


def test_cashu_ts_buys_from_a_shop_on_the_web(node: Path, mint: PracticeMint, tmp_path: Path) -> None:
    with web_shop(tmp_path, mint, UNIT) as (address, till):
        drive(node, mint, "nut24", web=address, price=PRICE)
        assert till.stored(UNIT) == PRICE
        assert till.deposit(UNIT).deposited == PRICE


def test_the_table_of_missing_parts_is_true(announced: set[str]) -> None:
    assert not set(NOT_YET) & announced


def test_we_read_the_token_that_cashu_ts_wrote(node: Path, mint: PracticeMint) -> None:
    written = drive(node, mint, "nut00").things["token"]
    token = read_token(written, keysets=mint.keysets.values())
    assert (token.mint, token.unit, sum(proof.amount for proof in token.proofs)) == (mint.url, UNIT, 21)


@pytest.mark.parametrize("name", ["nut18", "nut26"])
def test_we_read_the_payment_request_that_cashu_ts_wrote(name: str, node: Path, mint: PracticeMint) -> None:
    things = drive(node, mint, name).things
    request, wanted = read_any_request(things["request"]), things["wanted"]
    assert (request.amount, request.unit, request.mints) == (wanted["amount"], wanted["unit"], [wanted["mint"]])
    assert request.lock is not None
    assert (request.lock.kind, request.lock.data) == ("P2PK", wanted["lock"])
    assert [transport.target for transport in request.transports] == [wanted["target"]]


def test_cashu_ts_reads_what_we_wrote(node: Path, mint: PracticeMint) -> None:
    taken = read_token(drive(node, mint, "nut00").things["token"], keysets=mint.keysets.values())
    key = "02" + "a1" * 32
    request = PaymentRequest(
        id="bread-2",
        amount=9,
        unit=UNIT,
        mints=[mint.url],
        transports=[Transport(kind="post", target="https://till.invalid/pay")],
        lock=LockOption(kind="P2PK", data=key),
    )
    ours = {"requestA": write_request(request), "requestB": write_request_b(request), "key": key}
    verdict = drive(node, mint, "readsOurs", token=write_token(taken), **ours)
    assert len(verdict.found) == 8


def test_a_drive_that_finds_a_fault_fails(node: Path, mint: PracticeMint) -> None:
    with pytest.raises(AssertionError, match="the drive comes to its end"):
        drive(node, mint, "no_such_drive")
