"""Runs an audit over HTTP, as anybody can: reads the whole log, proves every entry, runs the checks."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from amparo.audit.checks import Check, Figures, figures, run_checks
from amparo_log.errors import BadEntry, BadNote, BadProof, LogRewritten
from amparo_log.follow import LogFollower
from amparo_log.view import Logged, LogView
from amparo_service.client import Client


class EntryTime(msgspec.Struct, frozen=True):
    """When an entry of a kind was logged: for the time line."""

    at: str
    kind: str


class Audit(msgspec.Struct, frozen=True):
    """The result: the checkpoint it holds for, the checks, the figures (none when the log itself is false)."""

    url: str
    vkey: str
    size: int
    checkpoint: str
    checks: list[Check]
    figures: Figures
    entries: list[EntryTime]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def run_audit(url: str, vkey: str, *, memory: Path) -> Audit:
    """Audit the log at `url` under the key `vkey`. `memory` is the file with the checkpoint seen last time: a log that no
    longer contains it is reported as rewritten. Raises `Unreachable`, `BadNote` for a key that is no key."""
    began = time.perf_counter()
    log = LogFollower(Client(url), vkey, memory)
    try:
        view = log.refresh()
        checkpoint, note = log.checkpoint()
    except (BadNote, BadProof, BadEntry, LogRewritten) as error:
        return _false_log(url, vkey, str(error), time.perf_counter() - began)
    return Audit(
        url=url,
        vkey=vkey,
        size=checkpoint.size,
        checkpoint=note,
        checks=[Check("log_consistent", []), *run_checks(view)],
        figures=figures(view),
        entries=_entries(view),
        seconds=time.perf_counter() - began,
    )


def _false_log(url: str, vkey: str, finding: str, seconds: float) -> Audit:
    return Audit(
        url=url,
        vkey=vkey,
        size=0,
        checkpoint="",
        checks=[Check("log_consistent", [finding])],
        figures=Figures(units=[], programmes=[]),
        entries=[],
        seconds=seconds,
    )


def _entries(view: LogView) -> list[EntryTime]:
    kinds: dict[str, Sequence[tuple[Logged, object]]] = {
        "key": list(view.keys.values()),
        "rule": view.rules,
        "keyset": view.keysets,
        "decisions": view.decisions,
        "approval": view.approvals,
        "figures": [*view.mint_figures, *view.settlements],
    }
    return sorted(
        (EntryTime(at=place.at, kind=kind) for kind, entries in kinds.items() for place, _ in entries),
        key=lambda entry: (entry.at, entry.kind),
    )
