"""Every example of a format page is what the code reads and writes today: docs/formats, block by block.

Each block names its kind; a check of that kind decodes it and compares it with the blocks it belongs to. A page with a planted
fault shows that the checks can fail.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import msgspec
import pytest
import yaml
from tests.tidy.tree import FENCED, ROOT, Pages, listed

from amparo_apps.check import FileList
from amparo_apps.files import whole_hash
from amparo_cashu.nut00_token import read_token
from amparo_cashu.nut22_auth import read_auth, write_auth
from amparo_cashu.spent_filter import SpentFilter, build_filter
from amparo_cashu.wire import ClaimQuote
from amparo_common import bridge, canonical
from amparo_common.errors import AmparoError
from amparo_common.money import format_minor
from amparo_common.secret import Secret
from amparo_common.sheets import read_sheet_list, read_sheet_number, write_sheet_list
from amparo_common.signing import VerifyingKey
from amparo_credentials.card import Card, open_card
from amparo_log.fork import ForkEvidence, judge
from amparo_log.note import Checkpoint, NoteVerifier, open_checkpoint
from amparo_office.duplicates import other_list
from amparo_office.duplicates.compared import Birth, Compared
from amparo_office.mapping import read_mapping
from amparo_purse.recovery import qr_text, read_code, seed_of, write_code
from amparo_rules.bands import banded
from amparo_rules.catalogue import CATALOGUE
from amparo_rules.examples import check_examples
from amparo_rules.receipt import Receipt, ReceiptBundle, read_receipt, recompute
from amparo_rules.rule import RuleFile, read_rule
from amparo_rules.step import check_step
from amparo_rules.sumtree import check_in_batch
from amparo_service.login import CLIENT, GOOD_SECONDS, LogIn
from amparo_till.enrolment import read_enrolment, write_enrolment
from amparo_wallet.receipts import Evidence, check_evidence
from amparo_wallet.vouchers import voucher_number

FORMATS = ROOT / "docs" / "formats"


@pytest.fixture(scope="module")
def formats() -> dict[str, str]:
    """The format pages by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FORMATS.glob("*.md"))}


@dataclass(frozen=True)
class Example:
    """One block of a format page: its language, the type it says it is, and its text."""

    page: str
    language: str
    kind: str
    text: str


class Formats:
    """The examples of all format pages, with what they need of each other: rule, keys, the log's key."""

    def __init__(self, texts: Pages) -> None:
        self.examples = [
            Example(page, language, kind, body)
            for page, text in texts.items()
            for info, body in FENCED.findall(text)
            for language, _, kind in [info.partition(" ")]
        ]

    def one(self, page: str, kind: str) -> str:
        """The only block of this kind of a page."""
        (found,) = [each.text.strip() for each in self.examples if (each.page, each.kind) == (page, kind)]
        return found

    def rule(self) -> RuleFile:
        """The example rule."""
        return read_rule(self.one("rule-file.md", "RuleText") + "\n")

    def log(self) -> list[bridge.LogMessage]:
        """What the example log says."""
        entries = [each.text for each in self.examples if each.page == "log-entries.md" and each.kind == "LogEntry"]
        return [canonical.convert(json.loads(text), bridge.LogEntry).entry.body for text in entries]

    def key(self, purpose: str) -> VerifyingKey:
        """An announced key of the example log."""
        (jwk,) = {body.jwk for body in self.log() if isinstance(body, bridge.KeyAnnounced) and body.purpose == purpose}
        assert jwk is not None
        return VerifyingKey(jwk)

    def publishers(self) -> dict[str, VerifyingKey]:
        """The services' keys by key id."""
        return {key.kid: key for key in map(self.key, ("office", "mint", "shops"))}

    def batch(self) -> bridge.DecisionsMade:
        """The example's batch of decisions."""
        return next(body for body in self.log() if isinstance(body, bridge.DecisionsMade))

    def words(self, page: str, kind: str) -> dict[str, str]:
        """A block of lines `name value`."""
        return {
            line.rpartition("  ")[0].strip(): line.rpartition("  ")[2] for line in self.one(page, kind).splitlines()
        }


