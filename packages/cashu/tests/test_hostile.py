"""Texts, codes and bytes from strangers: each reader gives what it promises or one of our errors, within bounded memory."""

import base64
import contextlib
import json
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amparo_cashu import base64url, bech32
from amparo_cashu.cbor import DEEPEST, read_cbor, write_cbor
from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import BadToken, TokenError
from amparo_cashu.nut00_token import Token, read_raw, read_token, write_raw, write_token
from amparo_cashu.nut10_secret import check_locks, read_condition
from amparo_cashu.nut16_ur import MOST_FRAGMENTS, UrReader, UrWriter
from amparo_cashu.nut18_request import PaymentRequest, read_payment, read_request
from amparo_cashu.nut22_auth import read_auth
from amparo_cashu.nut26_request import read_any_request, read_request_b
from amparo_cashu.spent_filter import SpentFilter
from amparo_cashu.wire import Proof

KEYSET = "01" + "ab" * 32
POINT = show_point(generator_times((7).to_bytes(32, "big")))
PROOF = Proof(amount=8, id=KEYSET, secret="aa" * 32, C=POINT)
TOKEN = Token(mint="https://mint.example.org", unit="food", proofs=[PROOF])
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
MEGABYTE = 2**20
relaxed = settings(deadline=None)


def take_part(text: str) -> None:
    UrReader().take(text)


def check_witness(text: str) -> None:
    secret = json.dumps(["P2PK", {"nonce": "5f", "data": POINT, "tags": []}])
    check_locks([msgspec.structs.replace(PROOF, secret=secret, witness=text)], now=0)


def check_secret(text: str) -> None:
    check_locks([msgspec.structs.replace(PROOF, secret=text)], now=0)


OF_TEXT: list[Callable[[str], Any]] = [
    lambda text: read_token(text, keysets=[KEYSET]),
    read_request,
    read_request_b,
    read_any_request,
    read_auth,
    take_part,
    read_condition,
    check_secret,
    check_witness,
    read_payment,
    base64url.decode,
    lambda text: bech32.decode(text, "creqb", constant=bech32.BECH32M),
]
OF_BYTES: list[Callable[[bytes], Any]] = [
    lambda data: read_raw(data, keysets=[KEYSET]),
    lambda data: read_raw(b"crawB" + data, keysets=[KEYSET]),
    read_cbor,
    read_payment,
    SpentFilter,
    lambda data: read_token("cashuB" + base64url.encode(data), keysets=[KEYSET]),
    lambda data: read_token("cashuA" + base64url.encode(data), keysets=[KEYSET]),
    lambda data: read_request("creqA" + base64url.encode(data)),
    lambda data: read_auth("authA" + base64url.encode(data)),
    lambda data: read_request_b(bech32.encode("creqb", data, constant=bech32.BECH32M)),
]


def is_read(read: Callable[[Any], Any], given_in: str | bytes) -> bool:
    """Whether the reader takes it; False for one of our errors, and any other error passes through."""
    try:
        read(given_in)
    except TokenError:
        return False
    return True


@given(
    ANY_TEXT,
    st.sampled_from(
        ["", "cashuA", "cashuB", "cashu:cashuB", "creqA", "creqb1", "CREQB1", "authA", "ur:bytes/", "ur:bytes/1-2/"]
    ),
)
@example("\ud800", "")
@example("\ud800", "cashuB")
@example("\x00", "ur:bytes/")
@relaxed
def test_no_text_makes_a_reader_fail_otherwise(text: str, prefix: str) -> None:
    for read in OF_TEXT:
        assert is_read(read, prefix + text) == is_read(read, prefix + text)


NAMES = ["t", "m", "u", "i", "p", "a", "s", "c", "d", "w", "pe", "g", "k", "nut10", 1]
LEAVES = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text(max_size=5)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
JSON = st.recursive(st.none() | st.text(max_size=5), st.lists).map(json.dumps).map(str.encode)


@given(st.binary(max_size=120) | VALUES.map(cbor2.dumps) | JSON)
@example(b"")
@example(b"\xff")
@example(b"\x9f" * 50)
@relaxed
def test_no_bytes_make_a_reader_fail_otherwise(data: bytes) -> None:
    for read in OF_BYTES:
        assert is_read(read, data) == is_read(read, data)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_one_changed_byte_in_a_token_gives_another_token_or_our_error(data: st.DataObject) -> None:
    raw = write_raw(TOKEN)
    at, new = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 255))
    changed = raw[:at] + bytes([new]) + raw[at + 1 :]
    with contextlib.suppress(TokenError):
        found = read_raw(changed, keysets=[KEYSET])
        assert isinstance(found, Token)
        assert (found == TOKEN) == (read_cbor(changed[5:]) == read_cbor(raw[5:]))


