"""Many sheets at a printing desk: one household's refusal keeps nobody back, and only what is on paper is forgotten."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from packages.wallet.tests.conftest import AMOUNTS, Fragile, PowerCut, Town
from packages.wallet.tests.printing_desk import FILES, HOME, NEW, OTHER, UNTIL, Desk, opened, spend

from amparo_common.sheets import Listed
from amparo_service.database import Database
from amparo_service.errors import RemoteError, Unreachable
from amparo_wallet.desk_store import MIGRATIONS
from amparo_wallet.errors import DayPassed, PrintUnknown, SheetNotPrinted, SheetStruck, SheetTaken
from amparo_wallet.voucher_desk import Made, Refusal, Round
from amparo_wallet.wallet import forget_wallet

NEIGHBOUR = "H-0B54-2XWD"
TOO_FEW = httpx2.Response(400, json={"detail": "1 of 2 people.", "code": 10000, "error": "mint.crowd_too_small"})


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Iterator[Desk]:
    """A desk in a town that has decided aid of 56.00 for one household."""
    with opened(town, tmp_path / "desk.sqlite") as made:
        yield made


def next_aid(desk: Desk) -> None:
    """The office has other papers now: aid of the next month."""
    desk.town.office.papers = []
    desk.town.hand_out(desk.town.decide(cycle="2026-12")[0], AMOUNTS[0])


def too_early(desk: Desk) -> None:
    """Until `honest` the mint asks everybody to come again."""
    desk.town.mint.intercept("/v1/mint/benefit", TOO_FEW, served=False)


def make(desk: Desk, **codes: str) -> Round:
    """A round for these households."""
    return desk.desk.issue_all(codes or {HOME: desk.town.office.code}, language="es", until=UNTIL)


# --- a round -----------------------------------------------------------------------------------------------------------------


def test_what_is_refused_to_one_household_keeps_nobody_back(desk: Desk) -> None:
    found = make(desk, **{NEIGHBOUR: "no code", HOME: desk.town.office.code})
    assert [each.sums for each in found.sheets] == [{"usd": AMOUNTS[0]}]
    assert found.refused == [Refusal(NEIGHBOUR, "office.unknown_enrolment_code")]
    assert (found.without, found.waiting) == ([], [])
    assert make(desk) == Round(found.sheets, [], [], [])


def test_who_came_too_early_is_asked_for_again_after_the_others(desk: Desk) -> None:
    too_early(desk)
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done == 2:
            desk.town.mint.honest()

    codes = {HOME: desk.town.office.code, NEIGHBOUR: "no code"}
    found = desk.desk.issue_all(codes, language="es", until=UNTIL, progress=progress)
    assert told == [(1, 2), (2, 2), (3, 3)]
    assert [each.sums for each in found.sheets] == [{"usd": AMOUNTS[0]}]
    assert found.waiting == []


def test_who_must_wait_is_reported_and_gets_the_sheet_later(desk: Desk) -> None:
    too_early(desk)
    assert make(desk) == Round([], [], [HOME], [])
    assert desk.desk.to_print() == []
    desk.reopen()
    desk.town.mint.honest()
    (made,) = make(desk).sheets
    assert made.sums == {"usd": AMOUNTS[0]}


def test_aid_that_must_wait_keeps_other_aid_of_the_household_not_back(desk: Desk) -> None:
    desk.town.hand_out(desk.town.decide(cycle="2026-12")[0], AMOUNTS[0])
    too_early(desk)
    make(desk)
    assert [claim.cycle for claim in desk.town.office.claims] == ["2026-11", "2026-12"]
    desk.town.mint.honest()
    (made,) = make(desk).sheets
    assert made.sums == {"usd": 2 * AMOUNTS[0]}


def test_a_mint_that_is_away_ends_the_round_and_it_goes_on_later(desk: Desk) -> None:
    desk.town.mint.away = True
    with pytest.raises(Unreachable):
        make(desk)
    desk.town.mint.away = False
    assert [each.sums for each in make(desk).sheets] == [{"usd": AMOUNTS[0]}]


def test_a_household_without_aid_leaves_no_row(desk: Desk) -> None:
    desk.town.office.papers = []
    assert make(desk) == Round([], [HOME], [], [])
    assert desk.rows() == {}


def test_a_household_whose_code_is_refused_leaves_no_row_unless_it_has_asked_for_aid(desk: Desk) -> None:
    assert make(desk, **{HOME: "no code"}).refused == [Refusal(HOME, "office.unknown_enrolment_code")]
    assert desk.rows() == {}
    too_early(desk)
    make(desk)
    make(desk, **{HOME: "no code"})
    desk.town.mint.honest()
    assert [each.sums for each in make(desk).sheets] == [{"usd": AMOUNTS[0]}]


def test_a_code_that_an_office_in_trouble_may_have_taken_is_not_lost(desk: Desk) -> None:
    taken = desk.town.office.handle_request

    def in_trouble(request: httpx2.Request) -> httpx2.Response:
        """It binds the wallet's key, and its answer is lost behind it."""
        taken(request)
        return httpx2.Response(502)

    desk.town.office.handle_request = in_trouble  # type: ignore[method-assign]
    (refused,) = make(desk).refused
    assert refused.household == HOME
    desk.town.office.handle_request = taken  # type: ignore[method-assign]
    bound = desk.town.office.holder
    assert bound is not None
    make(desk)
    assert desk.town.office.holder is not None
    assert desk.town.office.holder.kid == bound.kid


