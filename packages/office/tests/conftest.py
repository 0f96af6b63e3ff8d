"""A town for the office's tests: the office on real files behind its real HTTP edge, a log, a mint that listens.

The office reads the desk's register: each town has one of its own, migrated, in its folder.
"""

import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from django.db import connections
from starlette.testclient import TestClient
from tests.servers.desk import use

from amparo_common import canonical
from amparo_common.bridge import QuotePaid, open_sealed
from amparo_common.clock import FixedClock
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey, sign_compact
from amparo_credentials.card import CardSigner
from amparo_log.memory import MemoryLog
from amparo_office.answers import ImportResult, content_hash
from amparo_office.cards import CardOffice
from amparo_office.claims import WALLET_TYP, Claims
from amparo_office.cycles import Cycles
from amparo_office.desk import place
from amparo_office.http import OfficeServer
from amparo_office.importing import Importer
from amparo_office.mapping import read_mapping
from amparo_office.programmes import Needed, Programmes, defined_in, needs_of
from amparo_office.staff import Role, Staff
from amparo_office.store import Cycle, open_database
from amparo_office.tables import read_table
from amparo_rules.rule import RuleFile
from amparo_rules.starter import starter
from amparo_service.client import Client
from amparo_service.http import make_app
from amparo_service.login import LogIns

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
AS_OF = date(2026, 11, 1)
OFFICE_KEY, RECEIPT_KEY, LOGIN_KEY = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
ISSUER = "https://bread.example"
CARD_KEY, VERIFIER_KEY = Secret(b"c" * 32), Secret(b"v" * 32)

MAPPING = """
source: parish registry
date: 2026-10-01
household:
  ref: ref
  phone: phone
  facts: {monthly_income: income, rooms: rooms}
individual:
  household: home
  given_name: name
  family_name: surname
  other_name: arabic
  language: lang
  facts: {birth_date: born, is_head: head, disability: disabled}
"""
HOME_COLUMNS = ("ref", "phone", "income", "rooms")
PERSON_COLUMNS = ("home", "name", "surname", "arabic", "lang", "born", "head", "disabled")


class ListeningMint(httpx2.BaseTransport):
    """The mint as the office sees it: it checks the office's signature, pays each quote once, can be away, and refuses
    quotes that it does not know (`unknown`) or that are of another amount (`other`), or everything (`refuses`, a number)."""

    def __init__(self) -> None:
        self.away = False
        self.unknown: set[str] = set()
        self.other: set[str] = set()
        self.refuses: int | None = None
        self.paid: dict[str, QuotePaid] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """A message of the office."""
        if self.away:
            raise httpx2.ConnectError("away")
        assert request.url.path == "/bridge/quote-paid"
        message = open_sealed(request.read().decode(), OFFICE_KEY.public, QuotePaid)
        if message.quote in self.unknown:
            return httpx2.Response(
                400, json={"detail": "There is no such quote.", "code": 10000, "error": "token.quote_unknown"}
            )
        if message.quote in self.other:
            return httpx2.Response(
                400, json={"detail": "The payment is not for this quote.", "code": 11005, "error": "token.not_balanced"}
            )
        if self.refuses is not None:
            return httpx2.Response(
                409, json={"detail": "More would be issued than was approved.", "code": self.refuses}
            )
        assert self.paid.setdefault(message.quote, message) == message
        return httpx2.Response(200, json={"paid": True})


class WalletKey:
    """A wallet as the office sees it: a key that signs requests."""

    def __init__(self) -> None:
        self.key = SigningKey.generate()

    def token(self, action: str, **content: Any) -> str:
        """A signed request."""
        return sign_compact(canonical.encode({"action": action, **content}), self.key, typ=WALLET_TYP)

    def enrol(self, code: str) -> str:
        """The request that binds this wallet."""
        return self.token("enrol", code=code, jwk=msgspec.to_builtins(self.key.public.jwk))

    def papers(self) -> str:
        """The request for the receipts."""
        return self.token("papers", nonce="0")

    def claim(self, quote: str, cycle: str = "2026-11", programme: str = "food-basket") -> str:
        """The request that claims a cycle's aid."""
        return self.token("claim", programme=programme, cycle=cycle, quote=quote)