def plain(value: Any) -> bool:
    """Whether a value is of the kinds that our reader reads."""
    match value:
        case float():
            return False
        case list():
            return all(map(plain, value))
        case dict():
            return all(map(plain, value.values()))
    return not isinstance(value, int) or -(2**64) <= value < 2**64


@given(VALUES)
@relaxed
def test_our_reader_of_cbor_agrees_with_the_library_on_what_it_reads(value: Any) -> None:
    data = cbor2.dumps(value)
    if plain(value):
        assert read_cbor(data) == cbor2.loads(data) == value
    else:
        with pytest.raises(BadToken):
            read_cbor(data)


@given(st.binary(max_size=60))
@relaxed
def test_what_our_reader_of_cbor_reads_the_library_reads_alike(data: bytes) -> None:
    with contextlib.suppress(TokenError):
        found = read_cbor(data)
        assert read_cbor(write_cbor(found)) == found


def bombs() -> dict[str, bytes]:
    """CBOR that is small and claims to be huge, or makes a reader follow it without end."""
    return {
        "an array of 2^32 items": b"\x9a\xff\xff\xff\xff",
        "an array of 2^64 items": b"\x9b" + b"\xff" * 8,
        "a map of 2^64 items": b"\xbb" + b"\xff" * 8,
        "bytes of 2^63": b"\x5b\x7f" + b"\xff" * 7,
        "text of 2^32": b"\x7a\xff\xff\xff\xff",
        "a name of 2^32 items": b"\xa1\x9a\xff\xff\xff\xff",
        "nested arrays": b"\x81" * 70_000,
        "nested endless arrays": b"\x9f" * 70_000,
        "nested maps": b"\xa1\x61\x61" * 20_000,
        "nested tags": b"\xc1" * 70_000,
        "endless bytes": b"\x5f" + b"\x40" * 70_000,
        "a shared value that holds itself": b"\xd8\x1c\x81\xd8\x1d\x00",
        "a huge whole number": b"\xc2\x5a\x00\x01\x00\x00" + b"\xff" * 65_536,
        "a huge decimal": b"\xc4\x82\x1b\x7f" + b"\xff" * 7 + b"\x01",
        "a pattern": b"\xd8\x23\x78\x20" + b"(a*)*" * 6 + b"$$",
        "many small items": b"\x99\xff\xff" + b"\x80" * 65_535,
        "many names": b"\xb9\x10\x00" + b"".join(b"\x19" + n.to_bytes(2, "big") + b"\x80" for n in range(4_096)),
    }


def readers_of(data: bytes) -> Sequence[Callable[[], Any]]:
    token = "cashuB" + base64.urlsafe_b64encode(data).decode()
    return (
        lambda: read_raw(b"crawB" + data, keysets=[KEYSET]),
        lambda: read_token(token, keysets=[KEYSET]),
        lambda: read_request("creqA" + token.removeprefix("cashuB")),
    )


@pytest.mark.parametrize("name", bombs())
def test_a_small_code_cannot_make_a_reader_take_much_memory(name: str) -> None:
    for read in readers_of(bombs()[name]):
        tracemalloc.start()
        try:
            with pytest.raises(TokenError):
                read()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 10 * MEGABYTE


@pytest.mark.parametrize(
    "text",
    [
        "creqb1" + "q" * 100_000,
        "CREQB1" + "Q" * 8_000,
        "creqA" + "A" * 100_000,
        "bitcoin:?" + "&" * 100_000 + "creq=",
        "cashuA" + base64url.encode(b"[" * 70_000),
        "cashuA" + base64url.encode(b'{"token":[' + b'{"mint":"m","proofs":[]},' * 2_800 + b"]}"),
        "authA" + "A" * 100_000,
        "ur:bytes/" + "ae" * 50_000,
        "ur:bytes/1-1/" + "ae" * 4_000,
        json.dumps(["P2PK", {"nonce": "5", "data": POINT, "tags": [["a"]] * 10_000}]),
        '{"signatures":[' + '"00",' * 100_000 + '"00"]}',
    ],
    ids=lambda text: ascii(text[:16]),
)
def test_a_long_text_cannot_make_a_reader_take_much_memory(text: str) -> None:
    for read in OF_TEXT:
        tracemalloc.start()
        try:
            with contextlib.suppress(TokenError):
                read(text)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 10 * MEGABYTE


