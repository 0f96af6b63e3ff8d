"""The frames on the signer's socket: four bytes of length (big-endian), then one msgpack message.

A connection carries one question at a time, and the answer before the next question. Evolution: a new call is a new
tag; a changed message gets a new tag too, so an older signer refuses it in words. Holds no key material.
"""

import os
import sys
from pathlib import Path

import msgspec

from amparo_signer.errors import FrameTooLarge, QuestionMalformed, SocketPathTooLong
from amparo_signer.protocol import Exchanged, ExchangeJob, PublicKeyset

LENGTH_BYTES = 4
# 64 jobs of 100 inputs with secrets of 1,024 bytes and 100 outputs are 9 MiB.
MAX_FRAME = 16 * 1024 * 1024
# `sun_path` has 108 bytes on Linux and 104 elsewhere, a zero byte at the end included.
MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103


class AskKeysets(msgspec.Struct, frozen=True, array_like=True, tag="keysets"):
    """`Signer.keysets`."""


class AskMake(msgspec.Struct, frozen=True, array_like=True, tag="make"):
    """`Signer.make_keyset`."""

    unit: str
    period: str
    final_expiry: int | None


class AskExchange(msgspec.Struct, frozen=True, array_like=True, tag="exchange"):
    """`Signer.exchange`."""

    keysets: list[str]
    jobs: list[ExchangeJob]


class AskRetire(msgspec.Struct, frozen=True, array_like=True, tag="retire"):
    """`Signer.retire`."""

    keyset: str


class KeysetsAnswer(msgspec.Struct, frozen=True, array_like=True, tag="keysets"):
    """The keysets that are there."""

    keysets: list[PublicKeyset]


class MakeAnswer(msgspec.Struct, frozen=True, array_like=True, tag="make"):
    """The keyset that was made or found."""

    keyset: PublicKeyset


class ExchangeAnswer(msgspec.Struct, frozen=True, array_like=True, tag="exchange"):
    """One answer per job."""

    answers: list[Exchanged]


class RetireAnswer(msgspec.Struct, frozen=True, array_like=True, tag="retire"):
    """The private keys are gone."""


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """An error of the signer in words, with its stable code."""

    code: str
    what: str
    why: str
    todo: str


Question = AskKeysets | AskMake | AskExchange | AskRetire
Answer = KeysetsAnswer | MakeAnswer | ExchangeAnswer | RetireAnswer | Refusal

_encoder = msgspec.msgpack.Encoder()
_questions: msgspec.msgpack.Decoder[Question] = msgspec.msgpack.Decoder(Question)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
# What the decoder raises on hostile bytes: its own errors, on letters that are none, on too deep a nesting.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


def read_question(body: bytes) -> Question:
    """A question from its frame's body. Raises `QuestionMalformed`."""
    try:
        return _questions.decode(body)
    except UNREADABLE as error:
        raise QuestionMalformed("A question to the signer cannot be read.") from error


def read_answer(body: bytes) -> Answer:
    """An answer from its frame's body. Raises `QuestionMalformed`."""
    try:
        return _answers.decode(body)
    except UNREADABLE as error:
        raise QuestionMalformed("An answer of the signer cannot be read.") from error


def frame(message: Question | Answer) -> bytes:
    """A message with its length before it. Raises `FrameTooLarge`."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise FrameTooLarge(f"A message to or from the signer has {len(body)} bytes; {MAX_FRAME} is the most.")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def check_socket_path(path: Path) -> None:
    """Raises `SocketPathTooLong`: the operating system would cut or refuse it."""
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        raise SocketPathTooLong(f"The signer's socket path has {length} bytes; {MAX_SOCKET_PATH} is the most.")
