"""The invented town and other sources: the same seed, the same bytes; nothing forbidden; names only where they miss."""

import csv
import io
from pathlib import Path

import pytest
import yaml
from tests.needed import real_data

from amparo.errors import FileMissing
from amparo.mappings import SHIPPED, shipped
from amparo.sources import from_files, invented, with_names
from amparo.town import make_shops, make_town
from amparo_office.mapping import read_mapping
from amparo_rules.catalogue import CATALOGUE
from amparo_rules.errors import ForbiddenConcept
from amparo_shops.bank_file import check_account


def rows(data: bytes) -> list[dict[str, str]]:
    """A CSV file's rows."""
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_the_same_seed_makes_the_same_town_and_another_seed_another() -> None:
    assert make_town(1, 50) == make_town(1, 50)
    assert make_town(1, 50) != make_town(2, 50)
    assert make_shops(1) == make_shops(1)


def test_a_larger_town_begins_with_the_smaller_one() -> None:
    assert make_town(1, 100).households.startswith(make_town(1, 50).households)


def test_the_town_has_people_without_phones_papers_or_income_and_names_in_two_scripts() -> None:
    town = make_town(1, 400)
    homes, people = rows(town.households), rows(town.individuals)
    assert {row["telefono"] for row in homes} == {"sí", "no"}
    assert any(row["ingreso_mensual"] == "" for row in homes)
    assert any(row["nacimiento"] == "" for row in people)
    arabic = [row for row in people if row["idioma"] == "ar"]
    assert arabic
    assert all("\u0600" <= row["nombre_arabe"][0] <= "\u06ff" for row in arabic)
    heads = [row["hogar"] for row in people if row["jefatura"] == "sí"]
    assert heads == [row["hogar"] for row in homes]


def test_every_shop_has_an_account_that_a_bank_takes() -> None:
    accounts = [check_account(shop.account) for shop in make_shops(3)]
    assert len(set(accounts)) == 20


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_is_valid(name: str) -> None:
    assert read_mapping(shipped(name), needed=set(CATALOGUE), defined={}).person_facts


def test_a_file_with_names_is_taken_as_it_is() -> None:
    source = invented(1, 20)
    assert with_names(source, 1) is source


def test_a_file_without_names_gets_invented_ones_and_loses_columns_that_nobody_asked_for(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("hid,cell,tot_exp,rooms\n1,1,1200,2\n")
    (tmp_path / "i.csv").write_text("hid,age,relation,disability,religion\n1,40,1,0,9\n1,7,3,0,9\n")
    source = with_names(from_files(tmp_path / "h.csv", tmp_path / "i.csv", "world-bank-survey"), 1)
    assert source.invented_names
    people = rows(source.individuals)
    assert set(people[0]) == {"hid", "age", "relation", "disability", "nombre", "apellidos", "nombre_arabe", "idioma"}
    assert people[0]["apellidos"] == people[1]["apellidos"]
    mapping = read_mapping(source.mapping, needed=set(CATALOGUE), defined={})
    assert mapping.text.individual.given_name == "nombre"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"nowhere\.csv"):
        from_files(tmp_path / "nowhere.csv", tmp_path / "i.csv", "town")


def test_a_mapping_that_takes_the_surveys_religion_is_refused_with_a_reason() -> None:
    plain = yaml.load(shipped("world-bank-survey"), Loader=yaml.BaseLoader)  # noqa: S506 - texts and lists only
    plain["individual"]["facts"]["disability"] = "religion"
    with pytest.raises(ForbiddenConcept, match="religion"):
        read_mapping(yaml.safe_dump(plain, default_flow_style=False), needed=set(CATALOGUE), defined={})


def test_the_real_survey_is_read() -> None:
    survey = real_data("worldbank-synthetic-survey")
    (households,), (individuals,) = survey.glob("*HLD*.dta"), survey.glob("*IND*.dta")
    source = with_names(from_files(households, individuals, "world-bank-survey"), 1)
    assert len(rows(source.individuals)) == 32_396