@pytest.mark.parametrize(("depth", "reads"), [(DEEPEST - 1, True), (DEEPEST, False)])
def test_content_is_read_down_to_the_published_depth(depth: int, reads: bool) -> None:
    for start, end in ((b"\x81", b""), (b"\x9f", b"\xff"), (b"\xa1\x00", b""), (b"\xbf\x00", b"\xff")):
        data = start * depth + b"\x00" + end * depth
        if reads:
            assert read_cbor(data) is not None
        else:
            with pytest.raises(BadToken):
                read_cbor(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xa2\x61\x61\x00\x61\x61\x01",
        b"\xbf\x61\x61\x00\x61\x61\x01\xff",
        b"\xa1\xf6\x00",
        b"\xa1\xf5\x00",
        b"\xa1\x80\x00",
        b"\x61\xff",
        b"\x7f\x41\x61\xff",
        b"\x5f\x5f\x41\x61\xff\xff",
        b"\x5f\x41\x61",
        b"\x1c",
        b"\x1f",
        b"\xf8\x20",
        b"\xfb" + bytes(8),
        b"\xc0\x00",
    ],
    ids=lambda data: data.hex(),
)
def test_content_that_two_readers_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(BadToken):
        read_cbor(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"C": POINT.upper()},
        {"C": "zz" * 33},
        {"C": "04" + POINT[2:]},
        {"amount": 0},
        {"amount": -1},
        {"amount": 2**64},
        {"amount": True},
        {"amount": 1.0},
        {"id": KEYSET.upper()},
        {"id": "zz"},
        {"id": KEYSET[:18]},
        {"id": "I2yN+iRYfkzT"},
        {"dleq": {"e": "zz" * 32, "s": "11" * 32}},
        {"dleq": {"e": "11" * 32, "s": "11" * 31}},
        {"dleq": {"e": "11" * 32, "s": "11" * 32, "r": ""}},
        {"p2pk_e": "02"},
        {"secret": 5},
    ],
    ids=str,
)
def test_a_token_of_version_3_with_a_malformed_coin_is_refused(changes: dict[str, Any]) -> None:
    proof = msgspec.to_builtins(PROOF)

    def text(content: dict[str, Any]) -> str:
        return "cashuA" + base64url.encode(json.dumps({"token": [{"mint": TOKEN.mint, "proofs": [content]}]}).encode())

    assert read_token(text(proof), keysets=[]) == msgspec.structs.replace(TOKEN, unit="sat")
    with pytest.raises(BadToken):
        read_token(text(proof | changes), keysets=[KEYSET])


def test_a_token_of_version_3_is_of_one_mint() -> None:
    proofs = [msgspec.to_builtins(PROOF)]
    entry = {"mint": f"{TOKEN.mint}/", "proofs": proofs}

    def text(*entries: dict[str, Any]) -> str:
        return "cashuA" + base64url.encode(json.dumps({"token": entries, "unit": "food"}).encode())

    both = read_token(text(entry, entry | {"mint": TOKEN.mint}), keysets=[])
    assert both == msgspec.structs.replace(TOKEN, proofs=[PROOF, PROOF])
    for wrong in ((), (entry, entry | {"mint": "https://other.example.org"}), (entry | {"proofs": []},)):
        with pytest.raises(BadToken):
            read_token(text(*wrong), keysets=[])
    with pytest.raises(BadToken):
        read_token(text(entry | {"proofs": proofs * 201}), keysets=[])


# --- a series of codes --------------------------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=2_000), st.integers(10, 120), st.randoms())
@settings(deadline=None, max_examples=40)
def test_a_message_is_read_from_any_parts_that_suffice(content: bytes, longest: int, order: Any) -> None:
    writer = UrWriter(content, longest=longest)
    reader = UrReader()
    numbers = list(range(1, 8 * writer.count + 20))
    order.shuffle(numbers)
    shown = 0
    for number in numbers:
        if reader.content is not None:
            break
        before = reader.progress
        reader.take(writer.part(number).upper() if number % 2 else writer.part(number))
        assert before <= reader.progress <= 1
        shown += 1
    assert reader.content == content
    assert shown >= writer.count


def test_a_token_too_long_for_one_code_is_handed_over_as_a_series() -> None:
    token = msgspec.structs.replace(
        TOKEN, proofs=[msgspec.structs.replace(PROOF, secret=f"{n:064x}") for n in range(12)]
    )
    writer, reader = UrWriter(write_token(token).encode()), UrReader()
    number = writer.count + 1  # the camera misses every plain part
    while reader.content is None:
        reader.take(writer.part(number))
        number += 1
    assert read_token(reader.content.decode(), keysets=[KEYSET]) == token


