"""Requests that arrive whole are answered without ASGI between; the answer is the same, to the last byte, as of one in pieces."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
import uvicorn
from packages.mint.tests.test_edge import no_errands
from uvicorn.server import ServerState

from amparo_mint.asgi import MOST_BODY_BYTES, App, Handler, Reply, Request, reply
from amparo_mint.direct import DirectProtocol
from amparo_mint.errors import MintBusy
from amparo_mint.http import protocol_error

Counted = list[tuple[str, int]]


class Watched(DirectProtocol):
    """Says when it is over."""

    def __init__(self, over: asyncio.Event, *given: Any) -> None:
        super().__init__(*given)
        self._over = over

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._over.set()


class Place:
    """An application on a port: what was counted, which of its requests came as ASGI, and uvicorn's state."""

    def __init__(self, handler: Handler, **settings: Any) -> None:
        self.counted: Counted = []
        self.app = App(
            {("POST", "/x"): handler, ("GET", "/x"): handler, ("POST", "/under/*"): handler},
            show=protocol_error,
            lifespan=no_errands,
            observe=lambda route, status, _seconds: self.counted.append((route, status)),
            sockets={},
            **settings,
        )
        self.usual = 0
        # Somebody asked in the usual way; somebody is gone.
        self.asked, self.gone = asyncio.Event(), asyncio.Event()
        self.state = ServerState()

        self.direct = self.app.direct

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The application, as uvicorn asks it."""
        self.usual += 1
        self.asked.set()
        await self.app(scope, receive, send)

    def protocol(self) -> DirectProtocol:
        """A connection's."""
        config = uvicorn.Config(self, http=DirectProtocol, access_log=False, proxy_headers=False, ws="none")
        return Watched(self.gone, config, self.state, {}, asyncio.get_running_loop())


@contextlib.asynccontextmanager
async def open_to(place: Place) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a place."""
    server = await asyncio.get_running_loop().create_server(place.protocol, "127.0.0.1")
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()
        server.close()
        await asyncio.gather(*place.state.tasks, return_exceptions=True)
        for connection in list(place.state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def story(work: Coroutine[Any, Any, None]) -> None:
    """Live a story, which takes no half minute."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await work

    asyncio.run(bounded())


