"""The mint's HTTP edge: what every answer carries and never carries, bad and slow and too many requests, errors in words."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import NOON, Town, Wallet, refused
from starlette.testclient import TestClient

from amparo_common.errors import AmparoError
from amparo_mint.asgi import MOST_BODY_BYTES, App, Handler, Reply, Request, reply
from amparo_mint.http import protocol_error
from amparo_service.errors import CannotStore

PUBLIC = [
    "/v1/swap",
    "/v1/mint/benefit",
    "/v1/mint/benefit/batch",
    "/v1/mint/quote/benefit",
    "/v1/mint/quote/benefit/check",
    "/v1/melt/quote/settle",
    "/v1/melt/settle",
    "/v1/checkstate",
    "/v1/restore",
]
MARKS = {"set-cookie", "etag", "last-modified", "server", "date"}


@contextlib.asynccontextmanager
async def no_errands() -> AsyncIterator[None]:
    """The life of an application that has nothing to do besides answering."""
    yield


def small_app(handler: Handler, **settings: Any) -> App:
    """An application with one address, as the mint makes it."""
    counted: list[tuple[str, int]] = settings.pop("counted", [])
    return App(
        {("GET", "/x"): handler, ("POST", "/x"): handler, ("GET", "/under/*"): handler},
        show=protocol_error,
        lifespan=settings.pop("lifespan", no_errands),
        observe=lambda route, status, _seconds: counted.append((route, status)),
        sockets={},
        **settings,
    )


async def echo(request: Request) -> Reply:
    """Answers with the size of the body and the end of the path."""
    return reply({"bytes": len(request.body), "argument": request.argument})


# --- what every answer carries ----------------------------------------------------------------------


def test_no_answer_sets_a_cookie_or_an_etag(town: Town, keyset: str) -> None:
    paths = ("/health", "/ready", "/metrics", "/v1/info", "/v1/keys", f"/v1/keys/{keyset}", "/v1/keysets", "/v1/none")
    for path in paths:
        headers = town.http.get(path).headers
        assert not MARKS & set(headers), path
        assert headers["cache-control"] == "no-store"
    for path in PUBLIC:
        assert not MARKS & set(town.http.post(path, json={}).headers), path


def test_keys_are_the_same_bytes_for_everybody_packed_or_not(town: Town, keyset: str) -> None:
    for path in ("/v1/keys", f"/v1/keys/{keyset}", "/v1/keysets", "/v1/info"):
        plain = [
            town.http.get(path, headers={"accept-encoding": "identity", "user-agent": agent, "cookie": "a=b"})
            for agent in ("one", "other")
        ]
        packed = [raw(town, path) for _ in range(2)]
        assert plain[0].content == plain[1].content
        assert dict(plain[0].headers) == dict(plain[1].headers)
        assert packed[0] == packed[1]
        (head, body) = packed[0]
        assert (head[b"content-encoding"], head[b"vary"]) == (b"gzip", b"accept-encoding")
        assert int(head[b"content-length"]) == len(body)
        # No time in the packed file's head either (bytes 4 to 8), which would mark when the mint started.
        assert body[4:8] == b"\0\0\0\0"
        assert gzip.decompress(body) == plain[0].content


def raw(town: Town, path: str) -> tuple[dict[bytes, bytes], bytes]:
    """A GET answer as it goes over the wire, unpacked by nobody."""
    sent: list[Any] = []

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"accept-encoding", b"gzip, br")]
        scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
        await town.server.app()(scope, receive, send)

    town.run(ask)
    return dict(sent[0]["headers"]), sent[1]["body"]


def test_a_page_of_another_origin_may_ask_the_mint(town: Town, keyset: str) -> None:
    asking = {"origin": "https://wallet.example", "access-control-request-method": "POST"}
    asking["access-control-request-headers"] = "content-type, blind-auth"
    for path in ("/v1/swap", "/v1/keys", f"/v1/keys/{keyset}", "/v1/mint/quote/benefit/" + "0" * 32):
        answer = town.http.options(path, headers=asking)
        assert (answer.status_code, answer.content) == (200, b""), path
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-headers"] == "*"
        assert "POST" in answer.headers["access-control-allow-methods"]
    assert town.http.options("/v1/nowhere", headers=asking).status_code == 404
    assert town.http.post("/v1/swap", json={}).headers["access-control-allow-origin"] == "*"


def test_health_says_that_this_is_practice(town: Town) -> None:
    assert town.http.get("/health").json() == {"service": "mint", "practice": True}


def test_only_the_operator_sees_how_many_deposits_wait(town: Town, wallet: Wallet, keyset: str) -> None:
    town.shops.away = True
    body = wallet.deposit_body(wallet.deposit_quote(8), wallet.receive(keyset, 8))
    town.http.post("/v1/melt/settle", content=body)
    assert town.http.get("/ready").json() == {"ready": True}
    assert "amparo_mint_deposits_waiting 1.0" in town.http.get("/metrics", headers=town.as_operator()).text


def test_metrics_count_answers_and_tell_nothing_of_a_wallet_a_shop_or_an_amount(
    town: Town, wallet: Wallet, keyset: str
) -> None:
    proofs = wallet.receive(keyset, 1337)
    quote = wallet.quote(8)
    town.http.get(f"/v1/mint/quote/benefit/{quote}")
    town.http.get(f"/v1/keys/{keyset}")
    town.http.get("/v1/" + "secret" * 5)
    wallet.swap(proofs, wallet.split(keyset, 1337))
    assert town.http.get("/metrics").status_code == 403
    text = town.http.get("/metrics", headers=town.as_operator()).text
    assert 'amparo_mint_answers_total{route="/v1/swap",status="200"} 1.0' in text
    assert 'amparo_mint_answers_total{route="other",status="404"} 1.0' in text
    # Sums of seconds aside, which may hold any digits, only counts; no moment of anything.
    lines = [line for line in text.splitlines() if "_seconds_sum" not in line]
    for told in (quote, keyset, keyset[:16], "secret", "1337", wallet.pubkey, "5" * 32, "food", "_created"):
        assert told not in "\n".join(lines)
    for line in lines:
        assert line.startswith(("#", "amparo_mint_")), line
        assert line.startswith("#") or float(line.split()[-1]).is_integer()


# --- requests that cannot be read, or not in time -----------------------------------------------------


@pytest.mark.parametrize("path", PUBLIC)
def test_a_request_of_the_wrong_shape_gets_a_number_and_words(town: Town, path: str) -> None:
    marker = "c0ffee" * 8
    bodies = [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"null",
        b'{"inputs":"' + marker.encode() + b'"}',
        b'{"Ys":[1],"outputs":[{"amount":"' + marker.encode() + b'"}],"inputs":[],"amount":"' + marker.encode() + b'"}',
        b"[" * 100_000,
    ]
    for body in bodies:
        answer = town.http.post(path, content=body)
        refused(answer, 10000, "service.bad_request")
        assert marker not in answer.text


def test_an_unknown_address_and_a_wrong_method_get_a_number_and_words_too(town: Town) -> None:
    for answer in (
        town.http.get("/v1/nowhere"),
        town.http.get("/v1/swap"),
        town.http.put("/v1/swap", content=b"{}"),
        town.http.get("/v1/keys/a/b"),
        town.http.get("//v1/keys"),
    ):
        refused(answer, 10000, "service.not_found", status=404)


@pytest.mark.parametrize("quote", ["", "\x00", "a\x00b", "x" * 5_000, "' OR 1=1 --", "😀"])
def test_a_quote_of_any_name_is_only_unknown(town: Town, wallet: Wallet, keyset: str, quote: str) -> None:
    answers = [
        town.http.post("/v1/mint/quote/benefit/check", json={"quotes": [quote]}),
        town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, wallet.split(keyset, 8))),
        town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, wallet.receive(keyset, 8))),
    ]
    for answer in answers:
        refused(answer, 10000, "token.quote_unknown")


def test_half_of_a_character_is_refused_in_words(town: Town, wallet: Wallet, keyset: str) -> None:
    body = wallet.swap_body(wallet.receive(keyset, 8), wallet.split(keyset, 8))
    secret = msgspec.json.decode(body)["inputs"][0]["secret"]
    answer = town.http.post("/v1/swap", content=body.replace(secret.encode(), b"\\ud800"))
    assert (answer.status_code, answer.json()["code"]) == (400, 10000)
    answer = town.http.post("/v1/mint/quote/benefit/check", content=b'{"quotes":["\\ud800"]}')
    assert (answer.status_code, answer.json()["code"]) == (400, 10000)


def test_a_body_larger_than_the_limit_is_refused(town: Town) -> None:
    answer = town.http.post("/v1/swap", content=b" " * (MOST_BODY_BYTES + 1))
    refused(answer, 10000, "service.body_too_large", status=413)


def ask(app: App, messages: list[Any], *, method: str = "POST", path: str = "/x") -> tuple[int, dict[str, Any]]:
    """One request whose body comes in these messages, and then nothing more, for ever."""
    sent: list[Any] = []

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        scope = {"type": "http", "method": method, "path": path, "headers": []}
        await asyncio.wait_for(app(scope, receive, send), timeout=30)

    asyncio.run(run())
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    """A part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("begun", [[], [part(b"{")], [part(b""), part(b"{")]])
def test_a_body_that_never_arrives_is_not_waited_for(begun: list[Any]) -> None:
    status, answer = ask(small_app(echo, body_seconds=0.01), begun)
    assert (status, answer["error"]) == (408, "mint.request_too_slow")


