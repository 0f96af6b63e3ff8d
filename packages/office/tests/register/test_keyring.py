"""The keyring: keys outside the database, destroyed so that no old copy opens anything, whatever happens in between."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from amparo_common.secret import Secret
from amparo_office.errors import KeyDestroyed, KeysLost, RegisterDestroyed
from amparo_office.register.vault import (
    DESTROYED,
    KEYRING,
    MASTER,
    MASTER_PLACE,
    PAGE,
    PANIC_STEPS,
    STEPS,
    Vault,
    vault,
)

# Opens the vault of a folder and does something to it, killed as by `kill -9` at a step.
_KILLED = """
import os, signal, sys
from pathlib import Path
from amparo_office.register.vault import Vault
folder, at, deed, numbers = Path(sys.argv[1]), sys.argv[2], sys.argv[3], [int(each) for each in sys.argv[4:]]
def fault(step):
    if step == at:
        os.kill(os.getpid(), signal.SIGKILL)
vault = Vault(folder, fault=fault)
vault.destroy(numbers) if deed == "destroy" else vault.destroy_all()
"""


def revealed(keys: dict[int, Secret]) -> dict[int, bytes]:
    return {number: key.reveal() for number, key in keys.items()}


def killed(folder: Path, step: str, deed: str, *numbers: int) -> int:
    words = [sys.executable, "-c", _KILLED, str(folder), step, deed, *map(str, numbers)]
    return subprocess.run(words, timeout=60, check=False).returncode


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of the keyring as a backup takes it: whole, without the master key."""
    to.mkdir()
    with sqlite3.connect(folder / KEYRING) as base, sqlite3.connect(to / KEYRING) as copy:
        base.backup(copy)
    return to


def test_a_new_key_is_on_the_disk_when_it_is_given(tmp_path: Path) -> None:
    made = Vault(tmp_path).new_keys(3)
    assert [number for number, _ in made] == [1, 2, 3]
    assert revealed(Vault(tmp_path).keys([1, 2, 3])) == {number: key.reveal() for number, key in made}
    assert len({key.reveal() for _, key in made}) == 3


@pytest.mark.parametrize("first", [1, PAGE - 1, PAGE, 3 * PAGE - 2])
def test_keys_over_the_edge_of_a_page_are_kept(tmp_path: Path, first: int) -> None:
    kept = Vault(tmp_path)
    before = kept.new_keys(first - 1) if first > 1 else []
    made = before + kept.new_keys(PAGE + 2) + kept.new_keys(1)
    assert [number for number, _ in made] == list(range(1, len(made) + 1))
    assert revealed(Vault(tmp_path).keys(range(1, len(made) + 1))) == {number: key.reveal() for number, key in made}


def test_no_new_keys_are_none(tmp_path: Path) -> None:
    assert Vault(tmp_path).new_keys(0) == []


def test_a_destroyed_key_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    kept = Vault(tmp_path)
    made = dict(kept.new_keys(PAGE + 10))
    kept.destroy([2, PAGE + 1])
    for each in (kept, Vault(tmp_path)):
        with pytest.raises(KeyDestroyed):
            each.key(2)
        assert revealed(each.keys(made)) == revealed({n: k for n, k in made.items() if n not in (2, PAGE + 1)})


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    kept = Vault(tmp_path)
    kept.new_keys(2)
    kept.destroy([2])
    assert [number for number, _ in kept.new_keys(1)] == [3]


def test_an_unknown_number_has_no_key(tmp_path: Path) -> None:
    kept = Vault(tmp_path)
    kept.new_keys(1)
    assert kept.keys([0, 2, 999_999]) == {}


def test_an_old_copy_of_the_keyring_opens_nothing_after_a_destruction(tmp_path: Path) -> None:
    """Neither with the new master key nor beside the new keyring: the old page keys were wrapped under a key that is gone."""
    folder = tmp_path / "desk"
    kept = Vault(folder)
    kept.new_keys(5)
    old = copy_of(folder, tmp_path / "backup")
    kept.destroy([3])
    shutil.copy(folder / MASTER, old / MASTER)
    with pytest.raises(KeysLost):
        Vault(old).key(3)


