"""Canonical JSON: the same bytes as the published RFC 8785 implementation, and a refusal of everything else."""

import contextlib
import hashlib
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from amparo_common import canonical
from amparo_common.errors import MalformedMessage, NotCanonical

LARGEST = 2**53 - 1

TEXTS = (
    st.text(max_size=20) | st.text(st.characters(min_codepoint=0x10000), max_size=4) | st.text('\x00\x1f\x7f\\"/\b\t')
)
KEYS = st.text(st.characters(max_codepoint=0x7F), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up message."""

    name: str
    count: int = 1


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@given(VALUES)
@example({"b": 1, "a": [True, False, None, -LARGEST, LARGEST]})
@example("".join(map(chr, range(0x80))) + "é€\u2028\u2029\ufeff\U0001f600\U0010ffff")
@example({"": 0, "\x00": 1, "\x7f": 2, "A": 3, "a": 4, "a\n": 5})
def test_our_bytes_are_the_bytes_of_the_published_implementation(value: Any) -> None:
    assert canonical.encode(value) == rfc8785.dumps(value)
    assert canonical.encode_trusted(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    found = canonical.decode(canonical.encode(value), object)
    assert found == value
    assert canonical.encode(found) == canonical.encode(value)


@given(VALUES)
def test_a_digest_is_the_sha256_of_the_published_form(value: Any) -> None:
    assert canonical.digest(value) == hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def test_a_struct_and_its_plain_form_are_written_alike() -> None:
    assert canonical.encode(Shape(name="x")) == canonical.encode({"name": "x", "count": 1}) == b'{"count":1,"name":"x"}'


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        0.5,
        float("nan"),
        float("inf"),
        -float("inf"),
        LARGEST + 1,
        -LARGEST - 1,
        2**64,
        -(2**200),
        {"é": 1},
        {"\U0001f600": 1},
        {"\ud800": 1},
        {1: 2},
        {None: 2},
        "\ud800",
        "a\udfffb",
        {"a": ["\udc00"]},
    ],
    ids=ascii,
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"k": [v]}], ids=["bare", "list", "object"])
def test_what_has_no_agreed_form_is_refused_wherever_it_stands(value: Any, wrap: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical.encode(wrap(value))
    with pytest.raises(NotCanonical):
        canonical.digest(wrap(value))


@pytest.mark.parametrize("value", [object(), {"one", "two"}, 1j], ids=lambda value: type(value).__name__)
def test_what_is_no_json_value_is_refused_and_a_set_has_no_order_to_agree_on(value: Any) -> None:
    for wrapped in (value, [value], {"k": value}):
        with pytest.raises(NotCanonical):
            canonical.encode(wrapped)


def test_a_document_nested_64_deep_is_written_and_65_deep_is_refused() -> None:
    assert canonical.encode(nested(64)) == b"[" * 64 + b"]" * 64
    assert canonical.decode(b"[" * 64 + b"]" * 64, object) == nested(64)
    with pytest.raises(NotCanonical):
        canonical.encode(nested(65))
    with pytest.raises(NotCanonical):
        canonical.decode(b"[" * 65 + b"]" * 65, object)


def test_a_value_nested_beyond_the_interpreters_own_limit_is_refused_and_not_a_crash() -> None:
    with pytest.raises(NotCanonical):
        canonical.encode(nested(5_000))


def test_text_nested_around_and_beyond_the_interpreters_own_limit_is_refused_and_not_a_crash() -> None:
    for levels in [*range(850, 1_001), 100_000]:
        with pytest.raises(NotCanonical):
            canonical.decode(b"[" * levels + b"]" * levels, object)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" 1",
        b"1 ",
        b"1\n",
        b"[1, 2]",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,}',
        b"{'a':1}",
        b"[1,2",
        b"1 2",
        b"01",
        b"+1",
        b"-0",
        b"1.0",
        b"1e2",
        b"1E400",
        b"0.5",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" + b"0" * 5_000,
        rb'"\u0041"',
        rb'"\/"',
        rb'"\u001F"',
        rb'"\u0008"',
        rb'"\u000a"',
        rb'"\u00e9"',
        rb'"\ud83d\ude00"',
        rb'"\ud83d"',
        rb'{"\u0061":1}',
        b'"\x01"',
        b'"\n"',
        '{"é":1}'.encode(),
        b"\xef\xbb\xbf1",
        "[1]".encode("utf-16"),
        b"// x\n1",
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_another_spelling_of_a_value_is_refused(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.decode(text, object)


@pytest.mark.parametrize(
    "text",
    [b'"\xff"', b'"\xc3"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"', b'{"\xff":1}', b"\xff"],
    ids=ascii,
)
def test_bytes_that_are_no_text_are_refused(text: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.decode(text, object)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"name":1}',
        b'{"count":"1","name":"x"}',
        b'{"count":true,"name":"x"}',
        b'{"extra":1,"name":"x"}',
        b"[]",
        b"null",
    ],
    ids=ascii,
)
def test_canonical_json_of_another_shape_is_refused_as_malformed(text: bytes) -> None:
    assert canonical.decode(b'{"name":"x"}', Shape) == Shape(name="x")
    with pytest.raises(MalformedMessage):
        canonical.decode(text, Shape)


@given(VALUES, st.data())
def test_one_changed_byte_is_refused_or_gives_another_digest(value: Any, data: st.DataObject) -> None:
    written = canonical.encode(value)
    changed = bytearray(written)
    changed[data.draw(st.integers(0, len(written) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = canonical.decode(bytes(changed), object)
    except NotCanonical:
        return
    assert canonical.encode(found) == changed
    assert canonical.digest(found) != canonical.digest(value)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_our_errors(text: bytes) -> None:
    with contextlib.suppress(NotCanonical):
        assert canonical.encode(canonical.decode(text, object)) == text
