"""The card code, judged by the independent package `claim169`, and what it refuses: tampering, wrong keys, bombs."""

import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cbor2
import claim169
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amparo_common.secret import Secret
from amparo_credentials import base45
from amparo_credentials.card import LARGEST_INSIDE, LONGEST_TEXT, Card, CardSigner, open_card, write_open, write_sealed
from amparo_credentials.errors import (
    CodeExpired,
    CodeMalformed,
    CodeNotGenuine,
    CodeSealed,
    CredentialsError,
    WrongVerifierKey,
)

# The judge compares with the machine's clock, so the cards are valid long before and after any run of these tests.
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
END = date(2099, 12, 31)
SEED = bytes(range(32))
ISSUER_KEY = Ed25519PrivateKey.from_private_bytes(SEED)
SIGNER = CardSigner("amparo.example", Secret(SEED))
STRANGER = CardSigner("amparo.example", Secret(bytes(range(1, 33))))
KEY, OTHER_KEY = Secret(b"k" * 32), Secret(b"o" * 32)

FULL = Card(
    number="7K2M-94TP",
    full_name="Amina Yusuf Al-Khatib",
    language="eng",
    expires=END,
    birth_date=date(1988, 2, 29),
    other_name="أمينة يوسف الخطيب",
    other_language="ara",
)
SHORT = Card(number="1", full_name="María Ñandú Pérez", language="spa", expires=END)
CARDS = pytest.mark.parametrize("card", [FULL, SHORT], ids=["full", "short"])


def as_judge_says(card: Card) -> dict[str, Any]:
    """A card as `claim169` shows it."""
    shown = {
        "id": card.number,
        "version": "1.2.0",
        "language": card.language,
        "fullName": card.full_name,
        "dateOfBirth": card.birth_date and card.birth_date.strftime("%Y%m%d"),
        "secondaryFullName": card.other_name,
        "secondaryLanguage": card.other_language,
    }
    return {name: value for name, value in shown.items() if value is not None}


def verifier(public: bytes) -> Callable[..., None]:
    """How the judge is told which key to trust for a sealed code."""

    def check(_algorithm: str, _kid: Any, data: Any, signature: Any) -> None:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(signature), bytes(data))

    return check


# --- judged from outside -----------------------------------------------------------------------------------------


@CARDS
def test_an_independent_reader_verifies_our_open_code_and_reads_the_same_card(card: Card) -> None:
    found = claim169.decode(write_open(SIGNER.sign(card)), verify_with_ed25519=SIGNER.public)
    assert found.is_verified()
    assert found.claim169.to_dict() == as_judge_says(card)
    assert found.cwt_meta.issuer == "amparo.example"
    end = datetime.combine(END + timedelta(days=1), datetime.min.time(), UTC)
    assert found.cwt_meta.expires_at == int(end.timestamp()) - 1
    # No "issued at", no subject: nothing that tells when or at which desk the person stood.
    assert (found.cwt_meta.issued_at, found.cwt_meta.not_before, found.cwt_meta.subject) == (None, None, None)


@CARDS
def test_an_independent_reader_opens_our_sealed_code_with_the_key(card: Card) -> None:
    code = write_sealed(SIGNER.sign(card), KEY)
    found = claim169.decode_encrypted_aes256(code, KEY.reveal(), verifier=verifier(SIGNER.public))
    assert found.is_verified()
    assert found.claim169.to_dict() == as_judge_says(card)


def test_an_independent_reader_and_ours_both_refuse_the_wrong_signer() -> None:
    code, sealed = write_open(SIGNER.sign(FULL)), write_sealed(SIGNER.sign(FULL), KEY)
    with pytest.raises(claim169.SignatureError):
        claim169.decode(code, verify_with_ed25519=STRANGER.public)
    with pytest.raises((claim169.Claim169Exception, InvalidSignature)):
        claim169.decode_encrypted_aes256(sealed, KEY.reveal(), verifier=verifier(STRANGER.public))
    for each in (code, sealed):
        with pytest.raises(CodeNotGenuine):
            open_card(each, STRANGER.public, now=NOON, verifier_key=KEY)


def test_an_independent_reader_and_ours_both_refuse_the_wrong_verifier_key() -> None:
    sealed = write_sealed(SIGNER.sign(FULL), KEY)
    with pytest.raises(claim169.DecryptionError):
        claim169.decode_encrypted_aes256(sealed, OTHER_KEY.reveal(), verifier=verifier(SIGNER.public))
    with pytest.raises(WrongVerifierKey):
        open_card(sealed, SIGNER.public, now=NOON, verifier_key=OTHER_KEY)


