"""`amparo apps`: the phone apps' files, in the public log and at an address."""

from pathlib import Path
from typing import Annotated

import typer

from amparo.commands.public import MEMORY, file_name
from amparo.commands.shell import DATA, Data, Json, tell
from amparo.installation import Installation
from amparo.phone_apps import NAMES, publish
from amparo_apps.check import check
from amparo_apps.files import built
from amparo_log.follow import LogFollower
from amparo_service.client import Client

apps = typer.Typer(help="The phone apps: what they are made of.", no_args_is_help=True)


@apps.command("show")
def show(as_json: Json = False) -> None:
    """What is built here: release, hash, and what a phone fetches."""
    found = [built(name) for name in NAMES]
    lines = []
    for each in found:
        first = sum(file.br for file in each.files if file.when != "use")
        lines.append(f"{each.app}: release {each.release}, {len(each.files)} files, first visit {first:,} bytes packed")
        lines.append(f"  {each.hash}")
    tell(as_json, [{"app": each.app, "release": each.release, "hash": each.hash} for each in found], "\n".join(lines))


@apps.command("publish")
def publish_apps(data: Data = DATA, as_json: Json = False) -> None:
    """Name the built apps in the public log, so that anybody can compare what their phone runs."""
    places = publish(Installation.running(data))
    tell(as_json, places, "\n".join(f"{app}: entry {index} of the public log" for app, index in places.items()))


@apps.command("check")
def check_address(
    address: Annotated[str, typer.Argument(help="Where the app comes from, for example https://wallet.example.")],
    log: Annotated[str, typer.Option(help="Address of the public log.")],
    vkey: Annotated[str, typer.Option(help="The log's key.")],
    memory: Annotated[Path | None, typer.Option(help="File with the log head seen last time.")] = None,
    as_json: Json = False,
) -> None:
    """Fetch every file of an app and compare it with the public log. Needs no account."""
    seen = memory or MEMORY / file_name(vkey)
    seen.parent.mkdir(parents=True, exist_ok=True)
    found = check(Client(address), LogFollower(Client(log), vkey, seen).refresh())
    words = f"{found.app} {found.release}: {found.files} files, {found.bytes:,} bytes, as entry {found.index} of the log says."
    tell(as_json, found, words)
