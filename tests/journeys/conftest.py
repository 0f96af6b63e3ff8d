"""A town whose real mint, log and shops side run, and devices in it that can die: each a phone with a purse and a till."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
import pytest
import uvicorn
from packages.office.tests.conftest import OFFICE_KEY
from packages.purse.tests.conftest import Fate, MortalWire, PowerCut
from packages.wallet.tests.conftest import InProcess
from starlette.testclient import TestClient

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.nut00_token import Token
from amparo_cashu.outputs import LockTo
from amparo_cashu.schemes import scheme_of
from amparo_cashu.wire import CheckStateAnswer, Endpoint, Proof
from amparo_common.bridge import AidApproved, KeyAnnounced, QuotePaid, seal, sign_for_log
from amparo_common.clock import FixedClock
from amparo_common.ids import KeysetId, QuoteId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.http import routes as log_routes
from amparo_log.note import NoteSigner
from amparo_log.service import Publisher, TransparencyLog
from amparo_log.store import SCHEMA as LOG_SCHEMA
from amparo_mint.blind_auth import BlindAuthSettings, open_access
from amparo_mint.clear_auth import ClearAuthSettings
from amparo_mint.http import MintServer
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.store import TokenHasher
from amparo_purse import store as purse_store
from amparo_purse.purse import Purse
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_service.login import CLIENT, LogIns
from amparo_service.serve import bind
from amparo_shops.bank_file import Party
from amparo_shops.http import ShopsServer
from amparo_shops.service import NewShop, Shops
from amparo_shops.store import MIGRATIONS as SHOPS_MIGRATIONS
from amparo_signer.local import LocalSigner
from amparo_signer.service import open_service
from amparo_till.till import SCHEMA as DEVICE_SCHEMA
from amparo_till.till import Till

T = TypeVar("T")

ISSUER = "https://town.example"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINT_KEY, SHOPS_KEY = SigningKey.generate(), SigningKey.generate()
LOG_SIGNER = NoteSigner("town.example/log", bytes(range(32)))
KINDS = {
    OFFICE_KEY: {"key-announced", "rule-published", "decisions-made", "aid-approved"},
    MINT_KEY: {"key-announced", "keyset-announced", "mint-figures"},
    SHOPS_KEY: {"key-announced", "settlement-figures"},
}
QUOTE_KEY, REFUND_KEY = Secret(b"\x01" * 32), Secret(b"\x02" * 32)
# Far beyond the shortest lock that a till takes.
UNTIL = int((NOON + timedelta(days=60)).timestamp())


class MintWire(httpx2.BaseTransport):
    """Carries requests to the mint, in the event loop where it lives."""

    def __init__(self, mint: TestClient) -> None:
        self._mint = mint

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, and what a network would bring back."""
        headers = {"accept-encoding": "identity"}
        headers |= {each: request.headers[each] for each in ("clear-auth", "blind-auth") if each in request.headers}
        answer = self._mint.request(request.method, request.url.path, content=request.read(), headers=headers)
        return httpx2.Response(answer.status_code, headers=answer.headers.multi_items(), content=answer.content)


class MortalDatabase(Database):
    """A device's database. What was not committed when the device dies is gone. Unlike the purse's own tests this has no step
    after a commit: a purse that died there has given coins that nobody was shown, and the sums here count only what a device
    can spend and what lies on the table."""

    fate = Fate()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        """A transaction, unless the device dies before it."""
        self.fate.step()
        with super().transaction() as connection:
            yield connection


