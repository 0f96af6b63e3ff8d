"""What the mint does: quotes, issuing, swapping, redeeming, restoring. Decisions here and in `deciding.py`, HTTP in `http.py`.

Order of a swap: cheap checks, then the signer (inputs first, then outputs), then one commit of all spent and all issued, then
the answer. A crash leaves nothing or everything; the wallet repeats its request and gets the same signatures.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from amparo_cashu.curve import read_point, show_point
from amparo_cashu.errors import (
    AmountRefused,
    BadPoint,
    NotBalanced,
    QuoteKeyMissing,
    QuoteNotPaid,
    QuoteUnknown,
    TooMany,
    TooManyOutputs,
    UnitsDiffer,
    UnitUnknown,
)
from amparo_cashu.nut10_secret import check_locks
from amparo_cashu.nut20_quote import check_claim
from amparo_cashu.nut29_batch import check_batch, check_quotes
from amparo_cashu.schemes import SCHEMES
from amparo_cashu.wire import (
    BatchMintRequest,
    BlindedMessage,
    ClaimQuote,
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
from amparo_common.bridge import MintFigures, QuotePaid
from amparo_common.clock import Clock
from amparo_common.errors import AmparoError
from amparo_common.ids import DepositId, QuoteId, random_id
from amparo_common.money import MOST_MINOR_UNITS, Unit
from amparo_mint.batches import Batches
from amparo_mint.catalogue import MOST_INPUTS, Catalogue, fewest_coins, is_over
from amparo_mint.deciding import Outcome
from amparo_mint.errors import CrowdTooSmall, FiguresDisagree
from amparo_mint.model import Change, Deposit, Done, MeltQuoteRow, MintQuoteRow, Payment, TokenState
from amparo_mint.signing import SigningDesk
from amparo_mint.store import Store, TokenHasher

MOST_LOOKED_UP = 5 * MOST_INPUTS
# A few thousandths of a second.
MOST_HASHED_AT_ONCE = 2_000
# What the most used wallets ask for at once; about 30 ms of the signer when all of them were signed.
MOST_RESTORED = 3 * MOST_INPUTS


class Mint:
    """The mint's decisions. Every method that changes something returns once it is durable."""

    def __init__(
        self,
        store: Store,
        desk: SigningDesk,
        hasher: TokenHasher,
        *,
        clock: Clock,
        crowd_needed: Callable[[Unit, int], int] = lambda _unit, _now: 0,
        window_ends: Callable[[Unit], int] = lambda _unit: 0,
    ) -> None:
        self._store = store
        self._desk = desk
        self._hasher = hasher
        self._clock = clock
        self._crowd_needed = crowd_needed
        self._window_ends = window_ends
        # By keyset number, as last looked up: a crowd only grows.
        self._crowds: dict[int, int] = {}
        self._changes: Batches[Change, Outcome] = Batches(store.apply)
        # Replaced as a whole when a keyset is added or closed.
        self.catalogue = Catalogue()

    async def commit(self, change: Change) -> Done:
        outcome = await self._changes.run(change)
        if isinstance(outcome, AmparoError):
            raise outcome
        return outcome

    async def finished(self) -> None:
        """Returns when no request is half-way."""
        await self._desk.finished()
        await self._changes.finished()

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    # --- quotes for aid ------------------------------------------------------------------------------------------------

    async def quote_aid(self, request: MintQuoteRequest) -> MintQuote:
        """A new quote. Raises `QuoteKeyMissing`, `UnitUnknown`, `AmountRefused` also for what could never be claimed."""
        if request.pubkey is None:
            raise QuoteKeyMissing("A quote for aid needs a public key.")
        try:
            pubkey = show_point(read_point(request.pubkey))
        except BadPoint as error:
            raise QuoteKeyMissing("The key of a quote for aid is no public key.") from error
        amount = self._checked_amount(request.amount, request.unit)
        listed = self.catalogue.active(request.unit)
        if is_over(listed.row.final_expiry, self._now()):
            raise UnitUnknown("The keyset of this unit has ended, and no other signs yet.")
        if fewest_coins(amount, listed.keys) > MOST_INPUTS:
            raise AmountRefused(f"An amount that takes more than {MOST_INPUTS} coins cannot be claimed.")
        keyset = self._signing_number(Unit(request.unit))
        row = MintQuoteRow(QuoteId(random_id()), Unit(request.unit), amount, pubkey, keyset=keyset)
        await self.commit(Change(new_mint_quote=row))
        return show_mint_quote(row)

    def _checked_amount(self, amount: int | None, unit: str) -> int:
        self.catalogue.active(unit)
        if amount is None or not 0 < amount <= MOST_MINOR_UNITS:
            raise AmountRefused("The amount of a quote is missing or out of bounds.")
        return amount

    async def find_quotes(self, quotes: Sequence[str]) -> list[ClaimQuote]:
        """Quotes as they stand, in the order asked, each with its unit's crowd and window. Raises `QuoteUnknown`,
        `TooMany`."""
        rows = await self._known_quotes(quotes)
        units = {row.unit for row in rows}
        crowds, ends = (
            {unit: await self._crowd(unit) for unit in units},
            {unit: self._window_ends(unit) for unit in units},
        )
        return [
            ClaimQuote(
                **msgspec.structs.asdict(show_mint_quote(row)),
                crowd=crowds[row.unit][0],
                crowd_needed=crowds[row.unit][1],
                window_ends=ends[row.unit],
            )
            for row in rows
        ]

    async def _crowd(self, unit: Unit) -> tuple[int, int]:
        """How many people of a unit were paid for this month, and how many must be before aid is issued."""
        number = self._signing_number(unit)
        self._crowds[number] = found = await self._store.claims(number)
        return found, self._crowd_needed(unit, self._now())

    def _signing_number(self, unit: Unit) -> int:
        return next((each.row.number for each in self.catalogue.listed if each.active and each.row.unit == unit), 0)

    async def _check_claimable(self, quotes: Sequence[MintQuoteRow], unit: Unit) -> None:
        """Before the signer works for it: anybody has quotes that nobody paid. What was issued is asked for again."""
        if not all(quote.paid for quote in quotes):
            raise QuoteNotPaid("The quote is not paid yet.")
        if not all(quote.issued for quote in quotes):
            await self._check_crowd(unit)

    async def _check_crowd(self, unit: Unit) -> None:
        needed = self._crowd_needed(unit, self._now())
        if self._crowds.get(self._signing_number(unit), 0) >= needed:
            return
        found, needed = await self._crowd(unit)
        if found < needed:
            raise CrowdTooSmall(f"{found} of {needed} people were paid for so far.")

    async def _known_quotes(self, quotes: Sequence[str]) -> list[MintQuoteRow]:
        if not 0 < len(quotes) <= MOST_INPUTS:
            raise TooMany(f"1 to {MOST_INPUTS} quotes are looked up at once.")
        found = await self._store.mint_quotes(quotes)
        if any(quote not in found for quote in quotes):
            raise QuoteUnknown("There is no such quote.")
        return [found[quote] for quote in quotes]

    async def record_paid(self, message: QuotePaid, *, approved: int) -> None:
        """The office says a quote is paid. Saying it twice changes nothing. Raises `QuoteUnknown`, `NotBalanced` when the
        amount or unit is another, `OverApproved` when the log's approved total would be passed."""
        number = self._signing_number(message.unit)
        await self.commit(Change(payment=Payment(message.quote, message.amount, message.unit, approved, number)))

    # --- issuing, swapping, redeeming ----------------------------------------------------------------------------------

    async def issue(self, request: MintRequest) -> Signatures:
        """Sign outputs for a paid quote. Raises the errors of the specification."""
        total = self.catalogue.check_outputs(request.outputs)
        unit = self.catalogue.unit_of(output.id for output in request.outputs)
        (quote,) = await self._known_quotes([request.quote])
        check_claim(quote.id, request.outputs, request.signature, quote.pubkey)
        if unit != quote.unit:
            raise UnitsDiffer("The outputs are of another unit than the quote.")
        await self._check_claimable([quote], unit)
        return await self._issue([(quote.id, total)], request.outputs)

    async def issue_batch(self, request: BatchMintRequest) -> Signatures:
        """NUT-29: sign outputs for several paid quotes, all or none. Raises the errors of the specification."""
        total = self.catalogue.check_outputs(request.outputs)
        unit = self.catalogue.unit_of(output.id for output in request.outputs)
        check_quotes(request.quotes, most=MOST_INPUTS)
        quotes = await self._known_quotes(request.quotes)
        check_batch(request, [quote.pubkey for quote in quotes], most=MOST_INPUTS)
        if any(quote.unit != unit for quote in quotes):
            raise UnitsDiffer("The outputs are of another unit than a quote.")
        amounts = request.quote_amounts or [quote.amount for quote in quotes]
        if sum(amounts) != total:
            raise NotBalanced("The outputs do not add up to the quotes.")
        await self._check_claimable(quotes, unit)
        return await self._issue(list(zip(request.quotes, amounts, strict=True)), request.outputs)

    async def _issue(self, claims: list[tuple[str, int]], outputs: Sequence[BlindedMessage]) -> Signatures:
        catalogue = self.catalogue
        closed = catalogue.closed_to([], outputs, now=self._now())
        signed = await self._desk.run([], outputs)
        issue = catalogue.issued_entries(outputs, self._hasher)
        await self.commit(Change(issue=issue, claims=claims, unless_replayed=closed))
        return Signatures(signed.signatures)

    async def swap(self, request: SwapRequest) -> Signatures:
        """Exchange tokens for new ones of the same sum. Raises the errors of the specification."""
        catalogue, now = self.catalogue, self._now()
        given, wanted = catalogue.check_inputs(request.inputs), catalogue.check_outputs(request.outputs)
        if catalogue.unit_of(p.id for p in request.inputs) != catalogue.unit_of(o.id for o in request.outputs):
            raise UnitsDiffer("Inputs and outputs are of different units.")
        if given != wanted:
            raise NotBalanced("Inputs and outputs do not add up.")
        if _may_be_locked(request.inputs):
            check_locks(request.inputs, request.outputs, now=now)
        closed = catalogue.closed_to(request.inputs, request.outputs, now=now)
        signed = await self._desk.run(request.inputs, request.outputs)
        await self.commit(
            Change(
                spend=catalogue.spent_entries(request.inputs, signed.points, self._hasher),
                issue=catalogue.issued_entries(request.outputs, self._hasher),
                unless_replayed=closed,
            )
        )
        return Signatures(signed.signatures)

    async def quote_deposit(self, request: MeltQuoteRequest) -> MeltQuote:
        """A quote for a shop's deposit; the caller has checked the accreditation. Raises `AmountRefused` also for what could
        never be handed in, `UnitUnknown`."""
        amount = self._checked_amount(request.amount, request.unit)
        if amount > MOST_INPUTS * self.catalogue.largest(request.unit):
            raise AmountRefused(f"An amount that takes more than {MOST_INPUTS} coins cannot be handed in at once.")
        keyset = self._signing_number(Unit(request.unit))
        row = MeltQuoteRow(DepositId(random_id()), request.request, Unit(request.unit), amount, keyset=keyset)
        await self.commit(Change(new_melt_quote=row))
        return show_melt_quote(row)

    async def find_deposit(self, quote: str) -> MeltQuote:
        """A deposit quote as it stands. Raises `QuoteUnknown`."""
        return show_melt_quote(await self._known_deposit(quote))

    async def _known_deposit(self, quote: str) -> MeltQuoteRow:
        found = (await self._store.melt_quotes([quote])).get(quote)
        if found is None:
            raise QuoteUnknown("There is no such quote.")
        return found

    async def redeem(self, request: MeltRequest) -> MeltQuote:
        """Take a shop's tokens for its deposit. From this commit on they belong to the quote; they are spent, and the quote
        paid, once the shops side has been told (`operate.deliver`), or given back if it refuses. The same tokens for the same
        quote are the same deposit, however the request is written."""
        catalogue, now = self.catalogue, self._now()
        total = catalogue.check_inputs(request.inputs)
        unit = catalogue.unit_of(proof.id for proof in request.inputs)
        quote = await self._known_deposit(request.quote)
        if unit != quote.unit:
            raise UnitsDiffer("The tokens are of another unit than the quote.")
        if _may_be_locked(request.inputs):
            check_locks(request.inputs, request.outputs, request.quote, now=now)
        closed = catalogue.closed_to(request.inputs, [], now=now)
        signed = await self._desk.run(request.inputs, [])
        spend = catalogue.spent_entries(request.inputs, signed.points, self._hasher)
        deposit = Deposit(quote.id, total, unit, self._hasher.deposit(quote.id, spend))
        await self.commit(Change(spend=spend, deposit=deposit, unless_replayed=closed))
        return await self.find_deposit(quote.id)

    # --- restore and state -----------------------------------------------------------------------------------------------

    async def restore(self, outputs: Sequence[BlindedMessage]) -> RestoreAnswer:
        """NUT-09: the signatures of those outputs that were signed under the keyset they name. Raises
        `TooManyOutputs`, `BadPoint`, `KeysetUnknown` (not passed over: a wallet takes what is missing for never signed)."""
        if len(outputs) > MOST_RESTORED:
            raise TooManyOutputs(f"At most {MOST_RESTORED} outputs are restored at once.")
        places = [(self.catalogue.find(each.id).row.number, self._hasher.point(_plain(each.B_))) for each in outputs]
        amounts = await self._store.signed_amounts(places)
        found = [
            msgspec.structs.replace(output, amount=amount)
            for output, amount in zip(outputs, amounts, strict=True)
            if amount is not None
        ]
        if not found:
            return RestoreAnswer(outputs=[], signatures=[])
        return RestoreAnswer(outputs=found, signatures=(await self._desk.run([], found)).signatures)

    async def states(self, points: Sequence[str]) -> list[TokenState]:
        """NUT-07: UNSPENT, PENDING or SPENT, in the order asked. Raises `TooMany`, `BadPoint`."""
        if len(points) > MOST_LOOKED_UP:
            raise TooMany(f"At most {MOST_LOOKED_UP} tokens are looked up at once.")
        rows = [each.row for each in self.catalogue.listed]
        plain = [_plain(point) for point in points]

        def hashed() -> list[tuple[int, bytes]]:
            return [(row.number, self._hasher.spent(row.id, point)) for point in plain for row in rows]

        # Many questions about many months would hold up everybody else.
        many = len(plain) * len(rows) > MOST_HASHED_AT_ONCE
        places = await asyncio.to_thread(hashed) if many else hashed()
        states = await self._store.token_states(places)
        return [_worst(states[at * len(rows) : (at + 1) * len(rows)]) for at in range(len(points))]

    async def figures(self, period: str) -> list[MintFigures]:
        """The totals of every open keyset, ready for the public log; what a closed one left is published when it is closed.
        Raises `FiguresDisagree`."""
        found = []
        for tally in await self._store.tallies():
            if not tally.agrees:
                raise FiguresDisagree("The rows of a keyset do not add up to its counters.")
            if tally.keyset.state == "frozen":
                continue  # a backup knows less of it than what was published before
            row = tally.keyset
            found.append(
                MintFigures(
                    period=period,
                    keyset=row.id,
                    unit=row.unit,
                    issued=row.issued,
                    moved=row.moved,
                    redeemed=row.redeemed - tally.waiting,
                    outstanding=row.outstanding + tally.waiting,
                    expired=0,
                )
            )
        return found


