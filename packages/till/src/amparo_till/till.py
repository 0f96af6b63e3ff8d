"""The till: a payment request, payments taken online (changed at once) or offline (locked to this shop), deposits.

Offline acceptance needs the log as last seen, nothing else: keyset in the log, of this unit and not about to end, the mint's
proof, the lock and its time, that this till has not taken the code before, and, if the published filters of spent codes are
at hand, that it is not in them. What is accepted so is pending until it is deposited; `TillSettings` bounds it. Online takings
are changed into the till's own coins at once, and deposited together, so that the mint sees a day's sum and not a purchase.
"""

import secrets
import sqlite3
from collections.abc import Sequence

import msgspec

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import AlreadySpent, KeysetExpired, SignatureNotProved
from amparo_cashu.nut00_token import Token
from amparo_cashu.nut10_secret import read_lock, sign_lock
from amparo_cashu.nut18_request import LockOption
from amparo_cashu.nut18_request import PaymentRequest as ShownRequest
from amparo_cashu.schemes import scheme_of
from amparo_cashu.spent_filter import SpentFilter, filter_item
from amparo_cashu.wire import CheckStateAnswer, CheckStateRequest, MeltQuote, MeltQuoteRequest, Proof
from amparo_common.clock import Clock
from amparo_common.secret import Secret
from amparo_log.follow import LogFollower
from amparo_purse import store as purse_store
from amparo_purse.purse import Purse
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_till import sales
from amparo_till.errors import (
    AloneTooLong,
    LockTooShort,
    NotLockedToUs,
    OfflineLimit,
    SaleTooLarge,
    SpentBefore,
    TakenBefore,
    WrongAmount,
)
from amparo_till.sales import Sale

BATCH = 100
# A code taken offline must stay locked at least this long, so that a till without a network for days loses nothing.
SHORTEST_LOCK_SECONDS = 7 * 86_400
# For how long a payment request asks to lock: time enough to deposit, and not for ever if the shop never does.
LOCK_SECONDS = 3 * SHORTEST_LOCK_SECONDS
OFFLINE_LIMIT = 200_000
_LOCKED = "locked sales"
_HOUR = 3_600

SCHEMA = (
    purse_store.SCHEMA + ";\n"
    "CREATE TABLE till (shop TEXT NOT NULL PRIMARY KEY, lock_key BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE taken (point TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID"
)
# A table that came later: when the mint answered last.
_LATER = "CREATE TABLE IF NOT EXISTS contact (shop TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID"


class TillSettings(msgspec.Struct, frozen=True):
    """What a till may take without a connection: in one sale and altogether (minor units of each unit), and for how many
    hours since the mint answered last."""

    most_per_sale: int = OFFLINE_LIMIT
    most_stored: int = OFFLINE_LIMIT
    most_hours_alone: int = SHORTEST_LOCK_SECONDS // _HOUR


class PaymentRequest(msgspec.Struct, frozen=True):
    """What the till asks for: amount, unit, and the key to lock to."""

    shop: str
    amount: int
    unit: str
    lock_key: str


class ShopClaim(msgspec.Struct, frozen=True):
    """What the till asks of the shops side."""

    claim: str
    unit: str
    amount: int


class LoggedIn(msgspec.Struct, frozen=True):
    """What the shops side answers to whoever wants to show the mint that it is a shop: a log-in, once."""

    login: str


class Standing(msgspec.Struct, frozen=True):
    """What the shops side answers: this shop's totals in minor units."""

    unit: str
    deposited: int
    to_settle: int
    asked: int
    settled: int


class DepositReport(msgspec.Struct, frozen=True):
    """What became of a deposit, sums in minor units: handed in and credited; `lost`: codes that had been spent before, which
    were `lost_coins`; `pending`: handed in, the shops side has not answered yet; `refused`: not taken by the shops side, still
    in the till; `ended`: of a keyset that is closed, kept apart in the till."""

    deposited: int
    lost: int
    lost_coins: int = 0
    pending: int = 0
    refused: int = 0
    ended: int = 0

    def plus(self, other: "DepositReport") -> "DepositReport":
        """Both together."""
        return DepositReport(*(one + two for one, two in zip(_fields(self), _fields(other), strict=True)))


def _fields(report: DepositReport) -> tuple[int, ...]:
    return msgspec.structs.astuple(report)


def _points(proofs: Sequence[Proof]) -> list[str]:
    """Under which the mint knows these coins once they are spent."""
    return [scheme_of(proof.id).point(proof.secret) for proof in proofs]


