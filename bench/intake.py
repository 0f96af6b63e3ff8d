"""Imports, dry run, bulk update and export beside 121's own bars: `python -m bench.intake`.

Invented households in HOPE's two tables go through the product's own jobs, as a worker runs them: read, checked, taken in with
their identity sealed, on SQLite and on PostgreSQL (a server that this command starts and removes). Many are then changed in both
ways that a desk has: a state set for a list, and a file of corrections. Each part runs in a process of its own, so that its peak
memory and its processor seconds are its own (those of the server are not counted). While an import is taken in, another writer
tries all the time: the longest that it waited is printed too. `--registrations` for fewer; `--only`,
`--forms` for a part.
"""

import contextlib
import csv
import io
import os
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import msgspec
from tests.servers.postgres import postgres_server

from amparo_office.desk import place
from bench.processes import peak_memory, run_child
from bench.report import Figure, Goal, Report, arguments, machine

if TYPE_CHECKING:
    from uuid import UUID

    from amparo_office.intake.models import Import
    from amparo_staff.accounts.models import StaffMember

REGISTRATIONS = 131_072
EXPORTED, UPDATED, DRY_ROWS, BAD = 100_000, 32_000, 100_000, 143
SEED = 2026
MB = 1_000_000
PHASES = ("import", "dry", "update", "update-by-file", "export", "export-people")
KINDS, FORMS = ("sqlite", "postgresql"), ("csv", "xlsx")
SETTINGS = {"shared_buffers": "512MB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}
# 121's automated tests at 131,072 registrations; our goal is five times better.
BAR_UPDATE, BAR_EXPORT, BETTER = 20.0, 150.0, 5.0

_GIVEN = (
    "Ana",
    "Luis",
    "María",
    "José",
    "Rosa",
    "Pedro",
    "Carmen",
    "Juan",
    "Elena",
    "Carlos",
    "مريم",
    "أحمد",
    "فاطمة",
    "محمد",
)
_FAMILY = ("Rojas", "Paz", "Sol", "Núñez", "Vega", "Ortiz", "Luna", "Ríos", "Campos", "حداد", "خليل", "منصور", "سالم")


class Part(msgspec.Struct, frozen=True):
    """One measured part: seconds and processor seconds of each step, and the peak memory in bytes of its process. `waited`: the
    longest that another writer waited meanwhile."""

    steps: dict[str, float]
    cpu: dict[str, float]
    counts: dict[str, int]
    peak: int
    waited: float = 0.0


def main() -> None:
    """The command."""
    parser = arguments("Imports, dry run, bulk update and export, in seconds and megabytes.")
    parser.add_argument(
        "--registrations", type=int, default=REGISTRATIONS, help=f"households (default: {REGISTRATIONS})"
    )
    parser.add_argument("--only", choices=KINDS, nargs="*", default=list(KINDS), help="which databases")
    parser.add_argument("--forms", choices=FORMS, nargs="*", default=list(FORMS), help="which files")
    parser.add_argument("--phase", choices=PHASES, help="for the bench itself")
    parser.add_argument("--files", nargs="*", default=[], help="for the bench itself")
    given = parser.parse_args()
    if given.phase:
        phases = (_import, _dry, _update, _update_by_file, _export, _export_people)
        work = dict(zip(PHASES, phases, strict=True))[given.phase]
        sys.stdout.buffer.write(msgspec.json.encode(work([Path(each) for each in given.files])))
    else:
        _run(given.registrations, given.only, given.forms).write(as_json=given.as_json)


def _run(registrations: int, only: list[str], forms: list[str]) -> Report:
    facts, figures, notes = machine(), list[Figure](), list[str]()
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as made:
        pairs, people = _write_files(Path(made), registrations, forms)
        dry = _write_dry(Path(made) / "dry.csv")
        facts |= {"registrations": registrations, "people": people}
        for kind in only:
            with postgres_server(SETTINGS) as server:
                if kind == "postgresql" and server is None:
                    notes.append("PostgreSQL is not installed here; it was not measured.")
                    continue
                for form in forms:
                    address = server.make_database(f"desk_{form}") if kind == "postgresql" and server else ""
                    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
                        os.environ |= {"AMPARO_OFFICE_FOLDER": folder, "AMPARO_OFFICE_DATABASE": address}
                        figures += _of_import(kind, form, _child("import", pairs[form]))
                        if form == forms[0]:
                            figures += _of_rest(kind, dry)
    return Report("Imports and exports, sealing on", facts, figures, notes)


def _of_rest(kind: str, dry: Path) -> list[Figure]:
    checked, updated, by_file = _child("dry", [dry]), _child("update", []), _child("update-by-file", [])
    rows, bad = checked.counts["rows"], checked.counts["refused"]
    return [
        Figure(f"{kind}: dry run of {rows:,} rows with {bad} bad ones", checked.steps["check"], "s", _memory(checked)),
        _of_update(kind, "a state set for a list", updated),
        _of_update(kind, "a file of corrections, checked and carried out", by_file),
        _of_export(kind, "registrations with the names of head and collector", _child("export", [])),
        _of_export(kind, "people, each with names", _child("export-people", [])),
    ]


def _of_update(kind: str, how: str, part: Part) -> Figure:
    rows = part.counts["rows"]
    return Figure(
        f"{kind}: bulk update of {rows:,}, {how}",
        sum(part.steps.values()),
        "s",
        _memory(part),
        "121's bar",
        BAR_UPDATE * rows / UPDATED,
        Goal(1 / BETTER, most=True),
    )


def _of_export(kind: str, what: str, part: Part) -> Figure:
    return Figure(
        f"{kind}: export of {part.counts['rows']:,} {what}",
        part.steps["export"],
        "s",
        f"{_memory(part)} Each identity that stands in it is opened, and written down so that the person sees it.",
        "121's bar, for as many rows",
        BAR_EXPORT * part.counts["rows"] / EXPORTED,
        Goal(1 / BETTER, most=True),
    )


def _of_import(kind: str, form: str, part: Part) -> list[Figure]:
    households, people = part.counts["households"], part.counts["people"]
    steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in part.steps.items())
    whole = sum(part.steps.values())
    waiting = Figure(
        f"{kind}: the longest that another writer waited while they were taken in ({form})",
        part.waited,
        "s",
        "All or nothing is one transaction; a page that waits longer than the desk's patience fails.",
        "the desk's patience",
        place.PATIENCE,
        Goal(1.0, most=True),
    )
    return [
        Figure(
            f"{kind}: import of {households:,} registrations with {people:,} people ({form})",
            whole,
            "s",
            f"{steps}. {people / whole:,.0f} people a second from file to register. {_memory(part)} 121 takes 1,000 a file.",
        ),
        *([waiting] if kind == "sqlite" else []),
    ]


