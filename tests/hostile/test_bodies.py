"""Requests that nobody honest sends: each is refused with a code and in bounded time and memory, none fails."""

import asyncio
import contextlib
import json
import socket
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from tests.faults.mint.asking import Answer, Line
from tests.faults.mint.stories import live
from tests.faults.mint.town import Town, post_bytes
from tests.hostile.samples import changed, good_requests

MOST_BODY = 256 * 1024
MEMORY = 64 << 20
PATIENCE = 30.0
LINES = 8

# Bodies that are not what any address wants, whatever it wants.
RAW: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"hello",
    "a null": b"null",
    "a number": b"1",
    "a list": b"[]",
    "an empty object": b"{}",
    "an open object": b'{"inputs": [',
    "two values": b"{}{}",
    "no number": b'{"amount": NaN}',
    "too large a number": b'{"amount": 1e999, "unit": "food"}',
    "a number of many digits": b'{"unit": "food", "amount": ' + b"9" * 200_000 + b"}",
    "brackets": b"[" * MOST_BODY,
    "braces": b'{"a":' * (MOST_BODY // 5),
    "deep inputs": b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b', "outputs": []}',
    "a deep unknown field": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "many inputs": b'{"outputs": [], "inputs": [' + b",".join([b"{}"] * 80_000) + b'], "outputs": [{}]}',
    "a hundred thousand numbers": b"[" + b",".join([b"1"] * 100_000) + b"]",
    "many keys": b"{" + b",".join(b'"%d":0' % number for number in range(20_000)) + b"}",
    "one key many times": b"{" + b",".join([b'"inputs":[]'] * 20_000) + b"}",
    "a lone surrogate": b'{"unit": "\\ud800", "amount": 1, "quote": "\\udfff", "request": "\\ud800", "quotes": ["\\ud800"],'
    b' "Ys": ["\\ud800"], "inputs": [], "outputs": []}',
    "half a pair": b'{"unit": "\\ud83d\\u0041"}',
    "not UTF-8": b'{"unit": "\xff\xfe", "amount": 1}',
    "an overlong sign": b'{"unit": "\xc0\x80", "amount": 1}',
    "a surrogate in UTF-8": b'{"unit": "\xed\xa0\x80", "amount": 1}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"unit": "food"}'.encode("utf-16"),
    "zeros": bytes(10_000),
    "control signs": bytes(range(32)) * 100,
    "gzip": bytes.fromhex("1f8b0800000000000003") + bytes(1_000),
}


PATHS = (
    "/v1/swap",
    "/v1/mint/quote/benefit",
    "/v1/mint/quote/benefit/check",
    "/v1/mint/benefit",
    "/v1/mint/benefit/batch",
    "/v1/melt/quote/settle",
    "/v1/melt/settle",
    "/v1/checkstate",
    "/v1/restore",
    "/bridge/quote-paid",
    "/operate/keysets",
    "/operate/keysets/close",
    "/operate/figures",
    "/operate/backup",
)


def fault_of(answer: Answer) -> str:
    """What is wrong with an answer to a bad request, or an empty text."""
    if not 400 <= answer.status < 500:
        return f"status {answer.status}: {answer.body[:200]!r}"
    said = msgspec.json.decode(answer.body)
    if not (isinstance(said.get("detail"), str) and isinstance(said.get("code"), int) and said.get("error")):
        return f"no code: {answer.body[:200]!r}"
    return ""


def in_town(town: Town, requests: Iterable[tuple[str, bytes]]) -> list[tuple[str, Answer]]:
    """The answers to named requests, a few at a time. Raises `AssertionError` when the mint's memory grew beyond bounds."""
    waiting = iter(list(requests))
    answers: list[tuple[str, Answer]] = []

    async def work() -> None:
        with Line(town.port) as line:
            for name, request in waiting:
                answers.append((name, await line.ask(request)))

    async def all_of_them() -> None:
        await asyncio.gather(*(work() for _ in range(LINES)))

    before = town.mint.memory()
    asyncio.run(all_of_them())
    assert town.mint.memory() - before < MEMORY
    assert {tally.agrees for tally in asyncio.run(town.tallies())} == {True}
    return answers


def test_what_is_no_request_is_refused_with_a_code(town: Town) -> None:
    requests = [(f"{path}: {name}", post_bytes(path, body)) for path in PATHS for name, body in RAW.items()]
    faults = {name: fault for name, answer in in_town(town, requests) if (fault := fault_of(answer))}
    assert not faults


