"""Canonical JSON: one value, one byte string (RFC 8785 on the values Amparo uses).

Guarantees: for text, integers up to 2^53-1, true, false, null, lists and objects whose keys are ASCII, `encode` gives
the bytes that RFC 8785 asks for (the package `rfc8785` is the judge in the tests). Floats are refused: no format of ours
has one. `decode` refuses text that is not already canonical, so that a hash over it means one thing.
"""

import hashlib
from typing import Any, TypeVar

import msgspec

from amparo_common.errors import MalformedMessage, NotCanonical

T = TypeVar("T")

LARGEST_INTEGER = 2**53 - 1
DEEPEST = 64

_encoder = msgspec.json.Encoder(order="sorted")


def encode(value: Any) -> bytes:
    """`value` (a msgspec struct or plain JSON value) as canonical JSON. Raises `NotCanonical`."""
    try:
        _refuse_sets(value)
        plain = msgspec.to_builtins(value)
        _check(plain, DEEPEST)
    except (TypeError, RecursionError) as error:
        raise NotCanonical("A value has no canonical form.") from error
    return _encoder.encode(plain)


def encode_trusted(value: Any) -> bytes:
    """`encode` without the check, for values whose type already rules out floats, odd keys and big numbers."""
    return _encoder.encode(value)


def decode(data: bytes, into: type[T]) -> T:
    """Canonical JSON read as `into`. Raises `NotCanonical` when the bytes are not the canonical form of what they say,
    `MalformedMessage` when they do not have the shape of `into`."""
    try:
        plain = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:  # msgspec.DecodeError and UnicodeDecodeError are ValueErrors
        raise NotCanonical("This is not JSON.") from error
    if encode(plain) != data:
        raise NotCanonical("This JSON is not in its canonical form.")
    return convert(plain, into)


def convert(plain: Any, into: type[T]) -> T:
    """A decoded JSON value as the struct `into`, unknown fields refused. Raises `MalformedMessage`."""
    try:
        return msgspec.convert(plain, into)
    except msgspec.ValidationError as error:
        raise MalformedMessage(f"A message has the wrong shape: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 hex digits."""
    return hashlib.sha256(encode(value)).hexdigest()


def _refuse_sets(value: Any) -> None:
    """A set has no agreed order, and msgspec would write it as a list."""
    match value:
        case set() | frozenset():
            raise NotCanonical("A set has no canonical form.")
        case list() | tuple():
            for item in value:
                _refuse_sets(item)
        case dict():
            for item in value.values():
                _refuse_sets(item)


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise NotCanonical("The document is nested too deeply.")
    match value:
        case bool() | None:
            return
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise NotCanonical("A number is too large to mean the same everywhere.")
        case str():
            # A lone surrogate has no UTF-8 form, so msgspec could not write it either.
            if any("\ud800" <= sign <= "\udfff" for sign in value):
                raise NotCanonical("A text holds half of a character.")
        case list() | tuple():
            for item in value:
                _check(item, depth - 1)
        case dict():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise NotCanonical("A field name is not plain ASCII text.")
                _check(item, depth - 1)
        case _:
            raise NotCanonical(f"A {type(value).__name__} has no canonical form.")
