"""A wallet that keeps a book: every token that it was ever given is in it, as its own or as spent, or on the way in a request.

It knows what the specification says and nothing of the mint. At the end it is held against the mint's word and rows: no token of
the book may be lost, none may count twice.
"""

import random
import secrets
from collections.abc import Sequence

import msgspec
from coincurve import PublicKey
from tests.faults.mint.asking import Line
from tests.faults.mint.town import SHOP, Town, get, post

from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, read_point, show_point
from amparo_cashu.nut00_blind import blind, split_amount, unblind
from amparo_cashu.nut12_dleq import check_signature
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.nut29_batch import sign_batch
from amparo_cashu.wire import (
    BlindedMessage,
    BlindSignature,
    CheckStateAnswer,
    KeysAnswer,
    KeysetsAnswer,
    Proof,
    RestoreAnswer,
    Signatures,
)
from amparo_common.money import Unit

MOST_LOOKED_UP = 400
MOST_RESTORED = 100
MOST_OUTPUTS = 96


class Blank(msgspec.Struct, frozen=True):
    """A token in the making."""

    secret: str
    factor: bytes
    output: BlindedMessage


class Quote(msgspec.Struct, frozen=True):
    """A quote for aid and the key that may claim it."""

    id: str
    key: bytes
    amount: int


