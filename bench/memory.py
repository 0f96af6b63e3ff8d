"""Memory of all services at rest: `python -m bench.memory`.

Log, shops, office and mint are started as `amparo up` starts them, in an empty folder, and left alone for some seconds.
Counted is the proportional set size (PSS): pages that several processes share are divided between them, so the sum is true.
"""

import tempfile
import time
from pathlib import Path

import psutil

from amparo.folder import SERVICES, SIGNER, DataFolder
from amparo.supervisor import Supervisor
from bench.report import Figure, Goal, Report, arguments, machine

MOST_MB = 300.0
MB = 1_000_000


def main() -> None:
    """The command."""
    parser = arguments("Memory of all services at rest.")
    parser.add_argument("--rest", type=float, default=5.0, help="seconds to leave them alone (default: 5)")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="amparo-bench-") as folder,
        Supervisor(DataFolder(Path(folder)), practice=False),
    ):
        time.sleep(given.rest)
        found = {name: _pss(process) for name, process in _services().items()}
        own = _pss(psutil.Process())
    _report(found, own, given.rest).write(as_json=given.as_json)


def _services() -> dict[str, psutil.Process]:
    """The services among this process's children, by name."""
    children = {each: each.cmdline() for each in psutil.Process().children()}
    return {
        name: next(process for process, command in children.items() if f"amparo_{name}" in command)
        for name in (*SERVICES, SIGNER)
    }


def _pss(process: psutil.Process) -> float:
    """Proportional set size in MB."""
    return float(process.memory_full_info().pss) / MB


def _report(found: dict[str, float], own: float, rest: float) -> Report:
    together = sum(found.values())
    return Report(
        "Memory of all services at rest (PSS)",
        machine() | {"seconds at rest": rest},
        [
            Figure(
                "All four services together",
                together,
                "MB",
                "A small computer of 1 GB runs a whole installation." if together <= MOST_MB else "More than we want.",
                "the limit we set ourselves",
                MOST_MB,
                Goal(1.0, most=True),
            ),
            *(Figure(f"  {name}", size, "MB", _PARTS[name]) for name, size in found.items()),
            Figure("  the process that started them", own, "MB", "Not part of the sum; it restarts what dies."),
        ],
    )


_PARTS = {
    "log": "The public log.",
    "shops": "Accreditation, deposits, settlement.",
    "office": "Register, decisions, cards: the largest libraries.",
    "mint": "Tokens.",
}


if __name__ == "__main__":
    main()
