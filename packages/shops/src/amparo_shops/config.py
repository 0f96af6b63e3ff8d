"""The shops side's configuration file: the log, and who pays the shops through the bank."""

from pathlib import Path

import msgspec


class ShopsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of the shops side. `debtor_*` is the programme's own bank account; `login_issuer`: in whose name shops are
    logged in at the mint, where that wants it (`clear_auth`); null: nobody is."""

    log_url: str
    log_vkey: str
    debtor_name: str
    debtor_account: str
    currency: str
    login_issuer: str | None = None


def load(folder: Path) -> ShopsConfig:
    """Read `config.json`."""
    return msgspec.json.decode((folder / "config.json").read_bytes(), type=ShopsConfig)
