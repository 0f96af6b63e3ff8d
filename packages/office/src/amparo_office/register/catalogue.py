"""The fact catalogue as this desk uses it: that of the release, and what was added, approved by a second person and published.

docs/decisions/0026-facts-defined-in-the-log.md; docs/formats/fact-catalogue.md. Which facts are needed is said by the programmes
that are published (`needs`); the caller hands them in.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils.translation import gettext, gettext_noop

from amparo_common import canonical
from amparo_office.errors import FactDefinitionRefused, FactNotNeeded
from amparo_office.programmes import Needed
from amparo_office.register import needs
from amparo_office.register.models import CatalogueEntry
from amparo_rules.catalogue import CATALOGUE, FIRST_RELEASE, Definitions, Entity, FactDefinition, fact
from amparo_rules.defined import DefinitionFault, definition_fault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.approvals.models import Approval
from amparo_staff.approvals.service import ask, carried_out
from amparo_staff.jobs.service import add

APPROVAL = "register.fact"
_TAKEN = gettext_noop("There is a fact of this name.")
_REFUSED = {
    DefinitionFault.NAME: gettext_noop(
        "A fact's name has small letters, digits and underscores, and begins with a letter."
    ),
    DefinitionFault.TAKEN: _TAKEN,
    DefinitionFault.LABELS: gettext_noop("A fact has a label in each of the five languages."),
    DefinitionFault.PURPOSE: gettext_noop("A fact has a purpose."),
    DefinitionFault.RETENTION: gettext_noop(
        "A fact is kept for at least a day and at most ten years after its household leaves."
    ),
    DefinitionFault.RANGE: gettext_noop("A fact has a range that can hold a value."),
    DefinitionFault.ALWAYS_KNOWN: gettext_noop("A new fact may be unknown: whoever is here already was not asked."),
}


def known() -> Definitions:
    """Every fact that may be recorded here. What the log defines counts as the log says it, whatever this database holds; what was
    just published and not read back yet counts as it was approved."""
    added = CatalogueEntry.objects.filter(state=CatalogueEntry.State.PUBLISHED).values_list("definition", flat=True)
    read = [msgspec.json.decode(definition, type=FactDefinition) for definition in added]
    read = [each for each in read if (each.entity, each.name) not in FIRST_RELEASE]
    return CATALOGUE | {(each.entity, each.name): each for each in read} | dict(needs.defined())


def check_facts(entity: Entity, facts: Mapping[str, int | None], needed: Needed | None = None) -> None:
    """Raises `ForbiddenConcept`, `UnknownFact`, `FactNotNeeded` or `FactOutOfRange` unless each may be recorded with its value.
    That something is not known, or no longer, may be said of a fact that nobody needs."""
    for name, value in facts.items():
        definition(entity, name).type.check(value)
        if value is not None and needed is not None and (entity, name) not in needed:
            raise FactNotNeeded(f"No published programme needs the {entity} fact “{name}”.")


def definition(entity: Entity, name: str) -> FactDefinition:
    """The catalogue's entry. Raises `ForbiddenConcept` or `UnknownFact`."""
    key = (entity, name)
    # Asked for every value of an import: most facts are these, and nothing redefines them.
    found = CATALOGUE[key] if key in FIRST_RELEASE else needs.defined().get(key)
    return fact(entity, name, known()) if found is None else found


# --- a new entry ---------------------------------------------------------------------------------------------------------


def check_definition(new: FactDefinition) -> None:
    """Raises `ForbiddenConcept` when its name, purpose or any label speaks of what Amparo never records, `FactDefinitionRefused`
    when it is not complete or its name is taken."""
    fault = definition_fault(new)
    if fault is not None:
        raise FactDefinitionRefused(_REFUSED[fault])
    key = (new.entity, new.name)
    if key in known() or CatalogueEntry.objects.filter(entity=new.entity, name=new.name).exists():
        raise FactDefinitionRefused(_TAKEN)


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
