"""`amparo shop`, the finance officer's part: accreditation and settlement. The till's commands are in `till.py`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from amparo.commands.shell import DATA, Data, Json, show_table, tell
from amparo.installation import Installation
from amparo_common.money import format_minor
from amparo_service.keys import replace_file
from amparo_till.enrolment import TillEnrolment, write_enrolment

shop = typer.Typer(help="A shop's till; accreditation and settlement of shops.", no_args_is_help=True)

Unit = Annotated[str, typer.Argument(help="The unit of the aid.")]


@shop.command("accredit")
def accredit(
    name: Annotated[str, typer.Argument(help="Name as the bank knows it.")],
    account: Annotated[str, typer.Argument(help="Account number (IBAN).")],
    unit: Annotated[list[str], typer.Option(help="A unit that this shop takes; may be given again.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Accredit a shop; its access code is shown once, and the code that makes a phone its till."""
    installation = Installation.running(data)
    new = installation.finance().post("/shops", {"name": name, "account": account, "units": unit}, dict[str, str])
    services = installation.services
    enrolment = TillEnrolment(
        shop=new["shop"],
        name=name,
        access=new["access"],
        units=unit,
        mint=services.url("mint"),
        shops=services.url("shops"),
        log=services.url("log"),
        vkey=services.vkey,
    )
    code = write_enrolment(enrolment)
    words = f"shop {new['shop']}\naccess code (shown once): {new['access']}\nfor a phone that becomes its till: {code}"
    tell(as_json, new | {"till_code": code}, words)


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
