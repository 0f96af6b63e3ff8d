"""Sheet numbers, and the list of whose they are."""

import re
from datetime import date

import pytest

from amparo_common.errors import MalformedMessage
from amparo_common.sheets import (
    Listed,
    read_sheet_list,
    read_sheet_number,
    sheet_number,
    shown_number,
    write_sheet_list,
)

SHEET = "482109375162"
ROWS = [
    Listed(SHEET, "H-0001-0002", date(2027, 1, 31)),
    Listed("730155215041", 'la "otra", casa\n2', date(2027, 2, 28)),
]


def test_a_number_is_read_as_typed_and_one_wrong_digit_is_noticed() -> None:
    for _ in range(20):
        number = sheet_number()
        assert re.fullmatch(r"\d{12}", number)
        assert read_sheet_number(shown_number(number)) == number
        for place in range(12):
            for digit in set("0123456789") - {number[place]}:
                assert read_sheet_number(number[:place] + digit + number[place + 1 :]) is None
    for wrong in ("", SHEET[:-1], f"{SHEET}0", "48210937516\u0662", "abcdefghijkl", "482109378"):
        assert read_sheet_number(wrong) is None
    assert shown_number(SHEET) == "4821 0937 5162"


def test_a_number_is_drawn_until_it_is_free() -> None:
    seen: list[str] = []

    def is_taken(number: str) -> bool:
        seen.append(number)
        return len(seen) < 4

    assert sheet_number(is_taken) == seen[3]
    assert len(set(seen)) == 4


def test_a_list_is_read_as_it_was_written_whatever_a_reference_holds() -> None:
    assert read_sheet_list(write_sheet_list(ROWS)) == ROWS
    assert write_sheet_list([]) == b"sheet,household,until\n"


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\xff\xfe",
        b"number,household,until\n",
        b'sheet,household,until\n"',
        b"sheet,household,until\n482109375162,H-0001-0002\n",
        b"sheet,household,until\n482109375162,H-0001-0002,31.01.2027\n",
    ],
)
def test_a_list_of_another_form_is_refused(wrong: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_sheet_list(wrong)
