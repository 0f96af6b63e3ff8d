"""Base64 as Cashu texts use it: the alphabet for URLs, with or without padding. The plain alphabet is read too, because
published payment requests (NUT-18) are written in it."""

import base64
import binascii

from amparo_cashu.errors import BadToken

_TO_URL = str.maketrans("+/", "-_")


def encode(data: bytes) -> str:
    """`data` without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of `text`. Raises `BadToken`."""
    plain = text.rstrip("=").translate(_TO_URL)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadToken("A text is not base64.") from error
