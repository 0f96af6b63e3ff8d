"""The shared service parts at their edges: transactions, keys on disk, outbox, HTTP answers, ports, practice clock."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message

from amparo_common.clock import SystemClock
from amparo_common.errors import AmparoError, NaiveTime
from amparo_service import outbox
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import (
    BodyTooLarge,
    CannotStore,
    DatabaseTooNew,
    NotAllowed,
    PortTaken,
    RemoteError,
    Unreachable,
)
from amparo_service.http import MOST_BODY_BYTES, SAFE_HEADERS, answer, answer_bytes, make_app, read, read_body
from amparo_service.keys import file_once, replace_file, secret_bytes, signing_key
from amparo_service.practice_clock import PracticeClock, clock_for
from amparo_service.serve import bind, exit_with_words, prepare_folder

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SCHEMA = "CREATE TABLE item (name TEXT PRIMARY KEY)"


class Stop(Exception):
    """Raised in the middle of something, to see what is left."""


def items(database: Database) -> list[str]:
    with database.reading() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM item ORDER BY rowid")]


def add(database: Database, name: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO item (name) VALUES (?)", (name,))


def waiting(database: Database) -> int:
    """How many messages wait in the outbox."""
    with database.reading() as connection:
        (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
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


# --- database ---------------------------------------------------------------------------------------------------------


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


# --- keys -------------------------------------------------------------------------------------------------------------


RACER = """
import pathlib, secrets, sys, time
from amparo_service.keys import file_once
def make():
    time.sleep(0.05)
    return secrets.token_bytes(32)
