"""Conditions of a whole request (NUT-10, NUT-11): what the mint asks once, with the mistakes that other mints made."""

import json
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_cashu.curve import generator_times, negate, schnorr_sign, show_point
from amparo_cashu.errors import BadToken, LockNotOpen, TooMany
from amparo_cashu.nut10_secret import (
    MOST_CHECKS,
    check_lock,
    check_locks,
    read_condition,
    read_lock,
    sig_all_message,
    sign_lock,
    write_secret,
)
from amparo_cashu.wire import BlindedMessage, Proof

NOW = 1_760_000_000
KEYSET = "01" + "ab" * 32
QUOTE = "019e6d5a-2347-7000-8037-b42dae20f1fe"


def secret_key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def point(number: int) -> str:
    return show_point(generator_times(secret_key(number)))


OWNER, SECOND, THIRD, PAYER, OTHER, STRANGER = range(2_001, 2_007)
EXPIRED, ACTIVE = ["locktime", str(NOW - 1)], ["locktime", str(NOW + 1)]
REFUND = ["refund", point(PAYER), point(OTHER)]
THREE = [["pubkeys", point(SECOND), point(THIRD)], ["n_sigs", "2"]]
ALL = ["sigflag", "SIG_ALL"]
OUTPUTS = [BlindedMessage(amount=amount, id=KEYSET, B_=point(3_000 + amount)) for amount in (2, 8)]


def coin(tags: Sequence[Sequence[str]], *, nonce: str = "5f", data: str = point(OWNER), kind: str = "P2PK") -> Proof:
    return Proof(amount=8, id=KEYSET, secret=write_secret(kind, nonce, data, tags), C=point(len(nonce) + 4_000))


def witness(message: bytes, *signers: int) -> str:
    return json.dumps({"signatures": [schnorr_sign(message, secret_key(signer)) for signer in signers]})


def signed(proof: Proof, *signers: int) -> Proof:
    """The coin with signatures of its own secret."""
    return msgspec.structs.replace(proof, witness=witness(proof.secret.encode(), *signers))


def signed_as_one(inputs: list[Proof], *signers: int, quote: str | None = None) -> list[Proof]:
    """The inputs, the first with signatures of the whole request."""
    message = sig_all_message(inputs, OUTPUTS, quote)
    return [msgspec.structs.replace(inputs[0], witness=witness(message, *signers)), *inputs[1:]]


def is_open(inputs: list[Proof], quote: str | None = None) -> bool:
    try:
        check_locks(inputs, OUTPUTS, quote, now=NOW)
    except LockNotOpen:
        return False
    return True


# Who may open what: tags, signers, whether it opens. Each is tried coin by coin and as a whole request (SIG_ALL), because the
# mistakes of nutshell #1009 and #1100 were differences between the two.
CASES: list[tuple[str, list[list[str]], list[int], bool]] = [
    ("no tags, the owner", [], [OWNER], True),
    ("no tags, nobody", [], [], False),
    ("no tags, a stranger", [], [STRANGER], False),
    ("more signatures than are needed", [], [STRANGER, OWNER, SECOND], True),
    ("one of three is enough without n_sigs", THREE[:1], [THIRD], True),
    ("two of three", THREE, [OWNER, THIRD], True),
    ("two of three without the first key", THREE, [THIRD, SECOND], True),
    ("two of three, one signs", THREE, [SECOND], False),
    ("two of three, one signs twice", THREE, [SECOND, SECOND], False),
    ("two of three, one and a stranger sign", THREE, [SECOND, STRANGER], False),
    ("active lock, the owner", [ACTIVE, REFUND], [OWNER], True),
    ("active lock, the payer", [ACTIVE, REFUND], [PAYER], False),
    ("expired lock, the payer", [EXPIRED, REFUND], [PAYER], True),
    ("expired lock, the owner still", [EXPIRED, REFUND], [OWNER], True),
    ("expired lock, two of three still", [EXPIRED, REFUND, *THREE], [SECOND, THIRD], True),
    ("expired lock, one of three is too few", [EXPIRED, REFUND, *THREE], [SECOND], False),
    ("expired lock, paths are not blended", [EXPIRED, REFUND, *THREE, ["n_sigs_refund", "2"]], [SECOND, PAYER], False),
    ("expired lock, two payers", [EXPIRED, REFUND, ["n_sigs_refund", "2"]], [PAYER, OTHER], True),
    ("expired lock, one payer of two", [EXPIRED, REFUND, ["n_sigs_refund", "2"]], [PAYER], False),
    ("expired lock, one payer twice", [EXPIRED, REFUND, ["n_sigs_refund", "2"]], [PAYER, PAYER], False),
    ("expired lock, nobody", [EXPIRED, REFUND], [], False),
    ("expired lock without refund, anybody", [EXPIRED], [], True),
    ("expired multisig without refund, anybody", [EXPIRED, *THREE], [STRANGER], True),
    ("refund without a time, the payer", [REFUND], [PAYER], False),
    ("refund without a time, the owner", [REFUND], [OWNER], True),
    ("a key may stand in both paths", [EXPIRED, ["refund", point(OWNER)]], [OWNER], True),
    ("unknown tags change nothing", [["purpose", "x"], ["purpose", "y"], ["z"]], [OWNER], True),
]


