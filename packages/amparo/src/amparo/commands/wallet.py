"""`amparo wallet`: one household's wallet in a folder of its own. What a phone app does, for a terminal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from amparo.commands.shell import DATA, Data, Json, show_table, tell
from amparo.errors import FileMissing
from amparo.installation import Installation
from amparo.sources import read_file
from amparo_common.money import format_minor, parse_minor
from amparo_log.follow import LogFollower
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.keys import replace_file
from amparo_wallet.receipts import gather_evidence
from amparo_wallet.wallet import SCHEMA, Wallet

wallet = typer.Typer(help="A household's wallet: enrol, see the papers, claim aid, pay.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Option("--wallet", envvar="AMPARO_WALLET", help="The wallet's own folder.", show_default=True)
]
HERE = Path("amparo-wallet")


class Places(msgspec.Struct, frozen=True):
    """Where a wallet finds the services, and the log's key it trusts."""

    office: str
    mint: str
    log: str
    vkey: str


@wallet.command("init")
def init(
    folder: Folder = HERE,
    office: Annotated[str | None, typer.Option(help="Address of the office.")] = None,
    mint: Annotated[str | None, typer.Option(help="Address of the mint.")] = None,
    log: Annotated[str | None, typer.Option(help="Address of the public log.")] = None,
    vkey: Annotated[str | None, typer.Option(help="The log's public key.")] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make a wallet that talks to these services (default: those of a data folder on this machine)."""
    if office and mint and log and vkey:
        places = Places(office, mint, log, vkey)
    else:
        known = Installation.running(data).services
        places = Places(known.url("office"), known.url("mint"), known.url("log"), known.vkey)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(folder / "places.json", msgspec.json.encode(places))
    tell(as_json, places, f"A wallet is in {folder}. Next: amparo wallet enrol CODE")


def open_wallet(folder: Path) -> tuple[Wallet, LogFollower, Places]:
    """The wallet in a folder. Raises `FileMissing` when there is none."""
    try:
        places = msgspec.json.decode(read_file(folder / "places.json"), type=Places)
    except ValueError as error:
        raise FileMissing(f"{folder} holds no wallet.", why="Its file places.json cannot be read.") from error
    log = LogFollower(Client(places.log), places.vkey, folder / "log-seen")
    log.refresh()
    database = Database(folder / "wallet.sqlite", [SCHEMA])
    found = Wallet(database, "own", office=Client(places.office), mint=Client(places.mint), log=log, vkey=places.vkey)
    found.purse.recover()
    return found, log, places


@wallet.command("enrol")
def enrol(
    code: Annotated[str, typer.Argument(help="The code from the office.")], folder: Folder = HERE, as_json: Json = False
) -> None:
    """Bind this wallet to a household."""
    open_wallet(folder)[0].enrol(code)
    tell(as_json, {"enrolled": True}, "This wallet belongs to your household now.")


@wallet.command("papers")
def papers(
    folder: Folder = HERE,
    save: Annotated[Path | None, typer.Option(help="Save each receipt with its proofs into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Every decision about this household, recomputed against the public log."""
    own, log, _ = open_wallet(folder)
    rows, found = [], []
    for paper in own.papers():
        receipt = own.check(paper)
        state = "claimed" if paper.claimed else "approved" if paper.approved else "decided"
        rows.append(
            (receipt.programme, receipt.cycle, "yes" if receipt.eligible else "no", format_minor(receipt.amount), state)
        )
        found.append({"receipt": receipt, "approved": paper.approved, "claimed": paper.claimed})
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            evidence = gather_evidence(paper.bundle, log)
            replace_file(save / f"{receipt.programme}-{receipt.cycle}.json", msgspec.json.encode(evidence))
    if as_json:
        tell(True, found, "")
    else:
        show_table(("programme", "cycle", "decision", "amount", "state"), rows)


@wallet.command("claim")
def claim(folder: Folder = HERE, as_json: Json = False) -> None:
    """Claim all approved aid. Safe to repeat."""
    own, _, _ = open_wallet(folder)
    taken = [own.claim(paper) for paper in own.papers() if paper.approved and paper.amount and not paper.claimed]
    tell(
        as_json,
        {"claimed": taken},
        f"{format_minor(sum(taken))} claimed." if taken else "There is nothing to claim now.",
    )


@wallet.command("balance")
def balance(
    unit: Annotated[str, typer.Argument(help="The unit of the aid.")], folder: Folder = HERE, as_json: Json = False
) -> None:
    """What can be paid."""
    amount = open_wallet(folder)[0].purse.balance(unit)
    tell(as_json, {"unit": unit, "balance": amount}, f"{format_minor(amount)} {unit}")


@wallet.command("pay")
def pay(
    amount: Annotated[str, typer.Argument(help="The amount, for example 10.50.")],
    unit: Annotated[str, typer.Argument(help="The unit of the aid.")],
    shop_key: Annotated[
        str | None, typer.Option(help="Lock it to this shop's key, for a till without a connection.")
    ] = None,
    until: Annotated[int, typer.Option(help="With --shop-key: days until it may come back.")] = 21,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Print the code that pays an amount in a shop."""
    own, _, _ = open_wallet(folder)
    minor = parse_minor(amount)
    if shop_key is None:
        own.purse.make_exact(minor, unit)
        code = own.pay_code(minor, unit)
    else:
        end = int(datetime.now(UTC).timestamp()) + until * 86_400
        label = f"{shop_key} {minor} {end}"
        own.set_aside(minor, unit, shop_key=shop_key, until=end, label=label)
        code = own.pay_held_code(unit, label=label)
    tell(as_json, {"code": code}, code)


@wallet.command("take-back")
def take_back(
    unit: Annotated[str, typer.Argument(help="The unit of the aid.")], folder: Folder = HERE, as_json: Json = False
) -> None:
    """Bring back what was locked to a shop and not paid there in time."""
    amount = open_wallet(folder)[0].take_back(unit, now=datetime.now(UTC))
    tell(as_json, {"unit": unit, "taken_back": amount}, f"{format_minor(amount)} {unit} came back.")
