"""What the desk's processes do before their work: arguments, environment, database brought up to date.

Nothing here imports Django's models: the settings read the environment that `prepare` sets, so it comes first.
"""

import argparse
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import django

from amparo_office.desk import place
from amparo_service.errors import DatabaseTooNew, Unreachable
from amparo_service.keys import require_keys
from amparo_service.serve import ServiceArguments, prepare_folder

KEY_FILES = ("desk-key.bin",)


def parse(module: str, description: str, *, port: bool) -> ServiceArguments:
    """The command line of one of the desk's processes."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of the desk: database, keys, sealed files")
    if port:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--practice-clock", type=Path, help="read the time from this file: invented people only")
    parser.add_argument("--attached", action="store_true", help="stop when standard input closes (its starter is gone)")
    given = parser.parse_args()
    host, number = (given.host, given.port) if port else ("", 0)
    return ServiceArguments(given.data, host, number, given.practice_clock, given.attached)


def prepare(arguments: ServiceArguments) -> None:
    """The folder, the environment and Django. Raises `CannotStore`, `KeyMissing`."""
    prepare_folder(arguments.data)
    require_keys(arguments.data, "register.sqlite", KEY_FILES)
    os.environ[place.FOLDER] = str(arguments.data)
    os.environ.pop(place.CLOCK, None)
    if arguments.practice_clock is not None:
        os.environ[place.CLOCK] = str(arguments.practice_clock)
    os.environ["DJANGO_SETTINGS_MODULE"] = "amparo_office.desk.settings"
    django.setup()


def migrate() -> None:
    """Bring the database up to date; of several processes one does it. Raises `DatabaseTooNew`, `Unreachable`."""
    from django.core.management import call_command
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    with _alone():
        try:
            executor = MigrationExecutor(connection)
            loader = executor.loader
            newer = set(loader.applied_migrations) - set(loader.disk_migrations) - _replaced(loader.disk_migrations)
            if newer:
                raise DatabaseTooNew("The desk's database was written by a newer version.")
            if executor.migration_plan(loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            raise Unreachable("The desk's database gives no answer.") from error
        finally:
            connection.close()


def _replaced(disk: object) -> set[tuple[str, str]]:
    assert isinstance(disk, dict)  # noqa: S101 - Django's own table
    return {name for migration in disk.values() for name in migration.replaces}


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with (place.folder() / "migrating").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
