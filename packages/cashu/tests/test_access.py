"""What a mint reads beside money: access tokens, protected endpoints, frames, batches, and what it says of itself."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_cashu import base64url
from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import (
    BadToken,
    BlindAuthFalse,
    BlindAuthMissing,
    DuplicateQuotes,
    NotBalanced,
    QuoteSignatureFalse,
    TooMany,
    TooManyQuotes,
)
from amparo_cashu.nut17_socket import PROOF_STATE, melt_quote_kind, mint_quote_kind, read_frame
from amparo_cashu.nut21_paths import check_endpoints, is_protected
from amparo_cashu.nut22_auth import AMOUNT, auth_of, proof_of, read_auth, write_auth
from amparo_cashu.nut29_batch import check_batch, check_quotes, sign_batch
from amparo_cashu.wire import (
    AuthProof,
    BatchMintRequest,
    BatchSetting,
    BlindAuthSetting,
    BlindedMessage,
    CacheSetting,
    ClearAuthSetting,
    Dleq,
    Endpoint,
    MeltRequest,
    MethodSetting,
    MethodsSetting,
    MintInfo,
    NoticeParams,
    Nuts,
    Proof,
    ProofState,
    SocketAnswer,
    SocketFault,
    SocketMethod,
    SocketNotice,
    SocketRefusal,
    SocketResult,
    SocketSetting,
    Subscribe,
    SubscribeParams,
    Supported,
    Unsubscribe,
    UnsubscribeParams,
)

KEYSET = "01" + "ab" * 32


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def point(number: int) -> str:
    return show_point(generator_times(key(number)))


# --- NUT-22 -------------------------------------------------------------------------------------------------------------

AUTH = AuthProof(id=KEYSET, secret="aa" * 32, C=point(7), dleq=Dleq(e="11" * 32, s="22" * 32, r="33" * 32))
PLAIN = msgspec.structs.replace(AUTH, dleq=None)


def encoded(content: Any) -> str:
    return "authA" + base64url.encode(json.dumps(content).encode())


def test_an_access_token_reaches_the_mint_without_what_would_name_its_owner() -> None:
    text = write_auth(AUTH)
    assert text.startswith("authA")
    assert set(json.loads(base64url.decode(text.removeprefix("authA")))) == {"id", "secret", "C"}
    for header in (text, f" {text}\t", text + "=" * (-(len(text) - 5) % 4)):
        assert read_auth(header) == PLAIN


def test_an_access_token_is_a_token_of_amount_1_and_nothing_else_becomes_one() -> None:
    assert auth_of(proof_of(AUTH)) == AUTH
    assert proof_of(AUTH).amount == AMOUNT == 1
    with pytest.raises(BadToken):
        auth_of(msgspec.structs.replace(proof_of(AUTH), amount=2))


@pytest.mark.parametrize("header", [None, ""])
def test_a_request_without_an_access_token_is_told_so(header: str | None) -> None:
    with pytest.raises(BlindAuthMissing):
        read_auth(header)


GOOD: dict[str, Any] = {"id": KEYSET, "secret": "aa" * 32, "C": point(7)}


@pytest.mark.parametrize(
    "header",
    [
        "x",
        "authA",
        "authB" + encoded(GOOD)[5:],
        encoded(GOOD)[:-2],
        encoded(GOOD) + "!",
        encoded({**GOOD, "dleq": msgspec.to_builtins(AUTH.dleq)}),
        encoded({**GOOD, "dleq": None}),
        encoded({**GOOD, "amount": 1}),
        encoded({**GOOD, "id": "zz"}),
        encoded({**GOOD, "id": KEYSET.upper()}),
        encoded({**GOOD, "secret": ""}),
        encoded({**GOOD, "secret": "x" * 257}),
        encoded({**GOOD, "secret": 5}),
        encoded({**GOOD, "C": "02" + "ff" * 32}),
        encoded({**GOOD, "C": "04" + point(7)[2:]}),
        encoded({"id": KEYSET, "secret": "x"}),
        encoded([GOOD]),
        encoded(GOOD) + "A" * 2_000,
        "authA" + base64url.encode(b"[" * 600),
        "authA" + base64url.encode(b"\xff\xfe"),
        "é" * 20,
    ],
    ids=lambda header: ascii(header[:30]),
)
def test_an_access_token_that_is_malformed_or_says_too_much_is_refused(header: str) -> None:
    with pytest.raises(BlindAuthFalse):
        read_auth(header)


# --- NUT-21 -------------------------------------------------------------------------------------------------------------

ENDPOINTS = [
    Endpoint(method="POST", path="/v1/swap"),
    Endpoint(method="POST", path="/v1/mint/*"),
    Endpoint(method="GET", path="/v1/mint/bolt*"),
]


@pytest.mark.parametrize(
    ("method", "path", "protected"),
    [
        ("POST", "/v1/swap", True),
        ("GET", "/v1/swap", False),
        ("POST", "/v1/swap/", False),
        ("POST", "/v1/swapx", False),
        ("POST", "/v1/mint/", True),
        ("POST", "/v1/mint/benefit/batch", True),
        ("POST", "/v1/mint", False),
        ("GET", "/v1/mint/bolt12", True),
        ("GET", "/v1/mint/bolt", True),
        ("GET", "/v1/mint/bol", False),
    ],
)
def test_an_endpoint_is_protected_as_a_whole_or_by_its_beginning(method: str, path: str, protected: bool) -> None:
    assert is_protected(ENDPOINTS, method=method, path=path) is protected


@pytest.mark.parametrize("path", ["", "v1/swap", "/v1/*/swap", "/v1/**", "*", "/" + "x" * 256])
def test_a_path_that_hides_a_pattern_is_refused(path: str) -> None:
    with pytest.raises(BadToken):
        check_endpoints([*ENDPOINTS, Endpoint(method="POST", path=path)])
    assert not is_protected([Endpoint(method="POST", path="/v1/.*(a+)+$")], method="POST", path="/v1/aaaa")


def test_a_method_that_is_none_is_refused() -> None:
    check_endpoints(ENDPOINTS)
    for method in ("post", "", "ANY"):
        with pytest.raises(BadToken):
            check_endpoints([Endpoint(method=method, path="/v1/swap")])


# --- NUT-17 -------------------------------------------------------------------------------------------------------------


def frame(method: str = "subscribe", **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 0})


def test_the_published_conversation_is_read_and_written() -> None:
    name, y = (
        "019e6d5a-2347-7000-8afa-051ae571f334",
        "02e208f9a78cd523444aadf854a4e91281d20f67a923d345239c37f14e137c7c3d",
    )
    asked = read_frame(frame(kind="proof_state", filters=[y], subId=name), most_filters=10)
    assert asked == Subscribe(id=0, params=SubscribeParams(kind=PROOF_STATE, sub_id=name, filters=[y]))
    answer = SocketAnswer(id=0, result=SocketResult(sub_id=name))
    assert json.loads(msgspec.json.encode(answer)) == {
        "jsonrpc": "2.0",
        "result": {"status": "OK", "subId": name},
        "id": 0,
    }
    state = msgspec.Raw(msgspec.json.encode(ProofState(Y=y, state="UNSPENT")))
    notice = SocketNotice(params=NoticeParams(sub_id=name, payload=state))
    assert json.loads(msgspec.json.encode(notice)) == {
        "jsonrpc": "2.0",
        "method": "subscribe",
        "params": {"subId": name, "payload": {"Y": y, "state": "UNSPENT", "witness": None}},
    }
    ended = read_frame(frame("unsubscribe", subId=name).encode(), most_filters=0)
    assert ended == Unsubscribe(id=0, params=UnsubscribeParams(sub_id=name))
    refusal = SocketRefusal(error=SocketFault(code=-32601, message="No."), id=1)
    assert json.loads(msgspec.json.encode(refusal)) == {
        "jsonrpc": "2.0",
        "error": {"code": -32601, "message": "No."},
        "id": 1,
    }
    assert (mint_quote_kind("benefit"), melt_quote_kind("settle")) == ("benefit_mint_quote", "settle_melt_quote")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        frame("publish", subId="x"),
        frame(kind="proof_state", filters=["x"]),
        frame(kind="proof_state", filters="x", subId="x"),
        frame(kind="", filters=["x"], subId="x"),
        frame(kind="proof_state", filters=[""], subId="x"),
        frame(kind="proof_state", filters=["x" * 129], subId="x"),
        frame(kind="proof_state", filters=["x"], subId="x" * 129),
        frame("unsubscribe", subId=""),
        frame(kind="proof_state", filters=["x"], subId="x").replace('"2.0"', '"1.0"'),
        frame(kind="proof_state", filters=["x"], subId="x").replace('"id": 0', '"id": "0"'),
        "[" * 60_000,
        frame(kind="proof_state", filters=["x"] * 20_000, subId="x"),
    ],
    ids=lambda text: ascii(text[:60]),
)
def test_a_frame_that_is_no_request_is_refused(text: str) -> None:
    for form in (text, text.encode()):
        with pytest.raises(BadToken):
            read_frame(form, most_filters=5)


def test_a_subscription_is_bounded() -> None:
    read_frame(frame(kind="proof_state", filters=["x"] * 5, subId="x"), most_filters=5)
    with pytest.raises(TooMany):
        read_frame(frame(kind="proof_state", filters=["x"] * 6, subId="x"), most_filters=5)


@given(st.text(max_size=60) | st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists).map(json.dumps))
@settings(deadline=None)
def test_no_text_makes_reading_a_frame_fail_otherwise(text: str) -> None:
    with pytest.raises(BadToken):
        read_frame(text, most_filters=5)


# --- NUT-29 -------------------------------------------------------------------------------------------------------------

OUTPUTS = [BlindedMessage(amount=amount, id=KEYSET, B_=point(100 + amount)) for amount in (2, 8)]
QUOTES = ["quote-a", "quote-b", "quote-c"]
KEYS = [key(51), None, key(53)]
PUBKEYS = [None if each is None else show_point(generator_times(each)) for each in KEYS]
BATCH = BatchMintRequest(
    quotes=QUOTES, outputs=OUTPUTS, quote_amounts=[1, 2, 7], signatures=sign_batch(QUOTES, OUTPUTS, KEYS)
)


def changed(**changes: Any) -> BatchMintRequest:
    return msgspec.structs.replace(BATCH, **changes)


def test_a_batch_is_claimed_by_each_quotes_own_key() -> None:
    check_batch(BATCH, PUBKEYS, most=3)
    check_batch(changed(quote_amounts=None), PUBKEYS, most=3)
    check_batch(changed(signatures=None), [None] * 3, most=3)
    check_batch(changed(signatures=[None] * 3), [None] * 3, most=3)
    with pytest.raises(QuoteSignatureFalse):
        check_batch(BATCH, PUBKEYS[::-1], most=3)


def test_a_batch_of_which_one_part_is_not_claimed_is_refused_as_a_whole() -> None:
    assert BATCH.signatures is not None
    first, _, third = BATCH.signatures
    for signatures in (
        None,
        [],
        [first, None],
        [first, None, third, None],
        [third, None, first],
        [first, None, None],
        [None, None, third],
        [first, first, third],
        [first, "", third],
        [first, None, "zz"],
    ):
        with pytest.raises(QuoteSignatureFalse):
            check_batch(changed(signatures=signatures), PUBKEYS, most=3)
    for outputs in (OUTPUTS[::-1], OUTPUTS[:1], [*OUTPUTS, OUTPUTS[0]]):
        with pytest.raises(QuoteSignatureFalse):
            check_batch(changed(outputs=outputs, quote_amounts=None), PUBKEYS, most=3)
    with pytest.raises(QuoteSignatureFalse):
        check_batch(changed(quotes=["quote-x", *QUOTES[1:]]), PUBKEYS, most=3)


class Counted(list[BlindedMessage]):
    """Outputs that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[BlindedMessage]:
        self.times += 1
        return super().__iter__()


