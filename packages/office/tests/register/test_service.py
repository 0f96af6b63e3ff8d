"""Enrolling households and changing them: what is allowed, what is kept, and two people who change one record at once."""

import contextlib
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from packages.office.tests.register.people import NOON, areas, enrolled, household, origin, person
from tests.servers.desk import member

from amparo_common.errors import AmparoError
from amparo_office.errors import (
    CollectorsRefused,
    FactNotNeeded,
    HouseholdRefused,
    OutsideArea,
    RecordChanged,
    RecordUnknown,
)
from amparo_office.register import access, service
from amparo_office.register.models import Change, Collector, Household, Individual, RecordState, SearchKey
from amparo_office.register.refs import check_sign, new_numbers, new_ref, new_refs, read_ref
from amparo_office.register.sealing import Dwelling, Identity, Name, open_difference
from amparo_office.register.service import HouseholdChanges, IndividualChanges, NewHousehold, NewIndividual
from amparo_office.register.vault import vault
from amparo_rules.errors import FactOutOfRange, ForbiddenConcept, UnknownFact
from amparo_staff.accounts.roles import Role
from amparo_staff.trail.models import TrailEntry

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
WHY: dict[str, Any] = {"reason": "she said so", "origin_source": "at the desk", "by": None, "at": NOON}


def family() -> tuple[Household, Individual, Individual, Individual]:
    """Ana, head and primary collector; Luis, the alternate; Rosa."""
    home = enrolled(person("Ana", relationship="HEAD"), person("Luis"), person("Rosa"), alternate=1)
    ana, luis, rosa = home.members.order_by("id")
    return home, ana, luis, rosa


def collectors(home: Household) -> dict[str, int]:
    return dict(Collector.objects.filter(household=home).values_list("kind", "individual_id"))


# --- references ----------------------------------------------------------------------------------------------------------


@given(st.text(SIGNS, min_size=7, max_size=7), st.integers(0, 7), st.sampled_from(SIGNS))
def test_one_wrong_sign_of_a_reference_shows(signs: str, place: int, wrong: str) -> None:
    whole = signs + check_sign(signs)
    said = whole[:place] + wrong + whole[place + 1 :]
    assert (read_ref(f"P{said}") is None) == (wrong != whole[place])


@pytest.mark.parametrize("say", [str, str.lower, lambda ref: ref.replace("-", ""), lambda ref: ref.replace("0", "o")])
def test_a_reference_is_read_as_people_type_it(say: Any) -> None:
    for ref in [new_ref("H") for _ in range(50)]:
        assert read_ref(say(ref)) == ref


@pytest.mark.parametrize("said", ["", "H", "X-7F3K-9Q2M", "H-7F3K", "H-7F3K-9Q2M-1", "H-UUUU-UUUU", "ه-٧٧٧٧-٧٧٧٧"])
def test_what_is_no_reference_is_none(said: str) -> None:
    assert read_ref(said) is None


def test_a_number_is_never_given_twice_also_when_its_row_never_comes(desk_database: str) -> None:
    first = new_numbers(Household, 3)
    with contextlib.suppress(RuntimeError), transaction.atomic():
        enrolled(person("Ana"))
        raise RuntimeError("taken back")
    made = enrolled(person("Berta"))
    second = new_numbers(Household, 2)
    assert len({*first, made.id, *second}) == 6
    assert second == sorted(second)
    assert first[-1] < made.id < second[0]


def test_new_references_are_ones_that_no_record_has(desk_database: str) -> None:
    refs = new_refs("H", 2_500)
    assert len(set(refs)) == 2_500
    assert all(read_ref(ref) == ref for ref in refs)


# --- enrolling -----------------------------------------------------------------------------------------------------------


