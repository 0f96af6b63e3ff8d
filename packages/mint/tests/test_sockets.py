"""The websocket (NUT-17): how things stand first, then each change; bounded in everything; gone without a trace."""

import asyncio
import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any

import msgspec
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from packages.mint.tests.conftest import FOOD, MINT_KEY, Town, Wallet
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from amparo_cashu.curve import hash_to_curve, show_point
from amparo_cashu.wire import Proof, SwapRequest
from amparo_mint.asgi import App, Request
from amparo_mint.assemble import choose_store
from amparo_mint.http import MintServer, protocol_error
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.sockets import (
    FAILED,
    FULL,
    GOING_AWAY,
    MISUSED,
    MOST_DEPOSITS,
    NO_METHOD,
    NO_REQUEST,
    RESTARTING,
    SOCKET_PATH,
    UNREADABLE,
    WRONG_PARAMETERS,
    DroppingProtocol,
    Kind,
    Sockets,
    SocketSettings,
    kinds_of,
)
from amparo_service.errors import CannotStore
from amparo_service.serve import MOST_FRAME_BYTES

QUICK = SocketSettings(look_seconds=0.02)
POINT = "02" + "11" * 32


def frame(method: str = "subscribe", number: int = 0, **params: Any) -> dict[str, Any]:
    """A request of NUT-17."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def points(proofs: Sequence[Proof]) -> list[str]:
    """The Ys of tokens."""
    return [show_point(hash_to_curve(proof.secret.encode())) for proof in proofs]


@contextlib.contextmanager
def opened(town: Town, settings: SocketSettings = QUICK) -> Iterator[Sockets]:
    """The town's mint behind an edge with websockets."""
    plain = town.http
    server = MintServer(
        town.mint, town.store, town.hasher, town.operation, clock=town.clock, practice=True, sockets=settings
    )
    town.run(server.use_keysets)
    town.http = TestClient(server.app(), raise_server_exceptions=False)
    town.http.portal = plain.portal
    assert server.sockets is not None
    try:
        yield server.sockets
    finally:
        town.http = plain


def subscribe(session: WebSocketTestSession, kind: str, filters: Sequence[str], sub_id: str = "mine") -> None:
    """Subscribe and take the answer."""
    session.send_json(frame(kind=kind, subId=sub_id, filters=list(filters)))
    assert session.receive_json() == {"jsonrpc": "2.0", "id": 0, "result": {"status": "OK", "subId": sub_id}}


def told(session: WebSocketTestSession, sub_id: str = "mine") -> Any:
    """The next notice's payload."""
    notice = session.receive_json()
    assert (notice["jsonrpc"], notice["method"], notice["params"]["subId"]) == ("2.0", "subscribe", sub_id)
    return notice["params"]["payload"]


def fault(session: WebSocketTestSession) -> tuple[Any, int]:
    """The next answer: for which request, and the number of the error."""
    answer = session.receive_json()
    assert set(answer) == {"jsonrpc", "error", "id"}
    assert set(answer["error"]) == {"code", "message"}
    return answer["id"], answer["error"]["code"]


# --- what is told ---------------------------------------------------------------------------------------


def test_the_state_of_tokens_is_told_first_and_then_each_change(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 3)
    ys = points(proofs)
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        subscribe(session, "proof_state", ys)
        first = [told(session), told(session)]
        assert sorted(first, key=lambda each: ys.index(each["Y"])) == [
            {"Y": y, "state": "UNSPENT", "witness": None} for y in ys
        ]
        wallet.swap(proofs[:1], wallet.split(keyset, proofs[0].amount))
        assert told(session) == {"Y": ys[0], "state": "SPENT", "witness": None}
        wallet.swap(proofs[1:], wallet.split(keyset, proofs[1].amount))
        assert told(session) == {"Y": ys[1], "state": "SPENT", "witness": None}


