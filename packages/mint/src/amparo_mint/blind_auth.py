"""NUT-22: requests that cost one blind access token (header `Blind-auth`): whoever logged in gets a bounded number of them, and
nothing joins a token to the log-in, or two requests to each other.

Guarantees: access tokens are of keysets of the unit `auth`, which take part in nothing else: no swap, quote, deposit, restore.
A token is spent by the commit that follows a successful answer, never after a refusal; it serves one request at a time, and that
commit is the last word between processes. One that carries its blinding factor is refused. Asking for tokens needs a log-in
(NUT-21), counted for each subject and day. Not here: which keysets there are (the operator, the calendar).
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from amparo_cashu.errors import BadToken, BlindAuthFalse, TokenError, TooManyAuthTokens
from amparo_cashu.nut21_paths import check_endpoints, is_protected
from amparo_cashu.nut22_auth import UNIT, proof_of, read_auth
from amparo_cashu.wire import (
    BlindAuthSetting,
    BlindedMessage,
    ClearAuthSetting,
    Endpoint,
    Proof,
    Signatures,
)
from amparo_common.clock import Clock
from amparo_mint import clear_auth
from amparo_mint.asgi import Handler, Reply, Request
from amparo_mint.catalogue import MOST_INPUTS, Catalogue
from amparo_mint.clear_auth import ClearAuth, ClearAuthSettings, DailyCount
from amparo_mint.errors import BadConfiguration
from amparo_mint.info import KeyPages
from amparo_mint.model import Change, Done, Entry
from amparo_mint.signing import SigningDesk
from amparo_mint.sockets import SOCKET_PATH
from amparo_mint.store import Store, TokenHasher

_LOG = logging.getLogger(__name__)
HEADER = b"blind-auth"
MINT_PATH = "/v1/auth/blind/mint"
USUALLY_PROTECTED = (
    Endpoint("POST", "/v1/swap"),
    Endpoint("GET", "/v1/mint/*"),
    Endpoint("POST", "/v1/mint/*"),
    Endpoint("POST", "/v1/restore"),
    Endpoint("POST", "/v1/checkstate"),
)
# What a wallet asks before it can have either kind of token.
_ALWAYS_OPEN = (
    ("GET", "/v1/info"),
    ("GET", "/v1/auth/blind/keys"),
    ("GET", "/v1/auth/blind/keysets"),
    ("POST", MINT_PATH),
)
_ASKING = Endpoint("POST", MINT_PATH)
_NO_ANSWER_YET = Reply(b"")


class BlindAuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`blind_auth` in config.json: how many access tokens one request may ask for and one subject gets in a day, and the requests
    that cost one each."""

    bat_max_mint: int = 50
    most_a_day: int = 1_000
    protected_endpoints: tuple[Endpoint, ...] = USUALLY_PROTECTED


