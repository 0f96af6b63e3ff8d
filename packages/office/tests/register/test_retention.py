"""What may not be kept longer ends (R9), by a clock that is moved."""

from datetime import date, timedelta

import msgspec
import pytest
from packages.office.tests.register.people import NOON, enrolled, enrolled_person, found_under, origin, person
from tests.servers.desk import member

from amparo_common import canonical
from amparo_common.clock import FixedClock
from amparo_office.register import access, service
from amparo_office.register.models import Access, CatalogueEntry, Household, Individual, Origin, RecordState
from amparo_office.register.retention import READINGS, WITHOUT_FACTS, ends, past_limit, run
from amparo_office.register.vault import vault
from amparo_rules.catalogue import CATALOGUE
from amparo_staff.accounts.roles import Role
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import add, run_next

NOTHING = {"individuals": 0, "households": 0, "facts": 0, "readings": 0}
YEAR = timedelta(days=365)


def gone(home: Household) -> None:
    service.leave(home.id, version=home.version, reason="moved", by=None, at=NOON)


def define(name: str, days: int) -> None:
    """A fact of people that is kept for so many days."""
    made = msgspec.structs.replace(CATALOGUE["person", "disability"], name=name, retention_days=days)
    CatalogueEntry.objects.create(
        entity="person",
        name=name,
        definition=canonical.encode(made).decode(),
        state=CatalogueEntry.State.PUBLISHED,
        by=member(Role.PROGRAMME_MANAGER),
        at=NOON,
    )


def test_a_household_that_left_is_erased_with_its_keys_when_its_time_is_over(desk_database: str) -> None:
    leaving, staying = enrolled_person("Ana"), enrolled_person("Berta")
    gone(Household.objects.get(members=leaving))
    run(NOON + YEAR)
    assert Individual.objects.count() == 2
    later = NOON + YEAR + timedelta(days=1)
    assert past_limit(later) != NOTHING
    counts = run(later)
    assert (counts.individuals, counts.households) == (1, 1)
    assert [each.id for each in Individual.objects.all()] == [staying.id]
    assert Household.objects.count() == 1
    assert vault().keys([leaving.key]) == {}
    assert {number for _, number in found_under()} == {staying.id}
    assert past_limit(later) == NOTHING


def test_who_stays_is_never_erased(desk_database: str) -> None:
    enrolled_person("Ana")
    run(NOON + 50 * YEAR)
    assert Individual.objects.count() == Household.objects.count() == 1


def test_a_record_without_facts_ends_earlier(desk_database: str) -> None:
    home = enrolled(person("Ana"))
    gone(home)
    run(NOON + WITHOUT_FACTS)
    assert Individual.objects.exists()
    assert Household.objects.exists()
    run(NOON + WITHOUT_FACTS + timedelta(days=1))
    assert not Individual.objects.exists()
    assert not Household.objects.exists()


def test_a_single_fact_ends_when_its_own_time_is_over(desk_database: str) -> None:
    define("short_lived", 10)
    home = enrolled(person("Ana", facts={"short_lived": 1, "disability": 1}))
    gone(home)
    later = NOON + timedelta(days=11)
    assert past_limit(later) == {**NOTHING, "facts": 1}
    assert run(later).facts == 1
    assert Individual.objects.get().facts == {"disability": 1}
    assert past_limit(later) == NOTHING


def test_a_record_that_was_merged_into_another_ends_too(desk_database: str) -> None:
    kept, other = enrolled_person("Ana"), enrolled_person("Anna")
    Individual.objects.filter(id=other.id).update(state=RecordState.MERGED, merged_into=kept)
    run(NOON)
    run(NOON + YEAR)
    assert Individual.objects.count() == 2
    run(NOON + YEAR + timedelta(days=1))
    assert [each.id for each in Individual.objects.all()] == [kept.id]
    assert vault().keys([other.key]) == {}


def test_a_member_who_left_ends_and_the_household_goes_on(desk_database: str) -> None:
    home = enrolled(person("Ana", relationship="HEAD"), person("Luis", facts={"disability": 0}))
    luis = home.members.get(relationship="OTHER")
    service.leave(home.id, version=1, reason="moved", by=None, at=NOON, members=[luis.id])
    run(NOON + YEAR + timedelta(days=1))
    assert home.members.count() == 1
    assert vault().keys([luis.key]) == {}


def test_readings_are_kept_for_five_years_at_most(desk_database: str) -> None:
    made = enrolled_person("Ana")
    access.read_individual(made.id, by=None, purpose="service", at=NOON)
    access.read_individual(made.id, by=None, purpose="service", at=NOON + YEAR)
    later = NOON + READINGS + timedelta(days=1)
    assert past_limit(later) == {**NOTHING, "readings": 1}
    assert run(later).readings == 1
    assert [each.at for each in Access.objects.all()] == [NOON + YEAR]


def test_an_origin_ends_with_the_last_record_that_names_it(desk_database: str) -> None:
    made = enrolled_person("Ana")
    unused = origin("never used")
    fresh = origin("of today")
    Origin.objects.filter(id=fresh.id).update(day=date(2026, 11, 25))
    run(NOON + timedelta(days=3))
    assert set(Origin.objects.values_list("id", flat=True)) == {made.origin_id, fresh.id}
    assert unused.id not in (made.origin_id, fresh.id)


@pytest.mark.parametrize(
    ("facts", "last"),
    [({}, date(2026, 12, 22)), ({"disability": 1}, date(2027, 11, 22)), ({"unknown": 1}, date(2026, 12, 22))],
)
def test_a_record_ends_with_the_longest_retention_of_its_facts(
    desk_database: str, facts: dict[str, int | None], last: date
) -> None:
    assert ends("person", date(2026, 11, 22), facts) == last


def test_the_nightly_job_says_what_it_ended(desk_database: str) -> None:
    gone(enrolled(person("Ana")))
    add("register.retention", {}, by=None, at=NOON)
    assert run_next(FixedClock(NOON + YEAR))
    job = Job.objects.get()
    assert job.state == State.DONE
    assert (job.result or {})["households"] == 1
