"""What a bench prints: every figure beside its peer or limit, both of one run, and a plain sentence of what it means.

Absolute figures belong to one machine on one day; the ratio is the claim. Nothing here fails when a goal is missed: it says so.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence

import msgspec


class Goal(msgspec.Struct, frozen=True):
    """What the ratio is held against. `most`: at most this, otherwise at least this."""

    ratio: float
    most: bool

    def is_met(self, ratio: float) -> bool:
        """Whether the ratio reaches it."""
        return ratio <= self.ratio if self.most else ratio >= self.ratio

    def words(self, ratio: float) -> str:
        """For people."""
        verdict = "met" if self.is_met(ratio) else "MISSED"
        return f"goal: at {'most' if self.most else 'least'} {self.ratio:g}, {verdict}"


class Figure(msgspec.Struct, frozen=True):
    """One measured claim. `ratio` = `ours` / `peer`; both are in `unit` and were taken in this run."""

    what: str
    ours: float
    unit: str
    means: str
    peer_is: str = ""
    peer: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's."""
        return None if not self.peer else self.ours / self.peer

    def lines(self) -> list[str]:
        """For people."""
        found = [f"{self.what}: {_number(self.ours)} {self.unit}"]
        if self.peer is not None and self.ratio is not None:
            goal = "" if self.goal is None else f" ({self.goal.words(self.ratio)})"
            found.append(f"    {self.peer_is}: {_number(self.peer)} {self.unit}; ratio {self.ratio:.2f}{goal}")
        return [*found, f"    {self.means}"]


class Report(msgspec.Struct, frozen=True):
    """All that one command measured. `facts` say what was measured, and on what."""

    title: str
    facts: dict[str, str | int | float]
    figures: list[Figure]
    notes: list[str] = []

    def write(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            sys.stdout.write(json.dumps(self._plain(), ensure_ascii=False) + "\n")
            return
        lines = [self.title, *(f"  {name}: {_shown(value)}" for name, value in self.facts.items()), ""]
        for figure in self.figures:
            lines += figure.lines()
        sys.stdout.write("\n".join([*lines, *([""] if self.notes else []), *self.notes]) + "\n")

    def _plain(self) -> dict[str, object]:
        figures = []
        for each in self.figures:
            plain = msgspec.to_builtins(each) | {"ratio": each.ratio}
            if each.goal is not None and each.ratio is not None:
                plain["met"] = each.goal.is_met(each.ratio)
            figures.append(plain)
        return {"title": self.title, "facts": self.facts, "figures": figures, "notes": self.notes}


def machine() -> dict[str, str | int | float]:
    """On what it was measured, without naming the machine."""
    load = os.getloadavg()[0]
    return {
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "load before": round(load, 2),
    }


def arguments(description: str) -> argparse.ArgumentParser:
    """The command line that every bench has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document instead of words")
    return parser


def shares(seconds: dict[str, float], whole: float) -> list[str]:
    """Where the time went, the largest part first; what no part claims is named last."""
    parts = sorted(seconds.items(), key=lambda each: -each[1])
    rest = whole - sum(seconds.values())
    return [f"  {name:<24}{part:9.2f} s {part / whole:6.1%}" for name, part in [*parts, ("everything else", rest)]]


def middle(values: Sequence[float]) -> float:
    """The median."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else _number(value)
