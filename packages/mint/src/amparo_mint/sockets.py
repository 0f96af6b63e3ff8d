"""NUT-17: the websocket `/v1/ws`, on which wallets hear how quotes and tokens stand: first the present state, then each change.

States are looked up in the database, at most once a second for a connection and with one question for each kind, so that several
mint processes on one database need not tell each other anything; a state that lasts shorter than that may be passed over.
Everything is bounded (`SocketSettings`); a reader that is too slow is dropped. Nothing of a connection is logged or kept.
LIMIT: whoever subscribes shows the mint which tokens and quotes belong together, as with NUT-07: a payer's wallet should not.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from amparo_cashu.errors import TokenError
from amparo_cashu.nut17_socket import PROOF_STATE, melt_quote_kind, mint_quote_kind, read_frame
from amparo_cashu.wire import (
    NoticeParams,
    ProofState,
    SocketAnswer,
    SocketFault,
    SocketMethod,
    SocketNotice,
    SocketRefusal,
    SocketResult,
    SocketSetting,
    Subscribe,
    Unsubscribe,
)
from amparo_common.errors import AmparoError
from amparo_mint.asgi import Receive, Reply, Request, Scope, Send, log
from amparo_mint.catalogue import MOST_INPUTS
from amparo_mint.errors import MintBusy
from amparo_mint.service import MOST_LOOKED_UP, Mint, show_melt_quote, show_mint_quote
from amparo_mint.store import Store

SOCKET_PATH = "/v1/ws"
MINT_QUOTES = mint_quote_kind("benefit")
MELT_QUOTES = melt_quote_kind("settle")

# Why a connection is closed (RFC 6455).
DONE, GOING_AWAY, MISUSED, FAILED, RESTARTING = 1000, 1001, 1008, 1011, 1012
# Why a frame is refused (JSON-RPC 2.0); the last one is the mint's own.
UNREADABLE, NO_REQUEST, NO_METHOD, WRONG_PARAMETERS, FULL = -32700, -32600, -32601, -32602, -32000


class SocketSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sockets` in config.json. Connections and all filters together are counted for a process; subscriptions, unreadable
    frames and frames between two looks for a connection. How many filters a connection may have is part of each `Kind`."""

    connections: int = 256
    filters_in_all: int = 20_000
    subscriptions: int = 32
    faults: int = 16
    frames: int = 64
    look_seconds: float = 1.0
    idle_seconds: float = 900.0
    send_seconds: float = 10.0


class Kind(msgspec.Struct, frozen=True):
    """What can be subscribed to: how its filters are spelled, how many a connection may have, and the present states of some (as
    JSON, by filter; none for what does not exist)."""

    spelling: re.Pattern[str]
    most: int
    look: Callable[[Sequence[str]], Awaitable[dict[str, bytes]]]


def kinds_of(mint: Mint, store: Store) -> dict[str, Kind]:
    """The kinds of subscription of a mint."""

    async def mint_quotes(quotes: Sequence[str]) -> dict[str, bytes]:
        found = await store.mint_quotes(quotes)
        return {quote: msgspec.json.encode(show_mint_quote(row)) for quote, row in found.items()}

    async def melt_quotes(quotes: Sequence[str]) -> dict[str, bytes]:
        found = await store.melt_quotes(quotes)
        return {quote: msgspec.json.encode(show_melt_quote(row)) for quote, row in found.items()}

    async def states(points: Sequence[str]) -> dict[str, bytes]:
        found = zip(points, await mint.states(points), strict=True)
        return {point: msgspec.json.encode(ProofState(Y=point, state=state)) for point, state in found}

    quote = re.compile(r"[0-9A-Za-z_-]{1,64}")
    return {
        MINT_QUOTES: Kind(quote, MOST_INPUTS, mint_quotes),
        MELT_QUOTES: Kind(quote, MOST_INPUTS, melt_quotes),
        PROOF_STATE: Kind(re.compile(r"0[23][0-9A-Fa-f]{64}"), MOST_LOOKED_UP, states),
    }


def socket_setting(units: Sequence[str]) -> SocketSetting:
    """What /v1/info says."""
    commands = {"benefit": [MINT_QUOTES, PROOF_STATE], "settle": [MELT_QUOTES, PROOF_STATE]}
    return SocketSetting([SocketMethod(method, unit, each) for unit in units for method, each in commands.items()])


