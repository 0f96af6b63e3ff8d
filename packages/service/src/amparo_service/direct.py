"""Whole requests answered without ASGI between: for the few addresses by which a service is busy.

An application names them in `direct`: the target of a POST as it stands in the request, and who answers it. A request that arrives
whole in one piece while nothing else is answered on its connection costs one task and one write there. Every other one goes the
usual way, to the same answer: in parts, behind another one, by another version of HTTP, with `Expect` or `Upgrade`.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from amparo_service.serve import PunctualProtocol

Header = tuple[bytes, bytes]
# A request's headers and body to its answer's head (`head_of`) and body. Raises nothing.
Answerer = Callable[[list[Header], bytes], Coroutine[Any, Any, tuple[bytes, bytes]]]


def head_of(status: int, headers: tuple[Header, ...]) -> bytes:
    """The head of an answer, without the empty line at its end."""
    return STATUS_LINE[status] + b"".join([b"%b: %b\r\n" % header for header in headers])


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
    """Punctual, and direct for what its application names in `direct` (a mapping of targets to answerers)."""

    app: Any
    cycle: Any
    # Of a request whose body is not whole yet.
    _answerer: Answerer | None = None
    _parts: list[bytes]

    def on_headers_complete(self) -> None:
        """The head is whole."""
        cycle, parser = self.cycle, self.parser
        answerer: Answerer | None = self.app.direct.get(self.url)
        if (
            answerer is not None
            and (cycle is None or cycle.response_complete)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and not parser.should_upgrade()
            and not self.expect_100_continue
        ):
            self._answerer, self._parts, self._awaits = answerer, [], "body"
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._answerer is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        answerer = self._answerer
        if answerer is None:
            super().on_message_complete()
            return
        self._answerer, self._awaits = None, "nothing"
        self.cycle = _Answering(keep_alive=self.parser.should_keep_alive())
        task = self.loop.create_task(self._answer(self.cycle, answerer(self.headers, b"".join(self._parts))))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def data_received(self, data: bytes) -> None:
        """Some bytes. A request that is not whole at their end goes the usual way."""
        super().data_received(data)
        if self._answerer is not None and not self.transport.is_closing():
            self._answerer = None
            HttpToolsProtocol.on_headers_complete(self)
            HttpToolsProtocol.on_body(self, b"".join(self._parts))

    async def _answer(self, cycle: _Answering, answer: Coroutine[Any, Any, tuple[bytes, bytes]]) -> None:
        try:
            head, body = await answer
        except BaseException:  # the service waits no longer for what runs
            self.transport.close()
            raise
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_complete = True
        if cycle.keep_alive:
            self.transport.write(b"%b\r\n%b" % (head, body))
        else:
            self.transport.write(b"%bconnection: close\r\n\r\n%b" % (head, body))
            self.transport.close()
        self.on_response_complete()
