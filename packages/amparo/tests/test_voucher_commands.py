"""A printing desk at the terminal: a sheet is made and printed, one voucher is spent, the sheet is lost, struck and made anew."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from amparo.__main__ import app
from amparo.demo import month
from amparo.demo.people import People
from amparo.demo.story import Options, Stage, moment
from amparo.folder import DataFolder
from amparo.installation import Installation
from amparo.sources import invented
from amparo.supervisor import Supervisor
from amparo_common import canonical
from amparo_common.errors import AmparoError
from amparo_common.money import format_minor
from amparo_common.sheets import STRIKE_TYP, StrikeOrder, sheet_number
from amparo_common.signing import sign_compact
from amparo_paper.sheet import read_printed
from amparo_service.keys import signing_key
from amparo_service.practice_clock import PracticeClock
from amparo_wallet.vouchers import read_slip

HOUSEHOLDS, UNIT, UNTIL = 20, "usd", "2027-01-31"


def answer(*words: str) -> Any:
    """What a command answers as JSON, also when it fails."""
    result = CliRunner().invoke(app, [*words, "--json"])
    if isinstance(result.exception, AmparoError):
        return {"error": result.exception.public()["code"]}
    assert result.exit_code == 0, f"{words}: {result.output} {result.exception!r}"
    return json.loads(result.stdout)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A town whose payments are approved and whose claiming window is over."""
    folder = DataFolder(tmp_path / "town")
    clock = PracticeClock(folder.clock)
    clock.set(moment(1))
    with Supervisor(folder, practice=True) as services:
        source = invented(3, HOUSEHOLDS)
        made = Stage(
            Options(seed=3, households=HOUSEHOLDS),
            source,
            folder,
            Installation(folder, services),
            clock,
            lambda _done, _total: None,
        )
        for step in (month.publish_rules, month.register, month.enrol, month.decide, month.approve):
            step(made)
        for unit in month.UNITS:
            made.installation.mint_operator().post(
                "/operate/keysets", {"unit": unit, "period": "2026-10"}, dict[str, str]
            )
        made.on(13)
        yield made


def test_a_lost_sheet_is_struck_and_printed_anew_at_the_terminal(stage: Stage, tmp_path: Path) -> None:
    data, at = ("--data", str(stage.folder.root)), ("--desk", str(tmp_path / "desk"))
    desk = (*at, *data)
    people = People(stage)
    ref = next(
        home.ref
        for home in people.homes()
        if any(paper.amount for paper in people.wallet(home.ref).papers() if paper.unit == UNIT)
    )
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
    told = StrikeOrder(sheet=made["number"], successor=sheet_number(), approval="0b54")
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
