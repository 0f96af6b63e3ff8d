"""A service as a real process: the address it writes, what it logs, the port it takes, and how it says that it cannot start."""

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from packages.service.tests.conftest import mode, run_child

from amparo_common.errors import AmparoError
from amparo_service.client import Client
from amparo_service.errors import CannotStore, PortTaken, RemoteError
from amparo_service.serve import bind, exit_with_words, prepare_folder

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
