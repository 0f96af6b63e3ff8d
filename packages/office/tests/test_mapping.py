"""Mapping files: what they may take in, how values are read, and every way to write one wrongly."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.office.tests.conftest import MAPPING

from amparo_common.errors import AmparoError
from amparo_office.errors import FactNotNeeded, MappingNotReadable
from amparo_office.mapping import Mapping, read_mapping
from amparo_rules.catalogue import CATALOGUE, Entity, days
from amparo_rules.errors import FactOutOfRange, ForbiddenConcept, UnknownFact

NEEDED: set[tuple[Entity, str]] = set(CATALOGUE)


def mapping_of(old: str, new: str) -> Mapping:
    """The usual mapping with one thing changed."""
    assert MAPPING.count(old) == 1, old
    return read_mapping(MAPPING.replace(old, new), needed=NEEDED, defined={})


def value(written: str, text: str, *, fact: str = "monthly_income") -> int | None:
    """What a cell becomes when the household fact `fact` is read as `written`."""
    mapping = mapping_of("{monthly_income: income, rooms: rooms}", f"{{{fact}: {written}}}")
    (reader,) = mapping.household_facts
    return reader.read({"c": text})


def person_value(fact: str, written: str, text: str) -> int | None:
    """The same for a person's fact."""
    head = "" if fact == "is_head" else ", is_head: head"
    mapping = mapping_of("{birth_date: born, is_head: head, disability: disabled}", f"{{{fact}: {written}{head}}}")
    return next(reader for reader in mapping.person_facts if reader.name == fact).read({"c": text})


def test_a_good_mapping_names_the_columns_it_reads_and_no_others() -> None:
    mapping = read_mapping(MAPPING, needed=NEEDED, defined={})
    assert mapping.household_columns() == {"ref", "phone", "income", "rooms"}
    assert mapping.person_columns() == {"home", "name", "surname", "arabic", "lang", "born", "head", "disabled"}
    assert {reader.name for reader in mapping.household_facts} == {"monthly_income", "rooms"}
    assert {reader.name for reader in mapping.person_facts} == {"birth_date", "is_head", "disability"}


# --- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ref: ref", "ref: partido"),
        ("phone: phone", "phone: voto"),
        ("phone: phone", 'phone: {column: religion, yes: ["1"]}'),
        ("income: income", "income: religión"),
        ("rooms: rooms", 'rooms: {column: afiliación_política, per: "1"}'),
        ("household: home", "household: tribu_indigena"),
        ("given_name: name", "given_name: sindicato"),
        ("family_name: surname", "family_name: facebook"),
        ("other_name: arabic", "other_name: الديانة"),
        ("language: lang", "language: etnia"),
        ("birth_date: born", "birth_date: voted_on"),
        ("disability: disabled", "disability: hiv_status"),
        ("{monthly_income: income,", "{religion: income,"),
        ("{birth_date: born,", "{partido: born,"),
    ],
    ids=lambda text: text.replace("\n", " "),
)
def test_a_forbidden_column_or_fact_is_refused_wherever_it_stands_with_the_reason(old: str, new: str) -> None:
    with pytest.raises(ForbiddenConcept) as found:
        mapping_of(old, new)
    assert "speaks of" in found.value.what
    assert "never recorded" in found.value.reason
    assert found.value.remedy == "Leave this column out."


def test_a_fact_outside_the_catalogue_is_refused_by_name() -> None:
    with pytest.raises(UnknownFact, match="shoe_size"):
        mapping_of("rooms: rooms", "shoe_size: rooms")
    with pytest.raises(UnknownFact, match="rooms"):  # a household's fact is no person's
        mapping_of("disability: disabled", "rooms: disabled")


def test_a_fact_that_no_published_programme_needs_is_refused() -> None:
    fewer: set[tuple[Entity, str]] = {*NEEDED} - {("household", "rooms")}
    with pytest.raises(FactNotNeeded, match="rooms"):
        read_mapping(MAPPING, needed=fewer, defined={})
    read_mapping(MAPPING.replace(", rooms: rooms", ""), needed=fewer, defined={})


def test_a_mapping_without_a_fact_that_may_not_be_unknown_is_refused() -> None:
    with pytest.raises(MappingNotReadable, match="is_head"):
        mapping_of("is_head: head, ", "")
    nobody_needs_it: set[tuple[Entity, str]] = {*NEEDED} - {("person", "is_head")}
    read_mapping(MAPPING.replace("is_head: head, ", ""), needed=nobody_needs_it, defined={})
    mapping_of(", disability: disabled", "")  # this one may be unknown


