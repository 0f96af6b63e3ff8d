"""The client of our own services takes whatever the other side answers: as what was asked for, or as one of our errors."""

import socket
import zlib
from collections.abc import Callable, Iterator

import httpx2
import msgspec
import pytest

from amparo_service.client import Client
from amparo_service.errors import RemoteError, Unreachable

DEEP = b"[" * 100_000


class Said(msgspec.Struct, frozen=True):
    """A made-up answer."""

    count: int


def of(status: int, body: bytes, headers: dict[str, str] | None = None, *, most_bytes: int = 10**9) -> Client:
    """The client of somebody who always answers this."""
    return _client(lambda _request: httpx2.Response(status, headers=headers, content=body), most_bytes=most_bytes)


def _client(handler: Callable[[httpx2.Request], httpx2.Response], *, most_bytes: int = 1_000) -> Client:
    transport = httpx2.MockTransport(handler)
    return Client("http://service.example", patience=0, transport=transport, most_bytes=most_bytes)


def test_a_good_answer_is_given_as_its_struct_or_its_bytes() -> None:
    packed = zlib.compressobj(wbits=31)
    body = packed.compress(b'{"count": 7}') + packed.flush()
    assert of(200, body, {"content-encoding": "gzip"}).get("/x", Said) == Said(7)
    assert of(201, b'{"count": 7}').post("/x", {}, Said) == Said(7)
    assert of(200, b"\xff\0").get_bytes("/x") == b"\xff\0"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"hello", {}),
        (b"\xff", {"content-type": "text/plain; charset=none"}),
        (b'{"count": "7"}', {}),
        (b'{"other": ' + DEEP, {}),
        (DEEP, {}),
        (b"hello", {"content-encoding": "gzip"}),
        (b"hello", {"content-encoding": "deflate"}),
        (b"hello", {"content-encoding": "br"}),
    ],
    ids=lambda value: f"{value}"[:30],
)
def test_an_answer_of_another_shape_is_an_error_of_ours(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(RemoteError) as refused:
        of(200, body, headers).get("/x", Said)
    assert refused.value.remote_code == "service.bad_answer"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        DEEP,
        b'{"other": ' + DEEP,
        b'{"code": {}}',
        b'{"code": 1e999}',
        b'{"code": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda value: f"{value}"[:30],
)
@pytest.mark.parametrize("status", [302, 400, 500, 503, 999])
def test_a_refusal_without_words_is_still_a_refusal(status: int, body: bytes) -> None:
    with pytest.raises(RemoteError, match="without saying why") as refused:
        of(status, body, {"location": "http://["}).get("/x", Said)
    assert refused.value.status == status


def test_nothing_that_the_other_side_gave_is_given_back_to_it() -> None:
    """A mint that sets a cookie at a claim would know the same wallet again at each of its exchanges."""
    seen: list[httpx2.Headers] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers)
        marks = {"set-cookie": "mark=7; Path=/; Max-Age=9999999", "etag": '"7"', "last-modified": "yesterday"}
        return httpx2.Response(200, headers=marks, content=b'{"count": 7}')

    client = _client(answer)
    for _ in range(2):
        client.get("/x", Said)
    assert seen[0] == seen[1]
    assert "cookie" not in seen[1]


def test_an_answer_without_end_is_given_up() -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(100)
            yield bytes(100)

    assert of(200, bytes(1_000), most_bytes=1_000).get_bytes("/x") == bytes(1_000)
    with pytest.raises(RemoteError, match="too large"):
        _client(lambda _request: httpx2.Response(200, content=endless())).get_bytes("/x")
    assert sum(sent) <= 1_200


def test_a_small_answer_that_unpacks_to_a_large_one_is_given_up() -> None:
    with pytest.raises(RemoteError, match="too large"):
        of(200, zlib.compress(bytes(10_000)), {"content-encoding": "deflate"}, most_bytes=1_000).get_bytes("/x")


def test_somebody_who_does_not_answer_is_unreachable() -> None:
    def nobody(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("")

    with pytest.raises(Unreachable):
        _client(nobody).get("/x", Said)


def test_a_service_that_takes_the_question_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=0, timeout=0.1)
        with pytest.raises(Unreachable):
            client.get("/", Said)
        client.close()
