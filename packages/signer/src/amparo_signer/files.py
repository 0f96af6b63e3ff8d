"""Files that are whole or absent, whatever happens while they are written. All of the signer's disk writes are here.

A file is written as a draft beside its place, flushed, then linked or moved there, and the folder's list of names is
flushed too. A draft that a crash left behind is swept by `sweep_drafts`, under the folder's lock.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from amparo_signer.errors import AlreadyRunning, CannotKeep

_DRAFT = ".draft"


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turns the operating system's refusal to write into `CannotKeep`."""
    try:
        yield
    except OSError as error:
        raise CannotKeep("The signer's folder could not be written.") from error


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet. Raises `CannotKeep`, also when it is there: a key is never replaced."""
    with disk_errors():
        draft = _draft(path, content)
        try:
            os.link(draft, path)
        finally:
            draft.unlink()
        _sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write a file anew: afterwards, and after a power cut, it is the old one or the new one. Raises `CannotKeep`."""
    with disk_errors():
        draft = _draft(path, content)
        try:
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def destroy(path: Path) -> None:
    """Overwrite a file with zeros and remove it; nothing happens when it is not there. Raises `CannotKeep`.

    Hard links to it are overwritten too. LIMIT: file systems that copy on write, and backups, keep older content.
    """
    with disk_errors():
        if not path.exists():
            return
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, bytes(os.fstat(descriptor).st_size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        _sync_folder(path.parent)


def sweep_drafts(folder: Path) -> None:
    """Remove what an interrupted write left behind. Only under the folder's lock.

    Removed and not overwritten: the crash may have come when the draft and the file were already one (`write_new`).
    """
    with disk_errors():
        for draft in folder.glob(f"*{_DRAFT}"):
            draft.unlink()


class FolderLock:
    """The right to work on a folder, from making this until `close`, the last reference or the process ends."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder if needed, for its user only. Raises `AlreadyRunning`, `CannotKeep`."""
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
            path = (folder / "signer").with_suffix(".lock")
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise AlreadyRunning("Another signer works on this folder.") from error

    def close(self) -> None:
        """Let go. Again is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        if getattr(self, "_descriptor", None) is not None:
            self.close()


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_DRAFT}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
