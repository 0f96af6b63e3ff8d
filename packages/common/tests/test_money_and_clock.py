"""Amounts that cannot be rounded or misread, and times that always say their offset."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo_common.clock import FixedClock, SystemClock, from_text, require_utc, to_text
from amparo_common.errors import BadMoney, NaiveTime
from amparo_common.ids import random_id
from amparo_common.money import MOST_MINOR_UNITS, format_minor, parse_minor

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
AMOUNTS = st.integers(-(2**53), 2**53)


@given(st.integers(0, 2**60), st.integers(0, 6))
def test_what_is_shown_reads_back_the_same(amount: int, digits: int) -> None:
    assert parse_minor(format_minor(amount, digits=digits), digits=digits) == amount


@given(AMOUNTS, st.integers(0, 6))
def test_what_is_shown_is_the_decimal_number(amount: int, digits: int) -> None:
    shown = format_minor(amount, digits=digits)
    assert Decimal(shown.replace(",", "")) == Decimal(amount).scaleb(-digits)
    assert shown.isascii()


@pytest.mark.parametrize(
    ("amount", "digits", "shown"),
    [
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (1050, 2, "10.50"),
        (-1050, 2, "-10.50"),
        (123456789, 2, "1,234,567.89"),
        (1050, 0, "1,050"),
        (1050, 3, "1.050"),
    ],
)
def test_amounts_are_shown_with_western_digits(amount: int, digits: int, shown: str) -> None:
    assert format_minor(amount, digits=digits) == shown


@pytest.mark.parametrize(
    ("text", "amount"),
    [("10", 1000), ("10.5", 1050), ("10.50", 1050), (" 10.50 ", 1050), ("0.05", 5), ("1,234.50", 123450), ("007", 700)],
)
def test_what_a_person_types_is_read(text: str, amount: int) -> None:
    assert parse_minor(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        ".5",
        "-1",
        "+1",
        "1.234",
        "1.2.3",
        "1e3",
        "1_0",
        "0x1",
        "²",
        "١٠",
        "１０",
        "10 usd",
        "1 0",
        "1.²",
        "inf",
        "nan",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadMoney):
        parse_minor(text)


@pytest.mark.parametrize("text", ["10,50", "0,5", "1.234,50", "1,23,45", ",50", "10,"])
def test_a_decimal_comma_is_refused_and_never_read_as_a_hundred_times_more(text: str) -> None:
    # "10,50" is how people write ten and a half in Spanish, French and Portuguese.
    with pytest.raises(BadMoney):
        parse_minor(text)


def test_an_endless_number_is_refused() -> None:
    with pytest.raises(BadMoney):
        parse_minor("1" * 5_000)


@given(st.text(max_size=12) | st.text("0123456789.,-+ ²٣", max_size=12))
def test_no_text_makes_reading_an_amount_fail_otherwise(text: str) -> None:
    with contextlib.suppress(BadMoney):
        assert parse_minor(text) >= 0


def test_the_largest_message_amount_fits_a_canonical_number_a_million_times() -> None:
    assert MOST_MINOR_UNITS * 1_000_000 < 2**53


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_time_reads_back_the_same_to_the_second_from_any_offset(naive: datetime, minutes: int) -> None:
    instant = naive.replace(microsecond=0, tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes))) if naive.year > 1970 else instant
    assert to_text(elsewhere) == to_text(instant)
    assert from_text(to_text(elsewhere)) == instant
    assert to_text(instant).endswith("Z")


def test_times_are_written_in_utc_with_whole_seconds() -> None:
    assert to_text(NOON.replace(microsecond=999_999)) == "2026-11-01T12:00:00Z"
    assert from_text("2026-11-01T08:00:00-04:00") == NOON
    assert from_text("2026-11-01T08:00:00-04:00").tzinfo == UTC


def test_a_time_without_an_offset_is_refused_everywhere() -> None:
    naive = datetime(2026, 11, 1)  # noqa: DTZ001 - what is refused here
    clock = FixedClock(NOON)
    for use in (require_utc, to_text, FixedClock, clock.set):
        with pytest.raises(NaiveTime):
            use(naive)
    assert clock.now() == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-11-01",
        "2026-11-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "1793491200",
        "2026-11-01T24:01:00Z",
        "２０２６",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_text_that_is_no_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(NaiveTime):
        from_text(text)


def test_a_fixed_clock_stands_still_until_it_is_set() -> None:
    clock = FixedClock(NOON.astimezone(timezone(timedelta(hours=-4))))
    assert clock.now() == clock.now() == NOON
    assert clock.now().tzinfo == UTC
    clock.set(NOON + timedelta(days=1))
    assert clock.now() == NOON + timedelta(days=1)


def test_the_machines_clock_says_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_random_ids_are_128_bits_and_differ() -> None:
    found = {random_id() for _ in range(1_000)}
    assert len(found) == 1_000
    assert all(len(bytes.fromhex(each)) == 16 for each in found)
