"""ES256 signatures and compact JWS: judged by joserfc, and every other spelling, key and purpose refused."""

import contextlib
import copy
import json
import logging
import pickle
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from amparo_common.errors import BadKey, BadSignature
from amparo_common.secret import Secret
from amparo_common.signing import (
    CompactSigner,
    PublicJwk,
    SigningKey,
    VerifyingKey,
    b64url,
    read_kid,
    read_unverified,
    sign_compact,
    unb64url,
    verify_compact,
)

TYP = "amparo-test+jws"
KEY = SigningKey.generate()
OTHER = SigningKey.generate()
PAYLOAD = b'{"amount":1050}'
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def judge(key: VerifyingKey) -> ECKey:
    """The same public key as joserfc holds it."""
    return ECKey.import_key(msgspec.to_builtins(key.jwk))


def with_header(header: dict[str, Any], key: SigningKey = KEY) -> str:
    """A token with any header, signed over exactly what it shows."""
    head = b64url(json.dumps(header, separators=(",", ":")).encode())
    return f"{head}.{b64url(PAYLOAD)}.{b64url(key.sign(f'{head}.{b64url(PAYLOAD)}'.encode()))}"


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_what_is_signed_is_read_back_and_joserfc_agrees(payload: bytes) -> None:
    token = sign_compact(payload, KEY, typ=TYP)
    assert verify_compact(token, KEY.public, typ=TYP) == payload
    assert read_unverified(token) == payload
    assert read_kid(token) == KEY.kid
    found = jws.deserialize_compact(token, judge(KEY.public), algorithms=["ES256"])
    assert found.payload == payload
    assert found.protected == {"alg": "ES256", "kid": KEY.kid, "typ": TYP}


def test_joserfc_refuses_our_token_under_another_key() -> None:
    with pytest.raises(Exception, match=r"(?i)signature"):
        jws.deserialize_compact(sign_compact(PAYLOAD, KEY, typ=TYP), judge(OTHER.public), algorithms=["ES256"])


def test_a_token_that_joserfc_made_with_our_key_and_header_is_read() -> None:
    private = ECKey.import_key(KEY.to_pem())
    token = jws.serialize_compact({"alg": "ES256", "kid": KEY.kid, "typ": TYP}, PAYLOAD, private, algorithms=["ES256"])
    assert verify_compact(token, KEY.public, typ=TYP) == PAYLOAD


def test_a_key_id_is_the_thumbprint_that_joserfc_computes() -> None:
    for key in (KEY, OTHER, *(SigningKey.generate() for _ in range(20))):
        assert key.kid == judge(key.public).thumbprint()
    assert KEY.kid != OTHER.kid


def test_a_signer_for_many_payloads_makes_the_same_kind_of_token() -> None:
    signer = CompactSigner(KEY, TYP)
    for payload in (b"", b"a", b"ab", b"abc"):
        assert verify_compact(signer.sign(payload), KEY.public, typ=TYP) == payload


def test_a_key_survives_its_file() -> None:
    again = SigningKey.from_pem(KEY.to_pem())
    assert again.kid == KEY.kid
    assert verify_compact(sign_compact(PAYLOAD, again, typ=TYP), KEY.public, typ=TYP) == PAYLOAD


def test_a_signature_for_one_purpose_is_not_valid_for_another() -> None:
    token = sign_compact(PAYLOAD, KEY, typ="amparo-quote-paid+jws")
    assert verify_compact(token, KEY.public, typ="amparo-quote-paid+jws") == PAYLOAD
    with pytest.raises(BadSignature):
        verify_compact(token, KEY.public, typ="amparo-shop-deposited+jws")


