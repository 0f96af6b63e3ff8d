"""Two PostgreSQL servers that Patroni keeps as one: a primary and a synchronous replica, with etcd as the judge (all from Debian).

Everything runs on free ports of this machine, in folders of its own, as a user that is not root, and ends with the test.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.postgres import as_postgres, find_postgres, free_port, postgres_folder

# Patroni takes no shorter time to live. A primary that is gone is replaced after it.
TIME_TO_LIVE = 20
START_SECONDS = 90.0


def missing() -> list[str]:
    """Debian's packages that are not installed."""
    programs = {"etcd": "etcd-server", "patroni": "patroni"}
    return [package for program, package in programs.items() if shutil.which(program) is None] + (
        [] if find_postgres() else ["postgresql"]
    )


class Child:
    """A program as PostgreSQL's user, its words in a file."""

    def __init__(self, command: list[str], folder: Path, name: str) -> None:
        self._command = as_postgres(command)
        self._folder = folder
        self._words = folder / f"{name}.words"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self._folder)}
        with self._words.open("ab") as words:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env=environment,
                cwd=self._folder,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """A signal to it, where it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def words(self) -> str:
        """What it said last."""
        return self._words.read_text(errors="replace")[-200000:]


class Node:
    """One machine: a Patroni with its PostgreSQL."""

    def __init__(self, name: str, folder: Path, programs: Path, etcd: str) -> None:
        self.name = name
        self.port, self.rest = free_port(), free_port()
        self._data = folder / name
        config = folder / f"{name}.json"
        config.write_text(json.dumps(self._config(folder, programs, etcd)))
        self._patroni = Child(["patroni", str(config)], folder, name)

    def _config(self, folder: Path, programs: Path, etcd: str) -> dict[str, Any]:
        trust = [
            f"{kind} {database} all {where} trust"
            for kind, where in (("local", ""), ("host", "127.0.0.1/32"))
            for database in ("all", "replication")
        ]
        return {
            "scope": "amparo",
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.rest}", "connect_address": f"127.0.0.1:{self.rest}"},
            # By etcd's second protocol: with the third one Patroni 3.0 takes the lock without looking whose it is, when it was
            # frozen at the wrong moment, and the cluster then stays without a replica.
            "etcd": {"host": etcd},
            "bootstrap": {
                "dcs": {
                    "ttl": TIME_TO_LIVE,
                    "loop_wait": 2,
                    "retry_timeout": 5,
                    "synchronous_mode": True,
                    # Without a replica that has it, nothing is answered.
                    "synchronous_mode_strict": True,
                    "primary_start_timeout": 0,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "use_slots": True,
                        "parameters": {"max_connections": 60, "shared_buffers": "32MB", "wal_keep_size": "256MB"},
                    },
                },
                "initdb": [{"encoding": "UTF8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self._data),
                "bin_dir": str(programs),
                "pgpass": str(folder / f"{self.name}.pgpass"),
                "authentication": {
                    "superuser": {"username": "amparo", "password": "amparo"},
                    "replication": {"username": "replicator", "password": "replicator"},
                    "rewind": {"username": "amparo", "password": "amparo"},
                },
                "parameters": {"unix_socket_directories": str(folder)},
                "pg_hba": trust,
            },
            "watchdog": {"mode": "off"},
        }

    def start(self) -> None:
        """Start Patroni, which starts PostgreSQL."""
        self._patroni.start()

    def kill(self) -> None:
        """The machine is gone: SIGKILL for everything at once."""
        postgres = self._postgres()
        self._patroni.kill()
        self._signal(postgres, signal.SIGKILL)

    def freeze(self) -> None:
        """The machine stands still: everything keeps its connections and answers nothing."""
        self._patroni.send(signal.SIGSTOP)
        self._signal(self._postgres(), signal.SIGSTOP)

    def hand_over(self) -> None:
        """Ask Patroni for a planned change of the primary."""
        body = json.dumps({"leader": self.name}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=START_SECONDS)
        try:
            connection.request("POST", "/switchover", body)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
        finally:
            connection.close()

    def thaw(self) -> None:
        """The machine goes on, and does not know that time has passed."""
        self._signal(self._postgres(), signal.SIGCONT)
        self._patroni.send(signal.SIGCONT)

    def is_primary(self) -> bool:
        """Whether Patroni says, as it says to a load balancer, that this one takes writes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.rest, timeout=2)
        try:
            connection.request("GET", "/primary")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _postgres(self) -> list[int]:
        """The numbers of PostgreSQL's processes: the first one and its children."""
        try:
            first = int((self._data / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        except (OSError, IndexError):
            return []
        return [first, *map(int, children)]

    @staticmethod
    def _signal(processes: list[int], number: signal.Signals) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def words(self) -> str:
        """What Patroni said last."""
        return self._patroni.words()


class Cluster:
    """Two nodes and their judge."""

    def __init__(self, folder: Path, programs: Path) -> None:
        client, peer = free_port(), free_port()
        here = f"http://127.0.0.1:{client}"
        beside = f"http://127.0.0.1:{peer}"
        self._programs = programs
        options = {
            "data-dir": str(folder / "etcd"),
            "listen-client-urls": here,
            "advertise-client-urls": here,
            "listen-peer-urls": beside,
            "initial-advertise-peer-urls": beside,
            "initial-cluster": f"default={beside}",
            "enable-v2": "true",
        }
        self._etcd = Child(["etcd", *(f"--{name}={value}" for name, value in options.items())], folder, "judge")
        self.nodes = [Node(f"node{number}", folder, programs, f"127.0.0.1:{client}") for number in (1, 2)]

    def start(self) -> None:
        """Start all of it, and wait for a primary with a synchronous replica."""
        self._etcd.start()
        for node in self.nodes:
            node.start()
        self.wait_in_step()

    def wait_in_step(self) -> Node:
        """Waits for a primary with a synchronous replica; the primary."""
        return self._wait("leader", "sync_standby")

    def wait_primary(self, *, instead_of: Node) -> Node:
        """Waits for another primary that takes writes; it."""
        deadline = time.monotonic() + START_SECONDS
        while (found := self._wait("leader")) is instead_of or not found.is_primary():
            assert time.monotonic() < deadline, found.words()
            time.sleep(0.1)
        return found

    def _wait(self, *roles: str) -> Node:
        deadline = time.monotonic() + START_SECONDS
        while True:
            members = self._members()
            if set(roles) <= set(members):
                return next(node for node in self.nodes if node.name == members["leader"])
            assert time.monotonic() < deadline, f"{members}\n" + "\n".join(node.words() for node in self.nodes)
            time.sleep(0.1)

    def _members(self) -> dict[str, str]:
        """The running members by their role, as one of the nodes sees it."""
        for node in self.nodes:
            connection = http.client.HTTPConnection("127.0.0.1", node.rest, timeout=2)
            try:
                connection.request("GET", "/cluster")
                found = json.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException, ValueError):
                continue
            finally:
                connection.close()
            return {
                each["role"]: each["name"]
                for each in found.get("members", [])
                if each["state"] in {"running", "streaming"}
            }
        return {}

    def make_database(self, name: str) -> str:
        """An empty database; its address names both nodes and asks for the one that takes writes."""
        primary = self.wait_in_step()
        command = [str(self._programs / "createdb"), "-h", "127.0.0.1", "-p", str(primary.port), "-U", "amparo", name]
        subprocess.run(as_postgres(command), check=True, stdin=subprocess.DEVNULL, timeout=30)
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://amparo@{hosts}/{name}?target_session_attrs=read-write"

    def close(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.thaw()
            node.kill()
        self._etcd.kill()


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A running cluster. `missing` must be empty."""
    programs = find_postgres()
    assert programs is not None
    with postgres_folder() as folder:
        made = Cluster(folder, programs)
        try:
            made.start()
            yield made
        finally:
            made.close()
