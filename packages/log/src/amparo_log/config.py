"""The log's configuration file: its name (origin) and who may publish what."""

from pathlib import Path

import msgspec

from amparo_common.signing import PublicJwk, VerifyingKey
from amparo_log.service import Publisher


class PublisherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One publisher: its public key and the kinds of message it may publish. With "key-announced" and the kinds of one
    service (`view.OWNERS`) it announces that service's keys and no others."""

    jwk: PublicJwk
    kinds: list[str]


class LogConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config.json` of the log."""

    publishers: list[PublisherConfig]

    def by_key(self) -> dict[str, Publisher]:
        """The publishers by key id."""
        found = {}
        for each in self.publishers:
            key = VerifyingKey(each.jwk)
            found[key.kid] = Publisher(key, frozenset(each.kinds))
        return found


def load(folder: Path) -> LogConfig:
    """Read `config.json`; with none, nobody may publish."""
    path = folder / "config.json"
    return msgspec.json.decode(path.read_bytes(), type=LogConfig) if path.exists() else LogConfig(publishers=[])


def origin(folder: Path) -> str:
    """The log's name, kept in the file `origin`; a log never changes its name."""
    path = folder / "origin"
    return path.read_text().strip() if path.exists() else "amparo.invalid/log"
