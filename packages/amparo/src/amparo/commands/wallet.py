"""`amparo wallet`: one household's wallet in a folder of its own. What a phone app does, for a terminal.

A command either claims or exchanges coins, never both, and finishes only what was interrupted of its own kind: the office knows
whose claim it is, and the mint must not see coins beside it. What comes too early is refused with the moment from which it is not,
and `--now` goes on after saying what that costs.
"""

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from amparo.commands.shell import (
    DATA,
    FOUND_WRONG,
    Data,
    Json,
    bar,
    console,
    errors,
    explain,
    moment,
    say,
    show_table,
    tell,
)
from amparo.errors import FileMissing
from amparo.installation import Installation
from amparo.sources import read_file
from amparo_cashu.nut26_request import read_any_request
from amparo_common.errors import AmparoError
from amparo_common.money import format_minor, parse_minor
from amparo_log.follow import LogFollower
from amparo_paper.qr import draw_qr
from amparo_purse.filters import FilterShelf
from amparo_purse.restore import Manner
from amparo_rules.receipt import Receipt
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.errors import RemoteError
from amparo_service.keys import replace_file
from amparo_wallet.errors import ClaimedElsewhere
from amparo_wallet.receipts import Named, is_finding, named, proof_of
from amparo_wallet.wallet import LATEST_HOURS, SCHEMA, Aid, Paper, Wallet, must_wait

wallet = typer.Typer(
    help="A household's wallet: enrol, see the papers, claim aid, pay, and get it back after a loss.",
    no_args_is_help=True,
)
recovery = typer.Typer(help="The code on paper that brings the money of a lost wallet back.", no_args_is_help=True)
wallet.add_typer(recovery, name="recovery")

Folder = Annotated[
    Path, typer.Option("--wallet", envvar="AMPARO_WALLET", help="The wallet's own folder.", show_default=True)
]
Unit = Annotated[str, typer.Argument(help="The unit of the aid.")]
Now = Annotated[
    bool, typer.Option("--now", help="Go on at once although it is too early: it costs privacy, not money.")
]
Digits = Annotated[
    list[str] | None, typer.Argument(help="The 56 digits, with or without spaces; asked for when left out.")
]
HERE = Path("amparo-wallet")


class Places(msgspec.Struct, frozen=True):
    """Where a wallet finds the services, and the log's key it trusts; how many hours aid waits at most after its claiming window
    (None: what the wallet itself sets)."""

    office: str
    mint: str
    log: str
    vkey: str
    latest_hours: float | None = None


