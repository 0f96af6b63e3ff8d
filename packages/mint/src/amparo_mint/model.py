"""What the mint keeps and what one request changes: plain values, shared by the decisions and every kind of database.

Nothing here holds a time, an order of arrival, an address, or what joins a request's inputs to its outputs.
"""

from typing import Literal

import msgspec

from amparo_cashu.errors import TokenError
from amparo_common.ids import DepositId, KeysetId, QuoteId
from amparo_common.money import Unit

TokenState = Literal["UNSPENT", "PENDING", "SPENT"]
MeltState = Literal["UNPAID", "PENDING", "PAID"]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A token or an output as it is kept: 16 bytes of keyed hash, its keyset's number, its denomination."""

    hash: bytes
    keyset: int
    amount: int


class KeysetRow(msgspec.Struct, frozen=True):
    """A keyset as stored; `number` stands for it in the token tables. `claims` is how many quotes were paid while it signed.

    Its life: announced (in the log), active (signs), ending (spendable, signs no more), closed (its tables are gone, what was
    left is in `returned`). Frozen: its database came from a backup, so some of its tokens may be spent without being known here;
    nothing of it is taken.
    """

    number: int
    id: KeysetId
    unit: Unit
    period: str
    final_expiry: int | None
    state: Literal["announced", "active", "ending", "frozen", "closed"]
    issued: int = 0
    moved: int = 0
    redeemed: int = 0
    returned: int = 0
    claims: int = 0

    @property
    def outstanding(self) -> int:
        """What is in wallets by the counters, in minor units."""
        return self.issued + self.moved - self.redeemed - self.returned


class MintQuoteRow(msgspec.Struct, frozen=True):
    """A quote for aid. It goes with a keyset, by its number: the one that signed when it was made, then when it was paid, then the
    one of its outputs. That stands for a time: when the keyset has gone, the quote goes too."""

    id: QuoteId
    unit: Unit
    amount: int
    pubkey: str
    paid: int = 0
    issued: int = 0
    keyset: int = 0


class MeltQuoteRow(msgspec.Struct, frozen=True):
    """A quote for a shop's deposit. `request` is the keyed hash of what was handed in for it, empty before. While it is PENDING the
    shops side is still to be told. `keyset` as of a quote for aid: the newest of its tokens."""

    id: DepositId
    shop: str
    unit: Unit
    amount: int
    state: MeltState = "UNPAID"
    request: bytes = b""
    keyset: int = 0


class Payment(msgspec.Struct, frozen=True):
    """The office says that a quote is paid; `approved` is the unit's total in the public log, `keyset` the number of the keyset
    that signs the unit now."""

    quote: QuoteId
    amount: int
    unit: Unit
    approved: int
    keyset: int


class Deposit(msgspec.Struct, frozen=True):
    """Tokens handed in for a melt quote: they wait, owned by the quote, until the shops side has answered. `request` is the keyed
    hash of the quote and its tokens (`TokenHasher.deposit`)."""

    quote: DepositId
    amount: int
    unit: Unit
    request: bytes


class Change(msgspec.Struct, frozen=True):
    """What one request does to the database, all of it or nothing.

    `spend` and `issue` are the tokens that go and the outputs that are signed; `claims` are the mint quotes that pay for
    outputs, with the amount of each; `unless_replayed` refuses the request unless it was carried out before (a keyset has
    stopped signing since, say).
    """

    spend: list[Entry] = []
    issue: list[Entry] = []
    claims: list[tuple[str, int]] = []
    deposit: Deposit | None = None
    payment: Payment | None = None
    new_mint_quote: MintQuoteRow | None = None
    new_melt_quote: MeltQuoteRow | None = None
    unless_replayed: TokenError | None = None


class Done(msgspec.Struct, frozen=True):
    """A change was carried out: now, or (`replayed`) by the same request before."""

    replayed: bool = False


DONE = Done()
REPLAYED = Done(replayed=True)
