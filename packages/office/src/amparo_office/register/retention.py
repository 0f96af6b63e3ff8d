"""The nightly job that ends what may not be kept longer (requirement R9).

A record that left is erased, key and all, once the longest retention of its facts is over; a record without facts after
`WITHOUT_FACTS`; a household not before its last member. A single fact goes when its own time is over: counted from the day its
record left, or from the day since which no published programme needs it, whichever is first. What no programme ever needed counts
from the day it was declared. With a fact goes its value in the record's changes. Readings and changes are kept as long as their
record, and readings not longer than `READINGS`. Where facts come from is forgotten with the last record that says it.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from amparo_office.register import access_pages, catalogue, erasure, needs
from amparo_office.register.correction import forget_in_changes
from amparo_office.register.models import (
    Access,
    AccessPage,
    BirthPrecision,
    Change,
    Household,
    Individual,
    Origin,
    RecordState,
)
from amparo_rules.catalogue import Entity, FactDefinition
from amparo_service.errors import Unreachable
from amparo_staff.jobs.service import Result, Running, job

log = logging.getLogger(__name__)

WITHOUT_FACTS = timedelta(days=30)
READINGS = timedelta(days=5 * 365)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Counts:
    """What was ended."""

    individuals: int = 0
    households: int = 0
    facts: int = 0
    readings: int = 0
    origins: int = 0


def run(at: datetime) -> Counts:
    """End everything whose time is over at `at`, and finish erasures that a crash cut short. While the public log gives no answer,
    nothing ends for want of a programme: another night will do."""
    today = at.date()
    _begin_counting(today)
    individuals = _end_individuals(today, at)
    households = _end_households(today, at)
    facts = sum(_end_facts(model, _over_by_leaving(model, entity, today)) for model, entity in _MODELS)
    erasure.finish()
    readings = _end_readings(at - READINGS)
    origins = _end_origins(at)
    erasure.fold_journal()
    # Last: a log that was rewritten stops it, and then the rest is done.
    facts += sum(_end_facts(model, _over_by_need(model, entity, at)) for model, entity in _MODELS)
    return Counts(individuals=individuals, households=households, facts=facts, readings=readings, origins=origins)


@job("register.retention")
def _run_job(running: Running) -> Result:
    counts = run(running.clock.now())
    return {name: getattr(counts, name) for name in counts.__slots__}


def ends(entity: Entity, left: date, facts: dict[str, int | None]) -> date:
    """The last day of a record that left: when the longest retention of its facts is over."""
    known = catalogue.known()
    days = [known[entity, name].retention_days for name in facts if (entity, name) in known]
    return left + (timedelta(days=max(days)) if days else WITHOUT_FACTS)


def past_limit(at: datetime) -> dict[str, int]:
    """How many rows of each kind are past their limit: all zero after `run`."""
    today = at.date()
    return {
        "individuals": sum(1 for row in _gone(Individual) if ends("person", _left(row), row.facts) < today),
        "households": len(_households_over(today)),
        "facts": sum(
            len(names)
            for model, entity in _MODELS
            for found in (_over_by_leaving(model, entity, today), _over_by_need(model, entity, at))
            for _, names in found
        ),
        "readings": Access.objects.filter(at__lt=at - READINGS).count(),
    }


Table = type[Individual] | type[Household]
_MODELS: tuple[tuple[Table, Entity], ...] = (
    (Individual, "person"),
    (Household, "household"),
)


def _begin_counting(today: date) -> None:
    """Who left or was merged into another record without a day counts from today."""
    for model, _ in _MODELS:
        ended = model._default_manager.filter(state__in=[RecordState.LEFT, RecordState.MERGED], left_on__isnull=True)
        ended.update(left_on=today)


def _gone(model: type[Individual] | type[Household]) -> QuerySet[Individual] | QuerySet[Household]:
    return model._default_manager.filter(state__in=[RecordState.LEFT, RecordState.MERGED], left_on__isnull=False)


def _left(row: Individual | Household) -> date:
    # `_gone` finds only rows that have it.
    return row.left_on or date.max


def _over_by_leaving(model: Table, entity: Entity, today: date) -> Iterator[tuple[int, list[str]]]:
    """Records that left and stay a while longer, with the facts whose own time is over."""
    known = catalogue.known()
    for row in _gone(model).iterator(chunk_size=_AT_ONCE):
        over = [name for name in row.facts if _ended(known.get((entity, name)), _left(row), today)]
        if over:
            yield row.id, over


def _over_by_need(model: Table, entity: Entity, at: datetime) -> Iterator[tuple[int, list[str]]]:
    """Records with facts that no published programme has needed for as long as they may be kept."""
    try:
        said = needs.needs_now(at)
    except Unreachable:
        log.warning("the public log gave no answer; no fact ends for want of a programme")
        return
    if said is None:
        return
    for (kind, name), fact in catalogue.known().items():
        if kind != entity or (kind, name) in said.needed:
            continue
        rows = model._default_manager.filter(facts__has_key=name)
        since = said.ended.get((kind, name))
        if since is None:
            rows = rows.filter(id__in=[row.id for row in rows.select_related("origin") if _old(row, fact, at.date())])
        elif not _ended(fact, since.date(), at.date()):
            continue
        yield from ((number, [name]) for number in rows.values_list("id", flat=True))


def _ended(fact: FactDefinition | None, since: date, today: date) -> bool:
    return fact is not None and since + timedelta(days=fact.retention_days) < today


def _old(row: Individual | Household, fact: FactDefinition, today: date) -> bool:
    """Whether a fact that no programme ever needed was declared longer ago than it may be kept."""
    own = row.declared.get(fact.name)
    day = row.origin.day if own is None else Origin.objects.only("day").get(id=own).day
    return _ended(fact, day, today)


def _end_facts(model: Table, over: Iterator[tuple[int, list[str]]]) -> int:
    """Forget these facts: in the records, and in what their changes say of before and after."""
    ended = 0
    for number, names in list(over):
        with transaction.atomic():
            row = model._default_manager.select_for_update(of=("self",)).filter(id=number).first()
            if row is None:
                continue
            gone = set(names)
            row.facts = {name: value for name, value in row.facts.items() if name not in gone}
            row.declared = {name: value for name, value in row.declared.items() if name not in gone}
            fields = ["facts", "declared"]
            if isinstance(row, Individual) and "birth_date" in gone:
                row.birth_precision = BirthPrecision.UNKNOWN
                fields.append("birth_precision")
            row.save(update_fields=fields)
            forget_in_changes(row, gone)
        ended += len(names)
    return ended


def _end_individuals(today: date, at: datetime) -> int:
    over = [row.id for row in _gone(Individual).iterator() if ends("person", _left(row), row.facts) < today]
    for start in range(0, len(over), _AT_ONCE):
        with transaction.atomic():
            erasure.remove_individuals(list(Individual.objects.filter(id__in=over[start : start + _AT_ONCE])), at)
    return len(over)


def _end_households(today: date, at: datetime) -> int:
    """Households that left and of whom no member is left; one whose members stay longer waits for them."""
    over = _households_over(today)
    for start in range(0, len(over), _AT_ONCE):
        with transaction.atomic():
            erasure.remove_households(list(Household.objects.filter(id__in=over[start : start + _AT_ONCE])), at)
    return len(over)


def _households_over(today: date) -> list[int]:
    empty = Household.objects.filter(state=RecordState.LEFT, left_on__isnull=False, members__isnull=True)
    return [row.id for row in empty.iterator() if ends("household", _left(row), row.facts) < today]


def _end_readings(before: datetime) -> int:
    access_pages.forget_strays()
    with transaction.atomic():
        AccessPage.objects.filter(access__at__lt=before).delete()
        count, _ = Access.objects.filter(at__lt=before).delete()
    return count


def _end_origins(at: datetime) -> int:
    """Origins of yesterday and before that no record, change or fact names any longer."""
    used = [Exists(model._default_manager.filter(origin=OuterRef("id"))) for model in (Household, Individual, Change)]
    unused = Origin.objects.filter(~used[0], ~used[1], ~used[2], day__lt=at.date() - timedelta(days=1))
    count, _ = unused.delete()
    return count
