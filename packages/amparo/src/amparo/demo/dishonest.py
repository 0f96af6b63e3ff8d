"""What a dishonest operator would run: a rewritten log, a register with raised amounts, a mint with a key of its own.

All of it works on copies beside the honest services, and is thrown away after the cheat was refused.
"""

import contextlib
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec

from amparo.errors import ServiceFailed
from amparo_cashu.nut00_token import Token
from amparo_cashu.outputs import OutputPlan, finish, messages
from amparo_cashu.wire import KeysetInfo, KeysetsAnswer
from amparo_common import canonical
from amparo_common.bridge import LogEntry
from amparo_common.secret import Secret
from amparo_log import config as log_config
from amparo_log.note import Checkpoint, NoteSigner
from amparo_log.store import SCHEMA as LOG_SCHEMA
from amparo_log.store import LogStore
from amparo_log.tree import root_of
from amparo_mint.signing import show_signature
from amparo_office.store import MIGRATIONS as OFFICE_MIGRATIONS
from amparo_rules.sumtree import leaf
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError, Unreachable
from amparo_service.keys import secret_bytes
from amparo_signer.protocol import ExchangeJob, PublicKeyset, ToSign
from amparo_signer.service import open_service

START_SECONDS = 30.0


@contextlib.contextmanager
def running(name: str, folder: Path, *, clock: Path | None = None) -> Iterator[str]:
    """A service over a changed copy of its folder, on a port of its own; gives its address."""
    command = [sys.executable, "-P", "-m", f"amparo_{name}", "--data", str(folder), "--attached"]
    command += [] if clock is None else ["--practice-clock", str(clock)]
    (folder / "address").unlink(missing_ok=True)
    with subprocess.Popen(  # noqa: S603 - our own services
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield _wait(folder, process)
        finally:
            process.terminate()


def _wait(folder: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError, Unreachable, RemoteError):
            url = (folder / "address").read_text()
            Client(url, patience=0).get("/health", dict[str, object])
            return url
        time.sleep(0.02)
    raise ServiceFailed("A copy of a service does not start.")


def rewritten_log(original: Path, copy: Path) -> Path:
    """A copy of a log in which the first rule was published a month earlier; the new history is signed with the log's key."""
    copy.mkdir()
    for file in original.iterdir():
        if file.suffix in (".json", ".bin") or file.name == "origin":
            shutil.copy2(file, copy / file.name)
    _backup(original / "log.sqlite", copy / "old.sqlite")
    old = LogStore(Database(copy / "old.sqlite", [LOG_SCHEMA]))
    database = Database(copy / "log.sqlite", [LOG_SCHEMA])
    new = LogStore(database)
    for number, body in enumerate(old.entries(0, old.size())):
        entry = canonical.decode(body, LogEntry)
        if type(entry.entry.body).__name__ == "RulePublished":
            entry = msgspec.structs.replace(entry, at="2026-09-01T09:00:00Z")
        new.append(number.to_bytes(32, "big"), canonical.encode(entry))
    signer = NoteSigner(log_config.origin(copy), secret_bytes(copy, "note-key").reveal())
    root = root_of(new.read_node, new.size())
    new.set_head(signer.sign(Checkpoint(origin=signer.name, size=new.size(), root=root).text()))
    database.close()
    return copy


def copy_of_office(original: Path, copy: Path) -> Path:
    """A copy of the office's folder with consistent copies of its databases."""
    copy.mkdir()
    for file in original.iterdir():
        if file.suffix in (".json", ".bin", ".pem", ".token"):
            shutil.copy2(file, copy / file.name)
    shutil.copy2(original / "log-seen", copy / "log-seen")
    for name in ("office.sqlite", "register.sqlite", "keyring.sqlite"):
        _backup(original / name, copy / name)
    return copy


def raise_amount(office: Path, holder: str, programme: str, cycle: str, amount: int) -> None:
    """Raise the stored amount of the household whose wallet has this key, with everything that can be made to fit it, and forget
    that it was claimed."""
    database = Database(office / "office.sqlite", OFFICE_MIGRATIONS)
    with database.transaction() as connection:
        (number,) = connection.execute(
            "SELECT number FROM cycle WHERE programme = ? AND name = ?", (programme, cycle)
        ).fetchone()
        (household,) = connection.execute("SELECT household FROM holder WHERE kid = ?", (holder,)).fetchone()
        (receipt,) = connection.execute(
            "SELECT receipt FROM decision WHERE cycle = ? AND household = ?", (number, household)
        ).fetchone()
        connection.execute(
            "UPDATE decision SET amount = ?, leaf = ? WHERE cycle = ? AND household = ?",
            (amount, leaf(receipt.encode(), amount), number, household),
        )
        connection.execute("DELETE FROM claim WHERE cycle = ? AND household = ?", (number, household))
    database.close()


def _backup(source: Path, target: Path) -> None:
    """A consistent copy of a database that is in use."""
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)


class Rogue(msgspec.Struct, frozen=True):
    """A token under a keyset that only one person was shown, and a mint that would sign with it."""

    token: Token
    mint: Client


class _RogueMint(httpx2.BaseTransport):
    """Answers every wallet that its own keyset is the active one."""

    def __init__(self, keyset: PublicKeyset) -> None:
        self._answer = KeysetsAnswer([KeysetInfo(keyset.id, keyset.unit, active=True)])

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=msgspec.json.encode(self._answer), request=request)


def rogue_token(mint_url: str) -> Rogue:
    """A token that is genuine in every way, but its keyset is not in the public log."""
    with tempfile.TemporaryDirectory(prefix="amparo-rogue-") as folder:
        signer = open_service(Path(folder))
        keyset = signer.make_keyset("usd", "rogue", None)
        seed = Secret(secrets.token_bytes(64))
        plan = OutputPlan(keyset=keyset.id, counter=0, amounts=[64], locks=[None])
        wanted = messages(plan, seed)
        job = ExchangeJob([], [ToSign(0, each.amount, bytes.fromhex(each.B_)) for each in wanted])
        (answer,) = signer.exchange([keyset.id], [job])
        signer.close()
    signed = [show_signature(*pair) for pair in zip(wanted, answer.signatures, strict=True)]
    token = Token(mint=mint_url, unit=keyset.unit, proofs=finish(plan, seed, signed, keyset.keys))
    return Rogue(token=token, mint=Client(mint_url, transport=_RogueMint(keyset)))
