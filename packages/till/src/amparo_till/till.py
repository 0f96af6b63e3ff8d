"""The till: a payment request, payments taken online (changed at once) or offline (locked to this shop), deposits.

Offline acceptance needs the log as last seen, nothing else: keyset in the log, of this unit and not about to end, the mint's
proof, the lock and its time, and that this till has not taken the code before. Online takings are changed into the till's
own coins at once, and deposited together, so that the mint sees a day's sum and not a purchase.
"""

import secrets

import msgspec

from amparo_cashu.curve import generator_times, hash_to_curve, show_point
from amparo_cashu.errors import KeysetExpired
from amparo_cashu.nut00_token import Token
from amparo_cashu.nut10_secret import read_lock, sign_lock
from amparo_cashu.wire import CheckStateAnswer, CheckStateRequest, MeltQuote, MeltQuoteRequest, Proof
from amparo_common.clock import Clock
from amparo_common.secret import Secret
from amparo_log.follow import LogFollower
from amparo_purse import store as purse_store
from amparo_purse.purse import Purse
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_till.errors import LockTooShort, NotLockedToUs, OfflineLimit, TakenBefore, WrongAmount

BATCH = 100
# A code taken offline must stay locked at least this long, so that a till without a network for days loses nothing.
SHORTEST_LOCK_SECONDS = 7 * 86_400
OFFLINE_LIMIT = 200_000
_LOCKED = "locked sales"

SCHEMA = (
    purse_store.SCHEMA + ";\n"
    "CREATE TABLE till (shop TEXT NOT NULL PRIMARY KEY, lock_key BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE taken (point TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID"
)


class PaymentRequest(msgspec.Struct, frozen=True):
    """What the till shows: amount, unit, and the key to lock to."""

    shop: str
    amount: int
    unit: str
    lock_key: str


class ShopClaim(msgspec.Struct, frozen=True):
    """What the till asks of the shops side."""

    claim: str
    unit: str
    amount: int


class Standing(msgspec.Struct, frozen=True):
    """What the shops side answers: this shop's totals in minor units."""

    unit: str
    deposited: int
    to_settle: int
    asked: int
    settled: int


class DepositReport(msgspec.Struct, frozen=True):
    """What became of a deposit: the sum handed in, and the sum of codes that had been spent before (lost)."""

    deposited: int
    lost: int


