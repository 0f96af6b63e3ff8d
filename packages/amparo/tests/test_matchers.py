"""The thief's attacks on sales made by hand: each finds what it is made to find, and its success is a fair chance."""

import pytest

from amparo.thief import matchers
from amparo.thief.matchers import Candidate, Guess, Sale
from amparo_cashu.wire import Proof

PEOPLE = [
    Candidate(1, "usd", 74, 10),
    Candidate(2, "usd", 74, 20),
    Candidate(3, "usd", 40, 30),
    Candidate(4, "med", 20, 5),
]


def sale(*coins: int, place: int = 0, unit: str = "usd") -> Sale:
    """A sale paid with these coins."""
    proofs = [Proof(amount=coin, id="k", secret=f"s{place}{number}", C="c") for number, coin in enumerate(coins)]
    return Sale(place=place, shop=0, amount=sum(coins), unit=unit, coins=proofs)


def households(guess: Guess) -> set[int]:
    """Everybody whom a guess names."""
    return {each for group in guess.groups for each in group}


def test_guessing_names_everybody_who_was_paid_in_the_unit() -> None:
    (guess,) = matchers.by_guessing([sale(8)], PEOPLE)
    assert households(guess) == {1, 2, 3}
    assert guess.success(1) == pytest.approx(1 / 3)
    assert guess.success(4) == 0.0


@pytest.mark.parametrize(
    ("coins", "named"),
    [
        ((64,), {1, 2}),  # only 74 holds a 64
        ((32,), {3}),  # 40 = 32 + 8; 74 = 64 + 8 + 2
        ((8,), {1, 2, 3}),
        ((8, 8), {1, 2, 3}),  # two of one kind come from a change: only the sum counts
        ((16, 32), {1, 2}),  # nobody's aid holds a 16: only the sum counts
        ((128,), set()),
    ],
)
def test_amounts_name_who_can_have_paid_with_these_coins(coins: tuple[int, ...], named: set[int]) -> None:
    (guess,) = matchers.by_amount([sale(*coins)], PEOPLE)
    assert households(guess) == named


def test_the_exact_amount_names_who_was_paid_that_or_next_above() -> None:
    exact, above, none = matchers.by_exact_amount([sale(32, 8), sale(32, 16), sale(128)], PEOPLE)
    assert (households(exact), households(above), households(none)) == ({3}, {1, 2}, set())


def test_the_order_names_who_claimed_at_the_same_point() -> None:
    guesses = matchers.by_order([sale(2, place=1), sale(2, place=2), sale(2, place=3), sale(2, unit="eur")], PEOPLE)
    assert [households(guess) for guess in guesses] == [{1}, {2}, {3}, set()]


def test_amount_and_order_together_name_the_nearest_who_fits() -> None:
    guesses = matchers.by_amount_and_order([sale(64, place=1), sale(64, place=2), sale(32, place=3)], PEOPLE)
    assert [households(guess) for guess in guesses] == [{1}, {2}, {3}]
