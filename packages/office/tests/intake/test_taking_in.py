"""What happens before the one transaction of an import and what in it, what lies around meanwhile, and what the job says of it."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from amparo_common.clock import FixedClock
from amparo_office.intake import checking, looking, service, storing, update_steps
from amparo_office.intake.models import Import, ImportState
from amparo_office.register.models import Collector, Household, Individual, Origin, SearchKey
from amparo_office.register.sealing import Identity
from amparo_office.register.service import NewHousehold, NewIndividual, Ready, enrol, make_origin, write_ready
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs.models import Job, JobFile, State
from amparo_staff.jobs.service import Running, run_next

from .conftest import NOON, checked, csv_of, fresh, send, taken, work

ROWS = [("ref", "nombre", "rooms"), ("1", "Ana Paz", "2"), ("2", "Eva Sol", "3"), ("3", "Luz Vega", "1")]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What jobs say of how far they are."""
    found: list[tuple[int, int]] = []
    before = Running.progress

    def progress(running: Running, done: int, total: int) -> None:
        found.append((done, total))
        before(running, done, total)

    monkeypatch.setattr(Running, "progress", progress)
    return found


def refused(given: Import) -> Job:
    """Run the commit, which fails; nothing is in the register."""
    service.start_commit(given, by=given.by, at=NOON)
    assert run_next(FixedClock(NOON))
    every = (Household, Individual, Collector, SearchKey)
    assert [model._default_manager.count() for model in every] == [0, 0, 0, 0]
    assert (Origin.objects.count(), fresh(given).state) == (0, ImportState.COMMITTING)
    return Job.objects.get(kind="intake.commit", state=State.FAILED)


def test_households_are_sealed_before_the_transaction_and_only_written_in_it(
    registrar: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = checked(send(registrar, ("l.csv", csv_of(*ROWS))))
    seen: dict[str, list[bool]] = {"keys": [], "written": []}

    def watched(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*said: Any, **more: Any) -> Any:
            seen[name].append(connection.in_atomic_block)
            return work(*said, **more)

        return run

    monkeypatch.setattr(type(vault()), "new_keys", watched("keys", type(vault()).new_keys))
    monkeypatch.setattr(checking, "write_ready", watched("written", write_ready))
    assert taken(given).state == ImportState.MERGED
    assert seen == {"keys": [False], "written": [True]}


def test_a_household_that_came_after_the_preparation_stops_the_whole(
    registrar: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = checked(send(registrar, ("l.csv", csv_of(*ROWS))))

    def meanwhile(*said: Any, **more: Any) -> Origin:
        made = make_origin(*said, **more)
        (some,) = storing.frames(fresh(given).files[storing.PREPARED], Ready, at=NOON)
        new = NewHousehold(members=[NewIndividual(identity=Identity())], source_key=some.households[1][1])
        enrol(new, origin=made, by=None, at=NOON)
        return made

    monkeypatch.setattr(checking, "make_origin", meanwhile)
    assert refused(given).error_code == "office.import_changed"
    assert not JobFile.objects.filter(name="prepared.bin").exists()
    monkeypatch.setattr(checking, "make_origin", make_origin)
    service.check_again(given, by=registrar, at=NOON)
    Job.objects.filter(state=State.FAILED).delete()
    work()
    assert taken(fresh(given)).state == ImportState.MERGED
    assert Household.objects.count() == 3
    assert not JobFile.objects.exists()


def test_what_was_sent_is_erased_once_it_was_looked_at(registrar: StaffMember) -> None:
    given = send(registrar, ("l.csv", csv_of(*ROWS)))
    assert set(given.files) == {storing.LOOK, storing.TABLES}
    assert sorted(JobFile.objects.values_list("name", flat=True)) == ["part.bin", "table.bin"]
    assert taken(checked(given)).new == 3


def test_nothing_lies_around_of_a_file_that_is_given_up_while_it_is_looked_at(
    registrar: StaffMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = looking._looks

    def meanwhile(*said: Any) -> Any:
        seen = before(*said)
        service.cancel(Import.objects.get(), by=registrar, at=NOON)
        return seen

    monkeypatch.setattr(looking, "_looks", meanwhile)
    given = send(registrar, ("l.csv", csv_of(*ROWS)))
    assert (given.state, given.files) == (ImportState.CANCELLED, {})
    assert not JobFile.objects.exists()


def test_a_commit_says_how_far_it_is_over_reading_and_writing(
    registrar: StaffMember, heard: list[tuple[int, int]]
) -> None:
    given = checked(send(registrar, ("l.csv", csv_of(*ROWS))))
    assert heard[-1] == (3, 3)
    heard.clear()
    taken(given)
    assert heard[:2] == [(3, 6), (6, 6)]  # then comes the search for duplicates


def test_a_check_that_begins_anew_goes_on_counting(registrar: StaffMember, heard: list[tuple[int, int]]) -> None:
    rows = [("household_id", "full_name", "relationship")]
    rows += [(str(number), f"Ana {number}", "HEAD") for number in range(600)]
    rows += [(str(number), f"Luz {number}", "SON_DAUGHTER") for number in range(600)]
    given = send(registrar, ("l.csv", csv_of(*rows)))
    heard.clear()
    given = checked(given)
    assert (given.in_order, given.new, given.individuals) == (False, 600, 1_200)
    assert heard == [(500, 1_200), (1_500, 1_700), (1_700, 1_700)]


def test_the_first_check_of_an_update_does_not_say_that_it_is_done(
    registrar: StaffMember, heard: list[tuple[int, int]]
) -> None:
    taken(checked(send(registrar, ("l.csv", csv_of(*ROWS)))))
    refs = Household.objects.values_list("ref", flat=True)
    heard.clear()
    content = csv_of(("ref", "rooms"), *((ref, "4") for ref in refs))
    given = update_steps.receive("visits", "seen", "u.csv", io.BytesIO(content), by=registrar, at=NOON)
    work()
    given.refresh_from_db()
    update_steps.start(given, by=registrar, at=NOON)
    work()
    assert heard == [(3, 0), (3, 3)]
