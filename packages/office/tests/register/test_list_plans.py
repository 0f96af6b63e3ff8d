"""The list of households in an area: by the codes of the areas, and what the database does for it."""

import pytest
from django.db import connection
from packages.office.tests.register.people import areas, enrolled_person

from amparo_office.register import forms_filter
from amparo_office.register.forms_filter import Filter, households
from amparo_office.register.views_list import page_ids


def _shown(asked: Filter, under: list[str]) -> set[int]:
    return set(page_ids(households(asked, under), after=None, before=None)[0])


@pytest.mark.parametrize("named", [0, 1, 500])
def test_the_areas_of_a_list_are_the_same_however_many_codes_are_named(
    desk_database: str, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    monkeypatch.setattr(forms_filter, "_CODES_NAMED", named)
    areas("VE01", "VE0101", "VE0102", "VE02")
    home = {code: enrolled_person("Ana", area=code).household_id for code in ("VE01", "VE0101", "VE0102", "VE02")}
    enrolled_person("Ana")
    district = {home["VE01"], home["VE0101"], home["VE0102"]}
    assert _shown(Filter(area="VE01"), [""]) == _shown(Filter(), ["VE01"]) == district
    assert _shown(Filter(area="VE0102"), ["VE01"]) == {home["VE0102"]}
    assert _shown(Filter(area="VE01"), ["VE0101", "VE02"]) == {home["VE0101"]}
    assert _shown(Filter(area="VE02"), ["VE01"]) == _shown(Filter(area="VE03"), [""]) == _shown(Filter(), []) == set()


def test_the_list_of_a_village_does_not_walk_through_all_households(desk_database: str) -> None:
    if connection.vendor != "sqlite":
        return  # for a handful of rows PostgreSQL walks through them in any case
    areas("VE01", "VE0101")
    enrolled_person("Ana", area="VE0101")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # As with a million people: every index of households has 409,581 rows, some 2,000 of them alike.
        cursor.execute("UPDATE sqlite_stat1 SET stat = '409581 2048 1' WHERE tbl = 'register_household'")
        cursor.execute("ANALYZE sqlite_schema")
    plan = households(Filter(area="VE0101"), [""]).order_by("-id").explain()
    assert "register_household" in plan
    assert "SCAN register_household" not in plan
