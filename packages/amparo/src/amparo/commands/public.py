"""Commands for anybody: audit a log, check a receipt, verify a card. None needs an account."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from amparo.audit.page import SAYS, write_page
from amparo.audit.service import run_audit
from amparo.commands.shell import FOUND_WRONG, Json, console, explain, show_table, tell
from amparo.errors import FileMissing
from amparo.i18n import LANGUAGES
from amparo.sources import read_file
from amparo_common.money import format_minor
from amparo_common.secret import Secret
from amparo_credentials.card import open_card
from amparo_credentials.errors import CredentialsError
from amparo_log.follow import LogFollower
from amparo_log.fork import ForkEvidence, Reason, Verdict, judge
from amparo_log.view import LogView
from amparo_paper.errors import CodeNotReadable
from amparo_paper.sheet import read_printed
from amparo_rules.receipt import ReceiptBundle
from amparo_service.client import Client
from amparo_service.keys import replace_file
from amparo_wallet.errors import KeyNotInLog
from amparo_wallet.receipts import Evidence, check_bundle, check_evidence

Vkey = Annotated[
    str, typer.Option("--vkey", help="The log's public key (vkey), as the programme prints it everywhere.")
]
MEMORY = Path.home() / ".cache" / "amparo" / "seen"

receipts = typer.Typer(help="Check a decision receipt.", no_args_is_help=True)


def audit(
    url: Annotated[str, typer.Argument(help="Address of the public log.")],
    vkey: Vkey,
    html: Annotated[Path | None, typer.Option(help="Write the page in five languages into this folder.")] = None,
    memory: Annotated[Path | None, typer.Option(help="File with the log head seen last time.")] = None,
    as_json: Json = False,
) -> None:
    """Check everything that is public: rules, notice periods, decisions, approvals, and where all the aid went."""
    seen = memory or MEMORY / file_name(vkey)
    seen.parent.mkdir(parents=True, exist_ok=True)
    found = run_audit(url, vkey, memory=seen)
    if html is not None:
        html.mkdir(parents=True, exist_ok=True)
        for language in LANGUAGES:
            replace_file(html / f"audit-{language}.html", write_page(found, language, links=True).encode())
    if as_json:
        tell(True, {"passed": found.passed, "audit": found}, "")
    else:
        for check in found.checks:
            console.print(f"{'✓' if check.passed else '✗'} {SAYS[check.id]}", markup=False)
            for finding in check.findings:
                console.print(f"    {finding}", markup=False)
        show_table(
            ("unit", "decided", "approved", "issued", "spent", "in hands", "expired", "settled", "to be paid"),
            [
                (
                    unit.unit,
                    *(
                        format_minor(each)
                        for each in (
                            unit.decided,
                            unit.approved,
                            unit.issued,
                            unit.redeemed,
                            unit.outstanding,
                            unit.expired,
                            unit.settled,
                            unit.payable,
                        )
                    ),
                )
                for unit in found.figures.units
            ],
        )
        console.print(f"{found.size} log entries, {found.seconds:.2f} s", markup=False)
    if not found.passed:
        raise typer.Exit(FOUND_WRONG)


def read_log(url: str, vkey: str) -> LogView:
    """What a log says, every entry proved, continuing what was seen of it on this machine. Raises the errors of `LogFollower`."""
    return _follower(url, vkey).refresh()


def _follower(url: str, vkey: str) -> LogFollower:
    MEMORY.mkdir(parents=True, exist_ok=True)
    return LogFollower(Client(url), vkey, MEMORY / file_name(vkey))


def file_name(vkey: str) -> str:
    """A file's name for what is remembered of the log with this key."""
    return "".join(sign if sign.isalnum() else "_" for sign in vkey)


def _saved_receipt(file: Path) -> Evidence | ReceiptBundle:
    data = read_file(file)
    with contextlib.suppress(ValueError):
        return msgspec.json.decode(data, type=Evidence)
    with contextlib.suppress(ValueError):
        return msgspec.json.decode(data, type=ReceiptBundle)
    raise FileMissing(f"{file} is not a saved receipt.", why="It has another form.")


