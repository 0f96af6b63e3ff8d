"""Both engines give the published answers, and the same ones as each other whatever comes in."""

import hashlib
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packages.signer.tests.conftest import BATCH

from amparo_cashu.curve import ORDER, generator_times, hash_to_curve, multiply, negate, point_of, read_point, show_point
from amparo_cashu.errors import BadPoint
from amparo_cashu.nut00_blind import blind, unblind
from amparo_cashu.nut12_dleq import check_signature
from amparo_cashu.wire import Dleq
from amparo_signer.batch import Engine
from amparo_signer.keymemory import DenominationKey
from amparo_signer.library import response
from amparo_signer.plain import PlainEngine

VECTORS = Path(__file__).parents[3] / "vectors" / "cashu"
PRIME = 2**256 - 2**32 - 977
ENGINES: tuple[Engine, ...] = (BATCH, PlainEngine())


def cases(name: str) -> list[dict[str, Any]]:
    """The published cases of a file."""
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["vectors"]
    return found


def key_of(text: str) -> DenominationKey:
    """The key of a private key in hex."""
    return DenominationKey(bytes.fromhex(text))


def dleq_of(signature: bytes) -> Dleq:
    """The proof in an engine's answer."""
    return Dleq(e=signature[33:65].hex(), s=signature[65:].hex())


def prove(signature: bytes, key: DenominationKey, blinded: bytes) -> None:
    """Raises `SignatureNotProved` unless the answer is a proved signature of `key` on `blinded`."""
    check_signature(dleq_of(signature), key=key.public, blinded=point_of(blinded), signed=point_of(signature[:33]))


# --- the published vectors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("nut00_hash_to_curve.json"), ids=lambda case: case["message_hex"][-2:])
def test_a_genuine_token_gives_the_published_point_of_its_secret(engine: Engine, case: dict[str, Any]) -> None:
    secret, point = bytes.fromhex(case["message_hex"]), case["point_Y_hex"]
    key = key_of(f"{7:064x}")
    genuine = multiply(read_point(point), key.reveal()).format()
    assert engine.verify([key], [secret], [genuine]) == [bytes.fromhex(point)]


@pytest.mark.parametrize(
    "case", cases("nut00_blind_signatures.json"), ids=lambda case: case["mint_private_key_hex"][:4]
)
def test_the_published_blind_signatures_are_made(engine: Engine, case: dict[str, Any]) -> None:
    key, blinded = key_of(case["mint_private_key_hex"]), bytes.fromhex(case["B__hex"])
    (signature,) = engine.sign([key], [blinded])
    assert signature[:33].hex() == case["C__hex"]
    prove(signature, key, blinded)


@pytest.mark.parametrize("case", cases("nut00_blinded_messages.json"), ids=lambda case: case["B__hex"][:6])
def test_a_published_blinded_message_becomes_a_genuine_token(engine: Engine, case: dict[str, Any]) -> None:
    key, secret, factor = key_of(f"{11:064x}"), bytes.fromhex(case["secret_x_hex"]), case["blinding_factor_r_hex"]
    (signature,) = engine.sign([key], [bytes.fromhex(case["B__hex"])])
    token = unblind(point_of(signature[:33]), bytes.fromhex(factor), key.public).format()
    assert engine.verify([key], [secret], [token]) == [hash_to_curve(secret).format()]


def test_the_published_proof_with_a_deterministic_nonce_is_made(engine: Engine) -> None:
    (case,) = (case for case in cases("nut12_dleq.json") if case["type"] == "deterministic_nonce")
    key = key_of(case["mint_private_key_a_hex"])
    assert show_point(key.public) == case["A_hex"]
    (signature,) = engine.sign([key], [bytes.fromhex(case["B__hex"])])
    assert signature.hex() == case["C__hex"] + case["e_hex"] + case["s_hex"]


def test_the_published_proof_of_a_signature_is_judged_by_what_judges_ours() -> None:
    (case,) = (case for case in cases("nut12_dleq.json") if case["type"] == "blind_signature")
    signed = bytes.fromhex(case["blind_signature"]["C_"])
    dleq = case["blind_signature"]["dleq"]
    published = signed + bytes.fromhex(dleq["e"]) + bytes.fromhex(dleq["s"])
    # The published one has a random nonce, ours does not: both prove the same signature.
    prove(published, key_of(f"{1:064x}"), bytes.fromhex(case["B__hex"]))
    for engine in ENGINES:
        (made,) = engine.sign([key_of(f"{1:064x}")], [bytes.fromhex(case["B__hex"])])
        assert made[:33] == signed
        assert made != published


