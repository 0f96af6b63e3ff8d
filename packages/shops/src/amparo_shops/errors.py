"""Errors of the shops side.

AmparoError
  ShopsError
    ShopUnknown         shops.unknown_shop
    BadName             shops.bad_name
    BadAccount          shops.bad_account
    AmountNotPositive   shops.amount_not_positive
    ClaimTooHigh        shops.claim_exceeds_deposits
    ClaimDiffers        shops.claim_differs
    NotThisShop         shops.not_this_shop
    BadRunName          shops.bad_run_name
    SettlementUnknown   shops.unknown_settlement
    SettlementDiffers   shops.settlement_differs
    NothingToSettle     shops.nothing_to_settle
    LedgerUnbalanced    shops.ledger_unbalanced
    BankFileInvalid     shops.bank_file_invalid
    DepositDiffers      shops.deposit_differs
    DepositRefused      shops.deposit_refused
"""

from amparo_common.errors import AmparoError


class ShopsError(AmparoError):
    """Base of this package's errors."""

    code = "shops.error"


class ShopUnknown(ShopsError):
    """There is no such shop."""

    code = "shops.unknown_shop"
    http_status = 404
    why = "The reference is wrong, or the shop was never accredited."
    todo = "Check the shop's reference."


class BadName(ShopsError):
    """A name cannot stand in a bank file."""

    code = "shops.bad_name"
    why = "Banks take names of 1 to 140 signs without control characters; one bad name would block everybody's payment."
    todo = "Write the name as the bank knows it."


class BadAccount(ShopsError):
    """A bank account cannot be right."""

    code = "shops.bad_account"
    why = "An IBAN has check digits, and they do not fit; another account number has 1 to 34 letters and digits."
    todo = "Copy the account from the bank's own paper."


class AmountNotPositive(ShopsError):
    """A deposit is of nothing, or of less."""

    code = "shops.amount_not_positive"
    why = "A deposit hands in aid; it takes nothing back."
    todo = "Look for who made this message and keep it as evidence."


class ClaimTooHigh(ShopsError):
    """A shop asks for more than it handed in."""

    code = "shops.claim_exceeds_deposits"
    http_status = 409
    why = "A shop is paid exactly what it deposited, to the cent, less what it already asked for."
    todo = "Ask for at most the amount shown as to settle."


class ClaimDiffers(ShopsError):
    """A shop repeats a claim with other content."""

    code = "shops.claim_differs"
    http_status = 409
    why = "A claim's number stands for one amount in one unit; the first one counts."
    todo = "Give a new claim a new number."


class NotThisShop(ShopsError):
    """A shop's request without that shop's key."""

    code = "shops.not_this_shop"
    http_status = 403
    why = "Each shop has its own access code and sees only itself."
    todo = "Use the access code given at accreditation, or ask for a new one."


class BadRunName(ShopsError):
    """A settlement run's name cannot stand in a bank file."""

    code = "shops.bad_run_name"
    why = (
        "It becomes the bank's reference: 1 to 26 of A-Z a-z 0-9 ? : ( ) . , ' + - and spaces, a letter or digit first."
    )
    todo = "Name the run, for example, 2026-11 food."


class SettlementUnknown(ShopsError):
    """There is no such settlement run."""

    code = "shops.unknown_settlement"
    http_status = 404
    why = "The name of the run is wrong, or it was never made."
    todo = "List the runs and take one of their names."


class SettlementDiffers(ShopsError):
    """A settlement run's name is taken by a run of another unit."""

    code = "shops.settlement_differs"
    http_status = 409
    why = "A run's name stands for one file in one unit, and this one was already made."
    todo = "Give the run of the other unit a name of its own."


class NothingToSettle(ShopsError):
    """No shop has an open claim in this unit."""

    code = "shops.nothing_to_settle"
    http_status = 409
    why = "A settlement run pays open claims, and there are none."
    todo = "Wait for the shops' claims."


class LedgerUnbalanced(ShopsError):
    """An entry's debits and credits differ."""

    code = "shops.ledger_unbalanced"
    http_status = 500
    why = "Every entry of the ledger sums to zero; this one would not, so nothing was written."
    todo = "Stop settling and call the operator."


class BankFileInvalid(ShopsError):
    """A bank file does not fit its schema."""

    code = "shops.bank_file_invalid"
    http_status = 500
    why = "The file is checked against the pain.001.001.09 schema before it is handed out."
    todo = "Look at the named field of the shop's account or name."


class DepositDiffers(ShopsError):
    """The mint repeats a deposit with other content."""

    code = "shops.deposit_differs"
    http_status = 409
    why = "A deposit is booked once; the same number with another amount, unit or shop is an error or an attempt."
    todo = "Compare the mint's and the ledger's record of this deposit."


class DepositRefused(ShopsError):
    """The mint tells of a deposit that was refused before."""

    code = "shops.deposit_refused"
    http_status = 409
    why = "The first answer about a deposit is final: the mint has given its tokens back, and they may be spent elsewhere."
    todo = "Deposit the tokens again: that is a new deposit with a number of its own."