class BlindAuth:
    """The access tokens of a mint."""

    def __init__(
        self,
        settings: BlindAuthSettings,
        clear: ClearAuth,
        *,
        store: Store,
        desk: SigningDesk,
        hasher: TokenHasher,
        commit: Callable[[Change], Awaitable[Done]],
        clock: Clock,
    ) -> None:
        """`commit` carries out one change in the mint's batches. Raises `BadConfiguration`."""
        if not 0 < settings.bat_max_mint <= MOST_INPUTS:
            raise BadConfiguration(f"blind_auth.bat_max_mint is not between 1 and {MOST_INPUTS}.")
        self.settings = settings
        self._clear = clear
        self._store = store
        self._desk = desk
        self._hasher = hasher
        self._commit = commit
        self._clock = clock
        self._given = DailyCount(settings.most_a_day, clock=clock)
        # The tokens of requests that are being answered, by keyset and secret. Changed in the event loop only.
        self._serving: set[tuple[str, str]] = set()
        self.use(Catalogue())

    def use(self, catalogue: Catalogue) -> None:
        """Take these keysets, all of the unit `auth`, from now on."""
        self._catalogue = catalogue
        self.pages = KeyPages(catalogue, self._now())

    def can_issue(self) -> bool:
        """Whether a keyset of access tokens signs at this moment."""
        return any(each.signs_at(self._now()) for each in self._catalogue.listed)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    async def issue(self, login: str, outputs: Sequence[BlindedMessage]) -> Signatures:
        """Sign access tokens for whoever logged in. Repeating a request gives the same signatures and is not counted again.
        Raises `ClearAuthMissing`, `ClearAuthFalse`, `TooManyAuthTokens`, `AuthRateExceeded` and what outputs are refused for."""
        subject = self._clear.check(login)
        if len(outputs) > self.settings.bat_max_mint:
            raise TooManyAuthTokens(f"At most {self.settings.bat_max_mint} access tokens are given at once.")
        catalogue = self._catalogue
        count = catalogue.check_outputs(outputs)
        refusal = catalogue.closed_to([], outputs, now=self._now()) or self._given.take(subject, count)
        given = False
        try:
            signed = await self._desk.run([], outputs)
            issue = catalogue.issued_entries(outputs, self._hasher)
            # Told to the database instead of raised: whoever lost an answer still gets it by asking again.
            done = await self._commit(Change(issue=issue, unless_replayed=refusal))
            given = not done.replayed
        finally:
            if refusal is None and not given:
                self._given.give_back(subject, count)
        return Signatures(signed.signatures)

    async def serve(self, request: Request, handler: Handler) -> Reply:
        """The handler's answer, paid with the token of the request's header; an answer that refuses costs nothing. Raises
        `BlindAuthMissing`, `BlindAuthFalse`, and what the handler raises."""
        proof = proof_of(read_auth(request.header(HEADER)))
        place = (proof.id, proof.secret)
        if place in self._serving:
            raise BlindAuthFalse("An access token serves another request at this moment.")
        self._serving.add(place)
        try:
            entry = await self._unspent(proof)
            answer = await handler(request)
            if answer.status < 400:
                await self._spend(entry)
            return answer
        finally:
            self._serving.discard(place)

    async def _unspent(self, proof: Proof) -> Entry:
        """The token as it is kept. Raises `BlindAuthFalse` unless it is genuine, in time and unspent."""
        catalogue = self._catalogue
        try:
            catalogue.check_inputs([proof])
            closed = catalogue.closed_to([proof], [], now=self._now())
            signed = await self._desk.run([proof], [])
        except TokenError as error:
            raise BlindAuthFalse("An access token is not of this mint.") from error
        if closed is not None:
            raise BlindAuthFalse("An access token's time has passed.")
        (entry,) = catalogue.spent_entries([proof], signed.points, self._hasher)
        if await self._store.token_states([(entry.keyset, entry.hash)]) != ["UNSPENT"]:
            raise BlindAuthFalse("An access token was used before.")
        return entry

    async def _spend(self, entry: Entry) -> None:
        try:
            await self._commit(Change(spend=[entry]))
        except TokenError as error:
            # Another process was quicker. What the request did stays done: repeated with a fresh token it is answered.
            raise BlindAuthFalse("An access token was used by another request.") from error


