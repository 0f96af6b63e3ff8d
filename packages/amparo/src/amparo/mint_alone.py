"""Runs one mint with its signer, on a machine of their own: the log and the shops side are elsewhere, at addresses.

Both end with this process, however it ends. When one of them dies the other is stopped and the last words are shown: who started
this process (systemd, say) starts it again, and everything is found as it was.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from amparo.errors import ServiceFailed
from amparo_service.keys import replace_file

START_SECONDS = 60.0
STOP_SECONDS = 20.0
PAUSE_SECONDS = 0.05
LONGEST_SOCKET = 100


class Place(msgspec.Struct, frozen=True):
    """What a new mint has to be told: the log and its key, the shops side, and its database."""

    log_url: str
    log_vkey: str
    shops_url: str
    database: str = "sqlite"


class MintAlone:
    """A mint and its signer in the folders `mint` and `signer` of `data`."""

    def __init__(self, data: Path, place: Place | None, *, host: str, port: int) -> None:
        self._mint, self._signer = data / "mint", data / "signer"
        self._place = place
        self._listen = ("--host", host, "--port", str(port))
        self._processes: list[tuple[Path, subprocess.Popen[bytes]]] = []
        self._short = tempfile.TemporaryDirectory(prefix="amparo-")

    def __enter__(self) -> str:
        """Start both; the mint's address. Raises `ServiceFailed` with the last words of what did not start."""
        for folder in (self._mint, self._signer):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = (self._signer / "signer").with_suffix(".sock")
        socket = path if len(os.fsencode(path)) <= LONGEST_SOCKET else Path(self._short.name, path.name)
        self._configure(str(socket))
        try:
            self._start(self._signer, "amparo_signer", "--socket", str(socket))
            self._wait(socket)
            address = self._mint / "address"
            address.unlink(missing_ok=True)
            self._start(self._mint, "amparo_mint", *self._listen)
            self._wait(address)
        except BaseException:
            self.stop()
            raise
        return address.read_text()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def watch(self, ended: threading.Event) -> None:
        """Returns when `ended` is set. Raises `ServiceFailed` when one of the two has ended by itself."""
        while not ended.wait(PAUSE_SECONDS):
            self._check()

    def stop(self) -> None:
        """Stop the mint, then the signer. Safe to call twice."""
        while self._processes:
            _, process = self._processes.pop()
            if process.stdin is not None:
                process.stdin.close()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._short.cleanup()

    def _configure(self, socket: str) -> None:
        """Written when the folder is new; afterwards an operator's own file counts, but for the signer's socket."""
        path = self._mint / "config.json"
        if path.exists():
            kept: dict[str, object] = msgspec.json.decode(path.read_bytes())
        elif self._place is None:
            raise ServiceFailed(
                "The mint does not know its log.",
                why=f"{path} is not there.",
                todo="Give --log-url, --log-vkey and --shops-url the first time.",
            )
        else:
            place = self._place
            kept = {"log_url": place.log_url, "log_vkey": place.log_vkey, "shops_url": place.shops_url}
            kept |= {"database": place.database, "crowd": {}}
        replace_file(path, msgspec.json.format(msgspec.json.encode(kept | {"signer": socket}), indent=1))

    def _start(self, folder: Path, module: str, *words: str) -> None:
        command = [sys.executable, "-P", "-m", module, "--data", str(folder), "--attached", *words]
        with (folder / "output").open("ab") as output:
            # A session of its own: Ctrl-C reaches this process only, which then stops them in order.
            process = subprocess.Popen(  # noqa: S603 - our own services
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        self._processes.append((folder, process))

    def _wait(self, sign: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not sign.exists():
            self._check()
            if time.monotonic() > deadline:
                raise ServiceFailed("The mint does not start.", why=f"{sign.name} did not appear.")
            time.sleep(PAUSE_SECONDS)

    def _check(self) -> None:
        for folder, process in self._processes:
            if process.poll() is not None:
                lines = (folder / "output").read_text(errors="replace").strip().splitlines()
                raise ServiceFailed(f"The {folder.name} has ended.", why=lines[-1] if lines else "It gave no reason.")
