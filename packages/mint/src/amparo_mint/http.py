"""The mint over HTTP, as the specification writes it: every error answer has `detail` and `code`, the protocol's own
errors with status 400; keys are static bytes.

`/bridge/quote-paid` takes the office's signed message; `/operate/...` takes the operator's token. No address keeps or
logs who asked: no client address, no cookie, no ETag.
"""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amparo_cashu.errors import KeysetUnknown, TokenError
from amparo_cashu.wire import (
    CheckStateAnswer,
    CheckStateRequest,
    KeysAnswer,
    KeysetInfo,
    KeysetsAnswer,
    MeltQuoteRequest,
    MeltRequest,
    MintQuoteRequest,
    MintRequest,
    ProofState,
    RestoreRequest,
    SwapRequest,
)
from amparo_common.errors import AmparoError
from amparo_mint.errors import NotTheOperator
from amparo_mint.operate import Operation
from amparo_mint.service import Mint
from amparo_mint.store import GroupWriter, Job, TokenHasher
from amparo_service.errors import BadRequest
from amparo_service.http import answer, answer_bytes, aside, read_body, repeat

T = TypeVar("T")

DELIVERY_SECONDS = 1.0
TIDY_SECONDS = 5.0


class MintServer:
    """Joins HTTP, the mint's decisions and the writer."""

    def __init__(
        self, mint: Mint, writer: GroupWriter, hasher: TokenHasher, operation: Operation, *, practice: bool
    ) -> None:
        self._mint = mint
        self._writer = writer
        self._hasher = hasher
        self._operation = operation
        self._practice = practice
        self._keys = b""
        self._keysets = b""
        self._by_id: dict[str, bytes] = {}

    def use_keysets(self) -> None:
        """Load the keysets and make their static answers."""
        self._mint.set_keysets(self._operation.load_keysets())
        shown = self._mint.keysets()
        self._keys = msgspec.json.encode(KeysAnswer([keyset.public(active=True) for keyset, active in shown if active]))
        self._by_id = {
            keyset.id: msgspec.json.encode(KeysAnswer([keyset.public(active=active)])) for keyset, active in shown
        }
        self._keysets = msgspec.json.encode(
            KeysetsAnswer([KeysetInfo(k.id, k.unit, active=active, final_expiry=k.final_expiry) for k, active in shown])
        )

    async def _durable(self, job: Job[T]) -> Response:
        return answer(await self._writer.run(job))

    def routes(self) -> list[Route]:
        """The mint's addresses."""
        return [
            Route("/health", self.health),
            Route("/v1/info", self.info),
            Route("/v1/keys", self.keys),
            Route("/v1/keys/{keyset}", self.keys_of),
            Route("/v1/keysets", self.keysets),
            Route("/v1/swap", self.swap, methods=["POST"]),
            Route("/v1/mint/quote/benefit", self.mint_quote, methods=["POST"]),
            Route("/v1/mint/quote/benefit/{quote}", self.find_mint_quote),
            Route("/v1/mint/benefit", self.issue, methods=["POST"]),
            Route("/v1/melt/quote/settle", self.melt_quote, methods=["POST"]),
            Route("/v1/melt/quote/settle/{quote}", self.find_melt_quote),
            Route("/v1/melt/settle", self.redeem, methods=["POST"]),
            Route("/v1/checkstate", self.states, methods=["POST"]),
            Route("/v1/restore", self.restore, methods=["POST"]),
            Route("/bridge/quote-paid", self.quote_paid, methods=["POST"]),
            Route("/operate/keysets", self.operate_keyset, methods=["POST"]),
            Route("/operate/figures", self.operate_figures, methods=["POST"]),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Deliver the outbox and tidy the journal while the mint runs."""
        tasks = [
            asyncio.create_task(repeat(DELIVERY_SECONDS, self._operation.deliver)),
            asyncio.create_task(repeat(TIDY_SECONDS, self._operation.fold_journal)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await aside(self._writer.close)
        self._operation.fold_journal()

    # --- public, as the specification says --------------------------------------------------------------------------------

    async def health(self, _request: Request) -> Response:
        return answer({"service": "mint", "practice": self._practice})

    async def info(self, _request: Request) -> Response:
        units = sorted({keyset.unit for keyset, active in self._mint.keysets() if active})
        supported = {"supported": True}
        return answer(
            {
                "name": "Amparo",
                "version": "Amparo/0.1.0",
                "description": "Aid that can be spent without being watched.",
                "nuts": {
                    "4": {"methods": [{"method": "benefit", "unit": unit} for unit in units], "disabled": False},
                    "5": {"methods": [{"method": "settle", "unit": unit} for unit in units], "disabled": False},
                    "7": supported,
                    "9": supported,
                    "10": supported,
                    "11": supported,
                    "12": supported,
                    "20": supported,
                },
            }
        )

    async def keys(self, _request: Request) -> Response:
        return answer_bytes(self._keys, media_type="application/json")

    async def keys_of(self, request: Request) -> Response:
        found = self._by_id.get(request.path_params["keyset"])
        if found is None:
            raise KeysetUnknown("There is no such keyset.")
        return answer_bytes(found, media_type="application/json")

    async def keysets(self, _request: Request) -> Response:
        return answer_bytes(self._keysets, media_type="application/json")

    async def swap(self, request: Request) -> Response:
        body = await read_body(request)
        return await self._durable(self._mint.swap(decode(body, SwapRequest), self._hasher.request("swap", body)))

    async def mint_quote(self, request: Request) -> Response:
        return await self._durable(self._mint.quote_aid(decode(await read_body(request), MintQuoteRequest)))

    async def find_mint_quote(self, request: Request) -> Response:
        return await self._durable(self._mint.find_quote(request.path_params["quote"]))

    async def issue(self, request: Request) -> Response:
        body = await read_body(request)
        return await self._durable(self._mint.issue(decode(body, MintRequest), self._hasher.request("mint", body)))

    async def melt_quote(self, request: Request) -> Response:
        asked = decode(await read_body(request), MeltQuoteRequest)
        await aside(self._operation.check_accredited, asked.request, asked.unit)
        return await self._durable(self._mint.quote_deposit(asked))

    async def find_melt_quote(self, request: Request) -> Response:
        return await self._durable(self._mint.find_deposit(request.path_params["quote"]))

    async def redeem(self, request: Request) -> Response:
        body = await read_body(request)
        return await self._durable(self._mint.redeem(decode(body, MeltRequest), self._hasher.request("melt", body)))

    async def states(self, request: Request) -> Response:
        asked = decode(await read_body(request), CheckStateRequest)
        spent = await self._writer.run(self._mint.states(asked.Ys))
        states = [
            ProofState(Y=y, state="SPENT" if is_spent else "UNSPENT")
            for y, is_spent in zip(asked.Ys, spent, strict=True)
        ]
        return answer(CheckStateAnswer(states=states))

    async def restore(self, request: Request) -> Response:
        return await self._durable(self._mint.restore(decode(await read_body(request), RestoreRequest).outputs))

    # --- from the office, and from the operator ----------------------------------------------------------------------------

    async def quote_paid(self, request: Request) -> Response:
        token = (await read_body(request)).decode("ascii", errors="replace")
        message, approved = await aside(self._operation.open_payment, token)
        await self._writer.run(self._mint.record_paid(message, approved=approved))
        return answer({"paid": True})

    async def operate_keyset(self, request: Request) -> Response:
        self._check_operator(request)
        asked = decode(await read_body(request), NewKeyset)
        keyset = await aside(self._operation.announce_keyset, asked.unit, asked.period, asked.final_expiry)
        self.use_keysets()
        return answer({"keyset": keyset})

    async def operate_figures(self, request: Request) -> Response:
        self._check_operator(request)
        asked = decode(await read_body(request), FiguresFor)
        figures = await self._writer.run(self._mint.figures(asked.period))
        await aside(self._operation.publish, figures)
        return answer({"published": len(figures)})

    def _check_operator(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._operation.operator_token()):
            raise NotTheOperator("This is for the mint's operator.")


class NewKeyset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A keyset to announce and use."""

    unit: str
    period: str
    final_expiry: int | None = None


class FiguresFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The period that figures are published for."""

    period: str


def decode(body: bytes, into: type[T]) -> T:
    """A request body as a struct. Raises `BadRequest`."""
    try:
        return msgspec.json.decode(body, type=into)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request cannot be read.", why=f"{error}.") from error


def protocol_error(error: AmparoError) -> Response:
    """An error in the specification's form (NUT-00), with our stable code beside the number."""
    number = error.number if isinstance(error, TokenError) else 10000
    status = 400 if isinstance(error, TokenError) else error.http_status
    return answer({"detail": str(error), "code": number, "error": error.code}, status=status)
