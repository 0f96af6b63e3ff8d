"""What several tests of the shared service parts use: a database with one table, a step that stops half way, a process."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from amparo_service import outbox
from amparo_service.database import Database

SCHEMA = "CREATE TABLE item (name TEXT PRIMARY KEY)"


class Stop(Exception):
    """Raised in the middle of something, to see what is left."""


def items(database: Database) -> list[str]:
    """The names in the table, in the order in which they were added."""
    with database.reading() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM item ORDER BY rowid")]


def waiting(database: Database) -> int:
    """How many messages wait in the outbox."""
    with database.reading() as connection:
        (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with the table and an outbox. It may be closed twice."""
    opened = Database(tmp_path / "service.sqlite", [SCHEMA, outbox.SCHEMA])
    yield opened
    opened.close()
    opened.close()


def half_way(database: Database, *names: str, message: str | None = None) -> None:
    """A transaction that adds items (and a message) and then raises `Stop`."""
    with database.transaction() as connection:
        for name in names:
            connection.execute("INSERT INTO item (name) VALUES (?)", (name,))
        if message is not None:
            outbox.put(connection, "mint", message)
        raise Stop


def run_child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process of its own, which says `ready` when it has come to the point."""
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = child.stdout.readline()
    if said != "ready\n":
        pytest.fail(f"the child said {said!r}: {child.communicate(timeout=20)[1]}")
    return child


def mode(path: Path) -> int:
    """Who may read and write a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)
