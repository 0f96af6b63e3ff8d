"""The printing desk for households without a phone: claims for a sheet of vouchers, prints it, and replaces one that was lost.

Who holds what. A sheet has a purse of its own; once it is printed the desk forgets the purse and every code. What is left here
is the sheet's reserve: the purse's recovery code, closed with the code on the household's slip. The slip alone buys nothing, the
desk alone (or whoever takes its disk) can read nothing, and the office has neither: it knows sheets by number and household.

A lost sheet is replaced (`replace`) when three come together: the household's slip, this desk's reserve, and an order that the
office signed after two of its people agreed. The old sheet's unspent coins are exchanged for new ones under the new sheet's
seed (`amparo_purse.restore`, with all that it hides from the mint), so the old codes pay nothing from then on, and the new
sheet holds exactly what was unspent. Everything is written down before it is done: after a crash the same call goes on.

LIMIT: who lost both sheet and slip cannot have the sheet replaced. Whoever could do it without the slip could also tell, with
the mint, where the household had bought (decision 0039).
"""

import hmac
import sqlite3
from collections.abc import Callable
from datetime import date

import msgspec

from amparo_cashu.spent_filter import SpentFilter
from amparo_common import canonical
from amparo_common.clock import Clock
from amparo_common.codes import as_meant, random_code
from amparo_common.secret import Secret
from amparo_common.sheets import STRIKE_TYP, StrikeOrder
from amparo_common.signing import verify_compact
from amparo_log.follow import LogFollower
from amparo_purse import recovery
from amparo_purse.filters import FilterShelf
from amparo_purse.restore import Manner
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_wallet import wallet as wallet_module
from amparo_wallet.errors import KeyNotInLog, NothingToClaim, SheetStruck, SheetUnknown, SlipFalse
from amparo_wallet.vouchers import Slip, VoucherSheet, make_vouchers, voucher_sheet
from amparo_wallet.wallet import Wallet

SCHEMA = (
    wallet_module.SCHEMA + ";\n"
    # `state`: filling, ready (to be printed), printed, struck. `reserve` is closed with the slip; `slip` is here until both
    # are printed.
    "CREATE TABLE sheet (number TEXT NOT NULL PRIMARY KEY, language TEXT NOT NULL, until TEXT NOT NULL, state TEXT NOT NULL,"
    " reserve BLOB, slip TEXT, successor TEXT) WITHOUT ROWID;\n"
    "CREATE TABLE sheet_voucher (sheet TEXT NOT NULL REFERENCES sheet, place INTEGER NOT NULL, code TEXT NOT NULL,"
    " unit TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (sheet, place)) WITHOUT ROWID"
)
_CHECK_BYTES = 4


class Made(msgspec.Struct, frozen=True):
    """A sheet that waits to be printed: its number, how many vouchers, and their sums in minor units by unit."""

    number: str
    vouchers: int
    sums: dict[str, int]


class _Row(msgspec.Struct, frozen=True):
    number: str
    language: str
    until: str
    state: str
    reserve: bytes | None
    slip: str | None
    successor: str | None


