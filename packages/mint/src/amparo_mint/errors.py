"""Errors of the mint beyond the protocol's own (`amparo_cashu.errors`).

AmparoError
  MintError
    OverApproved         mint.over_approved_total
    OverIssued           mint.more_redeemed_than_issued
    BlindingFactorSent   mint.blinding_factor_sent
    ShopNotAccredited    mint.shop_not_accredited
    FiguresDisagree      mint.figures_disagree
    NotTheOperator       mint.not_the_operator
"""

from amparo_common.errors import AmparoError


class MintError(AmparoError):
    """Base of this package's errors."""

    code = "mint.error"


class OverApproved(MintError):
    """The office says that more is paid than two people approved in the public log."""

    code = "mint.over_approved_total"
    http_status = 409
    why = "The mint issues no more than the approved totals that everybody can read in the log."
    todo = "Approve the payment in the log first; if it was approved, look for who raised an amount afterwards."


class OverIssued(MintError):
    """A redemption would take more from a keyset than it ever issued."""

    code = "mint.more_redeemed_than_issued"
    http_status = 409
    why = "That can only happen when a key of the keyset was stolen."
    todo = "Stop the keyset, keep the tokens as evidence, and call the operator."


class BlindingFactorSent(MintError):
    """A request carries the blinding factor of a token."""

    code = "mint.blinding_factor_sent"
    why = "With it the mint could recognise the token; the mint refuses to see it."
    todo = "Leave the field dleq out of inputs."


class ShopNotAccredited(MintError):
    """A deposit names a shop that is not accredited for this unit."""

    code = "mint.shop_not_accredited"
    http_status = 403
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