def test_a_signature_of_another_key_is_refused_even_when_it_claims_ours() -> None:
    with pytest.raises(BadSignature):
        verify_compact(sign_compact(PAYLOAD, OTHER, typ=TYP), KEY.public, typ=TYP)
    assert verify_compact(with_header({"alg": "ES256", "kid": KEY.kid, "typ": TYP}), KEY.public, typ=TYP) == PAYLOAD
    with pytest.raises(BadSignature):
        verify_compact(with_header({"alg": "ES256", "kid": KEY.kid, "typ": TYP}, OTHER), KEY.public, typ=TYP)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": KEY.kid, "typ": TYP},
        {"alg": "HS256", "kid": KEY.kid, "typ": TYP},
        {"alg": "ES384", "kid": KEY.kid, "typ": TYP},
        {"alg": "es256", "kid": KEY.kid, "typ": TYP},
        {"alg": "ES256", "kid": OTHER.kid, "typ": TYP},
        {"alg": "ES256", "kid": KEY.kid},
        {"alg": "ES256", "typ": TYP},
        {"alg": "ES256", "kid": KEY.kid, "typ": TYP, "b64": False, "crit": ["b64"]},
        {"alg": "ES256", "jwk": msgspec.to_builtins(OTHER.public.jwk), "kid": KEY.kid, "typ": TYP},
        {"typ": TYP, "kid": KEY.kid, "alg": "ES256"},
        {},
    ],
    ids=lambda header: "-".join(header) + "-" + header.get("alg", ""),
)
def test_only_the_one_header_form_is_accepted(header: dict[str, Any]) -> None:
    with pytest.raises(BadSignature):
        verify_compact(with_header(header), KEY.public, typ=TYP)


def test_a_token_without_algorithm_or_signature_is_refused() -> None:
    none = b64url(json.dumps({"alg": "none", "kid": KEY.kid, "typ": TYP}, separators=(",", ":")).encode())
    head, payload, _ = sign_compact(PAYLOAD, KEY, typ=TYP).split(".")
    for token in (f"{none}.{payload}.", f"{head}.{payload}.", f"{head}.{payload}", f"{head}..", "..", "", "."):
        with pytest.raises(BadSignature):
            verify_compact(token, KEY.public, typ=TYP)


@given(st.integers(0, 2), st.data())
@settings(deadline=None)
def test_one_altered_sign_in_any_part_is_refused(part: int, data: st.DataObject) -> None:
    parts = sign_compact(PAYLOAD, KEY, typ=TYP).split(".")
    at = data.draw(st.integers(0, len(parts[part]) - 1))
    sign = data.draw(st.sampled_from(ALPHABET).filter(lambda each: each != parts[part][at]))
    parts[part] = parts[part][:at] + sign + parts[part][at + 1 :]
    with pytest.raises(BadSignature):
        verify_compact(".".join(parts), KEY.public, typ=TYP)


@given(st.integers(0, 2), st.data())
@settings(deadline=None)
def test_one_altered_byte_in_any_part_is_refused(part: int, data: st.DataObject) -> None:
    parts = [unb64url(each) for each in sign_compact(PAYLOAD, KEY, typ=TYP).split(".")]
    changed = bytearray(parts[part])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    parts[part] = bytes(changed)
    with pytest.raises(BadSignature):
        verify_compact(".".join(map(b64url, parts)), KEY.public, typ=TYP)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize(
    "respell",
    [
        lambda text: text + "=",
        lambda text: text + "==",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:4] + "\n" + text[4:],
        lambda text: text + "A",
        lambda text: text + ".",
        lambda text: text.translate(str.maketrans("-_AB", "+/é€")),
    ],
    ids=["padded", "padded-twice", "newline", "space", "newline-inside", "longer", "dot", "alphabet"],
)
def test_an_unusual_spelling_of_any_part_is_refused(part: int, respell: Any) -> None:
    parts = sign_compact(b'{"text":"????>>>>"}', KEY, typ=TYP).split(".")
    spelt = respell(parts[part])
    assert spelt != parts[part]
    parts[part] = spelt
    with pytest.raises(BadSignature):
        verify_compact(".".join(parts), KEY.public, typ=TYP)


@given(st.binary(min_size=1, max_size=40))
def test_base64_has_one_spelling(content: bytes) -> None:
    text = b64url(content)
    assert unb64url(text) == content
    if len(content) % 3:
        # The last sign has unused bits: the next letter of the alphabet says the same bytes.
        with pytest.raises(BadSignature):
            unb64url(text[:-1] + ALPHABET[ALPHABET.index(text[-1]) + 1])
    with pytest.raises(BadSignature):
        unb64url(text + "=" * (-len(text) % 4) + "=")


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(63),
        bytes(64),
        bytes(65),
        b"\xff" * 64,
        bytes(32) + b"\x01" * 32,
        b"\x01" * 32 + bytes(32),
        ORDER.to_bytes(32, "big") * 2,
        KEY.sign(PAYLOAD) + b"\x00",
        KEY.sign(PAYLOAD)[:-1],
        KEY.sign(PAYLOAD)[32:] + KEY.sign(PAYLOAD)[:32],
    ],
    ids=[
        "empty",
        "short",
        "zero",
        "long",
        "ones",
        "no-r",
        "no-s",
        "order",
        "longer-by-one",
        "shorter-by-one",
        "swapped",
    ],
)
def test_a_signature_of_another_form_is_refused(signature: bytes) -> None:
    KEY.public.verify(PAYLOAD, KEY.sign(PAYLOAD))
    with pytest.raises(BadSignature):
        KEY.public.verify(PAYLOAD, signature)


