"""`amparo shop`: a shop's till, and the finance officer's work on the shops side."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from amparo.commands.shell import DATA, Data, Json, show_table, tell
from amparo.errors import FileMissing
from amparo.installation import Installation
from amparo.sources import read_file
from amparo_cashu.nut00_token import read_token
from amparo_common.clock import SystemClock
from amparo_common.money import format_minor, parse_minor
from amparo_log.follow import LogFollower
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.keys import replace_file
from amparo_till.till import SCHEMA, Till

shop = typer.Typer(help="A shop's till; accreditation and settlement of shops.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--till", envvar="AMPARO_TILL", help="The till's own folder.", show_default=True)]
Unit = Annotated[str, typer.Argument(help="The unit of the aid.")]
Amount = Annotated[str, typer.Argument(help="The amount, for example 10.50.")]
HERE = Path("amparo-till")


class Places(msgspec.Struct, frozen=True):
    """Where a till finds the services, the log's key it trusts, and who it is."""

    mint: str
    shops: str
    log: str
    vkey: str
    shop: str
    access: str


# --- finance officer ---------------------------------------------------------------------------------------------------------


@shop.command("accredit")
def accredit(
    name: Annotated[str, typer.Argument(help="Name as the bank knows it.")],
    account: Annotated[str, typer.Argument(help="Account number (IBAN).")],
    unit: Annotated[list[str], typer.Option(help="A unit that this shop takes; may be given again.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Accredit a shop; its access code is shown once."""
    new = (
        Installation.running(data)
        .finance()
        .post("/shops", {"name": name, "account": account, "units": unit}, dict[str, str])
    )
    tell(as_json, new, f"shop {new['shop']}\naccess code (shown once): {new['access']}")


@shop.command("settle")
def settle(
    run: Annotated[str, typer.Argument(help="Name of the settlement run.")],
    unit: Unit,
    out: Annotated[Path, typer.Option(help="The bank file to write (pain.001).")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Settle all open claims of a unit: write the bank file and the ledger entries. The same run again, the same file."""
    finance = Installation.running(data).finance()
    found = finance.post("/settlements", {"run": run, "unit": unit}, dict[str, Any])
    replace_file(out, finance.get_bytes(f"/settlements/{run}/file"))
    tell(
        as_json,
        found,
        f"{format_minor(found['total'])} {unit} in {out}. After the bank paid: amparo shop confirm {run}",
    )


@shop.command("confirm")
def confirm(run: str, data: Data = DATA, as_json: Json = False) -> None:
    """The bank has paid a run."""
    found = Installation.running(data).finance().post(f"/settlements/{run}/confirm", {}, dict[str, Any])
    tell(as_json, found, f"{format_minor(found['total'])} {found['unit']} are paid.")


@shop.command("ledger")
def ledger(data: Data = DATA, as_json: Json = False) -> None:
    """Every account's balance; each unit sums to zero."""
    found = Installation.running(data).finance().get("/ledger", dict[str, dict[str, int]])
    if as_json:
        tell(True, found, "")
    else:
        rows = [
            (unit, account, format_minor(amount))
            for unit, accounts in found.items()
            for account, amount in accounts.items()
        ]
        show_table(("unit", "account", "balance"), rows)


# --- the till ----------------------------------------------------------------------------------------------------------------


@shop.command("open")
def open_shop(
    reference: Annotated[str, typer.Option("--shop", help="The shop's reference.")],
    code: Annotated[str, typer.Option("--access", help="The shop's access code.")],
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make a till for an accredited shop."""
    known = Installation.running(data).services
    places = Places(known.url("mint"), known.url("shops"), known.url("log"), known.vkey, reference, code)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(folder / "places.json", msgspec.json.encode(places))
    (folder / "places.json").chmod(0o600)
    till, _ = open_till(folder)
    found = {"shop": reference, "lock_key": till.lock_key}
    tell(as_json, found, f"The till is in {folder}. Its key for payments without a connection:\n{till.lock_key}")


def open_till(folder: Path) -> tuple[Till, LogFollower]:
    """The till in a folder. Raises `FileMissing` when there is none."""
    try:
        places = msgspec.json.decode(read_file(folder / "places.json"), type=Places)
    except ValueError as error:
        raise FileMissing(f"{folder} holds no till.", why="Its file places.json cannot be read.") from error
    log = LogFollower(Client(places.log), places.vkey, folder / "log-seen")
    till = Till(
        Database(folder / "till.sqlite", [SCHEMA]),
        places.shop,
        access=places.access,
        mint=Client(places.mint),
        shops_url=places.shops,
        log=log,
        clock=SystemClock(),
    )
    return till, log


@shop.command("take")
def take(
    code: Annotated[str, typer.Argument(help="The customer's code.")],
    amount: Amount,
    unit: Unit,
    offline: Annotated[
        bool, typer.Option("--offline", help="Take it locked to this shop, to be sent in later.")
    ] = False,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Take a payment: genuine, right amount, not spent."""
    till, log = open_till(folder)
    till.purse.recover()
    token = read_token(code, keysets=[body.keyset for _, body in log.refresh().keysets])
    request = till.request(parse_minor(amount), unit)
    if offline:
        till.accept_offline(token, request)
    else:
        till.accept_online(token, request)
    word = "stored, will be confirmed" if offline else "confirmed"
    tell(
        as_json,
        {"taken": request.amount, "unit": unit, "confirmed": not offline},
        f"{format_minor(request.amount)} {unit}: {word}.",
    )


@shop.command("deposit")
def deposit(unit: Unit, folder: Folder = HERE, as_json: Json = False) -> None:
    """Hand in everything of a unit. Safe to repeat."""
    found = open_till(folder)[0].deposit(unit)
    lost = f" {format_minor(found.lost)} had been spent before and is lost." if found.lost else ""
    tell(as_json, found, f"{format_minor(found.deposited)} {unit} handed in.{lost}")


@shop.command("standing")
def standing(unit: Unit, folder: Folder = HERE, as_json: Json = False) -> None:
    """This shop's totals."""
    found = open_till(folder)[0].standing(unit)
    words = f"deposited {format_minor(found.deposited)}, to settle {format_minor(found.to_settle)}"
    tell(as_json, found, f"{words}, asked {format_minor(found.asked)}, settled {format_minor(found.settled)}")


@shop.command("claim")
def claim(
    amount: Amount,
    unit: Unit,
    label: Annotated[str, typer.Option("--number", help="Your own number for this claim; repeating it asks once.")],
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Ask to be paid."""
    found = open_till(folder)[0].ask_settlement(unit, parse_minor(amount), claim=label)
    tell(as_json, found, f"Asked for {format_minor(found.asked)} {unit}.")
