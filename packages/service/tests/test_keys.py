"""Keys and other files on disk: made once, whole or not there at all, and for nobody else to read."""

import os
import threading
from pathlib import Path

import pytest
from packages.service.tests.conftest import Stop, mode, run_child

from amparo_service.keys import file_once, remove_file, replace_file, secret_bytes, signing_key

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


# In a process of its own: the limit counts for whatever a process writes, the results of the tests too.
FULL_DISK = """
import pathlib, resource, sys
from amparo_service.errors import CannotStore
from amparo_service.keys import replace_file, secret_bytes
folder = pathlib.Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
print("ready", flush=True)
replace_file(folder / "address", b"one")
for write in (lambda: replace_file(folder / "address", bytes(4097)), lambda: secret_bytes(folder, "seed", 4097)):
    try:
        write()
    except CannotStore:
        print("refused", flush=True)
"""


def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    with run_child(FULL_DISK, tmp_path) as child:
        said = child.communicate(timeout=20)[0]
    assert (child.returncode, said.split()) == (0, ["refused", "refused"])
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("address", b"one")]


def test_a_file_for_nobody_else_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    path = tmp_path / "sheets.pdf"
    path.write_bytes(b"old")
    path.chmod(0o644)
    replace_file(path, b"codes", mode=0o600)
    assert (path.read_bytes(), mode(path)) == (b"codes", 0o600)


def test_a_file_is_removed_with_the_drafts_that_a_power_cut_left_and_no_other(tmp_path: Path) -> None:
    for name in ("s[1].pdf", "s[1].pdf.0b54aa00.draft", "s1.pdf.0b54aa00.draft", "s[1].pdf.draft"):
        (tmp_path / name).write_bytes(b"codes")
    for _ in range(2):
        remove_file(tmp_path / "s[1].pdf")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["s1.pdf.0b54aa00.draft", "s[1].pdf.draft"]