def test_an_independent_reader_sees_nothing_in_a_sealed_code_without_the_key() -> None:
    sealed = write_sealed(SIGNER.sign(FULL), KEY)
    seen = claim169.inspect(sealed)
    assert (seen.cose_type, seen.algorithm) == ("Encrypt0", "A256GCM")
    assert (seen.issuer, seen.expires_at, seen.key_id) == (None, None, None)
    with pytest.raises(claim169.DecryptionError):
        claim169.decode(sealed, verify_with_ed25519=SIGNER.public)


def test_our_reader_opens_a_code_that_the_independent_writer_made() -> None:
    claim = claim169.Claim169Input(id="ID-1", full_name="Amina Yusuf")
    claim.language, claim.date_of_birth = "eng", "19880229"
    meta = claim169.CwtMetaInput(issuer="elsewhere.example", expires_at=4_102_444_799)
    code = claim169.encode_with_ed25519(claim, meta, SEED)
    expected = Card(number="ID-1", full_name="Amina Yusuf", language="eng", expires=END, birth_date=date(1988, 2, 29))
    assert open_card(code, SIGNER.public, now=NOON) == expected
    sealed = claim169.encode_signed_encrypted(claim, meta, SEED, KEY.reveal())
    assert open_card(sealed, SIGNER.public, now=NOON, verifier_key=KEY) == expected


# --- our own reader ----------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
common: dict[str, Any] = {
    "number": names,
    "full_name": names,
    "language": names,
    "expires": st.dates(date(2026, 11, 1), date(9999, 12, 30)),
    "birth_date": st.none() | st.dates(date(1000, 1, 1)),
}
cards = st.builds(Card, **common) | st.builds(Card, **common, other_name=names, other_language=names.filter(bool))


@settings(max_examples=60, deadline=None)
@given(cards)
@example(FULL)
def test_every_card_survives_the_round_trip_open_and_sealed(card: Card) -> None:
    signed = SIGNER.sign(card)
    assert open_card(write_open(signed), SIGNER.public, now=NOON) == card
    assert open_card(write_sealed(signed, KEY), SIGNER.public, now=NOON, verifier_key=KEY) == card


def test_a_sealed_code_without_the_key_says_only_that_it_is_sealed() -> None:
    code = write_sealed(SIGNER.sign(FULL), KEY)
    with pytest.raises(CodeSealed) as caught:
        open_card(code, SIGNER.public, now=NOON)
    inside = zlib.decompress(base45.decode(code))
    open_inside = zlib.decompress(base45.decode(write_open(SIGNER.sign(FULL))))
    assert FULL.other_name is not None
    for text in (FULL.full_name, FULL.other_name, "Amina", FULL.number, "19880229", "amparo.example"):
        assert text.encode() in open_inside
        assert text.encode() not in inside
        assert text not in code
        assert text not in repr(caught.value) + str(caught.value.public())


def test_two_sealed_codes_of_one_card_have_nothing_in_common_to_be_linked_by() -> None:
    signed = SIGNER.sign(FULL)
    one, two = (zlib.decompress(base45.decode(write_sealed(signed, KEY))) for _ in range(2))
    (_, first, first_sealed), (_, second, second_sealed) = cbor2.loads(one).value, cbor2.loads(two).value
    assert first != second
    # Whole pieces of eight bytes: a shorter one at the end would be the same by chance once in 256 times.
    assert not {first_sealed[at : at + 8] for at in range(len(first_sealed) - 7)} & {
        second_sealed[at : at + 8] for at in range(len(second_sealed) - 7)
    }


def test_a_card_is_valid_to_the_last_second_of_its_last_day() -> None:
    code = write_open(SIGNER.sign(Card(number="1", full_name="A", language="eng", expires=date(2026, 11, 1))))
    last = datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC)
    assert open_card(code, SIGNER.public, now=last).expires == date(2026, 11, 1)
    with pytest.raises(CodeExpired):
        open_card(code, SIGNER.public, now=last + timedelta(seconds=1))


def test_one_changed_sign_anywhere_is_refused_or_changes_nothing_of_the_card() -> None:
    # The unused last bits of a zlib stream carry nothing, so a change there alone may go unseen: the card is the same.
    signed = SIGNER.sign(FULL)
    unseen = 0
    for code in (write_open(signed), write_sealed(signed, KEY)):
        for at, sign in enumerate(code):
            for other in ("0" if sign != "0" else "1", ":" if sign != ":" else "/"):
                try:
                    found = open_card(code[:at] + other + code[at + 1 :], SIGNER.public, now=NOON, verifier_key=KEY)
                except CredentialsError:
                    continue
                assert found == FULL
                unseen += 1
    assert unseen <= 4


