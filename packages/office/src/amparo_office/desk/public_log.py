"""The desk's one way to the public log: which one it is stands in the folder's `config.json`, the office's key signs.

What the log said last is kept beside the other files, so that a desk without a connection goes on.
"""

from functools import lru_cache
from pathlib import Path

from amparo_common.bridge import LogMessage
from amparo_log.follow import LogFollower
from amparo_office import config
from amparo_office.desk import place
from amparo_office.errors import LogNotConfigured
from amparo_service.client import Client
from amparo_service.keys import signing_key

KEPT = "desk-log"


def known() -> LogFollower | None:
    """The log that this desk follows, if it has one yet."""
    folder = place.folder()
    return _made(folder) if (folder / "config.json").exists() else None


def required() -> LogFollower:
    """The log that this desk follows. Raises `LogNotConfigured`."""
    found = known()
    if found is None:
        raise LogNotConfigured("This desk does not know its public log.")
    return found


def publish(body: LogMessage) -> int:
    """Put something of the office's into the public log; its place there. Repeating it changes nothing. Raises `LogNotConfigured`,
    `Unreachable`."""
    return required().publish(body, signing_key(place.folder(), "publish-key"))


@lru_cache(maxsize=4)
def _made(folder: Path) -> LogFollower:
    settings = config.load(folder)
    # Pages wait for the answer: whoever does not answer at once is asked again the next time.
    client = Client(settings.log_url, patience=0, timeout=5)
    return LogFollower(client, settings.log_vkey, folder / f"{KEPT}-seen", kept=folder / f"{KEPT}.ndjson")