def test_a_day_that_is_over_is_refused_before_anything_is_claimed(desk: Desk) -> None:
    yesterday = date.fromordinal(desk.town.clock.now().date().toordinal() - 1)
    with pytest.raises(DayPassed):
        desk.issue(until=yesterday)
    with pytest.raises(DayPassed):
        desk.desk.issue_all({}, language="es", until=yesterday)
    assert (desk.rows(), desk.town.office.claims) == ({}, [])


# --- numbers -----------------------------------------------------------------------------------------------------------------


def test_a_number_that_the_desk_knows_is_drawn_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([48_210_937_516, 48_210_937_516, 73_015_521_504])
    monkeypatch.setattr("secrets.randbelow", lambda _below: next(drawn))
    assert desk.issue().number == "482109375162"
    desk.paper()
    next_aid(desk)
    assert desk.issue(NEIGHBOUR).number == "730155215041"


def test_later_aid_with_the_same_last_day_gets_a_sheet_of_its_own(desk: Desk) -> None:
    first = desk.issue()
    codes, _ = desk.paper()
    next_aid(desk)
    second = desk.issue()
    assert second.number != first.number
    more, _ = desk.paper()
    assert spend(desk.town, codes + more) == 2 * AMOUNTS[0]


def test_an_order_whose_successor_is_another_households_sheet_is_refused(desk: Desk) -> None:
    lost = desk.issue().number
    codes, slip = desk.paper()
    next_aid(desk)
    other = desk.issue(NEIGHBOUR)
    with pytest.raises(SheetTaken):
        desk.replace(slip, sheet=lost, new=other.number)
    ((sheet, _),) = desk.desk.to_print()
    assert len(sheet.codes) == other.vouchers
    assert spend(desk.town, codes) == AMOUNTS[0]
    assert desk.replace(slip, sheet=lost, new=NEW).vouchers == 0


# --- printing ----------------------------------------------------------------------------------------------------------------


def test_only_what_is_in_the_files_is_forgotten(desk: Desk) -> None:
    desk.issue()
    ((_, slip),) = desk.desk.to_print()
    desk.desk.mark_written([slip], FILES)
    next_aid(desk)
    later = desk.issue(NEIGHBOUR)
    assert desk.desk.printed(FILES) == 1
    ((_, other),) = desk.desk.to_print()
    assert other.sheet == later.number
    codes, _ = desk.paper()
    assert spend(desk.town, codes) == AMOUNTS[0]


def test_a_successor_that_came_between_writing_and_printed_is_kept(desk: Desk) -> None:
    lost = desk.issue().number
    _, slip = desk.paper()
    next_aid(desk)
    desk.issue(NEIGHBOUR)
    ((_, written),) = desk.desk.to_print()
    desk.desk.mark_written([written], b"later files")
    desk.replace(slip, sheet=lost)
    assert desk.desk.printed(b"later files") == 1
    assert [each.sheet for _, each in desk.desk.to_print()] == [NEW]


def test_files_that_were_not_written_last_are_refused_and_nothing_is_forgotten(desk: Desk) -> None:
    desk.issue()
    waiting = desk.desk.to_print()
    slips = [slip for _, slip in waiting]
    with pytest.raises(PrintUnknown):
        desk.desk.printed(FILES)
    for files in (b"first files", FILES):
        desk.desk.mark_written(slips, files)
    with pytest.raises(PrintUnknown):
        desk.desk.printed(b"first files")
    assert desk.desk.to_print() == waiting
    # Said again, because the files could not be deleted the first time.
    assert [desk.desk.printed(FILES), desk.desk.printed(FILES)] == [1, 1]


def test_another_last_day_is_printed_and_files_with_the_old_one_do_not_count(desk: Desk) -> None:
    made = desk.issue()
    ((_, slip),) = desk.desk.to_print()
    desk.desk.mark_written([slip], FILES)
    assert desk.issue(until=date(2027, 3, 31)) == made
    with pytest.raises(PrintUnknown):
        desk.desk.printed(FILES)
    ((sheet, _),) = desk.desk.to_print()
    assert sheet.items[0].words["until"] == "2027-03-31"
    assert desk.desk.packets([]) == [Listed(made.number, HOME, date(2027, 3, 31))]


def test_whose_a_sheet_is_the_desk_knows_until_it_is_printed(desk: Desk) -> None:
    made = desk.issue()
    (row,) = desk.desk.packets([])
    assert row == Listed(made.number, HOME, UNTIL)
    desk.paper()
    assert desk.desk.packets([]) == []
    assert HOME.encode() not in desk.disk()


