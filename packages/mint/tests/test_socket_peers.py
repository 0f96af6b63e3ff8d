"""The websocket and peers that do what no client library does: too slow, silent, without end; also behind the real server."""

import asyncio
import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from packages.mint.tests.test_sockets import POINT, QUICK, frame
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from amparo_mint.asgi import App, Request
from amparo_mint.http import protocol_error
from amparo_mint.socket_protocol import DroppingProtocol
from amparo_mint.sockets import (
    FAILED,
    GOING_AWAY,
    MISUSED,
    RESTARTING,
    SOCKET_PATH,
    UNREADABLE,
    Kind,
    Sockets,
    SocketSettings,
    kinds_of,
)
from amparo_service.errors import CannotStore
from amparo_service.serve import MOST_FRAME_BYTES

# --- without a server: a peer that does what no client library does -------------------------------------------


class Peer:
    """The other side of one connection: frames to send, and what was heard. Its reading can be stopped."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.inbox.put_nowait({"type": "websocket.connect"})

    def say(self, text: str) -> None:
        """Send a frame."""
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        """Close the connection."""
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def send(self, message: Any) -> None:
        """What the mint sends."""
        await self.reads.wait()
        self.heard.put_nowait(message)

    async def hear(self) -> Any:
        """The next frame's JSON."""
        message = await self.heard.get()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def hear_end(self) -> int:
        """The code with which the mint closes; frames before it are passed over."""
        while (message := await self.heard.get())["type"] != "websocket.close":
            pass
        return int(message["code"])


async def nobody_is_kept_out(_request: Request) -> None:
    """Admits everyone."""


def still(state: bytes = b'{"state":"UNSPENT"}') -> dict[str, Kind]:
    """One kind, of things that never change."""

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        return dict.fromkeys(filters, state)

    return {"proof_state": kind_of(look)}


def kind_of(look: Callable[[Sequence[str]], Coroutine[Any, Any, dict[str, bytes]]]) -> Kind:
    """Proof states, looked up in this way."""
    spelling = next(iter(kinds_of_nothing().values())).spelling
    return Kind(spelling, 500, look)


def kinds_of_nothing() -> dict[str, Kind]:
    """The mint's kinds, of which only the spelling is used."""
    found = kinds_of(None, None)  # type: ignore[arg-type] # never looked up
    return {"proof_state": found["proof_state"]}


@contextlib.asynccontextmanager
async def served(
    kinds: dict[str, Kind], settings: SocketSettings = QUICK
) -> AsyncIterator[tuple[Peer, Sockets, "asyncio.Task[None]"]]:
    """A peer that is connected."""
    sockets = Sockets(settings, kinds, admit=nobody_is_kept_out, show=protocol_error)
    peer = Peer()
    task = asyncio.create_task(sockets({"path": SOCKET_PATH, "headers": []}, peer.inbox.get, peer.send))
    async with asyncio.timeout(20):
        assert await peer.heard.get() == {"type": "websocket.accept"}
        yield peer, sockets, task
        await task


ASKED = json.dumps(frame(kind="proof_state", subId="mine", filters=[POINT]))


def test_a_reader_that_is_too_slow_is_dropped() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(look_seconds=0.02, send_seconds=0.05)) as (peer, sockets, task):
            peer.reads.clear()
            peer.say(ASKED)
            await task
            assert peer.heard.empty()
            # Its places are free, and nobody waits for it.
            await sockets.close()

    asyncio.run(scenario())


def test_a_connection_on_which_nothing_happens_ends() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(look_seconds=0.01, idle_seconds=0.1)) as (peer, _, _):
            peer.say(ASKED)
            assert await peer.hear_end() == GOING_AWAY

    asyncio.run(scenario())


def test_a_connection_that_only_sends_nonsense_ends() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(faults=3)) as (peer, _, _):
            for _ in range(4):
                peer.say("nonsense")
            assert [(await peer.hear())["error"]["code"] for _ in range(4)] == [UNREADABLE] * 4
            assert await peer.hear_end() == MISUSED

    asyncio.run(scenario())


def test_a_connection_that_sends_without_end_ends() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(frames=10)) as (peer, _, _):
            for place in range(20):
                peer.say(json.dumps(frame(kind="proof_state", subId=str(place), filters=[POINT])))
            assert await peer.hear_end() == MISUSED

    asyncio.run(scenario())


def test_every_kind_is_looked_up_in_one_question_and_not_too_often() -> None:
    """However many frames come, two looks are apart as long as the settings say, and one asks for all filters together."""
    moments: list[float] = []
    seen: asyncio.Queue[list[str]] = asyncio.Queue()

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        moments.append(asyncio.get_running_loop().time())
        seen.put_nowait(list(filters))
        return {}

    async def scenario() -> None:
        async with served({"proof_state": kind_of(look)}, SocketSettings(look_seconds=0.05)) as (peer, _, _):
            wanted = [f"02{place:064x}" for place in range(30)]
            for place, point in enumerate(wanted):
                peer.say(json.dumps(frame(number=place, kind="proof_state", subId=point, filters=[point])))
            for _ in wanted:
                assert (await peer.hear())["result"]
            while (await seen.get()) != wanted:
                pass
            # Two more come by themselves.
            await seen.get()
            await seen.get()
            peer.leave()

    asyncio.run(scenario())
    assert all(later - earlier >= 0.05 for earlier, later in itertools.pairwise(moments))
    assert len(moments) < 30


