"""What a mint does in its life, one request at a time: each story prepares a request, and afterwards checks what became of it."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from typing import Any, ClassVar, TypeVar

import msgspec
from tests.faults.mint.asking import Answer, Line
from tests.faults.mint.town import FOOD, OLD, PERIOD, SHOP, TOOLS, Town, get, post
from tests.faults.mint.wallet import Blank, Quote, Wallet, check_book

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.wire import MeltQuote, MintQuote, Proof
from amparo_common.money import Unit
from amparo_mint.calendar import GRACE_SECONDS

T = TypeVar("T")

HOUR = 3600
SETTLED_SECONDS = 30.0


class Life(msgspec.Struct):
    """A town, a line to its mint, and the one wallet of each unit."""

    town: Town
    line: Line
    wallets: dict[str, Wallet]

    @property
    def wallet(self) -> Wallet:
        """The wallet with food."""
        return self.wallets[FOOD]

    async def good(self, request: bytes) -> Answer:
        """A request that only prepares something."""
        answer = await self.line.insist(request)
        assert answer.status == 200, answer.body
        return answer


def live(
    town: Town, work: Callable[[Life], Coroutine[Any, Any, T]], units: Sequence[Unit] = (FOOD,), *, prove: bool = True
) -> T:
    """Do the work in a life with a signing keyset and an empty wallet of each unit; what it gives."""

    async def begin() -> T:
        with Line(town.port) as line:
            life = Life(town, line, {})
            for unit in units:
                await life.good(town.operator_post("/operate/keysets", {"unit": unit, "period": PERIOD}))
                life.wallets[unit] = Wallet(town, unit, prove=prove)
                await life.wallets[unit].load(line)
            return await work(life)

    return asyncio.run(begin())


class Story:
    """One request of a kind, again and again."""

    # Whether the same request gets the same bytes for ever.
    same: ClassVar[bool] = True

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        raise NotImplementedError

    async def check(self, life: Life, answer: Answer) -> None:
        """Raises `AssertionError` unless a clear answer is right, and takes what it gives."""
        raise NotImplementedError


class AskQuote(Story):
    """A quote for aid. Asked twice there are two: the first one is nobody's and costs nothing."""

    same = False

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        pubkey = show_point(generator_times(b"\1" * 32))
        return post("/v1/mint/quote/benefit", {"unit": life.wallet.unit, "amount": 7, "pubkey": pubkey})

    async def check(self, life: Life, answer: Answer) -> None:
        """The quote can be found."""
        quote = msgspec.json.decode(answer.body, type=MintQuote)
        found = await life.good(get(f"/v1/mint/quote/benefit/{quote.quote}"))
        assert msgspec.json.decode(found.body, type=MintQuote) == quote


class Pay(Story):
    """The office says that a quote is paid."""

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        self._quote = await life.wallet.quote(life.line, 3, paid=False)
        return life.town.payment(self._quote.id, 3, FOOD)

    async def check(self, life: Life, answer: Answer) -> None:
        """It is paid once."""
        assert (answer.status, answer.body) == (200, b'{"paid":true}')
        found = await life.good(get(f"/v1/mint/quote/benefit/{self._quote.id}"))
        assert msgspec.json.decode(found.body, type=MintQuote).amount_paid == 3


class Claim(Story):
    """Aid is claimed."""

    _blanks: list[Blank]

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        self._blanks = life.wallet.blanks([1, 2, 4])
        return life.wallet.claim(await life.wallet.quote(life.line, 7), self._blanks)

    async def check(self, life: Life, answer: Answer) -> None:
        """The tokens are ours."""
        assert answer.status == 200, answer.body
        life.wallet.keep(answer.body, self._blanks)


class ClaimAll(Claim):
    """Aid is claimed on two quotes at once (NUT-29)."""

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        quotes: list[Quote] = [await life.wallet.quote(life.line, amount) for amount in (3, 4)]
        self._blanks = life.wallet.blanks([1, 2, 4])
        return life.wallet.claim_all(quotes, self._blanks)


class Swap(Story):
    """Tokens are exchanged."""

    _given: list[Proof]
    _blanks: list[Blank]

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        await life.wallet.fill(life.line, 3)
        self._given = life.wallet.take(2)
        self._blanks = life.wallet.split(sum(proof.amount for proof in self._given))
        return life.wallet.swap(self._given, self._blanks)

    async def check(self, life: Life, answer: Answer) -> None:
        """The new ones are ours, the old ones are spent."""
        assert answer.status == 200, answer.body
        life.wallet.keep(answer.body, self._blanks)
        life.wallet.spent += self._given
        assert set(await life.wallet.states(life.line, self._given)) == {"SPENT"}


class AskDeposit(Story):
    """A quote for a deposit."""

    same = False

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        return post("/v1/melt/quote/settle", {"request": SHOP, "unit": life.wallet.unit, "amount": 3})

    async def check(self, life: Life, answer: Answer) -> None:
        """The quote can be found."""
        quote = msgspec.json.decode(answer.body, type=MeltQuote)
        found = await life.good(get(f"/v1/melt/quote/settle/{quote.quote}"))
        assert msgspec.json.decode(found.body, type=MeltQuote) == quote


