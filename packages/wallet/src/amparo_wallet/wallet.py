"""A household's wallet: its key, its papers from the office, its purse. What a phone app does, as a library.

Before it claims, it checks its own receipt against the public log and compares the amount; it asks the mint for a quote under
a fresh key each time, writes the quote down, and only then tells the office. The keys of quotes come from the recovery code,
so that a wallet that lost its file between payment and claim still gets its aid. What was paid leaves no trace in the file
once the shop has it (`received`).

Claims and payments are kept apart in time, because the office knows who claims: aid is paid after the claiming window, a random
while later (`Aid.pay_from`), coins are not exchanged beside a claim, and nothing is claimed beside an exchange. What comes too
early raises a `Resting` error that says when; `hurry` goes on at once. LIMIT: the mint says when the window ends; one that tells
somebody another moment than everybody makes them wait at most `LONGEST_WINDOW`, and pay at a time that it chose.
"""

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from amparo_cashu.curve import ORDER, generator_times, show_point
from amparo_cashu.errors import BadPoint, BadToken
from amparo_cashu.nut00_token import Token, read_token, without_dleq, write_token
from amparo_cashu.nut10_secret import read_condition
from amparo_cashu.nut18_request import LockOption, PaymentRequest, lock_secret
from amparo_cashu.outputs import LockTo
from amparo_cashu.spent_filter import SpentFilter
from amparo_cashu.wire import ClaimQuote, Proof
from amparo_common import canonical
from amparo_common.clock import Clock
from amparo_common.errors import AmparoError
from amparo_common.money import MOST_MINOR_UNITS, Unit
from amparo_common.secret import Secret
from amparo_common.signing import PublicJwk, SigningKey, sign_compact
from amparo_log.client import Fetch, LogReader
from amparo_log.follow import LogFollower
from amparo_log.note import NoteVerifier
from amparo_purse import recovery, upkeep
from amparo_purse import store as purse_store
from amparo_purse.calendar import End
from amparo_purse.errors import ClaimRests
from amparo_purse.purse import Purse
from amparo_purse.restore import Manner, Progress, Restorer
from amparo_rules.receipt import Receipt, ReceiptBundle
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_wallet.errors import AmountDiffers, ClaimedElsewhere, NothingToClaim, RequestNotPayable
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
# Tables that came later: from what the keys of quotes are derived, also those of wallets that were restored into this one; and
# what is known of aid besides its quote.
_LATER = (
    "CREATE TABLE IF NOT EXISTS quote_root (wallet TEXT NOT NULL, root BLOB NOT NULL, PRIMARY KEY (wallet, root))"
    " WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS aid (wallet TEXT NOT NULL, quote TEXT NOT NULL, window_ends INTEGER NOT NULL,"
    " pay_from INTEGER NOT NULL, crowd INTEGER NOT NULL, crowd_needed INTEGER NOT NULL, PRIMARY KEY (wallet, quote))"
    " WITHOUT ROWID",
)
_QUOTES = "quotes"
_CROWD_TOO_SMALL = "mint.crowd_too_small"
HOUR = 3_600
# No mint makes a wallet wait longer than this for a window.
LONGEST_WINDOW = 14 * 86_400
# How long after the window a payment waits at most, where nothing else is set.
LATEST_HOURS = 6.0
_SHORTEST_DELAY = 600
# How long what was locked for a payment request may be handed in, where the request does not say.
LOCK_SECONDS = 21 * 86_400
# No request locks coins for longer: if the shop takes nothing, they come back after that.
LONGEST_LOCK = 92 * 86_400


class Enrol(msgspec.Struct, frozen=True, tag_field="action", tag="enrol"):
    """To the office: bind this wallet's key."""

    code: str
    jwk: PublicJwk


class AskPapers(msgspec.Struct, frozen=True, tag_field="action", tag="papers"):
    """To the office: give me my receipts."""

    nonce: str


class AskLogin(msgspec.Struct, frozen=True, tag_field="action", tag="login"):
    """To the office: let me show the mint that I am one of your wallets."""

    nonce: str


class LoggedIn(msgspec.Struct, frozen=True):
    """The office's word for the mint: some wallet that it knows, until a time."""

    login: str


class Claim(msgspec.Struct, frozen=True, tag_field="action", tag="claim"):
    """To the office: pay this aid into this quote."""

    programme: str
    cycle: str
    quote: str


class Paper(msgspec.Struct, frozen=True):
    """One decision as the office gives it. `quote`: into which it was claimed, if the office says so."""

    bundle: ReceiptBundle
    amount: int
    unit: Unit
    approved: bool
    claimed: bool
    quote: str | None = None


