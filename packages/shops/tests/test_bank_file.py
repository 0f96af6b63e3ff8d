"""The bank file fits its schema, whatever shops and runs are called; account numbers are checked before they get there."""

from typing import Any

import pytest
from packages.shops.tests.conftest import DEBTOR, FOOD, IBAN, Town, deposit, judge, settled, texts

from amparo_shops.bank_file import Party, Payment, check_account, check_bank_file, write_bank_file
from amparo_shops.errors import BadAccount, BadName, BadRunName, BankFileInvalid, ShopsError
from amparo_shops.service import NewShop, Standing

# --- the bank file -----------------------------------------------------------------------------------------------


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
