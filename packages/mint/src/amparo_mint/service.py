"""What the mint does: quotes, issuing, swapping, redeeming, restoring. Decisions here, SQL in `store.py`, HTTP in `http.py`.

Order of a swap: cheap checks, then the curve, then one commit of all spent and all issued, then the answer. A crash
leaves nothing or everything; the wallet repeats its request, byte for byte, and gets the same signatures.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from amparo_cashu.curve import read_point
from amparo_cashu.errors import (
    AmountRefused,
    BadToken,
    DuplicateInputs,
    DuplicateOutputs,
    KeysetExpired,
    KeysetInactive,
    KeysetUnknown,
    NotBalanced,
    QuoteIssued,
    QuoteKeyMissing,
    QuoteNotPaid,
    QuoteUnknown,
    TooMany,
    UnitsDiffer,
    UnitUnknown,
)
from amparo_cashu.nut10_secret import LONGEST_SECRET, check_lock
from amparo_cashu.nut20_quote import check_claim
from amparo_cashu.wire import (
    BlindedMessage,
    BlindSignature,
    MeltQuote,
    MeltQuoteRequest,
    MeltRequest,
    MintQuote,
    MintQuoteRequest,
    MintRequest,
    Proof,
    RestoreAnswer,
    Signatures,
    SwapRequest,
)
from amparo_common.bridge import MintFigures, QuotePaid, ShopDeposited, seal
from amparo_common.clock import Clock
from amparo_common.ids import DepositId, QuoteId, ShopId, random_id
from amparo_common.money import MOST_MINOR_UNITS, Unit
from amparo_common.signing import SigningKey
from amparo_mint import store
from amparo_mint.errors import BlindingFactorSent, OverApproved
from amparo_mint.keysets import SigningKeyset
from amparo_mint.nut00_sign import sign_output, verify_input
from amparo_mint.store import Job, TokenHasher, TokenRow
from amparo_service import outbox

MOST_INPUTS = 100
TO_SHOPS = "shops"


class Mint:
    """The mint's decisions. Methods return a job for the writer, which makes them durable."""

    def __init__(self, hasher: TokenHasher, *, clock: Clock, bridge_key: SigningKey) -> None:
        self._hasher = hasher
        self._clock = clock
        self._bridge_key = bridge_key
        # Replaced as a whole by the event loop when a keyset is added; jobs in the writer's thread only read it.
        self._keysets: dict[str, tuple[int, SigningKeyset, bool]] = {}

    def set_keysets(self, keysets: dict[str, tuple[int, SigningKeyset, bool]]) -> None:
        """Use these keysets: id -> (number, keyset, active)."""
        self._keysets = keysets

    def keysets(self) -> list[tuple[SigningKeyset, bool]]:
        """All keysets with whether they sign new tokens."""
        return [(keyset, active) for _, keyset, active in self._keysets.values()]

    # --- quotes for aid ------------------------------------------------------------------------------------------------

    def quote_aid(self, request: MintQuoteRequest) -> Job[MintQuote]:
        """A new quote. Raises `QuoteKeyMissing`, `UnitUnknown`, `AmountRefused`, `BadPoint`."""
        if request.pubkey is None:
            raise QuoteKeyMissing("A quote for aid needs a public key.")
        pubkey = read_point(request.pubkey).format().hex()
        amount = self._checked_amount(request.amount, request.unit)
        row = store.MintQuoteRow(QuoteId(random_id()), Unit(request.unit), amount, pubkey, 0, 0)

        def job(connection: sqlite3.Connection) -> MintQuote:
            connection.execute(
                "INSERT INTO mint_quote (id, unit, amount, pubkey) VALUES (?, ?, ?, ?)",
                (row.id, row.unit, row.amount, row.pubkey),
            )
            return show_mint_quote(row)

        return job

    def _checked_amount(self, amount: int | None, unit: str) -> int:
        if not any(active and keyset.unit == unit for _, keyset, active in self._keysets.values()):
            raise UnitUnknown("There is no active keyset of this unit.")
        if amount is None or not 0 < amount <= MOST_MINOR_UNITS:
            raise AmountRefused("The amount of a quote is missing or out of bounds.")
        return amount

    def find_quote(self, quote: str) -> Job[MintQuote]:
        """A quote as it stands. Raises `QuoteUnknown`."""

        def job(connection: sqlite3.Connection) -> MintQuote:
            return show_mint_quote(_known_quote(connection, quote))

        return job

    def record_paid(self, message: QuotePaid, *, approved: int) -> Job[None]:
        """The office says a quote is paid. Saying it twice changes nothing. Raises `QuoteUnknown`, `NotBalanced` when the
        amount or unit is another, `OverApproved` when the log's approved total would be passed."""

        def job(connection: sqlite3.Connection) -> None:
            quote = _known_quote(connection, message.quote)
            if (quote.amount, quote.unit) != (message.amount, message.unit):
                raise NotBalanced("The payment is not for this quote's amount and unit.")
            if quote.paid:
                return
            if store.total_paid(connection, quote.unit) + message.amount > approved:
                raise OverApproved("More would be issued than was approved.")
            connection.execute("UPDATE mint_quote SET paid = amount WHERE id = ?", (quote.id,))

        return job

    # --- issuing, swapping, redeeming ----------------------------------------------------------------------------------

    def issue(self, request: MintRequest, tag: bytes) -> Job[Signatures]:
        """Sign outputs for a paid quote. Raises the errors of the specification."""
        outputs = self._check_outputs(request.outputs)
        signatures = self._sign(request.outputs)
        unit = self._unit_of([output.id for output in request.outputs])
        total = sum(output.amount for output in request.outputs)

        def job(connection: sqlite3.Connection) -> Signatures:
            quote = _known_quote(connection, request.quote)
            check_claim(quote.id, request.outputs, request.signature, quote.pubkey)
            if store.was_served(connection, tag):
                return signatures
            self._check_open(inputs=[], outputs=request.outputs)
            if not quote.paid:
                raise QuoteNotPaid("The quote is not paid yet.")
            if quote.issued:
                raise QuoteIssued("The quote was already issued.")
            if (total, unit) != (quote.amount, quote.unit):
                raise NotBalanced("The outputs do not add up to the quote.")
            store.record_issued(connection, outputs)
            store.count_issued(connection, outputs)
            connection.execute("UPDATE mint_quote SET issued = paid WHERE id = ?", (quote.id,))
            store.record_served(connection, tag)
            return signatures

        return job

    def swap(self, request: SwapRequest, tag: bytes) -> Job[Signatures]:
        """Exchange tokens for new ones of the same sum. Raises the errors of the specification."""
        outputs = self._check_outputs(request.outputs)
        inputs = self._check_inputs(request.inputs)
        if self._unit_of([each.id for each in request.inputs]) != self._unit_of([each.id for each in request.outputs]):
            raise UnitsDiffer("Inputs and outputs are of different units.")
        if sum(row.amount for row in inputs) != sum(row.amount for row in outputs):
            raise NotBalanced("Inputs and outputs do not add up.")
        # Value may leave one keyset for another (after a rotation); counted, so that each keyset's figures add up.
        moved = [row.keyset for row in inputs] != [outputs[0].keyset] * len(inputs)
        signatures = self._sign(request.outputs)

        def job(connection: sqlite3.Connection) -> Signatures:
            if store.was_served(connection, tag):
                return signatures
            self._check_open(inputs=request.inputs, outputs=request.outputs)
            store.record_spent(connection, inputs)
            store.record_issued(connection, outputs)
            if moved:
                store.count_moved(connection, out_of=inputs, into=outputs)
            store.record_served(connection, tag)
            return signatures

        return job

    def quote_deposit(self, request: MeltQuoteRequest) -> Job[MeltQuote]:
        """A quote for a shop's deposit; the caller has checked the accreditation. Raises `AmountRefused`, `UnitUnknown`."""
        amount = self._checked_amount(request.amount, request.unit)
        row = store.MeltQuoteRow(DepositId(random_id()), request.request, Unit(request.unit), amount, paid=False)

        def job(connection: sqlite3.Connection) -> MeltQuote:
            connection.execute(
                "INSERT INTO melt_quote (id, shop, unit, amount) VALUES (?, ?, ?, ?)",
                (row.id, row.shop, row.unit, row.amount),
            )
            return show_melt_quote(row)

        return job

    def find_deposit(self, quote: str) -> Job[MeltQuote]:
        """A deposit quote as it stands. Raises `QuoteUnknown`."""

        def job(connection: sqlite3.Connection) -> MeltQuote:
            return show_melt_quote(_known_deposit(connection, quote))

        return job

    def redeem(self, request: MeltRequest, tag: bytes) -> Job[MeltQuote]:
        """Take a shop's tokens for its deposit and tell the shops side, in one commit."""
        inputs = self._check_inputs(request.inputs)
        unit = self._unit_of([each.id for each in request.inputs])
        total = sum(row.amount for row in inputs)

        def job(connection: sqlite3.Connection) -> MeltQuote:
            quote = _known_deposit(connection, request.quote)
            paid = msgspec.structs.replace(quote, paid=True)
            if store.was_served(connection, tag):
                return show_melt_quote(paid)
            self._check_open(inputs=request.inputs, outputs=[])
            if quote.paid:
                raise QuoteIssued("This deposit was already made with other tokens.")
            if (total, unit) != (quote.amount, quote.unit):
                raise NotBalanced("The tokens do not add up to the deposit.")
            store.record_spent(connection, inputs)
            store.count_redeemed(connection, inputs)
            connection.execute("UPDATE melt_quote SET paid = 1 WHERE id = ?", (quote.id,))
            message = ShopDeposited(deposit=quote.id, shop=ShopId(quote.shop), amount=quote.amount, unit=quote.unit)
            outbox.put(connection, TO_SHOPS, seal(message, self._bridge_key))
            store.record_served(connection, tag)
            return show_melt_quote(paid)

        return job

    # --- restore and state -----------------------------------------------------------------------------------------------

    def restore(self, outputs: Sequence[BlindedMessage]) -> Job[RestoreAnswer]:
        """NUT-09: the signatures of those outputs that were signed under the keyset they name. Raises `TooMany`,
        `BadPoint`, `KeysetUnknown`."""
        if len(outputs) > MOST_INPUTS:
            raise TooMany(f"At most {MOST_INPUTS} outputs are restored at once.")
        places = [(self._hasher.point(read_point(each.B_)), self._keyset(each.id)[0]) for each in outputs]

        def job(connection: sqlite3.Connection) -> RestoreAnswer:
            found = []
            question = "SELECT amount FROM issued WHERE hash = ? AND keyset = ?"
            for output, place in zip(outputs, places, strict=True):
                row = connection.execute(question, place).fetchone()
                if row is not None:
                    found.append(msgspec.structs.replace(output, amount=int(row[0])))
            return RestoreAnswer(outputs=found, signatures=self._sign(found).signatures)

        return job

    def states(self, points: Sequence[str]) -> Job[list[bool]]:
        """NUT-07: which tokens are spent, in the order asked. Raises `TooMany`, `BadPoint`."""
        if len(points) > 5 * MOST_INPUTS:
            raise TooMany(f"At most {5 * MOST_INPUTS} tokens are looked up at once.")
        hashes = [self._hasher.point(read_point(point)) for point in points]

        def job(connection: sqlite3.Connection) -> list[bool]:
            question = "SELECT 1 FROM spent WHERE hash = ?"
            return [connection.execute(question, (hashed,)).fetchone() is not None for hashed in hashes]

        return job

    def figures(self, period: str) -> Job[list[MintFigures]]:
        """The totals of every keyset, ready for the public log. Raises `FiguresDisagree`."""
        now = int(self._clock.now().timestamp())

        def job(connection: sqlite3.Connection) -> list[MintFigures]:
            found = []
            for keyset in store.keysets(connection):
                rest = store.outstanding(connection, keyset)
                expired = rest if _is_over(keyset.final_expiry, now) else 0
                found.append(
                    MintFigures(
                        period=period,
                        keyset=keyset.id,
                        unit=keyset.unit,
                        issued=keyset.issued,
                        moved=keyset.moved,
                        redeemed=keyset.redeemed,
                        outstanding=rest - expired,
                        expired=expired,
                    )
                )
            return found

        return job

    # --- checks ------------------------------------------------------------------------------------------------------------

    def _keyset(self, keyset: str) -> tuple[int, SigningKeyset, bool]:
        found = self._keysets.get(keyset)
        if found is None:
            raise KeysetUnknown("A keyset is not one of this mint's.")
        return found

    def _unit_of(self, ids: list[str]) -> Unit:
        units = {self._keyset(each)[1].unit for each in ids}
        if len(units) != 1:
            raise UnitsDiffer("Tokens of different units are mixed.")
        return units.pop()

    def _check_outputs(self, outputs: Sequence[BlindedMessage]) -> list[TokenRow]:
        if not 0 < len(outputs) <= MOST_INPUTS:
            raise TooMany(f"A request has 1 to {MOST_INPUTS} outputs.")
        if len({output.B_.lower() for output in outputs}) != len(outputs):
            raise DuplicateOutputs("An output stands twice.")
        rows = []
        for output in outputs:
            number, keyset, _ = self._keyset(output.id)
            if output.amount not in keyset.keys:
                raise AmountRefused("An output has an amount that the keyset does not have.")
            rows.append(TokenRow(self._hasher.point(read_point(output.B_)), number, output.amount))
        return rows

    def _check_inputs(self, inputs: Sequence[Proof]) -> list[TokenRow]:
        if not 0 < len(inputs) <= MOST_INPUTS:
            raise TooMany(f"A request has 1 to {MOST_INPUTS} inputs.")
        if len({proof.secret for proof in inputs}) != len(inputs):
            raise DuplicateInputs("A token stands twice.")
        if any(proof.dleq is not None and proof.dleq.r is not None for proof in inputs):
            raise BlindingFactorSent("A request carries a blinding factor.")
        return [self._check_input(proof) for proof in inputs]

    def _check_input(self, proof: Proof) -> TokenRow:
        if len(proof.secret) > LONGEST_SECRET:
            raise BadToken("A secret is too long.")
        number, keyset, _ = self._keyset(proof.id)
        key = keyset.keys.get(proof.amount)
        if key is None:
            raise AmountRefused("A token has an amount that the keyset does not have.")
        point = verify_input(proof, key)
        check_lock(proof, now=int(self._clock.now().timestamp()))
        return TokenRow(self._hasher.point(point), number, proof.amount)

    def _check_open(self, *, inputs: Sequence[Proof], outputs: Sequence[BlindedMessage]) -> None:
        """Raises `KeysetInactive`, `KeysetExpired`. Called in a job, after the question whether the request was served:
        a repeated request gets its answer also when its keysets were closed in between."""
        if not all(self._keyset(output.id)[2] for output in outputs):
            raise KeysetInactive("The keyset of an output no longer signs.")
        now = int(self._clock.now().timestamp())
        # Outputs too: a token of a keyset that is over could never be spent.
        used = {each.id for each in inputs} | {each.id for each in outputs}
        if any(_is_over(self._keyset(each)[1].final_expiry, now) for each in used):
            raise KeysetExpired("The time of this keyset has passed.")

    def _sign(self, outputs: Sequence[BlindedMessage]) -> Signatures:
        return Signatures(signatures=[self._sign_one(output) for output in outputs])

    def _sign_one(self, output: BlindedMessage) -> BlindSignature:
        return sign_output(output, read_point(output.B_), self._keyset(output.id)[1].keys[output.amount])


