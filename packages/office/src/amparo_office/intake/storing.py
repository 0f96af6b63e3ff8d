"""The sealed files of an import: what was sent (until it was looked at), its tables, what was seen in them, what is wrong with
them. They go when it is merged or cancelled, or after seven days (`amparo_staff.jobs.files`).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, BinaryIO, TypeVar, cast

import msgspec

from amparo_office.errors import ImportFilesGone
from amparo_office.intake.models import NONE, Import, Update
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs import files
from amparo_staff.jobs.files import NewFile
from amparo_staff.jobs.models import JobFile

Content = TypeVar("Content", bound=msgspec.Struct)

UPLOADS, LOOK, TABLES = "uploads", "look", "tables"
FAULTS, REFUSED, SEEN, PREPARED = "faults", "refused", "seen", "prepared"
_FRAME = 4


def row_of(number: str) -> JobFile:
    """A file by its id. Raises `ImportFilesGone`."""
    found = JobFile.objects.filter(id=number or NONE).first()
    if found is None:
        raise ImportFilesGone("The files of this import are gone.")
    return found


def opener(number: str, at: datetime) -> Callable[[], AbstractContextManager[BinaryIO]]:
    """Opens a file anew each time it is called."""
    row = row_of(number)
    return lambda: cast("AbstractContextManager[BinaryIO]", files.open_file(row, at=at))


def keep(content: msgspec.Struct, *, by: StaffMember | None, at: datetime) -> str:
    """A small file with one content; its id."""
    with files.new_file("part.bin", by=by, at=at) as made:
        made.write(msgspec.msgpack.encode(content))
    return str(made.row.id)


def kept(number: str, kind: type[Content], *, at: datetime) -> Content:
    """What `keep` kept. Raises `ImportFilesGone`."""
    with opener(number, at)() as file:
        return msgspec.msgpack.decode(file.read(), type=kind)


def add_frame(file: NewFile, content: msgspec.Struct) -> None:
    """Write one more content to a file of many."""
    data = msgspec.msgpack.encode(content)
    file.write(len(data).to_bytes(_FRAME, "big") + data)


def frames(number: str, kind: type[Content], *, at: datetime) -> Iterator[Content]:
    """The contents of a file of many, one after the other."""
    with opener(number, at)() as file:
        while head := file.read(_FRAME):
            yield msgspec.msgpack.decode(file.read(int.from_bytes(head, "big")), type=kind)


def erase(given: Import | Update, *names: str) -> None:
    """Let files of an import or update go (all without names), and forget them."""
    let_go({name: given.files.pop(name) for name in names or tuple(given.files) if name in given.files})
    type(given)._default_manager.filter(id=given.id).update(files=given.files)


def let_go(some: dict[str, Any]) -> None:
    """Erase these files, named as an import names its files."""
    for name, found in some.items():
        match name:
            case "uploads":
                numbers = [number for _, number in found]
            case "tables":
                numbers = found
            case _:
                numbers = [found]
        for row in JobFile.objects.filter(id__in=numbers):
            files.erase(row)
