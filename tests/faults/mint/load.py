"""Wallets that swap without pause, whatever happens to the mint; an unclear request is repeated until the mint is clear about it.

What must never happen is counted, not raised, so that one look at the end shows all of it: valid work that is refused, an answer
that nobody thought of (500), a signature that changes.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from tests.faults.mint.asking import Answer, Line
from tests.faults.mint.stories import Life
from tests.faults.mint.town import post
from tests.faults.mint.wallet import Wallet, check_sums

from amparo_cashu.wire import Proof, RestoreAnswer

TOKENS_EACH = 12
BUSY_SECONDS = 120.0


class Seen(msgspec.Struct):
    """What the wallets of a load saw. `gap`: the longest time between two answers, in seconds."""

    swaps: int = 0
    unclear: int = 0
    restored: int = 0
    gap: float = 0.0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    unclear_codes: Counter[str] = msgspec.field(default_factory=Counter)


class Swapper:
    """One wallet that swaps, over one of the mint's ports at a time."""

    def __init__(self, wallet: Wallet, ports: Sequence[int], load: "Load", dice: random.Random) -> None:
        self.wallet = wallet
        self._lines = [Line(port) for port in ports]
        self._load = load
        self._seen = load.seen
        self._dice = dice

    @property
    def line(self) -> Line:
        """A line to any of the mints."""
        return self._dice.choice(self._lines)

    async def swap(self) -> None:
        """One swap, until it is clear."""
        given = self.wallet.take(self._dice.choice((1, 2, 2, 3, 8)))
        blanks = self.wallet.split(sum(proof.amount for proof in given))
        if len(self.wallet.mine) < TOKENS_EACH:
            blanks = self.wallet.blanks(_halves(given))
        request = self.wallet.swap(given, blanks)
        restored: RestoreAnswer | None = None
        for attempt in range(1_000):
            line = self.line
            answer = await line.ask(request)
            if self._load.fresh:
                line.close()
            if answer.status not in (0, 503):
                break
            self._note(answer)
            await asyncio.sleep(min(0.05 * (attempt + 1), 0.4))
            if restored is None and self._dice.random() < 0.3:
                restored = await self._restore([blank.output for blank in blanks])
        if answer.status != 200:
            self._seen.refused[f"{answer.status} {answer.body[:200].decode(errors='replace')}"] += 1
            self.wallet.mine += given
            return
        made = self.wallet.keep(answer.body, blanks)
        self.wallet.spent += given
        self._load.swapped()
        assert len(made) == len(blanks)
        if restored is not None and restored.signatures:
            signed = [signature for _, signature in self.wallet.signed[-len(made) :]]
            assert sorted(restored.signatures, key=lambda each: each.C_) == sorted(signed, key=lambda each: each.C_)
            self._seen.restored += 1

    async def _restore(self, outputs: Sequence[object]) -> RestoreAnswer | None:
        """What NUT-09 says in the middle of it: nothing of the swap, or all of it."""
        answer = await self.line.ask(post("/v1/restore", {"outputs": outputs}))
        if answer.status != 200:
            return None
        found = msgspec.json.decode(answer.body, type=RestoreAnswer)
        assert len(found.signatures) in (0, len(outputs))
        return found

    def _note(self, answer: Answer) -> None:
        self._seen.unclear += 1
        self._load.answered.set()
        if answer.status == 503:
            assert answer.header("retry-after"), answer
            self._seen.unclear_codes[msgspec.json.decode(answer.body)["error"]] += 1
        else:
            self._seen.unclear_codes["no answer"] += 1

    async def spend_all(self, line: Line) -> None:
        """Spend every token that the book calls its own."""
        while self.wallet.mine:
            given = self.wallet.take(100)
            quote = await self.wallet.deposit_quote(line, sum(proof.amount for proof in given))
            answer = await line.insist(self.wallet.deposit(quote, given))
            assert answer.status == 200, answer.body
            self.wallet.spent += given

    async def work(self, stop: asyncio.Event) -> None:
        """Swap until told to stop."""
        while not stop.is_set():
            await self.swap()

    def close(self) -> None:
        """Close the lines."""
        for line in self._lines:
            line.close()


def _halves(given: Sequence[Proof]) -> list[int]:
    """The same sum in smaller parts."""
    amounts: list[int] = []
    for proof in given:
        amounts += [proof.amount // 2] * 2 if proof.amount > 1 else [1]
    return sorted(amounts)


class Load:
    """So many wallets, swapping at once while somebody does his worst. `fresh`: with a new connection for each request."""

    def __init__(self, life: Life, wallets: int, seed: int, *, fresh: bool = False) -> None:
        self.fresh = fresh
        self.seen = Seen()
        self._life = life
        self._seed = seed
        self._count = wallets
        self.swappers: list[Swapper] = []
        self.answered = asyncio.Event()

    @property
    def wallets(self) -> list[Wallet]:
        """All wallets with tokens, the life's own one too."""
        return [*self._life.wallets.values(), *(swapper.wallet for swapper in self.swappers)]

    async def fill(self) -> None:
        """Give every wallet its tokens."""
        for number in range(self._count):
            wallet = Wallet(self._life.town, self._life.wallet.unit)
            await wallet.load(self._life.line)
            await wallet.receive(self._life.line, [4] * TOKENS_EACH)
            dice = random.Random(f"{self._seed} {number}")
            self.swappers.append(Swapper(wallet, self._life.town.ports, self, dice))

    async def busy(self, dice: random.Random) -> None:
        """Returns after some more swaps: a moment that nobody can foresee, with the mint at work."""
        await self.swapped_again(dice.randrange(1, 80))

    async def swapped_again(self, count: int) -> None:
        """Returns after so many more swaps."""
        goal = self.seen.swaps + count
        await self._wait(lambda: self.seen.swaps >= goal)

    async def unclear_again(self, count: int) -> None:
        """Returns after so many more requests without a clear answer."""
        goal = self.seen.unclear + count
        await self._wait(lambda: self.seen.unclear >= goal)

    async def _wait(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(BUSY_SECONDS):
            while not reached():
                await self.answered.wait()
                self.answered.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The wallets swap inside; at the end each has a clear answer to its last request."""
        stop = asyncio.Event()
        self._last = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                for swapper in self.swappers:
                    group.create_task(swapper.work(stop))
                try:
                    yield
                finally:
                    stop.set()
        finally:
            for swapper in self.swappers:
                swapper.close()

    def swapped(self) -> None:
        """A swap was answered."""
        now = asyncio.get_running_loop().time()
        self.seen.gap = max(self.seen.gap, now - self._last)
        self.seen.swaps += 1
        self._last = now
        self.answered.set()

    async def check(self) -> tuple[int, int]:
        """Hold the books against the mint: tokens lost, tokens doubled. Raises `AssertionError` when the mint's rows, counters and
        sums do not say what all books say together, when a signature changed, or when a token of a book cannot be spent."""
        lost = doubled = 0
        line = self._life.line
        for wallet in self.wallets:
            found = await wallet.lost_and_doubled(line)
            lost, doubled = lost + found[0], doubled + found[1]
            assert await wallet.changed_signatures(line, wallet.signed) == 0
        await check_sums(self._life.town, self.wallets)
        for swapper in self.swappers:
            await swapper.spend_all(line)
        await check_sums(self._life.town, self.wallets)
        return lost, doubled
