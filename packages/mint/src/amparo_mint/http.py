"""The mint over HTTP, as the specification writes it: every error answer has `detail` and `code`, the protocol's own errors with
status 400; keys are static bytes, the same for everybody.

`/bridge/quote-paid` takes the office's signed message; `/operate/...` takes the operator's token. Nothing is logged of a request.
"""

import asyncio
import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import msgspec

from amparo_cashu.errors import KeysetInactive, KeysetUnknown, TokenError, UnitUnknown
from amparo_cashu.nut22_auth import UNIT as AUTH_UNIT
from amparo_cashu.nut29_batch import check_quotes
from amparo_cashu.wire import (
    AuthMintRequest,
    BatchMintRequest,
    CheckStateAnswer,
    CheckStateRequest,
    MeltQuoteRequest,
    MeltRequest,
    MintQuoteRequest,
    MintQuotesCheck,
    MintRequest,
    ProofState,
    RestoreRequest,
    SwapRequest,
)
from amparo_common.clock import Clock
from amparo_common.errors import AmparoError
from amparo_common.ids import KeysetId
from amparo_mint import clear_auth
from amparo_mint.asgi import App, Handler, Header, Reply, Request, Static, log, reply
from amparo_mint.blind_auth import MINT_PATH, Access, BlindAuth
from amparo_mint.calendar import DAY, CalendarSettings
from amparo_mint.catalogue import MOST_INPUTS, is_over
from amparo_mint.errors import DatabaseAway, NotTheOperator
from amparo_mint.info import KeyPages, describe
from amparo_mint.metrics import Metrics
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.sockets import SOCKET_PATH, Sockets, SocketSettings, kinds_of, socket_setting
from amparo_mint.store import Store, TokenHasher
from amparo_service.errors import BadRequest, CannotStore

T = TypeVar("T")

DELIVERY_SECONDS = 1.0
TIDY_SECONDS = 5.0
CALENDAR_SECONDS = 5.0
SETTLE_SECONDS = 3.0
RETRY_AFTER: Header = (b"retry-after", b"2")


