"""The practice mint that all foreign wallets meet, and the environments they run in.

An environment that cannot be made (no network) skips the tests and says so; in CI it fails them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.nutshell.environment import nutshell
from tests.foreign.practice_mint import LogIn, PracticeMint, practice_mint
from tests.needed import cannot_run
from tools import environments
from tools.environments import CannotMake

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
        found = environments.node()
        found.install(CASHU_TS)
    except CannotMake as error:
        cannot_run(f"node or cashu-ts cannot be installed: {error}")
    return found.program


@pytest.fixture(scope="session")
def nutshell_programs() -> Path:
    """The folder with Nutshell's programs."""
    try:
        return nutshell() / "bin"
    except CannotMake as error:
        cannot_run(f"Nutshell cannot be installed: {error}")
