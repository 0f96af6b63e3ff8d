"""Rules for passwords: twelve signs at least, none that everybody uses, nothing that is the account's own name. No rule about
capitals, digits or signs, and no end date."""

import unicodedata

from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
)
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from amparo_staff.accounts.models import StaffMember

SHORTEST, LONGEST = 12, 256
_COMMON = CommonPasswordValidator()
_SIMILAR = UserAttributeSimilarityValidator(user_attributes=("login", "name"))
_LENGTH = MinimumLengthValidator(SHORTEST)


def plain(password: str) -> str:
    """A password in one form (NFKC), however a keyboard writes its letters."""
    return unicodedata.normalize("NFKC", password)


def faults(password: str, member: StaffMember) -> list[str]:
    """Why a password is not good enough, in words for its member; nothing when it is."""
    found = []
    if not _passes(_LENGTH, password, member):
        found.append(gettext("Use 12 letters or signs at least. Three or four words are a good password."))
    if len(password) > LONGEST:
        found.append(gettext("Use 256 letters or signs at most."))
    if not _passes(_COMMON, password, member):
        found.append(gettext("Many people use this password. Choose another one."))
    if not _passes(_SIMILAR, password, member):
        found.append(gettext("This is too much like your name. Choose another one."))
    return found


def _passes(
    rule: MinimumLengthValidator | CommonPasswordValidator | UserAttributeSimilarityValidator,
    password: str,
    member: StaffMember,
) -> bool:
    try:
        rule.validate(plain(password), member)
    except ValidationError:
        return False
    return True
