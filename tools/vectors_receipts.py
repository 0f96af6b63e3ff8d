"""The vectors of receipts with their proofs (docs/formats/evidence.md): one log, honest and lying offices in it, and every kind of
tampering, each with Python's answer. Written by `tools/vectors_rules.py`. Keys are derived from words and known to everybody;
signatures are deterministic (RFC 6979), so the same bytes come out each time.
"""

import base64
import copy
import hashlib
import random
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from amparo_common import canonical
from amparo_common.bridge import (
    LOG_TYP,
    DecisionsMade,
    FactDefined,
    KeyAnnounced,
    LogEntry,
    LogMessage,
    RulePublished,
    SignedMessage,
)
from amparo_common.errors import AmparoError
from amparo_common.money import Unit
from amparo_common.signing import PublicJwk, VerifyingKey, b64url
from amparo_log.client import InclusionProof
from amparo_log.note import Checkpoint, NoteSigner
from amparo_log.tree import inclusion_proof, leaf_hash, node_hash, root_of
from amparo_rules.catalogue import FactDefinition, FactType, show_decimal
from amparo_rules.evaluate import Household, evaluate
from amparo_rules.receipt import RECEIPT_TYP, ReceiptBundle
from amparo_rules.rule import RuleFile, read_rule
from amparo_rules.sumtree import SumTree, leaf
from amparo_wallet.receipts import Evidence, check_evidence

RULE = """programme: bread
version: "1"
language: 1
title: {en: Bread}
purpose: {en: So that every child has bread.}
legal_basis: None, it is a test.
unit: usd
budget: "1000.00"
notice_days: 7
inputs: {person: {birth_date: date}, household: {monthly_income: decimal}}
facts: {size: count(true), under5: "count(age_under(birth_date, 5))"}
let: {per_head: "divide(known(monthly_income, 0), size, 2)"}
require:
- {id: poor, when: per_head <= 210.00, text: {en: Income per head is at most 210.00.}}
- {id: child, when: under5 >= 1, text: {en: A child under five lives here.}}
amount: 10.00 * size + 8.00 * under5
"""
SECOND_RULE = (
    RULE.replace("language: 1", "language: 2")
    .replace("programme: bread", "programme: roofs")
    .replace("monthly_income: decimal", "monthly_income: decimal, roof_type: int")
    .replace("10.00 * size", "known(roof_type, 1) * size")
)
AS_OF, CYCLE = date(2026, 11, 1), "2026-11"
LOGGED_RULE, LOGGED_BATCH = "2026-10-20T12:00:00Z", "2026-11-01T09:00:04Z"
# Four homes: poor with a child; too rich; poor without a child; nothing known.
HOMES = [
    Household({"monthly_income": 5_050, "roof_type": 4}, [{"birth_date": 7_306}, {"birth_date": 19_844}]),
    Household({"monthly_income": 9_000_000, "roof_type": 1}, [{"birth_date": 7_306}, {"birth_date": 20_000}]),
    Household({"monthly_income": 0, "roof_type": 5}, [{"birth_date": 7_306}]),
    Household({"monthly_income": None, "roof_type": None}, [{"birth_date": None}]),
]


class Key:
    """An ES256 key that everybody can compute. Never do this for a real one."""

    def __init__(self, label: str) -> None:
        secret = int.from_bytes(hashlib.sha256(f"amparo vectors: {label}".encode()).digest(), "big") >> 1
        self._key = ec.derive_private_key(secret, ec.SECP256R1())
        point = self._key.public_key().public_numbers()
        self.public = VerifyingKey(
            PublicJwk(x=b64url(point.x.to_bytes(32, "big")), y=b64url(point.y.to_bytes(32, "big")))
        )

    def jws(self, payload: bytes, typ: str) -> str:
        """`payload` as a compact JWS."""
        head = canonical.encode({"alg": "ES256", "kid": self.public.kid, "typ": typ})
        signed = f"{b64url(head)}.{b64url(payload)}"
        made = self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(made)
        return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


OFFICE, RECEIPTS, STRANGER = Key("office"), Key("receipts"), Key("stranger")
NOTES = NoteSigner("town.example/log", hashlib.sha256(b"amparo vectors: log").digest())
ROOF = FactDefinition(
    name="roof_type",
    entity="household",
    type=FactType(kind="int", min=1, max=5),
    label=dict.fromkeys(("ar", "en", "es", "fr", "pt"), "x"),
    purpose="declared need of the household",
    retention_days=365,
)
DEFINED = FactDefined("household", "roof_type", canonical.encode(ROOF).decode(), approvals=2)
Change = Callable[[dict[str, Any]], None]


def dice(seed: int) -> random.Random:
    """Chance that comes out the same each time: for vectors, never for keys."""
    return random.Random(seed)  # noqa: S311 - nothing here is secret


