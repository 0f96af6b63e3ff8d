"""The register's list and search with a million people: `python -m bench.register`.

Invented people in households are enrolled through the product's own `enrol_many`, with their identity sealed, on SQLite and on
PostgreSQL (a server that this command starts and removes). Then the real pages are asked for through Django's whole request path
(middleware, session, roles, templates, the access log): milliseconds of the list and of the search, and memory. `--people` for
fewer; `--keep FOLDER` keeps both registers there and asks them again the next time without enrolling anew.
"""

import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tests.servers.postgres import PostgresServer, postgres_server

from amparo_service.process import keep_what_is_loaded
from bench.processes import peak_memory, run_child
from bench.report import Figure, Goal, Report, arguments, machine, middle

if TYPE_CHECKING:
    from django.test import Client

    from amparo_office.register.service import NewHousehold
    from amparo_staff.accounts.models import StaffMember
    from bench.made_people import Person

PEOPLE = 1_000_000
SEED = 2026
BLOCK = 20_000
BAR_MS = 100.0
PURPOSE = "list"
LOGIN = "bench"
MEMBERS_AREAS = {"XA00": "a large district", "XA0001": "a large village", "XA1909": "a small village"}
MB = 1_000_000
KINDS = ("sqlite", "postgresql")
DATABASE, FILLED = "register", "filled.json"
SETTINGS = {"shared_buffers": "512MB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}


class Filled(msgspec.Struct, frozen=True):
    """What enrolling cost. `samples` are names, telephones and papers of people who are there."""

    households: int
    people: int
    seconds: float
    peak: int
    samples: dict[str, list[str]]


class Asked(msgspec.Struct, frozen=True):
    """Milliseconds of each request of a kind, those of them in which this process or its connection's at the server had a core, and
    how many rows the page showed."""

    what: str
    milliseconds: list[float]
    computing: list[float]
    shown: int


class Measured(msgspec.Struct, frozen=True):
    """What asking cost. `database`: bytes of a database that lies with a server."""

    asked: list[Asked]
    peak: int
    database: int


def main() -> None:
    """The command."""
    parser = arguments("The register's list and search with many people, in milliseconds.")
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"how many (default: {PEOPLE})")
    parser.add_argument("--rounds", type=int, default=40, help="requests of each kind (default: 40)")
    parser.add_argument("--only", choices=KINDS, nargs="*", default=list(KINDS), help="which databases")
    parser.add_argument("--keep", default="", help="a folder in which the registers stay, for the next time")
    parser.add_argument("--phase", choices=("fill", "ask"), help="for the bench itself")
    parser.add_argument("--samples", default="", help="for the bench itself")
    given = parser.parse_args()
    if given.phase == "fill":
        sys.stdout.buffer.write(msgspec.json.encode(_fill(given.people)))
    elif given.phase == "ask":
        sys.stdout.buffer.write(msgspec.json.encode(_ask(given.rounds, Path(given.samples))))
    else:
        _run(given.people, given.rounds, given.only, given.keep).write(as_json=given.as_json)


def _run(people: int, rounds: int, only: list[str], keep: str) -> Report:
    facts = machine()
    figures: list[Figure] = []
    notes: list[str] = []
    for kind in only:
        with _folder(keep, kind) as folder, _server(kind, folder if keep else None) as server:
            if kind == "postgresql" and server is None:
                notes.append("PostgreSQL is not installed here; it was not measured.")
                continue
            address = _address(server, folder) if server else ""
            os.environ |= {"AMPARO_OFFICE_FOLDER": str(folder), "AMPARO_OFFICE_DATABASE": address}
            filled = _filled(folder / FILLED, people)
            load = os.getloadavg()[0]
            command = ("--phase", "ask", "--rounds", str(rounds), "--samples", str(folder / FILLED))
            measured = msgspec.json.decode(run_child("bench.register", *command), type=Measured)
            facts |= {"people": filled.people, "households": filled.households}
            facts |= _sizes(kind, folder)
            if measured.database:
                facts |= {f"{kind}: MB of its database": measured.database / MB}
            facts |= {f"{kind}: load before and after asking": f"{load:.1f}, {os.getloadavg()[0]:.1f}"}
            figures += _figures(kind, filled, measured)
    return Report(
        "The register: list page and search through the whole request path, sealing on", facts, figures, notes
    )