class MintServer:
    """Joins HTTP, the mint's decisions and its errands."""

    def __init__(
        self,
        mint: Mint,
        store: Store,
        hasher: TokenHasher,
        operation: Operation,
        *,
        clock: Clock,
        practice: bool,
        calendar: CalendarSettings | None = None,
        access: Access | None = None,
        sockets: SocketSettings | None = None,
    ) -> None:
        self._mint = mint
        self._store = store
        self._hasher = hasher
        self._operation = operation
        self._clock = clock
        self._practice = practice
        self._calendar = calendar
        self._access = access or Access()
        self.sockets: Sockets | None = None
        if sockets is not None:
            kinds = kinds_of(mint, store)
            self.sockets = Sockets(sockets, kinds, admit=self._access.admit, show=protocol_error)
        self.metrics = Metrics()
        self._filters = operation.filters()
        self._editions = operation.editions(self._filters)
        self._delivering = asyncio.Lock()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._looked_at = 0.0
        # The keysets, their states, and whether their end has passed, as `_notice` saw them last.
        self._loaded: list[tuple[str, str, bool]] = []
        self._ready = False

    def app(self) -> App:
        """The application. Raises `BadConfiguration` when an endpoint that is to be protected is none of it."""
        routes = self._access.guarded({place: self._noticing(handler) for place, handler in self.routes().items()})
        sockets = {} if self.sockets is None else {SOCKET_PATH: self.sockets}
        return App(routes, show=protocol_error, lifespan=self.lifespan, observe=self.metrics.observe, sockets=sockets)

    def routes(self) -> dict[tuple[str, str], Handler]:
        """The mint's addresses."""
        return {
            ("GET", "/health"): self.health,
            ("GET", "/ready"): self.ready,
            ("GET", "/metrics"): self.show_metrics,
            ("GET", "/v1/info"): self.info,
            ("GET", "/v1/keys"): self.keys,
            ("GET", "/v1/keys/*"): self.keys_of,
            ("GET", "/v1/keysets"): self.keysets,
            ("GET", "/filters/spent/*"): self.spent_filter,
            ("POST", "/v1/swap"): self.swap,
            ("POST", "/v1/mint/quote/benefit"): self.mint_quote,
            ("GET", "/v1/mint/quote/benefit/*"): self.find_mint_quote,
            ("POST", "/v1/mint/quote/benefit/check"): self.check_mint_quotes,
            ("POST", "/v1/mint/benefit"): self.issue,
            ("POST", "/v1/mint/benefit/batch"): self.issue_batch,
            ("POST", "/v1/melt/quote/settle"): self.melt_quote,
            ("GET", "/v1/melt/quote/settle/*"): self.find_melt_quote,
            ("POST", "/v1/melt/settle"): self.redeem,
            ("POST", "/v1/checkstate"): self.states,
            ("POST", "/v1/restore"): self.restore,
            ("POST", "/bridge/quote-paid"): self.quote_paid,
            ("POST", "/operate/keysets"): self.operate_keyset,
            ("POST", "/operate/keysets/close"): self.operate_close,
            ("POST", "/operate/figures"): self.operate_figures,
            ("POST", "/operate/backup"): self.operate_backup,
            **({} if self._access.blind is None else _auth_routes(self._access.blind)),
        }

    @contextlib.asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Start: the keysets, and every deposit that a crash left half-way. Stop: finish what runs, then close."""
        await self._open_store()
        try:
            await self._store.bind(self._hasher.fingerprint())
            await self._operation.introduce()
            self._operation.operator_token()  # so that the operator finds it
            await self._operation.check_age()
            await self.use_keysets()
            self._access.warn()
            async with self._working():
                yield
        finally:
            await self._store.close()

    async def _open_store(self) -> None:
        try:
            await self._store.open()
        except DatabaseAway as error:
            raise DatabaseAway(
                "The mint's database is away, so the mint does not start.",
                todo="Start PostgreSQL, or correct `database` in config.json; then start the mint again.",
            ) from error

    @contextlib.asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_repeat(DELIVERY_SECONDS, self.deliver)),
            asyncio.create_task(_repeat(TIDY_SECONDS, self.tidy)),
            asyncio.create_task(_repeat(CALENDAR_SECONDS, self.keep_calendar)),
        ]
        self._ready = True
        try:
            yield
        finally:
            self._ready = False
            tasks += self._deliveries
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._editions.close()
            if self.sockets is not None:
                await self.sockets.close()
            await self._mint.finished()
            with contextlib.suppress(CannotStore, DatabaseAway):
                await self._operation.note_age()

    async def use_keysets(self) -> None:
        """Load the keysets and make their static answers."""
        async with self._loading:  # so that an older state never replaces a newer one
            self._catalogue = await self._operation.catalogue()
            self._mint.catalogue = money = self._access.use(self._catalogue)
        self._pages = KeyPages(money, self._now())
        clear, blind = self._access.settings()
        sockets = None if self.sockets is None else socket_setting(money.units())
        units = {unit: list(money.active(unit).keys) for unit in money.units()}
        self._info = Static.of(describe(units, sockets=sockets, clear_auth=clear, blind_auth=blind))

    async def keep_calendar(self) -> None:
        """Do what the calendar has due, and notice what another process of this mint did to the keysets."""
        now = self._now()
        try:
            while await self._operation.keep_calendar(self._calendar, now):
                pass
        finally:
            # Also while the log is away: what was closed has no tables any more.
            await self._notice()
            await self._editions.publish([each.row for each in self._mint.catalogue.listed], now // DAY)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    async def _notice(self) -> None:
        now = self._now()
        rows = [(str(row.id), str(row.state), is_over(row.final_expiry, now)) for row in await self._store.keysets()]
        if rows != self._loaded:
            await self.use_keysets()
            self._loaded = rows

    def _noticing(self, handler: Handler) -> Handler:
        """A handler that refuses a keyset only after a look into the database: another process of this mint may have changed the
        keysets a moment ago, and a wallet takes a refusal for the mint's last word on a request that was sent before."""

        async def asked(request: Request) -> Reply:
            catalogue, began = self._catalogue, time.monotonic()
            try:
                return await handler(request)
            except (KeysetUnknown, KeysetInactive, UnitUnknown):
                async with self._looking:  # one look for all that wait for it
                    if self._looked_at < began:
                        self._looked_at = time.monotonic()
                        await self._notice()
                if self._catalogue is catalogue:
                    raise
                return await handler(request)

        return asked

    async def tidy(self) -> None:
        """Remove what shows an order of recent changes, and note how far the database is."""
        await self._store.tidy()
        await self._operation.note_age()

    async def deliver(self) -> None:
        """Tell the shops side what waits; one delivery at a time."""
        async with self._delivering:
            await self._operation.deliver()

    async def _deliver_soon(self) -> None:
        # A delivery that takes longer is not given up: its thread would go on all the same, beside the next one's.
        task = asyncio.create_task(_attempt(self.deliver))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)
        await asyncio.wait((task,), timeout=SETTLE_SECONDS)

    # --- public, as the specification says --------------------------------------------------------------------------------

    async def health(self, _request: Request) -> Reply:
        return reply({"service": "mint", "practice": self._practice})

    async def ready(self, _request: Request) -> Reply:
        """Whether the mint can carry out a swap now: its database and its signer answer."""
        await self._operation.catalogue()
        self.metrics.deposits_waiting(await self._store.count_waiting())
        if not self._ready:
            return reply({"ready": False}, status=503, headers=(RETRY_AFTER,))
        return reply({"ready": True})

    async def show_metrics(self, request: Request) -> Reply:
        """For the operator only: counts, asked for often enough, would tell the moment of each swap."""
        self._check_operator(request)
        return Reply(self.metrics.text(), headers=((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),))

    async def info(self, request: Request) -> Reply:
        return self._info.for_request(request)

    async def keys(self, request: Request) -> Reply:
        return self._pages.active.for_request(request)

    async def keys_of(self, request: Request) -> Reply:
        return self._pages.of(request.argument).for_request(request)

    async def keysets(self, request: Request) -> Reply:
        return self._pages.keysets.for_request(request)

    async def spent_filter(self, request: Request) -> Reply:
        """Today's compact filter of a keyset's spent tokens, for tills that go offline."""
        known = [str(each.row.id) for each in self._mint.catalogue.listed]
        edition = await asyncio.to_thread(self._filters.read, request.argument, known)
        return Reply(edition, headers=((b"content-type", b"application/octet-stream"),))

    async def swap(self, request: Request) -> Reply:
        return reply(await self._mint.swap(decode(request.body, SwapRequest)))

    async def mint_quote(self, request: Request) -> Reply:
        return reply(await self._mint.quote_aid(decode(request.body, MintQuoteRequest)))

    async def find_mint_quote(self, request: Request) -> Reply:
        return reply((await self._mint.find_quotes([request.argument]))[0])

    async def check_mint_quotes(self, request: Request) -> Reply:
        asked = decode(request.body, MintQuotesCheck).quotes
        check_quotes(asked, most=MOST_INPUTS)
        return reply(await self._mint.find_quotes(asked))

    async def issue(self, request: Request) -> Reply:
        return reply(await self._mint.issue(decode(request.body, MintRequest)))

    async def issue_batch(self, request: Request) -> Reply:
        return reply(await self._mint.issue_batch(decode(request.body, BatchMintRequest)))

    async def melt_quote(self, request: Request) -> Reply:
        asked = decode(request.body, MeltQuoteRequest)
        await self._operation.check_accredited(asked.request, asked.unit)
        return reply(await self._mint.quote_deposit(asked))

    async def find_melt_quote(self, request: Request) -> Reply:
        return reply(await self._mint.find_deposit(request.argument))

    async def redeem(self, request: Request) -> Reply:
        """The deposit is safe once it is PENDING. Unless the sender wants to go on (`prefer_async`), it is finished first if the
        shops side answers soon."""
        asked = decode(request.body, MeltRequest)
        quote = await self._mint.redeem(asked)
        if quote.state == "PENDING" and not asked.prefer_async:
            await self._deliver_soon()
            quote = await self._mint.find_deposit(quote.quote)
        return reply(quote)

    async def states(self, request: Request) -> Reply:
        asked = decode(request.body, CheckStateRequest)
        states = await self._mint.states(asked.Ys)
        return reply(
            CheckStateAnswer([ProofState(Y=y, state=state) for y, state in zip(asked.Ys, states, strict=True)])
        )

    async def restore(self, request: Request) -> Reply:
        return reply(await self._mint.restore(decode(request.body, RestoreRequest).outputs))

    # --- from the office, and from the operator ----------------------------------------------------------------------------

    async def quote_paid(self, request: Request) -> Reply:
        message, approved = await self._operation.open_payment(request.body.decode("ascii", errors="replace"))
        await self._mint.record_paid(message, approved=approved)
        return reply({"paid": True})

    async def operate_keyset(self, request: Request) -> Reply:
        self._check_operator(request)
        asked = decode(request.body, KeysetAsked)
        if asked.final_expiry is not None and is_over(asked.final_expiry, self._now()):
            raise BadRequest(
                "The end of the keyset has passed.",
                why="Nothing could be claimed with it, and what is announced stands in the public log for good.",
                todo="Name an end that is to come.",
            )
        keyset = await self._operation.announce_keyset(asked.unit, asked.period, asked.final_expiry)
        await self._operation.activate(keyset)
        await self.use_keysets()
        return reply({"keyset": keyset})

    async def operate_close(self, request: Request) -> Reply:
        self._check_operator(request)
        asked = decode(request.body, KeysetToClose)
        now = self._now()
        try:
            closed = await self._operation.close_keyset(KeysetId(asked.keyset), now=now)
        finally:
            # Its tables may be gone although the log could not be told.
            await self.use_keysets()
        return reply({"keyset": closed.id, "unit": closed.unit, "returned": closed.returned})

    async def operate_figures(self, request: Request) -> Reply:
        self._check_operator(request)
        figures = await self._mint.figures(decode(request.body, FiguresFor).period)
        # Access tokens are not money: what an auditor adds up leaves them out.
        figures = [each for each in figures if each.unit != AUTH_UNIT]
        await self._operation.publish(figures)
        return reply({"published": len(figures)})

    async def operate_backup(self, request: Request) -> Reply:
        self._check_operator(request)
        await self._store.backup(decode(request.body, BackupTo).path)
        return reply({"written": True})

    def _check_operator(self, request: Request) -> None:
        given = request.header(b"authorization").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._operation.operator_token()):
            raise NotTheOperator("This is for the mint's operator.")


class KeysetAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A keyset to announce and use."""

    unit: str
    period: str
    final_expiry: int | None = None


class KeysetToClose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A keyset whose time is over."""

    keyset: str


class FiguresFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The period that figures are published for."""

    period: str


class BackupTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new file on the mint's machine."""

    path: str


def _auth_routes(blind: BlindAuth) -> dict[tuple[str, str], Handler]:
    """NUT-22's own addresses."""

    async def keys(request: Request) -> Reply:
        return blind.pages.active.for_request(request)

    async def keys_of(request: Request) -> Reply:
        return blind.pages.of(request.argument).for_request(request)

    async def keysets(request: Request) -> Reply:
        return blind.pages.keysets.for_request(request)

    async def issue(request: Request) -> Reply:
        asked = decode(request.body, AuthMintRequest)
        return reply(await blind.issue(request.header(clear_auth.HEADER), asked.outputs))

    return {
        ("GET", "/v1/auth/blind/keys"): keys,
        ("GET", "/v1/auth/blind/keys/*"): keys_of,
        ("GET", "/v1/auth/blind/keysets"): keysets,
        ("POST", MINT_PATH): issue,
    }


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Does `work` again and again, whatever becomes of one turn."""
    while True:
        await _attempt(work)
        await asyncio.sleep(seconds)


async def _attempt(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except AmparoError as error:
        log.info("will try again: %s", error.code)
    except Exception as error:  # noqa: BLE001 - an errand that ended for good would leave deposits waiting for ever
        log.error("unexpected %s", type(error).__name__)


def decode(body: bytes, into: type[T]) -> T:
    """A request body as a struct. Raises `BadRequest`."""
    try:
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request cannot be read.", why=f"{error}.") from error


def protocol_error(error: AmparoError) -> Reply:
    """An error in the specification's form (NUT-00), with our stable code beside the number."""
    number = error.number if isinstance(error, TokenError) else 10000
    status = 400 if isinstance(error, TokenError) else error.http_status
    headers = (RETRY_AFTER,) if status == 503 else ()
    return reply({"detail": str(error), "code": number, "error": error.code}, status=status, headers=headers)