def test_the_list_keeps_printed_sheets_and_has_none_that_do_not_exist(desk: Desk) -> None:
    printed = Listed(desk.issue().number, HOME, UNTIL)
    desk.paper()
    next_aid(desk)
    too_early(desk)
    make(desk, **{NEIGHBOUR: desk.town.office.code})
    assert desk.desk.packets([printed, Listed(OTHER, HOME, UNTIL)]) == [printed]
    desk.town.mint.honest()
    waiting = Listed(desk.issue(NEIGHBOUR).number, NEIGHBOUR, UNTIL)
    assert desk.desk.packets([printed, waiting]) == [printed, waiting]


# --- a lost one that is not printed, and what has ended --------------------------------------------------------------------------


def test_a_sheet_that_is_not_marked_as_printed_is_not_replaced_and_ends_without_a_trace(desk: Desk) -> None:
    desk.issue()
    ((_, slip),) = desk.desk.to_print()
    for _ in range(2):
        with pytest.raises(SheetNotPrinted):
            desk.replace(slip.code)
        desk.desk.mark_written([slip], FILES)
    assert desk.desk.forget_ended(date(2027, 1, 31)) == 0
    assert desk.desk.forget_ended(date(2027, 2, 1)) == 1
    assert desk.rows() == {}


@pytest.mark.parametrize("step", [1, 2, 6])
def test_a_sheet_that_was_never_finished_ends_without_a_trace(desk: Desk, step: int) -> None:
    Fragile.countdown = step
    with pytest.raises(PowerCut):
        desk.issue()
    desk.reopen()
    desk.desk.forget_ended(date(2027, 2, 1))
    assert desk.rows() == {}


def test_a_struck_sheet_and_its_successor_end_on_the_same_day(desk: Desk) -> None:
    desk.issue()
    _, slip = desk.paper()
    desk.replace(slip)
    ((sheet, _),) = desk.desk.to_print()
    assert sheet.items[0].words["until"] == UNTIL.isoformat()
    assert desk.desk.forget_ended(date(2027, 2, 1)) == 2
    assert desk.rows() == {}


def test_an_order_that_was_carried_out_and_printed_says_so(desk: Desk) -> None:
    lost = desk.issue().number
    codes, slip = desk.paper()
    made = desk.replace(slip)
    assert desk.replace(slip, sheet=lost) == made == Made(NEW, len(codes), {"usd": AMOUNTS[0]})
    desk.paper()
    with pytest.raises(SheetStruck):
        desk.replace(slip, sheet=lost)


def test_a_successor_that_was_not_needed_leaves_no_row(desk: Desk) -> None:
    desk.issue()
    codes, slip = desk.paper()
    spend(desk.town, codes)
    assert [desk.replace(slip), desk.replace(slip)] == [Made(NEW, 0, {})] * 2
    assert desk.rows() == {"sheet": 1}


def test_of_a_forgotten_wallet_no_row_is_left_in_any_table_and_of_others_all(desk: Desk) -> None:
    """Also of tables that this desk's steps leave empty."""
    desk.issue()
    with desk.database.transaction() as connection:
        tables = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if not table.startswith(("sqlite", "sheet"))
        }
        for table, columns in tables.items():
            for number, name in enumerate(("ours", "other's"), start=90):
                values = [name if column in ("name", "purse", "wallet") else str(number) for column in columns]
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
    before = desk.rows()
    assert tables.keys() <= before.keys()
    with desk.database.transaction() as connection:
        forget_wallet(connection, "ours")
    assert desk.rows() == {table: count - (table in tables) for table, count in before.items()}


# --- two at once, and an old file ------------------------------------------------------------------------------------------------


def test_of_two_processes_that_fill_a_sheet_the_second_changes_nothing(desk: Desk) -> None:
    other = Desk(desk.town, desk.path)
    sign = desk.town.mint.handle_request

    def overtake(request: httpx2.Request) -> Any:
        """While the first process waits for its coins, the second makes the sheet."""
        if request.url.path == "/v1/mint/benefit":
            desk.town.mint.handle_request = sign  # type: ignore[method-assign]
            other.issue()
        return sign(request)

    desk.town.mint.handle_request = overtake  # type: ignore[method-assign]
    with pytest.raises(SheetTaken):
        desk.issue()
    codes, slip = other.paper()
    assert other.replace(slip).sums == {"usd": AMOUNTS[0]}
    with pytest.raises(RemoteError):
        spend(desk.town, codes)
    other.database.close()


def test_a_file_of_an_earlier_version_goes_on(desk: Desk, tmp_path: Path) -> None:
    with_sheet = tmp_path / "old.sqlite"
    old = Database(with_sheet, MIGRATIONS[:1])
    with old.transaction() as connection:
        connection.execute(
            "INSERT INTO sheet (number, language, until, state, reserve) VALUES (?, 'es', '2027-01-31', 'printed', ?)",
            (OTHER, bytes(20)),
        )
    old.close()
    new = Desk(desk.town, with_sheet)
    assert new.issue().sums == {"usd": AMOUNTS[0]}
    assert new.desk.forget_ended(date(2027, 2, 1)) == 2
    new.database.close()
