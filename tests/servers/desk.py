"""The staff's desk under test: Django set up once, a new database for each test, on SQLite and on PostgreSQL.

Each test really commits. A database is a copy of one that was migrated once: a copied file, or PostgreSQL's own TEMPLATE.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import django
import pytest
from tests.servers.invented import give_passkey
from tests.servers.postgres import PostgresServer

FOLDER = tempfile.TemporaryDirectory(prefix="amparo-desk-")
os.environ.setdefault("AMPARO_OFFICE_FOLDER", FOLDER.name)
os.environ["DJANGO_SETTINGS_MODULE"] = "amparo_office.desk.settings"
django.setup()

from django.core.management import call_command  # noqa: E402 - after the setup
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from amparo_office.desk import place  # noqa: E402
from amparo_staff.accounts.models import Grant, StaffMember  # noqa: E402
from amparo_staff.accounts.roles import Role  # noqa: E402

setup_test_environment()


def use(settings: dict[str, object]) -> None:
    """Let this process' Django work on another database."""
    connection.close()
    connections.settings["default"] = connections.configure_settings({"default": settings})["default"]
    connections["default"] = connections.create_connection("default")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and no row."""
    path = tmp_path_factory.mktemp("desk") / "empty.sqlite"
    use(place.database("", path))
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> PostgresServer:
    """A server with the database `desk`: every table and no row."""
    use(place.database(postgres.make_database("desk")))
    call_command("migrate", verbosity=0)
    connection.close()
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def desk_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty migrated database of the desk, which this process' Django uses for the length of the test. Its kind."""
    kind: str = request.param
    if kind == "sqlite":
        path = tmp_path / "register.sqlite"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        settings = place.database("", path)
    else:
        server: PostgresServer = request.getfixturevalue("migrated_postgres")
        settings = place.database(server.copy_database("desk", f"desk_{os.urandom(6).hex()}"))
        settings["CONN_MAX_AGE"] = 0
    use(settings)
    yield kind
    connections.close_all()


@pytest.fixture
def browser(desk_database: str) -> Client:
    """Django's test client; follows the same middleware as a browser."""
    del desk_database
    return Client()


def member(*roles: Role, login: str = "", area: str = "", programme: str = "") -> StaffMember:
    """A new member of staff with these roles."""
    name = login or "-".join(role.value for role in roles) or "nobody"
    made = StaffMember.objects.create(login=name, name=name.title(), language="en")
    Grant.objects.bulk_create(Grant(member=made, role=role.value, area=area, programme=programme) for role in roles)
    if Role.ADMINISTRATOR in roles:
        # Without one an administrator opens nothing else. Nobody can sign in with this one.
        give_passkey(made, datetime(2026, 1, 1, tzinfo=UTC))
    return made
