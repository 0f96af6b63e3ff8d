"""Starts single services as processes of their own, each in a folder, with their real command lines."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from amparo_common.signing import SigningKey
from amparo_log import config
from amparo_log.note import NoteSigner
from amparo_log.view import OWNERS
from amparo_service.client import Client
from amparo_service.keys import replace_file, secret_bytes

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 30.0


def log_signer(folder: Path) -> NoteSigner:
    """The key of the log in this folder, made on first use."""
    return NoteSigner(config.origin(folder), secret_bytes(folder, "note-key").reveal())


def prepare_log(folder: Path, publishers: Mapping[str, SigningKey]) -> str:
    """A folder for a log in which these services may publish, each its own kinds; the log's vkey."""
    folder.mkdir(parents=True, exist_ok=True)
    allowed = [
        {
            "jwk": msgspec.to_builtins(key.public.jwk),
            "kinds": sorted(kind for kind, owner in OWNERS.items() if owner in (None, service)),
        }
        for service, key in publishers.items()
    ]
    replace_file(folder / "config.json", json.dumps({"publishers": allowed}).encode())
    return log_signer(folder).vkey


@contextlib.contextmanager
def service(name: str, folder: Path, *, clock: Path | None = None, core: int | None = None) -> Iterator[str]:
    """The service `name` on a folder, running; gives its address. `core`: it may use this processor core alone."""
    address = folder / "address"
    address.unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", f"amparo_{name}", "--data", str(folder), "--attached"]
    if clock is not None:
        command += ["--practice-clock", str(clock)]
    with on_core(core):  # a process keeps the cores of its starter
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        _wait(process, address)
        yield address.read_text()
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", address: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not address.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("A service does not start; its reason stands above.")
        time.sleep(0.02)
    Client(address.read_text(), patience=START_SECONDS).get("/health", dict[str, object])


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """This thread, and what it starts meanwhile, runs on one core alone (where the system can do that)."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def run_child(module: str, *args: str) -> bytes:
    """A bench's own part in a fresh process, so that its peak memory is its own; what it printed."""
    done = subprocess.run([sys.executable, "-m", module, *args], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{module} failed; its reason stands above.")
    return done.stdout


def peak_memory() -> int:
    """The most bytes this process ever held at once."""
    status = Path("/proc/self/status")
    if status.exists():  # `ru_maxrss` also remembers the process that started this one
        (line,) = [each for each in status.read_text().splitlines() if each.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
