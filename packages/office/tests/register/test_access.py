"""Reading: only for a purpose, only what it needs, only in one's areas, and never unseen."""

import ast
from pathlib import Path

import pytest
from packages.office.tests.register.people import (
    ADDRESS,
    NOON,
    NUMBER,
    TELEPHONE,
    areas,
    enrolled,
    enrolled_person,
    person,
)
from tests.servers.desk import member
from tests.tidy.tree import ROOT

from amparo_office.errors import KeyDestroyed, OutsideArea, PurposeRefused, RecordUnknown
from amparo_office.register import access
from amparo_office.register.models import Access, Household, Individual, RecordState
from amparo_office.register.vault import vault
from amparo_staff.accounts.roles import Role

# Who may open sealed columns, and why. Everything else goes through `access`.
OPENERS = {
    "register/access.py": "the guarded accessor",
    "register/access_lists.py": "the guarded accessor, for lists that leave",
    "register/sealing.py": "defines it",
    "register/search.py": "compares candidates with what was typed; shows nothing",
    "register/correction.py": "keeps what stood there before a change",
    "register/person_file.py": "the person's own changes, after the accessor has written the reading",
    "register/vault.py": "seals keys with keys; no record",
    "register/forms_draft.py": "a form on its way, sealed in the session of the member who types it",
    "register/views_record.py": "the history, after the accessor has written the reading with the kind `history`",
}


def test_a_reading_shows_what_the_purpose_needs_and_is_written_down(desk_database: str) -> None:
    made = enrolled_person("Ana", telephone=TELEPHONE, number=NUMBER)
    by = member(Role.REGISTRAR)
    full = access.read_individual(made.id, by=by, purpose="service", at=NOON)
    contact = access.read_individual(made.id, by=by, purpose="contact", at=NOON)
    assert full.identity is not None
    assert contact.identity is not None
    assert (full.identity.telephone, full.identity.documents[0].number, full.facts) == (
        TELEPHONE,
        NUMBER,
        {"disability": 1},
    )
    assert (contact.identity.telephone, contact.identity.documents, contact.facts) == (TELEPHONE, [], {})
    rows = [(each.by, each.purpose, each.refused, each.at) for each in access.accesses_of(made.id)]
    assert rows == [(by, "contact", False, NOON), (by, "service", False, NOON)]


def test_fewer_kinds_may_be_asked_for_and_only_they_are_shown_and_written(desk_database: str) -> None:
    made = enrolled_person("Ana")
    view = access.read_individual(
        made.id, by=member(Role.REGISTRAR), purpose="service", at=NOON, kinds=frozenset({"names"})
    )
    assert view.identity is not None
    assert (view.name(), view.identity.telephone, view.facts, view.area) == ("Ana", "", {}, "")
    assert Access.objects.get().kinds == ["names"]


@pytest.mark.parametrize(
    ("purpose", "kinds"), [("contact", {"documents"}), ("list", {"facts"}), ("curiosity", {"names"})]
)
def test_data_that_a_purpose_does_not_need_are_refused_and_the_attempt_is_written(
    desk_database: str, purpose: str, kinds: set[str]
) -> None:
    made = enrolled_person("Ana")
    by = member(Role.REGISTRAR)
    with pytest.raises(PurposeRefused):
        access.read_individual(made.id, by=by, purpose=purpose, at=NOON, kinds=frozenset(kinds))
    with pytest.raises(PurposeRefused):
        access.read_household(made.household_id or 0, by=by, purpose=purpose, at=NOON, kinds=frozenset(kinds))
    rows = access.accesses_of(made.id)
    assert [(each.by, each.purpose, each.refused, each.kinds) for each in rows] == [
        (by, purpose, True, sorted(kinds))
    ] * 2


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.APPROVER, Role.PROGRAMME_MANAGER])
def test_a_role_without_identity_sees_no_name_number_or_address(desk_database: str, role: Role) -> None:
    made = enrolled_person("Ana")
    by = member(role)
    view = access.read_household(made.household_id or 0, by=by, purpose="service", at=NOON)
    assert (view.dwelling, view.members[0].identity, view.members[0].name()) == (None, None, made.ref)
    assert access.read_names([made.id], by=by, purpose="list", at=NOON) == {}
    assert access.read_individual(made.id, by=by, purpose="service", at=NOON).identity is None
    assert not any(access.IDENTITY & set(each.kinds) for each in access.accesses_of(made.id))


