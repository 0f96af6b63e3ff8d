"""Merging two records of one person and undoing it: nothing is lost, and every order of undoing leads back."""

import random
from typing import Any

import pytest
from packages.office.tests.duplicates.invented import NOON, PAPER, PHONE, areas, enrolled, heads, identity, person
from packages.office.tests.register.people import found_under
from tests.servers.desk import member

from amparo_office.duplicates import runs, service
from amparo_office.duplicates.merging import current, merge, refresh_index, undo
from amparo_office.duplicates.models import (
    Emptied,
    Merge,
    MovedCollector,
    MovedMember,
    OwnIndex,
    PossibleDuplicate,
    Verdict,
    Why,
)
from amparo_office.errors import MergeRefused, OutsideArea, PairDecided, UndoRefused
from amparo_office.register import search
from amparo_office.register.correction import IndividualChanges, correct_individual
from amparo_office.register.models import Change, Collector, Household, Individual, RecordState
from amparo_staff.accounts.models import StaffMember
from amparo_staff.accounts.roles import Role
from amparo_staff.trail.models import TrailEntry

WHY = Why.PEOPLE_ASKED.value


def rows() -> list[Any]:
    """The register, without what counts changes."""
    found: list[Any] = [sorted(found_under())]
    for model in (Household, Individual, Collector):
        found.append([{**row, "version": 0} for row in model.objects.order_by("id").values()])
    return found


def together(kept: Individual, other: Individual, by: StaffMember, *, with_members: bool = False) -> Merge:
    return merge(kept.id, other.id, with_members=with_members, why=WHY, by=by, at=NOON)


def collectors(household: Household) -> dict[str, int]:
    return dict(Collector.objects.filter(household=household).values_list("kind", "individual"))


