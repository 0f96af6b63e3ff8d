"""The log over HTTP: tlog-tiles for reading (public, static, cacheable), one address for publishers."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amparo_common import canonical
from amparo_common.bridge import SignedMessage
from amparo_log.packed import PackedBundles, takes_gzip
from amparo_log.service import TransparencyLog
from amparo_log.tiles import TILE_HEIGHT, TILE_WIDTH, pack_entries, parse_index
from amparo_service.errors import NotFound
from amparo_service.http import answer, answer_bytes, aside, read_body

_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_PACKED = {"content-encoding": "gzip", "vary": "accept-encoding"}


def routes(log: TransparencyLog, *, practice: bool) -> list[Route]:
    """The log's addresses."""
    bundles = PackedBundles()

    async def health(_request: Request) -> Response:
        return answer({"service": "log", "practice": practice, "size": await aside(log.store.size)})

    async def checkpoint(_request: Request) -> Response:
        note = await aside(log.store.head)
        return answer_bytes((note or "").encode(), media_type="text/plain; charset=utf-8")

    async def tile(request: Request) -> Response:
        level, path = request.path_params["level"], request.path_params["path"]
        groups, _, width_text = path.partition(".p/")
        width = int(width_text) if width_text.isascii() and width_text.isdigit() and len(width_text) <= 3 else 0
        index = parse_index(groups)
        if index is None or (width_text and not 0 < width < TILE_WIDTH):
            raise NotFound("There is no such tile.")
        read = partial(_tile, log, level, index, width or TILE_WIDTH)
        packs = level == "entries" and takes_gzip(request.headers.get("accept-encoding", ""))
        return answer_bytes(
            await (aside(bundles.packed, index, width or TILE_WIDTH, read) if packs else aside(read)),
            media_type="application/octet-stream",
            headers=_FOREVER | (_PACKED if packs else {"vary": "accept-encoding"}),
        )

    async def append(request: Request) -> Response:
        message = canonical.decode(await read_body(request), SignedMessage)
        return answer({"index": await aside(log.append, message)})

    return [
        Route("/health", health),
        Route("/checkpoint", checkpoint),
        Route("/tile/{level}/{path:path}", tile),
        Route("/append", append, methods=["POST"]),
    ]


def _tile(log: TransparencyLog, level: str, index: int, width: int) -> bytes:
    if level == "entries":
        entries = log.store.entries(index * TILE_WIDTH, width)
        content, count = pack_entries(entries), len(entries)
    elif level.isascii() and level.isdigit() and len(level) <= 2 and str(int(level)) == level:
        hashes = log.store.nodes(int(level) * TILE_HEIGHT, index * TILE_WIDTH, width)
        content, count = b"".join(hashes), len(hashes)
    else:
        count = 0
    if count < width:
        raise NotFound("There is no such tile yet.")
    return content
