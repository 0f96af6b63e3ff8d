"""`amparo vouchers`: a printing desk for households without a phone, in a folder of its own. It makes sheets from enrolment codes,
prints them with their slips, and replaces a lost one from the household's slip and the office's order.
"""

import csv
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from amparo.commands.shell import DATA, Data, Json, bar, tell
from amparo.installation import Installation
from amparo.sources import read_file
from amparo_common.clock import SystemClock
from amparo_common.money import format_minor
from amparo_common.sheets import sheet_number
from amparo_log.follow import LogFollower
from amparo_purse.filters import FilterShelf
from amparo_purse.restore import Manner
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.keys import replace_file
from amparo_wallet.errors import NothingToClaim
from amparo_wallet.voucher_desk import SCHEMA, Made, VoucherDesk
from amparo_wallet.vouchers import print_slips, print_vouchers, read_slip

vouchers = typer.Typer(
    help="Voucher sheets for households without a phone: make, print, replace what was lost.", no_args_is_help=True
)

Folder = Annotated[
    Path, typer.Option("--desk", envvar="AMPARO_VOUCHERS", help="The printing desk's own folder.", show_default=True)
]
Until = Annotated[str, typer.Option(help="Until when the vouchers are valid, as they say it: 2027-01-31.")]
Contact = Annotated[str, typer.Option(help="What stands on the paper: place and free telephone.")]
HERE = Path("amparo-vouchers")


class Places(msgspec.Struct, frozen=True):
    """Where the desk finds the services, and the log's key it trusts."""

    office: str
    mint: str
    log: str
    vkey: str


def _open(folder: Path, data: Path) -> tuple[VoucherDesk, Places]:
    """The desk in a folder, which is made where there is none (then `data` says where the services are)."""
    known = folder / "places.json"
    if not known.exists():
        services = Installation.running(data).services
        places = Places(services.url("office"), services.url("mint"), services.url("log"), services.vkey)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(known, msgspec.json.encode(places))
    places = msgspec.json.decode(read_file(known), type=Places)
    log = LogFollower(Client(places.log), places.vkey, folder / "log-seen")
    log.refresh()
    database = Database(folder / "vouchers.sqlite", [SCHEMA])
    desk = VoucherDesk(database, office=Client(places.office), mint=Client(places.mint), log=log, vkey=places.vkey)
    desk.forget_ended(SystemClock().now().date())
    return desk, places


@vouchers.command("make")
def make(
    codes: Annotated[Path, typer.Argument(help="What `amparo codes --json` printed: a code for each household.")],
    until: Until,
    language: Annotated[str, typer.Option(help="Language of the paper: es, en, fr, ar or pt.")] = "es",
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Claim the approved aid of these households, a sheet for each. The desk takes in the list that is written (packets.csv: which
    sheet is whose). Safe to repeat."""
    asked = msgspec.json.decode(read_file(codes), type=dict[str, str])
    desk, _ = _open(folder, data)
    numbers = _numbers(folder / "packets.csv", list(asked), until)
    made: list[Made] = []
    without = []
    with bar("Claiming") as progress:
        for done, (ref, code) in enumerate(asked.items(), start=1):
            try:
                made.append(desk.issue(numbers[ref], code, language=language, until=until))
            except NothingToClaim:
                without.append(ref)
            progress(done, len(asked))
    lines = [f"{len(made):,} sheets are ready to be printed. Which is whose: {folder / 'packets.csv'}"]
    lines += [f"No aid: {' '.join(without)}"] if without else []
    tell(as_json, {"sheets": made, "without": without}, "\n".join(lines))


def _numbers(file: Path, refs: list[str], until: str) -> dict[str, str]:
    """The number of each household's sheet: written down before anything is made, so that a repeated call has the same."""
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))[1:] if file.exists() else []
    known = {ref: number for number, ref, ends in rows if ends == until}
    for ref in refs:
        if ref not in known:
            known[ref] = sheet_number()
            rows.append([known[ref], ref, until])
    lines = ["sheet,household,until", *(",".join(row) for row in rows)]
    replace_file(file, "".join(f"{line}\n" for line in lines).encode())
    return {ref: known[ref] for ref in refs}


@vouchers.command("print")
def print_waiting(
    out: Annotated[Path, typer.Option(help="The folder for the two files to print.")],
    contact: Contact = "",
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Write what waits as two files, every code read back: sheets.pdf (both sides, flip on the long edge, then fold and seal) and
    slips.pdf. The same again until `amparo vouchers printed`."""
    desk, _ = _open(folder, data)
    waiting = desk.to_print()
    sheets = print_vouchers([sheet for sheet, _ in waiting], contact=contact)
    slips = print_slips([slip for _, slip in waiting], contact=contact)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(out / "sheets.pdf", sheets.pdf)
    replace_file(out / "slips.pdf", slips.pdf)
    found = {"sheets": len(waiting), "vouchers": sheets.items, "read_back": sheets.read_back + slips.read_back}
    told = f"{len(waiting):,} sheets with {sheets.items:,} vouchers and their slips are in {out}, every code read back."
    tell(as_json, found, f"{told}\nWhen the paper is in your hands: amparo vouchers printed --out {out}")


@vouchers.command("printed")
def printed(
    out: Annotated[Path, typer.Option(help="The folder with the two files; they are deleted.")],
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """The paper is good: forget its codes, here and in the files. From then on nobody can print these sheets again."""
    desk, _ = _open(folder, data)
    count = desk.printed()
    for name in ("sheets.pdf", "slips.pdf"):
        (out / name).unlink(missing_ok=True)
    tell(as_json, {"forgotten": count}, f"{count:,} sheets are on paper only.")


@vouchers.command("replace")
def replace(
    order: Annotated[Path, typer.Argument(help="The order that the office's desk gave after two people agreed.")],
    until: Until,
    slip: Annotated[
        str | None, typer.Option(help="The code on the household's slip, typed or scanned; asked for when left out.")
    ] = None,
    pause: Annotated[float, typer.Option(min=0, max=3600, help="Mean seconds between requests.")] = Manner().pause,
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Strike a lost sheet: its unspent vouchers pay nothing any more, and a new sheet of exactly their worth waits to be printed.
    Goes on where it stopped when it is called again."""
    desk, places = _open(folder, data)
    typed = slip if slip is not None else str(typer.prompt("The code on the slip", err=True))
    scanned = read_slip(typed)
    with bar("Striking") as progress:
        progress(0, 0)
        made = desk.replace(
            read_file(order).decode("ascii", errors="replace").strip(),
            typed if scanned is None else scanned.code,
            until=until,
            connect=lambda: Client(places.mint),
            wait=time.sleep,
            shelf=FilterShelf(folder / "filters"),
            manner=Manner(pause=pause),
        )
    sums = (
        " and ".join(f"{format_minor(total)} {unit}" for unit, total in made.sums.items()) or "nothing: all was spent"
    )
    tell(as_json, made, f"The old sheet is struck. Sheet {made.number} has {made.vouchers:,} vouchers, {sums}.")
