"""Possible duplicates: `python -m bench.duplicates`. A whole run over a sealed register; precision and recall on labelled sets.

The register is a SQLite file with 131,072 invented people in households, names and numbers sealed; some are registered twice, with
slips, other spellings, other scripts, exchanged names, half known dates (`made_people.py`). Timed is what the job does: open every
record, make it comparable, compare, write the pairs. 121's own automated test allows 180 s for as many registrations.

The model is the published one, learned on invented people; it never saw a FEBRL set. Others' figures were read from their own
documents on the same sets and are named beside ours; they found what they found with other settings than ours.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from tools.environments import CannotMake

from amparo_office.duplicates.finding import find
from amparo_office.duplicates.model import published
from bench.febrl.sets import SETS, records
from bench.made_people import Person, as_compared, registrations
from bench.processes import peak_memory, run_child
from bench.report import Figure, Goal, Report, arguments, machine

COUNT, SEED, SMALL = 131_072, 121, 20_000
BAR_121, TIMES_BETTER, MB = 180.0, 0.2, 1_000_000

# What others published on the same labelled sets, and where.
PUBLISHED: dict[str, tuple[str, float]] = {
    "febrl4": (
        "recordlinkage's own guide finds 3,241 of 5,000 (docs/guides/link_two_dataframes): recall at most",
        3241 / 5000,
    ),
}


class Found(msgspec.Struct, frozen=True):
    """What a set gave."""

    people: int
    real: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """The share of right pairs among those found."""
        return self.right / max(self.found, 1)

    @property
    def recall(self) -> float:
        """The share of real pairs that were found."""
        return self.right / max(self.real, 1)


class Run(msgspec.Struct, frozen=True):
    """One run over the register."""

    seconds: float
    processor_seconds: float
    peak: int
    again_seconds: float
    found: Found


def main() -> None:
    """The command."""
    parser = arguments("Possible duplicates: time, memory, precision and recall.")
    parser.add_argument("--count", type=int, default=COUNT, help=f"registrations (default: {COUNT})")
    parser.add_argument("--only", choices=("register", "sets"), help="leave the other out")
    parser.add_argument("--child", action="store_true", help="the timed part, as JSON")
    given = parser.parse_args()
    if given.child:
        sys.stdout.buffer.write(msgspec.json.encode(_register(given.count)))
        return
    facts = machine()
    figures: list[Figure] = []
    notes: list[str] = []
    if given.only != "sets":
        run = msgspec.json.decode(run_child("bench.duplicates", "--child", "--count", str(given.count)), type=Run)
        figures += _run_figures(run, given.count)
    if given.only != "register":
        notes += _sets()
    Report("Possible duplicates in a sealed register", facts, figures, notes).write(as_json=given.as_json)


def _run_figures(run: Run, count: int) -> list[Figure]:
    bar = BAR_121 if count == COUNT else None
    return [
        Figure(
            f"Looking for duplicates among {count:,} sealed registrations",
            run.seconds,
            "s",
            "A register of a district is searched while one drinks a coffee; wall time, shared machine.",
            "121's bar for as many",
            bar,
            Goal(TIMES_BETTER, most=True),
        ),
        Figure(
            "  the same in processor time", run.processor_seconds, "s", "What neighbours on the machine hardly move."
        ),
        Figure("  again, with nothing new", run.again_seconds, "s", "Only what is new or changed is compared."),
        Figure(
            "  the most memory at once", run.peak / MB, "MB", "Everything is compared in memory; no disk sees a name."
        ),
        Figure("  precision", run.found.precision, "", f"{run.found.found:,} pairs for a reviewer."),
        Figure("  recall", run.found.recall, "", f"{run.found.right:,} of {run.found.real:,} real pairs."),
    ]


def _sets() -> list[str]:
    lines = [f"{'labelled set':<26}{'records':>8}{'pairs':>7}{'found':>7}{'precision':>11}{'recall':>8}{'F1':>7}"]
    for language, name in (("es", "invented, Spanish"), ("ar", "invented, Arabic")):
        people = registrations(SMALL, seed=SEED, language=language)  # type: ignore[arg-type] # the two of the tuple
        lines.append(_line(name, _compare(as_compared(people), [each.truth for each in people])))
    try:
        for name in SETS:
            lines.append(_line(name, _compare(*records(name))))
            if name in PUBLISHED:
                lines.append(f"    {PUBLISHED[name][0]}: {PUBLISHED[name][1]:.3f}")
    except CannotMake as error:
        lines.append(f"The FEBRL sets cannot be fetched here: {error}")
    return lines


def _line(name: str, found: Found) -> str:
    f1 = 2 * found.precision * found.recall / max(found.precision + found.recall, 1e-9)
    return f"{name:<26}{found.people:>8,}{found.real:>7,}{found.found:>7,}{found.precision:>11.3f}{found.recall:>8.3f}{f1:>7.3f}"


def _compare(people: list[Any], truths: list[int]) -> Found:
    pairs = find(people, {each.number for each in people}, published(), progress=lambda _done, _total: None)
    return _judged(((pair.first, pair.second) for pair in pairs), dict(enumerate(truths, 1)))


def _judged(pairs: Iterable[tuple[int, int]], truth: dict[int, int]) -> Found:
    groups: dict[int, int] = defaultdict(int)
    for who in truth.values():
        groups[who] += 1
    said = list(pairs)
    right = sum(truth[one] == truth[other] for one, other in said)
    return Found(len(truth), sum(many * (many - 1) // 2 for many in groups.values()), len(said), right)


# --- the register, in a process of its own -------------------------------------------------------------------------------


def _register(count: int) -> Run:
    people = registrations(count, seed=SEED)
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
        os.environ["AMPARO_OFFICE_FOLDER"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "amparo_office.desk.settings"
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        truth = _enrol(people)
        try:
            return _timed(truth)
        finally:
            connection.close()


def _timed(truth: dict[int, int]) -> Run:
    from amparo_common.clock import SystemClock
    from amparo_office.duplicates.models import CrowdMember, PossibleDuplicate
    from amparo_office.duplicates.runs import find_duplicates

    began, before = time.perf_counter(), _processor()
    find_duplicates(by=None, at=SystemClock().now())
    seconds, processor = time.perf_counter() - began, _processor() - before
    began = time.perf_counter()
    find_duplicates(by=None, at=SystemClock().now())
    again = time.perf_counter() - began
    sys.stderr.write(json.dumps({"records in crowds": CrowdMember.objects.count()}) + "\n")
    pairs = PossibleDuplicate.objects.values_list("first", "second")
    return Run(seconds, processor, peak_memory(), again, _judged(pairs.iterator(), truth))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _enrol(people: list[Person]) -> dict[int, int]:
    """Into the register, and who each of its people really is."""
    from datetime import UTC, date, datetime

    from amparo_office.register import service
    from amparo_office.register.models import Area, Individual, Origin

    areas = {each.area for each in people}
    Area.objects.bulk_create(Area(code=code, level=1) for code in sorted({area[:4] for area in areas}))
    Area.objects.bulk_create(Area(code=code, level=2, parent_id=code[:4]) for code in sorted(areas))
    homes: dict[int, list[Person]] = defaultdict(list)
    for each in people:
        homes[each.household].append(each)
    origin = service.make_origin(Origin.Kind.IMPORT, source="bench", day=date(2026, 11, 22), by=None)
    service.enrol_many(
        (_household(members) for members in homes.values()),
        origin=origin,
        by=None,
        at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    numbers = Individual.objects.order_by("id").values_list("id", flat=True)
    return dict(zip(numbers, (each.truth for members in homes.values() for each in members), strict=True))


def _household(members: list[Person]) -> Any:
    from amparo_office.register.service import NewHousehold, NewIndividual

    return NewHousehold(
        area=members[0].area,
        members=[
            NewIndividual(
                identity=each.identity,
                relationship="HEAD" if each.is_head else "OTHER",
                birth_date=_days(each),
                birth_precision=_precision(each),
            )
            for each in members
        ],
    )


def _days(person: Person) -> int | None:
    from datetime import date

    born = person.birth
    if born.year is None:
        return None
    return (date(born.year, born.month or 7, born.day or 15) - date(1970, 1, 1)).days


def _precision(person: Person) -> str:
    born = person.birth
    if born.year is None:
        return "unknown"
    if born.estimated:
        return "estimated"
    return "day" if born.day else "month" if born.month else "year"


if __name__ == "__main__":
    main()