def _plain(point: str) -> bytes:
    """A point's bytes. Only its spelling is checked: what is no point is in no table."""
    try:
        data = bytes.fromhex(point)
    except ValueError as error:
        raise BadPoint("A point is not written in hex.") from error
    if len(point) != 2 * len(data) or not any(scheme.is_point_like(data) for scheme in SCHEMES.values()):
        raise BadPoint("A value is not a compressed point.")
    return data


def _may_be_locked(inputs: Sequence[Proof]) -> bool:
    """Whether a secret may be a condition: that is a JSON array, and reading JSON costs more than looking for its bracket."""
    return any("[" in proof.secret for proof in inputs)


def _worst(states: Sequence[TokenState]) -> TokenState:
    return "SPENT" if "SPENT" in states else "PENDING" if "PENDING" in states else "UNSPENT"


def show_mint_quote(row: MintQuoteRow) -> MintQuote:
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


def show_melt_quote(row: MeltQuoteRow) -> MeltQuote:
    """A deposit quote as NUT-05 shows it. It does not expire (the largest time JavaScript reads exactly)."""
    return MeltQuote(
        quote=row.id,
        request=row.shop,
        amount=row.amount,
        unit=row.unit,
        method="settle",
        state=row.state,
        expiry=2**53 - 1,
    )
