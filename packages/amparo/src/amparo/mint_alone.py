"""Runs one mint with its signer, on a machine of their own: the log and the shops side are elsewhere, at addresses.

Both end with this process, however it ends. When one of them dies the other is stopped and the last words are shown: who started
this process (systemd, say) starts it again, and everything is found as it was.
"""

import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from amparo import processes
from amparo.errors import ServiceFailed
from amparo.folder import DataFolder
from amparo_service.client import Client
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.keys import replace_file

START_SECONDS = 60.0
PAUSE_SECONDS = 0.05


class Place(msgspec.Struct, frozen=True):
    """What a new mint has to be told: the log and its key, the shops side, its database, and the units whose keysets come by the
    calendar."""

    log_url: str
    log_vkey: str
    shops_url: str
    database: str = "sqlite"
    units: list[str] = []


class MintAlone:
    """A mint and its signer in the folders `mint` and `signer` of `data`."""

    def __init__(self, data: Path, place: Place | None, *, host: str, port: int) -> None:
        self._folder = DataFolder(data)
        self._mint, self._signer = self._folder.service("mint"), self._folder.service("signer")
        self._place = place
        self._listen = ("--host", host, "--port", str(port))
        # Each with its folder, and how much was said there before it began.
        self._processes: list[tuple[Path, int, subprocess.Popen[bytes]]] = []
        self._short = contextlib.ExitStack()

    def __enter__(self) -> str:
        """Start both; the mint's address, once it answers there. Raises `FolderInUse`, `DiskFull`, and `ServiceFailed` with the
        last words of what did not start."""
        address = self._mint / "address"
        with contextlib.ExitStack() as unless_started:
            unless_started.callback(self.stop)
            self._folder.prepare()
            self._folder.lock()
            for folder in (self._mint, self._signer):
                folder.mkdir(exist_ok=True, mode=0o700)
            socket = processes.socket_in(self._signer, self._short_folder)
            self._configure(socket)
            self._start("signer", self._signer, "--socket", socket)
            self._wait(lambda: processes.listens(socket))
            address.unlink(missing_ok=True)
            self._start("mint", self._mint, *self._listen)
            self._wait(lambda: _answers(address))
            unless_started.pop_all()
        return address.read_text()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def calendar(self) -> list[str]:
        """The units whose keysets come by themselves; what is over is closed for every unit."""
        settings = _read(self._mint / "config.json").get("calendar")
        return list(settings.get("units", [])) if isinstance(settings, dict) else []

    def watch(self, ended: threading.Event) -> None:
        """Returns when `ended` is set. Raises `ServiceFailed` when one of the two has ended by itself."""
        while not ended.wait(PAUSE_SECONDS):
            self._check()

    def stop(self) -> None:
        """Stop the mint, then the signer. Safe to call twice."""
        while self._processes:
            processes.stop(self._processes.pop()[2])
        self._short.close()
        self._folder.unlock()

    def _short_folder(self) -> str:
        return self._short.enter_context(tempfile.TemporaryDirectory(prefix="amparo-"))

    def _configure(self, socket: str) -> None:
        """Written when the folder is new; afterwards an operator's own file counts, but for the signer's socket."""
        path = self._mint / "config.json"
        if path.exists():
            kept = _read(path)
        elif self._place is None:
            raise ServiceFailed(
                "The mint does not know its log.",
                why=f"{path} is not there.",
                todo="Give --log-url, --log-vkey and --shops-url the first time.",
            )
        else:
            place = self._place
            kept = {"log_url": place.log_url, "log_vkey": place.log_vkey, "shops_url": place.shops_url}
            kept |= {"database": place.database, "crowd": {}} | (
                {"calendar": {"units": place.units}} if place.units else {}
            )
        replace_file(path, msgspec.json.format(msgspec.json.encode(kept | {"signer": socket}), indent=1))

    def _start(self, name: str, folder: Path, *words: str) -> None:
        said = processes.said_so_far(folder)
        self._processes.append((folder, said, processes.start(name, folder, *words)))

    def _wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self._check()
            if time.monotonic() > deadline:
                raise ServiceFailed("The mint does not start.", why="It gave no sign of life.")
            time.sleep(PAUSE_SECONDS)

    def _check(self) -> None:
        for folder, said, process in self._processes:
            if process.poll() is not None:
                why = processes.last_words(process, folder, since=said)
                raise ServiceFailed(f"The {folder.name} has ended.", why=why)


def _answers(address: Path) -> bool:
    """Whether a mint answers at the address in a file: it is there before the mint has looked at its database and its log."""
    if not address.exists():
        return False
    try:
        Client(address.read_text(), patience=0, timeout=1.0).get("/health", dict[str, object])
    except (Unreachable, RemoteError):
        return False
    return True


def _read(path: Path) -> dict[str, object]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except (ValueError, RecursionError) as error:
        raise ServiceFailed(f"{path} cannot be read.", why=f"{error}.", todo="Mend the file.") from error
