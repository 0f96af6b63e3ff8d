"""What all commands share: where things are, printing for people or as JSON, errors as words with an exit code."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from amparo.errors import JobFailed
from amparo_common.errors import AmparoError
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
        sys.stdout.write(json.dumps({"error": public, "faults": faults}, ensure_ascii=False) + "\n")
        return
    errors.print(f"amparo: {error} [{public['code']}]", markup=False)
    if faults:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("file", "row", "column", "value", "reason"):
            table.add_column(column, overflow="fold")
        for fault in faults:
            table.add_row(*(str(fault.get(column, "")) for column in ("file", "row", "column", "value", "reason")))
        errors.print(table)


def access() -> str | None:
    """The access token of the member of staff who types, if they gave one (environment variable AMPARO_ACCESS)."""
    return os.environ.get("AMPARO_ACCESS") or None
