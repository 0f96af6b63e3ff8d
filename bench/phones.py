"""The figures of the phone apps: `python -m bench.phones`.

Sizes come from the built files; times from Debian's Chromium, with a town of invented people whose services run
meanwhile, a slow line and a processor slowed down by the browser itself; the camera sees a file, made of what the other
phone showed. Nothing is assumed: what cannot be measured here is named with the reason. Bars are those of the project;
peers' figures were measured earlier, on other days, and stand in the sentence beside. `--quick`: fewer runs, 1,000
cards, no Lighthouse; `--only` for a part.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from tools import environments
from tools.environments import CannotMake

from amparo.demo.phones import PhonesReady
from amparo.phone_apps import make_apps
from amparo_apps.config import AppName
from amparo_apps.files import BuiltFile, built
from bench.phones_paper import print_cards
from bench.phones_town import newcomers
from bench.report import Figure, Goal, Report, arguments, machine, middle

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"
KIB = 1024
SLOW = 6
LANGUAGE = "es"
PATIENCE_SECONDS = 1800
SALES = 500
PARTS = ("size", "exact", "store", "visit", "lighthouse", "pay", "paper")
IN_TOWN = ("visit", "lighthouse", "pay")
NAMES: tuple[AppName, ...] = ("wallet", "till")
# KiB and milliseconds; what a part must reach, and what others need.
FIRST_VISIT = {"wallet": 100.0, "till": 60.0}
SALE_BARS = {1: {1: 1000.0, 4: 3000.0}, SLOW: {1: 3000.0, 4: 6000.0}}

Found = dict[str, Any]


class LeftOut(Exception):
    """A part was not asked for."""


class NotMeasured(Exception):
    """Something is missing here; the words say what."""


class Runs(msgspec.Struct, frozen=True):
    """How much is run."""

    samples: int
    judged: int
    trials: int
    cards: int


FULL = Runs(samples=5, judged=3, trials=4_000, cards=10_000)
QUICK = Runs(samples=1, judged=0, trials=1_000, cards=1_000)


def main() -> None:
    """Measure and print."""
    parser = arguments("The figures of the phone apps.")
    parser.add_argument("--quick", action="store_true", help="fewer runs, 1,000 cards, no Lighthouse")
    parser.add_argument("--only", choices=PARTS, nargs="*", default=list(PARTS), help="which parts")
    asked = parser.parse_args()
    before = machine()
    bench = _Bench(QUICK if asked.quick else FULL)
    bench.run([each for each in PARTS if each in asked.only])
    facts = before | {
        "chromium": _version(),
        "line": "400 kbit/s each way, 400 ms there and back, where a slow line is said",
        "processor": f"{SLOW} times slower where ÷{SLOW} is said",
        "runs": f"middle of {bench.runs.samples}" if bench.runs.samples > 1 else "one of each (quick)",
    }
    notes = bench.notes + [f"not measured: {each}" for each in bench.missing]
    Report("The phone apps", facts, bench.figures, notes).write(as_json=asked.as_json)
    # A goal that is missed is a figure; a figure that is missing is a fault.
    if bench.missing:
        raise SystemExit(1)


class _Bench:
    """Runs the parts one after the other and keeps what they found."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.figures: list[Figure] = []
        self.notes: list[str] = []
        self.missing: list[str] = []
        self._out = Console(stderr=True, highlight=False)

    def run(self, parts: list[str]) -> None:
        """Each part; those of the town together, as its services run once."""
        alone: dict[str, Callable[[], None]] = {
            "size": self._size,
            "exact": self._exact,
            "store": self._store,
            "paper": self._paper,
        }
        needs_apps = {"size", *IN_TOWN} & set(parts)
        apps = not needs_apps or make_apps()
        for name in parts:
            if name in alone:
                self._try(name, alone[name] if apps or name != "size" else _no_apps)
        there = [each for each in parts if each in IN_TOWN]
        if there:
            self._try("town", (lambda: self._in_town(there)) if apps else _no_apps)

    def _try(self, name: str, part: Callable[[], None]) -> None:
        try:
            self._out.print(f"{name} …")
            part()
        except LeftOut as error:
            self.notes.append(f"left out: {name}: {error}")
        except NotMeasured as error:
            self.missing.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - one part that breaks must not hide what the others found
            traceback.print_exc()
            self.missing.append(f"{name}: {type(error).__name__}: {error}")
        else:
            self._out.print(f"{name}: done")

    def _in_town(self, parts: list[str]) -> None:
        deeds = {"visit": self._visit, "lighthouse": self._lighthouse, "pay": self._pay}
        with newcomers() as ready:
            for name in parts:
                self._try(name, partial(deeds[name], ready))

    def _add(
        self,
        what: str,
        ours: float,
        unit: str,
        means: str,
        *,
        bar: float | None = None,
        most: bool = True,
        bar_is: str = "bar",
    ) -> None:
        goal = None if bar is None else Goal(1.0, most=most)
        said = f"{means} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
        self.figures.append(Figure(what, ours, unit, said, peer_is=bar_is, peer=bar, goal=goal))

    # --- what is built

    def _size(self) -> None:
        for name in NAMES:
            files = built(name).files
            scripts = [each for each in files if each.path.endswith(".js")]
            spare = [each for each in scripts if each.when == "use"]
            whole, rest = (sum(each.gz for each in some) / KIB for some in (scripts, spare))
            self._add(
                f"{name}: JavaScript with everything lazy",
                whole,
                "KiB gz",
                f"{rest:.1f} KiB of it are used only by browsers without a reader of codes or without Ed25519 of their own, so"
                f" {whole - rest:.1f} by all others. Not in it: the words of one language, {_words(files).gz / KIB:.1f} KiB."
                " cashu.me: 886 KiB at once.",
                bar=90,
            )
            self._first_visit(name, files, spare)

    def _first_visit(self, name: AppName, files: list[BuiltFile], spare: list[BuiltFile]) -> None:
        words = _words(files)
        visit = [each for each in files if each.when in ("screen", "visit")] + [words]
        reader = sum(each.br for each in files if each.path.endswith(".wasm"))
        whole = sum(each.br for each in visit)
        self._add(
            f"{name}: first visit, bodies as sent",
            whole / KIB,
            "KiB br",
            f"With the words of one language, {words.br / KIB:.1f} KiB. A browser without a reader of codes or Ed25519 of its own"
            f" fetches {sum(each.br for each in spare) / KIB:.1f} KiB more for them, and the reader itself, {reader / KIB:.0f} KiB."
            " cashu.me: 1,291 KiB.",
            bar=FIRST_VISIT[name],
        )

    # --- without services

    def _exact(self) -> None:
        found = _ran("phones_exact.mjs", {"trials": self.runs.trials, "seed": 1})
        for ratio in (2, 1.5):
            rows = [each for each in found if each["ratio"] == ratio]
            split = [each for each in rows if each["coins"] != "fewest coins"]
            few = [each for each in rows if each["coins"] == "fewest coins"]
            made = sum(each["made"] for each in split)
            self._add(
                f"payable exactly with a balance of {ratio:g} times the largest price",
                made / sum(each["tried"] for each in split),
                "of all payments tried",
                f"{sum(each['made'] for each in few) / sum(each['tried'] for each in few):.1%} with the fewest coins;"
                f" {sum(each['handed'] for each in split) / made:.1f} coins in a payment. Minibits: exact denominations only.",
                bar=0.99 if ratio == 2 else None,
                most=False,
            )

    def _store(self) -> None:
        told = _browser() | {"samples": max(3, self.runs.samples), "sales": SALES}
        found = _ran("phones_store.mjs", told)
        stored = found["stored"]
        self._add(
            f"10 locked coins verified (T6), ÷{SLOW}",
            middle(found["verify"]),
            "ms",
            f"The till's own code in the browser; {middle(found['verify_fast']):.0f} ms at full speed.",
            bar=300,
        )
        self._add(
            f"sales stored in {stored['hours']:.1f} simulated hours without a connection",
            stored["sales"],
            "sales",
            "Each of two locked coins, taken by the till's own code into the browser's database, and there after opening"
            " anew. Clover: 7 days; Moneris: 500.",
            bar=SALES,
            most=False,
        )
        for speed, ends in (("", ("first", "last")), (f", ÷{SLOW}", ("first_slow", "last_slow"))):
            first, last = (middle(found[each]) for each in ends)
            self._add(
                f"the {SALES}th sale{speed}",
                last,
                "ms",
                f"{first:.0f} ms for the first ones. Begun, checked, stored durably, closed; without camera and screen.",
            )
        self._add(
            f"opening the till with {SALES} sales",
            middle(found["open"]),
            "ms",
            f"{middle(found['open_slow']):.0f} ms at ÷{SLOW}; {found['empty']:.0f} ms when it is first made.",
        )
        self._add(
            f"{SALES} sales in the database",
            stored["bytes"] / KIB,
            "KiB",
            f"{stored['records']} sealed records; {stored['disk'] / KIB:.0f} KiB by what the browser says of the disk.",
        )

    # --- in the town

    def _visit(self, ready: PhonesReady) -> None:
        told = _browser() | _addresses(ready) | {"samples": self.runs.samples, "language": "es-ES"}
        found = _ran("phones_visit.mjs", told)
        for name in NAMES:
            rows = found[name]
            self._add(
                f"{name}: JavaScript to the first usable screen",
                _packed(name, rows[0]["scripts"]) / KIB,
                "KiB gz",
                f"{'The welcome' if name == 'wallet' else 'Begin with the code from the office'}: scripts that the browser had"
                " fetched when the first button could be pressed. cashu.me: 886 KiB.",
                bar=30,
            )
            self._add(
                f"{name}: first paint, slow line, ÷{SLOW}",
                middle([each["fcp"] for each in rows]),
                "ms",
                "Empty cache. cashu.me: 24,700 ms.",
                bar=1500,
            )
            self._add(
                f"{name}: usable, slow line, ÷{SLOW}",
                middle([each["usable"] for each in rows]),
                "ms",
                f"The first button can be pressed; {rows[0]['bytes'] / KIB:.0f} KiB had come. What the worker fetches after"
                " the page has loaded is not slowed down.",
                bar=3000,
            )

    def _lighthouse(self, ready: PhonesReady) -> None:
        if not self.runs.judged:
            raise LeftOut("--quick (114 packages, 176 MB on the disk)")
        found = _ran(
            "lighthouse/judge.mjs", _browser() | _addresses(ready) | {"samples": self.runs.judged}, BENCH / "lighthouse"
        )
        for name, tries in found.items():
            rows = [each for each in tries if "failed" not in each]
            if len(rows) < len(tries):
                reason = next(each["failed"] for each in tries if "failed" in each)
                self.missing.append(
                    f"lighthouse: {len(tries) - len(rows)} of {len(tries)} of {name}: {'; '.join(reason)[:300]}"
                )
            if not rows:
                continue
            for kind, bar, peer in (("performance", 95.0, "42"), ("accessibility", 100.0, "90")):
                faults = sorted({each for row in rows for each in row["faults"]}) if kind == "accessibility" else []
                self._add(
                    f"{name}: Lighthouse, mobile, {kind}",
                    middle([each[kind] for each in rows]),
                    "of 100",
                    f"Middle of {len(rows)}. cashu.me: {peer}.{' Faults: ' + ', '.join(faults) if faults else ''}",
                    bar=bar,
                    most=False,
                )

    def _pay(self, ready: PhonesReady) -> None:
        with tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder:
            told = {"code": ready.code, "shop_code": ready.shop_code, "folder": folder, "rounds": self.runs.samples}
            found = _ran("phones_pay.mjs", _browser() | _addresses(ready) | told)
        for rate in (1, SLOW):
            self._sales([each for each in found["sales"] if each["rate"] == rate], rate)
            self._wallet([each for each in found["wallet"] if each["rate"] == rate], rate)
            for name in NAMES:
                rows = [each["ms"] for each in found["reload"] if each["rate"] == rate and each["app"] == name]
                what = f"{name}: opened anew without a connection, usable{_speed(rate)}"
                means = "With its money and its sales."
                self._add(what, middle(rows), "ms", means, bar=1000 if rate == 1 else None)
        for name in NAMES:
            screen = "home with aid" if name == "wallet" else "amount"
            means = "Scripts that the browser had asked for when its first button could be pressed. cashu.me: 886 KiB."
            size = _packed(name, found["scripts"][name]) / KIB
            self._add(f"{name}: JavaScript to the {screen}", size, "KiB gz", means, bar=30)
        self._taps(found["taps"])

    def _sales(self, rows: list[Found], rate: int) -> None:
        for coins in sorted({each["coins"] for each in rows}):
            self._add(
                f"Charge to Paid, both offline, {coins} coin{'s' if coins > 1 else ''}{_speed(rate)}",
                middle([each["ms"] for each in rows if each["coins"] == coins]),
                "ms",
                "From the tap until the green page is painted, the customer's code before the camera: camera on, read, checked,"
                " stored. M-Pesa: merchants report up to 5 minutes.",
                bar=SALE_BARS[rate].get(coins),
                bar_is="bar" if rate == 1 else "bar for a cheap phone",
            )

    def _wallet(self, rows: list[Found], rate: int) -> None:
        self._add(
            f"the customer's part, offline, from what lies aside{_speed(rate)}",
            middle([each["read"] + each["shown"] for each in rows]),
            "ms",
            f"{middle([each['read'] for each in rows]):.0f} ms from Pay until the shop's request is read and shown,"
            f" {middle([each['shown'] for each in rows]):.0f} ms from Pay until the code stands on the screen.",
        )

    def _taps(self, taps: dict[str, int]) -> None:
        self._add("taps of a person, shop first", taps["shop_first"], "taps", "Pay, scanned by itself, Pay.", bar=2)
        self._add(
            "taps of a person, person first, 10.24",
            taps["person_first"],
            "taps",
            "Pay, amount instead of the camera, four digits, show the code. M-Pesa: 6 menus and a PIN.",
            bar=6,
        )
        self._add(
            "taps of a shop to ask for 7.35",
            taps["shop"],
            "taps",
            "Three digits and Charge; one more closes the sale. Numo: digits and Charge.",
            bar=4,
        )

    # --- on paper

    def _paper(self) -> None:
        found = print_cards(self.runs.cards)
        self._add(
            f"{found.cards:,} identity cards printed, {found.read_back:,} codes read back",
            found.seconds,
            "s",
            f"Signed, sealed, eight to a page, {found.size / 1_000_000:.0f} MB of PDF; two workers.",
            bar=120.0 * found.cards / FULL.cards,
            bar_is="bar" if found.cards == FULL.cards else "bar of 120 s for 10,000, in proportion",
        )


