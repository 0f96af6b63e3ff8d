"""NUT-18: a payment request: what a payee shows and a payer's wallet reads. Text form A: `creqA` and base64url of CBOR (form B:
`nut26_request`). Also the payment that answers it, and the check of one against the other.

`LONGEST` and the numbers of parts are bounded: a request comes from a stranger's screen. What a lock asks for is not judged when
a request is read (kinds that we do not know must be shown, not dropped); `lock_secret` refuses what we cannot lock to.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from amparo_cashu import base64url
from amparo_cashu.cbor import read_cbor, write_cbor
from amparo_cashu.errors import BadPoint, BadToken, RequestNotMet
from amparo_cashu.nut10_secret import Lock, read_condition, write_secret
from amparo_cashu.wire import Dleq, Proof

LONGEST = 8_192
LONGEST_PAYLOAD = 262_144
MOST_PROOFS = 200
_MOST_PARTS = 32
_LONGEST_PART = 2_048
_PREFIX = "creqA"
_EXAMPLE_NONCE = "00" * 32


class Transport(msgspec.Struct, frozen=True, omit_defaults=True, rename={"kind": "t", "target": "a", "tags": "g"}):
    """A way to send the tokens: `post` with a URL, or `nostr` with a profile; `tags` as [name, value, ...]."""

    kind: str
    target: str
    tags: list[list[str]] = []


class LockOption(msgspec.Struct, frozen=True, omit_defaults=True, rename={"kind": "k", "data": "d", "tags": "t"}):
    """The condition (NUT-10) that the payee wants the tokens locked with."""

    kind: str
    data: str
    tags: list[list[str]] = []


_NAMES = {
    "transports": "t",
    "id": "i",
    "amount": "a",
    "unit": "u",
    "mints": "m",
    "description": "d",
    "single_use": "s",
    "lock": "nut10",
}


class PaymentRequest(msgspec.Struct, frozen=True, omit_defaults=True, rename=_NAMES):
    """What is asked for. `amount` in minor units of `unit`; no mints: any; no transports: the payment goes back by the way
    that the request came."""

    transports: list[Transport] = []
    id: str | None = None
    amount: int | None = None
    unit: str | None = None
    mints: list[str] = []
    description: str | None = None
    single_use: bool | None = None
    lock: LockOption | None = None


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tokens that answer a request, as JSON. `id` is the request's."""

    mint: str
    unit: str
    proofs: list[Proof]
    id: str | None = None


class _SentProof(msgspec.Struct, frozen=True):
    """A coin as other wallets write it: some give the amount as decimal text, so that no reader rounds it."""

    amount: int | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}$")]
    id: str
    secret: str
    C: str
    dleq: Dleq | None = None
    witness: str | None = None
    p2pk_e: str | None = None


class _SentPayment(msgspec.Struct, frozen=True):
    mint: str
    unit: str
    proofs: list[_SentProof]
    id: str | None = None


def write_request(request: PaymentRequest) -> str:
    """The request as text of form A. Raises `BadToken` when it is out of bounds."""
    check_request(request)
    return _PREFIX + base64url.encode(write_cbor(msgspec.to_builtins(request)))


def read_request(text: str) -> PaymentRequest:
    """A request from its text of form A. Raises `BadToken`."""
    clean = text.strip()
    if len(clean) > LONGEST or clean[: len(_PREFIX)].lower() != _PREFIX.lower():
        raise BadToken("This is not a payment request of form A.")
    content = _without_none(read_cbor(base64url.decode(clean[len(_PREFIX) :])))
    try:
        request = msgspec.convert(content, PaymentRequest)
    except (ValueError, TypeError) as error:
        raise BadToken("The payment request is malformed.") from error
    check_request(request)
    return request


def _without_none(value: Any) -> Any:
    """Without absent fields, and without those whose name is no text, which nobody here knows."""
    match value:
        case dict():
            fields = ((key, each) for key, each in value.items() if isinstance(key, str) and each is not None)
            return {key: _without_none(each) for key, each in fields}
        case list():
            return [_without_none(each) for each in value]
    return value


