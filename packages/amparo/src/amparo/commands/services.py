"""Commands for whoever runs the services: start them, add staff, open keysets, publish figures, run the tests."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from amparo import practice_desk
from amparo.commands.demo import ctrl_c, wait_for_ctrl_c
from amparo.commands.shell import DATA, Data, Json, console, tell
from amparo.errors import NoCheckout
from amparo.folder import DESK, SERVICES, DataFolder
from amparo.installation import Installation, mint_operator
from amparo.mint_alone import MintAlone, Place
from amparo.supervisor import DESK_OUTPUT, Settings, Supervisor
from amparo_common.clock import SystemClock, from_text

staff = typer.Typer(help="Who works in the office.", no_args_is_help=True)
mint = typer.Typer(help="Operate the mint.", no_args_is_help=True)

Period = Annotated[str, typer.Option(help="The period the keys or figures are for, for example 2026-11.")]


def serve(
    data: Data = DATA,
    contact: Annotated[str, typer.Option(help="What stands on cards and vouchers.")] = Settings().contact,
    issuer: Annotated[
        str, typer.Option(help="The programme's name as an address; it stands in every card.")
    ] = Settings().issuer,
    debtor_name: Annotated[
        str, typer.Option(help="Who pays the shops, as the bank knows it.")
    ] = Settings().debtor_name,
    debtor_account: Annotated[
        str, typer.Option(help="The account that pays the shops (IBAN).")
    ] = Settings().debtor_account,
    currency: Annotated[str, typer.Option(help="Currency of the bank files.")] = Settings().currency,
    invented: Annotated[
        bool,
        typer.Option("--invented", help="For practice: an invented district at the desk, with a log-in for each role."),
    ] = False,
    access: Annotated[
        bool,
        typer.Option(
            "--access",
            help="The mint answers only wallets and tills of the programme, and cannot tell which. Not for phone apps yet.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run log, office, mint, shops and the staff's desk side by side until Ctrl-C, in one folder.

    The options count when the folder is first made; afterwards change config.json in each service's folder. A folder that was
    made with --invented stays one for practice.
    """
    settings = Settings(issuer, contact, debtor_name, debtor_account, currency, access=access)
    folder = DataFolder(data)
    known = folder.services()
    practice = invented or (known is not None and known.practice)
    if practice:
        practice_desk.prepare(folder, SystemClock().now())
    with Supervisor(folder, practice=practice, settings=settings, desk=True) as services:
        found = {name: services.url(name) for name in SERVICES} | {"vkey": services.vkey}
        # Passkeys are bound to a name; a number is none.
        found[DESK] = services.url(DESK).replace("127.0.0.1", "localhost")
        words = [f"{name:7} {value}" for name, value in found.items()]
        if practice:
            made = practice_desk.fill(folder, services)
            found |= {"password": made.password, "logins": " ".join(made.logins)}
            words.append(f"\n{made.households:,} invented households with {made.individuals:,} people are at the desk.")
            words.append(f"Sign in there as one of: {', '.join(made.logins)}\nThe password of each: {made.password}")
        else:
            words += _first_code(folder)
        tell(as_json, found, "\n".join(words))
        wait_for_ctrl_c(as_json=as_json)


def _first_code(folder: DataFolder) -> list[str]:
    """What the desk printed at its start, while it has no administrator."""
    said = folder.service(DESK) / DESK_OUTPUT
    lines = said.read_text(errors="replace").splitlines() if said.exists() else []
    return [line for line in lines[-3:] if line.startswith("Code for the first administrator")]