def test_a_body_in_parts_is_put_together_and_bounded() -> None:
    parts = [part(b"ab"), part(b""), part(b"c", more=False)]
    assert ask(small_app(echo), parts) == (200, {"bytes": 3, "argument": ""})
    status, answer = ask(small_app(echo), [part(b" " * 200_000), part(b" " * 200_000)])
    assert (status, answer["error"]) == (413, "service.body_too_large")


def test_a_sender_who_goes_away_has_asked_for_nothing() -> None:
    asked: list[Request] = []

    async def count(request: Request) -> Reply:
        asked.append(request)
        return reply({})

    for begun in ([], [part(b"{}")]):
        status, answer = ask(small_app(count), [*begun, {"type": "http.disconnect"}])
        assert (status, answer["error"]) == (408, "mint.request_too_slow")
    assert asked == []


# --- too many requests --------------------------------------------------------------------------------


def test_beyond_so_many_requests_at_once_the_next_one_is_told_to_come_again_and_nothing_is_done_for_it() -> None:
    async def story() -> None:
        free, asked = asyncio.Event(), 0

        async def slow(_request: Request) -> Reply:
            nonlocal asked
            asked += 1
            await free.wait()
            return reply({})

        app = small_app(slow, most_at_once=2)
        tasks = [asyncio.create_task(once(app)) for _ in range(3)]
        # The third one is refused while the others still wait.
        (answered,), _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        status, headers, body = await answered
        assert (status, headers[b"retry-after"], asked) == (503, b"2", 2)
        assert msgspec.json.decode(body)["error"] == "mint.busy"
        free.set()
        assert sorted([(await task)[0] for task in tasks]) == [200, 200, 503]
        assert (await once(app))[0] == 200

    asyncio.run(story())


