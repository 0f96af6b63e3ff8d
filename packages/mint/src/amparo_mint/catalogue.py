"""The mint's keysets as requests meet them: which there are, which signs, until when each may be spent. Immutable.

Life of a keyset: in the log before its first use; signs until the next one of its unit takes over; may be spent until its
published end, and for `GRACE_SECONDS` longer at the mint itself (tills stop at the end), so that a phone which was off does not
lose anything; then what is left goes back to the programme as a public figure and the tables are dropped.
"""

from collections.abc import Iterable, Sequence

import msgspec

from amparo_cashu.errors import (
    AmountRefused,
    BadPoint,
    BadToken,
    DuplicateInputs,
    DuplicateOutputs,
    KeysetExpired,
    KeysetInactive,
    KeysetUnknown,
    TokenError,
    TooMany,
    TooManyOutputs,
    UnitsMixed,
    UnitUnknown,
)
from amparo_cashu.nut10_secret import LONGEST_SECRET
from amparo_cashu.schemes import scheme_of
from amparo_cashu.wire import BlindedMessage, Proof
from amparo_common.money import Unit
from amparo_mint.calendar import GRACE_SECONDS
from amparo_mint.errors import BlindingFactorSent
from amparo_mint.model import Entry, KeysetRow
from amparo_mint.store import TokenHasher

MOST_INPUTS = 100


class Listed(msgspec.Struct, frozen=True):
    """A keyset: its row, and its public keys by denomination (hex)."""

    row: KeysetRow
    keys: dict[int, str]

    @property
    def active(self) -> bool:
        """Whether it is the one that signs its unit, until its end (`signs_at`)."""
        return self.row.state == "active"

    def signs_at(self, now: int) -> bool:
        """Whether it signs at this moment (unix time)."""
        return self.active and not is_over(self.row.final_expiry, now)


