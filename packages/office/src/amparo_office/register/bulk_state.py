"""Setting the state of many households at once, as a job: a part at a time, each part whole or nothing, so that a job that was cut
short goes on where it stopped. Each change is written as one of a single record is: version, who, why, what stood there before."""

from datetime import datetime, timedelta
from typing import cast

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy

from amparo_office.errors import TooManyPaused
from amparo_office.register import bulk
from amparo_office.register.bulk_correct import CHANGE
from amparo_office.register.forms_filter import Filter, households, read_filter
from amparo_office.register.models import Change, Household, Origin, RecordState
from amparo_office.register.sealing import Difference, seal
from amparo_office.register.vault import vault
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs.service import Result, Running, job
from amparo_staff.trail.models import TrailEntry
from amparo_staff.trail.service import note

KIND = "register.set-state"
SET = "register.states-set"
STATES = (RecordState.VALIDATED.value, RecordState.PAUSED.value)
SOURCE = "desk"
_OPEN = (RecordState.NEW.value, RecordState.VALIDATED.value, RecordState.PAUSED.value)
_AT_ONCE = 2_000
# So many households one member may pause by lists in a day. More would take aid from many on one person's word (requirement R18).
MOST_PAUSED = 50
_A_DAY = timedelta(hours=24)


def changing(asked: Filter, areas: list[str], state: str) -> QuerySet[Household]:
    """The households that the filter finds and that would change."""
    return households(asked, areas).filter(state__in=_OPEN).exclude(state=state)


def check_pausing(state: str, count: int, *, by: StaffMember, at: datetime) -> None:
    """Raises `TooManyPaused` when this and what the member paused by lists in the last day is more than `MOST_PAUSED`."""
    if state != RecordState.PAUSED:
        return
    before = TrailEntry.objects.filter(action=SET, member=by.id, at__gt=at - _A_DAY).values_list("details", flat=True)
    if count + sum(int(each["count"]) for each in before if each["state"] == state) > MOST_PAUSED:
        raise TooManyPaused("Too many households would be paused by a list in one day.")


def argument(asked: Filter, state: str, reason: str, origin: Origin) -> dict[str, object]:
    """What a job is told: codes, no personal data. `reason` is checked by the form to say nothing about a person."""
    return {"filter": asked.said(), "state": state, "reason": reason, "origin": origin.id}


@job(KIND, words=gettext_lazy("Set the state of households"), permission="register.change")
def run(running: Running) -> Result:
    """The job. Running it again changes only what has not changed yet."""
    told = running.argument
    by = cast(StaffMember, running.row.by)  # the page that adds the job says who
    origin = Origin.objects.get(id=told["origin"])
    total = changing(read_filter(told["filter"]), by.areas("register.change"), told["state"]).count()
    done = 0
    while count := set_some(
        read_filter(told["filter"]), told["state"], told["reason"], origin, by=by, at=running.clock.now()
    ):
        done += count
        running.progress(done, max(total, done))
    note(SET, by=by, at=running.clock.now(), details={"state": told["state"], "count": done})
    return {"changed": done}


def set_some(asked: Filter, state: str, reason: str, origin: Origin, *, by: StaffMember, at: datetime) -> int:
    """Set the state of up to 2,000 of these households, in the areas of the member; how many there were."""
    with transaction.atomic():
        found = changing(asked, by.areas("register.change"), state).select_for_update(of=("self",)).order_by("id")
        rows = list(found.values_list("id", "key", "state", "version")[:_AT_ONCE])
        keys, after, fields = vault().keys([key for _, key, _, _ in rows]), {"state": state}, bulk.json_text(["state"])
        when, who = bulk.told(Change, "at", at), bulk.told(Change, "by_id", by.id)
        bulk.insert(
            Change._meta.db_table,
            ("household_id", *CHANGE),
            [
                (
                    number,
                    version + 1,
                    when,
                    who,
                    origin.id,
                    "corrected",
                    fields,
                    reason,
                    seal(keys[key], "household-change", number, Difference(before={"state": before}, after=after)),
                )
                for number, key, before, version in rows
                if key in keys
            ],
        )
        changed = Household.objects.filter(id__in=bulk.these(number for number, _, _, _ in rows))
        return changed.update(state=state, version=F("version") + 1)
