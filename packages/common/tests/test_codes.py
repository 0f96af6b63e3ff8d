"""Codes that people type."""

import re

import pytest

from amparo_common.codes import as_meant, random_code


def test_a_code_is_four_groups_of_four_letters_and_digits_that_are_hard_to_confuse() -> None:
    made = {random_code() for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code) for code in made)
    assert len({sign for code in made for sign in code} - {"-"}) ** 16 == 2**80


@pytest.mark.parametrize("typed", ["10ab-10cd", "IOAB-LOCD", "ioab loCD", " 1 0ab\u201010\u2013cd ", "l0ABi0cd"])
def test_how_a_code_was_typed_says_nothing(typed: str) -> None:
    assert as_meant(typed) == "10AB10CD"


def test_another_code_means_something_else() -> None:
    assert len({as_meant(random_code()) for _ in range(1_000)}) == 1_000
