"""Every published vector of the token protocol, valid and invalid, and the smallest changes that break a valid one."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from amparo_cashu.curve import add, generator_times, hash_to_curve, multiply, read_point, show_point, subtract
from amparo_cashu.errors import (
    BadToken,
    KeysetUnknown,
    LockNotOpen,
    QuoteSignatureFalse,
    SignatureNotProved,
    TokenError,
)
from amparo_cashu.nut00_blind import blind, unblind
from amparo_cashu.nut00_token import Token, read_token, write_token
from amparo_cashu.nut02_keyset import check_keyset, keyset_id
from amparo_cashu.nut10_secret import check_lock, check_locks, read_lock, sig_all_message
from amparo_cashu.nut12_dleq import challenge, check_proof, check_signature
from amparo_cashu.nut13_secrets import derive
from amparo_cashu.nut20_quote import check_claim, message
from amparo_cashu.wire import BlindedMessage, BlindSignature, Keyset, MintRequest, Proof
from amparo_common.secret import Secret

VECTORS = Path(__file__).parents[3] / "vectors" / "cashu"
NOW = 1_760_000_000
Vector = dict[str, Any]


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return found


def vectors(name: str) -> list[Vector]:
    found: list[Vector] = document(name)["vectors"]
    assert found
    return found


def named(vector: Vector) -> str:
    return str(vector.get("name") or vector.get("type") or vector.get("counter"))


def altered(text: str, at: int = -1) -> str:
    """The hex text with one digit changed."""
    place = at % len(text)
    return text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


HERE = {
    "nut00_hash_to_curve",
    "nut00_blinded_messages",
    "nut00_blind_signatures",
    "nut00_token_v4",
    "nut02_keyset_id_v2",
    "nut11_p2pk",
    "nut12_dleq",
    "nut13_v2",
    "nut20_mint_quote_signature_v1",
}
IN_TEST_FORMATS = {
    "bip350_bech32m",
    "error_codes",
    "nut00_token_v3",
    "nut01_keys",
    "nut02_keyset_id_v1",
    "nut13_v1",
    "nut16_ur",
    "nut18_requests",
    "nut20_mint_quote_signature_legacy",
    "nut26_requests",
    "nut28_p2bk",
    "nut29_batch_mint",
    "rfc8949_cbor",
    "spent_filter_v1",
}


# Played at a running mint: packages/mint/tests/test_batch_claims.py.
AT_A_MINT = {"nut29_mint_cases"}


def test_every_file_of_vectors_is_run_here_or_in_the_test_of_the_formats() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == HERE | IN_TEST_FORMATS | AT_A_MINT
    beside = Path(__file__).with_name("test_formats.py").read_text()
    assert [name for name in IN_TEST_FORMATS if f'"{name}"' not in beside] == []


# --- NUT-00 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("nut00_hash_to_curve"), ids=lambda vector: vector["message_hex"][-2:])
def test_a_message_becomes_the_published_point(vector: Vector) -> None:
    assert show_point(hash_to_curve(bytes.fromhex(vector["message_hex"]))) == vector["point_Y_hex"]


@pytest.mark.parametrize("vector", vectors("nut00_blinded_messages"), ids=lambda vector: vector["secret_x_hex"][:8])
def test_a_secret_is_blinded_to_the_published_point(vector: Vector) -> None:
    # The vectors hash the decoded bytes, which are no text, so `blind` is spelled out here.
    factor = bytes.fromhex(vector["blinding_factor_r_hex"])
    blinded = add(hash_to_curve(bytes.fromhex(vector["secret_x_hex"])), generator_times(factor))
    assert show_point(blinded) == vector["B__hex"]


def test_blinding_a_text_is_the_published_sum_over_its_bytes() -> None:
    factor = bytes.fromhex(vectors("nut00_blinded_messages")[0]["blinding_factor_r_hex"])
    assert blind("ñ", factor) == add(hash_to_curve("ñ".encode()), generator_times(factor))


@pytest.mark.parametrize(
    "vector", vectors("nut00_blind_signatures"), ids=lambda vector: vector["mint_private_key_hex"][-2:]
)
def test_a_blind_signature_is_the_published_point_and_unblinds(vector: Vector) -> None:
    key = bytes.fromhex(vector["mint_private_key_hex"])
    signed = multiply(read_point(vector["B__hex"]), key)
    assert show_point(signed) == vector["C__hex"]
    factor = bytes(31) + b"\x05"
    assert unblind(signed, factor, generator_times(key)) == subtract(signed, multiply(generator_times(key), factor))


def content_of(packed: dict[str, Any]) -> Token:
    """The vector's token as our type, by reading its JSON form independently of the CBOR reader."""
    return Token(
        mint=packed["m"],
        unit=packed["u"],
        proofs=[
            Proof(amount=proof["a"], id=group["i"]["$bytes_hex"], secret=proof["s"], C=proof["c"]["$bytes_hex"])
            for group in packed["t"]
            for proof in group["p"]
        ],
    )