def _is_over(final_expiry: int | None, now: int) -> bool:
    return final_expiry is not None and now > final_expiry


def _known_quote(connection: sqlite3.Connection, quote: str) -> store.MintQuoteRow:
    found = store.find_mint_quote(connection, quote)
    if found is None:
        raise QuoteUnknown("There is no such quote.")
    return found


def _known_deposit(connection: sqlite3.Connection, quote: str) -> store.MeltQuoteRow:
    found = store.find_melt_quote(connection, quote)
    if found is None:
        raise QuoteUnknown("There is no such quote.")
    return found


def show_mint_quote(row: store.MintQuoteRow) -> MintQuote:
    """A quote as NUT-04 shows it. `updated_at` counts the changes instead of telling a time: the mint keeps none."""
    return MintQuote(
        quote=row.id,
        request=row.id,
        unit=row.unit,
        method="benefit",
        amount=row.amount,
        amount_paid=row.paid,
        amount_issued=row.issued,
        updated_at=(row.paid > 0) + (row.issued > 0),
        pubkey=row.pubkey,
    )


def show_melt_quote(row: store.MeltQuoteRow) -> MeltQuote:
    """A deposit quote as NUT-05 shows it. It does not expire (the largest time JavaScript reads exactly)."""
    return MeltQuote(
        quote=row.id,
        request=row.shop,
        amount=row.amount,
        unit=row.unit,
        method="settle",
        state="PAID" if row.paid else "UNPAID",
        expiry=2**53 - 1,
    )