def test_a_quote_for_aid_is_told_until_it_is_issued(town: Town, wallet: Wallet, keyset: str) -> None:
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        quote = wallet.quote(64)
        subscribe(session, "benefit_mint_quote", [quote])
        shown = told(session)
        assert shown == {
            "quote": quote,
            "request": quote,
            "unit": "food",
            "method": "benefit",
            "amount": 64,
            "amount_paid": 0,
            "amount_issued": 0,
            "updated_at": 0,
            "expiry": None,
            "pubkey": wallet.pubkey,
        }
        town.pay(quote, 64)
        assert told(session) == shown | {"amount_paid": 64, "updated_at": 1}
        body = wallet.claim_body(quote, wallet.split(keyset, 64))
        assert town.http.post("/v1/mint/benefit", content=body).status_code == 200
        assert told(session) == shown | {"amount_paid": 64, "amount_issued": 64, "updated_at": 2}


def test_a_deposit_is_told_while_it_waits_and_when_it_is_made(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 8)
    quote = wallet.deposit_quote(8)
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        subscribe(session, "settle_melt_quote", [quote], "deposit")
        assert told(session, "deposit") == town.http.get(f"/v1/melt/quote/settle/{quote}").json()
        town.shops.away = True
        assert (
            town.http.post("/v1/melt/settle", content=wallet.deposit_body(quote, proofs)).json()["state"] == "PENDING"
        )
        assert told(session, "deposit")["state"] == "PENDING"
        subscribe(session, "proof_state", points(proofs), "tokens")
        assert told(session, "tokens")["state"] == "PENDING"
        town.shops.away = False
        assert {told_by(session)["state"] for _ in range(2)} == {"PAID", "SPENT"}


def test_what_another_process_did_is_told(town: Town, wallet: Wallet, keyset: str) -> None:
    """Another mint on the same database exchanges the token; this one only looks."""
    proofs = wallet.receive(keyset, 1)
    body = wallet.swap_body(proofs, wallet.split(keyset, 1))

    async def elsewhere() -> None:
        store = choose_store(town.database, town.folder)
        await store.open()
        other = Mint(store, SigningDesk(town.signer), town.hasher, clock=town.clock, bridge_key=MINT_KEY)
        other.catalogue = town.mint.catalogue
        await other.swap(msgspec.json.decode(body, type=SwapRequest))
        await store.close()

    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        subscribe(session, "proof_state", points(proofs))
        assert told(session)["state"] == "UNSPENT"
        town.run(elsewhere)
        assert told(session)["state"] == "SPENT"


def told_by(session: WebSocketTestSession) -> Any:
    """The next notice's payload, of whichever subscription."""
    return session.receive_json()["params"]["payload"]


def test_what_does_not_exist_yet_is_told_once_it_does(town: Town, wallet: Wallet, keyset: str) -> None:
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        subscribe(session, "benefit_mint_quote", ["0" * 32, wallet.quote(8)])
        assert told(session)["amount"] == 8


def test_several_subscriptions_to_the_same_thing_are_all_told(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 1)
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        subscribe(session, "proof_state", points(proofs) * 2, "one")
        assert told(session, "one")["state"] == "UNSPENT"
        subscribe(session, "proof_state", points(proofs), "two")
        assert told(session, "two")["state"] == "UNSPENT"
        wallet.swap(proofs, wallet.split(keyset, 1))
        assert [told(session, "one")["state"], told(session, "two")["state"]] == ["SPENT", "SPENT"]


def test_after_unsubscribing_nothing_more_is_told(town: Town, wallet: Wallet, keyset: str) -> None:
    proofs = wallet.receive(keyset, 3)
    ys = points(proofs)
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        subscribe(session, "proof_state", ys[:1], "one")
        assert told(session, "one")["state"] == "UNSPENT"
        session.send_json(frame("unsubscribe", 7, subId="one"))
        assert session.receive_json() == {"jsonrpc": "2.0", "id": 7, "result": {"status": "OK", "subId": "one"}}
        wallet.swap(proofs[:1], wallet.split(keyset, proofs[0].amount))
        # The next thing that is heard is about the other token.
        subscribe(session, "proof_state", ys[1:], "two")
        assert told(session, "two") == {"Y": ys[1], "state": "UNSPENT", "witness": None}
        # The word is free again.
        subscribe(session, "proof_state", ys[:1], "one")
        assert told(session, "one")["state"] == "SPENT"


def test_a_wallet_may_speak_in_binary_frames(town: Town) -> None:
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        session.send_json(frame(kind="proof_state", subId="mine", filters=[POINT]), mode="binary")
        assert session.receive_json()["result"]["status"] == "OK"
        assert told(session) == {"Y": POINT, "state": "UNSPENT", "witness": None}


