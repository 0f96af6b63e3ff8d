"""Whole requests answered without ASGI between: for the few addresses by which the mint is busy.

The application names them in `direct`: the target of a POST as it stands in the request, and who answers it. A request that arrives
whole in one piece while nothing else is answered on its connection costs one task and one write there. Every other one goes the
usual way, to the same answer: in parts, behind another one, by another version of HTTP, with `Expect` or `Upgrade`.
"""

import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from amparo_mint.asgi import SAFE_HEADERS, Header, Reply
from amparo_service.serve import PunctualProtocol

# A whole request's headers and body to its answer. Raises nothing.
Answerer = Callable[[list[Header], bytes], Coroutine[Any, Any, Reply]]


class Direct(Protocol):
    """An application with addresses that are answered directly."""

    direct: Mapping[bytes, Answerer]


class _NobodyWaits:
    """In place of an event."""

    def set(self) -> None:
        """Nothing."""


class _Answering:
    """A request that is being answered: what uvicorn asks of one, and tells it when the connection ends."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NobodyWaits()


class DirectProtocol(PunctualProtocol):
    """Punctual, and direct for what its application names in `direct`."""

    app: Direct
    cycle: Any
    # Of a request whose body is not whole yet: who answers it, and the body so far.
    _begun: tuple[Answerer, list[bytes]] | None = None

    def on_headers_complete(self) -> None:
        """The head is whole."""
        cycle, parser = self.cycle, self.parser
        answerer = self.app.direct.get(self.url)
        if (
            answerer is not None
            and (cycle is None or cycle.response_complete)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and not parser.should_upgrade()
            and not self.expect_100_continue
        ):
            self._begun, self._awaits = (answerer, []), "body"
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._begun is None:
            super().on_body(body)
        else:
            self._begun[1].append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._begun is None:
            super().on_message_complete()
            return
        (answerer, parts), self._begun, self._awaits = self._begun, None, "nothing"
        self.cycle = _Answering(keep_alive=self.parser.should_keep_alive())
        task = self.loop.create_task(self._answer(self.cycle, answerer(self.headers, b"".join(parts))))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def data_received(self, data: bytes) -> None:
        """Some bytes. A request that is not whole at their end goes the usual way."""
        super().data_received(data)
        if self._begun is not None and not self.transport.is_closing():
            (_, parts), self._begun = self._begun, None
            HttpToolsProtocol.on_headers_complete(self)
            HttpToolsProtocol.on_body(self, b"".join(parts))

    async def _answer(self, cycle: _Answering, answer: Coroutine[Any, Any, Reply]) -> None:
        try:
            found = await answer
        except (
            BaseException
        ):  # cancelled, because the service waits no longer: whoever asked must not wait for an answer either
            self.transport.close()
            raise
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_complete = True
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        head = _head(found.status, found.headers)
        self.transport.write(b"%bcontent-length: %d\r\n%b\r\n%b" % (head, len(found.body), close, found.body))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


@functools.lru_cache(maxsize=64)
def _head(status: int, headers: tuple[Header, ...]) -> bytes:
    return STATUS_LINE[status] + b"".join([b"%b: %b\r\n" % header for header in (*headers, *SAFE_HEADERS)])
