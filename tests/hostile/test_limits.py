"""Every limit that the description of the mint declares: a running mint takes so much, and refuses one more in the declared way."""

import asyncio
import contextlib
import json
import resource
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.faults.mint.asking import Answer, Line, ask_once
from tests.faults.mint.town import FOOD, SHOP, Country, Town, get, post, post_bytes
from tests.hostile.description import described, schema
from tests.hostile.test_bodies import PATIENCE, first_line
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.wire import BlindedMessage, KeysetsAnswer, Proof

LIMITS: dict[str, Any] = described()["x-limits"]
SOCKET: dict[str, int] = LIMITS["websocket"]
MISUSED = 1008
TOO_MUCH = 50
TRIES = 10_000
WAYS = ("subscribe", "unsubscribe")


def point(number: int) -> str:
    """A point of the curve."""
    return show_point(generator_times((number + 1).to_bytes(32, "big")))


def inputs(keyset: str, amounts: list[int], secret: str = "{}") -> list[Proof]:
    """Tokens that nobody signed."""
    return [
        Proof(amount=amount, id=keyset, secret=secret.format(number), C=point(0))
        for number, amount in enumerate(amounts)
    ]


def outputs(keyset: str, amounts: list[int]) -> list[BlindedMessage]:
    """Outputs of these amounts."""
    return [BlindedMessage(amount=amount, id=keyset, B_=point(number)) for number, amount in enumerate(amounts)]


def powers(total: int) -> list[int]:
    """A few amounts that the keyset has."""
    return [1 << bit for bit in range(total.bit_length()) if total >> bit & 1]


class Limit(msgspec.Struct, frozen=True):
    """A limit: its number, the body with so many of what is limited (for a keyset), and what is answered up to it and beyond."""

    most: int
    path: str
    body: Callable[[str, int], Any]
    within: str
    beyond: str


def _items(name: str, field: str) -> int:
    return int(schema(name)["properties"][field]["maxItems"])