def check_request(request: PaymentRequest) -> None:
    """Raises `BadToken` unless the request is within bounds and its amount has a unit."""
    if request.amount is not None and (request.unit is None or not 0 < request.amount < 2**64):
        raise BadToken("The amount of a payment request is malformed or has no unit.")
    tags = [tag for each in (*request.transports, request.lock) if each is not None for tag in each.tags]
    parts: list[Sequence[object]] = [request.transports, request.mints, tags, *tags]
    texts = [request.id, request.unit, request.description, *request.mints, *(part for tag in tags for part in tag)]
    texts += [text for each in request.transports for text in (each.kind, each.target)]
    texts += [] if request.lock is None else [request.lock.kind, request.lock.data]
    if any(len(part) > _MOST_PARTS for part in parts) or not all(tags):
        raise BadToken("A payment request has too many parts or an empty tag.")
    if any(text is not None and len(text.encode(errors="replace")) > _LONGEST_PART for text in texts):
        raise BadToken("A part of a payment request is too long.")


def read_payment(data: bytes | str) -> Payment:
    """A payment from its JSON; an amount may be a number or decimal text. Raises `BadToken`."""
    if len(data) > LONGEST_PAYLOAD:
        raise BadToken("A payment is too long.")
    try:
        sent = msgspec.json.decode(data, type=_SentPayment)
    except (ValueError, RecursionError) as error:
        raise BadToken("A payment cannot be read.") from error
    if not 0 < len(sent.proofs) <= MOST_PROOFS:
        raise BadToken(f"A payment holds 1 to {MOST_PROOFS} coins.")
    proofs = [Proof(**msgspec.structs.asdict(each) | {"amount": int(each.amount)}) for each in sent.proofs]
    return Payment(mint=sent.mint, unit=sent.unit, proofs=proofs, id=sent.id)


def lock_secret(option: LockOption, nonce: str) -> str:
    """The secret of a token locked as the option says. Raises `BadToken` or `BadPoint` when we cannot lock to it: a payer
    must refuse to pay then, not pay without the lock."""
    secret = write_secret(option.kind, nonce, option.data, option.tags)
    if read_condition(secret) is None:
        raise BadToken("A payment request asks for a lock that is not supported.")
    return secret


def check_payment(request: PaymentRequest, payment: Payment, *, locked_until: int) -> None:
    """Raises `RequestNotMet` unless the payment is of a mint and the unit that were asked for, enough, and every token locked
    as asked: to the same keys, and for nobody else before `locked_until` (unix time) unless the request itself gave an
    earlier lock time. Raises what `lock_secret` raises when the lock that was asked for is malformed. The tokens' signatures
    and proofs are not checked here."""
    mints = {mint.rstrip("/") for mint in request.mints}
    if mints and payment.mint.rstrip("/") not in mints:
        raise RequestNotMet("The payment is of another mint.")
    if request.id is not None and payment.id not in (None, request.id):
        raise RequestNotMet("The payment is for another request.")
    if request.unit is not None and payment.unit != request.unit:
        raise RequestNotMet("The payment is in another unit.")
    if any(proof.amount <= 0 for proof in payment.proofs):
        raise RequestNotMet("A coin of the payment has no amount.")
    if sum(proof.amount for proof in payment.proofs) < (request.amount or 0):
        raise RequestNotMet("The payment is less than was asked for.")
    if request.lock is not None:
        asked = read_condition(lock_secret(request.lock, _EXAMPLE_NONCE))
        assert asked is not None  # noqa: S101 - lock_secret refuses what is no condition
        for proof in payment.proofs:
            _check_locked(proof, asked.lock, locked_until=locked_until)


def _check_locked(proof: Proof, asked: Lock, *, locked_until: int) -> None:
    try:
        found = read_condition(proof.secret)
    except (BadPoint, BadToken) as error:
        raise RequestNotMet("A coin of the payment has a malformed lock.") from error
    if found is None or _signers(found.lock) != _signers(asked):
        raise RequestNotMet("A coin of the payment is not locked as was asked.")
    end = asked.locktime if asked.locktime is not None else locked_until
    if found.lock.locktime is not None and found.lock.locktime < end:
        raise RequestNotMet("The lock of a coin of the payment ends too soon.")


def _signers(lock: Lock) -> tuple[set[str], int, bool]:
    return {key[2:] for key in lock.keys}, lock.needed, lock.sig_all