print("ready", flush=True)
sys.stdin.readline()
print(file_once(pathlib.Path(sys.argv[1]), make).hex())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_two_processes_that_start_at_once_agree_on_one_key_that_only_they_can_read(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "mint.bin"
    with run_child(RACER, path) as one, run_child(RACER, path) as two:
        for child in (one, two):
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [child.communicate(timeout=20)[0].strip() for child in (one, two)]
        assert (one.returncode, two.returncode) == (0, 0)
    assert said[0] == said[1] == path.read_bytes().hex()
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["mint.bin"]


def test_many_threads_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    barrier, found = threading.Barrier(8), []

    def work() -> None:
        barrier.wait()
        found.append(secret_bytes(tmp_path, "seed").reveal())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {(tmp_path / "seed.bin").read_bytes()}


def test_a_key_is_made_once_and_then_read(tmp_path: Path) -> None:
    assert signing_key(tmp_path, "receipts").kid == signing_key(tmp_path, "receipts").kid
    assert signing_key(tmp_path, "receipts").kid != signing_key(tmp_path, "bridge").kid
    assert secret_bytes(tmp_path, "seed", 16).reveal() == secret_bytes(tmp_path, "seed", 16).reveal()
    assert len(secret_bytes(tmp_path, "seed", 16).reveal()) == 16
    assert {each.name: mode(each) for each in tmp_path.iterdir()} == {
        "receipts.pem": 0o600,
        "bridge.pem": 0o600,
        "seed.bin": 0o600,
    }


def test_a_generous_umask_does_not_open_a_key_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file_once(tmp_path / "seed.bin", lambda: b"x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "seed.bin") == 0o600


def test_a_key_that_could_not_be_made_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise Stop

    with pytest.raises(Stop):
        file_once(tmp_path / "seed.bin", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_file_holds_the_new_content_and_leaves_no_draft(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        replace_file(tmp_path / "deep" / "address", content)
        assert (tmp_path / "deep" / "address").read_bytes() == content
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["address"]


@pytest.fixture
def full_disk() -> Iterator[None]:
    """A system that lets no file of this process grow beyond a page."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path: Path, full_disk: None) -> None:
    replace_file(tmp_path / "address", b"one")
    with pytest.raises(CannotStore):
        replace_file(tmp_path / "address", bytes(4097))
    with pytest.raises(CannotStore):
        secret_bytes(tmp_path, "seed", 4097)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("address", b"one")]


# --- outbox -----------------------------------------------------------------------------------------------------------


def put(database: Database, *bodies: str, to: str = "mint") -> None:
    for body in bodies:
        with database.transaction() as connection:
            outbox.put(connection, to, body)


def test_messages_are_delivered_in_order_and_only_to_their_destination(database: Database) -> None:
    put(database, "1", "2")
    put(database, "a", to="shops")
    put(database, "3")
    sent: list[str] = []
    assert waiting(database) == 4
    assert outbox.deliver(database, "mint", sent.append) == 3
    assert sent == ["1", "2", "3"]
    assert outbox.deliver(database, "mint", sent.append) == 0
    assert waiting(database) == 1
    assert outbox.deliver(database, "shops", sent.append) == 1
    assert sent == ["1", "2", "3", "a"]
    assert waiting(database) == 0


def test_a_message_whose_cause_is_undone_is_never_sent(database: Database) -> None:
    with pytest.raises(Stop):
        half_way(database, "cause", message="1")
    assert items(database) == []
    assert waiting(database) == 0


@pytest.mark.parametrize("arrives", [False, True], ids=["before-it-arrived", "after-it-arrived"])
def test_an_error_in_the_middle_keeps_that_message_and_the_ones_behind_it(database: Database, arrives: bool) -> None:
    put(database, "1", "2", "3")
    sent: list[str] = []

    def send(body: str) -> None:
        if body == "2":
            if arrives:
                sent.append(body)
            raise Unreachable("The mint gives no answer.")
        sent.append(body)

    with pytest.raises(Unreachable):
        outbox.deliver(database, "mint", send)
    assert waiting(database) == 2
    assert outbox.deliver(database, "mint", sent.append) == 2
    # At least once: what may have arrived is sent again, before anything behind it.
    assert sent == (["1", "2", "2", "3"] if arrives else ["1", "2", "3"])


CRASHES = """
import sys
from amparo_service import outbox
from amparo_service.database import Database
database = Database(sys.argv[1], [sys.argv[2], outbox.SCHEMA])
def send(body):
    if body == "2":
        print("ready", flush=True)
        sys.stdin.readline()
outbox.deliver(database, "mint", send)
"""


def test_kill_9_during_a_delivery_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    before = Database(path, [SCHEMA, outbox.SCHEMA])
    put(before, "1", "2", "3")
    before.close()
    with run_child(CRASHES, path, SCHEMA) as child:
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=20)
    after = Database(path, [SCHEMA, outbox.SCHEMA])
    sent: list[str] = []
    outbox.deliver(after, "mint", sent.append)
    assert sent == ["2", "3"]
    after.close()


def test_a_message_put_while_two_deliveries_overlap_is_still_delivered(database: Database) -> None:
    put(database, "1")
    sent: list[str] = []

    def slow(body: str) -> None:
        # While this one is on its way, another delivery brings the same message, and a new one is put.
        sent.append(body)
        if len(sent) == 1:
            outbox.deliver(database, "mint", sent.append)
            put(database, "2")

    outbox.deliver(database, "mint", slow)
    outbox.deliver(database, "mint", sent.append)
    assert sent[0] == "1"
    assert "2" in sent
    assert waiting(database) == 0


def test_a_message_put_during_a_delivery_comes_after_those_that_waited(database: Database) -> None:
    put(database, "1", "2")
    sent: list[str] = []

    def send(body: str) -> None:
        sent.append(body)
        if body == "1":
            put(database, "3")

    assert outbox.deliver(database, "mint", send) == 3
    assert sent == ["1", "2", "3"]


# --- HTTP -------------------------------------------------------------------------------------------------------------


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up request."""

    count: int


class Loose(msgspec.Struct, frozen=True):
    """A made-up request that passes over unknown fields."""

    count: int = 0


class HasName(Exception):
    """An unexpected error whose text holds personal data."""


async def take(request: Request) -> Response:
    return answer(await read(request, Asked, limit=1_000))


async def take_any(request: Request) -> Response:
    return answer(len(await read(request, dict[str, object])))


async def take_loose(request: Request) -> Response:
    return answer((await read(request, Loose)).count)


async def take_default(request: Request) -> Response:
    return answer(len(await read_body(request)))


async def refuse(_request: Request) -> Response:
    raise NotAllowed("This is not yours.", todo="Ask at the desk.")


async def break_down(_request: Request) -> Response:
    raise HasName("María Pérez, V-12345678")


async def show(_request: Request) -> Response:
    return answer_bytes(b"<p>", media_type="text/html", headers={"cache-control": "max-age=60"})


ROUTES = [
    Route("/take", take, methods=["POST"]),
    Route("/any", take_any, methods=["POST"]),
    Route("/loose", take_loose, methods=["POST"]),
    Route("/default", take_default, methods=["POST"]),
    Route("/refuse", refuse),
    Route("/break", break_down),
    Route("/show", show),
]


@pytest.fixture
def web() -> TestClient:
    return TestClient(make_app(ROUTES), raise_server_exceptions=False)


def test_a_request_of_the_agreed_shape_is_answered(web: TestClient) -> None:
    response = web.post("/take", content=b'{"count":5}')
    assert (response.status_code, response.json()) == (200, {"count": 5})
    assert response.headers["content-type"] == "application/json"


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(web: TestClient) -> None:
    assert web.post("/default", content=b"x" * MOST_BODY_BYTES).json() == MOST_BODY_BYTES
    for content in (b"x" * (MOST_BODY_BYTES + 1), iter([b"x" * 1_000] * 300)):
        response = web.post("/default", content=content)
        assert response.status_code == 413
        assert response.json()["code"] == "service.body_too_large"
    assert web.post("/take", content=b'{"count":5}' + b" " * 1_000).status_code == 413


def test_a_body_without_end_is_refused_before_it_is_held() -> None:
    received = 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(request, limit=1_000))
    assert received == 11


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"count":"5"}',
        b'{"count":true}',
        b'{"count":5,"name":"x"}',
        b"{}",
        b"\xff",
        b'{"co\xffunt":5}',
        b'{"x\xff":5,"count":5}',
        b'{"count":' + b"[" * 900,
        b'{"count":5e999}',
    ],
    ids=lambda content: ascii(content[:24]),
)
def test_a_request_of_another_shape_is_a_bad_request(web: TestClient, content: bytes) -> None:
    response = web.post("/take", content=content)
    assert (response.status_code, response.json()["code"]) == (400, "service.bad_request")
    assert set(response.json()) == {"code", "what", "why", "todo"}


