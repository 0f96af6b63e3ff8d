"""Private keys as files that only their service's user can read (mode 0600), made on first use.

LIMIT: the files are not encrypted; whoever can read the service's folder can sign in its name. The keys that make money are
elsewhere: sealed, in the mint's signer process.
"""

import contextlib
import glob
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_service.errors import CannotStore, KeyMissing


def signing_key(folder: Path, name: str) -> SigningKey:
    """The ES256 key `name` of this folder, made on first use."""
    return SigningKey.from_pem(file_once(folder / f"{name}.pem", lambda: SigningKey.generate().to_pem()))


def secret_bytes(folder: Path, name: str, length: int = 32) -> Secret:
    """`length` random bytes kept under `name`, made on first use."""
    return Secret(file_once(folder / f"{name}.bin", lambda: secrets.token_bytes(length)))


def file_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file holds; if there is none, `make()` is written first, whole and flushed, or not at all. Raises `CannotStore`."""
    if path.exists():
        return path.read_bytes()
    with _disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = _draft(path, make())
        try:
            # `link` never replaces a file, so two processes starting at once agree on the first one's key.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        sync_folder(path.parent)
    return path.read_bytes()


def require_keys(folder: Path, database: str, names: Sequence[str]) -> None:
    """Raises `KeyMissing` when the folder holds the service's database but not all of its key files."""
    missing = [name for name in names if not (folder / name).exists()]
    if (folder / database).exists() and missing:
        raise KeyMissing(f"The key file {missing[0]} is missing beside {database}.")


def replace_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write `content` to `path` so that a power cut or a full disk leaves the old file or the new one, never half. Who may read it
    is in `mode`, less what the process allows nobody. Raises `CannotStore`."""
    with _disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, content, mode=mode)
        try:
            draft.replace(path)
        except OSError:
            draft.unlink()
            raise
        sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there, and the drafts of it that a power cut has left. Raises `CannotStore`."""
    with _disk_errors():
        for each in (path, *path.parent.glob(f"{glob.escape(path.name)}.*.draft")):
            each.unlink(missing_ok=True)


def _draft(path: Path, content: bytes, *, mode: int = 0o600) -> Path:
    """The content in a new file beside `path`, flushed."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink()
        raise
    return draft


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotStore("A file of this service cannot be written.") from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