class Aid(msgspec.Struct, frozen=True):
    """Aid that was asked for or taken: `amount` in minor units; `taken`: its coins are here, or were taken before; among how
    many people of its unit it is (`crowd`), and how many there must be before the mint issues it; `pay_from` (unix time): from
    when on it is to be paid, 0: at any time."""

    amount: int
    unit: str
    taken: bool
    crowd: int = 0
    crowd_needed: int = 0
    pay_from: int = 0


class Wallet:
    """One household's wallet in a database that may hold several (a family's phone, or a demo's town). `latest_hours`: how long
    after the end of a claiming window its aid waits at most, drawn anew for every claim."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        office: Client,
        mint: Client,
        log: LogFollower,
        vkey: str,
        clock: Clock | None = None,
        latest_hours: float = LATEST_HOURS,
    ) -> None:
        self._database = database
        self._name = name
        self._office = office
        self._mint_url = mint.base
        self._log = log
        self._vkey = vkey
        self._latest = max(_SHORTEST_DELAY, int(latest_hours * HOUR))
        self.purse = Purse(database, name, mint=mint, log=log, clock=clock, login=self._log_in)
        with database.transaction() as connection:
            _complete(connection)
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

    def _log_in(self) -> str:
        """A log-in for the mint, which says that this is a wallet of the programme, and not which."""
        return self._post("/wallet/login", AskLogin(nonce=secrets.token_hex(8)), LoggedIn).login

    def check(self, paper: Paper) -> Receipt:
        """Recompute a receipt against the public log. Raises the finding."""
        return check_bundle(paper.bundle, self._log, self._vkey)

    def _post(self, path: str, body: msgspec.Struct, into: type[T]) -> T:
        token = sign_compact(canonical.encode(body), self._key, typ=WALLET_TYP)
        return self._office.post_bytes(path, token.encode(), into)

    # --- claiming aid ------------------------------------------------------------------------------------------------------------

    def claim(self, paper: Paper, *, spread: bool = False, stock: bool = False, hurry: bool = False) -> int:
        """Claim one approved decision: check it, get a quote, have it paid, take the coins (with `spread` those that pay
        exactly without a connection, with `stock` those for vouchers, otherwise the fewest). Safe to repeat after a crash at
        any point. Returns the amount; `aid` says more. Raises `NothingToClaim`, `AmountDiffers`, `ClaimedElsewhere`,
        `ClaimRests` beside an exchange of coins (not in a `hurry`), and the findings of a false receipt."""
        receipt = self.check(paper)
        if not paper.approved or receipt.amount == 0:
            raise NothingToClaim("This decision has nothing to claim now.")
        if (paper.amount, paper.unit) != (receipt.amount, receipt.unit):
            raise AmountDiffers("The office names another amount than the receipt.")
        rests = self.purse.claim_from()
        if rests > self.purse.now() and not hurry:
            raise ClaimRests(rests)
        self.purse.recover(claims=True)
        quote, key, done = self._quote(receipt, paper.quote)
        if done:
            return receipt.amount
        answer = self._post(
            "/wallet/claim", Claim(programme=receipt.programme, cycle=receipt.cycle, quote=quote), dict[str, int]
        )
        if answer.get("amount") != receipt.amount:
            raise AmountDiffers("The office pays another amount than the receipt says.")
        found = self.purse.find_quote(quote)
        pay_from = self._note_aid(found)
        # Otherwise a crash came between taking the coins and noting it: the mint says that all was issued.
        if not found.amount_issued >= found.amount_paid > 0:
            self.purse.claim(
                quote,
                receipt.amount,
                receipt.unit,
                quote_key=key,
                spread=spread,
                stock=stock,
                pay_from=pay_from,
                quiet_until=pay_from or self.purse.now() + secrets.SystemRandom().randint(*upkeep.REST),
            )
        self._mark_done(receipt)
        return receipt.amount

    def _note_aid(self, found: ClaimQuote) -> int:
        """Write down, before the coins are taken, what the mint says of a quote; returns from when on it is to be paid. The
        moment is drawn once for each end of the window."""
        now = self.purse.now()
        ends = min(found.window_ends, now + LONGEST_WINDOW) if found.window_ends > 0 else 0
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT window_ends, pay_from FROM aid WHERE wallet = ? AND quote = ?", (self._name, found.quote)
            ).fetchone()
            pay_from = max(ends, now) + secrets.SystemRandom().randint(_SHORTEST_DELAY, self._latest) if ends else 0
            if row is not None and row[0] == ends:
                pay_from = int(row[1])
            connection.execute(
                "INSERT INTO aid (wallet, quote, window_ends, pay_from, crowd, crowd_needed) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (wallet, quote) DO UPDATE SET window_ends = excluded.window_ends,"
                " pay_from = excluded.pay_from, crowd = excluded.crowd, crowd_needed = excluded.crowd_needed",
                (self._name, found.quote, ends, pay_from, found.crowd, found.crowd_needed),
            )
        return pay_from

    def aid(self, receipt: Receipt) -> Aid | None:
        """What is known here of aid that was asked for; None when it was not. Works offline."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT amount, unit, done, crowd, crowd_needed, pay_from FROM quote LEFT JOIN aid"
                " ON aid.wallet = quote.wallet AND aid.quote = quote.quote"
                " WHERE quote.wallet = ? AND programme = ? AND cycle = ?",
                (self._name, receipt.programme, receipt.cycle),
            ).fetchone()
        return None if row is None else Aid(row[0], row[1], bool(row[2]), row[3] or 0, row[4] or 0, row[5] or 0)

    def has_asked(self) -> bool:
        """Whether any aid was asked for here, taken or not. Works offline."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM quote WHERE wallet = ?", (self._name,)).fetchone() is not None

    def is_due(self, paper: Paper, receipt: Receipt) -> bool:
        """Whether approved aid was not taken here yet: not asked for, or interrupted on the way."""
        known = self.aid(receipt)
        return paper.approved and receipt.amount > 0 and (known is None or not known.taken)

    def crowd(self, receipt: Receipt) -> int:
        """Among how many households that were paid in the same batch this one is, from the public log: "you are one of".
        LIMIT: the mint sees amounts; of how many the amount is the same, the log does not say."""
        batches = [batch for _, batch in self._log.view().decisions]
        named = (receipt.programme, receipt.cycle, receipt.rule_hash)
        return max((b.eligible for b in batches if (b.programme, b.cycle, b.rule_hash) == named), default=0)

    def _quote(self, receipt: Receipt, claimed_into: str | None) -> tuple[str, Secret, bool]:
        """The quote for this decision: the one written down, the one that the office knows of, or a new one."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT quote, quote_key, done FROM quote WHERE wallet = ? AND programme = ? AND cycle = ?",
                (self._name, receipt.programme, receipt.cycle),
            ).fetchone()
        if row is not None:
            return row[0], Secret(row[1]), bool(row[2])
        keys = self._quote_keys(receipt)
        quote, key = (
            (self._new_quote(receipt, keys[0]), keys[0]) if claimed_into is None else self._found(claimed_into, keys)
        )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO quote (wallet, programme, cycle, quote, quote_key, amount, unit) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._name,
                    receipt.programme,
                    receipt.cycle,
                    quote,
                    key.reveal(),
                    receipt.amount,
                    receipt.unit,
                ),
            )
        return quote, key, False

    def _new_quote(self, receipt: Receipt, key: Secret) -> str:
        quote = self.purse.quote(receipt.amount, receipt.unit, pubkey=_public(key))
        if (quote.amount, quote.unit) != (receipt.amount, receipt.unit):
            raise AmountDiffers("The mint's quote is for another amount than the receipt says.")
        return quote.quote

    def _found(self, quote: str, keys: Sequence[Secret]) -> tuple[str, Secret]:
        """A quote that this household claimed into before its file was lost, with the key to it."""
        pubkey = self.purse.find_quote(quote).pubkey
        key = next((key for key in keys if _public(key) == pubkey), None)
        if key is None:
            raise ClaimedElsewhere("This aid was claimed with another wallet.")
        return quote, key

    def _quote_keys(self, receipt: Receipt) -> list[Secret]:
        """The keys that this decision's quote may have: this wallet's own first, then those of restored wallets."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT root FROM quote_root WHERE wallet = ? ORDER BY root", (self._name,)
            ).fetchall()
        roots = [self.purse.derived_key(_QUOTES), *(Secret(row[0]) for row in rows)]
        return [recovery.derived_key(root, f"{receipt.programme} {receipt.cycle}") for root in roots]

    def _mark_done(self, receipt: Receipt) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE quote SET done = 1 WHERE wallet = ? AND programme = ? AND cycle = ?",
                (self._name, receipt.programme, receipt.cycle),
            )

    def compare_log(self, note: str, *, fetch: Fetch) -> None:
        """Compare the log that this wallet is shown (`fetch`) with a checkpoint that somebody else has seen, a till or another
        wallet: only so a log that shows one person a history of their own is found. Raises `LogRewritten`, `BadNote`,
        `BadProof`."""
        LogReader(fetch, NoteVerifier(self._vkey), seen=note).update()

    # --- the recovery code -----------------------------------------------------------------------------------------------

    def recovery_code(self) -> str:
        """The code on paper that brings this wallet's money back: 14 groups of four digits. Raises `NoRecoveryCode`."""
        return self.purse.recovery_code()

    def recovery_qr(self) -> str:
        """What the QR code beside it holds. Raises `NoRecoveryCode`."""
        return recovery.qr_text(self.purse.recovery_code())

    def is_recovery_tested(self) -> bool:
        """Whether the code was read back from paper once; until then it does not count as kept. Raises
        `NoRecoveryCode`."""
        return self.purse.is_code_tested()

    def test_recovery(self, typed: str) -> None:
        """Somebody reads the code back from paper. Raises `CodeFalse`, `NoRecoveryCode`."""
        self.purse.test_code(typed)

    def restore(
        self,
        code: str,
        *,
        connect: Callable[[], Client],
        wait: Callable[[float], None],
        filters: Sequence[SpentFilter] = (),
        keep_code: bool = False,
        manner: Manner | None = None,
        hurry: bool = False,
    ) -> Progress:
        """Bring back the money of a lost wallet from its code; it becomes this wallet's own, under this wallet's own code
        (see `Restorer.begin` for `keep_code`). `connect` makes a connection of its own for every request, `wait` lets
        seconds pass between them, `manner` says how it asks. Goes on where it stopped when it is called again; safe to
        repeat. Aid that was paid for and not taken can be claimed afterwards, if the office names its quote. Raises
        `CodeFalse`, `PurseInUse`, `RestoreUnfinished`, `ExchangeRests` beside a claim (not in a `hurry`), and what requests
        raise."""
        restorer = Restorer(self.purse, connect=connect, filters=filters, manner=manner, hurry=hurry)
        root = recovery.derived_key(recovery.seed_of(recovery.read_code(code)), _QUOTES)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO quote_root (wallet, root) VALUES (?, ?) ON CONFLICT (wallet, root) DO NOTHING",
                (self._name, root.reveal()),
            )
        restorer.begin(code, keep_code=keep_code)
        self.purse.recover(claims=False)
        while not (progress := restorer.step()).done:
            wait(progress.wait)
        return progress

    # --- upkeep ----------------------------------------------------------------------------------------------------------

    def resplit(self, unit: str) -> upkeep.Resplit:
        """While there is a connection and time: break a coin, if exact payments without a connection need it. Call it again
        not before the moment that it returns."""
        return upkeep.resplit(self.purse, unit)

    def renew(self, unit: str) -> upkeep.Renewal:
        """While there is a connection: leave a keyset before it ends, so that no balance dies silently. Safe to repeat."""
        return upkeep.renew(self.purse, unit)

    def next_end(self, unit: str) -> End | None:
        """When coins end next and from when to warn, or None. Works offline."""
        return self.purse.next_end(unit)

    # --- paying ----------------------------------------------------------------------------------------------------------

    def set_aside(
        self,
        amount: int,
        unit: str,
        *,
        shop_key: str,
        until: int,
        label: str,
        spread: bool = False,
        hurry: bool = False,
    ) -> None:
        """While online: lock coins to a shop, to pay there without a connection; with `spread` in coins of which parts can
        be paid exactly. After `until` `take_back` brings them back to this wallet if they were not paid. `label` is this
        wallet's own word for it, another each time. Raises `NotEnough`, `AidRests`, `ExchangeRests`, `LockOutlivesCoins`."""
        refund = _public(self._refund_key(label))
        lock = LockTo(key=shop_key, locktime=until, refund=refund)
        self.purse.lock(amount, unit, lock=lock, label=label, spread=spread, hurry=hurry)

    def _refund_key(self, label: str) -> Secret:
        # Another key for every lock: one key would join all that this wallet ever pays without a connection.
        mac = hmac.new(self._refund.reveal(), b"amparo refund key" + label.encode(), hashlib.sha512).digest()
        return Secret((int.from_bytes(mac, "big") % (ORDER - 1) + 1).to_bytes(32, "big"))

    def take_back(self, unit: str, *, now: datetime, hurry: bool = False) -> int:
        """Bring back what was set aside and not paid before its time passed; returns the sum. Safe to repeat. Raises
        `ExchangeRests`."""
        return self.purse.take_back(unit, refund_key=self._refund_key, now=int(now.timestamp()), hurry=hurry)

    def pay_code(self, amount: int, unit: str, *, hurry: bool = False) -> str:
        """The code that pays `amount` where the till has a connection. Needs none here when the coins make the amount.
        Raises `NotEnough`, `NoExactCoins`, `AidRests`."""
        # Without the proofs: their blinding factors would lead the mint to the requests in which it signed these coins.
        return self.code([without_dleq(proof) for proof in self.purse.pay(amount, unit, hurry=hurry)], unit)

    def pay_request(self, request: PaymentRequest, *, hurry: bool = False) -> str:
        """While online: the code that answers a payment request (NUT-18), locked as it asks, exactly its amount. Raises
        `RequestNotPayable` for one that this wallet cannot pay as it asks, and what `set_aside` and `pay_code` raise."""
        amount, unit = request.amount, request.unit
        if amount is None or unit is None or amount > MOST_MINOR_UNITS:
            raise RequestNotPayable("The request does not say how much it asks for.")
        if request.mints and self._mint_url not in [mint.rstrip("/") for mint in request.mints]:
            raise RequestNotPayable("The request asks for coins of another mint.")
        if request.transports:
            raise RequestNotPayable("The request wants the payment to be sent to an address.")
        if request.lock is None:
            self.purse.make_exact(amount, unit, hurry=hurry)
            return self.pay_code(amount, unit, hurry=hurry)
        key, until = _asked_lock(request.lock)
        if until is not None and until > self.purse.now() + LONGEST_LOCK:
            raise RequestNotPayable("The request asks to lock coins for too long.")
        label = f"request {secrets.token_hex(8)}"
        self.set_aside(
            amount, unit, shop_key=key, until=until or self.purse.now() + LOCK_SECONDS, label=label, hurry=hurry
        )
        return self.pay_held_code(unit, label=label)

    def pay_held_code(self, unit: str, *, label: str, amount: int | None = None) -> str:
        """The code that pays what was set aside under `label`: all of it, or exactly `amount`."""
        return self.code(self.purse.pay_held(unit, label=label, amount=amount), unit)

    def received(self, code: str) -> None:
        """The shop has taken this code: forget its coins, so that nobody who opens this file learns where was bought."""
        self.purse.forget(self._secrets_of(code))
        self._database.rewrite()

    def cancel(self, code: str, unit: str, *, hurry: bool = False) -> int:
        """The shop has not taken this code: bring its coins back; returns the sum, 0 when it was taken after all. Coins
        locked to the shop are set aside again instead, and come back with `take_back` after their time. Raises
        `ExchangeRests`."""
        return self.purse.take_back_given(self._secrets_of(code), unit, hurry=hurry)

    def read(self, code: str) -> Token:
        """What a code holds. Raises `BadToken`."""
        return read_token(code, keysets=[body.keyset for _, body in self._log.view().keysets])

    def _secrets_of(self, code: str) -> list[str]:
        return [proof.secret for proof in self.read(code).proofs]

    def code(self, proofs: list[Proof], unit: str) -> str:
        """Coins as the text of a code."""
        return write_token(Token(mint=self._mint_url, unit=unit, proofs=proofs))