class PowerCut(BaseException):
    """The process dies here. Not an `Exception`: nothing may catch it."""


def no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""


class Town:
    """An office in a folder with everything around it. `reopen` is a restart on the same files. `smallest_crowd` is a setting
    that counts from the next start on; most tests are about a few households, so it is off."""

    smallest_crowd = 0

    def __init__(self, folder: Path, empty: Path) -> None:
        self.folder = folder
        shutil.copy(empty, folder / "register.sqlite")
        self.elsewhere = os.environ[place.FOLDER]
        self.clock = FixedClock(NOON)
        self.mint = ListeningMint()
        self.log = MemoryLog(self.clock)
        self.open()

    def open(self) -> None:
        """Start the office on the folder's files."""
        os.environ[place.FOLDER] = str(self.folder)
        use(place.database("", self.folder / "register.sqlite"))
        self.database = open_database(self.folder / "office.sqlite")
        self.programmes = Programmes(self.log, key=OFFICE_KEY, clock=self.clock)
        self.cycles = Cycles(
            self.database,
            self.log,
            self.programmes,
            publish_key=OFFICE_KEY,
            receipt_key=RECEIPT_KEY,
            clock=self.clock,
            smallest_crowd=self.smallest_crowd,
        )
        mint = Client("http://mint", transport=self.mint, patience=0)
        logins = LogIns(LOGIN_KEY, issuer=ISSUER, clock=self.clock)
        self.claims = Claims(self.database, self.log, publish_key=OFFICE_KEY, mint=mint, logins=logins)
        server = OfficeServer(
            self.folder,
            self.database,
            key=OFFICE_KEY,
            receipt_key=RECEIPT_KEY,
            log=self.log,
            staff=Staff(self.database, self.folder),
            programmes=self.programmes,
            cycles=self.cycles,
            claims=self.claims,
            cards=self.card_office(sealed=True),
            clock=self.clock,
            practice=True,
        )
        server.introduce()
        self.routes = server.routes()
        self.app = make_app(self.routes, lifespan=server.lifespan)
        self.http = TestClient(self.app, raise_server_exceptions=False)

    def card_office(self, *, sealed: bool) -> CardOffice:
        """The desk that prints identity cards."""
        return CardOffice(
            self.database,
            signer=CardSigner("town.example", CARD_KEY),
            verifier_key=VERIFIER_KEY,
            sealed=sealed,
            contact="555 0100",
            clock=self.clock,
        )

    def close(self) -> None:
        """Stop the office; what comes after it works in its own folder again."""
        self.database.close()
        connections.close_all()
        os.environ[place.FOLDER] = self.elsewhere

    def reopen(self) -> None:
        """Stop and start: new objects on the same files."""
        self.close()
        self.open()

    # --- through HTTP -----------------------------------------------------------------------------

    def ask(self, role: Role | None, method: str, path: str, body: Any = None) -> httpx2.Response:
        """A request of a colleague with this role (None: of nobody); bytes are sent as they are."""
        headers = {} if role is None else {"authorization": f"Bearer {self.access(role)}"}
        content = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        return self.http.request(method, path, content=content, headers=headers)

    def access(self, role: Role) -> str:
        """The access token of a new colleague."""
        first = (self.folder / "administrator.token").read_text()
        if role == "administrator":
            return first
        headers = {"authorization": f"Bearer {first}"}
        return str(self.http.post("/staff", json={"role": role}, headers=headers).json()["access"])

    def finish(self, job: int) -> dict[str, Any]:
        """A job once it is done or has failed; call while the application's lifespan runs."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            view: dict[str, Any] = self.ask("administrator", "GET", f"/jobs/{job}").json()
            if view["state"] in ("done", "failed"):
                return view
            time.sleep(0.01)
        raise AssertionError("The job does not end.")

    # --- the usual steps --------------------------------------------------------------------------

    def publish(self, source: str | None = None, *, wait: bool = True) -> RuleFile:
        """Publish a rule and, unless told otherwise, let its notice period pass."""
        rule, _ = self.programmes.publish(starter("food-basket") if source is None else source)
        if wait:
            self.clock.set(self.clock.now() + timedelta(days=rule.notice_days))
        return rule

    def needed(self) -> Needed:
        """The facts that the published programmes need."""
        return needs_of(self.log.refresh(), self.clock.now()).needed

    def take_in(self, homes: bytes, people: bytes, *, mapping: str = MAPPING, kind: str = "csv") -> ImportResult:
        """Import two files."""
        view = self.log.refresh()
        read = read_mapping(mapping, needed=self.needed(), defined=defined_in(view))
        importer = Importer(read, at=self.clock.now(), progress=no_progress)
        identity = content_hash(mapping, [homes, people])
        return importer.run(read_table(f"homes.{kind}", homes), read_table(f"people.{kind}", people), identity=identity)

    def register(self, count: int = 3) -> ImportResult:
        """Take in `count` made-up households: the first, third, ... get aid, every second is too rich."""
        homes = [(f"H{n}", "yes", "90000" if n % 2 else "50.5", "2") for n in range(count)]
        people = [(f"H{n}", "Ana", "Díaz", "آنا", "es", "1990-01-02", "yes", "no") for n in range(count)]
        people += [(f"H{n}", "Luz", "Díaz", "", "", "2024-05-01", "no", "") for n in range(0, count, 3)]
        return self.take_in(csv_file(HOME_COLUMNS, homes), csv_file(PERSON_COLUMNS, people))

    def decide(self, name: str = "2026-11", *, maker: str = "maker") -> Cycle:
        """Decide a cycle by the published food basket."""
        rule_hash = self.programmes.newest("food-basket", "2026.1")
        return self.cycles.decide(rule_hash, name, as_of=AS_OF, maker=maker, progress=no_progress)

    def enrolled(self, ref: str) -> WalletKey:
        """A wallet that was bound to a household."""
        wallet = WalletKey()
        self.claims.enrol(wallet.enrol(self.claims.new_codes([ref])[ref]))
        return wallet

    def rows(self, question: str, file: str = "office.sqlite") -> list[tuple[Any, ...]]:
        """Rows of the office's database, or of the register, read by a connection of its own."""
        connection = sqlite3.connect(self.folder / file)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def change(self, statement: str, *values: Any) -> None:
        """Change the database behind the office's back."""
        connection = sqlite3.connect(self.folder / "office.sqlite", isolation_level=None)
        try:
            assert connection.execute(statement, values).rowcount > 0
        finally:
            connection.close()


