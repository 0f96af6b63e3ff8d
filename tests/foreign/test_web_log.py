"""The phones' own reader (web/log, web/rules) and the office's Python judge one log, over HTTP: a log that grows, that is forked,
that is spoilt on the way; receipts that hold, and an office that lies. The phone is `web/log/tests/drive.ts`, run by node.
"""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from packages.purse.tests.conftest import MINT_KEY
from packages.wallet.tests.conftest import AMOUNTS, LOG_SIGNER, OFFICE_KEY, RULE, STRANGER, Town
from packages.wallet.tests.test_defined_facts import ROOF, roofs
from tools import environments
from tools.environments import ROOT

from amparo_common.bridge import AidApproved, sign_for_log
from amparo_common.errors import AmparoError
from amparo_common.money import Unit
from amparo_log.note import NoteVerifier, open_checkpoint
from amparo_rules.receipt import ReceiptBundle
from amparo_wallet.receipts import Evidence, check_bundle, check_evidence, gather_evidence

WEB = ROOT / "web"
VKEY = LOG_SIGNER.vkey
PATIENCE_SECONDS = 120


class Street:
    """An HTTP server in front of a town's log. `town` can be another one from some moment on; `spoilt` answers stand in for true
    ones; `asked` are the paths of all requests."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.spoilt: dict[str, bytes] = {}
        self.asked: list[str] = []
        street = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Passes requests on to the log's own HTTP edge."""

            def do_GET(self) -> None:
                """One request."""
                status, content = street.answer(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                """No access log."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str) -> tuple[int, bytes]:
        """What the network brings back."""
        self.asked.append(path)
        if path in self.spoilt:
            return 200, self.spoilt[path]
        answer = self.town.log_wire.handle_request(httpx2.Request("GET", f"http://log{path}"))
        return answer.status_code, answer.read()

    def __enter__(self) -> "Street":
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="session")
def node_for_web(node: Path) -> Path:
    """The node that has what the apps are made of."""
    environments.node().install(WEB)
    return node


class Phone:
    """A phone with a memory of its own."""

    def __init__(self, node: Path, street: Street, folder: Path) -> None:
        self._node, self._street, self.folder = node, street, folder
        folder.mkdir()

    def ask(self, **order: Any) -> dict[str, Any]:
        """What the phone finds."""
        order |= {"url": self._street.url, "vkey": VKEY, "folder": str(self.folder)}
        done = subprocess.run(
            [str(self._node), str(WEB / "log" / "tests" / "drive.ts")],
            input=json.dumps(order),
            cwd=WEB,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def check(self, bundle: ReceiptBundle) -> dict[str, Any]:
        """What the phone says of a receipt."""
        return self.ask(bundle=msgspec.to_builtins(bundle))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town whose office has introduced itself and published its rule."""
    yield from _town(tmp_path / "town")


@pytest.fixture
def other_town(tmp_path: Path) -> Iterator[Town]:
    """A log of the same name and key that says something else."""
    yield from _town(tmp_path / "other")


def _town(folder: Path) -> Iterator[Town]:
    folder.mkdir()
    made = Town(folder)
    made.introduce()
    made.publish_rule()
    yield made
    made.close()


@pytest.fixture
def street(town: Town) -> Iterator[Street]:
    """The log, reachable."""
    with Street(town) as made:
        yield made


@pytest.fixture
def phone(node_for_web: Path, street: Street, tmp_path: Path) -> Phone:
    """A phone that has not read anything yet."""
    return Phone(node_for_web, street, tmp_path / "phone")


def say_much(town: Town, count: int) -> None:
    """More entries, none like another."""
    for _ in range(count):
        approve(town, 1 + town.log.store.size(), unit="eur")


def approve(town: Town, total: int, *, unit: str = "usd") -> None:
    """A payment of some batch."""
    town.say(AidApproved("p", str(total), "0" * 64, total, Unit(unit), approvals=2))


def test_a_phone_follows_a_growing_log_and_says_of_it_what_python_says(
    town: Town, street: Street, phone: Phone
) -> None:
    town.decide()
    approve(town, 500)
    known = 0
    for more in (0, 300, 1, 250, 0):
        say_much(town, more)
        street.asked.clear()
        found, view = phone.ask(), town.follower.refresh()
        assert found == {
            "known": known,
            "size": view.size,
            "office": OFFICE_KEY.kid,
            "mint": MINT_KEY.kid,
            "keysets": [[place.index, body.keyset] for place, body in view.keysets],
            "rules": [RULE.rule_hash],
            "batches": [[place.index, place.at, body.root] for place, body in view.decisions],
            "approved": 500,
        }
        # The same requests for everybody who has read as much: the head, and whole bundles from the first unfinished one on.
        assert street.asked[0] == "/checkpoint"
        assert all(path.startswith("/tile/entries/") for path in street.asked[1:])
        assert len(street.asked) == 1 + (view.size > known) * (-(-view.size // 256) - known // 256)
        known = view.size


def test_a_log_that_was_forked_is_refused_and_its_two_heads_prove_it(
    town: Town, other_town: Town, street: Street, phone: Phone
) -> None:
    town.decide()
    assert phone.ask()["size"] == town.log.store.size()
    approve(other_town, 7)
    say_much(other_town, 5)
    street.town = other_town
    for _ in range(2):
        assert phone.ask() == {"code": "log.rewritten"}
    evidence = json.loads((phone.folder / "fork.json").read_text())
    before, after = (open_checkpoint(evidence[name], NoteVerifier(VKEY)) for name in ("before", "after"))
    assert (before.size, after.size) == (town.log.store.size(), other_town.log.store.size())
    street.town = town
    assert phone.ask()["size"] == town.log.store.size()


def test_a_log_that_lost_its_last_entry_is_refused(town: Town, other_town: Town, street: Street, phone: Phone) -> None:
    approve(town, 7)
    assert phone.ask()["size"] == 6
    street.town = other_town
    assert phone.ask() == {"code": "log.rewritten"}


def test_one_turned_bit_on_the_way_is_found_and_nothing_is_kept(town: Town, street: Street, phone: Phone) -> None:
    town.decide()
    size = town.log.store.size()
    for path, code in (("/checkpoint", "log.bad_note"), (f"/tile/entries/000.p/{size}", "log.bad_proof")):
        content = bytearray(street.answer(path)[1])
        content[-40] ^= 1
        street.spoilt = {path: bytes(content)}
        assert phone.ask() == {"code": code}
    street.spoilt = {"/checkpoint": b"x" * 1_100_000}
    assert phone.ask() == {"code": "service.remote_error"}
    street.spoilt = {}
    assert phone.ask()["known"] == 0


def test_what_the_log_takes_in_from_a_stranger_ends_the_reading(town: Town, phone: Phone) -> None:
    assert phone.ask()["size"] == 5
    town.log.append(sign_for_log(AidApproved("p", "1", "0" * 64, 1, Unit("usd"), approvals=2), STRANGER))
    assert phone.ask() == {"code": "log.bad_entry"}
    with pytest.raises(AmparoError) as found:
        town.follower.refresh()
    assert found.value.code == "log.bad_entry"


def test_nobody_there_is_said(town: Town, node_for_web: Path, tmp_path: Path) -> None:
    with Street(town) as street:
        phone = Phone(node_for_web, street, tmp_path / "phone")
        assert phone.ask()["size"] == 5
    assert phone.ask() == {"code": "service.unreachable"}


def test_a_phone_recomputes_every_receipt_and_its_proof_holds_for_anybody(town: Town, phone: Phone) -> None:
    for bundle, amount in zip(town.decide(), AMOUNTS, strict=True):
        found = phone.check(bundle)
        assert found["amount"] == amount
        assert bool(found["failed"]) == bool(found["reasons"]) == (amount == 0)
        saved = msgspec.json.decode(found["evidence"], type=Evidence)
        assert check_evidence(saved, VKEY).amount == amount
        assert saved == gather_evidence(bundle, town.follower)
        assert phone.ask(evidence=found["evidence"])["amount"] == amount


def test_a_phone_recomputes_a_receipt_of_a_rule_with_a_fact_of_the_log(town: Town, phone: Phone) -> None:
    town.say(ROOF)
    town.publish_rule(roofs(ROOF))
    for bundle in town.decide(rule=roofs(ROOF)):
        found = phone.check(bundle)
        assert found["amount"] == check_bundle(bundle, town.follower, VKEY).amount
        assert msgspec.json.decode(found["evidence"], type=Evidence) == gather_evidence(bundle, town.follower)


def _refuse(_place: int, receipt: dict[str, Any]) -> None:
    receipt.update(amount=0, eligible=False, failed=["income"])


def _earlier(_place: int, receipt: dict[str, Any]) -> None:
    receipt["decided_at"] = "2026-10-26T09:00:00Z"


@pytest.mark.parametrize(
    "lie",
    [{"change": _refuse}, {"change": _earlier}, {"total": 1}, {"households": 4}, {"publish": False}],
    ids=["a wrongful refusal", "decided too early", "another total", "another number", "a batch that nobody sees"],
)
def test_a_phone_finds_a_lie_of_the_office_as_python_does(town: Town, phone: Phone, lie: dict[str, Any]) -> None:
    bundle = town.decide(**lie)[0]
    with pytest.raises(AmparoError) as found:
        check_bundle(bundle, town.follower, VKEY)
    assert phone.check(bundle) == {"code": found.value.code}