def text_of(vector: Vector) -> str:
    if "serialized" in vector:
        return str(vector["serialized"])
    raw = bytes.fromhex(vector["serialized_raw_hex"])
    assert raw.startswith(b"crawB")
    return "cashuB" + base64.urlsafe_b64encode(raw.removeprefix(b"crawB")).decode()


@pytest.mark.parametrize("vector", vectors("nut00_token_v4"), ids=named)
def test_a_published_token_holds_the_published_content(vector: Vector) -> None:
    assert vector["valid"]
    expected = content_of(vector["token"])
    keysets = {proof.id for proof in expected.proofs}
    found = read_token(text_of(vector), keysets=keysets)
    assert found == expected
    assert read_token("cashu:" + text_of(vector).rstrip("=") + "\n", keysets=keysets) == expected
    assert read_token(write_token(found), keysets=keysets) == expected


@pytest.mark.parametrize("vector", vectors("nut00_token_v4"), ids=named)
def test_a_published_token_of_an_unknown_or_ambiguous_keyset_is_refused(vector: Vector) -> None:
    (short, *_) = (proof.id for proof in content_of(vector["token"]).proofs)
    others = {proof.id for proof in content_of(vector["token"]).proofs} - {short}
    for keysets in (others, {altered(short), *others}, {short + "00", short + "01", *others}):
        with pytest.raises(BadToken):
            read_token(text_of(vector), keysets=keysets)


@pytest.mark.parametrize("vector", vectors("nut00_token_v4"), ids=named)
def test_a_published_token_that_is_cut_anywhere_is_refused(vector: Vector) -> None:
    text = text_of(vector).rstrip("=")
    keysets = {proof.id for proof in content_of(vector["token"]).proofs}
    for length in range(len(text)):
        with pytest.raises(BadToken):
            read_token(text[:length], keysets=keysets)
    for longer in (text + "AAAA", text.replace("cashuB", "cashuA"), text.replace("cashuB", "")):
        with pytest.raises(BadToken):
            read_token(longer, keysets=keysets)


# --- NUT-02 -----------------------------------------------------------------------------------------------------------


def keyset_of(vector: Vector) -> Keyset:
    return Keyset(
        id=vector["keyset_id"],
        unit=vector["unit"],
        keys=vector["keys"],
        input_fee_ppk=vector["input_fee_ppk"],
        final_expiry=vector["final_expiry"],
    )


@pytest.mark.parametrize("vector", vectors("nut02_keyset_id_v2"), ids=named)
def test_a_keyset_has_the_published_id(vector: Vector) -> None:
    found = keyset_id(
        {int(amount): key for amount, key in vector["keys"].items()},
        unit=vector["unit"],
        fee_ppk=vector["input_fee_ppk"],
        final_expiry=vector["final_expiry"],
    )
    assert found == vector["keyset_id"]
    check_keyset(keyset_of(vector))


