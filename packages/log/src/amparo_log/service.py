"""What the log does: check who says it, stamp the time, append, sign the new head. Repeating a message changes nothing."""

import hashlib

from amparo_common import canonical
from amparo_common.bridge import KeyAnnounced, LogEntry, LogMessage, SignedMessage, check_log_signature
from amparo_common.clock import Clock, to_text
from amparo_common.signing import VerifyingKey
from amparo_log.errors import EntryTooLarge, UnknownPublisher
from amparo_log.note import Checkpoint, NoteSigner
from amparo_log.store import LogStore
from amparo_log.tiles import LARGEST_ENTRY
from amparo_log.tree import root_of
from amparo_log.view import KEY_OWNERS, OWNERS, SERVICES, kind_of, owner_of
from amparo_service.database import Database

# How many entries are read at once in search of the services' keys.
_CHUNK = 256


class Publisher:
    """Who may say what: a key and the kinds of message it may publish. Keys it announces only for the purposes of the one
    service whose kinds these are, by the same rule as every reader of the log (`view.KEY_OWNERS`)."""

    def __init__(self, key: VerifyingKey, kinds: frozenset[str]) -> None:
        self.key = key
        self._kinds = kinds
        services = {OWNERS.get(kind) for kind in kinds} - {None}
        self._purposes = {purpose for purpose, owner in KEY_OWNERS.items() if services == {owner}}

    def may_say(self, body: LogMessage) -> bool:
        """Whether this publisher may publish this."""
        if kind_of(body) not in self._kinds:
            return False
        if not isinstance(body, KeyAnnounced):
            return True
        # A service's own key is the one it signs with: readers refuse another, and would never get past it.
        own = body.purpose not in SERVICES or body.jwk == self.key.jwk
        return own and body.purpose in self._purposes


class TransparencyLog:
    """The log itself. `publishers` maps key ids to who may publish."""

    def __init__(
        self, database: Database, signer: NoteSigner, *, publishers: dict[str, Publisher], clock: Clock
    ) -> None:
        self._database = database
        self._signer = signer
        self._publishers = publishers
        self._clock = clock
        self.store = LogStore(database)
        # The key with which each service announced itself: readers take the first for good.
        self._announced = self._read_announced()
        if self.store.head() is None:
            self.store.set_head(self._sign_head())

    def _read_announced(self) -> dict[str, str]:
        # They stand at a log's beginning: as a rule one read is enough.
        found: dict[str, str] = {}
        for start in range(0, self.store.size(), _CHUNK):
            for entry in self.store.entries(start, _CHUNK):
                message = canonical.decode(entry, LogEntry).entry
                if isinstance(message.body, KeyAnnounced) and message.body.purpose in SERVICES:
                    found.setdefault(message.body.purpose, message.by)
            if len(found) == len(SERVICES):
                break
        return found

    def append(self, message: SignedMessage) -> int:
        """Add a message and return its place; the same message again gets the same place and adds nothing.
        Raises `UnknownPublisher`, `BadSignature`, `EntryTooLarge`."""
        publisher = self._publishers.get(message.by)
        if publisher is None or not publisher.may_say(message.body):
            raise UnknownPublisher(f"This key may not publish {kind_of(message.body)}.")
        check_log_signature(message, publisher.key)
        # The signature is left out: ECDSA signs the same message differently each time, and a retry must find its first.
        message_hash = hashlib.sha256(message.by.encode() + canonical.encode(message.body)).digest()
        with self._database.transaction():
            known = self.store.find(message_hash)
            if known is not None:
                return known
            self._check_first_key(message)
            body = canonical.encode(LogEntry(at=self._next_time(), entry=message))
            if len(body) > LARGEST_ENTRY:
                raise EntryTooLarge("This entry is too large for the log.")
            number = self.store.append(message_hash, body)
            self.store.set_head(self._sign_head())
        return number

    def _check_first_key(self, message: SignedMessage) -> None:
        """Raises `UnknownPublisher` for an entry under another key than the service's first. Call inside the transaction that
        appends: of two keys announced at once one is the first. Should it fail, the key counts until the log starts again."""
        service = owner_of(message.body)
        if service is None:
            return
        if isinstance(message.body, KeyAnnounced) and service == message.body.purpose:
            self._announced.setdefault(service, message.by)
        if self._announced.get(service, message.by) != message.by:
            raise UnknownPublisher(
                "This service stands in the log with another key.",
                why="Readers of the log take a service's first key for good; after an entry by another one none could read on.",
                todo="Put that service's publish-key.pem back from its backup. Without one, a new log has to be begun.",
            )

    def _next_time(self) -> str:
        """Now, but never before the last entry: readers refuse a log whose time goes back."""
        now, size = to_text(self._clock.now()), self.store.size()
        if size == 0:
            return now
        return max(now, canonical.decode(self.store.entries(size - 1, 1)[0], LogEntry).at)

    def _sign_head(self) -> str:
        size = self.store.size()
        checkpoint = Checkpoint(origin=self._signer.name, size=size, root=root_of(self.store.read_node, size))
        return self._signer.sign(checkpoint.text())
