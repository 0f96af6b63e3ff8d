"""The office over HTTP: staff with a role and a token, wallets with their own key, nothing for anybody else.

Bodies of imports are MessagePack (files are bytes); everything else is JSON. No personal data is in any address.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from amparo_common.bridge import AppPublished, KeyAnnounced
from amparo_common.clock import Clock
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_office import store
from amparo_office.answers import CardsPrinted, ImportResult, content_hash
from amparo_office.cards import CardOffice
from amparo_office.claims import Claims
from amparo_office.crowds import BandsOffer, CrowdReport
from amparo_office.cycles import Cycles
from amparo_office.errors import JobUnknown
from amparo_office.importing import Importer
from amparo_office.jobs import Jobs, Progress
from amparo_office.mapping import read_mapping
from amparo_office.programmes import Programmes, defined_in, needs_of
from amparo_office.staff import Role, Staff, StaffMember
from amparo_office.tables import read_table
from amparo_service.database import Database
from amparo_service.errors import BadRequest, RemoteError, Unreachable
from amparo_service.http import answer, answer_bytes, aside, read, read_body, repeat
from amparo_service.keys import replace_file

LARGEST_IMPORT = 512 * 1024 * 1024
DELIVERY_SECONDS = 1.0
TIDY_SECONDS = 5.0
# What the register has erased is gone here too within the hour.
ERASED_SECONDS = 3_600.0


class ImportFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An uploaded file."""

    name: str
    data: bytes


class NewImport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pair of tables with its mapping. One workbook may be given for both."""

    mapping: str
    households: ImportFile
    individuals: ImportFile


class NewProgramme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule file to publish."""

    rule: str


class NewApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release of a phone app: the hash over all its files."""

    app: Literal["wallet", "till"]
    release: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class NewCycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cycle to decide."""

    programme: str
    version: str
    cycle: str
    as_of: date


