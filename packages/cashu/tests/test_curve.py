"""The curve, blinding and the mint's proof under random and hostile input: right results, or one of our errors."""

import base64
import contextlib
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cbor2
import msgspec
import pytest
from coincurve import PublicKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amparo_cashu.curve import (
    ORDER,
    add,
    generator_times,
    hash_to_curve,
    multiply,
    negate,
    read_point,
    read_scalar,
    schnorr_sign,
    schnorr_verify,
    show_point,
    subtract,
)
from amparo_cashu.errors import AmountRefused, BadPoint, BadToken, LockNotOpen, SignatureNotProved
from amparo_cashu.nut00_blind import blind, split_amount, unblind
from amparo_cashu.nut00_token import MOST_PROOFS, Token, read_token, without_dleq, write_token
from amparo_cashu.nut10_secret import LONGEST_SECRET, Lock, check_lock, read_lock, sign_lock, write_lock
from amparo_cashu.nut12_dleq import challenge, check_proof, check_signature
from amparo_cashu.wire import Dleq, Proof
from amparo_common.errors import AmparoError

NOW = 1_760_000_000
MINT_KEY = bytes.fromhex("7f" * 32)
PUBLISHED = generator_times(MINT_KEY)
KEYSET = "01" + "ab" * 32
GENERATOR = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
SCALARS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)

relaxed = settings(deadline=None)


def small(number: int) -> bytes:
    return number.to_bytes(32, "big")


# --- multiplication ---------------------------------------------------------------------------------------------------


