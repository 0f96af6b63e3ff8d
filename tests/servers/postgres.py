"""Debian's PostgreSQL on a free port, in a folder of its own, as a user that is not root. Nothing of it is left behind."""

import contextlib
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

SETTINGS = {"listen_addresses": "127.0.0.1", "max_connections": "40", "shared_buffers": "32MB"}


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs, the newest one, or None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parents[1].name))
    return found[-1].parent if found else None


def as_postgres(command: list[str]) -> list[str]:
    """The command run as PostgreSQL's own user, where this one is root."""
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command] if os.getuid() == 0 else command
    )


def free_port() -> int:
    """A port that nothing listens on, from the range that the system does not give to outgoing connections: a server that starts
    again must find it free."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class PostgresServer:
    """One server, on what lies in `folder` already or on a new one. `fsync` stays on: what it answered is on the disk."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self.environment: dict[str, str] = {}  # besides this process's, from the next start on
        self.port = free_port()
        self._settings: dict[str, str] = {}
        if not (folder / "PG_VERSION").exists():
            self._run("initdb", "-D", str(folder), "-U", "amparo", "--auth=trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        command = as_postgres([str(self._programs / program), *arguments])
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.folder,
            env=os.environ | self.environment,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")

    def start(self, **settings: str) -> None:
        """Start and wait until it answers."""
        self._settings = settings
        options = {"port": str(self.port), "unix_socket_directories": str(self.folder)} | SETTINGS | settings
        words = " ".join(f"-c {name}={value}" for name, value in options.items())
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "-D", str(self.folder), "-l", log, "-o", words, "-w", "-t", "30", "start")

    def bring_back(self) -> None:
        """Wait until it answers after an accident; start it where it has ended itself. Raises `RuntimeError` after 30 s."""
        until = time.monotonic() + 30
        while True:
            try:
                return self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "amparo")
            except RuntimeError:
                if time.monotonic() > until:
                    raise
            # Refused while it runs: it is mending itself.
            with contextlib.suppress(RuntimeError):
                self.start(**self._settings)
            time.sleep(0.1)

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast`, or `immediate` as a power cut would."""
        self._run("pg_ctl", "-D", str(self.folder), "-m", mode, "-w", "stop")

    def address(self, database: str = "postgres") -> str:
        """Where a database of this server is."""
        return f"postgresql://amparo@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """An empty database; its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "amparo", name)
        return self.address(name)

    def back_up(self, name: str) -> Path:
        """A backup of a database by PostgreSQL's own tool; its file."""
        file = self.folder / f"{name}.dump"
        self._run("pg_dump", "-Fc", "-f", str(file), self.address(name))
        return file

    def put_back(self, name: str, file: Path) -> None:
        """The database as it was in a backup. Nobody may be connected to it."""
        port = str(self.port)
        self._run("dropdb", "-h", "127.0.0.1", "-p", port, "-U", "amparo", name)
        self.make_database(name)
        self._run("pg_restore", "-d", self.address(name), str(file))

    def copy_database(self, source: str, name: str) -> str:
        """A copy of a database that nobody is connected to; its address."""
        port = str(self.port)
        self._run("createdb", "-h", "127.0.0.1", "-p", port, "-U", "amparo", "-T", source, "-S", "file_copy", name)
        return self.address(name)


@contextlib.contextmanager
def postgres_server(
    settings: Mapping[str, str] | None = None, *, kept: Path | None = None
) -> Iterator[PostgresServer | None]:
    """A running server, or None where PostgreSQL is not installed. `settings` go beside the usual ones. `kept`: the folder in which
    its databases stay."""
    programs = find_postgres()
    if programs is None:
        yield None
        return
    with contextlib.nullcontext(_kept_folder(kept)) if kept else postgres_folder() as folder:
        server = PostgresServer(programs, folder)
        server.start(**(settings or {}))
        try:
            yield server
        finally:
            server.stop("fast" if kept else "immediate")


@contextlib.contextmanager
def postgres_folder() -> Iterator[Path]:
    """An empty folder that belongs to PostgreSQL's user and goes."""
    folder = Path(tempfile.mkdtemp(prefix="amparo-postgres-"))
    try:
        _hand_over(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kept_folder(folder: Path) -> Path:
    """This folder, made for PostgreSQL's user where it is missing."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        _hand_over(folder)
    return folder


def _hand_over(folder: Path) -> None:
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
