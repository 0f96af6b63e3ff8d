"""Putting an approved catalogue entry into the public log. Only then may the fact be recorded.

A job does it, so that a log that cannot be reached delays it and loses nothing; the log takes the same message once.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec
from django.db import transaction
from django.utils.translation import gettext_lazy

from amparo_common import canonical
from amparo_common.bridge import FactDefined, LogMessage
from amparo_office.desk import public_log
from amparo_office.register.models import CatalogueEntry
from amparo_rules.catalogue import FactDefinition
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs.service import Result, Running, job
from amparo_staff.trail.service import note

JOB = "register.publish-fact"
# Gives a message to the log; its place there.
Publish = Callable[[LogMessage], int]


def message_of(entry: CatalogueEntry) -> FactDefined:
    """What the log says about an approved entry."""
    definition = msgspec.json.decode(entry.definition, type=FactDefinition)
    return FactDefined(
        entity=entry.entity, name=entry.name, definition=canonical.encode(definition).decode(), approvals=2
    )


def publish_fact(number: int, publish: Publish, *, by: StaffMember | None, at: datetime) -> int:
    """Publish an approved entry; its place in the log. One that stands there already is left as it is."""
    entry = CatalogueEntry.objects.get(id=number)
    if entry.state == CatalogueEntry.State.PUBLISHED and entry.log_index is not None:
        return entry.log_index
    index = publish(message_of(entry))
    with transaction.atomic():
        CatalogueEntry.objects.filter(id=number).update(state=CatalogueEntry.State.PUBLISHED, log_index=index)
        note(
            "register.fact-published",
            by=by,
            at=at,
            subject=entry.name,
            details={"entity": entry.entity, "index": index},
        )
    return index


@job(JOB, words=gettext_lazy("Publish a fact"), permission="register.catalogue")
def _run(running: Running) -> Result:
    index = publish_fact(running.argument["entry"], public_log.publish, by=running.row.by, at=running.clock.now())
    return {"index": index}
