"""The signer in its forms: both engines, a folder of keys, this process or one of its own; and a wallet's side of a token."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from tests.needed import cannot_run

from amparo_cashu.curve import point_of, read_point
from amparo_cashu.nut00_blind import blind, unblind
from amparo_signer.batch import Engine, choose_engine
from amparo_signer.client import SignerClient
from amparo_signer.local import LocalSigner
from amparo_signer.plain import PlainEngine
from amparo_signer.protocol import ExchangeJob, PublicKeyset, Signer, ToSign, ToVerify
from amparo_signer.service import open_service

_T = TypeVar("_T")
BATCH = choose_engine()


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a call to its end, in an event loop of its own."""
    return asyncio.run(coroutine)


@pytest.fixture(params=["batch", "plain"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Either engine. Where there is no C compiler the C batch cannot be there and only the fallback is tried."""
    if request.param == "plain":
        return PlainEngine()
    if BATCH.name != "batch":
        cannot_run("the C batch is not built here")
    return BATCH


class Process:
    """A signer's process on a folder. `arguments` come after `--data`."""

    def __init__(self, folder: Path, *arguments: str | Path, **environment: str) -> None:
        self.socket = folder / "signer.sock"
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "amparo_signer", "--data", folder, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
        )

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.communicate(timeout=20)

    def let_go(self) -> None:
        """Close its standard input, as the end of its starter would."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def stop(self) -> tuple[int, str]:
        """SIGTERM; its exit status and what it said."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Wait for its end; its exit status and what it said."""
        out, said = self.process.communicate(timeout=20)
        return self.process.returncode, (out + said).decode()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts signers; kills at the end what is left of them."""
    started: list[Process] = []

    def begin(folder: Path = tmp_path, *arguments: str | Path, **environment: str) -> Process:
        started.append(Process(folder, *arguments, **environment))
        return started[-1]

    yield begin
    for each in started:
        each.kill()


@pytest.fixture(params=["local", "process"])
def signer(
    request: pytest.FixtureRequest, tmp_path: Path, start: Callable[..., Process]
) -> Iterator[LocalSigner | SignerClient]:
    """A signer in this process, and one in its own."""
    found = LocalSigner(open_service(tmp_path)) if request.param == "local" else SignerClient(start().socket)
    yield found
    found.close()


class Token(NamedTuple):
    """A token as its owner knows it."""

    amount: int
    secret: bytes
    signature: bytes

    def spend(self, keyset: int = 0) -> ToVerify:
        """It as an input."""
        return ToVerify(keyset, self.amount, self.secret, self.signature)


def output(amount: int, keyset: int = 0) -> ToSign:
    """An output with a fresh secret that nobody will unblind."""
    point = blind(secrets.token_hex(16), bytes(31) + b"\x07")
    return ToSign(keyset, amount, point.format())


async def issue(signer: Signer, keyset: PublicKeyset, amount: int, secret: str) -> Token:
    """A genuine token, made the whole way: blinded, signed, unblinded."""
    factor = secrets.token_bytes(31).rjust(32, b"\x01")
    job = ExchangeJob([], [ToSign(0, amount, blind(secret, factor).format())])
    (answer,) = await signer.exchange([keyset.id], [job])
    assert (answer.refused, answer.points) == ("", [])
    signed = unblind(point_of(answer.signatures[0][:33]), factor, read_point(keyset.keys[str(amount)]))
    return Token(amount, secret.encode(), signed.format())
