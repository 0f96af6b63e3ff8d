"""Settlement runs: repeated, confirmed, counted, and nothing paid twice."""

from datetime import UTC, datetime

import pytest
from packages.shops.tests.conftest import FOOD, RENT, Town, deposit, settled

from amparo_shops.errors import NothingToSettle, SettlementDiffers, SettlementUnknown


def test_a_settlement_run_repeated_gives_the_same_file_and_pays_nothing_twice(town: Town) -> None:
    settled(town)
    first, books = town.shops.find_run("2026-11"), town.shops.trial_balance()
    town.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    town.shops.claim(town.grocer.shop, FOOD, 400, claim="d")
    assert town.shops.settle("2026-11", FOOD) == first
    assert (first.total, first.confirmed) == (1_350, False)
    assert town.shops.trial_balance() == books
    assert town.shops.settle("2026-12", FOOD).total == 400


def test_a_runs_name_stands_for_one_unit(town: Town) -> None:
    settled(town)
    town.shops.claim(town.grocer.shop, RENT, 5, claim="d")
    with pytest.raises(SettlementDiffers):
        town.shops.settle("2026-11", RENT)
    assert town.rows("SELECT run FROM claim WHERE id = 'd'") == [(None,)]
    assert town.shops.settle("2026-11 rent", RENT).total == 5


def test_confirming_a_run_closes_it_once(town: Town) -> None:
    settled(town)
    file = town.shops.find_run("2026-11").file
    assert town.shops.trial_balance()["food"]["bank:food"] == -1_350
    for _ in range(2):
        assert town.shops.confirm("2026-11").confirmed
        assert town.shops.trial_balance()["food"] == {
            "aid:food": 400,
            "bank:food": 0,
            f"payable:{town.bakery.shop}": 0,
            f"payable:{town.grocer.shop}": -400,
        }
    assert town.shops.settle("2026-11", FOOD).file == file
    with pytest.raises(SettlementUnknown):
        town.shops.confirm("2026-12")
    with pytest.raises(SettlementUnknown):
        town.shops.find_run("2026-12")


def test_figures_say_what_was_deposited_settled_and_is_still_owed(town: Town) -> None:
    settled(town)
    for confirmed, paid in ((False, 0), (True, 1_350)):
        if confirmed:
            town.shops.confirm("2026-11")
        food, rent = town.shops.figures("2026-11")
        assert (food.unit, food.shops, food.deposited, food.settled, food.payable) == (
            "food",
            2,
            1_750,
            paid,
            1_750 - paid,
        )
        assert (rent.unit, rent.shops, rent.deposited, rent.settled, rent.payable) == ("rent", 1, 5, 0, 5)


def test_nothing_to_settle_is_said(town: Town) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 100))
    town.shops.claim(town.bakery.shop, FOOD, 100, claim="a")
    with pytest.raises(NothingToSettle):
        town.shops.settle("r", RENT)
    assert town.rows("SELECT run FROM settlement") == []