class Catalogue:
    """The open keysets."""

    def __init__(self, keysets: Iterable[Listed] = ()) -> None:
        """Raises `KeysetUnknown` for one of a version that this release does not know."""
        self.listed = [each for each in keysets if each.row.state != "closed"]
        self._by_id: dict[str, Listed] = {each.row.id: each for each in self.listed}
        self._digits = {keyset: 2 * scheme_of(keyset).point_bytes for keyset in self._by_id}

    def find(self, keyset: str) -> Listed:
        """A keyset. Raises `KeysetUnknown`."""
        found = self._by_id.get(keyset)
        if found is None:
            raise KeysetUnknown("A keyset is not one of this mint's.")
        return found

    def active(self, unit: str) -> Listed:
        """The keyset that signs a unit. Raises `UnitUnknown`."""
        for each in self.listed:
            if each.active and each.row.unit == unit:
                return each
        raise UnitUnknown("There is no active keyset of this unit.")

    def largest(self, unit: str) -> int:
        """The largest denomination of a unit that is still taken. Raises `UnitUnknown`."""
        self.active(unit)
        return max(max(each.keys) for each in self.listed if each.row.unit == unit)

    def units(self) -> list[Unit]:
        """The units that are signed now."""
        return sorted({each.row.unit for each in self.listed if each.active})

    def unit_of(self, ids: Iterable[str]) -> Unit:
        """The one unit of these keysets. Raises `KeysetUnknown`, `UnitsMixed`."""
        named = set(ids)
        # Nearly always one.
        if len(named) == 1:
            return self.find(named.pop()).row.unit
        units = {self.find(each).row.unit for each in named}
        if len(units) != 1:
            raise UnitsMixed("Tokens of different units are mixed.")
        return units.pop()

    def check_inputs(self, inputs: Sequence[Proof]) -> int:
        """The inputs' sum. Raises what is wrong with them at a glance: number, repetition, size, keyset, denomination."""
        if not 0 < len(inputs) <= MOST_INPUTS:
            raise TooMany(f"A request has 1 to {MOST_INPUTS} inputs.")
        if len({proof.secret for proof in inputs}) != len(inputs):
            raise DuplicateInputs("A token stands twice.")
        total = 0
        for proof in inputs:
            # Without the factor too: the proof's other two numbers stand in the mint's own answer.
            if proof.dleq is not None:
                raise BlindingFactorSent("A token is sent with the proof of its signature.")
            if not 0 < len(proof.secret) <= LONGEST_SECRET or len(_utf8(proof.secret)) > LONGEST_SECRET:
                raise BadToken("A secret is empty or too long.")
            if proof.amount not in self.find(proof.id).keys:
                raise AmountRefused("A token has an amount that its keyset does not have.")
            total += proof.amount
        return total

    def check_outputs(self, outputs: Sequence[BlindedMessage]) -> int:
        """The outputs' sum. Raises what is wrong with them at a glance."""
        if not 0 < len(outputs) <= MOST_INPUTS:
            raise TooManyOutputs(f"A request has 1 to {MOST_INPUTS} outputs.")
        if len({output.B_.lower() for output in outputs}) != len(outputs):
            raise DuplicateOutputs("An output stands twice.")
        total = 0
        for output in outputs:
            if output.amount not in self.find(output.id).keys:
                raise AmountRefused("An output has an amount that the keyset does not have.")
            if len(output.B_) != self._digits[output.id]:
                raise BadPoint("An output is not a compressed point in hex.")
            total += output.amount
        return total

    def closed_to(self, inputs: Sequence[Proof], outputs: Sequence[BlindedMessage], *, now: int) -> TokenError | None:
        """Why these keysets do not take part now (unix time), or None. A request that was carried out before its keyset ended
        is still answered, so this is told to the database instead of raised."""
        for keyset in {output.id for output in outputs}:
            found = self.find(keyset)
            if not found.active:
                return KeysetInactive("The keyset of an output no longer signs.")
            if is_over(found.row.final_expiry, now):
                return KeysetInactive("The keyset of an output has ended, and signs no more.")
        for keyset in {proof.id for proof in inputs}:
            if self.find(keyset).row.state == "frozen":
                return KeysetExpired(
                    "This keyset was frozen after an accident.",
                    why="An old copy of the mint's database was put back, and nobody knows which of its tokens were spent since.",
                    todo="Keep the tokens and ask the programme: their value is issued anew.",
                )
            if is_over(self.find(keyset).row.final_expiry, now - GRACE_SECONDS):
                return KeysetExpired("The time of this keyset has passed, and its time of grace.")
        return None

    def spent_entries(self, inputs: Sequence[Proof], points: Sequence[bytes], hasher: TokenHasher) -> list[Entry]:
        """Inputs as they are kept; `points` are their Ys."""
        return [
            Entry(hasher.spent(proof.id, point), self.find(proof.id).row.number, proof.amount)
            for proof, point in zip(inputs, points, strict=True)
        ]

    def issued_entries(self, outputs: Sequence[BlindedMessage], hasher: TokenHasher) -> list[Entry]:
        """Outputs as they are kept."""
        return [
            Entry(hasher.point(bytes.fromhex(output.B_)), self.find(output.id).row.number, output.amount)
            for output in outputs
        ]


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadToken("A secret is not valid text.") from error


def fewest_coins(amount: int, denominations: Iterable[int]) -> int:
    """Of how many coins an amount is made at least; denominations are the powers of two from 1 upwards."""
    count = 0
    for each in sorted(denominations, reverse=True):
        taken, amount = divmod(amount, each)
        count += taken
    return count


def always_claimable(denominations: Sequence[int]) -> int:
    """The largest amount up to which every one is made of as many coins as a request takes."""
    # The first that is not: its rest below the largest coin takes one of each other.
    largest = max(denominations)
    return (MOST_INPUTS - len(denominations) + 2) * largest + largest - 2


def is_over(final_expiry: int | None, now: int) -> bool:
    """Whether a keyset's time has passed."""
    return final_expiry is not None and now > final_expiry