class VoucherDesk:
    """One printing desk, in a database of its own."""

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
        self._clock = clock

    # --- a new sheet -----------------------------------------------------------------------------------------------------------

    def issue(self, number: str, code: str, *, language: str, until: str) -> Made:
        """Claim all approved aid of the household that an enrolment code stands for, onto a sheet of this number. Safe to
        repeat after a crash. Raises `NothingToClaim`, and what `Wallet.claim` raises."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO sheet (number, language, until, state) VALUES (?, ?, ?, 'filling') ON CONFLICT DO NOTHING",
                (number, language, until),
            )
        if self._row(number).state == "filling":
            wallet = self._wallet(number)
            wallet.enrol(code)
            self._claim(wallet)
            wallet.purse.recover()
            if not any(wallet.purse.balance(unit) for unit in self._units()):
                raise NothingToClaim("There is no aid for this sheet.")
            self._fill(number, wallet, after=lambda _connection: None)
        return self._made(number)

    def _claim(self, wallet: Wallet) -> None:
        for paper in wallet.papers():
            receipt = wallet.check(paper)
            # What an earlier sheet has claimed is none of this one's.
            if wallet.is_due(paper, receipt) and (not paper.claimed or wallet.aid(receipt) is not None):
                wallet.claim(paper, stock=True)

    def _fill(self, number: str, wallet: Wallet, *, after: Callable[[sqlite3.Connection], None]) -> None:
        """In one commit: the coins leave the purse and become the sheet's codes, its slip is drawn and its reserve closed."""
        row = self._row(number)
        slip = random_code()
        reserve = _closed(recovery.read_code(wallet.recovery_code()), slip=slip, sheet=number)
        with self._database.transaction() as connection:
            vouchers: list[tuple[str, str, int]] = []
            for unit in self._units():
                made = make_vouchers(wallet, unit, mint_url=self._mint.base, language=row.language, until=row.until)
                vouchers += [(code, unit, amount) for code, amount in zip(made.codes, made.amounts, strict=True)]
            connection.executemany(
                "INSERT INTO sheet_voucher (sheet, place, code, unit, amount) VALUES (?, ?, ?, ?, ?)",
                [(number, place, *each) for place, each in enumerate(vouchers)],
            )
            connection.execute(
                "UPDATE sheet SET state = 'ready', slip = ?, reserve = ? WHERE number = ?", (slip, reserve, number)
            )
            after(connection)

    def _units(self) -> list[str]:
        return sorted({keyset.unit for _, keyset in self._log.view().keysets})

    # --- printing ---------------------------------------------------------------------------------------------------------------

    def to_print(self) -> list[tuple[VoucherSheet, Slip]]:
        """The sheets that wait to be printed, each with its slip; the same again until `printed`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT number, language, until, slip FROM sheet WHERE state = 'ready' ORDER BY number"
            ).fetchall()
            found = []
            for number, language, until, slip in rows:
                vouchers = connection.execute(
                    "SELECT code, amount FROM sheet_voucher WHERE sheet = ? ORDER BY place", (number,)
                ).fetchall()
                if vouchers:
                    sheet = voucher_sheet(vouchers, language=language, until=until, number=number)
                    found.append((sheet, Slip(sheet=number, code=slip, language=language)))
        return found

    def printed(self) -> int:
        """The paper of everything in `to_print` is in the operator's hands: forget codes, slips, and the purses behind
        them. How many sheets those were. From here on only paper and reserve together lead to the coins."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT number FROM sheet WHERE state = 'ready'").fetchall()
            numbers = [str(number) for (number,) in rows]
            for number in numbers:
                connection.execute("DELETE FROM sheet_voucher WHERE sheet = ?", (number,))
                connection.execute("UPDATE sheet SET state = 'printed', slip = NULL WHERE number = ?", (number,))
                _forget_purse(connection, number)
        if numbers:
            self._database.rewrite()
        return len(numbers)

    # --- a lost sheet -----------------------------------------------------------------------------------------------------------

    def replace(
        self,
        order: str,
        slip: str,
        *,
        until: str,
        connect: Callable[[], Client],
        wait: Callable[[float], None],
        shelf: FilterShelf | None = None,
        manner: Manner | None = None,
    ) -> Made:
        """Strike a sheet and make its successor of what is unspent. `order` is the office's (`StrikeOrder`), `slip` the code
        on the household's slip, `until` what the new vouchers say. `shelf` keeps the published filters of spent coins: with
        them no spent coin is asked about. `connect`, `wait` and `manner` are as for `Wallet.restore`. A successor without
        vouchers: all was spent. Safe to repeat. Raises `BadSignature`, `KeyNotInLog`, `SheetUnknown`, `SheetStruck`,
        `SlipFalse`, and what requests raise."""
        told = self._read_order(order)
        row = self._row(told.sheet)
        if row.successor not in (None, told.successor):
            raise SheetStruck("This sheet was struck under another order.")
        if row.state == "struck":
            return self._made(told.successor)
        if row.reserve is None:
            raise SheetUnknown("This sheet was never printed.")
        entropy = _opened(row.reserve, slip=slip, sheet=told.sheet)
        with self._database.transaction() as connection:
            connection.execute("UPDATE sheet SET successor = ? WHERE number = ?", (told.successor, told.sheet))
            connection.execute(
                "INSERT INTO sheet (number, language, until, state) VALUES (?, ?, ?, 'filling') ON CONFLICT DO NOTHING",
                (told.successor, row.language, until),
            )
        wallet = self._wallet(told.successor)
        filters: list[SpentFilter] = []
        if shelf is not None:
            shelf.fetch(wallet.purse)
            filters = shelf.at_hand()
        wallet.restore(recovery.write_code(entropy), connect=connect, wait=wait, filters=filters, manner=manner)
        wallet.purse.recover()
        self._fill(told.successor, wallet, after=lambda connection: _strike(connection, told.sheet))
        return self._made(told.successor)

    def _read_order(self, order: str) -> StrikeOrder:
        key = self._log.view().publisher("office")
        if key is None:
            raise KeyNotInLog("The office's key is not in the public log.")
        return canonical.decode(verify_compact(order, key, typ=STRIKE_TYP), StrikeOrder)

    # --- keeping -----------------------------------------------------------------------------------------------------------------

    def forget_ended(self, today: date) -> int:
        """Drop the reserves of sheets whose vouchers have ended; how many."""
        with self._database.transaction() as connection:
            dropped = connection.execute(
                "DELETE FROM sheet WHERE state IN ('printed', 'struck') AND until < ?", (today.isoformat(),)
            ).rowcount
        if dropped:
            self._database.rewrite()
        return int(dropped)

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

    def _row(self, number: str) -> _Row:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT number, language, until, state, reserve, slip, successor FROM sheet WHERE number = ?", (number,)
            ).fetchone()
        if row is None:
            raise SheetUnknown("This desk made no sheet of this number.")
        return _Row(*row)

    def _made(self, number: str) -> Made:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT unit, count(*), sum(amount) FROM sheet_voucher WHERE sheet = ? GROUP BY unit", (number,)
            ).fetchall()
        return Made(
            number=number, vouchers=sum(row[1] for row in rows), sums={str(row[0]): int(row[2]) for row in rows}
        )


