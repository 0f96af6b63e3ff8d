"""Log-ins (NUT-21): which tokens of a log-in service are accepted, how its keys are read, and how many access tokens a day."""

import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from packages.mint.tests.conftest import NOON

from amparo_cashu.errors import AuthRateExceeded, ClearAuthFalse, ClearAuthMissing
from amparo_cashu.wire import Endpoint
from amparo_common.clock import FixedClock
from amparo_common.signing import SigningKey, b64url
from amparo_mint.clear_auth import AHEAD_SECONDS, ClearAuth, ClearAuthSettings, DailyCount, Subject
from amparo_mint.errors import BadConfiguration
from amparo_mint.login_keys import read_keys

ISSUER = "https://login.example/realms/aid"
DISCOVERY = ISSUER + "/.well-known/openid-configuration"
CLIENT = "amparo-wallet"
NOW = int(NOON.timestamp())


class LogIn:
    """The log-in service: an elliptic, an RSA and an Edwards key, each with an id; and the file with their public halves."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "login-keys.json"
        self.elliptic = SigningKey.generate()
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.edwards = Ed25519PrivateKey.generate()
        self.write(self.public())

    def public(self) -> list[dict[str, Any]]:
        """The public keys as JWKs."""
        numbers = self.rsa.public_key().public_numbers()
        elliptic = msgspec.to_builtins(self.elliptic.public.jwk)
        return [
            {**elliptic, "kid": "ec", "use": "sig", "alg": "ES256"},
            {
                "kty": "RSA",
                "n": _number(numbers.n),
                "e": _number(numbers.e),
                "kid": "rsa",
                "use": "sig",
                "alg": "RS256",
            },
            {"kty": "OKP", "crv": "Ed25519", "x": b64url(self.edwards.public_key().public_bytes_raw()), "kid": "ed"},
            {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e), "kid": "sealing", "use": "enc"},
        ]

    def write(self, keys: Sequence[dict[str, Any]]) -> None:
        """Publish these keys instead."""
        self.file.write_text(json.dumps({"keys": list(keys)}))

    def settings(self, *endpoints: Endpoint) -> ClearAuthSettings:
        """The mint's settings for this service."""
        return ClearAuthSettings(DISCOVERY, CLIENT, self.file.name, list(endpoints))

    def sign(self, message: bytes, kid: str) -> bytes:
        """A signature by one of the keys."""
        match kid:
            case "ec":
                return self.elliptic.sign(message)
            case "ed":
                return self.edwards.sign(message)
            case _:
                return self.rsa.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def token(self, *, header: dict[str, Any] | None = None, by: str = "ec", **claims: Any) -> str:
        """A token for one hour; `header` and `claims` change it, a claim of None is left out."""
        algorithm = {"ec": "ES256", "rsa": "RS256", "ed": "EdDSA"}[by]
        head = {"alg": algorithm, "kid": by, "typ": "JWT"} | (header or {})
        body = {"iss": ISSUER, "sub": "María Pérez", "azp": CLIENT, "exp": NOW + 3600, "iat": NOW, "nbf": NOW} | claims
        present = {key: value for key, value in body.items() if value is not None}
        signed = _part(head) + "." + _part(present)
        return signed + "." + b64url(self.sign(signed.encode(), by))


def _part(value: Any) -> str:
    return b64url(json.dumps(value).encode())


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> LogIn:
    """A log-in service."""
    return LogIn(tmp_path_factory.mktemp("login"))


@pytest.fixture(scope="module")
def clear(login: LogIn) -> ClearAuth:
    """The mint's side of it."""
    return ClearAuth(login.settings(), login.file.parent, clock=FixedClock(NOON))


# --- log-in tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["ec", "rsa", "ed"])
def test_a_log_in_is_accepted_with_each_of_the_three_algorithms(login: LogIn, clear: ClearAuth, by: str) -> None:
    found = clear.check(login.token(by=by))
    assert found == clear.check(login.token(by=by, exp=NOW + 60))
    assert found != clear.check(login.token(by=by, sub="Juan"))
    with pytest.raises(ClearAuthFalse):
        clear.check(login.token(by=by)[:-8] + "AAAAAAAA")


def test_an_edwards_key_may_be_called_by_its_new_word(login: LogIn, clear: ClearAuth) -> None:
    assert clear.check(login.token(by="ed", header={"alg": "Ed25519"})) == clear.check(login.token(by="ed"))


