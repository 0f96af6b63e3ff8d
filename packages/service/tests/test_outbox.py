"""The outbox: a message is sent at least once and in order, if and only if its cause is committed."""

import signal
from pathlib import Path

import pytest
from packages.service.tests.conftest import SCHEMA, Stop, half_way, items, run_child, waiting

from amparo_service import outbox
from amparo_service.database import Database
from amparo_service.errors import Unreachable


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
