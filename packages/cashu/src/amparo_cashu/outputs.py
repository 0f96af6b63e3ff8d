"""A wallet's outputs: made before a request from a seed and a counter, finished with the mint's answer. Pure.

`finish` refuses what a mint could use to mark somebody: a signature without a valid proof, under another keyset, of another
amount, or a missing one.
"""

from collections.abc import Mapping, Sequence

import msgspec

from amparo_cashu.curve import generator_times, show_point
from amparo_cashu.errors import SignatureNotProved
from amparo_cashu.nut10_secret import write_lock
from amparo_cashu.nut28_p2bk import hide_keys
from amparo_cashu.schemes import scheme_of
from amparo_cashu.wire import BlindedMessage, BlindSignature, Proof
from amparo_common.secret import Secret


class LockTo(msgspec.Struct, frozen=True):
    """Lock outputs to a key until a time (unix); afterwards the refund key may take them back. `hide`: each output to other,
    hidden keys (NUT-28), so that the mint cannot tell who was paid twice; both sides then sign with `sign_hidden`."""

    key: str
    locktime: int
    refund: str
    hide: bool = False


class OutputPlan(msgspec.Struct, frozen=True):
    """What the outputs of one request are made of: enough to make them again after a crash."""

    keyset: str
    counter: int
    amounts: list[int]
    locks: list[LockTo | None]


class _Blank(msgspec.Struct, frozen=True):
    secret: str
    factor: bytes
    p2pk_e: str | None = None


def _blanks(plan: OutputPlan, seed: Secret) -> list[_Blank]:
    found, scheme = [], scheme_of(plan.keyset)
    for place, lock in enumerate(plan.locks):
        counter = plan.counter + place
        blank = scheme.blank(seed, plan.keyset, counter)
        if lock is None:
            found.append(_Blank(secret=blank.secret, factor=blank.factor))
            continue
        key, refund, point = lock.key, lock.refund, None
        if lock.hide:
            ephemeral = scheme.ephemeral(seed, plan.keyset, counter)
            (key, refund), point = hide_keys([key, refund], ephemeral), show_point(generator_times(ephemeral))
        secret = write_lock(blank.secret, key, locktime=lock.locktime, refund=refund)
        found.append(_Blank(secret=secret, factor=blank.factor, p2pk_e=point))
    return found


def messages(plan: OutputPlan, seed: Secret) -> list[BlindedMessage]:
    """The blinded messages of a plan, in its order."""
    scheme = scheme_of(plan.keyset)
    return [
        BlindedMessage(amount=amount, id=plan.keyset, B_=scheme.blind(blank.secret, blank.factor))
        for amount, blank in zip(plan.amounts, _blanks(plan, seed), strict=True)
    ]


def finish(
    plan: OutputPlan, seed: Secret, signatures: Sequence[BlindSignature], keys: Mapping[str, str]
) -> list[Proof]:
    """The tokens, each checked against the published keys. Raises `SignatureNotProved`, `BadPoint`."""
    if len(signatures) != len(plan.amounts):
        raise SignatureNotProved("The mint answered with another number of signatures.")
    proofs, scheme = [], scheme_of(plan.keyset)
    for amount, blank, signature in zip(plan.amounts, _blanks(plan, seed), signatures, strict=True):
        if (signature.amount, signature.id) != (amount, plan.keyset):
            raise SignatureNotProved("The mint signed another amount or with another keyset.")
        proof = scheme.finish(blank.secret, blank.factor, signature, keys[str(amount)])
        proofs.append(msgspec.structs.replace(proof, p2pk_e=blank.p2pk_e))
    return proofs