@given(SCALARS, SCALARS)
@example(small(1), small(1))
@example(small(1), small(ORDER - 1))
@example(small(2), small(ORDER // 2))
@relaxed
def test_constant_time_multiplication_gives_what_the_plain_one_gives(start: bytes, scalar: bytes) -> None:
    point = PublicKey.from_secret(start)
    assert multiply(point, scalar) == point.multiply(scalar)
    assert generator_times(scalar) == PublicKey.from_secret(scalar)
    assert multiply(generator_times(start), scalar) == multiply(generator_times(scalar), start)


@given(SCALARS, SCALARS)
@relaxed
def test_adding_and_taking_away_undo_each_other(one: bytes, two: bytes) -> None:
    left, right = generator_times(one), generator_times(two)
    total = (int.from_bytes(one, "big") + int.from_bytes(two, "big")) % ORDER
    if total:
        assert add(left, right) == generator_times(small(total))
        assert subtract(add(left, right), right) == left
    assert negate(negate(left)) == left
    assert negate(left) == generator_times(small(ORDER - int.from_bytes(one, "big")))
    with pytest.raises(BadPoint):
        subtract(left, left)
    with pytest.raises(BadPoint):
        add(left, negate(left))


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_scalars_outside_the_order_are_refused(number: int) -> None:
    point = generator_times(small(5))
    assert multiply(point, small(ORDER - 1)) == negate(point)
    with pytest.raises(BadPoint):
        multiply(point, small(number))
    with pytest.raises(BadPoint):
        generator_times(small(number))
    with pytest.raises(BadToken):
        read_scalar(small(number).hex())


@pytest.mark.parametrize("length", [31, 33, 64])
def test_scalars_of_another_length_are_refused_and_never_read_past_their_end(length: int) -> None:
    scalar = b"\x01" * length
    with pytest.raises(BadPoint):
        multiply(generator_times(small(5)), scalar)
    with pytest.raises(BadPoint):
        generator_times(scalar)


def test_two_threads_that_multiply_at_once_get_their_own_results() -> None:
    pairs = [(generator_times(small(number)), secrets.token_bytes(31).rjust(32, b"\x00")) for number in range(1, 400)]
    pairs = [(point, scalar) for point, scalar in pairs if any(scalar)]
    expected = [point.multiply(scalar) for point, scalar in pairs]

    def work(_: int) -> list[PublicKey]:
        return [multiply(point, scalar) for point, scalar in pairs]

    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(work, range(6)):
            assert found == expected


@given(st.binary(max_size=100))
@relaxed
def test_every_message_has_a_point_and_always_the_same(message: bytes) -> None:
    assert hash_to_curve(message) == hash_to_curve(message)
    assert hash_to_curve(message) != hash_to_curve(message + b"\x00")
    assert read_point(show_point(hash_to_curve(message))) == hash_to_curve(message)


# --- blinding and the mint's proof ------------------------------------------------------------------------------------


def proved(blinded: PublicKey, *, key: bytes = MINT_KEY, nonce: bytes = small(12_345)) -> tuple[PublicKey, Dleq]:
    """A made-up mint: the blind signature and its proof, as NUT-12 writes them down."""
    signed = multiply(blinded, key)
    e = challenge(generator_times(nonce), multiply(blinded, nonce), generator_times(key), signed)
    s = (int.from_bytes(nonce, "big") + int.from_bytes(e, "big") * int.from_bytes(key, "big")) % ORDER
    return signed, Dleq(e=e.hex(), s=small(s).hex())


def coin(secret: str = "a secret", *, factor: bytes = small(99), key: bytes = MINT_KEY) -> Proof:
    """A token that a wallet got from the made-up mint."""
    signed, dleq = proved(blind(secret, factor), key=key)
    point = unblind(signed, factor, generator_times(key))
    dleq = msgspec.structs.replace(dleq, r=factor.hex())
    return Proof(amount=8, id=KEYSET, secret=secret, C=show_point(point), dleq=dleq)


@given(st.text(max_size=40), SCALARS, SCALARS)
@relaxed
def test_what_is_blinded_signed_and_unblinded_is_the_mints_signature(secret: str, factor: bytes, key: bytes) -> None:
    signed = multiply(blind(secret, factor), key)
    assert unblind(signed, factor, generator_times(key)) == multiply(hash_to_curve(secret.encode()), key)
    check_proof(coin(secret, factor=factor, key=key), generator_times(key))


@given(st.sampled_from(["e", "s", "key", "blinded", "signed"]), st.integers(0, 32), st.integers(1, 255))
@relaxed
def test_one_changed_byte_in_a_proof_of_a_signature_is_refused(part: str, place: int, change: int) -> None:
    blinded = blind("a secret", small(99))
    signed, dleq = proved(blinded)
    parts = {"key": PUBLISHED.format(), "blinded": blinded.format(), "signed": signed.format()}
    parts |= {"e": bytes.fromhex(dleq.e), "s": bytes.fromhex(dleq.s)}

    def check() -> None:
        check_signature(
            Dleq(e=parts["e"].hex(), s=parts["s"].hex()),
            key=read_point(parts["key"].hex()),
            blinded=read_point(parts["blinded"].hex()),
            signed=read_point(parts["signed"].hex()),
        )

    check()
    changed = bytearray(parts[part])
    changed[place % len(changed)] ^= change
    parts[part] = bytes(changed)
    with pytest.raises((SignatureNotProved, BadPoint, BadToken)):
        check()


@given(st.sampled_from(["e", "s", "r", "C", "secret"]), st.integers(0, 65), st.integers(1, 255))
@relaxed
def test_one_changed_byte_in_a_token_is_refused(part: str, place: int, change: int) -> None:
    proof = coin()
    assert proof.dleq is not None
    check_proof(proof, PUBLISHED)
    texts = msgspec.to_builtins(proof.dleq) | {"C": proof.C, "secret": proof.secret.encode().hex()}
    changed = bytearray(bytes.fromhex(texts[part]))
    changed[place % len(changed)] ^= change
    if part == "secret":
        wrong = msgspec.structs.replace(proof, secret=changed.decode("latin-1"))
    elif part == "C":
        wrong = msgspec.structs.replace(proof, C=changed.hex())
    else:
        wrong = msgspec.structs.replace(proof, dleq=msgspec.structs.replace(proof.dleq, **{part: changed.hex()}))
    with pytest.raises((SignatureNotProved, BadPoint, BadToken)):
        check_proof(wrong, PUBLISHED)


def test_a_mint_that_signs_one_person_with_another_key_is_caught() -> None:
    blinded = blind("a secret", small(99))
    signed, dleq = proved(blinded, key=small(777))
    check_signature(dleq, key=generator_times(small(777)), blinded=blinded, signed=signed)
    with pytest.raises(SignatureNotProved):
        check_signature(dleq, key=PUBLISHED, blinded=blinded, signed=signed)
    with pytest.raises(SignatureNotProved):
        check_proof(coin(key=small(777)), PUBLISHED)


@pytest.mark.parametrize("wrong", ["", "00", "zz" * 32, "00" * 32, "ff" * 32, small(ORDER).hex(), "11" * 33, "é" * 64])
def test_a_mint_that_gives_a_malformed_proof_has_not_proved_its_signature(wrong: str) -> None:
    blinded = blind("a secret", small(99))
    signed, dleq = proved(blinded)
    for each in (Dleq(e=wrong, s=dleq.s), Dleq(e=dleq.e, s=wrong)):
        with pytest.raises(SignatureNotProved):
            check_signature(each, key=PUBLISHED, blinded=blinded, signed=signed)


@given(SCALARS, st.binary(max_size=60))
@relaxed
def test_a_signature_opens_only_for_its_own_message_and_key(secret: bytes, message: bytes) -> None:
    key, signature = generator_times(secret), schnorr_sign(message, secret)
    schnorr_verify(message, signature, key)
    schnorr_verify(message, signature, negate(key))  # BIP 340 looks at x alone
    for other_message, other_signature, other_key in (
        (message + b"\x00", signature, key),
        (message, signature, add(key, hash_to_curve(b"x"))),
        (message, signature[2:] + signature[:2], key),
        (message, signature[:-2], key),
        (message, "é" + signature, key),
    ):
        with pytest.raises(LockNotOpen):
            schnorr_verify(other_message, other_signature, other_key)


# --- amounts ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**9), st.integers(1, 22))
def test_an_amount_is_split_into_the_fewest_coins_that_make_it(amount: int, denominations: int) -> None:
    available = [2**power for power in range(denominations)]
    parts = split_amount(amount, available) if amount < 2**denominations * 50 else []
    if parts:
        assert sum(parts) == amount
        assert set(parts) <= set(available)
        assert parts == sorted(parts)
        assert all(parts.count(each) <= 1 for each in available[:-1])


@pytest.mark.parametrize(
    ("amount", "denominations"), [(3, [2, 4]), (1, []), (1, [2]), (7, [4, 2]), (-1, [1, 2, 4]), (-8, [8])]
)
def test_an_amount_that_the_coins_cannot_make_is_refused_and_nothing_is_lost(
    amount: int, denominations: list[int]
) -> None:
    with pytest.raises(AmountRefused):
        split_amount(amount, denominations)


# --- reading points, tokens and locks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "02",
        GENERATOR[:-2],
        GENERATOR + "00",
        "04" + GENERATOR[2:],
        "06" + GENERATOR[2:],
        "00" + GENERATOR[2:],
        "02" + "00" * 32,
        "02" + "ff" * 32,
        "02" + "00" * 31 + "05",
        " " + GENERATOR,
        GENERATOR[:2] + " " + GENERATOR[2:],
        PublicKey(bytes.fromhex(GENERATOR)).format(compressed=False).hex(),
    ],
)
def test_what_is_no_compressed_point_is_refused(text: str) -> None:
    assert show_point(read_point(GENERATOR)) == GENERATOR
    with pytest.raises(BadPoint):
        read_point(text)


