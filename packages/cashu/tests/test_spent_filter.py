"""The published filter of spent tokens: never wrongly no, seldom wrongly yes, small, and safe to read from a stranger."""

import contextlib
import hashlib
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amparo_cashu.errors import FilterMalformed
from amparo_cashu.spent_filter import ITEM_BYTES, SpentFilter, build_filter, filter_item

KEYSET = "01" + "ab" * 32
DAY = 20_454
ITEMS = st.binary(min_size=ITEM_BYTES, max_size=ITEM_BYTES)


def items(count: int, *, start: int = 0) -> list[bytes]:
    return [
        filter_item(KEYSET, hashlib.sha256(b"%d" % each).digest() + b"\x02") for each in range(start, start + count)
    ]


def in_order(given_in: list[bytes]) -> bytes:
    return b"".join(sorted(given_in))


def built(given_in: list[bytes], *, bits: int = 20) -> SpentFilter:
    return SpentFilter(build_filter(in_order(given_in), keyset=KEYSET, day=DAY, bits=bits))


@given(st.lists(ITEMS, max_size=60), st.integers(1, 32))
@example([], 20)
@example([b"\x00" * 8, b"\xff" * 8], 32)
@example([b"\x00" * 8] * 3, 1)
@settings(deadline=None)
def test_every_spent_token_is_found(given_in: list[bytes], bits: int) -> None:
    spent = built(given_in, bits=bits)
    assert all(spent.has(item) for item in given_in)
    assert spent.count == len(set(given_in))


@pytest.mark.parametrize("damaged", [b"\0" * 7, b"\0" * 9, b"\2" * 8 + b"\1" * 8])
def test_items_that_are_cut_or_out_of_order_make_no_filter(damaged: bytes) -> None:
    with pytest.raises(FilterMalformed):
        build_filter(damaged, keyset=KEYSET, day=DAY)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1_024, 5_000])
def test_every_spent_token_is_found_in_filters_of_one_and_many_buckets(count: int) -> None:
    given_in = items(count)
    spent = built(given_in)
    assert all(spent.has(item) for item in given_in)
    assert not any(spent.has(item) for item in items(200, start=10**6))


def test_a_filter_without_tokens_has_none() -> None:
    spent = built([])
    assert not any(spent.has(item) for item in [*items(5), b"\x00" * 8, b"\xff" * 8])


@given(st.lists(ITEMS, min_size=2, max_size=30))
@settings(deadline=None)
def test_the_same_tokens_give_the_same_bytes_however_often_they_come(given_in: list[bytes]) -> None:
    once, again = in_order(given_in), in_order([*given_in, *given_in[:3]])
    assert build_filter(again, keyset=KEYSET, day=DAY) == build_filter(once, keyset=KEYSET, day=DAY)


def test_a_token_that_was_not_spent_is_seldom_taken_for_spent() -> None:
    # With 6 bits one in 64 is expected; five standard deviations around it hold but once in two million runs of chance, and
    # the strangers here are always the same.
    spent, trials = built(items(4_000), bits=6), 20_000
    wrong = sum(spent.has(item) for item in items(trials, start=10**6))
    rate = 1 / 64
    assert abs(wrong - trials * rate) < 5 * math.sqrt(trials * rate * (1 - rate))


def test_a_token_takes_less_than_22_bits_at_the_precision_of_20() -> None:
    count = 20_000
    data = build_filter(in_order(items(count)), keyset=KEYSET, day=DAY)
    assert 20 < 8 * len(data) / count < 21.8
    # No code for these sets can be shorter than log2(e) + 20 bits a token by more than rounding.
    assert 8 * len(data) / count > 20 + math.log2(math.e)


def test_an_item_is_of_one_keyset_and_one_token() -> None:
    token, other = b"\x02" + b"\x01" * 32, b"\x03" + b"\x01" * 32
    found = {filter_item(keyset, each) for keyset in (KEYSET, "01" + "ac" * 32) for each in (token, other)}
    assert len(found) == 4
    assert {len(item) for item in found} == {ITEM_BYTES}


