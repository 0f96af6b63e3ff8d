"""secp256k1 as the protocol uses it: points as `coincurve.PublicKey`, scalars as 32 bytes.

`multiply` runs in constant time in the scalar: it goes through `secp256k1_ecdh` with a hash function that copies the
point, because libsecp256k1's plain tweak multiplication leaks the scalar through time. It leans on a private module of
coincurve (`_libsecp256k1`), pinned below version 22 and used in this file alone; `tests/test_curve.py` compares it with
the plain multiplication. Not here: anything that holds a mint key.
"""

import hashlib
import threading
from typing import Any

from coincurve import PrivateKey, PublicKey
from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT
from coincurve.keys import PublicKeyXOnly

from amparo_cashu.errors import BadPoint, BadToken, LockNotOpen

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_DOMAIN = b"Secp256k1_HashToCurve_Cashu_"
_TRIES = 2**16
POINT_BYTES = 33


@ffi.callback("int(unsigned char *, const unsigned char *, const unsigned char *, void *)")  # type: ignore[untyped-decorator]
def _copy_point(output: Any, x: Any, y: Any, _data: Any) -> int:
    ffi.memmove(output, x, 32)
    ffi.memmove(output + 32, y, 32)
    return 1


# The output buffer is reused; one per thread, because two threads may multiply at once.
_buffers = threading.local()


def multiply(point: PublicKey, scalar: bytes) -> PublicKey:
    """scalar * point, in constant time in `scalar` (32 bytes, big-endian, 0 < scalar < order)."""
    _check_length(scalar)
    output = getattr(_buffers, "output", None)
    if output is None:
        output = _buffers.output = ffi.new("unsigned char[64]")
    if not lib.secp256k1_ecdh(GLOBAL_CONTEXT.ctx, output, point.public_key, scalar, _copy_point, ffi.NULL):
        raise BadPoint("A scalar is out of range.")
    return PublicKey(b"\x04" + ffi.buffer(output)[:])


def is_point_like(data: bytes) -> bool:
    """Whether bytes are spelled as a compressed point. What is no point of the curve may be, too."""
    return len(data) == POINT_BYTES and data[0] in (2, 3)


def _check_length(scalar: bytes) -> None:
    if len(scalar) != 32:
        raise BadPoint("A scalar does not have 32 bytes.")


def generator_times(scalar: bytes) -> PublicKey:
    """scalar * G (libsecp256k1's key creation, constant time)."""
    _check_length(scalar)
    key = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_create(GLOBAL_CONTEXT.ctx, key, scalar):
        raise BadPoint("A scalar is out of range.")
    return PublicKey(key)


def add(one: PublicKey, two: PublicKey) -> PublicKey:
    """one + two. Raises `BadPoint` when the sum is the point at infinity."""
    try:
        return PublicKey.combine_keys([one, two])
    except ValueError as error:
        raise BadPoint("Two points cancel each other.") from error


def negate(point: PublicKey) -> PublicKey:
    """-point."""
    data = point.format()
    return PublicKey(bytes([data[0] ^ 1]) + data[1:])


def subtract(one: PublicKey, two: PublicKey) -> PublicKey:
    """one - two. Raises `BadPoint` when they are equal."""
    return add(one, negate(two))


def hash_to_curve(message: bytes) -> PublicKey:
    """NUT-00: the point whose discrete logarithm nobody knows."""
    hashed = hashlib.sha256(_DOMAIN + message).digest()
    for counter in range(_TRIES):
        try:
            return PublicKey(b"\x02" + hashlib.sha256(hashed + counter.to_bytes(4, "little")).digest())
        except ValueError:
            continue
    raise BadPoint("No point was found for a message.")  # chance 2^-65536


def read_point(text: str) -> PublicKey:
    """A compressed point in hex (66 digits). Raises `BadPoint`."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise BadPoint("A point is not written in hex.") from error
    if len(data) != 33 or len(text) != 66:
        raise BadPoint("A point is not 33 bytes long.")
    return point_of(data)


def point_of(data: bytes) -> PublicKey:
    """A point from its bytes. Raises `BadPoint`."""
    try:
        return PublicKey(data)
    except ValueError as error:
        raise BadPoint("A value is not a point of the curve.") from error


def show_point(point: PublicKey) -> str:
    """A compressed point as 66 hex digits."""
    return str(point.format().hex())


def read_scalar(text: str) -> bytes:
    """A scalar in hex (64 digits), 0 < scalar < order. Raises `BadToken`."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise BadToken("A scalar is not written in hex.") from error
    if len(data) != 32 or len(text) != 64 or not 0 < int.from_bytes(data, "big") < ORDER:
        raise BadToken("A scalar is out of range.")
    return data


def schnorr_sign(message: bytes, secret: bytes) -> str:
    """A BIP340 signature over SHA-256(message), hex."""
    return PrivateKey(secret).sign_schnorr(hashlib.sha256(message).digest()).hex()


def schnorr_verify(message: bytes, signature: str, key: PublicKey) -> None:
    """Raises `LockNotOpen` unless `signature` (hex) is a BIP340 signature of `key` over SHA-256(message)."""
    schnorr_verify_digest(hashlib.sha256(message).digest(), signature, key)


def schnorr_verify_digest(digest: bytes, signature: str, key: PublicKey) -> None:
    """The same for a message whose SHA-256 is known. Raises `LockNotOpen`."""
    try:
        data = bytes.fromhex(signature)
    except ValueError as error:
        raise LockNotOpen("A signature is not written in hex.") from error
    if len(data) != 64 or not PublicKeyXOnly(key.format()[1:]).verify(data, digest):
        raise LockNotOpen("A signature is not valid.")
