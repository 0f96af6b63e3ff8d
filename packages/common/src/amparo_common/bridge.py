"""The bridge: the only messages that pass between the people side, the token side, the shops side and the public log.

Every field here was argued for; the exact list is frozen in `tests/tidy/bridge_fields.json`, and adding one needs a
decision record. No message names a person, a household, an address, a token or a purchase. Between services a message
that moves money travels as a compact JWS (`seal`, `open_sealed`), the question about an accreditation and its answer as plain
JSON; in the log as a `LogEntry`. Format pages: `docs/formats/bridge.md`,
`docs/formats/log-entries.md`. Evolution: a new message kind is added beside the old ones; a published kind never changes.
"""

from typing import TypeVar

import msgspec

from amparo_common import canonical
from amparo_common.errors import BadSignature
from amparo_common.ids import DepositId, KeysetId, QuoteId, ShopId
from amparo_common.money import Unit
from amparo_common.signing import PublicJwk, SigningKey, VerifyingKey, b64url, sign_compact, verify_compact

M = TypeVar("M", bound=msgspec.Struct)


class BridgeMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all bridge messages: frozen, unknown fields refused, the field `kind` says which it is."""


# --- between services ------------------------------------------------------------------------------------------------


class QuotePaid(BridgeMessage, frozen=True, tag="quote-paid"):
    """office -> mint: this quote is paid for. Says nothing about who or why."""

    quote: QuoteId
    amount: int
    unit: Unit


class ShopDeposited(BridgeMessage, frozen=True, tag="shop-deposited"):
    """mint -> shops: this shop handed in spent aid worth `amount`."""

    deposit: DepositId
    shop: ShopId
    amount: int
    unit: Unit


class AskAccreditation(BridgeMessage, frozen=True, tag="ask-accreditation"):
    """mint -> shops: may this shop be settled in this unit? Says nothing about a deposit."""

    shop: ShopId
    unit: Unit


class Accreditation(BridgeMessage, frozen=True, tag="accreditation"):
    """shops -> mint, the answer: whether this shop may be settled in this unit."""

    shop: ShopId
    unit: Unit
    accredited: bool


# --- into the public log -----------------------------------------------------------------------------------------------


class KeyAnnounced(BridgeMessage, frozen=True, tag="key-announced"):
    """A key for one purpose: "office", "mint", "shops" (who signs log entries; the first one of each counts), "receipts"
    (ES256, `jwk`) or "cards" (Ed25519, `ed25519` in hex)."""

    purpose: str
    jwk: PublicJwk | None = None
    ed25519: str | None = None


class RulePublished(BridgeMessage, frozen=True, tag="rule-published"):
    """A programme's rule, whole: the file as published, and the hash that receipts name."""

    programme: str
    version: str
    rule_hash: str
    notice_days: int
    file: str


class FactDefined(BridgeMessage, frozen=True, tag="fact-defined"):
    """A fact that this office may record from now on, beside the catalogue of its release: `definition` is the whole entry as
    canonical JSON (docs/formats/fact-catalogue.md). Two people agreed to it (`approvals`). Says nothing about anybody."""

    entity: str
    name: str
    definition: str
    approvals: int


class ExportMade(BridgeMessage, frozen=True, tag="export-made"):
    """A list left the register: for which programme (or "register"), of how many records, with names or without (`identity`),
    why (a code), after how many approvals. `reference` tells two lists apart. Says nothing about anybody in it."""

    reference: str
    programme: str
    count: int
    identity: bool
    reason: str
    approvals: int


class KeysetAnnounced(BridgeMessage, frozen=True, tag="keyset-announced"):
    """A keyset before its use: amount in minor units (as text) -> public key (hex). Wallets refuse any other. From
    `active_from` on (unix time; None: at once) it is the unit's one signing keyset, until the next one's time."""

    keyset: KeysetId
    unit: Unit
    keys: dict[str, str]
    final_expiry: int | None = None
    active_from: int | None = None


