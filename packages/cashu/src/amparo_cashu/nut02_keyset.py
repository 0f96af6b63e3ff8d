"""NUT-02: keyset ids of version 2. The id commits to every key, the unit and the end date; wallets recompute it."""

import hashlib
import re
from collections.abc import Mapping

from amparo_cashu.errors import KeysetUnknown
from amparo_cashu.wire import Keyset

VERSION = "01"
_AMOUNT = re.compile(r"[1-9][0-9]{0,18}")


def keyset_id(keys: Mapping[int, str], *, unit: str, fee_ppk: int = 0, final_expiry: int | None = None) -> str:
    """The version 2 id of a keyset: 66 hex digits."""
    text = ",".join(f"{amount}:{key.lower()}" for amount, key in sorted(keys.items())) + f"|unit:{unit.lower()}"
    if fee_ppk:
        text += f"|input_fee_ppk:{fee_ppk}"
    if final_expiry:
        text += f"|final_expiry:{final_expiry}"
    return VERSION + hashlib.sha256(text.encode()).hexdigest()


def check_keyset(keyset: Keyset) -> None:
    """Raises `KeysetUnknown` unless the keyset's id is the one its own content gives."""
    # One spelling per amount: otherwise "1" and "01" could be two keys of which the id commits to one.
    if not all(_AMOUNT.fullmatch(amount) for amount in keyset.keys):
        raise KeysetUnknown("A keyset has an amount that is not written plainly.")
    keys = {int(amount): key for amount, key in keyset.keys.items()}
    expected = keyset_id(keys, unit=keyset.unit, fee_ppk=keyset.input_fee_ppk or 0, final_expiry=keyset.final_expiry)
    if keyset.id != expected:
        raise KeysetUnknown("A keyset's id does not match its keys.")
