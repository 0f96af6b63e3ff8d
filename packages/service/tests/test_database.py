"""Transactions are whole or not there at all, migrations run once, and a database that fails says so in our words."""

import contextlib
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from packages.service.tests.conftest import SCHEMA, Stop, half_way, items, run_child, waiting

from amparo_service import outbox
from amparo_service.database import Database
from amparo_service.errors import CannotStore, DatabaseTooNew


def add(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO item (name) VALUES (?)", (name,))


def test_what_a_transaction_did_is_there_after_it(database: Database) -> None:
    add(database, "one")
    assert items(database) == ["one"]
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        assert other.execute("SELECT name FROM item").fetchall() == [("one",)]


def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    add(database, "before")
    with pytest.raises(Stop):
        half_way(database, "one", "two")
    assert items(database) == ["before"]
    add(database, "after")
    assert items(database) == ["before", "after"]


def test_nested_transactions_are_one(database: Database) -> None:
    with database.transaction():
        add(database, "one")
        with contextlib.closing(sqlite3.connect(database.path)) as other:
            assert other.execute("SELECT count(*) FROM item").fetchone() == (0,)
        add(database, "two")
    assert items(database) == ["one", "two"]


def test_an_error_after_a_nested_transaction_undoes_that_one_too(database: Database) -> None:
    def outer() -> None:
        with database.transaction():
            add(database, "one")
            raise Stop

    with pytest.raises(Stop):
        outer()
    assert items(database) == []


def test_an_error_inside_a_nested_transaction_undoes_the_outer_one_too(database: Database) -> None:
    def outer() -> None:
        with database.transaction():
            add(database, "one")
            add(database, "one")

    with pytest.raises(sqlite3.IntegrityError):
        outer()
    assert items(database) == []


def test_a_step_that_failed_half_way_leaves_nothing_even_when_its_caller_goes_on(database: Database) -> None:
    with contextlib.suppress(Stop, CannotStore), database.transaction():
        add(database, "caller")
        with contextlib.suppress(Stop):
            half_way(database, "half a step")
    # Either the caller's part alone, or nothing: never half of a step that said it failed.
    assert "half a step" not in items(database)


def test_threads_take_turns_and_lose_nothing(database: Database) -> None:
    def work(name: str) -> None:
        for number in range(50):
            with database.transaction():
                add(database, f"{name}{number}a")
                add(database, f"{name}{number}b")

    threads = [threading.Thread(target=work, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = items(database)
    assert len(found) == 300
    assert all(second == first[:-1] + "b" for first, second in zip(found[::2], found[1::2], strict=True))


def test_another_connection_never_sees_half_a_transaction(database: Database) -> None:
    with contextlib.closing(sqlite3.connect(database.path, timeout=0)) as other:
        with database.transaction() as connection:
            connection.execute("INSERT INTO item (name) VALUES ('one')")
            assert other.execute("SELECT count(*) FROM item").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM item").fetchone() == (1,)


KILLED = """
import sys
from amparo_service import outbox
from amparo_service.database import Database
database = Database(sys.argv[1], [sys.argv[2], outbox.SCHEMA])
with database.transaction() as connection:
    connection.execute("INSERT INTO item (name) VALUES ('committed')")
with database.transaction() as connection:
    connection.execute("INSERT INTO item (name) VALUES ('between')")
    outbox.put(connection, "there", "between")
    print("ready", flush=True)
    sys.stdin.readline()
    connection.execute("INSERT INTO item (name) VALUES ('statements')")
"""


def test_kill_9_between_two_statements_leaves_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    with run_child(KILLED, path, SCHEMA) as child:
        child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=20) == -signal.SIGKILL
    database = Database(path, [SCHEMA, outbox.SCHEMA])
    assert items(database) == ["committed"]
    assert waiting(database) == 0
    with database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_the_same_child_left_alive_commits_both_statements(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    with run_child(KILLED, path, SCHEMA) as child:
        _, errors = child.communicate("go on\n", timeout=20)
        assert (child.returncode, errors) == (0, "")
    database = Database(path, [SCHEMA, outbox.SCHEMA])
    assert items(database) == ["committed", "between", "statements"]
    assert waiting(database) == 1
    database.close()


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        return int(found)


def test_migrations_run_once_each_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    first = Database(path, [SCHEMA])
    add(first, "one")
    first.close()
    assert version(path) == 1
    migrations = [SCHEMA, "ALTER TABLE item ADD COLUMN note TEXT;\nUPDATE item SET note = 'old'"]
    for _ in range(2):
        second = Database(path, migrations)
        with second.reading() as connection:
            assert connection.execute("SELECT name, note FROM item").fetchall() == [("one", "old")]
        second.close()
    assert version(path) == 2


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    Database(path, [SCHEMA]).close()
    with pytest.raises(sqlite3.OperationalError):
        Database(path, [SCHEMA, "CREATE TABLE other (name TEXT);\nINSERT INTO missing (name) VALUES ('x')"])
    assert version(path) == 1
    again = Database(path, [SCHEMA])
    with again.reading() as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'other'").fetchall() == []
    again.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    newer = Database(path, [SCHEMA, outbox.SCHEMA])
    add(newer, "one")
    newer.close()
    with pytest.raises(DatabaseTooNew, match="version 2"):
        Database(path, [SCHEMA])
    again = Database(path, [SCHEMA, outbox.SCHEMA])
    assert items(again) == ["one"]
    again.close()


def test_the_database_keeps_its_promises_on_disk(database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "recursive_triggers": 1}
    with database.reading() as connection:
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}
    assert found == wanted


def test_replacing_a_row_counts_as_deleting_it(tmp_path: Path) -> None:
    trigger = "CREATE TRIGGER no_delete BEFORE DELETE ON item BEGIN SELECT RAISE(ABORT, 'kept'); END"
    kept = Database(tmp_path / "kept.sqlite", [SCHEMA, trigger])
    add(kept, "one")
    for statement in ("REPLACE INTO item (name) VALUES ('one')", "INSERT OR REPLACE INTO item (name) VALUES ('one')"):
        with pytest.raises(sqlite3.IntegrityError, match="kept"), kept.transaction() as connection:
            connection.execute(statement)
    assert items(kept) == ["one"]
    kept.close()


def test_a_full_disk_is_said_in_our_words_and_stores_nothing(database: Database) -> None:
    add(database, "before")
    with database.reading() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    def fill() -> None:
        with database.transaction():
            for number in range(50):
                add(database, f"{number}" + "x" * 4_000)

    with pytest.raises(CannotStore):
        fill()
    assert items(database) == ["before"]
    with database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000")
    add(database, "after")
    assert items(database) == ["before", "after"]


def test_a_database_that_cannot_be_opened_is_said_in_our_words(tmp_path: Path) -> None:
    with pytest.raises(CannotStore):
        Database(tmp_path / "no such folder" / "service.sqlite", [SCHEMA])
