"""Answers that are sent piece by piece, never held whole, under both of Django's handlers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def stream(request: HttpRequest, pieces: Iterable[bytes], *, kind: str, name: str) -> StreamingHttpResponse:
    """A download. `name` is a word of ours, `kind` its media type."""
    iterator = iter(pieces)
    content = _aside(iterator) if isinstance(request, ASGIRequest) else iterator
    return StreamingHttpResponse(
        content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


async def _aside(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made in a thread, so that other requests are served meanwhile."""
    end = object()
    try:
        while (piece := await asyncio.to_thread(next, pieces, end)) is not end:
            assert isinstance(piece, bytes)  # noqa: S101 - only the mark of the end is none
            yield piece
    finally:
        close = getattr(pieces, "close", None)  # a generator's: it lets go of its file
        if close is not None:
            close()
