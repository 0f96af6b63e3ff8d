"""NUT-10 and NUT-11: spending conditions in a secret, here "pay to public key" (P2PK).

A secret that is not of this form is plain: whoever holds it may spend. A malformed condition is refused everywhere, at
the till and at the mint alike. Signature flag SIG_INPUTS only: SIG_ALL is refused (LIMIT: wallets that ask for SIG_ALL
cannot use it here yet).
"""

import json
from typing import Any

import msgspec
from coincurve import PublicKey

from amparo_cashu.curve import read_point, schnorr_sign, schnorr_verify
from amparo_cashu.errors import BadToken, LockNotOpen
from amparo_cashu.wire import Proof

LONGEST_SECRET = 1_024
LONGEST_WITNESS = 4_096
_KNOWN_TAGS = ("sigflag", "pubkeys", "n_sigs", "locktime", "refund", "n_sigs_refund")


class Lock(msgspec.Struct, frozen=True):
    """A P2PK condition: `keys` of which `needed` must sign; after `locktime`, `refund` keys may sign instead (none:
    anybody)."""

    keys: list[str]
    needed: int = 1
    locktime: int | None = None
    refund: list[str] = []
    refund_needed: int = 1


class Witness(msgspec.Struct, frozen=True):
    """The signatures that open a lock."""

    signatures: list[str] = []


def write_lock(nonce: str, key: str, *, locktime: int, refund: str) -> str:
    """The secret of a token locked to `key` until `locktime` (unix time), afterwards also open to `refund`."""
    tags = [["locktime", str(locktime)], ["refund", refund]]
    return json.dumps(["P2PK", {"nonce": nonce, "data": key, "tags": tags}], separators=(",", ":"))


def read_lock(secret: str) -> Lock | None:
    """The condition in a secret, or None for a plain one. Raises `BadToken` for a malformed condition."""
    if len(secret.encode("utf-8", errors="surrogatepass")) > LONGEST_SECRET:
        raise BadToken("A secret is too long.")
    try:
        content = json.loads(secret, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError):
        return None
    match content:
        case ["P2PK", {"nonce": str(), "data": str(key), **rest}]:
            return _read_condition(key, rest.get("tags", []))
        case [str(), dict(), *_]:
            # Whatever looks like a condition and is not one of ours is refused: nobody may lose a lock by a slip.
            raise BadToken("This spending condition is malformed or not supported.")
    return None


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadToken("A field of a condition stands twice.")
    return found


def _read_condition(key: str, tags: Any) -> Lock:
    found: dict[str, list[str]] = {}
    if not isinstance(tags, list):
        raise BadToken("The tags of a condition are malformed.")
    for tag in tags:
        if not (isinstance(tag, list) and tag and all(isinstance(part, str) and part for part in tag)):
            raise BadToken("A tag of a condition is malformed.")
        if tag[0] in _KNOWN_TAGS and tag[0] in found:
            raise BadToken("A tag of a condition stands twice.")
        found[tag[0]] = tag[1:]
    if found.get("sigflag", ["SIG_INPUTS"]) != ["SIG_INPUTS"]:
        raise BadToken("Only the signature flag SIG_INPUTS is supported.")
    keys, refund = [key, *found.get("pubkeys", [])], found.get("refund", [])
    return Lock(
        keys=_distinct(keys),
        needed=_count(found.get("n_sigs"), len(keys)),
        locktime=_locktime(found.get("locktime")),
        refund=_distinct(refund),
        refund_needed=_count(found.get("n_sigs_refund"), len(refund)),
    )


def _distinct(keys: list[str]) -> list[str]:
    plain = [read_point(key.lower()).format().hex() for key in keys]
    if len({key[2:] for key in plain}) != len(plain):
        raise BadToken("A key stands twice in a condition.")
    return plain


def _count(values: list[str] | None, keys: int) -> int:
    if values is None:
        return 1
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()) or not 1 <= int(values[0]) <= keys:
        raise BadToken("The number of signatures of a condition is impossible.")
    return int(values[0])


def _locktime(values: list[str] | None) -> int | None:
    if values is None:
        return None
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()) or len(values[0]) > 12:
        return None  # NUT-11: an invalid time locks for ever
    return int(values[0])


def check_lock(proof: Proof, *, now: int) -> None:
    """Raises `LockNotOpen` unless the proof's condition, if it has one, is met at `now` (unix time), `BadToken` when the
    condition is malformed."""
    lock = read_lock(proof.secret)
    if lock is None:
        return
    late = lock.locktime is not None and now > lock.locktime
    if late and not lock.refund:
        return
    signatures = _read_witness(proof.witness)
    if _signers(proof.secret, signatures, lock.keys) >= lock.needed:
        return
    if late and _signers(proof.secret, signatures, lock.refund) >= lock.refund_needed:
        return
    raise LockNotOpen("A locked token is not signed by its key.")


def _read_witness(witness: str | None) -> list[str]:
    if witness is None:
        return []
    if len(witness) > LONGEST_WITNESS:
        raise LockNotOpen("A witness is too long.")
    try:
        signatures = msgspec.json.decode(witness.encode(), type=Witness).signatures
    except (ValueError, RecursionError) as error:
        raise LockNotOpen("A witness cannot be read.") from error
    if len(signatures) > 20:
        raise LockNotOpen("A witness has too many signatures.")
    return signatures


def _signers(secret: str, signatures: list[str], keys: list[str]) -> int:
    """How many different keys have signed."""
    return sum(any(_is_signed(secret, each, read_point(key)) for each in signatures) for key in keys)


def _is_signed(secret: str, signature: str, key: PublicKey) -> bool:
    try:
        schnorr_verify(secret.encode(), signature, key)
    except LockNotOpen:
        return False
    return True


def sign_lock(proof: Proof, secret_key: bytes) -> Proof:
    """The proof with the witness that opens its lock."""
    witness = msgspec.json.encode(Witness(signatures=[schnorr_sign(proof.secret.encode(), secret_key)])).decode()
    return msgspec.structs.replace(proof, witness=witness)
