"""Errors of the wallet.

AmparoError
  WalletError
    NothingToClaim      wallet.nothing_to_claim
    AmountDiffers       wallet.amount_differs
    KeyNotInLog         wallet.key_not_in_log
    ClaimedElsewhere    wallet.claimed_elsewhere
    RequestNotPayable   wallet.request_not_payable
    DayPassed           wallet.day_passed
    SheetTaken          wallet.sheet_taken
    SheetNotPrinted     wallet.sheet_not_printed
    PrintUnknown        wallet.print_unknown
    SheetUnknown        wallet.sheet_unknown
    SheetStruck         wallet.sheet_struck
    SlipFalse           wallet.slip_false
"""

from amparo_common.errors import AmparoError


class WalletError(AmparoError):
    """Base of this package's errors."""

    code = "wallet.error"
    http_status = 409


class NothingToClaim(WalletError):
    """There is no approved and unclaimed aid."""

    code = "wallet.nothing_to_claim"
    why = "No decision of this household has an approved payment that is not claimed yet."
    todo = "Look at the papers: they say when aid was decided and approved."


class AmountDiffers(WalletError):
    """The office or the mint names another amount than the receipt."""

    code = "wallet.amount_differs"
    why = "The signed receipt says what the household gets."
    todo = "Complain: the receipt proves the amount."


class KeyNotInLog(WalletError):
    """The programme's key is not in the public log."""

    code = "wallet.key_not_in_log"
    why = "Only keys that everybody can see count."
    todo = "Try again later, or tell the auditors."


class ClaimedElsewhere(WalletError):
    """The aid was claimed into a quote that is not this wallet's."""

    code = "wallet.claimed_elsewhere"
    why = "The quote's key comes neither from this wallet's code nor from one that was restored here."
    todo = "Restore from the code of the wallet that claimed it, or go to the office."


class RequestNotPayable(WalletError):
    """A payment request asks for something that this wallet does not do."""

    code = "wallet.request_not_payable"
    why = "A request is paid exactly as it asks or not at all: without its lock the shop could not take the coins."
    todo = "Ask the shop for another request, or say the amount and pay it with a plain code."


class DayPassed(WalletError):
    """Vouchers should end on a day that is over."""

    code = "wallet.day_passed"
    http_status = 400
    why = "What ends before it is printed pays nothing, and the desk forgets it."
    todo = "Name the last day on which shops take these vouchers."


class SheetTaken(WalletError):
    """A sheet's number is another sheet's already, or its sheet was finished meanwhile."""

    code = "wallet.sheet_taken"
    why = "A number stands for one household's sheet; nobody's vouchers are put under another's."
    todo = "Repeat the command; for an order to strike, ask the office for another one."


class SheetNotPrinted(WalletError):
    """A sheet that is not marked as printed cannot be lost."""

    code = "wallet.sheet_not_printed"
    why = "The printing desk still holds its codes, and can print it again."
    todo = "Print it again; or, if it is on paper, first: amparo vouchers printed"


class PrintUnknown(WalletError):
    """The files are not those that the printing desk wrote last."""

    code = "wallet.print_unknown"
    why = "Only codes that are on paper are forgotten; sheets that came later are not in these files."
    todo = "Write the files anew (amparo vouchers print), print those, and tear up what was printed of the others."


class SheetUnknown(WalletError):
    """This printing desk made no sheet of this number, or has forgotten it after its end."""

    code = "wallet.sheet_unknown"
    http_status = 404
    why = "Each printing desk holds the reserve of the sheets that it printed itself, until they end."
    todo = "Compare the number with the slip; ask the desk that printed the sheet."


class SheetStruck(WalletError):
    """A sheet was struck under another order already."""

    code = "wallet.sheet_struck"
    why = "A sheet is replaced once: its successor has its own number and its own slip."
    todo = "Use the slip of the newest sheet."


class SlipFalse(WalletError):
    """A replacement slip does not belong to this sheet, or was misread."""

    code = "wallet.slip_false"
    why = "The slip's code is half of what opens the sheet's reserve."
    todo = "Scan the slip again, or compare every sign; the slip names its sheet."
