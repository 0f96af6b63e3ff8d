"""A month of the office: real or made households, from their files to signed decisions in the public log.

`python -m bench.month --households survey` takes the 8,000 households of the World Bank's survey, where the data are;
`--households 1000000` makes a million. One programme ("food-basket") is decided; cards, claims and shops are not measured here.
"""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from amparo.mappings import shipped
from amparo.sources import from_files, with_names
from amparo_common.bridge import KeyAnnounced
from amparo_log.follow import LogFollower
from amparo_office.desk import place
from amparo_service.client import Client
from amparo_service.keys import signing_key
from amparo_service.practice_clock import PracticeClock
from bench.made_households import write_households
from bench.month_parts import RULE, Month, Peers, Phase, Task
from bench.processes import ROOT, prepare_log, run_child, service
from bench.report import Figure, Goal, Report, arguments, machine, shares

SURVEY = ROOT.parent / "shared" / "data" / "worldbank-synthetic-survey"
PUBLISHED = datetime(2026, 10, 1, 12, tzinfo=UTC)
DECIDED = PUBLISHED + timedelta(days=7)
SEED = 2026
MB = MICRO = 1_000_000


def main() -> None:
    """The command."""
    parser = arguments("A month of the office: from the households' files to signed decisions in the public log.")
    parser.add_argument("--households", default="20000", help='how many to make, or "survey" (default: 20000)')
    given = parser.parse_args()
    if given.households == "survey" and not SURVEY.exists():
        Report("A month of the office", {}, [], ["The survey is not on this machine; nothing was measured."]).write(
            as_json=given.as_json
        )
        return
    with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
        _measure(Path(folder), given.households).write(as_json=given.as_json)


def _measure(folder: Path, households: str) -> Report:
    facts = machine()
    files = _survey_files(folder) if households == "survey" else _made_files(folder, int(households))
    facts["households are"] = "the World Bank's synthetic survey" if households == "survey" else "made"
    facts["MB of files"] = sum(Path(each).stat().st_size for each in files[1:]) / MB
    office, clock = folder / "office", folder / "clock"
    office.mkdir()
    os.environ |= {place.FOLDER: str(office), "DJANGO_SETTINGS_MODULE": "amparo_office.desk.settings"}
    PracticeClock(clock).set(PUBLISHED)
    key = signing_key(office, "publish-key")
    vkey = prepare_log(folder / "log", {"office": key})
    with service("log", folder / "log", clock=clock) as url:
        LogFollower(Client(url), vkey, folder / "seen").publish(KeyAnnounced(purpose="office", jwk=key.public.jwk), key)
        task = Task(str(office), *files, log_url=url, log_vkey=vkey, clock=str(clock))
        month = msgspec.json.decode(run_child("bench.month_office", msgspec.json.encode(task).decode()), type=Month)
    peers = msgspec.json.decode(
        run_child("bench.month_peers", str(office), RULE, DECIDED.date().isoformat()), type=Peers
    )
    if not peers.agree:
        raise SystemExit("The rule by hand gives other results than the rule engine: nothing here may be compared.")
    return _report(facts, month, peers)


def _survey_files(folder: Path) -> tuple[str, str, str]:
    (homes,), (people,) = SURVEY.glob("*-HLD-*.dta"), SURVEY.glob("*-IND-*.dta")
    source = with_names(from_files(homes, people, "world-bank-survey"), SEED)
    paths = folder / "mapping.yaml", folder / source.household_file, folder / source.individual_file
    for path, content in zip(paths, (source.mapping.encode(), source.households, source.individuals), strict=True):
        path.write_bytes(content)
    return str(paths[0]), str(paths[1]), str(paths[2])


def _made_files(folder: Path, count: int) -> tuple[str, str, str]:
    mapping, homes, people = folder / "mapping.yaml", folder / "households.csv", folder / "individuals.csv"
    mapping.write_text(shipped("town"), encoding="utf-8")
    write_households(homes, people, count=count, seed=SEED)
    return str(mapping), str(homes), str(people)


def _report(facts: dict[str, str | int | float], month: Month, peers: Peers) -> Report:
    facts |= {"households": month.households, "persons": month.persons, "eligible": month.eligible}
    facts |= {"MB of the database": month.database / MB}
    return Report(
        "A month of the office: import, decisions with signed receipts, batch in the public log (one programme)",
        facts,
        [*_wholes(month), *_evaluation(peers), _signing(peers)],
        [*_time_went("Importing", month.importing), *_time_went("Deciding", month.deciding)],
    )


def _wholes(month: Month) -> list[Figure]:
    whole = month.importing.seconds + month.deciding.seconds
    return [
        Figure(
            "From the files to the batch in the log",
            whole,
            "s",
            f"{month.households / whole:,.0f} households a second: checked, names sealed, decided, each with a signed"
            " receipt, all of it flushed to the disk.",
        ),
        Figure("Importing", month.importing.seconds, "s", "Every cell checked, names sealed, one transaction."),
        Figure("Deciding", month.deciding.seconds, "s", "Facts read, rule, receipts written, signed and stored."),
        Figure(
            "Peak memory of the office, importing",
            month.importing.peak / MB,
            "MB",
            "The whole import is one transaction, and the files stand in memory while they are read.",
            "the same process before the import",
            month.idle / MB,
        ),
        Figure(
            "Peak memory of the office, up to the end",
            month.deciding.peak / MB,
            "MB",
            "Where it is no more than the line above, deciding needed less than importing.",
            "the same process before the import",
            month.idle / MB,
        ),
    ]


def _evaluation(peers: Peers) -> list[Figure]:
    peer, two = "the same rule by hand in DuckDB, same columns", Goal(2.0, most=True)
    return [
        Figure(
            f"Rule evaluation, {peers.households:,} households in the office's chunks",
            peers.chunked[0],
            "s",
            "What the checked rule language costs over SQL that was written for this one rule. Both agree in every value.",
            peer,
            peers.chunked[1],
            two,
        ),
        Figure(
            f"Rule evaluation, {peers.households:,} households at once",
            peers.at_once[0],
            "s",
            "The same without what each chunk costs.",
            peer,
            peers.at_once[1],
            two,
        ),
    ]


def _signing(peers: Peers) -> Figure:
    return Figure(
        "Signing one receipt",
        peers.signing[0] * MICRO,
        "us",
        "What the compact JWS around the signature costs; the signature itself is the floor.",
        f"bare ES256 in a loop, the same {peers.signed:,} payloads",
        peers.signing[1] * MICRO,
        Goal(1.5, most=True),
    )


def _time_went(name: str, phase: Phase) -> list[str]:
    return [f"{name}: where the {phase.seconds:.1f} s went", *shares(phase.parts, phase.seconds), ""]


if __name__ == "__main__":
    main()