@pytest.mark.parametrize("vector", vectors("nut02_keyset_id_v2"), ids=named)
def test_one_change_in_a_keyset_does_not_match_its_id(vector: Vector) -> None:
    good = keyset_of(vector)
    last = list(good.keys)[-1]
    changes: list[dict[str, Any]] = [
        {"id": altered(good.id)},
        {"id": "00" + good.id[2:16]},
        {"unit": "usd"},
        {"input_fee_ppk": (good.input_fee_ppk or 0) + 1},
        {"final_expiry": (good.final_expiry or 0) + 1},
        {"keys": good.keys | {last: altered(good.keys[last])}},
        {"keys": {amount: key for amount, key in good.keys.items() if amount != last}},
        {"keys": good.keys | {"3": good.keys[last]}},
        {"keys": good.keys | {"x": good.keys[last]}},
        {"keys": {}},
    ]
    for change in changes:
        with pytest.raises(KeysetUnknown):
            check_keyset(msgspec.structs.replace(good, **change))


@pytest.mark.parametrize("spelling", ["01", "+1", " 1", "1 ", "0001", "١", "１"])
def test_a_keyset_cannot_hide_a_second_key_for_an_amount_behind_another_spelling(spelling: str) -> None:
    # The id commits to one key per amount; a wallet looks its key up by the plain spelling.
    good = keyset_of(vectors("nut02_keyset_id_v2")[0])
    marked = show_point(generator_times(bytes(31) + b"\x07"))
    hidden = msgspec.structs.replace(good, keys=good.keys | {"1": marked, spelling: good.keys["1"]})
    assert hidden.keys["1"] != good.keys["1"]
    with pytest.raises(KeysetUnknown):
        check_keyset(hidden)


# --- NUT-11 -----------------------------------------------------------------------------------------------------------


PROOFS = [vector for vector in vectors("nut11_p2pk") if vector["type"] == "proof"]
REQUESTS = [vector for vector in vectors("nut11_p2pk") if vector["type"] in ("swap", "melt")]


def test_every_published_lock_is_a_proof_or_a_request() -> None:
    assert len(PROOFS) + len(REQUESTS) == len(vectors("nut11_p2pk"))
    assert {vector["valid"] for vector in PROOFS} == {True, False}
    assert {vector["pathway"] for vector in PROOFS if vector["valid"]} == {"locktime", "refund"}


@pytest.mark.parametrize("vector", [v for v in PROOFS if v["valid"]], ids=named)
def test_a_published_lock_that_is_open_opens(vector: Vector) -> None:
    proof = msgspec.convert(vector["proof"], Proof)
    check_lock(proof, now=NOW)
    if vector["pathway"] == "refund":
        lock = read_lock(proof.secret)
        assert lock is not None
        assert lock.locktime is not None
        check_lock(proof, now=lock.locktime + 1)
        with pytest.raises(LockNotOpen):
            check_lock(proof, now=lock.locktime - 1)


@pytest.mark.parametrize("vector", [v for v in PROOFS if not v["valid"]], ids=named)
def test_a_published_lock_that_is_shut_stays_shut(vector: Vector) -> None:
    with pytest.raises(LockNotOpen):
        check_lock(msgspec.convert(vector["proof"], Proof), now=NOW)


