"""One of our services as a process: started on its folder, stopped, asked for its last words. It ends with this process, however
that ends (`--attached`)."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

STOP_SECONDS = 10.0
_LONGEST_SOCKET = 100
_MODULES = {"desk": "amparo_office.desk", "wallet-app": "amparo_apps", "till-app": "amparo_apps"}


def command(name: str, folder: Path) -> list[str]:
    """The command line of a service on its folder."""
    # -P: the folder we stand in is not searched for modules.
    return [sys.executable, "-P", "-m", _MODULES.get(name, f"amparo_{name}"), "--data", str(folder)]


def start(name: str, folder: Path, *words: str, output: str = "output") -> "subprocess.Popen[bytes]":
    """Start a service; what it says goes to the file `output` in its folder."""
    with (folder / output).open("ab") as said:
        # A session of its own: Ctrl-C reaches this process only, which then stops the services in order.
        return subprocess.Popen(  # noqa: S603 - our own services
            [*command(name, folder), "--attached", *words],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop a service politely, and for sure after `STOP_SECONDS`."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def said_so_far(folder: Path, output: str = "output") -> int:
    """How many bytes a service said in all its lives, before another one begins."""
    path = folder / output
    return path.stat().st_size if path.exists() else 0


def last_words(process: "subprocess.Popen[bytes]", folder: Path, output: str = "output", *, since: int = 0) -> str:
    """What a service said last in this life, which began after `since` bytes; else how it ended."""
    lines = (folder / output).read_bytes()[since:].decode(errors="replace").strip().splitlines()
    if lines:
        return lines[-1]
    if process.returncode is not None and process.returncode < 0:
        number = -process.returncode
        return f"It was ended by signal {number} ({signal.strsignal(number)})."
    return "It gave no reason."


def socket_in(folder: Path, elsewhere: Callable[[], str]) -> str:
    """Where a service with this folder listens: there, or in the folder that `elsewhere` makes when that path is too long for a
    socket."""
    path = folder / f"{folder.name}.sock"
    return str(path if len(os.fsencode(path)) <= _LONGEST_SOCKET else Path(elsewhere(), path.name))


def listens(path: str) -> bool:
    """Whether somebody listens there: the file alone may be a dead process's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0
