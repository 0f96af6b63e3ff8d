"""The shops side over HTTP: the mint's messages, each shop's own view, and the finance officer's work."""

import hmac
import secrets
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amparo_common.bridge import AskAccreditation, KeyAnnounced, ShopDeposited, open_sealed
from amparo_common.errors import BadSignature
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_service.errors import NotAllowed
from amparo_service.http import answer, answer_bytes, aside, read, read_body
from amparo_service.keys import file_once
from amparo_service.login import LogIns
from amparo_shops.service import NewShop, Shops
from amparo_shops.store import Shop


class NewClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A shop asks to be paid."""

    claim: str
    unit: str
    amount: int


class NewRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A settlement run to make."""

    run: str
    unit: str


class FiguresFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The period that figures are published for."""

    period: str


class ShopsServer:
    """Joins HTTP, the shops side's decisions and the log."""

    def __init__(
        self, shops: Shops, folder: Path, *, key: SigningKey, log: LogFollower, logins: LogIns, practice: bool
    ) -> None:
        self._shops = shops
        self._folder = folder
        self._key = key
        self._log = log
        self._logins = logins
        self._practice = practice

    def introduce(self) -> None:
        """Announce the shops side's publishing key."""
        self._log.publish(KeyAnnounced(purpose="shops", jwk=self._key.public.jwk), self._key)

    def routes(self) -> list[Route]:
        """The addresses of the shops side."""
        return [
            Route("/health", self.health),
            Route("/bridge/accreditation", self.accreditation, methods=["POST"]),
            Route("/bridge/deposited", self.deposited, methods=["POST"]),
            Route("/mine/{unit}", self.mine),
            Route("/claims", self.claim, methods=["POST"]),
            Route("/login", self.login, methods=["POST"]),
            Route("/shops", self.accredit, methods=["POST"]),
            Route("/settlements", self.settle, methods=["POST"]),
            Route("/settlements/{run}/file", self.bank_file),
            Route("/settlements/{run}/confirm", self.confirm, methods=["POST"]),
            Route("/figures", self.figures, methods=["POST"]),
            Route("/ledger", self.ledger),
        ]

    async def health(self, _request: Request) -> Response:
        return answer({"service": "shops", "practice": self._practice})

    async def accreditation(self, request: Request) -> Response:
        asked = await read(request, AskAccreditation)
        return answer(await aside(self._shops.accreditation, asked.shop, asked.unit))

    async def deposited(self, request: Request) -> Response:
        token = (await read_body(request)).decode("ascii", errors="replace")
        await aside(self._book, token)
        return answer({"booked": True})

    def _book(self, token: str) -> None:
        mint = self._log.view().publisher("mint") or self._log.refresh().publisher("mint")
        if mint is None:
            raise BadSignature("The mint's key is not in the public log yet.")
        self._shops.record_deposit(open_sealed(token, mint, ShopDeposited))

    # --- a shop's own view ---------------------------------------------------------------------------------------------

    def _shop(self, request: Request) -> Shop:
        return self._shops.shop_of(_bearer(request))

    async def mine(self, request: Request) -> Response:
        shop = await aside(self._shop, request)
        return answer(await aside(self._shops.standing, shop.id, Unit(request.path_params["unit"])))

    async def claim(self, request: Request) -> Response:
        asked = await read(request, NewClaim)
        shop = await aside(self._shop, request)
        number = f"{shop.id}/{asked.claim}"
        return answer(await aside(lambda: self._shops.claim(shop.id, Unit(asked.unit), asked.amount, claim=number)))

    async def login(self, request: Request) -> Response:
        """A log-in for the mint, which says only that the shops side knows this shop."""
        shop = await aside(self._shop, request)
        return answer(self._logins.new(shop.id))

    # --- the finance officer -------------------------------------------------------------------------------------------

    def _check_finance(self, request: Request) -> None:
        token = file_once(self._folder / "operator.token", lambda: secrets.token_urlsafe(32).encode())
        if not hmac.compare_digest(_bearer(request).encode(), token):
            raise NotAllowed("This is for the finance officer.")

    async def accredit(self, request: Request) -> Response:
        self._check_finance(request)
        return answer(await aside(self._shops.accredit, await read(request, NewShop)))

    async def settle(self, request: Request) -> Response:
        self._check_finance(request)
        asked = await read(request, NewRun)
        found = await aside(self._shops.settle, asked.run, Unit(asked.unit))
        return answer({"run": found.run, "unit": found.unit, "total": found.total, "confirmed": found.confirmed})

    async def bank_file(self, request: Request) -> Response:
        self._check_finance(request)
        found = await aside(self._shops.find_run, request.path_params["run"])
        return answer_bytes(found.file, media_type="application/xml")

    async def confirm(self, request: Request) -> Response:
        self._check_finance(request)
        found = await aside(self._shops.confirm, request.path_params["run"])
        return answer({"run": found.run, "unit": found.unit, "total": found.total, "confirmed": found.confirmed})

    async def figures(self, request: Request) -> Response:
        self._check_finance(request)
        asked = await read(request, FiguresFor)
        figures = await aside(self._shops.figures, asked.period)
        for each in figures:
            await aside(self._log.publish, each, self._key)
        return answer({"published": len(figures)})

    async def ledger(self, request: Request) -> Response:
        self._check_finance(request)
        return answer(await aside(self._shops.trial_balance))


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")
