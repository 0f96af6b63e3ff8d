"""`amparo mint run`: a mint and its signer alone, with the log elsewhere; started again it is the same mint."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.processes import prepare_log, service

from amparo_service.client import Client
from amparo_service.keys import secret_bytes, signing_key

COMMAND = [sys.executable, "-m", "amparo", "mint", "run", "--json", "--port", "0"]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[list[str]]:
    """A running log that takes the mint's word; the options that name it."""
    (tmp_path / "alone" / "mint").mkdir(parents=True)
    key = signing_key(tmp_path / "alone" / "mint", "publish-key")
    vkey = prepare_log(tmp_path / "log", {"mint": key})
    with service("log", tmp_path / "log") as url:
        yield ["--log-url", url, "--log-vkey", vkey, "--shops-url", "http://127.0.0.1:9"]


@contextlib.contextmanager
def mint_running(folder: Path, *words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The command, running, and the mint's address."""
    command = [*COMMAND, "--data", str(folder), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["mint"]
        finally:
            process.kill()


def operate(folder: Path, *words: str) -> dict[str, object]:
    """What an operator's command says."""
    command = [sys.executable, "-m", "amparo", "mint", *words, "--json", "--data", str(folder)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout))


def keysets(url: str) -> set[str]:
    """The ids that the mint names."""
    return {each["id"] for each in Client(url).get("/v1/keysets", dict[str, list[dict[str, object]]])["keysets"]}  # type: ignore[misc] # ids are texts


def test_a_mint_alone_starts_stops_politely_and_starts_again_as_the_same(tmp_path: Path, log: list[str]) -> None:
    folder = tmp_path / "alone"
    with mint_running(folder, *log) as (process, url):
        assert Client(url).get("/ready", dict[str, bool]) == {"ready": True}
        made = str(operate(folder, "keyset", "food", "--period", "2026-11")["keyset"])
        operate(folder, "backup", str(tmp_path / "backup.sqlite"))
        assert (tmp_path / "backup.sqlite").exists()
        # Without a shops side beside it.
        assert operate(folder, "figures", "--period", "2026-11") == {"mint": 1}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with mint_running(folder) as (_, url):
        assert keysets(url) == {made}
    assert json.loads((folder / "mint" / "config.json").read_text())["crowd"] == {}


def test_a_mint_that_is_told_its_units_opens_their_keysets_by_itself(tmp_path: Path, log: list[str]) -> None:
    folder = tmp_path / "alone"
    with mint_running(folder, *log, "--unit", "food", "--unit", "health") as (_, url):
        deadline = time.monotonic() + 30
        while len(keysets(url)) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        found = Client(url).get("/v1/keysets", dict[str, list[dict[str, object]]])["keysets"]
        assert {each["unit"] for each in found if each["active"]} == {"food", "health"}
        assert all(each["final_expiry"] for each in found)
    assert json.loads((folder / "mint" / "config.json").read_text())["calendar"] == {"units": ["food", "health"]}


def test_a_mint_that_does_not_start_is_not_said_to_run(tmp_path: Path, log: list[str]) -> None:
    folder = tmp_path / "alone"
    secret_bytes(folder / "mint", "hash-key")
    (folder / "mint" / "groups-done").write_text("7")  # its database has done nothing
    (folder / "mint" / "output").write_text("amparo: a word of another day\n")
    command = [*COMMAND, "--data", str(folder), *log]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = json.loads(done.stdout)
    assert (done.returncode, set(said)) == (3, {"error", "faults"})
    assert "mint.database_too_old" in said["error"]["why"]


def test_a_lost_key_is_not_made_anew_where_the_database_is_elsewhere(tmp_path: Path, log: list[str]) -> None:
    """With PostgreSQL no database lies beside the keys; the mint's own note does."""
    folder = tmp_path / "alone"
    (folder / "mint" / "groups-done").write_text("7")
    command = [*COMMAND, "--data", str(folder), *log, "--database", "postgresql://nobody@127.0.0.1:9/none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "service.key_missing" in done.stdout) == (3, True)
    assert not (folder / "mint" / "hash-key.bin").exists()


def test_a_database_that_is_away_at_a_start_is_told_to_the_operator(tmp_path: Path, log: list[str]) -> None:
    command = [*COMMAND, "--data", str(tmp_path / "alone"), *log, "--database", "postgresql://nobody@127.0.0.1:9/none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = json.loads(done.stdout)["error"]["why"]
    assert done.returncode == 3
    assert "mint.database_away" in said
    assert "Start PostgreSQL" in said
    assert "same request" not in said


def test_when_the_signer_dies_the_mint_is_stopped_and_the_command_says_so(tmp_path: Path, log: list[str]) -> None:
    folder = tmp_path / "alone"
    (folder / "signer").mkdir()
    (folder / "signer" / "output").write_text("amparo: a word of another day\n")
    with mint_running(folder, *log) as (process, _):
        found = subprocess.run(
            ["ps", "--ppid", str(process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        (signer,) = [int(line.split()[0]) for line in found.stdout.splitlines() if "amparo_signer" in line]
        os.kill(signer, signal.SIGKILL)
        assert process.wait(30) == 3
        assert process.stdout is not None
        # How it ended, and not what it said in an earlier life.
        assert "signal 9" in json.loads(process.stdout.read())["error"]["why"]


def test_a_new_folder_needs_to_know_its_log(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "--data", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "amparo.service_failed" in done.stderr + done.stdout


def test_a_second_one_on_the_same_folder_ends_and_leaves_the_first_one_alone(tmp_path: Path, log: list[str]) -> None:
    folder = tmp_path / "alone"
    with mint_running(folder, *log) as (_, url):
        command = [*COMMAND, "--data", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 3
        assert (folder / "mint" / "address").read_text() == url
        assert Client(url).get("/ready", dict[str, bool]) == {"ready": True}


def test_a_configuration_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "mint").mkdir()
    (tmp_path / "mint" / "config.json").write_text("{")
    done = subprocess.run([*COMMAND, "--data", str(tmp_path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3
    assert "Mend the file" in done.stderr + done.stdout