def test_a_request_with_any_part_changed_is_answered_or_refused_with_a_code(town: Town) -> None:
    bodies = live(town, good_requests, prove=False)
    requests = [
        (f"{path}: {what}", post_bytes(path, json.dumps(body).encode()))
        for path, good in bodies.items()
        for what, body in changed(good)
    ]
    answers = in_town(town, requests)
    faults = {name: fault for name, answer in answers if answer.status != 200 and (fault := fault_of(answer))}
    assert not faults
    print(f"{len(answers)} changed requests: {dict(Counter(answer.status for _, answer in answers))}")


def test_the_good_requests_are_good(town: Town) -> None:
    bodies = live(town, good_requests, prove=False)
    requests = [(path, post_bytes(path, msgspec.json.encode(body))) for path, body in bodies.items()]
    assert {name: answer.status for name, answer in in_town(town, requests)} == dict.fromkeys(bodies, 200)


def test_a_body_larger_than_the_limit_is_refused(town: Town) -> None:
    answers = dict(
        in_town(
            town,
            [
                (f"{path} {size}", post_bytes(path, b" " * size))
                for path in PATHS
                for size in (MOST_BODY, MOST_BODY + 1)
            ],
        )
    )
    for path in PATHS:
        assert answers[f"{path} {MOST_BODY}"].status in {400, 403}
        assert answers[f"{path} {MOST_BODY + 1}"].status == 413


def chunked(path: str, chunks: list[bytes]) -> bytes:
    """A POST in chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    return f"POST {path} HTTP/1.1\r\nhost: mint\r\ntransfer-encoding: chunked\r\n\r\n".encode() + body


def test_a_body_in_chunks_has_the_same_limit(town: Town) -> None:
    requests = [
        ("large", chunked("/v1/swap", [b" " * 65_536] * 5)),
        ("tiny", chunked("/v1/swap", [b" "] * 5_000)),
        ("whole", chunked("/v1/checkstate", [b'{"Ys"', b": []}"])),
    ]
    assert {name: answer.status for name, answer in in_town(town, requests)} == {
        "large": 413,
        "tiny": 400,
        "whole": 200,
    }


ODD_HEADS: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c4030300000000") + bytes(200),
    "a length that is no number": b"POST /v1/swap HTTP/1.1\r\nhost: m\r\ncontent-length: many\r\n\r\n",
    "a negative length": b"POST /v1/swap HTTP/1.1\r\nhost: m\r\ncontent-length: -1\r\n\r\n",
    "two lengths": b"POST /v1/swap HTTP/1.1\r\nhost: m\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "length and chunks": b"POST /v1/swap HTTP/1.1\r\nhost: m\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
    "a chunk of no size": b"POST /v1/swap HTTP/1.1\r\nhost: m\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "a zero in a header": b"GET /v1/keys HTTP/1.1\r\nhost: m\0int\r\n\r\n",
    "an address that never ends": b"GET /v1/keys/" + b"a" * 2_000_000,
    "a header that never ends": b"GET /v1/keys HTTP/1.1\r\nhost: mint\r\nx: " + b"a" * 2_000_000,
    "headers that never end": b"GET /v1/keys HTTP/1.1\r\nhost: mint\r\n" + b"x: y\r\n" * 300_000,
}


@pytest.mark.parametrize("name", list(ODD_HEADS))
def test_a_head_that_is_no_http_is_refused_or_cut_off(town: Town, name: str) -> None:
    before = town.mint.memory()
    with socket.create_connection(("127.0.0.1", town.port), timeout=PATIENCE) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(ODD_HEADS[name])
        said = first_line(connection)
    assert said in {b"", b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 413 Request Entity Too Large"}
    assert town.mint.memory() - before < MEMORY
    assert town.mint.alive


def first_line(connection: socket.socket) -> bytes:
    """The first line that comes, or nothing when the connection ends."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n" not in received and (part := connection.recv(4096)):
            received += part
    return received.partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/keys/",
        "/v1//keys",
        "/v1/keys/%00",
        "/v1/keys/../../etc/passwd",
        "/v1/keys/" + "a" * 8000,
        "/v1/mint/quote/benefit/%00",
        "/v1/mint/quote/benefit/a%00b",
        "/v1/mint/quote/benefit/%ff%fe",
        "/v1/swap?a=b",
        "/v1/melt/quote/settle/%00",
        "/v1/melt/quote/settle/%ED%A0%80",
        "/v1/melt/quote/settle/" + "%F0%9F%92%A5" * 500,
        "/filters/spent/%00",
        "/filters/spent/..%2f..%2fmint.sqlite",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "TRACE", "PATCH"])
def test_an_address_that_is_none_is_refused(town: Town, method: str, path: str) -> None:
    with socket.create_connection(("127.0.0.1", town.port), timeout=PATIENCE) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nhost: mint\r\n\r\n".encode())
        status = int(first_line(connection).split()[1])
    assert 400 <= status < 500