class Log:
    """A log that takes in whatever it is told."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []

    def say(self, body: LogMessage, at: str, key: Key = OFFICE) -> int:
        """Append a message; its place."""
        sig = key.jws(canonical.encode(body), LOG_TYP).rpartition(".")[2]
        self._leaves.append(canonical.encode(LogEntry(at=at, entry=SignedMessage(body, key.public.kid, sig))))
        return len(self._leaves) - 1

    def _read(self, level: int, number: int) -> bytes:
        if level == 0:
            return leaf_hash(self._leaves[number])
        return node_hash(self._read(level - 1, 2 * number), self._read(level - 1, 2 * number + 1))

    def note(self) -> str:
        """The signed head."""
        size = len(self._leaves)
        return NOTES.sign(Checkpoint(NOTES.name, size, root_of(self._read, size)).text())

    def prove(self, index: int) -> InclusionProof:
        """One entry with its proof against the head."""
        proof = inclusion_proof(self._read, index=index, size=len(self._leaves))
        return InclusionProof(
            index, base64.b64encode(self._leaves[index]).decode(), [base64.b64encode(part).decode() for part in proof]
        )


def _payload(rule: RuleFile, home: Household, place: int) -> dict[str, Any]:
    """An honest receipt."""
    plan = rule.plan(AS_OF)
    outcome = evaluate(plan, home)
    return {
        "programme": rule.programme,
        "rule_version": rule.text.version,
        "rule_hash": rule.rule_hash,
        "cycle": CYCLE,
        "as_of": AS_OF.isoformat(),
        "decided_at": "2026-11-01T09:00:00Z",
        "household": f"H{place}",
        "holder": None,
        "declared": {"source": "registry", "date": "2026-10-01"},
        "facts": {
            "household": {name: kind.show(home.facts[name]) for name, kind in plan.household_inputs.items()},
            "members": [
                {name: kind.show(each[name]) for name, kind in plan.person_inputs.items()} for each in home.members
            ],
        },
        "steps": {name: show_decimal(outcome.steps[name], node.scale) for name, node in plan.facts + plan.steps},
        "failed": outcome.failed,
        "eligible": outcome.eligible,
        "amount": outcome.amount,
        "unit": rule.unit,
        "v": 1,
    }


class Batch:
    """The decisions about all homes by one rule; `change` alters the payload of the first home before it is signed."""

    def __init__(self, rule: RuleFile, change: Change = lambda _: None, *, key: Key = RECEIPTS) -> None:
        self._rule = rule
        payloads = [_payload(rule, home, place) for place, home in enumerate(HOMES)]
        amounts = [payload["amount"] for payload in payloads]
        change(payloads[0])
        self._amounts = [payloads[0]["amount"] if payloads[0]["amount"] == 2_900 else amounts[0], *amounts[1:]]
        self.tokens = [key.jws(canonical.encode(payload), RECEIPT_TYP) for payload in payloads]
        self.tree = SumTree(
            [(leaf(token.encode(), amount), amount) for token, amount in zip(self.tokens, self._amounts, strict=True)]
        )

    def entry(self, **changes: Any) -> DecisionsMade:
        """What the log says of it."""
        said = DecisionsMade(
            programme=self._rule.programme,
            cycle=CYCLE,
            rule_hash=self._rule.rule_hash,
            as_of=AS_OF.isoformat(),
            root=self.tree.root,
            households=self.tree.count,
            eligible=sum(amount > 0 for amount in self._amounts),
            total=self.tree.total,
            unit=Unit("usd"),
        )
        return msgspec.structs.replace(said, **changes)

    def bundle(self, place: int) -> ReceiptBundle:
        """One receipt with its place."""
        return ReceiptBundle(receipt=self.tokens[place], batch=self.tree.proof(place))


def _setting(*path: str | int, to: Any) -> Change:
    def change(payload: dict[str, Any]) -> None:
        where: Any = payload
        for step in path[:-1]:
            where = where[step]
        where[path[-1]] = to

    return change


def _refused(payload: dict[str, Any]) -> None:
    payload.update(amount=0, eligible=False, failed=["poor"])


def _without_step(payload: dict[str, Any]) -> None:
    del payload["steps"]["size"]


# What an office may sign that it must not, and how the batch of it is published.
LIES: dict[str, Change] = {
    "a wrongful refusal": _refused,
    "another amount": _setting("amount", to=2_900),
    "a negative amount": _setting("amount", to=-1),
    "another income": _setting("facts", "household", "monthly_income", to="9999.00"),
    "an income out of range": _setting("facts", "household", "monthly_income", to="1000000.01"),
    "an income in another spelling": _setting("facts", "household", "monthly_income", to="50.5"),
    "an income as a number": _setting("facts", "household", "monthly_income", to=50),
    "a fact that nobody asked for": _setting("facts", "household", "rooms", to=3),
    "a fact of a member that nobody asked for": _setting("facts", "members", 0, "is_head", to=True),
    "nobody in the household": _setting("facts", "members", to=[]),
    "101 people in the household": _setting("facts", "members", to=[{"birth_date": None}] * 101),
    "a birth on no day": _setting("facts", "members", 0, "birth_date", to="1990-02-30"),
    "another step": _setting("steps", "per_head", to="25.26"),
    "a step in another spelling": _setting("steps", "per_head", to="25.250"),
    "a step too few": _without_step,
    "a step too many": _setting("steps", "more", to="1"),
    "a clause that holds as failed": _setting("failed", to=["child"]),
    "an amount without the right to it": _setting("eligible", to=False),
    "a day that is none": _setting("as_of", to="2026-13-01"),
    "another day": _setting("as_of", to="2026-11-02"),
    "a day before the calendar": _setting("as_of", to="0001-01-01"),
    "decided too early": _setting("decided_at", to="2026-10-27T11:59:59Z"),
    "decided at the end of the notice": _setting("decided_at", to="2026-10-27T12:00:00Z"),
    "decided at no time": _setting("decided_at", to="yesterday"),
    "another version of the format": _setting("v", to=2),
    "another rule": _setting("rule_hash", to="0" * 64),
    "another unit": _setting("unit", to="eur"),
    "another cycle": _setting("cycle", to="2026-12"),
    "a field too many": _setting("party", to="x"),
    "a text for a number": _setting("amount", to="2800"),
}
PUBLISHED: dict[str, dict[str, Any]] = {
    "another total": {"total": 1},
    "another number of decisions": {"households": 5},
    "another root": {"root": "0" * 64},
    "a batch of another day": {"as_of": "2026-11-02"},
    "a batch of another unit": {"unit": "eur"},
}


class World:
    """A log with two rules, an honest batch of each, and one batch for every lie."""

    def __init__(self) -> None:
        self.log = Log()
        say = self.log.say
        self.office = say(KeyAnnounced("office", jwk=OFFICE.public.jwk), "2026-10-20T11:00:00Z")
        self.receipts = say(KeyAnnounced("receipts", jwk=RECEIPTS.public.jwk), "2026-10-20T11:00:00Z")
        self.fact = say(DEFINED, "2026-10-20T11:30:00Z")
        self.rules = {rule.programme: rule for rule in (read_rule(RULE), read_rule(SECOND_RULE, (DEFINED,)))}
        self.places = {name: say(_published(rule), LOGGED_RULE) for name, rule in self.rules.items()}
        self.strange = say(_published(self.rules["bread"]), LOGGED_RULE, STRANGER)
        self.later = say(DEFINED, LOGGED_RULE)
        self.batches = {name: self._decide(Batch(rule)) for name, rule in self.rules.items()}
        bread = self.rules["bread"]
        self.lies = {name: self._decide(Batch(bread, change)) for name, change in LIES.items()}
        self.lies |= {name: self._decide(Batch(bread), **changes) for name, changes in PUBLISHED.items()}
        self.lies["a receipt signed by another key"] = self._decide(Batch(bread, key=STRANGER))
        honest = Batch(bread)
        self.lies["a batch that was logged too early"] = honest, say(honest.entry(), "2026-10-27T11:59:59Z")

    def _decide(self, batch: Batch, **changes: Any) -> tuple[Batch, int]:
        return batch, self.log.say(batch.entry(**changes), LOGGED_BATCH)

    def evidence(self, programme: str, decided: tuple[Batch, int], home: int = 0) -> dict[str, Any]:
        """The saved receipt of a home."""
        prove = self.log.prove
        found = Evidence(
            bundle=decided[0].bundle(home),
            checkpoint=self.log.note(),
            office=prove(self.office),
            receipts=prove(self.receipts),
            rule=prove(self.places[programme]),
            batch=prove(decided[1]),
            facts=[prove(self.fact)] if programme == "roofs" else msgspec.UNSET,
            v=2 if programme == "roofs" else 1,
        )
        plain: dict[str, Any] = msgspec.to_builtins(found)
        return plain


def _published(rule: RuleFile) -> RulePublished:
    return RulePublished(rule.programme, rule.text.version, rule.rule_hash, rule.notice_days, file=rule.source)


def _code(plain: dict[str, Any]) -> str:
    """Python's answer: "" when all of it holds."""
    try:
        check_evidence(msgspec.convert(plain, Evidence), NOTES.vkey)
    except AmparoError as error:
        return error.code
    return ""


