"""The printing desk for households without a phone: claims for a sheet of vouchers, prints it, and replaces one that was lost.

Who holds what. A sheet has a purse of its own; once it is printed the desk forgets the purse, every code and whose it is. What is
left here is the sheet's reserve: the purse's recovery code, closed with the code on the household's slip (`reserve`). The slip
alone buys nothing, the desk alone (or whoever takes its disk) can read nothing, and the office has neither: it knows sheets by
number and household.

A lost sheet is replaced (`replace`) when three come together: the household's slip, this desk's reserve, and an order that the
office signed after two of its people agreed. The old sheet's unspent coins are exchanged for new ones under the new sheet's
seed (`amparo_purse.restore`, with all that it hides from the mint), so the old codes pay nothing from then on, and the new
sheet holds exactly what was unspent. Everything is written down before it is done: after a crash the same call goes on.

LIMIT: who lost both sheet and slip cannot have the sheet replaced. Whoever could do it without the slip could also tell, with
the mint, where the household had bought (decision 0039).
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec

from amparo_cashu.spent_filter import SpentFilter
from amparo_common import canonical
from amparo_common.clock import Clock, SystemClock
from amparo_common.codes import random_code
from amparo_common.errors import AmparoError
from amparo_common.sheets import STRIKE_TYP, Listed, StrikeOrder, sheet_number
from amparo_common.signing import verify_compact
from amparo_log.follow import LogFollower
from amparo_purse import recovery
from amparo_purse.filters import FilterShelf
from amparo_purse.restore import Manner
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import CannotStore, RemoteError, Unreachable
from amparo_wallet import desk_store as store
from amparo_wallet.desk_store import State
from amparo_wallet.errors import (
    DayPassed,
    KeyNotInLog,
    NothingToClaim,
    PrintUnknown,
    SheetNotPrinted,
    SheetStruck,
)
from amparo_wallet.reserve import close_reserve, open_reserve
from amparo_wallet.vouchers import Slip, VoucherSheet, take_vouchers, voucher_sheet
from amparo_wallet.wallet import Wallet, must_wait


class Made(msgspec.Struct, frozen=True):
    """A sheet that waits to be printed: its number, how many vouchers, and their sums in minor units by unit."""

    number: str
    vouchers: int
    sums: dict[str, int]


class Refusal(msgspec.Struct, frozen=True):
    """A household whose sheet could not be made: its reference, and the error's code."""

    household: str
    code: str


class Round(msgspec.Struct, frozen=True):
    """What became of every household that was asked for: a sheet that waits to be printed; no aid (`without`); too few others
    have claimed yet (`waiting`, to be repeated); or refused."""

    sheets: list[Made]
    without: list[str]
    waiting: list[str]
    refused: list[Refusal]


