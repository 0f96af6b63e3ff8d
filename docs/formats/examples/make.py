"""Makes every example of the format pages by running the code, and writes it into the pages.

One invented month of three households: a rule is published, decided, approved; aid is issued, spent, settled. Then a fact is
defined, a second rule uses it, and a second month is decided by that. The keys are
derived from the words below and known to everybody: they are for these pages only. Run from the root of the checkout with
`python docs/formats/examples/make.py`; signatures come out differently each time, everything else the same. Each page holds
`<!-- example: NAME -->` in front of the block that is replaced. `tests/tidy/test_examples.py` decodes and checks what stands there.
"""

import base64
import hashlib
import json
import re
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from amparo_apps.check import FileList
from amparo_apps.files import whole_hash
from amparo_cashu.nut00_token import Token, without_dleq, write_token
from amparo_cashu.outputs import OutputPlan, finish, messages
from amparo_common import bridge, canonical
from amparo_common.clock import FixedClock
from amparo_common.ids import DepositId, KeysetId, QuoteId, ShopId
from amparo_common.money import Unit, format_minor
from amparo_common.secret import Secret
from amparo_common.signing import SigningKey
from amparo_credentials.card import Card, CardSigner, write_open, write_sealed
from amparo_log.client import LogReader
from amparo_log.fork import ForkEvidence
from amparo_log.note import NoteSigner, NoteVerifier
from amparo_log.service import Publisher, TransparencyLog
from amparo_log.store import SCHEMA
from amparo_log.tiles import pack_entries
from amparo_log.view import OWNERS, SERVICES
from amparo_mint.signing import show_signature
from amparo_rules.batch import Columns, column, evaluate_batch
from amparo_rules.catalogue import FactDefinition, FactType, days
from amparo_rules.evaluate import Household
from amparo_rules.receipt import Declared, Frame, Receipt, ReceiptBundle, Subject, receipt_signer, write_receipts
from amparo_rules.rule import RuleFile, read_rule
from amparo_rules.sumtree import SumTree, leaf
from amparo_service.database import Database
from amparo_signer.batch import choose_engine
from amparo_signer.keyset import Denominations, KeysetName, OpenKeyset
from amparo_signer.schemes import Secp256k1Scheme
from amparo_till.enrolment import TillEnrolment, write_enrolment
from amparo_wallet.receipts import Evidence, check_evidence
from amparo_wallet.vouchers import voucher_number

PAGES = Path(__file__).parents[1]
CYCLE, UNIT, AS_OF = "2026-10", Unit("usd"), date(2026, 10, 9)
SECOND_CYCLE, SECOND_AS_OF = "2026-11", date(2026, 11, 13)
ENDS = int(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC).timestamp())
# Places in the log below.
RULE_AT, BATCH, FACT_AT, SECOND_RULE_AT, SECOND_BATCH = 5, 7, 11, 14, 15


def secret(label: str) -> bytes:
    """32 bytes that everybody can compute. Never do this for a real key."""
    return hashlib.sha256(f"amparo format pages: {label}".encode()).digest()


def signing_key(label: str) -> SigningKey:
    """An ES256 key that everybody can compute."""
    return SigningKey(ec.derive_private_key(int.from_bytes(secret(label), "big") >> 1, ec.SECP256R1()))


KEYS = {service: signing_key(service) for service in SERVICES}
RECEIPT_KEY, WALLET_KEY = signing_key("receipts"), signing_key("a wallet")
CARDS = CardSigner("https://bread.example", Secret(secret("cards")))
NOTES = NoteSigner("bread.example/log", secret("log"))
SCHEME = Secp256k1Scheme(choose_engine())
KEYSET = OpenKeyset(SCHEME, secret("keyset"), KeysetName(UNIT, "2026-10", ENDS), Denominations().of(UNIT))


def rule_source(kind: str) -> str:
    """A rule as it stands on its page."""
    found: list[str] = re.findall(rf"```yaml {kind}\n(.*?)```", (PAGES / "rule-file.md").read_text(), re.S)
    return found[0]


