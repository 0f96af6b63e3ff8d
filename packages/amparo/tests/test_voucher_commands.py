"""A printing desk at the terminal: a sheet is made and printed, one voucher is spent, the sheet is lost, struck and made anew."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.amparo.tests.terminal import answer, approved_town, somebody_with_aid

from amparo.demo.story import Stage
from amparo_common import canonical
from amparo_common.money import format_minor
from amparo_common.sheets import STRIKE_TYP, StrikeOrder, sheet_number
from amparo_common.signing import sign_compact
from amparo_paper.sheet import read_printed
from amparo_service.keys import signing_key
from amparo_wallet.vouchers import read_slip

UNIT, UNTIL = "usd", "2027-01-31"


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
    codes.write_text(json.dumps(answer("codes", ref, *data)))
    (made,) = answer("vouchers", "make", str(codes), "--until", UNTIL, *desk)["sheets"]
    again = answer("vouchers", "make", str(codes), "--until", UNTIL, *desk)
    assert again == {"sheets": [made], "without": []}
    assert (tmp_path / "desk/packets.csv").read_text().splitlines()[1:] == [f"{made['number']},{ref},{UNTIL}"]

    paper = tmp_path / "paper"
    printed = answer("vouchers", "print", "--out", str(paper), "--contact", "555 0100", *desk)
    assert printed == {"sheets": 1, "vouchers": made["vouchers"], "read_back": made["vouchers"] + 1}
    found = read_printed((paper / "sheets.pdf").read_bytes(), page=1)
    slip = read_slip(read_printed((paper / "slips.pdf").read_bytes(), page=1)[0])
    assert slip is not None
    assert answer("vouchers", "printed", "--out", str(paper), *desk) == {"forgotten": 1}
    assert list(paper.iterdir()) == []

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
    strike = ("vouchers", "replace", str(order), "--until", UNTIL, "--pause", "0", *desk)
    assert answer(*strike, "--slip", "0000-0000-0000-0000") == {"error": "wallet.slip_false"}
    successor = answer(*strike, "--slip", slip.qr_text())
    rest = {unit: total - (taken if unit == UNIT else 0) for unit, total in made["sums"].items()}
    assert successor == {"number": told.successor, "vouchers": made["vouchers"] - 1, "sums": rest}
    answer("vouchers", "print", "--out", str(paper), *desk)
    fresh = read_printed((paper / "sheets.pdf").read_bytes(), page=1)
    assert set(fresh).isdisjoint(found)
    refused = [answer("shop", "take", found[1], price, UNIT, *shop) for price in sorted(prices)]
    assert [each for each in refused if "taken" in each] == []