@pytest.mark.parametrize("vector", [v for v in PROOFS if v["valid"]], ids=named)
def test_a_published_lock_does_not_open_with_a_changed_signature_or_secret(vector: Vector) -> None:
    proof = msgspec.convert(vector["proof"], Proof)
    lock = read_lock(proof.secret)
    assert lock is not None
    # At the lock time itself only the main keys count: after it, a refund key among them would open it on its own.
    now = NOW if lock.locktime is None or vector["pathway"] == "refund" else lock.locktime
    check_lock(proof, now=now)
    signatures = json.loads(proof.witness or "")["signatures"]
    for place, signature in enumerate(signatures):
        for wrong in (
            altered(signature),
            altered(signature, 0),
            "",
            signature[:-2],
            signature + "00",
            "zz" + signature[2:],
        ):
            changed = [*signatures[:place], wrong, *signatures[place + 1 :]]
            with pytest.raises(LockNotOpen):
                check_lock(msgspec.structs.replace(proof, witness=json.dumps({"signatures": changed})), now=now)
    for witness in (None, "", "{}", "[]", '{"signatures":[]}', '{"signatures":5}', '{"signatures":[5]}'):
        with pytest.raises(LockNotOpen):
            check_lock(msgspec.structs.replace(proof, witness=witness), now=now)
    nonce = json.loads(proof.secret)[1]["nonce"]
    with pytest.raises(LockNotOpen):
        check_lock(msgspec.structs.replace(proof, secret=proof.secret.replace(nonce, altered(nonce))), now=now)


def test_one_signature_given_twice_counts_once() -> None:
    (vector,) = (each for each in PROOFS if each["name"] == "SIG_INPUTS: 2-of-3 with one signature")
    proof = msgspec.convert(vector["proof"], Proof)
    (signature,) = json.loads(proof.witness or "")["signatures"]
    twice = json.dumps({"signatures": [signature, signature, signature.upper()]})
    with pytest.raises(LockNotOpen):
        check_lock(msgspec.structs.replace(proof, witness=twice), now=NOW)


def request_of(vector: Vector) -> tuple[list[Proof], list[BlindedMessage], str | None]:
    """Inputs, outputs and, for a melt, the quote."""
    request = vector["request"]
    outputs = msgspec.convert(request.get("outputs") or [], list[BlindedMessage])
    return msgspec.convert(request["inputs"], list[Proof]), outputs, request.get("quote")


SIG_ALL = [vector for vector in REQUESTS if vector.get("kind") != "HTLC"]


@pytest.mark.parametrize("vector", [v for v in SIG_ALL if v["valid"]], ids=named)
def test_a_published_request_that_is_signed_as_a_whole_opens_and_no_other_request_does(vector: Vector) -> None:
    inputs, outputs, quote = request_of(vector)
    assert (quote is None) == (vector["type"] == "swap")
    check_locks(inputs, outputs, quote, now=NOW)
    if "msg_to_sign" in vector:
        signed = sig_all_message(inputs, outputs, quote)
        assert signed.decode() == vector["msg_to_sign"]
        assert hashlib.sha256(signed).hexdigest() == vector["msg_to_sign_sha256_hex"]
    first = inputs[0]
    for wrong in (
        (inputs[::-1] if len(inputs) > 1 else [msgspec.structs.replace(first, C=altered(first.C))], outputs, quote),
        ([*inputs, first], outputs, quote),
        ([msgspec.structs.replace(first, witness=None), *inputs[1:]], outputs, quote),
        (inputs, [*outputs, BlindedMessage(amount=1, id=first.id, B_=first.C)], quote),
        (inputs, [msgspec.structs.replace(each, amount=each.amount + 1) for each in outputs], f"{quote or ''}1"),
        (inputs, outputs, "another quote"),
        (inputs, outputs[1:] or None, f"{quote or ''}1"),
    ):
        with pytest.raises(LockNotOpen):
            check_locks(*wrong, now=NOW)


@pytest.mark.parametrize("vector", [v for v in SIG_ALL if not v["valid"]], ids=named)
def test_a_published_request_whose_conditions_differ_is_refused(vector: Vector) -> None:
    with pytest.raises(LockNotOpen):
        check_locks(*request_of(vector), now=NOW)


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_a_coin_that_is_signed_with_the_whole_request_is_refused_where_coins_are_judged_one_by_one(
    vector: Vector,
) -> None:
    inputs, _, _ = request_of(vector)
    for proof in inputs:
        assert "SIG_ALL" in proof.secret
        with pytest.raises(BadToken):
            check_lock(proof, now=NOW)
        with pytest.raises(BadToken):
            read_lock(proof.secret)


