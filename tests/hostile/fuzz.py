"""Gives every reader of strangers' bytes as many wrong ones as fit into a time, and prints how many that were.

    python -m tests.hostile.fuzz [--seconds 60] [TARGET ...]

With atheris (coverage-guided; `uv pip install --group fuzz`), each target in a process of its own; where atheris is not installed,
with random changes of the same seeds. What a target did not take well is shown.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from tests.hostile.fuzz_seeds import ROOT
from tests.hostile.fuzz_targets import TARGETS

GRACE_SECONDS = 90


class Found(msgspec.Struct, frozen=True):
    """How often a target was tried, and what went wrong."""

    executions: int
    fault: str = ""
    by: str = "atheris"


def with_atheris(name: str, seconds: int) -> Found | None:
    """One target under atheris; None where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="amparo-fuzz-") as home:
        corpus = Path(home) / "corpus"
        corpus.mkdir()
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.fuzz_one", name, str(seconds), str(corpus)],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": home},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
        if "No module named 'atheris'" in done.stderr:
            return None
        counts = re.findall(r"stat::number_of_executed_units:\s+(\d+)", done.stderr)
        executions = int(counts[-1]) if counts else 0
        if done.returncode == 0:
            return Found(executions)
        kept = [path.read_bytes() for path in Path(home).glob("corpus-*")]
        return Found(executions, f"from {kept!r}: {done.stderr[-2_000:]}")


def at_random(name: str, enough: Callable[[int], bool], *, dice: random.Random | None = None) -> Found:
    """One target with random changes of its seeds, until there were enough: others in every run, unless there are `dice`. What is
    not taken well is shown, so that it can be given again."""
    dice, start, executions = dice or random.Random(), list(TARGETS[name].seeds()), 0
    while not enough(executions):
        data = changed(dice.choice(start), dice)
        try:
            TARGETS[name].run(data)
        except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked for
            return Found(executions, f"from {data!r}: {error!r}", by="random changes")
        executions += 1
    return Found(executions, by="random changes")


def changed(data: bytes, dice: random.Random) -> bytes:
    """The bytes with a few of them changed, cut out, doubled or new."""
    made = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(made) + 1)
        end = min(len(made), at + dice.randrange(1, 9))
        match dice.randrange(4):
            case 0:
                made[at:end] = dice.randbytes(end - at)
            case 1:
                del made[at:end]
            case 2:
                made[at:at] = made[at:end] * dice.randrange(1, 50)
            case _:
                made[at:at] = dice.choice((b"\0", b"\xff", b'"', b"[", b"{", b"-1", b"\\ud800", dice.randbytes(4)))
    return bytes(made)


def _after(seconds: float) -> Callable[[int], bool]:
    """Says when so many seconds have passed from now on."""
    end = time.monotonic() + seconds
    return lambda _done: time.monotonic() > end


def main() -> None:
    """The command. Exit code 1 when a target did not take something well."""
    parser = argparse.ArgumentParser(description="Wrong bytes for every reader of strangers' bytes.")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    given = parser.parse_args()
    total, faults = 0, 0
    for name in given.targets or TARGETS:
        found = with_atheris(name, given.seconds) or at_random(name, _after(given.seconds))
        total += found.executions
        faults += bool(found.fault)
        print(f"{name:<14}{found.executions:>12,} executions by {found.by}: {found.fault or 'no fault'}", flush=True)
    print(f"{'all':<14}{total:>12,} executions, {faults} faults")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