def _struct(text: str, into: type[Any]) -> Any:
    return canonical.convert(json.loads(text), into)


def check_log_entry(found: Formats, example: Example) -> None:
    entry = _struct(example.text, bridge.LogEntry)
    bridge.check_log_signature(entry.entry, found.publishers()[entry.entry.by])


def check_receipt_text(found: Formats, example: Example) -> None:
    receipt = read_receipt(example.text.strip(), found.key("receipts"))
    assert receipt == _struct(found.one("receipt.md", "Receipt as JSON"), Receipt)


def check_receipt_json(found: Formats, example: Example) -> None:
    receipt = _struct(example.text, Receipt)
    outcome = recompute(receipt, found.rule())
    assert (receipt.failed, receipt.amount) == (outcome.failed, outcome.amount)
    assert receipt.rule_hash == found.rule().rule_hash


def check_bundle(found: Formats, example: Example) -> None:
    bundle, batch = _struct(example.text, ReceiptBundle), found.batch()
    amount = read_receipt(bundle.receipt, found.key("receipts")).amount
    check_in_batch(bundle.receipt.encode(), amount, bundle.batch, root=batch.root, total=batch.total)


def check_saved_receipt(found: Formats, example: Example) -> None:
    check_evidence(_struct(example.text, Evidence), found.one(example.page, "vkey"))


def check_checkpoint(found: Formats, example: Example) -> None:
    checkpoint: Checkpoint = open_checkpoint(example.text, NoteVerifier(found.one(example.page, "vkey")))
    assert checkpoint.size >= len(found.log())


def check_fork(found: Formats, example: Example) -> None:
    judged = judge(_struct(example.text, ForkEvidence), found.one(example.page, "vkey"))
    assert judged.verdict == "proved"
    assert judged.before >= len(found.log())


def check_bridge_json(found: Formats, example: Example) -> None:
    assert isinstance(_struct(example.text, getattr(bridge, example.kind)), bridge.BridgeMessage)


def check_bridge_text(found: Formats, example: Example) -> None:
    kind = example.kind.removesuffix(" as signed")
    into, sender = getattr(bridge, kind), {"QuotePaid": "office", "ShopDeposited": "mint"}[kind]
    message = bridge.open_sealed(example.text.strip(), found.key(sender), into)
    assert message == _struct(found.one(example.page, kind), into)


def check_card(found: Formats, example: Example) -> None:
    keys = found.words(example.page, "keys")
    verifier = Secret(bytes.fromhex(keys["verifier key"])) if example.kind == "sealed" else None
    card = open_card(
        example.text.rstrip("\n"),
        bytes.fromhex(keys["card key"]),
        now=datetime(2026, 11, 1, tzinfo=UTC),
        verifier_key=verifier,
    )
    assert card == _struct(found.one(example.page, "Card"), Card)


def check_voucher(found: Formats, example: Example) -> None:
    code, words = example.text.strip(), found.words(example.page, "number")
    (keyset,) = [body for body in found.log() if isinstance(body, bridge.KeysetAnnounced)]
    (coin,) = read_token(code, keysets=[keyset.keyset]).proofs
    assert str(coin.amount) in keyset.keys
    assert coin.dleq is None
    assert words == {"keyset": coin.id, "amount": format_minor(coin.amount), "number": voucher_number(code)}


def check_app_files(found: Formats, example: Example) -> None:
    told = _struct(example.text, FileList)
    whole = found.one(example.page, "hash").strip()
    assert whole == whole_hash(told.files)
    (app,) = [body for body in found.log() if isinstance(body, bridge.AppPublished)]
    assert (app.release, app.hash) == (told.release, whole)