def test_while_the_database_is_away_nothing_is_told_and_nothing_is_lost() -> None:
    answers: list[Any] = [CannotStore("away"), CannotStore("away"), b'{"state":"UNSPENT"}', b'{"state":"SPENT"}']

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, CannotStore):
            raise found
        return dict.fromkeys(filters, found)

    async def scenario() -> None:
        async with served({"proof_state": kind_of(look)}) as (peer, _, _):
            peer.say(ASKED)
            assert (await peer.hear())["result"]["status"] == "OK"
            assert [(await peer.hear())["params"]["payload"]["state"] for _ in range(2)] == ["UNSPENT", "SPENT"]
            peer.leave()

    asyncio.run(scenario())


def test_an_unexpected_error_ends_the_connection_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        raise RuntimeError(f"María Pérez {filters}")

    async def scenario() -> None:
        async with served({"proof_state": kind_of(look)}) as (peer, _, _):
            peer.say(ASKED)
            assert await peer.hear_end() == FAILED

    asyncio.run(scenario())
    assert caplog.messages == ["unexpected RuntimeError"]


def test_a_stop_ends_every_connection_and_takes_no_other() -> None:
    async def scenario() -> None:
        async with served(still()) as (peer, sockets, task):
            peer.say(ASKED)
            assert (await peer.hear())["result"]
            await sockets.close()
            assert task.done()
            assert await peer.hear_end() == RESTARTING
            late = Peer()
            await sockets({"path": SOCKET_PATH, "headers": []}, late.inbox.get, late.send)
            assert await late.heard.get() == {"type": "websocket.close", "code": MISUSED}

    asyncio.run(scenario())


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_frames = st.one_of(
    st.text(max_size=40),
    _values.map(json.dumps),
    st.fixed_dictionaries(
        {"jsonrpc": st.sampled_from(["2.0", "1.0", 2]), "id": _values | st.integers(min_value=2**200)},
        optional={"method": st.sampled_from(["subscribe", "unsubscribe", "x", 1]), "params": _values},
    ).map(json.dumps),
)


@given(_frames)
def test_whatever_a_wallet_sends_is_answered_and_the_connection_goes_on(sent: str) -> None:
    async def scenario() -> None:
        async with served(still()) as (peer, _, _):
            peer.say(sent)
            assert {"result", "error"} & set(await peer.hear())
            peer.say(ASKED)
            assert (await peer.hear())["result"]["subId"] == "mine"
            assert (await peer.hear())["params"]["payload"] == {"state": "UNSPENT"}
            peer.leave()

    asyncio.run(scenario())


# --- behind the real server -------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(sockets: Sockets) -> Iterator[tuple[str, uvicorn.Server]]:
    """A server as the mint runs it, on a free port; its address."""

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        yield
        await sockets.close()

    app = App({}, show=protocol_error, lifespan=lifespan, observe=lambda *_: None, sockets={SOCKET_PATH: sockets})
    config = uvicorn.Config(
        app,
        port=0,
        ws=DroppingProtocol,
        ws_max_size=MOST_FRAME_BYTES,
        ws_per_message_deflate=False,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}{SOCKET_PATH}", server
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def end_of(session: ClientConnection) -> int:
    """The code with which the other side closes; frames before it are passed over."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            session.recv(timeout=20)
    assert session.close_code is not None
    return session.close_code


def test_a_real_client_is_served_and_told_of_the_end() -> None:
    sockets = Sockets(QUICK, still(), admit=nobody_is_kept_out, show=protocol_error)
    with running(sockets) as (address, server), connect(address, compression=None) as session:
        session.send(ASKED)
        assert json.loads(session.recv(timeout=20))["result"]["status"] == "OK"
        assert json.loads(session.recv(timeout=20))["params"]["payload"] == {"state": "UNSPENT"}
        server.should_exit = True
        assert end_of(session) == RESTARTING


def test_a_frame_that_is_too_large_ends_the_connection() -> None:
    sockets = Sockets(QUICK, still(), admit=nobody_is_kept_out, show=protocol_error)
    with running(sockets) as (address, _), connect(address) as session:
        assert session.protocol.extensions == []
        session.send(" " * (MOST_FRAME_BYTES + 1))
        assert end_of(session) == 1009


def test_a_client_that_reads_nothing_loses_its_connection() -> None:
    """Its answers fill the buffers of both machines, and then the mint lets go."""
    big = b'{"state":"' + b"x" * 60_000 + b'"}'
    changes = iter(range(10**9))

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        return {each: big[:-2] + str(next(changes)).encode() + b'"}' for each in filters}

    settings = SocketSettings(look_seconds=0.001, send_seconds=0.2)
    served_there = Sockets(settings, {"proof_state": kind_of(look)}, admit=nobody_is_kept_out, show=protocol_error)
    asked = json.dumps(frame(kind="proof_state", subId="mine", filters=[f"02{at:064x}" for at in range(500)])).encode()
    with running(served_there) as (address, server):
        port = int(address.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                f"GET {SOCKET_PATH} HTTP/1.1\r\nHost: mint\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert b" 101 " in client.recv(1_000)
            # A text frame under a mask of zeros. From here on nothing is read.
            client.sendall(b"\x81\xfe" + len(asked).to_bytes(2, "big") + bytes(4) + asked)
            for _ in range(600):
                if not server.server_state.connections:
                    break
                time.sleep(0.05)
            assert not server.server_state.connections
