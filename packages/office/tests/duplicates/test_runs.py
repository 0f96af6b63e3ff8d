"""A run over the register: what it leaves behind, what it never touches, and that it may be killed and run again."""

from datetime import timedelta
from typing import Any

import pytest
from packages.office.tests.duplicates.invented import NOON, PHONE, areas, enrolled, heads, identity, person
from tests.servers.desk import member

from amparo_common.clock import FixedClock
from amparo_office.duplicates import runs, service
from amparo_office.duplicates.models import Compared, Crowd, CrowdMember, PossibleDuplicate, Verdict, Why
from amparo_office.duplicates.runs import find_duplicates
from amparo_office.duplicates.work import FIND
from amparo_office.register.correction import IndividualChanges, correct_individual
from amparo_office.register.models import Access, Collector, Household, Individual
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import add, run_next

JUDGED = service.Judged(verdict=Verdict.DIFFERENT.value, why=Why.SAME_NAME.value)


def found() -> list[tuple[int, int, str]]:
    return list(PossibleDuplicate.objects.order_by("first", "second").values_list("first", "second", "verdict"))


def records() -> list[Any]:
    """Everything of the register that a person's aid hangs on."""
    return [list(model.objects.order_by("id").values()) for model in (Household, Individual, Collector)]


def test_the_job_puts_a_pair_before_a_reviewer_and_says_counts_alone(desk_database: str) -> None:
    one, other = heads(enrolled(person(telephone=PHONE)), enrolled(person(telephone=PHONE)))
    enrolled(person("Luis", "Díaz", born=None))
    row = add(FIND, {}, by=member(Role.VALIDATOR), at=NOON)
    assert run_next(FixedClock(NOON))
    row = Job.objects.get(id=row.id)
    assert (row.state, row.result) == (State.DONE, {"people": 3, "fresh": 3, "pairs": 1, "crowds": 0})
    (pair,) = PossibleDuplicate.objects.all()
    assert (pair.first_id, pair.second_id, pair.agreed) == (one.id, other.id, ["name", "birth", "telephone"])


def test_a_finding_changes_no_record_and_no_turn_to_collect(desk_database: str) -> None:
    enrolled(person(telephone=PHONE), person("Ana", relationship="WIFE_HUSBAND"), alternate=1)
    enrolled(person(telephone=PHONE))
    before = records()
    assert find_duplicates(by=None, at=NOON).pairs == 1
    assert records() == before


def test_no_score_is_kept_anywhere(desk_database: str) -> None:
    names = {
        field.name for model in (PossibleDuplicate, Crowd, CrowdMember, Compared) for field in model._meta.get_fields()
    }
    assert not {name for name in names if any(word in name for word in ("score", "weight", "probab", "rank", "like"))}


def test_one_line_in_the_access_log_stands_for_a_whole_run(desk_database: str) -> None:
    for _ in range(3):
        enrolled(person())
    Access.objects.all().delete()
    find_duplicates(by=None, at=NOON)
    (line,) = Access.objects.all()
    assert (line.individual, line.purpose, line.everybody) == (None, "duplicates", True)


def test_in_one_run_or_in_many_the_pairs_are_the_same(desk_database: str) -> None:
    for partner in ("Luis", "Andrés"):
        enrolled(person(telephone=PHONE), person(partner, relationship="WIFE_HUSBAND"))
        find_duplicates(by=None, at=NOON)
    stepwise = found()
    PossibleDuplicate.objects.all().delete()
    Compared.objects.all().delete()
    find_duplicates(by=None, at=NOON)
    assert found() == stepwise
    assert len(stepwise) == 1


def test_a_run_that_was_killed_is_simply_run_again(desk_database: str) -> None:
    class Killed(BaseException):
        """The worker's end."""

    def killed_half_way(done: int, total: int) -> None:
        if done * 2 >= total:
            raise Killed

    enrolled(person())
    enrolled(person())
    with pytest.raises(Killed):
        find_duplicates(by=None, at=NOON, progress=killed_half_way)
    assert (found(), Compared.objects.count()) == ([], 0)
    assert find_duplicates(by=None, at=NOON).pairs == 1
    assert find_duplicates(by=None, at=NOON) == runs.Counts(people=2, fresh=0, pairs=0, crowds=0)
    assert len(found()) == 1


