"""The office's month in a process of its own, for `bench.month`: import, decisions with signed receipts, batch in the log.

The classes are the office's, built as `amparo_office.__main__.build` builds them, on a real file with synchronous=FULL and
a real log over HTTP; time counters are put around them (`bench.stopwatch`). Prints its measurements as JSON.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

import msgspec

from amparo_log.follow import LogFollower
from amparo_office import cycles, store
from amparo_office.cycles import Cycles
from amparo_office.identity import IdentitySealer
from amparo_office.importing import Importer, content_hash
from amparo_office.mapping import read_mapping
from amparo_office.programmes import Programmes, needed_facts
from amparo_office.tables import read_table
from amparo_rules.starter import starter
from amparo_service.client import Client
from amparo_service.keys import secret_bytes, signing_key
from amparo_service.practice_clock import PracticeClock
from bench.processes import peak_memory
from bench.stopwatch import Stopwatch, TimedDatabase, TimedSealer, TimedTable

RULE = "food-basket"
CYCLE = "2026-10"


class Task(msgspec.Struct, frozen=True):
    """What to do: where the files and the log are."""

    folder: str
    mapping: str
    households: str
    individuals: str
    log_url: str
    log_vkey: str
    clock: str


class Phase(msgspec.Struct, frozen=True):
    """One part of the month: seconds, the parts' seconds, the peak memory up to its end in bytes."""

    seconds: float
    parts: dict[str, float]
    peak: int


class Month(msgspec.Struct, frozen=True):
    """What was measured."""

    households: int
    persons: int
    eligible: int
    idle: int
    importing: Phase
    deciding: Phase
    database: int


class Office:
    """The office's parts, counted."""

    def __init__(self, task: Task) -> None:
        self.folder, self.clock = Path(task.folder), PracticeClock(Path(task.clock))
        self.watch = Stopwatch()
        key = signing_key(self.folder, "publish-key")
        self.database = TimedDatabase(self.folder / "office.sqlite", list(store.MIGRATIONS), self.watch)
        self.log = LogFollower(Client(task.log_url), task.log_vkey, self.folder / "log-seen")
        self.sealer = TimedSealer(IdentitySealer(secret_bytes(self.folder, "identity-key")), self.watch)
        self.programmes = Programmes(self.log, key=key, clock=self.clock)
        self.cycles = Cycles(
            self.database,
            self.log,
            self.programmes,
            publish_key=key,
            receipt_key=signing_key(self.folder, "receipt-key"),
            pseudonym_key=secret_bytes(self.folder, "pseudonym-key"),
            clock=self.clock,
        )
        self._count_time()

    def _count_time(self) -> None:
        watch = self.watch
        watch.install(store, {"households_after": "reading the register", "leaves": "batch tree"})
        watch.install(cycles, {"_columns": "facts into columns", "evaluate_batch": "rule evaluation"})
        watch.install(cycles, {"write_receipts": "writing receipts"})
        watch.install(cycles, {"pseudonym": "pseudonyms", "leaf": "batch tree", "SumTree": "batch tree"})
        watch.install(self.cycles._signer, {"sign": "signing"})
        watch.install(self.log, {"publish": "log"})

    def phase(self, began: float) -> Phase:
        """What passed since `began`; the counters start anew."""
        found = Phase(time.perf_counter() - began, dict(self.watch.seconds), peak_memory())
        self.watch.seconds.clear()
        return found


def run(task: Task) -> Month:
    """The whole month."""
    office = Office(task)
    rule, _ = office.programmes.publish(starter(RULE))
    office.clock.set(office.clock.now() + timedelta(days=rule.notice_days))
    office.watch.seconds.clear()
    idle, began = peak_memory(), time.perf_counter()
    persons = _import(office, task)
    importing, began = office.phase(began), time.perf_counter()
    cycle = office.cycles.decide(
        rule.rule_hash, CYCLE, as_of=office.clock.now().date(), maker="bench", progress=lambda _done, _total: None
    )
    deciding = office.phase(began)
    office.database.close()
    return Month(
        households=cycle.households or 0,
        persons=persons,
        eligible=cycle.eligible or 0,
        idle=idle,
        importing=importing,
        deciding=deciding,
        database=(office.folder / "office.sqlite").stat().st_size,
    )


def _import(office: Office, task: Task) -> int:
    """As the office's import job does it; the number of persons."""
    source = Path(task.mapping).read_text(encoding="utf-8")
    mapping = read_mapping(source, needed=needed_facts(office.log.refresh()))
    data = [Path(each).read_bytes() for each in (task.households, task.individuals)]
    homes, people = (
        TimedTable(read_table(Path(name).name, content), office.watch)
        for name, content in zip((task.households, task.individuals), data, strict=True)
    )
    importer = Importer(office.database, office.sealer, mapping, progress=lambda _done: None)
    return importer.run(homes, people, identity=content_hash(source, data)).persons


if __name__ == "__main__":
    measured = run(msgspec.json.decode(sys.argv[1], type=Task))
    sys.stdout.buffer.write(msgspec.json.encode(measured))