class DecisionsMade(BridgeMessage, frozen=True, tag="decisions-made"):
    """One cycle's decisions of one programme: the batch's Merkle-sum root, how many, how many with an amount (`eligible`),
    what they sum to."""

    programme: str
    cycle: str
    rule_hash: str
    as_of: str
    root: str
    households: int
    eligible: int
    total: int
    unit: Unit


class AidApproved(BridgeMessage, frozen=True, tag="aid-approved"):
    """Two people approved the payment of one batch of decisions. The mint issues no more than these totals."""

    programme: str
    cycle: str
    root: str
    total: int
    unit: Unit
    approvals: int


class MintFigures(BridgeMessage, frozen=True, tag="mint-figures"):
    """The mint's figures for one keyset, in minor units: issued + moved = redeemed + outstanding + expired. `moved` came in
    from other keysets in swaps after a rotation (negative: went out); over all keysets of a unit it sums to 0."""

    period: str
    keyset: KeysetId
    unit: Unit
    issued: int
    moved: int
    redeemed: int
    outstanding: int
    expired: int


class StaffTrail(BridgeMessage, frozen=True, tag="staff-trail"):
    """Where the office's audit trail of its staff stands: how many entries, and the newest one's hash (SHA-256 in hex), which
    covers all before it. Says nothing about anybody's deeds."""

    entries: int
    head: str


class AppPublished(BridgeMessage, frozen=True, tag="app-published"):
    """A release of a phone app ("wallet", "till") that this programme hands out: the hash over all its files (64 hex digits,
    docs/formats/app-files.md). Anybody can compare what an address sends with it. Says nothing about any phone."""

    app: str
    release: str
    hash: str


class SettlementFigures(BridgeMessage, frozen=True, tag="settlement-figures"):
    """The shops' month for one unit, in minor units: deposited = settled + payable."""

    period: str
    unit: Unit
    shops: int
    deposited: int
    settled: int
    payable: int


LogMessage = (
    KeyAnnounced
    | RulePublished
    | FactDefined
    | ExportMade
    | KeysetAnnounced
    | DecisionsMade
    | AidApproved
    | StaffTrail
    | AppPublished
    | MintFigures
    | SettlementFigures
)


class SignedMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log message and who says it: `by` is the publisher's key id, `sig` its ES256 signature (base64url) over the
    canonical JSON of `body`, under the purpose `log-message+jws`."""

    body: LogMessage
    by: str
    sig: str


class LogEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One leaf of the public log: the log's own time (RFC 3339, UTC) and the publisher's signed message."""

    at: str
    entry: SignedMessage
    v: int = 1


LOG_TYP = "amparo-log+jws"


def seal(message: BridgeMessage, key: SigningKey) -> str:
    """A message between services, signed: a compact JWS whose `typ` names the kind."""
    tag = message.__struct_config__.tag
    return sign_compact(canonical.encode(message), key, typ=f"amparo-{tag}+jws")


def open_sealed(token: str, key: VerifyingKey, into: type[M]) -> M:
    """The message in `token`. Raises `BadSignature`, `NotCanonical` or `MalformedMessage`."""
    tag = into.__struct_config__.tag
    return canonical.decode(verify_compact(token, key, typ=f"amparo-{tag}+jws"), into)


def sign_for_log(body: LogMessage, key: SigningKey) -> SignedMessage:
    """A log message signed by its publisher."""
    token = sign_compact(canonical.encode(body), key, typ=LOG_TYP)
    return SignedMessage(body=body, by=key.kid, sig=token.rpartition(".")[2])


def check_log_signature(message: SignedMessage, key: VerifyingKey) -> None:
    """Raises `BadSignature` unless `key` signed `message` and is the key it names."""
    if message.by != key.kid:
        raise BadSignature("The message names another publisher.")
    head = b64url(canonical.encode({"alg": "ES256", "kid": key.kid, "typ": LOG_TYP}))
    verify_compact(f"{head}.{b64url(canonical.encode(message.body))}.{message.sig}", key, typ=LOG_TYP)
