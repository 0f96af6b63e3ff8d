"""Runs log, signer, shops, office, mint, desk and phone apps side by side as processes of their own, and starts again what dies.

Ports are chosen free the first time and kept, so that an address that somebody wrote down stays right. A service ends when
this process ends, however it ends (`--attached`). Who may say what in the log is written into the log's configuration here.
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import msgspec

from amparo import processes
from amparo.errors import ServiceFailed
from amparo.folder import APPS, DESK, SERVICES, SIGNER, DataFolder, ServicesFile
from amparo_common.signing import PublicJwk
from amparo_log.view import OWNERS
from amparo_service.client import Client
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.keys import replace_file
from amparo_service.login import CLIENT

START_SECONDS = 60.0
DESK_OUTPUT = "desk-output"
WATCH_SECONDS = 0.1
MOST_RESTARTS = 20
RESTART_WINDOW_SECONDS = 30.0
PRACTICE_WINDOW_HOURS = 36


# How the starter programmes' units are shown on phones.
STARTER_UNITS: dict[str, dict[str, object]] = {
    "usd": {
        "sign": "USD",
        "names": {"es": "Alimentos", "en": "Food", "fr": "Alimentation", "ar": "غذاء", "pt": "Alimentos"},
    },
    "usd-medicine": {
        "sign": "USD",
        "names": {"es": "Medicinas", "en": "Medicine", "fr": "Médicaments", "ar": "دواء", "pt": "Remédios"},
    },
}


_LOGIN_KEYS = "login-keys.json"


class Settings(msgspec.Struct, frozen=True):
    """What an operator chooses once; written into the services' configuration files when they are first made. `access`: the mint
    wants access tokens, for which office and shops side log wallets and tills in."""

    issuer: str = "https://amparo.example"
    contact: str = "Amparo, plaza mayor 1"
    debtor_name: str = "Amparo programme"
    debtor_account: str = "ES9121000418450200051332"
    currency: str = "USD"
    smallest_crowd: int = 20
    claim_window_hours: int = 72
    units: dict[str, dict[str, object]] = msgspec.field(default_factory=lambda: dict(STARTER_UNITS))
    access: bool = False


class _Keys(msgspec.Struct, frozen=True):
    """What a service prints with `--keys`."""

    vkey: str = ""
    jwk: PublicJwk | None = None
    login: PublicJwk | None = None


class Supervisor:
    """The four services of one data folder, the mint's signer, and desk and phone apps when they are asked for."""

    def __init__(
        self,
        folder: DataFolder,
        *,
        practice: bool,
        settings: Settings | None = None,
        desk: bool = False,
        apps: bool = False,
        on_restart: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._folder = folder
        self._practice = practice
        self._settings = Settings() if settings is None else settings
        self._last = ((DESK,) if desk else ()) + (APPS if apps else ())
        self._on_restart = on_restart
        # Owner of the processes: whoever holds the lock.
        self._lock = threading.Lock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # How much each had said in its lives before this one.
        self._said: dict[str, int] = {}
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._stopping = threading.Event()
        self._short = contextlib.ExitStack()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> ServicesFile:
        """Start everything and wait until it answers. Raises `FolderInUse`, `DiskFull`, `ServiceFailed`."""
        self._folder.prepare()
        self._folder.lock()
        with contextlib.ExitStack() as unless_started:
            unless_started.callback(self.stop)
            services = self._configure()
            for group in (("log", SIGNER), ("shops", "office", "mint"), self._last):
                for name in group:
                    self._processes[name] = self._spawn(name, services)
                for name in group:
                    self._wait(name, services)
            unless_started.pop_all()
        self._services = services
        self._watcher.start()
        return services

    def stop(self) -> None:
        """Stop everything in order, the log last. Safe to call twice."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        with self._lock:
            for name in (*self._last, *reversed(SERVICES[1:]), SIGNER, SERVICES[0]):
                process = self._processes.pop(name, None)
                if process is not None:
                    processes.stop(process)
        self._short.close()
        self._folder.unlock()

    def kill(self, name: str) -> None:
        """kill -9 a service, as a power cut would. It is started again. For fault tests."""
        with self._lock:
            self._processes[name].kill()

    def __enter__(self) -> ServicesFile:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # --- configuration ----------------------------------------------------------------------------------------------------

    def _configure(self) -> ServicesFile:
        known = self._folder.services()
        kept = {} if known is None else known.ports
        # A desk or phone app that is not asked for this time finds its address again the next.
        ports = kept | _free_ports((*SERVICES, *self._last), kept)
        if known is None:
            keys = self._ask_keys()
            self._write_log_config(keys)
            self._write_login_keys(keys)
            vkey = keys["log"].vkey
        else:
            vkey = known.vkey
        signer = processes.socket_in(self._folder.service(SIGNER), self._short_folder)
        services = ServicesFile(ports=ports, vkey=vkey, practice=self._practice, signer=signer)
        chosen, log = self._settings, {"log_url": services.url("log"), "log_vkey": vkey}
        # The demo's month is short: its aid is claimed within a day and a half.
        hours = min(chosen.claim_window_hours, PRACTICE_WINDOW_HOURS) if self._practice else chosen.claim_window_hours
        crowd = {"smallest": chosen.smallest_crowd, "window_hours": hours}
        told: dict[str, object] = {"shops_url": services.url("shops"), "signer": services.signer, "crowd": crowd}
        logs_in: dict[str, object] = {}
        if chosen.access and known is None:
            discovery = f"{chosen.issuer}/.well-known/openid-configuration"
            told["clear_auth"] = {"openid_discovery": discovery, "client_id": CLIENT, "keys": _LOGIN_KEYS}
            told["blind_auth"] = {}
            logs_in = {"login_issuer": chosen.issuer}
        self._write_config("mint", log | told)
        self._write_config(
            "office",
            log
            | logs_in
            | {
                "mint_url": services.url("mint"),
                "issuer": chosen.issuer,
                "contact": chosen.contact,
                "smallest_crowd": chosen.smallest_crowd,
            },
        )
        self._write_config(
            "shops",
            log
            | logs_in
            | {
                "debtor_name": chosen.debtor_name,
                "debtor_account": chosen.debtor_account,
                "currency": chosen.currency,
            },
        )
        for name in APPS:
            if name in self._last:
                self._write_app_config(name, services)
        self._folder.write_services(services)
        return services

    def _write_app_config(self, name: str, services: ServicesFile) -> None:
        told: dict[str, object] = {
            "log": services.url("log"),
            "vkey": services.vkey,
            "mint": services.url("mint"),
            "contact": self._settings.contact,
            "practice": self._practice,
            "units": self._settings.units,
        }
        told |= {"office": services.url("office")} if name == "wallet-app" else {"shops": services.url("shops")}
        path = self._folder.service(name) / "config.json"
        known = json.loads(path.read_bytes())["addresses"] if path.exists() else {}
        path.parent.mkdir(mode=0o700, exist_ok=True)
        settings = {"app": name.removesuffix("-app"), "addresses": told | _own_words(known)}
        replace_file(path, json.dumps(settings, indent=1, ensure_ascii=False).encode())

    def _short_folder(self) -> str:
        return self._short.enter_context(tempfile.TemporaryDirectory(prefix="amparo-"))

    def _ask_keys(self) -> dict[str, _Keys]:
        """Let every service make its keys and print the public ones."""
        asked = {
            name: subprocess.Popen(  # noqa: S603 - our own services
                [*processes.command(name, self._folder.service(name)), "--keys"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for name in SERVICES
        }
        found = {}
        for name, process in asked.items():
            out, err = process.communicate()
            if process.returncode != 0:
                raise ServiceFailed(
                    f"The service {name} cannot make its keys.", why=err.decode(errors="replace").strip()
                )
            found[name] = msgspec.json.decode(out, type=_Keys)
        return found

    def _write_log_config(self, keys: dict[str, _Keys]) -> None:
        publishers = [
            {
                "jwk": msgspec.to_builtins(keys[name].jwk),
                "kinds": sorted(kind for kind, owner in OWNERS.items() if owner in (None, name)),
            }
            for name in SERVICES
            if name != "log"
        ]
        self._write_config("log", {"publishers": publishers})

    def _write_login_keys(self, keys: dict[str, _Keys]) -> None:
        """Whose word the mint takes for who is a wallet or a till of the programme."""
        found = [msgspec.to_builtins(each.login) for each in keys.values() if each.login is not None]
        replace_file(self._folder.service("mint") / _LOGIN_KEYS, json.dumps({"keys": found}).encode())

    def _write_config(self, name: str, values: Mapping[str, object]) -> None:
        """Write a service's config.json; what an operator added or changed there besides addresses is kept."""
        path = self._folder.service(name) / "config.json"
        old: dict[str, object] = json.loads(path.read_bytes()) if path.exists() else {}
        where = {key: value for key, value in values.items() if key.endswith("_url") or key == "signer"}
        addresses = where | {key: value for key, value in values.items() if key not in old}
        replace_file(path, json.dumps(old | addresses, indent=1).encode())

    # --- processes --------------------------------------------------------------------------------------------------------

    def _spawn(self, name: str, services: ServicesFile) -> "subprocess.Popen[bytes]":
        folder = self._folder.service(name)
        self._said[name] = processes.said_so_far(folder, _output(name))
        if name == SIGNER:
            folder.mkdir(mode=0o700, exist_ok=True)
            return processes.start(name, folder, "--socket", services.signer)
        clock = ["--practice-clock", str(self._folder.clock)] if self._practice else []
        return processes.start(name, folder, "--port", str(services.ports[name]), *clock, output=_output(name))

    def _wait(self, name: str, services: ServicesFile) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(name, services):
            if self._processes[name].poll() is not None or time.monotonic() > deadline:
                folder, process = self._folder.service(name), self._processes[name]
                said = processes.last_words(process, folder, _output(name), since=self._said[name])
                raise ServiceFailed(f"The service {name} does not start.", why=said)
            time.sleep(0.02)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            with self._lock:
                for name, process in list(self._processes.items()):
                    if process.poll() is not None:
                        self._restart(name)

    def _restart(self, name: str) -> None:
        now = time.monotonic()
        if len(self._restarts) == MOST_RESTARTS and now - self._restarts[0] < RESTART_WINDOW_SECONDS:
            return  # it dies again and again: callers get `Unreachable`, and `output` says why
        self._restarts.append(now)
        dead = self._processes[name]
        if dead.stdin is not None:
            dead.stdin.close()
        self._on_restart(name)
        self._processes[name] = self._spawn(name, self._services)


def _output(name: str) -> str:
    return DESK_OUTPUT if name == DESK else "output"


def _own_words(known: dict[str, object]) -> dict[str, object]:
    """What an operator wrote into the settings of a phone app: anything but an address on this machine."""
    local = {key for key, value in known.items() if isinstance(value, str) and value.startswith("http://127.0.0.1:")}
    return {key: value for key, value in known.items() if key not in local | {"vkey", "practice"}}


def _answers(name: str, services: ServicesFile) -> bool:
    if name == SIGNER:
        return processes.listens(services.signer)
    try:
        health = Client(services.url(name), patience=0).get("/health", dict[str, object])
    except (Unreachable, RemoteError):
        return False
    return health.get("service") == name


def _free_ports(names: Iterable[str], known: dict[str, int]) -> dict[str, int]:
    """A free port for every service: the one it had, when that is still free."""
    sockets, found = [], {}
    try:
        for name in names:
            listener = _bind(known.get(name, 0)) or _bind(0)
            assert listener is not None  # noqa: S101 - port 0 always finds one
            sockets.append(listener)
            found[name] = int(listener.getsockname()[1])
    finally:
        for listener in sockets:
            listener.close()
    return found


def _bind(port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        return None
    return listener
