"""SQLite takes a write-ahead log for that of whatever file lies beside it; the mint does not."""

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from packages.mint.tests.test_store import AMOUNTS, FIRST, FOOD, entry, issue, refusal

from amparo_cashu.errors import AlreadySpent
from amparo_mint.errors import DatabaseTooOld
from amparo_mint.model import Change
from amparo_mint.sqlite_store import SqliteStore
from amparo_mint.store import NewKeyset


@pytest.mark.parametrize(("by_sqlite", "folds"), [(False, False), (False, True), (True, True)])
def test_an_older_copy_under_the_newer_ones_write_ahead_log_is_refused(
    tmp_path: Path, *, by_sqlite: bool, folds: bool
) -> None:
    path, crashed = tmp_path / "mint.sqlite", tmp_path / "crashed"
    copy, log = crashed / "copy.sqlite", crashed / "mint.sqlite-wal"
    crashed.mkdir()

    async def story() -> None:
        store = SqliteStore(path)
        await store.add_keyset(NewKeyset(FIRST, FOOD, "2026-11", None, AMOUNTS))
        await store.activate(FIRST)
        await issue(store, entry("a"), entry("d"))
        await store.tidy()
        if by_sqlite:
            with (
                contextlib.closing(sqlite3.connect(path)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
        else:
            await store.backup(str(copy))
        await store.apply([Change(spend=[entry("a")], issue=[entry("b")])])
        if folds:
            await store.tidy()
        await store.apply([Change(spend=[entry("d")], issue=[entry("e")])])
        # kill -9: the files as they lie there.
        for file in path.parent.iterdir():
            if file.is_file():
                shutil.copy2(file, crashed)
        await store.close()
        # Started as it is, it holds all that was done.
        whole = SqliteStore(shutil.copytree(crashed, tmp_path / "again") / "mint.sqlite")
        assert await refusal(whole, Change(spend=[entry("d")], issue=[entry("f")])) is AlreadySpent
        await whole.close()
        # The copy is put in its place, and the log forgotten.
        shutil.copy2(copy, crashed / "mint.sqlite")
        assert log.stat().st_size
        with pytest.raises(DatabaseTooOld, match="another file's"):
            SqliteStore(crashed / "mint.sqlite")
        log.unlink()
        (crashed / "mint.sqlite-shm").unlink()
        older = SqliteStore(crashed / "mint.sqlite")
        await older.apply([Change(spend=[entry("a")], issue=[entry("g")])])
        # kill -9 before anything was folded: what is left is the copy and its own log.
        copied = tmp_path / "copied"
        copied.mkdir()
        for file in crashed.iterdir():
            shutil.copy2(file, copied)
        await older.close()
        again = SqliteStore(copied / "mint.sqlite")
        assert await refusal(again, Change(spend=[entry("a")], issue=[entry("h")])) is AlreadySpent
        await again.close()

    asyncio.run(story())
