"""The websocket (NUT-17): how things stand first, then each change; bounded in everything; gone without a trace."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from packages.mint.tests.conftest import FOOD, Town, Wallet
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from amparo_cashu.curve import hash_to_curve, show_point
from amparo_cashu.wire import Proof, SwapRequest
from amparo_mint.assemble import choose_store
from amparo_mint.catalogue import MOST_INPUTS
from amparo_mint.http import MintServer
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.sockets import (
    FULL,
    NO_METHOD,
    NO_REQUEST,
    SOCKET_PATH,
    UNREADABLE,
    WRONG_PARAMETERS,
    Sockets,
    SocketSettings,
)
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
        other = Mint(store, SigningDesk(town.signer), town.hasher, clock=town.clock)
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


def test_a_quote_that_does_not_exist_is_refused_instead_of_waited_for(town: Town, wallet: Wallet, keyset: str) -> None:
    with opened(town), town.http.websocket_connect(SOCKET_PATH) as session:
        known = wallet.quote(8)
        for kind, filters in [("benefit_mint_quote", ["0" * 32, known]), ("settle_melt_quote", [known])]:
            session.send_json(frame(kind=kind, subId="mine", filters=filters))
            assert fault(session) == (0, WRONG_PARAMETERS)
        subscribe(session, "benefit_mint_quote", [known])
        assert told(session)["amount"] == 8


def test_what_is_well_formed_and_refused_ends_no_connection(town: Town, wallet: Wallet) -> None:
    known = wallet.quote(8)
    with opened(town, SocketSettings(faults=1)), town.http.websocket_connect(SOCKET_PATH) as session:
        for _ in range(3):
            session.send_json(frame("unsubscribe", subId="nobody's"))
            assert fault(session) == (0, WRONG_PARAMETERS)
        subscribe(session, "benefit_mint_quote", [known])
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
    wallet = Wallet(sqlite_town)
    quotes = [wallet.quote(8) for _ in range(2)]
    deposits = [wallet.deposit_quote(8) for _ in range(MOST_INPUTS + 1)]
    with (
        opened(sqlite_town, SocketSettings(look_seconds=0.02, subscriptions=2, frames=1_000)),
        sqlite_town.http.websocket_connect(SOCKET_PATH) as session,
    ):

        def answer() -> dict[str, Any]:
            found: dict[str, Any] = session.receive_json()
            return answer() if "method" in found else found

        def ask(asked: dict[str, Any]) -> dict[str, Any]:
            session.send_json(asked)
            return answer()

        for place, quote in enumerate(quotes):
            assert "result" in ask(frame(kind="benefit_mint_quote", subId=str(place), filters=[quote]))
        full = ask(frame(kind="benefit_mint_quote", subId="more", filters=quotes[:1]))
        assert full["error"]["code"] == WRONG_PARAMETERS
        assert "result" in ask(frame("unsubscribe", subId="0"))
        assert "result" in ask(frame(kind="settle_melt_quote", subId="more", filters=deposits[:MOST_INPUTS]))
        assert "result" in ask(frame("unsubscribe", subId="1"))
        full = ask(frame(kind="settle_melt_quote", subId="yet more", filters=deposits[MOST_INPUTS:]))
        assert full["error"]["code"] == WRONG_PARAMETERS


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
