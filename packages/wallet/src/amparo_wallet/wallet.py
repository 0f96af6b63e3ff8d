"""A household's wallet: its key, its papers from the office, its purse. What a phone app does, as a library.

Before it claims, it checks its own receipt against the public log and compares the amount; it asks the mint for a quote under
a fresh key each time, writes the quote down, and only then tells the office.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import TypeVar

import msgspec
from coincurve import PrivateKey

from amparo_cashu.curve import ORDER, generator_times, show_point
from amparo_cashu.nut00_token import Token, without_dleq, write_token
from amparo_cashu.outputs import LockTo
from amparo_cashu.wire import Proof
from amparo_common import canonical
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import PublicJwk, SigningKey, sign_compact
from amparo_log.follow import LogFollower
from amparo_purse import store as purse_store
from amparo_purse.purse import Purse
from amparo_rules.receipt import Receipt, ReceiptBundle
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_wallet.errors import AmountDiffers, NothingToClaim
from amparo_wallet.receipts import check_bundle

WALLET_TYP = "amparo-wallet+jws"

T = TypeVar("T")

SCHEMA = (
    purse_store.SCHEMA + ";\n"
    "CREATE TABLE wallet (name TEXT NOT NULL PRIMARY KEY, holder_key BLOB NOT NULL, refund_key BLOB NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE quote (wallet TEXT NOT NULL, programme TEXT NOT NULL, cycle TEXT NOT NULL, quote TEXT NOT NULL,"
    " quote_key BLOB NOT NULL, amount INTEGER NOT NULL, unit TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (wallet, programme, cycle)) WITHOUT ROWID"
)


class Enrol(msgspec.Struct, frozen=True, tag_field="action", tag="enrol"):
    """To the office: bind this wallet's key."""

    code: str
    jwk: PublicJwk


class AskPapers(msgspec.Struct, frozen=True, tag_field="action", tag="papers"):
    """To the office: give me my receipts."""

    nonce: str


class Claim(msgspec.Struct, frozen=True, tag_field="action", tag="claim"):
    """To the office: pay this aid into this quote."""

    programme: str
    cycle: str
    quote: str


class Paper(msgspec.Struct, frozen=True):
    """One decision as the office gives it."""

    bundle: ReceiptBundle
    amount: int
    unit: Unit
    approved: bool
    claimed: bool


