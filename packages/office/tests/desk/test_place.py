"""What an operator may choose for a desk, and what a slip of theirs does."""

import pytest

from amparo_office.desk import place


@pytest.mark.parametrize(
    ("said", "allowed"), [("", 500), ("0", 0), ("20", 20), ("5000", 500), ("-1", 500), ("many", 500), ("٢٠", 500)]
)
def test_a_slip_never_lets_one_member_take_out_more(monkeypatch: pytest.MonkeyPatch, said: str, allowed: int) -> None:
    monkeypatch.setenv(place.EXPORT_ALONE, said)
    assert place.export_alone() == allowed


@pytest.mark.parametrize(("said", "on"), [("", False), ("off", False), ("true", False), ("on", True)])
def test_lists_for_others_are_off_unless_the_operator_says_on(
    monkeypatch: pytest.MonkeyPatch, said: str, *, on: bool
) -> None:
    monkeypatch.setenv(place.SHARING, said)
    assert place.sharing() is on