def test_the_info_says_what_can_be_subscribed_to_only_when_it_is_on(town: Town) -> None:
    assert "17" not in town.http.get("/v1/info").json()["nuts"]
    with pytest.raises(WebSocketDisconnect), town.http.websocket_connect(SOCKET_PATH):
        pytest.fail("It was taken.")
    with opened(town):
        assert town.http.get("/v1/info").json()["nuts"]["17"] == {
            "supported": [
                {"method": "benefit", "unit": FOOD, "commands": ["benefit_mint_quote", "proof_state"]},
                {"method": "settle", "unit": FOOD, "commands": ["settle_melt_quote", "proof_state"]},
            ]
        }


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "number", "code"),
    [
        ("{", None, UNREADABLE),
        ("", None, UNREADABLE),
        ('{"id": "\\ud800"}', None, UNREADABLE),
        ('{"x":' + "[" * 20_000, None, UNREADABLE),
        ("[]", None, NO_REQUEST),
        ('"subscribe"', None, NO_REQUEST),
        ('{"jsonrpc":"2.0","id":1.5,"method":"subscribe"}', None, NO_REQUEST),
        (
            json.dumps(frame(number=3, kind="proof_state", subId="a", filters=[POINT]) | {"jsonrpc": "1.0"}),
            3,
            NO_REQUEST,
        ),
        (json.dumps(frame(kind="proof_state", subId="a", filters=[POINT]) | {"id": "4"}), "4", NO_REQUEST),
        (json.dumps({"jsonrpc": "2.0", "id": 5}), 5, NO_REQUEST),
        (json.dumps(frame("publish", 6)), 6, NO_METHOD),
        (json.dumps(frame(number=7)), 7, WRONG_PARAMETERS),
        (json.dumps(frame(number=8, kind="proof_state", subId="a", filters=POINT)), 8, WRONG_PARAMETERS),
        (json.dumps(frame(number=8, kind="proof_state", subId="", filters=[POINT])), 8, WRONG_PARAMETERS),
        (json.dumps(frame(number=8, kind="proof_state", subId="a" * 200, filters=[POINT])), 8, WRONG_PARAMETERS),
        (json.dumps(frame(number=9, kind="proof_state", subId="a", filters=[])), 9, WRONG_PARAMETERS),
        (json.dumps(frame(number=9, kind="proof_state", subId="a", filters=["04" + POINT[2:]])), 9, WRONG_PARAMETERS),
        (json.dumps(frame(number=9, kind="proof_state", subId="a", filters=[POINT, "0" * 32])), 9, WRONG_PARAMETERS),
        (json.dumps(frame(number=9, kind="benefit_mint_quote", subId="a", filters=["\0"])), 9, WRONG_PARAMETERS),
        (json.dumps(frame(number=9, kind="bolt11_mint_quote", subId="a", filters=["0" * 32])), 9, WRONG_PARAMETERS),
        (json.dumps(frame("unsubscribe", 10, subId="a")), 10, WRONG_PARAMETERS),
        (json.dumps(frame(kind="proof_state", subId="a", filters=[POINT] * 501)), 0, WRONG_PARAMETERS),
        (" " * (MOST_FRAME_BYTES + 1), None, UNREADABLE),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_malformed_frame_gets_the_error_of_json_rpc(
    sqlite_town: Town, sent: str, number: int | str | None, code: int
) -> None:
    with opened(sqlite_town), sqlite_town.http.websocket_connect(SOCKET_PATH) as session:
        session.send_text(sent)
        assert fault(session) == (number, code)
        # The connection is as good as before.
        subscribe(session, "proof_state", [POINT])
        assert told(session)["state"] == "UNSPENT"
        session.send_json(frame(number=1, kind="proof_state", subId="mine", filters=[POINT]))
        assert fault(session) == (1, WRONG_PARAMETERS)


def test_subscriptions_and_filters_of_a_connection_are_bounded(sqlite_town: Town) -> None:
    with opened(sqlite_town), sqlite_town.http.websocket_connect(SOCKET_PATH) as session:
        for place in range(QUICK.subscriptions):
            subscribe(session, "benefit_mint_quote", [str(place)], str(place))
        session.send_json(frame(kind="benefit_mint_quote", subId="more", filters=["0"]))
        assert fault(session) == (0, WRONG_PARAMETERS)
        session.send_json(frame("unsubscribe", subId="0"))
        assert session.receive_json()["result"]["status"] == "OK"
        subscribe(session, "settle_melt_quote", [str(each) for each in range(MOST_DEPOSITS)], "more")
        session.send_json(frame("unsubscribe", subId="1"))
        assert session.receive_json()["result"]["status"] == "OK"
        session.send_json(frame(kind="settle_melt_quote", subId="yet more", filters=["x"]))
        assert fault(session) == (0, WRONG_PARAMETERS)


def test_filters_of_all_connections_are_bounded_and_come_free_again(sqlite_town: Town) -> None:
    ys = [f"02{place:064x}" for place in range(4)]
    with (
        opened(sqlite_town, SocketSettings(look_seconds=0.02, filters_in_all=4)),
        sqlite_town.http.websocket_connect(SOCKET_PATH) as one,
    ):
        with sqlite_town.http.websocket_connect(SOCKET_PATH) as other:
            subscribe(one, "proof_state", ys[:2])
            assert [told(one)["Y"] for _ in range(2)] == ys[:2]
            subscribe(other, "proof_state", ys[:2])
            one.send_json(frame(kind="proof_state", subId="more", filters=ys[2:]))
            assert fault(one) == (0, FULL)
            one.send_json(frame("unsubscribe", subId="mine"))
            assert one.receive_json()["result"]["status"] == "OK"
            subscribe(one, "proof_state", ys[:2])
            assert [told(one)["Y"] for _ in range(2)] == ys[:2]
        # One went away: its places are free once its end has been seen.
        for attempt in range(200):
            one.send_json(frame(kind="proof_state", subId=str(attempt), filters=ys[2:]))
            if "result" in one.receive_json():
                break
            time.sleep(0.05)
        assert [told(one, str(attempt))["Y"] for _ in range(2)] == ys[2:]


def test_connections_are_bounded(sqlite_town: Town) -> None:
    with opened(sqlite_town, SocketSettings(connections=1)), sqlite_town.http.websocket_connect(SOCKET_PATH):
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            sqlite_town.http.websocket_connect(SOCKET_PATH),
        ):
            pytest.fail("It was taken.")
        assert (denied.value.status_code, denied.value.headers["retry-after"]) == (503, "2")
        assert denied.value.json()["error"] == "mint.busy"


