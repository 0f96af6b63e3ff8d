"""Runs one service as a process: arguments, port, graceful stop, one clear sentence when it cannot start."""

import argparse
import asyncio
import logging
import os
import resource
import socket
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
import uvicorn
from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from amparo_common.errors import AmparoError
from amparo_service.errors import CannotStore, PortTaken
from amparo_service.keys import replace_file
from amparo_service.process import keep_what_is_loaded, work_in_batches

# From the first byte of a request to the end of its head, and from there to the end of its body.
HEAD_SECONDS = 10.0
BODY_SECONDS = 120.0
MOST_HEAD_BYTES = 65_536
MOST_WAITING = 64
BACKLOG = 1024
# About 6 KiB of memory each.
MOST_CONNECTIONS = 16_384
MOST_FILES = 20_000
# A frame of a websocket, whole.
MOST_FRAME_BYTES = 65_536


class ServiceArguments(msgspec.Struct, frozen=True):
    """What every service is started with."""

    data: Path
    host: str
    port: int
    practice_clock: Path | None
    attached: bool = False


def parse_arguments(name: str, description: str) -> tuple[ServiceArguments, bool]:
    """The command line of a service: its arguments, and whether only its public keys are asked for (`--keys`)."""
    parser = argparse.ArgumentParser(prog=f"python -m amparo_{name}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of this service: database, keys, config.json")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--practice-clock", type=Path, help="read the time from this file (demo only; health says so)")
    parser.add_argument("--attached", action="store_true", help="stop when standard input closes (its starter is gone)")
    parser.add_argument("--keys", action="store_true", help="make the keys if needed, print the public ones, exit")
    given = parser.parse_args()
    return (
        ServiceArguments(given.data, given.host, given.port, given.practice_clock, given.attached),
        given.keys,
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 chooses a free one. Raises `PortTaken`."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Listening at once takes the port for good: two services starting together cannot both get it.
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortTaken(f"Cannot listen on {host}:{port}.") from error
    return listener


class PunctualProtocol(HttpToolsProtocol):
    """Cuts off who sends or reads too slowly or too much, so that nobody holds a place for ever or fills the memory: a head takes
    `HEAD_SECONDS` and `MOST_HEAD_BYTES` at most, a body and the reading of an answer `BODY_SECONDS`; `MOST_WAITING` requests may
    wait behind one that is answered. When there are more than `most_connections`, whoever has waited longest without sending a
    whole head gives way to the newest. What arrives whole in one piece is timed by nothing."""

    most_connections: ClassVar[int] = MOST_CONNECTIONS
    # Connections whose head is awaited, oldest first. Used by the one event loop of the process.
    _waiting: ClassVar[dict["PunctualProtocol", None]] = {}

    # What is awaited now.
    _awaits: Literal["head", "body", "nothing"] = "nothing"
    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _heads = 0
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own signature
        """A connection: its first head is awaited from now on."""
        super().connection_made(transport)
        self._awaits = "head"
        self._expect()
        if len(self.connections) > self.most_connections:
            next(iter(self._waiting)).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Some bytes. Those in which a head begins are not counted: they may hold the requests before it."""
        heads, awaited = self._heads, self._awaits
        super().data_received(data)
        if heads != self._heads or awaited != self._awaits:
            self._expect()
        elif awaited == "head":
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._heads += 1
        self._head_bytes = 0
        self._awaits = "head"

    def on_headers_complete(self) -> None:
        """The head is whole: the body is awaited."""
        if len(self.pipeline) >= MOST_WAITING:
            raise HttpParserError("Too many requests at once.")  # answered with 400, and the connection is closed
        self._awaits = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._awaits = "nothing"
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes over."""
        self._forget()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """More was sent than the other side reads."""
        super().pause_writing()
        self._unread = self.loop.call_later(BODY_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        self._awaits = "nothing"
        self._expect()
        if self._unread is not None:
            self._unread.cancel()

    def _expect(self) -> None:
        """Let what is awaited now be late after its time, from now on."""
        self._waiting.pop(self, None)
        if self._awaits == "head":
            self._waiting[self] = None
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if self._awaits != "nothing":
            seconds = HEAD_SECONDS if self._awaits == "head" else BODY_SECONDS
            self._late = self.loop.call_later(seconds, self.transport.close)


def make_room() -> int:
    """Let this process open as many files as it may; how many connections that leaves room for, and for some that come at once."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return min(MOST_CONNECTIONS, max(most // 2, most - 2 * BACKLOG))


def run_service(
    app: Any,
    arguments: ServiceArguments,
    *,
    http: type[PunctualProtocol] = PunctualProtocol,
    websockets: type[asyncio.Protocol] | None = None,
) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT. The chosen address is written to `address` in the data folder.
    `websockets` is uvicorn's protocol for them, when the application takes any."""
    work_in_batches()
    keep_what_is_loaded()
    PunctualProtocol.most_connections = make_room()
    listener = bind(arguments.host, arguments.port)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    replace_file(arguments.data / "address", f"http://{shown}:{port}".encode())
    # An unexpected error's traceback could hold a person's data; its type alone is logged, by `http.make_app`.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    # No access log: a line per request would be a central trace of who did what when.
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=http,
        access_log=False,
        log_level="critical",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        lifespan="on",
        ws=websockets or "none",
        ws_max_size=MOST_FRAME_BYTES,
        # Unpacking would let a small frame take much memory.
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    if arguments.attached:
        threading.Thread(target=_stop_with_starter, args=(server,), name="attached", daemon=True).start()
    server.run(sockets=[listener])


def _stop_with_starter(server: uvicorn.Server) -> None:
    # The other end of the pipe closes when the starter ends, however it ends: no service is left behind.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.should_exit = True


def exit_with_words(error: AmparoError) -> None:
    """End the process with one sentence on standard error and exit code 3."""
    sys.stderr.write(f"amparo: {error} [{error.code}]\n")
    raise SystemExit(3)


def prepare_folder(data: Path) -> None:
    """Make the service's folder, readable by its user only. Raises `CannotStore`."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotStore(f"The folder {data} cannot be made.") from error
