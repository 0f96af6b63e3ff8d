"""Errors of the till.

AmparoError
  TillError
    WrongAmount         till.wrong_amount
    NotLockedToUs       till.not_locked_to_this_shop
    LockTooShort        till.lock_too_short
    TakenBefore         till.taken_before
    SpentBefore         till.spent_before
    SaleTooLarge        till.sale_too_large
    OfflineLimit        till.offline_limit
    AloneTooLong        till.alone_too_long
    EnrolmentCodeFalse  till.enrolment_code_false
"""

from amparo_common.errors import AmparoError


class TillError(AmparoError):
    """Base of this package's errors."""

    code = "till.error"
    http_status = 409


class WrongAmount(TillError):
    """A payment is not of the asked amount or unit."""

    code = "till.wrong_amount"
    why = "A code pays exactly what was asked."
    todo = "Ask the customer to pay the amount shown."


class NotLockedToUs(TillError):
    """A payment without a connection that is not locked to this shop."""

    code = "till.not_locked_to_this_shop"
    why = "Without a connection only codes locked to this shop are safe: nobody else can spend them."
    todo = "Do not hand over goods; connect and take the payment online."


class LockTooShort(TillError):
    """The lock of a payment ends too soon."""

    code = "till.lock_too_short"
    why = "After its time the payer could take it back before it is deposited."
    todo = "Connect and deposit now, or ask for a fresh code."


class TakenBefore(TillError):
    """This code was already taken by this till."""

    code = "till.taken_before"
    why = "Every code counts once."
    todo = "Do not hand over goods for it a second time."


class SpentBefore(TillError):
    """This code stands in the published filter of spent codes."""

    code = "till.spent_before"
    why = "It was handed in before. The filter errs once in a million codes."
    todo = "Do not hand over goods; ask for another code, or connect and take the payment online."


class SaleTooLarge(TillError):
    """A sale is larger than this till takes without a connection."""

    code = "till.sale_too_large"
    why = "The till's settings bound what one sale without a connection may put at risk."
    todo = "Connect and take the payment online, or sell for less."


class OfflineLimit(TillError):
    """The till has stored as much as it may without a connection."""

    code = "till.offline_limit"
    why = "What is stored is at risk if the device is lost."
    todo = "Connect once, deposit, and go on."


class AloneTooLong(TillError):
    """The till has had no connection for longer than its settings allow."""

    code = "till.alone_too_long"
    why = "Locks run out, and keysets may have changed since."
    todo = "Connect once, deposit, and go on."


class EnrolmentCodeFalse(TillError):
    """A text that should make a phone a till does not."""

    code = "till.enrolment_code_false"
    http_status = 400
    why = "It is another code, or a part of it is missing."
    todo = "Ask the office for the shop's code again."
