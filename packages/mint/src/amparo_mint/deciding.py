"""Decides a group of changes against what the database knows. Pure: the same for every kind of database.

The order of the group counts: each change sees what the ones before it did. A refused change writes nothing. A request that
was carried out before (all its inputs are spent and all its outputs signed, for the amounts it asks) is answered as the first
time, whatever happened since: it can be recognised without a memory of requests, because nothing of it is left to do.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from amparo_cashu.errors import (
    AlreadySigned,
    AlreadySpent,
    NotBalanced,
    QuoteIssued,
    QuoteNotPaid,
    QuotePending,
    QuoteSettled,
    QuoteUnknown,
    TokenPending,
)
from amparo_common.errors import AmparoError
from amparo_common.money import Unit
from amparo_mint.errors import OverApproved
from amparo_mint.model import DONE, REPLAYED, Change, Deposit, Done, Entry, MeltQuoteRow, MintQuoteRow, Payment

Outcome = Done | AmparoError
Place = tuple[int, bytes]


class Sought(msgspec.Struct, frozen=True):
    """What a database has to look up for a group: tokens, outputs and quotes that it names, and the units that are paid in."""

    spend: list[Place]
    issue: list[Place]
    mint_quotes: list[str]
    melt_quotes: list[str]
    units: list[Unit]


class Known(msgspec.Struct):
    """What the database knows of a group: which of its tokens are spent or waiting (by keyset number and hash), which of its
    outputs are signed and for what amount, and the quotes that it names. `paid` is each unit's total of payments. Changed while
    the group is decided."""

    spent: set[Place] = set()
    pending: set[Place] = set()
    issued: dict[Place, int] = {}
    mint_quotes: dict[str, MintQuoteRow] = {}
    melt_quotes: dict[str, MeltQuoteRow] = {}
    paid: dict[Unit, int] = {}


class Counted(msgspec.Struct):
    """Sums of a group for one keyset, in minor units, and how many quotes were paid."""

    issued: int = 0
    moved: int = 0
    redeemed: int = 0
    claims: int = 0


class Writes(msgspec.Struct):
    """What a group writes."""

    spent: list[Entry] = []
    pending: list[tuple[Entry, str]] = []
    issued: list[Entry] = []
    new_mint_quotes: list[MintQuoteRow] = []
    new_melt_quotes: list[MeltQuoteRow] = []
    mint_quotes: dict[str, MintQuoteRow] = {}
    melt_quotes: dict[str, MeltQuoteRow] = {}
    paid: dict[Unit, int] = {}
    keysets: dict[int, Counted] = {}

    def counted(self, keyset: int) -> Counted:
        """The sums of a keyset."""
        return self.keysets.setdefault(keyset, Counted())

    def denominations(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(keyset, amount) -> (signed, spent), how many more of each; waiting ones count as spent."""
        found: dict[tuple[int, int], tuple[int, int]] = {}
        for entry in self.issued:
            signed, spent = found.get((entry.keyset, entry.amount), (0, 0))
            found[entry.keyset, entry.amount] = (signed + 1, spent)
        for entry in (*self.spent, *(waiting for waiting, _ in self.pending)):
            signed, spent = found.get((entry.keyset, entry.amount), (0, 0))
            found[entry.keyset, entry.amount] = (signed, spent + 1)
        return found


def only_swaps(group: Sequence[Change]) -> bool:
    """Whether a group only exchanges tokens: no quote, no claim."""
    return all(change.spend and change.issue and not change.claims for change in group)


def sought(group: Sequence[Change]) -> Sought:
    """What must be known to decide a group."""
    payments = [change.payment for change in group if change.payment is not None]
    return Sought(
        spend=[place for change in group for place in _places(change.spend)],
        issue=[place for change in group for place in _places(change.issue)],
        mint_quotes=sorted(
            {quote for change in group for quote, _ in change.claims} | {each.quote for each in payments}
        ),
        melt_quotes=[change.deposit.quote for change in group if change.deposit is not None],
        units=sorted({each.unit for each in payments}),
    )


def decide(group: Sequence[Change], known: Known) -> tuple[list[Outcome], Writes]:
    """What becomes of each change, and what is written. Raises nothing: refusals are outcomes."""
    writes = Writes()
    outcomes: list[Outcome] = []
    for change in group:
        try:
            outcomes.append(_decide(change, known, writes))
        except AmparoError as refusal:
            outcomes.append(refusal)
    return outcomes, writes


