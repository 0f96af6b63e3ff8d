"""Every published vector of the texts, requests and codes: foreign tokens, keysets, payment requests, hidden keys, UR."""

import base64
import hashlib
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from amparo_cashu import bech32, errors
from amparo_cashu.cbor import read_cbor, write_cbor
from amparo_cashu.curve import (
    generator_times,
    hash_to_curve,
    multiply,
    read_point,
    schnorr_verify,
    show_point,
)
from amparo_cashu.errors import (
    BadToken,
    DuplicateQuotes,
    KeysetUnknown,
    LockNotOpen,
    QuoteSignatureFalse,
    TokenError,
)
from amparo_cashu.nut00_token import read_raw, read_token, write_raw
from amparo_cashu.nut02_keyset import check_keyset, keyset_id
from amparo_cashu.nut10_secret import check_lock
from amparo_cashu.nut13_secrets import derive
from amparo_cashu.nut16_ur import UrReader, UrWriter
from amparo_cashu.nut18_request import PaymentRequest, read_request, write_request
from amparo_cashu.nut20_quote import check_claim, message
from amparo_cashu.nut26_request import read_any_request, read_request_b, write_request_b
from amparo_cashu.nut28_p2bk import find_secret_key, hide_keys, sign_hidden
from amparo_cashu.nut29_batch import check_batch
from amparo_cashu.spent_filter import SpentFilter, build_filter, filter_item
from amparo_cashu.wire import BatchMintRequest, Keyset, MintRequest, Proof
from amparo_common.secret import Secret

VECTORS = Path(__file__).parents[3] / "vectors" / "cashu"
NOW = 1_760_000_000
Vector = dict[str, Any]


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    assert found["vectors"]
    return found


def vectors(name: str, *, valid: bool | None = None) -> list[Vector]:
    return [each for each in document(name)["vectors"] if valid is None or each["valid"] is valid]


def named(vector: Vector) -> str:
    return ascii(vector.get("name") or vector.get("text") or vector.get("hex") or vector.get("slot"))


# --- errors, CBOR, Bech32 -----------------------------------------------------------------------------------------------


def test_every_error_has_a_number_of_the_published_table_or_none_and_one_error_stands_for_one_number() -> None:
    table = {vector["code"] for vector in vectors("error_codes")}
    numbers: dict[int, list[str]] = {}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, TokenError):
            numbers.setdefault(kind.number, []).append(kind.__name__)
    assert set(numbers) - {10000} <= table
    assert {number: names for number, names in numbers.items() if len(names) > 1 and number not in (10000, 10001)} == {}
    # Not raised here: outputs are never pending, nothing is paid by an invoice that names an amount, minting is never switched
    # off, a deposit that the shops side refuses goes back to unpaid, and quotes have no end.
    assert table - set(numbers) == {11004, 11011, 11012, 20003, 20004, 20007}


def is_plain(decoded: Any) -> bool:
    match decoded:
        case float():
            return False
        case list():
            return all(map(is_plain, decoded))
        case dict():
            return all(map(is_plain, decoded.values()))
    return True


@pytest.mark.parametrize("vector", vectors("rfc8949_cbor"), ids=named)
def test_cbor_is_read_as_published_or_refused_on_purpose(vector: Vector) -> None:
    data = bytes.fromhex(vector["hex"])
    plain = "decoded" in vector and is_plain(vector["decoded"]) and data[0] >> 5 not in (6,) and data[0] != 0xF6
    if plain:
        expected = vector["decoded"]
        found = read_cbor(data)
        assert found == expected or {str(key): each for key, each in found.items()} == expected
        if vector["roundtrip"]:
            assert write_cbor(found) == data
    elif data in (b"\xf6", b"\xf7"):
        assert read_cbor(data) is None
    elif data[0] >> 5 in (2, 3, 5):
        assert read_cbor(data) is not None
    else:
        with pytest.raises(BadToken):
            read_cbor(data)
    for length in range(len(data)):
        with pytest.raises(BadToken):
            read_cbor(data[:length])
    with pytest.raises(BadToken):
        read_cbor(data + b"\x00")


