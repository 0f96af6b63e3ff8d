"""What tests of several packages share: one PostgreSQL server for the whole run, a new database for each test that asks."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from tests.needed import cannot_run
from tests.servers.postgres import PostgresServer, postgres_server

pytest_plugins = ["tests.told_at_once", "tests.servers.desk"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Debian's PostgreSQL, started for this run. Where it is not installed the tests that need it are skipped; in CI they fail."""
    # Making a database for each test flushes much. Nobody pulls a plug here: the fault tests start a server of their own, with
    # everything flushed.
    with postgres_server({"fsync": "off", "full_page_writes": "off"}) as server:
        if server is None:
            cannot_run(
                "PostgreSQL is not installed (Debian: apt install postgresql); half of each such test runs on SQLite"
            )
        yield server


@pytest.fixture(scope="session")
def new_database(postgres: PostgresServer) -> Callable[[], str]:
    """Makes empty PostgreSQL databases; gives their addresses."""
    numbers = itertools.count()
    return lambda: postgres.make_database(f"test_{next(numbers)}")
