"""What all commands share: where things are, printing for people or as JSON, errors as words with an exit code."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from amparo.errors import JobFailed
from amparo.i18n import language_of_terminal, words
from amparo_common.errors import AmparoError
from amparo_purse.errors import AidRests, ClaimRests, ExchangeRests, Resting
from amparo_service.errors import RemoteError

FOUND_WRONG, CANNOT = 1, 3

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]
Data = Annotated[
    Path,
    typer.Option("--data", envvar="AMPARO_DATA", help="The folder of the running services.", show_default=True),
]
DATA = Path("amparo-data")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def say(text: str) -> str:
    """A sentence in the language of the terminal. Fill in figures afterwards (`str.format`)."""
    return words(language_of_terminal())(text)


def moment(unix: int) -> str:
    """A moment for people, in the time of this machine."""
    return datetime.fromtimestamp(unix).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def tell(as_json: bool, value: Any, text: str) -> None:  # noqa: FBT001 - every command passes its --json on
    """Print a result: as JSON, or as text for people."""
    if as_json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(value), ensure_ascii=False) + "\n")
    else:
        console.print(text, markup=False)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console.print(table)


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, so that output stays clean."""
    with Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), console=errors, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def explain(error: AmparoError, *, as_json: bool) -> None:
    """An error for people, or as JSON on standard output."""
    public = error.public()
    faults: list[dict[str, object]] = []
    if isinstance(error, JobFailed):
        public, faults = public | {"code": error.remote_code}, error.faults
    if isinstance(error, RemoteError):
        public = public | {"code": error.stable_code}
    if as_json:
        later = {"until": error.until} if isinstance(error, Resting) else {}
        sys.stdout.write(json.dumps({"error": public | later, "faults": faults}, ensure_ascii=False) + "\n")
        return
    errors.print(f"amparo: {_in_words(error)} [{public['code']}]", markup=False)
    if faults:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("file", "row", "column", "value", "reason"):
            table.add_column(column, overflow="fold")
        for fault in faults:
            table.add_row(*(str(fault.get(column, "")) for column in ("file", "row", "column", "value", "reason")))
        errors.print(table)


def _in_words(error: AmparoError) -> str:
    match error:
        case AidRests():
            text = say(
                "This aid is to be paid from {moment} on. Who pays while the others still claim can be told by the time."
                " If you need it today, add --now: it costs privacy, not money."
            )
        case ExchangeRests():
            text = say(
                "This wallet exchanges coins from {moment} on: beside your claim the servers would know whose they are."
                " If it cannot wait, add --now: it costs privacy, not money."
            )
        case ClaimRests():
            text = say(
                "This wallet claims from {moment} on: the servers would know whose the coins are that it has just exchanged."
                " If it cannot wait, add --now: it costs privacy, not money."
            )
        case _:
            return str(error)
    return text.format(moment=moment(error.until))


def access() -> str | None:
    """The access token of the member of staff who types, if they gave one (environment variable AMPARO_ACCESS)."""
    return os.environ.get("AMPARO_ACCESS") or None
