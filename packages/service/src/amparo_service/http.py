"""The HTTP edge that every service shares: structs in and out, errors as words, size limits, no access log.

Handlers take a Starlette request and return a response. Deliberate errors (`AmparoError`) become
`{"code", "what", "why", "todo"}` with the error's status; anything else becomes a plain 500 that tells the caller
nothing, is logged by its type only (a message could hold personal data), and never says "not eligible".
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from amparo_common import canonical
from amparo_common.errors import AmparoError
from amparo_service.errors import BadRequest, BodyTooLarge, NotFound, Unexpected

log = logging.getLogger("amparo.service")

T = TypeVar("T")
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

MOST_BODY_BYTES = 256 * 1024

# Sent with every answer: nothing is cached unless the handler says so, nothing is sniffed, nothing is framed.
SAFE_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


async def read_body(request: Request, *, limit: int = MOST_BODY_BYTES) -> bytes:
    """The request's body, at most `limit` bytes. Raises `BodyTooLarge` before more than that is held."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge(f"The request is larger than {limit:,} bytes.")
        parts.append(part)
    return b"".join(parts)


async def read(request: Request, into: type[T], *, limit: int = MOST_BODY_BYTES) -> T:
    """The request's JSON body as a struct. Raises `BadRequest`, `BodyTooLarge`."""
    body = await read_body(request, limit=limit)
    try:
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request cannot be read.", why=f"{error}.") from error


def answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A struct or plain value as JSON."""
    return Response(
        canonical.encode_trusted(value),
        status_code=status,
        media_type="application/json",
        headers=SAFE_HEADERS | (headers or {}),
    )


def answer_bytes(data: bytes, *, media_type: str, headers: dict[str, str] | None = None) -> Response:
    """Raw bytes with the safe headers."""
    return Response(data, media_type=media_type, headers=SAFE_HEADERS | (headers or {}))


async def aside(work: Callable[..., T], *args: Any) -> T:
    """Run blocking work in a thread, so that the event loop goes on."""
    return await run_in_threadpool(work, *args)


def show_error(error: AmparoError) -> Response:
    """A deliberate error as `{"code", "what", "why", "todo"}`."""
    return answer(error.public(), status=error.http_status)


class PhoneAccess(CORSMiddleware):
    """Lets the phone apps, which come from addresses of their own, use the paths that begin so. Nothing is opened by it: no
    request carries a cookie, and who may do what is in its body or its access code."""

    def __init__(self, app: ASGIApp, *, paths: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
            max_age=86_400,
        )
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request."""
        if scope["type"] == "http" and scope["path"].startswith(self._paths):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def make_app(
    routes: Sequence[Route],
    *,
    lifespan: Lifespan | None = None,
    show: Callable[[AmparoError], Response] = show_error,
    phones: tuple[str, ...] = (),
) -> Starlette:
    """An application with the shared error answers; `show` gives every error answer its form, also those to unknown
    addresses and unexpected faults. `phones`: the beginnings of the paths that the phone apps use."""

    async def deliberate(_request: Request, error: Exception) -> Response:
        assert isinstance(error, AmparoError)  # noqa: S101 - Starlette only sends the registered type here
        return show(error)

    async def routing(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        response = show(NotFound("There is nothing at this address."))
        response.status_code = error.status_code
        return response

    async def unexpected(_request: Request, error: Exception) -> Response:
        log.error("unexpected %s", type(error).__name__)
        return show(Unexpected("Something went wrong on our side."))

    app = Starlette(
        routes=list(routes),
        exception_handlers={AmparoError: deliberate, HTTPException: routing, Exception: unexpected},
        lifespan=lifespan,
    )
    if phones:
        app.add_middleware(PhoneAccess, paths=phones)
    return app


async def repeat(seconds: float, work: Callable[[], object]) -> None:
    """Runs `work` in a thread every `seconds` until cancelled; a deliberate error only waits for the next turn."""
    while True:
        try:
            await aside(work)
        except AmparoError as error:
            log.info("will try again: %s", error.code)
        await asyncio.sleep(seconds)