def test_what_is_known_of_a_subject_is_of_no_use_elsewhere(login: LogIn, clear: ClearAuth) -> None:
    other = ClearAuth(login.settings(), login.file.parent, clock=FixedClock(NOON))
    found = clear.check(login.token())
    assert len(found) == 16
    assert found != other.check(login.token())


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"alg": "PS256"},
        {"alg": ["ES256"]},
        {"alg": None},
        {"kid": "rsa"},
        {"kid": "ed"},
        {"kid": "sealing"},
        {"kid": "unknown"},
        {"kid": None},
        {"typ": "logout+jwt"},
        {"typ": "dpop+jwt"},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
    ],
    ids=str,
)
def test_a_header_that_asks_for_something_else_is_refused(
    login: LogIn, clear: ClearAuth, change: dict[str, Any]
) -> None:
    assert clear.check(login.token(header={"typ": "at+jwt", "nonce": "ignored"}))
    with pytest.raises(ClearAuthFalse):
        clear.check(login.token(header=change))


def test_a_public_key_is_no_shared_key(login: LogIn, clear: ClearAuth) -> None:
    # The classic confusion: a public key, which everybody has, taken for the secret of an HMAC.
    public = login.rsa.public_key()
    shapes = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(login.public()[1]).encode(),
    ]
    for secret in shapes:
        signed = login.token(by="rsa", header={"alg": "HS256"}).rpartition(".")[0]
        forged = signed + "." + b64url(hmac.digest(secret, signed.encode(), "sha256"))
        with pytest.raises(ClearAuthFalse):
            clear.check(forged)


def test_a_key_that_a_token_brings_along_is_not_used(login: LogIn, clear: ClearAuth) -> None:
    thief = LogIn(login.file.parent.parent)
    mine = thief.public()[0]
    with pytest.raises(ClearAuthFalse):
        clear.check(thief.token(header={"jwk": {key: mine[key] for key in ("kty", "crv", "x", "y")}}))
    with pytest.raises(ClearAuthFalse):
        clear.check(thief.token())


@pytest.mark.parametrize(
    "change",
    [
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"nbf": NOW + AHEAD_SECONDS + 1},
        {"iss": "https://login.example/realms/other"},
        {"iss": None},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"sub": "x" * 256},
        {"azp": "another-program"},
        {"azp": "another-program", "aud": CLIENT},
        {"azp": None, "client_id": "another-program", "aud": CLIENT},
        {"azp": None, "aud": "account"},
        {"azp": None, "aud": []},
        {"azp": None},
    ],
    ids=str,
)
def test_a_token_for_another_time_service_or_program_is_refused(
    login: LogIn, clear: ClearAuth, change: dict[str, Any]
) -> None:
    with pytest.raises(ClearAuthFalse):
        clear.check(login.token(**change))


@pytest.mark.parametrize(
    "change",
    [
        {"exp": NOW + 0.5},
        {"nbf": NOW + AHEAD_SECONDS, "iat": None},
        {"nbf": None},
        {"iss": ISSUER + "/"},
        {"azp": None, "client_id": CLIENT},
        {"azp": None, "aud": CLIENT},
        {"azp": None, "aud": ["account", CLIENT]},
    ],
    ids=str,
)
def test_a_token_is_for_the_client_by_azp_or_client_id_or_audience(
    login: LogIn, clear: ClearAuth, change: dict[str, Any]
) -> None:
    assert clear.check(login.token(**change))


def test_the_mints_own_clock_ends_a_log_in(login: LogIn) -> None:
    clock = FixedClock(NOON)
    clear = ClearAuth(login.settings(), login.file.parent, clock=clock)
    token = login.token()
    assert clear.check(token)
    clock.set(NOON + timedelta(hours=1))
    with pytest.raises(ClearAuthFalse):
        clear.check(token)


def test_no_log_in_is_another_error_than_a_false_one(clear: ClearAuth) -> None:
    with pytest.raises(ClearAuthMissing):
        clear.check("")
    with pytest.raises(ClearAuthFalse):
        clear.check("a" * 9_000)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.binary(max_size=30).map(b64url), min_size=1, max_size=4).map(".".join),
        st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda each: st.lists(each, max_size=3)).map(
            lambda value: ".".join([_part(value), _part({}), ""])
        ),
        st.dictionaries(
            st.sampled_from(["alg", "kid", "typ", "crit"]), st.sampled_from(["ES256", "ec", 1, None, []])
        ).map(lambda value: ".".join([_part(value), _part({}), "AA"])),
    )
)
def test_whatever_stands_in_the_header_is_answered_with_a_refusal(clear: ClearAuth, text: str) -> None:
    with pytest.raises((ClearAuthFalse, ClearAuthMissing)):
        clear.check(text)


