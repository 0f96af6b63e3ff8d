"""A mint as a process of its own, on both kinds of database, for requests that nobody honest would send."""

from collections.abc import Callable, Iterator

import pytest
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import Country, Town


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """Makes towns."""
    made = Country(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, country: Country) -> Iterator[Town]:
    """A running mint with one signing keyset for food."""
    database = "sqlite"
    if request.param == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        database = new_database()
    with country.town(database) as made:
        live(made, _nothing)
        yield made


async def _nothing(_life: Life) -> None:
    """The keyset is there."""