class Approve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cycle's payment to approve. `small_crowds_known`: the approver was told how many households are nearly alone with
    their amount."""

    programme: str
    cycle: str
    small_crowds_known: bool = False


class AskBands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bands by what a cycle gave: in crowds of how many, and how the new version would be called."""

    programme: str
    cycle: str
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    crowd: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class NewColleague(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A colleague to add."""

    role: Role


class NewCodes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Households that get enrolment codes, by their reference."""

    refs: list[str]


class CycleView(msgspec.Struct, frozen=True):
    """A cycle's public totals, and how small the crowds are in which people get the same amount."""

    programme: str
    cycle: str
    households: int
    eligible: int
    total: int
    approved: bool
    crowds: CrowdReport


class OfficeServer:
    """Joins HTTP with the office's services."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        *,
        key: SigningKey,
        receipt_key: SigningKey,
        log: LogFollower,
        staff: Staff,
        programmes: Programmes,
        cycles: Cycles,
        claims: Claims,
        cards: CardOffice,
        clock: Clock,
        practice: bool,
    ) -> None:
        self._folder = folder
        self._database = database
        self._key = key
        self._receipt_key = receipt_key
        self._log = log
        self._staff = staff
        self._programmes = programmes
        self._cycles = cycles
        self._claims = claims
        self._cards = cards
        self._clock = clock
        self._practice = practice
        self._jobs = Jobs(database, {"import": self._import, "decide": self._decide, "cards": self._print_cards})

    def introduce(self) -> None:
        """Announce the office's keys in the public log."""
        self._log.publish(KeyAnnounced(purpose="office", jwk=self._key.public.jwk), self._key)
        self._log.publish(KeyAnnounced(purpose="receipts", jwk=self._receipt_key.public.jwk), self._key)
        self._cards.announce(self._log, self._key)

    def routes(self) -> list[Route]:
        """The office's addresses."""
        return [
            Route("/health", self.health),
            Route("/staff", self.add_staff, methods=["POST"]),
            Route("/imports", self.start_import, methods=["POST"]),
            Route("/programmes", self.publish, methods=["POST"]),
            Route("/cycles", self.start_cycle, methods=["POST"]),
            Route("/cycles/approve", self.approve, methods=["POST"]),
            Route("/cycles/bands", self.bands, methods=["POST"]),
            Route("/cards", self.start_cards, methods=["POST"]),
            Route("/cards/{number:int}.pdf", self.cards_file),
            Route("/cards/{number:int}.pdf/printed", self.cards_printed, methods=["POST"]),
            Route("/apps", self.publish_app, methods=["POST"]),
            Route("/enrolment-codes", self.new_codes, methods=["POST"]),
            Route("/jobs/{number:int}", self.job),
            Route("/wallet/enrol", self.wallet_enrol, methods=["POST"]),
            Route("/wallet/papers", self.wallet_papers, methods=["POST"]),
            Route("/wallet/claim", self.wallet_claim, methods=["POST"]),
            Route("/wallet/login", self.wallet_login, methods=["POST"]),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Work the jobs and deliver the outbox while the office runs."""
        await aside(self._jobs.start)
        delivery = asyncio.create_task(repeat(DELIVERY_SECONDS, self._claims.deliver))
        tidy = asyncio.create_task(repeat(TIDY_SECONDS, self._database.fold_journal))
        erased = asyncio.create_task(repeat(ERASED_SECONDS, self._claims.forget_erased))
        yield
        delivery.cancel()
        tidy.cancel()
        erased.cancel()
        self._jobs.stop()

    async def _require(self, request: Request, *roles: Role) -> StaffMember:
        access = request.headers.get("authorization", "").removeprefix("Bearer ")
        return await aside(self._staff.require, access, *roles)

    # --- staff -----------------------------------------------------------------------------------------------------------

    async def health(self, _request: Request) -> Response:
        return answer({"service": "office", "practice": self._practice})

    async def add_staff(self, request: Request) -> Response:
        await self._require(request, "administrator")
        return answer(await aside(self._staff.add, (await read(request, NewColleague)).role))

    async def start_import(self, request: Request) -> Response:
        member = await self._require(request, "registrar")
        body = await read_body(request, limit=LARGEST_IMPORT)
        return answer({"job": await aside(self._jobs.add, "import", body, member.id)})

    async def publish(self, request: Request) -> Response:
        await self._require(request, "programme-manager")
        rule, index = await aside(self._programmes.publish, (await read(request, NewProgramme)).rule)
        return answer({"rule_hash": rule.rule_hash, "index": index})

    async def publish_app(self, request: Request) -> Response:
        """Say in the public log which release of a phone app this programme hands out. The same again changes nothing."""
        await self._require(request, "administrator")
        asked = await read(request, NewApp)
        app = AppPublished(asked.app, asked.release, asked.hash)
        return answer({"index": await aside(self._log.publish, app, self._key)})

    async def start_cycle(self, request: Request) -> Response:
        member = await self._require(request, "programme-manager")
        asked = await read(request, NewCycle)
        # Refused at once, not by a job that fails later: the rule must be in force.
        rule_hash = await aside(self._programmes.newest, asked.programme, asked.version)
        await aside(self._programmes.in_force, rule_hash)
        return answer({"job": await aside(self._jobs.add, "decide", msgspec.json.encode(asked), member.id)})

    async def approve(self, request: Request) -> Response:
        member = await self._require(request, "approver", "programme-manager")
        asked = await read(request, Approve)
        return answer(await aside(self._approve, asked, member.id))

    def _approve(self, asked: Approve, approver: str) -> CycleView:
        known = asked.small_crowds_known
        cycle = self._cycles.approve(asked.programme, asked.cycle, approver=approver, small_crowds_known=known)
        return self._view(cycle)

    async def bands(self, request: Request) -> Response:
        await self._require(request, "programme-manager", "approver")
        return answer(await aside(self._bands, await read(request, AskBands)))

    def _bands(self, asked: AskBands) -> BandsOffer:
        return self._cycles.bands(asked.programme, asked.cycle, crowd=asked.crowd, version=asked.version)

    async def start_cards(self, request: Request) -> Response:
        member = await self._require(request, "registrar")
        return answer({"job": await aside(self._jobs.add, "cards", b"", member.id)})

    async def cards_file(self, request: Request) -> Response:
        await self._require(request, "registrar")
        path = self._cards_path(request.path_params["number"])
        if not path.exists():
            raise JobUnknown("There is no such file of cards.")
        return answer_bytes(await aside(path.read_bytes), media_type="application/pdf")

    async def cards_printed(self, request: Request) -> Response:
        """The cards are printed: the file with everybody's name is removed."""
        await self._require(request, "registrar")
        self._cards_path(request.path_params["number"]).unlink(missing_ok=True)
        return answer({"removed": True})

    async def new_codes(self, request: Request) -> Response:
        await self._require(request, "registrar")
        return answer(await aside(self._claims.new_codes, (await read(request, NewCodes, limit=16 * 1024 * 1024)).refs))

    async def job(self, request: Request) -> Response:
        await self._require(request, "registrar", "programme-manager", "approver", "administrator")
        return answer(await aside(self._jobs.find, request.path_params["number"]))

    # --- wallets -----------------------------------------------------------------------------------------------------------

    async def wallet_enrol(self, request: Request) -> Response:
        await aside(self._claims.enrol, await _token(request))
        return answer({"enrolled": True})

    async def wallet_papers(self, request: Request) -> Response:
        return answer(await aside(self._claims.papers, await _token(request)))

    async def wallet_claim(self, request: Request) -> Response:
        amount = await aside(self._claims.claim, await _token(request))
        # At once, so that the wallet need not wait; if the mint is away, the outbox sends it later.
        await aside(self._deliver_now)
        return answer({"amount": amount})

    async def wallet_login(self, request: Request) -> Response:
        return answer(await aside(self._claims.login, await _token(request)))

    def _deliver_now(self) -> None:
        with contextlib.suppress(Unreachable, RemoteError):
            self._claims.deliver()

    # --- jobs --------------------------------------------------------------------------------------------------------------

    def _import(self, argument: bytes, _staff: str, progress: Progress) -> ImportResult:
        try:
            asked = msgspec.msgpack.decode(argument, type=NewImport)
        except ValueError as error:
            raise BadRequest("The import cannot be read.") from error
        view = self._log.refresh()
        needed = needs_of(view, self._clock.now()).needed
        mapping = read_mapping(asked.mapping, needed=needed, defined=defined_in(view))
        text = mapping.text
        households = read_table(asked.households.name, asked.households.data, sheet=text.household_sheet)
        individuals = read_table(asked.individuals.name, asked.individuals.data, sheet=text.individual_sheet)
        importer = Importer(mapping, at=self._clock.now(), progress=progress)
        identity = content_hash(asked.mapping, [asked.households.data, asked.individuals.data])
        return importer.run(households, individuals, identity=identity)

    def _decide(self, argument: bytes, staff: str, progress: Progress) -> CycleView:
        asked = msgspec.json.decode(argument, type=NewCycle)
        rule_hash = self._programmes.newest(asked.programme, asked.version)
        return self._view(
            self._cycles.decide(rule_hash, asked.cycle, as_of=asked.as_of, maker=staff, progress=progress)
        )

    def _print_cards(self, _argument: bytes, _staff: str, progress: Progress) -> CardsPrinted:
        with self._database.reading() as connection:
            (number,) = connection.execute(
                "SELECT min(number) FROM job WHERE kind = 'cards' AND state = 'running'"
            ).fetchone()
        printed, sheets = self._cards.print_all(progress)
        replace_file(self._cards_path(number), sheets.pdf)
        return printed

    def _view(self, cycle: store.Cycle) -> CycleView:
        return CycleView(
            programme=cycle.programme,
            cycle=cycle.name,
            households=cycle.households or 0,
            eligible=cycle.eligible or 0,
            total=cycle.total or 0,
            approved=cycle.approver is not None,
            crowds=self._cycles.crowds(cycle),
        )

    def _cards_path(self, number: int) -> Path:
        return self._folder / "cards" / f"{number}.pdf"


async def _token(request: Request) -> str:
    return (await read_body(request)).decode("ascii", errors="replace")
