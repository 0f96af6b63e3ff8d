"""A bare ASGI application: exact paths, one argument at the end of a path at most, bounded bodies, no access log.

It keeps nothing of who asks: the client's address is never read, no cookie, no ETag. Deliberate errors become the answer that
`show` gives them; anything else becomes a plain 500 and is logged by its type alone, because a message could hold a request.
"""

import asyncio
import functools
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from amparo_common.errors import AmparoError
from amparo_mint.errors import MintBusy, TooSlow
from amparo_service.errors import BodyTooLarge, NotFound, Unexpected

log = logging.getLogger("amparo.mint")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

MOST_BODY_BYTES = 256 * 1024
BODY_SECONDS = 20.0
MOST_AT_ONCE = 2_048
# Of all bodies together, from their first part to their answer.
MOST_HELD_BYTES = 64 * 1024 * 1024

# Sent with every answer: nothing is cached unless the handler says so, nothing is sniffed, nothing is framed.
SAFE_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
)
JSON: Header = (b"content-type", b"application/json")


class Request(msgspec.Struct, frozen=True):
    """What a handler gets. `argument` is the end of a path that was registered with a star; `body` is whole."""

    method: str
    path: str
    argument: str
    headers: list[Header]
    body: bytes

    def header(self, name: bytes) -> str:
        """A header's value (its first), or an empty text."""
        return next((value.decode("latin-1") for found, value in self.headers if found == name), "")


class Reply(msgspec.Struct, frozen=True):
    """An answer."""

    body: bytes
    status: int = 200
    headers: tuple[Header, ...] = (JSON,)


class Static(msgspec.Struct, frozen=True):
    """An answer that is made once, plain and compressed."""

    plain: Reply
    packed: Reply

    @classmethod
    def of(cls, value: Any) -> "Static":
        """A JSON value. The same bytes for everybody: nothing in it can mark who asked."""
        body = msgspec.json.encode(value)
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = packer.compress(body) + packer.flush()
        vary = (b"vary", b"accept-encoding")
        return cls(
            Reply(body, headers=(JSON, vary)), Reply(packed, headers=(JSON, vary, (b"content-encoding", b"gzip")))
        )

    def for_request(self, request: Request) -> Reply:
        """The compressed one where the client takes it."""
        return self.packed if "gzip" in request.header(b"accept-encoding") else self.plain


Handler = Callable[[Request], Awaitable[Reply]]
Socket = Callable[[Scope, Receive, Send], Awaitable[None]]


def reply(value: Any, *, status: int = 200, headers: tuple[Header, ...] = ()) -> Reply:
    """A struct or plain value as JSON."""
    return Reply(msgspec.json.encode(value), status, (JSON, *headers))


class _Held:
    """What is kept of one request's body."""

    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0


