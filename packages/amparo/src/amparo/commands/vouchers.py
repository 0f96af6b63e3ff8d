"""`amparo vouchers`: a printing desk for households without a phone, in a folder of its own. It makes sheets from enrolment codes,
prints them with their slips, and replaces a lost one from the household's slip and the office's order.

What holds codes is cash: only this user reads the two folders, and one process at a time works in the desk's.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from amparo.commands.shell import DATA, Data, Json, bar, tell
from amparo.errors import DeskInUse, FileMissing
from amparo.folder import private_folder, take_lock
from amparo.installation import Installation
from amparo.sources import read_file
from amparo_common.clock import SystemClock
from amparo_common.errors import MalformedMessage
from amparo_common.money import format_minor
from amparo_common.sheets import read_sheet_list, write_sheet_list
from amparo_log.follow import LogFollower
from amparo_purse.filters import FilterShelf
from amparo_purse.restore import Manner
from amparo_service.client import Client
from amparo_service.database import Database
from amparo_service.keys import remove_file, replace_file
from amparo_wallet.desk_store import MIGRATIONS
from amparo_wallet.voucher_desk import Round, VoucherDesk
from amparo_wallet.vouchers import print_slips, print_vouchers, read_slip

vouchers = typer.Typer(
    help="Voucher sheets for households without a phone: make, print, replace what was lost.", no_args_is_help=True
)


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise typer.BadParameter(f"{typed!r} is no day such as 2027-01-31.") from error


Folder = Annotated[
    Path, typer.Option("--desk", envvar="AMPARO_VOUCHERS", help="The printing desk's own folder.", show_default=True)
]
Until = Annotated[date, typer.Option(parser=_day, metavar="DAY", help="The vouchers' last day, such as 2027-01-31.")]
Contact = Annotated[str, typer.Option(help="What stands on the paper: place and free telephone.")]
HERE = Path("amparo-vouchers")
LIST, SHEETS, SLIPS = "packets.csv", "sheets.pdf", "slips.pdf"
_PRIVATE = 0o600


class Places(msgspec.Struct, frozen=True):
    """Where the desk finds the services, and the log's key it trusts."""

    office: str
    mint: str
    log: str
    vkey: str


@contextmanager
def _opened(folder: Path, data: Path) -> Iterator[tuple[VoucherDesk, Places]]:
    """The desk in a folder, for this process alone. The folder is made where there is none (then `data` says where the services
    are)."""
    private_folder(folder)
    lock = take_lock(folder / "lock")
    if lock is None:
        raise DeskInUse(f"Another process works in {folder}.")
    try:
        places = _places(folder / "places.json", data)
        log = LogFollower(Client(places.log), places.vkey, folder / "log-seen")
        log.refresh()
        with closing(Database(folder / "vouchers.sqlite", MIGRATIONS)) as database:
            desk = VoucherDesk(
                database, office=Client(places.office), mint=Client(places.mint), log=log, vkey=places.vkey
            )
            desk.forget_ended(SystemClock().now().date())
            yield desk, places
    finally:
        os.close(lock)


def _places(known: Path, data: Path) -> Places:
    if not known.exists():
        services = Installation.running(data).services
        places = Places(services.url("office"), services.url("mint"), services.url("log"), services.vkey)
        replace_file(known, msgspec.json.encode(places))
    try:
        return msgspec.json.decode(read_file(known), type=Places)
    except ValueError as error:
        raise FileMissing(f"{known} cannot be read.", why="It does not say where the services are.") from error


