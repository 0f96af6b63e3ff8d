"""A mint in the real world: its log, its signer and itself (once or twice) are processes that can be killed and started again;
the office is the test, and the shops side a small server that remembers what it was told.

Every program is started with its own command line on its own folder, and ends with the test whatever happens.
"""

import asyncio
import contextlib
import http.client
import http.server
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
from bench.paying import approve
from bench.processes import prepare_log
from tests.servers.postgres import free_port

from amparo_common.bridge import Accreditation, AskAccreditation, QuotePaid, ShopDeposited, open_sealed, seal
from amparo_common.ids import QuoteId, ShopId
from amparo_common.money import Unit
from amparo_common.signing import SigningKey, VerifyingKey
from amparo_mint.assemble import choose_store
from amparo_mint.store import Tally
from amparo_service.keys import file_once, replace_file, secret_bytes, signing_key
from amparo_service.practice_clock import PracticeClock

FOOD = Unit("food")
OLD = Unit("old")
TOOLS = Unit("tools")
UNITS = (FOOD, OLD, TOOLS)
PERIOD = "2026-11"
SHOP = ShopId("5" * 32)
START_SECONDS = 60.0
END_SECONDS = 30.0


class Nursery:
    """Starts one of our programs many times; see nursery.py."""

    def __init__(self, program: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("nursery.py")), program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environment,
        )

    def start(self, arguments: Sequence[str], words: Path) -> int:
        """A new process's number; what it says goes to the file `words`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(words), arguments]).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it, and whatever it started."""
        self._process.kill()
        self._process.communicate()


class Program:
    """One program on one folder, started again and again."""

    def __init__(self, nursery: Nursery, arguments: Sequence[str], words: Path, ready: Callable[[], bool]) -> None:
        """What it says goes to the file `words`."""
        self._nursery = nursery
        self._arguments = list(arguments)
        self._words = words
        self._ready = ready
        # The process itself, not its number, which another one may get.
        self._process: int | None = None
        self._number = 0
        self.starts = 0

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers. Raises `AssertionError` with its last words when it does not start."""
        self.starts += 1
        assert self._process is None
        self._number = self._nursery.start(self._arguments, self._words)
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            self._process = os.pidfd_open(self._number)
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Returns when it answers. Raises `AssertionError` with its last words when it ends instead."""
        assert self.comes_up(), f"it ended: {self.words()[-500:]}"

    def comes_up(self) -> bool:
        """Waits until it answers, or has ended instead (False). Raises `AssertionError` when neither happens."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if not self.alive:
                return False
            assert time.monotonic() < deadline, f"it does not answer: {self.words()[-500:]}"
            time.sleep(0.01)
        return True

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and not self._ended(0)

    def _ended(self, seconds: float) -> bool:
        assert self._process is not None
        # Not `select`, which knows no more than 1,024 files.
        poll = select.poll()
        poll.register(self._process, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    async def dies(self) -> None:
        """Returns when it has ended by itself."""
        assert self._process is not None
        loop, process = asyncio.get_running_loop(), self._process
        ended = asyncio.Event()
        loop.add_reader(process, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(process)

    def words(self) -> str:
        """What it ever said."""
        return self._words.read_text(errors="replace") if self._words.exists() else ""

    @property
    def number(self) -> int:
        """The process's number."""
        return self._number

    def memory(self) -> int:
        """The bytes of memory that it holds."""
        return psutil.Process(self._number).memory_info().rss

    def kill(self) -> None:
        """SIGKILL."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM."""
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals | None = None) -> None:
        """Returns when it has ended: by a signal, or by itself. Raises `AssertionError` when it does not."""
        if self._process is None:
            return
        if how is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, how)
        assert self._ended(END_SECONDS), "it does not end"
        os.close(self._process)
        self._process = None