@receipts.command("check")
def check_receipt(
    file: Annotated[Path, typer.Argument(help="A receipt with its proofs, as the wallet saves it.")],
    vkey: Vkey,
    log: Annotated[str, typer.Option(help="Address of the log, for a receipt that was saved without its proofs.")] = "",
    as_json: Json = False,
) -> None:
    """Recompute a decision, offline: signature, rule, notice period, place in the batch. Nothing is sent anywhere."""
    saved = _saved_receipt(file)
    if isinstance(saved, Evidence):
        receipt = check_evidence(saved, vkey)
    elif log:
        receipt = check_bundle(saved, _follower(log, vkey), vkey)
    else:
        why = "When it was saved, the log lacked the rule, the batch or the keys that it names."
        raise FileMissing(f"{file} has no proofs from the log.", why=why, todo="Ask the log itself: --log ADDRESS.")
    answer = "yes" if receipt.eligible else "no"
    lines = [
        "✓ The receipt is genuine, follows the published rule, and is counted in the public total.",
        f"  {receipt.programme} {receipt.cycle}: {answer}, {format_minor(receipt.amount)} {receipt.unit}",
    ]
    lines += [f"  {name}: {value}" for name, value in receipt.steps.items()]
    lines += [f"  not met: {clause}" for clause in receipt.failed]
    tell(as_json, receipt, "\n".join(lines))


_FORKS: dict[Verdict | Reason, str] = {
    "proved": "✗ The log was rewritten: it signed two different trees of one size.",
    "confirmed": "✗ The log was rewritten: what it signed once is not in it any more.",
    "refuted": "✓ The log contains both heads. Nothing was rewritten.",
    "not-asked": "? Both heads are genuine. Whether one continues the other only the log can show: ask it with --log.",
    "behind": "? Both heads are genuine. This copy of the log ends before one of them: ask another copy, or this one later.",
    "spoilt": "? Both heads are genuine. What this copy sent leads to no head that the log signed: ask another copy.",
}


def fork(
    file: Annotated[Path, typer.Argument(help="The proof, as a phone saves it.")],
    vkey: Vkey,
    log: Annotated[str | None, typer.Option(help="Address of the public log.")] = None,
    as_json: Json = False,
) -> None:
    """Judge a proof that the public log was rewritten."""
    try:
        evidence = msgspec.json.decode(read_file(file), type=ForkEvidence)
    except ValueError as error:
        raise FileMissing(f"{file} is not a proof about a log.", why="It has another form.") from error
    found = judge(evidence, vkey, None if log is None else Client(log))
    words = f"{_FORKS[found.reason or found.verdict]}\n  The first head counts {found.before:,} entries, the other {found.after:,}."
    tell(as_json, found, words)
    if found.verdict in {"proved", "confirmed"}:
        raise typer.Exit(FOUND_WRONG)


def verify(
    card: Annotated[str, typer.Argument(help="The code's text, or a PDF that shows it.")],
    issuer_key: Annotated[
        str | None, typer.Option(help="The programme's card key (64 hex digits); works offline.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Or: address of the public log that holds the card key.")] = None,
    vkey: Annotated[str, typer.Option(help="The log's public key, with --log.")] = "",
    verifier_key: Annotated[Path | None, typer.Option(help="A registered verifier's key file.")] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of a PDF.")] = 1,
    number: Annotated[int, typer.Option(min=1, help="Which code of the page.")] = 1,
    as_json: Json = False,
) -> None:
    """Verify an identity card. Without a verifier's key a sealed card shows nothing about anybody."""
    text = card
    if Path(card).suffix.lower() == ".pdf":
        codes = read_printed(read_file(Path(card)), page=page)
        if number > len(codes):
            raise CodeNotReadable(f"The page has {len(codes)} codes.", todo="Name one of them with --number.")
        text = codes[number - 1]
    public = _card_key(issuer_key, log, vkey)
    key = None if verifier_key is None else Secret(read_file(verifier_key))
    try:
        found = open_card(text, public, now=datetime.now(UTC), verifier_key=key)
    except CredentialsError as error:
        explain(error, as_json=as_json)
        raise typer.Exit(FOUND_WRONG) from error
    lines = ["✓ The card is genuine and in time.", f"  {found.full_name}"]
    lines += [f"  {found.other_name}"] if found.other_name else []
    lines += [f"  born {found.birth_date.isoformat()}"] if found.birth_date else []
    lines += [f"  number {found.number}, valid until {found.expires.isoformat()}"]
    tell(as_json, found, "\n".join(lines))


def _card_key(issuer_key: str | None, log: str | None, vkey: str) -> bytes:
    if issuer_key is not None:
        try:
            return bytes.fromhex(issuer_key)
        except ValueError as error:
            raise KeyNotInLog("The card key is not written as hex digits.") from error
    if log is None:
        raise typer.BadParameter("give --issuer-key, or --log with --vkey")
    announced = read_log(log, vkey).key("cards")
    if announced is None or announced.ed25519 is None:
        raise KeyNotInLog("The log holds no card key.")
    return bytes.fromhex(announced.ed25519)