@contextlib.contextmanager
def _folder(keep: str, kind: str) -> Iterator[Path]:
    if keep:
        kept = Path(keep).resolve() / kind
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _server(kind: str, keep: Path | None) -> Iterator[PostgresServer | None]:
    if kind != "postgresql":
        yield None
        return
    with postgres_server(SETTINGS, kept=keep / "server" if keep else None) as server:
        yield server


def _address(server: PostgresServer, folder: Path) -> str:
    """Where the register's database is: the kept one, or a new one."""
    return server.address(DATABASE) if (folder / FILLED).exists() else server.make_database(DATABASE)


def _filled(known: Path, people: int) -> Filled:
    """The register in the folder of `known`: what it cost, from there if it was filled before."""
    if not known.exists():
        known.write_bytes(run_child("bench.register", "--phase", "fill", "--people", str(people)))
    return msgspec.json.decode(known.read_bytes(), type=Filled)


def _sizes(kind: str, folder: Path) -> dict[str, str | int | float]:
    sizes = {each.name: each.stat().st_size / MB for each in folder.iterdir() if each.suffix == ".sqlite"}
    return {f"{kind}: MB of {name}": size for name, size in sizes.items()}


def _figures(kind: str, filled: Filled, measured: Measured) -> list[Figure]:
    return [
        Figure(
            f"{kind}: enrolling",
            filled.people / filled.seconds,
            "people/s",
            f"{filled.people:,} people in {filled.seconds:,.0f} s, one transaction, identity sealed, index written.",
        ),
        Figure(f"{kind}: peak memory while enrolling", filled.peak / MB, "MB", "One process, everything in it."),
        Figure(
            f"{kind}: peak memory while answering", measured.peak / MB, "MB", "One process after all requests below."
        ),
        *(_figure(kind, each) for each in measured.asked),
    ]


def _figure(kind: str, asked: Asked) -> Figure:
    ordered = sorted(asked.milliseconds)
    return Figure(
        f"{kind}: {asked.what}, p95",
        _p95(ordered),
        "ms",
        f"p50 {middle(ordered):.1f} ms, slowest {ordered[-1]:.1f} ms of {len(ordered)}; on a core, the server's too, p50"
        f" {middle(asked.computing):.1f}, p95 {_p95(sorted(asked.computing)):.1f} ms; {asked.shown} rows shown.",
        "the bar of the issue",
        BAR_MS,
        Goal(1.0, most=True),
    )


