"""NUT-21: requests that need a log-in (OpenID Connect): the header `Clear-auth` carries a token signed by the log-in service.

Guarantees: only asymmetric signatures, each key bound to one algorithm beforehand (ES256, RS256 or EdDSA by its type); issuer,
client and times are checked with the mint's clock. Nothing of who logged in is stored, logged or handed on: callers get a hash
under a key that exists in this process only. Asks no network: the service's public keys (JWKS) lie in a file, read again when it
changes. Not here: the log-in itself, and how requests become anonymous again (`blind_auth.py`).
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NewType

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from amparo_cashu.errors import AuthRateExceeded, ClearAuthFalse, ClearAuthMissing
from amparo_cashu.wire import ClearAuthSetting, Endpoint
from amparo_common.clock import Clock
from amparo_mint.errors import BadConfiguration

Subject = NewType("Subject", bytes)

HEADER = b"clear-auth"
LONGEST_TOKEN = 8_192
LONGEST_SUBJECT = 255
SMALLEST_RSA_BITS = 2_048
# How far the log-in service's clock may be ahead of the mint's.
AHEAD_SECONDS = 30
_DISCOVERY = "/.well-known/openid-configuration"
# A signed logout notice, for one, has an issuer and a subject too.
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
_REGISTRY = jws.JWSRegistry(algorithms=["ES256", "RS256", "Ed25519"], strict_check_header=False)


class ClearAuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`clear_auth` in config.json. `openid_discovery` and `client_id` are what wallets are told; `keys` is the path of a file with
    the log-in service's public keys (JWKS), from the data folder; `protected_endpoints` need a log-in, besides asking for access
    tokens, which always does."""

    openid_discovery: str
    client_id: str
    keys: str
    protected_endpoints: list[Endpoint] = []


class LoginKey(msgspec.Struct, frozen=True):
    """A public key of the log-in service. `algorithm` is the only one it verifies, by its present word; `spellings` are what a
    token may call it (RFC 9864 renamed EdDSA)."""

    key: ECKey | RSAKey | OKPKey
    algorithm: str
    spellings: frozenset[str]


class _Claims(msgspec.Struct, frozen=True):
    """What is read of a token; everything else about whoever logged in is left unread."""

    iss: str
    sub: str
    exp: int | float
    nbf: int | float | None = None
    azp: str | None = None
    client_id: str | None = None
    aud: str | list[str] = []


class ClearAuth:
    """Judges log-in tokens of one OpenID Connect service and one client."""

    def __init__(self, settings: ClearAuthSettings, folder: Path, *, clock: Clock) -> None:
        """`folder` is where a relative path of the key file begins. Raises `BadConfiguration`."""
        if not settings.openid_discovery.endswith(_DISCOVERY):
            raise BadConfiguration(f"clear_auth.openid_discovery does not end in {_DISCOVERY}.")
        if not settings.client_id:
            raise BadConfiguration("clear_auth.client_id is empty.")
        self._settings = settings
        self._issuer = settings.openid_discovery.removesuffix(_DISCOVERY)
        self._clock = clock
        self._path = folder / settings.keys
        self._stamp = _stamp(self._path)
        self._keys = read_keys(self._path)
        self._secret = secrets.token_bytes(32)

    @property
    def endpoints(self) -> list[Endpoint]:
        """The requests that need a log-in, besides asking for access tokens."""
        return self._settings.protected_endpoints

    def setting(self, more: list[Endpoint]) -> ClearAuthSetting:
        """What /v1/info says."""
        return ClearAuthSetting(self._settings.openid_discovery, self._settings.client_id, [*self.endpoints, *more])

    def check(self, token: str) -> Subject:
        """Who logged in, as 16 bytes that only this process can make. Raises `ClearAuthMissing`, `ClearAuthFalse`."""
        if not token:
            raise ClearAuthMissing("This request needs a log-in.")
        if len(token) > LONGEST_TOKEN:
            raise ClearAuthFalse("A log-in token is too long.")
        claims = self._read(token)
        self._check_times(claims)
        if claims.iss.removesuffix("/") != self._issuer.removesuffix("/"):
            raise ClearAuthFalse("A log-in token is from another service.")
        if not self._is_for_client(claims):
            raise ClearAuthFalse("A log-in token was made for another program.")
        if not 0 < len(claims.sub) <= LONGEST_SUBJECT:
            raise ClearAuthFalse("A log-in token names nobody.")
        return Subject(hashlib.blake2b(claims.sub.encode(), key=self._secret, digest_size=16).digest())

    def _read(self, token: str) -> _Claims:
        try:
            signed = jws.extract_compact(token.encode(), registry=_REGISTRY)
            found = self._key_for(signed.headers())
            # What is verified is the header as it was sent; this only chooses the algorithm that belongs to the key.
            signed.protected["alg"] = found.algorithm
            if not jws.validate_compact(signed, found.key, registry=_REGISTRY):
                raise ClearAuthFalse("A log-in token's signature is false.")
            return msgspec.json.decode(signed.payload, type=_Claims)
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            # AttributeError: the library takes any JSON value for a header.
            raise ClearAuthFalse("A log-in token cannot be read.") from error

    def _key_for(self, header: Mapping[str, Any]) -> LoginKey:
        if "crit" in header or "b64" in header or str(header.get("typ", "")).lower() not in _TYPES:
            raise ClearAuthFalse("A signed document is no log-in token.")
        keys = self._current_keys()
        kid = header.get("kid")
        found = next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(str(kid))
        if found is None or header.get("alg") not in found.spellings:
            raise ClearAuthFalse("A log-in token is not signed with a key of the log-in service.")
        return found

    def _current_keys(self) -> dict[str, LoginKey]:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._keys = read_keys(self._path)
            except BadConfiguration:
                # Half written or gone: the keys that were good stay, and the next change is read.
                return self._keys
        return self._keys

    def _check_times(self, claims: _Claims) -> None:
        now = self._clock.now().timestamp()
        if now >= claims.exp:
            raise ClearAuthFalse("A log-in has ended.")
        if claims.nbf is not None and claims.nbf > now + AHEAD_SECONDS:
            raise ClearAuthFalse("A log-in has not begun.")

    def _is_for_client(self, claims: _Claims) -> bool:
        """The program that asked for the token counts (azp, or client_id as in RFC 9068); else whom it is meant for."""
        asked_by = claims.azp if claims.azp is not None else claims.client_id
        if asked_by is not None:
            return asked_by == self._settings.client_id
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        return self._settings.client_id in audience


