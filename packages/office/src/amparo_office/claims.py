"""What a person's wallet asks of the office: enrol, fetch the papers, claim approved aid, be logged in at the mint.

Every request is a compact JWS by the wallet's own key. A claim names a mint quote; the office checks that the stored decision
is the one that was approved (its leaf leads to the root in the public log) and tells the mint that the quote is paid. The
claim and that message are one commit. A quote that the mint cannot pay (it has none of this name, or one of another amount)
gives the claim back, so that one wallet's mistake neither costs its aid nor stops the messages behind it.
"""

import hashlib
import sqlite3
import threading
from typing import Annotated

import msgspec

from amparo_common import canonical
from amparo_common.bridge import QuotePaid, seal
from amparo_common.codes import as_meant, random_code
from amparo_common.ids import QuoteId
from amparo_common.money import Unit
from amparo_common.signing import PublicJwk, SigningKey, VerifyingKey, read_kid, read_unverified, verify_compact
from amparo_log.follow import LogFollower
from amparo_office import people, store
from amparo_office.errors import (
    AlreadyClaimed,
    EnrolmentCodeUnknown,
    HolderUnknown,
    NotApproved,
    NotAsApproved,
    NotEntitled,
    WalletEnrolled,
)
from amparo_rules.errors import NotInBatch
from amparo_rules.receipt import ReceiptBundle
from amparo_rules.sumtree import SumTree, check_in_batch, leaf
from amparo_service import outbox
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_service.login import LoggedIn, LogIns

WALLET_TYP = "amparo-wallet+jws"
TO_MINT = "mint"
# The mint's answers (its stable codes: for the first the specification has no number) to a quote that can never be paid as
# claimed: it is unknown, or of another amount or unit. Any other refusal may pass, and the message waits.
_NEVER_PAID = frozenset({"token.quote_unknown", "token.not_balanced"})


class Enrol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action", tag="enrol"):
    """Bind this wallet's key to the household that was given the code."""

    code: str
    jwk: PublicJwk


class AskPapers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action", tag="papers"):
    """Fetch every receipt of this household. `nonce` makes each request different."""

    nonce: str


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action", tag="claim"):
    """Claim the approved aid of a cycle into a mint quote."""

    programme: str
    cycle: str
    quote: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class AskLogin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action", tag="login"):
    """Be logged in at the mint. `nonce` makes each request different."""

    nonce: str


class Paper(msgspec.Struct, frozen=True):
    """One decision as its household is given it: the receipt with its place, how far the payment is, and into which quote it was
    claimed (a wallet that lost its file finds its quote again by that; only the key from its recovery code opens it)."""

    bundle: ReceiptBundle
    amount: int
    unit: Unit
    approved: bool
    claimed: bool
    quote: str | None = None


