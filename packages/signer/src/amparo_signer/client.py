"""Asks the signer's process over its unix socket. Holds no key material; not here: `LocalSigner` (`local.py`).

Every call may be repeated, so a broken connection (the signer was restarted) is opened again and the question asked
again, until the patience is used up.
"""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TypeVar

from amparo_signer.errors import CallerRefused, QuestionMalformed, SignerError, SignerRefused, SignerUnreachable
from amparo_signer.protocol import Exchanged, ExchangeJob, PublicKeyset
from amparo_signer.wire import (
    LENGTH_BYTES,
    MAX_FRAME,
    AskExchange,
    AskKeysets,
    AskMake,
    AskRetire,
    ExchangeAnswer,
    KeysetsAnswer,
    MakeAnswer,
    Question,
    Refusal,
    RetireAnswer,
    check_socket_path,
    frame,
    read_answer,
)

_Answer = TypeVar("_Answer", KeysetsAnswer, MakeAnswer, ExchangeAnswer, RetireAnswer)
_RECEIVED_AT_ONCE = 1 << 18
_LONGEST_PAUSE = 0.1
_ERRORS: dict[str, type[SignerError]] = {each.code: each for each in SignerError.__subclasses__()}


class _Pool:
    """The connections of one event loop: `turn` bounds those in use, `idle` are open and waiting."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: int) -> None:
        self.loop = loop
        self.turn = asyncio.Semaphore(connections)
        self.idle: list[socket.socket] = []

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()


class SignerClient:
    """A `Signer` in a process of its own. Connects when first asked; one event loop at a time may use it.

    `connections` questions are under way at once, so that the signer can work on several batches; `patience` is how many
    seconds one call may take, waiting for its turn and for a signer that restarts included. Raises `SocketPathTooLong`.
    """

    def __init__(self, socket_path: Path, connections: int = 4, patience: float = 15.0) -> None:
        check_socket_path(socket_path)
        self._path = str(socket_path)
        self._connections = connections
        self._patience = patience
        self._pool: _Pool | None = None

    async def keysets(self) -> list[PublicKeyset]:
        """See `Signer`. Raises `SignerUnreachable`."""
        return (await self._ask(AskKeysets(), KeysetsAnswer)).keysets

    async def make_keyset(self, unit: str, period: str, final_expiry: int | None) -> PublicKeyset:
        """See `Signer`. Raises `SignerUnreachable`, `KeysetRetired`, `KeysetRefused`, `CannotKeep`."""
        return (await self._ask(AskMake(unit, period, final_expiry), MakeAnswer)).keyset

    async def exchange(self, keysets: list[str], jobs: list[ExchangeJob]) -> list[Exchanged]:
        """See `Signer`. Raises `SignerUnreachable`, `FrameTooLarge`, `QuestionMalformed`."""
        answers = (await self._ask(AskExchange(keysets, jobs), ExchangeAnswer)).answers
        if len(answers) != len(jobs):
            raise QuestionMalformed("The signer did not answer every job.")
        return answers

    async def retire(self, keyset: str) -> None:
        """See `Signer`. Raises `SignerUnreachable`, `KeysetNotHere`, `CannotKeep`."""
        await self._ask(AskRetire(keyset), RetireAnswer)

    def close(self) -> None:
        """Close the idle connections. The client may be used again."""
        if self._pool is not None:
            self._pool.close()

    def __del__(self) -> None:
        if hasattr(self, "_pool"):
            self.close()

    async def _ask(self, question: Question, kind: type[_Answer]) -> _Answer:
        pool, asked = self._pool_of(asyncio.get_running_loop()), frame(question)
        try:
            async with asyncio.timeout(self._patience), pool.turn:
                received = await self._ask_patiently(pool, asked)
        except TimeoutError as error:
            raise SignerUnreachable("The signer gave no answer.") from error
        return _read(received, kind)

    def _pool_of(self, loop: asyncio.AbstractEventLoop) -> _Pool:
        if self._pool is None or self._pool.loop is not loop:
            self.close()
            self._pool = _Pool(loop, self._connections)
        return self._pool

    async def _ask_patiently(self, pool: _Pool, asked: bytes) -> bytes:
        """The answer, however often the connection breaks; the caller's timeout ends it. Raises `CallerRefused`."""
        pause = 0.0
        while True:
            try:
                return await self._ask_once(pool, asked)
            except PermissionError as error:
                raise CallerRefused("The signer's socket may not be opened.") from error
            except OSError:
                await asyncio.sleep(pause)
                pause = min(2 * pause + 0.02, _LONGEST_PAUSE)

    async def _ask_once(self, pool: _Pool, asked: bytes) -> bytes:
        # A connection goes back to the idle ones only after a whole answer: any other could hold an answer that is not
        # the next question's.
        with contextlib.ExitStack() as unless_answered:
            if pool.idle:
                connection = pool.idle.pop()
                unless_answered.callback(connection.close)
            else:
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
                unless_answered.callback(connection.close)
                connection.setblocking(False)
                await pool.loop.sock_connect(connection, self._path)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await pool.loop.sock_sendall(connection, asked)  # who refuses without listening has answered already
            answer = await _receive(pool.loop, connection)
            unless_answered.pop_all()
            pool.idle.append(connection)
            return answer


async def _receive(loop: asyncio.AbstractEventLoop, connection: socket.socket) -> bytes:
    """One frame's body. Raises `QuestionMalformed`; `OSError` when the connection breaks."""
    received, whole = bytearray(), LENGTH_BYTES
    while len(received) < whole:
        part = await loop.sock_recv(connection, _RECEIVED_AT_ONCE)
        if not part:
            raise ConnectionResetError
        received += part
        if whole == LENGTH_BYTES <= len(received):
            whole += int.from_bytes(received[:LENGTH_BYTES], "big")
            if whole > LENGTH_BYTES + MAX_FRAME:
                raise QuestionMalformed("The signer's answer is too long.")
    if len(received) > whole:
        raise QuestionMalformed("The signer's answer is longer than it says.")
    return bytes(received[LENGTH_BYTES:])


def _read(received: bytes, kind: type[_Answer]) -> _Answer:
    answer = read_answer(received)
    if isinstance(answer, Refusal):
        known = _ERRORS.get(answer.code)
        if known is None:
            raise SignerRefused(answer.what, why=answer.why, todo=answer.todo)
        raise known(answer.what, why=answer.why, todo=answer.todo)
    if not isinstance(answer, kind):
        raise QuestionMalformed("The signer answered another question.")
    return answer
