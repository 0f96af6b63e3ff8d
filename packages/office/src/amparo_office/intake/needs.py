"""What the published programmes need: the facts that may be taken in, asked for in a form, or handed out under a programme's name.

Read from the public log each time, and from what it said last while it gives no answer. A desk without a log yet needs no fact.
"""

from amparo_office.desk import public_log
from amparo_office.register.catalogue import Needed
from amparo_rules.rule import RuleFile, read_rule
from amparo_service.errors import Unreachable


def programmes() -> dict[str, RuleFile]:
    """The newest published rule of each programme."""
    follower = public_log.known()
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
