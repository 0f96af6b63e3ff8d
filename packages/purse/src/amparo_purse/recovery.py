"""The recovery code: 56 digits on paper that give a purse back when the phone is lost.

Digits, and neither the words of BIP39 nor letters, because people copy this by hand and read it out on the telephone: digits
are known to people who hardly read, are the same in every language, are typed on the large keys that every phone has, and are
read here in any script that has them (٤٥٦ is 456). The lists of BIP39 have no Arabic one, must be spelled, and catch only
fifteen of sixteen slips.

Form: 14 groups of four. In each the last digit checks the three before it (the quasigroup of H. M. Damm, begun at another
state in each place), so any one wrong digit, any two neighbours swapped and any two neighbouring groups swapped are found, and
the group is named. 13 groups hold the 128 bits, the last one three digits of a hash over all. Version 0; a larger number in
the first group is a later version and refused. `seed_of` makes the 64 bytes from which NUT-13 derives every coin.

LIMIT: whoever reads the paper has the money, as with cash.
"""

import hashlib
import hmac
import unicodedata

from amparo_cashu.curve import ORDER
from amparo_common.secret import Secret
from amparo_purse.errors import CodeFalse

ENTROPY_BYTES = 16
GROUPS = 14
# What a QR code of it begins with; everything is in QR's alphanumeric set, so the symbol stays small.
PREFIX = "AMPARO-RECOVERY:"

# H. M. Damm, Total anti-symmetrische Quasigruppen (2004): a table in which no swap of neighbours keeps the state.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
# What people and programs put between groups, and the invisible marks around digits in right-to-left text.
_BETWEEN = frozenset(" -–—·.,;:/\t\n\r\u00a0\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def write_code(entropy: Secret) -> str:
    """The code of 16 bytes: 14 groups of four digits with a space between them."""
    digits = f"{int.from_bytes(entropy.reveal(), 'big'):039d}" + _hash_digits(entropy)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return " ".join(part + _check_digit(part, place) for place, part in enumerate(parts))


def read_code(text: str) -> Secret:
    """The 16 bytes of a code as typed or scanned, in digits of any script. Raises `CodeFalse` naming the first false
    group."""
    digits = _digits(text)
    if len(digits) != 4 * GROUPS:
        raise CodeFalse(f"The code has {len(digits)} digits instead of {4 * GROUPS}.")
    groups = [digits[at : at + 4] for at in range(0, len(digits), 4)]
    for place, group in enumerate(groups):
        if _state(group, place) != 0:
            raise CodeFalse(f"Group {place + 1} of {GROUPS} has a slip.")
    number = int("".join(group[:3] for group in groups[:-1]))
    if number >> (8 * ENTROPY_BYTES):
        raise CodeFalse("This code is of a later version.", todo="Use a newer version of the wallet.")
    entropy = Secret(number.to_bytes(ENTROPY_BYTES, "big"))
    if _hash_digits(entropy) != groups[-1][:3]:
        raise CodeFalse("The groups do not belong together.", todo="Compare every group with the paper.")
    return entropy


def qr_text(code: str) -> str:
    """What the QR code beside a printed code holds."""
    return PREFIX + code.replace(" ", "")


def seed_of(entropy: Secret) -> Secret:
    """The 64 bytes for NUT-13. The entropy is 128 random bits, so nothing slow is needed."""
    return Secret(hmac.digest(b"amparo recovery seed 1", entropy.reveal(), "sha512"))


def derived_key(seed: Secret, purpose: str) -> Secret:
    """A private key (32 bytes) for a purpose, from a seed: the same again after a restoring."""
    digest = hmac.digest(seed.reveal(), b"amparo derived key 1" + purpose.encode(), "sha512")
    return Secret((int.from_bytes(digest, "big") % (ORDER - 1) + 1).to_bytes(32, "big"))


def _digits(text: str) -> str:
    found = []
    for sign in text.strip().upper().removeprefix(PREFIX):
        value = unicodedata.decimal(sign, None)
        if value is not None:
            found.append(str(value))
        elif sign not in _BETWEEN:
            raise CodeFalse("The code has a sign that is no digit.", todo="Type digits only.")
    return "".join(found)


def _hash_digits(entropy: Secret) -> str:
    digest = hashlib.sha256(b"amparo recovery code 1" + entropy.reveal()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1000:03d}"


def _state(digits: str, place: int) -> int:
    state = place % 10
    for digit in digits:
        state = _DAMM[state][int(digit)]
    return state


def _check_digit(digits: str, place: int) -> str:
    # The table's diagonal is 0: the state itself is the digit that ends at 0.
    return str(_state(digits, place))
