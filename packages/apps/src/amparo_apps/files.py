"""An app's built files: what there is, and the one hash that stands for all of it.

`files.json` names every file with its SHA-256. The hash of an app is the SHA-256 over the lines `PATH SHA256\\n` in the order of
the paths: anybody who fetches the files from an address can make it again, and compare it with the public log.
"""

import hashlib
from importlib import resources
from typing import Literal

import msgspec

from amparo_apps.config import AppName
from amparo_apps.errors import AppsNotBuilt

When = Literal["screen", "visit", "use"]


class BuiltFile(msgspec.Struct, frozen=True):
    """One file: its address, its hash, its size plain and packed, and when a phone fetches it (for the first screen, at the first
    visit, when it is first used)."""

    path: str
    sha256: str
    bytes: int
    gz: int
    br: int
    type: str
    when: When


class Built(msgspec.Struct, frozen=True):
    """An app as it was built."""

    app: AppName
    release: str
    files: list[BuiltFile]

    @property
    def hash(self) -> str:
        """The hash of the whole app."""
        return whole_hash({each.path: each.sha256 for each in self.files})


def whole_hash(files: dict[str, str]) -> str:
    """One hash over the hashes of all files, by path."""
    return hashlib.sha256("".join(f"{path} {files[path]}\n" for path in sorted(files)).encode()).hexdigest()


def built(app: AppName) -> Built:
    """What was built of an app. Raises `AppsNotBuilt`."""
    place = resources.files(__package__).joinpath("built", app, "files.json")
    if not place.is_file():
        raise AppsNotBuilt(f"The app “{app}” is not built.")
    return msgspec.json.decode(place.read_bytes(), type=Built)


def content(app: AppName, path: str, packing: Literal["", ".br", ".gz"] = "") -> bytes | None:
    """The bytes of a file, packed or plain; None where it was not packed so."""
    name = "index.html" if path == "/" else path.removeprefix("/")
    place = resources.files(__package__).joinpath("built", app, name + packing)
    return place.read_bytes() if place.is_file() else None
