"""The nightly job that ends what may not be kept longer (requirement R9).

A record that left is erased, key and all, once the longest retention of its facts is over; a record without facts after
`WITHOUT_FACTS`; a household not before its last member. A single fact goes when its own time is over. Readings and changes are
kept as long as their record, and readings not longer than `READINGS`. Where facts come from is forgotten with the last record
that says it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from amparo_office.register import catalogue, erasure
from amparo_office.register.models import Access, Change, Household, Individual, Origin, RecordState
from amparo_rules.catalogue import Entity
from amparo_staff.jobs.service import Result, Running, job

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
    """End everything whose time is over at `at`, and finish erasures that a crash cut short."""
    today = at.date()
    _begin_counting(today)
    individuals = _end_individuals(today, at)
    households = _end_households(today, at)
    facts = _end_facts(Individual, "person", today) + _end_facts(Household, "household", today)
    erasure.finish()
    readings, _ = Access.objects.filter(at__lt=at - READINGS).delete()
    origins = _end_origins(at)
    erasure.fold_journal()
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
        "facts": sum(len(_over(entity, row, today)) for model, entity in _MODELS for row in _gone(model)),
        "readings": Access.objects.filter(at__lt=at - READINGS).count(),
    }


_MODELS: tuple[tuple[type[Individual] | type[Household], Entity], ...] = (
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


def _over(entity: Entity, row: Individual | Household, today: date) -> list[str]:
    known = catalogue.known()
    return [
        name
        for name in row.facts
        if (entity, name) in known and _left(row) + timedelta(days=known[entity, name].retention_days) < today
    ]


def _end_facts(model: type[Individual] | type[Household], entity: Entity, today: date) -> int:
    """Single facts whose own time is over, of records that stay a while longer."""
    ended = 0
    for row in _gone(model).iterator(chunk_size=_AT_ONCE):
        over = _over(entity, row, today)
        if over:
            facts = {name: value for name, value in row.facts.items() if name not in over}
            declared = {name: value for name, value in row.declared.items() if name not in over}
            model._default_manager.filter(id=row.id).update(facts=facts, declared=declared)
            ended += len(over)
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


def _end_origins(at: datetime) -> int:
    """Origins of yesterday and before that no record, change or fact names any longer."""
    used = [Exists(model._default_manager.filter(origin=OuterRef("id"))) for model in (Household, Individual, Change)]
    unused = Origin.objects.filter(~used[0], ~used[1], ~used[2], day__lt=at.date() - timedelta(days=1))
    count, _ = unused.delete()
    return count