def defined_fact() -> bridge.FactDefined:
    """A fact that two people added to the catalogue of the release."""
    labels = {
        "en": "main material of the roof (1 metal … 5 other)",
        "es": "material principal del techo (1 metal … 5 otro)",
        "fr": "matériau principal du toit (1 métal … 5 autre)",
        "ar": "مادة السقف الرئيسية",
        "pt": "material principal do telhado (1 metal … 5 outro)",
    }
    definition = FactDefinition(
        name="roof_type",
        entity="household",
        type=FactType(kind="int", min=1, max=5),
        label=labels,
        purpose="declared need of the household",
        retention_days=365,
    )
    return bridge.FactDefined("household", "roof_type", canonical.encode(definition).decode(), approvals=2)


RULE = read_rule(rule_source("RuleText"))
SECOND_RULE = read_rule(rule_source("RuleText of language 2"), (defined_fact(),))


def pseudonym(place: int) -> str:
    """A household in the form of the register's identifiers."""
    signs = base64.b32encode(secret(f"household {place}")[:10]).decode()
    return "A-" + "-".join(signs[start : start + 4] for start in range(0, 16, 4))


def member(born: date | None) -> dict[str, int | None]:
    """A member with the one fact of a person that the rule asks for."""
    return {"birth_date": None if born is None else days(born)}


HOMES = [
    Household(
        facts={"monthly_income": 0, "roof_type": 4},
        members=[member(date(1998, 4, 2)), member(date(2023, 5, 10)), member(date(2025, 1, 20))],
    ),
    Household(facts={"monthly_income": 31_050, "roof_type": 1}, members=[member(date(1970, 1, 1)), member(None)]),
    Household(
        facts={"monthly_income": None, "roof_type": None},
        members=[member(date(1990, 8, 30)), member(date(2024, 2, 29))],
    ),
]


class Decided(msgspec.Struct):
    """The batch: receipts as compact JWS, and their tree."""

    receipts: list[str]
    amounts: list[int]
    tree: SumTree


def decide(rule: RuleFile, cycle: str, as_of: date) -> Decided:
    """Every household of the example, with the office's own code."""
    plan = rule.plan(as_of)
    members = [(place, each) for place, home in enumerate(HOMES) for each in home.members]
    columns = Columns(
        count=len(HOMES),
        household={
            name: column([home.facts[name] for home in HOMES], kind) for name, kind in plan.household_inputs.items()
        },
        owner=np.array([place for place, _ in members], dtype=np.int64),
        person={name: column([each[name] for _, each in members], kind) for name, kind in plan.person_inputs.items()},
    )
    outcomes = evaluate_batch(plan, columns)
    subjects = [
        Subject(
            pseudonym=pseudonym(place),
            holder=WALLET_KEY.kid if place == 1 else None,
            declared=Declared(source="enrolment at the market", date="2026-10-02"),
            household=home,
        )
        for place, home in enumerate(HOMES)
    ]
    frame = Frame(rule=rule, cycle=cycle, as_of=as_of, decided_at=f"{as_of}T09:00:00Z")
    signer = receipt_signer(RECEIPT_KEY)
    receipts = [signer.sign(payload) for payload in write_receipts(frame, plan, subjects, outcomes)]
    leaves = [(leaf(each.encode(), amount), amount) for each, amount in zip(receipts, outcomes.amount, strict=True)]
    return Decided(receipts, outcomes.amount, SumTree(leaves))


def published(rule: RuleFile) -> bridge.RulePublished:
    """A rule as the log says it."""
    return bridge.RulePublished(rule.programme, rule.text.version, rule.rule_hash, rule.notice_days, file=rule.source)


def batch_of(rule: RuleFile, cycle: str, as_of: date, decided: Decided) -> bridge.DecisionsMade:
    """A batch as the log says it."""
    return bridge.DecisionsMade(
        rule.programme,
        cycle,
        rule.rule_hash,
        as_of.isoformat(),
        decided.tree.root,
        households=decided.tree.count,
        eligible=sum(amount > 0 for amount in decided.amounts),
        total=decided.tree.total,
        unit=UNIT,
    )


