"""What a mint may want beside a request, so that strangers cannot flood it: a log-in (NUT-21), or an access token (NUT-22), which
names nobody.

Guarantees: a token is struck off the file before it is sent, so that none is shown twice and no two requests are joined by one.
Tokens are fetched many at once, beside a claim, where the office knows of this device anyway. What is asked for is written down
first: after a crash the same tokens come, and none is counted twice. They are of the access keyset of today in the public log,
each with the mint's proof, so that they mark nobody; and they come from no recovery code, so that a restored purse shows nothing
that the lost one has shown. A mint that wants neither costs no request.

LIMIT: a device that has used up its tokens fetches new ones at once. Beside an exchange this tells the mint that somebody who
logged in made it; not who, but in a quiet hour that is a small crowd.
"""

import contextlib
import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from amparo_cashu.errors import (
    AuthRateExceeded,
    BlindAuthFalse,
    BlindAuthMissing,
    ClearAuthFalse,
    ClearAuthMissing,
    TooManyAuthTokens,
)
from amparo_cashu.nut21_paths import check_endpoints, is_protected
from amparo_cashu.nut22_auth import AMOUNT, HEADER, UNIT, auth_of, write_auth
from amparo_cashu.outputs import OutputPlan, finish, messages
from amparo_cashu.wire import AuthMintRequest, Endpoint, MintInfo, Signatures
from amparo_common import canonical
from amparo_common.errors import AmparoError
from amparo_common.secret import Secret
from amparo_purse import access_store as store
from amparo_purse.access_store import Asked
from amparo_purse.errors import NoAccess
from amparo_purse.keys import Keys
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError

# Gives a fresh log-in, as text for the mint; raises one of our errors.
LogIn = Callable[[], str]

LOGIN_HEADER = "Clear-auth"
MINT_PATH, KEYSETS_PATH = "/v1/auth/blind/mint", "/v1/auth/blind/keysets"
# How many tokens are asked for at once, if the mint gives as many; and below how many more are fetched beside a claim.
MOST_ASKED, FEW = 50, 25
# Without a token; with one that is false; with another, after which all are thrown away; with a new one.
_TRIES = 4
_ABOUT_ACCESS = frozenset(
    str(each.number) for each in (ClearAuthMissing, ClearAuthFalse, BlindAuthMissing, BlindAuthFalse)
)
_ABOUT_RATE = frozenset(str(each.number) for each in (TooManyAuthTokens, AuthRateExceeded))
_NONE: Mapping[str, str] = MappingProxyType({})


class Wanted(msgspec.Struct, frozen=True):
    """What a mint says that it wants: which requests need a log-in, which cost a token, and how many tokens it gives at once."""

    login: list[Endpoint]
    token: list[Endpoint]
    most: int