def test_a_page_of_an_old_copy_does_not_open_under_todays_page_key(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    kept = Vault(folder)
    kept.new_keys(5)
    old = copy_of(folder, tmp_path / "backup")
    kept.destroy([3])
    kept.close()
    with sqlite3.connect(old / KEYRING) as base:
        (page,) = base.execute("SELECT sealed FROM page WHERE page = 0").fetchone()
    with sqlite3.connect(folder / KEYRING) as base:
        base.execute("UPDATE page SET sealed = ? WHERE page = 0", (page,))
    with pytest.raises(KeysLost):
        Vault(folder).key(3)


def test_no_file_of_the_desk_holds_a_master_key_that_was_replaced(tmp_path: Path) -> None:
    kept = Vault(tmp_path)
    kept.new_keys(5)
    old = (tmp_path / MASTER).read_bytes()
    kept.destroy([3])
    assert (tmp_path / MASTER).read_bytes() != old
    assert all(old not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_while_it_destroys_leaves_the_key_or_not_and_all_others(tmp_path: Path, step: str) -> None:
    made = dict(Vault(tmp_path).new_keys(PAGE + 3))
    assert killed(tmp_path, step, "destroy", 2, PAGE) == -signal.SIGKILL
    after = Vault(tmp_path)
    gone = set(made) - set(after.keys(made))
    assert gone == (set() if STEPS.index(step) < STEPS.index("committed") else {2, PAGE})
    assert revealed(after.keys(made)) == revealed({number: key for number, key in made.items() if number not in gone})
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(MASTER)) == [MASTER]
    # Said again, as `erasure.finish` does, it is done.
    after.destroy([2, PAGE])
    assert set(made) - set(Vault(tmp_path).keys(made)) == {2, PAGE}
    assert after.new_keys(1)[0][0] == PAGE + 4


@pytest.mark.parametrize("step", PANIC_STEPS)
def test_a_process_killed_in_a_panic_is_finished_by_the_next(tmp_path: Path, step: str) -> None:
    Vault(tmp_path).new_keys(3)
    assert killed(tmp_path, step, "destroy_all") == -signal.SIGKILL
    with pytest.raises(RegisterDestroyed):
        Vault(tmp_path).keys([1])
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith((MASTER, KEYRING))]


def test_after_a_panic_nothing_opens_and_no_new_vault_is_begun(tmp_path: Path) -> None:
    kept = Vault(tmp_path)
    kept.new_keys(3)
    other = Vault(tmp_path)
    assert other.keys([1])
    kept.destroy_all()
    for deed in (
        lambda: other.key(1),
        lambda: other.index_key,
        lambda: kept.new_keys(1),
        lambda: Vault(tmp_path).key(1),
    ):
        with pytest.raises(RegisterDestroyed):
            deed()
    assert (tmp_path / DESTROYED).exists()


def test_another_process_that_remembers_a_key_forgets_it(tmp_path: Path) -> None:
    first, second = Vault(tmp_path), Vault(tmp_path)
    first.new_keys(2)
    assert second.keys([1, 2]).keys() == {1, 2}
    first.destroy([1])
    assert second.keys([1, 2]).keys() == {2}


def test_another_process_sees_keys_added_to_a_page_that_it_remembers(tmp_path: Path) -> None:
    first, second = Vault(tmp_path), Vault(tmp_path)
    first.new_keys(2)
    assert second.keys([2])
    ((number, key),) = first.new_keys(1)
    assert second.key(number).reveal() == key.reveal()
    ((number, key),) = second.new_keys(1)
    assert revealed(first.keys([number, 1, 2, 3])).keys() == {1, 2, 3, 4}


def test_threads_and_processes_add_and_destroy_at_once(tmp_path: Path) -> None:
    vaults = [Vault(tmp_path) for _ in range(4)]
    made: list[tuple[int, Secret]] = []
    turn = threading.Lock()

    def work(kept: Vault) -> None:
        for _ in range(5):
            fresh = kept.new_keys(3)
            kept.destroy([fresh[0][0]])
            with turn:
                made.extend(fresh[1:])

    threads = [threading.Thread(target=work, args=(each,)) for each in vaults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(made) == 40
    assert revealed(Vault(tmp_path).keys(range(1, 100))) == {number: key.reveal() for number, key in made}


@pytest.mark.parametrize("lost", [MASTER, KEYRING])
def test_a_lost_file_stops_the_desk_and_begins_no_new_keyring(tmp_path: Path, lost: str) -> None:
    kept = Vault(tmp_path)
    kept.new_keys(1)
    kept.close()
    for path in list(tmp_path.glob(f"{lost}*")):
        path.unlink()
    with pytest.raises(KeysLost):
        Vault(tmp_path).new_keys(1)


def test_another_master_key_stops_the_desk(tmp_path: Path) -> None:
    Vault(tmp_path).new_keys(1)
    (tmp_path / MASTER).write_bytes(os.urandom(32))
    with pytest.raises(KeysLost):
        Vault(tmp_path).key(1)


def test_named_keys_are_kept_and_survive_a_destruction(tmp_path: Path) -> None:
    kept = Vault(tmp_path)
    kept.new_keys(1)
    index, other = kept.index_key.reveal(), kept.named_key("pseudonym").reveal()
    assert index != other
    kept.destroy([1])
    assert (Vault(tmp_path).index_key.reveal(), kept.named_key("pseudonym").reveal()) == (index, other)


def test_the_master_key_may_lie_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rebased: Callable[[Path], None]
) -> None:
    monkeypatch.setenv(MASTER_PLACE, str(tmp_path / "stick" / "key.bin"))
    rebased(tmp_path / "desk")
    vault().new_keys(2)
    vault().destroy([1])
    assert (tmp_path / "stick" / "key.bin").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "desk" / MASTER).exists()
    assert vault().keys([1, 2]).keys() == {2}


def test_the_files_are_for_their_user_alone(tmp_path: Path) -> None:
    Vault(tmp_path).new_keys(1)
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in tmp_path.glob("*key*")} == {
        path.name: "0o0" for path in tmp_path.glob("*key*")
    }
