"""Log-ins for the mint (NUT-21): this service's word that somebody whom it knows asks, and not who.

Guarantees: the name in every log-in is drawn anew, so that two of them cannot be told to be one person's or one shop's; each is
good for `GOOD_SECONDS`, and each who asks gets at most `MOST_A_DAY`, counted in memory by a hash that only this process can make.
Nothing of it is stored or logged. The mint gives access tokens for a log-in (NUT-22), which name nobody either.
"""

import hashlib
import secrets
import threading

import msgspec

from amparo_common import canonical
from amparo_common.clock import Clock
from amparo_common.signing import SigningKey, sign_compact
from amparo_service.errors import NotFound, TooOften

# The program that log-ins are for: `client_id` of the mint's `clear_auth`.
CLIENT = "amparo"
TYP = "JWT"
GOOD_SECONDS = 300
MOST_A_DAY = 20
KEY = "login-key"


class LoggedIn(msgspec.Struct, frozen=True):
    """The answer: a log-in as text for the mint."""

    login: str


class LogIn(msgspec.Struct, frozen=True):
    """What a log-in says (docs/formats/access.md): by whom, of nobody, for which program, when it was made and when it ends (unix
    time)."""

    iss: str
    sub: str
    azp: str
    iat: int
    exp: int


class LogIns:
    """Signs log-ins in the name of `issuer`, the one that the mint's `clear_auth` names; None: this service logs nobody in."""

    def __init__(self, key: SigningKey, *, issuer: str | None, clock: Clock) -> None:
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._day = clock.now().date()
        self._given: dict[bytes, int] = {}

    def new(self, who: str) -> LoggedIn:
        """A log-in for somebody whom the caller has recognised. Raises `NotFound` where nobody is logged in, `TooOften`."""
        if self._issuer is None:
            raise NotFound(
                "Nobody is logged in here.",
                why="This service has no login_issuer in its config.json.",
                todo="The mint may want no log-in then: ask its operator.",
            )
        self._count(hashlib.blake2b(who.encode(), key=self._secret, digest_size=16).digest())
        now = int(self._clock.now().timestamp())
        said = LogIn(iss=self._issuer, sub=secrets.token_hex(16), azp=CLIENT, iat=now, exp=now + GOOD_SECONDS)
        return LoggedIn(sign_compact(canonical.encode(said), self._key, typ=TYP))

    def _count(self, who: bytes) -> None:
        with self._lock:
            today = self._clock.now().date()
            if today != self._day:
                self._day = today
                self._given = {}
            if self._given.get(who, 0) >= MOST_A_DAY:
                raise TooOften(f"At most {MOST_A_DAY} log-ins are given a day.")
            self._given[who] = self._given.get(who, 0) + 1