def _strike(connection: sqlite3.Connection, number: str) -> None:
    """The old sheet is worth nothing now, and nobody opens its reserve again."""
    connection.execute("UPDATE sheet SET state = 'struck', reserve = NULL WHERE number = ?", (number,))


def _forget_purse(connection: sqlite3.Connection, name: str) -> None:
    """Every row of one purse and its wallet, in whatever tables there are."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}
        owner = "name" if table in ("purse", "wallet") else next((c for c in ("purse", "wallet") if c in columns), None)
        if owner is not None:
            connection.execute(f"DELETE FROM {table} WHERE {owner} = ?", (name,))


# --- the reserve -----------------------------------------------------------------------------------------------------------------


def _pad(slip: str, sheet: str) -> bytes:
    # 80 random bits of the slip, used for one sheet only: a pad needs no more than to be unknown and used once.
    return hmac.digest(as_meant(slip).encode(), b"amparo-sheet-reserve-1" + sheet.encode(), "sha256")


def _closed(entropy: Secret, *, slip: str, sheet: str) -> bytes:
    """A purse's 16 bytes under the pad of a slip, and four bytes that tell a false slip."""
    pad, plain = _pad(slip, sheet), entropy.reveal()
    return bytes(a ^ b for a, b in zip(plain, pad, strict=False)) + pad[-_CHECK_BYTES:]


def _opened(reserve: bytes, *, slip: str, sheet: str) -> Secret:
    pad = _pad(slip, sheet)
    if not hmac.compare_digest(reserve[-_CHECK_BYTES:], pad[-_CHECK_BYTES:]):
        raise SlipFalse("This slip does not open this sheet's reserve.")
    return Secret(bytes(a ^ b for a, b in zip(reserve[:-_CHECK_BYTES], pad, strict=False)))