# --- without a server: a peer that does what no client library does -------------------------------------------


class Peer:
    """The other side of one connection: frames to send, and what was heard. Its reading can be stopped."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.inbox.put_nowait({"type": "websocket.connect"})

    def say(self, text: str) -> None:
        """Send a frame."""
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        """Close the connection."""
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def send(self, message: Any) -> None:
        """What the mint sends."""
        await self.reads.wait()
        self.heard.put_nowait(message)

    async def hear(self) -> Any:
        """The next frame's JSON."""
        message = await self.heard.get()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def hear_end(self) -> int:
        """The code with which the mint closes; frames before it are passed over."""
        while (message := await self.heard.get())["type"] != "websocket.close":
            pass
        return int(message["code"])


async def nobody_is_kept_out(_request: Request) -> None:
    """Admits everyone."""


def still(state: bytes = b'{"state":"UNSPENT"}') -> dict[str, Kind]:
    """One kind, of things that never change."""

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        return dict.fromkeys(filters, state)

    return {"proof_state": kind_of(look)}


def kind_of(look: Callable[[Sequence[str]], Coroutine[Any, Any, dict[str, bytes]]]) -> Kind:
    """Proof states, looked up in this way."""
    spelling = next(iter(kinds_of_nothing().values())).spelling
    return Kind(spelling, 500, look)


def kinds_of_nothing() -> dict[str, Kind]:
    """The mint's kinds, of which only the spelling is used."""
    found = kinds_of(None, None)  # type: ignore[arg-type] # never looked up
    return {"proof_state": found["proof_state"]}