@given(ANY_TEXT | st.binary(min_size=32, max_size=34).map(bytes.hex))
@example("\ud800")
@relaxed
def test_no_text_makes_reading_a_point_or_scalar_fail_otherwise(text: str) -> None:
    with contextlib.suppress(AmparoError):
        assert show_point(read_point(text)) == text.lower()
    with contextlib.suppress(AmparoError):
        assert read_scalar(text) == bytes.fromhex(text)


def as_token(content: Any) -> str:
    """Anything at all, written as a token is."""
    return "cashuB" + base64.urlsafe_b64encode(cbor2.dumps(content)).rstrip(b"=").decode()


def packed(**changes: Any) -> dict[str, Any]:
    """A well-formed coin as a token packs it, with changes."""
    found = {"a": 8, "s": "secret", "c": bytes.fromhex(GENERATOR), "w": "{}"}
    found["d"] = {"e": bytes(32), "s": bytes(32), "r": bytes(32)}
    return {name: value for name, value in (found | changes).items() if value is not ...}


def content(**changes: Any) -> dict[str, Any]:
    """A well-formed token's content, with changes to its coin (a, s, c, d, w), its group (i, p) or itself (t, m, u)."""
    coins = [packed(**{name: value for name, value in changes.items() if name in "ascdw"})]
    group = {"i": bytes.fromhex(KEYSET), "p": coins} | {n: v for n, v in changes.items() if n in "ip"}
    whole = {"t": [group], "m": "https://mint.example", "u": "usd"} | {n: v for n, v in changes.items() if n in "tmu"}
    return {name: value for name, value in whole.items() if value is not ...}