@wallet.command("init")
def init(
    folder: Folder = HERE,
    office: Annotated[str | None, typer.Option(help="Address of the office.")] = None,
    mint: Annotated[str | None, typer.Option(help="Address of the mint.")] = None,
    log: Annotated[str | None, typer.Option(help="Address of the public log.")] = None,
    vkey: Annotated[str | None, typer.Option(help="The log's public key.")] = None,
    latest_hours: Annotated[
        float | None, typer.Option(min=0.2, max=96, help="How many hours aid waits at most after its claiming window.")
    ] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make a wallet that talks to these services (default: those of a data folder on this machine)."""
    if office and mint and log and vkey:
        places = Places(office, mint, log, vkey, latest_hours)
    else:
        known = Installation.running(data).services
        places = Places(known.url("office"), known.url("mint"), known.url("log"), known.vkey, latest_hours)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(folder / "places.json", msgspec.json.encode(places))
    tell(as_json, places, f"A wallet is in {folder}. Next: amparo wallet enrol CODE")


def open_wallet(folder: Path) -> tuple[Wallet, LogFollower, Places]:
    """The wallet in a folder; nothing is sent to the mint. Raises `FileMissing` when there is none."""
    try:
        places = msgspec.json.decode(read_file(folder / "places.json"), type=Places)
    except ValueError as error:
        raise FileMissing(f"{folder} holds no wallet.", why="Its file places.json cannot be read.") from error
    log = LogFollower(Client(places.log), places.vkey, folder / "log-seen")
    log.refresh()
    database = Database(folder / "wallet.sqlite", [SCHEMA])
    found = Wallet(
        database,
        "own",
        office=Client(places.office),
        mint=Client(places.mint),
        log=log,
        vkey=places.vkey,
        latest_hours=LATEST_HOURS if places.latest_hours is None else places.latest_hours,
    )
    return found, log, places


def open_to_exchange(folder: Path, *, hurry: bool) -> Wallet:
    """The wallet, with what was interrupted finished, but no claim, and nothing beside a claim."""
    own, _, _ = open_wallet(folder)
    if hurry:
        errors.print(
            say(
                "At once: whoever has the records of all servers may tell by the time that this is you. It costs no money."
            ),
            markup=False,
        )
    if hurry or own.purse.quiet_until() <= own.purse.now():
        own.purse.recover(claims=False)
    return own


@wallet.command("enrol")
def enrol(
    code: Annotated[str, typer.Argument(help="The code from the office.")], folder: Folder = HERE, as_json: Json = False
) -> None:
    """Bind this wallet to a household."""
    open_wallet(folder)[0].enrol(code)
    tell(as_json, {"enrolled": True}, "This wallet belongs to your household now.")


class Judged(msgspec.Struct, frozen=True):
    """What one paper says it is `about` (None: it cannot be read), and the receipt once all of it holds, or the code of what was
    found false. `one_of`: so many households get this aid."""

    about: Named | None
    receipt: Receipt | None
    finding: str | None = None
    approved: bool = False
    claimed: bool = False
    one_of: int = 0


@wallet.command("papers")
def papers(
    folder: Folder = HERE,
    save: Annotated[Path | None, typer.Option(help="Save each receipt with its proofs into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Every decision about this household, recomputed against the public log. One that is false is proved by what is saved."""
    own, log, _ = open_wallet(folder)
    rows: list[tuple[str, ...]] = []
    found: list[Judged] = []
    false: list[AmparoError] = []
    lines = []
    for paper in own.papers():
        judged, error = _judge(own, paper)
        found.append(judged)
        rows.append(_row(judged, paper))
        if error is not None:
            false.append(error)
        elif judged.receipt is not None and judged.receipt.eligible:
            lines.append(
                say("{programme} {cycle}: you are one of {crowd} households that get aid.").format(
                    programme=judged.receipt.programme, cycle=judged.receipt.cycle, crowd=judged.one_of
                )
            )
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            replace_file(save / _file_name(judged, paper), msgspec.json.encode(proof_of(paper.bundle, log)))
    if as_json:
        tell(True, found, "")
    else:
        show_table(("programme", "cycle", "decision", "amount", "state"), rows)
        console.print("\n".join(lines), markup=False)
        for each in false:
            explain(each, as_json=False)
    if false:
        raise typer.Exit(FOUND_WRONG)


def _judge(own: Wallet, paper: Paper) -> tuple[Judged, AmparoError | None]:
    about = None
    try:
        about = named(paper.bundle)
        receipt = own.check(paper)
    except AmparoError as error:
        if not is_finding(error):
            raise
        return Judged(about, None, error.code), error
    return Judged(about, receipt, None, paper.approved, paper.claimed, own.crowd(receipt)), None


def _row(judged: Judged, paper: Paper) -> tuple[str, ...]:
    receipt, about = judged.receipt, judged.about
    if receipt is None:
        said = (about.programme, about.cycle) if about else ("?", "?")
        return (*said, "false", format_minor(paper.amount), judged.finding or "")
    state = "claimed" if paper.claimed else "approved" if paper.approved else "decided"
    return receipt.programme, receipt.cycle, "yes" if receipt.eligible else "no", format_minor(receipt.amount), state


def _file_name(judged: Judged, paper: Paper) -> str:
    # What a false receipt says of itself names no file: it could be another's, or a path.
    if judged.receipt is None:
        return f"false-{hashlib.sha256(paper.bundle.receipt.encode()).hexdigest()[:16]}.json"
    return f"{judged.receipt.programme}-{judged.receipt.cycle}.json"


# --- claiming ------------------------------------------------------------------------------------------------------------


class Claimed(msgspec.Struct, frozen=True):
    """What became of one claim: `claimed` in minor units, 0 while it waits for a larger crowd or was claimed elsewhere."""

    programme: str
    cycle: str
    unit: str
    claimed: int
    state: str
    crowd: int = 0
    crowd_needed: int = 0
    pay_from: int = 0


@wallet.command("claim")
def claim(
    now: Now = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Claim all approved aid, also what was interrupted. Safe to repeat. The coins pay exact amounts without a connection."""
    own, _, _ = open_wallet(folder)
    own.purse.recover(claims=True)
    found = [_claim_one(own, paper, hurry=now) for paper in own.papers() if own.is_due(paper, own.check(paper))]
    taken = [each.claimed for each in found if each.claimed]
    lines = [line for each in found for line in _words_of(each)] or [say("There is nothing to claim now.")]
    tell(as_json, {"claimed": taken, "aid": found}, "\n".join(lines))


def _claim_one(own: Wallet, paper: Paper, *, hurry: bool) -> Claimed:
    receipt = own.check(paper)
    before = own.purse.balance(receipt.unit)
    try:
        own.claim(paper, spread=True, hurry=hurry)
        state = "claimed"
    except ClaimedElsewhere:
        state = "elsewhere"
    except RemoteError as error:
        if not must_wait(error):
            raise
        state = "waiting"
    gained = own.purse.balance(receipt.unit) - before
    if state == "claimed" and not gained:
        state = "before"
    return _claimed(receipt, own.aid(receipt), state, gained)


def _claimed(receipt: Receipt, aid: Aid | None, state: str, gained: int) -> Claimed:
    known = aid or Aid(receipt.amount, receipt.unit, taken=False)
    return Claimed(
        receipt.programme,
        receipt.cycle,
        receipt.unit,
        gained,
        state,
        crowd=known.crowd,
        crowd_needed=known.crowd_needed,
        pay_from=known.pay_from,
    )


def _words_of(found: Claimed) -> list[str]:
    name = f"{found.programme} {found.cycle}:"
    match found.state:
        case "elsewhere":
            return [f"{name} {say('this aid was claimed with another wallet. Restore from its code first.')}"]
        case "waiting":
            sentence = say(
                "{crowd} of the {needed} people who are needed have come. Your aid waits; claim again later."
            )
            return [f"{name} {sentence.format(crowd=found.crowd, needed=found.crowd_needed)}"]
        case "before":
            return [f"{name} {say('this aid was taken before; its money comes back from the recovery code.')}"]
    lines = [f"{name} {say('{amount} claimed.').format(amount=f'{format_minor(found.claimed)} {found.unit}')}"]
    if found.crowd:
        sentence = say("You are one of {crowd} people who claimed this month (at least {needed} were needed).")
        lines.append(sentence.format(crowd=found.crowd, needed=found.crowd_needed))
    if found.pay_from:
        lines.append(say("To be paid from {moment} on, when all have claimed.").format(moment=moment(found.pay_from)))
    return lines


# --- what it holds -------------------------------------------------------------------------------------------------------


@wallet.command("balance")
def balance(unit: Unit, folder: Folder = HERE, as_json: Json = False) -> None:
    """What is there, from when it can be paid, and when it ends."""
    own, _, _ = open_wallet(folder)
    amount, rests, end = own.purse.balance(unit), own.purse.resting(unit), own.next_end(unit)
    interrupted = own.purse.has_interrupted_claim()
    lines = [f"{format_minor(amount)} {unit}"]
    lines += [
        say("{amount} of it from {moment} on.").format(amount=format_minor(each), moment=moment(until))
        for until, each in rests
    ]
    warn = end is not None and end.warn_from <= own.purse.now()
    if end is not None and warn:
        sentence = say("{amount} of it ends on {moment}. Spend it, or run: amparo wallet tidy {unit}")
        lines.append(sentence.format(amount=format_minor(end.amount), moment=moment(end.final_expiry), unit=unit))
    if interrupted:
        lines.append(say("A claim was interrupted. Finish it with: amparo wallet claim"))
    if not own.is_recovery_tested():
        lines.append(say("The recovery code is not on paper yet: amparo wallet recovery show"))
    found = {
        "unit": unit,
        "balance": amount,
        "resting": [{"amount": each, "pay_from": until} for until, each in rests],
        "ends": end,
        "ends_soon": warn,
        "interrupted_claim": interrupted,
    }
    tell(as_json, found, "\n".join(lines))


@wallet.command("tidy")
def tidy(unit: Unit, folder: Folder = HERE, as_json: Json = False) -> None:
    """Leave a keyset before it ends, and make small change so that exact amounts can be paid without a connection."""
    own = open_to_exchange(folder, hurry=False)
    renewed, change = own.renew(unit), own.resplit(unit)
    lines = []
    if renewed.renewed:
        lines.append(say("{amount} was moved to the new coins.").format(amount=format_minor(renewed.renewed)))
    if renewed.waiting:
        sentence = say("{amount} ends soon and cannot be moved yet: run this again in a few days.")
        lines.append(sentence.format(amount=format_minor(renewed.waiting)))
    if renewed.ended:
        sentence = say("{amount} has ended and is kept: go to the office, it may give it out again.")
        lines.append(sentence.format(amount=format_minor(renewed.ended)))
    if change.broken:
        lines.append(say("A coin of {amount} was changed.").format(amount=format_minor(change.broken)))
    if change.not_before:
        lines.append(say("Run this again from {moment} on.").format(moment=moment(change.not_before)))
    tell(as_json, {"unit": unit, "renewal": renewed, "change": change}, "\n".join(lines) or say("All is in order."))


# --- paying --------------------------------------------------------------------------------------------------------------


@wallet.command("pay")
def pay(
    amount: Annotated[str, typer.Argument(help="The amount, for example 10.50, or the shop's payment request.")],
    unit: Annotated[str | None, typer.Argument(help="The unit of the aid; a request names it.")] = None,
    shop_key: Annotated[
        str | None, typer.Option(help="Lock it to this shop's key, for a till without a connection.")
    ] = None,
    until: Annotated[int, typer.Option(help="With --shop-key: days until it may come back.")] = 21,
    now: Now = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Print the code that pays an amount in a shop."""
    own = open_to_exchange(folder, hurry=now)
    if unit is None:
        code = own.pay_request(read_any_request(amount), hurry=now)
    elif shop_key is None:
        minor = parse_minor(amount)
        own.purse.make_exact(minor, unit, hurry=now)
        code = own.pay_code(minor, unit, hurry=now)
    else:
        minor = parse_minor(amount)
        end = int(datetime.now(UTC).timestamp()) + until * 86_400
        label = f"{shop_key} {minor} {end}"
        own.set_aside(minor, unit, shop_key=shop_key, until=end, label=label, hurry=now)
        code = own.pay_held_code(unit, label=label)
    tell(as_json, {"code": code}, code)


Code = Annotated[str, typer.Argument(help="The code as it was shown.")]


@wallet.command("received")
def received(code: Code, folder: Folder = HERE, as_json: Json = False) -> None:
    """The shop has taken this code: nothing on this device says any more where it was."""
    open_wallet(folder)[0].received(code)
    tell(as_json, {"forgotten": True}, say("Forgotten. Nothing here says any more where you paid."))


@wallet.command("cancel")
def cancel(code: Code, now: Now = False, folder: Folder = HERE, as_json: Json = False) -> None:
    """The shop has not taken this code: bring its money back."""
    own = open_to_exchange(folder, hurry=now)
    unit = own.read(code).unit
    back = own.cancel(code, unit, hurry=now)
    words = (
        say("{amount} came back.").format(amount=f"{format_minor(back)} {unit}")
        if back
        else say("Nothing came back: the shop took it, or it is locked to the shop and comes back after its time.")
    )
    tell(as_json, {"unit": unit, "back": back}, words)


@wallet.command("take-back")
def take_back(unit: Unit, now: Now = False, folder: Folder = HERE, as_json: Json = False) -> None:
    """Bring back what was locked to a shop and not paid there in time."""
    amount = open_to_exchange(folder, hurry=now).take_back(unit, now=datetime.now(UTC), hurry=now)
    tell(as_json, {"unit": unit, "taken_back": amount}, f"{format_minor(amount)} {unit} came back.")


# --- the recovery code ---------------------------------------------------------------------------------------------------


@recovery.command("show")
def show_code(folder: Folder = HERE, as_json: Json = False) -> None:
    """Show the code, to be written down."""
    own, _, _ = open_wallet(folder)
    code, tested = own.recovery_code(), own.is_recovery_tested()
    groups = code.split(" ")
    lines = ["  ".join(groups[:7]), "  ".join(groups[7:]), ""]
    lines += [
        say("Write these digits on paper and keep it like money: whoever reads them can take it."),
        say(
            "Money that is locked to a shop is not in the code: pay it or take it back before you give this device away."
        ),
        say("The code was read back once.") if tested else say("Then read it back: amparo wallet recovery test"),
    ]
    tell(as_json, {"code": code, "qr": own.recovery_qr(), "tested": tested}, "\n".join(lines))


@recovery.command("test")
def read_back(code: Digits = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Read the code back from paper; from then on it counts as kept."""
    own, _, _ = open_wallet(folder)
    own.test_recovery(_typed(code))
    tell(as_json, {"tested": True}, say("The paper is right."))


@recovery.command("qr")
def draw_code(folder: Folder = HERE, as_json: Json = False) -> None:
    """Draw the code as a QR code in the terminal."""
    text = open_wallet(folder)[0].recovery_qr()
    if as_json:
        tell(True, {"qr": text}, "")
    else:
        console.print(draw_qr(text), style="black on white", markup=False, highlight=False, no_wrap=True)


def _typed(code: list[str] | None) -> str:
    """The digits of the command line, or asked for: they then stand in no list of past commands."""
    return " ".join(code) if code else str(typer.prompt(say("The 56 digits"), err=True))


@wallet.command("restore")
def restore(
    code: Digits = None,
    keep_code: Annotated[
        bool, typer.Option("--keep-code", help="Go on under the old code instead of a new one (not after a theft).")
    ] = False,
    pause: Annotated[float, typer.Option(min=0, max=3600, help="Mean seconds between requests.")] = Manner().pause,
    now: Now = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Bring the money of a lost wallet back from its code. Goes on where it stopped when it is called again."""
    own, _, places = open_wallet(folder)
    shelf = FilterShelf(folder / "filters")
    shelf.fetch(own.purse)
    with bar(say("Searching")) as progress:
        progress(0, 0)
        found = own.restore(
            _typed(code),
            connect=lambda: Client(places.mint),
            wait=time.sleep,
            filters=shelf.at_hand(),
            keep_code=keep_code,
            manner=Manner(pause=pause),
            hurry=now,
        )
    sentence = say("{found} found, {spent} of it spent before. The rest is in this wallet now.")
    lines = [sentence.format(found=format_minor(found.found), spent=format_minor(found.spent))]
    lines += (
        [] if own.is_recovery_tested() else [say("The recovery code is not on paper yet: amparo wallet recovery show")]
    )
    tell(as_json, {"found": found.found, "spent": found.spent}, "\n".join(lines))
