"""Purses and tills against the real mint, log and shops side: whatever dies at whatever moment, no aid is lost or doubled."""

import contextlib
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
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.office.tests.conftest import OFFICE_KEY
from packages.office.tests.conftest import Town as OfficeTown
from packages.wallet.tests.conftest import InProcess
from starlette.testclient import TestClient

from amparo_cashu.curve import generator_times, hash_to_curve, show_point
from amparo_cashu.errors import AlreadySpent, KeysetUnknown, LockNotOpen
from amparo_cashu.nut00_token import Token, without_dleq
from amparo_cashu.nut10_secret import sign_lock
from amparo_cashu.outputs import LockTo
from amparo_cashu.wire import CheckStateAnswer, MeltQuote, Proof
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
from amparo_mint.calendar import GRACE_SECONDS
from amparo_mint.http import MintServer
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.store import TokenHasher
from amparo_office.claims import Claims
from amparo_purse.purse import Purse
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_service.http import make_app
from amparo_service.serve import bind
from amparo_shops.bank_file import Party
from amparo_shops.http import ShopsServer
from amparo_shops.service import NewShop, Shops
from amparo_shops.store import MIGRATIONS as SHOPS_MIGRATIONS
from amparo_signer.local import LocalSigner
from amparo_signer.service import open_service
from amparo_till.errors import TakenBefore
from amparo_till.till import SCHEMA as DEVICE_SCHEMA
from amparo_till.till import Till

T = TypeVar("T")

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


class PowerCut(BaseException):
    """A device dies here. Not an `Exception`: nothing may catch it."""


class Fate:
    """When a device dies: at its `countdown`-th step. A step is the moment before a commit, before a request leaves, and
    after the other side has carried it out."""

    def __init__(self) -> None:
        self.countdown: int | None = None

    def step(self) -> None:
        """One step nearer."""
        if self.countdown is not None:
            self.countdown -= 1
            if self.countdown <= 0:
                self.countdown = None
                raise PowerCut