class App:
    """`routes` maps (method, path) to handlers; a path that ends in `/*` takes one more part. `observe` is told route and status
    of every answer and how long it took: counts, nothing of the request. A body must be whole after `body_seconds`; at most
    `most_at_once` requests are worked on, and at most `most_held` bytes of bodies kept: the next one is refused with 503."""

    def __init__(
        self,
        routes: Mapping[tuple[str, str], Handler],
        *,
        show: Callable[[AmparoError], Reply],
        lifespan: Callable[[], AbstractAsyncContextManager[None]],
        observe: Callable[[str, int, float], None],
        sockets: Mapping[str, Socket],
        body_seconds: float = BODY_SECONDS,
        most_at_once: int = MOST_AT_ONCE,
        most_held: int = MOST_HELD_BYTES,
    ) -> None:
        self._exact = {place: handler for place, handler in routes.items() if not place[1].endswith("/*")}
        self._open = {
            (method, path.removesuffix("/*")): handler
            for (method, path), handler in routes.items()
            if path[-2:] == "/*"
        }
        # Of whole requests (`DirectProtocol`).
        self.direct = {
            path.encode(): functools.partial(self._answer, path, handler)
            for (method, path), handler in self._exact.items()
            if method == "POST"
        }
        self._paths = {path for _, path in self._exact}
        self._open_paths = {path for _, path in self._open}
        self._show = show
        self._lifespan = lifespan
        self._observe = observe
        self._sockets = sockets
        self._body_seconds = body_seconds
        self._places = most_at_once
        self._room = most_held
        # Why it could not start or stop, for the process's last words.
        self.failure: AmparoError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "websocket":
                await self._socket(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        method, path = scope["method"], scope["path"]
        argument, route = "", path
        handler = self._exact.get((method, path))
        if handler is None:
            route, _, argument = path.rpartition("/")
            handler = self._open.get((method, route))
        if handler is None:
            known = path in self._paths or route in self._open_paths
            handler = self._preflight if method == "OPTIONS" and known else _nothing_here
            route = "other"
        held = _Held()
        try:
            body = b"" if method == "GET" else await self._read_body(receive, held)
            found = await self._handle(handler, Request(method, path, argument, scope["headers"], body))
        except Exception as error:  # noqa: BLE001 - the edge: whatever failed, the caller gets an answer and learns nothing
            found = self._refusal(error)
        finally:
            self._room += held.size
        headers = [*found.headers, *SAFE_HEADERS, (b"content-length", b"%d" % len(found.body))]
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else found.body})
        self._observe(route, found.status, time.monotonic() - began)

    async def _answer(self, path: str, handler: Handler, headers: list[Header], body: bytes) -> Reply:
        """A whole request to an exact path (`DirectProtocol`). Raises nothing."""
        began = time.monotonic()
        held = _Held()
        try:
            self._hold(body, held)
            found = await self._handle(handler, Request("POST", path, "", headers, body))
        except Exception as error:  # noqa: BLE001 - the edge: whatever failed, the caller gets an answer and learns nothing
            found = self._refusal(error)
        finally:
            self._room += held.size
        self._observe(path, found.status, time.monotonic() - began)
        return found

    def _refusal(self, error: Exception) -> Reply:
        if isinstance(error, AmparoError):
            return self._show(error)
        log.error("unexpected %s", type(error).__name__)
        return self._show(Unexpected("Something went wrong on our side."))

    async def _read_body(self, receive: Receive, held: "_Held") -> bytes:
        try:
            # Also around the first part: some senders never begin.
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise TooSlow("The connection closed before the request was whole.")
                    self._hold(message.get("body", b""), held)
                    if not message.get("more_body"):
                        return b"".join(held.parts)
        except TimeoutError as error:
            raise TooSlow(f"The request took longer than {self._body_seconds:.0f} s to arrive.") from error

    def _hold(self, part: bytes, held: "_Held") -> None:
        if held.size + len(part) > MOST_BODY_BYTES:
            raise BodyTooLarge(f"The request is larger than {MOST_BODY_BYTES:,} bytes.")
        if len(part) > self._room:
            raise MintBusy("Too many large requests arrive at once.")
        self._room -= len(part)
        held.size += len(part)
        held.parts.append(part)

    async def _handle(self, handler: Handler, request: Request) -> Reply:
        if not self._places:
            raise MintBusy("Too many requests are being worked on.")
        self._places -= 1
        try:
            return await handler(request)
        finally:
            self._places += 1

    async def _preflight(self, _request: Request) -> Reply:
        allowed = ((b"access-control-allow-methods", b"GET, POST"), (b"access-control-allow-headers", b"*"))
        return Reply(b"", headers=allowed)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._sockets.get(scope["path"])
        if handler is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await handler(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        stage = "startup"
        try:
            async with self._lifespan():
                await send({"type": "lifespan.startup.complete"})
                stage = "shutdown"
                await receive()
        except AmparoError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - the edge: a process that cannot start says so, in words without content
            log.error("unexpected %s", type(error).__name__)
            self.failure = Unexpected(f"The service cannot go on: {type(error).__name__}.")
        if self.failure is None:
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": f"lifespan.{stage}.failed", "message": str(self.failure)})
        raise self.failure


async def _nothing_here(_request: Request) -> Reply:
    raise NotFound("There is nothing at this address.")
