"""The office's configuration file: the log, the mint, and what stands on cards."""

from pathlib import Path

import msgspec


class OfficeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of the office. `issuer` stands in every card; `open_cards` prints them readable by anybody, and the
    programme has to say so in public. `smallest_crowd`: of how many with the same amount everybody should be one; where it is
    fewer, the approver has to say that it is known. `login_issuer`: in whose name wallets are logged in at the mint, where that
    wants it (`clear_auth`); null: nobody is."""

    log_url: str
    log_vkey: str
    mint_url: str
    issuer: str
    contact: str
    open_cards: bool = False
    smallest_crowd: int = 20
    login_issuer: str | None = None


def load(folder: Path) -> OfficeConfig:
    """Read `config.json`."""
    return msgspec.json.decode((folder / "config.json").read_bytes(), type=OfficeConfig)
