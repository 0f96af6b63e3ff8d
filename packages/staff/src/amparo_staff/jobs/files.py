"""Files that jobs read and make: sealed in the job folder, written and read in pieces, erased some days later.

    with new_file("report.xlsx", by=member, at=now) as made:      # made.write(bytes) as often as needed
        made.write(...)
    made.row                                                      # the JobFile; its id goes into the job's argument or result
    open_file(row, at=now)                                        # a binary file to read and seek in, for a parser
    read_pieces(row, at=now)                                      # for a download

The key of a file is made of the folder's key and of the row's salt, so that erasing either makes it unreadable. `name` is a word of
ours (`report.xlsx`), never what somebody's file was called.
"""

import contextlib
import io
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from amparo_common.secret import Secret
from amparo_service.keys import secret_bytes
from amparo_staff.accounts.models import StaffMember
from amparo_staff.errors import FileExpired
from amparo_staff.jobs.models import Job, JobFile
from amparo_staff.jobs.sealed import PIECE, SealedReader, SealedWriter, pieces

LIVES = timedelta(days=7)
_ABANDONED = 24 * 3600


class NewFile:
    """A file that is being made; `row` is there once it is whole."""

    def __init__(self, row: JobFile, writer: SealedWriter) -> None:
        self.row = row
        self._writer = writer

    def write(self, data: bytes) -> int:
        """Take some more bytes."""
        return self._writer.write(data)


@contextlib.contextmanager
def new_file(
    name: str, *, by: StaffMember | None, at: datetime, job: Job | None = None, lives: timedelta = LIVES
) -> Iterator[NewFile]:
    """A new sealed file. Leaving the block by an error leaves nothing behind."""
    row = JobFile(name=name, by=by, job=job, salt=secrets.token_bytes(32), added=at, expires=at + lives)
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    writer = SealedWriter(_path(row), _key(row))
    with contextlib.ExitStack() as unless_whole:
        unless_whole.callback(_path(row).unlink, missing_ok=True)
        unless_whole.callback(writer.abandon)
        yield NewFile(row, writer)
        writer.finish()
        row.size = writer.size
        row.save(force_insert=True)
        unless_whole.pop_all()


@contextlib.contextmanager
def erased_unless_done(row: JobFile) -> Iterator[None]:
    """Leaving the block by an error erases the file: nobody fetches what was not said to be made."""
    with contextlib.ExitStack() as unless_done:
        unless_done.callback(erase, row)
        yield
        unless_done.pop_all()


def read_pieces(row: JobFile, *, at: datetime) -> Iterator[bytes]:
    """The file, a piece at a time. Raises `FileExpired` at once, `FileDamaged` where it is damaged."""
    _require_fresh(row, at)
    return pieces(_path(row), _key(row))


def open_file(row: JobFile, *, at: datetime) -> io.BufferedReader:
    """The file to read and seek in; close it. Raises `FileExpired`, `FileDamaged`."""
    _require_fresh(row, at)
    return io.BufferedReader(SealedReader(_path(row), _key(row)), PIECE)


def erase(row: JobFile) -> None:
    """Erase a file: its row, and with it its key, then what lies on the disk."""
    path = _path(row)
    JobFile.objects.filter(id=row.id).delete()
    path.unlink(missing_ok=True)


def erase_expired(at: datetime, machine: datetime) -> int:
    """Erase the files whose time has come, and what crashes left behind. How many files. `machine` is the machine's own time."""
    over = list(JobFile.objects.filter(expires__lte=at))
    for row in over:
        erase(row)
    known = {f"{each}.sealed" for each in JobFile.objects.values_list("id", flat=True)}
    for path in [*folder().glob("*.sealed"), *folder().glob("*.upload")]:
        # A file that is being made has no row yet.
        if path.name not in known and machine.timestamp() - path.stat().st_mtime > _ABANDONED:
            path.unlink(missing_ok=True)
    return len(over)


def folder() -> Path:
    """The job folder."""
    return Path(settings.JOB_FOLDER)


def _path(row: JobFile) -> Path:
    return folder() / f"{row.id}.sealed"


def _key(row: JobFile) -> Secret:
    whole = secret_bytes(folder(), "job-key").reveal()
    return Secret(HKDF(SHA256(), 32, salt=bytes(row.salt), info=b"amparo job file").derive(whole))


def _require_fresh(row: JobFile, at: datetime) -> None:
    if at >= row.expires:
        raise FileExpired("This file was erased.")