def check_types(token: Token) -> None:
    """Whatever was read has the types it says."""
    assert msgspec.convert(msgspec.to_builtins(token), Token) == token
    for proof in token.proofs:
        assert len(bytes.fromhex(proof.id)) == 33
        bytes.fromhex(proof.C)


def test_a_well_formed_token_is_read_and_written_back() -> None:
    token = read_token(as_token(content()), keysets=[])
    check_types(token)
    assert (token.mint, token.unit, token.proofs[0].amount) == ("https://mint.example", "usd", 8)
    assert read_token(write_token(token), keysets=[]) == token
    assert without_dleq(token.proofs[0]).dleq is None


@given(st.lists(st.builds(coin, st.text(max_size=20), factor=SCALARS), min_size=1, max_size=5), st.booleans())
@relaxed
def test_tokens_survive_being_written_and_read(proofs: list[Proof], short: bool) -> None:
    token = Token(mint="https://mint.example", unit="usd", proofs=proofs)
    text = write_token(token)
    assert read_token(text, keysets=[KEYSET] if short else []) == token
    for proof in read_token(text, keysets=[]).proofs:
        check_proof(proof, PUBLISHED)


HUGE = [2**62, 2**63, 2**64, 2**70, -(2**70), -1]
LEAVES: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-100, 100)
    | st.sampled_from(HUGE)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=40)
    | st.datetimes().map(lambda naive: cbor2.CBORTag(0, naive.isoformat()))
    | st.builds(
        cbor2.CBORTag,
        st.sampled_from([0, 1, 2, 3, 4, 5, 24, 28, 29, 30, 35, 36, 37, 100, 258, 260, 999]),
        st.just([1, 0]),
    )
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("tmuipascdwesr"), inner, max_size=4),
    max_leaves=8,
)


@given(
    ANY_TEXT
    | ANY_TEXT.map(lambda text: "cashuB" + text)
    | st.binary(max_size=80).map(lambda raw: as_token(None)[:6] + b64(raw))
)
@example("\ud800")
@example("cashuB\ud800")
@example("cashuB")
@example("cashu:cashuB=")
@relaxed
def test_no_text_makes_reading_a_token_fail_otherwise(text: str) -> None:
    with contextlib.suppress(AmparoError):
        check_types(read_token(text, keysets=[KEYSET]))


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