@pytest.mark.parametrize("path", ["/any", "/loose"])
@pytest.mark.parametrize("opening", [b'{"x":', b'{"count":[', b'{"x":' + b"[" * 50], ids=ascii)
def test_a_request_nested_without_end_is_a_bad_request(web: TestClient, path: str, opening: bytes) -> None:
    for levels in (900, 1_000, 1_100, 4_000):
        response = web.post(path, content=opening * levels)
        assert (response.status_code, response.json()["code"]) == (400, "service.bad_request")


def test_a_deliberate_error_is_answered_in_words_with_its_status(web: TestClient) -> None:
    response = web.get("/refuse")
    assert response.status_code == 403
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "code": "service.not_allowed",
        "what": "This is not yours.",
        "why": "This needs a role that the caller did not prove.",
        "todo": "Ask at the desk.",
    }


def test_an_unexpected_error_tells_the_caller_and_the_log_nothing_personal(
    web: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = web.get("/break")
    assert response.status_code == 500
    assert response.json()["code"] == "service.unexpected"
    assert "never a decision about you" in response.json()["why"]
    assert "HasName" in caplog.text
    for text in (response.text, caplog.text, str(response.headers)):
        assert "Pérez" not in text
        assert "12345678" not in text
    assert "HasName" not in response.text
    assert "Traceback" not in response.text


def test_an_unknown_path_and_a_wrong_method_are_answered_as_json(web: TestClient) -> None:
    for response, status in ((web.get("/nowhere"), 404), (web.get("/take"), 405), (web.post("/refuse"), 405)):
        assert response.status_code == status
        assert set(response.json()) == {"code", "what", "why", "todo"}
    assert web.get("/nowhere").json()["code"] == "service.not_found"


def test_a_service_gives_every_error_answer_its_own_form() -> None:
    def in_letters(error: AmparoError) -> Response:
        return answer({"letters": error.code}, status=error.http_status)

    web = TestClient(make_app(ROUTES, show=in_letters), raise_server_exceptions=False)
    expected = {
        "/refuse": (403, "service.not_allowed"),
        "/nowhere": (404, "service.not_found"),
        "/take": (405, "service.not_found"),
        "/break": (500, "service.unexpected"),
    }
    for path, (status, code) in expected.items():
        response = web.get(path)
        assert (response.status_code, response.json()) == (status, {"letters": code})


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/take"), ("GET", "/refuse"), ("GET", "/break"), ("GET", "/nowhere")]
)
def test_every_answer_carries_the_safe_headers(web: TestClient, method: str, path: str) -> None:
    response = web.request(method, path, content=b'{"count":1}' if method == "POST" else None)
    assert {name: response.headers.get(name) for name in SAFE_HEADERS} == SAFE_HEADERS


def test_a_handler_may_let_its_own_answer_be_kept_for_a_while(web: TestClient) -> None:
    response = web.get("/show")
    assert response.headers["cache-control"] == "max-age=60"
    assert response.headers["x-content-type-options"] == "nosniff"


# --- a real process ---------------------------------------------------------------------------------------------------


