"""What a till has stored sale by sale, its payment requests, its second device, and the lists of spent codes."""

from pathlib import Path

import httpx2
import pytest
from packages.till.tests.conftest import NOON, NOW, Street, code

from amparo_cashu.curve import hash_to_curve
from amparo_cashu.errors import FilterMalformed
from amparo_cashu.nut10_secret import write_secret
from amparo_cashu.nut18_request import read_request, write_request
from amparo_cashu.nut26_request import read_any_request, write_request_b
from amparo_cashu.spent_filter import build_filter, filter_item
from amparo_cashu.wire import Proof
from amparo_purse.calendar import DAY
from amparo_purse.filters import FilterShelf
from amparo_service.errors import RemoteError, Unreachable
from amparo_till.errors import SpentBefore, TakenBefore
from amparo_till.sales import Sale
from amparo_till.till import LOCK_SECONDS, Till

TODAY = NOW // DAY


def sell(street: Street, till: Till, *amounts: int) -> list[Proof]:
    """A sale without a connection."""
    coins = [street.locked(amount, till) for amount in amounts]
    till.accept_offline(code(*coins), till.request(sum(amounts), "food"))
    return coins


# --- stored sales --------------------------------------------------------------------------------------------------------


def test_a_stored_sale_is_pending_until_it_is_credited_and_then_forgotten(street: Street) -> None:
    sell(street, street.bakery, 8, 4)
    sell(street, street.bakery, 16)
    assert street.bakery.sales() == [Sale(1, "food", 12, "pending"), Sale(2, "food", 16, "pending")]
    assert street.grocer.sales() == []
    street.bakery.deposit("food")
    assert street.bakery.sales() == []
    sell(street, street.bakery, 2)
    assert [sale.amount for sale in street.bakery.sales()] == [2]


def test_a_deposit_that_waits_is_seen_and_when_it_is_given_back_the_sale_is_pending_again(street: Street) -> None:
    sell(street, street.bakery, 8)
    street.mint.slow = True
    street.bakery.deposit("food")
    assert [sale.state for sale in street.bakery.sales()] == ["waiting"]
    street.reopen()
    assert [sale.state for sale in street.bakery.sales()] == ["waiting"]
    street.mint.settle(paid=False)
    refused = httpx2.Response(400, json={"code": 20004, "detail": "Not now."})
    street.mint.intercept("/v1/melt/settle", refused, served=False)
    street.bakery.purse.recover()
    assert [sale.state for sale in street.bakery.sales()] == ["pending"]
    street.mint.honest()
    street.mint.slow = False
    assert street.bakery.deposit("food").deposited == 8
    assert street.bakery.sales() == []


def test_a_sale_that_the_shops_side_refuses_is_kept_and_tried_again(street: Street) -> None:
    sell(street, street.bakery, 8)
    street.mint.lie = lambda path, honest: (
        httpx2.Response(200, json=_unpaid(honest)) if path == "/v1/melt/settle" else honest
    )
    assert street.bakery.deposit("food").refused == 8
    assert [sale.state for sale in street.bakery.sales()] == ["refused"]
    street.mint.honest()
    street.mint.spent.clear()
    street.mint.deposits.clear()
    assert street.bakery.deposit("food").deposited == 8
    assert street.bakery.sales() == []


def _unpaid(honest: object) -> dict[str, object]:
    shown = {name: getattr(honest, name) for name in ("quote", "request", "amount", "unit", "method", "expiry")}
    return shown | {"state": "UNPAID"}


def test_a_sale_of_a_closed_keyset_is_kept_and_said(street: Street) -> None:
    sell(street, street.bakery, 8)
    street.mint.ended.add(street.food.id)
    assert street.bakery.deposit("food").ended == 8
    assert street.bakery.sales() == [Sale(1, "food", 8, "ended")]


def test_a_sale_whose_code_had_been_spent_is_shown_until_somebody_has_seen_it(street: Street) -> None:
    first, second = sell(street, street.bakery, 8, 4)
    street.mint.spent.add(hash_to_curve(first.secret.encode()).format().hex())
    found = street.bakery.deposit("food")
    assert (found.deposited, found.lost) == (4, 8)
    assert street.bakery.sales() == [Sale(1, "food", 8, "spent")]
    street.bakery.deposit("food")
    street.reopen()
    assert [sale.state for sale in street.bakery.sales()] == ["spent"]
    street.bakery.forget_spent()
    assert street.bakery.sales() == []
    assert second.secret not in _file(street)


def _file(street: Street) -> str:
    return (street.folder / "bakery.sqlite").read_bytes().decode("latin-1")


def test_a_sale_that_is_refused_is_not_stored(street: Street) -> None:
    (coin,) = sell(street, street.bakery, 8)
    with pytest.raises(TakenBefore):
        street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))
    assert len(street.bakery.sales()) == 1


# --- requests and a second device ----------------------------------------------------------------------------------------


