"""A town for the tests of the shops side: its real HTTP edge on a real file, a log, two shops; and a judge of bank files."""

import io
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from starlette.testclient import TestClient

from amparo_common.bridge import KeyAnnounced, ShopDeposited
from amparo_common.clock import FixedClock
from amparo_common.ids import DepositId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.memory import MemoryLog
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_service.login import LogIns
from amparo_shops.bank_file import NAMESPACE, Party
from amparo_shops.http import ShopsServer
from amparo_shops.service import Accredited, NewShop, Shops
from amparo_shops.store import MIGRATIONS

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
FOOD, RENT = Unit("food"), Unit("rent")
MINT_KEY, SHOPS_KEY, LOGIN_KEY = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
ISSUER = "https://bread.example"
IBAN = "GB82 WEST 1234 5698 7654 32"
DEBTOR = Party(name="Programme of Aid", account="DE89370400440532013000")
SCHEMA_FILE = resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"


class Town:
    """The shops side in a folder, over its real HTTP edge, with two shops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(NOON)
        self.log = MemoryLog(FixedClock(NOON))
        self.log.publish(KeyAnnounced(purpose="mint", jwk=MINT_KEY.public.jwk), MINT_KEY)
        self.database = Database(folder / "shops.sqlite", MIGRATIONS)
        self.shops = Shops(self.database, clock=self.clock, debtor=DEBTOR, currency="EUR")
        logins = LogIns(LOGIN_KEY, issuer=ISSUER, clock=self.clock)
        server = ShopsServer(self.shops, folder, key=SHOPS_KEY, log=self.log, logins=logins, practice=True)
        server.introduce()
        self.http = TestClient(make_app(server.routes()), raise_server_exceptions=False)
        self.bakery = self.shops.accredit(NewShop(name="Panadería Ñandú", account=IBAN, units=["food"]))
        self.grocer = self.shops.accredit(NewShop(name="متجر الأمل", account="12-3456", units=["food", "rent"]))

    def finance(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the finance officer."""
        self.http.request("GET", "/ledger")  # the token is made when it is first asked for
        token = (self.folder / "operator.token").read_text()
        return self.http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Rows of the database, read by a connection of its own."""
        connection = sqlite3.connect(self.folder / "shops.sqlite")
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town for one test."""
    made = Town(tmp_path)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def new_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Town]:
    """Makes towns, for tests that need a fresh one for every example. Whoever makes one closes its database."""
    return lambda: Town(tmp_path_factory.mktemp("shops"))


def deposit(number: int | str, shop: Accredited, amount: int, unit: Unit = FOOD) -> ShopDeposited:
    """What the mint says about a deposit."""
    return ShopDeposited(deposit=DepositId(f"d{number}"), shop=shop.shop, amount=amount, unit=unit)


def settled(town: Town) -> None:
    """Two shops, three claims, one run."""
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    town.shops.record_deposit(deposit(2, town.grocer, 700))
    town.shops.record_deposit(deposit(3, town.grocer, 5, RENT))
    town.shops.claim(town.bakery.shop, FOOD, 1_000, claim="a")
    town.shops.claim(town.bakery.shop, FOOD, 50, claim="b")
    town.shops.claim(town.grocer.shop, FOOD, 300, claim="c")
    town.shops.settle("2026-11", FOOD)


def judge(file: bytes) -> None:
    """The schema that `sepaxml` ships, read by `xmlschema` here and not by the code under test."""
    with resources.as_file(SCHEMA_FILE) as path:
        xmlschema.XMLSchema(path).validate(io.BytesIO(file))


def texts(file: bytes, path: str) -> list[str]:
    """What a bank file says at a path, in its order."""
    found = ElementTree.fromstring(file).findall(path, {"": NAMESPACE})  # noqa: S314 - our own file
    return [element.text or "" for element in found]
