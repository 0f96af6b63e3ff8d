"""`amparo demo`: one complete month of an invented town, or of somebody's own files."""

import os
import shlex
import shutil
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from amparo.commands.shell import FOUND_WRONG, Json, tell
from amparo.demo.show import Show
from amparo.demo.story import Options, Stage, StepDone, Story, moment
from amparo.errors import AnotherTown
from amparo.folder import DataFolder, ServicesFile
from amparo.installation import Installation
from amparo.phone_apps import make_apps
from amparo.supervisor import Supervisor
from amparo_common.money import format_minor
from amparo_service.practice_clock import PracticeClock

if TYPE_CHECKING:
    from amparo.demo.phones import PhonesReady


def demo(
    data: Annotated[Path, typer.Option("--data", help="Folder for everything the demo makes.")] = Path("amparo-demo"),
    households: Annotated[int, typer.Option(min=20, max=100_000, help="How many households the town has.")] = 1000,
    seed: Annotated[int, typer.Option(help="Another seed, another town; the same seed, the same totals.")] = 1,
    files: Annotated[
        Path | None, typer.Option("--from", help="Your own household table (CSV, XLSX or Stata) instead of the town.")
    ] = None,
    individuals: Annotated[
        Path | None, typer.Option("--individuals", help="The table of people (default: the same workbook).")
    ] = None,
    mapping: Annotated[
        str, typer.Option("--mapping", help="Which column is which fact: a file, or world-bank-survey.")
    ] = "town",
    once: Annotated[
        bool, typer.Option("--once", help="Stop the services at the end instead of leaving them on.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw an earlier demo in this folder away first.")] = False,
    as_json: Json = False,
) -> None:
    """Play one month: register, publish rules, decide, pay, shop, settle, audit, cheat, rob.

    Everything runs on this machine, in one folder. Killed or interrupted, the same command goes on where it was.
    """
    # Imported late: the demo needs every package, and no other command should wait for that.
    from amparo.demo import phones
    from amparo.demo.steps import STEPS
    from amparo.sources import from_files, invented, with_names
    from amparo_office.answers import content_hash

    folder = DataFolder(data)
    if fresh:
        throw_away(folder)
    folder.prepare()
    apps = not once and make_apps()
    source = (
        invented(seed, households)
        if files is None
        else with_names(from_files(files, individuals or files, mapping), seed)
    )
    identity = "" if files is None else content_hash(source.mapping, [source.households, source.individuals])
    options = Options(seed=seed, households=households if files is None else 0, files=identity)
    story = Story(folder, options)
    clock = PracticeClock(folder.clock)
    if not folder.clock.exists():
        clock.set(moment(1))
    show = Show(Console(highlight=False, stderr=as_json), quiet=as_json)
    with Supervisor(folder, practice=True, apps=apps, on_restart=show.restarted) as services:
        stage = Stage(options, source, folder, Installation(folder, services), clock, show.progress)
        try:
            done = story.play(STEPS, stage, before=show.before, after=show.after)
        finally:
            show.stop()
        if as_json:
            tell(True, done, "")
        else:
            where_to_look(folder, services)
        if apps:
            with phones.Bank(stage):
                try_the_phones(phones.make_ready(stage), as_json=as_json)
                wait_for_ctrl_c(as_json=as_json)
        elif not once:
            wait_for_ctrl_c(as_json=as_json)
    if not audit_passed(done):
        raise typer.Exit(FOUND_WRONG)


def throw_away(folder: DataFolder) -> None:
    """Remove an earlier demo. Raises `AnotherTown` for a folder that holds anything else, `FolderInUse` for a running one."""
    if not folder.root.exists() or not any(folder.root.iterdir()):
        return
    if not (folder.root / "story.json").exists() and not folder.clock.exists():
        raise AnotherTown(f"{folder.root} does not hold a demo.", why="It holds other files, which are not touched.")
    folder.lock()
    folder.unlock()
    shutil.rmtree(folder.root)


def audit_passed(done: dict[str, StepDone]) -> bool:
    """Whether the demo's own audit found everything in order."""
    return bool(done["audit"].figures.get("passed"))


def where_to_look(folder: DataFolder, services: ServicesFile) -> None:
    """What was made, and commands to try."""
    out = Console(highlight=False, soft_wrap=True)
    root = folder.root
    card = "papers/cards.pdf"
    out.print("\n[bold]Where to look[/]")
    for path, what in (
        ("papers/audit-en.html", "the public audit as a page (also es, fr, ar, pt)"),
        (card, "identity cards, eight to a page"),
        ("papers/vouchers.pdf", "vouchers for households without a phone"),
        ("papers/receipt-no.json", "a refusal that can be checked offline"),
        ("papers/bank-usd.xml", "the bank file that pays the shops"),
    ):
        if (root / path).exists():
            out.print(f"  {escape(str(root / path))}  [dim]{what}[/]")
    out.print("\n[bold]Try[/]")
    vkey, log = services.vkey, services.url("log")
    # As it was started: from a checkout nothing is on the search path.
    amparo = os.environ.get("AMPARO_COMMAND", "amparo")
    papers, cards, key = (str(root / path) for path in ("papers/receipt-no.json", card, "office/verifier-key.bin"))
    for words in (
        ["audit", log, "--vkey", vkey],
        ["receipt", "check", papers, "--vkey", vkey],
        ["verify", cards, "--log", log, "--vkey", vkey],
        ["verify", cards, "--log", log, "--vkey", vkey, "--verifier-key", key],
    ):
        out.print(f"  {escape(shlex.join([amparo, *words]))}")


def try_the_phones(ready: "PhonesReady", *, as_json: bool) -> None:
    """The two addresses for a newcomer, and the codes that the office hands out."""
    if as_json:
        tell(True, ready, "")
        return
    out = Console(highlight=False, soft_wrap=True)
    out.print("\n[bold]Try the phones[/] [dim](two windows of one browser, or two phones)[/]")
    out.print(
        f"  [bold]{ready.wallet}[/]  [dim]the wallet of household {ready.household}: touch Begin, add the code[/]"
    )
    out.print(f"    code from the office: [bold]{ready.code}[/]  [dim]{format_minor(ready.aid)} of food aid wait[/]")
    out.print(f"  [bold]{ready.till}[/]  [dim]the till of a shop: paste the code[/]")
    out.print(f"    code from the office: {ready.shop_code}")
    out.print(
        "  [dim]Charge in the till, Pay in the wallet; then pull the plug and pay again. The bank pays every 5 seconds.[/]"
    )


def wait_for_ctrl_c(*, as_json: bool) -> None:
    """Leave the services running until Ctrl-C or a polite kill."""
    ended = ctrl_c()
    if not as_json:
        Console(highlight=False).print("\nThe services keep running. [bold]Ctrl-C[/] stops them.")
    ended.wait()


def ctrl_c() -> threading.Event:
    """Set by Ctrl-C or a polite kill."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    return ended