def public_messages(decided: Decided, second: Decided) -> list[tuple[str, str, bridge.LogMessage]]:
    """What the month puts into the log: when, who, what."""
    total = decided.tree.total
    return [
        ("2026-10-01T08:00:00Z", "office", bridge.KeyAnnounced("office", jwk=KEYS["office"].public.jwk)),
        ("2026-10-01T08:00:00Z", "office", bridge.KeyAnnounced("receipts", jwk=RECEIPT_KEY.public.jwk)),
        ("2026-10-01T08:00:00Z", "office", bridge.KeyAnnounced("cards", ed25519=CARDS.public.hex())),
        ("2026-10-01T08:00:05Z", "mint", bridge.KeyAnnounced("mint", jwk=KEYS["mint"].public.jwk)),
        ("2026-10-01T08:00:05Z", "shops", bridge.KeyAnnounced("shops", jwk=KEYS["shops"].public.jwk)),
        ("2026-10-01T09:00:00Z", "office", published(RULE)),
        (
            "2026-10-08T12:00:00Z",
            "mint",
            bridge.KeysetAnnounced(KeysetId(KEYSET.id), UNIT, keys=KEYSET.public.keys, final_expiry=ENDS),
        ),
        ("2026-10-09T09:00:04Z", "office", batch_of(RULE, CYCLE, AS_OF, decided)),
        (
            "2026-10-10T10:30:00Z",
            "office",
            bridge.AidApproved(RULE.programme, CYCLE, decided.tree.root, total=total, unit=UNIT, approvals=2),
        ),
        (
            "2026-10-31T18:00:00Z",
            "mint",
            bridge.MintFigures(
                CYCLE,
                KeysetId(KEYSET.id),
                UNIT,
                issued=total,
                moved=0,
                redeemed=2_504,
                outstanding=total - 2_504,
                expired=0,
            ),
        ),
        (
            "2026-10-31T18:05:00Z",
            "shops",
            bridge.SettlementFigures(CYCLE, UNIT, shops=1, deposited=2_504, settled=2_504, payable=0),
        ),
        ("2026-11-02T10:00:00Z", "office", defined_fact()),
        ("2026-11-03T02:00:00Z", "office", bridge.StaffTrail(entries=412, head=secret("trail").hex())),
        (
            "2026-11-04T09:00:00Z",
            "office",
            bridge.ExportMade(
                reference=secret("export").hex()[:16],
                programme="food-basket",
                count=9_812,
                identity=True,
                reason="distribution",
                approvals=2,
            ),
        ),
        ("2026-11-05T09:00:00Z", "office", published(SECOND_RULE)),
        ("2026-11-13T09:00:04Z", "office", batch_of(SECOND_RULE, SECOND_CYCLE, SECOND_AS_OF, second)),
        (
            "2026-11-14T09:00:00Z",
            "office",
            bridge.AppPublished(app="wallet", release=secret("release").hex()[:16], hash=whole_hash(APP_FILES)),
        ),
    ]


APP_FILES = {path: secret(path).hex() for path in ("/", "/app-QX5OGFSK.js", "/look-e107fd894e5c.css", "/worker.js")}
ENROLMENT = TillEnrolment(
    shop=secret("shop").hex()[:32],
    name="Bodega Sol",
    access="an-access-code-of-the-shop",
    units=[UNIT],
    mint="https://mint.bread.example",
    shops="https://shops.bread.example",
    log="https://log.bread.example",
    vkey=NOTES.vkey,
)


class LogFiles:
    """The log's public files, read from its database instead of over HTTP."""

    def __init__(self, log: TransparencyLog) -> None:
        self._store = log.store

    def get_bytes(self, path: str) -> bytes:
        """The bytes at `path` of a log of fewer than 256 entries."""
        match path.removesuffix(f".p/{self._store.size()}"):
            case "/checkpoint":
                return (self._store.head() or "").encode()
            case "/tile/entries/000":
                return pack_entries(self._store.entries(0, self._store.size()))
            case "/tile/0/000":
                return b"".join(self._store.nodes(0, 0, self._store.size()))
        raise AssertionError(path)