@vouchers.command("make")
def make(
    codes: Annotated[Path, typer.Argument(help="What `amparo codes --json` printed: a code for each household.")],
    until: Until,
    language: Annotated[str, typer.Option(help="Language of the paper: es, en, fr, ar or pt.")] = "es",
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Claim the approved aid of these households, a sheet for each. What is refused to one household is reported and keeps nobody
    back. The office's desk takes in the list that is written (packets.csv: which sheet is whose). Safe to repeat, also with another
    last day, as long as the sheets are not printed."""
    try:
        asked = msgspec.json.decode(read_file(codes), type=dict[str, str])
    except ValueError as error:
        raise FileMissing(f"{codes} cannot be read.", why="It is not what `amparo codes --json` printed.") from error
    with _opened(folder, data) as (desk, _), bar("Claiming") as progress:
        found = desk.issue_all(asked, language=language, until=until, progress=progress)
        _write_list(desk, folder / LIST)
    tell(as_json, found, "\n".join(_words_of(found, folder / LIST)))


def _words_of(found: Round, listed: Path) -> Iterator[str]:
    yield f"{len(found.sheets):,} sheets wait to be printed. Which is whose: {listed}"
    if found.waiting:
        yield f"Too few others have claimed yet, so repeat this later in the window: {' '.join(found.waiting)}"
    if found.without:
        yield f"No aid (for aid that is approved later they need a new code): {' '.join(found.without)}"
    for each in found.refused:
        yield f"Refused: {each.household} [{each.code}]"


def _write_list(desk: VoucherDesk, file: Path) -> None:
    """Write down whose the sheets are; what the file says of printed sheets stays until somebody deletes it."""
    try:
        before = read_sheet_list(file.read_bytes()) if file.exists() else []
    except MalformedMessage as error:
        raise FileMissing(
            f"{file} cannot be read.",
            why="It is not the list that this desk wrote.",
            todo="Take it to the office if it can still be read there, move it away, and repeat the command.",
        ) from error
    replace_file(file, write_sheet_list(desk.packets(before)), mode=_PRIVATE)


@vouchers.command("print")
def print_waiting(
    out: Annotated[Path, typer.Option(help="The folder for the two files to print.")],
    contact: Contact = "",
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Write what waits as two files, every code read back: sheets.pdf and slips.pdf (both sides, flip on the long edge, then fold
    and seal). All that waits again until `amparo vouchers printed`; only the files that were written last count."""
    private_folder(out)
    with _opened(folder, data) as (desk, _):
        waiting = desk.to_print()
        _write_list(desk, folder / LIST)
        sheets = print_vouchers([sheet for sheet, _ in waiting], contact=contact)
        slips = print_slips([slip for _, slip in waiting], contact=contact)
        replace_file(out / SHEETS, sheets.pdf, mode=_PRIVATE)
        replace_file(out / SLIPS, slips.pdf, mode=_PRIVATE)
        desk.mark_written([slip for _, slip in waiting], _digest(out))
    found = {"sheets": len(waiting), "vouchers": sheets.items, "read_back": sheets.read_back + slips.read_back}
    told = f"{len(waiting):,} sheets with {sheets.items:,} vouchers and their slips are in {out}, every code read back."
    tell(as_json, found, f"{told}\nWhen the paper is in your hands: amparo vouchers printed --out {out}")


def _digest(out: Path) -> bytes:
    return hashlib.sha256(b"".join(hashlib.sha256(read_file(out / name)).digest() for name in (SHEETS, SLIPS))).digest()


@vouchers.command("printed")
def printed(
    out: Annotated[Path, typer.Option(help="The folder with the two files; they are deleted.")],
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """The paper of these files is good: forget its codes, here and in the files. From then on nobody can print these sheets again.
    Sheets that are not in these files stay as they are."""
    with _opened(folder, data) as (desk, _):
        # Once the desk has forgotten, a file without the other is what a crash between the two deletions has left.
        is_rest = (out / SHEETS).exists() != (out / SLIPS).exists() and not desk.is_written()
        count = 0 if is_rest else desk.printed(_digest(out))
        for name in (SHEETS, SLIPS):
            remove_file(out / name)
    tell(as_json, {"forgotten": count}, f"{count:,} sheets are on paper only.")


@vouchers.command("replace")
def replace(
    order: Annotated[Path, typer.Argument(help="The order that the office's desk gave after two people agreed.")],
    pause: Annotated[float, typer.Option(min=0, max=3600, help="Mean seconds between requests.")] = Manner().pause,
    folder: Folder = HERE,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Strike a lost sheet: its unspent vouchers pay nothing any more, and a new sheet of exactly their worth, with the same last
    day, waits to be printed. Asks for the code on the household's slip, typed or scanned (or reads it from standard input). Goes on
    where it stopped when it is called again."""
    told = read_file(order).decode("ascii", errors="replace").strip()
    # Not an option: what is written on a command line stays in the history of the shell.
    typed = str(typer.prompt("The code on the slip", err=True))
    scanned = read_slip(typed)
    with _opened(folder, data) as (desk, places), bar("Striking") as progress:
        progress(0, 0)
        made = desk.replace(
            told,
            typed if scanned is None else scanned.code,
            connect=lambda: Client(places.mint),
            wait=time.sleep,
            shelf=FilterShelf(folder / "filters"),
            manner=Manner(pause=pause),
        )
    sums = (
        " and ".join(f"{format_minor(total)} {unit}" for unit, total in made.sums.items()) or "nothing: all was spent"
    )
    tell(as_json, made, f"The old sheet is struck. Sheet {made.number} has {made.vouchers:,} vouchers, {sums}.")
