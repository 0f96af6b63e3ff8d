"""The limits of the desk, held by machines: the data dictionary (R1), no list of somebody's programmes or visits (R8), nothing
forbidden in any column (R2), everything about a person goes with them, and what a seizure of the desk's files gives (T3)."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models
from django.urls import URLPattern, URLResolver, get_resolver
from packages.office.tests.register.people import ADDRESS, NOON, enrolled, person
from tests.servers.desk import member
from tests.tidy.tree import ROOT
from tools import data_dictionary

from amparo_common.errors import AmparoError
from amparo_office.register import access, erasure, search, service
from amparo_office.register.models import Household, Individual, Origin
from amparo_office.register.sealing import Dwelling
from amparo_office.register.service import IndividualChanges, NewHousehold, NewIndividual
from amparo_office.register.vault import KEYRING, LOCK, MASTER, TABLES, Vault, vault
from amparo_rules.forbidden import forbidden_concept
from amparo_staff.accounts.roles import Role

BASES = {"aid", "account", "work", "none"}
# Words in a column or route that would join a person to what they get or where they were seen.
TRACES = re.compile(
    r"programme|program|enrolment|entitle|payment|purchase|redemption|voucher|token|visit|attend|event|checkin|check_in|seen|"
    r"location|latitude|longitude|coordinate|device|address_ip|client_ip|user_agent|score|rank|risk|photo|face|finger"
)
# Columns that match and are no trace of a person, each with its reason.
HARMLESS = {
    ("accounts_grant", "programme"): "for which programme a member of staff has a role",
    ("intake_export", "programme"): "one list for one programme; no person stands in the row",
    ("accounts_staffsession", "seen"): "a member of staff's own log-in",
}
PERSONAL = ("register", "intake", "duplicates", "desk")


def kept() -> dict[str, set[str]]:
    """What the desk really keeps: every table of every app, and of the keyring, with its columns."""
    rows = apps.get_models(include_auto_created=True)
    found = {model._meta.db_table: {field.column for field in model._meta.local_concrete_fields} for model in rows}
    with sqlite3.connect(":memory:") as base:
        base.executescript(TABLES)
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found[f"keyring {name}"] = {row[1] for row in base.execute(f"PRAGMA table_info({name})")}
    # A composite key has no column of its own.
    return {table: {column for column in columns if column} for table, columns in found.items()}


# --- R1: the data dictionary ---------------------------------------------------------------------------------------------


def test_every_column_stands_in_the_published_dictionary_and_nothing_else_does() -> None:
    published = {table: set(entry.columns) for table, entry in data_dictionary.read().items()}
    assert published == kept()


def test_every_table_says_its_purpose_ground_and_end() -> None:
    for entry in data_dictionary.read().values():
        assert all((entry.what.strip(), entry.purpose.strip(), entry.retention.strip(), *entry.columns.values()))
        assert entry.basis in BASES


def test_a_column_that_nobody_published_is_found() -> None:
    class Sneaky(models.Model):
        favourite_colour = models.CharField(max_length=10)

        class Meta:
            app_label = "register"
            db_table = "register_sneaky"

    try:
        assert kept()["register_sneaky"] == {"id", "favourite_colour"}
        assert "register_sneaky" not in data_dictionary.read()
    finally:
        del apps.all_models["register"]["sneaky"]
        apps.clear_cache()
    assert Sneaky._meta.db_table not in kept()


def test_the_published_page_is_the_dictionary() -> None:
    page = ROOT / "docs/formats/data-dictionary.md"
    assert page.read_text() == data_dictionary.written()


def test_no_column_speaks_of_what_is_never_recorded() -> None:
    """`ordinary` words of the trade that a stem would catch are named here."""
    found = {(table, column) for table, columns in kept().items() for column in columns if forbidden_concept(column)}
    assert found == set()


# --- R8: nobody's programmes, visits or purchases ------------------------------------------------------------------------


def routes(resolver: URLResolver, before: str = "") -> list[tuple[str, str]]:
    """(path, name) of every page."""
    found: list[tuple[str, str]] = []
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLPattern):
            found.append((path, each.name or ""))
        else:
            found += routes(each, path)
    return found


def test_no_table_joins_a_person_to_programmes_visits_or_purchases() -> None:
    found = {(table, column) for table, columns in kept().items() for column in columns if TRACES.search(column)}
    assert found == set(HARMLESS)
    assert [table for table in kept() if TRACES.search(table)] == []


def test_no_relation_leads_from_a_person_or_household_to_another_side() -> None:
    """Whatever refers to a person belongs to the register, its imports or its duplicates."""
    for model in (Individual, Household):
        related = {relation.related_model._meta.app_label for relation in model._meta.related_objects}
        assert related <= {"register", "intake", "duplicates"}


def test_no_page_lists_a_persons_programmes_visits_or_purchases() -> None:
    every = routes(get_resolver())
    assert len(every) > 10
    # A job's progress comes as server-sent events.
    harmless = {"jobs/<uuid:job_id>/events"}
    assert {path for path, name in every if TRACES.search(path) or TRACES.search(name)} == harmless


def test_no_kind_of_data_that_a_purpose_may_read_is_a_trace() -> None:
    assert not [kind for purpose in access.PURPOSES.values() for kind in purpose.kinds if TRACES.search(kind)]


# --- what goes with a person ---------------------------------------------------------------------------------------------


def test_everything_that_names_a_person_or_household_goes_with_them() -> None:
    allowed = (models.CASCADE, models.SET_NULL)
    for model in (Individual, Household):
        for relation in model._meta.related_objects:
            assert relation.on_delete in allowed, relation
    # A plain number that names a person would stay behind; the blind index is removed by `Individual.searched`.
    plain = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if re.search(r"individual|household|person", field.column or "") and not field.is_relation
    }
    assert plain == {
        ("register_searchkey", "first_individual"),
        ("register_searchkey", "individuals"),
        ("intake_import", "households"),
        ("intake_import", "individuals"),
    }


# --- T3: the seizure drill -----------------------------------------------------------------------------------------------


GIVEN = ["Xiomara", "Eustaquio", "Birkisa", "Nefertari", "Wenceslao", "محمود", "Anacleto", "Filomena"]
FAMILY = ["Quebrantahuesos", "Picaflor", "Zurbarán", "Tchikaya", "العطار", "Villalonga"]


def invented(count: int) -> list[NewHousehold]:
    """Households of two with unusual names, telephones and papers."""
    people: list[NewIndividual] = []
    for place in range(2 * count):
        name = f"{GIVEN[place % len(GIVEN)]} {FAMILY[place % len(FAMILY)]}"
        people.append(person(name, telephone=f"+58414{7_310_000 + place * 37}", number=f"V-{28_440_000 + place * 911}"))
    pairs = zip(people[::2], people[1::2], strict=True)
    return [NewHousehold(members=list(pair), dwelling=Dwelling(address=ADDRESS)) for pair in pairs]


def said_by(homes: list[NewHousehold]) -> list[bytes]:
    """Every name, word of a name, telephone and number, as bytes, in UTF-8, UTF-16 and as JSON writes them."""
    said = {ADDRESS}
    for new in homes:
        for each in new.members:
            said |= {each.identity.telephone, each.identity.telephone[1:], each.identity.documents[0].number}
            said |= {name.whole() for name in each.identity.names} | set(each.identity.names[0].whole().split())
    forms = [(text.encode(), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()) for text in said]
    return sorted({form for three in forms for form in three})


def seized(folder: Path) -> bytes:
    """All files of a folder as one text."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("desk_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("erased", [False, True])