@given(st.sampled_from("tmuipascdw"), ANYTHING)
@example("c", 2**62)
@example("i", 2**70)
@example("d", {"e": 2**70, "s": b""})
@example("m", 5)
@relaxed
def test_no_content_of_a_token_makes_reading_fail_otherwise(name: str, value: Any) -> None:
    with contextlib.suppress(AmparoError):
        check_types(read_token(as_token(content(**{name: value})), keysets=[KEYSET]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("m", 5),
        ("m", None),
        ("m", ...),
        ("u", 5),
        ("u", ...),
        ("t", []),
        ("t", ...),
        ("p", []),
        ("p", [packed()] * (MOST_PROOFS + 1)),
        ("i", 33),
        ("i", 2**62),
        ("i", "ab" * 33),
        ("i", list(range(33))),
        ("i", b"\x01" * 7),
        ("i", b""),
        ("a", "8"),
        ("a", True),
        ("a", 8.0),
        ("a", None),
        ("a", ...),
        ("s", b"secret"),
        ("s", ...),
        ("c", 33),
        ("c", 2**62),
        ("c", 2**70),
        ("c", list(range(33))),
        ("c", GENERATOR),
        ("c", ...),
        ("d", 5),
        ("d", {"e": 32, "s": 32}),
        ("d", {"e": 2**70, "s": 32}),
        ("d", {"s": bytes(32)}),
        ("w", 5),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_token_with_a_field_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadToken):
        read_token(as_token(content(**{name: value})), keysets=[KEYSET])


def test_what_follows_a_token_or_is_too_long_is_refused() -> None:
    raw = cbor2.dumps(content())
    assert read_token("cashuB" + b64(raw), keysets=[])
    for text in ("cashuB" + b64(raw + b"\x00"), "cashuB" + b64(raw + raw), "cashuB" + "A" * 100_000):
        with pytest.raises(BadToken):
            read_token(text, keysets=[])
    with pytest.raises(BadToken):
        read_token("cashuB" + b64(b"\x81" * 60_000), keysets=[])


SHOP, PAYER = small(1_001), small(1_002)
SHOP_KEY, PAYER_KEY = show_point(generator_times(SHOP)), show_point(generator_times(PAYER))
LOCKED = write_lock("5f" * 16, SHOP_KEY, locktime=NOW + 100, refund=PAYER_KEY)


def locked(secret: str = LOCKED) -> Proof:
    return Proof(amount=8, id=KEYSET, secret=secret, C=GENERATOR)


def condition(tags: Any, *, key: str = SHOP_KEY) -> str:
    return json.dumps(["P2PK", {"nonce": "5f", "data": key, "tags": tags}])


def test_a_locked_token_opens_for_the_shop_and_after_the_time_for_the_payer_too() -> None:
    assert read_lock(LOCKED) == Lock(keys=[SHOP_KEY], needed=1, locktime=NOW + 100, refund=[PAYER_KEY])
    for now in (NOW, NOW + 100, NOW + 101, 2**40):
        check_lock(sign_lock(locked(), SHOP), now=now)
    for now in (NOW + 101, 2**40):
        check_lock(sign_lock(locked(), PAYER), now=now)
    for now in (0, NOW, NOW + 100):
        with pytest.raises(LockNotOpen):
            check_lock(sign_lock(locked(), PAYER), now=now)
    for now in (NOW, 2**40):
        for shut in (locked(), sign_lock(locked(), small(1_003))):
            with pytest.raises(LockNotOpen):
                check_lock(shut, now=now)


def test_a_signature_for_one_token_does_not_open_another() -> None:
    other = LOCKED.replace("5f", "6f")
    witness = sign_lock(locked(), SHOP).witness
    with pytest.raises(LockNotOpen):
        check_lock(msgspec.structs.replace(locked(other), witness=witness), now=NOW)


@pytest.mark.parametrize(
    "secret", ["", "a secret", "5", "[]", "{}", "null", '"P2PK"', '["P2PK"', "[" * 1_000, "[1,2]", "ñ"]
)
def test_a_plain_secret_is_no_lock(secret: str) -> None:
    assert read_lock(secret) is None
    check_lock(locked(secret), now=NOW)


@pytest.mark.parametrize(
    "secret",
    [
        condition(5),
        condition(None),
        condition({}),
        condition([5]),
        condition([[]]),
        condition([["locktime", 5]]),
        condition([["locktime", ""]]),
        condition([["locktime", "5"], ["locktime", "6"]]),
        condition([["sigflag", "SIG_ALL"]]),
        condition([["sigflag", "other"]]),
        condition([["sigflag"]]),
        condition([["n_sigs", "0"]]),
        condition([["n_sigs", "2"]]),
        condition([["n_sigs", "-1"]]),
        condition([["n_sigs", "1", "1"]]),
        condition([["n_sigs", "١"]]),
        condition([["n_sigs", "9" * 500]]),
        condition([["n_sigs_refund", "1"]]),
        condition([["refund", PAYER_KEY], ["n_sigs_refund", "2"]]),
        condition([["pubkeys", SHOP_KEY]]),
        condition([["pubkeys", show_point(negate(generator_times(SHOP)))]]),
        condition([["pubkeys", PAYER_KEY, PAYER_KEY.upper()]]),
        condition([["refund", PAYER_KEY, PAYER_KEY]]),
        json.dumps(["HTLC", {"nonce": "5f", "data": "00" * 32, "tags": []}]),
        json.dumps(["P2PK", {"nonce": 5, "data": SHOP_KEY}]),
        json.dumps(["P2PK", {"nonce": "5", "data": 5}]),
        "x" * (LONGEST_SECRET + 1),
        "ñ" * (LONGEST_SECRET // 2 + 1),
    ],
    ids=lambda secret: ascii(secret[-40:]),
)
def test_a_malformed_lock_is_refused_and_never_taken_for_a_plain_secret(secret: str) -> None:
    with pytest.raises(BadToken):
        read_lock(secret)
    for now in (0, NOW, 2**60):
        with pytest.raises(BadToken):
            check_lock(locked(secret), now=now)


@pytest.mark.parametrize("key", ["", "02", "zz", SHOP_KEY[:-2], "04" + SHOP_KEY[2:], "02" + "ff" * 32, "é" * 66])
def test_a_lock_to_something_that_is_no_key_is_refused(key: str) -> None:
    for secret in (condition([], key=key), condition([["pubkeys", key or "-"]]), condition([["refund", key or "-"]])):
        with pytest.raises(BadPoint):
            check_lock(locked(secret), now=2**60)


@pytest.mark.parametrize("locktime", ["-1", "soon", "1.5", "1e3", "9" * 13, "١", "1 "])
def test_a_lock_whose_time_cannot_be_read_never_runs_out(locktime: str) -> None:
    secret = condition([["locktime", locktime], ["refund", PAYER_KEY]])
    check_lock(sign_lock(locked(secret), SHOP), now=2**60)
    for shut in (locked(secret), sign_lock(locked(secret), PAYER)):
        with pytest.raises(LockNotOpen):
            check_lock(shut, now=2**60)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(SHOP_KEY),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["nonce", "data", "tags"]), inner, max_size=3)
    ),
    max_leaves=8,
)
TAGS = st.lists(
    st.lists(st.sampled_from(["locktime", "n_sigs", "refund", "1", "5", SHOP_KEY, ""]), max_size=3), max_size=3
)


