"""Frames: what is written is read back, and no bytes at all make the readers fail in another way than their own."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_signer.errors import FrameTooLarge, QuestionMalformed
from amparo_signer.protocol import Exchanged, ExchangeJob, PublicKeyset, ToSign, ToVerify
from amparo_signer.wire import (
    MAX_FRAME,
    Answer,
    AskExchange,
    AskKeysets,
    AskMake,
    AskRetire,
    ExchangeAnswer,
    KeysetsAnswer,
    MakeAnswer,
    Question,
    Refusal,
    RetireAnswer,
    frame,
    read_answer,
    read_question,
)

words, numbers, some_bytes = st.text(max_size=20), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=40)
jobs = st.builds(
    ExchangeJob,
    st.lists(st.builds(ToVerify, numbers, numbers, some_bytes, some_bytes), max_size=3),
    st.lists(st.builds(ToSign, numbers, numbers, some_bytes), max_size=3),
)
keysets = st.builds(PublicKeyset, words, words, words, st.none() | numbers, st.dictionaries(words, words, max_size=3))
questions = st.one_of(
    st.just(AskKeysets()),
    st.builds(AskMake, words, words, st.none() | numbers),
    st.builds(AskExchange, st.lists(words, max_size=3), st.lists(jobs, max_size=3)),
    st.builds(AskRetire, words),
)
exchanged = st.builds(Exchanged, st.lists(some_bytes, max_size=3), st.lists(some_bytes, max_size=3), words)
answers = st.one_of(
    st.builds(KeysetsAnswer, st.lists(keysets, max_size=3)),
    st.builds(MakeAnswer, keysets),
    st.builds(ExchangeAnswer, st.lists(exchanged, max_size=3)),
    st.just(RetireAnswer()),
    st.builds(Refusal, words, words, words, words),
)


@settings(max_examples=60)
@given(questions, answers)
def test_what_is_written_is_read_back(question: Question, answer: Answer) -> None:
    for message, read in ((question, read_question), (answer, read_answer)):
        written = frame(message)
        assert int.from_bytes(written[:4], "big") == len(written) - 4
        assert read(written[4:]) == message


@settings(max_examples=150)
@given(
    st.binary(max_size=200) | st.tuples(questions, st.integers(0, 200), some_bytes).map(lambda given: spoilt(*given))
)
def test_no_bytes_make_a_reader_fail_otherwise(body: bytes) -> None:
    for read in (read_question, read_answer):
        with contextlib.suppress(QuestionMalformed):
            assert frame(read(body))


def spoilt(message: Question, place: int, by: bytes) -> bytes:
    """A good message with some bytes in it replaced."""
    body = frame(message)[4:]
    return body[:place] + by + body[place + len(by) :]


def test_a_message_that_is_too_large_is_not_written() -> None:
    assert len(frame(AskRetire("a" * (MAX_FRAME - 20)))) <= MAX_FRAME + 4
    with pytest.raises(FrameTooLarge):
        frame(AskRetire("a" * MAX_FRAME))