def test_a_household_is_enrolled_whole(desk_database: str) -> None:
    areas("VE01")
    by = member(Role.REGISTRAR)
    new = NewHousehold(
        area="VE01",
        language="pt",
        by_phone=True,
        facts={"rooms": 3},
        dwelling=Dwelling(address="Rua 1"),
        members=[
            NewIndividual(
                identity=Identity(names=[Name(given="Ana", family="Sousa"), Name(given="آنا", script="Arab")]),
                relationship="HEAD",
                birth_date=-3_653,
                birth_precision="year",
                source_key=b"k" * 16,
            ),
            person("Luis"),
        ],
        alternate=1,
        source_key=b"h" * 16,
    )
    made = service.enrol(new, origin=origin(), by=by, at=NOON)
    view = access.read_household(made.id, by=by, purpose="service", at=NOON)
    ana, luis = view.members
    assert (view.area, view.language, view.by_phone, view.facts) == ("VE01", "pt", True, {"rooms": 3})
    assert view.dwelling == Dwelling(address="Rua 1")
    assert ana.identity == new.members[0].identity
    assert (ana.facts, ana.birth_precision, ana.relationship) == ({"birth_date": -3_653}, "year", "HEAD")
    assert {kind: each.id for kind, each in view.collectors.items()} == {"primary": ana.id, "alternate": luis.id}
    assert (read_ref(view.ref), read_ref(ana.ref), ana.household_ref) == (view.ref, ana.ref, view.ref)


def test_somebody_without_any_paper_name_or_birth_date_is_enrolled(desk_database: str) -> None:
    made = enrolled(NewIndividual(identity=Identity()))
    view = access.read_household(made.id, by=None, purpose="service", at=NOON)
    assert view.members[0].identity == Identity()
    assert view.members[0].name() == view.members[0].ref


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (household(), HouseholdRefused),
        (household(person("A", relationship="HEAD"), person("B", relationship="HEAD")), HouseholdRefused),
        (household(person("A"), alternate=0), CollectorsRefused),
        (household(person("A"), alternate=1), CollectorsRefused),
        (household(person("A", facts={"voto": 1})), ForbiddenConcept),
        (household(person("A", facts={"shoe_size": 1})), UnknownFact),
        (household(person("A", facts={"disability": 2})), FactOutOfRange),
    ],
)
def test_a_household_that_may_not_be_is_refused_and_nothing_is_stored(
    desk_database: str, new: NewHousehold, error: type[AmparoError]
) -> None:
    with pytest.raises(error):
        service.enrol_many([household(person("Good")), new], origin=origin(), by=None, at=NOON)
    assert (Household.objects.count(), Individual.objects.count(), SearchKey.objects.count()) == (0, 0, 0)


def test_a_fact_that_no_published_programme_needs_is_refused(desk_database: str) -> None:
    new = household(person("Ana", facts={"disability": 1}))
    with pytest.raises(FactNotNeeded):
        service.enrol(new, origin=origin(), by=None, at=NOON, needed=frozenset({("household", "disability")}))
    assert service.enrol(new, origin=origin(), by=None, at=NOON, needed=frozenset({("person", "disability")}))


def test_many_are_enrolled_at_once_and_heard_of(desk_database: str) -> None:
    heard: list[int] = []
    many = (household(person(f"Ana {place}"), person("Luis")) for place in range(1_500))
    counts = service.enrol_many(many, origin=origin(), by=None, at=NOON, progress=heard.append)
    assert (counts.households, counts.individuals, heard) == (1_500, 3_000, [1_000, 1_500])
    assert Individual.objects.values("ref").distinct().count() == 3_000
    more = enrolled(person("Berta"))
    assert more.id > 1_500
    (entry,) = TrailEntry.objects.filter(details__households=1_500)
    assert entry.action == "register.enrolled"


# --- correcting ----------------------------------------------------------------------------------------------------------


def test_a_correction_is_kept_with_what_stood_there_before(desk_database: str) -> None:
    _, ana, _, _ = family()
    by = member(Role.REGISTRAR)
    changes = IndividualChanges(
        identity=Identity(names=[Name(given="Anna")]), birth_date=100, birth_precision="day", facts={"disability": 0}
    )
    made = service.correct_individual(ana.id, changes, version=1, **{**WHY, "by": by})
    change = Change.objects.get(individual=ana)
    difference = open_difference(vault().key(made.key), "individual-change", ana.id, change.sealed or b"")
    assert made.version == change.version == 2
    assert change.fields == ["birth_date", "birth_precision", "disability", "identity"]
    assert (change.by, change.reason, change.origin.source, change.at) == (by, "she said so", "at the desk", NOON)
    assert difference.before["identity"]["names"][0]["given"] == "Ana"
    assert difference.after["birth_date"] == 100
    assert made.declared == {"birth_date": change.origin_id, "disability": change.origin_id}