@pytest.mark.parametrize("item", [b"", b"\x00" * 7, b"\x00" * 9])
def test_an_item_of_another_length_is_refused(item: bytes) -> None:
    with pytest.raises(FilterMalformed):
        build_filter(item or bytes(1), keyset=KEYSET, day=DAY)
    with pytest.raises(FilterMalformed):
        built(items(3)).has(item)


@pytest.mark.parametrize("bits", [-1, 0, 33, 64])
def test_an_impossible_precision_is_refused(bits: int) -> None:
    with pytest.raises(FilterMalformed):
        build_filter(in_order(items(3)), keyset=KEYSET, day=DAY, bits=bits)


GOOD = build_filter(in_order(items(1_200)), keyset=KEYSET, day=DAY)
HEAD = 55
BUCKETS = 3


def changed(at: int, new: bytes) -> bytes:
    return GOOD[:at] + new + GOOD[at + len(new) :]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[: HEAD - 1],
        GOOD[: HEAD + 4 * BUCKETS - 1],
        changed(0, b"XMSF"),
        changed(4, b"\x02"),
        changed(5, b"\x00"),
        changed(5, b"\x21"),
        changed(43, b"\xff" * 8),
        changed(43, (1_024).to_bytes(8, "big")),
        changed(43, (512 * (2**32 - 1)).to_bytes(8, "big") + b"\xff" * 4),
        changed(51, (4).to_bytes(4, "big")),
        changed(51, b"\xff" * 4),
        changed(HEAD, b"\x00\x00\x00\x01"),
        changed(HEAD + 4, b"\xff" * 4),
        changed(HEAD + 8, b"\x00" * 4),
    ],
    ids=range(15),
)
def test_a_filter_that_is_cut_or_contradicts_itself_is_refused(data: bytes) -> None:
    with pytest.raises(FilterMalformed):
        SpentFilter(data)


def test_a_damaged_bucket_takes_no_strangers_token_for_spent() -> None:
    # Two buckets emptied into the third: only what signs a filter finds that out.
    spent = SpentFilter(changed(HEAD + 4, bytes(8)))
    for item in items(50, start=10**6):
        with contextlib.suppress(FilterMalformed):
            assert not spent.has(item)


def test_a_damaged_head_is_refused() -> None:
    for at in (0, 1, 2, 3, 4):
        with pytest.raises(FilterMalformed):
            SpentFilter(changed(at, bytes([GOOD[at] ^ 1])))
    for length in range(HEAD + 4 * BUCKETS):
        with pytest.raises(FilterMalformed):
            SpentFilter(GOOD[:length])


def test_a_filter_with_one_giant_bucket_is_refused() -> None:
    head = GOOD[:43] + (1).to_bytes(8, "big") + (1).to_bytes(4, "big") + bytes(4)
    assert not SpentFilter(head + b"\xff" * 3).has(items(1)[0])
    with pytest.raises(FilterMalformed):
        SpentFilter(head + b"\x00" * 3).has(b"\xff" * 8)
    with pytest.raises(FilterMalformed):
        SpentFilter(head + bytes(2**20 + 1))


def test_a_filter_that_holds_more_than_it_says_is_refused() -> None:
    """Of one token, it says; and it takes every token of a small part of all numbers for spent."""
    head = GOOD[:43] + (1).to_bytes(8, "big") + (1).to_bytes(4, "big") + bytes(4)
    # 40 times: nothing between, then the place 1.
    many = int(("0" + f"{1:020b}") * 40, 2).to_bytes(105, "big")
    with pytest.raises(FilterMalformed):
        SpentFilter(head + many)


@given(
    st.binary(max_size=200)
    | st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=12)).map(lambda c: changed(*c)),
    ITEMS,
)
@example(GOOD[:-1], b"\x00" * 8)
@example(GOOD + b"\x00", b"\xff" * 8)
@settings(deadline=None)
def test_no_bytes_make_reading_a_filter_fail_otherwise(data: bytes, item: bytes) -> None:
    with contextlib.suppress(FilterMalformed):
        assert SpentFilter(data).has(item) in (True, False)
