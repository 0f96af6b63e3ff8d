"""What the log says, made of its proved entries: who publishes, which rules, keysets, batches, approvals, figures.

The only trust root is the log's key. Who may say what follows from the log itself: the first `KeyAnnounced` of each
service, signed with the announced key, is its publishing key for good; no key speaks for two services; and every entry
must be signed by the service that owns its kind (`OWNERS`, `KEY_OWNERS`).
"""

from dataclasses import dataclass, field

from amparo_common.bridge import (
    AidApproved,
    AppPublished,
    DecisionsMade,
    FactDefined,
    KeyAnnounced,
    KeysetAnnounced,
    LogEntry,
    LogMessage,
    MintFigures,
    RulePublished,
    SettlementFigures,
    SignedMessage,
    StaffTrail,
    check_log_signature,
)
from amparo_common.clock import from_text, to_text
from amparo_common.errors import BadKey, BadSignature, NaiveTime
from amparo_common.money import Unit
from amparo_common.signing import VerifyingKey
from amparo_log.errors import BadEntry

SERVICES = ("office", "mint", "shops")
# Which service owns a key's purpose: each its own publishing key, the office those for receipts and cards.
KEY_OWNERS = {service: service for service in SERVICES} | {"receipts": "office", "cards": "office"}
# Which service owns which kind. Who owns a key depends on its purpose.
OWNERS: dict[str, str | None] = {
    "key-announced": None,
    "rule-published": "office",
    "fact-defined": "office",
    "export-made": "office",
    "decisions-made": "office",
    "aid-approved": "office",
    "staff-trail": "office",
    "app-published": "office",
    "keyset-announced": "mint",
    "mint-figures": "mint",
    "settlement-figures": "shops",
}


def kind_of(body: LogMessage) -> str:
    """The name of a message's kind, as it stands in its field `kind`."""
    return str(type(body).__struct_config__.tag)


def owner_of(body: LogMessage) -> str | None:
    """The one service that may say this; None for a key of an unknown purpose, which nobody may announce."""
    return KEY_OWNERS.get(body.purpose) if isinstance(body, KeyAnnounced) else OWNERS[kind_of(body)]


# How many keysets of a unit may begin within a month: one for the month itself, and one for each accident. A mint that announced
# one for every person could tell all of them from each other, in public but at once.
MOST_KEYSETS = 8
_MONTH_SECONDS = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Logged:
    """Where and when something was logged."""

    index: int
    at: str


@dataclass(slots=True)
class LogView:
    """Everything the log says, by kind, in order. `add` takes proved entries only."""

    keys: dict[str, tuple[Logged, KeyAnnounced]] = field(default_factory=dict)
    rules: list[tuple[Logged, RulePublished]] = field(default_factory=list)
    facts: list[tuple[Logged, FactDefined]] = field(default_factory=list)
    keysets: list[tuple[Logged, KeysetAnnounced]] = field(default_factory=list)
    decisions: list[tuple[Logged, DecisionsMade]] = field(default_factory=list)
    approvals: list[tuple[Logged, AidApproved]] = field(default_factory=list)
    trails: list[tuple[Logged, StaffTrail]] = field(default_factory=list)
    apps: list[tuple[Logged, AppPublished]] = field(default_factory=list)
    mint_figures: list[tuple[Logged, MintFigures]] = field(default_factory=list)
    settlements: list[tuple[Logged, SettlementFigures]] = field(default_factory=list)
    size: int = 0
    _publishers: dict[str, VerifyingKey] = field(default_factory=dict)
    _last_at: str = ""

    def add(self, index: int, entry: LogEntry) -> None:
        """Take in the next entry. Raises `BadEntry` when the wrong service says it or the signature is false."""
        body, place = entry.entry.body, Logged(index, entry.at)
        if index != self.size:
            raise BadEntry("Entries must be read in order.")
        if not _is_plain_time(entry.at) or entry.at < self._last_at:
            # Otherwise a log could help an office to a notice period that never was.
            raise BadEntry("An entry is older than the one before it, or has no plain time.")
        self._check_publisher(entry.entry)
        match body:
            case KeyAnnounced():
                self.keys.setdefault(body.purpose, (place, body))
            case RulePublished():
                self.rules.append((place, body))
            case FactDefined():
                self.facts.append((place, body))
            case KeysetAnnounced():
                self.keysets.append((place, body))
            case DecisionsMade():
                self.decisions.append((place, body))
            case AidApproved():
                self.approvals.append((place, body))
            case StaffTrail():
                self.trails.append((place, body))
            case AppPublished():
                self.apps.append((place, body))
            case MintFigures():
                self.mint_figures.append((place, body))
            case SettlementFigures():
                self.settlements.append((place, body))
        self.size = index + 1
        self._last_at = entry.at

    def _check_publisher(self, message: SignedMessage) -> None:
        body = message.body
        owner = owner_of(body)
        try:
            if isinstance(body, KeyAnnounced) and owner == body.purpose and owner not in self._publishers:
                self._take_publisher(body, message)
                return
            known = None if owner is None else self._publishers.get(owner)
            if known is None or known.kid != message.by:
                raise BadEntry("An entry is published by a service that may not say it.")
            check_log_signature(message, known)
        except (BadSignature, BadKey) as error:
            raise BadEntry("An entry's signature is false.") from error

    def _take_publisher(self, body: KeyAnnounced, message: SignedMessage) -> None:
        if body.jwk is None:
            raise BadEntry("A service announces no key.")
        key = VerifyingKey(body.jwk)
        if any(key.kid == known.kid for known in self._publishers.values()):
            raise BadEntry("A service announces the key of another service as its own.")
        check_log_signature(message, key)
        self._publishers[body.purpose] = key

    def publisher(self, service: str) -> VerifyingKey | None:
        """The key with which a service signs its entries and messages."""
        return self._publishers.get(service)

    def key(self, purpose: str) -> KeyAnnounced | None:
        """The key announced for a purpose."""
        found = self.keys.get(purpose)
        return None if found is None else found[1]

    def keyset(self, keyset: str) -> KeysetAnnounced | None:
        """A keyset by its id."""
        return next((body for _, body in self.keysets if body.keyset == keyset), None)

    def keysets_begun(self, unit: Unit, now: int) -> int:
        """How many times a keyset of a unit began to sign in the month before `now` (unix time), or before the newest entry if that
        is later: each when it says, and not before it was announced."""
        end = max(now, _seconds(self._last_at))
        begun = {
            (body.keyset, max(body.active_from or 0, _seconds(place.at)))
            for place, body in self.keysets
            if body.unit == unit
        }
        return sum(end - _MONTH_SECONDS < begins <= end for _, begins in begun)

    def rule(self, rule_hash: str) -> tuple[Logged, RulePublished] | None:
        """The first publication of a rule: its notice period runs from there."""
        return next((each for each in self.rules if each[1].rule_hash == rule_hash), None)

    def facts_before(self, index: int) -> tuple[FactDefined, ...]:
        """The definitions of facts that stand before a place of the log, in its order: all that a rule at this place may use. What
        they say is not looked at here."""
        return tuple(body for place, body in self.facts if place.index < index)

    def approved(self, unit: Unit) -> int:
        """The sum of all approved payments in a unit."""
        return sum(body.total for _, body in self.approvals if body.unit == unit)


def _seconds(at: str) -> int:
    """A time of the log as unix time; 0 for none."""
    return int(from_text(at).timestamp()) if at else 0


def _is_plain_time(at: str) -> bool:
    """Whether a time is written in the one form that can be compared as text."""
    try:
        return to_text(from_text(at)) == at
    except NaiveTime:
        return False