class Town:
    """The services of a town, each with its own files, over their real HTTP edges."""

    def __init__(self, folder: Path, *, access: BlindAuthSettings | None = None, login: bool = False) -> None:
        """`access`: the mint wants access tokens; `login`: depositing needs a log-in."""
        self.folder = folder
        self.clock = FixedClock(NOON)
        self._databases = [
            Database(folder / "log.sqlite", [LOG_SCHEMA]),
            Database(folder / "shops.sqlite", SHOPS_MIGRATIONS),
        ]
        log_database, shops_database = self._databases
        publishers = {key.kid: Publisher(key.public, frozenset(kinds)) for key, kinds in KINDS.items()}
        self.log = TransparencyLog(log_database, LOG_SIGNER, publishers=publishers, clock=self.clock)
        self._log_wire = InProcess(make_app(log_routes(self.log, practice=True)))
        self.log.append(sign_for_log(KeyAnnounced(purpose="office", jwk=OFFICE_KEY.public.jwk), OFFICE_KEY))
        self.shops = Shops(shops_database, clock=self.clock, debtor=Party("Town", "12-3456"), currency="USD")
        self.logins = LogIns(SHOPS_KEY, issuer=ISSUER, clock=self.clock)
        shops = ShopsServer(
            self.shops, folder, key=SHOPS_KEY, log=self.follower("shops"), logins=self.logins, practice=True
        )
        shops.introduce()
        self._serve(make_app(shops.routes()))
        self._signer = LocalSigner(open_service(folder / "signer"))
        store = SqliteStore(folder / "mint.sqlite")
        shops_client = Client(self.shops_url)
        self._operation = Operation(
            folder, store, self._signer, key=MINT_KEY, log=self.follower("mint"), shops=shops_client
        )
        hasher = TokenHasher(Secret(b"h" * 32))
        desk = SigningDesk(self._signer)
        self._mint = Mint(store, desk, hasher, clock=self.clock)
        (folder / "login-keys.json").write_bytes(msgspec.json.encode({"keys": [SHOPS_KEY.public.jwk]}))
        clear = ClearAuthSettings(
            f"{ISSUER}/.well-known/openid-configuration",
            CLIENT,
            "login-keys.json",
            [Endpoint("POST", "/v1/melt/*")] if login else [],
        )
        door = open_access(
            clear if access or login else None,
            access,
            folder,
            store=store,
            desk=desk,
            hasher=hasher,
            commit=self._mint.commit,
            clock=self.clock,
        )
        self._server = MintServer(
            self._mint, store, hasher, self._operation, clock=self.clock, practice=True, access=door
        )
        self._mint_http = TestClient(self._server.app(), raise_server_exceptions=False)
        self._mint_http.__enter__()
        self.mint_wire = MintWire(self._mint_http)
        self.bare_mint = Client("http://mint", transport=self.mint_wire, patience=0)
        looking = Database(folder / "looking.sqlite", [purse_store.SCHEMA])
        self._databases.append(looking)
        self.mint_client = Purse(
            looking,
            "looking",
            mint=self.bare_mint,
            log=self.follower("looking"),
            clock=self.clock,
            login=lambda: self.logins.new(secrets.token_hex(8)).login,
        ).mint
        self._paid: dict[str, int] = {}

    def follower(self, name: str) -> LogFollower:
        """A reader of the log with a memory of its own."""
        client = Client("http://log", transport=self._log_wire, patience=0)
        return LogFollower(client, LOG_SIGNER.vkey, self.folder / f"{name}-seen")

    def _serve(self, app: Any) -> None:
        listener = bind("127.0.0.1", 0)
        self.shops_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            _one_request_a_connection(app), log_level="critical", access_log=False, lifespan="off", ws="none"
        )
        self._http = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._http.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        while not self._http.started:
            time.sleep(0.005)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Something asynchronous of the mint, in the mint's own event loop."""
        assert self._mint_http.portal is not None
        found: T = self._mint_http.portal.call(work)
        return found

    def close(self) -> None:
        """Stop everything."""
        self._mint_http.__exit__(None, None, None)
        self._signer.close()
        self._http.should_exit = True
        self._thread.join(10)
        for database in self._databases:
            database.close()

    def rotate(self, period: str, *, unit: str = "food", final_expiry: int | None = None) -> KeysetId:
        """A new keyset for a unit; the one before signs no more."""
        keyset = self.run(lambda: self._operation.announce_keyset(unit, period, final_expiry))
        self.run(lambda: self._operation.activate(keyset))
        self.run(self._server.use_keysets)
        return keyset

    def keep_calendar(self) -> None:
        """What the mint does by itself every few seconds: keysets whose time of grace has passed are closed."""
        self.run(self._server.keep_calendar)

    def approve(self, amount: int, unit: str = "food") -> None:
        """Two people of the office approve a payment."""
        self._paid[unit] = self._paid.get(unit, 0) + 1
        body = AidApproved(
            programme="aid", cycle=str(self._paid[unit]), root="0" * 64, total=amount, unit=Unit(unit), approvals=2
        )
        self.log.append(sign_for_log(body, OFFICE_KEY))

    def pay(self, quote: str, amount: int) -> None:
        """Approve a payment and tell the mint that a quote is paid."""
        self.approve(amount)
        message = seal(QuotePaid(quote=QuoteId(quote), amount=amount, unit=Unit("food")), OFFICE_KEY)
        self.mint_client.post_bytes("/bridge/quote-paid", message.encode(), dict[str, bool])

    def outstanding(self) -> int:
        """What the mint's published figures say was issued and not redeemed."""
        figures = self.run(lambda: self._mint.figures("2026-11"))
        return sum(each.issued + each.moved - each.redeemed for each in figures if each.unit == "food")

    def redeemed(self) -> int:
        """What the same figures say was redeemed."""
        figures = self.run(lambda: self._mint.figures("2026-11"))
        return sum(each.redeemed for each in figures if each.unit == "food")

    def deposited(self, shop: str) -> int:
        """What the shops side has booked for a shop, once the mint's messages have arrived."""
        self.run(self._server.deliver)
        return self.shops.trial_balance().get("food", {}).get(f"payable:{shop}", 0) * -1

    def unspent(self, proofs: list[Proof]) -> list[Proof]:
        """Those coins that the mint has not seen spent."""
        found = []
        for at in range(0, len(proofs), 100):
            part = proofs[at : at + 100]
            points = [scheme_of(proof.id).point(proof.secret) for proof in part]
            states = self.mint_client.post("/v1/checkstate", {"Ys": points}, CheckStateAnswer).states
            found += [proof for proof, state in zip(part, states, strict=True) if state.state == "UNSPENT"]
        return found


