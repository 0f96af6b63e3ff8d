"""A mint in this process for fuzzing: its own code, a real signer, and a database that knows a few quotes and remembers nothing."""

# ruff: noqa: ARG002 - a fake takes the arguments of what it stands for

import asyncio
import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

from joserfc import jwt
from joserfc.jwk import ECKey

from amparo_cashu.curve import generator_times, read_point, show_point
from amparo_cashu.nut00_blind import blind, unblind
from amparo_cashu.nut20_quote import sign_claim
from amparo_cashu.wire import BlindedMessage, MintRequest, Proof
from amparo_common.bridge import Accreditation, MintFigures
from amparo_common.clock import FixedClock
from amparo_common.ids import DepositId, KeysetId, QuoteId, ShopId
from amparo_common.money import Unit
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey, VerifyingKey
from amparo_log.follow import LogFollower
from amparo_mint import clear_auth
from amparo_mint.asgi import Handler, Request
from amparo_mint.blind_auth import BlindAuthSettings, open_access
from amparo_mint.clear_auth import ClearAuth, ClearAuthSettings
from amparo_mint.deciding import Known, Outcome, decide
from amparo_mint.http import MintServer
from amparo_mint.model import Change, KeysetRow, MeltQuoteRow, MintQuoteRow, TokenState
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.signing import SigningDesk
from amparo_mint.sockets import Sockets, SocketSettings
from amparo_mint.store import NewKeyset, Store, Tally, TokenHasher
from amparo_service.client import Client
from amparo_signer.errors import KeysetRefused
from amparo_signer.protocol import Exchanged, ExchangeJob, PublicKeyset
from amparo_signer.service import SignerService, open_service

FOOD, ACCESS = Unit("food"), Unit("auth")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PERIOD = "2026-11"
ENDED = 1_738_368_000
KEY = (7).to_bytes(32, "big")
POINT = show_point(generator_times(KEY))
SHOP = ShopId("5" * 32)
MINT_QUOTES, MELT_QUOTE = ("a" * 32, "b" * 32), "c" * 32
AMOUNTS = (1, 2)
ISSUER = "https://login.example"


class Forgetful(Store):
    """A database with two quotes that are paid and a deposit; every other change is forgotten."""

    def __init__(self, rows: list[KeysetRow]) -> None:
        self._rows = rows

    async def apply(self, group: Sequence[Change]) -> list[Outcome]:
        """Decide, and write nothing."""
        quotes, deposits = await self.mint_quotes(MINT_QUOTES), await self.melt_quotes([MELT_QUOTE])
        outcomes, _ = decide(group, Known(set(), set(), {}, quotes, deposits, {}))
        return outcomes

    async def mint_quotes(self, ids: Sequence[str]) -> dict[str, MintQuoteRow]:
        """The two quotes."""
        return {quote: MintQuoteRow(QuoteId(quote), FOOD, 3, POINT, paid=3) for quote in MINT_QUOTES if quote in ids}

    async def melt_quotes(self, ids: Sequence[str]) -> dict[str, MeltQuoteRow]:
        """The one deposit."""
        return {quote: MeltQuoteRow(DepositId(quote), SHOP, FOOD, 3) for quote in ids if quote == MELT_QUOTE}

    async def claims(self, keyset: int) -> int:
        """Nobody came."""
        return 0

    async def paid_total(self, unit: Unit) -> int:
        """Nothing but what is paid now."""
        return 0

    async def token_states(self, places: Sequence[tuple[int, bytes]]) -> list[TokenState]:
        """Nothing is spent."""
        return ["UNSPENT" for _ in places]

    async def signed_amounts(self, places: Sequence[tuple[int, bytes]]) -> list[int | None]:
        """Everything was signed for 1."""
        return [1 for _ in places]

    async def keysets(self) -> list[KeysetRow]:
        """The three."""
        return self._rows

    async def add_keyset(self, keyset: NewKeyset) -> None:
        """Forgotten."""

    async def activate(self, keyset: str) -> None:
        """Forgotten."""

    async def close_keyset(self, keyset: str) -> KeysetRow:
        """It stays open."""
        return next(row for row in self._rows if row.id == keyset)

    async def waiting(self, *, after: str = "") -> list[MeltQuoteRow]:
        """Nothing waits."""
        return []

    async def count_waiting(self) -> int:
        """Nothing waits."""
        return 0

    async def finish_deposit(self, quote: str, *, accepted: bool) -> None:
        """Forgotten."""

    async def clear_quotes(self, *, ended: Sequence[int], over: Sequence[int], most_unpaid: int) -> int:
        """There are too few."""
        return 0

    async def spent_items(self, keyset: int, *, most: int) -> bytearray:
        """Nothing is spent."""
        return bytearray()

    async def tallies(self) -> list[Tally]:
        """Nothing is counted."""
        return []

    async def progress(self) -> int:
        """Nothing was done."""
        return 0

    async def freeze(self) -> list[KeysetRow]:
        """Nothing was put back."""
        return []

    async def open(self) -> None:
        """It is."""

    async def bind(self, fingerprint: bytes) -> None:
        """To no key."""

    async def tidy(self) -> None:
        """There is no journal."""

    async def backup(self, path: str) -> None:
        """Nothing to write."""

    async def close(self) -> None:
        """Nothing to end."""


