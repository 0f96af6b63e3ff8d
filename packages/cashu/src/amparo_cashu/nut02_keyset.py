"""NUT-02: keyset ids. The id commits to every key, the unit and the end date; wallets recompute it.

Ids of version 2 are written and checked. Ids of version 1 (8 bytes, which bind neither unit nor end date) are checked only where
the caller says that it reads a keyset of somebody else's mint. Keysets of another kind: `schemes.py`.
"""

import hashlib
import re
from collections.abc import Mapping

from amparo_cashu.curve import read_point
from amparo_cashu.errors import BadPoint, KeysetUnknown
from amparo_cashu.wire import Keyset

VERSION = "01"
VERSION_1 = "00"
_AMOUNT = re.compile(r"[1-9][0-9]{0,18}")


def keyset_id(keys: Mapping[int, str], *, unit: str, fee_ppk: int = 0, final_expiry: int | None = None) -> str:
    """The version 2 id of a keyset: 66 hex digits."""
    text = ",".join(f"{amount}:{key.lower()}" for amount, key in sorted(keys.items())) + f"|unit:{unit.lower()}"
    if fee_ppk:
        text += f"|input_fee_ppk:{fee_ppk}"
    if final_expiry:
        text += f"|final_expiry:{final_expiry}"
    return VERSION + hashlib.sha256(text.encode()).hexdigest()


def _id_2(keyset: Keyset, keys: Mapping[int, str]) -> str:
    return keyset_id(keys, unit=keyset.unit, fee_ppk=keyset.input_fee_ppk or 0, final_expiry=keyset.final_expiry)


def _id_1(_keyset: Keyset, keys: Mapping[int, str]) -> str:
    joined = b"".join(bytes.fromhex(key) for _, key in sorted(keys.items()))
    return VERSION_1 + hashlib.sha256(joined).hexdigest()[:14]


_IDS = {VERSION: _id_2, VERSION_1: _id_1}


def check_keyset(keyset: Keyset, *, foreign: bool = False) -> None:
    """Raises `KeysetUnknown` unless every key is a point and the keyset's id is the one its own content gives. `foreign`:
    a keyset of another mint, whose id may be of version 1."""
    # One spelling per amount: otherwise "1" and "01" could be two keys of which the id commits to one.
    if not all(_AMOUNT.fullmatch(amount) for amount in keyset.keys):
        raise KeysetUnknown("A keyset has an amount that is not written plainly.")
    try:
        for key in keyset.keys.values():
            read_point(key)
    except BadPoint as error:
        raise KeysetUnknown("A keyset has a key that is no point of the curve.") from error
    version = keyset.id[:2]
    if version not in _IDS or (version == VERSION_1 and not foreign):
        raise KeysetUnknown("A keyset's id is of a version that is not accepted here.")
    if keyset.id != _IDS[version](keyset, {int(amount): key for amount, key in keyset.keys.items()}):
        raise KeysetUnknown("A keyset's id does not match its keys.")
