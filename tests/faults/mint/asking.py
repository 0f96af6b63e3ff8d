"""Asks a server that may die at any moment: an answer is whole, or there is none.

A client that gets no answer, or 503, does not know what became of its request; `insist` repeats the same bytes until it is told.
"""

import asyncio
import itertools
import socket

import msgspec

ANSWER_SECONDS = 60.0
GIVE_UP_SECONDS = 150.0
UNCLEAR = (0, 503)


class Answer(msgspec.Struct, frozen=True):
    """What was answered; status 0: nothing, or not all of it."""

    status: int
    body: bytes = b""
    head: bytes = b""

    @property
    def code(self) -> int:
        """The protocol's number of a refusal."""
        return int(msgspec.json.decode(self.body)["code"])

    def header(self, name: str) -> str:
        """A header's value, or an empty text."""
        _, _, rest = self.head.lower().partition(f"\r\n{name}:".encode())
        return rest.partition(b"\r\n")[0].decode().strip()


NOTHING = Answer(0)


def code_of(answer: Answer) -> str:
    """200, or the code of a proper refusal. Raises `AssertionError` for anything else."""
    if answer.status == 200:
        return "200"
    assert answer.status == 503, (answer.status, answer.body)
    assert int(answer.header("retry-after")) > 0
    return str(msgspec.json.decode(answer.body)["error"])


class Line:
    """One kept connection to a port of this machine, opened anew when it breaks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None

    async def open(self) -> None:
        """Connect, unless it is connected. Raises `OSError`."""
        if self._socket is not None and _closed(self._socket):
            self.close()
        if self._socket is None:
            self._socket = socket.socket()
            self._socket.setblocking(False)
            await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self.port))

    async def ask(self, request: bytes) -> Answer:
        """Send it once; the answer, or `NOTHING`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(request)
        except (OSError, EOFError):
            self.close()
            return NOTHING
        except BaseException:
            self.close()
            raise

    async def _ask(self, request: bytes) -> Answer:
        await self.open()
        assert self._socket is not None
        await asyncio.get_running_loop().sock_sendall(self._socket, request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += await self._some()
        head, _, body = received.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"\r\ncontent-length:")
        missing = int(length.partition(b"\r\n")[0]) - len(body)
        parts = [body]
        while missing > 0:
            parts.append(await self._some())
            missing -= len(parts[-1])
        if b"\r\nconnection: close" in head.lower():
            self.close()
        return Answer(int(head[9:12]), b"".join(parts), head)

    async def _some(self) -> bytes:
        assert self._socket is not None
        part = await asyncio.get_running_loop().sock_recv(self._socket, 1 << 18)
        if not part:
            raise EOFError
        return part

    async def insist(self, request: bytes) -> Answer:
        """Send it until the answer is clear. Raises `AssertionError` when none comes."""
        deadline = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
        for attempt in itertools.count():
            answer = await self.ask(request)
            if answer.status not in UNCLEAR:
                return answer
            assert asyncio.get_running_loop().time() < deadline, (
                f"no clear answer: {answer.status} {answer.body[:300]!r}"
            )
            await asyncio.sleep(min(0.02 * (attempt + 1), 0.3))
        raise AssertionError

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _closed(idle: socket.socket) -> bool:
    """Whether the server closed a connection on which nothing is on its way."""
    try:
        return not idle.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


async def ask_once(port: int, request: bytes) -> Answer:
    """One request on a connection of its own."""
    with Line(port) as line:
        return await line.ask(request)
