"""Fuzz targets of what stands in codes and texts that strangers show or send: tokens, payment requests, codes on paper."""

import binascii
import contextlib
from collections.abc import Callable, Iterator
from functools import cache

import msgspec
from tests.hostile.fuzz_seeds import beginning, text_of, vector_texts
from tests.hostile.fuzz_world import KEY, NOON, POINT, world

from amparo_cashu import base64url, bech32
from amparo_cashu.cbor import read_cbor, write_cbor
from amparo_cashu.curve import hash_to_curve, read_point
from amparo_cashu.nut00_token import Token, read_raw, read_token, write_raw, write_token
from amparo_cashu.nut10_secret import read_lock, sign_lock, write_lock
from amparo_cashu.nut12_dleq import check_proof
from amparo_cashu.nut16_ur import UrReader, UrWriter
from amparo_cashu.nut18_request import PaymentRequest, check_payment, read_payment, read_request, write_request
from amparo_cashu.nut24_payment import read_payment_header, read_request_header
from amparo_cashu.nut26_request import read_any_request, read_request_b, write_request_b
from amparo_cashu.nut28_p2bk import sign_hidden
from amparo_cashu.spent_filter import SpentFilter, build_filter, filter_item
from amparo_cashu.wire import (
    Proof,
)
from amparo_common.errors import AmparoError
from amparo_common.secret import Secret
from amparo_credentials.card import Card, CardSigner, open_card, write_open, write_sealed
from amparo_purse.recovery import read_code, write_code
from amparo_wallet.vouchers import voucher_number

NOW = int(NOON.timestamp())
CARD_SEED, CARD_KEY = Secret(b"\1" * 32), Secret(b"\2" * 32)
UR_PREFIX = "ur:bytes/"
MOST_LINES = 200
MOST_FIELD_BYTES = 600


# --- tokens ----------------------------------------------------------------------------------------------------------------


def _take_token(read: Callable[[], Token]) -> None:
    """What a till does with a token that it can read: write it again, judge proof and lock, look for it in a filter."""
    with contextlib.suppress(AmparoError):
        token, keysets = read(), [world().keyset.id]
        assert read_token(write_token(token), keysets=keysets) == msgspec.structs.replace(
            token, mint=token.mint.rstrip("/"), proofs=_grouped(token.proofs)
        )
        assert read_raw(write_raw(token), keysets=keysets).unit == token.unit
        for proof in token.proofs:
            filter_item(proof.id.ljust(66, "0"), hash_to_curve(proof.secret.encode()).format())
            with contextlib.suppress(AmparoError):
                read_lock(proof.secret)
            with contextlib.suppress(AmparoError):
                check_proof(proof, read_point(POINT))
            with contextlib.suppress(AmparoError):
                sign_hidden(proof, KEY)
        voucher_number(write_token(token))


def _grouped(proofs: list[Proof]) -> list[Proof]:
    """In the order in which a token is written: keyset by keyset."""
    order = list(dict.fromkeys(proof.id for proof in proofs))
    return sorted(proofs, key=lambda proof: order.index(proof.id))


def token(data: bytes) -> None:
    """A token as text (a voucher's code is one), or as bytes."""
    keysets = [world().keyset.id]
    _take_token(lambda: read_token(text_of(data), keysets=keysets))
    _take_token(lambda: read_raw(data, keysets=keysets))


def token_cbor(data: bytes) -> None:
    """The inside of a token of version 4."""
    _take_token(lambda: read_raw(b"crawB" + data, keysets=[world().keyset.id]))


def token_json(data: bytes) -> None:
    """The inside of a token of version 3."""
    _take_token(lambda: read_token("cashuA" + base64url.encode(data), keysets=[world().keyset.id]))


@cache
def our_token() -> Token:
    """Two genuine tokens, one of them locked."""
    plain, other = world().tokens()
    locked = msgspec.structs.replace(other, secret=write_lock("1", POINT, locktime=NOW, refund=POINT), p2pk_e=POINT)
    return Token("https://mint.example", "food", [plain, sign_lock(locked, KEY)])


def token_seeds() -> Iterator[bytes]:
    """Ours, and those of the vectors."""
    yield write_token(our_token()).encode()
    yield write_raw(our_token())
    yield from (text.encode() for text in beginning("cashu", "nut00_token_v3", "nut00_token_v4"))
    yield from (bytes.fromhex(text) for text in vector_texts("nut00_token_v4") if text.startswith("6372617742"))


