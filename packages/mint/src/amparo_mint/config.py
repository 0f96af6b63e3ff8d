"""The mint's configuration file: where the log and the shops side are."""

from pathlib import Path

import msgspec


class MintConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of the mint."""

    log_url: str
    log_vkey: str
    shops_url: str


def load(folder: Path) -> MintConfig:
    """Read `config.json`."""
    return msgspec.json.decode((folder / "config.json").read_bytes(), type=MintConfig)
