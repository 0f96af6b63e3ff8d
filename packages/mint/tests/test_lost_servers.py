"""What the mint shows and promises while a PostgreSQL server or its synchronous replica is gone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.needed import cannot_run
from tests.servers.postgres import PostgresServer, postgres_server

from amparo_common.ids import DepositId, KeysetId, QuoteId
from amparo_common.money import Unit
from amparo_mint.deciding import Outcome
from amparo_mint.errors import DatabaseAway
from amparo_mint.model import DONE, Change, Deposit, Entry, MeltQuoteRow, MintQuoteRow, Payment
from amparo_mint.postgres_pool import servers
from amparo_mint.postgres_store import PostgresStore
from amparo_mint.store import NewKeyset

FOOD = Unit("food")
KEYSET = KeysetId("01" + "aa" * 32)
QUOTE, DEPOSIT = QuoteId("a" * 32), DepositId("b" * 32)
OUTPUT = b"output".ljust(16, b".")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server whose settings these tests may change."""
    with postgres_server({"fsync": "off"}) as found:
        if found is None:
            cannot_run(
                "PostgreSQL is not installed (Debian: apt install postgresql); losing servers is about nothing else"
            )
        yield found


@pytest.fixture
def address(server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    return server.make_database(f"db{abs(hash(request.node.name))}")


@asynccontextmanager
async def opened(address: str, *, patience: float = 30.0) -> AsyncIterator[PostgresStore]:
    """A store on a database."""
    store = PostgresStore(address, patience=patience)
    await store.open()
    await store.add_keyset(NewKeyset(KEYSET, FOOD, "2026-11", 2_000_000_000, [8]))
    await store.activate(KEYSET)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def watching(address: str) -> AsyncIterator[Any]:
    """The operator's own connection."""
    connection = await asyncpg.connect(address)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def without_replica(operator: Any) -> AsyncIterator[None]:
    """The primary waits for a replica that is not there."""
    await _name_replica(operator, "somewhere")
    try:
        yield
    finally:
        await _name_replica(operator, "")


async def _name_replica(operator: Any, name: str) -> None:
    await operator.execute("SET synchronous_commit = local")
    await operator.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    await operator.execute("SELECT pg_reload_conf()")
    await until(operator, f"SELECT current_setting('synchronous_standby_names') = '{name}'")


async def until(operator: Any, question: str) -> None:
    """Returns when the database says yes."""
    while not await operator.fetchval(question):
        await operator.execute("SELECT pg_sleep(0.02)")


async def issue(store: PostgresStore) -> list[Outcome]:
    """Sign an output for a quote that is paid, and begin a deposit with a token of the same keyset."""
    paid = Payment(QUOTE, 8, FOOD, approved=100, keyset=1)
    return await store.apply(
        [
            Change(new_mint_quote=MintQuoteRow(QUOTE, FOOD, 8, "02" * 33)),
            Change(payment=paid),
            Change(issue=[Entry(OUTPUT, 1, 8)], claims=[(QUOTE, 8)]),
            Change(new_melt_quote=MeltQuoteRow(DEPOSIT, "shop", FOOD, 8)),
            Change(spend=[Entry(b"token".ljust(16, b"."), 1, 8)], deposit=Deposit(DEPOSIT, 8, FOOD, b"request")),
        ]
    )


def test_a_commit_that_no_replica_has_is_shown_to_nobody_and_carried_out_when_the_replica_is_back(address: str) -> None:
    async def story() -> None:
        async with opened(address, patience=1.0) as store, watching(address) as operator:
            async with without_replica(operator):
                with pytest.raises(DatabaseAway):
                    await issue(store)
                assert await store.mint_quotes([QUOTE]) == {}
                assert await store.signed_amounts([(1, OUTPUT)]) == [None]
                # Nobody gets a turn before it: whoever asks again is not told that it was done.
                with pytest.raises(DatabaseAway):
                    await issue(store)
            await until(operator, "SELECT count(*) = 1 FROM mint_quote")
            assert await store.signed_amounts([(1, OUTPUT)]) == [8]

    asyncio.run(story())


def test_what_a_primary_shows_but_no_replica_has_is_neither_restored_nor_booked(address: str) -> None:
    async def story() -> None:
        async with opened(address) as store, watching(address) as operator:
            assert await issue(store) == [DONE] * 5
            # As after a crash of the primary: the rows are there, and no replica has been heard of.
            async with without_replica(operator):
                assert (await store.mint_quotes([QUOTE]))[QUOTE].issued == 8
                with pytest.raises(DatabaseAway):
                    await store.signed_amounts([(1, OUTPUT)])
                with pytest.raises(DatabaseAway):
                    await store.waiting()
            assert await store.signed_amounts([(1, OUTPUT)]) == [8]
            assert [row.id for row in await store.waiting()] == [DEPOSIT]

    asyncio.run(story())


def test_a_server_that_never_answers_does_not_use_up_the_time_of_the_next_one(
    server: PostgresServer, address: str
) -> None:
    async def story(both: str) -> None:
        async with opened(both) as store:
            assert await issue(store) == [DONE] * 5

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(story(address.replace("127.0.0.1:", f"127.0.0.1:{silent.getsockname()[1]},127.0.0.1:")))


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("postgresql:///mint?host=/run/postgresql", ["postgresql:///mint?host=/run/postgresql"]),
        ("postgresql://amparo@here:1/mint", ["postgresql://amparo@here:1/mint"]),
        (
            "postgresql://amparo:p%40ss@here:1,there:2/mint?target_session_attrs=read-write",
            [
                "postgresql://amparo:p%40ss@here:1/mint?target_session_attrs=read-write",
                "postgresql://amparo:p%40ss@there:2/mint?target_session_attrs=read-write",
            ],
        ),
    ],
)
def test_each_server_of_an_address_has_its_own(address: str, found: list[str]) -> None:
    assert servers(address) == found
