"""The data folder: one folder a service, the addresses, the practice clock, and a lock so that one process runs it.

FOLDER/services.json      ports and public keys, kept over restarts
FOLDER/{log,office,mint,shops}/   each service's own database, keys, config.json, output
FOLDER/signer/            the mint's private keys, held by a process of its own that listens on a socket
FOLDER/office/            also the desk's: register, keyring, keys, job files
FOLDER/{wallet-app,till-app}/  what the phone apps' servers are told: config.json
FOLDER/staff.json         access tokens of the staff roles, for the command line (mode 0600)
"""

import fcntl
import json
import os
import shutil
from pathlib import Path

import msgspec

from amparo.errors import DiskFull, FileMissing, FolderInUse, FolderOpen
from amparo_service.keys import replace_file

SERVICES = ("log", "shops", "office", "mint")
SIGNER = "signer"
# The staff's pages: a process of its own in the office's folder.
DESK = "desk"
# The phone apps, each on an address of its own: a browser keeps their stored money apart.
APPS = ("wallet-app", "till-app")
SMALLEST_FREE = 200 * 1024 * 1024


class ServicesFile(msgspec.Struct, frozen=True):
    """`services.json`: the port of each service that was ever started here, the signer's socket, and the log's public key."""

    ports: dict[str, int]
    vkey: str
    practice: bool
    signer: str = ""

    def url(self, service: str) -> str:
        """The address of a service."""
        return f"http://127.0.0.1:{self.ports[service]}"


def take_lock(file: Path) -> int | None:
    """Take a lock file for this process, until it closes the descriptor that is returned, or ends. None when another has it."""
    found = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(found)
        return None
    return found


def private_folder(folder: Path) -> None:
    """Make a folder that nobody else on this machine can read, or find it so. Raises `FolderOpen`, `FileMissing`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = folder.stat().st_mode
    except OSError as error:
        raise FileMissing(f"The folder {folder} cannot be made.", why=f"{error.strerror}.") from error
    if mode & 0o077:
        raise FolderOpen(f"Others on this machine can open the folder {folder}.")


class DataFolder:
    """The files of one installation."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.clock = self.root / "clock"
        self.staff_file = self.root / "staff.json"
        self._services_file = self.root / "services.json"
        self._lock: int | None = None

    def service(self, name: str) -> Path:
        """A service's own folder."""
        return self.root / ("office" if name == DESK else name)

    def prepare(self) -> None:
        """Make the folder. Raises `DiskFull` when it cannot be made or has too little room."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            free = shutil.disk_usage(self.root).free
        except OSError as error:
            raise DiskFull(f"The folder {self.root} cannot be made.", why=f"{error.strerror}.") from error
        if free < SMALLEST_FREE:
            raise DiskFull(f"The disk that holds {self.root} has {free // 1_000_000} MB left; 200 MB are needed.")

    def lock(self) -> None:
        """Take the folder for this process, until it ends. Raises `FolderInUse`."""
        self._lock = take_lock(self.root / "lock")
        if self._lock is None:
            raise FolderInUse(f"The services of {self.root} are running already.")

    def unlock(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def services(self) -> ServicesFile | None:
        """Where the services listen, if they were ever started."""
        if not self._services_file.exists():
            return None
        return msgspec.json.decode(self._services_file.read_bytes(), type=ServicesFile)

    def write_services(self, found: ServicesFile) -> None:
        """Keep where the services listen."""
        replace_file(self._services_file, json.dumps(msgspec.to_builtins(found), indent=1).encode())