@pytest.mark.parametrize("vector", [v for v in REQUESTS if v.get("kind") == "HTLC"], ids=named)
def test_a_condition_of_another_kind_is_refused_on_purpose_even_when_well_signed(vector: Vector) -> None:
    for now in (0, NOW, 2**40):
        with pytest.raises(BadToken):
            check_locks(*request_of(vector), now=now)


@pytest.mark.parametrize("vector", PROOFS, ids=named)
def test_a_request_judges_a_published_proof_as_it_stands_alone(vector: Vector) -> None:
    proof = msgspec.convert(vector["proof"], Proof)
    plain = Proof(amount=1, id=proof.id, secret="plain", C=proof.C)
    if vector["valid"]:
        check_locks([plain, proof], now=NOW)
    else:
        with pytest.raises(LockNotOpen):
            check_locks([plain, proof], now=NOW)


# --- NUT-12 -----------------------------------------------------------------------------------------------------------

# The type "deterministic_nonce" is about how a mint makes its proof: it is run in packages/mint.
DLEQS = {vector["type"]: vector for vector in vectors("nut12_dleq") if vector["type"] != "deterministic_nonce"}


def test_every_published_kind_of_proof_is_run_here() -> None:
    assert set(DLEQS) == {"hash_e", "blind_signature", "proof"}
    assert len(DLEQS) == len(vectors("nut12_dleq")) - 1


def test_a_challenge_is_the_published_hash() -> None:
    vector = DLEQS["hash_e"]
    points = [read_point(vector[name]) for name in ("R1", "R2", "K", "C_")]
    assert challenge(*points).hex() == vector["hash_hex"]
    assert challenge(*points[::-1]).hex() != vector["hash_hex"]


def test_a_published_blind_signature_is_proved_and_one_changed_digit_is_not() -> None:
    vector = DLEQS["blind_signature"]
    assert vector["valid"]
    signature = msgspec.convert(vector["blind_signature"], BlindSignature)
    assert signature.dleq is not None
    key, blinded, signed = (read_point(each) for each in (vector["A_hex"], vector["B__hex"], signature.C_))
    check_signature(signature.dleq, key=key, blinded=blinded, signed=signed)
    for place in range(0, 64, 7):
        for dleq in (
            msgspec.structs.replace(signature.dleq, e=altered(signature.dleq.e, place)),
            msgspec.structs.replace(signature.dleq, s=altered(signature.dleq.s, place)),
        ):
            with pytest.raises(SignatureNotProved):
                check_signature(dleq, key=key, blinded=blinded, signed=signed)
    other = generator_times(bytes(31) + b"\x09")
    for wrong in ({"key": other}, {"blinded": other}, {"signed": other}):
        with pytest.raises(SignatureNotProved):
            check_signature(signature.dleq, **({"key": key, "blinded": blinded, "signed": signed} | wrong))
    with pytest.raises(SignatureNotProved):
        check_signature(None, key=key, blinded=blinded, signed=signed)


def test_a_published_token_is_proved_and_one_changed_digit_is_not() -> None:
    vector = DLEQS["proof"]
    assert vector["valid"]
    key, proof = read_point(vector["A_hex"]), msgspec.convert(vector["proof"], Proof)
    check_proof(proof, key)
    assert proof.dleq is not None
    assert proof.dleq.r is not None
    for wrong in (
        msgspec.structs.replace(proof, secret=altered(proof.secret)),
        msgspec.structs.replace(proof, C=show_point(key)),
        msgspec.structs.replace(proof, dleq=None),
        msgspec.structs.replace(proof, dleq=msgspec.structs.replace(proof.dleq, r=None)),
        msgspec.structs.replace(proof, dleq=msgspec.structs.replace(proof.dleq, r=altered(proof.dleq.r))),
        msgspec.structs.replace(proof, dleq=msgspec.structs.replace(proof.dleq, e=altered(proof.dleq.e))),
        msgspec.structs.replace(proof, dleq=msgspec.structs.replace(proof.dleq, s=altered(proof.dleq.s))),
    ):
        with pytest.raises(SignatureNotProved):
            check_proof(wrong, key)
    with pytest.raises(SignatureNotProved):
        check_proof(proof, generator_times(bytes(31) + b"\x09"))