def check_till_enrolment(_found: Formats, example: Example) -> None:
    code = example.text.strip()
    assert write_enrolment(read_enrolment(code)) == code


def check_recovery(found: Formats, example: Example) -> None:
    words = found.words(example.page, example.kind)
    entropy = Secret(bytes.fromhex(words["entropy"]))
    assert (write_code(entropy), qr_text(words["code"])) == (words["code"], words["qr"])
    assert read_code(words["qr"]).reveal() == entropy.reveal()
    assert seed_of(entropy).reveal().hex() == words["seed"]


def check_sheet_list(_found: Formats, example: Example) -> None:
    rows = read_sheet_list(example.text.encode())
    assert write_sheet_list(rows) == example.text.encode()
    assert [read_sheet_number(row.sheet) for row in rows] == [row.sheet for row in rows]


def check_spent_filter(found: Formats, example: Example) -> None:
    words = found.words(example.page, example.kind)
    items = [bytes.fromhex(item) for item in words["items"].split(" ")]
    edition = SpentFilter(bytes.fromhex(words["hex"]))
    assert (edition.keyset, edition.day, edition.bits) == (words["keyset"], int(words["day"]), int(words["bits"]))
    assert (
        build_filter(b"".join(sorted(items)), keyset=edition.keyset, day=edition.day, bits=edition.bits).hex()
        == words["hex"]
    )
    assert all(edition.has(item) for item in items)


def check_other_list(found: Formats, example: Example) -> None:
    words = found.words(example.page, example.kind)
    secret = other_list.shared_secret(words["secret"])
    year, month, day = (int(part) for part in words["born"].split(" "))
    name = {"words": words["words"].split(" "), "sounds": words["sounds"].split(" "), "called": []}
    nothing = dict.fromkeys(("household", "area", "district", "head", "telephone"))
    person = Compared(number=1, birth=Birth(year, month, day), papers=[], **name, **nothing)  # type: ignore[arg-type] # by name
    lines, count = other_list.write([person], secret, Random(1))
    assert (b"".join(lines).decode(), count) == (f"{words['head']}\n{words['record']}\n", 1)
    assert other_list.matching([person], other_list.read(lines, secret), secret) == [1]


def check_claim_quote(_found: Formats, example: Example) -> None:
    quote = msgspec.json.decode(example.text, type=ClaimQuote)
    assert set(json.loads(example.text)) | {"expiry"} == set(ClaimQuote.__struct_fields__)
    assert 0 < quote.crowd_needed <= quote.crowd


def check_log_in(_found: Formats, example: Example) -> None:
    said = msgspec.json.decode(example.text, type=LogIn)
    assert set(json.loads(example.text)) == set(LogIn.__struct_fields__)
    assert (said.azp, said.exp - said.iat, len(said.sub)) == (CLIENT, GOOD_SECONDS, 32)


def check_access_token(_found: Formats, example: Example) -> None:
    text = example.text.strip()
    assert write_auth(read_auth(text)) == text


def check_rule(_found: Formats, example: Example) -> None:
    check_examples(read_rule(example.text))
    check_step(read_rule(example.text))


def second_rule(found: Formats) -> RuleFile:
    """The example of language 2, read with the fact that the example log defines."""
    defined = tuple(body for body in found.log() if isinstance(body, bridge.FactDefined))
    return read_rule(found.one("rule-file.md", "RuleText of language 2") + "\n", defined)


def check_second_rule(found: Formats, _example: Example) -> None:
    check_examples(second_rule(found))
    check_step(second_rule(found))


def check_second_rule_hash(found: Formats, example: Example) -> None:
    assert second_rule(found).rule_hash == example.text.strip()


def check_bands(found: Formats, example: Example) -> None:
    shown = yaml.safe_load(example.text)
    text = read_rule(banded(found.rule(), [3_000, 4_600, 6_000], version="2026.2")).text
    assert shown == {"let": {name: text.let[name] for name in shown["let"]}, "amount": text.amount}


