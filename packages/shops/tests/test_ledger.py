"""The ledger: every entry sums to zero, is written once, and adds up after every step of any month."""

import sqlite3
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packages.shops.tests.conftest import FOOD, Town, deposit, settled

from amparo_common.bridge import ShopDeposited
from amparo_common.ids import ShopId
from amparo_shops.errors import ClaimTooHigh, LedgerUnbalanced, NothingToSettle
from amparo_shops.ledger import Posting, record_entry
from amparo_shops.service import Standing


def test_an_entry_that_does_not_sum_to_zero_is_not_written(town: Town) -> None:
    for postings in ([Posting("a", 1)], [Posting("a", 1), Posting("b", -2)], []):
        with pytest.raises(LedgerUnbalanced), town.database.transaction() as connection:
            record_entry(connection, "x", postings, unit=FOOD, day="")
    assert town.rows("SELECT number FROM entry") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET amount = 0",
        "DELETE FROM posting",
        "REPLACE INTO posting (entry, account, amount) SELECT entry, account, 0 FROM posting",
        "UPDATE entry SET unit = 'rent'",
        "DELETE FROM entry",
        "REPLACE INTO entry (number, reference, unit, day) SELECT number, reference, 'rent', day FROM entry",
    ],
)
def test_the_rows_of_the_ledger_are_written_once(town: Town, statement: str) -> None:
    settled(town)
    before = (town.rows("SELECT entry, account, amount FROM posting"), town.rows("SELECT number, unit FROM entry"))
    with pytest.raises(sqlite3.IntegrityError), town.database.transaction() as connection:
        connection.execute(statement)
    assert before == (
        town.rows("SELECT entry, account, amount FROM posting"),
        town.rows("SELECT number, unit FROM entry"),
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "deposit", "again", "claim", "claim", "settle", "confirm"]),
        st.integers(0, 1),
        st.integers(1, 500),
    ),
    max_size=14,
)


class Books:
    """What the totals should be, counted by the test itself."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.deposits: list[ShopDeposited] = []
        self.open: list[tuple[ShopId, int]] = []
        self.deposited: Counter[ShopId] = Counter()
        self.settled: Counter[ShopId] = Counter()
        self.runs: list[tuple[str, int, bool]] = []

    def step(self, name: str, who: int, amount: int) -> None:
        shop = (self.town.bakery, self.town.grocer)[who]
        match name:
            case "deposit":
                self.deposits.append(deposit(len(self.deposits), shop, amount))
                self.town.shops.record_deposit(self.deposits[-1])
                self.deposited[shop.shop] += amount
            case "again" if self.deposits:
                self.town.shops.record_deposit(self.deposits[amount % len(self.deposits)])
            case "claim":
                self._claim(shop.shop, amount)
            case "settle":
                self._settle()
            case "confirm" if self.runs:
                place = amount % len(self.runs)
                run, total, _ = self.runs[place]
                assert self.town.shops.confirm(run).confirmed
                self.runs[place] = (run, total, True)

    def _claim(self, shop: ShopId, amount: int) -> None:
        number = f"{shop}/{amount}"
        rest = self.deposited[shop] - self.settled[shop] - sum(sum_ for who, sum_ in self.open if who == shop)
        known = self.town.rows(f"SELECT 1 FROM claim WHERE id = '{number}'")
        if known:
            self.town.shops.claim(shop, FOOD, amount, claim=number)
        elif amount <= rest:
            self.town.shops.claim(shop, FOOD, amount, claim=number)
            self.open.append((shop, amount))
        else:
            with pytest.raises(ClaimTooHigh):
                self.town.shops.claim(shop, FOOD, amount, claim=number)

    def _settle(self) -> None:
        run = f"run {len(self.runs)}"
        if not self.open:
            with pytest.raises(NothingToSettle):
                self.town.shops.settle(run, FOOD)
            return
        total = sum(amount for _, amount in self.open)
        assert self.town.shops.settle(run, FOOD).total == total
        self.runs.append((run, total, False))
        for shop, amount in self.open:
            self.settled[shop] += amount
        self.open = []

    def check(self) -> None:
        sums = self.town.rows("SELECT entry, sum(amount) FROM posting GROUP BY entry")
        assert all(total == 0 for _, total in sums)
        self.town.shops.trial_balance()
        for shop in (self.town.bakery.shop, self.town.grocer.shop):
            rest = self.deposited[shop] - self.settled[shop]
            asked = sum(amount for who, amount in self.open if who == shop)
            assert self.town.shops.standing(shop, FOOD) == Standing(
                FOOD, self.deposited[shop], rest, asked, self.settled[shop]
            )
        for figures in self.town.shops.figures("p"):
            assert figures.deposited == self.deposited.total()
            assert figures.settled == sum(total for _, total, confirmed in self.runs if confirmed)
            assert figures.deposited == figures.settled + figures.payable


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
@example([("deposit", 0, 9), ("claim", 0, 8), ("settle", 0, 1), ("confirm", 0, 1), ("deposit", 1, 3), ("again", 0, 1)])
def test_the_ledger_sums_to_zero_after_every_step_of_any_month(
    new_town: Callable[[], Town], steps: list[tuple[str, int, int]]
) -> None:
    town = new_town()
    try:
        books = Books(town)
        for step in steps:
            books.step(*step)
            books.check()
    finally:
        town.database.close()