@pytest.mark.parametrize("change", ["cut", "doubled", "lower", "space", "newline", "comma"])
def test_a_code_that_is_cut_or_written_otherwise_is_refused(change: str) -> None:
    code = write_open(SIGNER.sign(FULL))
    changed = {
        "cut": code[:-3],
        "doubled": code + code,
        "lower": code.lower(),
        "space": code[:30] + " " + code[30:],
        "newline": code + "\n",
        "comma": code[:30] + "," + code[31:],
    }
    with pytest.raises(CodeMalformed):
        open_card(changed[change], SIGNER.public, now=NOON)


def packed(value: Any) -> str:
    """Any CBOR value as a code."""
    return write_open(cbor2.dumps(value))


def signed_claims(claims: Any) -> str:
    """Any claims, signed with the programme's key: what a careless issuer could write."""
    protected, payload = cbor2.dumps({1: -8}), cbor2.dumps(claims)
    signature = ISSUER_KEY.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return packed(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def sealed_around(inside: bytes) -> str:
    """Anything, sealed with the right key."""
    protected, nonce = cbor2.dumps({1: 3}), b"n" * 12
    sealed = AESGCM(KEY.reveal()).encrypt(nonce, inside, cbor2.dumps(["Encrypt0", protected, b""]))
    return packed(cbor2.CBORTag(16, [protected, {5: nonce}, sealed]))


CLAIMS: dict[Any, Any] = {1: "i", 4: 4_102_444_799, 169: {1: "1", 3: "eng", 4: "A"}}


@pytest.mark.parametrize(
    "claims",
    [
        None,
        [],
        "x",
        {},
        {169: {}},
        {4: 1},
        CLAIMS | {4: "soon"},
        CLAIMS | {4: 2**63},
        CLAIMS | {4: -(2**63)},
        CLAIMS | {4: float("inf")},
        CLAIMS | {4: float("nan")},
        CLAIMS | {4: None},
        CLAIMS | {169: []},
        CLAIMS | {169: {1: 1, 3: "eng", 4: "A"}},
        CLAIMS | {169: {1: "1", 3: "eng", 4: b"A"}},
        CLAIMS | {169: {1: "1", 3: "eng", 4: "A", 8: "yesterday"}},
        CLAIMS | {169: {1: "1", 3: "eng", 4: "A", 8: 19880229}},
    ],
    ids=str,
)
def test_signed_claims_of_the_wrong_kind_are_malformed(claims: Any) -> None:
    assert open_card(signed_claims(CLAIMS), SIGNER.public, now=NOON).full_name == "A"
    with pytest.raises(CodeMalformed):
        open_card(signed_claims(claims), SIGNER.public, now=NOON)


TAG = cbor2.CBORTag


@pytest.mark.parametrize(
    "value",
    [
        1,
        None,
        [],
        TAG(18, 1),
        TAG(18, []),
        TAG(18, [b"", {}, b""]),
        TAG(18, ["", {}, b"", b""]),
        TAG(18, [b"", {}, b"", b""]),
        TAG(18, [b"\x80", {}, b"", b""]),
        TAG(18, [b"\xa1\x01\x27", {}, b"", b""]),
        TAG(18, [b"\xa1\x01\x27", {}, "", ""]),
        TAG(18, [b"\xa1\x01\x26", {}, b"", b"0" * 64]),
        TAG(16, [b"", {}, b""]),
        TAG(16, [b"\xa1\x01\x03", {}, b""]),
        TAG(16, [b"\xa1\x01\x03", [], b""]),
        TAG(16, [b"\xa1\x01\x03", "nonce", b""]),
        TAG(16, [b"\xa1\x01\x03", 5, b""]),
        TAG(16, [b"\xa1\x01\x03", None, b""]),
        TAG(16, [b"\xa1\x01\x03", {5: b"short"}, b""]),
        TAG(16, [b"\xa1\x01\x03", {5: "n" * 12}, b""]),
        TAG(16, [b"\xa1\x01\x03", {5: b"n" * 12}, b""]),
        TAG(16, [b"\xa1\x01\x03", {5: b"n" * 12}, "text"]),
        TAG(16, [b"\xa1\x01\x01", {5: b"n" * 12}, b"0" * 40]),
        TAG(16, [b"\x80", {5: b"n" * 12}, b"0" * 40]),
        TAG(61, TAG(18, [b"", {}, b"", b""])),
        TAG(17, [b"", {}, b"", b""]),
    ],
    ids=str,
)
def test_what_has_another_shape_than_a_card_code_is_refused_with_our_error(value: Any) -> None:
    with pytest.raises(CredentialsError):
        open_card(packed(value), SIGNER.public, now=NOON, verifier_key=KEY)
    with pytest.raises(CredentialsError):
        open_card(sealed_around(cbor2.dumps(value)), SIGNER.public, now=NOON, verifier_key=KEY)


def test_a_code_sealed_twice_is_refused() -> None:
    inner = zlib.decompress(base45.decode(write_sealed(SIGNER.sign(FULL), KEY)))
    with pytest.raises(CodeMalformed):
        open_card(sealed_around(inner), SIGNER.public, now=NOON, verifier_key=KEY)
    with pytest.raises(CodeMalformed):
        open_card(write_sealed(inner, KEY), SIGNER.public, now=NOON, verifier_key=KEY)


def test_a_code_that_unpacks_to_more_than_its_limit_is_refused_even_when_it_is_genuine() -> None:
    fits, bomb = signed_claims(CLAIMS | {99: "x" * 3_900}), signed_claims(CLAIMS | {99: "x" * 1_000_000})
    assert open_card(fits, SIGNER.public, now=NOON).full_name == "A"
    assert len(bomb) < LONGEST_TEXT
    with pytest.raises(CodeMalformed):
        open_card(bomb, SIGNER.public, now=NOON)
    with pytest.raises(CodeMalformed):
        open_card(write_open(b"\0" * (LARGEST_INSIDE + 1)), SIGNER.public, now=NOON)


def test_a_text_longer_than_any_card_code_is_refused_even_when_it_is_genuine() -> None:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(122))
    fits, longer = signed_claims(CLAIMS | {99: noise[:3_700]}), signed_claims(CLAIMS | {99: noise[:3_900]})
    assert len(fits) <= LONGEST_TEXT < len(longer)
    assert open_card(fits, SIGNER.public, now=NOON).full_name == "A"
    with pytest.raises(CodeMalformed):
        open_card(longer, SIGNER.public, now=NOON)


