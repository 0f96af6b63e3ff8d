"""The shops side's configuration file: the log, and who pays the shops through the bank."""

from pathlib import Path

import msgspec


class ShopsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of the shops side. `debtor_*` is the programme's own bank account."""

    log_url: str
    log_vkey: str
    debtor_name: str
    debtor_account: str
    currency: str


def load(folder: Path) -> ShopsConfig:
    """Read `config.json`."""
    return msgspec.json.decode((folder / "config.json").read_bytes(), type=ShopsConfig)