BODIES = {
    "inputs of a swap": Limit(
        _items("SwapRequest", "inputs"),
        "/v1/swap",
        lambda keyset, count: {"inputs": inputs(keyset, [1] * count), "outputs": outputs(keyset, powers(count))},
        "token.proof_false",
        "token.too_many",
    ),
    "outputs of a swap": Limit(
        _items("SwapRequest", "outputs"),
        "/v1/swap",
        lambda keyset, count: {"inputs": inputs(keyset, powers(count)), "outputs": outputs(keyset, [1] * count)},
        "token.proof_false",
        "token.too_many_outputs",
    ),
    "bytes of a secret": Limit(
        schema("Secret")["maxLength"],
        "/v1/swap",
        lambda keyset, size: {"inputs": inputs(keyset, [1], "x" * size), "outputs": outputs(keyset, [1])},
        "token.proof_false",
        "token.malformed",
    ),
    "bytes of a secret of letters with two": Limit(
        schema("Secret")["maxLength"] // 2,
        "/v1/swap",
        lambda keyset, size: {"inputs": inputs(keyset, [1], "é" * size), "outputs": outputs(keyset, [1])},
        "token.proof_false",
        "token.malformed",
    ),
    "inputs of a deposit": Limit(
        _items("MeltRequest", "inputs"),
        "/v1/melt/settle",
        lambda keyset, count: {"quote": "0" * 32, "inputs": inputs(keyset, [1] * count)},
        "token.quote_unknown",
        "token.too_many",
    ),
    "outputs of a claim": Limit(
        _items("MintRequest", "outputs"),
        "/v1/mint/benefit",
        lambda keyset, count: {"quote": "0" * 32, "outputs": outputs(keyset, [1] * count), "signature": "00" * 64},
        "token.quote_unknown",
        "token.too_many_outputs",
    ),
    "outputs of a claim on several quotes": Limit(
        _items("BatchMintRequest", "outputs"),
        "/v1/mint/benefit/batch",
        lambda keyset, count: {"quotes": ["0" * 32], "outputs": outputs(keyset, [1] * count)},
        "token.quote_unknown",
        "token.too_many_outputs",
    ),
    "quotes of a claim": Limit(
        _items("BatchMintRequest", "quotes"),
        "/v1/mint/benefit/batch",
        lambda keyset, count: {
            "quotes": [f"{number:032x}" for number in range(count)],
            "outputs": outputs(keyset, [1]),
        },
        "token.quote_unknown",
        "token.too_many_quotes",
    ),
    "quotes looked up": Limit(
        _items("MintQuotesCheck", "quotes"),
        "/v1/mint/quote/benefit/check",
        lambda _keyset, count: {"quotes": [f"{number:032x}" for number in range(count)]},
        "token.quote_unknown",
        "token.too_many_quotes",
    ),
    "points looked up": Limit(
        _items("CheckStateRequest", "Ys"),
        "/v1/checkstate",
        lambda _keyset, count: {"Ys": [f"02{number:064x}" for number in range(count)]},
        "",
        "token.too_many",
    ),
    "outputs restored": Limit(
        _items("RestoreRequest", "outputs"),
        "/v1/restore",
        lambda keyset, count: {"outputs": [{"amount": 1, "id": keyset, "B_": f"02{n:064x}"} for n in range(count)]},
        "",
        "token.too_many_outputs",
    ),
    # Of the usual fourteen denominations: 88 of the largest coin, and one of each other, are one coin too many.
    "the amount of a quote for aid": Limit(
        88 * 8192 + 8190,
        "/v1/mint/quote/benefit",
        lambda _keyset, amount: {"unit": FOOD, "amount": amount, "pubkey": point(0)},
        "",
        "token.amount_refused",
    ),
    "the amount of a deposit": Limit(
        100 * 8192,
        "/v1/melt/quote/settle",
        lambda _keyset, amount: {"request": SHOP, "unit": FOOD, "amount": amount},
        "",
        "token.amount_refused",
    ),
    "signs of a shop's reference": Limit(
        64,
        "/v1/melt/quote/settle",
        lambda _keyset, size: {"request": "s" * size, "unit": FOOD, "amount": 1},
        "",
        "mint.shop_not_accredited",
    ),
    "bytes of a body": Limit(
        LIMITS["body_bytes"],
        "/v1/checkstate",
        lambda _keyset, size: b'{"Ys": []}'.ljust(size),
        "",
        "service.body_too_large",
    ),
}


def error_of(answer: Answer) -> str:
    """Our name of the refusal, or an empty text. Raises `AssertionError` when the refusal is not as the description says."""
    if answer.status == 200:
        return ""
    said = msgspec.json.decode(answer.body)
    assert set(said) == {"detail", "code", "error"}
    assert answer.status < 500 or int(answer.header("retry-after")) == LIMITS["retry_after_seconds"]
    return str(said["error"])


def ask(town: Town, request: bytes) -> Answer:
    """One request on a connection of its own."""
    return asyncio.run(ask_once(town.port, request))


@pytest.fixture(scope="module")
def keyset(full_town: Town) -> str:
    """The keyset that signs food."""
    known = msgspec.json.decode(ask(full_town, get("/v1/keysets")).body, type=KeysetsAnswer).keysets
    return next(each.id for each in known if each.active and each.unit == FOOD)


@pytest.mark.parametrize("name", list(BODIES))
def test_so_many_are_taken_and_not_one_more(full_town: Town, keyset: str, name: str) -> None:
    limit = BODIES[name]

    def error_for(count: int) -> str:
        body = limit.body(keyset, count)
        return error_of(ask(full_town, post_bytes(limit.path, body if isinstance(body, bytes) else json_of(body))))

    assert (error_for(limit.most), error_for(limit.most + 1)) == (limit.within, limit.beyond)


def json_of(body: Any) -> bytes:
    """A body as JSON."""
    return msgspec.json.encode(body)


