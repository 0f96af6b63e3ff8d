"""What office and printing desk have in common about voucher sheets: their numbers, the list of whose they are, and the order to
strike one (docs/formats/voucher.md).

A number is random: whoever sees a voucher's code spent must not be able to tell which sheet it was on.
"""

import csv
import io
import secrets
from collections.abc import Callable, Iterable
from datetime import date

import msgspec

from amparo_common.errors import MalformedMessage

STRIKE_TYP = "amparo-strike+jws"
# The columns of the list that the printing desk writes and the office takes in.
SHEET_LIST = ("sheet", "household", "until")
_RANDOM_DIGITS = 11


class StrikeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From the office, a compact JWS by its key (`STRIKE_TYP`): two people agreed that `sheet` is lost; `successor` is the new
    sheet's number."""

    sheet: str
    successor: str


class Listed(msgspec.Struct, frozen=True):
    """A row of the list: the sheet's number, its household's reference, the last day of its vouchers."""

    sheet: str
    household: str
    until: date


def write_sheet_list(rows: Iterable[Listed]) -> bytes:
    """The list as the office takes it in: CSV in UTF-8, a line each, under a line with `SHEET_LIST`."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(SHEET_LIST)
    writer.writerows((row.sheet, row.household, row.until.isoformat()) for row in rows)
    return file.getvalue().encode()


def read_sheet_list(content: bytes) -> list[Listed]:
    """What `write_sheet_list` wrote. Raises `MalformedMessage` for anything else."""
    try:
        head, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        found = [Listed(number, household, date.fromisoformat(until)) for number, household, until in rows]
    except (csv.Error, ValueError) as error:
        raise MalformedMessage("The list of sheets cannot be read.") from error
    if tuple(head) != SHEET_LIST:
        raise MalformedMessage("The list of sheets has other columns.")
    return found


def sheet_number(is_taken: Callable[[str], bool] = lambda _number: False) -> str:
    """A new number: 11 random digits and a check digit. One that is taken is drawn again."""
    while True:
        digits = f"{secrets.randbelow(10**_RANDOM_DIGITS):0{_RANDOM_DIGITS}d}"
        number = digits + check_digit(digits)
        if not is_taken(number):
            return number


def read_sheet_number(typed: str) -> str | None:
    """A sheet's number as typed or scanned (spaces and dashes do not matter), or None where it is none."""
    digits = "".join(typed.replace("-", " ").split())
    is_number = digits.isascii() and digits.isdigit() and len(digits) == _RANDOM_DIGITS + 1
    return digits if is_number and check_digit(digits[:-1]) == digits[-1] else None


def shown_number(number: str) -> str:
    """A sheet's number as it is printed, like `4821 0937 5166`."""
    return f"{number[:4]} {number[4:8]} {number[8:]}"


def check_digit(digits: str) -> str:
    """Luhn (ISO/IEC 7812-1 annex B): one wrong digit is noticed."""
    total = sum(_doubled(int(digit)) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _doubled(digit: int) -> int:
    return digit * 2 if digit < 5 else digit * 2 - 9
