"""Voucher sheets for households without a phone: one coin per code, no name on the paper, every code read back by machine.

The sheet is printed at a desk that runs this wallet for the household and forgets the coins once the sheet is printed: the
paper is then the only place where they are. What it keeps to replace a lost sheet, it cannot read alone (`voucher_desk`).
"""

import hashlib
from collections.abc import Sequence
from datetime import date

import msgspec

from amparo_cashu.nut00_token import Token, without_dleq, write_token
from amparo_common.codes import as_meant
from amparo_common.money import format_minor
from amparo_common.sheets import check_digit, read_sheet_number, sheet_number, shown_number
from amparo_paper.sheet import PER_PAGE, Item, Sheets, on_own_pages, print_sheets
from amparo_wallet.voucher_words import VOUCHER_WORDS
from amparo_wallet.wallet import Wallet


class VoucherSheet(msgspec.Struct, frozen=True):
    """One household's sheet: what is printed, and the codes on it in the same order."""

    items: list[Item]
    codes: list[str]
    amounts: list[int]


def take_vouchers(wallet: Wallet, unit: str, *, mint_url: str) -> list[tuple[str, int]]:
    """All coins of a unit as vouchers, each as (code, amount in minor units); the wallet forgets them. Call it in the transaction
    that keeps the codes until they are printed: from then on the paper is the only place where they are."""
    coins = wallet.purse.coins(unit)
    wallet.purse.forget([coin.secret for coin in coins])
    return [(write_token(Token(mint=mint_url, unit=unit, proofs=[without_dleq(coin)])), coin.amount) for coin in coins]


def voucher_sheet(
    vouchers: Sequence[tuple[str, int]], *, language: str, until: date, number: str | None = None
) -> VoucherSheet:
    """The sheet of vouchers given as (code, amount in minor units): what is printed, in the same order. `until`: the last day
    that they say. `number` is the sheet's (`sheet_number`): all that shows on the outside, with which page this is of how many.
    Without one the sheet gets a new number and promises no replacement: it has no slip."""
    shown = shown_number(sheet_number() if number is None else number)
    pages = -(-len(vouchers) // PER_PAGE)
    words = _words(language) | {"until": until.isoformat(), "sheet": shown}
    if number is None:
        words["lost"] = words["lost_alone"]
    items = [
        Item(
            code=code,
            words=words
            | {
                "amount": format_minor(amount),
                "number": voucher_number(code),
                "part": f"{place // PER_PAGE + 1} / {pages}",
            },
        )
        for place, (code, amount) in enumerate(vouchers)
    ]
    return VoucherSheet(items=items, codes=[code for code, _ in vouchers], amounts=[amount for _, amount in vouchers])


def _words(language: str) -> dict[str, str]:
    return VOUCHER_WORDS.get(language, VOUCHER_WORDS["es"]) | {"language": language}


def voucher_number(code: str) -> str:
    """The number under a code, to read out on the telephone when a voucher must be struck: 9 digits and a check digit.
    It is made from the code, so it proves nothing and pays nothing."""
    digits = f"{int.from_bytes(hashlib.sha256(b'voucher' + code.encode()).digest()[:8], 'big') % 10**9:09d}"
    return f"{digits[:3]} {digits[3:6]} {digits[6:]} {check_digit(digits)}"


def print_vouchers(sheets: list[VoucherSheet], *, contact: str) -> Sheets:
    """Several households' vouchers as one print run; each household begins on a new page."""
    pages = on_own_pages([sheet.items for sheet in sheets])
    return print_sheets("voucher", pages, words={"contact": contact})


# --- slips ---------------------------------------------------------------------------------------------------------------

SLIP_PREFIX = "AMPARO-SLIP:"


class Slip(msgspec.Struct, frozen=True):
    """What a household keeps at home to have a lost sheet replaced: the sheet's number, and the code that is half of what
    opens its reserve (`voucher_desk`). It pays nothing."""

    sheet: str
    code: str
    language: str = "es"

    def qr_text(self) -> str:
        """What the slip's QR code holds: signs of QR's alphanumeric set only."""
        return f"{SLIP_PREFIX}{self.sheet}:{as_meant(self.code)}"


def read_slip(text: str) -> Slip | None:
    """A slip as its QR code says it, or None where that is none."""
    sheet, _, code = text.strip().removeprefix(SLIP_PREFIX).partition(":")
    known = text.strip().startswith(SLIP_PREFIX) and read_sheet_number(sheet) is not None and code
    return Slip(sheet=sheet, code=code) if known else None


def print_slips(slips: Sequence[Slip], *, contact: str) -> Sheets:
    """Slips, eight to a page, to cut apart. Each code is read back. Raises `NothingToPrint`."""
    items = [
        Item(
            code=slip.qr_text(),
            words=_words(slip.language) | {"sheet": shown_number(slip.sheet), "number": slip.code},
        )
        for slip in slips
    ]
    return print_sheets("slip", items, words={"contact": contact})
