"""Senders and readers that take for ever, and ten thousand open connections: each is cut off in time, and others are served.

In real seconds.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Awaitable, Callable

import pytest
from tests.faults.mint.load import Load
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import Country, Town, get

pytestmark = pytest.mark.faults

WALLETS, SEED = 8, 5
# From the first byte to the moment at which everybody must be cut off: the longest patience of the server, and some more.
CUT_OFF_SECONDS = 150.0
MANY = 10_000
MEMORY = 160 << 20

HEAD = b"GET /v1/keys HTTP/1.1\r\nhost: mint\r\n"
BODY = b"POST /v1/swap HTTP/1.1\r\nhost: mint\r\ncontent-length: 100000\r\n\r\n{"
CHUNKS = b"POST /v1/swap HTTP/1.1\r\nhost: mint\r\ntransfer-encoding: chunked\r\n\r\n"


class Sender:
    """A connection of somebody slow."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.socket()
        self._socket.setblocking(False)
        # A small window: what is not read is soon felt.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def open(self) -> None:
        """Connect."""
        await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self._port))

    async def send(self, data: bytes) -> None:
        """Send. Raises `OSError` when it was cut off."""
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def cut_off(self) -> bytes:
        """What is received until the other side ends it."""
        received = b""
        with contextlib.suppress(OSError):
            while part := await asyncio.get_running_loop().sock_recv(self._socket, 1 << 16):
                received += part
        return received

    def close(self) -> None:
        """Close it."""
        self._socket.close()


async def silent(sender: Sender) -> None:
    """Says nothing."""
    await sender.cut_off()


async def half_a_head(sender: Sender) -> None:
    """Stops in the middle of a head."""
    await sender.send(HEAD)
    await sender.cut_off()


async def half_a_body(sender: Sender) -> None:
    """Stops in the middle of a body."""
    await sender.send(BODY)
    assert (await sender.cut_off()).startswith(b"HTTP/1.1 408")


async def idle(sender: Sender) -> None:
    """Is served, and then stays."""
    await sender.send(get("/v1/keysets"))
    assert (await sender.cut_off()).startswith(b"HTTP/1.1 200")


async def _drip(sender: Sender, first: bytes, part: bytes, *, pause: float = 0.5) -> None:
    """Sends a part again and again, until it is cut off."""
    with contextlib.suppress(OSError):
        await sender.send(first)
        while True:
            await sender.send(part)
            await asyncio.sleep(pause)


async def drips_a_head(sender: Sender) -> None:
    """A head that never ends, half a line a second."""
    await _drip(sender, HEAD, b"x: y\r\n")


async def drips_a_body(sender: Sender) -> None:
    """A body that never ends, two bytes a second."""
    await _drip(sender, BODY, b" ")


async def drips_chunks(sender: Sender) -> None:
    """Chunks without end."""
    await _drip(sender, CHUNKS, b"1\r\n \r\n")


async def drips_lines(sender: Sender) -> None:
    """Empty lines, and never a request."""
    await _drip(sender, b"", b"\r\n")


async def never_reads(sender: Sender) -> None:
    """Asks again and again, and takes no answer."""
    await _drip(sender, b"", get("/v1/keys") * 50, pause=0.02)


async def asks_at_once(sender: Sender) -> None:
    """Asks as fast as it can and waits for nothing."""
    with contextlib.suppress(OSError):
        while True:
            await sender.send(get("/v1/keys") * 1_000)


SLOW: tuple[Callable[[Sender], Awaitable[None]], ...] = (
    silent,
    half_a_head,
    half_a_body,
    idle,
    drips_a_head,
    drips_a_body,
    drips_chunks,
    drips_lines,
    never_reads,
    asks_at_once,
)


async def cut_off_in_time(town: Town, slow: Callable[[Sender], Awaitable[None]]) -> float | None:
    """After how many seconds somebody slow was cut off; None when he was not."""
    clock = asyncio.get_running_loop().time
    sender, began = Sender(town.port), clock()
    try:
        await sender.open()
        async with asyncio.timeout(CUT_OFF_SECONDS):
            await slow(sender)
        return clock() - began
    except TimeoutError:
        return None
    finally:
        sender.close()


async def slow_and_others(life: Life) -> dict[str, float | None]:
    """Everybody slow at once, while wallets swap; when each was cut off."""
    load = Load(life, WALLETS, SEED)
    await load.fill()
    before = life.town.mint.memory()
    async with load.running():
        found = await asyncio.gather(*(cut_off_in_time(life.town, slow) for slow in SLOW))
        await load.swapped_again(100)
    assert not load.seen.refused
    assert not load.seen.unclear_codes
    assert life.town.mint.memory() - before < MEMORY
    assert await load.check() == (0, 0)
    return {slow.__name__: seconds for slow, seconds in zip(SLOW, found, strict=True)}


def test_slow_senders_and_readers_are_cut_off_and_others_are_served(country: Country, database: str) -> None:
    with country.town(database) as town:
        found = live(town, slow_and_others, prove=False)
    shown = ", ".join(f"{name} {seconds or 0:.0f} s" for name, seconds in found.items())
    print(f"cut off after: {shown}")
    assert [name for name, seconds in found.items() if seconds is None] == []


async def many_connections(life: Life) -> tuple[int, int]:
    """Open ten thousand connections that say a little and stay, while wallets swap; the mint's memory before and then."""
    load = Load(life, WALLETS, SEED, fresh=True)
    await load.fill()
    before = life.town.mint.memory()
    senders = [Sender(life.town.port) for _ in range(MANY)]
    try:
        async with load.running():
            await load.swapped_again(50)
            for start in range(0, MANY, 500):
                await asyncio.gather(*(_begin(sender) for sender in senders[start : start + 500]))
                await load.swapped_again(5)
            then = life.town.mint.memory()
            await load.swapped_again(100)
    finally:
        for sender in senders:
            sender.close()
    assert not load.seen.refused
    print(
        f"{MANY:,} open connections: {load.seen.swaps} swaps done, longest gap {load.seen.gap:.1f} s, unclear"
        f" {dict(load.seen.unclear_codes)}, memory {before >> 20} -> {then >> 20} MiB"
    )
    assert not load.seen.unclear_codes
    assert await load.check() == (0, 0)
    return before, then


async def _begin(sender: Sender) -> None:
    with contextlib.suppress(OSError):  # he may be cut off for others
        await sender.open()
        await sender.send(HEAD)


@pytest.mark.parametrize("files", [20_000, 1_024], ids=["room for all", "room for a few"])
def test_ten_thousand_open_connections_stop_nobody(country: Country, database: str, files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 1_000:
        pytest.skip(f"this user may open {hard} files at most")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with country.town(database, environment={"AMPARO_MOST_FILES": str(files)}) as town:
            before, then = live(town, many_connections, prove=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert then - before < MEMORY