class Till:
    """One shop's till. `shop` is its public reference, `access` its code for the shops side."""

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
    ) -> None:
        self._database = database
        self.shop = shop
        self._mint = mint
        self._shops = Client(shops_url, bearer=access)
        self._clock = clock
        self.purse = Purse(database, f"till {shop}", mint=mint, log=log)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO till (shop, lock_key) VALUES (?, ?) ON CONFLICT (shop) DO NOTHING",
                (shop, secrets.token_bytes(32)),
            )
            (key,) = connection.execute("SELECT lock_key FROM till WHERE shop = ?", (shop,)).fetchone()
        self._lock_key = Secret(key)
        self.lock_key = show_point(generator_times(key))

    def request(self, amount: int, unit: str) -> PaymentRequest:
        """What to show to the customer."""
        return PaymentRequest(shop=self.shop, amount=amount, unit=unit, lock_key=self.lock_key)

    # --- taking a payment ----------------------------------------------------------------------------------------------------

    def accept_online(self, token: Token, request: PaymentRequest) -> None:
        """Take a payment with a connection: changed into own coins at once, so that the mint says whether it is genuine and
        unspent. Raises `WrongAmount`, the errors of a false code, and the mint's refusal (10003 false, 11001 spent)."""
        self._check_amount(token, request)
        for proof in token.proofs:
            self.purse.check_known(proof, request.unit)
        # A code that is locked to this shop is opened with its key; one that is locked elsewhere the mint refuses.
        self.purse.receive([self._opened(proof) for proof in token.proofs], request.unit)

    def _opened(self, proof: Proof) -> Proof:
        lock = read_lock(proof.secret)
        return proof if lock is None or self.lock_key not in lock.keys else sign_lock(proof, self._lock_key.reveal())

    def accept_offline(self, token: Token, request: PaymentRequest) -> None:
        """Take a payment without a connection. Raises `WrongAmount`, `NotLockedToUs`, `LockTooShort`, `TakenBefore`,
        `OfflineLimit`, `KeysetExpired`, and the errors of a false code."""
        self._check_amount(token, request)
        if self.stored(request.unit) + request.amount > OFFLINE_LIMIT:
            raise OfflineLimit("The till has stored as much as it may.")
        points = []
        for proof in token.proofs:
            self.purse.check_genuine(proof, request.unit)
            self._check_lock(proof)
            self._check_end(proof)
            points.append(show_point(hash_to_curve(proof.secret.encode())))
        with self._database.transaction() as connection:
            for point in points:
                if connection.execute("SELECT 1 FROM taken WHERE point = ?", (point,)).fetchone() is not None:
                    raise TakenBefore("This code was taken before.")
                connection.execute("INSERT INTO taken (point) VALUES (?)", (point,))
            self.purse.keep(token.proofs, request.unit, label=_LOCKED)

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
        end = self.purse.keyset(proof.id).final_expiry
        if end is not None and end < self._clock.now().timestamp() + SHORTEST_LOCK_SECONDS:
            raise KeysetExpired(
                "The coins of this code end too soon.",
                why="After their end they cannot be deposited any more.",
                todo="Ask for another code.",
            )

    def stored(self, unit: str) -> int:
        """What waits in the till without having been deposited."""
        return sum(coin.amount for coin in self.purse.coins(unit, state="held", label=_LOCKED))

    # --- depositing ------------------------------------------------------------------------------------------------------------

    def deposit(self, unit: str) -> DepositReport:
        """Hand in everything of a unit. Codes that turn out to be spent are dropped and counted. Safe to repeat after a
        crash: what was sent is finished first."""
        self.purse.recover()
        locked = self.purse.coins(unit, state="held", label=_LOCKED)
        good, lost = self._unspent(locked)
        coins = [sign_lock(proof, self._lock_key.reveal()) for proof in good] + self.purse.coins(unit)
        for at in range(0, len(coins), BATCH):
            self._hand_in(coins[at : at + BATCH], unit)
        return DepositReport(deposited=sum(coin.amount for coin in coins), lost=lost)

    def _unspent(self, proofs: list[Proof]) -> tuple[list[Proof], int]:
        good: list[Proof] = []
        bad: list[Proof] = []
        for at in range(0, len(proofs), BATCH):
            part = proofs[at : at + BATCH]
            points = [show_point(hash_to_curve(proof.secret.encode())) for proof in part]
            states = self._mint.post("/v1/checkstate", CheckStateRequest(Ys=points), CheckStateAnswer).states
            for proof, state in zip(part, states, strict=True):
                (good if state.state == "UNSPENT" else bad).append(proof)
        self.purse.forget([proof.secret for proof in bad])
        return good, sum(proof.amount for proof in bad)

    def _hand_in(self, proofs: list[Proof], unit: str) -> None:
        amount = sum(proof.amount for proof in proofs)
        quote = self._mint.post(
            "/v1/melt/quote/settle", MeltQuoteRequest(request=self.shop, unit=unit, amount=amount), MeltQuote
        )
        self.purse.redeem(quote, proofs)

    # --- settlement --------------------------------------------------------------------------------------------------------------

    def standing(self, unit: str) -> Standing:
        """This shop's totals, as the shops side has them."""
        return self._shops.get(f"/mine/{unit}", Standing)

    def ask_settlement(self, unit: str, amount: int, *, claim: str) -> Standing:
        """Ask to be paid. `claim` is the till's own number for it."""
        return self._shops.post("/claims", ShopClaim(claim=claim, unit=unit, amount=amount), Standing)