@pytest.mark.parametrize("vector", vectors("bip350_bech32m"), ids=named)
def test_a_published_text_has_a_right_or_wrong_checksum(vector: Vector) -> None:
    text = vector["text"]
    prefix = text.lower().rpartition("1")[0]
    constants = {"bech32m": bech32.BECH32M, "bech32": bech32.BECH32}
    constant = constants.pop(vector["variant"])
    (other,) = constants.values()
    if vector["valid"]:
        try:
            data = bech32.decode(text, prefix, constant=constant)
        except BadToken as error:
            assert "padded" in str(error)  # right, but no whole bytes  # noqa: PT017
        else:
            assert bech32.encode(prefix, data, constant=constant) == text.lower()
    else:
        with pytest.raises(BadToken):
            bech32.decode(text, prefix or "x", constant=constant)
    with pytest.raises(BadToken):
        bech32.decode(text, prefix, constant=other)


# --- NUT-00 to 02, 13 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("nut00_token_v3", valid=True), ids=named)
def test_a_published_token_of_version_3_holds_the_published_content(vector: Vector) -> None:
    (entry,) = vector["token"]["token"]
    keysets = {proof["id"] for proof in entry["proofs"]}
    token = read_token(vector["serialized"], keysets=keysets)
    assert (token.mint, token.unit) == (entry["mint"], vector["token"]["unit"])
    assert msgspec.to_builtins(token.proofs) == entry["proofs"]
    assert read_raw(write_raw(token), keysets=keysets) == token
    with pytest.raises(BadToken):
        read_token(vector["serialized"], keysets=[])


@pytest.mark.parametrize("vector", vectors("nut00_token_v3", valid=False), ids=named)
def test_a_published_token_of_version_3_without_its_prefix_is_refused(vector: Vector) -> None:
    with pytest.raises(BadToken):
        read_token(vector["serialized"], keysets=["009a1f293253e41e"])


@pytest.mark.parametrize("vector", [v for v in vectors("nut00_token_v4") if "serialized_raw_hex" in v], ids=named)
def test_a_published_binary_token_is_read_from_its_bytes(vector: Vector) -> None:
    data = bytes.fromhex(vector["serialized_raw_hex"])
    keysets = [group["i"]["$bytes_hex"] for group in vector["token"]["t"]]
    token = read_raw(data, keysets=keysets)
    text = "cashuB" + base64.urlsafe_b64encode(data.removeprefix(b"crawB")).decode()
    assert read_token(text, keysets=keysets) == token
    assert read_raw(write_raw(token), keysets=keysets) == token
    for length in range(len(data)):
        with pytest.raises(BadToken):
            read_raw(data[:length], keysets=keysets)


def with_id(keys: dict[str, str]) -> Keyset:
    numbers = {int(amount): key for amount, key in keys.items()}
    return Keyset(id=keyset_id(numbers, unit="sat"), unit="sat", keys=keys)


@pytest.mark.parametrize("vector", vectors("nut01_keys"), ids=named)
def test_published_keys_are_points_or_refused(vector: Vector) -> None:
    keyset = with_id(vector["keys"])
    if vector["valid"]:
        check_keyset(keyset)
    else:
        with pytest.raises(KeysetUnknown, match="no point"):
            check_keyset(keyset)


@pytest.mark.parametrize("vector", vectors("nut02_keyset_id_v1"), ids=named)
def test_a_published_keyset_of_version_1_is_known_only_as_somebody_elses(vector: Vector) -> None:
    keyset = Keyset(id=vector["keyset_id"], unit="sat", keys=vector["keys"])
    check_keyset(keyset, foreign=True)
    with pytest.raises(KeysetUnknown):
        check_keyset(keyset)
    last = list(keyset.keys)[-1]
    fewer = {amount: key for amount, key in keyset.keys.items() if amount != last}
    for changed in (fewer, keyset.keys | {last: keyset.keys["1"]}):
        with pytest.raises(KeysetUnknown):
            check_keyset(msgspec.structs.replace(keyset, keys=changed), foreign=True)
    for other in ("02" + "00" * 32, "", "00", keyset.id.upper() + "0"):
        with pytest.raises(KeysetUnknown):
            check_keyset(msgspec.structs.replace(keyset, id=other), foreign=True)


