"""kill -9 before any file operation of make, reseal and retire leaves every keyset whole or absent, and the rest as it was."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from amparo_signer.errors import KeysetRetired, SealKeyMissing, SealKeyWrong
from amparo_signer.protocol import PublicKeyset
from amparo_signer.seal import Seal, default_seal, seal_from_file
from amparo_signer.service import ChooseSeal, SignerService, open_service, reseal_folder

DRIVER = Path(__file__).with_name("crash_driver.py")
OUTSIDE = bytes(range(32))


def outside(folder: Path, *, in_use: bool) -> Seal:
    """The new sealing key of the driver."""
    return seal_from_file(folder / "outside")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys with two keysets, "old" and "kept", and a second sealing key."""
    path = tmp_path / "keys"
    service = open_service(path)
    service.make_keyset("KES", "old", None)
    service.make_keyset("KES", "kept", None)
    service.close()
    (path / "outside").write_bytes(OUTSIDE)
    (path / "outside").chmod(0o600)
    return path


# A file's content is on the disk before its name is, and its name before the change goes on: a power cut keeps that order.
SAFELY = {
    "make": "write flush fsync link unlink open fsync close",
    "retire": "write flush fsync replace open fsync close",
}


def crashes(change: str, folder: Path) -> list[Path]:
    """The folder as each kill left it, in the order of the kills."""
    copies = folder.with_name("copies")
    copies.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", DRIVER, change, folder, copies],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    operations = done.stdout.split()
    left = sorted(path for path in copies.iterdir() if path.name != "whole")
    # The last copy is the one in which the change came to its end.
    assert len(left) == len(operations) + 1, done.stderr
    assert {"open", "write", "fsync", "unlink"} <= set(operations)
    assert SAFELY.get(change, SAFELY["retire"]) in " ".join(operations)
    return left


def keysets(folder: Path, seal: ChooseSeal = default_seal) -> dict[str, PublicKeyset]:
    """The keysets by period after a start; a second start must see the same."""
    found = []
    for _ in range(2):
        service = open_service(folder, seal)
        found.append({each.period: each for each in service.keysets()})
        service.close()
    assert found[0] == found[1]
    assert not list(folder.glob("*.draft"))
    return found[0]


def again(folder: Path) -> SignerService:
    """A signer on the folder."""
    return open_service(folder)


def test_a_kill_while_a_keyset_is_made_leaves_it_whole_or_absent(folder: Path) -> None:
    before = keysets(folder)
    outcomes = set()
    for left in crashes("make", folder):
        found = keysets(left)
        new = found.pop("new", None)
        assert found == before
        outcomes.add(new is not None)
        service = again(left)
        repeated = service.make_keyset("KES", "new", None)
        service.close()
        assert new in (None, repeated)
        assert keysets(left) == before | {"new": repeated}
    assert outcomes == {True, False}


def test_a_kill_while_the_first_keyset_is_made_leaves_a_folder_that_starts(tmp_path: Path) -> None:
    empty = tmp_path / "keys"
    empty.mkdir()
    for left in crashes("make", empty):
        found = keysets(left)
        service = again(left)
        made = service.make_keyset("KES", "new", None)
        service.close()
        assert found in ({}, {"new": made})
        assert keysets(left) == {"new": made}


def test_a_kill_while_a_keyset_is_retired_leaves_it_whole_or_gone_for_good(folder: Path) -> None:
    before = keysets(folder)
    outcomes = set()
    for left in crashes("retire", folder):
        found = keysets(left)
        assert found["kept"] == before["kept"]
        assert found.get("old", before["old"]) == before["old"]
        outcomes.add("old" in found)
        service = again(left)
        if "old" not in found:
            with pytest.raises(KeysetRetired):
                service.make_keyset("KES", "old", None)
            assert not list(left.glob("*old*.seed"))
        service.retire(before["old"].id)
        service.close()
        assert set(keysets(left)) == {"kept"}
    assert outcomes == {True, False}


def test_a_kill_while_the_seeds_are_sealed_anew_loses_none_and_is_finished_by_running_it_again(folder: Path) -> None:
    before = keysets(folder)
    opened_by = set()
    for left in crashes("reseal", folder):
        for name, seal in (("old", default_seal), ("new", outside)):
            copy = shutil.copytree(left, left.with_name(f"{left.name}-{name}"))
            try:
                assert keysets(copy, seal) == before
            except (SealKeyWrong, SealKeyMissing):
                continue
            opened_by.add(name)
        if (left / "seal-key.bin").exists():
            assert reseal_folder(left, default_seal, outside) == len(before)
        assert keysets(left, outside) == before
        assert not (left / "seal-key.bin").exists()
    assert opened_by == {"old", "new"}
