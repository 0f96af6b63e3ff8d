"""What the mint does besides answering wallets: keysets, the log, deliveries to the shops side, its own journal.

Everything that talks to another service runs in a thread beside the event loop. A keyset is in the public log, and seen
there, before it signs anything.
"""

import asyncio
import functools
import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from amparo_cashu.nut22_auth import UNIT as ACCESS_UNIT
from amparo_cashu.schemes import check_keyset
from amparo_cashu.wire import Keyset
from amparo_common.bridge import (
    Accreditation,
    AskAccreditation,
    KeyAnnounced,
    KeysetAnnounced,
    MintFigures,
    QuotePaid,
    ShopDeposited,
    open_sealed,
    seal,
)
from amparo_common.errors import BadSignature
from amparo_common.ids import KeysetId, ShopId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey, VerifyingKey
from amparo_log.follow import LogFollower
from amparo_log.view import LogView
from amparo_mint.calendar import GRACE_SECONDS, Activate, Announce, CalendarSettings, Close, due, period_of
from amparo_mint.catalogue import Catalogue, Listed
from amparo_mint.crowd import CrowdSettings, needed, window_ends
from amparo_mint.editions import Editions
from amparo_mint.errors import DatabaseTooOld, KeysetStillInUse, MintBusy, ShopNotAccredited
from amparo_mint.filters import Filters
from amparo_mint.model import KeysetRow, MeltQuoteRow
from amparo_mint.store import NewKeyset, Store
from amparo_service.client import Client
from amparo_service.errors import BadRequest, KeyMissing, RemoteError, Unreachable
from amparo_service.keys import file_once, replace_file
from amparo_signer.protocol import Signer

P = ParamSpec("P")
T = TypeVar("T")