@contextlib.asynccontextmanager
async def served(
    kinds: dict[str, Kind], settings: SocketSettings = QUICK
) -> AsyncIterator[tuple[Peer, Sockets, "asyncio.Task[None]"]]:
    """A peer that is connected."""
    sockets = Sockets(settings, kinds, admit=nobody_is_kept_out, show=protocol_error)
    peer = Peer()
    task = asyncio.create_task(sockets({"path": SOCKET_PATH, "headers": []}, peer.inbox.get, peer.send))
    async with asyncio.timeout(20):
        assert await peer.heard.get() == {"type": "websocket.accept"}
        yield peer, sockets, task
        await task


ASKED = json.dumps(frame(kind="proof_state", subId="mine", filters=[POINT]))


def test_a_reader_that_is_too_slow_is_dropped() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(look_seconds=0.02, send_seconds=0.05)) as (peer, sockets, task):
            peer.reads.clear()
            peer.say(ASKED)
            await task
            assert peer.heard.empty()
            # Its places are free, and nobody waits for it.
            await sockets.close()

    asyncio.run(scenario())


def test_a_connection_on_which_nothing_happens_ends() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(look_seconds=0.01, idle_seconds=0.1)) as (peer, _, _):
            peer.say(ASKED)
            assert await peer.hear_end() == GOING_AWAY

    asyncio.run(scenario())


def test_a_connection_that_only_sends_nonsense_ends() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(faults=3)) as (peer, _, _):
            for _ in range(4):
                peer.say("nonsense")
            assert [(await peer.hear())["error"]["code"] for _ in range(4)] == [UNREADABLE] * 4
            assert await peer.hear_end() == MISUSED

    asyncio.run(scenario())


def test_a_connection_that_sends_without_end_ends() -> None:
    async def scenario() -> None:
        async with served(still(), SocketSettings(frames=10)) as (peer, _, _):
            for place in range(20):
                peer.say(json.dumps(frame(kind="proof_state", subId=str(place), filters=[POINT])))
            assert await peer.hear_end() == MISUSED

    asyncio.run(scenario())


def test_every_kind_is_looked_up_in_one_question_and_not_too_often() -> None:
    """However many frames come, two looks are apart as long as the settings say, and one asks for all filters together."""
    moments: list[float] = []
    seen: asyncio.Queue[list[str]] = asyncio.Queue()

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        moments.append(asyncio.get_running_loop().time())
        seen.put_nowait(list(filters))
        return {}

    async def scenario() -> None:
        async with served({"proof_state": kind_of(look)}, SocketSettings(look_seconds=0.05)) as (peer, _, _):
            wanted = [f"02{place:064x}" for place in range(30)]
            for place, point in enumerate(wanted):
                peer.say(json.dumps(frame(number=place, kind="proof_state", subId=point, filters=[point])))
            for _ in wanted:
                assert (await peer.hear())["result"]
            while (await seen.get()) != wanted:
                pass
            # Two more come by themselves.
            await seen.get()
            await seen.get()
            peer.leave()

    asyncio.run(scenario())
    assert all(later - earlier >= 0.05 for earlier, later in itertools.pairwise(moments))
    assert len(moments) < 30


def test_while_the_database_is_away_nothing_is_told_and_nothing_is_lost() -> None:
    answers: list[Any] = [CannotStore("away"), CannotStore("away"), b'{"state":"UNSPENT"}', b'{"state":"SPENT"}']

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, CannotStore):
            raise found
        return dict.fromkeys(filters, found)

    async def scenario() -> None:
        async with served({"proof_state": kind_of(look)}) as (peer, _, _):
            peer.say(ASKED)
            assert (await peer.hear())["result"]["status"] == "OK"
            assert [(await peer.hear())["params"]["payload"]["state"] for _ in range(2)] == ["UNSPENT", "SPENT"]
            peer.leave()

    asyncio.run(scenario())


def test_an_unexpected_error_ends_the_connection_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        raise RuntimeError(f"María Pérez {filters}")

    async def scenario() -> None:
        async with served({"proof_state": kind_of(look)}) as (peer, _, _):
            peer.say(ASKED)
            assert await peer.hear_end() == FAILED

    asyncio.run(scenario())
    assert caplog.messages == ["unexpected RuntimeError"]


