"""PostgreSQL at every one of its own writes, into files and to the mint: killed before it, killed half-way through it, or refused
from there on by a full or a broken disk. Whatever becomes of the request, a token is neither lost nor doubled.

The points are the server's, all its processes together (`points.py`); it mends itself from its log, or is started again. The mint
is unchanged and not told.
"""

import asyncio
import errno
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from tests.faults.mint.asking import ask_once, code_of
from tests.faults.mint.points import Mode, Points, summary
from tests.faults.mint.stories import AskQuote, Claim, CloseKeyset, Deposit, Life, MakeKeyset, Pay, Story, Swap, live
from tests.faults.mint.town import UNITS, Country
from tests.faults.mint.wallet import check_book, check_sums
from tests.needed import cannot_run
from tests.servers.postgres import PostgresServer, find_postgres, postgres_folder

pytestmark = pytest.mark.faults

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
# What a mint says while its database mends itself, or has no room.
CODES = {"mint.database_away", "service.cannot_store"}
FAR_TOO_MANY = 500
# Only what a request writes: nothing by the clock.
SETTINGS = {
    "autovacuum": "off",
    "bgwriter_lru_maxpages": "0",
    "checkpoint_timeout": "1h",
    "wal_writer_delay": "10s",
}


class Fragile(msgspec.Struct):
    """A server with its write points."""

    server: PostgresServer
    points: Points


@pytest.fixture
def fragile() -> Iterator[Fragile]:
    """A PostgreSQL server whose writes are counted."""
    programs = find_postgres()
    if programs is None:
        cannot_run("PostgreSQL is not installed (Debian: apt install postgresql)")
    with postgres_folder() as folder:
        server = PostgresServer(programs, folder)
        points = Points(folder, user="postgres" if os.getuid() == 0 else None)
        server.environment = points.environment
        server.start(**SETTINGS)
        try:
            yield Fragile(server, points)
        finally:
            points.disarm()
            server.stop("immediate")


async def hurt_everywhere(
    life: Life, fragile: Fragile, story: Story, mode: Mode, error: int
) -> tuple[list[str], Counter[str]]:
    """Tell a story until nothing happens to the database: where something happened, and the mint's first answers."""
    hurt: list[str] = []
    codes: Counter[str] = Counter()
    for at in range(1, FAR_TOO_MANY):
        request = await story.prepare(life)
        fragile.points.arm(mode, at, error=error)
        first = await ask_once(life.town.port, request)
        passed = fragile.points.disarm() < at
        if not passed:
            hurt.append(fragile.points.last())
            await asyncio.to_thread(fragile.server.bring_back)
        codes[code_of(first)] += 1
        again = await life.line.insist(request)
        if first.status == 200 and story.same:
            assert again.body == first.body
        await story.check(life, again)
        await check_sums(life.town, list(life.wallets.values()))
        if passed:
            return hurt, codes
    raise AssertionError("the story does not end")


@pytest.mark.parametrize(
    ("mode", "error"),
    [("kill", 0), ("tear", 0), ("refuse", errno.ENOSPC), ("refuse", errno.EIO)],
    ids=["killed", "half-way", "full", "broken"],
)
def test_a_database_hurt_at_each_of_its_writes_loses_and_doubles_nothing(
    country: Country, fragile: Fragile, mode: Mode, error: int
) -> None:
    async def turn(life: Life) -> tuple[list[str], Counter[str]]:
        hurt: list[str] = []
        codes: Counter[str] = Counter()
        for story in (AskQuote(), Pay(), Claim(), Swap(), Deposit(), MakeKeyset(), CloseKeyset()):
            where, said = await hurt_everywhere(life, fragile, story, mode, error)
            print(f"{type(story).__name__} ({mode}): {len(where)} times: {summary(where)}")
            hurt, codes = hurt + where, codes + said
        await check_book(life.town, list(life.wallets.values()), life.line)
        return hurt, codes

    with country.town(fragile.server.make_database("mint"), clock=NOON) as town:
        hurt, codes = live(town, turn, UNITS)
    print(f"PostgreSQL ({mode}) at {len(hurt)} of its writes: first answers {dict(codes)}; tokens lost: 0, doubled: 0")
    assert set(codes) <= CODES | {"200"}
    assert len(hurt) > 14