SERVED = """
import pathlib, sys
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from amparo_service.http import answer, make_app
from amparo_service.serve import ServiceArguments, run_service
async def well(_request: Request) -> Response:
    return answer({"ok": True})
async def break_down(_request: Request) -> Response:
    raise RuntimeError("María Pérez, V-12345678")
print("ready", flush=True)
run_service(
    make_app([Route("/well", well), Route("/break", break_down)]),
    ServiceArguments(pathlib.Path(sys.argv[1]), "127.0.0.1", 0, None),
)
"""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    """The made-up service as a process of its own, and a client for it."""
    with run_child(SERVED, folder) as child:
        try:
            limit = time.monotonic() + 20
            while not (folder / "address").exists():
                assert time.monotonic() < limit, "the service wrote no address"
                time.sleep(0.02)
            with contextlib.closing(Client((folder / "address").read_text())) as client:
                yield client, child
        finally:
            child.kill()


def test_a_service_answers_at_the_address_it_wrote_and_stops_when_told(tmp_path: Path) -> None:
    with served(tmp_path) as (client, child):
        assert client.get("/well", dict[str, bool]) == {"ok": True}
        with pytest.raises(RemoteError) as caught:
            client.get_bytes("/nowhere")
        assert (caught.value.status, caught.value.remote_code) == (404, "service.not_found")
        child.terminate()
        _, errors = child.communicate(timeout=20)
        assert child.returncode in (0, -signal.SIGTERM)
        assert errors == ""


def test_a_running_service_writes_nothing_personal_into_its_log(tmp_path: Path) -> None:
    with served(tmp_path) as (client, child):
        with pytest.raises(RemoteError) as caught:
            client.get_bytes("/break?name=Garc%C3%ADa")
        assert (caught.value.status, caught.value.remote_code) == (500, "service.unexpected")
        client.get_bytes("/well?name=Garc%C3%ADa")
        child.terminate()
        said, errors = child.communicate(timeout=20)
    assert "RuntimeError" in errors
    for personal in ("Pérez", "12345678", "Garc"):
        assert personal not in said + errors


def test_a_port_that_a_service_listens_on_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken, match=r"127\.0\.0\.1"):
        bind("127.0.0.1", other.getsockname()[1])


def test_two_services_that_start_at_once_cannot_both_have_a_port() -> None:
    with bind("127.0.0.1", 0) as first, pytest.raises(PortTaken):
        bind("127.0.0.1", first.getsockname()[1]).close()


def test_a_free_port_is_chosen_and_free_again_after_use() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
    assert port > 0
    with bind("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000), ("127.0.0.1", -1)])
def test_an_address_that_cannot_be_listened_on_is_said_in_our_words(host: str, port: int) -> None:
    with pytest.raises(AmparoError):
        bind(host, port).close()


def test_a_service_that_cannot_start_says_one_sentence_and_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        exit_with_words(PortTaken("Cannot listen on 127.0.0.1:80."))
    assert caught.value.code == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("amparo: Cannot listen on 127.0.0.1:80.")
    assert said.err.endswith("[service.port_taken]\n")
    assert said.err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_said_in_our_words(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "mint")
    assert mode(tmp_path / "a" / "mint") == 0o700
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotStore):
        prepare_folder(tmp_path / "file" / "mint")


# --- practice clock ---------------------------------------------------------------------------------------------------


def test_every_service_sees_the_practice_time_that_was_set(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    one, two = PracticeClock(path), clock_for(path)
    for instant in (NOON, NOON.replace(month=12), NOON.replace(year=2025)):
        one.set(instant)
        assert one.now() == two.now() == instant
        assert two.now().tzinfo == UTC
    assert path.read_text() == "2025-11-01T12:00:00Z"


def test_a_practice_time_without_an_offset_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    clock = PracticeClock(tmp_path / "clock")
    clock.set(NOON)
    with pytest.raises(NaiveTime):
        clock.set(datetime(2026, 11, 2))  # noqa: DTZ001 - what is refused here
    assert clock.now() == NOON


@pytest.mark.parametrize("content", ["", "soon", "2026-11-01T00:00:00", "2026-11-01T00:00"])
def test_a_clock_file_that_holds_no_time_is_said_in_our_words(tmp_path: Path, content: str) -> None:
    (tmp_path / "clock").write_text(content)
    with pytest.raises(NaiveTime):
        PracticeClock(tmp_path / "clock").now()


def test_without_a_practice_clock_the_machines_clock_is_used() -> None:
    assert isinstance(clock_for(None), SystemClock)