def tampered(plain: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`plain` with one place changed: `set` to a value (null: taken away), the sign at `sign` or the base64 byte at `byte`
    with one bit turned, which is what the tests in TypeScript do too."""
    changed = copy.deepcopy(plain)
    where: Any = changed
    for step in patch["at"][:-1]:
        where = where[step]
    last = patch["at"][-1]
    if "sign" in patch:
        text = where[last]
        where[last] = text[: patch["sign"]] + chr(ord(text[patch["sign"]]) ^ patch["bit"]) + text[patch["sign"] + 1 :]
    elif "byte" in patch:
        data = bytearray(base64.b64decode(where[last]))
        data[patch["byte"]] ^= patch["bit"]
        where[last] = base64.b64encode(data).decode()
    elif patch["set"] is None:
        del where[last]
    else:
        where[last] = patch["set"]
    return changed


def _tampers(base: dict[str, Any], world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    pick = dice(3)

    def turn(path: list[str | int], kind: str, size: int, count: int) -> None:
        for place in sorted(pick.sample(range(size), min(size, count))):
            found.append({"at": path, kind: place, "bit": 1 << pick.randrange(6)})

    turn(["bundle", "receipt"], "sign", len(base["bundle"]["receipt"]), 60)
    turn(["checkpoint"], "sign", len(base["checkpoint"].partition("\n—")[0]), 40)
    for name in ("office", "receipts", "rule", "batch"):
        turn([name, "entry"], "byte", len(base64.b64decode(base[name]["entry"])), 24)
        for place in range(len(base[name]["proof"])):
            turn([name, "proof", place], "byte", 32, 2)
        found.append({"at": [name, "proof", 0], "set": None})
        found.append({"at": [name, "index"], "set": base[name]["index"] + 1})
    for place in range(len(base["bundle"]["batch"]["steps"])):
        turn(["bundle", "batch", "steps", place, "hash"], "sign", 64, 3)
        found.append({"at": ["bundle", "batch", "steps", place, "sum"], "set": 1})
        found.append({"at": ["bundle", "batch", "steps", place, "sum"], "set": -1})
        found.append({"at": ["bundle", "batch", "steps", place, "left"], "set": place == 1})
    for name, value in (("index", 1), ("index", 4), ("index", -1), ("count", 3), ("count", 5), ("steps", [])):
        found.append({"at": ["bundle", "batch", name], "set": value})
    for receipt in ("", "a.b.c", "a.b", "e30.e30.e30", "ñ.ñ.ñ"):
        found.append({"at": ["bundle", "receipt"], "set": receipt})
    for name, other in (("office", "receipts"), ("receipts", "office"), ("rule", "batch"), ("batch", "rule")):
        found.append({"at": [name], "set": base[other]})
    found.append({"at": ["rule"], "set": msgspec.to_builtins(world.log.prove(world.strange))})
    found.append({"at": ["rule"], "set": msgspec.to_builtins(world.log.prove(world.places["roofs"]))})
    found += [{"at": ["v"], "set": value} for value in (0, 2, 3)]
    found.append({"at": ["facts"], "set": []})
    found.append({"at": ["facts"], "set": [msgspec.to_builtins(world.log.prove(world.fact))]})
    found.append(
        {
            "at": ["checkpoint"],
            "set": NOTES.sign(base["checkpoint"].partition("\n\n")[0].replace("town", "tawn") + "\n"),
        }
    )
    return found


def receipts() -> dict[str, Any]:
    """The vectors: `honest` files, `lies` (an honest file with another bundle and batch), `tampered` (patches of `base`)."""
    world = World()
    honest = [
        world.evidence(name, decided, home) for name, decided in world.batches.items() for home in range(len(HOMES))
    ]
    base, second = honest[0], honest[len(HOMES)]
    lies = []
    for name, decided in world.lies.items():
        plain = world.evidence("bread", decided)
        lies.append({"lie": name, "bundle": plain["bundle"], "batch": plain["batch"], "code": _code(plain)})
    patches = _tampers(base, world)
    later, fact = msgspec.to_builtins(world.log.prove(world.later)), second["facts"][0]
    of_second: list[dict[str, Any]] = [
        {"at": ["facts"], "set": None},
        {"at": ["facts"], "set": [later]},
        {"at": ["facts"], "set": [fact, later]},
        {"at": ["facts"], "set": [second["office"]]},
        {"at": ["facts", 0, "entry"], "byte": 40, "bit": 1},
        {"at": ["v"], "set": 1},
    ]
    # What all files share stands once.
    shared = {name: base[name] for name in ("checkpoint", "office", "receipts")}
    short = [{name: value for name, value in plain.items() if shared.get(name) != value} for plain in honest]
    return {
        "vkey": NOTES.vkey,
        "shared": shared,
        "rule": base["rule"],
        "honest": [{"evidence": each, "code": _code(plain)} for each, plain in zip(short, honest, strict=True)],
        "lies": lies,
        "tampered": [patch | {"code": _code(tampered(base, patch))} for patch in patches],
        "tampered_second": [patch | {"code": _code(tampered(second, patch))} for patch in of_second],
    }