def check_rule_hash(found: Formats, example: Example) -> None:
    assert found.rule().rule_hash == example.text.strip()
    published = next(body for body in found.log() if isinstance(body, bridge.RulePublished))
    assert (published.file, published.rule_hash) == (found.rule().source, found.rule().rule_hash)


def check_mapping(_found: Formats, example: Example) -> None:
    mapping = read_mapping(example.text, needed=set(CATALOGUE), defined={})
    assert date.fromisoformat(mapping.text.date)


def check_vkey(_found: Formats, example: Example) -> None:
    assert NoteVerifier(example.text.strip()).name == "bread.example/log"


def looked_at_by_others(found: Formats, example: Example) -> None:
    """A block that another block's check compares."""
    assert found.one(example.page, example.kind)


CHECKS: dict[tuple[str, str], Callable[[Formats, Example], None]] = {
    ("yaml", "RuleText"): check_rule,
    ("text", "rule_hash"): check_rule_hash,
    ("yaml", "RuleText of language 2"): check_second_rule,
    ("text", "rule_hash of language 2"): check_second_rule_hash,
    ("yaml", "bands"): check_bands,
    ("yaml", "MappingText"): check_mapping,
    ("json", "Receipt as JSON"): check_receipt_json,
    ("text", "Receipt"): check_receipt_text,
    ("json", "ReceiptBundle"): check_bundle,
    ("json", "Evidence"): check_saved_receipt,
    ("json", "Evidence of version 2"): check_saved_receipt,
    ("text", "vkey"): check_vkey,
    ("json", "LogEntry"): check_log_entry,
    ("text", "checkpoint"): check_checkpoint,
    ("json", "ForkEvidence"): check_fork,
    ("json", "QuotePaid"): check_bridge_json,
    ("json", "ShopDeposited"): check_bridge_json,
    ("json", "AskAccreditation"): check_bridge_json,
    ("json", "Accreditation"): check_bridge_json,
    ("text", "QuotePaid as signed"): check_bridge_text,
    ("text", "ShopDeposited as signed"): check_bridge_text,
    ("json", "Card"): looked_at_by_others,
    ("text", "keys"): looked_at_by_others,
    ("text", "open"): check_card,
    ("text", "sealed"): check_card,
    ("text", "code"): check_voucher,
    ("text", "number"): looked_at_by_others,
    ("text", "sheet list"): check_sheet_list,
    ("text", "recovery"): check_recovery,
    ("json", "files"): check_app_files,
    ("text", "hash"): looked_at_by_others,
    ("text", "till code"): check_till_enrolment,
    ("text", "filter"): check_spent_filter,
    ("text", "other-list"): check_other_list,
    ("json", "ClaimQuote"): check_claim_quote,
    ("json", "LogIn"): check_log_in,
    ("text", "access token"): check_access_token,
}


def example_faults(texts: Pages) -> list[str]:
    """Examples that the code does not read, that do not hold, or that no check knows."""
    found, faults = Formats(texts), []
    for example in found.examples:
        if example.language == "console":
            continue
        check = CHECKS.get((example.language, example.kind))
        try:
            if check is None:
                raise KeyError("no check knows this kind of block")
            check(found, example)
        except (AmparoError, ValueError, LookupError, AssertionError) as error:
            faults.append(f"{example.page}, {example.language} {example.kind}: {type(error).__name__} {error}")
    return faults


def test_every_example_of_a_format_is_read_and_checked_by_the_code(formats: Pages) -> None:
    faults = example_faults(formats)
    assert not faults, listed(faults)
    kinds = {(example.language, example.kind) for example in Formats(formats).examples}
    assert kinds - {("console", "")} == set(CHECKS)


def test_the_saved_receipt_beside_the_page_is_the_one_on_it(formats: Pages) -> None:
    beside = json.loads((FORMATS / "examples" / "evidence.json").read_bytes())
    assert beside == json.loads(Formats(formats).one("evidence.md", "Evidence"))


