"""Fifty random kills under load, of the mint, its signer and its database: in the end every token is accounted for."""

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest
from tests.faults.mint.load import Load
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import Country, Program
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.faults

KILLS, WALLETS, SEED = 50, 16, 20261101
Blow = Callable[[], None]


def kill(program: Program) -> Blow:
    """The program dies and is started again."""

    def blow() -> None:
        program.kill()
        program.start()

    return blow


def power_cut(server: PostgresServer) -> Blow:
    """The database stops without a word and comes back."""

    def blow() -> None:
        server.stop("immediate")
        server.start()

    return blow


async def kills(life: Life, blows: Sequence[Blow]) -> None:
    """Swap under blows; raises `AssertionError` unless every token is accounted for."""
    dice = random.Random(SEED)
    load = Load(life, WALLETS, SEED)
    await load.fill()
    async with load.running():
        for number in range(KILLS):
            await load.busy(dice)
            # Each of them in turn, at a moment that nobody chose.
            await asyncio.to_thread(blows[number % len(blows)])
        await load.busy(dice)
    seen = load.seen
    assert not seen.refused
    lost, doubled = await load.check()
    print(
        f"{KILLS} kills survived, {seen.swaps} swaps done, {seen.unclear} unclear answers {dict(seen.unclear_codes)},"
        f" longest gap {seen.gap:.1f} s, tokens lost: {lost}, doubled: {doubled}"
    )
    assert (lost, doubled) == (0, 0)
    assert seen.unclear > 0


def test_fifty_random_kills_of_mint_and_signer_lose_and_double_nothing(country: Country) -> None:
    with country.town() as town:
        blows = [kill(town.mint), kill(town.signer), kill(town.mint)]
        live(town, lambda life: kills(life, blows), prove=False)


def test_fifty_random_kills_of_two_mints_signer_and_postgres_lose_and_double_nothing(
    country: Country, own_postgres: PostgresServer
) -> None:
    with country.town(own_postgres.make_database("mint"), mints=2) as town:
        blows = [kill(town.mints[0]), power_cut(own_postgres), kill(town.signer), kill(town.mints[1])]
        live(town, lambda life: kills(life, blows), prove=False)