# --- the file of public keys -----------------------------------------------------------------------------------


def test_a_new_key_of_the_log_in_service_counts_once_it_is_in_the_file(tmp_path: Path) -> None:
    old, new = LogIn(tmp_path), LogIn(tmp_path)
    old.write(old.public())
    clear = ClearAuth(old.settings(), tmp_path, clock=FixedClock(NOON))
    with pytest.raises(ClearAuthFalse):
        clear.check(new.token(by="ed"))
    old.write([*old.public()[:2], new.public()[2], {"kty": "oct"}])
    assert clear.check(new.token(by="ed")) == clear.check(old.token(by="ec"))
    with pytest.raises(ClearAuthFalse):
        clear.check(old.token(by="ed"))


def test_a_damaged_file_changes_nothing_while_the_mint_runs(tmp_path: Path) -> None:
    login = LogIn(tmp_path)
    clear = ClearAuth(login.settings(), tmp_path, clock=FixedClock(NOON))
    login.file.write_text('{"keys": [')
    assert clear.check(login.token())
    login.file.unlink()
    assert clear.check(login.token())


def test_a_single_key_needs_no_id(tmp_path: Path) -> None:
    login = LogIn(tmp_path)
    login.write([{key: value for key, value in login.public()[0].items() if key not in ("kid", "alg", "use")}])
    clear = ClearAuth(login.settings(), tmp_path, clock=FixedClock(NOON))
    nameless = login.token(header={"kid": login.elliptic.kid})
    assert clear.check(nameless)
    with pytest.raises(ClearAuthFalse):
        clear.check(login.token(header={"kid": "ec"}))


BAD_KEYS: dict[str, Any] = {
    "none": [],
    "no list": "keys",
    "no point": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}],
    "half": [{"kty": "EC", "crv": "P-256"}],
    "another curve": [{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}],
    "for agreeing": [{"kty": "OKP", "crv": "X25519", "x": b64url(bytes(32))}],
    "for sealing": [{"kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(32)), "use": "enc"}],
    "shared": [{"kty": "oct", "k": b64url(bytes(32))}],
    "private": [{"kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(32)), "d": b64url(bytes(32))}],
    "short": [{"kty": "RSA", "n": _number(2**1023 + 1), "e": "AQAB"}],
}


@pytest.mark.parametrize("keys", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_file_without_a_good_key_or_with_a_secret_one_stops_the_mint(tmp_path: Path, keys: Any) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys}))
    with pytest.raises(BadConfiguration):
        read_keys(tmp_path / "keys.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), ("{}", "missing required field `keys`"), ("", "truncated"), ("[]", "Expected `object`")],
)
def test_what_is_wrong_with_the_file_of_keys_is_said(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "keys.json").write_text(content)
    with pytest.raises(BadConfiguration, match=said):
        read_keys(tmp_path / "keys.json")


def test_settings_that_cannot_be_meant_stop_the_mint(tmp_path: Path) -> None:
    login = LogIn(tmp_path)
    clock = FixedClock(NOON)
    for change in ({"openid_discovery": ISSUER}, {"client_id": ""}, {"keys": "elsewhere.json"}):
        with pytest.raises(BadConfiguration):
            ClearAuth(msgspec.structs.replace(login.settings(), **change), tmp_path, clock=clock)


# --- how many a day --------------------------------------------------------------------------------------------


def test_a_subject_gets_a_number_a_day_and_the_next_day_again() -> None:
    clock = FixedClock(NOON)
    count = DailyCount(10, clock=clock)
    one, other = Subject(b"1" * 16), Subject(b"2" * 16)
    assert count.take(one, 8) is None
    assert isinstance(count.take(one, 3), AuthRateExceeded)
    assert count.take(one, 2) is None
    assert count.take(other, 10) is None
    assert isinstance(count.take(one, 1), AuthRateExceeded)
    count.give_back(one, 2)
    assert count.take(one, 2) is None
    clock.set(NOON + timedelta(hours=12))
    assert count.take(one, 10) is None
    assert isinstance(count.take(one, 1), AuthRateExceeded)


def test_what_is_given_back_the_next_day_does_not_raise_the_limit() -> None:
    clock = FixedClock(NOON)
    count = DailyCount(10, clock=clock)
    one = Subject(b"1" * 16)
    assert count.take(one, 10) is None
    clock.set(NOON + timedelta(days=1))
    assert count.take(one, 2) is None
    count.give_back(one, 10)
    assert count.take(one, 10) is None
    assert isinstance(count.take(one, 1), AuthRateExceeded)
