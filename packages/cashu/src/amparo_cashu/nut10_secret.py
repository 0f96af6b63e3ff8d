"""NUT-10 and NUT-11: spending conditions in a secret, here "pay to public key" (P2PK), with every tag of NUT-11.

A secret that is not of this form is plain: whoever holds it may spend. A malformed condition, or one of another kind (NUT-14),
is refused everywhere, at the till and at the mint alike: nobody loses a lock by a slip. The owner's keys open a lock at any
time; the refund keys also do after the lock time; without a refund tag, everybody does then. Keys are told apart by their
x-coordinate. `check_locks` is the mint's one question about a whole request. SIG_ALL is read by `check_locks` only: a till or
purse signs coins one by one, so `read_lock` refuses what it could not redeem.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from coincurve import PublicKey

from amparo_cashu.curve import read_point, schnorr_sign, schnorr_verify_digest
from amparo_cashu.errors import BadToken, LockNotOpen, TooMany
from amparo_cashu.wire import BlindedMessage, Proof

LONGEST_SECRET = 1_024
LONGEST_WITNESS = 4_096
MOST_SIGNATURES = 20
# Checks of one signature against one key, in a whole request: about 30 ms of a core. One signer a coin needs one each.
MOST_CHECKS = 1_000
# More brackets than any condition that fits needs, and far fewer than exhaust a reader's stack: every reader decides alike.
_MOST_BRACKETS = 64
_MAYBE_CONDITION = re.compile(r'[ \t\n\r]*\[[ \t\n\r]*"')
_KNOWN_TAGS = ("sigflag", "pubkeys", "n_sigs", "locktime", "refund", "n_sigs_refund")
_SIG_ALL = "SIG_ALL"


class Lock(msgspec.Struct, frozen=True):
    """A P2PK condition: `keys` of which `needed` must sign; after `locktime`, `refund` keys may sign instead (none:
    anybody). `sig_all`: the signatures cover the whole request."""

    keys: list[str]
    needed: int = 1
    locktime: int | None = None
    refund: list[str] = []
    refund_needed: int = 1
    sig_all: bool = False


class Condition(msgspec.Struct, frozen=True):
    """A lock with the texts it was read from, which must be alike in all inputs of a SIG_ALL request."""

    lock: Lock
    data: str
    tags: list[list[str]]


class Witness(msgspec.Struct, frozen=True):
    """The signatures that open a lock."""

    signatures: list[str] = []


def write_lock(nonce: str, key: str, *, locktime: int, refund: str) -> str:
    """The secret of a token locked to `key` until `locktime` (unix time), afterwards also open to `refund`."""
    return write_secret("P2PK", nonce, key, [["locktime", str(locktime)], ["refund", refund]])


def write_secret(kind: str, nonce: str, data: str, tags: Sequence[Sequence[str]]) -> str:
    """A secret that carries a condition (NUT-10). Nothing is checked: whoever locks reads it with `read_condition` first."""
    return json.dumps([kind, {"nonce": nonce, "data": data, "tags": tags}], separators=(",", ":"), ensure_ascii=False)


def read_lock(secret: str) -> Lock | None:
    """The condition in a secret, or None for a plain one. Raises `BadToken` for a malformed condition and for SIG_ALL."""
    condition = read_condition(secret)
    if condition is None:
        return None
    if condition.lock.sig_all:
        raise BadToken("The signature flag SIG_ALL is not supported here.")
    return condition.lock


def read_condition(secret: str) -> Condition | None:
    """The condition in a secret, SIG_ALL too, or None for a plain one. Raises `BadToken` for a malformed condition."""
    if len(_encoded(secret)) > LONGEST_SECRET:
        raise BadToken("A secret is too long.")
    if not _MAYBE_CONDITION.match(secret):
        return None
    if secret.count("[") + secret.count("{") > _MOST_BRACKETS:
        raise BadToken("A secret is nested too deeply.")
    try:
        content = json.loads(secret, object_pairs_hook=_without_repetition)
    except ValueError:
        return None
    match content:
        case ["P2PK", {"nonce": str(), "data": str(data), **rest}]:
            return _read_condition(data, rest.get("tags", []))
        case [str(), dict(), *_]:
            raise BadToken("This spending condition is malformed or not supported.")
    return None


def _encoded(secret: str) -> bytes:
    try:
        return secret.encode()
    except UnicodeEncodeError as error:
        raise BadToken("A secret is not text.") from error


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadToken("A field of a condition stands twice.")
    return found


def _read_condition(data: str, tags: Any) -> Condition:
    found: dict[str, list[str]] = {}
    if not isinstance(tags, list):
        raise BadToken("The tags of a condition are malformed.")
    for tag in tags:
        if not (isinstance(tag, list) and tag and all(isinstance(part, str) and part for part in tag)):
            raise BadToken("A tag of a condition is malformed.")
        if tag[0] in _KNOWN_TAGS and tag[0] in found:
            raise BadToken("A tag of a condition stands twice.")
        found[tag[0]] = tag[1:]
    keys, refund = [data, *found.get("pubkeys", [])], found.get("refund")
    if refund == []:
        raise BadToken("A condition names a refund without a key.")
    lock = Lock(
        keys=_distinct(keys),
        needed=_count(found.get("n_sigs"), len(keys)),
        locktime=_locktime(found.get("locktime")),
        refund=_distinct(refund or []),
        refund_needed=_count(found.get("n_sigs_refund"), len(refund or [])),
        sig_all=_signature_flag(found.get("sigflag")),
    )
    return Condition(lock=lock, data=data, tags=tags)


def _signature_flag(values: list[str] | None) -> bool:
    if values not in (None, ["SIG_INPUTS"], [_SIG_ALL]):
        raise BadToken("The signature flag of a condition is unknown.")
    return values == [_SIG_ALL]


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
    """Raises `LockNotOpen` unless the proof's own condition, if it has one, is met at `now` (unix time), `BadToken` when the
    condition is malformed or SIG_ALL."""
    lock = read_lock(proof.secret)
    if lock is not None:
        _check_open(lock, proof.secret.encode(), proof.witness, now=now, checks=_Checks())


def check_locks(
    inputs: Sequence[Proof], outputs: Sequence[BlindedMessage] | None = None, quote: str | None = None, *, now: int
) -> None:
    """Raises unless the conditions of all inputs of a request are met at `now` (unix time): each on its own, or, as soon as
    one is SIG_ALL, all together by the witness of the first, over the whole request.

    A swap gives its `outputs`; a melt gives its `quote` and, if it has them, its blank outputs. Raises `BadToken` for a
    malformed condition, `LockNotOpen` for one that is not met, `TooMany` when it takes too many checks of signatures."""
    conditions = [read_condition(proof.secret) for proof in inputs]
    checks = _Checks()
    if any(condition is not None and condition.lock.sig_all for condition in conditions):
        first = _alike(conditions)
        message = sig_all_message(inputs, outputs or (), quote)
        _check_open(first.lock, message, inputs[0].witness, now=now, checks=checks)
        return
    for proof, condition in zip(inputs, conditions, strict=True):
        if condition is not None:
            _check_open(condition.lock, proof.secret.encode(), proof.witness, now=now, checks=checks)


def _alike(conditions: list[Condition | None]) -> Condition:
    first = conditions[0]
    if first is None or any(
        each is None or (each.data, each.tags) != (first.data, first.tags) for each in conditions[1:]
    ):
        raise LockNotOpen("The inputs of a request with SIG_ALL have not the same condition.")
    return first


def sig_all_message(inputs: Sequence[Proof], outputs: Sequence[BlindedMessage], quote: str | None = None) -> bytes:
    """What a SIG_ALL signature covers (NUT-11): secrets and points of the inputs, amounts and points of the outputs, and the
    quote of a melt, as texts in the order of the request."""
    parts = [proof.secret + proof.C for proof in inputs]
    parts += [f"{output.amount}{output.B_}" for output in outputs]
    return "".join([*parts, quote or ""]).encode(errors="surrogatepass")


class _Checks:
    """Counts the checks of one request, so that no request costs more than `MOST_CHECKS`."""

    def __init__(self) -> None:
        self._left = MOST_CHECKS

    def is_signed(self, digest: bytes, signature: str, key: PublicKey) -> bool:
        """Whether `key` made the signature. Raises `TooMany`."""
        if not self._left:
            raise TooMany("The locks of a request take too many signatures.")
        self._left -= 1
        try:
            schnorr_verify_digest(digest, signature, key)
        except LockNotOpen:
            return False
        return True


def _check_open(lock: Lock, message: bytes, witness: str | None, *, now: int, checks: _Checks) -> None:
    late = lock.locktime is not None and now > lock.locktime
    if late and not lock.refund:
        return
    signatures, digest = _read_witness(witness), hashlib.sha256(message).digest()
    if _enough_signed(digest, signatures, lock.keys, needed=lock.needed, checks=checks):
        return
    if late and _enough_signed(digest, signatures, lock.refund, needed=lock.refund_needed, checks=checks):
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
    if len(signatures) > MOST_SIGNATURES:
        raise LockNotOpen("A witness has too many signatures.")
    return signatures


def _enough_signed(digest: bytes, signatures: list[str], keys: list[str], *, needed: int, checks: _Checks) -> bool:
    """Whether `needed` different keys have signed. Keys count, not signatures: one key may make many."""
    signed = 0
    for key in map(read_point, keys):
        signed += any(checks.is_signed(digest, each, key) for each in signatures)
        if signed >= needed:
            return True
    return False


def sign_lock(proof: Proof, secret_key: bytes) -> Proof:
    """The proof with the witness that opens its lock."""
    witness = msgspec.json.encode(Witness(signatures=[schnorr_sign(proof.secret.encode(), secret_key)])).decode()
    return msgspec.structs.replace(proof, witness=witness)