class DailyCount:
    """How many access tokens each subject got today (UTC, by the mint's clock).

    LIMIT: in memory, about 150 bytes a subject: a restart forgets it, and each of several processes counts for itself.
    """

    def __init__(self, most: int, *, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self._day = clock.now().date()
        self._taken: dict[Subject, int] = {}

    def take(self, subject: Subject, count: int) -> AuthRateExceeded | None:
        """Count before giving. The error, and nothing is counted, when it would be too many."""
        today = self._clock.now().date()
        if today != self._day:
            self._day = today
            self._taken = {}
        taken = self._taken.get(subject, 0) + count
        if taken > self._most:
            return AuthRateExceeded(f"At most {self._most:,} access tokens are given out a day.")
        self._taken[subject] = taken
        return None

    def give_back(self, subject: Subject, count: int) -> None:
        """What was counted was not given after all."""
        if subject in self._taken:
            self._taken[subject] = max(0, self._taken[subject] - count)


def read_keys(path: Path) -> dict[str, LoginKey]:
    """The keys of a JWKS file that verify log-in tokens, by their ids; keys of other kinds are passed over. Raises
    `BadConfiguration` when there are none, or when the file holds a private or shared key."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, list[dict[str, Any]]])["keys"]
        if any("d" in jwk or "k" in jwk for jwk in found):
            raise BadConfiguration(f"{path} holds a secret key; only public ones belong there.")
        keys = [(jwk, key) for jwk in found if (key := _login_key(jwk)) is not None]
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise BadConfiguration(f"{path} is no set of public keys (JWKS).", why=f"{type(error).__name__}.") from error
    if not keys:
        raise BadConfiguration(f"{path} holds no key for ES256, RS256 or EdDSA.")
    return {str(jwk.get("kid") or key.key.thumbprint()): key for jwk, key in keys}


def _login_key(jwk: dict[str, Any]) -> LoginKey | None:
    """A key with its one algorithm; None when it is for something else."""
    use, algorithm = jwk.get("use", "sig"), jwk.get("alg")
    made: LoginKey
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            made = LoginKey(ECKey.import_key(_only(jwk, "crv", "x", "y")), "ES256", frozenset({"ES256"}))
        case "OKP", "Ed25519":
            spellings = frozenset({"EdDSA", "Ed25519"})
            made = LoginKey(OKPKey.import_key(_only(jwk, "crv", "x")), "Ed25519", spellings)
        case "RSA", _:
            _check_size(jwk)
            made = LoginKey(RSAKey.import_key(_only(jwk, "n", "e")), "RS256", frozenset({"RS256"}))
        case _:
            return None
    if use != "sig" or (algorithm is not None and algorithm not in made.spellings):
        return None
    return made


def _check_size(jwk: dict[str, Any]) -> None:
    modulus = base64.urlsafe_b64decode(jwk["n"] + "==")
    if int.from_bytes(modulus, "big").bit_length() < SMALLEST_RSA_BITS:
        raise BadConfiguration(f"A key of the log-in service is shorter than {SMALLEST_RSA_BITS:,} bits.")


def _only(jwk: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {"kty": jwk["kty"], **{each: jwk[each] for each in fields}}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