@pytest.mark.parametrize(
    "source",
    [
        "",
        "- a",
        "a: [",
        "source: &a [*a]",
        "{" * 2000,
        "\x00",
        MAPPING.replace("source: parish registry", ""),
        MAPPING.replace("source: parish registry", "source: [a]"),
        MAPPING.replace("date: 2026-10-01", "date: yesterday"),
        MAPPING.replace("date: 2026-10-01", "date: 01.10.2026"),
        MAPPING.replace("  ref: ref\n", ""),
        MAPPING + "extra: 1\n",
        MAPPING.replace("phone: phone", "phone: {column: phone, oui: [x]}"),
        MAPPING.replace("phone: phone", "phone: {yes: [x]}"),
        MAPPING.replace("income: income", 'income: {column: c, per: "0"}'),
        MAPPING.replace("income: income", 'income: {column: c, per: "-3"}'),
        MAPPING.replace("income: income", 'income: {column: c, per: "1.5"}'),
        MAPPING.replace("income: income", 'income: {column: c, per: ""}'),
        MAPPING.replace("income: income", f'income: {{column: c, per: "{"9" * 5000}"}}'),
        MAPPING.replace("income: income", 'income: {column: c, per: "2", yes: ["x"]}'),
        MAPPING.replace("income: income", 'income: {column: c, yes: ["x"]}'),
        MAPPING.replace("income: income", "income: {column: c, age_on: 2026-01-01}"),
        MAPPING.replace("rooms: rooms", 'rooms: {column: c, per: "2"}'),
        MAPPING.replace("birth_date: born", "birth_date: {column: born, age_on: spring}"),
        MAPPING.replace("birth_date: born", 'birth_date: {column: born, yes: ["x"]}'),
    ],
    ids=lambda text: text[:20].strip() or "empty",
)
def test_a_mapping_written_wrongly_is_refused_before_a_row_is_read(source: str) -> None:
    with pytest.raises(MappingNotReadable) as found:
        read_mapping(source, needed=NEEDED, defined={})
    assert len(str(found.value).split()) > 8


@given(st.text(st.sampled_from("abc:-{}[]&*!|>'\"\n #?,\t\x07"), max_size=40) | st.text(max_size=20))
def test_any_text_at_all_is_refused_in_words(source: str) -> None:
    with pytest.raises(AmparoError):
        read_mapping(source, needed=NEEDED, defined={})


# --- how values are read -----------------------------------------------------------------------------------------------


def test_plain_values_are_read_as_the_catalogue_says() -> None:
    assert value("c", "12.5") == 1250
    assert value("c", "") is None
    assert value("c", "3", fact="rooms") == 3
    assert person_value("birth_date", "c", "1990-01-02") == days(date(1990, 1, 2))
    assert [person_value("disability", "c", text) for text in ("Sí", "نعم", "no", "")] == [1, 1, 0, None]
    for fact, text in (("monthly_income", "12,50"), ("monthly_income", "-1"), ("rooms", "51"), ("rooms", "two")):
        with pytest.raises(FactOutOfRange):
            value("c", text, fact=fact)


def test_listed_texts_mean_yes_others_no_and_an_empty_cell_is_unknown() -> None:
    written = '{column: c, yes: ["1", "Head"]}'
    assert [person_value("is_head", written, text) for text in ("1", "HEAD", "2", "spouse")] == [1, 1, 0, 0]
    assert person_value("disability", '{column: c, yes: ["1"]}', "") is None
    with pytest.raises(FactOutOfRange):
        person_value("is_head", written, "")


@pytest.mark.parametrize(
    ("text", "per", "minor"),
    [("120", "12", 1000), ("100", "12", 833), ("0.06", "12", 1), ("0.05", "12", 0), ("", "12", None)],
)
def test_a_years_sum_is_divided_and_rounded_half_away(text: str, per: str, minor: int | None) -> None:
    assert value(f'{{column: c, per: "{per}"}}', text) == minor


def test_a_divided_sum_is_refused_only_when_its_part_is_out_of_range() -> None:
    most = CATALOGUE["household", "monthly_income"].type.max
    written = '{column: c, per: "12"}'
    assert value(written, f"{most * 12 // 100}") == most
    with pytest.raises(FactOutOfRange):
        value(written, f"{most * 12 // 100 + 1}")


@given(st.integers(0, 126), st.dates(date(2026, 1, 1), date(2030, 12, 31)))
def test_an_age_becomes_a_birth_date_with_that_age_on_that_day(age: int, on: date) -> None:
    read = f"{{column: c, age_on: {on}}}"
    if (on.month, on.day) == (2, 29) and age % 4:
        with pytest.raises(FactOutOfRange):
            person_value("birth_date", read, str(age))
        return
    born = person_value("birth_date", read, str(age))
    assert born == days(date(on.year - age, on.month, on.day))


@pytest.mark.parametrize("age", ["-1", "131", "12.5", "old", "130"])
def test_an_impossible_age_is_refused(age: str) -> None:
    with pytest.raises(FactOutOfRange):
        person_value("birth_date", "{column: c, age_on: 2026-10-01}", age)