def test_every_kind_of_log_entry_and_bridge_message_has_an_example(formats: Pages) -> None:
    found = Formats(formats)
    logged = {type(body) for body in found.log()}
    assert logged == set(bridge.LogMessage.__args__)
    shown = {example.kind for example in found.examples if (example.page, example.language) == ("bridge.md", "json")}
    assert shown == {each.__name__ for each in bridge.BridgeMessage.__subclasses__()} - {
        each.__name__ for each in logged
    }


@pytest.mark.parametrize(
    ("page", "old", "new", "where"),
    [
        ("rule-file.md", 'amount: "46.00"', 'amount: "46.01"', "rule-file.md, yaml RuleText"),
        ("rule-file.md", "budget:", "colour: blue\nbudget:", "rule-file.md, yaml RuleText"),
        ("rule-file.md", "roof_type, 1) - 3", "roof_type, 1) - 2", "rule-file.md, text rule_hash of language 2"),
        ("rule-file.md", "> 30.00) * 46.00", "> 30.00) * 47.00", "rule-file.md, yaml bands"),
        ("receipt.md", '"size": "2"', '"size": 2', "receipt.md, json Receipt as JSON"),
        ("receipt.md", '"monthly_income": "310.50"', '"monthly_income": "910.50"', "receipt.md, json Receipt as JSON"),
        ("receipt.md", "```text Receipt\ne", "```text Receipt\nf", "receipt.md, text Receipt"),
        ("receipt.md", '"left": true', '"left": false', "receipt.md, json ReceiptBundle"),
        ("evidence.md", '"index": 11', '"index": 12', "evidence.md, json Evidence of version 2"),
        ("evidence.md", '"index": 5', '"index": 6', "evidence.md, json Evidence"),
        ("log-entries.md", '"notice_days": 7', '"notice_days": 8', "log-entries.md, json LogEntry"),
        ("log-entries.md", '"approvals": 2', '"approvals": 2, "by_whom": "x"', "log-entries.md, json LogEntry"),
        ("log-entries.md", "bread.example/log\n17", "bread.example/log\n18", "log-entries.md, text checkpoint"),
        ("log-fork.md", '"v": 1', '"v": 2', "log-fork.md, json ForkEvidence"),
        ("bridge.md", '"amount": 4600', '"amount": 4601', "bridge.md, text QuotePaid as signed"),
        ("bridge.md", '"accredited": true', '"accredited": "yes"', "bridge.md, json Accreditation"),
        ("mapping.md", "facts: {is_head: jefatura}", "facts: {is_head: partido}", "mapping.md, yaml MappingText"),
        ("card-code.md", "Amina Benali", "Amina Benal", "card-code.md, text sealed"),
        ("voucher.md", "amount  20.48", "amount  20.49", "voucher.md, text code"),
        ("voucher.md", "```text number", "```text digits", "voucher.md, text digits"),
        ("voucher.md", "482109375162,", "482109375163,", "voucher.md, text sheet list"),
        ("recovery-code.md", "entropy  00", "entropy  01", "recovery-code.md, text recovery"),
        ("spent-filter.md", "day     20746", "day     20747", "spent-filter.md, text filter"),
        ("other-list.md", "born    1990 4 12", "born    1990 4 13", "other-list.md, text other-list"),
        ("claim.md", '"crowd": 31', '"crowds": 31', "claim.md, json ClaimQuote"),
        ("access.md", '"azp": "amparo"', '"azp": "ampara"', "access.md, json LogIn"),
        ("access.md", "authA", "authB", "access.md, text access token"),
    ],
)
def test_an_example_that_does_not_hold_is_seen(formats: Pages, page: str, old: str, new: str, where: str) -> None:
    text = formats[page]
    assert old in text
    faults = example_faults({**formats, page: text.replace(old, new)})
    assert any(fault.startswith(f"{where}: ") for fault in faults), listed(faults)