@pytest.mark.parametrize("vector", vectors("nut13_v1"), ids=lambda vector: vector["counter"])
def test_a_seed_gives_no_secrets_for_a_keyset_of_version_1(vector: Vector) -> None:
    found = document("nut13_v1")
    assert found["supported"] is False
    seed = hashlib.pbkdf2_hmac("sha512", found["mnemonic"].encode(), b"mnemonic", 2_048)
    with pytest.raises(BadToken):
        derive(Secret(seed), found["keyset_id"], vector["counter"])


# --- NUT-16, 18, 26 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("nut16_ur"), ids=named)
def test_a_message_is_shown_as_the_published_parts_and_read_from_any_that_suffice(vector: Vector) -> None:
    content, parts = bytes.fromhex(vector["message_hex"]), vector["parts"]
    writer = UrWriter(content, longest=vector["longest_fragment"])
    assert [writer.part(number) for number in range(1, len(parts) + 1)] == parts
    for order in (parts, parts[::-1], [part.upper() for part in parts[1::2] + parts]):
        reader = UrReader()
        for part in order:
            reader.take(part)
        assert (reader.content, reader.progress) == (content, 1.0)


@pytest.mark.parametrize("vector", vectors("nut18_requests"), ids=named)
def test_a_published_request_of_form_a_holds_the_published_content(vector: Vector) -> None:
    request = read_request(vector["encoded"])
    expected = vector.get("encoded_request", vector["request"])
    assert msgspec.to_builtins(request) == expected
    for each in (request, msgspec.convert(vector["request"], PaymentRequest)):
        assert read_request(write_request(each)) == each
        assert read_any_request(f" {write_request(each)}\n") == each


def key_of(target: str) -> bytes:
    """The key of an npub, or of an nprofile without relays."""
    if target.startswith("npub"):
        return bech32.decode(target, "npub", constant=bech32.BECH32)
    return bech32.decode(target, "nprofile", constant=bech32.BECH32)[2:]


def with_plain_keys(request: dict[str, Any]) -> dict[str, Any]:
    """The request with nostr targets that are keys without relays as bare keys: npub and nprofile both name them."""
    transports = []
    for transport in request.get("t", []):
        target = transport["a"]
        bare = transport["t"] == "nostr" and len(key_of(target)) == 32
        transports.append(transport | {"a": key_of(target).hex() if bare else target})
    return request | ({"t": transports} if transports else {})


@pytest.mark.parametrize("vector", vectors("nut26_requests"), ids=named)
def test_a_published_request_of_form_b_holds_the_published_content_and_is_written_alike(vector: Vector) -> None:
    encoded = vector["encoded"]
    request = read_request_b(encoded)
    assert with_plain_keys(msgspec.to_builtins(request)) == with_plain_keys(vector["request"])
    assert write_request_b(request) == encoded
    assert write_request_b(msgspec.convert(vector["request"], PaymentRequest)) == encoded
    assert read_any_request(encoded.lower()) == request
    for wrong in (encoded[:-1], encoded + "Q", encoded[:20] + encoded[20:].lower(), encoded.replace("CREQB", "CREQC")):
        with pytest.raises(BadToken):
            read_any_request(wrong)
    swapped = encoded[:30] + ("Q" if encoded[30] != "Q" else "P") + encoded[31:]
    with pytest.raises(BadToken):
        read_request_b(swapped)


def test_a_request_is_found_in_the_published_uris() -> None:
    found = document("nut26_requests")
    assert len(found["uris"]) == 3
    for each in found["uris"]:
        (encoded,) = (v["encoded"] for v in found["vectors"] if v["name"] == each["request_of"])
        assert read_any_request(each["uri"]) == read_request_b(encoded)
    for uri in ("bitcoin:", "bitcoin:?creq=", f"bitcoin:?creq={encoded}&creq={encoded}", f"bitcoin:{encoded}"):
        with pytest.raises(BadToken):
            read_any_request(uri)