class Sockets:
    """All connections of this process. An ASGI application for the scope "websocket"."""

    def __init__(
        self,
        settings: SocketSettings,
        kinds: Mapping[str, Kind],
        *,
        admit: Callable[[Request], Awaitable[None]],
        show: Callable[[AmparoError], Reply],
    ) -> None:
        """`admit` raises what keeps a request out, `show` is how it is told so."""
        self._settings = settings
        self._kinds = kinds
        self._admit = admit
        self._show = show
        self._filters = _Room(settings.filters_in_all)
        # One future for each connection, done when it has ended.
        self._open: set[asyncio.Future[None]] = set()
        self._stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its request to its end."""
        await receive()
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.add(ended)
        try:
            if len(self._open) > self._settings.connections or self._stopping.is_set():
                raise MintBusy("No more websockets are served.")
            await self._admit(Request("GET", scope["path"], "", list(scope["headers"]), b""))
        except AmparoError as error:
            await _refuse(self._show(error), scope, send)
        else:
            await self._serve(receive, send)
        finally:
            self._open.discard(ended)
            ended.set_result(None)

    async def _serve(self, receive: Receive, send: Send) -> None:
        connection = _Connection(self._settings, self._kinds, self._filters, receive, send)
        try:
            await send({"type": "websocket.accept"})
            code = await connection.run(self._stopping)
            if code != DONE:
                await send({"type": "websocket.close", "code": code})
        except OSError:
            # The other side is gone, or too slow to be told.
            return
        except Exception as error:  # noqa: BLE001 - the edge: the server would print what failed, and with it a frame
            log.error("unexpected %s", type(error).__name__)
            with contextlib.suppress(OSError):
                await send({"type": "websocket.close", "code": FAILED})
        finally:
            connection.release()

    async def close(self) -> None:
        """End every connection, and wait for it; no new one is taken."""
        self._stopping.set()
        if self._open:
            await asyncio.wait(self._open, timeout=self._settings.send_seconds)


async def _refuse(reply: Reply, scope: Scope, send: Send) -> None:
    """Answer the request for a websocket like any other one, where the server can."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": MISUSED})
        return
    await send({"type": "websocket.http.response.start", "status": reply.status, "headers": list(reply.headers)})
    await send({"type": "websocket.http.response.body", "body": reply.body})


class _Room:
    """A number of places that all connections share."""

    def __init__(self, most: int) -> None:
        self.free = most

    def take(self, count: int) -> bool:
        """Whether so many were free, and are taken now."""
        if count > self.free:
            return False
        self.free -= count
        return True


class _Subscription(msgspec.Struct):
    """One subscription: what was told of each filter last, empty before."""

    kind: str
    told: dict[str, bytes]