def _p95(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


# --- in a process of its own -------------------------------------------------------------------------------------------


def _django() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "amparo_office.desk.settings"
    django.setup()


def _fill(people: int) -> Filled:
    _django()
    from django.core.management import call_command
    from django.db import connection

    from amparo_common.clock import SystemClock
    from amparo_office.register.models import Origin
    from amparo_office.register.service import enrol_many, make_origin

    call_command("migrate", verbosity=0)
    _areas()
    now = SystemClock().now()
    origin = make_origin(Origin.Kind.IMPORT, source="bench", day=now.date(), by=None)
    samples: dict[str, list[str]] = {"spanish": [], "arabic": [], "telephone": [], "paper": []}
    with _bar() as bar:
        task = bar.add_task(f"enrolling, {connection.vendor}", total=people)
        began = time.perf_counter()
        made = _counted(_households(people, samples), lambda number: bar.update(task, completed=number))
        counts = enrol_many(made, origin=origin, by=None, at=now)
        seconds = time.perf_counter() - began
        bar.update(task, completed=people)
    if connection.vendor == "postgresql":
        with (
            connection.cursor() as cursor
        ):  # as its autovacuum does a minute after so many new rows; SQLite has no such thing
            cursor.execute("VACUUM (ANALYZE)")
    return Filled(counts.households, counts.individuals, seconds, peak_memory(), samples)


def _bar() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def _counted(made: "Iterator[NewHousehold]", said: Callable[[int], None]) -> "Iterator[NewHousehold]":
    people = 0
    for each in made:
        yield each
        people += len(each.members)
        said(people)


def _areas() -> None:
    from amparo_office.register.models import Area

    Area.objects.create(code="XA", level=0, names={"en": "Invented"})
    Area.objects.bulk_create(
        Area(code=f"XA{n:02d}", level=1, parent_id="XA", names={"en": f"District {n}"}) for n in range(20)
    )
    Area.objects.bulk_create(
        Area(code=f"XA{n // 10:02d}{n % 10:02d}", level=2, parent_id=f"XA{n // 10:02d}", names={"en": f"Village {n}"})
        for n in range(200)
    )


def _households(people: int, samples: dict[str, list[str]]) -> "Iterator[NewHousehold]":
    """Invented households, block after block; facts as a rule needs them. Some people's data go to `samples` to be searched."""
    from bench.made_people import registrations

    dice = random.Random(SEED)
    left, block = people, 0
    while left > 0:
        home: list[Person] = []
        for person in registrations(min(BLOCK, left), seed=SEED + block):
            if home and person.household != home[0].household:
                yield _household(home, dice)
                home = []
            home.append(person)
            if dice.random() < 400 / people:
                _sample(person, samples)
        yield _household(home, dice)
        left, block = left - BLOCK, block + 1


def _household(home: "list[Person]", dice: random.Random) -> "NewHousehold":
    from amparo_office.register.service import NewHousehold, NewIndividual

    members = [
        NewIndividual(
            identity=each.identity,
            relationship="HEAD" if place == 0 else "SON_DAUGHTER",
            birth_date=_days(each.birth.year, each.birth.month, each.birth.day),
            birth_precision="unknown" if each.birth.year is None else "year" if each.birth.month is None else "day",
            facts={"disability": int(dice.random() < 0.05)},
        )
        for place, each in enumerate(home)
    ]
    facts: dict[str, int | None] = {"rooms": 1 + dice.randrange(6)}
    if dice.random() < 0.9:
        facts["monthly_income"] = dice.randrange(50_000)
    return NewHousehold(area=home[0].area, by_phone=dice.random() < 0.7, facts=facts, members=members)


def _days(year: int | None, month: int | None, day: int | None) -> int | None:
    from datetime import date

    return None if year is None else date(year, month or 7, day or 1).toordinal() - date(1970, 1, 1).toordinal()


def _sample(person: "Person", samples: dict[str, list[str]]) -> None:
    name = person.identity.names[0]
    samples["arabic" if name.script == "Arab" else "spanish"].append(name.whole())
    if person.identity.telephone:
        samples["telephone"].append(person.identity.telephone)
    samples["paper"] += [each.number for each in person.identity.documents]


def _ask(rounds: int, known: Path) -> Measured:
    _django()
    samples = msgspec.json.decode(known.read_bytes(), type=Filled).samples
    from django.core.management import call_command
    from django.db.models import Max
    from django.test import Client

    from amparo_office.register.models import Household

    call_command("migrate", verbosity=0)  # a register that was kept may be older than the program
    last = Household.objects.aggregate(last=Max("id"))["last"] or 0
    kinds = [("", each) for each in _requests(last, samples)] + _requests_in_areas(samples)
    members = {area: _member(area) for area, _kind in kinds}
    asked: list[Asked] = []
    keep_what_is_loaded()  # as the desk's process does before its first request
    for area, (what, made) in kinds:
        client = Client()
        client.force_login(members[area])
        asked.append(_timed(client, what, made, rounds))
    return Measured(asked, peak_memory(), _served_bytes())


def _served_bytes() -> int:
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _member(area: str) -> "StaffMember":
    from amparo_staff.accounts.models import Grant, StaffMember

    member, fresh = StaffMember.objects.get_or_create(login=LOGIN + area, defaults={"name": "Bench", "language": "en"})
    if fresh:
        Grant.objects.create(member=member, role="validator", area=area)
    return member


Made = Callable[[random.Random], tuple[str, str, dict[str, str]]]


def _requests(last: int, samples: dict[str, list[str]]) -> list[tuple[str, Made]]:
    """Each kind of request: what it is, and how one is made."""

    def page(query: str) -> Made:
        return lambda dice: ("GET", f"/register/?{query}&after={dice.randrange(1, last + 1)}", {})

    def words(choose: Callable[[random.Random], str]) -> Made:
        return lambda dice: ("POST", "/register/search/", {"words": choose(dice), "purpose": PURPOSE})

    def one(kind: str) -> Callable[[random.Random], str]:
        return lambda dice: dice.choice(samples[kind])

    def partial(kind: str) -> Callable[[random.Random], str]:
        return lambda dice: " ".join(each[:4] for each in dice.choice(samples[kind]).split())

    def family(kind: str) -> Callable[[random.Random], str]:
        return lambda dice: dice.choice(samples[kind]).split()[-1]

    kinds: list[tuple[str, Made]] = [
        ("list, first page", lambda _dice: ("GET", "/register/", {})),
        ("list, a page anywhere", page("")),
        ("list with the heads' names", lambda _dice: ("POST", "/register/", {"purpose": PURPOSE})),
        (
            "list, one village",
            lambda dice: ("GET", f"/register/?area=XA{dice.randrange(20):02d}{dice.randrange(10):02d}", {}),
        ),
        (
            "list, one district, on paper",
            lambda dice: ("GET", f"/register/?area=XA{dice.randrange(20):02d}&way=paper", {}),
        ),
        ("list, state and unknown fact", page("state=new&fact=monthly_income&is=unknown")),
        ("list, a state that nobody has", lambda _dice: ("GET", "/register/?state=paused", {})),
        ("search, whole Spanish name", words(one("spanish"))),
        ("search, common Spanish name", words(lambda _dice: "María García")),
        ("search, one Spanish family name", words(family("spanish"))),
        ("search, beginnings of a Spanish name", words(partial("spanish"))),
        ("search, a name that nobody has", words(lambda _dice: "Wxyqk Zzhfg")),
        ("search, whole Arabic name", words(one("arabic"))),
        ("search, common Arabic name", words(lambda _dice: "محمد حداد")),
        ("search, one Arabic family name", words(family("arabic"))),
        ("search, beginnings of an Arabic name", words(partial("arabic"))),
        ("search, Arabic name in Latin letters", words(lambda _dice: "Mohamed Haddad")),
        ("search, telephone", words(one("telephone"))),
        ("search, number of a paper", words(one("paper"))),
    ]
    return kinds


def _requests_in_areas(samples: dict[str, list[str]]) -> list[tuple[str, tuple[str, Made]]]:
    """The same for members who may look into a part of the country only: the area, what it is, how one is made."""

    def said(choose: Callable[[random.Random], str]) -> Made:
        return lambda dice: ("POST", "/register/search/", {"words": choose(dice), "purpose": PURPOSE})

    def family(dice: random.Random) -> str:
        return dice.choice(samples["spanish"]).split()[-1]

    def listed(_dice: random.Random) -> tuple[str, str, dict[str, str]]:
        return "GET", "/register/", {}

    return [
        (area, (f"{what}, member of {name}", made))
        for area, name in MEMBERS_AREAS.items()
        for what, made in (
            ("list, first page", listed),
            ("search, whole Spanish name", said(lambda dice: dice.choice(samples["spanish"]))),
            ("search, one Spanish family name", said(family)),
        )
    ]


def _timed(client: "Client", what: str, made: Made, rounds: int) -> Asked:
    dice = random.Random(SEED)
    spent: list[float] = []
    computing: list[float] = []
    shown: list[float] = []
    for number in range(rounds + 2):
        method, url, data = made(dice)
        began, computed = time.perf_counter(), _on_a_core()
        answer = client.get(url) if method == "GET" else client.post(url, data)
        taken = (time.perf_counter() - began) * 1000, (_on_a_core() - computed) * 1000
        if answer.status_code != 200:
            raise SystemExit(f"{what}: answered {answer.status_code}")
        if number >= 2:  # the first ones warm up
            spent.append(taken[0])
            computing.append(taken[1])
            shown.append(answer.content.count(b"<tr>") - 1)
    return Asked(what, spent, computing, int(middle(shown)))


def _on_a_core() -> float:
    """Seconds in which this process, and the one that serves its connection at PostgreSQL, had a processor core."""
    from django.db import connection

    known = connection.vendor == "postgresql" and connection.connection is not None
    served = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat") if known else None
    return time.process_time() + (int(served.read_text().split()[0]) / 1e9 if served and served.exists() else 0.0)


if __name__ == "__main__":
    main()
