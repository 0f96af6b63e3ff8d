"""Files of jobs: sealed, in pieces, erased with their key."""

import io
import os
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory, override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from amparo_common.secret import Secret
from amparo_staff.errors import FileDamaged, FileExpired
from amparo_staff.jobs import files
from amparo_staff.jobs.models import JobFile
from amparo_staff.jobs.sealed import PIECE, SealedReader, SealedWriter, pieces
from amparo_staff.jobs.uploads import SealedUpload

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = Secret(bytes(range(32)))
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7]


@pytest.fixture
def job_folder(tmp_path: Path) -> Any:
    """A job folder of this test's own."""
    with override_settings(JOB_FOLDER=tmp_path / "jobs"):
        yield tmp_path / "jobs"


def sealed(path: Path, content: bytes) -> Path:
    """A sealed file with this content."""
    writer = SealedWriter(path, KEY)
    for start in range(0, len(content), 10_000):
        writer.write(content[start : start + 10_000])
    writer.finish()
    return path


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_comes_back(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = sealed(tmp_path / "x", content)
    assert b"".join(pieces(path, KEY)) == content
    assert size < 40 or content[:40] not in path.read_bytes()


@settings(deadline=None, max_examples=25)
@given(places=st.lists(st.tuples(st.integers(0, 3 * PIECE), st.integers(0, 2 * PIECE)), max_size=6))
def test_any_part_can_be_read(tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]) -> None:
    content = bytes(range(256)) * (10 * PIECE // 1024)
    path = sealed(tmp_path_factory.mktemp("part") / "x", content)
    with io.BufferedReader(SealedReader(path, KEY)) as reader:
        for start, length in places:
            reader.seek(start)
            assert reader.read(length) == content[start : start + length]
        assert reader.seek(0, io.SEEK_END) == len(content)


@pytest.mark.parametrize("size", SIZES)
def test_a_changed_cut_or_lengthened_file_is_seen(tmp_path: Path, size: int) -> None:
    whole = sealed(tmp_path / "x", bytes(size)).read_bytes()
    step = PIECE + 16
    damaged = {
        "changed": bytes([whole[0] ^ 1]) + whole[1:],
        "changed at its end": whole[:-1] + bytes([whole[-1] ^ 1]),
        "shorter": whole[:-1],
        "without its last piece": whole[: (len(whole) - 1) // step * step],
        "longer": whole + bytes(16),
        "other order": whole[step:] + whole[:step],
    }
    for name, content in damaged.items():
        if content == whole or (name == "other order" and len(whole) <= step):
            continue
        (tmp_path / "damaged").write_bytes(content)
        with pytest.raises(FileDamaged):
            list(pieces(tmp_path / "damaged", KEY))


def test_a_file_is_read_as_a_workbook_without_being_opened_on_the_disk(desk_database: str, job_folder: Path) -> None:
    with files.new_file("report.zip", by=None, at=NOON) as made:
        with zipfile.ZipFile(io.BytesIO(), "w") as book:
            book.writestr("a", "María " * 50_000)
            stream = book.fp
            assert stream is not None
        assert isinstance(stream, io.BytesIO)
        made.write(stream.getvalue())
    with files.open_file(made.row, at=NOON) as opened, zipfile.ZipFile(opened) as book:
        assert book.read("a").startswith("María".encode())
    assert "María".encode() not in b"".join(path.read_bytes() for path in job_folder.iterdir())


def test_a_download_never_holds_the_whole_file(desk_database: str, job_folder: Path) -> None:
    with files.new_file("x.csv", by=None, at=NOON) as made:
        for _ in range(10):
            made.write(bytes(PIECE))
    parts = list(files.read_pieces(made.row, at=NOON))
    assert (max(map(len, parts)), sum(map(len, parts)), made.row.size) == (PIECE, 10 * PIECE, 10 * PIECE)


def test_a_file_is_gone_after_its_time_and_a_backup_of_the_folder_does_not_bring_it_back(
    desk_database: str, job_folder: Path, tmp_path: Path
) -> None:
    with files.new_file("x.csv", by=None, at=NOON, lives=timedelta(days=1)) as made:
        made.write(b"Rosa Quispe")
    shutil.copytree(job_folder, tmp_path / "backup")
    tomorrow = NOON + timedelta(days=1)
    with pytest.raises(FileExpired):
        files.read_pieces(made.row, at=tomorrow)
    assert files.erase_expired(NOON, NOON) == 0
    assert files.erase_expired(tomorrow, NOON) == 1
    assert not JobFile.objects.exists()
    assert list(job_folder.glob("*.sealed")) == []
    # The folder's own key comes back with the backup; the other half of the file's key was in the row.
    shutil.copytree(tmp_path / "backup", job_folder, dirs_exist_ok=True)
    made.row.salt = bytes(32)
    with pytest.raises(FileDamaged):
        list(files.read_pieces(made.row, at=NOON))


def write_half(_folder: Path) -> None:
    """Begin a file and fail."""
    with files.new_file("x.csv", by=None, at=NOON) as made:
        made.write(b"half")
        raise ZeroDivisionError


def test_a_file_that_was_not_finished_leaves_nothing(desk_database: str, job_folder: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_half(job_folder)
    assert not JobFile.objects.exists()
    assert list(job_folder.glob("*.sealed")) == []


def test_what_a_crash_left_is_erased_after_a_day(desk_database: str, job_folder: Path) -> None:
    job_folder.mkdir()
    for name, age in (("old.sealed", 25), ("old.upload", 25), ("new.sealed", 1), ("job-key.bin", 25)):
        (job_folder / name).write_bytes(b"x")
        moment = NOON.timestamp() - age * 3600
        os.utime(job_folder / name, (moment, moment))
    files.erase_expired(NOON, NOON)
    assert sorted(path.name for path in job_folder.iterdir()) == ["job-key.bin", "new.sealed"]


def upload(size: int) -> Any:
    """A request with a file, as Django parses it."""
    sent = SimpleUploadedFile("Lista de Rosa Quispe.CSV", b"Rosa;Quispe\n" * (size // 12), content_type="text/csv")
    request = RequestFactory().post("/", {"file": sent})
    return request.FILES["file"]


def test_a_large_upload_lies_sealed_on_the_disk_and_is_erased_when_closed(job_folder: Path) -> None:
    file = upload(6 * 1024 * 1024)
    assert isinstance(file, SealedUpload)
    assert file.name == "upload.csv"
    (path,) = job_folder.glob("*.upload")
    assert b"Rosa" not in path.read_bytes()
    assert file.read(12) == b"Rosa;Quispe\n"
    assert sum(len(chunk) for chunk in file.chunks()) == file.size
    file.close()
    assert list(job_folder.iterdir()) == []


def test_a_small_upload_stays_in_memory(job_folder: Path) -> None:
    file = upload(1000)
    assert not isinstance(file, SealedUpload)
    assert not job_folder.exists()
