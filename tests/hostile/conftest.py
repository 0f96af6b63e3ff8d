"""A mint as a process of its own, on both kinds of database, for requests that nobody honest would send."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from tests.faults.mint.stories import Life, live
from tests.faults.mint.town import Country, Town

LOGIN_KEYS = "login-keys.json"
# Everything on, and nothing protected: what is tried here are the addresses, not the doors before them.
EVERYTHING: dict[str, Any] = {
    "clear_auth": {
        "openid_discovery": "https://login.example/.well-known/openid-configuration",
        "client_id": "wallet",
        "keys": LOGIN_KEYS,
    },
    "blind_auth": {"protected_endpoints": []},
    "sockets": {},
}


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """Makes towns."""
    made = Country(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives empty databases: their addresses, or `sqlite` (each town has its own file)."""
    if request.param == "sqlite":
        return lambda: "sqlite"
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return new_database


@pytest.fixture(scope="session")
def town(databases: Callable[[], str], country: Country) -> Iterator[Town]:
    """A running mint with one signing keyset for food."""
    with country.town(databases()) as made:
        live(made, _nothing)
        yield made


async def _nothing(_life: Life) -> None:
    """The keyset is there."""


@pytest.fixture(scope="session")
def full_town(databases: Callable[[], str], country: Country) -> Iterator[Town]:
    """A running mint with everything that can be turned on, and one signing keyset for food."""
    with country.town(databases(), settings=EVERYTHING, prepare=_put_login_keys) as made:
        live(made, _nothing)
        yield made


def _put_login_keys(folder: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig"}, private=False)
    (folder / LOGIN_KEYS).write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
