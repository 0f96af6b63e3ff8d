"""Filters of very many spent tokens are made by a process of their own, and the mint goes on."""

import asyncio
import subprocess
import sys
from datetime import timedelta

import msgspec
import pytest
from packages.mint.tests.conftest import NOON, Town, Wallet

from amparo_cashu.spent_filter import SpentFilter
from amparo_mint import editions
from amparo_mint.calendar import DAY
from amparo_mint.config import MintConfig

TODAY = int(NOON.timestamp()) // DAY


def configure(town: Town) -> None:
    """What the process finds in the mint's folder."""
    settings = MintConfig("http://log.invalid", "vkey", "http://shops.invalid", "signer.sock", database=town.database)
    (town.folder / "config.json").write_bytes(msgspec.json.encode(settings))


def spend(town: Town, wallet: Wallet, keyset: str) -> int:
    """How many tokens were spent."""
    proofs = wallet.receive(keyset, 255)
    wallet.swap(proofs, wallet.split(keyset, 255))
    return len(proofs)


def published(town: Town, keyset: str) -> SpentFilter | None:
    """The edition as anybody fetches it."""
    answer = town.http.get(f"/filters/spent/{keyset}")
    return SpentFilter(answer.content) if answer.status_code == 200 else None


def test_the_process_makes_what_is_missing_once(town: Town, wallet: Wallet, keyset: str) -> None:
    configure(town)
    count = spend(town, wallet, keyset)
    # There may be an empty one from when the town began.
    path = town.folder / "spent-filters" / f"{keyset}.filter"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "amparo_mint.make_editions", "--data", str(town.folder), "--day", str(TODAY)]
    for _ in range(2):
        subprocess.run(command, check=True, timeout=60)
        spent = published(town, keyset)
        assert spent is not None
        assert (spent.day, spent.count) == (TODAY, count)
        spend(town, wallet, keyset)


def test_a_mint_with_many_spent_tokens_leaves_the_filter_to_a_process_and_asks_for_it_once_a_day(
    town: Town, wallet: Wallet, keyset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "SMALL", 3)
    configure(town)
    count = spend(town, wallet, keyset)
    town.clock.set(NOON + timedelta(days=1))

    async def made() -> None:
        await town.server.keep_calendar()
        making = town.server._editions._making
        assert making is not None
        await asyncio.wait_for(making, 60)
        await town.server.keep_calendar()
        assert town.server._editions._making is making

    town.run(made)
    spent = published(town, keyset)
    assert spent is not None
    assert (spent.day, spent.count) == (TODAY + 1, count)


def test_a_stop_ends_the_process(town: Town, wallet: Wallet, keyset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "SMALL", 3)
    configure(town)
    spend(town, wallet, keyset)
    town.clock.set(NOON + timedelta(days=1))

    async def stopped() -> None:
        await town.server.keep_calendar()
        await town.server._editions.close()
        making = town.server._editions._making
        assert making is not None
        assert making.done()

    town.run(stopped)


def test_nobody_is_told_of_a_filter_that_is_too_large_to_be_made(town: Town, wallet: Wallet, keyset: str) -> None:
    spend(town, wallet, keyset)
    (row,) = town.run(town.store.keysets)
    filters = town.server._filters
    path = town.folder / "spent-filters" / f"{keyset}.filter"
    path.unlink(missing_ok=True)
    assert town.run(lambda: editions.make(town.store, filters, row, TODAY, most=3)) is False
    assert published(town, keyset) is None
