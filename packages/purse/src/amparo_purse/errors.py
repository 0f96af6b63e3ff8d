"""Errors of the purse.

AmparoError
  PurseError
    NotEnough           purse.not_enough
    NoExactCoins        purse.no_exact_coins
    KeysetNotCurrent    purse.keyset_not_current
    CodeFalse           purse.recovery_code_false
    NoRecoveryCode      purse.no_recovery_code
    PurseInUse          purse.in_use
    RestoreUnfinished   purse.restore_unfinished
    LockOutlivesCoins   purse.lock_outlives_coins
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


class KeysetNotCurrent(PurseError):
    """The mint wants to sign with a keyset of the public log that is not the one of today."""

    code = "purse.keyset_not_current"
    why = "A mint could mark a person by giving them an old keyset while everybody else has the new one."
    todo = "Check the clock of this device. If it is right, refuse and keep the answer as evidence."


class CodeFalse(PurseError):
    """What was typed is no recovery code."""

    code = "purse.recovery_code_false"
    why = "Every group of four digits checks itself, so that a slip is found where it is."
    todo = "Compare the named group with the paper and type it again."


class NoRecoveryCode(PurseError):
    """This purse was made before there were recovery codes."""

    code = "purse.no_recovery_code"
    http_status = 409
    why = "Its secrets come from random numbers that no code leads to."
    todo = "Make a new wallet and move the money there."


class PurseInUse(PurseError):
    """A purse that was used already cannot take over the code of another one."""

    code = "purse.in_use"
    http_status = 409
    why = "Its coins belong to its own code."
    todo = "Restore into it without keeping the old code, or make an empty wallet first."


class RestoreUnfinished(PurseError):
    """The purse is still being restored from this code."""

    code = "purse.restore_unfinished"
    http_status = 409
    why = "Until all is found, a number could be used a second time, and one of the two coins would be worth nothing."
    todo = "Go on with the restoring until it is finished."


class LockOutlivesCoins(PurseError):
    """Coins were to be locked until after their own end."""

    code = "purse.lock_outlives_coins"
    http_status = 409
    why = "If the shop did not take them, they would be worth nothing when they come back."
    todo = "Choose an earlier time, or wait for the next month's coins."