@given(st.text(max_size=60) | st.lists(st.binary(max_size=20).map(b64url), max_size=4).map(".".join))
def test_no_text_raises_anything_but_our_errors(text: str) -> None:
    for reader in (read_kid, read_unverified, lambda each: verify_compact(each, KEY.public, typ=TYP)):
        with contextlib.suppress(BadSignature):
            assert reader(text) is not None


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b'{"alg":"\xff"}',
        b'{"alg":1}',
        b'{"alg":"ES256"}',
        b"[" * 100_000,
        b'{"a":"b","kid":"k","typ":"t"}',
    ],
    ids=lambda header: ascii(header[:12]),
)
def test_a_header_that_cannot_be_read_gives_no_key_id(header: bytes) -> None:
    with pytest.raises(BadSignature):
        read_kid(f"{b64url(header)}.{b64url(PAYLOAD)}.{b64url(bytes(64))}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kty", "OKP"),
        ("crv", "P-384"),
        ("crv", "secp256k1"),
        ("x", ""),
        ("x", KEY.public.jwk.x + "="),
        ("x", b64url(unb64url(KEY.public.jwk.x) + b"\x00")),
        ("x", b64url(bytes(32))),
        ("y", OTHER.public.jwk.y),
        ("y", b64url(b"\xff" * 32)),
        ("y", "é"),
    ],
)
def test_what_is_no_key_of_this_curve_is_refused(name: str, value: str) -> None:
    assert VerifyingKey(KEY.public.jwk).kid == KEY.kid
    with pytest.raises(BadKey):
        VerifyingKey(msgspec.structs.replace(KEY.public.jwk, **{name: value}))


def private_pem(key: Any, *, password: bytes | None = None) -> bytes:
    lock = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    return pem


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"no key at all",
        KEY.to_pem()[:100],
        private_pem(ec.generate_private_key(ec.SECP384R1())),
        private_pem(ec.generate_private_key(ec.SECP256K1())),
        private_pem(ed25519.Ed25519PrivateKey.generate()),
        private_pem(ec.generate_private_key(ec.SECP256R1()), password=b"a password"),
    ],
    ids=["empty", "text", "cut", "p384", "k1", "ed25519", "encrypted"],
)
def test_a_key_file_of_another_kind_is_refused(pem: bytes) -> None:
    with pytest.raises(BadKey):
        SigningKey.from_pem(pem)


def test_a_secret_is_never_printed(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(b"quiet-7f3a")
    assert secret.reveal() == b"quiet-7f3a"
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>30}", f"{secret:>30}"]
    shown += [repr([secret]), repr({"seed": secret}), repr(vars(type(secret)))]
    shown += ["%s %r" % (secret, secret), "{0}".format(secret)]  # noqa: UP030, UP031, UP032
    logging.getLogger("amparo.test").warning("%s %r", secret, secret)
    for text in [*shown, caplog.text]:
        assert "quiet" not in text
        assert b"quiet-7f3a".hex() not in text
    assert str(secret) == "<secret>"
    assert "<secret>" in caplog.text


def test_a_secret_is_not_copied_out_or_written_into_a_message() -> None:
    secret = Secret(b"quiet-7f3a")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode, json.dumps, vars):
        with pytest.raises(TypeError):
            leak(secret)


def test_a_signing_key_prints_its_key_id_and_nothing_else() -> None:
    assert repr(KEY) == str(KEY) == f"<SigningKey {KEY.kid}>"


def test_a_public_key_in_a_message_has_no_private_part() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(KEY.public.jwk) | {"d": "AA"}, PublicJwk)