def _memory(part: Part) -> str:
    return f"{sum(part.cpu.values()):.1f} s of processor. Peak memory {part.peak / MB:,.0f} MB."


def _child(phase: str, files: list[Path]) -> Part:
    return msgspec.json.decode(run_child("bench.intake", "--phase", phase, "--files", *map(str, files)), type=Part)


# --- the files ---------------------------------------------------------------------------------------------------------

_HOMES = ["household_id", "admin_h_c", "monthly_income_h_f", "rooms_h_f", "phone_h_f"]
_PEOPLE = [
    "household_id",
    "given_name_i_c",
    "family_name_i_c",
    "relationship_i_c",
    "birth_date_i_c",
    "phone_no_i_c",
    "disability_i_f",
]


def _write_files(folder: Path, registrations: int, forms: list[str]) -> tuple[dict[str, list[Path]], int]:
    """Households and individuals as two CSV files, and as one workbook."""
    homes, people = folder / "households.csv", folder / "individuals.csv"
    count = 0
    with homes.open("w", newline="", encoding="utf-8") as one, people.open("w", newline="", encoding="utf-8") as two:
        home_rows, person_rows = csv.writer(one), csv.writer(two)
        home_rows.writerow(_HOMES)
        person_rows.writerow(_PEOPLE)
        for home, members in _invented(registrations):
            home_rows.writerow(home)
            person_rows.writerows(members)
            count += len(members)
    pairs = {"csv": [homes, people]}
    if "xlsx" in forms:
        pairs["xlsx"] = [_write_workbook(folder / "hope.xlsx", homes, people)]
    return pairs, count


def _invented(registrations: int) -> Iterator[tuple[list[str], list[list[str]]]]:
    dice = random.Random(SEED)
    for number in range(1, registrations + 1):
        area = "XA01" if number <= EXPORTED else "XA02"
        home = [
            str(number),
            area,
            f"{dice.randrange(60_000) / 100:.2f}",
            str(1 + dice.randrange(6)),
            dice.choice(("yes", "no")),
        ]
        family = dice.choice(_FAMILY)
        members = [
            [
                str(number),
                dice.choice(_GIVEN),
                family,
                "HEAD" if place == 0 else "SON_DAUGHTER",
                f"{dice.randrange(1940, 2020)}-{1 + dice.randrange(12):02d}-{1 + dice.randrange(28):02d}",
                f"+58412{dice.randrange(10_000_000):07d}" if place == 0 else "",
                dice.choice(("yes", "no", "no", "no")),
            ]
            for place in range(1 + min(7, int(dice.expovariate(0.45))))
        ]
        yield home, members


