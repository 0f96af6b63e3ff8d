"""Errors of the shops side.

AmparoError
  ShopsError
    ShopUnknown         shops.unknown_shop
    BadAccount          shops.bad_account
    ClaimTooHigh        shops.claim_exceeds_deposits
    NotThisShop         shops.not_this_shop
    SettlementUnknown   shops.unknown_settlement
    NothingToSettle     shops.nothing_to_settle
    LedgerUnbalanced    shops.ledger_unbalanced
    BankFileInvalid     shops.bank_file_invalid
    DepositDiffers      shops.deposit_differs
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


class BadAccount(ShopsError):
    """A bank account cannot be right."""

    code = "shops.bad_account"
    why = "An IBAN has check digits, and they do not fit; another account number has 1 to 34 letters and digits."
    todo = "Copy the account from the bank's own paper."


class ClaimTooHigh(ShopsError):
    """A shop asks for more than it handed in."""

    code = "shops.claim_exceeds_deposits"
    http_status = 409
    why = "A shop is paid exactly what it deposited, to the cent, less what it already asked for."
    todo = "Ask for at most the amount shown as to settle."


class NotThisShop(ShopsError):
    """A shop's request without that shop's key."""

    code = "shops.not_this_shop"
    http_status = 403
    why = "Each shop has its own access code and sees only itself."
    todo = "Use the access code given at accreditation, or ask for a new one."


class SettlementUnknown(ShopsError):
    """There is no such settlement run."""

    code = "shops.unknown_settlement"
    http_status = 404
    why = "The name of the run is wrong, or it was never made."
    todo = "List the runs and take one of their names."


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
    why = "A deposit is booked once; the same number with another amount is an error or an attempt."
    todo = "Compare the mint's and the ledger's record of this deposit."