def test_a_head_has_a_limit(full_town: Town) -> None:
    size = LIMITS["head_bytes"]

    def status_for(filling: int) -> bytes:
        with socket.create_connection(("127.0.0.1", full_town.port), timeout=PATIENCE) as connection:
            with contextlib.suppress(OSError):  # cut off while it is sent
                connection.sendall(b"GET /v1/info HTTP/1.1\r\nhost: mint\r\nx: " + b"a" * filling + b"\r\n\r\n")
            return first_line(connection)

    assert status_for(size - 100) == b"HTTP/1.1 200 OK"
    # The first piece that arrives is not counted.
    assert status_for(8 * size) == b""


def test_a_connection_may_have_so_many_requests_waiting_behind_one(full_town: Town) -> None:
    most = LIMITS["requests_in_one_connection"]

    def answers_to(count: int) -> Counter[bytes]:
        request = b"GET /v1/info HTTP/1.1\r\nhost: mint\r\n\r\n" * (count - 1)
        received = b""
        with socket.create_connection(("127.0.0.1", full_town.port), timeout=PATIENCE) as connection:
            connection.sendall(request + b"GET /v1/info HTTP/1.1\r\nhost: mint\r\nconnection: close\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while part := connection.recv(1 << 16):
                    received += part
        return Counter(each[:3] for each in received.split(b"HTTP/1.1 ")[1:])

    assert answers_to(most + 1) == {b"200": most + 1}
    beyond = answers_to(most * 3)
    assert beyond[b"400"] == 1
    assert beyond[b"200"] < most * 3


def test_when_the_queue_is_full_the_next_request_is_told_when_to_come_again(country: Country) -> None:
    most = LIMITS["requests_at_once"]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * most:
        pytest.skip(f"this user may open {hard} files at most")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with country.town() as town:
            answers = asyncio.run(crowd(town, most + TOO_MUCH))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    told = Counter(map(error_of, answers))
    assert told["mint.busy"] == TOO_MUCH
    assert told["token.proof_false"] + told["signer.unreachable"] == most
    assert told["token.proof_false"]


async def crowd(town: Town, count: int) -> list[Answer]:
    """Swaps of so many wallets, which wait for a signer that is away until the first ones were refused; all answers."""
    with Line(town.port) as line:
        made = await line.insist(town.operator_post("/operate/keysets", {"unit": FOOD, "period": "2026-11"}))
        keyset = msgspec.json.decode(made.body)["keyset"]
        request = post("/v1/swap", {"inputs": inputs(keyset, [1]), "outputs": outputs(keyset, [1])})
    town.signer.kill()
    waiting = [asyncio.ensure_future(ask_once(town.port, request)) for _ in range(count)]
    answers = asyncio.as_completed(waiting)
    first = [await next(answers) for _ in range(TOO_MUCH)]
    await asyncio.to_thread(town.signer.start)
    return first + [await each for each in answers]


# --- websockets ------------------------------------------------------------------------------------------------------------


def opened(town: Town) -> ClientConnection:
    """A websocket."""
    return connect(f"ws://127.0.0.1:{town.port}/v1/ws", open_timeout=PATIENCE, compression=None)


def filters_of(town: Town, kind: str, count: int) -> list[str]:
    """So many different filters of a kind, all of something that is there."""
    if kind == "proof_state":
        return [f"02{each:064x}" for each in range(count)]
    path, body = {
        "benefit_mint_quote": ("/v1/mint/quote/benefit", {"unit": FOOD, "amount": 1, "pubkey": point(0)}),
        "settle_melt_quote": ("/v1/melt/quote/settle", {"unit": FOOD, "amount": 1, "request": SHOP}),
    }[kind]
    asked = [ask(town, post(path, body)) for _ in range(count)]
    return [str(msgspec.json.decode(answer.body)["quote"]) for answer in asked]


def subscribe(session: ClientConnection, kind: str, filters: int | list[str], name: str = "mine") -> int:
    """Subscribe to so many points, or to these; 0, or the number of the error."""
    named = [f"02{each:064x}" for each in range(filters)] if isinstance(filters, int) else filters
    params = {"kind": kind, "subId": name, "filters": named}
    session.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": params}))
    while "id" not in (answer := json.loads(session.recv(PATIENCE))):
        pass  # a notice of what was subscribed before
    return int(answer.get("error", {}).get("code", 0))


@pytest.mark.parametrize("kind", ["proof_state", "benefit_mint_quote", "settle_melt_quote"])
def test_so_many_filters_of_a_kind_are_open_on_a_websocket(full_town: Town, kind: str) -> None:
    named = filters_of(full_town, kind, SOCKET[kind] + 1)
    with opened(full_town) as session:
        assert subscribe(session, kind, named) == -32602
        assert subscribe(session, kind, named[1:]) == 0
        assert subscribe(session, kind, named[:1], "more") == -32602


def test_so_many_subscriptions_are_open_on_a_websocket(full_town: Town) -> None:
    with opened(full_town) as session:
        made = [subscribe(session, "proof_state", 1, f"{each}") for each in range(SOCKET["subscriptions"] + 1)]
    assert made == [0] * SOCKET["subscriptions"] + [-32602]


def test_a_name_on_a_websocket_has_a_limit(full_town: Town) -> None:
    with opened(full_town) as session:
        assert subscribe(session, "proof_state", 1, "n" * SOCKET["name_characters"]) == 0
        assert subscribe(session, "proof_state", 1, "n" * (SOCKET["name_characters"] + 1)) == -32602


def test_a_frame_has_a_limit(full_town: Town) -> None:
    with opened(full_town) as session:
        size = len(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "unsubscribe", "params": {"subId": "a"}}))
        request = {"jsonrpc": "2.0", "id": 1, "method": "unsubscribe", "params": {"subId": "a"}}
        session.send(json.dumps(request) + " " * (SOCKET["frame_bytes"] - size))
        assert json.loads(session.recv(PATIENCE))["error"]["code"] == -32602
        session.send(json.dumps(request) + " " * (SOCKET["frame_bytes"] - size + 1))
        assert closed_with(session) == 1009


