"""What the published programmes need: the facts that may be taken in, asked for in a form, or handed out under a programme's name.

Read from the public log each time; what it said last is kept beside the other files, so that a desk without a connection goes on.
A desk without a log yet needs no fact.
"""

from functools import lru_cache
from pathlib import Path

from amparo_common.bridge import LogMessage
from amparo_log.follow import LogFollower
from amparo_office import config
from amparo_office.desk import place
from amparo_office.errors import LogNotConfigured
from amparo_office.register.catalogue import Needed
from amparo_rules.rule import RuleFile, read_rule
from amparo_service.client import Client
from amparo_service.errors import Unreachable
from amparo_service.keys import signing_key

KEPT = "desk-programmes"


def programmes() -> dict[str, RuleFile]:
    """The newest published rule of each programme."""
    follower = _follower()
    if follower is None:
        return {}
    try:
        view = follower.refresh()
    except Unreachable:
        view = follower.view()
    found: dict[str, RuleFile] = {}
    for _, published in view.rules:
        found[published.programme] = read_rule(published.file)
    return found


def needed(programme: str = "") -> Needed:
    """The facts that this programme needs, or (for "") any published one."""
    rules = programmes()
    chosen = list(rules.values()) if programme == "" else [rules[programme]] if programme in rules else []
    return frozenset(
        (entity, name)
        for rule in chosen
        for entity in ("person", "household")
        for name in rule.text.inputs.get(entity, {})
    )


def publish(body: LogMessage) -> int:
    """Put something of the office's into the public log; its place there. Repeating it changes nothing. Raises `LogNotConfigured`,
    `Unreachable`."""
    follower = _follower()
    if follower is None:
        raise LogNotConfigured("This desk does not know its public log.")
    return follower.publish(body, signing_key(place.folder(), "publish-key"))


def use(follower: LogFollower | None) -> None:
    """Follow this log instead of the one in the desk's configuration; None goes back to that."""
    _given[:] = [] if follower is None else [follower]


# The log that `use` named, if any. Set once at start.
_given: list[LogFollower] = []


def _follower() -> LogFollower | None:
    if _given:
        return _given[0]
    folder = place.folder()
    return _made(folder) if (folder / "config.json").exists() else None


@lru_cache(maxsize=4)
def _made(folder: Path) -> LogFollower:
    settings = config.load(folder)
    # Pages wait for the answer: whoever does not answer at once is asked again the next time.
    client = Client(settings.log_url, patience=0, timeout=5)
    return LogFollower(client, settings.log_vkey, folder / f"{KEPT}-seen", kept=folder / f"{KEPT}.ndjson")
