"""The code that makes a phone a shop's till: `AMPARO-TILL:` and JSON in base64url (docs/formats/till-enrolment.md).

It holds the shop's access code: whoever has it sees the shop's totals and asks for settlement in its name (the money still goes to
the account that was accredited). LIMIT: whoever photographs it is a till of this shop until the shop gets another access code.
"""

import re

import msgspec

from amparo_cashu import base64url
from amparo_cashu.errors import BadToken
from amparo_till.errors import EnrolmentCodeFalse

PREFIX = "AMPARO-TILL:"
VERSION = 1
_LONGEST = 4_000


class EnrolmentLimits(msgspec.Struct, frozen=True):
    """What the till takes without a connection: minor units in one sale and altogether, hours alone."""

    sale: int
    stored: int
    hours: int


class TillEnrolment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A shop as the shops side accredited it: public reference, name, access code, units; where the services are, the log's key.
    `lock` (64 hex digits): the key of a till that the shop has, so that the phone becomes another till of it."""

    shop: str
    name: str
    access: str
    units: list[str]
    mint: str
    shops: str
    log: str
    vkey: str
    limits: EnrolmentLimits | None = None
    lock: str | None = None


class _Versioned(TillEnrolment, frozen=True, kw_only=True, omit_defaults=True):
    v: int


def write_enrolment(enrolment: TillEnrolment) -> str:
    """The code's text."""
    versioned = _Versioned(v=VERSION, **msgspec.structs.asdict(enrolment))
    return PREFIX + base64url.encode(msgspec.json.encode(versioned))


def read_enrolment(text: str) -> TillEnrolment:
    """What a code holds. Raises `EnrolmentCodeFalse`."""
    code = text.strip()
    if not code.startswith(PREFIX) or len(code) > _LONGEST:
        raise EnrolmentCodeFalse("This is not the code for a till.")
    try:
        found = msgspec.json.decode(base64url.decode(code.removeprefix(PREFIX)), type=_Versioned)
    except (BadToken, ValueError) as error:
        raise EnrolmentCodeFalse("The code for a till is damaged.") from error
    if found.v != VERSION or not found.units:
        raise EnrolmentCodeFalse("The code for a till is of a later version, or names no unit.")
    if found.lock is not None and not re.fullmatch("[0-9a-f]{64}", found.lock):
        raise EnrolmentCodeFalse("The key in the code for a till is malformed.")
    return TillEnrolment(**{name: getattr(found, name) for name in TillEnrolment.__struct_fields__})
