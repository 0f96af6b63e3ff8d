"""The printing desk: what it keeps, and a lost sheet that is struck and printed anew with exactly what was unspent."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packages.purse.tests.conftest import MINT_KEY
from packages.wallet.tests.conftest import AMOUNTS, Fragile, PowerCut, Town
from packages.wallet.tests.printing_desk import FILES, NEW, OTHER, Desk, amount, opened, shop_of, spend

from amparo_cashu.nut00_token import read_token
from amparo_common.errors import AmparoError
from amparo_common.sheets import read_sheet_number
from amparo_service.errors import RemoteError
from amparo_wallet.errors import NothingToClaim, SheetStruck, SheetUnknown, SlipFalse
from amparo_wallet.voucher_desk import Made
from amparo_wallet.vouchers import read_slip


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Iterator[Desk]:
    """A desk in a town that has decided aid of 56.00 for one household."""
    with opened(town, tmp_path / "desk.sqlite") as made:
        yield made


# --- what the desk keeps -------------------------------------------------------------------------------------------------------


def test_a_sheet_holds_the_aid_and_printing_twice_prints_the_same(desk: Desk) -> None:
    made = desk.issue()
    assert (read_sheet_number(made.number), made.sums) == (made.number, {"usd": AMOUNTS[0]})
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
    assert desk.rows() == {"sheet": 1}


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
    desk.desk.mark_written([slip for _, slip in waiting], FILES)
    Fragile.countdown = 1
    with pytest.raises(PowerCut):
        desk.desk.printed(FILES)
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
    assert (read.sheet, read.code) == (desk.number, slip.code.replace("-", ""))
    for wrong in ("", slip.code, f"AMPARO-SLIP:{NEW}", "AMPARO-SLIP:123:ABC", "cashuBo2F0", f"{NEW}:{slip.code}"):
        assert read_slip(wrong) is None
