"""Errors of printing.

AmparoError
  PaperError
    CodeTooLong         paper.code_too_long
    CodeNotReadable     paper.code_not_readable
    NothingToPrint      paper.nothing_to_print
"""

from amparo_common.errors import AmparoError


class PaperError(AmparoError):
    """Base of this package's errors."""

    code = "paper.error"


class CodeTooLong(PaperError):
    """A text does not fit into a code of the size that can be printed and scanned well."""

    code = "paper.code_too_long"
    why = "Large codes fail on cheap phones and worn paper."
    todo = "Print it as several codes."


class CodeNotReadable(PaperError):
    """A printed code did not read back as what it should say."""

    code = "paper.code_not_readable"
    http_status = 500
    why = "Every code is read back by machine before a sheet is handed out."
    todo = "Do not use this sheet; print it again."


class NothingToPrint(PaperError):
    """A print run without any item."""

    code = "paper.nothing_to_print"
    why = "A sheet holds at least one card or voucher."
    todo = "Choose what to print first."