def _write_workbook(path: Path, homes: Path, people: Path) -> Path:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        for name, source in (("Households", homes), ("Individuals", people)):
            sheet = book.add_worksheet(name)
            with source.open(newline="", encoding="utf-8") as file:
                for row, cells in enumerate(csv.reader(file)):
                    for place, text in enumerate(cells):
                        sheet.write_string(row, place, text)
    return path


def _write_dry(path: Path) -> Path:
    dice = random.Random(SEED)
    bad = set(dice.sample(range(DRY_ROWS), BAD))
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["referenceId", "fullName", "birthdate", "phoneNumber", "rooms", "pcode"])
        for number in range(DRY_ROWS):
            born = "31-02-1980" if number in bad else f"{1 + dice.randrange(28):02d}-03-{dice.randrange(1940, 2005)}"
            name = f"{dice.choice(_GIVEN)} {dice.choice(_FAMILY)}"
            telephone = f"+58412{dice.randrange(10_000_000):07d}"
            rows.writerow([f"dry-{number}", name, born, telephone, str(1 + dice.randrange(6)), "XA01"])
    return path


# --- in a process of its own -------------------------------------------------------------------------------------------


def _django() -> "StaffMember":
    """The desk, a member who may do everything here, areas, and a log in memory with the food basket in it."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "amparo_office.desk.settings"
    django.setup()
    from django.core.management import call_command

    from amparo_office.register.models import Area
    from amparo_staff.accounts.models import Grant, StaffMember

    call_command("migrate", verbosity=0)
    for code, parent in (("XA", None), ("XA01", "XA"), ("XA02", "XA")):
        Area.objects.get_or_create(code=code, defaults={"level": len(code) // 3, "parent_id": parent, "names": {}})
    by, new = StaffMember.objects.get_or_create(login="bench", defaults={"name": "Bench", "language": "en"})
    if new:
        Grant.objects.create(member=by, role="validator")
    _follow()
    return by


def _follow() -> None:
    from amparo_common.bridge import KeyAnnounced, RulePublished
    from amparo_common.clock import FixedClock
    from amparo_log.memory import MemoryLog
    from amparo_office.desk import public_log
    from amparo_rules.rule import read_rule
    from amparo_rules.starter import starter
    from amparo_service.keys import signing_key

    log, key = MemoryLog(FixedClock(datetime(2026, 11, 1, tzinfo=UTC))), signing_key(place.folder(), "publish-key")
    source = starter("food-basket")
    rule = read_rule(source)
    log.publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
    log.publish(RulePublished(rule.programme, rule.text.version, rule.rule_hash, rule.notice_days, source), key)
    mock.patch.object(public_log, "known", return_value=log).start()


class _Steps:
    """Seconds and processor seconds of each step."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One more."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name], self.cpu[name] = time.perf_counter() - wall, time.process_time() - cpu

    def part(self, waited: float = 0.0, **counts: int) -> Part:
        """All of them."""
        return Part(self.wall, self.cpu, counts, peak_memory(), waited)


def _job() -> None:
    """Run the job that waits."""
    from amparo_common.clock import SystemClock
    from amparo_staff.jobs.models import Job, State
    from amparo_staff.jobs.service import run_next

    # An import is followed by the search for duplicates, which `bench.duplicates` measures.
    Job.objects.filter(kind="duplicates.find", state=State.WAITING).delete()
    run_next(SystemClock(), stop=threading.Event())
    failed = Job.objects.filter(state=State.FAILED).first()
    if failed is not None:
        raise SystemExit(f"The job {failed.kind} failed: {failed.error_code} {failed.error_words}")


