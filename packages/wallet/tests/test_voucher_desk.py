"""The printing desk: what it keeps, and a lost sheet that is struck and printed anew with exactly what was unspent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packages.purse.tests.conftest import MINT_KEY
from packages.wallet.tests.conftest import AMOUNTS, LOG_SIGNER, OFFICE_KEY, Fragile, PowerCut, Town

from amparo_cashu.nut00_token import read_token
from amparo_common import canonical
from amparo_common.errors import AmparoError
from amparo_common.sheets import STRIKE_TYP, StrikeOrder
from amparo_common.signing import sign_compact
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_wallet.errors import NothingToClaim, SheetStruck, SheetUnknown, SlipFalse
from amparo_wallet.voucher_desk import SCHEMA, Made, VoucherDesk
from amparo_wallet.vouchers import print_slips, print_vouchers, read_slip
from amparo_wallet.wallet import Wallet

UNTIL = "2027-01-31"
SHEET, NEW, OTHER = "482109375162", "730155215041", "550000004824"


@pytest.fixture(autouse=True)
def _nobody_dies_unasked() -> Iterator[None]:
    Fragile.countdown = None
    yield
    Fragile.countdown = None


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
    """A printing desk beside a town, on a disk that survives its deaths."""

    def __init__(self, town: Town, path: Path) -> None:
        self.town, self.path = town, path
        self.open()

    def open(self) -> None:
        """Start it."""
        self.database = Mortal(self.path, [SCHEMA])
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

    def issue(self, number: str = SHEET, *, language: str = "es") -> Made:
        """Make a sheet."""
        return self.desk.issue(number, self.town.office.code, language=language, until=UNTIL)

    def paper(self) -> tuple[list[str], str]:
        """Print what waits, and forget it: the codes and the slip's code as they are on paper."""
        ((sheet, slip),) = self.desk.to_print()
        assert print_vouchers([sheet], contact="555 0100").read_back == len(sheet.codes)
        assert print_slips([slip], contact="555 0100").read_back == 1
        assert self.desk.printed() == 1
        return sheet.codes, slip.code

    def replace(self, slip: str, *, sheet: str = SHEET, new: str = NEW, key: Any = OFFICE_KEY) -> Made:
        """Have a lost sheet replaced."""
        return self.desk.replace(
            order(sheet, new, key=key),
            slip,
            until=UNTIL,
            connect=lambda: Client("http://mint", transport=Fragile(self.town.mint), patience=0),
            wait=lambda _seconds: None,
        )

    def disk(self) -> bytes:
        """Everything on the desk's disk."""
        self.database.fold_journal()
        return b"".join(path.read_bytes() for path in self.path.parent.glob(f"{self.path.name}*"))


def order(sheet: str, new: str, *, key: Any = OFFICE_KEY) -> str:
    """What the office signs after two people agreed."""
    told = StrikeOrder(sheet=sheet, successor=new)
    return sign_compact(canonical.encode(told), key, typ=STRIKE_TYP)


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Iterator[Desk]:
    """A desk in a town that has decided aid of 56.00 for one household."""
    bundle = town.decide()[0]
    made = Desk(town, tmp_path / "desk.sqlite")
    town.hand_out(bundle, AMOUNTS[0])
    yield made
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


# --- what the desk keeps -------------------------------------------------------------------------------------------------------


def test_a_sheet_holds_the_aid_and_printing_twice_prints_the_same(desk: Desk) -> None:
    made = desk.issue()
    assert (made.number, made.sums) == (SHEET, {"usd": AMOUNTS[0]})
    first, again = desk.desk.to_print(), desk.desk.to_print()
    assert first == again
    assert desk.issue() == made
    codes, _ = desk.paper()
    assert amount(desk.town, codes) == AMOUNTS[0]
    assert desk.desk.to_print() == []


def test_after_printing_the_disk_holds_no_code_no_slip_and_no_seed(desk: Desk) -> None:
    desk.issue()
    with desk.database.reading() as connection:
        seed = bytes(connection.execute("SELECT seed FROM purse").fetchone()[0])
        entropy = bytes(connection.execute("SELECT entropy FROM recovery").fetchone()[0])
    before = desk.disk()
    codes, slip = desk.paper()
    secrets = [read_token(code, keysets=[desk.town.coiner.id]).proofs[0].secret.encode() for code in codes]
    sought = [seed, entropy, slip.encode(), *(code.encode() for code in codes), *secrets]
    assert all(each in before for each in [seed, slip.encode(), codes[0].encode()])
    assert [each for each in sought if each in desk.disk()] == []


def test_of_a_printed_purse_no_row_is_left_in_any_table(desk: Desk) -> None:
    desk.issue()
    desk.paper()
    with desk.database.reading() as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    assert {table: count for table, count in rows.items() if count and not table.startswith("sqlite")} == {"sheet": 1}


def test_without_aid_there_is_no_sheet_and_the_number_is_not_lost(desk: Desk) -> None:
    waiting, desk.town.office.papers = desk.town.office.papers, []
    with pytest.raises(NothingToClaim):
        desk.issue()
    assert desk.desk.to_print() == []
    desk.town.office.papers = waiting
    assert desk.issue().sums == {"usd": AMOUNTS[0]}


def test_reserves_are_dropped_when_the_vouchers_have_ended(desk: Desk) -> None:
    desk.issue()
    _, slip = desk.paper()
    assert desk.desk.forget_ended(date(2027, 1, 31)) == 0
    assert desk.desk.forget_ended(date(2027, 2, 1)) == 1
    with pytest.raises(SheetUnknown):
        desk.replace(slip)


# --- a lost sheet ----------------------------------------------------------------------------------------------------------