def test_judged_pairs_stay_judged_when_the_register_is_searched_again(desk_database: str) -> None:
    enrolled(person())
    enrolled(person())
    find_duplicates(by=None, at=NOON)
    (pair,) = PossibleDuplicate.objects.all()
    service.judge(pair.id, JUDGED, by=member(Role.VALIDATOR), at=NOON)
    Compared.objects.all().delete()
    enrolled(person("Luis", "Díaz"))
    find_duplicates(by=None, at=NOON + timedelta(days=1))
    assert [verdict for _, _, verdict in found()] == [Verdict.DIFFERENT]


def test_a_correction_of_other_data_leaves_a_pair_judged_and_one_of_compared_data_asks_anew(desk_database: str) -> None:
    one, _ = heads(enrolled(person(telephone=PHONE)), enrolled(person(telephone=PHONE)))
    find_duplicates(by=None, at=NOON)
    (pair,) = PossibleDuplicate.objects.all()
    service.judge(pair.id, JUDGED, by=member(Role.VALIDATOR), at=NOON)

    def corrected(changes: IndividualChanges) -> str:
        version = Individual.objects.get(id=one.id).version
        correct_individual(one.id, changes, version=version, reason="r", origin_source="desk", by=None, at=NOON)
        find_duplicates(by=None, at=NOON)
        return PossibleDuplicate.objects.get(id=pair.id).verdict

    assert corrected(IndividualChanges(facts={"disability": 0})) == Verdict.DIFFERENT
    assert corrected(IndividualChanges(identity=identity(telephone=PHONE, paper="V77"))) == Verdict.DIFFERENT
    assert corrected(IndividualChanges(identity=identity(telephone=PHONE, paper="V7777777"))) == Verdict.WAITING


def test_what_was_corrected_waits_no_longer(desk_database: str) -> None:
    one, _ = heads(enrolled(person()), enrolled(person()))
    find_duplicates(by=None, at=NOON)
    changes = IndividualChanges(identity=identity("Luis", "Díaz Toro"))
    correct_individual(one.id, changes, version=1, reason="r", origin_source="desk", by=None, at=NOON)
    find_duplicates(by=None, at=NOON)
    assert found() == []


def test_a_name_filled_in_for_many_is_one_case_that_comes_back_when_it_grows(desk_database: str) -> None:
    everybody = member(Role.VALIDATOR)
    for _ in range(14):
        enrolled(person(telephone=PHONE))
    assert find_duplicates(by=None, at=NOON) == runs.Counts(people=14, fresh=14, pairs=0, crowds=1)
    (crowd,) = service.crowds_for(everybody)
    assert (crowd.people.count(), found()) == (14, [])
    service.look_at_crowd(crowd.id, by=everybody, at=NOON)
    assert not service.crowds_for(everybody)
    find_duplicates(by=None, at=NOON)
    assert not service.crowds_for(everybody)
    enrolled(person(telephone=PHONE))
    find_duplicates(by=None, at=NOON)
    assert [each.people.count() for each in service.crowds_for(everybody)] == [15]


def test_a_corrected_record_leaves_its_crowd(desk_database: str) -> None:
    people = [heads(enrolled(person(telephone=PHONE)))[0] for _ in range(13)]
    find_duplicates(by=None, at=NOON)
    changes = IndividualChanges(identity=identity("Luis", "Díaz Toro"), birth_date=20)
    correct_individual(people[0].id, changes, version=1, reason="r", origin_source="desk", by=None, at=NOON)
    find_duplicates(by=None, at=NOON)
    assert CrowdMember.objects.count() == 12


def test_a_member_sees_the_pairs_of_which_both_records_are_in_their_areas(desk_database: str) -> None:
    areas("VE01", "VE0101", "VE02")
    for area in ("VE0101", "VE0101", "VE02"):
        enrolled(person(telephone=PHONE), area=area)
    find_duplicates(by=None, at=NOON)
    assert service.pairs_for(member(Role.VALIDATOR, login="all")).count() == 3
    assert service.pairs_for(member(Role.VALIDATOR, login="one", area="VE01")).count() == 1
    assert service.pairs_for(member(Role.VALIDATOR, login="two", area="VE02")).count() == 0
    assert service.pairs_for(member(Role.REGISTRAR)).count() == 0
