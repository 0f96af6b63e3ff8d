"""`config.json` of an app's server: which app, and what the app is told about where the services are."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

AppName = Literal["wallet", "till"]


class UnitWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a unit of aid is shown: its short sign beside amounts, and what it is for, by language."""

    sign: str
    names: dict[str, str] = {}


class Addresses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the app is told (`/config.json`): the services' addresses as phones reach them, the log's key, how units are called,
    whom to call, whether all this is practice, and then by how many seconds its clock is ahead of the machine's."""

    log: str
    vkey: str
    mint: str
    office: str = ""
    shops: str = ""
    contact: str = ""
    units: dict[str, UnitWords] = {}
    practice: bool = False
    clock_offset: int = 0

    def origins(self) -> list[str]:
        """The addresses that the app may talk to, as a content policy names them."""
        found = []
        for url in (self.log, self.mint, self.office, self.shops):
            parts = urlsplit(url)
            if parts.scheme and parts.netloc:
                found.append(f"{parts.scheme}://{parts.netloc}")
        return list(dict.fromkeys(found))


class AppConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    app: AppName
    addresses: Addresses


def load(folder: Path) -> AppConfig:
    """Read `config.json` of a folder."""
    return msgspec.json.decode((folder / "config.json").read_bytes(), type=AppConfig)
