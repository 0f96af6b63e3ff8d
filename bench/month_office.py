"""The office's month in a process of its own, for `bench.month`: import, decisions with signed receipts, batch in the log.

The classes are the office's, built as `amparo_office.__main__.build` builds them, on a real file with synchronous=FULL and
a real log over HTTP; time counters are put around them (`bench.stopwatch`). Prints its measurements as JSON.
"""

import sys
import time
from datetime import timedelta
from pathlib import Path

import django
import msgspec

# The settings are named by who starts this process (`bench.month`).
django.setup()

from amparo_log.follow import LogFollower  # noqa: E402 - after the setup
from amparo_office import cycles, people, store  # noqa: E402
from amparo_office.answers import content_hash  # noqa: E402
from amparo_office.cycles import Cycles  # noqa: E402
from amparo_office.desk import start  # noqa: E402
from amparo_office.importing import Importer  # noqa: E402
from amparo_office.mapping import read_mapping  # noqa: E402
from amparo_office.programmes import Programmes, needs_of  # noqa: E402
from amparo_office.register.pseudonyms import Pseudonyms  # noqa: E402
from amparo_office.tables import read_table  # noqa: E402
from amparo_rules.starter import starter  # noqa: E402
from amparo_service.client import Client  # noqa: E402
from amparo_service.keys import signing_key  # noqa: E402
from amparo_service.practice_clock import PracticeClock  # noqa: E402
from bench.month_parts import CYCLE, RULE, Month, Phase, Task  # noqa: E402
from bench.processes import peak_memory  # noqa: E402
from bench.stopwatch import Stopwatch, TimedDatabase, TimedTable  # noqa: E402


class Office:
    """The office's parts, counted."""

    def __init__(self, task: Task) -> None:
        self.folder, self.clock = Path(task.folder), PracticeClock(Path(task.clock))
        self.watch = Stopwatch()
        key = signing_key(self.folder, "publish-key")
        self.database = TimedDatabase(self.folder / "office.sqlite", list(store.MIGRATIONS), self.watch)
        self.log = LogFollower(Client(task.log_url), task.log_vkey, self.folder / "log-seen")
        self.programmes = Programmes(self.log, key=key, clock=self.clock)
        self.cycles = Cycles(
            self.database,
            self.log,
            self.programmes,
            publish_key=key,
            receipt_key=signing_key(self.folder, "receipt-key"),
            clock=self.clock,
        )
        self._count_time()

    def _count_time(self) -> None:
        watch = self.watch
        watch.install(people, {"batches": "reading the register"})
        watch.install(store, {"leaves": "batch tree"})
        watch.install(cycles, {"_columns": "facts into columns", "evaluate_batch": "rule evaluation"})
        watch.install(cycles, {"write_receipts": "writing receipts"})
        watch.install(Pseudonyms, {"of": "pseudonyms"})
        watch.install(cycles, {"leaf": "batch tree", "SumTree": "batch tree"})
        watch.install(self.cycles._signer, {"sign": "signing"})
        watch.install(self.log, {"publish": "log"})

    def phase(self, began: float) -> Phase:
        """What passed since `began`; the counters start anew."""
        found = Phase(time.perf_counter() - began, dict(self.watch.seconds), peak_memory())
        self.watch.seconds.clear()
        return found


def run(task: Task) -> Month:
    """The whole month."""
    start.migrate()
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
        database=sum((office.folder / name).stat().st_size for name in ("office.sqlite", "register.sqlite")),
    )


def _import(office: Office, task: Task) -> int:
    """As the office's import job does it; the number of persons."""
    source = Path(task.mapping).read_text(encoding="utf-8")
    needed = needs_of(office.log.refresh(), office.clock.now()).needed
    mapping = read_mapping(source, needed=needed, defined={})
    data = [Path(each).read_bytes() for each in (task.households, task.individuals)]
    homes, people = (
        TimedTable(read_table(Path(name).name, content), office.watch)
        for name, content in zip((task.households, task.individuals), data, strict=True)
    )
    importer = Importer(mapping, at=office.clock.now(), progress=lambda _done, _total: None)
    return importer.run(homes, people, identity=content_hash(source, data)).persons


if __name__ == "__main__":
    measured = run(msgspec.json.decode(sys.argv[1], type=Task))
    sys.stdout.buffer.write(msgspec.json.encode(measured))