@given(ANY_TEXT | JSON.map(json.dumps) | st.tuples(st.just("P2PK"), JSON).map(json.dumps) | TAGS.map(condition), JSON)
@example("\ud800", None)
@example("[" * 1_000, None)
@example('["P2PK",' * 100, None)
@relaxed
def test_no_text_makes_reading_or_checking_a_lock_fail_otherwise(secret: str, witness: Any) -> None:
    with contextlib.suppress(AmparoError):
        assert isinstance(read_lock(secret), Lock | None)
    with contextlib.suppress(AmparoError):
        check_lock(msgspec.structs.replace(locked(secret), witness=json.dumps(witness)), now=NOW)


@pytest.mark.parametrize(
    "witness",
    [
        "",
        "[" * 100_000,
        '{"x":' + "[" * 100_000,
        '{"x":' * 50_000,
        '{"signatures":[' * 50_000,
        '{"signatures":["' + "00" * 64 + '"],"x":' + "[" * 5_000 + "]" * 5_000 + "}",
        json.dumps({"signatures": ["00" * 64] * 21}),
        '{"signatures":["é"]}',
    ],
    ids=lambda witness: ascii(witness[:24]),
)
def test_a_hostile_witness_leaves_a_lock_shut(witness: str) -> None:
    with pytest.raises(LockNotOpen):
        check_lock(msgspec.structs.replace(locked(), witness=witness), now=NOW)
