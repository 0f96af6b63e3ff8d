"""A printing desk beside a town, for tests: its disk survives its deaths, the office orders, a shop spends."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from packages.wallet.tests.conftest import AMOUNTS, LOG_SIGNER, OFFICE_KEY, Fragile, Town

from amparo_cashu.nut00_token import read_token
from amparo_common import canonical
from amparo_common.sheets import STRIKE_TYP, StrikeOrder
from amparo_common.signing import sign_compact
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_wallet.desk_store import MIGRATIONS
from amparo_wallet.voucher_desk import Made, VoucherDesk
from amparo_wallet.vouchers import print_slips, print_vouchers
from amparo_wallet.wallet import Wallet

UNTIL = date(2027, 1, 31)
HOME, NEW, OTHER = "H-7F3K-9Q2M", "730155215041", "550000004824"
# The digest of the files that were written.
FILES = b"files"


class Mortal(Database):
    """A database at whose commits the desk may die: before it, or right after."""

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A transaction; what dies before its end is undone."""
        with super().transaction() as connection:
            yield connection
            Fragile.step()
        Fragile.step()


class Desk:
    """A printing desk beside a town, on a disk that survives its deaths. `number`: of the sheet that was made last."""

    def __init__(self, town: Town, path: Path) -> None:
        self.town, self.path, self.number = town, path, ""
        self.open()

    def open(self) -> None:
        """Start it."""
        self.database = Mortal(self.path, MIGRATIONS)
        self.desk = VoucherDesk(
            self.database,
            office=Client("http://office", transport=Fragile(self.town.office), patience=0),
            mint=Client("http://mint", transport=Fragile(self.town.mint), patience=0),
            log=self.town.follower,
            vkey=LOG_SIGNER.vkey,
            clock=self.town.clock,
        )

    def reopen(self) -> None:
        """Stop and start it."""
        self.database.close()
        self.open()

    def issue(self, household: str = HOME, *, until: date = UNTIL) -> Made:
        """Make a sheet."""
        made = self.desk.issue(household, self.town.office.code, language="es", until=until)
        self.number = made.number
        return made

    def paper(self) -> tuple[list[str], str]:
        """Print what waits, and forget it: the codes and the slip's code as they are on paper."""
        ((sheet, slip),) = self.desk.to_print()
        assert print_vouchers([sheet], contact="555 0100").read_back == len(sheet.codes)
        assert print_slips([slip], contact="555 0100").read_back == 1
        self.desk.mark_written([slip], slip.sheet.encode())
        assert self.desk.printed(slip.sheet.encode()) == 1
        return sheet.codes, slip.code

    def replace(self, slip: str, *, sheet: str = "", new: str = NEW, key: Any = OFFICE_KEY) -> Made:
        """Have a lost sheet replaced, the one that was made last or another."""
        return self.desk.replace(
            order(sheet or self.number, new, key=key),
            slip,
            connect=lambda: Client("http://mint", transport=Fragile(self.town.mint), patience=0),
            wait=lambda _seconds: None,
        )

    def rows(self) -> dict[str, int]:
        """How many rows each table has that has any."""
        with self.database.reading() as connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        return {table: count for table, count in rows.items() if count and not table.startswith("sqlite")}

    def disk(self) -> bytes:
        """Everything on the desk's disk."""
        self.database.fold_journal()
        return b"".join(path.read_bytes() for path in self.path.parent.glob(f"{self.path.name}*"))


def order(sheet: str, new: str, *, key: Any = OFFICE_KEY) -> str:
    """What the office signs after two people agreed."""
    told = StrikeOrder(sheet=sheet, successor=new)
    return sign_compact(canonical.encode(told), key, typ=STRIKE_TYP)


@contextmanager
def opened(town: Town, path: Path) -> Iterator[Desk]:
    """A desk in a town that has decided aid of 56.00 for one household. Nobody dies unasked."""
    Fragile.countdown = None
    bundle = town.decide()[0]
    made = Desk(town, path)
    town.hand_out(bundle, AMOUNTS[0])
    yield made
    Fragile.countdown = None
    made.database.close()


def spend(town: Town, codes: list[str]) -> int:
    """A shop changes vouchers at the mint; the sum that it got. Raises `RemoteError` for one that is worth nothing."""
    shop = shop_of(town)
    total = 0
    for code in codes:
        token = read_token(code, keysets=[town.coiner.id])
        shop.purse.receive(token.proofs, "usd")
        total += sum(proof.amount for proof in token.proofs)
    return total


def shop_of(town: Town) -> Wallet:
    """Some purse that is not the desk's."""
    return town.named("shop")


def amount(town: Town, codes: list[str]) -> int:
    return sum(proof.amount for code in codes for proof in read_token(code, keysets=[town.coiner.id]).proofs)
