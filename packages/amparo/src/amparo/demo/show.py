"""Tells the demo in the terminal: a bar while a step runs, then the plain sentence of what just became true."""

from contextlib import suppress

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from amparo.demo.story import Step, StepDone


class Show:
    """One run of the demo on a console. Progress goes to where the console writes; a pipe gets the sentences only."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._number = 0
        self._bar: Progress | None = None

    def before(self, step: Step) -> None:
        """A step begins."""
        self._number += 1
        if self._quiet:
            return
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(escape(f"{self._number:2}. {step.title}"), total=None)
        self._bar.start()

    def progress(self, done: int, total: int) -> None:
        """The present step is at `done` of `total` (0: not known yet)."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total or None)

    def after(self, done: StepDone, was_done: bool) -> None:  # noqa: FBT001 - called by the story with both
        """A step is finished, now or in an earlier run."""
        self.stop()
        if self._quiet:
            return
        earlier = " [dim](done earlier)[/]" if was_done else ""
        self._console.print(f"[green]✓[/] [bold]{self._number:2}. {escape(done.title)}[/]{earlier}")
        self._console.print(Padding(escape(done.sentence), (0, 0, 0, 7)), style="dim" if was_done else None)
        for figure in done.figures.values():
            if isinstance(figure, list):
                self._table(figure)

    def stop(self) -> None:
        """End the bar, whatever happened."""
        if self._bar is not None:
            with suppress(Exception):
                self._bar.stop()
            self._bar = None

    def restarted(self, name: str) -> None:
        """A service died and is started again."""
        if not self._quiet:
            self._console.print(f"       [yellow]The service {name} died and is started again.[/]")

    def _table(self, rows: list[dict[str, str]]) -> None:
        if not rows:
            return
        table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
        for column in rows[0]:
            table.add_column(column, style="dim", overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row.values()))
        self._console.print(Padding(table, (0, 0, 0, 7)))
