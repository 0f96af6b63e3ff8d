"""A shop's own web program in front of our till: some of its pages cost something (NUT-24)."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.foreign.gateway import PRACTICE_SHOP
from tests.foreign.practice_mint import PracticeMint
from tests.servers.postgres import free_port

from amparo_common.clock import SystemClock
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_till.till import SCHEMA, Till
from amparo_till.web_sales import Price, WebSales, paid

PRICE = 9
START_SECONDS = 20.0


@contextlib.contextmanager
def web_shop(folder: Path, mint: PracticeMint, unit: str) -> Iterator[tuple[str, Till]]:
    """Where the shop listens, and its till."""

    async def goods(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"goods of {request.url.path}")

    def price_of(request: Request) -> Price | None:
        path = request.url.path
        return Price(PRICE, unit, path) if path.startswith("/soup/") else None

    mint.log.refresh()
    database = Database(folder / "till.sqlite", [SCHEMA])
    till = Till(
        database,
        PRACTICE_SHOP,
        access="",
        mint=Client(mint.url),
        shops_url=mint.front,
        log=mint.log,
        clock=SystemClock(),
    )
    program = paid(Starlette(routes=[Route("/{what:path}", goods)]), WebSales(till), price_of)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(program, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, name="web shop", daemon=True)
    thread.start()
    try:
        until = time.monotonic() + START_SECONDS
        while not server.started:
            assert time.monotonic() < until, "the shop does not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}", till
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        database.close()
