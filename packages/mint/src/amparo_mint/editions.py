"""Makes the day's filters of spent tokens. A small one is made at once; the others by a process of their own
(`make_editions.py`), so that a mint with millions of tokens goes on as if nothing were.

Killed in the middle, that process leaves the edition of the day before, and is started again.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from amparo_cashu.spent_filter import ITEM_BYTES, build_filter
from amparo_mint.filters import Filters
from amparo_mint.model import KeysetRow
from amparo_mint.store import Store

# A few hundredths of a second of work.
SMALL = 10_000
RETRY_SECONDS = 60.0


class Editions:
    """The editions of a mint's folder."""

    def __init__(self, folder: Path, store: Store, filters: Filters) -> None:
        self._folder = folder
        self._store = store
        self._filters = filters
        self._making: asyncio.Task[None] | None = None
        # The last day for which the process of its own has done what it could.
        self._made = -1

    async def publish(self, keysets: Sequence[KeysetRow], day: int) -> None:
        """Make what is missing of a day (days since 1970): by the calendar, never because somebody asks. Returns when the small
        ones are there; `close` ends the making of the others."""
        ids = [str(row.id) for row in keysets]
        if self._made != day and (self._making is None or self._making.done()):
            missing = [row for row in keysets if not await asyncio.to_thread(self._filters.has, str(row.id), day)]
            if [row for row in missing if not await make(self._store, self._filters, row, day, most=SMALL)]:
                self._making = asyncio.create_task(self._make_large(day))
        await asyncio.to_thread(self._filters.drop_others, ids)

    async def close(self) -> None:
        """End what is being made."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def _make_large(self, day: int) -> None:
        command = [
            sys.executable,
            "-P",
            "-m",
            "amparo_mint.make_editions",
            "--data",
            str(self._folder),
            "--day",
            str(day),
        ]
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
        try:
            if await process.wait() == 0:
                self._made = day
            else:
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def make(store: Store, filters: Filters, keyset: KeysetRow, day: int, *, most: int) -> bool:
    """Publish the edition of a keyset unless it has more than `most` spent tokens; whether it was published."""
    items = await store.spent_items(keyset.number, most=most + 1)
    if len(items) > most * ITEM_BYTES:
        return False
    edition = await asyncio.to_thread(build_filter, items, keyset=str(keyset.id), day=day)
    await asyncio.to_thread(filters.keep, str(keyset.id), edition)
    return True
