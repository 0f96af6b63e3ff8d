"""A new fact: proposed, approved by a second person, published in the log, and only then recorded."""

from typing import Any

import msgspec
import pytest
from packages.office.tests.register.people import NOON, enrolled, person
from tests.servers.desk import member

from amparo_common.bridge import FactDefined, LogMessage
from amparo_common.clock import FixedClock
from amparo_office.errors import FactDefinitionRefused
from amparo_office.register import catalogue, publishing
from amparo_office.register.models import CatalogueEntry
from amparo_rules.catalogue import CATALOGUE, FactDefinition
from amparo_rules.errors import ForbiddenConcept, UnknownFact
from amparo_staff.accounts.roles import Role
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import answer
from amparo_staff.errors import MayNotApprove
from amparo_staff.jobs.models import Job, State
from amparo_staff.jobs.service import run_next
from amparo_staff.trail.models import TrailEntry

LABELS = {"en": "type of roof", "es": "tipo de techo", "fr": "type de toit", "ar": "نوع السقف", "pt": "tipo de telhado"}


def roof(**changes: Any) -> FactDefinition:
    made = msgspec.structs.replace(
        CATALOGUE["household", "floor_type"], name="roof_type", label=LABELS, purpose="declared need of the household"
    )
    return msgspec.structs.replace(made, **changes)


class Log:
    """A log that takes everything, the same message once."""

    def __init__(self) -> None:
        self.messages: list[LogMessage] = []

    def publish(self, message: LogMessage) -> int:
        if message not in self.messages:
            self.messages.append(message)
        return self.messages.index(message)


def test_a_fact_is_recorded_only_after_two_people_and_the_log(desk_database: str) -> None:
    first, second = (member(Role.PROGRAMME_MANAGER, login=login) for login in ("first", "second"))
    entry = catalogue.propose(roof(), reason="the roof programme needs it", by=first, at=NOON)
    asked = Approval.objects.get()
    with pytest.raises(MayNotApprove):
        answer(asked, by=first, yes=True, why="", at=NOON)
    with pytest.raises(UnknownFact):
        catalogue.check_facts("household", {"roof_type": 1})
    answer(asked, by=second, yes=True, why="", at=NOON)
    with pytest.raises(UnknownFact):
        catalogue.check_facts("household", {"roof_type": 1})
    log = Log()
    for _ in range(2):
        assert publishing.publish_fact(entry.id, log.publish, by=first, at=NOON) == 0
    (message,) = log.messages
    assert isinstance(message, FactDefined)
    assert (message.entity, message.name, message.approvals) == ("household", "roof_type", 2)
    assert msgspec.json.decode(message.definition, type=FactDefinition) == roof()
    catalogue.check_facts("household", {"roof_type": 1})
    assert ("household", "roof_type") in catalogue.known()
    assert TrailEntry.objects.filter(action="register.fact-published").count() == 1


def test_a_desk_without_a_log_says_so_and_the_fact_stays_unused(desk_database: str) -> None:
    first, second = (member(Role.PROGRAMME_MANAGER, login=login) for login in ("first", "second"))
    catalogue.propose(roof(), reason="r", by=first, at=NOON)
    answer(Approval.objects.get(), by=second, yes=True, why="", at=NOON)
    assert run_next(FixedClock(NOON))
    job = Job.objects.get()
    assert (job.state, job.error_code) == (State.FAILED, "office.log_not_configured")
    assert CatalogueEntry.objects.get().state == CatalogueEntry.State.APPROVED


def test_a_refused_fact_is_never_used(desk_database: str) -> None:
    first, second = (member(Role.PROGRAMME_MANAGER, login=login) for login in ("first", "second"))
    catalogue.propose(roof(), reason="r", by=first, at=NOON)
    answer(Approval.objects.get(), by=second, yes=False, why="not needed", at=NOON)
    assert not Job.objects.exists()
    assert ("household", "roof_type") not in catalogue.known()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "party_card"},
        {"name": "voto_2024"},
        {"purpose": "to know their religion"},
        *(
            {"label": {**LABELS, language: word}}
            for language, word in (
                ("es", "afiliación sindical"),
                ("en", "how they voted"),
                ("fr", "appartenance ethnique"),
                ("ar", "الحزب"),
                ("pt", "filiação partidária"),
            )
        ),
    ],
)
def test_what_is_never_recorded_is_refused_in_name_purpose_and_every_label(
    desk_database: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(ForbiddenConcept):
        catalogue.propose(roof(**changes), reason="r", by=member(Role.PROGRAMME_MANAGER), at=NOON)
    assert not CatalogueEntry.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Roof"},
        {"name": "1roof"},
        {"name": "r"},
        {"name": "rooms"},
        {"label": {"en": "type of roof"}},
        {"label": {**LABELS, "ar": " "}},
        {"purpose": " "},
        {"retention_days": 0},
        {"retention_days": 3_651},
        {"type": msgspec.structs.replace(roof().type, min=7)},
        {"type": msgspec.structs.replace(roof().type, scale=2)},
        {"type": msgspec.structs.replace(roof().type, kind="bool")},
    ],
)
def test_an_entry_that_is_not_complete_is_refused(desk_database: str, changes: dict[str, Any]) -> None:
    with pytest.raises(FactDefinitionRefused):
        catalogue.propose(roof(**changes), reason="r", by=member(Role.PROGRAMME_MANAGER), at=NOON)


def test_a_fact_is_proposed_once(desk_database: str) -> None:
    by = member(Role.PROGRAMME_MANAGER)
    catalogue.propose(roof(), reason="r", by=by, at=NOON)
    with pytest.raises(FactDefinitionRefused):
        catalogue.propose(roof(), reason="r", by=by, at=NOON)


def test_a_published_fact_is_enrolled(desk_database: str) -> None:
    entry = catalogue.propose(roof(entity="person"), reason="r", by=member(Role.PROGRAMME_MANAGER), at=NOON)
    CatalogueEntry.objects.filter(id=entry.id).update(state=CatalogueEntry.State.PUBLISHED)
    assert enrolled(person("Ana", facts={"roof_type": 2})).members.get().facts == {"roof_type": 2}
