"""Nutshell's mint (PyPI `cashu`) in an environment of its own, made on first use and kept beside ours.

Nutshell pins old releases that ours cannot live with, so it gets a private folder under AMPARO_HOME (`.amparo`), made from
`requirements.txt`: Nutshell's own lock file where that names a release, every file held by its hash. One release differs: of
`breez-sdk-spark`, a payment backend that nothing here uses, the one that Nutshell asks for (0.17) is gone, so 0.18.0 stands
in. Compiled with `uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header`, constraints
written from that lock file, and an override for the one release.

The mint runs as its authors ship it, with its own practice backend (FakeWallet: every invoice counts as paid), SQLite, no
rate limit, no input fee and no access log.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tools.environments import CannotMake, environment

from amparo_service.client import Client
from amparo_service.errors import RemoteError, Unreachable
from bench.processes import on_core

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
START_SECONDS = 60.0


def nutshell() -> Path:
    """The folder of Nutshell's environment. Raises `CannotMake`."""
    return environment("nutshell", REQUIREMENTS)


def nutshell_version() -> str:
    """The release of Nutshell that `requirements.txt` names."""
    (line,) = [each for each in REQUIREMENTS.read_text().splitlines() if each.startswith("cashu==")]
    return line.removeprefix("cashu==").rstrip(" \\")


@contextlib.contextmanager
def nutshell_mint(folder: Path, *, core: int | None = None) -> Iterator[tuple[str, int]]:
    """Nutshell's mint with an empty database in `folder`, running; gives its address and process id. `core`: it may use this
    processor core alone."""
    port = _free_port()
    command = [str(nutshell() / "bin" / "mint"), "--port", str(port), "--access-log=0"]
    with (folder / "output").open("wb") as output, on_core(core):
        process = subprocess.Popen(command, cwd=folder, env=_settings(folder), stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, folder / "output")
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _settings(folder: Path) -> dict[str, str]:
    # HOME is the folder, so that no settings file of the person who runs this is read.
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LOG_LEVEL": "WARNING",
        "MINT_PRIVATE_KEY": "practice",
        "MINT_DATABASE": str(folder / "mint"),
        "MINT_BACKEND_BOLT11_SAT": "FakeWallet",
        "MINT_RATE_LIMIT": "FALSE",
        "MINT_INPUT_FEE_PPK": "0",
        "MINT_QUOTE_BACKEND_CHECK_RATE_LIMIT": "0",
        "FAKEWALLET_DELAY_INCOMING_PAYMENT": "0",
        "FAKEWALLET_DELAY_OUTGOING_PAYMENT": "0",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", url: str, output: Path) -> None:
    client, deadline = Client(url, patience=0), time.monotonic() + START_SECONDS
    while True:
        try:
            client.get("/v1/info", dict[str, object])
        except (Unreachable, RemoteError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CannotMake(f"Nutshell's mint does not start: {output.read_text()[-500:]}") from None
            time.sleep(0.1)
        else:
            return