def _words(files: list[BuiltFile]) -> BuiltFile:
    """What a phone fetches besides scripts to have something to say."""
    (found,) = (each for each in files if each.path.startswith(f"/words-{LANGUAGE}-"))
    return found


def _packed(name: AppName, paths: list[str]) -> int:
    """Bytes of these scripts, each packed with gzip."""
    sizes = {each.path: each.gz for each in built(name).files}
    return sum(sizes[path] for path in paths)


def _speed(rate: int) -> str:
    return "" if rate == 1 else f", ÷{rate}"


def _no_apps() -> None:
    raise NotMeasured("the phone apps could not be built; python -m tools.phone_apps says why")


def _addresses(ready: PhonesReady) -> Found:
    return {"wallet": ready.wallet, "till": ready.till}


def _browser() -> Found:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise NotMeasured("Debian's chromium is not here: apt install chromium")
    return {"chromium": chromium, "slow": SLOW}


def _version() -> str:
    chromium = shutil.which("chromium")
    if chromium is None:
        return "none"
    return subprocess.run([chromium, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def _ran(script: str, told: Found, *folders: Path) -> Any:
    """What a script of `bench` answers. Raises `NotMeasured` where node or a package is missing, and for a script that failed."""
    try:
        node = environments.node()
        for folder in (ROOT / "web", ROOT / "tests" / "browser", *folders):
            node.install(folder)
    except CannotMake as error:
        raise NotMeasured(f"node or a package cannot be installed: {error}") from error
    command = [str(node.program), str(BENCH / script)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(told),
            env=node.surroundings(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f"{script} took more than {PATIENCE_SECONDS} s") from error
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-3000:])
        raise NotMeasured(f"{script} failed: {(done.stderr.strip() or 'without a word').splitlines()[0][:300]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