def test_the_seized_files_without_the_key_file_give_no_name_telephone_or_number(
    desk_database: str, own_folder: Path, tmp_path: Path, erased: bool
) -> None:
    homes = invented(60)
    by = member(Role.REGISTRAR)
    service.enrol_many(
        homes, origin=service.make_origin(Origin.Kind.DESK, source="desk", day=NOON.date(), by=by), by=by, at=NOON
    )
    for number in Individual.objects.values_list("id", flat=True)[:40]:
        access.read_individual(number, by=by, purpose="service", at=NOON)
        changes = IndividualChanges(identity=person("Xiomara Zurbarán", telephone="+584147310037").identity)
        service.correct_individual(
            number, changes, version=1, reason="misspelt", origin_source="letter", by=by, at=NOON
        )
    assert len(search.find("Quebrantahuesos", areas=[""])) > 5
    if erased:
        for number in list(Individual.objects.values_list("id", flat=True)):
            erasure.erase_individual(number, by=None, at=NOON)
    loot = tmp_path / "loot"
    loot.mkdir()
    database = Path(connection.settings_dict["NAME"])
    for path in [*database.parent.glob(f"{database.name}*"), *own_folder.iterdir()]:
        if path.name != MASTER:
            shutil.copy(path, loot / path.name)
    assert {KEYRING, LOCK, database.name} <= {path.name for path in loot.iterdir()}
    everything = seized(loot)
    assert [said for said in said_by(homes) if said in everything] == []
    # The same drill finds what is not sealed: it would not pass by looking in the wrong place.
    assert b"Registrar" in everything
    with pytest.raises(AmparoError):
        Vault(loot).keys([1])
    with sqlite3.connect(loot / database.name) as base:
        assert base.execute("SELECT count(*) FROM register_individual").fetchone() == (0 if erased else 120,)
    assert vault().keys(range(1, 181)).keys() == (set() if erased else set(range(1, 181)))


def test_with_the_key_file_the_same_files_do_open(desk_database: str, own_folder: Path) -> None:
    """What the drill rests on: the key file, nowhere else."""
    made = enrolled(person("Xiomara")).members.get()
    assert access.read_individual(made.id, by=None, purpose="service", at=NOON).name() == "Xiomara"
    master = own_folder / MASTER
    held = master.read_bytes()
    vault().close()
    master.unlink()
    with pytest.raises(AmparoError):
        access.read_individual(made.id, by=None, purpose="service", at=NOON)
    master.write_bytes(held)
    assert access.read_individual(made.id, by=None, purpose="service", at=NOON).name() == "Xiomara"