def token_cbor_seeds() -> Iterator[bytes]:
    """The insides of those of version 4."""
    yield write_raw(our_token())[5:]
    yield from (base64url.decode(text[6:]) for text in beginning("cashuB", "nut00_token_v4"))


def token_json_seeds() -> Iterator[bytes]:
    """The insides of those of version 3."""
    ours = our_token()
    yield msgspec.json.encode({"token": [{"mint": ours.mint, "proofs": ours.proofs}], "unit": ours.unit})
    for text in beginning("cashuA", "nut00_token_v3"):
        with contextlib.suppress(AmparoError):
            yield base64url.decode(text[6:])


def cbor(data: bytes) -> None:
    """CBOR; what is read can be written."""
    with contextlib.suppress(AmparoError):
        value = read_cbor(data)
        assert read_cbor(write_cbor(value)) == value


def cbor_seeds() -> Iterator[bytes]:
    """The examples of the standard."""
    for text in vector_texts("rfc8949_cbor"):
        with contextlib.suppress(ValueError):
            yield bytes.fromhex(text)


# --- requests and payments ---------------------------------------------------------------------------------------------------


def _take_request(read: Callable[[], PaymentRequest]) -> None:
    """A request that can be read can be written in form A, and in form B where it has one."""
    with contextlib.suppress(AmparoError):
        asked = read()
        # Where the longest form is longer than what is read, that is refused.
        with contextlib.suppress(AmparoError):
            assert read_request(write_request(asked)) == asked
        with contextlib.suppress(AmparoError):
            read_request_b(write_request_b(asked))
        payment = msgspec.json.encode({"mint": "https://mint.example", "unit": "food", "proofs": world().tokens()})
        check_payment(asked, read_payment(payment), locked_until=NOW)


def request(data: bytes) -> None:
    """A payment request in any spelling, and in a header."""
    _take_request(lambda: read_any_request(text_of(data)))
    with contextlib.suppress(AmparoError):
        read_request_header(text_of(data))


def request_cbor(data: bytes) -> None:
    """The inside of a request of form A."""
    _take_request(lambda: read_request("creqA" + base64url.encode(data)))


def request_fields(data: bytes) -> None:
    """The inside of a request of form B."""
    # Not longer: encoding it takes more time than reading it.
    _take_request(lambda: read_request_b(bech32.encode("creqb", data[:MOST_FIELD_BYTES], constant=bech32.BECH32M)))


def request_seeds() -> Iterator[bytes]:
    """Those of the vectors."""
    yield from (text.encode() for text in beginning("creq", "nut18_requests", "nut26_requests"))
    yield from (text.encode() for text in beginning("bitcoin:", "nut26_requests"))


def request_cbor_seeds() -> Iterator[bytes]:
    """The insides of those of form A."""
    for text in beginning("creqA", "nut18_requests", "nut26_requests"):
        with contextlib.suppress(AmparoError):
            yield base64url.decode(text[5:])


def request_fields_seeds() -> Iterator[bytes]:
    """The insides of those of form B."""
    for text in beginning("creqB", "nut26_requests"):
        with contextlib.suppress(AmparoError):
            yield bech32.decode(text, "creqb", constant=bech32.BECH32M)


@cache
def _asked() -> PaymentRequest:
    """A request for a locked payment."""
    tags = [["locktime", f"{NOW}"], ["refund", POINT]]
    wanted = {
        "i": "1",
        "a": 2,
        "u": "food",
        "m": ["https://mint.example"],
        "nut10": {"k": "P2PK", "d": POINT, "t": tags},
    }
    return msgspec.convert(wanted, PaymentRequest)


def payment(data: bytes) -> None:
    """The answer to a request: as JSON, and as a token in a header."""
    with contextlib.suppress(AmparoError):
        check_payment(_asked(), read_payment(data), locked_until=NOW)
    with contextlib.suppress(AmparoError):
        read_payment_header(text_of(data), _asked(), keysets=[world().keyset.id], locked_until=NOW)


def payment_seeds() -> Iterator[bytes]:
    """A payment, and a token."""
    ours = our_token()
    yield msgspec.json.encode({"id": "1", "mint": ours.mint, "unit": ours.unit, "proofs": ours.proofs})
    yield write_token(msgspec.structs.replace(ours, proofs=ours.proofs[1:])).encode()


# --- animated codes, filters, codes on paper --------------------------------------------------------------------------------


