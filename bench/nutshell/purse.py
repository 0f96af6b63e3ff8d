"""The tokens of the load: minted through a mint's own addresses, exchanged, and kept for the next measurement.

A wallet that knows the specification and nothing of the mint. All its work (blinding, unblinding) is done outside the
measured times. What it does not check: proofs of signatures; a false one shows when the mint refuses its own token.
"""

import itertools
import random
import secrets
from collections.abc import Iterator, Sequence

import msgspec

from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, read_point, show_point
from amparo_cashu.nut00_blind import blind, unblind
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.wire import BlindedMessage, KeysAnswer, Keyset, KeysetsAnswer, Proof, Signatures
from bench.nutshell.asking import Answer, Server, get, post

# One of each makes a bundle; every mint has these.
AMOUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
BUNDLES_A_REQUEST = 12  # 96 outputs: as many bundles as fit into the 100 outputs that our mint takes


class MintRefuses(Exception):
    """A request that only prepares something was refused."""


class Method(msgspec.Struct, frozen=True):
    """How quotes are paid: `bolt11` where the mint itself counts them as paid, or another method with keyed quotes (NUT-20)
    that somebody at `pay_url` pays when asked ({quote, amount, unit})."""

    name: str
    pay_url: str = ""


class Blank(msgspec.Struct, frozen=True):
    """A token in the making."""

    secret: str
    factor: bytes
    output: BlindedMessage


class Quote(msgspec.Struct, frozen=True):
    """A paid quote, and the key that may claim it (none where the method has none)."""

    id: str
    key: bytes | None


class Purse:
    """The tokens of one unit of one mint. `signed` counts every token that it ever got."""

    def __init__(self, url: str, method: Method, unit: str) -> None:
        self.server = Server(url)
        self._method, self._unit = method, unit
        self._keyset = self._active_keyset()
        self._keys = {int(amount): read_point(key) for amount, key in self._keyset.keys.items()}
        self._tokens: dict[int, list[Proof]] = {amount: [] for amount in AMOUNTS}
        self.signed = 0
        # Some of the outputs that were signed and of the tokens that exist or existed, for the questions about them.
        self._signed: list[BlindedMessage] = []
        self._points: list[str] = []

    def _active_keyset(self) -> Keyset:
        known = msgspec.json.decode(self._prepare([get("/v1/keysets")])[0].body, type=KeysetsAnswer).keysets
        chosen = next(each.id for each in known if each.active and each.unit == self._unit)
        answer = msgspec.json.decode(self._prepare([get(f"/v1/keys/{chosen}")])[0].body, type=KeysAnswer)
        return answer.keysets[0]

    def _prepare(self, requests: Sequence[bytes]) -> list[Answer]:
        return _all_good(self.server.ask(requests)[0])

    # --- minting --------------------------------------------------------------------------------------------------------

    def quotes(self, count: int, amount: int) -> list[Quote]:
        """So many paid quotes."""
        made = []
        for _ in range(count):
            key = None if self._method.name == "bolt11" else secrets.token_bytes(32)
            asked: dict[str, object] = {"unit": self._unit, "amount": amount}
            if key is not None:
                asked["pubkey"] = show_point(generator_times(key))
            (answer,) = self._prepare([post(f"/v1/mint/quote/{self._method.name}", asked)])
            made.append(Quote(id=msgspec.json.decode(answer.body)["quote"], key=key))
        self._pay(made, amount)
        return made

    def _pay(self, quotes: Sequence[Quote], amount: int) -> None:
        if self._method.pay_url:
            office = Server(self._method.pay_url)
            _all_good(
                office.ask([post("/pay", {"quote": q.id, "amount": amount, "unit": self._unit}) for q in quotes])[0]
            )
        # Looked at once more: Nutshell notices a payment when it is asked about it.
        self._prepare([get(f"/v1/mint/quote/{self._method.name}/{quote.id}") for quote in quotes])

    def claim(self, quote: Quote, blanks: Sequence[Blank]) -> bytes:
        """The request that claims a paid quote."""
        outputs = [blank.output for blank in blanks]
        body: dict[str, object] = {"quote": quote.id, "outputs": outputs}
        if quote.key is not None:
            body["signature"] = sign_claim(quote.id, outputs, quote.key)
        return post(f"/v1/mint/{self._method.name}", body)

    def fill(self, bundles: int) -> None:
        """Mint until there are so many tokens of every amount."""
        while (missing := bundles - min(len(tokens) for tokens in self._tokens.values())) > 0:
            amounts = AMOUNTS * min(missing, BUNDLES_A_REQUEST)
            blanks = self.blanks(amounts)
            (quote,) = self.quotes(1, sum(amounts))
            self.keep(self._prepare([self.claim(quote, blanks)]), [blanks])

    # --- tokens ---------------------------------------------------------------------------------------------------------

    def blanks(self, amounts: Sequence[int]) -> list[Blank]:
        """Outputs of these amounts with fresh secrets."""
        return [self._blank(amount) for amount in amounts]

    def _blank(self, amount: int) -> Blank:
        secret, factor = secrets.token_hex(32), (secrets.randbelow(ORDER - 1) + 1).to_bytes(32, "big")
        output = BlindedMessage(amount=amount, id=self._keyset.id, B_=show_point(blind(secret, factor)))
        return Blank(secret=secret, factor=factor, output=output)

    @property
    def spent(self) -> int:
        """How many of them it handed in again."""
        return self.signed - sum(len(tokens) for tokens in self._tokens.values())

    def take(self, amounts: Sequence[int]) -> list[Proof]:
        """Tokens of these amounts; they are no longer in the purse."""
        return [self._tokens[amount].pop() for amount in amounts]

    def keep(self, answers: Sequence[Answer], blanks: Sequence[Sequence[Blank]]) -> None:
        """Take the tokens of those answers that are signatures into the purse."""
        for answer, made in zip(answers, blanks, strict=True):
            if answer.status != 200:
                continue
            signatures = msgspec.json.decode(answer.body, type=Signatures).signatures
            self.signed += len(signatures)
            for signature, blank in zip(signatures, made, strict=True):
                point = unblind(read_point(signature.C_), blank.factor, self._keys[signature.amount])
                self._tokens[signature.amount].append(
                    Proof(amount=signature.amount, id=signature.id, secret=blank.secret, C=show_point(point))
                )
        self._remember(itertools.chain.from_iterable(blanks))

    def _remember(self, blanks: Iterator[Blank]) -> None:
        for blank in itertools.islice(blanks, max(0, 4_000 - len(self._signed))):
            self._signed.append(blank.output)
            self._points.append(show_point(hash_to_curve(blank.secret.encode())))

    def some_points(self, count: int) -> list[str]:
        """The Ys of tokens, spent and unspent."""
        return random.sample(self._points, count)

    def some_signed(self, count: int) -> list[BlindedMessage]:
        """Outputs that were signed."""
        return random.sample(self._signed, count)


def _all_good(answers: list[Answer]) -> list[Answer]:
    for answer in answers:
        if answer.status != 200:
            raise MintRefuses(f"{answer.status} {answer.body.decode(errors='replace')[:300]}")
    return answers