class Deposit(Story):
    """A shop's tokens are taken and booked by the shops side."""

    same = False
    mood: ClassVar[str] = "good"
    end: ClassVar[str] = "PAID"

    _quote: str
    _given: list[Proof]

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        life.town.shops.mood = self.mood
        await life.wallet.fill(life.line, 3)
        self._given = life.wallet.take(2)
        self._quote = await life.wallet.deposit_quote(life.line, sum(proof.amount for proof in self._given))
        return life.wallet.deposit(self._quote, self._given)

    async def check(self, life: Life, answer: Answer) -> None:
        """It comes to its end, and is booked once or not at all."""
        assert answer.status == 200, answer.body
        await self._settled(life)
        paid = self.end == "PAID"
        booked = {self._quote: sum(proof.amount for proof in self._given)} if paid else {}
        assert {k: v for k, v in life.town.shops.booked.items() if k == self._quote} == booked
        assert set(await life.wallet.states(life.line, self._given)) == {"SPENT" if paid else "UNSPENT"}
        (life.wallet.spent if paid else life.wallet.mine).extend(self._given)
        life.town.shops.mood = "good"

    async def _settled(self, life: Life) -> None:
        async with asyncio.timeout(SETTLED_SECONDS):
            while True:
                found = await life.good(get(f"/v1/melt/quote/settle/{self._quote}"))
                if msgspec.json.decode(found.body, type=MeltQuote).state == self.end:
                    return
                await asyncio.sleep(0.05)


class RefusedDeposit(Deposit):
    """The shops side refuses the deposit: the tokens come back."""

    mood = "refusing"
    end = "UNPAID"


class MakeKeyset(Story):
    """A keyset is made, put into the log and takes over."""

    _numbers = itertools.count(1)

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        return life.town.operator_post("/operate/keysets", {"unit": TOOLS, "period": f"turn-{next(self._numbers)}"})

    async def check(self, life: Life, answer: Answer) -> None:
        """It signs."""
        assert answer.status == 200, answer.body
        keyset = msgspec.json.decode(answer.body)["keyset"]
        await life.wallets[TOOLS].load(life.line)
        assert life.wallets[TOOLS].keyset == keyset


class CloseKeyset(Story):
    """A keyset's time and grace have passed: what is left goes back to the programme. Moves the town's clock."""

    _numbers = itertools.count(1)

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        clock = life.town.clock
        assert clock is not None
        end = int(clock.now().timestamp()) + HOUR
        asked = {"unit": OLD, "period": f"turn-{next(self._numbers)}", "final_expiry": end}
        await life.good(life.town.operator_post("/operate/keysets", asked))
        wallet = life.wallets[OLD]
        await wallet.load(life.line)
        wallet.mine, wallet.signed = [], []
        await wallet.receive(life.line, [1, 2, 4])
        clock.set(clock.now().fromtimestamp(end + GRACE_SECONDS + HOUR, clock.now().tzinfo))
        return life.town.operator_post("/operate/keysets/close", {"keyset": wallet.keyset})

    async def check(self, life: Life, answer: Answer) -> None:
        """What was left is given back, and the keyset is gone."""
        wallet = life.wallets[OLD]
        assert answer.status == 200, answer.body
        assert msgspec.json.decode(answer.body)["returned"] == wallet.total
        assert all(tally.keyset.id != wallet.keyset for tally in await life.town.tallies())
        refused = await life.line.insist(wallet.swap(wallet.mine, wallet.blanks([1, 2, 4])))
        assert refused.code == 12001
        wallet.mine = []


class Publish(Story):
    """The figures go into the log."""

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        return life.town.operator_post("/operate/figures", {"period": PERIOD})

    async def check(self, life: Life, answer: Answer) -> None:
        """They were published, for each keyset."""
        published = msgspec.json.decode(answer.body)["published"]
        assert published == len(await life.town.tallies())


class Backup(Story):
    """The database is copied while the mint goes on (SQLite)."""

    same = False
    _numbers = itertools.count(1)

    async def prepare(self, life: Life) -> bytes:
        """The request."""
        self._path = life.town.folder / f"backup-{next(self._numbers)}.sqlite"
        return life.town.operator_post("/operate/backup", {"path": str(self._path)})

    async def check(self, life: Life, answer: Answer) -> None:
        """The copy is whole; asked again after it was made, the mint says that it is there."""
        assert answer.status == 200 or b"such a file already" in answer.body, answer.body
        with (
            closing(sqlite3.connect(self._path)) as copy,
            closing(sqlite3.connect(life.town.data / "mint.sqlite")) as own,
        ):
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            question = "SELECT keyset, amount, signed, spent FROM denomination ORDER BY keyset, amount"
            assert copy.execute(question).fetchall() == own.execute(question).fetchall()
        self._path.unlink()


async def lives(life: Life) -> None:
    """Raises `AssertionError` unless aid is issued and swapped."""
    for story in (Claim(), Swap()):
        await story.check(life, await life.line.insist(await story.prepare(life)))
    await check_book(life.town, [life.wallet], life.line)
