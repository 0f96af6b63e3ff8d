"""What a column is guessed to be, by its name and by the others beside it."""

import pytest

from amparo_office.intake.targets import PERSON_WORDS, guess


@pytest.mark.parametrize(
    ("columns", "guessed"),
    [
        (("nombre",), {"nombre": "whole"}),
        (("nombre", "apellidos"), {"nombre": "given", "apellidos": "family"}),
        (("apellidos", "nombre"), {"nombre": "given", "apellidos": "family"}),
        (("nombre", "religion"), {"nombre": "whole"}),
    ],
)
def test_a_name_beside_a_family_name_is_the_given_one(columns: tuple[str, ...], guessed: dict[str, str]) -> None:
    assert guess(columns, person=True, allowed=set(PERSON_WORDS)) == guessed