def _one_request_a_connection(app: Any) -> Any:
    """The application, whose every answer ends its connection: the devices that die here leave none open."""

    async def closing(scope: Any, receive: Any, send: Any) -> None:
        async def send_and_close(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await app(scope, receive, send_and_close)

    return closing


class Device:
    """A phone with a purse and a till on one file, which can die and be started again."""

    _number = 0

    def __init__(self, town: Town) -> None:
        Device._number += 1
        self.town = town
        self.path = town.folder / f"device-{Device._number}.sqlite"
        self.follower = town.follower(f"device-{Device._number}")
        self.fate = Fate()
        new = NewShop(name="Panadería", account=f"12-{Device._number}", units=["food"])
        self.shop = town.shops.accredit(new)
        self.start()

    def start(self) -> None:
        """Start on the same file."""
        self.database = MortalDatabase(self.path, [DEVICE_SCHEMA])
        self.database.fate = self.fate
        self.client = Client("http://mint", transport=MortalWire(self.town.mint_wire, self.fate), patience=0)
        self.purse = Purse(
            self.database,
            "mine",
            mint=self.client,
            log=self.follower,
            clock=self.town.clock,
            login=lambda: self.town.logins.new(str(self.path)).login,
        )
        self.till = Till(
            self.database,
            self.shop.shop,
            access=self.shop.access,
            mint=self.client,
            shops_url=self.town.shops_url,
            log=self.follower,
            clock=self.town.clock,
        )

    def die(self) -> None:
        """The power comes back: a new start, and what was interrupted is finished."""
        self.fate.countdown = None
        self.database.close()
        self.start()
        self.purse.recover()
        self.till.purse.recover()

    def attempt(self, work: Callable[[], Any], *, dies_at: int | None) -> bool:
        """Do something; the device may die at a step of it, and is then started again. Whether it lived."""
        self.fate.countdown = dies_at
        try:
            work()
        except PowerCut:
            self.die()
            return False
        finally:
            self.fate.countdown = None
        return True

    def coins(self) -> list[Proof]:
        """Everything that this device could spend."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT amount, keyset, secret, signature FROM coin WHERE state IN ('ready', 'held')"
            ).fetchall()
            assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM coin WHERE state = 'busy'").fetchone() == (0,)
        return [Proof(*row) for row in rows]

    def value(self) -> int:
        """What this device holds. All of it is good: the mint has seen none of it spent."""
        held = self.coins()
        assert self.town.unspent(held) == held
        return sum(coin.amount for coin in held)

    def fill(self, amount: int) -> None:
        """Take aid of an amount from a quote that the office pays."""
        quote = self.paid_quote(amount)
        self.purse.claim(quote, amount, "food", quote_key=QUOTE_KEY)

    def paid_quote(self, amount: int) -> str:
        """A quote of this purse, paid."""
        quote = self.purse.quote(amount, "food", pubkey=show_point(generator_times(QUOTE_KEY.reveal()))).quote
        self.town.pay(quote, amount)
        return quote

    def lock(self, amount: int, till: Till, label: str, *, until: int = UNTIL) -> None:
        """Set an amount aside for a till."""
        refund = show_point(generator_times(REFUND_KEY.reveal()))
        self.purse.lock(amount, "food", lock=LockTo(key=till.lock_key, locktime=until, refund=refund), label=label)


def code(proofs: list[Proof]) -> Token:
    """What one device shows to another."""
    return Token(mint="http://mint", unit="food", proofs=proofs)


@pytest.fixture(scope="module")
def town_of_devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One town for all tests of a file: each looks at what changes. A file that wants it calls it `town`, in place of the
    finished month of the other journeys."""
    made = Town(tmp_path_factory.mktemp("town"))
    for unit in ("food", "usd"):
        made.rotate("start", unit=unit)
    yield made
    made.close()


@pytest.fixture
def device(town_of_devices: Town) -> Iterator[Device]:
    """A phone with a shop's till on it, new."""
    made = Device(town_of_devices)
    yield made
    made.database.close()


@pytest.fixture
def other(town_of_devices: Town) -> Iterator[Device]:
    """A second one."""
    made = Device(town_of_devices)
    yield made
    made.database.close()
