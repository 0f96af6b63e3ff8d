"""Errors of the purse.

AmparoError
  PurseError
    NotEnough           purse.not_enough
    NoExactCoins        purse.no_exact_coins
"""

from amparo_common.errors import AmparoError


class PurseError(AmparoError):
    """Base of this package's errors."""

    code = "purse.error"


class NotEnough(PurseError):
    """There is less than the amount."""

    code = "purse.not_enough"
    http_status = 409
    why = "The balance is lower than the amount."
    todo = "Pay a smaller amount, or wait for the next aid."


class NoExactCoins(PurseError):
    """The coins do not make this amount exactly, and there is no connection to change them."""

    code = "purse.no_exact_coins"
    http_status = 409
    why = "Coins can be changed only while there is a connection."
    todo = "Connect once, or pay an amount that the coins make."
