"""One person's whole record as a file, and identifiers that differ in each programme."""

import io
import re
import zipfile
from typing import Any

import msgspec
import pytest
from packages.office.tests.register.people import NOON, NUMBER, TELEPHONE, enrolled_person, person
from tests.servers.desk import member

from amparo_office.errors import OutsideArea
from amparo_office.register import access, person_file, service
from amparo_office.register.models import Individual
from amparo_office.register.pseudonyms import Pseudonyms
from amparo_office.register.service import IndividualChanges
from amparo_staff.accounts.roles import Role

NAME = "Xiomara <Quebranta> & Co"


def opened(packed: bytes) -> tuple[str, dict[str, Any], list[str]]:
    """The page, the JSON, and the names of the files."""
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        return files.read("record.html").decode(), msgspec.json.decode(files.read("record.json")), files.namelist()


def corrected() -> Individual:
    made = enrolled_person("Former Name", telephone=TELEPHONE, number=NUMBER)
    changes = IndividualChanges(identity=person(NAME, telephone=TELEPHONE).identity, facts={"disability": 0})
    service.correct_individual(
        made.id, changes, version=1, reason="misspelt", origin_source="her letter", by=member(Role.VALIDATOR), at=NOON
    )
    return made


def test_the_file_holds_names_facts_changes_and_readings(desk_database: str) -> None:
    made, by = corrected(), member(Role.REGISTRAR)
    page, record, names = opened(person_file.write(made.id, by=by, at=NOON, language="en"))
    assert names == ["record.html", "record.json"]
    assert record["identity"]["names"][0]["given"] == NAME
    (fact,) = record["facts"]
    assert (fact["name"], fact["value"], fact["source"], fact["day"], fact["kept"]) == (
        "disability",
        "False",
        "her letter",
        "2026-11-22",
        "+365 d",
    )
    assert fact["purpose"] == "declared need of the household"
    (change,) = record["changes"]
    assert change["before"]["identity"]["names"][0]["given"] == "Former Name"
    assert [(each["by"], each["refused"]) for each in record["accesses"]] == [(by.name, False)]
    assert "Xiomara &lt;Quebranta&gt; &amp; Co" in page
    assert "<Quebranta>" not in page


@pytest.mark.parametrize("language", person_file.LANGUAGES)
def test_the_page_is_whole_in_every_language(desk_database: str, language: str) -> None:
    made = corrected()
    page, _, _ = opened(person_file.write(made.id, by=None, at=NOON, language=language))
    assert f'<html lang="{language}"' in page
    assert ('dir="rtl"' in page) == (language == "ar")
    label = {"es": "discapacidad", "en": "disability", "fr": "handicap", "ar": "إعاقة", "pt": "deficiência"}[language]
    assert label in page
    assert len(re.findall("<h1>", page)) == 1
    assert "script" not in page


def test_the_person_can_ask_for_it_in_their_own_language(desk_database: str) -> None:
    made = enrolled_person("Ana")
    identity = msgspec.structs.replace(person("Ana").identity, language="fr")
    service.correct_individual(
        made.id, IndividualChanges(identity=identity), version=1, reason="r", origin_source="s", by=None, at=NOON
    )
    assert '<html lang="fr"' in opened(person_file.write(made.id, by=None, at=NOON))[0]


def test_writing_the_file_is_itself_a_reading_within_the_members_areas(desk_database: str) -> None:
    made = enrolled_person("Ana")
    person_file.write(made.id, by=member(Role.REGISTRAR), at=NOON)
    assert [each.purpose for each in access.accesses_of(made.id)] == ["person-file"]
    with pytest.raises(OutsideArea):
        person_file.write(made.id, by=member(Role.VALIDATOR, area="VE09"), at=NOON)


def test_a_role_without_identity_gets_no_name_and_no_history_of_names(desk_database: str) -> None:
    made = corrected()
    packed = person_file.write(made.id, by=member(Role.VIEWER), at=NOON, language="en")
    page, record, _ = opened(packed)
    assert (record["identity"]["names"], record["changes"]) == ([], [])
    for hidden in ("Xiomara", "Former Name", TELEPHONE):
        assert hidden not in page + str(record)


def test_two_programmes_lists_of_one_register_share_no_value(own_folder: object) -> None:
    refs = [service.new_ref("H") for _ in range(2_000)]
    first, second = ({Pseudonyms(programme).of(ref) for ref in refs} for programme in ("bread", "rent"))
    assert len(first) == len(second) == 2_000
    assert not first & second
    assert not (first | second) & set(refs)
    # Not even their order says who is who: sorted lists agree about as often as chance would have it.
    ordered = [sorted(refs, key=Pseudonyms(programme).of) for programme in ("bread", "rent")]
    assert sum(one == other for one, other in zip(*ordered, strict=True)) < 20


def test_a_pseudonym_stays_and_is_bound_to_programme_and_record(own_folder: object) -> None:
    assert Pseudonyms("bread").of("H-1") == Pseudonyms("bread").of("H-1")
    assert re.fullmatch(r"A(-[A-Z2-7]{4}){4}", Pseudonyms("bread").of("H-1"))
    assert Pseudonyms("bread 1").of("H") != Pseudonyms("bread").of("1 H")
