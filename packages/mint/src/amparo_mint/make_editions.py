"""`python -m amparo_mint.make_editions --data FOLDER --day N`: makes the filters of spent tokens that a day does not have yet.

The mint starts it when there are many spent tokens. It reads the database and writes files; where the mint is busy it waits.
"""

import argparse
import asyncio
import os
from pathlib import Path

from amparo_common.errors import AmparoError
from amparo_mint import config
from amparo_mint.assemble import choose_store
from amparo_mint.editions import make
from amparo_mint.filters import Filters
from amparo_service.serve import exit_with_words

# About 11 MB. A till could not keep a larger one; it then relies on locked payments and its limits.
MOST_TOKENS = 4_000_000
_LAST_IN_TURN = 19


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amparo_mint.make_editions", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the mint's folder")
    parser.add_argument("--day", type=int, required=True, help="the edition, in days since 1970")
    given = parser.parse_args()
    os.nice(_LAST_IN_TURN)
    try:
        asyncio.run(_make_all(given.data, given.day))
    except AmparoError as error:
        exit_with_words(error)


async def _make_all(folder: Path, day: int) -> None:
    store = choose_store(config.load(folder).database, folder)
    filters = Filters(folder / "spent-filters")
    await store.open()
    try:
        for row in await store.keysets():
            if row.state != "closed" and not filters.has(str(row.id), day):
                await make(store, filters, row, day, most=MOST_TOKENS)
    finally:
        await store.close()


if __name__ == "__main__":
    main()
