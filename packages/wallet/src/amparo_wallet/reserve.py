"""A sheet's reserve: the recovery code of its purse, closed with the code on the household's slip (docs/formats/voucher.md, the
slip). The slip alone pays nothing, the reserve alone says nothing.
"""

import hmac

from amparo_common.codes import as_meant
from amparo_common.secret import Secret
from amparo_wallet.errors import SlipFalse

_CHECK_BYTES = 4


def close_reserve(entropy: Secret, *, slip: str, sheet: str) -> bytes:
    """A purse's 16 bytes under the pad of a slip, and four bytes that tell a false slip."""
    pad, plain = _pad(slip, sheet), entropy.reveal()
    return bytes(a ^ b for a, b in zip(plain, pad, strict=False)) + pad[-_CHECK_BYTES:]


def open_reserve(reserve: bytes, *, slip: str, sheet: str) -> Secret:
    """The purse's 16 bytes, with the slip's code as it was typed. Raises `SlipFalse`."""
    pad = _pad(slip, sheet)
    if not hmac.compare_digest(reserve[-_CHECK_BYTES:], pad[-_CHECK_BYTES:]):
        raise SlipFalse("This slip does not open this sheet's reserve.")
    return Secret(bytes(a ^ b for a, b in zip(reserve[:-_CHECK_BYTES], pad, strict=False)))


def _pad(slip: str, sheet: str) -> bytes:
    # 80 random bits of the slip, used for one sheet only: a pad needs no more than to be unknown and used once.
    return hmac.digest(as_meant(slip).encode(), b"amparo-sheet-reserve-1" + sheet.encode(), "sha256")
