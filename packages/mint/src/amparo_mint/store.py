"""What every kind of database of the mint promises. Decisions about a group are in `deciding.py`, the same for all.

`apply` commits a group whole or not at all before it answers, and refuses single changes of it without undoing their
neighbours. Tokens are kept as hashes in tables of their keyset: no time, no order of arrival, no link between inputs and
outputs. Outputs cannot be tested against them without the key (a file beside the database); whoever holds a token can see that
it was spent, which the mint tells them anyhow. Counters per denomination are
kept with every change; the database itself refuses more spent than was signed. One suite of tests runs on every kind.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from amparo_cashu.spent_filter import filter_item
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_mint.deciding import Outcome
from amparo_mint.model import Change, Entry, KeysetRow, MeltQuoteRow, MintQuoteRow, TokenState


class TokenHasher:
    """Keyed hashes of points and deposits; the key never leaves the mint's folder."""

    def __init__(self, key: Secret) -> None:
        self._key = key.reveal()
        # Keyed once: a copy of it hashes a point at half the cost.
        self._keyed = hashlib.blake2b(key=self._key, digest_size=16)

    def point(self, point: bytes) -> bytes:
        """16 bytes for a compressed point: a token's Y or an output's B_."""
        state = self._keyed.copy()
        state.update(point)
        return state.digest()

    def fingerprint(self) -> bytes:
        """16 bytes that tell this key from another one, and nothing more."""
        return hashlib.blake2b(b"which key", key=self._key, digest_size=16).digest()

    def spent(self, keyset: str, point: bytes) -> bytes:
        """16 bytes for a spent token: its item in the published filter of spent tokens, then 8 bytes of keyed hash, at which
        nobody without the key can aim."""
        return filter_item(keyset, point) + self.point(point)[:8]

    def deposit(self, quote: str, spend: Iterable[Entry]) -> bytes:
        """16 bytes for a deposit, to recognise its repetition: its quote and its tokens, in whatever order and spelling."""
        tokens = b"".join(sorted(entry.hash for entry in spend))
        return hashlib.blake2b(quote.encode() + b"\0" + tokens, key=self._key, digest_size=16).digest()


# How many deposits are read, and how many quotes removed, in one step.
MOST_WAITING = 100
CLEARED_AT_ONCE = 1_000


class NewKeyset(msgspec.Struct, frozen=True):
    """A keyset to be kept, with its denominations."""

    id: KeysetId
    unit: Unit
    period: str
    final_expiry: int | None
    amounts: list[int]


class Tally(msgspec.Struct, frozen=True):
    """A keyset's tokens counted from its rows and from its counters; they must agree. `waiting` is the value of deposits that the
    shops side has not answered yet: counted as redeemed by the mint, not yet by the shops."""

    keyset: KeysetRow
    signed_rows: int
    spent_rows: int
    signed_count: int
    spent_count: int
    outstanding: int
    waiting: int = 0

    @property
    def agrees(self) -> bool:
        """Whether rows, counters of denominations and sums say the same."""
        return (self.signed_rows, self.spent_rows, self.outstanding) == (
            self.signed_count,
            self.spent_count,
            self.keyset.outstanding,
        )


class Store(Protocol):
    """A database of the mint. All methods raise `CannotStore` when the disk does not take or give what is asked, `DatabaseAway`
    when the database's server does not, and `KeysetUnknown` when a keyset was closed since the caller looked: its tables are
    gone."""

    async def open(self) -> None:
        """Connect, inside the event loop that will use it, and bring the tables up to date."""

    async def bind(self, fingerprint: bytes) -> None:
        """Remember under which hash key the tokens are kept. Raises `KeyMissing` when it is another one: no spent token would be
        known again."""

    async def apply(self, group: Sequence[Change]) -> list[Outcome]:
        """Carry out a group in one commit; an outcome for each change, in their order."""

    async def mint_quotes(self, ids: Sequence[str]) -> dict[str, MintQuoteRow]:
        """The quotes for aid that exist among these."""

    async def melt_quotes(self, ids: Sequence[str]) -> dict[str, MeltQuoteRow]:
        """The quotes for deposits that exist among these."""

    async def waiting(self, *, after: str = "") -> list[MeltQuoteRow]:
        """Deposits that wait for the shops side's answer, in the order of their ids: the first `MOST_WAITING` after an id."""

    async def count_waiting(self) -> int:
        """How many deposits wait for the shops side's answer."""

    async def finish_deposit(self, quote: str, *, accepted: bool) -> None:
        """The shops side has answered: the tokens are spent, or given back. Safe to repeat; the first answer counts."""

    async def clear_quotes(self, *, ended: Sequence[int], over: Sequence[int], most_unpaid: int) -> int:
        """Remove quotes that nobody needs, at most `CLEARED_AT_ONCE` of a kind: unpaid ones of the keysets that have `ended`,
        finished ones of those that are `over` and, of more than `most_unpaid` unpaid ones of a kind, some that chance picks. How
        many went."""

    async def token_states(self, places: Sequence[tuple[int, bytes]]) -> list[TokenState]:
        """NUT-07's state of each (keyset number, hash), in their order: UNSPENT, PENDING or SPENT."""

    async def signed_amounts(self, places: Sequence[tuple[int, bytes]]) -> list[int | None]:
        """The denomination that each output was signed for, or None."""

    async def spent_items(self, keyset: int, *, most: int) -> bytearray:
        """The filter items of a keyset's spent tokens, 8 bytes each, ascending: the first `most` of them."""

    async def paid_total(self, unit: Unit) -> int:
        """What the office has paid for in a unit, over all quotes."""

    async def claims(self, keyset: int) -> int:
        """How many quotes were paid while this keyset signed."""

    async def keysets(self) -> list[KeysetRow]:
        """All keysets, oldest first."""

    async def add_keyset(self, keyset: NewKeyset) -> None:
        """Keep an announced keyset, with tables of its own. Safe to repeat."""

    async def activate(self, keyset: str) -> None:
        """Make a keyset its unit's only signing one. Safe to repeat."""

    async def close_keyset(self, keyset: str) -> KeysetRow:
        """Give back to the programme what is left of a keyset and drop its tables. Safe to repeat."""

    async def tallies(self) -> list[Tally]:
        """Every open keyset counted in two ways, at one moment."""

    async def progress(self) -> int:
        """How many groups were committed in the life of this database: a backup put back has fewer."""

    async def freeze(self) -> list[KeysetRow]:
        """After a backup was put back: take nothing of any open keyset any more; gives those frozen now. Safe to repeat."""

    async def tidy(self) -> None:
        """Remove what a journal still shows of the order of recent changes."""

    async def backup(self, path: str) -> None:
        """A consistent copy of everything, while the mint goes on."""

    async def close(self) -> None:
        """Finish what runs and close."""
