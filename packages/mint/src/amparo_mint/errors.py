"""Errors of the mint beyond the protocol's own (`amparo_cashu.errors`).

AmparoError
  MintError
    MintBusy             mint.busy
    TooSlow              mint.request_too_slow
    OverApproved         mint.over_approved_total
    CrowdTooSmall        mint.crowd_too_small
    OverIssued           mint.more_spent_than_signed
    BlindingFactorSent   mint.blinding_factor_sent
    ShopNotAccredited    mint.shop_not_accredited
    FiguresDisagree      mint.figures_disagree
    NotTheOperator       mint.not_the_operator
    BadConfiguration     mint.bad_configuration
    DatabaseAway         mint.database_away
    DatabaseTooOld       mint.database_too_old
    KeysetStillInUse     mint.keyset_still_in_use
"""

from amparo_common.errors import AmparoError


class MintError(AmparoError):
    """Base of this package's errors."""

    code = "mint.error"


class MintBusy(MintError):
    """More requests are waiting than the mint holds."""

    code = "mint.busy"
    http_status = 503
    why = "The mint takes no more than it can finish soon; nothing was done."
    todo = "Send the same request again in a few seconds."


class TooSlow(MintError):
    """A request's body did not arrive in time."""

    code = "mint.request_too_slow"
    http_status = 408
    why = "Slow senders would keep others out; nothing was done."
    todo = "Send the same request again over a better connection."


class OverApproved(MintError):
    """The office says that more is paid than two people approved in the public log."""

    code = "mint.over_approved_total"
    http_status = 409
    why = "The mint issues no more than the approved totals that everybody can read in the log."
    todo = "Approve the payment in the log first; if it was approved, look for who raised an amount afterwards."


class CrowdTooSmall(MintError):
    """Aid is claimed before enough people were paid for to hide among each other."""

    code = "mint.crowd_too_small"
    why = "Among very few people, amounts alone would tell who bought what; so the first ones wait for the others."
    todo = "Try again later. Nothing is lost, and nobody waits longer than the claiming window."


class OverIssued(MintError):
    """More tokens of a denomination would be spent than were ever signed."""

    code = "mint.more_spent_than_signed"
    why = "That can only happen when a key of the keyset was stolen."
    todo = "Stop the keyset, keep the tokens as evidence, and call the operator."


class BlindingFactorSent(MintError):
    """A request carries the proof of a token's signature, or its blinding factor."""

    code = "mint.blinding_factor_sent"
    why = "With it the mint could recognise when it signed the token; it refuses to see it."
    todo = "Leave the field dleq out of inputs."


class ShopNotAccredited(MintError):
    """A deposit names a shop that is not accredited for this unit."""

    code = "mint.shop_not_accredited"
    why = "Only accredited shops are settled, each for the units of its goods."
    todo = "Check the shop's reference and its accreditation."


class FiguresDisagree(MintError):
    """The mint's counters and its rows say different totals."""

    code = "mint.figures_disagree"
    http_status = 500
    why = "Every total is kept in two ways, and they must agree before they are published."
    todo = "Stop issuing, keep a copy of the database, and call the operator."


class NotTheOperator(MintError):
    """An operator's request without the operator's token."""

    code = "mint.not_the_operator"
    http_status = 403
    why = "Only who can read the mint's folder operates it."
    todo = "Send the token of the file operator.token."


class BadConfiguration(MintError):
    """The mint's configuration file cannot be used."""

    code = "mint.bad_configuration"
    why = "A setting is missing, unknown or of the wrong type."
    todo = "Compare config.json with docs/operate/mint.md."


class DatabaseAway(MintError):
    """The database's own server does not carry out what it is asked."""

    code = "mint.database_away"
    http_status = 503
    why = "PostgreSQL is stopped, hands over to another server, waits for its replica, or refuses its user; its own log says which."
    todo = "Send the same request again in a few seconds: whether or not it was carried out, it is carried out once."


class DatabaseTooOld(MintError):
    """The mint's database is older than what this mint did already."""

    code = "mint.database_too_old"
    why = "Tokens that were spent since would be taken a second time."
    todo = "Put the newest database back. If it is lost, follow docs/operate/mint.md, «Restoring a backup»."


class KeysetStillInUse(MintError):
    """A keyset is to be closed before its time, or while tokens of it wait in a deposit."""

    code = "mint.keyset_still_in_use"
    http_status = 409
    why = "Until its published end and grace have passed, people may still spend what they hold."
    todo = "Close it after that date; deposits that wait are finished first."