@staff.command("add")
def add_staff(
    role: Annotated[str, typer.Argument(help="registrar, programme-manager, approver or administrator.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Add a colleague; their access token is shown once. They set it as AMPARO_ACCESS."""
    new = Installation.running(data).administrator().post("/staff", {"role": role}, dict[str, str])
    tell(as_json, new, f"{new['role']} {new['id']}\naccess token (shown once): {new['access']}")


@mint.command("run")
def run_mint(
    data: Annotated[Path, typer.Option("--data", help="A folder for the mint and its signer.")] = Path("amparo-mint"),
    log_url: Annotated[str, typer.Option(help="The public log. Needed when the folder is new.")] = "",
    log_vkey: Annotated[str, typer.Option(help="The log's key.")] = "",
    shops_url: Annotated[str, typer.Option(help="The shops side.")] = "",
    database: Annotated[str, typer.Option(help="sqlite, or postgresql://user@host/name.")] = "sqlite",
    unit: Annotated[
        list[str] | None,
        typer.Option(help="A unit that gets a keyset every month by itself. Several: say it again."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; this machine only, unless said otherwise.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on (0: a free one).")] = 3338,
    as_json: Json = False,
) -> None:
    """Run a mint and its signer, and nothing else, until Ctrl-C. Log and shops side are elsewhere.

    Addresses, database and units count when the folder is new; afterwards change mint/config.json there. When one of the two dies
    the other is stopped, and the exit code is 3: let systemd, say, start the command again.
    """
    known = log_url and log_vkey and shops_url
    given = Place(log_url, log_vkey, shops_url, database, unit or []) if known else None
    ended = ctrl_c()
    alone = MintAlone(data, given, host=host, port=port)
    with alone as url:
        units = alone.calendar()
        kept = (
            f"Keysets of {', '.join(units)} come by the calendar."
            if units
            else "No calendar: open each month's keyset with `amparo mint keyset`."
        )
        tell(as_json, {"mint": url, "calendar": units}, f"mint {url}\n{kept}\nReady: {url}/ready. Ctrl-C stops it.")
        sys.stdout.flush()
        alone.watch(ended)


@mint.command("backup")
def back_up(
    target: Annotated[Path, typer.Argument(help="The file to be made, on the mint's machine.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Copy the mint's database into a new file while it goes on (SQLite)."""
    asked = {"path": str(target.absolute())}
    found = mint_operator(data).post("/operate/backup", asked, dict[str, Any])
    tell(as_json, found, f"The mint's database was copied to {target}.")


@mint.command("keyset")
def open_keyset(
    unit: Annotated[str, typer.Argument(help="The unit of the aid, for example usd.")],
    period: Period,
    ends: Annotated[str | None, typer.Option(help="When its tokens expire, for example 2027-01-31T23:59:59Z.")] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Announce a unit's keys for a period in the public log, then sign with them."""
    expiry = None if ends is None else int(from_text(ends).timestamp())
    asked = {"unit": unit, "period": period, "final_expiry": expiry}
    found = mint_operator(data).post("/operate/keysets", asked, dict[str, str])
    tell(as_json, found, f"The keyset {found['keyset']} is in the public log and signs {unit} from now on.")


@mint.command("figures")
def publish_figures(period: Period, data: Data = DATA, as_json: Json = False) -> None:
    """Publish the figures of the mint, and of the shops side where it runs in the same folder, in the public log."""
    asked = {"period": period}
    counts = {"mint": mint_operator(data).post("/operate/figures", asked, dict[str, int])["published"]}
    if DataFolder(data).services() is None:  # the mint runs alone here
        tell(as_json, counts, f"{counts['mint']} entries of the mint.")
        return
    counts["shops"] = Installation.running(data).finance().post("/figures", asked, dict[str, int])["published"]
    tell(as_json, counts, f"{counts['mint']} entries of the mint, {counts['shops']} of the shops side.")


def test(context: typer.Context) -> None:
    """Run the checks and the tests of this source checkout. What follows is passed on to pytest."""
    root = _checkout()
    tools = Path(sys.executable).parent
    steps = [
        ("format", [str(tools / "ruff"), "format", "--check", "."]),
        ("lint", [str(tools / "ruff"), "check", "."]),
        ("types", [str(tools / "mypy"), *_typed(root)]),
        ("walls", [str(tools / "lint-imports")]),
        ("tests", [sys.executable, "-m", "pytest", *context.args]),
    ]
    if context.args:
        steps = steps[-1:]
    for name, command in steps:
        # What a check prints matters only when it fails; pytest tells of its progress and of each failure at once.
        quiet = name != "tests"
        console.print(f"== {name}", markup=False)
        result = subprocess.run(command, cwd=root, check=False, capture_output=quiet, text=quiet)  # noqa: S603 - our own tools over our own folder
        if result.returncode != 0:
            if quiet:
                console.print(result.stdout + result.stderr, markup=False, highlight=False)
            raise typer.Exit(1)


def _checkout() -> Path:
    for folder in Path(__file__).resolve().parents:
        if (folder / "requirements.lock").exists() and (folder / "packages").is_dir():
            return folder
    raise NoCheckout("There are no tests here.")


def _typed(root: Path) -> list[str]:
    """What the type checker reads: sources as folders, tests as files (two folders of tests may share a file's name)."""
    folders = [*root.glob("packages/*/src"), root / "tests", root / "tools"]
    files = [*root.glob("packages/*/tests/**/*.py"), *root.glob("bench/*.py")]
    return sorted(str(path.relative_to(root)) for path in folders + files)