@pytest.mark.parametrize(("tags", "signers", "opens"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_lock_opens_alike_coin_by_coin_and_as_a_whole_request(
    tags: list[list[str]], signers: list[int], opens: bool
) -> None:
    one = signed(coin(tags), *signers)
    assert is_open([one]) is opens
    assert is_open([Proof(amount=1, id=KEYSET, secret="plain", C=point(1)), one]) is opens
    whole = [coin([ALL, *tags], nonce=nonce) for nonce in ("a", "bb", "ccc")]
    for quote in (None, QUOTE):
        assert is_open(signed_as_one(whole, *signers, quote=quote), quote) is opens


def test_only_the_first_witness_of_a_whole_request_counts() -> None:
    inputs = [coin([ALL], nonce=nonce) for nonce in ("a", "bb")]
    message = sig_all_message(inputs, OUTPUTS)
    opened, shut = witness(message, OWNER), witness(message, STRANGER)
    for first, second, opens in (
        (opened, None, True),
        (opened, shut, True),
        (None, opened, False),
        (shut, opened, False),
    ):
        given_in = [
            msgspec.structs.replace(each, witness=text) for each, text in zip(inputs, (first, second), strict=True)
        ]
        assert is_open(given_in) is opens


def test_signatures_of_each_coin_do_not_open_a_whole_request() -> None:
    assert not is_open([sign_lock(coin([ALL], nonce=nonce), secret_key(OWNER)) for nonce in ("a", "bb")])


def test_a_whole_request_is_signed_with_its_order_amounts_and_quote() -> None:
    inputs = signed_as_one([coin([ALL], nonce=nonce) for nonce in ("a", "bb")], OWNER)
    check_locks(inputs, OUTPUTS, now=NOW)
    swapped = [msgspec.structs.replace(OUTPUTS[0], amount=8), msgspec.structs.replace(OUTPUTS[1], amount=2)]
    for wrong in (
        (inputs, OUTPUTS[::-1], None),
        (inputs, swapped, None),
        (inputs, OUTPUTS[:1], None),
        (inputs, None, None),
        (inputs, OUTPUTS, QUOTE),
        ([*inputs, coin([ALL], nonce="d")], OUTPUTS, None),
        (inputs[:1], OUTPUTS, None),
    ):
        with pytest.raises(LockNotOpen):
            check_locks(*wrong, now=NOW)


PLAIN = Proof(amount=1, id=KEYSET, secret="aa" * 32, C=point(1))
WHOLE = coin([ALL])


@pytest.mark.parametrize(
    "other",
    [
        PLAIN,
        coin([], nonce="bb"),
        coin([["sigflag", "SIG_INPUTS"]], nonce="bb"),
        coin([ALL, ["n_sigs", "1"]], nonce="bb"),
        coin([ALL, EXPIRED], nonce="bb"),
        coin([ALL], nonce="bb", data=point(SECOND)),
        coin([ALL], nonce="bb", data=point(OWNER).upper().replace("X", "x")),
    ],
    ids=["plain", "no flag", "SIG_INPUTS", "another tag", "another time", "another key", "the key spelt otherwise"],
)
def test_all_inputs_of_a_whole_request_have_the_same_condition(other: Proof) -> None:
    for inputs in ([WHOLE, other], [other, WHOLE], [WHOLE, WHOLE, other]):
        alone = [signed(each, OWNER) if each is not PLAIN else each for each in inputs]
        for attempt in (signed_as_one(inputs, OWNER), alone, signed_as_one(alone, OWNER, SECOND)):
            with pytest.raises(LockNotOpen):
                check_locks(attempt, OUTPUTS, now=NOW)


def test_an_expired_whole_request_still_needs_the_same_condition_everywhere() -> None:
    open_to_all = coin([ALL, EXPIRED])
    check_locks([open_to_all, coin([ALL, EXPIRED], nonce="bb")], OUTPUTS, now=NOW)
    with pytest.raises(LockNotOpen):
        check_locks([open_to_all, coin([EXPIRED], nonce="bb")], OUTPUTS, now=NOW)


def test_a_condition_of_another_kind_beside_a_whole_request_is_refused() -> None:
    with pytest.raises(BadToken):
        check_locks(signed_as_one([WHOLE, coin([ALL], kind="HTLC", data="00" * 32)], OWNER), OUTPUTS, now=NOW)


def spellings(key: str) -> list[str]:
    return [key, key.upper(), key[:20] + key[20:].upper(), ("03" if key[:2] == "02" else "02") + key[2:]]


def test_one_key_in_several_spellings_is_one_key() -> None:
    # nutshell #921: upper and lower case made one key or one signature count twice.
    for one, two in permutations(spellings(point(OWNER)), 2):
        doubled = coin([["pubkeys", two], ["n_sigs", "2"]], data=one)
        with pytest.raises(BadToken):
            check_locks([signed(doubled, OWNER)], now=NOW)
        for refund in (["refund", one, two], ["refund", one, point(PAYER), two]):
            with pytest.raises(BadToken):
                check_locks([signed(coin([EXPIRED, refund, ["n_sigs_refund", "2"]]), OWNER)], now=NOW)
        check_locks([signed(coin([EXPIRED, ["refund", two]], data=one), OWNER)], now=NOW)


def test_one_signature_in_several_spellings_counts_once() -> None:
    proof = coin(THREE)
    signature = schnorr_sign(proof.secret.encode(), secret_key(SECOND))
    again = schnorr_sign(proof.secret.encode(), secret_key(SECOND))
    assert signature != again  # BIP 340 signatures are not deterministic: counting them would count one signer twice
    for texts in (
        [signature, signature.upper()],
        [signature, again],
        [signature, signature[:64] + signature[64:].upper()],
    ):
        shut = msgspec.structs.replace(proof, witness=json.dumps({"signatures": texts}))
        with pytest.raises(LockNotOpen):
            check_locks([shut], now=NOW)
    check_locks([signed(proof, SECOND, OWNER)], now=NOW)


@pytest.mark.parametrize("key", [*spellings(point(OWNER)), show_point(negate(generator_times(secret_key(OWNER))))])
def test_a_lock_opens_for_its_key_however_it_is_spelt(key: str) -> None:
    check_locks([signed(coin([], data=key), OWNER)], now=NOW)
    with pytest.raises(LockNotOpen):
        check_locks([signed(coin([], data=key), STRANGER)], now=NOW)


@pytest.mark.parametrize(
    "tags",
    [
        [ALL, ALL],
        [["sigflag", "SIG_INPUTS"], ALL],
        [["sigflag", "sig_all"]],
        [["sigflag", "SIG_ALL", "SIG_ALL"]],
        [["sigflag", "SIG_OUTPUTS"]],
        [["refund"]],
        [EXPIRED, ["refund"]],
        [["pubkeys", point(SECOND)], ["pubkeys", point(THIRD)]],
        [REFUND, REFUND],
        [["n_sigs", "1"], ["n_sigs", "1"]],
        [["n_sigs_refund", "1"]],
        [REFUND, ["n_sigs_refund", "3"]],
        [REFUND, ["n_sigs_refund", "0"]],
        [["n_sigs", "2"]],
        [["n_sigs", "1.0"]],
        [["n_sigs", " 1"]],
        [["n_sigs", "+1"]],
        [["n_sigs"]],
    ],
    ids=str,
)
def test_a_malformed_condition_can_be_spent_by_nobody_at_no_time(tags: list[list[str]]) -> None:
    for now in (0, NOW, 2**60):
        for signers in ([], [OWNER], [PAYER], [OWNER, SECOND, PAYER]):
            for inputs in ([signed(coin(tags), *signers)], signed_as_one([coin(tags)], *signers)):
                with pytest.raises(BadToken):
                    check_locks(inputs, OUTPUTS, now=now)


def test_a_condition_that_is_nested_too_deeply_is_refused_and_not_taken_for_a_plain_secret() -> None:
    # A reader that gives up on depth and calls the secret plain would let the payer take a locked coin back.
    deep = json.dumps(["P2PK", {"nonce": "5f", "data": point(OWNER), "tags": [], "x": 0}])
    for depth in (61, 62, 100, 400):
        secret = deep.replace('"x": 0', '"x": ' + "[" * depth + "]" * depth)
        assert len(secret) <= 1_024
        for read in (read_lock, read_condition):
            if depth == 61:
                assert read(secret) is not None
            else:
                with pytest.raises(BadToken):
                    read(secret)
    for spaced in ("\n\t [ ", '[\r\n"P2PK"'):
        assert read_condition(spaced) is None


def test_a_secret_that_is_no_text_is_refused_in_our_words() -> None:
    for secret in ("\ud800", '["P2PK","\udfff"]'):
        proof = Proof(amount=1, id=KEYSET, secret=secret, C=point(1))
        with pytest.raises(BadToken):
            check_lock(proof, now=NOW)
        with pytest.raises(BadToken):
            check_locks([proof], now=NOW)


def test_a_request_cannot_make_the_mint_check_signatures_without_end() -> None:
    # 12 keys and 9 signatures of which the last opens the second path only: 12 * 9 + 9 checks for each coin.
    keys = ["pubkeys", *(point(number) for number in range(5_000, 5_011))]
    slow = []
    for proof in (coin([EXPIRED, ["refund", point(PAYER)], keys], nonce=str(each)) for each in range(9)):
        message = proof.secret.encode()
        texts = [schnorr_sign(b"other", secret_key(STRANGER))] * 8 + [schnorr_sign(message, secret_key(PAYER))]
        slow.append(msgspec.structs.replace(proof, witness=json.dumps({"signatures": texts})))
    assert 8 * 117 < MOST_CHECKS < 9 * 117
    check_locks(slow[:8], now=NOW)
    with pytest.raises(TooMany):
        check_locks(slow, now=NOW)
    check_locks([signed(coin(THREE, nonce=str(each)), THIRD, SECOND) for each in range(100)], now=NOW)


TAG_LISTS: st.SearchStrategy[list[list[str]]] = st.lists(
    st.sampled_from([EXPIRED, ACTIVE, REFUND, *THREE, ALL, ["n_sigs_refund", "2"], ["x", "y"]]), max_size=6
)


@given(TAG_LISTS, st.sets(st.sampled_from([OWNER, SECOND, THIRD, PAYER, OTHER, STRANGER])), st.randoms())
@settings(max_examples=60, deadline=None)
def test_more_signers_and_another_order_of_signatures_never_shut_a_lock(
    tags: list[list[str]], signers: set[int], random: Any
) -> None:
    proof = coin(tags)
    order = sorted(signers)
    try:
        before = is_open(signed_as_one([signed(proof, *order)], *order) if ALL in tags else [signed(proof, *order)])
    except BadToken:
        with pytest.raises(BadToken):
            check_locks([signed(proof, OWNER, SECOND, THIRD, PAYER, OTHER)], OUTPUTS, now=NOW)
        return
    random.shuffle(order)
    more = [*order, OWNER]
    after = is_open(signed_as_one([proof], *more) if ALL in tags else [signed(proof, *more)])
    assert after or not before
