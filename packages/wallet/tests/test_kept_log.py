"""What a device keeps of the log, so that it knows the keys when it starts without a connection."""

from pathlib import Path

import pytest
from packages.wallet.tests.conftest import LOG_SIGNER, InProcess, Town

from amparo_log.errors import BadEntry
from amparo_log.follow import LogFollower
from amparo_service.client import Client
from amparo_service.errors import Unreachable


def follower(town: Town, folder: Path, *, away: bool = False) -> LogFollower:
    """A device that is started; `away`: without a connection."""
    client = (
        Client("http://127.0.0.1:9", patience=0) if away else Client("http://log", transport=town.log_wire, patience=0)
    )
    return LogFollower(client, LOG_SIGNER.vkey, folder / "seen", kept=folder / "entries")


def test_a_device_that_starts_without_a_connection_knows_what_the_log_said(town: Town, tmp_path: Path) -> None:
    assert isinstance(town.log_wire, InProcess)
    follower(town, tmp_path).refresh()
    town.publish_rule(version="2")
    follower(town, tmp_path).refresh()
    offline = follower(town, tmp_path, away=True)
    assert [body.keyset for _, body in offline.view().keysets] == [town.coiner.id]
    assert len(offline.view().rules) == 2
    with pytest.raises(Unreachable):
        offline.refresh()
    town.decide()
    assert len(follower(town, tmp_path).refresh().decisions) == 1


def test_a_line_that_was_being_written_when_the_power_went_is_read_again(town: Town, tmp_path: Path) -> None:
    follower(town, tmp_path).refresh()
    whole = (tmp_path / "entries").read_bytes()
    (tmp_path / "entries").write_bytes(whole[:-20])
    cut = follower(town, tmp_path)
    assert cut.view().size == whole.count(b"\n") - 1
    assert cut.refresh().size == whole.count(b"\n")
    assert (tmp_path / "entries").read_bytes() == whole


def test_kept_entries_that_somebody_changed_are_refused(town: Town, tmp_path: Path) -> None:
    follower(town, tmp_path).refresh()
    whole = (tmp_path / "entries").read_bytes()
    (tmp_path / "entries").write_bytes(whole.replace(b'"unit":"usd"', b'"unit":"eur"'))
    with pytest.raises(BadEntry):
        follower(town, tmp_path)


def test_two_processes_that_share_the_kept_entries_leave_each_once_and_in_its_place(town: Town, tmp_path: Path) -> None:
    one, other = follower(town, tmp_path), follower(town, tmp_path)
    assert one.refresh().size == other.refresh().size
    town.publish_rule(version="2")
    late = follower(town, tmp_path)
    for each in (one, other, late):
        each.refresh()
    kept = (tmp_path / "entries").read_bytes().splitlines()
    assert len(kept) == len(set(kept)) == one.view().size
    assert len(follower(town, tmp_path, away=True).view().rules) == 2


def test_what_another_process_has_not_kept_yet_leaves_no_gap(town: Town, tmp_path: Path) -> None:
    one = follower(town, tmp_path)
    one.refresh()
    (tmp_path / "entries").write_bytes(b"")
    town.publish_rule(version="2")
    one.refresh()
    assert (tmp_path / "entries").read_bytes() == b""
    assert follower(town, tmp_path).refresh().size == one.view().size