def test_a_request_asks_for_the_amount_locked_to_this_shop_for_long_enough(street: Street) -> None:
    shown = street.bakery.shown(street.bakery.request(700, "food"))
    assert (shown.amount, shown.unit, shown.mints, shown.transports) == (700, "food", ["http://mint"], [])
    assert shown.lock is not None
    assert (shown.lock.kind, shown.lock.data) == ("P2PK", street.bakery.lock_key)
    assert shown.lock.tags == [["locktime", str(NOW + LOCK_SECONDS)]]
    for text in (write_request(shown), write_request_b(shown)):
        assert read_any_request(text) == shown
    assert read_request(write_request(shown)).description is None
    assert street.bakery.shown(street.bakery.request(700, "food")).id != shown.id
    # What it asks for is taken without a connection.
    secret = write_secret("P2PK", "5f" * 32, shown.lock.data, shown.lock.tags)
    coin = street.food.coin(8, secret=secret)
    street.connect(connected=False)
    street.bakery.accept_offline(code(coin), street.bakery.request(8, "food"))


def test_a_request_for_a_plain_code_has_no_lock(street: Street) -> None:
    assert street.bakery.shown(street.bakery.request(700, "food"), locked=False).lock is None


def test_a_second_device_takes_what_is_locked_to_the_shop(street: Street) -> None:
    second = street.till("bakery", device="-2", lock_key=street.bakery.lock_secret())
    assert second.lock_key == street.bakery.lock_key
    coin = street.locked(8, street.bakery)
    second.accept_offline(code(coin), second.request(8, "food"))
    assert second.deposit("food").deposited == 8


# --- the lists of spent codes --------------------------------------------------------------------------------------------


class Publisher:
    """Lets the mint answer for its filters."""

    def __init__(self, street: Street) -> None:
        self.editions: dict[str, bytes] = {}
        self._answer, street.mint._answer = street.mint._answer, self  # type: ignore[method-assign] # a page beside the mint

    def __call__(self, path: str, body: bytes) -> object:
        if not path.startswith("/filters/spent/"):
            return self._answer(path, body)
        found = self.editions.get(path.rpartition("/")[2])
        return (12001, "There is no filter.") if found is None else httpx2.Response(200, content=found)

    def publish(self, keyset: str, *coins: Proof, day: int = TODAY) -> None:
        items = [filter_item(keyset, hash_to_curve(coin.secret.encode()).format()) for coin in coins]
        self.editions[keyset] = build_filter(b"".join(sorted(items)), keyset=keyset, day=day)


def test_lists_fetched_with_a_connection_are_checked_without_one(street: Street, tmp_path: Path) -> None:
    shelf, publisher = FilterShelf(tmp_path / "filters"), Publisher(street)
    spent, fresh = street.locked(8, street.bakery), street.locked(8, street.bakery)
    publisher.publish(street.food.id, spent)
    assert shelf.fetch(street.bakery.purse) == 1  # of the other keyset there is none
    assert [each.keyset for each in shelf.at_hand()] == [street.food.id]
    street.connect(connected=False)
    street.bakery.use_filters(FilterShelf(tmp_path / "filters").at_hand())
    with pytest.raises(SpentBefore):
        street.bakery.accept_offline(code(spent), street.bakery.request(8, "food"))
    street.bakery.accept_offline(code(fresh), street.bakery.request(8, "food"))
    with pytest.raises(Unreachable):
        shelf.fetch(street.bakery.purse)


def test_a_list_is_fetched_once_a_day(street: Street, tmp_path: Path) -> None:
    shelf, publisher = FilterShelf(tmp_path / "filters"), Publisher(street)
    publisher.publish(street.food.id)
    publisher.publish(street.rent.id)
    assert shelf.fetch(street.bakery.purse) == 2
    asked = len(street.mint.asked)
    assert shelf.fetch(street.bakery.purse) == 0
    assert len(street.mint.asked) == asked
    street.clock.set(NOON.replace(day=NOON.day + 1))
    publisher.publish(street.food.id, day=TODAY + 1)
    assert shelf.fetch(street.bakery.purse) == 1
    assert {each.day for each in shelf.at_hand()} == {TODAY, TODAY + 1}


def test_a_list_of_another_keyset_an_older_one_or_a_coarse_one_is_refused(street: Street, tmp_path: Path) -> None:
    shelf, publisher = FilterShelf(tmp_path / "filters"), Publisher(street)
    publisher.publish(street.food.id, day=TODAY - 1)
    assert shelf.fetch(street.bakery.purse) == 1
    for edition in (
        build_filter(b"", keyset=street.rent.id, day=TODAY),
        build_filter(b"", keyset=street.food.id, day=TODAY - 2),
        # It takes every other good code for spent.
        build_filter(b"", keyset=street.food.id, day=TODAY, bits=1),
        b"junk",
    ):
        publisher.editions[street.food.id] = edition
        with pytest.raises(FilterMalformed):
            shelf.fetch(street.bakery.purse)
    assert [each.day for each in shelf.at_hand()] == [TODAY - 1]
    street.mint.lie = lambda path, honest: (10000, "no") if path.startswith("/filters") else honest
    with pytest.raises(RemoteError):
        shelf.fetch(street.bakery.purse)


def test_lists_of_closed_keysets_are_dropped_and_damaged_ones_left_out(street: Street, tmp_path: Path) -> None:
    shelf, publisher = FilterShelf(tmp_path / "filters"), Publisher(street)
    publisher.publish(street.food.id)
    shelf.fetch(street.bakery.purse)
    (tmp_path / "filters" / ("01" + "0" * 64 + ".filter")).write_bytes(b"old")
    assert len(shelf.at_hand()) == 1
    shelf.fetch(street.bakery.purse)
    assert [path.stem for path in (tmp_path / "filters").glob("*")] == [street.food.id]