# What the ids of keysets are derived from the same way by every wallet.
UNIT = re.compile(r"[a-z0-9_-]{1,96}")
# Of a keyset that only the log knows, opened by hand.
UNKNOWN_PERIOD = "unknown"
# Beside the database, and not in its backups.
NOTE = "groups-done"
# The shops side, asked by who wants a deposit quote: how many threads ask, how many requests wait for them, and how long each.
MOST_ASKERS, MOST_ASKING, ASK_SECONDS = 8, 64, 3.0
# Threads that talk to the log and the shops side.
MOST_ERRANDS = 40
# Until a question to the shops side is given up, so that a thread that asks it comes back.
SHOPS_SECONDS = 10.0
# Unpaid quotes of a kind that are kept (about 150 bytes each), and how often it is looked for ones to remove.
MOST_UNPAID = 1_000_000
CLEARING_SECONDS = 60
# A keyset without an end is taken for ended, and for closed, as far as its quotes go, when so many later ones of its unit have
# signed: about as long as with the calendar.
LATER_AS_END, LATER_AS_CLOSED = 3, 6
# A shop's reference may be asked for, and kept, only if it can be one: not every database takes every text.
_SHOP = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Operation:
    """The mint's own errands."""

    def __init__(
        self, folder: Path, store: Store, signer: Signer, *, key: SigningKey, log: LogFollower, shops: Client
    ) -> None:
        self._folder = folder
        self._store = store
        self._signer = signer
        self._key = key
        self._log = log
        self._shops = shops
        self._noted = -1
        self._cleared_at = 0
        # Threads of their own: a shops side that hangs holds up nothing else.
        self._askers = ThreadPoolExecutor(MOST_ASKERS)
        self._errands = ThreadPoolExecutor(MOST_ERRANDS)
        self._asking = 0

    async def _beside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of work in a thread beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._errands, functools.partial(work, *args, **kwargs))

    def operator_token(self) -> bytes:
        """The token that operates this mint: a file that only its user can read."""
        return file_once(self._folder / "operator.token", lambda: secrets.token_urlsafe(32).encode())

    def filters(self) -> Filters:
        """The published filters of spent tokens."""
        return Filters(self._folder / "spent-filters")

    def editions(self, filters: Filters) -> Editions:
        """What makes them day by day."""
        return Editions(self._folder, self._store, filters)

    async def introduce(self) -> None:
        """Announce the mint's publishing key, so that others can check its entries."""
        await self._beside(self._log.publish, KeyAnnounced(purpose="mint", jwk=self._key.public.jwk), self._key)

    # --- keysets --------------------------------------------------------------------------------------------------------------

    async def catalogue(self) -> Catalogue:
        """All open keysets. Raises `KeyMissing` when the signer does not have the keys of one; of a frozen one nothing is asked, it
        was perhaps closed after the backup."""
        held = {keyset.id: keyset for keyset in await self._signer.keysets()}
        found = []
        for row in await self._store.keysets():
            if row.state == "closed":
                continue
            if row.id not in held:
                if row.state == "frozen":
                    continue
                raise KeyMissing(f"The signer does not have the keys of the keyset {row.id[:16]}.")
            found.append(Listed(row, {int(amount): key for amount, key in held[row.id].keys.items()}))
        return Catalogue(found)

    async def announce_keyset(
        self, unit: str, period: str, final_expiry: int | None, active_from: int | None = None
    ) -> KeysetId:
        """Have the keyset of a unit, period and end made, put it into the log, and keep it ready. Safe to repeat: the same
        three give the same keyset. Raises `BadRequest` for one that is frozen, `KeysetUnknown` for one that no wallet would take:
        a newer signer may make keysets of a version that this mint does not know."""
        if not UNIT.fullmatch(unit):
            raise BadRequest(
                "The unit of a keyset is not written as units are.",
                why="Wallets derive a keyset's id from it, and differ about other letters: they would refuse the keyset.",
                todo="Use a to z, digits, - and _, at most 96 of them; what people read is the programme's name.",
            )
        made = await self._signer.make_keyset(unit, period, final_expiry)
        check_keyset(Keyset(id=made.id, unit=made.unit, keys=made.keys, final_expiry=made.final_expiry))
        announced = KeysetAnnounced(
            keyset=KeysetId(made.id),
            unit=Unit(made.unit),
            keys=made.keys,
            final_expiry=made.final_expiry,
            active_from=active_from,
        )
        await self._beside(self._log.publish, announced, self._key)
        await self._store.add_keyset(
            NewKeyset(announced.keyset, announced.unit, period, final_expiry, sorted(int(each) for each in made.keys))
        )
        if any(row.id == announced.keyset and row.state == "frozen" for row in await self._store.keysets()):
            raise BadRequest(
                "This keyset was frozen when a backup was put back.",
                why="The same unit, period and end give the same keyset.",
                todo="Name another period or end.",
            )
        return announced.keyset

    async def activate(self, keyset: KeysetId) -> None:
        """Let a keyset sign from now on, instead of the unit's present one."""
        await self._store.activate(keyset)

    async def close_keyset(self, keyset: KeysetId, *, now: int) -> KeysetRow:
        """End a keyset whose time and grace have passed: what is left goes back to the programme and is published; its tables
        and its private keys are destroyed. Safe to repeat after a crash: the figures are the same ones, whenever they are
        published. Raises `KeysetStillInUse`."""
        row = next((each for each in await self._store.keysets() if each.id == keyset), None)
        if row is None or row.final_expiry is None or now <= row.final_expiry + GRACE_SECONDS:
            raise KeysetStillInUse("This keyset's time and grace have not passed.")
        closed = await self._store.close_keyset(keyset)
        if closed.unit != ACCESS_UNIT:  # access tokens are no money
            await self.publish([final_figures(closed, self._log.view())])
        await self._signer.retire(keyset)
        return closed

    async def keep_calendar(self, settings: CalendarSettings | None, now: int) -> bool:
        """Do what the calendar has due; whether anything was. Safe to repeat, also after a crash half-way."""
        rows = await self._store.keysets()
        some_closed = any(row.state == "closed" for row in rows)
        held = {each.id for each in await self._signer.keysets()} if some_closed else set()
        found = due(settings, rows, now, held)
        try:
            for each in found:
                match each:
                    case Announce():
                        await self.announce_keyset(each.unit, each.period, each.final_expiry, each.active_from)
                    case Activate():
                        await self.activate(KeysetId(each.keyset))
                    case Close():
                        await self.close_keyset(KeysetId(each.keyset), now=now)
        finally:
            # Also while the log is away, or a deposit waits for the shops side.
            await self._clear_quotes(now)
        return bool(found)

    async def _clear_quotes(self, now: int) -> None:
        """Quotes go with their keyset: unpaid ones at its published end, finished ones when it is closed; of one without an end
        when `LATER_AS_END` and `LATER_AS_CLOSED` later ones have signed. A quote that was paid and not claimed stays. Against
        floods, no more than `MOST_UNPAID` unpaid ones are kept."""
        if now - self._cleared_at < CLEARING_SECONDS:
            return
        rows = await self._store.keysets()
        ended = [row.number for row in rows if _has_ended(row, now) or _later(row, rows) >= LATER_AS_END]
        over = [row.number for row in rows if row.state == "closed" or _later(row, rows) >= LATER_AS_CLOSED]
        while await self._store.clear_quotes(ended=ended, over=over, most_unpaid=MOST_UNPAID):
            pass
        self._cleared_at = now

    # --- putting a backup back ---------------------------------------------------------------------------------------------------

    async def check_age(self) -> None:
        """Raises `DatabaseTooOld` when this database has done less than the mint is known to have done: by its own note beside
        the database, or by its figures in the public log."""
        noted = self._folder / NOTE
        done = await self._store.progress()
        if noted.exists() and done < int(noted.read_bytes() or b"0"):
            raise DatabaseTooOld("The database is older than the note beside it.")
        rows = {row.id: row for row in await self._store.keysets()}
        # After a backup was accepted, nothing is taken of the keysets it held, and those that came after it are unknown here.
        accepted = any(row.state == "frozen" for row in rows.values())
        for _, figures in self._log.view().mint_figures:
            row = rows.get(figures.keyset)
            if (row is None and accepted) or (row is not None and row.state == "frozen"):
                continue
            if row is None or row.issued < figures.issued or row.redeemed < figures.redeemed:
                raise DatabaseTooOld("The database holds less than the mint's own figures in the public log.")

    async def note_age(self) -> None:
        """Note beside the database how much it has done; not in it, so that a backup put back is noticed."""
        done = await self._store.progress()
        if done != self._noted:
            replace_file(self._folder / NOTE, str(done).encode())
            self._noted = done

    async def accept_backup(self) -> list[KeysetRow]:
        """A backup was put back on purpose: nobody knows which tokens were spent since, of its keysets and of those that the log
        announced after it, so none is taken any more; their value is given out anew by the office. New keysets start at once.
        Raises `BadRequest` when nothing says that this is a backup: the mint's own database would be frozen for nothing."""
        await self._check_put_back()
        for _, body in (await self._beside(self._log.refresh)).keysets:
            # Made again, one that the backup does not know would count all of its tokens as unspent.
            period = UNKNOWN_PERIOD if body.active_from is None else period_of(body.active_from)
            amounts = sorted(int(each) for each in body.keys)
            await self._store.add_keyset(NewKeyset(body.keyset, body.unit, period, body.final_expiry, amounts))
        frozen = await self._store.freeze()
        (self._folder / NOTE).unlink(missing_ok=True)
        return frozen

    async def _check_put_back(self) -> None:
        if not (self._folder / NOTE).exists():
            return
        await self._beside(self._log.refresh)
        try:
            await self.check_age()
        except DatabaseTooOld:
            return
        raise BadRequest(
            "This database is no backup that was put back: it has done all that is noted beside it and in the log.",
            why="Accepting it would freeze all money that is out.",
            todo=f"Start the mint as usual. If the whole folder was put back, note and all, remove {NOTE} and repeat.",
        )

    # --- the office ------------------------------------------------------------------------------------------------------------

    async def open_payment(self, token: str) -> tuple[QuotePaid, int]:
        """The office's message, and the total that the log says was approved in its unit. Raises `BadSignature`."""
        message = await self._beside(self._open_payment, token)
        total = await self._store.paid_total(message.unit) + message.amount
        approved = self._log.view().approved(message.unit)
        if approved < total:
            approved = (await self._beside(self._log.refresh)).approved(message.unit)
        return message, approved

    def _open_payment(self, token: str) -> QuotePaid:
        office: VerifyingKey | None = self._log.view().publisher("office") or self._log.refresh().publisher("office")
        if office is None:
            raise BadSignature("The office's key is not in the public log yet.")
        return open_sealed(token, office, QuotePaid)

    def crowd_needed(self, settings: CrowdSettings | None, unit: Unit, now: int) -> int:
        """How large a unit's crowd must be before aid is issued, by what the log says."""
        return needed(settings, self._log.view(), unit, now=now)

    def window_ends(self, settings: CrowdSettings | None, unit: Unit) -> int:
        """When the claiming window of a unit ends (unix time; 0: there is none), by what the log says."""
        return window_ends(settings, self._log.view(), unit)

    # --- the shops side ---------------------------------------------------------------------------------------------------------

    async def check_accredited(self, shop: str, unit: str) -> None:
        """Raises `ShopNotAccredited` unless the shops side settles this shop in this unit. However long that side takes, few
        threads and few requests wait for it: `Unreachable` after `ASK_SECONDS`, `MintBusy` when too many wait."""
        if not _SHOP.fullmatch(shop):
            raise ShopNotAccredited("This is no shop's reference.")
        if self._asking >= MOST_ASKING:
            raise MintBusy("Too many quotes wait for the shops side.")
        self._asking += 1
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._askers, self._check_accredited, shop, unit)
        except TimeoutError as error:
            raise Unreachable("The shops side takes too long to answer.") from error
        finally:
            self._asking -= 1

    def _check_accredited(self, shop: str, unit: str) -> None:
        try:
            found = self._shops.post(
                "/bridge/accreditation", AskAccreditation(shop=ShopId(shop), unit=Unit(unit)), Accreditation
            )
        except RemoteError as error:
            raise ShopNotAccredited("The shops side does not know this shop.") from error
        if not found.accredited:
            raise ShopNotAccredited("This shop is not accredited for this unit.")

    async def deliver(self) -> None:
        """Tell the shops side of every deposit that waits, and finish it by its answer, which is final on both sides. A crash
        between two steps is mended by the next call: the shops side answers the same deposit in the same way. Raises
        `Unreachable` when it is away, or after the others when it gave one no clear answer; those deposits wait."""
        unclear, after = False, ""
        while waiting := await self._store.waiting(after=after):
            for row in waiting:
                after = row.id
                accepted = await self._beside(self._tell, row)
                if accepted is None:
                    unclear = True
                else:
                    await self._store.finish_deposit(row.id, accepted=accepted)
        if unclear:
            raise Unreachable("The shops side gave no clear answer about a deposit.")

    def _tell(self, row: MeltQuoteRow) -> bool | None:
        # Sealed when it is sent and not when it is kept: under another publishing key than the log's the shops side refuses the
        # seal, the deposit waits, and it is told as soon as the right key is back.
        message = ShopDeposited(deposit=row.id, shop=ShopId(row.shop), amount=row.amount, unit=row.unit)
        try:
            self._shops.post_bytes("/bridge/deposited", seal(message, self._key).encode(), dict[str, bool])
        except RemoteError as error:
            if error.status >= 500:
                raise Unreachable("The shops side gave no clear answer.") from error
            # Only the shops side's own word counts as a refusal; a proxy's page says nothing about the deposit.
            return False if error.stable_code.startswith("shops.") else None
        return True

    # --- the log and the disk -----------------------------------------------------------------------------------------------------

    async def publish(self, figures: list[MintFigures]) -> None:
        """Put figures into the public log."""
        for each in figures:
            await self._beside(self._log.publish, each, self._key)


def _has_ended(row: KeysetRow, now: int) -> bool:
    return row.final_expiry is not None and now > row.final_expiry


def _later(row: KeysetRow, rows: Sequence[KeysetRow]) -> int:
    """How many keysets of its unit have signed after one without an end; 0 for one with an end."""
    if row.final_expiry is not None:
        return 0
    return sum(each.unit == row.unit and each.number > row.number and each.state != "announced" for each in rows)


def final_figures(row: KeysetRow, view: LogView) -> MintFigures:
    """A closed keyset's last figures, of the month of its published end: what was left went back to the programme, and is counted
    as expired. Where the log knows of more than this database, which came from a backup then, the log's figures count."""
    period = period_of(row.final_expiry or 0)
    logged = [body for _, body in view.mint_figures if body.keyset == row.id]
    if logged and (logged[-1].issued > row.issued or logged[-1].redeemed > row.redeemed):
        left = logged[-1].outstanding + logged[-1].expired
        return msgspec.structs.replace(logged[-1], period=period, outstanding=0, expired=left)
    return MintFigures(
        period=period,
        keyset=row.id,
        unit=row.unit,
        issued=row.issued,
        moved=row.moved,
        redeemed=row.redeemed,
        outstanding=0,
        expired=row.returned,
    )
