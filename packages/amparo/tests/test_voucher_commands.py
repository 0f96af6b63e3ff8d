"""A printing desk at the terminal: a sheet is made and printed, one voucher is spent, the sheet is lost, struck and made anew."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packages.amparo.tests.terminal import answer, approved_town, somebody_with_aid
from typer.testing import CliRunner

from amparo.__main__ import app
from amparo.demo.story import Stage
from amparo.folder import private_folder, take_lock
from amparo_common import canonical
from amparo_common.money import format_minor
from amparo_common.sheets import STRIKE_TYP, StrikeOrder, sheet_number
from amparo_common.signing import sign_compact
from amparo_paper.sheet import read_printed
from amparo_service.keys import signing_key
from amparo_wallet.vouchers import read_slip

UNIT = "usd"
# Commands go by the machine's own clock.
TODAY = datetime.now(tz=UTC).date()
UNTIL, YESTERDAY = ((TODAY + timedelta(days=days)).isoformat() for days in (60, -2))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A town whose payments are approved and whose claiming window is over."""
    with approved_town(tmp_path / "town") as made:
        made.on(13)
        yield made


def test_a_lost_sheet_is_struck_and_printed_anew_at_the_terminal(stage: Stage, tmp_path: Path) -> None:
    data, at = ("--data", str(stage.folder.root)), ("--desk", str(tmp_path / "desk"))
    desk = (*at, *data)
    ref = somebody_with_aid(stage, UNIT)
    codes = tmp_path / "codes.json"
    codes.write_text(json.dumps(answer("codes", ref, *data) | {"H-0B54-2XWD": "AAAA-AAAA-AAAA-AAAA"}))
    make = ("vouchers", "make", str(codes), *desk)
    assert answer(*make, "--until", YESTERDAY) == {"error": "wallet.day_passed"}
    refused = [{"household": "H-0B54-2XWD", "code": "office.unknown_enrolment_code"}]
    (made,) = answer(*make, "--until", UNTIL)["sheets"]
    again = answer(*make, "--until", UNTIL)
    assert again == {"sheets": [made], "without": [], "waiting": [], "refused": refused}
    packets = tmp_path / "desk/packets.csv"
    assert packets.read_text().splitlines()[1:] == [f"{made['number']},{ref},{UNTIL}"]

    paper = tmp_path / "paper"
    assert answer("vouchers", "printed", "--out", str(paper), *desk) == {"error": "amparo.file_missing"}
    printed = answer("vouchers", "print", "--out", str(paper), "--contact", "555 0100", *desk)
    assert printed == {"sheets": 1, "vouchers": made["vouchers"], "read_back": made["vouchers"] + 1}
    found = read_printed((paper / "sheets.pdf").read_bytes(), page=1)
    slip = read_slip(read_printed((paper / "slips.pdf").read_bytes(), page=1)[0])
    assert slip is not None
    private = [path.stat().st_mode & 0o777 for path in (*paper.iterdir(), packets)]
    assert private == [0o600] * 3
    # A power cut left a draft.
    (paper / "sheets.pdf.0b54aa00.draft").write_bytes(b"codes")
    good = (paper / "sheets.pdf").read_bytes()
    (paper / "sheets.pdf").write_bytes(b"another file")
    assert answer("vouchers", "printed", "--out", str(paper), *desk) == {"error": "wallet.print_unknown"}
    (paper / "sheets.pdf").write_bytes(good)
    assert answer("vouchers", "printed", "--out", str(paper), *desk) == {"forgotten": 1}
    assert list(paper.iterdir()) == []
    # A crash between the two deletions left one file.
    (paper / "slips.pdf").write_bytes(b"codes of slips")
    assert answer("vouchers", "printed", "--out", str(paper), *desk) == {"forgotten": 0}
    assert list(paper.iterdir()) == []
    # The list stays until the office has taken it in, whatever is made meanwhile.
    assert answer(*make, "--until", UNTIL)["sheets"] == []
    assert packets.read_text().splitlines()[1:] == [f"{made['number']},{ref},{UNTIL}"]

    # One voucher is spent at a shop.
    shop = ("--till", str(tmp_path / "till"))
    new = answer("shop", "accredit", "Mercado", "ES9121000418450200051332", "--unit", UNIT, *data)
    answer("shop", "open", "--shop", new["shop"], "--access", new["access"], *shop, *data)
    prices = {format_minor(1 << power) for power in range(14)}
    taken = next(
        each["taken"]
        for price in sorted(prices)
        if "taken" in (each := answer("shop", "take", found[0], price, UNIT, *shop))
    )

    # The sheet is lost.
    told = StrikeOrder(sheet=made["number"], successor=sheet_number())
    key = signing_key(stage.folder.service("office"), "publish-key")
    order = tmp_path / "order.txt"
    order.write_text(sign_compact(canonical.encode(told), key, typ=STRIKE_TYP) + "\n")
    strike = ("vouchers", "replace", str(order), "--pause", "0", *desk)
    assert answer(*strike, typed="0000-0000-0000-0000\n") == {"error": "wallet.slip_false"}
    successor = answer(*strike, typed=f"{slip.qr_text()}\n")
    rest = {unit: total - (taken if unit == UNIT else 0) for unit, total in made["sums"].items()}
    assert successor == {"number": told.successor, "vouchers": made["vouchers"] - 1, "sums": rest}
    answer("vouchers", "print", "--out", str(paper), *desk)
    fresh = read_printed((paper / "sheets.pdf").read_bytes(), page=1)
    assert set(fresh).isdisjoint(found)
    # A file that somebody took away before the paper was good is no such rest.
    (paper / "slips.pdf").unlink()
    assert answer("vouchers", "printed", "--out", str(paper), *desk) == {"error": "amparo.file_missing"}
    assert (paper / "sheets.pdf").exists()
    refused = [answer("shop", "take", found[1], price, UNIT, *shop) for price in sorted(prices)]
    assert [each for each in refused if "taken" in each] == []