class Access:
    """The access tokens of one purse, which `database` keeps under `name`. `mint` is the bare connection; `login` logs this device
    in, if anything does."""

    def __init__(self, database: Database, name: str, *, mint: Client, keys: Keys, login: LogIn | None) -> None:
        self._database = database
        self._name = name
        self._mint = mint
        self._keys = keys
        self._login = login
        # None: not asked. The mint is asked when it refuses, or when there are tokens from before.
        self._wanted: Wanted | None = None
        self._looked = False

    def headers(self, method: str, path: str) -> Mapping[str, str]:
        """What a request has to show; a token is gone then. Raises `NoAccess`, `Unreachable`."""
        if self._wanted is None and not self._looked:
            self._looked = True
            with self._database.reading() as connection:
                known = store.count(connection, self._name) > 0
            if known:
                self.learn()
        if self._wanted is None:
            return _NONE
        place = path.partition("?")[0]
        shown = {}
        if is_protected(self._wanted.login, method=method, path=place):
            shown[LOGIN_HEADER] = self._log_in()
        if is_protected(self._wanted.token, method=method, path=place):
            shown[HEADER] = self._take()
        return shown

    def learn(self) -> None:
        """Ask the mint what it wants. Raises `NoAccess`, `Unreachable`, `BadToken`."""
        try:
            said = self._mint.get("/v1/info", MintInfo).nuts
        except RemoteError as error:
            # Not as it is: a refusal here is none of the request that waits for it.
            raise NoAccess("The mint does not say what it wants.", why=str(error)) from error
        login = [] if said.clear_auth is None else said.clear_auth.protected_endpoints
        token = [] if said.blind_auth is None else said.blind_auth.protected_endpoints
        check_endpoints([*login, *token])
        self._wanted = Wanted(login, token, 0 if said.blind_auth is None else said.blind_auth.bat_max_mint)

    def forget(self) -> None:
        """Throw all tokens away: the mint does not take them."""
        with self._database.transaction() as connection:
            store.forget(connection, self._name)

    def top_up(self) -> None:
        """Fetch tokens when there are few, at a moment when that tells nothing new. What fails is tried again when one is
        needed."""
        if self._wanted is None or not self._wanted.token:
            return
        with self._database.reading() as connection:
            has_enough = store.count(connection, self._name) >= FEW
        if not has_enough:
            with contextlib.suppress(AmparoError):
                self._fetch()

    def _take(self) -> str:
        for fetched in (False, True):
            with self._database.transaction() as connection:
                token = store.take(connection, self._name)
            if token is not None:
                return token
            if not fetched:
                self._fetch()
        raise NoAccess("The mint gave no access token.")

    def _log_in(self) -> str:
        if self._login is None:
            raise NoAccess("The mint wants a log-in, and nobody logs this device in.")
        try:
            return self._login()
        except RemoteError as error:
            raise NoAccess("This device was not logged in.", why=str(error)) from error

    def _fetch(self) -> None:
        """Get tokens. Raises `NoAccess`, `Unreachable`, `SignatureNotProved` and what the keys raise."""
        asked = self._asked()
        outputs = messages(asked.plan, Secret(asked.seed))
        body = canonical.encode_trusted(AuthMintRequest(outputs=outputs))
        try:
            answer = self._mint.send("POST", MINT_PATH, body, headers={LOGIN_HEADER: self._log_in()})
        except RemoteError as error:
            if error.remote_code.isdigit() and error.remote_code not in _ABOUT_ACCESS | _ABOUT_RATE:
                # Its keyset signs no more, say: the next time others are asked for.
                with self._database.transaction() as connection:
                    store.drop_asked(connection, self._name)
            raise NoAccess("The mint gave no access tokens.", why=str(error)) from error
        signatures = self._mint.decode(answer, Signatures).signatures
        keys = self._keys.keyset(asked.plan.keyset).keys
        tokens = [write_auth(auth_of(each)) for each in finish(asked.plan, Secret(asked.seed), signatures, keys)]
        with self._database.transaction() as connection:
            store.add(connection, self._name, tokens)
            store.drop_asked(connection, self._name)

    def _asked(self) -> Asked:
        """What is asked for: the same again after a crash or a lost answer."""
        with self._database.reading() as connection:
            known = store.asked(connection, self._name)
        if known is not None:
            return known
        if self._wanted is None:
            self.learn()
        count = min(MOST_ASKED, self._wanted.most if self._wanted is not None else 0)
        if count < 1:
            raise NoAccess("The mint gives no access tokens.")
        keyset = self._keys.today(UNIT, path=KEYSETS_PATH).keyset
        made = Asked(OutputPlan(keyset, 0, [AMOUNT] * count, [None] * count), secrets.token_bytes(64))
        with self._database.transaction() as connection:
            return store.ask(connection, self._name, made)


class Admitted(Client):
    """A connection to the mint that shows what the mint wants."""

    def __init__(self, connection: Client, access: Access) -> None:  # the connection is another's
        self.base = connection.base
        self._connection = connection
        self._access = access

    def send(self, method: str, path: str, data: bytes | None = None, *, headers: Mapping[str, str] = _NONE) -> bytes:
        """One request, with a log-in or a token where the mint wants one. A refusal for want of them says nothing about what an
        earlier sending did, so it is an error of its own. Raises `NoAccess`, `RemoteError`, `Unreachable`."""
        false = 0
        for _ in range(_TRIES):
            shown = self._access.headers(method, path)
            try:
                return self._connection.send(method, path, data, headers={**headers, **shown})
            except RemoteError as error:
                if error.remote_code not in _ABOUT_ACCESS:
                    raise
                refusal = error
            false += HEADER in shown
            if false > 1:
                self._access.forget()
            elif HEADER not in shown:
                self._access.learn()
        raise NoAccess("The mint took no access token.", why=str(refusal)) from refusal

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