def post(body: bytes, *headers: str, path: str = "/x", version: str = "1.1") -> bytes:
    """A request."""
    lines = [f"POST {path} HTTP/{version}", "host: mint", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def answer(reader: asyncio.StreamReader) -> bytes:
    """One answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def echo(request: Request) -> Reply:
    """The body's length and some of what was asked; words for some bodies."""
    if request.body == b"busy":
        raise MintBusy("Too many requests are waiting.")
    if request.body == b"broken":
        raise RuntimeError("María Pérez")
    said = {"bytes": len(request.body), "path": request.path, "pay": request.header(b"blind-auth")}
    return reply(said)


@pytest.mark.parametrize("body", [b"{}", b"x" * 100_000, b"busy", b"broken"])
def test_a_whole_request_gets_the_same_answer_as_one_in_pieces(body: bytes) -> None:
    async def ask() -> None:
        place = Place(echo)
        async with open_to(place) as (reader, writer):
            request = post(body, "Blind-Auth: abc")
            writer.write(request)
            whole = await answer(reader)
            assert place.usual == 0
            writer.write(request[: -len(body)])
            await place.asked.wait()
            writer.write(body)
            assert await answer(reader) == whole
            assert place.usual == 1
            assert place.counted[0] == place.counted[1]

    story(ask())


def test_a_connection_keeps_nothing_of_a_whole_request_once_it_is_answered() -> None:
    async def ask() -> None:
        place = Place(echo)
        async with open_to(place) as (reader, writer):
            writer.write(post(b"secret"))
            await answer(reader)
            (connection,) = place.state.connections
            assert place.usual == 0
            assert "secret" not in repr(vars(connection))

    story(ask())


def test_a_whole_request_to_a_busy_address_does_not_go_through_asgi_and_others_do() -> None:
    async def ask() -> None:
        place = Place(echo)
        async with open_to(place) as (reader, writer):
            for expected, request in [
                (0, post(b"{}")),
                (1, post(b"{}", path="/under/a")),
                (2, post(b"{}", path="/x?a=b")),
                (3, post(b"{}", path="/%78")),
                (4, b"GET /x HTTP/1.1\r\nhost: mint\r\n\r\n"),
                (5, post(b"{}", path="/nowhere")),
                (5, post(b"{}", "connection: keep-alive")),
            ]:
                writer.write(request)
                await answer(reader)
                assert place.usual == expected, request
        assert [status for _, status in place.counted] == [200, 200, 200, 200, 200, 404, 200]

    story(ask())


def test_requests_that_come_together_are_answered_in_their_order() -> None:
    async def ask() -> None:
        place = Place(echo)
        async with open_to(place) as (reader, writer):
            writer.write(b"".join(post(b"x" * size) for size in range(5)))
            for size in range(5):
                assert b'"bytes":%d,' % size in await answer(reader)

    story(ask())


@pytest.mark.parametrize("request_bytes", [post(b"{}", "connection: close"), post(b"{}", version="1.0")])
def test_whoever_wants_one_answer_gets_it_and_the_end(request_bytes: bytes) -> None:
    async def ask() -> None:
        async with open_to(Place(echo)) as (reader, writer):
            writer.write(request_bytes)
            received = await reader.read()
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nconnection: close\r\n" in received

    story(ask())


def test_whoever_asks_first_whether_to_send_is_told_to_go_on() -> None:
    async def ask() -> None:
        async with open_to(Place(echo)) as (reader, writer):
            writer.write(post(b"{}", "expect: 100-continue"))
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert b'"bytes":2' in await answer(reader)

    story(ask())


def test_limits_of_size_room_and_number_hold_for_whole_requests_too() -> None:
    begun, free = asyncio.Event(), asyncio.Event()

    async def wait(request: Request) -> Reply:
        begun.set()
        await free.wait()
        return reply({"bytes": len(request.body)})

    async def ask() -> None:
        async with open_to(Place(echo)) as (reader, writer):
            writer.write(post(b" " * (MOST_BODY_BYTES + 1)))
            assert (await answer(reader)).startswith(b"HTTP/1.1 413 ")
        async with open_to(Place(echo, most_held=10)) as (reader, writer):
            for size, status in ((10, b"200"), (11, b"503"), (10, b"200")):
                writer.write(post(b" " * size))
                received = await answer(reader)
                assert received.startswith(b"HTTP/1.1 %b " % status)
                assert (b"\r\nretry-after: 2\r\n" in received) == (status == b"503")
        place = Place(wait, most_at_once=1)
        async with open_to(place) as (reader, writer), open_to(place) as (others, other):
            writer.write(post(b"{}"))
            await begun.wait()
            other.write(post(b"{}"))
            assert (await answer(others)).startswith(b"HTTP/1.1 503 ")
            free.set()
            assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")

    story(ask())


def test_a_service_that_stops_finishes_a_whole_request_first() -> None:
    async def ask() -> None:
        begun, free = asyncio.Event(), asyncio.Event()

        async def wait(_request: Request) -> Reply:
            begun.set()
            await free.wait()
            return reply({})

        place = Place(wait)
        async with open_to(place) as (reader, writer):
            writer.write(post(b"{}"))
            await begun.wait()
            (connection,) = place.state.connections
            connection.shutdown()
            assert len(place.state.tasks) == 1
            free.set()
            received = await reader.read()
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nconnection: close\r\n" in received
        assert not place.state.tasks

    story(ask())


def test_a_whole_request_of_somebody_who_went_away_is_carried_out_and_answered_to_nobody() -> None:
    async def ask() -> None:
        begun, free, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def wait(_request: Request) -> Reply:
            begun.set()
            await free.wait()
            done.set()
            return reply({})

        place = Place(wait)
        async with open_to(place) as (_, writer):
            writer.write(post(b"{}"))
            await begun.wait()
            writer.transport.abort()
            await place.gone.wait()
            free.set()
            await done.wait()
        assert place.counted == [("/x", 200)]

    story(ask())


def test_a_service_that_waits_no_longer_ends_the_connection() -> None:
    async def ask() -> None:
        begun = asyncio.Event()

        async def wait(_request: Request) -> Reply:
            begun.set()
            await asyncio.Event().wait()
            return reply({})

        place = Place(wait)
        async with open_to(place) as (reader, writer):
            writer.write(post(b"{}"))
            await begun.wait()
            (task,) = place.state.tasks
            task.cancel()
            assert await reader.read() == b""

    story(ask())
