"""Codes that a person reads aloud, copies from paper and types: 80 random bits in four groups of Crockford's base32.

They begin with a letter or a digit, so that no command line takes one for an option. How a code was typed says nothing: O is 0, I
and L are 1, small letters, spaces and dashes are as good as none.
"""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("ILO", "110", " -\u2010\u2011\u2013")
_GROUPS, _SIGNS = 4, 4


def random_code() -> str:
    """A fresh code, like `7Q2M-0XKD-V9TB-4HEA`."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_SIGNS)) for _ in range(_GROUPS))


def as_meant(typed: str) -> str:
    """What a code says, however it was typed: 16 letters and digits where it is one. Equal codes give equal texts."""
    return typed.upper().translate(_READ_AS)