def grow_log(folder: Path, decided: Decided, second: Decided) -> TransparencyLog:
    """The log of both months."""
    publishers = {
        key.kid: Publisher(key.public, frozenset(kind for kind, owner in OWNERS.items() if owner in (None, service)))
        for service, key in KEYS.items()
    }
    clock = FixedClock(datetime(2026, 10, 1, tzinfo=UTC))
    log = TransparencyLog(Database(folder / "log.sqlite", [SCHEMA]), NOTES, publishers=publishers, clock=clock)
    for at, service, body in public_messages(decided, second):
        clock.set(datetime.fromisoformat(at))
        log.append(bridge.sign_for_log(body, KEYS[service]))
    return log


def between_services(decided: Decided) -> dict[str, tuple[bridge.BridgeMessage, str]]:
    """Each message between services, with who sends it."""
    shop, deposit = ShopId(secret("shop").hex()[:32]), DepositId(secret("deposit").hex()[:32])
    return {
        "quote-paid": (
            bridge.QuotePaid(QuoteId(secret("quote").hex()[:32]), amount=decided.amounts[0], unit=UNIT),
            "office",
        ),
        "shop-deposited": (bridge.ShopDeposited(deposit, shop, amount=2_504, unit=UNIT), "mint"),
        "ask-accreditation": (bridge.AskAccreditation(shop, UNIT), "mint"),
        "accreditation": (bridge.Accreditation(shop, UNIT, accredited=True), "shops"),
    }


def voucher() -> str:
    """One coin of 20.48, issued and unblinded, as a code."""
    plan = OutputPlan(keyset=KEYSET.id, counter=0, amounts=[2_048], locks=[None])
    seed = Secret(secret("purse") * 2)
    wanted = messages(plan, seed)
    signatures = SCHEME.sign([KEYSET.keys[each.amount] for each in wanted], [bytes.fromhex(each.B_) for each in wanted])
    signed = [show_signature(*pair) for pair in zip(wanted, signatures, strict=True)]
    proofs = finish(plan, seed, signed, KEYSET.public.keys)
    # As vouchers and online codes go: without the proofs.
    bare = [without_dleq(proof) for proof in proofs]
    return write_token(Token(mint="https://mint.bread.example", unit=UNIT, proofs=bare))


def card() -> Card:
    """An identity card with a name in two scripts."""
    return Card(
        number="481507239066",
        full_name="Amina Benali",
        language="fra",
        expires=date(2029, 10, 3),
        birth_date=date(1988, 3, 14),
        other_name="أمينة بن علي",
        other_language="ara",
    )


# --- writing the pages -----------------------------------------------------------------------------------------------------


def put(page: str, example: str, text: str) -> None:
    """Replace what stands in the block behind `<!-- example: NAME -->`."""
    path = PAGES / page
    block = re.compile(rf"(<!-- example: {re.escape(example)} -->\n```[^\n]*\n)(?:.*?\n)??(```\n)", re.S)
    found, count = block.subn(lambda match: match[1] + text.rstrip("\n") + "\n" + match[2], path.read_text())
    if count != 1:
        raise SystemExit(f"{page} has {count} blocks for the example {example}")
    path.write_text(found)


def shown(value: object) -> str:
    """A value as JSON for people; on the wire it is canonical JSON in one line."""
    return json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False)


def write_log_entries(log: TransparencyLog) -> None:
    """One entry of every kind, and the log's head."""
    numbers = {
        "key-announced": 1,
        "rule-published": RULE_AT,
        "keyset-announced": 6,
        "decisions-made": BATCH,
        "aid-approved": 8,
        "mint-figures": 9,
        "settlement-figures": 10,
        "fact-defined": FACT_AT,
        "staff-trail": 12,
        "export-made": 13,
        "app-published": 16,
    }
    for kind, number in numbers.items():
        entry = canonical.decode(log.store.entries(number, 1)[0], bridge.LogEntry)
        put("log-entries.md", kind, shown(entry))
    for service, number in (("office", 0), ("mint", 3), ("shops", 4)):
        entry = canonical.decode(log.store.entries(number, 1)[0], bridge.LogEntry)
        put("log-entries.md", f"key of {service}", canonical.encode(entry).decode())
    put("log-entries.md", "checkpoint", log.store.head() or "")
    put("log-entries.md", "vkey", NOTES.vkey)
    put("log-fork.md", "vkey", NOTES.vkey)
    put("log-fork.md", "fork", shown(rewritten(log.store.head() or "")))