def test_the_kept_record_is_found_by_both_names_and_collects_for_both_households(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    homes = enrolled(person(paper=PAPER)), enrolled(person("Elena", "Rochas", telephone=PHONE))
    kept, other = heads(*homes)
    together(kept, other, by)
    assert search.find("Elena Rochas", areas=[""]) == [kept.id]
    assert search.find(PHONE, areas=[""]) == search.find(PAPER, areas=[""]) == [kept.id]
    assert [collectors(home) for home in homes] == [{"primary": kept.id}] * 2
    other.refresh_from_db()
    assert (other.state, other.merged_into_id) == (RecordState.MERGED, kept.id)


def test_a_cycle_that_points_to_a_merged_record_still_finds_the_person(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    first, second, third = heads(*(enrolled(person()) for _ in range(3)))
    together(second, first, by)
    together(third, second, by)
    assert [current(each.id) for each in (first, second, third)] == [third.id] * 3


def test_both_histories_are_kept_and_the_trail_names_references_alone(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    kept, other = heads(enrolled(person()), enrolled(person()))
    undo(together(kept, other, by).id, by=by, at=NOON)
    for each in (kept, other):
        assert list(Change.objects.filter(individual=each).order_by("id").values_list("what", flat=True)) == [
            "merged",
            "unmerged",
        ]
    said = TrailEntry.objects.filter(action__startswith="duplicates.").order_by("number")
    assert [(entry.action, entry.subject, entry.details) for entry in said] == [
        ("duplicates.merged", kept.ref, {"other": other.ref, "members": 0}),
        ("duplicates.unmerged", kept.ref, {"other": other.ref}),
    ]


def test_members_move_along_and_come_back(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    homes = enrolled(person()), enrolled(person(), person("Luis", relationship="SON_DAUGHTER"))
    kept, other = heads(*homes)
    made = together(kept, other, by, with_members=True)
    son = Individual.objects.get(relationship="SON_DAUGHTER")
    assert son.household_id == homes[0].id
    assert Household.objects.get(id=homes[1].id).state == RecordState.MERGED
    undo(made.id, by=by, at=NOON)
    assert Individual.objects.get(id=son.id).household_id == homes[1].id
    assert Household.objects.get(id=homes[1].id).state == RecordState.NEW


def test_one_person_is_never_both_collectors_of_a_household(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    home = enrolled(person(), person(relationship="OTHER"), alternate=1)
    kept, other = home.members.order_by("id")
    made = together(kept, other, by)
    assert collectors(home) == {"primary": kept.id}
    undo(made.id, by=by, at=NOON)
    assert collectors(home) == {"primary": kept.id, "alternate": other.id}


def test_collectors_chosen_by_hand_meanwhile_stay(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    homes = enrolled(person()), enrolled(person(), person("Luis", relationship="SON_DAUGHTER"))
    kept, other = heads(*homes)
    made = together(kept, other, by)
    son = Individual.objects.get(relationship="SON_DAUGHTER")
    Collector.objects.filter(household=homes[1]).update(individual=son)
    undo(made.id, by=by, at=NOON)
    assert collectors(homes[1]) == {"primary": son.id}


def test_a_corrected_name_is_found_after_merging_and_after_undoing(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    kept, other = heads(enrolled(person()), enrolled(person("Elena", "Rochas")))
    made = together(kept, other, by)
    version = Individual.objects.get(id=kept.id).version
    changes = IndividualChanges(identity=identity("Carmen", "Toro"))
    correct_individual(kept.id, changes, version=version, reason="r", origin_source="desk", by=None, at=NOON)
    refresh_index()
    assert search.find("Carmen Toro", areas=[""]) == search.find("Elena Rochas", areas=[""]) == [kept.id]
    undo(made.id, by=by, at=NOON)
    assert search.find("Carmen Toro", areas=[""]) == [kept.id]
    assert search.find("Elena Rochas", areas=[""]) == [other.id]
    assert search.find("María Elena Rojas", areas=[""]) == []


@pytest.mark.parametrize("seed", range(8))
def test_merges_undone_in_any_order_leave_the_register_as_it_was(desk_database: str, seed: int) -> None:
    dice, by = random.Random(seed), member(Role.VALIDATOR)
    for number in range(5):
        others = [
            person("Luis", telephone=f"+5841400000{number}{place}", relationship="OTHER")
            for place in range(dice.randrange(3))
        ]
        enrolled(person(telephone=PHONE), *others, alternate=dice.choice((None, 1)) if others else None)
    before, held = rows(), list[int]()
    for _ in range(12):
        standing = list(Individual.objects.exclude(state=RecordState.MERGED).order_by("id"))
        if held and (dice.random() < 0.3 or len(standing) < 2):
            undo(held.pop(dice.randrange(len(held))), by=by, at=NOON)
            continue
        kept, other = dice.sample(standing, 2)
        try:
            held.append(together(kept, other, by, with_members=dice.random() < 0.6).id)
        except MergeRefused:  # the head of the household is the one who is kept
            assert (other.relationship, other.household_id) == ("HEAD", kept.household_id)
    assert rows() != before or not held
    dice.shuffle(held)
    for number in held:
        undo(number, by=by, at=NOON)
    assert rows() == before
    for stash in (MovedMember, MovedCollector, OwnIndex, Emptied):
        assert not stash.objects.exists()


def test_what_was_merged_is_not_merged_again_and_not_undone_twice(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    kept, other = heads(enrolled(person()), enrolled(person()))
    made = together(kept, other, by)
    for pair in ((kept, other), (other, kept), (kept, kept)):
        with pytest.raises((MergeRefused, Exception)) as refused:
            together(*pair, by)
        assert refused.value.code in {"office.merge_refused", "office.unknown_record"}  # type: ignore[attr-defined]
    undo(made.id, by=by, at=NOON)
    with pytest.raises(UndoRefused):
        undo(made.id, by=by, at=NOON)


def test_a_head_is_not_merged_into_a_member_of_the_same_household(desk_database: str) -> None:
    home = enrolled(person(), person(relationship="OTHER"))
    head, other = home.members.order_by("id")
    with pytest.raises(MergeRefused):
        together(other, head, member(Role.VALIDATOR))


def test_nobody_merges_or_undoes_outside_their_areas(desk_database: str) -> None:
    areas("VE01", "VE02")
    everywhere, here = member(Role.VALIDATOR, login="all"), member(Role.VALIDATOR, login="here", area="VE01")
    kept, other = heads(enrolled(person(), area="VE01"), enrolled(person(), area="VE02"))
    with pytest.raises(OutsideArea):
        together(kept, other, here)
    made = together(kept, other, everywhere)
    with pytest.raises(OutsideArea):
        undo(made.id, by=here, at=NOON)
    assert Merge.objects.get().undone_at is None


def test_a_merge_is_not_undone_into_a_household_with_another_head(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    homes = enrolled(person()), enrolled(person(), person("Luis", relationship="SON_DAUGHTER"))
    kept, other = heads(*homes)
    made = together(kept, other, by)
    Individual.objects.filter(relationship="SON_DAUGHTER").update(relationship="HEAD")
    with pytest.raises(UndoRefused):
        undo(made.id, by=by, at=NOON)


def test_a_verdict_merges_at_once_and_a_second_one_is_refused(desk_database: str) -> None:
    by = member(Role.VALIDATOR)
    one, other = heads(enrolled(person()), enrolled(person()))
    runs.find_duplicates(by=None, at=NOON)
    (pair,) = PossibleDuplicate.objects.all()
    service.judge(pair.id, service.Judged(verdict="same", why=WHY, keep=other.id), by=by, at=NOON)
    assert current(one.id) == other.id
    with pytest.raises(PairDecided):
        service.judge(pair.id, service.Judged(verdict="different", why=WHY), by=by, at=NOON)
    undo(Merge.objects.get().id, by=by, at=NOON)
    pair.refresh_from_db()
    assert pair.verdict == Verdict.WAITING
    assert [each.verdict for each in pair.judgements.order_by("id")] == ["same"]
