"""Payment requests, the payments that answer them, and payments in an HTTP header (NUT-18, 24, 26)."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_cashu import base64url, bech32
from amparo_cashu.cbor import write_cbor
from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import BadToken, RequestNotMet, TokenError
from amparo_cashu.nut00_token import Token, write_token
from amparo_cashu.nut10_secret import read_lock, write_lock, write_secret
from amparo_cashu.nut18_request import (
    LockOption,
    Payment,
    PaymentRequest,
    Transport,
    check_payment,
    lock_secret,
    read_payment,
    read_request,
    write_request,
)
from amparo_cashu.nut24_payment import read_payment_header, read_request_header, request_header
from amparo_cashu.nut26_request import read_any_request, read_request_b, write_request_b
from amparo_cashu.wire import Proof

NOW = 1_760_000_000
KEYSET = "01" + "ab" * 32
MINT = "https://mint.example.org"


def point(number: int) -> str:
    return show_point(generator_times(number.to_bytes(32, "big")))


SHOP, PAYER, THIEF = point(6_001), point(6_002), point(6_003)
REQUEST = PaymentRequest(
    id="7f4a2b39",
    amount=700,
    unit="food",
    mints=[f"{MINT}/"],
    description="Rice",
    single_use=True,
    transports=[Transport(kind="post", target="https://shop.example.org/pay", tags=[["a", "b", "c"]])],
    lock=LockOption(kind="P2PK", data=SHOP),
)


def coin(secret: str, amount: int = 700) -> Proof:
    return Proof(amount=amount, id=KEYSET, secret=secret, C=point(1))


def locked(**changes: Any) -> str:
    given_in: dict[str, Any] = {"nonce": "5f", "key": SHOP, "locktime": NOW + 100, "refund": PAYER} | changes
    return write_lock(given_in["nonce"], given_in["key"], locktime=given_in["locktime"], refund=given_in["refund"])


def payment(*proofs: Proof, **changes: Any) -> Payment:
    return msgspec.structs.replace(Payment(mint=MINT, unit="food", proofs=list(proofs), id=REQUEST.id), **changes)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
TAGS = st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=3)
PARTS = st.builds(
    PaymentRequest,
    id=st.none() | TEXTS,
    amount=st.integers(1, 2**64 - 1),
    unit=st.just("sat") | TEXTS,
    mints=st.lists(TEXTS, max_size=3),
    description=st.none() | TEXTS,
    single_use=st.none() | st.booleans(),
    transports=st.lists(
        st.builds(Transport, kind=st.sampled_from(["post", "2", "255"]), target=TEXTS, tags=TAGS), max_size=3
    ),
    lock=st.none() | st.builds(LockOption, kind=st.sampled_from(["P2PK", "HTLC", "9"]), data=TEXTS, tags=TAGS),
)


@given(PARTS)
@settings(deadline=None)
def test_a_request_survives_both_forms(request_made: PaymentRequest) -> None:
    assert read_any_request(write_request(request_made)) == request_made
    if request_made.unit == "\x00":
        return  # in form B this text is the sign for sat
    written = write_request_b(request_made)
    assert written == written.upper()
    assert read_any_request(written) == read_request_b(written.lower()) == request_made


def test_form_b_is_shorter_for_a_small_qr_code() -> None:
    # A QR code takes 5.5 bits for a capital or digit and 8 for any other letter.
    assert 5.5 * len(write_request_b(REQUEST)) < 0.85 * 8 * len(write_request(REQUEST))


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": None},
        {"amount": 0},
        {"amount": -1},
        {"amount": 2**64},
        {"mints": ["m"] * 33},
        {"transports": [Transport(kind="post", target="x")] * 33},
        {"lock": LockOption(kind="P2PK", data=SHOP, tags=[["t"]] * 33)},
        {"lock": LockOption(kind="P2PK", data=SHOP, tags=[["t"] * 33])},
        {"lock": LockOption(kind="P2PK", data=SHOP, tags=[[]])},
        {"description": "x" * 2_049},
        {"id": "ñ" * 1_025},
        {"transports": [Transport(kind="post", target="x" * 2_049)]},
        {"lock": LockOption(kind="P2PK", data="x" * 2_049)},
    ],
    ids=lambda changes: ascii(str(changes)[:50]),
)
def test_a_request_out_of_bounds_is_neither_written_nor_read(changes: dict[str, Any]) -> None:
    wrong = msgspec.structs.replace(REQUEST, **changes)
    for write in (write_request, write_request_b):
        with pytest.raises(BadToken):
            write(wrong)
    raw = write_cbor(msgspec.to_builtins(wrong))
    with pytest.raises(BadToken):
        read_request("creqA" + base64url.encode(raw))


@pytest.mark.parametrize("kind", ["tor", "256", "-1", "1000", "²", ""])
def test_a_kind_that_form_b_cannot_express_is_not_written_as_another_one(kind: str) -> None:
    for changes in ({"transports": [Transport(kind=kind, target="x")]}, {"lock": LockOption(kind=kind, data="x")}):
        with pytest.raises(BadToken):
            write_request_b(msgspec.structs.replace(REQUEST, **changes))


def test_a_tag_too_long_for_form_b_is_refused_and_a_long_one_kept() -> None:
    for length in (255, 256):
        lock = LockOption(kind="P2PK", data=SHOP, tags=[["t", "x" * length]])
        wanted = msgspec.structs.replace(REQUEST, lock=lock)
        if length == 255:
            assert read_any_request(write_request_b(wanted)) == wanted
        else:
            with pytest.raises(BadToken):
                write_request_b(wanted)


def field(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


@pytest.mark.parametrize(
    "content",
    [
        b"\x01",
        b"\x01\x00",
        field(1, b"x")[:-1],
        field(1, b"x") * 2,
        field(2, b"\x00" * 7),
        field(2, b"\x00" * 8) + field(3, b"\x00"),
        field(2, b"\x00" * 7 + b"\x05"),
        field(4, b"\x02"),
        field(4, b""),
        field(1, b"\xff"),
        field(7, b""),
        field(7, field(1, b"\x01")),
        field(7, field(2, b"x")),
        field(7, field(1, b"\x00") + field(2, b"x" * 31)),
        field(7, field(1, b"\x01") + field(2, b"\xff")),
        field(7, field(1, b"\x01") + field(2, b"x") + field(3, b"\x02x")),
        field(7, field(1, b"\x01") + field(2, b"x") + field(3, b"")),
        field(8, field(1, b"\x00\x00") + field(2, b"x")),
        field(8, field(1, b"\x00") + field(2, b"x")) * 2,
    ],
    ids=lambda content: content.hex(),
)
def test_fields_of_form_b_that_are_cut_doubled_or_of_the_wrong_length_are_refused(content: bytes) -> None:
    with pytest.raises(BadToken):
        read_request_b(bech32.encode("creqb", content, constant=bech32.BECH32M))


def test_unknown_fields_are_skipped_and_unknown_kinds_kept() -> None:
    content = field(9, b"new") + field(1, b"x") + field(8, field(1, b"\x07") + field(2, b"y") + field(9, b"z"))
    found = read_request_b(bech32.encode("creqb", content, constant=bech32.BECH32M))
    assert found == PaymentRequest(id="x", lock=LockOption(kind="7", data="y"))
    with pytest.raises(BadToken):
        lock_secret(found.lock or LockOption(kind="", data=""), "5f")


def test_a_payer_locks_as_was_asked_or_not_at_all() -> None:
    option = LockOption(kind="P2PK", data=SHOP, tags=[["locktime", str(NOW)], ["refund", PAYER], ["purpose", "x"]])
    lock = read_lock(lock_secret(option, "5f"))
    assert lock is not None
    assert (lock.keys, lock.locktime, lock.refund) == ([SHOP], NOW, [PAYER])
    for wrong in (
        LockOption(kind="HTLC", data="00" * 32),
        LockOption(kind="", data=SHOP),
        LockOption(kind="P2PK", data="not a key"),
        LockOption(kind="P2PK", data=SHOP, tags=[["n_sigs", "2"]]),
        LockOption(kind="P2PK", data=SHOP, tags=[["x", "y" * 1_024]]),
    ):
        with pytest.raises(TokenError):
            lock_secret(wrong, "5f")


def test_a_payment_that_is_what_was_asked_for_is_accepted() -> None:
    for given_in in (
        payment(coin(locked())),
        payment(coin(locked(locktime=2**33))),
        payment(coin(locked(key=SHOP.upper().replace("X", "x")))),
        payment(coin(locked(), 600), coin(locked(nonce="6f"), 200)),
        payment(coin(locked()), id=None, mint=f"{MINT}/"),
        payment(coin(write_secret("P2PK", "5f", SHOP, [["purpose", "rice"]]))),
    ):
        check_payment(REQUEST, given_in, locked_until=NOW)
        assert read_payment(msgspec.json.encode(given_in)) == given_in


@pytest.mark.parametrize(
    "wrong",
    [
        payment(coin(locked()), mint="https://other.example.org"),
        payment(coin(locked()), unit="Food"),
        payment(coin(locked()), id="another"),
        payment(coin(locked(), 699)),
        payment(coin(locked(), 900), coin(locked(nonce="6f"), -200)),
        payment(coin(locked(), 699), coin("plain", 1)),
        payment(coin("aa" * 32)),
        payment(coin(locked(key=THIEF))),
        payment(coin(locked(locktime=NOW - 1))),
        payment(coin(write_secret("P2PK", "5f", SHOP, [["pubkeys", THIEF]]))),
        payment(coin(write_secret("P2PK", "5f", THIEF, [["pubkeys", SHOP]]))),
        payment(coin(write_secret("P2PK", "5f", SHOP, [["sigflag", "SIG_ALL"]]))),
        payment(coin(write_secret("P2PK", "5f", SHOP, [["n_sigs", "2"]]))),
        payment(coin(write_secret("HTLC", "5f", SHOP, []))),
        payment(coin(write_secret("P2PK", "5f", "not a key", []))),
        payment(),
    ],
    ids=range(16),
)
def test_a_payment_that_is_not_what_was_asked_for_is_refused(wrong: Payment) -> None:
    with pytest.raises(RequestNotMet):
        check_payment(REQUEST, wrong, locked_until=NOW)


def test_a_lock_may_end_when_the_request_itself_said_so_but_not_before() -> None:
    option = LockOption(kind="P2PK", data=SHOP, tags=[["locktime", str(NOW - 50)], ["refund", PAYER]])
    wanted = msgspec.structs.replace(REQUEST, lock=option)
    check_payment(wanted, payment(coin(lock_secret(option, "5f"))), locked_until=NOW)
    with pytest.raises(RequestNotMet):
        check_payment(wanted, payment(coin(locked(locktime=NOW - 51))), locked_until=NOW)


def test_a_request_without_conditions_takes_any_payment() -> None:
    for given_in in (payment(coin("plain", 1)), payment(coin(locked()), mint="other", unit="fuel", id="x")):
        check_payment(PaymentRequest(), given_in, locked_until=NOW)
        with pytest.raises(RequestNotMet):
            check_payment(PaymentRequest(unit="food", amount=2), given_in, locked_until=NOW)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"mint":"m","unit":"u","proofs":[]}', "[" * 100_000, "x" * 300_000, '{"mint":5}', b"\xff"]
)
def test_a_payment_that_cannot_be_read_is_refused(body: str | bytes) -> None:
    with pytest.raises(BadToken):
        read_payment(body)
    many = {"mint": MINT, "unit": "food", "proofs": [msgspec.to_builtins(coin("x"))] * 201}
    with pytest.raises(BadToken):
        read_payment(json.dumps(many))


def test_a_payment_of_a_wallet_that_writes_amounts_as_text_is_read() -> None:
    given_in = payment(coin(locked(), 512), coin(locked(nonce="6f"), 188))
    sent = msgspec.to_builtins(given_in)
    for each in sent["proofs"]:
        each["amount"] = str(each["amount"])
    assert read_payment(json.dumps(sent)) == given_in
    for wrong in ("", "-1", "1.0", "1e3", " 1", "0x1", "+1", "9" * 20, "١"):
        sent["proofs"][0]["amount"] = wrong
        with pytest.raises(BadToken):
            read_payment(json.dumps(sent))


def test_a_resource_is_paid_for_in_the_header() -> None:
    value = request_header(REQUEST)
    assert value.startswith("creqA")
    wanted = read_request_header(value)
    assert wanted == msgspec.structs.replace(REQUEST, transports=[])
    assert read_request_header(write_request_b(wanted)) == wanted
    token = Token(mint=MINT, unit="food", proofs=[coin(locked())])
    assert read_payment_header(write_token(token), wanted, keysets=[KEYSET], locked_until=NOW) == token
    for wrong in (msgspec.structs.replace(token, unit="fuel"), msgspec.structs.replace(token, proofs=[coin("plain")])):
        with pytest.raises(RequestNotMet):
            read_payment_header(write_token(wrong), wanted, keysets=[KEYSET], locked_until=NOW)
    for text in ("", "cashuB", value, "cashuB" + "A" * 200_000):
        with pytest.raises(BadToken):
            read_payment_header(text, wanted, keysets=[KEYSET], locked_until=NOW)


@pytest.mark.parametrize("missing", [{"amount": None}, {"amount": None, "unit": None}, {"mints": []}], ids=str)
def test_a_request_in_a_header_says_how_much_of_what_and_from_whom(missing: dict[str, Any]) -> None:
    wrong = msgspec.structs.replace(REQUEST, **missing)
    with pytest.raises(BadToken):
        request_header(wrong)
    with pytest.raises(BadToken):
        read_request_header(write_request(wrong))
