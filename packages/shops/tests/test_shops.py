"""The shops side through its public interface: deposits, claims, settlement, ledger, bank file, who sees what."""

import io
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from amparo_common.bridge import KeyAnnounced, LogEntry, LogMessage, ShopDeposited, seal, sign_for_log
from amparo_common.clock import FixedClock, to_text
from amparo_common.ids import DepositId, ShopId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey
from amparo_log.follow import LogFollower
from amparo_log.view import LogView
from amparo_service.database import Database
from amparo_service.http import make_app
from amparo_shops.bank_file import NAMESPACE, Party, Payment, check_account, check_bank_file, write_bank_file
from amparo_shops.errors import (
    AmountNotPositive,
    BadAccount,
    BadName,
    BadRunName,
    BankFileInvalid,
    ClaimDiffers,
    ClaimTooHigh,
    DepositDiffers,
    DepositRefused,
    LedgerUnbalanced,
    NothingToSettle,
    NotThisShop,
    SettlementDiffers,
    SettlementUnknown,
    ShopsError,
    ShopUnknown,
)
from amparo_shops.http import ShopsServer
from amparo_shops.ledger import Posting, record_entry
from amparo_shops.service import Accredited, NewShop, Shops, Standing
from amparo_shops.store import MIGRATIONS

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
FOOD, RENT = Unit("food"), Unit("rent")
MINT_KEY, SHOPS_KEY = SigningKey.generate(), SigningKey.generate()
IBAN = "GB82 WEST 1234 5698 7654 32"
DEBTOR = Party(name="Programme of Aid", account="DE89370400440532013000")
SCHEMA_FILE = resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"


class TownLog(LogFollower):
    """The public log as the shops side sees it, kept in memory: every entry is checked as each reader checks it."""

    def __init__(self) -> None:
        self._view = LogView()

    def refresh(self) -> LogView:
        """All that was published."""
        return self._view

    def publish(self, body: LogMessage, key: SigningKey) -> int:
        """Take a message in as the next entry."""
        place = self._view.size
        self._view.add(place, LogEntry(at=to_text(NOON), entry=sign_for_log(body, key)))
        return place


