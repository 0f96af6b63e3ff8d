"""The two things this package takes from coincurve's private half: where its functions lie, and the response of a proof.

`coincurve._libsecp256k1` is pinned below version 22 (see also `amparo_cashu.curve`). Nothing is vendored: the C batch calls
the same compiled libsecp256k1 as everything else.
"""

from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT

# In the order of `struct api` in batch.c.
FUNCTIONS = (
    "secp256k1_ec_pubkey_parse",
    "secp256k1_ec_pubkey_serialize",
    "secp256k1_ec_pubkey_create",
    "secp256k1_ecdh",
    "secp256k1_ec_seckey_tweak_mul",
    "secp256k1_ec_seckey_tweak_add",
)


def addresses() -> list[int]:
    """Where the context and the `FUNCTIONS` lie in memory. The context is only read: threads may share it."""
    functions = [ffi.addressof(lib, name) for name in FUNCTIONS]
    return [int(ffi.cast("uintptr_t", pointer)) for pointer in (GLOBAL_CONTEXT.ctx, *functions)]


def response(secret: bytes, challenge: bytes, nonce: bytes) -> bytes | None:
    """nonce + challenge * secret modulo the curve's order, in constant time in `secret` and `nonce`; 32 bytes each.
    None where it is zero or the challenge is out of range (chance 2^-127)."""
    value = ffi.new("unsigned char[32]", secret)
    context = GLOBAL_CONTEXT.ctx
    done = lib.secp256k1_ec_seckey_tweak_mul(context, value, challenge)
    done = done and lib.secp256k1_ec_seckey_tweak_add(context, value, nonce)
    return bytes(ffi.buffer(value)) if done else None
