"""NUT-21: requests that need a log-in (OpenID Connect): the header `Clear-auth` carries a token signed by the log-in service.

Guarantees: signatures are checked (`login_keys.py`), then issuer, client and times, with the mint's clock. Nothing of who logged in
is stored, logged or handed on: callers get a hash under a key that exists in this process only. Not here: the log-in itself, and
how requests become anonymous again (`blind_auth.py`).
"""

import hashlib
import secrets
from pathlib import Path
from typing import NewType

import msgspec

from amparo_cashu.errors import AuthRateExceeded, ClearAuthFalse, ClearAuthMissing
from amparo_cashu.wire import ClearAuthSetting, Endpoint
from amparo_common.clock import Clock
from amparo_mint.errors import BadConfiguration

Subject = NewType("Subject", bytes)

HEADER = b"clear-auth"
LONGEST_TOKEN = 8_192
LONGEST_SUBJECT = 255
# How far the log-in service's clock may be ahead of the mint's.
AHEAD_SECONDS = 30
_DISCOVERY = "/.well-known/openid-configuration"


class ClearAuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`clear_auth` in config.json. `openid_discovery` and `client_id` are what wallets are told; `keys` is the path of a file with
    the log-in service's public keys (JWKS), from the data folder; `protected_endpoints` need a log-in, besides asking for access
    tokens, which always does."""

    openid_discovery: str
    client_id: str
    keys: str
    protected_endpoints: list[Endpoint] = []


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
        # What reads signatures is a tenth of a start, and only who asks for log-ins needs it.
        from amparo_mint.login_keys import LoginKeys

        self._keys = LoginKeys(folder / settings.keys)
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
        payload = self._keys.payload(token)
        try:
            return msgspec.json.decode(payload, type=_Claims)
        except (ValueError, RecursionError) as error:
            raise ClearAuthFalse("A log-in token cannot be read.") from error

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
