"""`python -m amparo_mint.restored --data FOLDER`: says that the mint's database is a backup that was put back on purpose.

Nobody knows which tokens of a backup were spent after it was made. So every keyset that it holds or that the log announced after
it is frozen: nothing of it is taken any more, not even once; new keysets are opened, and the office gives the value out anew to all
alike (docs/decisions/0023). The log must be reachable, and the mint must not be running.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec

from amparo_common.errors import AmparoError
from amparo_mint import config
from amparo_mint.assemble import choose_store, make_operation
from amparo_mint.model import KeysetRow
from amparo_service.serve import exit_with_words
from amparo_signer.client import SignerClient


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amparo_mint.restored", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="the mint's folder, with the backup in place of its database"
    )
    given = parser.parse_args()
    try:
        frozen = asyncio.run(_freeze(given.data))
    except AmparoError as error:
        exit_with_words(error)
    else:
        answer = {"frozen": [{"keyset": row.id, "unit": row.unit, "outstanding": row.outstanding} for row in frozen]}
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


async def _freeze(folder: Path) -> list[KeysetRow]:
    settings = config.load(folder)
    store = choose_store(settings.database, folder)
    await store.open()
    try:
        return await make_operation(folder, settings, store, SignerClient(Path(settings.signer))).accept_backup()
    finally:
        await store.close()


if __name__ == "__main__":
    main()