def test_the_second_of_two_who_change_a_record_is_told_what_differs(desk_database: str) -> None:
    _, ana, _, _ = family()
    service.correct_individual(ana.id, IndividualChanges(facts={"disability": 1}), version=1, **WHY)
    with pytest.raises(RecordChanged) as refused:
        service.correct_individual(ana.id, IndividualChanges(facts={"disability": 0}), version=1, **WHY)
    assert refused.value.differs == ["disability"]
    ana.refresh_from_db()
    assert (ana.facts["disability"], ana.version) == (1, 2)


def test_a_correction_that_changes_nothing_writes_nothing(desk_database: str) -> None:
    home, ana, _, _ = family()
    service.correct_individual(ana.id, IndividualChanges(relationship="HEAD"), version=1, **WHY)
    service.correct_household(home.id, HouseholdChanges(facts={}, language="es"), version=1, **WHY)
    assert Change.objects.count() == 0


def test_a_households_address_place_and_facts_are_corrected(desk_database: str) -> None:
    areas("VE01")
    home = family()[0]
    changes = HouseholdChanges(area="VE01", dwelling=Dwelling(address="new"), facts={"rooms": 2}, by_phone=True)
    service.correct_household(home.id, changes, version=1, **WHY)
    view = access.read_household(home.id, by=None, purpose="service", at=NOON)
    assert (view.area, view.dwelling, view.facts, view.by_phone, view.version) == (
        "VE01",
        Dwelling(address="new"),
        {"rooms": 2},
        True,
        2,
    )


def test_what_is_wrong_cannot_be_corrected_into_a_record(desk_database: str) -> None:
    home, _, luis, _ = family()
    with pytest.raises(ForbiddenConcept):
        service.correct_individual(luis.id, IndividualChanges(facts={"religion": 1}), version=1, **WHY)
    with pytest.raises(HouseholdRefused):
        service.correct_individual(luis.id, IndividualChanges(relationship="HEAD"), version=1, **WHY)
    with pytest.raises(RecordUnknown):
        service.correct_household(home.id, HouseholdChanges(area="nowhere"), version=1, **WHY)
    with pytest.raises(RecordUnknown):
        service.correct_individual(999_999, IndividualChanges(), version=1, **WHY)
    assert Change.objects.count() == 0


def test_nobody_changes_a_record_outside_their_areas_or_moves_one_there(desk_database: str) -> None:
    areas("VE01", "VE02")
    here, there = enrolled(person("A"), area="VE01"), enrolled(person("B"), area="VE02")
    why = {**WHY, "by": member(Role.REGISTRAR, area="VE01")}
    with pytest.raises(OutsideArea):
        service.correct_individual(there.members.get().id, IndividualChanges(facts={"disability": 1}), version=1, **why)
    with pytest.raises(OutsideArea):
        service.correct_household(here.id, HouseholdChanges(area="VE02"), version=1, **why)
    with pytest.raises(OutsideArea):
        service.move(here.members.get().id, there.id, relationship="OTHER", version=1, **why)
    service.correct_household(here.id, HouseholdChanges(language="ar"), version=1, **why)


# --- households ----------------------------------------------------------------------------------------------------------


def test_collectors_are_two_people_who_may_be_from_outside(desk_database: str) -> None:
    home, ana, luis, rosa = family()
    neighbour = enrolled(person("Vecina")).members.get()
    service.set_collectors(home.id, primary=rosa.id, alternate=neighbour.id, version=1, **WHY)
    assert collectors(home) == {"primary": rosa.id, "alternate": neighbour.id}
    service.set_collectors(home.id, primary=luis.id, alternate=None, version=2, **WHY)
    assert collectors(home) == {"primary": luis.id}
    for primary, alternate in ((ana.id, ana.id), (ana.id, 999_999)):
        with pytest.raises(CollectorsRefused):
            service.set_collectors(home.id, primary=primary, alternate=alternate, version=3, **WHY)
    assert collectors(home) == {"primary": luis.id}