# --- what must hold for any key, secret and output --------------------------------------------------------------------

scalars = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60), scalars, scalars, scalars)
def test_what_is_blinded_signed_and_unblinded_is_genuine_under_its_own_key_only(
    secret: str, factor: bytes, scalar: bytes, other: bytes
) -> None:
    key, stranger, message = DenominationKey(scalar), DenominationKey(other), secret.encode()
    blinded = blind(secret, factor).format()
    for engine in ENGINES:
        (signature,) = engine.sign([key], [blinded])
        prove(signature, key, blinded)
        token = unblind(point_of(signature[:33]), factor, key.public)
        answers = engine.verify(
            [key] * 3, [message, message + b"x", message], [token.format()] * 2 + [negate(token).format()]
        )
        assert answers == [hash_to_curve(message).format(), b"", b""]
        if other != scalar:
            assert engine.verify([stranger], [message], [token.format()]) == [b""]


@pytest.mark.parametrize("number", [1, 2, ORDER - 1, ORDER // 2, 2**128])
def test_keys_at_the_ends_of_their_range_sign(engine: Engine, number: int) -> None:
    key = DenominationKey(number.to_bytes(32, "big"))
    blinded = generator_times(bytes(31) + b"\x05").format()
    (signature,) = engine.sign([key], [blinded])
    prove(signature, key, blinded)
    assert signature[:33] == generator_times((5 * number % ORDER).to_bytes(32, "big")).format()


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_a_number_out_of_range_is_no_key(number: int) -> None:
    with pytest.raises(BadPoint):
        DenominationKey(number.to_bytes(32, "big"))


def test_secrets_of_every_length_are_hashed_as_the_standard_library_does(engine: Engine) -> None:
    messages = [bytes([length % 256]) * length for length in [*range(300), *range(300, 1_200, 7), 1_024, 70_000]]
    key = DenominationKey(hashlib.sha256(b"any").digest())
    right = [hash_to_curve(message) for message in messages]
    genuine = [multiply(point, key.reveal()).format() for point in right]
    assert engine.verify([key] * len(messages), messages, genuine) == [point.format() for point in right]


def test_a_signature_is_the_same_every_time_and_another_for_another_key_or_output(engine: Engine) -> None:
    keys = [key_of(f"{number:064x}") for number in (1, 2, 3)]
    outputs = [generator_times(bytes([number]) * 32).format() for number in (3, 4, 5)]
    pairs = [(key, point) for key in keys for point in outputs]
    made = engine.sign([key for key, _ in pairs], [point for _, point in pairs])
    assert made == engine.sign([key for key, _ in pairs], [point for _, point in pairs])
    assert len({signature[33:65] for signature in made}) == len(pairs)
    # s - e*k is the nonce: a repeated one would give the keys away.
    nonces = {
        (
            int.from_bytes(signature[65:], "big")
            - int.from_bytes(signature[33:65], "big") * int.from_bytes(key.reveal(), "big")
        )
        % ORDER
        for signature, (key, _) in zip(made, pairs, strict=True)
    }
    assert len(nonces) == len(pairs)


# --- what comes from a hostile caller ---------------------------------------------------------------------------------

GOOD = generator_times(bytes(31) + b"\x09").format()
NOT_A_POINT = b"\x02" + (5).to_bytes(32, "big")
HOSTILE_POINTS = {
    "nothing": b"",
    "infinity": b"\x00",
    "zeros": bytes(33),
    "ones": b"\xff" * 33,
    "not on the curve": NOT_A_POINT,
    "x is the prime": b"\x02" + PRIME.to_bytes(32, "big"),
    "x is above the prime": b"\x03" + (PRIME + 1).to_bytes(32, "big"),
    "x is a point's plus the prime": b"\x02" + (PRIME + 1).to_bytes(32, "big"),
    "a wrong first byte": b"\x05" + GOOD[1:],
    "one byte short": GOOD[:-1],
    "one byte more": GOOD + b"\x00",
    "uncompressed": point_of(GOOD).format(compressed=False),
    "hybrid": bytes([6 + (GOOD[0] & 1)]) + point_of(GOOD).format(compressed=False)[1:],
    "x alone": GOOD[1:],
}


@pytest.mark.parametrize("name", HOSTILE_POINTS)
def test_what_is_no_compressed_point_is_neither_signed_nor_genuine(engine: Engine, name: str) -> None:
    key, bad = key_of(f"{3:064x}"), HOSTILE_POINTS[name]
    made = engine.sign([key, key, key], [GOOD, bad, GOOD])
    assert made[1] == b""
    assert made[0] == made[2]
    prove(made[0], key, GOOD)
    assert engine.verify([key], [b"secret"], [bad]) == [b""]


def test_an_empty_batch_has_an_empty_answer(engine: Engine) -> None:
    assert engine.verify([], [], []) == []
    assert engine.sign([], []) == []


maybe_points = st.one_of(
    st.binary(max_size=66),
    st.binary(min_size=32, max_size=32).map(lambda x: b"\x02" + x),
    st.sampled_from(list(HOSTILE_POINTS.values())),
    scalars.map(lambda scalar: generator_times(scalar).format()),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=80) | st.text().map(str.encode), maybe_points), max_size=8)
)
@example([(0, b"", b""), (1, b"\x00" * 1_024, GOOD), (2, "\u0635\u0631\U0001f35e\u0000".encode(), NOT_A_POINT)])
def test_both_engines_give_the_same_answer_to_anything(items: list[tuple[int, bytes, bytes]]) -> None:
    keys = [key_of(f"{number:064x}") for number in (1, 2, ORDER - 1, 2**200 + 7)]
    asked = [keys[which] for which, _, _ in items]
    secret, points = [secret for _, secret, _ in items], [point for _, _, point in items]
    genuine = [multiply(hash_to_curve(each), key.reveal()).format() for key, each in zip(asked, secret, strict=True)]
    one, two = ENGINES
    assert one.sign(asked, points) == two.sign(asked, points)
    assert one.verify(asked, secret, points) == two.verify(asked, secret, points)
    expected = [hash_to_curve(each).format() for each in secret]
    assert one.verify(asked, secret, genuine) == two.verify(asked, secret, genuine) == expected