def test_parts_of_two_messages_are_not_mixed() -> None:
    one, two = UrWriter(b"a" * 500, longest=50), UrWriter(b"b" * 500, longest=50)
    reader = UrReader()
    reader.take(one.part(1))
    with pytest.raises(BadToken):
        reader.take(two.part(2))
    for number in range(2, one.count + 1):
        reader.take(one.part(number))
    assert reader.content == b"a" * 500
    reader.take(UrWriter(b"c").part(1))
    assert reader.content == b"a" * 500


def part(content: Any, sequence: str) -> str:
    """A part with any content and a right checksum."""
    return f"ur:bytes/{sequence}/{words_of(write_cbor(content))}"


def words_of(data: bytes) -> str:
    """Bytewords of any bytes, read off a writer: a single part is the words of its own CBOR."""
    table = {}
    alphabet = bytes(range(256))
    text = UrWriter(alphabet, longest=1_000).part(1).removeprefix("ur:bytes/")
    for place, byte in enumerate(write_cbor(alphabet)):
        table[byte] = text[2 * place : 2 * place + 2]
    checked = data + cbor_checksum(data)
    return "".join(table[byte] for byte in checked)


def cbor_checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("content", "sequence"),
    [
        ([1, 2, 20, 5], "1-2"),
        ([1, 2, 20, 5, "text"], "1-2"),
        ([0, 2, 20, 5, b"x" * 10], "0-2"),
        ([1, 0, 20, 5, b"x" * 10], "1-0"),
        ([1, 2, 20, 5, b""], "1-2"),
        ([1, 2, 0, 5, b"x" * 10], "1-2"),
        ([1, 2, 21, 5, b"x" * 10], "1-2"),
        ([1, 3, 20, 5, b"x" * 10], "1-3"),
        ([1, 2, 20, -1, b"x" * 10], "1-2"),
        ([1, 2, 20, 2**32, b"x" * 10], "1-2"),
        ([2**32, 2, 20, 5, b"x" * 10], "4294967296-2"),
        ([1, MOST_FRAGMENTS + 1, MOST_FRAGMENTS + 1, 5, b"x"], f"1-{MOST_FRAGMENTS + 1}"),
        ([1, 1, 200_000, 5, b"x" * 200], "1-1"),
        ([1, 2, 20, 5, b"x" * 10], "2-2"),
        ([1, 2, 20, 5, b"x" * 10], "1-3"),
        ([1, 2, 20, 5, b"x" * 10], "x"),
        ({}, "1-2"),
    ],
    ids=lambda value: ascii(str(value))[:30],
)
def test_a_part_that_claims_the_impossible_is_refused(content: Any, sequence: str) -> None:
    reader = UrReader()
    with pytest.raises(BadToken):
        reader.take(part(content, sequence))
    assert (reader.content, reader.progress) == (None, 0.0)


def test_parts_that_do_not_fit_their_checksum_are_thrown_away() -> None:
    reader = UrReader()
    reader.take(part([1, 2, 20, 5, b"x" * 10], "1-2"))
    with pytest.raises(BadToken):
        reader.take(part([2, 2, 20, 5, b"y" * 10], "2-2"))
    assert (reader.content, reader.progress) == (None, 0.0)
    for number in (1, 2):
        writer = UrWriter(b"z" * 30, longest=20)
        reader.take(writer.part(number))
    assert reader.content == b"z" * 30


def test_a_part_that_is_shown_again_and_again_adds_nothing() -> None:
    writer, reader = UrWriter(b"x" * 100, longest=60), UrReader()
    for _ in range(200):
        reader.take(writer.part(1))
        assert (reader.content, reader.progress) == (None, 0.5)
    reader.take(writer.part(2))
    assert reader.content == b"x" * 100


@pytest.mark.parametrize("content", [b"", b"x" * 100_001])
def test_a_message_of_no_or_too_great_length_is_not_shown(content: bytes) -> None:
    with pytest.raises(BadToken):
        UrWriter(content)
    with pytest.raises(BadToken):
        UrWriter(b"x" * 50_000, longest=10)


def test_a_request_reads_back_what_strangers_may_write() -> None:
    assert read_request("creqA" + base64url.encode(write_cbor({"i": "x", "new": [1, {"y": None}]}))) == PaymentRequest(
        id="x"
    )
    assert read_request("CREQa" + base64url.encode(write_cbor({}))) == PaymentRequest()
