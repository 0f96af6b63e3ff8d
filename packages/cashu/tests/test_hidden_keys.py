"""Locks with hidden keys (NUT-28): made by a payer, opened by the shop or taken back, and never the same keys twice."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_cashu.curve import ORDER, generator_times, multiply, read_point, show_point
from amparo_cashu.errors import BadPoint, BadToken, LockNotOpen, TokenError
from amparo_cashu.nut00_token import Token, read_token, without_dleq, write_token
from amparo_cashu.nut10_secret import check_lock, check_locks, read_lock, sign_lock, write_lock
from amparo_cashu.nut12_dleq import challenge
from amparo_cashu.nut13_secrets import derive, derive_ephemeral
from amparo_cashu.nut28_p2bk import MOST_SLOTS, find_secret_key, hide_keys, sign_hidden
from amparo_cashu.outputs import LockTo, OutputPlan, finish, messages
from amparo_cashu.wire import BlindSignature, Dleq, Proof
from amparo_common.secret import Secret

NOW = 1_760_000_000
KEYSET = "01" + "ab" * 32
SEED = Secret(b"\x05" * 64)
SCALARS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def point(secret: bytes) -> str:
    return show_point(generator_times(secret))


MINT, SHOP, PAYER, STRANGER = key(7_001), key(7_002), key(7_003), key(7_004)


def sign(plan: OutputPlan) -> list[BlindSignature]:
    """A mint's signatures with their proofs."""
    found = []
    for output in messages(plan, SEED):
        blinded, nonce = read_point(output.B_), key(9)
        signed = multiply(blinded, MINT)
        e = challenge(generator_times(nonce), multiply(blinded, nonce), generator_times(MINT), signed)
        s = (int.from_bytes(nonce, "big") + int.from_bytes(e, "big") * int.from_bytes(MINT, "big")) % ORDER
        dleq = Dleq(e=e.hex(), s=s.to_bytes(32, "big").hex())
        found.append(BlindSignature(amount=output.amount, id=KEYSET, C_=show_point(signed), dleq=dleq))
    return found


def coins(*, hide: bool, counter: int = 0) -> list[Proof]:
    lock = LockTo(key=point(SHOP), locktime=NOW, refund=point(PAYER), hide=hide)
    plan = OutputPlan(keyset=KEYSET, counter=counter, amounts=[1, 2, 4], locks=[lock, lock, None])
    return finish(plan, SEED, sign(plan), {str(amount): point(MINT) for amount in (1, 2, 4)})


def test_a_hidden_lock_opens_for_the_shop_and_after_the_time_for_the_payer() -> None:
    *locked, plain = coins(hide=True)
    assert plain.p2pk_e is None
    for proof in locked:
        for owner, now, opens in (
            (SHOP, NOW, True),
            (PAYER, NOW, False),
            (PAYER, NOW + 1, True),
            (SHOP, NOW + 1, True),
        ):
            signed = sign_hidden(proof, owner)
            assert signed.p2pk_e is None
            if opens:
                check_lock(signed, now=now)
                check_locks([signed], now=now)
            else:
                with pytest.raises(LockNotOpen):
                    check_lock(signed, now=now)
        for now in (NOW, NOW + 1):
            for wrong in (SHOP, PAYER):
                with pytest.raises(LockNotOpen):
                    check_lock(sign_lock(proof, wrong), now=now)
        with pytest.raises(LockNotOpen):
            sign_hidden(proof, STRANGER)


def test_what_a_mint_sees_of_hidden_locks_has_no_key_twice_and_none_that_it_knows() -> None:
    seen: list[str] = []
    for counter in (0, 2):
        for proof in coins(hide=True, counter=counter)[:2]:
            lock = read_lock(proof.secret)
            assert lock is not None
            seen += [*lock.keys, *lock.refund, str(proof.p2pk_e)]
    assert len({each[2:] for each in seen}) == len(seen) == 12
    assert not {each[2:] for each in seen} & {point(each)[2:] for each in (SHOP, PAYER)}
    shown = [read_lock(proof.secret) for proof in coins(hide=False)[:2]]
    assert [(lock.keys, lock.refund) for lock in shown if lock] == [([point(SHOP)], [point(PAYER)])] * 2