def _decide(change: Change, known: Known, writes: Writes) -> Done:
    if _was_done(change, known):
        return REPLAYED
    if change.unless_replayed is not None:
        raise change.unless_replayed
    _check_tokens(change, known)
    claimed = _claimed(change, known)
    deposited = None if change.deposit is None else _deposited(change.deposit, change.spend, known.melt_quotes)
    _pay(change, known, writes)
    # From here on nothing refuses.
    for quote in claimed:
        known.mint_quotes[quote.id] = writes.mint_quotes[quote.id] = quote
    if change.new_mint_quote is not None:
        writes.new_mint_quotes.append(change.new_mint_quote)
        known.mint_quotes[change.new_mint_quote.id] = change.new_mint_quote
    if change.new_melt_quote is not None:
        writes.new_melt_quotes.append(change.new_melt_quote)
        known.melt_quotes[change.new_melt_quote.id] = change.new_melt_quote
    if deposited is not None:
        known.melt_quotes[deposited.id] = writes.melt_quotes[deposited.id] = deposited
        writes.pending += [(entry, deposited.id) for entry in change.spend]
        known.pending.update(_places(change.spend))
    else:
        writes.spent += change.spend
        known.spent.update(_places(change.spend))
    writes.issued += change.issue
    known.issued.update({(entry.keyset, entry.hash): entry.amount for entry in change.issue})
    _count(change, writes)
    return DONE


def _places(entries: Iterable[Entry]) -> list[Place]:
    return [(entry.keyset, entry.hash) for entry in entries]


def _was_done(change: Change, known: Known) -> bool:
    if change.payment is not None:
        quote = known.mint_quotes.get(change.payment.quote)
        return quote is not None and quote.paid > 0 and _is_for(change.payment, quote)
    if change.deposit is not None:
        found = known.melt_quotes.get(change.deposit.quote)
        return found is not None and found.state != "UNPAID" and found.request == change.deposit.request
    return (
        bool(change.issue)
        # The amount too: under another one the same output would be another token.
        and all(known.issued.get((entry.keyset, entry.hash)) == entry.amount for entry in change.issue)
        and known.spent.issuperset(_places(change.spend))
        and all(_is_issued(known.mint_quotes, quote) for quote, _ in change.claims)
    )


def _is_issued(quotes: Mapping[str, MintQuoteRow], quote: str) -> bool:
    row = quotes.get(quote)
    return row is not None and row.issued > 0


def _is_for(payment: Payment, quote: MintQuoteRow) -> bool:
    return (payment.amount, payment.unit) == (quote.amount, quote.unit)


def _check_tokens(change: Change, known: Known) -> None:
    spend = _places(change.spend)
    if not known.spent.isdisjoint(spend):
        raise AlreadySpent("A token was already spent.")
    if not known.pending.isdisjoint(spend):
        raise TokenPending("A token is in a deposit that is not finished.")
    if not known.issued.keys().isdisjoint(_places(change.issue)):
        raise AlreadySigned("An output was already signed.")


def _claimed(change: Change, known: Known) -> list[MintQuoteRow]:
    found = []
    newest = max((entry.keyset for entry in change.issue), default=0)
    for quote, amount in change.claims:
        row = known.mint_quotes.get(quote)
        if row is None:
            raise QuoteUnknown("There is no such quote.")
        if not row.paid:
            raise QuoteNotPaid("The quote is not paid yet.")
        if row.issued:
            raise QuoteIssued("The quote was already issued.")
        if amount != row.paid:
            raise NotBalanced("The outputs do not add up to the quote.")
        found.append(msgspec.structs.replace(row, issued=amount, keyset=newest))
    return found


def _deposited(deposit: Deposit, spend: Sequence[Entry], quotes: Mapping[str, MeltQuoteRow]) -> MeltQuoteRow:
    row = quotes.get(deposit.quote)
    if row is None:
        raise QuoteUnknown("There is no such quote.")
    if row.state == "PENDING":
        raise QuotePending("This deposit is being made with other tokens.")
    if row.state == "PAID":
        raise QuoteSettled("This deposit was already made with other tokens.")
    if (deposit.amount, deposit.unit) != (row.amount, row.unit):
        raise NotBalanced("The tokens do not add up to the deposit.")
    newest = max(row.keyset, *(entry.keyset for entry in spend))
    return msgspec.structs.replace(row, state="PENDING", request=deposit.request, keyset=newest)


def _pay(change: Change, known: Known, writes: Writes) -> None:
    payment = change.payment
    if payment is None:
        return
    row = known.mint_quotes.get(payment.quote)
    if row is None:
        raise QuoteUnknown("There is no such quote.")
    if not _is_for(payment, row):
        raise NotBalanced("The payment is not for this quote's amount and unit.")
    total = known.paid.get(row.unit, 0) + payment.amount
    if total > payment.approved:
        raise OverApproved("More would be issued than was approved.")
    known.paid[row.unit] = writes.paid[row.unit] = total
    writes.counted(payment.keyset).claims += 1
    row = msgspec.structs.replace(row, paid=payment.amount, keyset=payment.keyset or row.keyset)
    known.mint_quotes[row.id] = writes.mint_quotes[row.id] = row


def _count(change: Change, writes: Writes) -> None:
    if change.claims:
        for entry in change.issue:
            writes.counted(entry.keyset).issued += entry.amount
        return
    if not change.issue:
        # Tokens of a deposit that waits count as redeemed; one that is given back is counted back.
        for entry in change.spend:
            writes.counted(entry.keyset).redeemed += entry.amount
        return
    # Value may leave one keyset for another in a swap; within one it cancels.
    for entry in change.spend:
        writes.counted(entry.keyset).moved -= entry.amount
    for entry in change.issue:
        writes.counted(entry.keyset).moved += entry.amount
