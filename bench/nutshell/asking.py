"""Asks a server over kept connections, as fast as it answers, and takes the time of every answer.

Each connection has one request on the way; requests are bytes made beforehand. Only what these mints send is understood:
answers with a `content-length`. A broken connection or no answer in time counts as a refusal, and the connection is opened
anew.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec
import uvloop

PATIENCE_SECONDS = 60.0


class Answer(msgspec.Struct, frozen=True):
    """What a server answered, and after how many seconds. Status 0: it did not."""

    status: int
    seconds: float
    body: bytes


class Server:
    """A server at an address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80

    def ask(self, requests: Sequence[bytes], *, connections: int = 1) -> tuple[list[Answer], float]:
        """The answers, in the order of the requests, and the seconds that all took together."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._ask_all(requests, connections))

    def ask_paced(self, requests: Sequence[bytes], *, per_second: float, connections: int) -> list[Answer]:
        """The answers to requests that begin at fixed moments, whether others are answered or not; the seconds of each count from
        its moment, so that whoever has to wait for a connection waits too."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._ask_paced(requests, per_second, connections))

    async def _ask_paced(self, requests: Sequence[bytes], per_second: float, connections: int) -> list[Answer]:
        free: asyncio.Queue[_Line] = asyncio.Queue()
        lines = [_Line(self._host, self._port) for _ in range(connections)]
        for line in lines:
            await line.open()
            free.put_nowait(line)
        began = time.perf_counter()

        async def one(place: int, request: bytes) -> Answer:
            due = began + place / per_second
            await asyncio.sleep(due - time.perf_counter())
            line = await free.get()
            answer = await line.answer(request, since=due)
            free.put_nowait(line)
            return answer

        answers = await asyncio.gather(*(one(place, request) for place, request in enumerate(requests)))
        for line in lines:
            line.close()
        return answers

    async def _ask_all(self, requests: Sequence[bytes], connections: int) -> tuple[list[Answer], float]:
        answers = [Answer(0, 0.0, b"")] * len(requests)
        waiting = iter(enumerate(requests))
        lines = [_Line(self._host, self._port) for _ in range(min(connections, len(requests)))]
        for line in lines:
            await line.open()
        began = time.perf_counter()
        await asyncio.gather(*(_work(line, waiting, answers) for line in lines))
        taken = time.perf_counter() - began
        for line in lines:
            line.close()
        return answers, taken


async def _work(line: "_Line", waiting: Iterator[tuple[int, bytes]], answers: list[Answer]) -> None:
    for place, request in waiting:
        answers[place] = await line.answer(request, since=time.perf_counter())


class _Line:
    """One kept connection."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=1 << 20)

    def close(self) -> None:
        self._writer.close()

    async def answer(self, request: bytes, *, since: float) -> Answer:
        """What comes back, or that nothing does; its seconds count from a moment of `time.perf_counter`."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, body = await self._ask(request)
        except (OSError, EOFError, TimeoutError) as error:
            status, body = 0, repr(error).encode()
            self.close()
            await self.open()
        return Answer(status, time.perf_counter() - since, body)

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        _, _, length = head.partition(b"\r\ncontent-length:")
        body = await self._reader.readexactly(int(length.partition(b"\r\n")[0]))
        if b"\r\nconnection: close" in head:
            self.close()
            await self.open()
        return int(head[9:12]), body


def post(path: str, body: object) -> bytes:
    """A POST request with a JSON body."""
    data = msgspec.json.encode(body)
    return (
        f"POST {path} HTTP/1.1\r\nhost: mint\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode()
        + data
    )


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: mint\r\n\r\n".encode()