def test_a_code_nested_without_end_is_refused() -> None:
    for start in (b"\x81", b"\xd8\x12", b"\xa1\x01"):
        with pytest.raises(CodeMalformed):
            open_card(write_open(start * 2_000), SIGNER.public, now=NOON)


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.text(ALPHABET, max_size=300))
@example("")
@example("\ud800")
@example("0")
def test_any_text_gives_a_card_or_one_of_our_errors(text: str) -> None:
    with pytest.raises(CredentialsError):
        open_card(text, SIGNER.public, now=NOON, verifier_key=KEY)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=70) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-10, 10), inner, max_size=3),
    max_leaves=8,
)
headers = st.sampled_from([b"\xa1\x01\x27", b"\xa1\x01\x03", b"\x80", b""]) | st.binary(max_size=9)
bodies = st.tuples(headers, plain, plain, plain) | st.tuples(headers, plain, plain)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.builds(lambda tag, body: cbor2.dumps(TAG(tag, list(body))), st.sampled_from([16, 18, 61, 1, 30]), bodies)
)
def test_any_content_inside_gives_one_of_our_errors(inside: bytes) -> None:
    for code in (write_open(inside), sealed_around(inside)):
        with pytest.raises(CredentialsError):
            open_card(code, SIGNER.public, now=NOON, verifier_key=KEY)


# --- base45 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_base45_is_written_as_rfc_9285_shows(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=200))
def test_base45_survives_a_round_trip_and_uses_only_its_letters(data: bytes) -> None:
    text = base45.encode(data)
    assert set(text) <= set(ALPHABET)
    assert len(text) == len(data) // 2 * 3 + len(data) % 2 * 2
    assert base45.decode(text) == data


@given(st.text(ALPHABET, max_size=40))
def test_base45_has_one_spelling_for_every_value(text: str) -> None:
    try:
        data = base45.decode(text)
    except CodeMalformed:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize("text", ["GGW", "::", "A", "AAAA", ":::", "aB8", "Ä", "BB8\n"])
def test_what_is_no_base45_is_refused(text: str) -> None:
    # RFC 9285 section 6: "GGW" would stand for 65536.
    with pytest.raises(CodeMalformed):
        base45.decode(text)