def must_wait(error: AmparoError) -> bool:
    """Whether the mint only asks a claim to come again when more people have come."""
    return isinstance(error, RemoteError) and error.stable_code == _CROWD_TOO_SMALL


def forget_wallet(connection: sqlite3.Connection, name: str) -> None:
    """Leave no row of a wallet and of its purse, as if they had never been. What they hold is lost to this device."""
    _complete(connection)
    connection.execute("DELETE FROM wallet WHERE name = ?", (name,))
    for table in ("quote", "quote_root", "aid"):
        connection.execute(f"DELETE FROM {table} WHERE wallet = ?", (name,))
    purse_store.forget_purse(connection, name)


def _complete(connection: sqlite3.Connection) -> None:
    for statement in _LATER:
        connection.execute(statement)


def _asked_lock(option: LockOption) -> tuple[str, int | None]:
    """The key and the time (unix) that a request's lock asks for. Raises `RequestNotPayable` for any other lock than one key,
    perhaps with a time: one that is not understood is not paid without it."""
    try:
        found = read_condition(lock_secret(option, secrets.token_hex(32)))
    except (BadPoint, BadToken) as error:
        raise RequestNotPayable("The request asks for a lock that is not supported.") from error
    assert found is not None  # noqa: S101 - lock_secret refuses what is no condition
    lock = found.lock
    plain = len(lock.keys) == 1 and lock.needed == 1 and not lock.refund and not lock.sig_all
    if not plain or any(tag[0] != "locktime" for tag in option.tags):
        raise RequestNotPayable("The request asks for a lock that is not supported.")
    return lock.keys[0], lock.locktime


def _public(key: Secret) -> str:
    return show_point(generator_times(key.reveal()))
