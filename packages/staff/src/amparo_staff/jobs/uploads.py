"""What a browser sends: small files stay in memory, larger ones go to the disk sealed under a key that only this request knows."""

import contextlib
import io
import secrets
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from amparo_common.secret import Secret
from amparo_staff.jobs.files import folder
from amparo_staff.jobs.sealed import PIECE, SealedReader, SealedWriter


class SealedUpload(UploadedFile):  # type: ignore[type-arg] # it takes none at run time
    """An upload whose bytes lie sealed on the disk until it is closed."""

    def __init__(self, path: Path, key: Secret, size: int, field: str, kind: str) -> None:
        self._path = path
        reader = io.BufferedReader(SealedReader(path, key), PIECE)
        super().__init__(file=reader, name=f"upload{_ending(field)}", content_type=kind, size=size)

    def close(self) -> None:
        """Close and erase it."""
        super().close()
        self._path.unlink(missing_ok=True)


class SealedUploads(FileUploadHandler):
    """Stands behind Django's handler for small files."""

    _writer: SealedWriter | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file begins."""
        super().new_file(*args, **kwargs)
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = Secret(secrets.token_bytes(32))
        self._path = folder() / f"{secrets.token_hex(16)}.upload"
        self._writer = SealedWriter(self._path, self._key)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - the handler's own signature
        """Some more of it."""
        if self._writer is not None:
            self._writer.write(raw_data)

    def file_complete(self, file_size: int) -> SealedUpload | None:
        """It is whole."""
        if self._writer is None:
            return None
        self._writer.finish()
        self._writer = None
        return SealedUpload(self._path, self._key, file_size, self.file_name or "", self.content_type or "")

    def upload_interrupted(self) -> None:
        """The browser went away."""
        if self._writer is not None:
            self._writer.abandon()
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _ending(name: str) -> str:
    """What kind of file it says it is; the rest of its name may name a person."""
    ending = Path(name).suffix.lower()
    return ending if ending in {".csv", ".xlsx", ".dta", ".xls", ".ods", ".tsv", ".txt", ".json"} else ""
