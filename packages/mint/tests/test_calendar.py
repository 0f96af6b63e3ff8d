"""The keyset calendar, as a pure function and kept by a mint."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.mint.tests.conftest import FOOD, NOON, Town, Wallet

from amparo_common.bridge import KeysetAnnounced
from amparo_common.ids import KeysetId
from amparo_common.money import Unit
from amparo_mint.calendar import DAY, GRACE_SECONDS, Activate, Announce, CalendarSettings, Close, due, start_of
from amparo_mint.model import KeysetRow
from amparo_service.errors import Unreachable

SETTINGS = CalendarSettings(units=["food"])


def at(text: str) -> int:
    """A time in UTC as unix time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_unit_gets_a_keyset_for_this_month_and_a_week_ahead_the_next_one() -> None:
    this = Announce("food", "2026-11", at("2027-03-01"), at("2026-11-01"))
    following = Announce("food", "2026-12", at("2027-04-01"), at("2026-12-01"))
    assert due(SETTINGS, [], at("2026-11-20T12:00")) == [this]
    assert due(SETTINGS, [], at("2026-11-24T12:00")) == [this, following]
    assert due(SETTINGS, [], at("2026-12-31T12:00"))[1].period == "2027-01"  # type: ignore[union-attr] # an Announce


def test_an_announced_keyset_signs_from_the_first_second_of_its_month() -> None:
    november = KeysetRow(1, KeysetId("01aa"), FOOD, "2026-11", at("2027-03-01"), "active")
    december = KeysetRow(2, KeysetId("01bb"), FOOD, "2026-12", at("2027-04-01"), "announced")
    assert due(SETTINGS, [november, december], at("2026-11-30T23:59:59")) == []
    assert due(SETTINGS, [november, december], at("2026-12-01T00:00:00")) == [Activate("01bb")]


def test_a_keyset_is_closed_only_after_its_end_and_its_time_of_grace() -> None:
    old = KeysetRow(1, KeysetId("01aa"), FOOD, "2026-01", at("2026-05-01"), "ending")
    assert due(None, [old], at("2026-05-01") + GRACE_SECONDS) == []
    assert due(None, [old], at("2026-05-01") + GRACE_SECONDS + 1) == [Close("01aa")]


@given(st.integers(at("2026-01-01"), at("2030-01-01")), st.integers(0, 12), st.integers(0, 27))
def test_done_is_no_longer_due(now: int, spend_months: int, announce_days: int) -> None:
    settings = CalendarSettings(units=["food", "rent"], spend_months=spend_months, announce_days=announce_days)
    rows: list[KeysetRow] = []
    for _ in range(3):
        for each in due(settings, rows, now):
            match each:
                case Announce():
                    assert each.active_from == start_of(each.period) < each.final_expiry
                    number, unit = len(rows) + 1, Unit(each.unit)
                    rows.append(
                        KeysetRow(number, KeysetId(f"{number}"), unit, each.period, each.final_expiry, "announced")
                    )
                case Activate():
                    place = next(at for at, row in enumerate(rows) if row.id == each.keyset)
                    old = rows[place]
                    rows[place] = KeysetRow(old.number, old.id, old.unit, old.period, old.final_expiry, "active")
    assert due(settings, rows, now) == []
    assert sorted(row.unit for row in rows if row.state == "active") == ["food", "rent"]


def test_a_keyset_that_is_closed_while_the_log_is_away_disturbs_nobody(town: Town, wallet: Wallet, keyset: str) -> None:
    """Its tables are gone at once, its figures are published when the log is back, and the rest goes on meanwhile."""
    short = town.new_keyset("short", final_expiry=at("2026-12-01"))
    old = wallet.receive(short, 8)
    open_ended = town.new_keyset("open end")
    proofs = wallet.receive(open_ended, 8)
    unpaid = wallet.quote(8)
    town.clock.set(datetime.fromtimestamp(at("2026-12-01") + GRACE_SECONDS + 1, UTC))
    town.log.away = True
    body = wallet.swap_body(old, wallet.split(open_ended, 8))
    with pytest.raises(Unreachable):
        town.run(town.server.keep_calendar)
    assert wallet.state(proofs) == ["UNSPENT"]
    assert town.http.post("/v1/swap", content=body).json()["code"] == 12001
    assert short not in [each["id"] for each in town.http.get("/v1/keysets").json()["keysets"]]
    assert town.http.get(f"/v1/mint/quote/benefit/{unpaid}").status_code == 200
    town.log.away = False
    town.run(town.server.keep_calendar)
    assert [body.expired for _, body in town.log.view().mint_figures if body.keyset == short] == [8]


def test_a_mint_keeps_its_calendar_through_the_months_and_nothing_is_lost(town: Town, wallet: Wallet) -> None:
    """November's aid, exchanged in December, still exchanged in the time of grace, then given back as a public figure."""
    town.server._calendar = SETTINGS
    town.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    town.run(town.server.keep_calendar)
    shown = town.http.get("/v1/keysets").json()["keysets"]
    (december,) = [each["id"] for each in shown if each["active"]]
    proofs = wallet.receive(december, 48)
    entries = [body for _, body in town.log.view().keysets if isinstance(body, KeysetAnnounced)]
    assert (entries[-1].keyset, entries[-1].active_from) == (december, at("2026-12-01"))

    town.clock.set(datetime(2026, 12, 26, tzinfo=UTC))
    town.run(town.server.keep_calendar)
    shown = town.http.get("/v1/keysets").json()["keysets"]
    assert [each["active"] for each in shown if each["id"] == december] == [True]
    assert len(town.log.view().keysets) == len(entries) + 1

    grace = datetime.fromtimestamp(at("2027-04-01") + 5 * DAY, UTC)
    town.clock.set(grace)
    town.run(town.server.keep_calendar)
    (april,) = [each["id"] for each in town.http.get("/v1/keysets").json()["keysets"] if each["active"]]
    kept = wallet.swap(proofs[:1], wallet.blanks(april, [proofs[0].amount]))
    assert wallet.state(kept) == ["UNSPENT"]

    town.clock.set(datetime.fromtimestamp(at("2027-04-01") + GRACE_SECONDS + 1, UTC))
    town.run(town.server.keep_calendar)
    figures = [body for _, body in town.log.view().mint_figures if body.keyset == december]
    assert [(each.outstanding, each.expired) for each in figures] == [(0, 32)]
    refusal = town.http.post("/v1/swap", content=wallet.swap_body(proofs[1:], wallet.blanks(april, [32])))
    assert refusal.json()["code"] == 12001
    assert december not in {each.id for each in town.run(town.signer.keysets)}
    assert town.clock.now() > NOON