class Till:
    """One shop's till. `shop` is its public reference, `access` its code for the shops side. `lock_key` makes this another
    device of a shop that has one: codes locked to the shop are then taken on either, and one that is shown to both is found
    when they deposit."""

    def __init__(
        self,
        database: Database,
        shop: str,
        *,
        access: str,
        mint: Client,
        shops_url: str,
        log: LogFollower,
        clock: Clock,
        settings: TillSettings | None = None,
        lock_key: Secret | None = None,
    ) -> None:
        self._database = database
        self.shop = shop
        self._shops = Client(shops_url, bearer=access)
        self._clock = clock
        self._filters: Sequence[SpentFilter] = ()
        self.settings = settings or TillSettings()
        self.purse = Purse(database, f"till {shop}", mint=mint, log=log, clock=clock, login=self._log_in)
        self._mint = self.purse.mint
        with database.transaction() as connection:
            connection.execute(_LATER)
            connection.execute(sales.LATER)
            connection.execute(sales.ORDERS)
            connection.execute(
                "INSERT INTO till (shop, lock_key) VALUES (?, ?) ON CONFLICT (shop) DO NOTHING",
                (shop, secrets.token_bytes(32) if lock_key is None else lock_key.reveal()),
            )
            connection.execute(
                "INSERT INTO contact (shop, at) VALUES (?, ?) ON CONFLICT (shop) DO NOTHING", (shop, self.purse.now())
            )
            (key,) = connection.execute("SELECT lock_key FROM till WHERE shop = ?", (shop,)).fetchone()
        self._lock_key = Secret(key)
        self.lock_key = show_point(generator_times(key))

    def request(self, amount: int, unit: str) -> PaymentRequest:
        """What to show to the customer."""
        return PaymentRequest(shop=self.shop, amount=amount, unit=unit, lock_key=self.lock_key)

    def shown(self, request: PaymentRequest, *, locked: bool = True) -> ShownRequest:
        """The request as a wallet reads it (NUT-18, form A or B): exactly the amount, of this mint, and with `locked` locked to
        this shop for so long that it can be taken without a connection. It says nothing of the shop but its key, and no
        address: the code comes back by the way that the request came."""
        until = str(self.purse.now() + LOCK_SECONDS)
        lock = LockOption("P2PK", request.lock_key, [["locktime", until]]) if locked else None
        return ShownRequest(
            id=secrets.token_hex(4),
            amount=request.amount,
            unit=request.unit,
            mints=[self._mint.base],
            single_use=True,
            lock=lock,
        )

    def lock_secret(self) -> Secret:
        """The key that opens what is locked to this shop, for another device of it (`lock_key` of the constructor)."""
        return self._lock_key

    # --- taking a payment ----------------------------------------------------------------------------------------------------

    def accept_online(self, token: Token, request: PaymentRequest) -> None:
        """Take a payment with a connection: changed into own coins at once, so that the mint says whether it is genuine and
        unspent. Raises `WrongAmount`, `TakenBefore` for a code that this till has stored, the errors of a false code, and the
        mint's refusal (10003 false, 11001 spent)."""
        self._check_amount(token, request)
        # The mint would take a stored code once more: it is unspent until it is deposited.
        with self._database.reading() as connection:
            self._check_not_taken(connection, _points(token.proofs))
        for proof in token.proofs:
            self.purse.keys.check_known(proof, request.unit)
        # A code that is locked to this shop is opened with its key; one that is locked elsewhere the mint refuses.
        self.purse.receive([self._opened(proof) for proof in token.proofs], request.unit)
        self._note_contact()

    def _opened(self, proof: Proof) -> Proof:
        lock = read_lock(proof.secret)
        return proof if lock is None or self.lock_key not in lock.keys else sign_lock(proof, self._lock_key.reveal())

    def use_filters(self, filters: Sequence[SpentFilter]) -> None:
        """Check codes against these published filters of spent codes from now on; of keysets without one nothing is known."""
        self._filters = filters

    def accept_offline(self, token: Token, request: PaymentRequest) -> None:
        """Take a payment without a connection; it is pending until it is deposited. Raises `WrongAmount`, `SaleTooLarge`,
        `OfflineLimit`, `AloneTooLong`, `NotLockedToUs`, `LockTooShort`, `TakenBefore`, `SpentBefore`, `KeysetExpired`, and
        the errors of a false code."""
        self._check_limits(request)
        points = self._checked(token, request)
        with self._database.transaction() as connection:
            self._take(connection, token, request, points)

    def accept_web(self, token: Token, request: PaymentRequest, *, order: str) -> None:
        """Take a payment that came over the web for an order of this shop, with a connection: the code is locked to this shop, so
        once the mint says that it is unspent nobody else can spend it, and it is stored for the next deposit in one step. The same
        code for the same order again, because the answer was lost, changes nothing. Raises `WrongAmount`, `NotLockedToUs`,
        `LockTooShort`, `TakenBefore`, `SpentBefore`, `KeysetExpired`, `Unreachable`, and the errors of a false code."""
        points = self._checked(token, request)
        with self._database.reading() as connection:
            if sales.is_paid_with(connection, self.shop, order, token.proofs):
                return
        if any(state != "UNSPENT" for state in self._states(points)):
            raise SpentBefore("The mint has seen this code before.")
        self._note_contact()
        with self._database.transaction() as connection:
            if sales.is_paid_with(connection, self.shop, order, token.proofs):
                return  # the same request came twice at once
            self._take(connection, token, request, points)
            sales.note_order(connection, self.shop, order, token.proofs)

    def _checked(self, token: Token, request: PaymentRequest) -> list[str]:
        """The points of a code that pays the request and is locked to this shop for long enough."""
        self._check_amount(token, request)
        points = _points(token.proofs)
        for proof, point in zip(token.proofs, points, strict=True):
            self.purse.keys.check_genuine(proof, request.unit)
            self._check_lock(proof)
            self._check_end(proof)
            self._check_filters(proof.id, bytes.fromhex(point))
        return points

    def _take(self, connection: sqlite3.Connection, token: Token, request: PaymentRequest, points: list[str]) -> None:
        """Write a sale down. Call inside `Database.transaction`."""
        for point in points:
            self._check_not_taken(connection, [point])
            connection.execute("INSERT INTO taken (point) VALUES (?)", (point,))
        sales.add_sale(connection, self.shop, token.proofs, request.unit)
        self.purse.keep(token.proofs, request.unit, label=_LOCKED)

    def _check_not_taken(self, connection: sqlite3.Connection, points: Sequence[str]) -> None:
        for point in points:
            if connection.execute("SELECT 1 FROM taken WHERE point = ?", (point,)).fetchone() is not None:
                raise TakenBefore("This code was taken before.")

    def _check_limits(self, request: PaymentRequest) -> None:
        settings = self.settings
        if request.amount > settings.most_per_sale:
            raise SaleTooLarge("The sale is too large for a payment without a connection.")
        if self.stored(request.unit) + request.amount > settings.most_stored:
            raise OfflineLimit("The till has stored as much as it may.")
        if self.hours_alone() > settings.most_hours_alone:
            raise AloneTooLong(f"The till has had no connection for more than {settings.most_hours_alone} hours.")

    def hours_alone(self) -> float:
        """For how many hours the mint has not answered this till."""
        with self._database.reading() as connection:
            (at,) = connection.execute("SELECT at FROM contact WHERE shop = ?", (self.shop,)).fetchone()
        return max(0, self.purse.now() - int(at)) / _HOUR

    def _note_contact(self) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE contact SET at = ? WHERE shop = ?", (self.purse.now(), self.shop))

    def _check_filters(self, keyset: str, point: bytes) -> None:
        item = filter_item(keyset, point)
        if any(each.keyset == keyset and each.has(item) for each in self._filters):
            raise SpentBefore("This code was spent before.")

    def _check_amount(self, token: Token, request: PaymentRequest) -> None:
        if token.unit != request.unit or sum(proof.amount for proof in token.proofs) != request.amount:
            raise WrongAmount("The code does not pay what was asked.")

    def _check_lock(self, proof: Proof) -> None:
        lock = read_lock(proof.secret)
        if lock is None or lock.keys != [self.lock_key]:
            raise NotLockedToUs("The code is not locked to this shop.")
        if lock.locktime is not None and lock.locktime < self._clock.now().timestamp() + SHORTEST_LOCK_SECONDS:
            raise LockTooShort("The lock of this code ends too soon.")

    def _check_end(self, proof: Proof) -> None:
        end = self.purse.keys.keyset(proof.id).final_expiry
        if end is not None and end < self._clock.now().timestamp() + SHORTEST_LOCK_SECONDS:
            raise KeysetExpired(
                "The coins of this code end too soon.",
                why="After their end they cannot be deposited any more.",
                todo="Ask for another code.",
            )

    def stored(self, unit: str) -> int:
        """What waits in the till without having been deposited."""
        return self.purse.balance(unit, state="held", label=_LOCKED)

    def sales(self) -> list[Sale]:
        """The sales that were taken without a connection and are not credited, the oldest first."""
        with self._database.reading() as connection:
            return sales.sales(connection, self.shop, self.purse.name)

    def forget_spent(self) -> None:
        """The shopkeeper has seen which sales had been spent before."""
        with self._database.transaction() as connection:
            sales.forget_spent(connection, self.shop)

    # --- depositing ------------------------------------------------------------------------------------------------------------

    def deposit(self, unit: str) -> DepositReport:
        """Hand in everything of a unit, keyset by keyset, at most a hundred coins at once: what one request cannot hand in
        does not keep the others back. Codes that turn out to be spent are dropped and counted. Safe to repeat after a
        crash: what was sent is finished first, and a deposit that waits is asked for again."""
        self.purse.recover()
        good, report = self._unspent(self.purse.coins(unit, state="held", label=_LOCKED))
        coins = good + self.purse.coins(unit)
        for keyset in dict.fromkeys(coin.id for coin in coins):
            same = [coin for coin in coins if coin.id == keyset]
            for at in range(0, len(same), BATCH):
                report = report.plus(self._hand_in(same[at : at + BATCH], unit))
        self._note_contact()
        with self._database.transaction() as connection:
            sales.forget_credited(connection, self.shop, self.purse.name)
        return report

    def _unspent(self, proofs: Sequence[Proof]) -> tuple[list[Proof], DepositReport]:
        """Those that can be handed in now; spent ones are dropped, those that wait in another deposit (of another device of
        this shop) are left for the next time."""
        good: list[Proof] = []
        bad: list[Proof] = []
        for at in range(0, len(proofs), BATCH):
            part = proofs[at : at + BATCH]
            for proof, state in zip(part, self._states(_points(part)), strict=True):
                if state != "PENDING":
                    (good if state == "UNSPENT" else bad).append(proof)
        with self._database.transaction() as connection:
            sales.mark_coins(connection, self.shop, bad, sales.SPENT)
            self.purse.forget([proof.secret for proof in bad])
        lost = sum(proof.amount for proof in bad)
        return good, DepositReport(deposited=0, lost=lost, lost_coins=len(bad))

    def _states(self, points: list[str]) -> list[str]:
        """What the mint says of coins."""
        states = self._mint.post("/v1/checkstate", CheckStateRequest(Ys=points), CheckStateAnswer).states
        if [state.Y.lower() for state in states] != points:
            raise SignatureNotProved("The mint did not answer for every coin.")
        return [state.state for state in states]

    def _hand_in(self, proofs: Sequence[Proof], unit: str) -> DepositReport:
        """One request's part of a deposit. When a coin was spent since it was looked up, the rest is handed in without it."""
        try:
            return self._redeem(proofs, unit)
        except RemoteError as error:
            if self.purse.is_ended(proofs[0].id, error):
                self.purse.end([proof.secret for proof in proofs])
                return DepositReport(0, 0, ended=sum(proof.amount for proof in proofs))
            if error.remote_code != str(AlreadySpent.number):
                raise
            good, report = self._unspent(proofs)
            if len(good) == len(proofs):
                raise
        return report.plus(self._redeem(good, unit)) if good else report

    def _redeem(self, proofs: Sequence[Proof], unit: str) -> DepositReport:
        amount = sum(proof.amount for proof in proofs)
        asked = MeltQuoteRequest(request=self.shop, unit=unit, amount=amount)
        quote = self._mint.post("/v1/melt/quote/settle", asked, MeltQuote)
        match self.purse.redeem(quote, [self._opened(proof) for proof in proofs]):
            case "PAID":
                return DepositReport(deposited=amount, lost=0)
            case "PENDING":
                return DepositReport(0, 0, pending=amount)
            case _:
                with self._database.transaction() as connection:
                    sales.mark_coins(connection, self.shop, proofs, sales.REFUSED)
                return DepositReport(0, 0, refused=amount)

    def _log_in(self) -> str:
        return self._shops.post("/login", {}, LoggedIn).login

    # --- settlement --------------------------------------------------------------------------------------------------------------

    def standing(self, unit: str) -> Standing:
        """This shop's totals, as the shops side has them."""
        return self._shops.get(f"/mine/{unit}", Standing)

    def ask_settlement(self, unit: str, amount: int, *, claim: str) -> Standing:
        """Ask to be paid. `claim` is the till's own number for it."""
        return self._shops.post("/claims", ShopClaim(claim=claim, unit=unit, amount=amount), Standing)