class Wallet:
    """One household's wallet in a database that may hold several (a family's phone, or a demo's town)."""

    def __init__(
        self, database: Database, name: str, *, office: Client, mint: Client, log: LogFollower, vkey: str
    ) -> None:
        self._database = database
        self._name = name
        self._office = office
        self._mint_url = mint.base
        self._log = log
        self._vkey = vkey
        self.purse = Purse(database, name, mint=mint, log=log)
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO wallet (name, holder_key, refund_key) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (name, SigningKey.generate().to_pem(), secrets.token_bytes(32)),
            )
            holder, refund = connection.execute(
                "SELECT holder_key, refund_key FROM wallet WHERE name = ?", (name,)
            ).fetchone()
        self._key = SigningKey.from_pem(holder)
        self._refund = Secret(refund)

    # --- the office -----------------------------------------------------------------------------------------------------------

    def enrol(self, code: str) -> None:
        """Bind this wallet to a household with a code from the office. Safe to repeat."""
        self._post("/wallet/enrol", Enrol(code=code, jwk=self._key.public.jwk), dict[str, bool])

    def papers(self) -> list[Paper]:
        """Every decision about this household, with its receipt."""
        return self._post("/wallet/papers", AskPapers(nonce=secrets.token_hex(8)), list[Paper])

    def check(self, paper: Paper) -> Receipt:
        """Recompute a receipt against the public log. Raises the finding."""
        return check_bundle(paper.bundle, self._log, self._vkey)

    def _post(self, path: str, body: msgspec.Struct, into: type[T]) -> T:
        token = sign_compact(canonical.encode(body), self._key, typ=WALLET_TYP)
        return self._office.post_bytes(path, token.encode(), into)

    # --- claiming aid ------------------------------------------------------------------------------------------------------------

    def claim(self, paper: Paper) -> int:
        """Claim one approved decision: check it, get a quote, have it paid, take the coins. Safe to repeat after a crash
        at any point. Returns the amount. Raises `NothingToClaim`, `AmountDiffers`, and the findings of a false receipt."""
        receipt = self.check(paper)
        if not paper.approved or receipt.amount == 0:
            raise NothingToClaim("This decision has nothing to claim now.")
        if (paper.amount, paper.unit) != (receipt.amount, receipt.unit):
            raise AmountDiffers("The office names another amount than the receipt.")
        self.purse.recover()
        quote, key, done = self._quote(receipt)
        if done:
            return receipt.amount
        answer = self._post(
            "/wallet/claim", Claim(programme=receipt.programme, cycle=receipt.cycle, quote=quote), dict[str, int]
        )
        if answer.get("amount") != receipt.amount:
            raise AmountDiffers("The office pays another amount than the receipt says.")
        if not self._already_taken(receipt):
            self.purse.claim(quote, receipt.amount, receipt.unit, quote_key=key)
        self._mark_done(receipt)
        return receipt.amount

    def _quote(self, receipt: Receipt) -> tuple[str, Secret, bool]:
        """The quote for this decision: the one written down, or a new one under a fresh key."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT quote, quote_key, done FROM quote WHERE wallet = ? AND programme = ? AND cycle = ?",
                (self._name, receipt.programme, receipt.cycle),
            ).fetchone()
        if row is not None:
            return row[0], Secret(row[1]), bool(row[2])
        key = PrivateKey().secret
        quote = self.purse.quote(receipt.amount, receipt.unit, pubkey=show_point(generator_times(key)))
        if (quote.amount, quote.unit) != (receipt.amount, receipt.unit):
            raise AmountDiffers("The mint's quote is for another amount than the receipt says.")
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO quote (wallet, programme, cycle, quote, quote_key, amount, unit) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._name, receipt.programme, receipt.cycle, quote.quote, key, receipt.amount, receipt.unit),
            )
        return quote.quote, Secret(key), False

    def _already_taken(self, receipt: Receipt) -> bool:
        """Whether a crash came between taking the coins and noting it: the mint then says that all was issued."""
        with self._database.reading() as connection:
            (quote,) = connection.execute(
                "SELECT quote FROM quote WHERE wallet = ? AND programme = ? AND cycle = ?",
                (self._name, receipt.programme, receipt.cycle),
            ).fetchone()
        return self.purse.is_issued(quote)

    def _mark_done(self, receipt: Receipt) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE quote SET done = 1 WHERE wallet = ? AND programme = ? AND cycle = ?",
                (self._name, receipt.programme, receipt.cycle),
            )

    # --- paying ----------------------------------------------------------------------------------------------------------

    def set_aside(self, amount: int, unit: str, *, shop_key: str, until: int, label: str) -> None:
        """While online: lock coins to a shop, to pay there without a connection. After `until` `take_back` brings them
        back to this wallet if they were not paid. `label` is this wallet's own word for it, another each time."""
        refund = show_point(generator_times(self._refund_key(label).reveal()))
        self.purse.lock(amount, unit, lock=LockTo(key=shop_key, locktime=until, refund=refund), label=label)

    def _refund_key(self, label: str) -> Secret:
        # Another key for every lock: one key would join all that this wallet ever pays without a connection.
        mac = hmac.new(self._refund.reveal(), b"amparo refund key" + label.encode(), hashlib.sha512).digest()
        return Secret((int.from_bytes(mac, "big") % (ORDER - 1) + 1).to_bytes(32, "big"))

    def take_back(self, unit: str, *, now: datetime) -> int:
        """Bring back what was set aside and not paid before its time passed; returns the sum. Safe to repeat."""
        return self.purse.take_back(unit, refund_key=self._refund_key, now=int(now.timestamp()))

    def pay_code(self, amount: int, unit: str) -> str:
        """The code that pays `amount` where the till has a connection. Needs none here when the coins make the amount."""
        # Without the proofs: their blinding factors would lead the mint to the requests in which it signed these coins.
        return self.code([without_dleq(proof) for proof in self.purse.pay(amount, unit)], unit)

    def pay_held_code(self, unit: str, *, label: str) -> str:
        """The code that pays what was set aside under `label`."""
        return self.code(self.purse.pay_held(unit, label=label), unit)

    def code(self, proofs: list[Proof], unit: str) -> str:
        """Coins as the text of a code."""
        return write_token(Token(mint=self._mint_url, unit=unit, proofs=proofs))
