"""A disk that takes nothing more: requests that would change something get 503 with a clear code and are carried out once there is
room again; what only reads goes on; nothing is half-written.
"""

import asyncio
import contextlib
import errno
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.faults.mint.asking import ask_once, code_of
from tests.faults.mint.load import Load
from tests.faults.mint.points import Points
from tests.faults.mint.stories import (
    Backup,
    Claim,
    ClaimAll,
    CloseKeyset,
    Deposit,
    Life,
    MakeKeyset,
    Pay,
    Publish,
    Story,
    Swap,
    live,
    lives,
)
from tests.faults.mint.town import UNITS, Country, get
from tests.faults.mint.wallet import check_book, check_sums
from tests.needed import cannot_run
from tests.servers.postgres import PostgresServer, find_postgres, postgres_folder

pytestmark = pytest.mark.faults

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SIZE, POSTGRES_SIZE, WALLETS, SEED = 4 << 20, 96 << 20, 8, 7
FAR_TOO_MANY = 500
CODES = {"service.cannot_store", "signer.cannot_keep"}


@contextlib.contextmanager
def small_disk(folder: Path, size: int = SIZE) -> Iterator[None]:
    """A file system of its own, of a few MiB, at a folder. Skips the test where this user may not mount one; in CI he may."""
    owner = folder.stat()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        cannot_run(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def on_small(disks: contextlib.ExitStack) -> Callable[[Path], None]:
    """Gives a folder a small disk of its own, until the stack is closed."""
    return lambda folder: disks.enter_context(small_disk(folder))


async def swaps_on_a_full_disk(life: Life, disk: Path, mend: Callable[[], None] = lambda: None) -> None:
    """Swap, fill the disk, make room again and mend, three times; raises `AssertionError` unless all is as it should be."""
    load = Load(life, WALLETS, SEED)
    await load.fill()
    async with load.running():
        for _ in range(3):
            await load.swapped_again(20)
            filler = await asyncio.to_thread(fill_up, disk)
            await load.unclear_again(80)
            for path in ("/v1/keys", "/v1/keysets", "/v1/info", "/health", "/ready"):
                assert (await ask_once(life.town.port, get(path))).status == 200
            wallet = load.swappers[0].wallet
            assert set(await wallet.states(life.line, wallet.spent)) == {"SPENT"}
            filler.unlink()
            await asyncio.to_thread(mend)
        await load.swapped_again(20)
    seen = load.seen
    assert not seen.refused
    assert await load.check() == (0, 0)
    assert set(seen.unclear_codes) == {"service.cannot_store"}
    print(f"full disk: {seen.unclear} requests got 503, {seen.swaps} swaps done, tokens lost: 0, doubled: 0")


def test_on_a_full_disk_swaps_get_503_and_go_on_when_there_is_room_again(country: Country) -> None:
    with contextlib.ExitStack() as disk, country.town(prepare=on_small(disk)) as town:
        live(town, lambda life: swaps_on_a_full_disk(life, town.data), prove=False)


@pytest.fixture
def small_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server on a small disk."""
    programs = find_postgres()
    if programs is None:
        cannot_run("PostgreSQL is not installed (Debian: apt install postgresql)")
    with postgres_folder() as folder, small_disk(folder, POSTGRES_SIZE):
        server = PostgresServer(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def test_on_a_full_disk_of_postgres_swaps_get_503_and_go_on_when_there_is_room_again(
    country: Country, small_postgres: PostgresServer
) -> None:
    def mend() -> None:
        # It ends itself when it has no room for its log, and says that it runs when it does.
        with contextlib.suppress(RuntimeError):
            small_postgres.start()

    with country.town(small_postgres.make_database("mint"), mints=2) as town:
        live(town, lambda life: swaps_on_a_full_disk(life, small_postgres.folder, mend), prove=False)


async def refused_everywhere(life: Life, points: Points, error: int) -> Counter[str]:
    """Let every write from the n-th on fail while a story is told, for each n; the codes of the refusals."""
    codes: Counter[str] = Counter()
    for story in (Pay(), Claim(), ClaimAll(), Swap(), Deposit(), MakeKeyset(), CloseKeyset(), Publish(), Backup()):
        for at in range(1, FAR_TOO_MANY):
            request = await story.prepare(life)
            points.arm("refuse", at, error=error)
            answer = await ask_once(life.town.port, request)
            passed = points.disarm() < at
            codes[code_of(answer)] += 1
            await story.check(life, await life.line.insist(request))
            await check_sums(life.town, list(life.wallets.values()))
            if passed:
                break
    await check_book(life.town, list(life.wallets.values()), life.line)
    return codes


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_a_write_that_the_disk_refuses_changes_nothing_whichever_it_is(
    country: Country, tmp_path: Path, error: int
) -> None:
    """The mint's own; those of PostgreSQL stand in `test_database_dies.py`."""
    points = Points(tmp_path)
    with country.town(clock=NOON, environment=points.environment) as town:
        codes = live(town, lambda life: refused_everywhere(life, points, error), UNITS)
    print(f"refused writes ({errno.errorcode[error]}): {dict(codes)}")
    assert set(codes) <= CODES | {"200"}
    assert codes["service.cannot_store"] > 20


def test_a_keyset_that_the_signer_cannot_keep_is_made_when_there_is_room_again(
    country: Country, tmp_path: Path, database: str
) -> None:
    points = Points(tmp_path)

    async def turn(life: Life) -> Counter[str]:
        codes: Counter[str] = Counter()
        story: Story = MakeKeyset()
        for at in range(1, FAR_TOO_MANY):
            request = await story.prepare(life)
            points.arm("refuse", at, error=errno.ENOSPC)
            codes[code_of(await ask_once(life.town.port, request))] += 1
            passed = points.disarm() < at
            await story.check(life, await life.line.insist(request))
            if passed:
                break
        return codes

    with country.town(database, signer_environment=points.environment) as town:
        codes = live(town, turn, UNITS)
    assert set(codes) == {"signer.cannot_keep", "200"}


def test_a_mint_that_starts_on_a_full_disk_says_so_and_starts_when_there_is_room(country: Country) -> None:
    with contextlib.ExitStack() as disk, country.town(started=False, prepare=on_small(disk)) as town:
        town.signer.start()
        filler = fill_up(town.data)
        town.mint.start(wait=False)
        assert not town.mint.comes_up()
        town.mint.end()
        assert "service.cannot_store" in town.mint.words()
        filler.unlink()
        town.mint.start()
        live(town, lives)