def parts(data: bytes) -> None:
    """The parts of an animated code, one a line."""
    reader = UrReader()
    for line in text_of(data).split("\n")[:MOST_LINES]:
        with contextlib.suppress(AmparoError):
            reader.take(line)
        assert 0 <= reader.progress <= 1


def part_fields(data: bytes) -> None:
    """The insides of parts, one after the other, each with a length of a byte before it; the checksums are made to fit."""
    reader, rest = UrReader(), data
    while rest:
        content, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        with contextlib.suppress(AmparoError):
            match read_cbor(content):
                case [number, count, *_]:
                    reader.take(f"{UR_PREFIX}{number}-{count}/{_words(content)}")
                case _:
                    reader.take(UR_PREFIX + _words(content))


@cache
def _pairs() -> tuple[str, ...]:
    """The two letters of each byte, from a part that holds every byte."""
    words = UrWriter(bytes(range(256)), longest=300).part(1).removeprefix(UR_PREFIX)[6:]  # after the head of the CBOR
    return tuple(words[2 * byte : 2 * byte + 2] for byte in range(256))


def _words(content: bytes) -> str:
    return "".join(_pairs()[byte] for byte in content + binascii.crc32(content).to_bytes(4, "big"))


def part_seeds() -> Iterator[bytes]:
    """A message in one part, and in many."""
    texts = list(beginning("ur:bytes", "nut16_ur"))
    yield "\n".join(texts).encode()
    yield from (text.encode() for text in texts)
    writer = UrWriter(write_raw(our_token()), longest=100)
    yield "\n".join(writer.part(number) for number in range(3, writer.count + 8)).encode()


def part_fields_seeds() -> Iterator[bytes]:
    """A message in three parts, begun with the second."""
    message = write_cbor(bytes(range(60)))
    fragments = [message[at : at + 21].ljust(21, b"\0") for at in range(0, len(message), 21)]
    contents = [
        write_cbor([number, 3, len(message), binascii.crc32(message), fragments[number - 1]]) for number in (2, 3, 1)
    ]
    yield b"".join(bytes([len(each)]) + each for each in contents)
    yield bytes([len(message)]) + message


def spent_filter(data: bytes) -> None:
    """A filter of spent tokens, and looking into it; the first eight bytes are the token."""
    with contextlib.suppress(AmparoError):
        SpentFilter(data[8:]).has(data[:8])


def spent_filter_seeds() -> Iterator[bytes]:
    """Filters of none, few and many."""
    for count, bits in ((0, 20), (1, 1), (30, 20), (1_200, 8)):
        items = sorted(hash_to_curve(bytes([number % 256, number // 256])).format()[1:9] for number in range(count))
        yield (items or [bytes(8)])[0] + build_filter(b"".join(items), keyset=world().keyset.id, day=20_000, bits=bits)


def recovery(data: bytes) -> None:
    """A recovery code as typed; and one that is right, with a slip in it, which must be found."""
    with contextlib.suppress(AmparoError):
        assert read_code(write_code(read_code(text_of(data)))).reveal()
    if len(data) < 18:
        return
    code = write_code(Secret(data[:16]))
    assert read_code(code).reveal() == data[:16]
    places = [place for place, sign in enumerate(code) if sign != " "]
    place, digit = places[data[16] % len(places)], f"{data[17] % 10}"
    if code[place] != digit:
        with contextlib.suppress(AmparoError):
            read_code(code[:place] + digit + code[place + 1 :])
            raise AssertionError("a slip was not found")


def recovery_seeds() -> Iterator[bytes]:
    """Codes in three scripts, and bytes for one."""
    code = write_code(Secret(bytes(range(16))))
    yield code.encode()
    yield ("AMPARO-RECOVERY:" + code.replace(" ", "")).encode()
    yield code.translate({ord(f"{digit}"): 0x660 + digit for digit in range(10)}).encode()
    yield bytes(range(40))


def card(data: bytes) -> None:
    """The code on a card, and what stands in it behind base45 and compression."""
    for text in (data.decode("latin-1"), write_open(data)):
        with contextlib.suppress(AmparoError):
            open_card(text, CardSigner("i", CARD_SEED).public, now=NOON, verifier_key=CARD_KEY)


def card_seeds() -> Iterator[bytes]:
    """A card, open and sealed, and its inside."""
    signed = CardSigner("https://office.example", CARD_SEED).sign(
        Card("1", "Ana", "spa", NOON.date(), birth_date=NOON.date(), other_name="آنا", other_language="ara")
    )
    yield signed
    yield write_open(signed).encode()
    yield write_sealed(signed, CARD_KEY).encode()