def csv_file(columns: Sequence[str], rows: Sequence[Sequence[str]], *, mark: str = ",") -> bytes:
    """A CSV file of cells that hold no sign of their own."""
    return "".join(mark.join(row) + "\r\n" for row in (columns, *rows)).encode()


@pytest.fixture
def town(tmp_path: Path, migrated_file: Path) -> Iterator[Town]:
    """A town with nothing published and nobody registered."""
    made = Town(tmp_path, migrated_file)
    yield made
    made.close()


@pytest.fixture
def ready(town: Town) -> Town:
    """A town with the food basket in force and three households, of which the first and the third get aid."""
    town.publish()
    town.register()
    return town


@contextlib.contextmanager
def working(town: Town) -> Iterator[Town]:
    """The office works its jobs."""
    with town.http:
        yield town
    for thread in threading.enumerate():
        if thread.name == "office-jobs":
            thread.join(30)


@pytest.fixture
def running(town: Town) -> Iterator[Town]:
    """A town whose office works its jobs."""
    with working(town):
        yield town


@pytest.fixture(scope="session")
def new_town(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Callable[[], Town]:
    """Makes towns, for tests that need a fresh one for every example. Whoever makes one closes it."""
    return lambda: Town(tmp_path_factory.mktemp("office"), migrated_file)