class _Connection:
    """One wallet's connection. Used by one task."""

    def __init__(
        self, settings: SocketSettings, kinds: Mapping[str, Kind], room: _Room, receive: Receive, send: Send
    ) -> None:
        self._settings = settings
        self._kinds = kinds
        self._room = room
        self._receive = receive
        self._send = send
        self._subscriptions: dict[str, _Subscription] = {}
        self._faults = 0
        self._frames = 0
        self._time = asyncio.get_running_loop().time
        self._look_at = self._time()
        self._idle_at = self._time() + settings.idle_seconds

    async def run(self, stopping: asyncio.Event) -> int:
        """Serve until the wallet goes (`DONE`) or must go; the code to close with. Raises `OSError` when it cannot be told."""
        stop = asyncio.ensure_future(stopping.wait())
        reading: asyncio.Future[Any] = asyncio.ensure_future(self._receive())
        try:
            while True:
                await asyncio.wait({reading, stop}, timeout=self._pause(), return_when=asyncio.FIRST_COMPLETED)
                if stop.done():
                    return RESTARTING
                if reading.done():
                    message = reading.result()
                    if message["type"] == "websocket.disconnect":
                        return DONE
                    reading = asyncio.ensure_future(self._receive())
                    await self._take(message.get("text") or message.get("bytes") or b"")
                if self._faults > self._settings.faults or self._frames > self._settings.frames:
                    return MISUSED
                if self._time() >= self._look_at:
                    await self._look()
                if self._time() >= self._idle_at:
                    return GOING_AWAY
        finally:
            stop.cancel()
            reading.cancel()

    def release(self) -> None:
        """Give back the places of all filters."""
        for subscription in self._subscriptions.values():
            self._room.free += len(subscription.told)
        self._subscriptions = {}

    def _pause(self) -> float:
        """Seconds until something is to be done, if no frame comes."""
        until = min(self._idle_at, self._look_at) if self._subscriptions else self._idle_at
        return max(0.0, until - self._time())

    async def _say(self, message: msgspec.Struct) -> None:
        """Raises `TimeoutError`, an `OSError`, when the wallet does not read what it is told."""
        text = msgspec.json.encode(message).decode()
        async with asyncio.timeout(self._settings.send_seconds):
            await self._send({"type": "websocket.send", "text": text})

    # --- frames from the wallet ---------------------------------------------------------------------------------------------

    async def _take(self, frame: str | bytes) -> None:
        self._frames += 1
        self._idle_at = self._time() + self._settings.idle_seconds
        try:
            request = read_frame(frame, most_filters=MOST_LOOKED_UP)
        except TokenError as error:
            self._faults += 1
            await self._say(_refusal(frame, str(error)))
            return
        fault = await self._subscribe(request) if isinstance(request, Subscribe) else self._unsubscribe(request)
        if fault is not None:
            await self._say(SocketRefusal(fault, request.id))
            return
        await self._say(SocketAnswer(request.id, SocketResult(request.params.sub_id)))

    async def _subscribe(self, request: Subscribe) -> SocketFault | None:
        asked = request.params
        kind = self._kinds.get(asked.kind)
        filters = dict.fromkeys(asked.filters, b"")
        if kind is None:
            return SocketFault(WRONG_PARAMETERS, "There is no such kind of subscription.")
        if not filters or not all(kind.spelling.fullmatch(each) for each in filters):
            return SocketFault(WRONG_PARAMETERS, "A filter is missing or malformed.")
        if asked.sub_id in self._subscriptions:
            return SocketFault(WRONG_PARAMETERS, "This subscription exists already.")
        if len(self._subscriptions) >= self._settings.subscriptions:
            return SocketFault(
                WRONG_PARAMETERS, f"At most {self._settings.subscriptions} subscriptions are open at once."
            )
        held = sum(len(each.told) for each in self._subscriptions.values() if each.kind == asked.kind)
        if held + len(filters) > kind.most:
            return SocketFault(WRONG_PARAMETERS, f"At most {kind.most} filters of this kind are open at once.")
        if asked.kind != PROOF_STATE and not await self._exist(kind, list(filters)):
            return SocketFault(WRONG_PARAMETERS, "There is no such quote.")
        if not self._room.take(len(filters)):
            return SocketFault(FULL, "Too many subscriptions are open; ask again later.")
        self._subscriptions[asked.sub_id] = _Subscription(asked.kind, filters)
        return None

    async def _exist(self, kind: Kind, filters: Sequence[str]) -> bool:
        """Whether there is something to tell of each; while the database is away nobody knows, and they count."""
        try:
            return len(await kind.look(filters)) == len(filters)
        except AmparoError:
            return True

    def _unsubscribe(self, request: Unsubscribe) -> SocketFault | None:
        ended = self._subscriptions.pop(request.params.sub_id, None)
        if ended is None:
            return SocketFault(WRONG_PARAMETERS, "There is no such subscription.")
        self._room.free += len(ended.told)
        return None

    # --- how things stand ---------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Look up every filter and tell what is new. While the database is away nothing is told."""
        self._look_at = self._time() + self._settings.look_seconds
        self._frames = 0
        for kind in {each.kind for each in self._subscriptions.values()}:
            filters = {each for one in self._subscriptions.values() if one.kind == kind for each in one.told}
            try:
                found = await self._kinds[kind].look(sorted(filters))
            except AmparoError:
                continue
            for sub_id, filter_, state in self._news(kind, found):
                await self._say(SocketNotice(NoticeParams(sub_id, msgspec.Raw(state))))
                self._subscriptions[sub_id].told[filter_] = state
                self._idle_at = self._time() + self._settings.idle_seconds

    def _news(self, kind: str, found: Mapping[str, bytes]) -> Iterator[tuple[str, str, bytes]]:
        """Subscription, filter and state of everything that stands otherwise than was told last."""
        for sub_id, subscription in self._subscriptions.items():
            if subscription.kind == kind:
                for filter_, told in subscription.told.items():
                    state = found.get(filter_, told)
                    if state != told:
                        yield sub_id, filter_, state


class _Head(msgspec.Struct):
    """What a refused frame still says of itself."""

    id: int | str | None = None
    method: str | None = None
    jsonrpc: str = ""


def _refusal(frame: str | bytes, why: str) -> SocketRefusal:
    """JSON-RPC's answer to a frame that is no request of NUT-17."""
    try:
        head = msgspec.json.decode(frame, type=_Head)
    except msgspec.ValidationError:
        return SocketRefusal(SocketFault(NO_REQUEST, why))
    except (ValueError, RecursionError):
        return SocketRefusal(SocketFault(UNREADABLE, why))
    if head.jsonrpc != "2.0" or head.method is None or isinstance(head.id, str):
        return SocketRefusal(SocketFault(NO_REQUEST, why), head.id)
    code = WRONG_PARAMETERS if head.method in ("subscribe", "unsubscribe") else NO_METHOD
    return SocketRefusal(SocketFault(code, why), head.id)