class Town:
    """The shops side in a folder, over its real HTTP edge, with two shops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(NOON)
        self.log = TownLog()
        self.log.publish(KeyAnnounced(purpose="mint", jwk=MINT_KEY.public.jwk), MINT_KEY)
        self.database = Database(folder / "shops.sqlite", MIGRATIONS)
        self.shops = Shops(self.database, clock=self.clock, debtor=DEBTOR, currency="EUR")
        server = ShopsServer(self.shops, folder, key=SHOPS_KEY, log=self.log, practice=True)
        server.introduce()
        self.http = TestClient(make_app(server.routes()), raise_server_exceptions=False)
        self.bakery = self.shops.accredit(NewShop(name="Panadería Ñandú", account=IBAN, units=["food"]))
        self.grocer = self.shops.accredit(NewShop(name="متجر الأمل", account="12-3456", units=["food", "rent"]))

    def finance(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the finance officer."""
        self.http.request("GET", "/ledger")  # the token is made when it is first asked for
        token = (self.folder / "operator.token").read_text()
        return self.http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Rows of the database, read by a connection of its own."""
        connection = sqlite3.connect(self.folder / "shops.sqlite")
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def new_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Town]:
    """Makes towns, for tests that need a fresh one for every example. Whoever makes one closes its database."""
    return lambda: Town(tmp_path_factory.mktemp("shops"))


def deposit(number: int | str, shop: Accredited, amount: int, unit: Unit = FOOD) -> ShopDeposited:
    return ShopDeposited(deposit=DepositId(f"d{number}"), shop=shop.shop, amount=amount, unit=unit)


def bearer(shop: Accredited) -> dict[str, str]:
    return {"authorization": f"Bearer {shop.access}"}


# --- deposits and claims -----------------------------------------------------------------------------------------


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


# --- settlement --------------------------------------------------------------------------------------------------


def settled(town: Town) -> None:
    """Two shops, three claims, one run."""
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    town.shops.record_deposit(deposit(2, town.grocer, 700))
    town.shops.record_deposit(deposit(3, town.grocer, 5, RENT))
    town.shops.claim(town.bakery.shop, FOOD, 1_000, claim="a")
    town.shops.claim(town.bakery.shop, FOOD, 50, claim="b")
    town.shops.claim(town.grocer.shop, FOOD, 300, claim="c")
    town.shops.settle("2026-11", FOOD)


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


# --- the bank file -----------------------------------------------------------------------------------------------


def judge(file: bytes) -> None:
    """The schema that `sepaxml` ships, read by `xmlschema` here and not by the code under test."""
    with resources.as_file(SCHEMA_FILE) as path:
        xmlschema.XMLSchema(path).validate(io.BytesIO(file))


def texts(file: bytes, path: str) -> list[str]:
    found = ElementTree.fromstring(file).findall(path, {"": NAMESPACE})  # noqa: S314 - our own file
    return [element.text or "" for element in found]


def test_the_bank_file_fits_the_schema_and_names_every_shop_with_its_sum(town: Town) -> None:
    settled(town)
    file = town.shops.find_run("2026-11").file
    judge(file)
    assert dict(zip(texts(file, ".//Cdtr/Nm"), texts(file, ".//InstdAmt"), strict=True)) == {
        "Panadería Ñandú": "10.50",
        "متجر الأمل": "3.00",
    }
    assert texts(file, ".//CdtrAcct/Id/IBAN") == ["GB82WEST12345698765432"]
    assert texts(file, ".//CdtrAcct/Id/Othr/Id") == ["12-3456"]
    assert texts(file, ".//CtrlSum") == ["13.50", "13.50"]
    assert texts(file, ".//NbOfTxs") == ["2", "2"]
    assert texts(file, ".//ReqdExctnDt/Dt") == ["2026-11-30"]
    assert texts(file, ".//DbtrAcct/Id/IBAN") == ["DE89370400440532013000"]
    assert len(set(texts(file, ".//EndToEndId"))) == 2


def test_large_sums_have_no_thousands_comma_in_the_bank_file() -> None:
    payment = Payment(reference="r-1", creditor=Party(name="A <&> B", account="1"), amount=123_456_789)
    file = write_bank_file(
        message="r", created="2026-11-30T12:00:00Z", day="2026-11-30", debtor=DEBTOR, currency="EUR", payments=[payment]
    )
    judge(file)
    assert texts(file, ".//InstdAmt") == ["1234567.89"]
    assert texts(file, ".//Cdtr/Nm") == ["A <&> B"]


@pytest.mark.parametrize(
    "change",
    [
        {"message": ""},
        {"message": "x" * 36},
        {"day": "30.11.2026"},
        {"created": "now"},
        {"currency": "euro"},
        {"payments": []},
        {"debtor": Party(name="", account="1")},
    ],
    ids=str,
)
def test_a_bank_file_that_does_not_fit_the_schema_is_never_handed_out(change: dict[str, Any]) -> None:
    payment = Payment(reference="r-1", creditor=Party(name="A", account="1"), amount=1)
    good: dict[str, Any] = {"message": "r", "created": "2026-11-30T12:00:00Z", "day": "2026-11-30", "currency": "EUR"}
    good |= {"debtor": DEBTOR, "payments": [payment]}
    judge(write_bank_file(**good))
    with pytest.raises(BankFileInvalid):
        write_bank_file(**(good | change))


@pytest.mark.parametrize("data", [b"", b"\xff", b"<a/>", b"<a>", b"hello", b"<Document/>"])
def test_what_is_no_bank_file_at_all_is_refused_with_our_error(data: bytes) -> None:
    with pytest.raises(BankFileInvalid):
        check_bank_file(data)


@pytest.mark.parametrize("run", ["a\x00b", "a\x1fb", "", "\ufffe"], ids=ascii)
def test_a_run_with_a_name_that_no_file_can_hold_is_refused_in_words_and_leaves_nothing(town: Town, run: str) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 100))
    town.shops.claim(town.bakery.shop, FOOD, 100, claim="a")
    with pytest.raises(ShopsError):
        town.shops.settle(run, FOOD)
    assert town.shops.standing(town.bakery.shop, FOOD) == Standing(FOOD, 100, 100, 100, 0)
    assert town.shops.settle("good", FOOD).total == 100


@pytest.mark.parametrize(
    "run",
    ["x" * 27, "a/b", "2026/11", " a", "a ", " ", "a\n", "é", "١", "..", ".", "-a", "a_b", "a&b", "a;b", "a%2Fb"],
    ids=ascii,
)
def test_a_run_is_named_with_the_signs_that_every_bank_takes(town: Town, run: str) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 100))
    town.shops.claim(town.bakery.shop, FOOD, 100, claim="a")
    with pytest.raises(BadRunName):
        town.shops.settle(run, FOOD)
    assert town.rows("SELECT run FROM settlement") == []


@pytest.mark.parametrize("run", ["x" * 26, "2026-11 (food)", "Run 7: it's + a.b,c?", "0"])
def test_the_longest_name_of_a_run_leaves_room_for_every_payments_number(town: Town, run: str) -> None:
    settled(town)
    town.shops.claim(town.grocer.shop, FOOD, 400, claim="d")
    file = town.shops.settle(run, FOOD).file
    judge(file)
    assert texts(file, ".//MsgId") == [run]
    assert texts(file, ".//EndToEndId") == [f"{run}-1"]
    assert len(run) + len("-12345678") <= 35


@pytest.mark.parametrize(
    "name",
    ["", " ", "x" * 141, "a\x07b", "a\x7fb", "a\x85b", "\ud800", "\uffff"],
    ids=["none", "blank", "long", "control", "delete", "next-line", "half", "no-sign"],
)
def test_a_shop_whose_name_no_bank_file_can_hold_is_refused_before_it_blocks_everybodys_payment(
    town: Town, name: str
) -> None:
    with pytest.raises(BadName):
        town.shops.accredit(NewShop(name=name, account=IBAN, units=["food"]))
    assert len(town.rows("SELECT id FROM shop")) == 2


@pytest.mark.parametrize("name", ["x" * 140, " Kiosk ", "A <&> B", "می‌خواهم", "商店"])
def test_every_name_that_is_taken_fits_into_a_bank_file(town: Town, name: str) -> None:
    shop = town.shops.accredit(NewShop(name=name, account=IBAN, units=["food"]))
    town.shops.record_deposit(deposit(1, shop, 100))
    town.shops.claim(shop.shop, FOOD, 100, claim="a")
    file = town.shops.settle("r1", FOOD).file
    judge(file)
    assert texts(file, ".//Cdtr/Nm") == [name.strip()]


# --- account numbers ---------------------------------------------------------------------------------------------

REAL_IBANS = ["GB82 WEST 1234 5698 7654 32", "DE89 3704 0044 0532 0130 00", "SA03 8000 0000 6080 1016 7519"]


@pytest.mark.parametrize("iban", REAL_IBANS)
def test_one_changed_sign_of_an_iban_is_found(iban: str) -> None:
    clean = iban.replace(" ", "")
    assert check_account(iban) == clean
    for at in range(2, len(clean)):
        for sign in "0123456789" if clean[at].isdigit() else "ABCXYZ":
            if sign != clean[at]:
                with pytest.raises(BadAccount):
                    check_account(clean[:at] + sign + clean[at + 1 :])
    for at in range(4, len(clean) - 1):
        if clean[at] != clean[at + 1]:
            with pytest.raises(BadAccount):
                check_account(clean[:at] + clean[at + 1] + clean[at] + clean[at + 2 :])


def test_an_iban_typed_in_small_letters_is_checked_too() -> None:
    with pytest.raises(BadAccount):
        check_account("gb82 west 1234 5698 7654 33")
    assert check_account(" gb82 west 1234 5698 7654 32") == "GB82WEST12345698765432"


@pytest.mark.parametrize("account", ["12-3456", "1", "A" * 34, "ab-12"])
def test_other_account_numbers_are_taken_as_they_are(account: str) -> None:
    assert check_account(account) == account


@pytest.mark.parametrize("account", ["", "  ", "1" * 35, "12/34", "١٢٣٤", "<b>", "12\n34", "gb82ß"])
def test_a_malformed_account_number_is_refused(town: Town, account: str) -> None:
    with pytest.raises(BadAccount):
        town.shops.accredit(NewShop(name="A", account=account, units=["food"]))


# --- the ledger --------------------------------------------------------------------------------------------------


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


# --- over HTTP ---------------------------------------------------------------------------------------------------


def test_the_mints_signed_message_is_booked_over_http_and_no_other(town: Town) -> None:
    message = seal(deposit(1, town.bakery, 1_050), MINT_KEY)
    for _ in range(2):
        assert town.http.post("/bridge/deposited", content=message).json() == {"booked": True}
    assert town.shops.standing(town.bakery.shop, FOOD).deposited == 1_050
    forged = [seal(deposit(2, town.bakery, 9), SigningKey.generate()), seal(deposit(2, town.bakery, 9), SHOPS_KEY)]
    for bad in [*forged, message[:-4], "", "\xff"]:
        answer = town.http.post("/bridge/deposited", content=bad)
        assert (answer.status_code, answer.json()["code"]) == (403, "common.bad_signature")
    differs = town.http.post("/bridge/deposited", content=seal(deposit(1, town.bakery, 9), MINT_KEY))
    assert (differs.status_code, differs.json()["code"]) == (409, "shops.deposit_differs")
    assert town.shops.standing(town.bakery.shop, FOOD).deposited == 1_050


def test_the_mint_asks_which_shop_is_settled_in_which_unit(town: Town) -> None:
    for shop, unit, known in ((town.bakery, "food", True), (town.bakery, "rent", False), (town.grocer, "rent", True)):
        answer = town.http.post("/bridge/accreditation", json={"shop": shop.shop, "unit": unit}).json()
        assert answer == {"kind": "accreditation", "shop": shop.shop, "unit": unit, "accredited": known}
    answer = town.http.post("/bridge/accreditation", json={"shop": "0" * 32, "unit": "food"})
    assert (answer.status_code, answer.json()["code"]) == (404, "shops.unknown_shop")


def test_a_shop_sees_and_claims_only_its_own(town: Town) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    zero = {"unit": "food", "deposited": 0, "to_settle": 0, "asked": 0, "settled": 0}
    own = zero | {"deposited": 1_050, "to_settle": 1_050}
    assert town.http.get("/mine/food", headers=bearer(town.bakery)).json() == own
    assert town.http.get("/mine/food", headers=bearer(town.grocer)).json() == zero
    body = {"claim": "1", "unit": "food", "amount": 1_000}
    answer = town.http.post("/claims", json=body, headers=bearer(town.grocer))
    assert (answer.status_code, answer.json()["code"]) == (409, "shops.claim_exceeds_deposits")
    for _ in range(2):
        answer = town.http.post("/claims", json=body, headers=bearer(town.bakery))
        assert answer.json() == own | {"asked": 1_000}
    # Both shops number their claims from 1: one's number is not the other's.
    town.shops.record_deposit(deposit(2, town.grocer, 7))
    answer = town.http.post("/claims", json=body | {"amount": 7}, headers=bearer(town.grocer))
    assert answer.json() == zero | {"deposited": 7, "to_settle": 7, "asked": 7}


@pytest.mark.parametrize("token", [None, "", "Bearer ", "Bearer wrong", "shop"])
def test_without_a_shops_access_code_nothing_is_seen_or_claimed(town: Town, token: str | None) -> None:
    town.shops.record_deposit(deposit(1, town.bakery, 1_050))
    given_ = town.bakery.shop if token == "shop" else token
    headers = {} if given_ is None else {"authorization": given_}
    answers = [
        town.http.get("/mine/food", headers=headers),
        town.http.post("/claims", json={"claim": "1", "unit": "food", "amount": 1}, headers=headers),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (403, "shops.not_this_shop")
        assert "1050" not in answer.text
    assert town.rows("SELECT id FROM claim") == []


def test_access_codes_are_not_on_the_disk(town: Town) -> None:
    with pytest.raises(NotThisShop):
        town.shops.shop_of(town.bakery.access + "x")
    assert town.shops.shop_of(town.bakery.access).id == town.bakery.shop
    with town.database.reading() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(path.read_bytes() for path in town.folder.iterdir())
    assert town.bakery.shop.encode() in kept
    assert town.bakery.access.encode() not in kept


FINANCE: list[tuple[str, str, Any]] = [
    ("POST", "/shops", {"name": "A", "account": "1", "units": ["food"]}),
    ("POST", "/settlements", {"run": "r", "unit": "food"}),
    ("GET", "/settlements/2026-11/file", None),
    ("POST", "/settlements/2026-11/confirm", None),
    ("POST", "/figures", {"period": "2026-11"}),
    ("GET", "/ledger", None),
]


@pytest.mark.parametrize(("method", "path", "body"), FINANCE, ids=lambda value: str(value)[:25])
def test_only_the_finance_officer_accredits_settles_confirms_publishes_and_reads_the_ledger(
    town: Town, method: str, path: str, body: Any
) -> None:
    settled(town)
    town.shops.claim(town.grocer.shop, FOOD, 100, claim="d")
    logged = town.log.view().size
    before = (
        town.shops.trial_balance(),
        town.rows("SELECT count(*) FROM shop"),
        town.rows("SELECT run FROM settlement"),
    )
    tries = [{}, {"authorization": "Bearer "}, {"authorization": "Bearer wrong"}, bearer(town.bakery)]
    for headers in tries:
        answer = town.http.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "service.not_allowed")
        assert set(answer.json()) == {"code", "what", "why", "todo"}
    after = (
        town.shops.trial_balance(),
        town.rows("SELECT count(*) FROM shop"),
        town.rows("SELECT run FROM settlement"),
    )
    assert (after, town.log.view().size) == (before, logged)
    assert town.finance(method, path, body).status_code == 200


def test_the_finance_officer_settles_a_month_over_http(town: Town) -> None:
    new = {"name": "Kiosk", "account": "DE89 3704 0044 0532 0130 00", "units": ["food"]}
    made = town.finance("POST", "/shops", new).json()
    kiosk = Accredited(shop=ShopId(made["shop"]), access=made["access"])
    town.http.post("/bridge/deposited", content=seal(deposit(1, kiosk, 1_050), MINT_KEY))
    claim = {"claim": "1", "unit": "food", "amount": 1_050}
    assert town.http.post("/claims", json=claim, headers=bearer(kiosk)).status_code == 200
    answer = town.finance("POST", "/settlements", {"run": "2026-11", "unit": "food"}).json()
    assert answer == {"run": "2026-11", "unit": "food", "total": 1_050, "confirmed": False}
    file = town.finance("GET", "/settlements/2026-11/file")
    assert file.headers["content-type"] == "application/xml"
    judge(file.content)
    assert texts(file.content, ".//InstdAmt") == ["10.50"]
    assert town.finance("POST", "/settlements/2026-11/confirm").json()["confirmed"] is True
    assert town.finance("POST", "/figures", {"period": "2026-11"}).json() == {"published": 1}
    ((_, figures),) = town.log.view().settlements
    assert (figures.deposited, figures.settled, figures.payable) == (1_050, 1_050, 0)
    assert town.finance("GET", "/ledger").json()["food"]["bank:food"] == 0


@pytest.mark.parametrize("path", ["/bridge/accreditation", "/claims", "/shops", "/settlements", "/figures"])
def test_a_request_of_the_wrong_shape_is_refused_in_words(town: Town, path: str) -> None:
    town.http.get("/ledger")
    token = town.bakery.access if path == "/claims" else (town.folder / "operator.token").read_text()
    for body in (b"", b"[]", b"{", b"\xff", b'{"surprise":1}', b"[" * 10_000):
        answer = town.http.post(path, content=body, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (400, "service.bad_request")