@pytest.mark.parametrize("place", range(33))
def test_a_token_with_one_changed_byte_is_not_genuine(engine: Engine, place: int) -> None:
    key, secret = key_of(f"{5:064x}"), secrets.token_bytes(20)
    genuine = multiply(hash_to_curve(secret), key.reveal()).format()
    changed = genuine[:place] + bytes([genuine[place] ^ 1]) + genuine[place + 1 :]
    assert engine.verify([key, key], [secret, secret], [changed, genuine]) == [b"", hash_to_curve(secret).format()]


# --- around the batch -------------------------------------------------------------------------------------------------


def test_many_threads_get_the_answers_of_one(engine: Engine) -> None:
    keys = [key_of(f"{number:064x}") for number in range(1, 9)]
    outputs = [generator_times(bytes([number]) * 32).format() for number in range(1, 9)]
    expected = engine.sign(keys, outputs)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: engine.sign(keys, outputs), range(16))) == [expected] * 16


def test_a_key_leaves_nothing_in_memory_and_nothing_in_print() -> None:
    key = key_of("ab" * 32)
    memory = key._memory
    assert memory.raw.startswith(b"\xab" * 32)
    assert "abab" not in repr(key) + str(key)
    with pytest.raises(TypeError):
        key.__reduce__()
    del key
    assert memory.raw == bytes(len(memory))


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
@settings(max_examples=30)
def test_the_response_of_a_proof_is_nonce_plus_challenge_times_key(secret: int, challenge: int, nonce: int) -> None:
    found = response(*(number.to_bytes(32, "big") for number in (secret, challenge, nonce)))
    expected = (nonce + challenge * secret) % ORDER
    # Zero is no scalar of the protocol.
    assert found == (expected.to_bytes(32, "big") if expected else None)


@pytest.mark.parametrize("challenge", [0, ORDER, 2**256 - 1])
def test_a_challenge_out_of_range_has_no_response(challenge: int) -> None:
    one = (1).to_bytes(32, "big")
    assert response(one, challenge.to_bytes(32, "big"), one) is None
    assert response(one, one, (ORDER - 1).to_bytes(32, "big")) is None
