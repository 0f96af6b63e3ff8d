"""The results as a table for people, as one document for programs, and as a picture."""

import json
import sys
from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from bench.collusion import crowd, rows
from bench.collusion.game import Result
from bench.collusion.plot import Line, draw
from bench.report import Figure, Goal, Report

_COLOURS = ("#1b7837", "#8c6d1f", "#2166ac", "#762a83", "#b2182b")
_MEANS = (
    "How often the best attack names the household behind a payment, with everything that office, mint and shops keep."
    " Below the line no attack known to us links a purchase to a person better than T1 allows."
)
NOTES = [
    "k: people active in the programme and month. Line: 1/k + 1 %. Robbed: servers were honest and their disks are stolen.",
    "Live: the mint was changed to record every request. Phones, paper: the live adversary's best for each.",
    "Ceiling: what no attack can pass, also one that nobody has thought of; 'certain' where it lies below the line.",
    "Linked: how often the live adversary names which payment of a wallet came before. Crowd < 100: sales by households",
    "of which fewer than 100 look alike, and how often the likelihood names them. Dearer: what rounding amounts up costs.",
    "Signed: tokens for a household and month. A mean hides the few: where crowds are small, T1's line alone protects nobody.",
]


def show(title: str, facts: dict[str, str | int | float], results: Sequence[Result], *, as_json: bool) -> None:
    """Print them."""
    report = Report(
        title,
        facts,
        [_figure(each) for each in results if each.settings.name == "recommended"],
        [_line(results), *NOTES],
    )
    if as_json:
        plain = msgspec.to_builtins(report) | {"rows": [_row(each) for each in results]}
        sys.stdout.write(json.dumps(plain, ensure_ascii=False) + "\n")
        return
    report.write(as_json=False)
    console = Console(width=max(170, Console().width))
    console.print(_table(results))


def _figure(result: Result) -> Figure:
    best = max(result.robbed.best, result.live.best)
    return Figure(
        "T1, best attack under the recommended settings",
        100 * best,
        "% of purchases",
        _MEANS,
        "1/k + 0.01",
        100 * result.line,
        Goal(1.0, most=True),
    )


def _line(results: Sequence[Result]) -> str:
    """All of T1 in one line: best rate, guessing, the line, and which settings lose."""
    lost = [each.settings.name for each in results if not each.passes]
    losing = f"an adversary wins under {', '.join(lost)}" if lost else "no setting of this run loses"
    recommended = next((each for each in results if each.settings.name == "recommended"), None)
    if recommended is None:
        return f"T1: {losing}."
    best = max(recommended.robbed.best, recommended.live.best)
    rates = f"best {best:.2%}, guessing {recommended.guessing:.2%}, line {recommended.line:.2%} under the recommended settings"
    return f"T1: {rates}; {losing}."


def _row(result: Result) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(result)
    return found | {"passes": result.passes, "certain": result.is_certain}


def verdict(result: Result) -> str:
    """In a word or two. Below the minimum crowd the mint issues nothing (R30), whatever T1's line says there."""
    if result.people < crowd.SMALL:
        return "no crowd" if result.passes else "no crowd, LOSES"
    if not result.passes:
        return "LOSES"
    return "passes, certain" if result.is_certain else "passes"


def _table(results: Sequence[Result]) -> Table:
    table = Table("settings", "k", "line", "robbed", "live", "phones", "paper", "ceiling", box=None, pad_edge=False)
    for name in ("linked", "crowd < 100", "dearer", "signed", "verdict"):
        table.add_column(name)
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for each in results:
        shares = (each.line, each.robbed.best, each.live.best, each.live.phones, each.live.paper, each.ceiling)
        table.add_row(
            each.settings.name,
            f"{each.people:,}",
            *(f"{share:.2%}" for share in shares),
            f"{each.linked:.1%}",
            f"{each.small:.0%}: {each.rare:.1%}" if each.small else "",
            f"{each.dearer:+.1%}",
            f"{each.signed:.0f}",
            verdict(each),
        )
    return table


def picture(results: Sequence[Result]) -> str:
    """Success against the crowd for the rows that were played in towns of several sizes."""
    lines = []
    for label, colour in zip(rows.FAMILIES, _COLOURS, strict=True):
        own = [each for each in results if _family(each) == label]
        if own:
            lines.append(
                Line(f"{label}, best attack", colour, [(r.people, max(r.live.best, r.robbed.best)) for r in own])
            )
            lines.append(Line(f"{label}, ceiling", colour, [(r.people, r.ceiling) for r in own], dashed=True))
    every = sorted({(r.people, r.line) for r in results if _family(r) in rows.FAMILIES})
    return draw("How often a purchase is linked to its household", [Line("T1: 1/k + 0.01", "#000000", every), *lines])


def _family(result: Result) -> str:
    """The line that a row belongs to; its name is that of the settings, in a town of another size that of the family."""
    name = result.settings.name
    own = {each.name: label for label, each in rows.FAMILIES.items()}
    return own.get(name, name.split(", ")[0] if name.endswith("households") else "")