class VoucherDesk:
    """One printing desk, in a database of its own (`desk_store.MIGRATIONS`)."""

    def __init__(
        self,
        database: Database,
        *,
        office: Client,
        mint: Client,
        log: LogFollower,
        vkey: str,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._office = office
        self._mint = mint
        self._log = log
        self._vkey = vkey
        self._clock = clock or SystemClock()

    # --- new sheets --------------------------------------------------------------------------------------------------------------

    def issue_all(
        self,
        codes: Mapping[str, str],
        *,
        language: str,
        until: date,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Round:
        """A sheet for each household, given as reference and enrolment code. What is refused to one does not keep the others back;
        those who came too early are asked for once more after all others. `progress` is told how many of how many are done. Safe
        to repeat. Raises `DayPassed`, `Unreachable`, `CannotStore`."""
        self._check_day(until)
        found: dict[str, Made | AmparoError] = {}
        turn, done, total = list(codes), 0, len(codes)
        for _ in range(2):
            for household in turn:
                found[household] = self._try_issue(household, codes[household], language=language, until=until)
                done += 1
                progress(done, total)
            turn = _who_must_wait(found)
            total += len(turn)
        return _round(found)

    def _try_issue(self, household: str, code: str, *, language: str, until: date) -> Made | AmparoError:
        try:
            return self.issue(household, code, language=language, until=until)
        except (Unreachable, CannotStore):
            raise
        except AmparoError as error:
            return error

    def issue(self, household: str, code: str, *, language: str, until: date) -> Made:
        """Claim all approved aid of a household, with its enrolment code, onto its sheet, which gets a new number. Until the sheet
        is printed the same sheet again, with the day and language that are asked for now; safe to repeat after a crash. A household
        without aid, or whose code is refused, leaves nothing here. Raises `DayPassed`, `NothingToClaim`, and what `Wallet.enrol`
        and `Wallet.claim` raise."""
        self._check_day(until)
        row = self._begin(household, language=language, until=until)
        if row.state is State.FILLING:
            wallet = self._wallet(row.number)
            self._enrol(wallet, code, number=row.number)
            self._claim(wallet)
            wallet.purse.recover()
            if self._is_empty(wallet):
                self._remove_empty(row.number)
                raise NothingToClaim("There is no aid for this sheet.")
            self._fill(row.number, wallet)
        return self._made(row.number)

    def _check_day(self, until: date) -> None:
        if until < self._clock.now().date():
            raise DayPassed(f"{until.isoformat()} is over.")

    def _begin(self, household: str, *, language: str, until: date) -> store.Row:
        with self._database.transaction() as connection:
            row = store.find_of(connection, household)
            if row is None:
                number = sheet_number(lambda drawn: store.is_known(connection, drawn))
                store.add(connection, number, language=language, until=until, household=household)
            elif (row.language, row.until) != (language, until):
                store.correct(connection, row.number, language=language, until=until)
            return store.find(connection, number if row is None else row.number)

    def _enrol(self, wallet: Wallet, code: str, *, number: str) -> None:
        try:
            wallet.enrol(code)
        except RemoteError as refused:
            # Not for a server in trouble: it may have taken the code.
            if refused.status < 500 and not wallet.has_asked():
                self._remove_empty(number)
            raise

    def _claim(self, wallet: Wallet) -> None:
        """Claim what is due; what must wait for others does not keep the rest back, and is raised at the end."""
        early: RemoteError | None = None
        for paper in wallet.papers():
            receipt = wallet.check(paper)
            # What an earlier sheet has claimed is none of this one's.
            if not wallet.is_due(paper, receipt) or (paper.claimed and wallet.aid(receipt) is None):
                continue
            try:
                wallet.claim(paper, stock=True)
            except RemoteError as error:
                if not must_wait(error):
                    raise
                early = error
        if early is not None:
            raise early

    def _fill(
        self, number: str, wallet: Wallet, *, after: Callable[[sqlite3.Connection], None] = lambda _connection: None
    ) -> None:
        """In one commit: the coins leave the purse and become the sheet's codes, its slip is drawn and its reserve closed."""
        slip = random_code()
        reserve = close_reserve(recovery.read_code(wallet.recovery_code()), slip=slip, sheet=number)
        with self._database.transaction() as connection:
            vouchers = [
                (code, unit, amount)
                for unit in self._units()
                for code, amount in take_vouchers(wallet, unit, mint_url=self._mint.base)
            ]
            store.fill(connection, number, vouchers, slip=slip, reserve=reserve)
            after(connection)

    def _is_empty(self, wallet: Wallet) -> bool:
        return not any(wallet.purse.balance(unit) for unit in self._units())

    def _units(self) -> list[str]:
        return sorted({keyset.unit for _, keyset in self._log.view().keysets})

    # --- printing ---------------------------------------------------------------------------------------------------------------

    def packets(self, listed: Sequence[Listed]) -> list[Listed]:
        """Whose the sheets are, for the office: those that wait to be printed, after those that were `listed` before and are
        printed: the desk has forgotten whose they are, so that they would be lost with the list."""
        with self._database.reading() as connection:
            waiting = store.listed(connection)
            printed = store.printed(connection)
        return [row for row in listed if row.sheet in printed] + waiting

    def to_print(self) -> list[tuple[VoucherSheet, Slip]]:
        """The sheets that wait to be printed, each with its slip; the same again until `printed`."""
        with self._database.reading() as connection:
            rows = store.waiting(connection)
            vouchers = {row.number: store.vouchers_of(connection, row.number) for row in rows}
        return [
            (
                voucher_sheet(
                    [(code, amount) for code, _unit, amount in vouchers[row.number]],
                    language=row.language,
                    until=row.until,
                    number=row.number,
                ),
                Slip(sheet=row.number, code=row.slip, language=row.language),
            )
            for row in rows
            if row.slip is not None
        ]

    def mark_written(self, slips: Sequence[Slip], files: bytes) -> None:
        """The sheets of these slips are in files of this digest, all of them; earlier files do not count any more."""
        with self._database.transaction() as connection:
            store.mark_written(connection, [slip.sheet for slip in slips], files)

    def is_written(self) -> bool:
        """Whether sheets are in files that are not marked as printed."""
        with self._database.reading() as connection:
            return store.is_written(connection)

    def printed(self, files: bytes) -> int:
        """The paper of the files with this digest is in the operator's hands: forget the codes and slips that are in them, the
        purses behind them and whose they are. How many sheets those were; from here on only paper and reserve together lead to
        the coins. What is in no such file stays. Raises `PrintUnknown` for files that were not written last."""
        with self._database.transaction() as connection:
            count = store.mark_printed(connection, files)
        if not count:
            raise PrintUnknown("These files are not those that this desk wrote last.")
        self._database.rewrite()
        return count

    # --- a lost sheet -----------------------------------------------------------------------------------------------------------

    def replace(
        self,
        order: str,
        slip: str,
        *,
        connect: Callable[[], Client],
        wait: Callable[[float], None],
        shelf: FilterShelf | None = None,
        manner: Manner | None = None,
    ) -> Made:
        """Strike a printed sheet and make its successor of what is unspent, with the same last day. `order` is the office's
        (`StrikeOrder`), `slip` the code on the household's slip. `shelf` keeps the published filters of spent coins: with them no
        spent coin is asked about. `connect`, `wait` and `manner` are as for `Wallet.restore`. A successor without vouchers: all was
        spent. Safe to repeat until the successor is printed. Raises `BadSignature`, `KeyNotInLog`, `SheetUnknown`,
        `SheetNotPrinted`, `SheetStruck`, `SheetTaken`, `SlipFalse`, and what requests raise."""
        told = self._read_order(order)
        row = self._row(told.sheet)
        if row.successor not in (None, told.successor):
            raise SheetStruck("This sheet was struck under another order.")
        if row.state is State.STRUCK:
            return self._replaced(told.successor)
        if row.reserve is None or row.is_at_desk:
            raise SheetNotPrinted("This sheet is not marked as printed.")
        entropy = open_reserve(row.reserve, slip=slip, sheet=told.sheet)
        with self._database.transaction() as connection:
            store.succeed(connection, row, told.successor)
        wallet = self._wallet(told.successor)
        filters: list[SpentFilter] = []
        if shelf is not None:
            shelf.fetch(wallet.purse)
            filters = shelf.at_hand()
        wallet.restore(recovery.write_code(entropy), connect=connect, wait=wait, filters=filters, manner=manner)
        wallet.purse.recover()
        if self._is_empty(wallet):
            self._remove_empty(told.successor, after=lambda connection: store.strike(connection, told.sheet))
        else:
            self._fill(told.successor, wallet, after=lambda connection: store.strike(connection, told.sheet))
        return self._made(told.successor)

    def _replaced(self, successor: str) -> Made:
        """What a successor was made of; without vouchers where it was never needed."""
        with self._database.reading() as connection:
            if store.is_known(connection, successor) and not store.find(connection, successor).is_at_desk:
                raise SheetStruck("This sheet was struck, and its successor is printed.")
        return self._made(successor)

    def _read_order(self, order: str) -> StrikeOrder:
        key = self._log.view().publisher("office")
        if key is None:
            raise KeyNotInLog("The office's key is not in the public log.")
        return canonical.decode(verify_compact(order, key, typ=STRIKE_TYP), StrikeOrder)

    # --- keeping -----------------------------------------------------------------------------------------------------------------

    def forget_ended(self, today: date) -> int:
        """Drop the sheets whose vouchers have ended, however far they were; how many."""
        with self._database.transaction() as connection:
            dropped = store.remove_ended(connection, today)
        if dropped:
            self._database.rewrite()
        return dropped

    def _remove_empty(
        self, number: str, *, after: Callable[[sqlite3.Connection], None] = lambda _connection: None
    ) -> None:
        with self._database.transaction() as connection:
            store.remove_empty(connection, number)
            after(connection)

    def _wallet(self, number: str) -> Wallet:
        return Wallet(
            self._database,
            number,
            office=self._office,
            mint=self._mint,
            log=self._log,
            vkey=self._vkey,
            clock=self._clock,
        )

    def _row(self, number: str) -> store.Row:
        with self._database.reading() as connection:
            return store.find(connection, number)

    def _made(self, number: str) -> Made:
        with self._database.reading() as connection:
            vouchers = store.vouchers_of(connection, number)
        sums: dict[str, int] = {}
        for _code, unit, amount in vouchers:
            sums[unit] = sums.get(unit, 0) + amount
        return Made(number=number, vouchers=len(vouchers), sums=sums)


def _who_must_wait(found: Mapping[str, Made | AmparoError]) -> list[str]:
    return [household for household, each in found.items() if isinstance(each, AmparoError) and must_wait(each)]


def _round(found: Mapping[str, Made | AmparoError]) -> Round:
    errors = {household: each for household, each in found.items() if isinstance(each, AmparoError)}
    without = [household for household, each in errors.items() if isinstance(each, NothingToClaim)]
    waiting = _who_must_wait(found)
    return Round(
        sheets=[each for each in found.values() if isinstance(each, Made)],
        without=without,
        waiting=waiting,
        refused=[
            Refusal(household, each.public()["code"])
            for household, each in errors.items()
            if household not in {*without, *waiting}
        ],
    )