class MortalWire(httpx2.BaseTransport):
    """A device's network."""

    def __init__(self, inner: httpx2.BaseTransport, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, unless the device dies before or after it."""
        self._fate.step()
        response = self._inner.handle_request(request)
        self._fate.step()
        return response


class MintWire(httpx2.BaseTransport):
    """Carries requests to the mint, in the event loop where it lives."""

    def __init__(self, mint: TestClient) -> None:
        self._mint = mint

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, and what a network would bring back."""
        answer = self._mint.request(
            request.method, request.url.path, content=request.read(), headers={"accept-encoding": "identity"}
        )
        return httpx2.Response(answer.status_code, headers=answer.headers.multi_items(), content=answer.content)


class MortalDatabase(Database):
    """A device's database. What was not committed when the device dies is gone."""

    fate = Fate()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        """A transaction, unless the device dies before it."""
        self.fate.step()
        with super().transaction() as connection:
            yield connection


class Town:
    """The services of a town, each with its own files, over their real HTTP edges."""

    def __init__(self, folder: Path) -> None:
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
        shops = ShopsServer(self.shops, folder, key=SHOPS_KEY, log=self.follower("shops"), practice=True)
        shops.introduce()
        self._serve(make_app(shops.routes()))
        self._signer = LocalSigner(open_service(folder / "signer"))
        store = SqliteStore(folder / "mint.sqlite")
        shops_client = Client(self.shops_url)
        self._operation = Operation(
            folder, store, self._signer, key=MINT_KEY, log=self.follower("mint"), shops=shops_client
        )
        hasher = TokenHasher(Secret(b"h" * 32))
        self._mint = Mint(store, SigningDesk(self._signer), hasher, clock=self.clock)
        self._server = MintServer(self._mint, store, hasher, self._operation, clock=self.clock, practice=True)
        self._mint_http = TestClient(self._server.app(), raise_server_exceptions=False)
        self._mint_http.__enter__()
        self.mint_wire = MintWire(self._mint_http)
        self.mint_client = Client("http://mint", transport=self.mint_wire, patience=0)
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
            points = [show_point(hash_to_curve(proof.secret.encode())) for proof in part]
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
        self.purse = Purse(self.database, "mine", mint=self.client, log=self.follower, clock=self.town.clock)
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
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One town for all tests here: each looks at what changes."""
    made = Town(tmp_path_factory.mktemp("town"))
    for unit in ("food", "usd"):
        made.rotate("start", unit=unit)
    yield made
    made.close()


@pytest.fixture
def device(town: Town) -> Iterator[Device]:
    made = Device(town)
    yield made
    made.database.close()


@pytest.fixture
def other(town: Town) -> Iterator[Device]:
    made = Device(town)
    yield made
    made.database.close()


# --- death at every step -------------------------------------------------------------------------------------------------

AMOUNT = 1_337


def claim(device: Device) -> Callable[[], Any]:
    quote = device.paid_quote(AMOUNT)
    return lambda: device.purse.claim(quote, AMOUNT, "food", quote_key=QUOTE_KEY)


def receive(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    coins = device.purse.pay(AMOUNT, "food")
    return lambda: device.purse.receive(coins, "food")


def change(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    return lambda: device.purse.make_exact(700, "food")


def lock(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    return lambda: device.lock(700, device.till, "a")


def take_online(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    coins = device.purse.pay(AMOUNT, "food")
    return lambda: device.till.accept_online(code(coins), device.till.request(AMOUNT, "food"))


def take_offline(device: Device) -> Callable[[], Any]:
    device.fill(AMOUNT)
    device.lock(AMOUNT, device.till, "a")
    coins = device.purse.pay_held("food", label="a")
    return lambda: device.till.accept_offline(code(coins), device.till.request(AMOUNT, "food"))


@pytest.mark.parametrize("story", [claim, receive, change, lock, take_online, take_offline])
def test_a_device_that_dies_at_any_step_has_everything_or_nothing_and_the_next_try_has_everything(
    town: Town, story: Callable[[Device], Callable[[], Any]]
) -> None:
    deaths = outcomes = 0
    lived = False
    while not lived:
        device, before = Device(town), town.outstanding()
        work = story(device)
        deaths += 1
        lived = device.attempt(work, dies_at=deaths)
        issued = town.outstanding() - before
        if device.value() != AMOUNT:
            outcomes += 1
            assert (device.value(), issued) in {(0, 0), (0, AMOUNT)}  # not begun: the quote or the code is still good
            work()
        assert device.value() == town.outstanding() - before == AMOUNT, f"died at step {deaths}"
        device.database.close()
    assert deaths > (2 if story is take_offline else 5)
    assert outcomes < deaths


def test_a_till_that_dies_at_any_step_of_its_deposit_is_credited_exactly_once(town: Town) -> None:
    deaths, lived = 0, False
    while not lived:
        device, before = Device(town), town.outstanding()
        device.fill(AMOUNT)
        device.lock(300, device.till, "a")
        device.till.accept_offline(code(device.purse.pay_held("food", label="a")), device.till.request(300, "food"))
        rest = device.purse.pay(AMOUNT - 300, "food")
        device.till.accept_online(code(rest), device.till.request(AMOUNT - 300, "food"))
        deaths += 1
        lived = device.attempt(lambda: device.till.deposit("food"), dies_at=deaths)  # noqa: B023 - called at once
        assert device.value() + town.deposited(device.shop.shop) == AMOUNT, f"died at step {deaths}"
        device.till.deposit("food")
        assert (device.value(), town.deposited(device.shop.shop), town.outstanding()) == (0, AMOUNT, before)
        device.database.close()
    assert deaths > 6


# --- rotation and end of a keyset between death and recovery ----------------------------------------------------------------


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("story", [change, receive])
def test_a_keyset_closed_between_death_and_recovery_costs_nothing(
    town: Town, story: Callable[[Device], Callable[[], Any]], *, served: bool, ended: bool
) -> None:
    name = f"{story.__name__} {served} {ended}"
    soon = int(town.clock.now().timestamp()) + 60
    town.rotate(f"closing {name}", final_expiry=soon if ended and served else None)
    device, before = Device(town), town.outstanding()
    work = story(device)
    device.fate.countdown = 6 if served else 5
    asked: list[str] = []
    with pytest.raises(PowerCut):
        work()
    with device.database.reading() as connection:
        asked += [row[0] for row in connection.execute("SELECT path FROM journal")]
    assert asked == ["/v1/swap"]
    town.rotate(f"after {name}")
    if ended and served:
        town.clock.set(town.clock.now() + timedelta(minutes=2))
    device.die()
    held = device.coins()
    assert sum(coin.amount for coin in held) == town.outstanding() - before == AMOUNT
    device.database.close()


def test_coins_of_a_keyset_that_was_closed_are_refused_by_the_mint_and_stay_in_the_purse(tmp_path: Path) -> None:
    town = Town(tmp_path)
    device = Device(town)
    town.rotate("short", final_expiry=int(town.clock.now().timestamp()) + 60)
    device.fill(8)
    town.rotate("long")
    town.clock.set(town.clock.now() + timedelta(seconds=61 + GRACE_SECONDS))
    town.keep_calendar()
    with pytest.raises(RemoteError) as refused:
        device.purse.make_exact(3, "food")
    assert refused.value.remote_code == str(KeysetUnknown.number)
    assert sum(coin.amount for coin in device.coins()) == 8
    device.database.close()
    town.close()


def test_coins_of_a_keyset_in_its_time_of_grace_are_changed_for_new_ones(tmp_path: Path) -> None:
    town = Town(tmp_path)
    device = Device(town)
    town.rotate("short", final_expiry=int(town.clock.now().timestamp()) + 60)
    device.fill(8)
    town.rotate("long")
    town.clock.set(town.clock.now() + timedelta(seconds=60 + GRACE_SECONDS))
    device.purse.make_exact(3, "food")
    assert device.value() == 8
    device.database.close()
    town.close()


# --- two tills and a payer who cheats ---------------------------------------------------------------------------------------


def test_a_code_pays_at_one_till_and_the_other_is_told_that_it_was_spent(device: Device, other: Device) -> None:
    device.fill(64)
    payment = code(device.purse.pay(64, "food"))
    device.till.accept_online(payment, device.till.request(64, "food"))
    with pytest.raises(RemoteError) as refused:
        other.till.accept_online(payment, other.till.request(64, "food"))
    assert refused.value.remote_code == str(AlreadySpent.number)
    assert (device.till.purse.balance("food"), other.till.purse.balance("food")) == (64, 0)


def test_a_locked_code_can_be_redeemed_by_its_shop_only_until_its_time_has_passed(
    town: Town, device: Device, other: Device
) -> None:
    device.fill(64)
    until = int((town.clock.now() + timedelta(days=8)).timestamp())
    device.lock(64, device.till, "a", until=until)
    coins = device.purse.pay_held("food", label="a")
    device.till.accept_offline(code(coins), device.till.request(64, "food"))
    refund = [sign_lock(coin, REFUND_KEY.reveal()) for coin in coins]
    thief = [sign_lock(coin, QUOTE_KEY.reveal()) for coin in coins]
    for attempt in (coins, refund, thief):
        with pytest.raises(RemoteError) as refused:
            other.purse.receive(attempt, "food")
        assert refused.value.remote_code == str(LockNotOpen.number)
    town.clock.set(town.clock.now() + timedelta(days=9))
    other.purse.receive(refund, "food")  # the shop waited too long: the payer's wallet takes it back
    report = device.till.deposit("food")
    assert (report.deposited, report.lost) == (0, 64)
    assert other.value() == 64


def test_what_was_not_paid_comes_back_once_its_time_has_passed(town: Town, device: Device, other: Device) -> None:
    device.fill(64)
    until = int((town.clock.now() + timedelta(days=8)).timestamp())
    device.lock(48, other.till, "a", until=until)
    now = int(town.clock.now().timestamp())
    assert device.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=now) == 0
    assert device.purse.balance("food") == 16
    town.clock.set(town.clock.now() + timedelta(days=9))
    later = int(town.clock.now().timestamp())
    assert device.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=later) == 48
    assert device.purse.take_back("food", refund_key=lambda _label: REFUND_KEY, now=later) == 0
    assert device.purse.balance("food") == 64


def test_a_code_locked_to_a_shop_can_be_taken_there_with_a_connection_and_nowhere_else(
    town: Town, device: Device, other: Device
) -> None:
    device.fill(64)
    until = int((town.clock.now() + timedelta(days=1)).timestamp())
    device.lock(64, other.till, "a", until=until)
    payment = code(device.purse.pay_held("food", label="a"))
    with pytest.raises(RemoteError) as refused:
        device.till.accept_online(payment, device.till.request(64, "food"))
    assert refused.value.remote_code == str(LockNotOpen.number)
    other.till.accept_online(payment, other.till.request(64, "food"))
    assert other.till.purse.balance("food") == 64


def test_a_deposit_of_another_shop_cannot_use_locked_codes(device: Device, other: Device) -> None:
    device.fill(64)
    device.lock(64, device.till, "a")
    coins = device.purse.pay_held("food", label="a")
    body = {"request": other.shop.shop, "unit": "food", "amount": 64}
    quote = other.client.post("/v1/melt/quote/settle", body, MeltQuote)
    with pytest.raises(RemoteError) as refused:
        other.purse.redeem(quote, [sign_lock(without_dleq(coin), QUOTE_KEY.reveal()) for coin in coins])
    assert refused.value.remote_code == str(LockNotOpen.number)
    device.till.accept_offline(code(coins), device.till.request(64, "food"))
    assert device.till.deposit("food").deposited == 64


def test_what_a_till_deposits_it_can_ask_for_and_no_cent_more(town: Town, device: Device) -> None:
    device.fill(500)
    device.till.accept_online(code(device.purse.pay(500, "food")), device.till.request(500, "food"))
    device.till.deposit("food")
    assert town.deposited(device.shop.shop) == 500
    with pytest.raises(RemoteError) as refused:
        device.till.ask_settlement("food", 501, claim="1")
    assert refused.value.remote_code == "shops.claim_exceeds_deposits"
    for _ in range(2):
        standing = device.till.ask_settlement("food", 500, claim="1")
        assert (standing.deposited, standing.asked, standing.to_settle) == (500, 500, 500)


# --- the office's side ------------------------------------------------------------------------------------------------------


def test_a_claim_into_a_quote_that_the_mint_does_not_have_is_given_back_and_stops_nobody(
    town: Town, device: Device, tmp_path: Path
) -> None:
    office = OfficeTown(tmp_path)
    office.publish()
    office.register()
    office.decide()
    office.cycles.approve("food-basket", "2026-11", approver="second")
    town.approve(9_400, "usd")
    claims = Claims(office.database, office.log, publish_key=OFFICE_KEY, mint=town.mint_client)
    first, second = office.enrolled("H0"), office.enrolled("H2")
    pubkey = show_point(generator_times(QUOTE_KEY.reveal()))
    too_small, right = (device.purse.quote(amount, "usd", pubkey=pubkey).quote for amount in (1, 3_800))
    claims.claim(first.claim("no such quote"))
    claims.claim(second.claim(too_small))
    claims.deliver()
    assert claims.claim(second.claim(right)) == 3_800
    good = device.purse.quote(5_600, "usd", pubkey=pubkey).quote
    assert claims.claim(first.claim(good)) == 5_600
    claims.deliver()
    for quote, amount in ((right, 3_800), (good, 5_600)):
        device.purse.claim(quote, amount, "usd", quote_key=QUOTE_KEY)
    assert device.purse.balance("usd") == 9_400
    office.close()


# --- any order of operations ------------------------------------------------------------------------------------------------

Step = tuple[str, int, int | None]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "change", "give", "take", "sell online", "lock", "sell offline", "deposit", "refused"]
        ),
        st.integers(1, 300),
        st.none() | st.integers(1, 9),
    ),
    min_size=4,
    max_size=14,
)


class Street:
    """A payer and a shop; what the payer handed over and nobody has taken yet lies `in_hand`."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.payer, self.shop = Device(town), Device(town)
        self.before, self.redeemed_before = town.outstanding(), town.redeemed()
        self.in_hand: list[list[Proof]] = []
        self.locked_in_hand: list[list[Proof]] = []

    def do(self, name: str, amount: int, dies_at: int | None) -> None:
        """One step, perhaps with a death in its middle."""
        till, payer = self.shop.till, self.payer
        match name:
            case "claim":
                quote = payer.paid_quote(amount)
                payer.attempt(lambda: payer.purse.claim(quote, amount, "food", quote_key=QUOTE_KEY), dies_at=dies_at)
            case "change" if payer.purse.balance("food") >= amount:
                payer.attempt(lambda: payer.purse.make_exact(amount, "food"), dies_at=dies_at)
            case "give" if payer.purse.balance("food") >= amount:
                payer.purse.make_exact(amount, "food")
                payer.attempt(lambda: self.in_hand.append(payer.purse.pay(amount, "food")), dies_at=dies_at)
            case "take" if self.in_hand:
                coins = self.in_hand[-1]
                self.shop.attempt(lambda: self.shop.purse.receive(coins, "food"), dies_at=dies_at)
            case "sell online" if self.in_hand:
                coins = self.in_hand[0]
                asked = till.request(sum(coin.amount for coin in coins), "food")
                self.shop.attempt(lambda: till.accept_online(code(coins), asked), dies_at=dies_at)
            case "lock" if payer.purse.balance("food") >= amount:
                payer.attempt(lambda: payer.lock(amount, till, "shop"), dies_at=dies_at)
            case "sell offline":
                payer.attempt(lambda: self._hand_over_locked(), dies_at=dies_at)
                for coins in self.locked_in_hand:
                    asked = till.request(sum(coin.amount for coin in coins), "food")
                    with contextlib.suppress(TakenBefore):
                        self.shop.attempt(lambda: till.accept_offline(code(coins), asked), dies_at=dies_at)  # noqa: B023
            case "deposit":
                self.shop.attempt(lambda: self.shop.till.deposit("food"), dies_at=dies_at)
            case "refused" if payer.purse.balance("food"):
                stale = payer.purse.coins("food")[0]
                false = msgspec.structs.replace(stale, secret="0" * 64)
                with pytest.raises(RemoteError):
                    self.shop.purse.receive([false], "food")

    def _hand_over_locked(self) -> None:
        coins = self.payer.purse.pay_held("food", label="shop")
        if coins:
            self.locked_in_hand.append(coins)

    def check(self) -> None:
        """What everybody holds is what the mint says is outstanding, and the shop's deposits are what is missing."""
        self.in_hand = [coins for coins in self.in_hand if self.town.unspent(coins)]
        taken = {coin.secret for coin in self.shop.coins()}
        self.locked_in_hand = [
            coins for coins in self.locked_in_hand if self.town.unspent(coins) and coins[0].secret not in taken
        ]
        on_the_table = sum(coin.amount for coins in self.in_hand + self.locked_in_hand for coin in coins)
        total = self.payer.value() + self.shop.value() + on_the_table
        assert total == self.town.outstanding() - self.before
        assert self.town.deposited(self.shop.shop.shop) == self.town.redeemed() - self.redeemed_before


@settings(max_examples=20, deadline=None)
@given(steps)
def test_any_order_of_operations_and_deaths_conserves_every_cent(town: Town, taken: list[Step]) -> None:
    street = Street(town)
    try:
        for step in [("claim", 1_000, None), *taken, ("deposit", 1, None)]:
            street.do(*step)
            street.check()
        assert (street.shop.till.stored("food"), street.shop.till.purse.balance("food")) == (0, 0)
    finally:
        street.payer.database.close()
        street.shop.database.close()
