"""Towns for the fault tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.mint.town import Country
from tests.needed import cannot_run
from tests.servers.postgres import PostgresServer, postgres_server


@pytest.fixture
def country(tmp_path: Path) -> Iterator[Country]:
    """Makes towns in this test's folder."""
    made = Country(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives empty databases: their addresses, or `sqlite` (each town has its own file)."""
    if request.param == "sqlite":
        return lambda: "sqlite"
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return new_database


@pytest.fixture
def database(databases: Callable[[], str]) -> str:
    """An empty database."""
    return databases()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that this test may do anything to."""
    with postgres_server() as server:
        if server is None:
            cannot_run("PostgreSQL is not installed (Debian: apt install postgresql)")
        yield server
