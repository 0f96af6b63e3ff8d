"""Voucher sheets for households without a phone: one coin per code, no name on the paper, every code read back by machine.

The sheet is printed at a desk that runs this wallet for the household and forgets the coins once the sheet is printed: the
paper is then the only place where they are.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from amparo_cashu.nut00_token import Token, without_dleq, write_token
from amparo_common.money import format_minor
from amparo_paper.sheet import Item, Sheets, on_own_pages, print_sheets
from amparo_wallet.voucher_words import VOUCHER_WORDS
from amparo_wallet.wallet import Wallet


class VoucherSheet(msgspec.Struct, frozen=True):
    """One household's sheet: what is printed, and the codes on it in the same order."""

    items: list[Item]
    codes: list[str]
    amounts: list[int]

    @property
    def total(self) -> int:
        """The sum of all vouchers on the sheet, in minor units."""
        return sum(self.amounts)


def make_vouchers(wallet: Wallet, unit: str, *, mint_url: str, language: str, until: str) -> VoucherSheet:
    """All coins of a unit as vouchers; the wallet forgets them. Call it in the transaction that keeps the codes until they
    are printed: from then on the paper is the only place where they are."""
    coins = wallet.purse.coins(unit)
    vouchers = [
        (write_token(Token(mint=mint_url, unit=unit, proofs=[without_dleq(coin)])), coin.amount) for coin in coins
    ]
    wallet.purse.forget([coin.secret for coin in coins])
    return voucher_sheet(vouchers, language=language, until=until)


def voucher_sheet(vouchers: Sequence[tuple[str, int]], *, language: str, until: str) -> VoucherSheet:
    """The sheet of vouchers given as (code, amount in minor units): what is printed, in the same order."""
    words = VOUCHER_WORDS.get(language, VOUCHER_WORDS["es"]) | {"until": until, "language": language}
    items = [
        Item(code=code, words=words | {"amount": format_minor(amount), "number": voucher_number(code)})
        for code, amount in vouchers
    ]
    return VoucherSheet(items=items, codes=[code for code, _ in vouchers], amounts=[amount for _, amount in vouchers])


def voucher_number(code: str) -> str:
    """The number under a code, to read out on the telephone when a voucher must be struck: 9 digits and a check digit.
    It is made from the code, so it proves nothing and pays nothing."""
    digits = f"{int.from_bytes(hashlib.sha256(b'voucher' + code.encode()).digest()[:8], 'big') % 10**9:09d}"
    total = sum(_doubled(int(digit)) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits)))
    return f"{digits[:3]} {digits[3:6]} {digits[6:]} {-total % 10}"


def _doubled(digit: int) -> int:
    """Luhn (ISO/IEC 7812-1 annex B)."""
    return digit * 2 if digit < 5 else digit * 2 - 9


def print_vouchers(sheets: list[VoucherSheet], *, contact: str) -> Sheets:
    """Several households' vouchers as one print run; each household begins on a new page."""
    pages = on_own_pages([sheet.items for sheet in sheets])
    return print_sheets("voucher", pages, words={"contact": contact})