def test_the_outputs_of_a_batch_are_read_once_however_many_quotes_it_has() -> None:
    """Reading a point is most of the work: a hundred quotes over a hundred outputs would keep a mint busy for a long time."""
    outputs = Counted(OUTPUTS)
    check_batch(changed(outputs=outputs, quote_amounts=None), PUBKEYS, most=3)
    assert outputs.times == 1


@pytest.mark.parametrize("amounts", [[10], [], [1, 2, 8], [3, -1, 8], [10, 0, 0], [1, 2, 6, 1]], ids=str)
def test_a_batch_whose_amounts_do_not_fit_is_refused(amounts: list[int]) -> None:
    with pytest.raises(NotBalanced):
        check_batch(changed(quote_amounts=amounts), PUBKEYS, most=3)


def test_a_batch_names_each_quote_once_and_not_too_many() -> None:
    check_quotes(QUOTES, most=3)
    for quotes, refusal in (([], BadToken), (QUOTES, TooManyQuotes), (["a", "a"], DuplicateQuotes)):
        with pytest.raises(refusal):
            check_quotes(quotes, most=2)


# --- NUT-05, 06 ---------------------------------------------------------------------------------------------------------


def test_a_mint_says_what_it_supports_under_the_numbers_of_the_specification() -> None:
    info = MintInfo(
        name="Town mint",
        time=1_725_304_480,
        nuts=Nuts(
            mint=MethodsSetting(methods=[MethodSetting(method="benefit", unit="food", max_amount=100)]),
            melt=MethodsSetting(methods=[MethodSetting(method="settle", unit="food")], disabled=True),
            state_check=Supported(True),
            restore=Supported(True),
            conditions=Supported(True),
            pay_to_key=Supported(True),
            signature_proofs=Supported(True),
            sockets=SocketSetting([SocketMethod(method="benefit", unit="food", commands=["benefit_mint_quote"])]),
            cache=CacheSetting(ttl=None, cached_endpoints=[Endpoint("POST", "/v1/swap")]),
            quote_keys=Supported(True),
            clear_auth=ClearAuthSetting("https://login.example.org", "cashu-client", [Endpoint("POST", "/v1/auth/*")]),
            blind_auth=BlindAuthSetting(bat_max_mint=50, protected_endpoints=[Endpoint("POST", "/v1/swap")]),
            batch=BatchSetting(max_batch_size=100),
        ),
    )
    raw = msgspec.json.encode(info)
    assert msgspec.json.decode(raw, type=MintInfo) == info
    shown = json.loads(raw)
    assert sorted(shown["nuts"], key=int) == ["4", "5", "7", "9", "10", "11", "12", "17", "19", "20", "21", "22", "29"]
    assert shown["nuts"]["4"] == {
        "methods": [{"method": "benefit", "unit": "food", "max_amount": 100}],
        "disabled": False,
    }
    assert shown["nuts"]["19"] == {"ttl": None, "cached_endpoints": [{"method": "POST", "path": "/v1/swap"}]}
    assert "motd" not in shown


def test_a_wallet_may_ask_to_be_answered_before_the_payment_is_made() -> None:
    proof = Proof(amount=1, id=KEYSET, secret="x", C=point(1))
    assert msgspec.json.decode(b'{"quote":"q","inputs":[]}', type=MeltRequest) == MeltRequest(quote="q", inputs=[])
    asked = MeltRequest(quote="q", inputs=[proof], prefer_async=True, outputs=OUTPUTS)
    assert msgspec.json.decode(msgspec.json.encode(asked), type=MeltRequest) == asked
    assert b"prefer_async" not in msgspec.json.encode(MeltRequest(quote="q", inputs=[proof]))
