"""The fact catalogue as this desk uses it: that of the release, and what was added, approved by a second person and published.

docs/decisions/0026-facts-defined-in-the-log.md; docs/formats/fact-catalogue.md. Which facts are needed is said by the programmes
that are published (`needs`); the caller hands them in.
"""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils.translation import gettext

from amparo_common import canonical
from amparo_office.errors import FactDefinitionRefused, FactNotNeeded
from amparo_office.programmes import Needed
from amparo_office.register.models import CatalogueEntry
from amparo_rules.catalogue import CATALOGUE, Entity, FactDefinition, fact
from amparo_rules.forbidden import refuse_forbidden
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.jobs.service import add

APPROVAL = "register.fact"
LANGUAGES = frozenset({"es", "en", "fr", "ar", "pt"})
LONGEST_RETENTION, MOST_DECIMALS = 3_650, 6
_NAME = re.compile(r"[a-z][a-z0-9_]{1,59}")


def known() -> dict[tuple[Entity, str], FactDefinition]:
    """Every fact that may be recorded here."""
    added = CatalogueEntry.objects.filter(state=CatalogueEntry.State.PUBLISHED).values_list("definition", flat=True)
    read = [msgspec.json.decode(definition, type=FactDefinition) for definition in added]
    return CATALOGUE | {(each.entity, each.name): each for each in read}


def check_facts(entity: Entity, facts: Mapping[str, int | None], needed: Needed | None = None) -> None:
    """Raises `ForbiddenConcept`, `UnknownFact`, `FactNotNeeded` or `FactOutOfRange` unless each may be recorded with its value.
    That something is not known, or no longer, may be said of a fact that nobody needs."""
    for name, value in facts.items():
        definition(entity, name).type.check(value)
        if value is not None and needed is not None and (entity, name) not in needed:
            raise FactNotNeeded(f"No published programme needs the {entity} fact “{name}”.")


def definition(entity: Entity, name: str) -> FactDefinition:
    """The catalogue's entry. Raises `ForbiddenConcept` or `UnknownFact`."""
    found = CATALOGUE.get((entity, name)) or known().get((entity, name))
    return fact(entity, name) if found is None else found


# --- a new entry ---------------------------------------------------------------------------------------------------------


def check_definition(new: FactDefinition) -> None:
    """Raises `ForbiddenConcept` when its name, purpose or any label speaks of what Amparo never records, `FactDefinitionRefused`
    when it is not complete or its name is taken."""
    for said in (new.name, new.purpose, *new.label.values()):
        refuse_forbidden(said, place="fact")
    if not _NAME.fullmatch(new.name):
        raise FactDefinitionRefused(
            "A fact's name has small letters, digits and underscores, and begins with a letter."
        )
    if set(new.label) != LANGUAGES or not all(label.strip() for label in new.label.values()):
        raise FactDefinitionRefused("A fact has a label in each of the five languages.")
    if not new.purpose.strip():
        raise FactDefinitionRefused("A fact has a purpose.")
    if not 0 < new.retention_days <= LONGEST_RETENTION:
        raise FactDefinitionRefused(
            "A fact is kept for at least a day and at most ten years after its household leaves."
        )
    if new.type.min > new.type.max or not 0 <= new.type.scale <= MOST_DECIMALS or _uneven(new):
        raise FactDefinitionRefused("A fact has a range that can hold a value.")
    if (new.entity, new.name) in CATALOGUE or CatalogueEntry.objects.filter(entity=new.entity, name=new.name).exists():
        raise FactDefinitionRefused("There is a fact of this name.")


def _uneven(new: FactDefinition) -> bool:
    """A yes-or-no fact with other values, or decimals where there are none."""
    if new.type.kind == "bool":
        return (new.type.min, new.type.max, new.type.scale) != (0, 1, 0)
    return new.type.kind != "decimal" and new.type.scale != 0


def propose(new: FactDefinition, *, reason: str, by: StaffMember, at: datetime) -> CatalogueEntry:
    """Propose a fact; a second programme manager is asked. Raises like `check_definition`."""
    check_definition(new)
    with transaction.atomic():
        entry = CatalogueEntry.objects.create(
            entity=new.entity, name=new.name, definition=canonical.encode(new).decode(), by=by, at=at
        )
        ask(APPROVAL, {"entry": entry.id, "entity": new.entity, "name": new.name}, reason=reason, by=by, at=at)
    return entry


def _question(approval: Approval) -> str:
    said = gettext("The fact “%(name)s” is added to the catalogue and published in the log.")
    return said % {"name": approval.subject["name"]}


@carried_out(APPROVAL, permission="register.catalogue", words=_question)
def _approved(approval: Approval, at: datetime) -> None:
    """Two people agreed: a job publishes it."""
    entry = CatalogueEntry.objects.select_for_update().get(id=approval.subject["entry"])
    entry.state = CatalogueEntry.State.APPROVED
    entry.save()
    add("register.publish-fact", {"entry": entry.id}, by=approval.maker, at=at)
