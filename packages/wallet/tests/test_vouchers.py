"""Voucher sheets: one coin a code, no name, every code read back from the page and good at a till."""

import random
from datetime import date
from typing import Any

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from packages.wallet.tests.conftest import AMOUNTS, Town

from amparo_cashu.nut00_token import read_token
from amparo_common.money import format_minor
from amparo_common.sheets import sheet_number
from amparo_paper.errors import NothingToPrint
from amparo_wallet.voucher_words import VOUCHER_WORDS
from amparo_wallet.vouchers import VoucherSheet, print_vouchers, take_vouchers, voucher_number, voucher_sheet

# Other kinds are not looked for: a picture of a page may look like one by chance.
QR = zxingcpp.barcode_formats_from_str("QRCode")


UNTIL = date(2027, 1, 31)


def sheet(town: Town, language: str = "es") -> VoucherSheet:
    return voucher_sheet(take_vouchers(town.wallet, "usd", mint_url="http://mint"), language=language, until=UNTIL)


@pytest.fixture
def desk(enrolled: Town) -> Town:
    """A printing desk that holds one household's aid of 56.00."""
    enrolled.wallet.claim(enrolled.wallet.papers()[0])
    return enrolled


def codes(pdf: bytes) -> list[str]:
    """Every code of a file, rendered and read here and not by the code under test."""
    document = pypdfium2.PdfDocument(pdf)
    found: list[str] = []
    for page in document:
        picture: Any = page.render(scale=200 / 72, rev_byteorder=True).to_numpy()[:, :, :3]
        found += [code.text for code in zxingcpp.read_barcodes(np.ascontiguousarray(picture), QR)]
    document.close()
    return found


def texts(pdf: bytes) -> str:
    """All words on the pages."""
    document = pypdfium2.PdfDocument(pdf)
    found = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return found


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1, written another way than the code under test."""
    doubled = {digit: sum(int(each) for each in str(digit * 2)) for digit in range(10)}
    digits = [int(digit) for digit in number.replace(" ", "")][::-1]
    return sum(doubled[d] if place % 2 else d for place, d in enumerate(digits)) % 10 == 0


def test_every_coin_becomes_a_code_and_the_wallet_holds_none_of_them_any_more(desk: Town) -> None:
    made = sheet(desk)
    tokens = [read_token(code, keysets=[desk.coiner.id]) for code in made.codes]
    assert [len(token.proofs) for token in tokens] == [1] * len(tokens)
    assert sum(token.proofs[0].amount for token in tokens) == sum(made.amounts) == AMOUNTS[0]
    for token in tokens:
        desk.wallet.purse.keys.check_known(token.proofs[0], "usd")
        # No blinding factor on the paper: it would lead the mint to the request in which it signed this coin.
        assert token.proofs[0].dleq is None
    assert desk.wallet.purse.balance("usd") == 0
    assert sheet(desk).codes == []


def test_a_printed_sheet_reads_back_as_its_codes(desk: Town) -> None:
    made = sheet(desk)
    printed = print_vouchers([made], contact="555 0100")
    assert (printed.items, printed.read_back) == (len(made.codes), len(made.codes))
    assert sorted(codes(printed.pdf)) == sorted(made.codes)


def test_the_paper_says_amounts_numbers_and_words_and_nobodys_name(desk: Town) -> None:
    made = sheet(desk)
    written = texts(print_vouchers([made], contact="555 0100").pdf)
    for code in made.codes:
        assert voucher_number(code) in written
        amount = read_token(code, keysets=[desk.coiner.id]).proofs[0].amount
        assert format_minor(amount) in written
    assert "Vale de ayuda" in written
    assert "2027-01-31" in written
    assert "555 0100" in written
    assert "food-basket" not in written


def test_only_a_sheet_with_a_number_of_its_own_promises_to_be_replaced_with_a_slip() -> None:
    for language, words in VOUCHER_WORDS.items():
        alone = voucher_sheet([("code", 64)], language=language, until=UNTIL)
        numbered = voucher_sheet([("code", 64)], language=language, until=UNTIL, number=sheet_number())
        assert [alone.items[0].words["lost"], numbered.items[0].words["lost"]] == [words["lost_alone"], words["lost"]]
        assert words["slip_label"].lower() not in words["lost_alone"].lower()


def test_several_households_are_printed_in_one_run(desk: Town) -> None:
    first = sheet(desk)
    desk.hand_out(desk.decide(cycle="2026-12")[0], AMOUNTS[0])
    desk.wallet.claim(desk.wallet.papers()[-1])
    second = sheet(desk, "ar")
    printed = print_vouchers([first, second], contact="555 0100")
    assert sorted(codes(printed.pdf)) == sorted(first.codes + second.codes)


def test_nothing_to_print_is_said(enrolled: Town) -> None:
    made = sheet(enrolled)
    assert (made.codes, made.amounts) == ([], [])
    with pytest.raises(NothingToPrint):
        print_vouchers([made], contact="555 0100")


@pytest.mark.parametrize("language", VOUCHER_WORDS)
def test_every_language_has_every_word_of_the_voucher(desk: Town, language: str) -> None:
    assert set(VOUCHER_WORDS[language]) == set(VOUCHER_WORDS["es"])
    made = sheet(desk, language)
    assert {item.words["label"] for item in made.items} == {VOUCHER_WORDS[language]["label"]}
    assert {item.words["language"] for item in made.items} == {language}


def test_a_vouchers_number_is_its_own_and_one_wrong_digit_is_noticed(desk: Town) -> None:
    numbers = [voucher_number(code) for code in sheet(desk).codes]
    assert len(set(numbers)) == len(numbers)
    pick = random.Random(5)
    for number in numbers:
        assert luhn(number)
        place = pick.choice([place for place, digit in enumerate(number) if digit != " "])
        for digit in set("0123456789") - {number[place]}:
            assert not luhn(number[:place] + digit + number[place + 1 :])


def test_a_number_is_made_from_the_code_alone_so_that_a_lost_sheet_can_be_found_again(desk: Town) -> None:
    made = sheet(desk)
    assert [item.words["number"] for item in made.items] == [voucher_number(code) for code in made.codes]
