"""Our mint as foreign wallets meet it: a real log, signer and mint, and a gateway with a practice method and neighbours.

All contact with the insides of our services is in this file: which files and keys a mint, a signer and a log need before
they start, how the operator makes a keyset, how the office says that a quote is paid.
"""

import contextlib
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from bench.processes import on_core, prepare_log
from tests.foreign.gateway import Gateway

from amparo_common.bridge import AidApproved, KeyAnnounced, QuotePaid, seal
from amparo_common.ids import QuoteId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey, sign_compact
from amparo_log.follow import LogFollower
from amparo_service.client import Client
from amparo_service.keys import file_once, replace_file, signing_key

PERIOD = "2026-11"
ENOUGH = 10**12  # what the practice office is approved to pay, in every unit
START_SECONDS = 30.0
STOP_SECONDS = 10.0


class PracticeMint:
    """A running mint. `url`: the mint itself. `front`: the mint with the bolt11-shaped method, and `/pay`, where the practice
    office pays quotes. `keysets`: the id of each unit's keyset. `folder`: the mint's own files. `log`: the public log as
    others read it."""

    def __init__(
        self, folder: Path, gateway: Gateway, signer: "_Process", *, log: LogFollower, core: int | None
    ) -> None:
        self.log = log
        self.folder, self.front, self.keysets = folder, gateway.url, dict[str, str]()
        self._gateway, self._signer, self._core = gateway, signer, core
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        """Start the mint and wait until it answers."""
        self._mint = self._running.enter_context(_service("mint", self.folder, core=self._core))
        self.url = self._gateway.mint_url = self._mint.url

    def stop(self) -> None:
        """Stop the mint; everything around it stays."""
        self._running.close()

    def new_keyset(self, unit: str) -> None:
        """Have the operator announce a keyset and make it the unit's active one."""
        token = file_once(self.folder / "operator.token", lambda: secrets.token_urlsafe(32).encode())
        asked = {"unit": unit, "period": PERIOD, "final_expiry": None}
        operator = Client(self.url, bearer=token.decode())
        self.keysets[unit] = operator.post("/operate/keysets", asked, dict[str, str])["keyset"]

    def processes(self) -> list[int]:
        """The process ids of mint and signer."""
        return [self._mint.id, self._signer.id]


@contextlib.contextmanager
def practice_mint(
    folder: Path, *, units: Sequence[str], core: int | None = None, settings: Mapping[str, object] | None = None
) -> Iterator[PracticeMint]:
    """A mint in an empty folder, with a keyset for every unit. `core`: mint and signer may use this processor core alone.
    `settings`: more of the mint's configuration."""
    mint_folder = folder / "mint"
    mint_folder.mkdir()
    office = _Office()
    vkey = prepare_log(folder / "log", {"mint": signing_key(mint_folder, "publish-key"), "office": office.key})
    with (
        _service("log", folder / "log", core=None) as log,
        _signer(folder / "signer", core=core) as signer,
        Gateway(office.pay) as gateway,
    ):
        office.speak(LogFollower(Client(log.url), vkey, folder / "office-seen"), units)
        where = {"log_url": log.url, "log_vkey": vkey, "shops_url": gateway.url, "signer": signer.url}
        replace_file(mint_folder / "config.json", msgspec.json.encode(where | dict(settings or {})))
        others = LogFollower(Client(log.url), vkey, folder / "others-seen")
        mint = PracticeMint(mint_folder, gateway, signer, log=others, core=core)
        mint.start()
        try:
            for unit in units:
                mint.new_keyset(unit)
            yield mint
        finally:
            mint.stop()


class LogIn:
    """A log-in service as far as the mint and its wallets can see it (NUT-21): its public key in a file, and its tokens."""

    issuer, client = "https://login.invalid", "practice-wallet"

    def __init__(self, folder: Path) -> None:
        self._key = SigningKey.generate()
        self._file = folder / "login-keys.json"
        jwk = msgspec.to_builtins(self._key.public.jwk) | {"kid": self._key.kid}
        self._file.write_bytes(msgspec.json.encode({"keys": [jwk]}))

    def settings(self) -> dict[str, object]:
        """The mint's configuration that trusts this service, and has wallets pay for requests with access tokens."""
        discovery = f"{self.issuer}/.well-known/openid-configuration"
        clear = {"openid_discovery": discovery, "client_id": self.client, "keys": str(self._file)}
        return {"clear_auth": clear, "blind_auth": {}}

    def token(self, *, person: str = "somebody", lasts: int = 3_600) -> str:
        """What a wallet gets when a person logs in; a negative `lasts` ended that many seconds ago."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": person, "aud": self.client, "azp": self.client, "iat": now}
        return sign_compact(msgspec.json.encode(claims | {"exp": now + lasts}), self._key, typ="at+jwt")


class _Office:
    """The office as far as the mint can see it."""

    def __init__(self) -> None:
        self.key = SigningKey.generate()

    def speak(self, log: LogFollower, units: Sequence[str]) -> None:
        """Introduce itself in the log, and approve enough of every unit there."""
        log.publish(KeyAnnounced(purpose="office", jwk=self.key.public.jwk), self.key)
        for unit in units:
            log.publish(_approval(unit), self.key)

    def pay(self, mint: str, quote: str, amount: int, unit: str) -> None:
        """Say over the bridge that a quote is paid."""
        message = seal(QuotePaid(quote=QuoteId(quote), amount=amount, unit=Unit(unit)), self.key)
        Client(mint).post_bytes("/bridge/quote-paid", message.encode(), dict[str, bool])


def _approval(unit: str) -> AidApproved:
    return AidApproved(programme="practice", cycle=PERIOD, root="0" * 64, total=ENOUGH, unit=Unit(unit), approvals=2)


class _DoesNotStart(Exception):
    """A service ended, or did not answer in time; its reason stands in the output of the tests."""


class _Process(msgspec.Struct, frozen=True):
    """One of our services, running: where it listens, and its process id."""

    url: str
    id: int


@contextlib.contextmanager
def _service(name: str, folder: Path, *, core: int | None) -> Iterator[_Process]:
    """A service, running, once it answers."""
    address = folder / "address"
    address.unlink(missing_ok=True)
    with _started(name, folder, core=core) as process:
        _wait(process, address.exists)
        Client(address.read_text(), patience=START_SECONDS).get("/health", dict[str, object])
        yield _Process(address.read_text(), process.pid)


@contextlib.contextmanager
def _signer(folder: Path, *, core: int | None) -> Iterator[_Process]:
    """A signer, running. Its socket has a folder of its own, because the path of a socket must be short."""
    folder.mkdir(mode=0o700)
    with tempfile.TemporaryDirectory(prefix="amparo-") as place:
        path = Path(place) / "signer.sock"
        with _started("signer", folder, "--socket", str(path), core=core) as process:
            _wait(process, lambda: _listens(path))
            yield _Process(str(path), process.pid)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


@contextlib.contextmanager
def _started(name: str, folder: Path, *words: str, core: int | None) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-P", "-m", f"amparo_{name}", "--data", str(folder), "--attached", *words]
    with on_core(core):  # a process keeps the cores of its starter
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    with process:  # closes its input and waits for its end
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()


def _wait(process: "subprocess.Popen[bytes]", ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise _DoesNotStart(process.args)
        time.sleep(0.01)
