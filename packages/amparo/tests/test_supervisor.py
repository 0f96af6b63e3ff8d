"""The services of a folder: free ports that are kept, one process a folder, restarts, clear words when it cannot be done."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from amparo.errors import DiskFull, FolderInUse, ServiceFailed
from amparo.folder import DESK, SERVICES, DataFolder
from amparo.installation import Installation
from amparo.supervisor import Settings, Supervisor
from amparo_service.client import Client
from amparo_service.errors import Unreachable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A folder whose services have been started once."""
    found = DataFolder(tmp_path_factory.mktemp("services"))
    with Supervisor(found, practice=False):
        pass
    return found


def health(url: str) -> str:
    """Which service answers at an address."""
    return str(Client(url, patience=10).get("/health", dict[str, object])["service"])


def test_all_services_answer_and_keep_their_addresses(folder: DataFolder) -> None:
    before = folder.services()
    with Supervisor(folder, practice=False) as services:
        assert services == before
        assert [health(services.url(name)) for name in SERVICES] == list(SERVICES)
    with pytest.raises(Unreachable):
        Client(services.url("mint"), patience=0).get("/health", dict[str, object])


def test_a_taken_port_is_replaced_by_a_free_one(folder: DataFolder) -> None:
    known = folder.services()
    assert known is not None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", known.ports["mint"]))
        taken.listen()
        with Supervisor(folder, practice=False) as services:
            assert services.ports["mint"] != known.ports["mint"]
            assert health(services.url("mint")) == "mint"
            office = msgspec.json.decode(
                (folder.service("office") / "config.json").read_bytes(), type=dict[str, object]
            )
            assert office["mint_url"] == services.url("mint")


def test_a_desk_that_was_left_out_once_has_its_address_again(folder: DataFolder) -> None:
    with Supervisor(folder, practice=False, desk=True) as services:
        before = services.url(DESK)
    with Supervisor(folder, practice=False):
        pass
    with Supervisor(folder, practice=False, desk=True) as services:
        assert services.url(DESK) == before
        assert health(before) == DESK


def test_two_processes_cannot_run_one_folder(folder: DataFolder) -> None:
    with Supervisor(folder, practice=False), pytest.raises(FolderInUse):
        Supervisor(DataFolder(folder.root), practice=False).start()


def test_a_killed_service_is_started_again(folder: DataFolder) -> None:
    restarts: list[str] = []
    supervisor = Supervisor(folder, practice=False, on_restart=restarts.append)
    with supervisor as services:
        supervisor.kill("shops")
        deadline = time.monotonic() + 15
        while not restarts and time.monotonic() < deadline:
            time.sleep(0.05)
        assert health(services.url("shops")) == "shops"
    assert restarts == ["shops"]


def test_no_service_outlives_a_killed_supervisor(folder: DataFolder) -> None:
    command = [sys.executable, "-m", "amparo", "serve", "--json", "--data", str(folder.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        found = msgspec.json.decode(process.stdout.readline(), type=dict[str, str])
        assert health(found["mint"]) == "mint"
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            Client(found["mint"], patience=0).get("/health", dict[str, object])
        except Unreachable:
            return
        time.sleep(0.1)
    pytest.fail("the mint still answers")


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with Supervisor(folder, practice=False):
        pass
    (folder.service("mint") / "publish-key.pem").write_bytes(b"not a key")
    with pytest.raises(ServiceFailed, match=r"mint.*common\.bad_key"):
        Supervisor(folder, practice=False).start()


def test_what_an_operator_changed_in_a_configuration_is_kept(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with Supervisor(folder, practice=False, settings=Settings(contact="first")):
        pass
    with Supervisor(folder, practice=False, settings=Settings(contact="second")):
        pass
    office = msgspec.json.decode((folder.service("office") / "config.json").read_bytes(), type=dict[str, object])
    assert office["contact"] == "first"


def test_a_folder_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskFull, match="cannot be made"):
        DataFolder(tmp_path / "file" / "folder").prepare()


def test_staff_tokens_are_files_that_only_their_owner_reads(folder: DataFolder) -> None:
    with Supervisor(folder, practice=False) as services:
        Installation(folder, services).staff("registrar")
    assert folder.staff_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("service", "file"),
    [("mint", "hash-key.bin"), ("office", "card-key.bin"), ("log", "note-key.bin"), ("shops", "publish-key.pem")],
)
def test_a_lost_key_beside_a_database_is_never_made_anew(tmp_path: Path, service: str, file: str) -> None:
    folder = DataFolder(tmp_path)
    with Supervisor(folder, practice=False):
        pass
    (folder.service(service) / file).unlink()
    with pytest.raises(ServiceFailed, match=r"service\.key_missing"):
        Supervisor(folder, practice=False).start()
    assert not (folder.service(service) / file).exists()