@pytest.mark.parametrize("typed", ["01/31/2027", "31.01.2027", "2027-02-30", "", "soon"])
def test_a_last_day_is_a_day(tmp_path: Path, typed: str) -> None:
    result = CliRunner().invoke(
        app, ["vouchers", "make", "codes.json", "--until", typed, "--desk", str(tmp_path / "d")]
    )
    assert result.exit_code == 2
    assert "2027-01-31" in result.stderr


@pytest.mark.parametrize("content", [b"", b"[]", b'{"H-1": 1}', b"\xff"])
def test_a_file_that_is_no_list_of_codes_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    codes = tmp_path / "codes.json"
    codes.write_bytes(content)
    desk = ("--desk", str(tmp_path / "desk"))
    assert answer("vouchers", "make", str(codes), "--until", UNTIL, *desk) == {"error": "amparo.file_missing"}


def test_a_folder_that_others_can_open_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir(mode=0o755)
    paper = ("--out", str(tmp_path / "paper"))
    assert answer("vouchers", "print", *paper, "--desk", str(folder)) == {"error": "amparo.folder_open"}
    assert answer("vouchers", "print", "--out", str(folder)) == {"error": "amparo.folder_open"}
    assert list(folder.iterdir()) == []
    folder.chmod(0o700)
    private_folder(folder)


def test_one_process_at_a_time_works_at_a_desk(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    private_folder(folder)
    lock = take_lock(folder / "lock")
    assert lock is not None
    words = ("vouchers", "printed", "--out", str(tmp_path), "--desk", str(folder), "--data", str(tmp_path / "no"))
    assert answer(*words) == {"error": "amparo.desk_in_use"}
    os.close(lock)
    assert answer(*words) == {"error": "amparo.nothing_running"}


def test_a_damaged_list_or_places_file_is_refused_in_words(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    words = ("vouchers", "print", "--out", str(tmp_path / "paper"), "--desk", str(folder))
    data = ("--data", str(stage.folder.root))
    assert answer(*words, *data) == {"error": "paper.nothing_to_print"}
    places = (folder / "places.json").read_bytes()
    (folder / "places.json").write_bytes(b"{")
    assert answer(*words) == {"error": "amparo.file_missing"}
    (folder / "places.json").write_bytes(places)
    (folder / "packets.csv").write_bytes(b"sheet;household\n")
    assert answer(*words) == {"error": "amparo.file_missing"}
    assert (folder / "packets.csv").read_bytes() == b"sheet;household\n"