# --- NUT-20, 28, 29 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("nut20_mint_quote_signature_legacy"), ids=named)
def test_a_claim_over_the_old_message_is_refused_even_when_well_signed(vector: Vector) -> None:
    claim, key = msgspec.convert(vector["mint_request"], MintRequest), vector["quote_pubkey_hex"]
    assert claim.signature is not None
    old = (claim.quote + "".join(output.B_ for output in claim.outputs)).encode()
    if vector["valid"]:
        assert old.decode() == vector["msg_to_sign"]
        schnorr_verify(old, claim.signature, read_point(key))
    else:
        with pytest.raises(LockNotOpen):
            schnorr_verify(old, claim.signature, read_point(key))
    with pytest.raises(QuoteSignatureFalse):
        check_claim(claim.quote, claim.outputs, claim.signature, key)


@pytest.mark.parametrize("vector", vectors("nut28_p2bk"), ids=named)
def test_a_key_is_hidden_and_found_as_published(vector: Vector) -> None:
    found, slot = document("nut28_p2bk"), vector["slot"]
    ephemeral, receiver = bytes.fromhex(found["ephemeral_secret_hex"]), bytes.fromhex(found["receiver_secret_hex"])
    point = found["receiver_point_hex"]
    assert multiply(read_point(point), ephemeral).format()[1:].hex() == found["shared_x_hex"]
    assert hide_keys([point] * 11, ephemeral)[slot] == vector["blinded_point_hex"]
    assert hide_keys([point[2:]] * 11, ephemeral)[slot] == vector["blinded_point_hex"]  # its x-coordinate alone
    hidden, shared = vector["blinded_point_hex"], found["ephemeral_point_hex"]
    assert show_point(generator_times(ephemeral)) == shared
    secret = find_secret_key(hidden, slot, ephemeral_point=shared, secret_key=receiver)
    assert secret.hex() == vector["secret_negated_hex"]
    assert show_point(generator_times(secret))[2:] == hidden[2:]
    # The same for the key with the other parity: then the standard secret is the one.
    natural = show_point(generator_times(receiver))
    assert natural[2:] == point[2:]
    other = hide_keys([natural] * 11, ephemeral)[slot]
    assert (
        find_secret_key(other, slot, ephemeral_point=shared, secret_key=receiver).hex() == vector["secret_standard_hex"]
    )
    for wrong in ({"slot": slot + 1}, {"hidden": shared}, {"secret_key": ephemeral}, {"ephemeral_point": point}):
        given: dict[str, Any] = {
            "hidden": hidden,
            "slot": slot,
            "ephemeral_point": shared,
            "secret_key": receiver,
        } | wrong
        with pytest.raises(LockNotOpen):
            find_secret_key(given.pop("hidden"), given.pop("slot"), **given)


def test_the_published_hidden_token_is_opened_by_its_receiver_alone() -> None:
    found = document("nut28_p2bk")
    proof, receiver = msgspec.convert(found["proof"], Proof), bytes.fromhex(found["receiver_secret_hex"])
    signed = sign_hidden(proof, receiver)
    assert signed.p2pk_e is None
    check_lock(signed, now=NOW)
    with pytest.raises(LockNotOpen):
        sign_hidden(proof, bytes.fromhex(found["ephemeral_secret_hex"]))
    with pytest.raises(BadToken):
        sign_hidden(signed, receiver)


REFUSALS = {
    "empty quotes array": BadToken,
    "duplicate quote IDs": DuplicateQuotes,
    "signature length mismatch": QuoteSignatureFalse,
    "signed in the form before version 1": QuoteSignatureFalse,
}


