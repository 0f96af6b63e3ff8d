"""What a shop deposited and what it may claim: each booked once, and the first answer is final."""

import pytest
from packages.shops.tests.conftest import FOOD, RENT, Town, deposit

from amparo_common.ids import ShopId
from amparo_shops.errors import (
    AmountNotPositive,
    ClaimDiffers,
    ClaimTooHigh,
    DepositDiffers,
    DepositRefused,
    NothingToSettle,
    ShopUnknown,
)
from amparo_shops.service import Accredited, Standing


def test_a_deposit_is_booked_once_however_often_it_is_told(town: Town) -> None:
    for _ in range(3):
        town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    town.shops.record_deposit(deposit(2, town.bakery, 50))
    assert town.shops.standing(town.bakery.shop, FOOD) == Standing(FOOD, 1_100, 1_100, 0, 0)
    assert town.shops.standing(town.grocer.shop, FOOD) == Standing(FOOD, 0, 0, 0, 0)
    assert town.shops.trial_balance() == {"food": {"aid:food": 1_100, f"payable:{town.bakery.shop}": -1_100}}


@pytest.mark.parametrize("difference", ["amount", "shop", "unit"])
def test_a_deposit_repeated_with_another_content_is_refused_and_changes_nothing(town: Town, difference: str) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    before = town.shops.trial_balance()
    other = {
        "amount": deposit(1, town.bakery, 1_051),
        "shop": deposit(1, town.grocer, 1_050),
        "unit": deposit(1, town.bakery, 1_050, RENT),
    }
    with pytest.raises(DepositDiffers):
        town.shops.record_deposit(other[difference])
    assert town.shops.trial_balance() == before


@pytest.mark.parametrize("amount", [0, -1, -1_050])
def test_a_deposit_of_nothing_or_less_is_refused(town: Town, amount: int) -> None:
    with pytest.raises(AmountNotPositive):
        town.shops.record_deposit(deposit(1, town.bakery, amount))
    assert town.shops.trial_balance() == {}
    # The same number is refused for good; another one is another deposit.
    with pytest.raises(DepositRefused):
        town.shops.record_deposit(deposit(1, town.bakery, 1))
    town.shops.record_deposit(deposit(2, town.bakery, 1))


def test_a_deposit_for_an_unknown_shop_is_refused(town: Town) -> None:
    stranger = Accredited(shop=ShopId("0" * 32), access="")
    with pytest.raises(ShopUnknown):
        town.shops.record_deposit(deposit(1, stranger, 8))
    assert town.shops.trial_balance() == {}


def change_shop(town: Town, statement: str, shop: ShopId) -> None:
    """Accredit a shop, or end its accreditation, behind the back of the service."""
    with town.database.transaction() as connection:
        connection.execute(statement, (shop,))


def test_a_deposit_that_was_refused_is_never_booked_later(town: Town) -> None:
    """The mint may have heard the refusal, or not, or twice: it has given the tokens back."""
    late = Accredited(shop=ShopId("0" * 32), access="")
    with pytest.raises(ShopUnknown):
        town.shops.record_deposit(deposit(1, late, 8))
    change_shop(
        town, "INSERT INTO shop (id, name, account, units, access_hash) VALUES (?, '', '', 'food', x'')", late.shop
    )
    for _ in range(2):
        with pytest.raises(DepositRefused):
            town.shops.record_deposit(deposit(1, late, 8))
    assert town.shops.trial_balance() == {}
    town.shops.record_deposit(deposit(2, late, 8))
    assert town.shops.standing(late.shop, FOOD).deposited == 8


def test_a_deposit_that_was_booked_stays_accepted_whatever_became_of_the_shop(town: Town) -> None:
    """A late refusal would give tokens back that the shop was credited for (nutshell #1170)."""
    town.shops.record_deposit(deposit(1, town.bakery, 8))
    change_shop(town, "DELETE FROM shop WHERE id = ?", town.bakery.shop)
    town.shops.record_deposit(deposit(1, town.bakery, 8))
    with pytest.raises(ShopUnknown):
        town.shops.record_deposit(deposit(2, town.bakery, 8))
    assert town.shops.standing(town.bakery.shop, FOOD).deposited == 8


def test_a_deposit_is_booked_without_the_day(town: Town) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    assert town.rows("SELECT reference, unit, day FROM entry") == [("deposit d1", "food", "")]


def test_a_shop_claims_no_more_than_it_deposited_and_not_yet_asked_for(town: Town) -> None:
    shop = town.bakery.shop
    town.shops.record_deposit(deposit(1, town.bakery, 100))
    town.shops.record_deposit(deposit(2, town.bakery, 900, RENT))
    for amount in (101, 0, -1, 2**60):
        with pytest.raises(ClaimTooHigh):
            town.shops.claim(shop, FOOD, amount, claim="a")
    assert town.shops.claim(shop, FOOD, 60, claim="a") == Standing(FOOD, 100, 100, 60, 0)
    with pytest.raises(ClaimTooHigh):
        town.shops.claim(shop, FOOD, 41, claim="b")
    assert town.shops.claim(shop, FOOD, 40, claim="b") == Standing(FOOD, 100, 100, 100, 0)
    town.shops.settle("r1", FOOD)
    with pytest.raises(ClaimTooHigh):
        town.shops.claim(shop, FOOD, 1, claim="c")


def test_a_claim_repeated_changes_nothing_before_and_after_its_settlement(town: Town) -> None:
    shop = town.bakery.shop
    town.shops.record_deposit(deposit(1, town.bakery, 100))
    for _ in range(2):
        assert town.shops.claim(shop, FOOD, 60, claim="a").asked == 60
    town.shops.settle("r1", FOOD)
    assert town.shops.claim(shop, FOOD, 60, claim="a") == Standing(FOOD, 100, 40, 0, 60)
    with pytest.raises(NothingToSettle):
        town.shops.settle("r2", FOOD)


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_claim_repeated_with_another_content_is_refused_and_changes_nothing(town: Town, is_settled: bool) -> None:
    for number, shop, unit in ((1, town.bakery, FOOD), (2, town.bakery, RENT), (3, town.grocer, FOOD)):
        town.shops.record_deposit(deposit(number, shop, 100, unit))
    town.shops.claim(town.bakery.shop, FOOD, 60, claim="a")
    if is_settled:
        town.shops.settle("r1", FOOD)
    before = town.rows("SELECT id, shop, unit, amount, run FROM claim")
    for shop, unit, amount in ((town.bakery, FOOD, 40), (town.bakery, RENT, 60), (town.grocer, FOOD, 60)):
        with pytest.raises(ClaimDiffers):
            town.shops.claim(shop.shop, unit, amount, claim="a")
    assert town.rows("SELECT id, shop, unit, amount, run FROM claim") == before