class Wallet:
    """The tokens of one unit. `prove`: each signature's proof is checked."""

    def __init__(self, town: Town, unit: Unit, *, prove: bool = False) -> None:
        self.town = town
        self.unit = unit
        self._prove = prove
        self.keyset = ""
        self._keys: dict[str, dict[int, PublicKey]] = {}
        self.mine: list[Proof] = []
        self.spent: list[Proof] = []
        # Every output that was signed, with its signature.
        self.signed: list[tuple[BlindedMessage, BlindSignature]] = []

    @property
    def total(self) -> int:
        """What its own tokens are worth."""
        return sum(proof.amount for proof in self.mine)

    async def load(self, line: Line) -> None:
        """Learn the unit's signing keyset, and keep knowing the ones before."""
        answer = await line.insist(get("/v1/keysets"))
        known = msgspec.json.decode(answer.body, type=KeysetsAnswer).keysets
        self.keyset = next(each.id for each in known if each.active and each.unit == self.unit)
        answer = await line.insist(get(f"/v1/keys/{self.keyset}"))
        (found,) = msgspec.json.decode(answer.body, type=KeysAnswer).keysets
        self._keys[self.keyset] = {int(amount): read_point(key) for amount, key in found.keys.items()}

    # --- tokens -----------------------------------------------------------------------------------------------------------

    def blanks(self, amounts: Sequence[int]) -> list[Blank]:
        """Outputs of these amounts with fresh secrets, under the signing keyset."""
        return [self._blank(amount) for amount in amounts]

    def _blank(self, amount: int) -> Blank:
        secret, factor = secrets.token_hex(32), (secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")
        output = BlindedMessage(amount=amount, id=self.keyset, B_=show_point(blind(secret, factor)))
        return Blank(secret, factor, output)

    def keep(self, body: bytes, blanks: Sequence[Blank]) -> list[Proof]:
        """Take the tokens of an answer into the book."""
        signatures = msgspec.json.decode(body, type=Signatures).signatures
        made = [self._opened(*pair) for pair in zip(signatures, blanks, strict=True)]
        self.mine += made
        self.signed += [(blank.output, found) for found, blank in zip(signatures, blanks, strict=True)]
        return made

    def _opened(self, signature: BlindSignature, blank: Blank) -> Proof:
        assert (signature.amount, signature.id) == (blank.output.amount, blank.output.id)
        key, signed = self._keys[signature.id][signature.amount], read_point(signature.C_)
        if self._prove:
            check_signature(signature.dleq, key=key, blinded=read_point(blank.output.B_), signed=signed)
        point = unblind(signed, blank.factor, key)
        return Proof(amount=signature.amount, id=signature.id, secret=blank.secret, C=show_point(point))

    def take(self, count: int) -> list[Proof]:
        """Some of its own tokens, which go on their way."""
        random.shuffle(self.mine)
        taken, self.mine = self.mine[:count], self.mine[count:]
        return taken

    def split(self, amount: int) -> list[Blank]:
        """Outputs for an amount."""
        return self.blanks(split_amount(amount, list(self._keys[self.keyset])))

    # --- requests -----------------------------------------------------------------------------------------------------------

    def swap(self, proofs: Sequence[Proof], blanks: Sequence[Blank]) -> bytes:
        """A swap."""
        return post("/v1/swap", {"inputs": proofs, "outputs": [blank.output for blank in blanks]})

    async def quote(self, line: Line, amount: int, *, paid: bool = True) -> Quote:
        """A quote for aid."""
        key = secrets.token_bytes(32)
        pubkey = show_point(generator_times(key))
        request = post("/v1/mint/quote/benefit", {"unit": self.unit, "amount": amount, "pubkey": pubkey})
        answer = await line.insist(request)
        assert answer.status == 200, answer.body
        quote = Quote(msgspec.json.decode(answer.body)["quote"], key, amount)
        if paid:
            answer = await line.insist(self.town.payment(quote.id, amount, self.unit))
            assert answer.status == 200, answer.body
        return quote

    def claim(self, quote: Quote, blanks: Sequence[Blank]) -> bytes:
        """Outputs for a paid quote."""
        outputs = [blank.output for blank in blanks]
        signature = sign_claim(quote.id, outputs, quote.key)
        return post("/v1/mint/benefit", {"quote": quote.id, "outputs": outputs, "signature": signature})

    def claim_all(self, quotes: Sequence[Quote], blanks: Sequence[Blank]) -> bytes:
        """Outputs for several paid quotes."""
        outputs, ids = [blank.output for blank in blanks], [quote.id for quote in quotes]
        signatures = sign_batch(ids, outputs, [quote.key for quote in quotes])
        return post("/v1/mint/benefit/batch", {"quotes": ids, "outputs": outputs, "signatures": signatures})

    async def receive(self, line: Line, amounts: Sequence[int]) -> list[Proof]:
        """Aid as tokens of these amounts."""
        blanks = self.blanks(amounts)
        quote = await self.quote(line, sum(amounts))
        answer = await line.insist(self.claim(quote, blanks))
        assert answer.status == 200, answer.body
        return self.keep(answer.body, blanks)

    async def fill(self, line: Line, count: int) -> None:
        """Receive small tokens until it has so many."""
        while (missing := count - len(self.mine)) > 0:
            await self.receive(line, [random.choice((1, 2, 4, 8)) for _ in range(min(missing, MOST_OUTPUTS))])

    async def deposit_quote(self, line: Line, amount: int) -> str:
        """A quote for a shop's deposit."""
        answer = await line.insist(
            post("/v1/melt/quote/settle", {"request": SHOP, "unit": self.unit, "amount": amount})
        )
        assert answer.status == 200, answer.body
        return str(msgspec.json.decode(answer.body)["quote"])

    def deposit(self, quote: str, proofs: Sequence[Proof]) -> bytes:
        """Tokens for a deposit."""
        return post("/v1/melt/settle", {"quote": quote, "inputs": proofs})

    # --- the book against the mint's word ---------------------------------------------------------------------------------

    async def states(self, line: Line, proofs: Sequence[Proof]) -> list[str]:
        """UNSPENT, PENDING or SPENT."""
        found: list[str] = []
        for start in range(0, len(proofs), MOST_LOOKED_UP):
            part = proofs[start : start + MOST_LOOKED_UP]
            points = [show_point(hash_to_curve(proof.secret.encode())) for proof in part]
            answer = await line.insist(post("/v1/checkstate", {"Ys": points}))
            found += [each.state for each in msgspec.json.decode(answer.body, type=CheckStateAnswer).states]
        return found

    async def lost_and_doubled(self, line: Line) -> tuple[int, int]:
        """How many of its own tokens the mint calls spent, and how many of the spent ones it calls unspent."""
        lost = [state for state in await self.states(line, self.mine) if state != "UNSPENT"]
        doubled = [state for state in await self.states(line, self.spent) if state != "SPENT"]
        return len(lost), len(doubled)

    async def changed_signatures(self, line: Line, signed: Sequence[tuple[BlindedMessage, BlindSignature]]) -> int:
        """How many outputs the mint no longer gives the same signature for (NUT-09)."""
        wrong = 0
        for start in range(0, len(signed), MOST_RESTORED):
            part = {output.B_: found for output, found in signed[start : start + MOST_RESTORED]}
            request = post("/v1/restore", {"outputs": [output for output, _ in signed[start : start + MOST_RESTORED]]})
            answer = msgspec.json.decode((await line.insist(request)).body, type=RestoreAnswer)
            restored = zip(answer.outputs, answer.signatures, strict=True)
            wrong += len(part) - sum(part[output.B_] == found for output, found in restored)
        return wrong


async def check_book(town: Town, wallets: Sequence[Wallet], line: Line) -> None:
    """Raises `AssertionError` unless every token of the wallets is where their books say, and the mint's rows, counters and sums
    say the same as all of them together. The wallets hold every token of their units."""
    for wallet in wallets:
        assert await wallet.lost_and_doubled(line) == (0, 0)
    await check_sums(town, wallets)


async def check_sums(town: Town, wallets: Sequence[Wallet]) -> None:
    """The same without asking for each token."""
    tallies = await town.tallies()
    for tally in tallies:
        assert tally.agrees, tally
    for unit in {wallet.unit for wallet in wallets}:
        outstanding = sum(tally.outstanding for tally in tallies if tally.keyset.unit == unit)
        waiting = sum(tally.waiting for tally in tallies if tally.keyset.unit == unit)
        assert waiting == 0
        assert outstanding == sum(wallet.total for wallet in wallets if wallet.unit == unit)