@pytest.mark.parametrize("vector", vectors("nut29_batch_mint"), ids=named)
def test_a_published_batch_is_accepted_or_refused_as_published(vector: Vector) -> None:
    request = msgspec.convert(vector["mint_request"], BatchMintRequest)
    if not vector["valid"]:
        with pytest.raises(REFUSALS[vector["name"]]) as refused:
            check_batch(request, vector["quote_pubkeys_hex"], most=10)
        assert vector.get("code") in (None, refused.value.number)
        return
    check_batch(request, vector["quote_pubkeys_hex"], most=10)
    if "msg_to_sign_hex" in vector:
        (quote,) = request.quotes
        assert message(quote, request.outputs).hex() == vector["msg_to_sign_hex"]
        assert hashlib.sha256(message(quote, request.outputs)).hexdigest() == vector["msg_to_sign_sha256_hex"]


def test_the_old_published_batch_is_signed_for_another_quote_than_it_names() -> None:
    (vector,) = (v for v in vectors("nut29_batch_mint") if v["name"] == "signed in the form before version 1")
    request, (key,) = vector["mint_request"], vector["quote_pubkeys_hex"]
    points = "".join(output["B_"] for output in request["outputs"])
    schnorr_verify(f"locked-quote{points}".encode(), request["signatures"][0], read_point(key))
    with pytest.raises(LockNotOpen):
        schnorr_verify(f"{request['quotes'][0]}{points}".encode(), request["signatures"][0], read_point(key))


# --- the filter of spent tokens -----------------------------------------------------------------------------------------


def read_slowly(data: bytes) -> tuple[int, set[int]]:
    """The second verifier of the filter: its range and its numbers, read bit by bit from the description of the form alone."""
    magic, version, precision = data[:4], data[4], data[5]
    assert (magic, version) == (b"AMSF", 1)
    count, buckets = struct.unpack(">QI", data[43:55])
    whole = count * 2**precision
    width = -(-whole // buckets) if buckets else 1
    body = 55 + 4 * buckets
    places = [body + int.from_bytes(data[55 + 4 * each : 59 + 4 * each], "big") for each in range(buckets)]
    numbers = set()
    for bucket, (start, end) in enumerate(pairwise([*places, len(data)])):
        bits = [byte >> shift & 1 for byte in data[start:end] for shift in range(7, -1, -1)]
        number = 0
        while 0 in bits:
            zero = bits.index(0)
            rest = bits[zero + 1 : zero + 1 + precision]
            number += (zero << precision) + sum(bit << at for at, bit in enumerate(reversed(rest)))
            bits = bits[zero + 1 + precision :]
            numbers.add(bucket * width + number)
    return whole, numbers


@pytest.mark.parametrize("vector", vectors("spent_filter_v1"), ids=named)
def test_the_filter_has_the_recorded_bytes_and_a_second_reader_reads_the_same(vector: Vector) -> None:
    keyset, data = vector["keyset_id"], bytes.fromhex(vector["filter_hex"])
    points = [hash_to_curve(f"spent filter {each}".encode()).format() for each in range(vector["count"])]
    items = [filter_item(keyset, point) for point in points]
    assert [point.hex() for point in points[:3]] == vector["first_Ys_hex"]
    assert [item.hex() for item in items[:3]] == vector["first_items_hex"]
    assert build_filter(b"".join(sorted(items)), keyset=keyset, day=vector["day"], bits=vector["bits"]) == data
    spent = SpentFilter(data)
    assert (spent.keyset, spent.day, spent.count, spent.bits) == (keyset, 20_454, vector["count"], vector["bits"])
    whole, numbers = read_slowly(data)
    assert {int.from_bytes(item, "big") * whole >> 64 for item in items} == numbers
    assert all(spent.has(item) for item in items)
    strangers = {
        n: filter_item(keyset, hash_to_curve(f"spent filter {n}".encode()).format()) for n in range(10_000, 10_040)
    }
    wrong = [n for n, item in strangers.items() if spent.has(item)]
    assert wrong == vector["not_spent_taken_for_spent"]
    assert wrong == [n for n, item in strangers.items() if int.from_bytes(item, "big") * whole >> 64 in numbers]
