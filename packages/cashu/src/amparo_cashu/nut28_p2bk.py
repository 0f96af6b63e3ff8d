"""NUT-28: pay to blinded key. The keys of a lock (NUT-11) are hidden, each token with other ones, so that a mint that sees them
spent cannot tell that they were paid to the same receiver.

The payer makes a key of its own for every token (`ephemeral`), hides each key of the lock with what both can derive, and hands
the public half over with the token (`p2pk_e`). The receiver finds its slots, signs with the key that belongs to the hidden one,
and takes `p2pk_e` off before the mint sees the token. Slots count from 0 in the order data, pubkeys, refund. Secret keys are 32
bytes, points compressed hex. The mint knows nothing of all this.
"""

import hashlib
from collections.abc import Sequence

import msgspec
from coincurve import PublicKey

from amparo_cashu.curve import ORDER, add, generator_times, multiply, read_point, read_scalar, show_point, subtract
from amparo_cashu.errors import BadPoint, BadToken, LockNotOpen
from amparo_cashu.nut10_secret import read_lock, sign_lock
from amparo_cashu.wire import Proof

MOST_SLOTS = 11
_DOMAIN = b"Cashu_P2BK_v1"


def hide_keys(keys: Sequence[str], ephemeral: bytes) -> list[str]:
    """The keys of a lock, in the order of its slots, hidden with the secret key `ephemeral`, which must be fresh for every
    token. A key of 64 digits (x-coordinate alone) is taken as even. Raises `BadPoint`, and `BadToken` for too many keys."""
    if len(keys) > MOST_SLOTS:
        raise BadToken(f"A hidden lock has at most {MOST_SLOTS} keys.")
    hidden = []
    for slot, key in enumerate(keys):
        point = read_point(key.lower() if len(key) == 66 else "02" + key.lower())
        hidden.append(show_point(add(point, generator_times(_factor(multiply(point, ephemeral), slot)))))
    return hidden


def find_secret_key(hidden: str, slot: int, *, ephemeral_point: str, secret_key: bytes) -> bytes:
    """The secret key of a hidden key, from the receiver's own. Raises `LockNotOpen` when it was not made for the receiver."""
    factor = _factor(multiply(read_point(ephemeral_point), secret_key), slot)
    own, point = generator_times(secret_key), read_point(hidden.lower())
    try:
        plain = subtract(point, generator_times(factor))
    except BadPoint as error:
        raise LockNotOpen("A hidden key was not made for this receiver.") from error
    if plain.format()[1:] != own.format()[1:]:
        raise LockNotOpen("A hidden key was not made for this receiver.")
    base = int.from_bytes(secret_key, "big")
    base = base if plain.format() == own.format() else ORDER - base
    found = (base + int.from_bytes(factor, "big")) % ORDER
    return read_scalar(found.to_bytes(32, "big").hex())


def _factor(shared: PublicKey, slot: int) -> bytes:
    start = _DOMAIN + shared.format()[1:] + bytes([slot])
    for end in (b"", b"\xff"):
        factor = hashlib.sha256(start + end).digest()
        if 0 < int.from_bytes(factor, "big") < ORDER:
            return factor
    raise BadToken("A key cannot be hidden with this ephemeral key.")  # chance 2^-256


def sign_hidden(proof: Proof, secret_key: bytes) -> Proof:
    """The proof with the witness that opens its hidden lock and without `p2pk_e`, as it may go to the mint. Raises
    `LockNotOpen` when no key of the lock was made for the receiver, `BadToken` when it has no lock that can be opened so."""
    lock = read_lock(proof.secret)
    if lock is None or proof.p2pk_e is None or len(lock.keys) + len(lock.refund) > MOST_SLOTS:
        raise BadToken("A token has no hidden lock.")
    plain = msgspec.structs.replace(proof, p2pk_e=None)
    for slot, key in enumerate([*lock.keys, *lock.refund]):
        try:
            found = find_secret_key(key, slot, ephemeral_point=proof.p2pk_e, secret_key=secret_key)
        except LockNotOpen:
            continue
        return sign_lock(plain, found)
    raise LockNotOpen("No key of the hidden lock was made for this receiver.")
