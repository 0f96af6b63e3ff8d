"""Connections to PostgreSQL that get over the loss of a server without showing or promising what may be lost with it.

Each of the servers that an address names is tried in a time of its own: one whose machine is gone answers nothing at all, and must
not use up the time of the one that took its place. When a server has not answered in time, no other connection to it is trusted.

Where PostgreSQL waits for a synchronous replica, a commit whose wait is cancelled is carried out and shown by the primary although
no replica has it; so does one that crashed in that moment, when it is back. So a commit is never cancelled here (the driver's own
time limit would), only given up; and what others may build on is told when the replica has it (`on_replica`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

# What the driver raises when the database stops, starts, or hands over to another one. InternalClientError: also when none of the
# named servers takes writes at this moment.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)

PATIENCE_SECONDS = 30.0
_SERVER_SECONDS = 3.0
_RETRY_SECONDS = 10.0
_PAUSE_SECONDS = 0.25
# The driver takes no "never".
_A_DAY = 86_400.0
_SETTINGS = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "10000",
    # Shorter than our patience: whoever was given up must not go on waiting for his turn, and hold a connection.
    "lock_timeout": "20000",
    # A plan that was made while a table was empty is kept when it is not any more: it must not read the whole table. Without the
    # second setting such plans, which look dear, would be compiled.
    "enable_seqscan": "off",
    "jit": "off",
}


def servers(address: str) -> list[str]:
    """The address of each server that an address names."""
    parts = urlsplit(address)
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [address]
    return [urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(",")]


class PostgresPool:
    """A few connections to the server, among those that the address names, that takes writes. A statement or a commit that takes
    longer than `patience` (seconds) is given up."""

    def __init__(self, address: str, *, patience: float = PATIENCE_SECONDS) -> None:
        self._address = address
        # The one that answered last comes first.
        self._servers = servers(address)
        self._patience = patience
        self._pool: Any = None
        # Whether the server left something unanswered: then a connection is tried before it is given out.
        self._doubted = False

    async def open(self) -> None:
        """Connect. Raises one of `AWAY`."""
        self._pool = await asyncpg.create_pool(
            self._address,
            min_size=0,
            max_size=6,
            connect=self._connect,
            command_timeout=self._patience,
            server_settings=_SETTINGS,
        )
        await self._pool.release(await self._pool.acquire())

    async def close(self) -> None:
        """Finish what runs and close."""
        await self._pool.close()

    async def _connect(self, _address: str, **options: Any) -> Any:
        for at, server in enumerate(self._servers):
            try:
                connection = await _connect_one(server, options)
            except AWAY:
                if at == len(self._servers) - 1:
                    raise
                continue
            self._servers = [server, *(each for each in self._servers if each != server)]
            return connection
        raise AssertionError("an address names a server")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection; patient while a database starts again or another one takes its place. Raises one of `AWAY`."""
        connection = await self._acquire()
        try:
            yield connection
        except TimeoutError:
            self._give_up(connection)
            raise
        finally:
            await self._pool.release(connection)

    async def _acquire(self) -> Any:
        clock = asyncio.get_running_loop().time
        end = clock() + _RETRY_SECONDS
        while True:
            try:
                connection = await self._pool.acquire()
                if self._doubted:
                    await self._try(connection)
                return connection
            except AWAY:
                if clock() > end:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _try(self, connection: Any) -> None:
        try:
            await connection.execute("SELECT 1", timeout=_SERVER_SECONDS)
        except AWAY:
            # The others to this server would each be waited for.
            await self._pool.expire_connections()
            connection.terminate()
            await self._pool.release(connection)
            raise
        finally:
            self._doubted = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection in a transaction, committed at the end. Raises one of `AWAY`: whether it was carried out is then unknown."""
        async with self.connection() as connection:
            await connection.execute("BEGIN")
            try:
                yield connection
            except TimeoutError:
                raise  # the connection is given up, and with it the transaction
            except (
                BaseException
            ):  # whatever happened, also a cancelled task: the next user must not find this transaction open
                await connection.execute("ROLLBACK")
                raise
            await self._commit(connection)

    async def on_replica(self, connection: Any) -> None:
        """Returns when the synchronous replica, where there is one, has all that this connection was shown. Raises one of
        `AWAY`."""
        try:
            # A commit of nothing waits for everything before it.
            await connection.execute("SELECT pg_logical_emit_message(true, 'amparo', '')", timeout=_SERVER_SECONDS)
        except TimeoutError as error:
            # Not a TimeoutError: the server itself answers, and its connection stays.
            raise ConnectionError("no replica") from error

    async def _commit(self, connection: Any) -> None:
        commit = asyncio.ensure_future(connection.execute("COMMIT", timeout=_A_DAY))
        try:
            await asyncio.wait({commit}, timeout=self._patience)
        finally:
            if not commit.done():
                # Whoever stops the mint meanwhile waits for no answer.
                commit.add_done_callback(lambda done: done.cancelled() or done.exception())
                self._give_up(connection)
        await commit

    def _give_up(self, connection: Any) -> None:
        self._doubted = True
        connection.terminate()


async def _connect_one(server: str, options: dict[str, Any]) -> Any:
    connection = await asyncpg.connect(server, timeout=_SERVER_SECONDS, **options)
    async with AsyncExitStack() as unless_ready:
        unless_ready.push_async_callback(connection.close, timeout=_SERVER_SECONDS)
        # Hashes travel as their 16 bytes.
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
        unless_ready.pop_all()
    return connection
