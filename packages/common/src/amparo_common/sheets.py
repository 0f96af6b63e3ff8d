"""What office and printing desk have in common about voucher sheets: their numbers, and the order to strike one.

A number is random: whoever sees a voucher's code spent must not be able to tell which sheet it was on.
"""

import secrets

import msgspec

STRIKE_TYP = "amparo-strike+jws"


class StrikeOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From the office, a compact JWS by its key (`STRIKE_TYP`): two people agreed that `sheet` is lost; `successor` is the new
    sheet's number. `approval` is the office's own reference of the agreement."""

    sheet: str
    successor: str
    approval: str


def sheet_number() -> str:
    """A new number: 8 random digits and a check digit."""
    digits = f"{secrets.randbelow(10**8):08d}"
    return digits + check_digit(digits)


def read_sheet_number(typed: str) -> str | None:
    """A sheet's number as typed or scanned (spaces and dashes do not matter), or None where it is none."""
    digits = "".join(typed.replace("-", " ").split())
    good = digits.isascii() and digits.isdigit() and len(digits) == 9 and check_digit(digits[:8]) == digits[8]
    return digits if good else None


def shown_number(number: str) -> str:
    """A sheet's number as it is printed, like `4821 0937 8`."""
    return f"{number[:4]} {number[4:8]} {number[8:]}"


def check_digit(digits: str) -> str:
    """Luhn (ISO/IEC 7812-1 annex B): one wrong digit is noticed."""
    total = sum(_doubled(int(digit)) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _doubled(digit: int) -> int:
    return digit * 2 if digit < 5 else digit * 2 - 9
