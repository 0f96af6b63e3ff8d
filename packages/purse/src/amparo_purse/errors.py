"""Errors of the purse.

AmparoError
  PurseError
    NotEnough           purse.not_enough
    NoExactCoins        purse.no_exact_coins
    KeysetNotCurrent    purse.keyset_not_current
    TooManyKeysets      purse.too_many_keysets
    CodeFalse           purse.recovery_code_false
    NoRecoveryCode      purse.no_recovery_code
    PurseInUse          purse.in_use
    RestoreUnfinished   purse.restore_unfinished
    CoinsBusy           purse.coins_busy
    LockOutlivesCoins   purse.lock_outlives_coins
    NoAccess            purse.no_access
    Resting
      AidRests          purse.aid_rests
      ExchangeRests     purse.exchange_rests
      ClaimRests        purse.claim_rests
"""

from datetime import UTC, datetime

from amparo_common.clock import to_text
from amparo_common.errors import AmparoError


class PurseError(AmparoError):
    """Base of this package's errors."""

    code = "purse.error"


class NoAccess(PurseError):
    """The mint wants access tokens for this, or a log-in, and this device cannot get them now."""

    code = "purse.no_access"
    http_status = 409
    why = "The mint bounds how much each device may ask for. Nothing was done, or it is finished the next time."
    todo = "Try again later; if it stays so, ask whoever enrolled this device."


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


class TooManyKeysets(PurseError):
    """The mint has announced more keysets of a unit within a month than it can need."""

    code = "purse.too_many_keysets"
    why = "Whoever has coins of a keyset that few others have can be told from everybody else."
    todo = "Tell the programme and its auditors: everybody can see it in the public log. Nothing is lost."


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


class CoinsBusy(PurseError):
    """A coin was chosen that is not free any more."""

    code = "purse.coins_busy"
    http_status = 409
    why = "It is in a request whose answer has not come, or was handed over meanwhile; using it twice could lose it."
    todo = "Finish what was interrupted, then try again."


class LockOutlivesCoins(PurseError):
    """Coins were to be locked until after their own end."""

    code = "purse.lock_outlives_coins"
    http_status = 409
    why = "If the shop did not take them, they would be worth nothing when they come back."
    todo = "Choose an earlier time, or wait for the next month's coins."


class Resting(PurseError):
    """Base of what is done later, so that its time tells nothing. `until` (unix time) says when; every one of these can be
    gone on with at once, at a cost in privacy and none in money."""

    code = "purse.resting"
    http_status = 409
    words = "This waits until {moment}."

    def __init__(self, until: int) -> None:
        super().__init__(self.words.format(moment=to_text(datetime.fromtimestamp(until, UTC))))
        self.until = until


class AidRests(Resting):
    """Aid of a claiming window is to be paid before the window has ended for everybody."""

    code = "purse.aid_rests"
    words = "This aid is to be paid from {moment} on."
    why = "Who pays while the others still claim can be told by the time."
    todo = "Wait until then. If you need it today, pay at once (--now): it costs privacy, not money."


class ExchangeRests(Resting):
    """Coins are to be exchanged beside a claim."""

    code = "purse.exchange_rests"
    words = "Coins of this wallet are exchanged from {moment} on."
    why = "The mint knows whose claim it is; coins exchanged beside it would be known too."
    todo = "Wait until then. If it cannot wait, go on at once (--now): it costs privacy, not money."


class ClaimRests(Resting):
    """Aid is to be claimed beside an exchange of coins."""

    code = "purse.claim_rests"
    words = "This wallet claims from {moment} on."
    why = "The mint knows whose claim it is; the coins that were exchanged just before would be known too."
    todo = "Wait until then. If it cannot wait, go on at once (--now): it costs privacy, not money."
