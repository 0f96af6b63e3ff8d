"""The command: `python -m bench.collusion` plays every row; `--only TEXT` those whose name holds the text."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.collusion import rows
from bench.collusion.figures import picture, show
from bench.collusion.game import Plan, Result, run
from bench.collusion.register import Register, make_register
from bench.collusion.settings import Settings
from bench.report import arguments, machine

SEED = 2026
# So many sales of a month are attacked; of the two rows that matter most, and of small towns, in every month.
MOST_SALES, MOST_OF_MAIN = 3_000, 8_000


def main() -> None:
    """The command."""
    parser = arguments("T1: who bought what, asked by everybody who keeps anything.")
    parser.add_argument("--households", type=int, default=10_000, help="in the register (default: 10000)")
    parser.add_argument("--shops", type=int, default=200, help="(default: 200)")
    parser.add_argument("--months", type=int, default=3, help="(default: 3)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"(default: {SEED})")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the rows whose name holds this text")
    parser.add_argument("--thorough", action="store_true", help="follow purses in large towns too (many minutes)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a picture (SVG) of success against the crowd")
    given = parser.parse_args()
    facts = machine() | {"households": given.households, "shops": given.shops, "months": given.months}
    facts |= {"seed": given.seed, "transport": "anonymising: the adversary sees no network addresses"}
    own = [
        msgspec.structs.replace(each, households=given.households)
        for each in (rows.RECOMMENDED, rows.RELEASE_1, *rows.VARIANTS, *rows.LOSING)
    ]
    chosen = [
        msgspec.structs.replace(each, shops=given.shops, months=given.months)
        for each in [*own, *rows.smaller()]
        if given.only in each.name
    ]
    began = time.monotonic()
    results = _play(chosen, seed=given.seed, thorough=given.thorough)
    facts["seconds"] = round(time.monotonic() - began)
    show("The collusion game (T1)", facts, results, as_json=given.as_json)
    if given.plot is not None:
        given.plot.write_text(picture(results), encoding="utf-8")


def _play(chosen: Sequence[Settings], *, seed: int, thorough: bool) -> list[Result]:
    registers: dict[tuple[str, int, int], Register] = {}
    results = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(chosen))
        for settings in chosen:
            key = settings.programme, settings.households, settings.months
            if key not in registers:
                registers[key] = make_register(
                    settings.programme, households=settings.households, months=settings.months, seed=seed
                )

            def tell(what: str, name: str = settings.name) -> None:
                progress.update(task, description=f"{name}: {what}")

            results.append(run(settings, registers[key], _plan(settings, thorough=thorough), seed=seed, progress=tell))
            progress.advance(task)
    return results


def _plan(settings: Settings, *, thorough: bool) -> Plan:
    every = tuple(range(settings.months))
    if settings.name in (rows.RECOMMENDED.name, rows.RELEASE_1.name) or settings.households <= 1_000:
        return Plan(months=every, most=MOST_OF_MAIN, thorough=thorough)
    return Plan(months=every[:2][-1:], most=MOST_SALES, thorough=thorough)


if __name__ == "__main__":
    main()
