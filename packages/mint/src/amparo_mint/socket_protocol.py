"""uvicorn's websockets as the mint needs them. A module of its own: only who turns them on needs the library behind them."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# From the end of a connection's handler to the end of its TCP connection, for a peer that does not read.
LINGER_SECONDS = 5.0


class DroppingProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websockets, but a connection whose handler has ended is gone soon, even if its peer reads nothing."""

    async def run_asgi(self) -> None:
        """The handler's life."""
        await super().run_asgi()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