class KeptSigner:
    """A signer in this thread, whose keysets stay as they are."""

    def __init__(self, service: SignerService) -> None:
        self._service = service

    async def keysets(self) -> list[PublicKeyset]:
        """Those that are there."""
        return self._service.keysets()

    async def make_keyset(self, unit: str, period: str, final_expiry: int | None) -> PublicKeyset:
        """One of those that are there. Raises `KeysetRefused` for another."""
        for each in self._service.keysets():
            if (each.unit, each.period, each.final_expiry) == (unit, period, final_expiry):
                return each
        raise KeysetRefused("No other keyset is made here.")

    async def exchange(self, keysets: list[str], jobs: list[ExchangeJob]) -> list[Exchanged]:
        """Judge and sign."""
        return self._service.exchange(keysets, jobs)

    async def retire(self, keyset: str) -> None:
        """It stays."""


class ShortLog:
    """A log in which the office's key stands, and enough approvals; the follower of it, and its view."""

    mint_figures: tuple[tuple[object, MintFigures], ...] = ()

    def __init__(self, office: VerifyingKey) -> None:
        self._office = office

    def view(self) -> "ShortLog":
        """What it says."""
        return self

    def refresh(self) -> "ShortLog":
        """It says the same."""
        return self

    def publisher(self, _purpose: str) -> VerifyingKey:
        """The office's key."""
        return self._office

    def approved(self, _unit: Unit) -> int:
        """Enough."""
        return 10**6

    def rule(self, _rule_hash: str) -> None:
        """None."""

    def publish(self, _entry: object, _key: SigningKey) -> None:
        """Forgotten."""


class KindShops:
    """A shops side that has accredited everybody."""

    def post(self, _path: str, _body: object, _into: type[Accreditation]) -> Accreditation:
        """Yes."""
        return Accreditation(SHOP, FOOD, accredited=True)


