"""The mint's configuration file: where the log, the shops side and the signer are, and which database it uses."""

from pathlib import Path

import msgspec

from amparo_mint.blind_auth import BlindAuthSettings
from amparo_mint.calendar import CalendarSettings
from amparo_mint.clear_auth import ClearAuthSettings
from amparo_mint.crowd import CrowdSettings
from amparo_mint.errors import BadConfiguration
from amparo_mint.sockets import SocketSettings


class MintConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of the mint. `signer` is the path of the signer's socket; `database` is "sqlite" (a file in the data
    folder) or the address of a PostgreSQL database (`postgresql://...`); `calendar` lets the mint keep the keyset calendar;
    `crowd` makes it wait for the smallest crowd; `sockets`, `clear_auth` and `blind_auth` turn on NUT-17, 21 and 22."""

    log_url: str
    log_vkey: str
    shops_url: str
    signer: str
    database: str = "sqlite"
    calendar: CalendarSettings | None = None
    crowd: CrowdSettings | None = None
    sockets: SocketSettings | None = None
    clear_auth: ClearAuthSettings | None = None
    blind_auth: BlindAuthSettings | None = None


def load(folder: Path) -> MintConfig:
    """Read `config.json`. Raises `BadConfiguration`."""
    path = folder / "config.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=MintConfig)
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"{path} cannot be used.", why=f"{error}.") from error
