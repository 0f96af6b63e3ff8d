"""Keys on disk: the same folder gives the same keysets, and a wrong, missing or changed file gives one clear error."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from packages.signer.tests.conftest import run

from amparo_common.secret import Secret
from amparo_signer.batch import choose_engine
from amparo_signer.errors import (
    AlreadyRunning,
    CannotKeep,
    KeysetNotHere,
    KeysetRefused,
    KeysetRetired,
    SealKeyMissing,
    SealKeyUnusable,
    SealKeyWrong,
    SeedDamaged,
    SeedMissing,
    SignerError,
    VersionUnknown,
)
from amparo_signer.files import FolderLock, write_new
from amparo_signer.folder import KeyFolder, seal_up
from amparo_signer.keyset import Denominations, KeysetName, SeedFile
from amparo_signer.local import LocalSigner
from amparo_signer.protocol import PublicKeyset
from amparo_signer.schemes import schemes
from amparo_signer.seal import KeySeal, default_seal, seal_from_file
from amparo_signer.service import ChooseSeal, SignerService, open_service, reseal_folder

NAME = ("KES", "2026-11", 1_800_000_000)
STEM = "keyset+KES+2026-11+1800000000"


def open_(folder: Path, **options: Any) -> SignerService:
    """The signer of a folder."""
    return open_service(folder, **options)


def keysets_of(folder: Path, **options: Any) -> list[PublicKeyset]:
    """Its keysets after a start."""
    service = open_(folder, **options)
    try:
        return service.keysets()
    finally:
        service.close()


def sealed_by(path: Path) -> ChooseSeal:
    """The choice of a key file outside the folder."""

    def choose(folder: Path, *, in_use: bool) -> KeySeal:
        return seal_from_file(path)

    return choose


@pytest.fixture
def made(tmp_path: Path) -> PublicKeyset:
    """A folder with one keyset, closed again."""
    service = open_(tmp_path)
    found = service.make_keyset(*NAME)
    service.close()
    return found


# --- the same again ---------------------------------------------------------------------------------------------------


def test_a_second_start_gives_the_same_keysets(tmp_path: Path) -> None:
    service = open_(tmp_path)
    made = [
        service.make_keyset(unit, period, end)
        for unit in ("KES", "kes", "K+S", "auth", "صرف", "a/../b")
        for period, end in (("2026-11", None), ("2026-11", 1), ("2026-11+1", None), ("2026-12", None))
    ]
    assert [service.make_keyset(each.unit, each.period, each.final_expiry) for each in made] == made
    assert len({each.id for each in made}) == len({str(each.keys) for each in made}) == len(made)
    service.close()
    again = keysets_of(tmp_path)
    assert sorted(again, key=lambda each: each.id) == sorted(made, key=lambda each: each.id)
    assert again == sorted(again, key=lambda each: (each.unit, each.period, each.id))
    assert all(path.parent == tmp_path for path in tmp_path.rglob("*"))


def test_a_keyset_has_its_units_denominations_for_ever(tmp_path: Path) -> None:
    service = open_(tmp_path)
    usual, auth = service.make_keyset(*NAME), service.make_keyset("auth", "2026-11", None)
    service.close()
    assert list(usual.keys) == [str(2**exponent) for exponent in range(14)]
    assert list(auth.keys) == ["1"]
    # Another setting later is for later keysets only.
    service = open_(tmp_path, denominations=Denominations({"KES": 3, "sat": 21}))
    assert service.keysets() == [usual, auth]
    assert list(service.make_keyset("KES", "2026-12", None).keys) == ["1", "2", "4"]
    assert list(service.make_keyset("sat", "2026-12", None).keys)[-1] == str(2**20)
    assert list(service.make_keyset("auth", "2026-12", None).keys) == ["1"]
    service.close()


def test_the_folder_and_its_files_are_for_their_user_only(made: PublicKeyset, tmp_path: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, *tmp_path.iterdir())}
    assert modes.pop(tmp_path.name) == 0o700
    assert set(modes) == {f"{STEM}.seed", f"{STEM}.json", "seal-key.bin", "signer.lock"}
    assert set(modes.values()) == {0o600}


def test_no_file_but_the_sealing_key_tells_a_secret(made: PublicKeyset, tmp_path: Path) -> None:
    key = default_seal(tmp_path, in_use=True)
    path = tmp_path / f"{STEM}.seed"
    header, _, sealed = path.read_bytes().partition(b"\n")
    content = msgspec.msgpack.decode(key.open(sealed, header + b"\n" + path.name.encode()), type=SeedFile)
    assert content.id == made.id
    for each in tmp_path.iterdir():
        assert content.seed not in each.read_bytes()
    assert made.id.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        ("", "p", None),
        ("u", "", None),
        ("u" * 97, "p", None),
        ("u", "p\n", None),
        ("u\x00", "p", None),
        ("\ud800", "p", None),
        ("u", "p", 0),
        ("u", "p", -1),
        ("u", "p", 2**53),
        ("ص" * 17, "p", None),
    ],
)
def test_a_keyset_that_cannot_be_named_is_refused(tmp_path: Path, name: tuple[str, str, int | None]) -> None:
    service = open_(tmp_path)
    with pytest.raises(KeysetRefused):
        service.make_keyset(*name)
    assert service.keysets() == []
    service.close()
    assert not list(tmp_path.glob("keyset*"))


# --- wrong, missing, changed ------------------------------------------------------------------------------------------


def test_every_changed_byte_of_a_seed_file_is_noticed(made: PublicKeyset, tmp_path: Path) -> None:
    path = tmp_path / f"{STEM}.seed"
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises((SeedDamaged, SealKeyWrong)):
            keysets_of(tmp_path)
    for cut in (good[:-1], good[:20], b"", good + b"\x00"):
        path.write_bytes(cut)
        with pytest.raises(SeedDamaged):
            keysets_of(tmp_path)
    path.write_bytes(good)
    assert keysets_of(tmp_path) == [made]


def test_a_seed_file_under_another_name_is_noticed(made: PublicKeyset, tmp_path: Path) -> None:
    shutil.copy(tmp_path / f"{STEM}.seed", tmp_path / "keyset+KES+2026-12+none.seed")
    with pytest.raises(SeedDamaged, match="2026-12"):
        keysets_of(tmp_path)


def test_a_missing_seed_is_an_error_and_never_a_new_key(made: PublicKeyset, tmp_path: Path) -> None:
    (tmp_path / f"{STEM}.seed").unlink()
    for _ in range(2):
        with pytest.raises(SeedMissing, match=r"keyset\+KES\+2026-11"):
            keysets_of(tmp_path)
    assert not (tmp_path / f"{STEM}.seed").exists()


def test_a_missing_record_is_written_again(made: PublicKeyset, tmp_path: Path) -> None:
    record = tmp_path / f"{STEM}.json"
    before = record.read_bytes()
    record.unlink()
    assert keysets_of(tmp_path) == [made]
    assert record.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"id":"\xff"}',
        b"[" * 20_000,
        b'{"id":"01","name":{"unit":"KES","period":"2026-11","final_expiry":1}}',
    ],
)
def test_a_changed_record_is_an_error(made: PublicKeyset, tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{STEM}.json").write_bytes(content)
    with pytest.raises(SeedDamaged):
        keysets_of(tmp_path)


def test_a_missing_sealing_key_is_an_error_and_never_a_new_one(made: PublicKeyset, tmp_path: Path) -> None:
    (tmp_path / "seal-key.bin").unlink()
    with pytest.raises(SealKeyMissing):
        keysets_of(tmp_path)
    assert not (tmp_path / "seal-key.bin").exists()
    # Not even when the seeds are gone too: the record says that there were some.
    (tmp_path / f"{STEM}.seed").unlink()
    with pytest.raises(SealKeyMissing):
        keysets_of(tmp_path)


def test_another_sealing_key_is_named_as_the_fault(made: PublicKeyset, tmp_path: Path) -> None:
    (tmp_path / "seal-key.bin").write_bytes(bytes(32))
    with pytest.raises(SealKeyWrong):
        keysets_of(tmp_path)


def plant(folder: Path, content: SeedFile, stem: str = STEM) -> None:
    """A seed file that is well sealed, whatever it says."""
    seal = default_seal(folder, in_use=False)
    write_new(folder / f"{stem}.seed", seal_up(seal, f"{stem}.seed", msgspec.msgpack.encode(content)))


@pytest.mark.parametrize("version", ["02", "00", ""])
def test_a_keyset_of_an_unknown_version_is_refused_in_words(tmp_path: Path, version: str) -> None:
    plant(tmp_path, SeedFile(version, version + "ab" * 32, KeysetName(*NAME), [1], bytes(32)))
    with pytest.raises(VersionUnknown):
        keysets_of(tmp_path)


def test_a_seed_that_does_not_give_the_keyset_it_was_made_for_is_noticed(tmp_path: Path) -> None:
    plant(tmp_path, SeedFile("01", "01" + "ab" * 32, KeysetName(*NAME), [1], bytes(32)))
    with pytest.raises(SeedDamaged):
        keysets_of(tmp_path)


def test_a_well_sealed_file_with_another_content_is_noticed(tmp_path: Path) -> None:
    seal = default_seal(tmp_path, in_use=False)
    write_new(tmp_path / f"{STEM}.seed", seal_up(seal, f"{STEM}.seed", b"\x01"))
    with pytest.raises(SeedDamaged):
        keysets_of(tmp_path)


# --- sealing keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"\x01" * 32, b"ab" * 32, b"AB" * 32 + b"\n"])
def test_a_sealing_key_is_32_bytes_or_64_hex_digits(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    write_new(path, content)
    assert seal_from_file(path).mark == seal_from_file(path).mark != KeySeal(Secret(bytes(32))).mark


@pytest.mark.parametrize("content", [b"", b"\x01" * 31, b"\x01" * 33, b"ab" * 31, b"xy" * 32, b"\xff" * 64])
def test_anything_else_is_no_sealing_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    write_new(path, content)
    with pytest.raises(SealKeyUnusable):
        seal_from_file(path)
    with pytest.raises(SealKeyUnusable):
        seal_from_file(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_a_sealing_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_new(path, bytes(32))
    path.chmod(0o604)
    with pytest.raises(SealKeyUnusable):
        seal_from_file(path)


def test_with_a_sealing_key_outside_none_is_made_inside(tmp_path: Path) -> None:
    key, folder = tmp_path / "key", tmp_path / "keys"
    write_new(key, bytes(range(32)))
    service = open_(folder, seal=sealed_by(key))
    made = service.make_keyset(*NAME)
    service.close()
    assert not (folder / "seal-key.bin").exists()
    assert keysets_of(folder, seal=sealed_by(key)) == [made]
    with pytest.raises(SealKeyMissing):
        keysets_of(folder)


def test_resealing_keeps_the_keysets_and_the_old_key_opens_nothing(made: PublicKeyset, tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "seal-key.bin"
    write_new(outside, bytes(range(32)))
    old, old_seed = inside.read_bytes(), (tmp_path / f"{STEM}.seed").read_bytes()
    assert reseal_folder(tmp_path, default_seal, sealed_by(outside)) == 1
    assert keysets_of(tmp_path, seal=sealed_by(outside)) == [made]
    assert not inside.exists()
    inside.write_bytes(old)
    inside.chmod(0o600)
    with pytest.raises(SealKeyWrong):
        keysets_of(tmp_path)
    assert (tmp_path / f"{STEM}.seed").read_bytes() != old_seed
    # Run again, it has nothing left to do.
    assert reseal_folder(tmp_path, default_seal, sealed_by(outside)) == 1
    assert keysets_of(tmp_path, seal=sealed_by(outside)) == [made]


def test_resealing_with_the_wrong_old_key_changes_nothing(made: PublicKeyset, tmp_path: Path) -> None:
    wrong, new = tmp_path / "wrong", tmp_path / "new"
    write_new(wrong, bytes(range(32)))
    write_new(new, bytes(range(1, 33)))
    with pytest.raises(SealKeyWrong):
        reseal_folder(tmp_path, sealed_by(wrong), sealed_by(new))
    with pytest.raises(SealKeyUnusable):
        reseal_folder(tmp_path, default_seal, sealed_by(tmp_path / "absent"))
    assert keysets_of(tmp_path) == [made]


def test_resealing_to_the_key_in_the_folder_keeps_it(made: PublicKeyset, tmp_path: Path) -> None:
    assert reseal_folder(tmp_path, default_seal, sealed_by(tmp_path / "seal-key.bin")) == 1
    assert keysets_of(tmp_path) == [made]


# --- retiring ---------------------------------------------------------------------------------------------------------


def test_a_retired_keyset_is_gone_for_good(made: PublicKeyset, tmp_path: Path) -> None:
    seed = (tmp_path / f"{STEM}.seed").read_bytes()
    service = open_(tmp_path)
    kept = service.make_keyset("KES", "2026-12", None)
    for _ in range(2):
        service.retire(made.id)
        assert service.keysets() == [kept]
        with pytest.raises(KeysetRetired):
            service.make_keyset(*NAME)
    service.close()
    service = open_(tmp_path)
    assert service.keysets() == [kept]
    service.retire(made.id)
    with pytest.raises(KeysetRetired):
        service.make_keyset(*NAME)
    for unknown in ("", "01" + "00" * 32, made.id.upper()):
        with pytest.raises(KeysetNotHere):
            service.retire(unknown)
    service.close()
    # A seed that comes back from a backup does not bring the keyset back.
    (tmp_path / f"{STEM}.seed").write_bytes(seed)
    assert keysets_of(tmp_path) == [kept]
    assert not (tmp_path / f"{STEM}.seed").exists()


# --- one at a time, and a disk that refuses ---------------------------------------------------------------------------


def test_two_signers_never_work_on_one_folder(tmp_path: Path) -> None:
    service = open_(tmp_path)
    with pytest.raises(AlreadyRunning):
        open_(tmp_path)
    with pytest.raises(AlreadyRunning):
        reseal_folder(tmp_path, default_seal, default_seal)
    service.close()
    service.close()
    open_(tmp_path).close()


def test_a_signer_that_could_not_start_lets_go_of_its_folder(made: PublicKeyset, tmp_path: Path) -> None:
    seed = tmp_path / f"{STEM}.seed"
    good = seed.read_bytes()
    seed.write_bytes(b"bad")
    with pytest.raises(SignerError):
        open_(tmp_path)
    seed.write_bytes(good)
    assert keysets_of(tmp_path) == [made]
    lock = FolderLock(tmp_path)
    del lock
    assert keysets_of(tmp_path) == [made]


def test_a_keyset_that_the_disk_does_not_take_is_not_made(made: PublicKeyset, tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from amparo_signer.errors import CannotKeep
from amparo_signer.service import open_service
service = open_service(Path({str(tmp_path)!r}))
(before,) = service.keysets()
resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
for call in (lambda: service.make_keyset("KES", "2027", None), lambda: service.retire(before.id)):
    try:
        call()
    except CannotKeep:
        assert service.keysets() == [before]
    else:
        raise SystemExit("it was taken")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert service.make_keyset("KES", "2027", None).period == "2027"
service.retire(before.id)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [each.period for each in keysets_of(tmp_path)] == ["2027"]
    assert not list(tmp_path.glob("*.draft"))


def test_a_keyset_of_which_the_disk_took_only_the_seed_is_finished_when_it_is_made_again(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path, default_seal(tmp_path, in_use=False), schemes(choose_engine()))
    made, record = folder.make(KeysetName(*NAME)), tmp_path / f"{STEM}.json"
    before = record.read_bytes()
    record.unlink()
    assert folder.make(KeysetName(*NAME)).public == made.public
    assert record.read_bytes() == before
    # And one that was kept whole, but perhaps not flushed.
    assert folder.make(KeysetName(*NAME)).public == made.public


def test_a_keyset_whose_seed_vanished_is_not_made_anew(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path, default_seal(tmp_path, in_use=False), schemes(choose_engine()))
    folder.make(KeysetName(*NAME))
    (tmp_path / f"{STEM}.seed").unlink()
    with pytest.raises(SeedMissing):
        folder.make(KeysetName(*NAME))
    other = KeysetName(NAME[0], NAME[1], NAME[2] + 1)
    folder.make(other)
    shutil.copy(tmp_path / f"{STEM[:-1]}1.seed", tmp_path / f"{STEM}.seed")
    with pytest.raises(SeedDamaged):
        folder.make(KeysetName(*NAME))


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotKeep):
        open_(tmp_path / "file" / "folder")


def test_a_local_signer_holds_the_folder_until_it_is_closed(made: PublicKeyset, tmp_path: Path) -> None:
    signer = LocalSigner(open_(tmp_path))
    assert run(signer.keysets()) == [made]
    with pytest.raises(AlreadyRunning):
        open_(tmp_path)
    signer.close()
    assert keysets_of(tmp_path) == [made]
