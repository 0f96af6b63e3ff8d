"""Batches without a timer: while one batch is worked on, the next one gathers. At low load a batch is one request, so waiting
costs nothing; at high load a whole group shares one call to the signer, or one flush to the disk.

Bounded: beyond `most_waiting` a request is refused with 503 before anything was done for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from amparo_mint.errors import MintBusy

T = TypeVar("T")
R = TypeVar("R")


class Batches(Generic[T, R]):
    """Gives every item to `work` in batches; `work` answers in their order. A batch weighs `most` at most, or is one item, so that
    nobody waits long behind others' large requests. `workers` batches run at once."""

    def __init__(
        self,
        work: Callable[[list[T]], Awaitable[list[R]]],
        *,
        workers: int = 1,
        most: int = 64,
        most_waiting: int = 4_096,
        weigh: Callable[[T], int] = lambda _item: 1,
    ) -> None:
        self._work = work
        self._most = most
        self._weigh = weigh
        self._most_waiting = most_waiting
        self._idle = workers
        self._items: deque[tuple[T, asyncio.Future[R]]] = deque()
        # The event loop keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, item: T) -> R:
        """The item's result. Raises `MintBusy` when too much waits, and what the whole batch failed with."""
        if len(self._items) >= self._most_waiting:
            raise MintBusy("Too many requests are waiting.")
        if self._idle:
            # Asked for only here: the answer costs a call of the system. Whoever works already does so in the same loop.
            self._loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = self._loop.create_future()
        self._items.append((item, future))
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self) -> None:
        # One turn of the loop, so that requests which came in together go together.
        await asyncio.sleep(0)
        try:
            while self._items:
                await self._carry_out(self._next_batch())
        finally:
            self._idle += 1

    def _next_batch(self) -> list[tuple[T, asyncio.Future[R]]]:
        batch = [self._items.popleft()]
        room = self._most - self._weigh(batch[0][0])
        while self._items and (room := room - self._weigh(self._items[0][0])) >= 0:
            batch.append(self._items.popleft())
        return batch

    async def _carry_out(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                # Done already: the client went away. What was committed stays, and repeating the request finds it.
                if not future.done():
                    future.set_result(result)
        except Exception as error:  # noqa: BLE001 - the edge of this task: every waiting request must get its answer
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)

    async def finished(self) -> None:
        """Returns when nothing waits or runs any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
