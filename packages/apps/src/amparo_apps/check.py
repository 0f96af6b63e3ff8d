"""Whether an address sends the app that the public log names: fetches every file as a phone does, and hashes it.

LIMIT: a server that sends one phone something else is found only when that phone's files are compared; so anybody should do it,
from anywhere, and the app's own worker keeps what it fetched once.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from amparo_apps.errors import FilesDiffer
from amparo_apps.files import whole_hash
from amparo_common.bridge import AppPublished
from amparo_log.view import LogView
from amparo_service.client import Client


class FileList(msgspec.Struct, frozen=True):
    """What an address says of itself (`/files.json`)."""

    release: str
    files: dict[str, str]


class Checked(msgspec.Struct, frozen=True):
    """An app that is what the log names: its release, its hash, how many files and bytes, where in the log."""

    app: str
    release: str
    hash: str
    files: int
    bytes: int
    index: int


def check(address: Client, view: LogView) -> Checked:
    """Compare an address with the log. Raises `FilesDiffer`, `RemoteError`, `Unreachable`."""
    told = address.get("/files.json", FileList)
    found, size = {}, 0
    for path in sorted(told.files):
        data = address.get_bytes(path)
        found[path], size = hashlib.sha256(data).hexdigest(), size + len(data)
        if found[path] != told.files[path]:
            raise FilesDiffer(f"The file {path} is not what the address says of it.")
    whole = whole_hash(found)
    for place, app in reversed(view.apps):
        if app.hash == whole:
            _check_newest(app, (each for _, each in view.apps))
            return Checked(app.app, app.release, whole, len(found), size, place.index)
    raise FilesDiffer("No release in the public log has these files.")


def _check_newest(app: AppPublished, every: Iterable[AppPublished]) -> None:
    newest = [each for each in every if each.app == app.app][-1]
    if newest != app:
        raise FilesDiffer("The address sends an older release than the newest in the public log.")
