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
    """Gives every item to `work` in batches of at most `most`; `work` answers in their order. `workers` batches run at once."""

    def __init__(
        self,
        work: Callable[[list[T]], Awaitable[list[R]]],
        *,
        workers: int = 1,
        most: int = 64,
        most_waiting: int = 4_096,
    ) -> None:
        self._work = work
        self._most = most
        self._most_waiting = most_waiting
        self._idle = workers
        self._items: deque[tuple[T, asyncio.Future[R]]] = deque()
        # The event loop keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, item: T) -> R:
        """The item's result. Raises `MintBusy` when too much waits, and what the whole batch failed with."""
        if len(self._items) >= self._most_waiting:
            raise MintBusy("Too many requests are waiting.")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
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
                batch = [self._items.popleft() for _ in range(min(self._most, len(self._items)))]
                await self._carry_out(batch)
        finally:
            self._idle += 1

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