class Access:
    """Which requests need a log-in, and which cost an access token. Without settings: none."""

    def __init__(self, clear: ClearAuth | None = None, blind: BlindAuth | None = None) -> None:
        """Raises `BadConfiguration` when an endpoint is malformed or must stay open."""
        self.blind = blind
        self._clear = clear
        self._logged_in = [] if clear is None else clear.endpoints
        self._paid = [] if blind is None else list(blind.settings.protected_endpoints)
        for endpoint in (*self._logged_in, *self._paid):
            if endpoint != _ASKING or endpoint in self._paid:
                _check(endpoint)

    def use(self, catalogue: Catalogue) -> Catalogue:
        """Take the keysets of access tokens out of a mint's; those of money remain."""
        if self.blind is not None:
            self.blind.use(Catalogue(each for each in catalogue.listed if each.row.unit == UNIT))
        return Catalogue(each for each in catalogue.listed if each.row.unit != UNIT)

    def warn(self) -> None:
        """Say it in the mint's own log when nobody can get an access token, because no keyset makes them."""
        if self.blind is not None and not self.blind.can_issue():
            _LOG.warning(
                "blind_auth is on, and no keyset of the unit %s signs: what it protects is closed to everybody until one is opened "
                "(docs/operate/mint.md, «blind_auth»).",
                UNIT,
            )

    def guard(self, places: Iterable[tuple[str, str]]) -> None:
        """Raises `BadConfiguration` when a protected endpoint is none of the mint's `places` (method and path), so that nothing
        stays open by a slip of the pen; and when one needs both: the log-in would name the owner of the access token."""
        known = {*places, ("GET", SOCKET_PATH)}
        for endpoint in (*self._logged_in, *self._paid):
            if not any(is_protected([endpoint], method=method, path=path) for method, path in known):
                raise BadConfiguration(f"There is no {endpoint.method} {endpoint.path} to protect.")
        for method, path in known:
            if all(is_protected(each, method=method, path=path) for each in (self._logged_in, self._paid)):
                raise BadConfiguration(f"{method} {path} would need a log-in and an access token at once.")

    def guarded(self, routes: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
        """The routes, each behind what it needs. Raises `BadConfiguration`."""
        if not self._logged_in and not self._paid:
            return dict(routes)
        self.guard(routes)
        return {place: self.behind(handler) for place, handler in routes.items()}

    def behind(self, handler: Handler) -> Handler:
        """A handler that is asked only for requests which show what they need."""

        async def asked(request: Request) -> Reply:
            if self._clear is not None and is_protected(self._logged_in, method=request.method, path=request.path):
                self._clear.check(request.header(clear_auth.HEADER))
            if self.blind is not None and is_protected(self._paid, method=request.method, path=request.path):
                return await self.blind.serve(request, handler)
            return await handler(request)

        return asked

    async def admit(self, request: Request) -> None:
        """The same for a request that is answered in another way (a websocket). Raises what it lacks."""
        await self.behind(_nothing_yet)(request)

    def settings(self) -> tuple[ClearAuthSetting | None, BlindAuthSetting | None]:
        """What /v1/info says of both."""
        asking = [] if self.blind is None or _ASKING in self._logged_in else [_ASKING]
        clear = None if self._clear is None else self._clear.setting(asking)
        blind = None if self.blind is None else BlindAuthSetting(self.blind.settings.bat_max_mint, self._paid)
        return clear, blind


def open_access(
    clear_settings: ClearAuthSettings | None,
    blind_settings: BlindAuthSettings | None,
    folder: Path,
    *,
    store: Store,
    desk: SigningDesk,
    hasher: TokenHasher,
    commit: Callable[[Change], Awaitable[Done]],
    clock: Clock,
) -> Access:
    """What the configuration asks for. Raises `BadConfiguration`."""
    clear = None if clear_settings is None else ClearAuth(clear_settings, folder, clock=clock)
    if blind_settings is None:
        return Access(clear)
    if clear is None:
        raise BadConfiguration("blind_auth needs clear_auth: nothing else bounds how many access tokens are given out.")
    return Access(
        clear, BlindAuth(blind_settings, clear, store=store, desk=desk, hasher=hasher, commit=commit, clock=clock)
    )


async def _nothing_yet(_request: Request) -> Reply:
    return _NO_ANSWER_YET


def _check(endpoint: Endpoint) -> None:
    try:
        check_endpoints([endpoint])
    except BadToken as error:
        raise BadConfiguration("A protected endpoint is malformed.") from error
    closed = any(is_protected([endpoint], method=method, path=path) for method, path in _ALWAYS_OPEN)
    # The operator and the office have keys of their own.
    if closed or not endpoint.path.startswith("/v1/"):
        raise BadConfiguration(f"{endpoint.method} {endpoint.path} cannot be protected.")