def closed_with(session: ClientConnection) -> int:
    """The code with which the mint closes a websocket."""
    try:
        while True:
            session.recv(PATIENCE)
    except ConnectionClosed as closed:
        return 0 if closed.rcvd is None else closed.rcvd.code


def test_whoever_goes_on_with_malformed_frames_is_closed(full_town: Town) -> None:
    with opened(full_town) as session:
        for _ in range(SOCKET["faults"]):
            session.send("nonsense")
            assert json.loads(session.recv(PATIENCE))["error"]["code"] == -32700
        session.send("nonsense")
        assert closed_with(session) == MISUSED


def test_whoever_sends_too_many_frames_at_once_is_closed(full_town: Town) -> None:
    params = {"kind": "proof_state", "subId": "a", "filters": [point(0)]}
    frames = [json.dumps({"jsonrpc": "2.0", "id": 1, "method": each, "params": params}) for each in WAYS]
    with opened(full_town) as session:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(5 * SOCKET["frames_in_a_second"]):
                for each in frames:  # each of them is a good one
                    session.send(each)
        assert closed_with(session) == MISUSED


def test_so_many_websockets_are_open_and_the_next_one_is_told_when_to_come_again(full_town: Town) -> None:
    with contextlib.ExitStack() as stack:
        made = 0
        for _ in range(TRIES):  # those of other tests may still be ending
            with contextlib.suppress(InvalidStatus):
                stack.enter_context(opened(full_town))
                made += 1
            if made == SOCKET["connections"]:
                break
        with pytest.raises(InvalidStatus) as refused:
            stack.enter_context(opened(full_town))
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["retry-after"] == str(LIMITS["retry_after_seconds"])
        assert json.loads(refused.value.response.body or b"")["error"] == "mint.busy"