async def once(app: App) -> tuple[int, dict[bytes, bytes], bytes]:
    """A GET of the small application."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/x", "headers": []}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_large_bodies_of_many_senders_share_one_bounded_room() -> None:
    async def story() -> None:
        app, room = small_app(echo, most_held=300), asyncio.Event()
        begun = [asyncio.create_task(send_slowly(app, b"x" * 100, room)) for _ in range(3)]
        await asyncio.sleep(0)
        assert (await send_slowly(app, b"x", room))[0] == 503
        room.set()
        assert [(await task)[0] for task in begun] == [200, 200, 200]
        # What was held is free again, also after a refusal.
        assert (await send_slowly(app, b"x" * 150, room))[0] == 200
        assert (await send_slowly(app, b"x" * 301, room))[0] == 503
        assert (await send_slowly(app, b"x" * 150, room))[0] == 200

    asyncio.run(story())


async def send_slowly(app: App, half: bytes, room: asyncio.Event) -> tuple[int, dict[str, Any]]:
    """A POST whose second half, an empty one, comes when there is room."""
    sent: list[Any] = []
    parts = [part(half)]

    async def receive() -> Any:
        if parts:
            return parts.pop()
        await room.wait()
        return part(b"", more=False)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "POST", "path": "/x", "headers": []}, receive, send)
    return sent[0]["status"], msgspec.json.decode(sent[1]["body"])


def test_a_database_that_does_not_answer_is_told_with_a_time_to_try_again(town: Town, wallet: Wallet) -> None:
    async def full(_request: Request) -> Reply:
        raise CannotStore("Nothing was stored.")

    answer = TestClient(small_app(full)).get("/x")
    refused(answer, 10000, "service.cannot_store", status=503)
    assert answer.headers["retry-after"] == "2"
    assert "retry-after" not in town.http.post("/v1/swap", json={}).headers


# --- errors in words ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/operate/keysets", "/operate/keysets/close", "/operate/figures", "/operate/backup"])
@pytest.mark.parametrize("token", [None, "", "Bearer ", "Bearer wrong", "Bearer é"])
def test_only_the_operator_operates(sqlite_town: Town, path: str, token: str | None) -> None:
    town = sqlite_town
    (keyset,) = town.figures()
    headers = {} if token is None else {b"authorization": token.encode()}
    target = town.folder / "stolen.sqlite"
    body = {"unit": "food", "period": "p", "keyset": keyset, "path": str(target)}
    answer = town.http.post(path, json=body, headers=headers)
    refused(answer, 10000, "mint.not_the_operator", status=403)
    assert len(town.http.get("/v1/keysets").json()["keysets"]) == 1
    assert not target.exists()


def test_an_error_answer_repeats_nothing_of_the_request(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 64)
    wallet.swap(proofs, wallet.split(keyset, 64))
    blanks = wallet.split(keyset, 64)
    quote = wallet.quote(64)
    answers = [
        town.http.post("/v1/swap", content=wallet.swap_body(proofs, blanks)),
        town.http.post("/v1/swap", content=wallet.swap_body([*proofs, *proofs], blanks)),
        town.http.post("/v1/mint/benefit", content=wallet.claim_body(quote, blanks)),
        town.http.post("/v1/mint/benefit", content=Wallet(town).claim_body(quote, blanks)),
    ]
    given = [proofs[0].secret, proofs[0].C, blanks[0].output.B_, quote, wallet.pubkey, str(town.folder)]
    for answer in answers:
        assert answer.status_code == 400
        assert not [text for text in given if text in answer.text]


def test_an_unexpected_fault_tells_the_caller_nothing(caplog: pytest.LogCaptureFixture) -> None:
    counted: list[tuple[str, int]] = []

    async def broken(_request: Request) -> Reply:
        raise RuntimeError("María Pérez")

    client = TestClient(small_app(broken, counted=counted), raise_server_exceptions=True)
    answer = client.post("/x", content=b"{}")
    refused(answer, 10000, "service.unexpected", status=500)
    assert "Pérez" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
    assert counted == [("/x", 500)]


@pytest.mark.parametrize("error", [CannotStore("The disk is full."), RuntimeError("María Pérez")])
def test_a_mint_that_cannot_start_says_so_and_why(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    @contextlib.asynccontextmanager
    async def fails() -> AsyncIterator[None]:
        if not sent:
            raise error
        yield

    sent: list[Any] = []
    app = small_app(echo, lifespan=fails)

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(AmparoError):
        asyncio.run(app({"type": "lifespan"}, receive, send))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert isinstance(app.failure, AmparoError)
    assert "Pérez" not in str(sent) + str(app.failure) + caplog.text


def test_a_client_that_goes_away_in_the_middle_leaves_a_whole_swap(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs, blanks = wallet.receive(keyset, 64), wallet.split(keyset, 64)
    body = wallet.swap_body(proofs, blanks)

    async def cut_off() -> None:
        async def receive() -> Any:
            return part(body, more=False)

        async def send(_message: Any) -> None:
            raise AssertionError("nobody is there any more")

        scope = {"type": "http", "method": "POST", "path": "/v1/swap", "headers": []}
        task = asyncio.ensure_future(town.server.app()(scope, receive, send))
        for _ in range(3):  # far enough to wait for the signer
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    town.run(cut_off)
    town.run(town.mint.finished)
    # Whatever became of it: the same request again has one answer, and the sums agree.
    assert len(wallet.finish(town.http.post("/v1/swap", content=body).content, blanks)) == 1
    assert wallet.state(proofs) == ["SPENT"]
    assert town.figures() == {keyset: (64, 0, 0, 64)}


def test_swaps_of_many_clients_at_once_are_all_answered(town: Town, wallet: Wallet, keyset: str) -> None:
    wallets = [Wallet(town) for _ in range(8)]
    work = [(each, each.receive(keyset, 7)) for each in wallets]

    def live(own: Wallet, proofs: list[Any]) -> None:
        for _ in range(5):
            proofs = own.swap(proofs, own.split(keyset, 7))

    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(live, *each) for each in work]:
            done.result(60)
    assert town.figures() == {keyset: (56, 0, 0, 56)}
    assert town.clock.now() == NOON