class World:
    """A mint with a keyset of food, one that ended long ago and one of access tokens; keys are new in each process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="amparo-fuzz-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.runner = asyncio.Runner()
        self.signer = open_service(self.folder / "signer")
        self.keyset = self.signer.make_keyset(FOOD, PERIOD, None)
        self.access_keyset = self.signer.make_keyset(ACCESS, PERIOD, None)
        self.old_keyset = self.signer.make_keyset(FOOD, "2025-01", ENDED)
        self.clock = FixedClock(NOON)
        self.office = SigningKey.generate()
        self._login_key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig"}, private=True)
        (self.folder / "keys.json").write_text(json.dumps({"keys": [self._login_key.as_dict(private=False)]}))
        self.server = self._serve()
        self.runner.run(self.server.use_keysets())
        self.routes: dict[tuple[str, str], Handler] = self.server.routes()
        self.operator = (self.folder / "operator.token").read_text()

    def _serve(self) -> MintServer:
        rows = [
            KeysetRow(1, KeysetId(self.keyset.id), FOOD, PERIOD, None, "active"),
            KeysetRow(2, KeysetId(self.access_keyset.id), ACCESS, PERIOD, None, "active"),
            KeysetRow(3, KeysetId(self.old_keyset.id), FOOD, "2025-01", ENDED, "ending"),
        ]
        self.store = store = Forgetful(rows)
        hasher = TokenHasher(Secret(KEY))
        signer = KeptSigner(self.signer)
        desk, key = SigningDesk(signer), SigningKey.generate()
        self.log = ShortLog(self.office.public)
        log = cast(LogFollower, self.log)
        shops = cast(Client, KindShops())
        operation = Operation(self.folder, store, signer, key=key, log=log, shops=shops)
        operation.operator_token()
        mint = Mint(store, desk, hasher, clock=self.clock)
        settings = ClearAuthSettings(f"{ISSUER}/.well-known/openid-configuration", "wallet", "keys.json")
        self.login = ClearAuth(settings, self.folder, clock=self.clock)
        access = open_access(
            settings,
            BlindAuthSettings(protected_endpoints=()),
            self.folder,
            store=store,
            desk=desk,
            hasher=hasher,
            commit=mint.commit,
            clock=self.clock,
        )
        self.mint = mint
        return MintServer(
            mint,
            store,
            hasher,
            operation,
            clock=self.clock,
            practice=True,
            access=access,
            sockets=SocketSettings(look_seconds=0.0),
        )

    @property
    def sockets(self) -> Sockets:
        """The mint's websockets."""
        assert self.server.sockets is not None
        return self.server.sockets

    def logged_in(self) -> str:
        """What a wallet gets from the log-in service."""
        claims = {"iss": ISSUER, "sub": "somebody", "azp": "wallet", "exp": int(NOON.timestamp()) + 3_600}
        return str(jwt.encode({"alg": "ES256", "kid": "1"}, claims, self._login_key))

    def ask(self, place: tuple[str, str], argument: str, body: bytes) -> Any:
        """The answer of one of the mint's addresses to somebody who may do everything. Raises what its handler raises."""
        headers = [
            (b"authorization", b"Bearer " + self.operator.encode()),
            (clear_auth.HEADER, self.logged_in().encode()),
        ]
        path = place[1].replace("*", argument)
        return self.runner.run(_answer(self.routes[place], Request(place[0], path, argument, headers, body)))

    def outputs(self, amounts: Sequence[int] = AMOUNTS, *, keyset: str = "") -> list[BlindedMessage]:
        """Outputs of these amounts; their secrets are the amounts."""
        return [
            BlindedMessage(amount=amount, id=keyset or self.keyset.id, B_=show_point(blind(f"{amount}", KEY)))
            for amount in amounts
        ]

    def tokens(self) -> list[Proof]:
        """Genuine tokens of 1 and 2."""
        outputs, quote = self.outputs(), MINT_QUOTES[0]
        claim = MintRequest(quote, outputs, sign_claim(quote, outputs, KEY))
        return [
            Proof(
                amount=each.amount,
                id=each.id,
                secret=f"{each.amount}",
                C=show_point(unblind(read_point(each.C_), KEY, read_point(self.keyset.keys[f"{each.amount}"]))),
            )
            for each in self.runner.run(self.mint.issue(claim)).signatures
        ]


async def _answer(handler: Handler, request: Request) -> Any:
    return await handler(request)


@cache
def world() -> World:
    """The one of this process."""
    return World()
