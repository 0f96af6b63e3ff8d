"""A database, a signer or a log that stops under load and comes back: requests wait or get 503, none is lost, none is refused."""

import asyncio
from collections.abc import Callable

import pytest
from tests.faults.mint.load import Load, Seen
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import Country
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.faults

WALLETS, SEED = 16, 3
SHORT, LONG = 5.0, 22.0
"""Seconds: within the mint's patience with its signer, and beyond it."""


async def without(life: Life, stop: Callable[[], None], start: Callable[[], None], seconds: float) -> Seen:
    """Swap while something is away for so long; raises `AssertionError` unless every token is accounted for."""
    load = Load(life, WALLETS, SEED)
    await load.fill()
    async with load.running():
        await load.swapped_again(50)
        await asyncio.to_thread(stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(start)
        await load.swapped_again(100)
    seen = load.seen
    assert not seen.refused
    assert await load.check() == (0, 0)
    print(
        f"away for {seconds:.0f} s: longest gap {seen.gap:.1f} s, {seen.swaps} swaps done, unclear"
        f" {dict(seen.unclear_codes)}, tokens lost: 0, doubled: 0"
    )
    return seen


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_while_postgres_is_away_swaps_wait_and_none_is_lost(
    country: Country, own_postgres: PostgresServer, mode: str
) -> None:
    with country.town(own_postgres.make_database("mint"), mints=2) as town:
        seen = live(
            town,
            lambda life: without(life, lambda: own_postgres.stop(mode), own_postgres.start, SHORT),
            prove=False,
        )
    assert set(seen.unclear_codes) <= {"mint.database_away"}


def test_while_the_signer_is_away_for_a_short_time_swaps_only_wait(country: Country, database: str) -> None:
    with country.town(database) as town:
        seen = live(town, lambda life: without(life, town.signer.stop, town.signer.start, SHORT), prove=False)
    assert not seen.unclear_codes


def test_while_the_signer_is_away_for_long_swaps_get_503(country: Country, database: str) -> None:
    with country.town(database) as town:
        seen = live(town, lambda life: without(life, town.signer.stop, town.signer.start, LONG), prove=False)
    assert set(seen.unclear_codes) == {"signer.unreachable"}


def test_while_the_log_is_away_swaps_go_on_and_a_mint_that_starts_says_what_is_missing(
    country: Country, database: str
) -> None:
    """It starts only once the log answers: what it published itself tells it whether its database is an old one."""
    with country.town(database) as town:
        seen = live(town, lambda life: without(life, town.log.stop, town.log.start, SHORT), prove=False)
        assert not seen.unclear_codes
        assert seen.gap < SHORT / 2
        town.log.stop()
        town.mint.stop()
        town.mint.start(wait=False)
        assert not town.mint.comes_up()
        town.mint.end()
        assert "service.unreachable" in town.mint.words()
        town.log.start()
        town.mint.start()