class Shops:
    """The shops side: it knows every shop and keeps each deposit once. Its mood: good, refusing, away, or losing its answers."""

    def __init__(self, mint: VerifyingKey) -> None:
        self._mint = mint
        self._lock = threading.Lock()
        self.booked: dict[str, int] = {}
        self.mood = "good"
        shops = self

        class Desk(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = shops.answer(self.path, body)
                if status == 0:
                    self.close_connection = True
                    return
                data = msgspec.json.encode(answer)
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args: object) -> None:
                """Nothing."""

        class Hall(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_args: object) -> None:
                """A mint that was killed while it asked is nothing to be told about."""

        self._server = Hall(("127.0.0.1", 0), Desk)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str, body: bytes) -> tuple[int, object]:
        """Status and answer; status 0: the connection breaks."""
        if path == "/bridge/accreditation":
            asked = msgspec.json.decode(body, type=AskAccreditation)
            return 200, Accreditation(shop=asked.shop, unit=asked.unit, accredited=True)
        deposited = open_sealed(body.decode(), self._mint, ShopDeposited)
        with self._lock:
            if self.mood == "away":
                return 503, {"code": "service.unreachable", "what": "away"}
            if self.mood == "refusing":
                return 409, {"code": "shops.refused", "what": "refused"}
            before = self.booked.setdefault(deposited.deposit, deposited.amount)
            assert before == deposited.amount
            return (0 if self.mood == "losing" else 200), {"booked": True}

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class Town:
    """A running mint with everything around it. `database` is "sqlite" or the address of a PostgreSQL database."""

    def __init__(
        self,
        folder: Path,
        database: str,
        *,
        log: Program,
        read_log: tuple[str, str],
        office: SigningKey,
        mints: int = 1,
        clock: datetime | None = None,
        settings: dict[str, Any] | None = None,
        nurseries: tuple[Nursery, Nursery],
    ) -> None:
        self.folder = folder
        self.log = log
        self._read_log = read_log
        self._database = database
        self._office = office
        self.clock = PracticeClock(folder / "clock") if clock is not None else None
        if self.clock is not None and clock is not None:
            self.clock.set(clock)
        folders = [folder / ("mint" if number == 0 else f"mint{number}") for number in range(mints)]
        self.key = signing_key(folders[0], "publish-key")
        secret_bytes(folders[0], "hash-key")
        self._operator = file_once(folders[0] / "operator.token", lambda: b"operator" * 6).decode()
        for other in folders[1:]:
            shutil.copytree(folders[0], other)
        self.shops = Shops(self.key.public)
        (folder / "signer").mkdir()
        self.socket = folder / "signer" / "signer.sock"
        signers, self._mints = nurseries
        self.signer = Program(
            signers, ["--data", str(folder / "signer")], folder / "signer.words", self._signer_answers
        )
        self.ports = [free_port() for _ in folders]
        self.mints = [
            self._mint(mint_folder, port, settings or {}) for mint_folder, port in zip(folders, self.ports, strict=True)
        ]

    def _mint(self, folder: Path, port: int, settings: dict[str, Any]) -> Program:
        config = {
            "log_url": self._read_log[0],
            "log_vkey": self._read_log[1],
            "shops_url": self.shops.url,
            "signer": str(self.socket),
            "database": self._database,
        }
        replace_file(folder / "config.json", json.dumps(config | settings).encode())
        arguments = ["--data", str(folder), "--port", str(port)]
        if self.clock is not None:
            arguments += ["--practice-clock", str(self.folder / "clock")]
        return Program(self._mints, arguments, folder.with_suffix(".words"), lambda: _answers(port))

    def _signer_answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
            return True

    @property
    def mint(self) -> Program:
        """The first mint."""
        return self.mints[0]

    @property
    def port(self) -> int:
        """Where the first mint listens."""
        return self.ports[0]

    @property
    def data(self) -> Path:
        """The first mint's folder."""
        return self.folder / "mint"

    def start(self) -> None:
        """Start the signer, then each mint."""
        self.signer.start()
        for mint in self.mints:
            mint.start()

    def close(self) -> None:
        """Stop everything."""
        for program in (*self.mints, self.signer):
            program.kill()
        self.shops.close()

    # --- as the operator and the office -----------------------------------------------------------------------------------

    def operator_post(self, path: str, body: object) -> bytes:
        """A request with the operator's token, as bytes."""
        return post(path, body, authorization=f"Bearer {self._operator}")

    def payment(self, quote: str, amount: int, unit: Unit) -> bytes:
        """The office's request that says a quote is paid, as bytes."""
        message = seal(QuotePaid(quote=QuoteId(quote), amount=amount, unit=unit), self._office)
        return post_bytes("/bridge/quote-paid", message.encode())

    # --- looking in ---------------------------------------------------------------------------------------------------------

    async def tallies(self) -> list[Tally]:
        """Every open keyset counted from its rows and from its counters, by a second reader of the same database."""
        store = choose_store(self._database, self.data)
        await store.open()
        try:
            return await store.tallies()
        finally:
            await store.close()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def post(path: str, body: object, **headers: str) -> bytes:
    """A POST request with a JSON body, as bytes."""
    return post_bytes(path, msgspec.json.encode(body), **headers)


def post_bytes(path: str, data: bytes, **headers: str) -> bytes:
    """A POST request, as bytes."""
    lines = [f"POST {path} HTTP/1.1", "host: mint", f"content-length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def get(path: str) -> bytes:
    """A GET request, as bytes."""
    return f"GET {path} HTTP/1.1\r\nhost: mint\r\n\r\n".encode()


class Country:
    """Makes towns in a folder; their programs are started by nurseries that the towns share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._towns = 0
        self._nurseries: dict[tuple[str, ...], Nursery] = {}
        self._office = signing_key(folder / "office", "publish-key")

    def _nursery(self, program: str, environment: dict[str, str] | None = None) -> Nursery:
        about = environment or {}
        place = (program, *about.values())
        if place not in self._nurseries:
            self._nurseries[place] = Nursery(program, about)
        return self._nurseries[place]

    @contextlib.contextmanager
    def town(
        self,
        database: str = "sqlite",
        *,
        started: bool = True,
        prepare: Callable[[Path], object] = lambda _folder: None,
        environment: dict[str, str] | None = None,
        signer_environment: dict[str, str] | None = None,
        **options: Any,
    ) -> Iterator[Town]:
        """A town with a log of its own, and payments approved in it that nobody uses up; started unless told otherwise. `prepare`
        is called with the mint's empty folder; the environments are those of the mint and of the signer."""
        self._towns += 1
        folder = self._folder / f"town{self._towns}"
        (folder / "mint").mkdir(parents=True)
        prepare(folder / "mint")
        key = signing_key(folder / "mint", "publish-key")
        vkey = prepare_log(folder / "log", {"mint": key, "office": self._office})
        port = free_port()
        log = Program(
            self._nursery("log"),
            ["--data", str(folder / "log"), "--port", str(port)],
            folder / "log.words",
            lambda: _answers(port),
        )
        log.start()
        address = f"http://127.0.0.1:{port}"
        for unit in UNITS:
            approve(address, vkey, self._office, folder / "seen", unit)
        nurseries = self._nursery("signer", signer_environment), self._nursery("mint", environment)
        town = Town(
            folder, database, log=log, read_log=(address, vkey), office=self._office, nurseries=nurseries, **options
        )
        try:
            if started:
                town.start()
            yield town
        finally:
            town.close()
            log.kill()

    def close(self) -> None:
        """End every program."""
        for nursery in self._nurseries.values():
            nursery.close()