def test_a_stop_ends_every_connection_and_takes_no_other() -> None:
    async def scenario() -> None:
        async with served(still()) as (peer, sockets, task):
            peer.say(ASKED)
            assert (await peer.hear())["result"]
            await sockets.close()
            assert task.done()
            assert await peer.hear_end() == RESTARTING
            late = Peer()
            await sockets({"path": SOCKET_PATH, "headers": []}, late.inbox.get, late.send)
            assert await late.heard.get() == {"type": "websocket.close", "code": MISUSED}

    asyncio.run(scenario())


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_frames = st.one_of(
    st.text(max_size=40),
    _values.map(json.dumps),
    st.fixed_dictionaries(
        {"jsonrpc": st.sampled_from(["2.0", "1.0", 2]), "id": _values | st.integers(min_value=2**200)},
        optional={"method": st.sampled_from(["subscribe", "unsubscribe", "x", 1]), "params": _values},
    ).map(json.dumps),
)


@given(_frames)
def test_whatever_a_wallet_sends_is_answered_and_the_connection_goes_on(sent: str) -> None:
    async def scenario() -> None:
        async with served(still()) as (peer, _, _):
            peer.say(sent)
            assert {"result", "error"} & set(await peer.hear())
            peer.say(ASKED)
            assert (await peer.hear())["result"]["subId"] == "mine"
            assert (await peer.hear())["params"]["payload"] == {"state": "UNSPENT"}
            peer.leave()

    asyncio.run(scenario())


# --- behind the real server -------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(sockets: Sockets) -> Iterator[tuple[str, uvicorn.Server]]:
    """A server as the mint runs it, on a free port; its address."""

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        yield
        await sockets.close()

    app = App({}, show=protocol_error, lifespan=lifespan, observe=lambda *_: None, sockets={SOCKET_PATH: sockets})
    config = uvicorn.Config(
        app,
        port=0,
        ws=DroppingProtocol,
        ws_max_size=MOST_FRAME_BYTES,
        ws_per_message_deflate=False,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}{SOCKET_PATH}", server
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def end_of(session: ClientConnection) -> int:
    """The code with which the other side closes; frames before it are passed over."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            session.recv(timeout=20)
    assert session.close_code is not None
    return session.close_code


def test_a_real_client_is_served_and_told_of_the_end() -> None:
    sockets = Sockets(QUICK, still(), admit=nobody_is_kept_out, show=protocol_error)
    with running(sockets) as (address, server), connect(address, compression=None) as session:
        session.send(ASKED)
        assert json.loads(session.recv(timeout=20))["result"]["status"] == "OK"
        assert json.loads(session.recv(timeout=20))["params"]["payload"] == {"state": "UNSPENT"}
        server.should_exit = True
        assert end_of(session) == RESTARTING


def test_a_frame_that_is_too_large_ends_the_connection() -> None:
    sockets = Sockets(QUICK, still(), admit=nobody_is_kept_out, show=protocol_error)
    with running(sockets) as (address, _), connect(address) as session:
        assert session.protocol.extensions == []
        session.send(" " * (MOST_FRAME_BYTES + 1))
        assert end_of(session) == 1009


def test_a_client_that_reads_nothing_loses_its_connection() -> None:
    """Its answers fill the buffers of both machines, and then the mint lets go."""
    big = b'{"state":"' + b"x" * 60_000 + b'"}'
    changes = iter(range(10**9))

    async def look(filters: Sequence[str]) -> dict[str, bytes]:
        return {each: big[:-2] + str(next(changes)).encode() + b'"}' for each in filters}

    settings = SocketSettings(look_seconds=0.001, send_seconds=0.2)
    served_there = Sockets(settings, {"proof_state": kind_of(look)}, admit=nobody_is_kept_out, show=protocol_error)
    asked = json.dumps(frame(kind="proof_state", subId="mine", filters=[f"02{at:064x}" for at in range(500)])).encode()
    with running(served_there) as (address, server):
        port = int(address.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                f"GET {SOCKET_PATH} HTTP/1.1\r\nHost: mint\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
            )
            assert b" 101 " in client.recv(1_000)
            # A text frame under a mask of zeros. From here on nothing is read.
            client.sendall(b"\x81\xfe" + len(asked).to_bytes(2, "big") + bytes(4) + asked)
            for _ in range(600):
                if not server.server_state.connections:
                    break
                time.sleep(0.05)
            assert not server.server_state.connections