@pytest.mark.parametrize("role", [Role.FINANCE_OFFICER, Role.SHOP_MANAGER, Role.ADMINISTRATOR])
def test_a_role_that_has_nothing_to_do_with_the_register_reads_nothing(desk_database: str, role: Role) -> None:
    made = enrolled_person("Ana")
    with pytest.raises(OutsideArea):
        access.read_individual(made.id, by=member(role), purpose="service", at=NOON)


def test_a_record_outside_the_members_areas_is_refused_and_left_out_of_lists(desk_database: str) -> None:
    areas("VE01", "VE0101", "VE02")
    here, there = enrolled_person("Ana", area="VE0101"), enrolled_person("Berta", area="VE02")
    by = member(Role.REGISTRAR, area="VE01")
    assert access.read_names([there.id, here.id], by=by, purpose="list", at=NOON) == {here.id: "Ana"}
    with pytest.raises(OutsideArea):
        access.read_individual(there.id, by=by, purpose="service", at=NOON)
    with pytest.raises(OutsideArea):
        access.read_household(there.household_id or 0, by=by, purpose="service", at=NOON)
    assert [each.refused for each in access.accesses_of(there.id)] == [True, True]


def test_names_of_a_list_are_written_down_for_each_person_shown(desk_database: str) -> None:
    home = enrolled(person("Ana", relationship="HEAD"), person("Luis"))
    numbers = list(home.members.order_by("-id").values_list("id", flat=True))
    names = access.read_names(numbers, by=member(Role.REGISTRAR), purpose="list", at=NOON)
    assert list(names.items()) == [(numbers[0], "Luis"), (numbers[1], "Ana")]
    assert sorted(Access.objects.values_list("individual_id", flat=True)) == sorted(numbers)


def test_reading_a_household_is_written_for_it_and_for_each_person_shown(desk_database: str) -> None:
    home = enrolled(person("Ana", relationship="HEAD"), person("Luis"))
    view = access.read_household(home.id, by=member(Role.REGISTRAR), purpose="service", at=NOON)
    assert view.dwelling is not None
    assert view.dwelling.address == ADDRESS
    assert Access.objects.filter(household=home).count() == 1
    assert Access.objects.filter(individual__household=home).count() == 2


def test_a_machine_that_compares_everybody_writes_one_line_that_each_persons_list_shows(desk_database: str) -> None:
    ana, berta = enrolled_person("Ana"), enrolled_person("Berta")
    merged = enrolled_person("Carla")
    Individual.objects.filter(id=merged.id).update(state=RecordState.MERGED)
    opened = {row.id: identity.names[0].given for row, identity in access.open_for_matching(by=None, at=NOON)}
    assert opened == {ana.id: "Ana", berta.id: "Berta"}
    assert [each.everybody for each in access.accesses_of(ana.id)] == [True]
    assert Access.objects.count() == 1
    assert [row.id for row, _ in access.open_for_matching(by=None, at=NOON, numbers=[berta.id])] == [berta.id]


def test_who_is_not_there_or_whose_key_is_gone_cannot_be_read(desk_database: str) -> None:
    made = enrolled_person("Ana")
    with pytest.raises(RecordUnknown):
        access.read_individual(999_999, by=None, purpose="service", at=NOON)
    with pytest.raises(RecordUnknown):
        access.read_household(999_999, by=None, purpose="service", at=NOON)
    vault().destroy([made.key, Household.objects.get().key])
    with pytest.raises(KeyDestroyed):
        access.read_individual(made.id, by=None, purpose="service", at=NOON)
    with pytest.raises(KeyDestroyed):
        access.read_household(made.household_id or 0, by=None, purpose="service", at=NOON)
    assert access.read_names([made.id], by=None, purpose="list", at=NOON) == {}


def test_every_purpose_names_kinds_that_exist() -> None:
    for code, purpose in access.PURPOSES.items():
        assert len(code) <= 32
        assert purpose.kinds <= access.EVERYTHING
        assert str(purpose.words)


def openers(source: Path) -> set[str]:
    """The names in a file by which sealed columns could be opened."""
    opening = {"open_identity", "open_dwelling", "open_difference", "AESGCM", "_unseal"}
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Name) and node.id in opening:
            found.add(node.id)
        if isinstance(node, ast.Attribute) and (node.attr in opening or node.attr == "sealed"):
            found.add(node.attr)
    return found


def test_nothing_else_opens_a_sealed_column() -> None:
    parts = [ROOT / "packages/office/src/amparo_office" / part for part in ("register", "desk", "duplicates", "intake")]
    every = [path for part in parts for path in part.rglob("*.py") if "migrations" not in path.parts]
    found = {str(path.relative_to(parts[0].parent)) for path in every if openers(path)}
    assert found == set(OPENERS)
    assert len(every) > 20
