"""Hostile bytes on the socket, from either end: refused in words, the connection closed, nothing else disturbed."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.signer.tests.conftest import Process, run

from amparo_signer.client import SignerClient
from amparo_signer.errors import FrameTooLarge, QuestionMalformed, SignerBusy, SignerRefused, SignerUnreachable
from amparo_signer.protocol import ExchangeJob, PublicKeyset, ToVerify
from amparo_signer.server import listen
from amparo_signer.wire import MAX_FRAME, AskKeysets, AskMake, KeysetsAnswer, MakeAnswer, Refusal, frame, read_answer


def raw(path: Path) -> socket.socket:
    """A bare connection."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.connect(str(path))
    return connection


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return received


def refusal(received: bytes) -> str:
    """The code of a refusal that is the only frame received."""
    assert int.from_bytes(received[:4], "big") == len(received) - 4
    answer = read_answer(received[4:])
    assert isinstance(answer, Refusal)
    return answer.code


GARBAGE = {
    "no message": b"\x00\x00\x00\x00",
    "not msgpack": b"\x00\x00\x00\x01\xc1",
    "another type": b"\x00\x00\x00\x01\x01",
    "an unknown call": frame(AskKeysets()).replace(b"keysets", b"keysetz"),
    "an answer": frame(KeysetsAnswer([])).replace(b"\xa7keysets", b"\xa7refused"),
    "a wrong field": frame(AskMake("KES", "1", 5)).replace(b"\x05", b"\xc3"),
    "a missing field": b"\x00\x00\x00\x05\x91\xa4make",
    "invalid letters": frame(AskMake("KES", "1", 5)).replace(b"KES", b"\xff\xfe\xfd"),
    "deep nesting": (20_000).to_bytes(4, "big") + b"\x91" * 20_000,
    "deep nesting after a question": (20_003).to_bytes(4, "big")
    + b"\xdc\x4e\x20"
    + frame(AskKeysets())[5:]
    + b"\x91" * 19_992,
    "a huge list": b"\x00\x00\x00\x05\xdd\xff\xff\xff\xff",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a signer that outlives every garbage."""
    process = Process(tmp_path_factory.mktemp("running"))
    client = SignerClient(process.socket)
    run(client.keysets())
    yield process.socket
    assert run(client.keysets()) == []
    client.close()
    assert process.stop() == (0, "")


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_and_its_connection_closed(running: Path, name: str) -> None:
    with raw(running) as connection:
        connection.sendall(GARBAGE[name])
        assert refusal(read_all(connection)) == "signer.question_malformed"


@pytest.mark.parametrize("length", [MAX_FRAME + 1, 2**32 - 1])
def test_a_frame_that_says_it_is_too_long_is_refused_unread(running: Path, length: int) -> None:
    with raw(running) as connection:
        connection.sendall(length.to_bytes(4, "big"))
        assert refusal(read_all(connection)) == "signer.frame_too_large"


@pytest.mark.parametrize("cut", [b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x05\x91\xa4"])
def test_a_frame_that_is_cut_ends_its_connection_only(running: Path, cut: bytes) -> None:
    with raw(running) as connection:
        connection.sendall(cut)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""


@pytest.mark.parametrize("content", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x10\x00" + os.urandom(3_000)])
def test_what_is_no_question_at_all_ends_its_connection_only(running: Path, content: bytes) -> None:
    with raw(running) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    client = SignerClient(running)
    assert run(client.keysets()) == []
    client.close()


def test_a_call_that_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    client = SignerClient(tmp_path / "nobody.sock")
    job = ExchangeJob([ToVerify(0, 1, bytes(MAX_FRAME), bytes(33))], [])
    with pytest.raises(FrameTooLarge):
        run(client.exchange([], [job]))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"\x00\x00\x00\x01\xc1", QuestionMalformed),
        (frame(AskKeysets()).replace(b"keysets", b"unknown"), QuestionMalformed),
        (frame(MakeAnswer(PublicKeyset("01", "KES", "1", None, {}))), QuestionMalformed),
        (frame(KeysetsAnswer([])) + b"more", QuestionMalformed),
        ((MAX_FRAME + 1).to_bytes(4, "big") + b"x", QuestionMalformed),
        (frame(Refusal("signer.busy", "a", "b", "c")), SignerBusy),
        (frame(Refusal("signer.of_a_later_release", "a", "b", "c")), SignerRefused),
        (b"", SignerUnreachable),
        (b"\x00\x00", SignerUnreachable),
    ],
)
def test_a_wrong_answer_is_an_error_of_ours(tmp_path: Path, answer: bytes, error: type[Exception]) -> None:
    path = tmp_path / "s"

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

    with listen(path, shared=False) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        client = SignerClient(path, patience=0.5)
        with pytest.raises(error) as caught:
            run(client.keysets())
        client.close()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(20)
    if error is SignerRefused:
        assert str(caught.value) == "a b c"