def test_a_lost_sheet_is_struck_and_its_successor_holds_exactly_what_was_unspent(desk: Desk) -> None:
    desk.issue()
    codes, slip = desk.paper()
    bought = spend(desk.town, codes[:3])
    made = desk.replace(slip)
    assert made == Made(NEW, len(codes) - 3, {"usd": AMOUNTS[0] - bought})
    fresh, new_slip = desk.paper()
    assert set(fresh).isdisjoint(codes)
    assert new_slip != slip
    for code in codes:
        with pytest.raises(RemoteError):
            spend(desk.town, [code])
    assert spend(desk.town, fresh) == AMOUNTS[0] - bought
    assert shop_of(desk.town).purse.balance("usd") == AMOUNTS[0]


def test_a_successor_may_be_lost_too_and_the_first_slip_is_dead(desk: Desk) -> None:
    desk.issue()
    _, slip = desk.paper()
    desk.replace(slip)
    _, second = desk.paper()
    assert desk.replace(second, sheet=NEW, new=OTHER).sums == {"usd": AMOUNTS[0]}
    with pytest.raises(SheetStruck):
        desk.replace(slip, new=OTHER)


def test_when_all_was_spent_the_successor_is_empty(desk: Desk) -> None:
    desk.issue()
    codes, slip = desk.paper()
    spend(desk.town, codes)
    assert desk.replace(slip) == Made(NEW, 0, {})
    assert desk.desk.to_print() == []


def test_the_same_order_again_changes_nothing(desk: Desk) -> None:
    desk.issue()
    _, slip = desk.paper()
    made = desk.replace(slip)
    waiting = desk.desk.to_print()
    asked = len(desk.town.mint.asked)
    assert desk.replace(slip) == made
    assert desk.desk.to_print() == waiting
    assert len(desk.town.mint.asked) == asked


def test_neither_desk_nor_slip_nor_order_alone_opens_a_sheet(desk: Desk) -> None:
    desk.issue()
    codes, slip = desk.paper()
    asked = len(desk.town.mint.asked)
    other = ("3" if slip[0] != "3" else "4") + slip[1:]
    with pytest.raises(SlipFalse):
        desk.replace(other)
    with pytest.raises(AmparoError, match=r"(?i)sign"):
        desk.replace(slip, key=MINT_KEY)
    with pytest.raises(SheetUnknown):
        desk.replace(slip, sheet=OTHER)
    assert len(desk.town.mint.asked) == asked
    assert spend(desk.town, codes) == AMOUNTS[0]


def test_a_slip_typed_by_hand_opens_the_sheet(desk: Desk) -> None:
    desk.issue()
    _, slip = desk.paper()
    assert desk.replace(slip.lower().replace("-", " ").replace("0", "o")).sums == {"usd": AMOUNTS[0]}


def test_the_mint_is_shown_no_old_coin_together_with_another(desk: Desk) -> None:
    desk.issue()
    codes, slip = desk.paper()
    secrets = {read_token(code, keysets=[desk.town.coiner.id]).proofs[0].secret for code in codes}
    bodies: list[bytes] = []
    inner = desk.town.mint.handle_request

    def watch(request: Any) -> Any:
        bodies.append(request.read())
        return inner(request)

    desk.town.mint.handle_request = watch  # type: ignore[method-assign]
    desk.replace(slip)
    shown = [{each for each in secrets if each.encode() in body} for body in bodies]
    assert sum(map(len, shown)) == len(codes)
    assert max(map(len, shown)) == 1


def deaths(desk: Desk, work: Callable[[], Made], *, every: int) -> tuple[int, Made]:
    """Do something that dies again and again, each time a little later after its start, until it is done; how often it died."""
    died = 0
    while True:
        Fragile.countdown = every + died // 4
        try:
            made = work()
        except PowerCut:
            died += 1
            desk.reopen()
            continue
        Fragile.countdown = None
        return died, made


@pytest.mark.parametrize("every", range(1, 10))
def test_a_desk_that_dies_at_any_step_of_a_replacement_loses_and_doubles_nothing(desk: Desk, every: int) -> None:
    desk.issue()
    codes, slip = desk.paper()
    bought = spend(desk.town, codes[:2])
    died, made = deaths(desk, lambda: desk.replace(slip), every=every)
    assert died > 20
    assert made.sums == {"usd": AMOUNTS[0] - bought}
    desk.reopen()
    waiting = desk.desk.to_print()
    Fragile.countdown = 1
    with pytest.raises(PowerCut):
        desk.desk.printed()
    desk.reopen()
    assert desk.desk.to_print() == waiting
    fresh, _ = desk.paper()
    assert spend(desk.town, fresh) == AMOUNTS[0] - bought
    assert desk.desk.to_print() == []


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_desk_that_dies_at_any_step_of_issuing_makes_the_sheet_once(desk: Desk, every: int) -> None:
    died, made = deaths(desk, desk.issue, every=every)
    assert died > 3
    assert made.sums == {"usd": AMOUNTS[0]}
    codes, _ = desk.paper()
    assert spend(desk.town, codes) == AMOUNTS[0]


# --- slips -----------------------------------------------------------------------------------------------------------


def test_a_slip_says_its_sheet_and_its_code_and_nothing_else_is_a_slip(desk: Desk) -> None:
    desk.issue()
    ((_, slip),) = desk.desk.to_print()
    read = read_slip(slip.qr_text())
    assert read is not None
    assert (read.sheet, read.code) == (SHEET, slip.code.replace("-", ""))
    for wrong in ("", slip.code, f"AMPARO-SLIP:{SHEET}", "AMPARO-SLIP:123:ABC", "cashuBo2F0", f"{SHEET}:{slip.code}"):
        assert read_slip(wrong) is None
