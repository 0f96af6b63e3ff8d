"""The base of every error Amparo raises on purpose.

    AmparoError
      CommonError
        BadMoney          common.bad_money
        NaiveTime         common.naive_time
        NotCanonical      common.not_canonical
        BadKey            common.bad_key
        BadSignature      common.bad_signature
        MalformedMessage  common.malformed_message

Each error says what happened, why, and what to do, and carries a stable code. Codes are unique over all packages and
listed in `docs/errors.md` (held by `tests/tidy/test_errors.py`). No error text may hold personal data: texts speak of
rows, columns, kinds and limits; a value appears only where the person who made the request typed it (import report).
"""

from typing import ClassVar


class AmparoError(Exception):
    """Base of all deliberate errors: a stable `code`, and what happened, why, and what to do now."""

    code: ClassVar[str] = "amparo.error"
    http_status: ClassVar[int] = 400
    why: ClassVar[str] = ""
    todo: ClassVar[str] = ""

    def __init__(self, what: str, *, why: str | None = None, todo: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.reason = self.why if why is None else why
        self.remedy = self.todo if todo is None else todo

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.reason, self.remedy) if part)

    def public(self) -> dict[str, str]:
        """The error as the edges show it: code, what, why, todo."""
        return {"code": self.code, "what": self.what, "why": self.reason, "todo": self.remedy}


class CommonError(AmparoError):
    """Base of this package's errors."""

    code = "common.error"


class BadMoney(CommonError):
    """What was typed is no amount."""

    code = "common.bad_money"
    why = "Amounts are whole minor units of one unit."
    todo = "Check the unit and the amount."


class NaiveTime(CommonError):
    """A moment without a time zone was given."""

    code = "common.naive_time"
    why = "All times are UTC and say so."
    todo = "Give the time with its offset, for example 2026-11-01T00:00:00Z."


class NotCanonical(CommonError):
    """A value cannot be written as canonical JSON, or text that should be canonical is not."""

    code = "common.not_canonical"
    why = "Only text, whole numbers up to 2^53-1, true, false, null, lists and objects have one agreed form."
    todo = "Send the document exactly as it was issued."


class BadKey(CommonError):
    """A key is not of the expected kind or form."""

    code = "common.bad_key"
    why = "The key could not be read as the kind that is used here."
    todo = "Take the key again from where it was published."


class BadSignature(CommonError):
    """A signature does not belong to this document and this key."""

    code = "common.bad_signature"
    http_status = 403
    why = "The document was changed, or somebody else signed it."
    todo = "Ask the sender for the document again and keep this one as evidence."


class MalformedMessage(CommonError):
    """A message does not have the agreed shape."""

    code = "common.malformed_message"
    why = "The message has a missing, unknown or wrongly typed field."
    todo = "Compare it with docs/formats and send it again."