def rewritten(head: str) -> ForkEvidence:
    """A log that signs a second tree of the same size."""
    origin, size, _ = head.split("\n", 2)
    other = base64.b64encode(secret("another tree")).decode()
    return ForkEvidence(1, "log-rewritten", NOTES.vkey, head, NOTES.sign(f"{origin}\n{size}\n{other}\n"))


def write_receipts_and_evidence(log: TransparencyLog, decided: Decided, second: Decided) -> None:
    """The refusal of the batch: its receipt, its place, and the file that proves it offline; and such a file of the second rule."""
    bundle = ReceiptBundle(receipt=decided.receipts[1], batch=decided.tree.proof(1))
    reader = LogReader(LogFiles(log), NoteVerifier(NOTES.vkey))
    reader.update()
    evidence = Evidence(
        bundle=bundle,
        checkpoint=reader.note or "",
        office=reader.prove(0),
        receipts=reader.prove(1),
        rule=reader.prove(RULE_AT),
        batch=reader.prove(BATCH),
    )
    receipt: Receipt = check_evidence(evidence, NOTES.vkey)
    put("receipt.md", "receipt", shown(receipt))
    put("receipt.md", "receipt as signed", bundle.receipt)
    put("receipt.md", "bundle", shown(bundle))
    put("evidence.md", "evidence", shown(evidence))
    put("evidence.md", "vkey", NOTES.vkey)
    later = Evidence(
        bundle=ReceiptBundle(receipt=second.receipts[0], batch=second.tree.proof(0)),
        checkpoint=reader.note or "",
        office=reader.prove(0),
        receipts=reader.prove(1),
        rule=reader.prove(SECOND_RULE_AT),
        batch=reader.prove(SECOND_BATCH),
        facts=[reader.prove(FACT_AT)],
        v=2,
    )
    check_evidence(later, NOTES.vkey)
    put("evidence.md", "evidence of version 2", shown(later))
    (PAGES / "examples" / "evidence.json").write_text(shown(evidence) + "\n")


def write_phone_apps() -> None:
    """An app's list of files with its hash, and the code that makes a phone a till."""
    release = secret("release").hex()[:16]
    put("app-files.md", "files", shown(FileList(release=release, files=APP_FILES)))
    put("app-files.md", "hash", whole_hash(APP_FILES))
    put("till-enrolment.md", "code", write_enrolment(ENROLMENT))


def write_codes() -> None:
    """What is printed: a card open and sealed, a voucher with its number."""
    signed, verifier = CARDS.sign(card()), Secret(secret("verifiers"))
    put("card-code.md", "open", write_open(signed))
    put("card-code.md", "sealed", write_sealed(signed, verifier))
    put("card-code.md", "card", shown(card()))
    put("card-code.md", "keys", f"card key      {CARDS.public.hex()}\nverifier key  {verifier.reveal().hex()}")
    code = voucher()
    put("voucher.md", "code", code)
    number = f"keyset  {KEYSET.id}\namount  {format_minor(2_048)}\nnumber  {voucher_number(code)}"
    put("voucher.md", "number", number)


def main() -> None:
    """Write all examples."""
    decided, second = decide(RULE, CYCLE, AS_OF), decide(SECOND_RULE, SECOND_CYCLE, SECOND_AS_OF)
    with tempfile.TemporaryDirectory() as folder:
        log = grow_log(Path(folder), decided, second)
        write_log_entries(log)
        write_receipts_and_evidence(log, decided, second)
    for kind, (message, service) in between_services(decided).items():
        put("bridge.md", kind, shown(message))
        if not kind.endswith("accreditation"):
            put("bridge.md", f"{kind} as signed", bridge.seal(message, KEYS[service]))
    put("rule-file.md", "rule hash", RULE.rule_hash)
    put("rule-file.md", "rule hash of language 2", SECOND_RULE.rule_hash)
    write_codes()
    write_phone_apps()


if __name__ == "__main__":
    main()