# --- NUT-13 -----------------------------------------------------------------------------------------------------------


def published_seed() -> Secret:
    """BIP 39: the seed of the published words."""
    found = document("nut13_v2")
    salt = b"mnemonic" + found["passphrase"].encode()
    return Secret(hashlib.pbkdf2_hmac("sha512", found["mnemonic"].encode(), salt, 2_048))


@pytest.mark.parametrize("vector", vectors("nut13_v2"), ids=named)
def test_a_seed_gives_the_published_secrets(vector: Vector) -> None:
    keyset = document("nut13_v2")["keyset_id"]
    blank = derive(published_seed(), keyset, vector["counter"])
    assert (blank.secret, blank.factor.hex()) == (vector["secret"], vector["r_hex"])
    assert derive(published_seed(), altered(keyset), vector["counter"]).secret != vector["secret"]
    assert derive(published_seed(), keyset, vector["counter"] + 1).factor.hex() != vector["r_hex"]


@pytest.mark.parametrize(
    "keyset", ["", "00ad268c4d1f5826", "01" + "0" * 62, "00" + "0" * 64, "01" + "z" * 64, "01" + " " * 64]
)
def test_secrets_are_derived_for_keysets_of_version_2_only(keyset: str) -> None:
    with pytest.raises(BadToken):
        derive(published_seed(), keyset, 0)


# --- NUT-20 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("nut20_mint_quote_signature_v1"), ids=named)
def test_a_claim_signs_the_published_message_and_no_other(vector: Vector) -> None:
    assert vector["valid"]
    claim, key = msgspec.convert(vector["mint_request"], MintRequest), vector["quote_pubkey_hex"]
    assert message(claim.quote, claim.outputs).hex() == vector["msg_to_sign_hex"]
    assert hashlib.sha256(message(claim.quote, claim.outputs)).hexdigest() == vector["msg_to_sign_sha256_hex"]
    check_claim(claim.quote, claim.outputs, claim.signature, key)
    first, *rest = claim.outputs
    for outputs in (
        [],
        rest,
        claim.outputs[::-1],
        [*claim.outputs, first],
        [msgspec.structs.replace(first, amount=first.amount + 1), *rest],
        [msgspec.structs.replace(first, amount=0), *rest],
        [msgspec.structs.replace(first, B_=key), *rest],
    ):
        with pytest.raises(QuoteSignatureFalse):
            check_claim(claim.quote, outputs, claim.signature, key)
    assert claim.signature is not None
    for signature in (None, "", "zz", altered(claim.signature), altered(claim.signature, 0), claim.signature[:-2]):
        with pytest.raises(QuoteSignatureFalse):
            check_claim(claim.quote, claim.outputs, signature, key)
    with pytest.raises(QuoteSignatureFalse):
        check_claim(claim.quote + "0", claim.outputs, claim.signature, key)
    with pytest.raises(QuoteSignatureFalse):
        check_claim(claim.quote, claim.outputs, claim.signature, first.B_)


@pytest.mark.parametrize("amount", [-1, -(2**70), 2**64, 2**4_000])
def test_a_claim_with_an_impossible_amount_is_refused_in_our_words(amount: int) -> None:
    claim = msgspec.convert(vectors("nut20_mint_quote_signature_v1")[0]["mint_request"], MintRequest)
    output = BlindedMessage(amount=amount, id=claim.outputs[0].id, B_=claim.outputs[0].B_)
    with pytest.raises(TokenError):
        check_claim(claim.quote, [output], claim.signature, claim.outputs[0].B_)