def test_a_hidden_lock_is_made_again_alike_after_a_crash() -> None:
    assert coins(hide=True) == coins(hide=True)
    assert derive_ephemeral(SEED, KEYSET, 0) != derive_ephemeral(SEED, KEYSET, 1)
    assert derive_ephemeral(SEED, KEYSET, 0) != derive(SEED, KEYSET, 0).factor
    # What a purse locked before an upgrade, it must be able to make again after it.
    assert derive_ephemeral(SEED, KEYSET, 0).hex() == "244499b00f5f9ab5e7b02c28e0d1a00245fc1af810376534d2c162b0f60a10cb"
    for keyset, counter in (("00ad268c4d1f5826", 0), (KEYSET, -1), (KEYSET, 2**64)):
        with pytest.raises(BadToken):
            derive_ephemeral(SEED, keyset, counter)
        with pytest.raises(BadToken):
            derive(SEED, keyset, counter)


def test_the_ephemeral_point_travels_with_the_token_and_stays_away_from_the_mint() -> None:
    proofs = coins(hide=True)
    token = Token(mint="https://mint.example.org", unit="food", proofs=proofs)
    assert read_token(write_token(token), keysets=[KEYSET]) == token
    for proof in proofs:
        assert b"p2pk_e" not in msgspec.json.encode(without_dleq(proof))
        assert without_dleq(proof) == msgspec.structs.replace(proof, dleq=None, p2pk_e=None)


@given(SCALARS, SCALARS, st.integers(0, MOST_SLOTS - 1))
@settings(deadline=None, max_examples=30)
def test_every_receiver_finds_its_key_in_its_slot_and_in_no_other(ephemeral: bytes, receiver: bytes, slot: int) -> None:
    keys = [point(key(8_000 + each)) for each in range(MOST_SLOTS)]
    keys[slot] = point(receiver)
    hidden, shared = hide_keys(keys, ephemeral), point(ephemeral)
    for place, each in enumerate(hidden):
        if place == slot:
            found = find_secret_key(each, place, ephemeral_point=shared, secret_key=receiver)
            assert point(found)[2:] == each[2:]
        else:
            with pytest.raises(LockNotOpen):
                find_secret_key(each, place, ephemeral_point=shared, secret_key=receiver)


def test_keys_that_cannot_be_hidden_are_refused() -> None:
    with pytest.raises(BadToken):
        hide_keys([point(SHOP)] * (MOST_SLOTS + 1), key(1))
    for wrong in ("", "02", "zz" * 32, "04" + point(SHOP)[2:], "ff" * 32):
        with pytest.raises(BadPoint):
            hide_keys([wrong], key(1))
    for scalar in (bytes(32), b"\x01", b"\xff" * 32):
        with pytest.raises(BadPoint):
            hide_keys([point(SHOP)], scalar)


def test_a_lock_that_cannot_hold_hidden_keys_is_refused() -> None:
    (proof, *_) = coins(hide=True)
    many = ["pubkeys", *(point(key(8_000 + each)) for each in range(MOST_SLOTS))]
    for secret in (
        "plain",
        json.dumps(["P2PK", {"nonce": "5", "data": point(SHOP), "tags": [["sigflag", "SIG_ALL"]]}]),
        json.dumps(["P2PK", {"nonce": "5", "data": point(SHOP), "tags": [many]}]),
        write_lock("5f", "02", locktime=NOW, refund=point(PAYER)),
    ):
        with pytest.raises(TokenError):
            sign_hidden(msgspec.structs.replace(proof, secret=secret), SHOP)
    for wrong in (None, "", "02" + "ff" * 32, "zz"):
        with pytest.raises(TokenError):
            sign_hidden(msgspec.structs.replace(proof, p2pk_e=wrong), SHOP)