def test_a_member_who_leaves_collects_no_longer(desk_database: str) -> None:
    home, ana, luis, _ = family()
    service.leave(home.id, version=1, reason="moved away", by=None, at=NOON, members=[luis.id])
    luis.refresh_from_db()
    assert (luis.state, luis.left_on) == (RecordState.LEFT, date(2026, 11, 22))
    assert collectors(home) == {"primary": ana.id}
    home.refresh_from_db()
    assert home.state == RecordState.NEW


def test_a_household_leaves_with_everybody_or_with_its_last_member(desk_database: str) -> None:
    first, second = family()[0], enrolled(person("Solo"))
    service.leave(first.id, version=1, reason="moved", by=None, at=NOON)
    service.leave(second.id, version=1, reason="moved", by=None, at=NOON, members=[second.members.get().id])
    for home in (first, second):
        home.refresh_from_db()
        assert (home.state, home.left_on) == (RecordState.LEFT, date(2026, 11, 22))
        assert not home.members.exclude(state=RecordState.LEFT).exists()
    with pytest.raises(HouseholdRefused):
        service.leave(second.id, version=2, reason="x", by=None, at=NOON, members=[first.members.earliest("id").id])


def test_another_member_becomes_the_head(desk_database: str) -> None:
    home, ana, luis, _ = family()
    service.change_head(home.id, luis.id, former="WIFE_HUSBAND", version=1, **WHY)
    heads = dict(home.members.values_list("id", "relationship"))
    assert (heads[luis.id], heads[ana.id]) == ("HEAD", "WIFE_HUSBAND")
    with pytest.raises(HouseholdRefused):
        service.change_head(home.id, enrolled(person("X")).members.get().id, former="OTHER", version=2, **WHY)


def test_a_person_moves_to_another_household(desk_database: str) -> None:
    home, _, luis, _ = family()
    other = enrolled(person("Berta", relationship="HEAD"))
    service.move(luis.id, other.id, relationship="OTHER", version=1, **WHY)
    luis.refresh_from_db()
    assert luis.household_id == other.id
    assert "alternate" not in collectors(home)
    with pytest.raises(HouseholdRefused):
        service.move(luis.id, home.id, relationship="HEAD", version=2, **WHY)
    alone = other.members.exclude(id=luis.id).get()
    service.move(luis.id, home.id, relationship="OTHER", version=2, **WHY)
    with pytest.raises(HouseholdRefused):
        service.move(alone.id, home.id, relationship="OTHER", version=1, **WHY)


def test_some_members_become_a_household_of_their_own(desk_database: str) -> None:
    home, ana, luis, rosa = family()
    made = service.split(home.id, [luis.id, rosa.id], head=rosa.id, version=1, **WHY)
    assert set(made.members.values_list("id", "relationship")) == {(rosa.id, "HEAD"), (luis.id, "UNKNOWN")}
    assert (collectors(made), collectors(home)) == ({"primary": rosa.id}, {"primary": ana.id})
    assert (made.area_id, made.facts, read_ref(made.ref)) == (home.area_id, {}, made.ref)
    with pytest.raises(HouseholdRefused):
        service.split(home.id, [ana.id], head=ana.id, version=2, **WHY)
    with pytest.raises(HouseholdRefused):
        service.split(made.id, [rosa.id], head=luis.id, version=1, **WHY)


def test_every_change_of_every_record_can_be_opened_with_its_key(desk_database: str) -> None:
    home, _, luis, _ = family()
    service.change_head(home.id, luis.id, former="OTHER", version=1, **WHY)
    service.leave(home.id, version=2, reason="moved", by=None, at=NOON)
    for change in Change.objects.select_related("individual", "household"):
        row = change.individual or change.household
        kind = "individual-change" if change.individual else "household-change"
        assert row is not None
        assert open_difference(vault().key(row.key), kind, row.id, change.sealed or b"").after  # type: ignore[arg-type] # one of two literals