class Claims:
    """The wallet's side of the office."""

    def __init__(
        self, database: Database, log: LogFollower, *, publish_key: SigningKey, mint: Client, logins: LogIns
    ) -> None:
        self._database = database
        self._log = log
        self._publish_key = publish_key
        self._mint = mint
        self._logins = logins
        # Trees by cycle number, made once from the stored leaves. Owner: whoever holds the lock.
        self._trees: dict[int, SumTree] = {}
        self._lock = threading.Lock()

    def new_codes(self, refs: list[str]) -> dict[str, str]:
        """One-time enrolment codes for households, by their reference. A new code replaces an unused old one."""
        codes = {}
        numbers = people.numbers_of(refs)
        with self._database.transaction() as connection:
            for ref, number in numbers.items():
                codes[ref] = random_code()
                connection.execute(
                    "INSERT INTO enrolment_code (code_hash, household) VALUES (?, ?)"
                    " ON CONFLICT (household) DO UPDATE SET code_hash = excluded.code_hash",
                    (_hash(codes[ref]), number),
                )
        return codes

    def enrol(self, token: str) -> None:
        """Bind a wallet's key. The same wallet again changes nothing. Raises `EnrolmentCodeUnknown`, `WalletEnrolled`,
        `BadSignature`."""
        asked = canonical.decode(read_unverified(token), Enrol)
        key = VerifyingKey(asked.jwk)
        verify_compact(token, key, typ=WALLET_TYP)
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT household FROM enrolment_code WHERE code_hash = ?", (_hash(asked.code),)
            ).fetchone()
            enrolled = store.household_of_holder(connection, key.kid)
            if row is None:
                if enrolled is not None:
                    return
                raise EnrolmentCodeUnknown("The enrolment code is not valid.")
            if enrolled is not None and enrolled[0] != row[0]:
                raise WalletEnrolled("This wallet is another household's.")
            connection.execute(
                "INSERT INTO holder (household, kid, jwk) VALUES (?, ?, ?)"
                " ON CONFLICT (household) DO UPDATE SET kid = excluded.kid, jwk = excluded.jwk",
                (row[0], key.kid, msgspec.json.encode(asked.jwk).decode()),
            )
            connection.execute("DELETE FROM enrolment_code WHERE household = ?", (row[0],))

    def papers(self, token: str) -> list[Paper]:
        """Every receipt of the asking household. Raises `HolderUnknown`, `BadSignature`."""
        household, payload = self._holder(token)
        canonical.decode(payload, AskPapers)
        found = []
        with self._database.reading() as connection:
            for cycle in store.cycles(connection):
                row = store.find_decision(connection, cycle.number, household)
                if row is None or cycle.root is None:
                    continue
                claimed = connection.execute(
                    "SELECT quote FROM claim WHERE cycle = ? AND household = ?", (cycle.number, household)
                ).fetchone()
                bundle = ReceiptBundle(receipt=row.receipt, batch=self._tree(connection, cycle).proof(row.place))
                found.append(
                    Paper(
                        bundle,
                        row.amount,
                        self._unit(cycle),
                        approved=cycle.approver is not None,
                        claimed=claimed is not None,
                        quote=None if claimed is None else str(claimed[0]),
                    )
                )
        return found

    def login(self, token: str) -> LoggedIn:
        """A log-in for the mint, which says only that the office knows this wallet. Raises `HolderUnknown`, `BadSignature`,
        `TooOften`, `NotFound` where nobody is logged in."""
        household, payload = self._holder(token)
        canonical.decode(payload, AskLogin)
        return self._logins.new(str(household))

    def claim(self, token: str) -> int:
        """Claim a cycle's aid into a quote; returns the amount in minor units. Repeating it with the same quote changes
        nothing. Raises `NotApproved`, `NotEntitled`, `NotAsApproved`, `AlreadyClaimed`."""
        household, payload = self._holder(token)
        asked = canonical.decode(payload, Claim)
        with self._database.transaction() as connection:
            cycle = store.find_cycle(connection, asked.programme, asked.cycle)
            row = store.find_decision(connection, cycle.number, household)
            if row is None or row.amount == 0:
                raise NotEntitled("There is no aid to claim in this cycle.")
            self._check_approved(connection, cycle, row)
            known = connection.execute(
                "SELECT quote FROM claim WHERE cycle = ? AND household = ?", (cycle.number, household)
            ).fetchone()
            if known is not None:
                if known[0] != asked.quote:
                    raise AlreadyClaimed("This aid was already claimed.")
                return row.amount
            if connection.execute("SELECT 1 FROM claim WHERE quote = ?", (asked.quote,)).fetchone() is not None:
                raise AlreadyClaimed("Another claim names this quote.")
            connection.execute(
                "INSERT INTO claim (cycle, household, quote) VALUES (?, ?, ?)", (cycle.number, household, asked.quote)
            )
            message = QuotePaid(quote=QuoteId(asked.quote), amount=row.amount, unit=self._unit(cycle))
            outbox.put(connection, TO_MINT, seal(message, self._publish_key))
        return row.amount

    def forget_erased(self) -> int:
        """Remove what is here about households and people whom the register erased. How many those were."""
        with self._database.reading() as connection:
            households, persons = store.households(connection), store.cards(connection)
        erased_households, erased_persons = people.erased()
        households &= erased_households
        persons &= erased_persons
        if households or persons:
            with self._database.transaction() as connection:
                store.forget(connection, households, persons)
            self._database.fold_journal()
        return len(households) + len(persons)

    def deliver(self) -> None:
        """Tell the mint what waits. Raises `Unreachable`, `RemoteError`; the messages stay."""
        with self._lock:
            outbox.deliver(self._database, TO_MINT, self._send)

    def _send(self, message: str) -> None:
        try:
            self._mint.post_bytes("/bridge/quote-paid", message.encode(), dict[str, bool])
        except RemoteError as error:
            if error.stable_code not in _NEVER_PAID:
                raise
            quote = canonical.decode(read_unverified(message), QuotePaid).quote
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM claim WHERE quote = ?", (quote,))

    def _holder(self, token: str) -> tuple[int, bytes]:
        """The household whose wallet signed, and what it signed."""
        with self._database.reading() as connection:
            found = store.household_of_holder(connection, read_kid(token))
        if found is None:
            raise HolderUnknown("No enrolled wallet has this key.")
        number, key = found
        return number, verify_compact(token, VerifyingKey(msgspec.json.decode(key, type=PublicJwk)), typ=WALLET_TYP)

    def _check_approved(self, connection: sqlite3.Connection, cycle: store.Cycle, row: store.DecisionRow) -> None:
        """Raises unless two people approved, in the public log, exactly this receipt with exactly this amount."""
        approved = next(
            (a for _, a in self._log.view().approvals if (a.programme, a.cycle) == (cycle.programme, cycle.name)), None
        )
        if approved is None:
            raise NotApproved("This payment is not approved yet.")
        if leaf(row.receipt.encode(), row.amount) != row.leaf:
            raise NotAsApproved("A stored decision was changed after the approval.")
        tree = self._tree(connection, cycle)
        try:
            check_in_batch(
                row.receipt.encode(), row.amount, tree.proof(row.place), root=approved.root, total=approved.total
            )
        except NotInBatch as error:
            raise NotAsApproved("The stored decisions are not the ones that were approved.") from error

    def _tree(self, connection: sqlite3.Connection, cycle: store.Cycle) -> SumTree:
        tree = self._trees.get(cycle.number)
        if tree is None:
            tree = self._trees[cycle.number] = SumTree(store.leaves(connection, cycle.number))
        return tree

    def _unit(self, cycle: store.Cycle) -> Unit:
        return next(
            d.unit for _, d in self._log.view().decisions if (d.programme, d.cycle) == (cycle.programme, cycle.name)
        )


def _hash(code: str) -> bytes:
    # Codes have 80 random bits and are used once, so a plain hash is enough.
    return hashlib.sha256(as_meant(code).encode()).digest()