@contextlib.contextmanager
def _another_writer(path: Path, waits: list[float]) -> Iterator[None]:
    """Another process's writer on the same SQLite file, who wants its turn all the time; how long it waited each time."""
    ended = threading.Event()

    def write() -> None:
        with contextlib.closing(sqlite3.connect(path, timeout=600, isolation_level=None)) as base:
            while not ended.wait(0.02):
                began = time.perf_counter()
                base.execute("BEGIN IMMEDIATE")
                base.execute("ROLLBACK")
                waits.append(time.perf_counter() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _checked(by: "StaffMember", files: list[Path], steps: _Steps) -> "Import":
    from amparo_common.clock import SystemClock
    from amparo_office.intake import service
    from amparo_office.intake.looking import read_look
    from amparo_office.intake.mapping_page import propose
    from amparo_office.intake.models import Import
    from amparo_office.register import catalogue, needs

    now = SystemClock().now()
    with steps.step("receive"), contextlib.ExitStack() as stack:
        sent = [(path.name, stack.enter_context(path.open("rb"))) for path in files]
        given = service.receive("bench", sent, by=by, at=now).given
    with steps.step("look"):
        _job()
    given = Import.objects.get(id=given.id)
    look = read_look(given, now)
    plan = propose(look, needs.needed(now), catalogue.known())
    service.start_check(given, look, plan, source="bench", day=now.date(), by=by, at=now)
    with steps.step("check"):
        _job()
    return Import.objects.get(id=given.id)


def _import(files: list[Path]) -> Part:
    by = _django()
    from django.db import connection

    from amparo_common.clock import SystemClock
    from amparo_office.intake import service

    steps, waits = _Steps(), [0.0]
    given = _checked(by, files, steps)
    service.start_commit(given, by=by, at=SystemClock().now())
    sqlite = connection.vendor == "sqlite"
    writer = _another_writer(Path(connection.settings_dict["NAME"]), waits) if sqlite else contextlib.nullcontext()
    with steps.step("take in"), writer:
        _job()
    return steps.part(max(waits), households=given.new, people=given.individuals)


def _dry(files: list[Path]) -> Part:
    steps = _Steps()
    given = _checked(_django(), files, steps)
    return steps.part(rows=given.rows, refused=given.refused)


def _update(_files: list[Path]) -> Part:
    by = _django()
    from amparo_common.clock import SystemClock
    from amparo_office.register.bulk_state import set_some
    from amparo_office.register.forms_filter import read_filter
    from amparo_office.register.models import Household, Origin
    from amparo_office.register.service import make_origin

    now = SystemClock().now()
    origin = make_origin(Origin.Kind.CORRECTION, source="bench", day=now.date(), by=by)
    wanted = min(UPDATED, Household.objects.count())
    steps, done = _Steps(), 0
    with steps.step("update"):
        while done < wanted and (count := set_some(read_filter({}), "validated", "checked", origin, by=by, at=now)):
            done += count
    return steps.part(rows=done)


def _update_by_file(_files: list[Path]) -> Part:
    by = _django()
    from amparo_common.clock import SystemClock
    from amparo_office.intake import update_steps
    from amparo_office.intake.models import Update
    from amparo_office.register.models import Household

    now, steps = SystemClock().now(), _Steps()
    homes = Household.objects.order_by("id").values_list("ref", "facts")[:UPDATED]
    rows = [f"{ref},{1 + (facts['rooms'] or 0) % 6}\n" for ref, facts in homes]
    content = io.BytesIO("".join(["ref,rooms\n", *rows]).encode())
    given = update_steps.receive("bench", "checked", "update.csv", content, by=by, at=now)
    with steps.step("check"):
        _job()
    given.refresh_from_db()
    update_steps.start(given, by=by, at=now)
    given.refresh_from_db()
    _agree(given.approval)
    with steps.step("change"):
        _job()
    done = Update.objects.get(id=given.id)
    return steps.part(rows=done.changing if done.done else 0)


def _export(_files: list[Path]) -> Part:
    return _exported(people=False)


def _export_people(_files: list[Path]) -> Part:
    return _exported(people=True)


def _exported(*, people: bool) -> Part:
    by = _django()
    from amparo_common.clock import SystemClock
    from amparo_office.intake import exporting
    from amparo_office.intake.models import Export
    from amparo_office.register.forms_filter import read_filter

    now = SystemClock().now()
    asked = exporting.Asked(
        read_filter({"area": "XA01"}), "food-basket", "csv", people=people, identity=True, reason="audit"
    )
    row = exporting.start(asked, by=by, at=now)
    _agree(row.approval)
    steps = _Steps()
    with steps.step("export"):
        _job()
    return steps.part(rows=Export.objects.get(id=row.id).rows)


def _agree(approval: "UUID | None") -> None:
    """A second person says yes, where one is asked."""
    from amparo_common.clock import SystemClock
    from amparo_staff.accounts.models import Grant, StaffMember
    from amparo_staff.approvals.models import Approval
    from amparo_staff.approvals.service import answer

    if approval is None:
        return
    second, new = StaffMember.objects.get_or_create(login="second", defaults={"name": "Second", "language": "en"})
    if new:
        Grant.objects.create(member=second, role="validator")
    answer(Approval.objects.get(id=approval), by=second, yes=True, why="", at=SystemClock().now())


if __name__ == "__main__":
    main()
