"""The signer's process: a unix socket, a thread per connection, one question and one answer at a time on each.

Only callers of the allowed users are served (the kernel says who they are). What cannot be read closes its connection; no
question's content reaches a log. Stops when told, after the questions under way are answered.
"""

import contextlib
import logging
import os
import selectors
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator, Set
from pathlib import Path
from typing import assert_never

from amparo_signer.errors import (
    AlreadyRunning,
    CallerRefused,
    FrameTooLarge,
    QuestionMalformed,
    SignerBusy,
    SignerError,
    SignerFailed,
    SocketPathTaken,
)
from amparo_signer.files import disk_errors
from amparo_signer.service import SignerService
from amparo_signer.wire import (
    LENGTH_BYTES,
    MAX_FRAME,
    Answer,
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
    read_question,
)

MAX_CONNECTIONS = 64
# Seconds for the rest of a frame once it has begun, for a reader to take its answer, and for questions under way at the end.
_FRAME_SECONDS = 30.0
_STOP_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_UCRED = struct.Struct("3i")
log = logging.getLogger(__name__)


def listen(path: Path, *, shared: bool) -> socket.socket:
    """The listening socket. Its file is for this user only; `shared` lets any user knock, and `Server` then looks at who
    it is. A dead signer's file is replaced. Raises `SocketPathTooLong`, `SocketPathTaken`, `AlreadyRunning`, `CannotKeep`."""
    check_socket_path(path)
    with disk_errors():
        _make_folder(path.parent, shared=shared)
        _remove_dead(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            before = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(before)
            if shared:
                path.chmod(0o666)
            listener.listen(MAX_CONNECTIONS)
        except OSError:
            listener.close()
            raise
    return listener


def _make_folder(folder: Path, *, shared: bool) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
        if shared:
            folder.chmod(0o711)


def _remove_dead(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise SocketPathTaken("The path of the signer's socket is taken by a file.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        try:
            knocking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        else:
            raise AlreadyRunning("Another signer answers on this socket.")


class Server:
    """Serves one listening socket. `_open` is guarded by `_lock`; at most `threads` batches are computed at once."""

    def __init__(self, service: SignerService, listener: socket.socket, *, users: Set[int], threads: int) -> None:
        self._service = service
        self._listener = listener
        self._users = users
        self._computing = threading.BoundedSemaphore(threads)
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}

    def stop(self) -> None:
        """End `serve` soon. From any thread, or from a signal handler."""
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def serve(self) -> None:
        """Serve until `stop`; then answer the questions under way and close everything."""
        with self._listener, self._wake, self._woken, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in selector.select()):
                self._accept()
            # While the listener still answers, so that no other signer's socket can lie there.
            Path(self._listener.getsockname()).unlink(missing_ok=True)
            self._close_connections()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:  # no descriptors left, or the caller is gone again
            log.warning("a connection was not taken: %s", type(error).__name__)
            time.sleep(_PAUSE_SECONDS)
            return
        refusal = self._refuses(connection)
        if refusal is not None:
            connection.setblocking(False)
            with contextlib.suppress(OSError), connection:
                connection.send(frame(_refusal(refusal)))
            return
        thread = threading.Thread(target=self._serve_connection, args=(connection,), name="connection", daemon=True)
        with self._lock:
            self._open[connection] = thread
        thread.start()

    def _refuses(self, connection: socket.socket) -> SignerError | None:
        if user_of(connection) not in self._users:
            return CallerRefused("The signer does not serve this user.")
        with self._lock:
            full = len(self._open) >= MAX_CONNECTIONS
        return SignerBusy("The signer has too many connections.") if full else None

    def _serve_connection(self, connection: socket.socket) -> None:
        try:
            for body in _frames(connection):
                answer, close = self._answer(body)
                connection.sendall(answer)
                if close:
                    break
        except FrameTooLarge as error:
            with contextlib.suppress(OSError):
                connection.sendall(frame(_refusal(error)))
        except OSError:
            pass  # the caller is gone, and asks again if it still wants to know
        finally:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.pop(connection, None)
        connection.close()

    def _answer(self, body: bytes) -> tuple[bytes, bool]:
        """The answer's frame, and whether the connection must be closed after it."""
        try:
            return frame(self._work(read_question(body))), False
        except SignerError as error:
            return frame(_refusal(error)), isinstance(error, QuestionMalformed)
        except Exception as error:  # noqa: BLE001 - the edge: one question's fault must not end the others
            log.error("a question failed: %s", type(error).__name__)
            return frame(_refusal(SignerFailed("The signer failed."))), False

    def _work(self, question: Question) -> Answer:
        match question:
            case AskExchange(keysets, jobs):
                with self._computing:
                    return ExchangeAnswer(self._service.exchange(keysets, jobs))
            case AskKeysets():
                return KeysetsAnswer(self._service.keysets())
            case AskMake(unit, period, final_expiry):
                return MakeAnswer(self._service.make_keyset(unit, period, final_expiry))
            case AskRetire(keyset):
                self._service.retire(keyset)
                return RetireAnswer()
            case _:
                assert_never(question)

    def _close_connections(self) -> None:
        with self._lock:
            opened = dict(self._open)
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # ends its thread's next read, not the answer under way
        for thread in opened.values():
            thread.join(_STOP_SECONDS)


def user_of(connection: socket.socket) -> int:
    """The user id of whoever connected, from the kernel. Elsewhere than on Linux the socket file's mode decides alone."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.geteuid()
    _, user, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return int(user)


def _frames(connection: socket.socket) -> Iterator[bytes]:
    """The bodies that come in, until the caller ends. Raises `FrameTooLarge`; `OSError` when a frame is cut short."""
    while True:
        connection.settimeout(None)
        first = connection.recv(LENGTH_BYTES)
        if not first:
            return
        connection.settimeout(_FRAME_SECONDS)
        length = int.from_bytes(first + _exactly(connection, LENGTH_BYTES - len(first)), "big")
        if length > MAX_FRAME:
            raise FrameTooLarge(f"A message to the signer has {length} bytes; {MAX_FRAME} is the most.")
        yield _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = bytearray(length)
    view = memoryview(received)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise ConnectionResetError
        view = view[count:]
    return bytes(received)


def _refusal(error: SignerError) -> Refusal:
    return Refusal(error.code, error.what, error.reason, error.remedy)
