"""What a run of tests prints where nobody watches it (CI, a file): a line each tenth, and every failure at once.

In a terminal pytest's own dots stay. Loaded by the root conftest.
"""

import sys

import pytest

_TENTHS = 10
_MANY = 200
_LINES = 30  # of a failure; all of it stands at the end of the run


class ToldAtOnce:
    """Counts the tests that ended and tells of each that failed when it fails, so that a run that is cut short has said why."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugins = config.pluginmanager
        self._every = 0
        self._ended = 0
        self._said = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learns how many there are."""
        self._every = len(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No letter for what passed or was skipped."""
        if report.failed or hasattr(report, "wasxfail"):
            return None
        return (report.outcome if report.when == "call" or report.skipped else "", "", "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tells of a failure, and of each tenth that is done."""
        if report.failed:
            self._tell(f"\nFAILED {report.nodeid} ({report.when})")
            self._tell("\n".join(report.longreprtext.splitlines()[-_LINES:]))
        if report.when != "teardown":
            return
        self._ended += 1
        tenth = self._ended * _TENTHS // self._every if self._every else _TENTHS
        if tenth > self._said and self._every >= _MANY:
            self._said = tenth
            self._tell(f"{self._ended:,} of {self._every:,} tests have run")

    def _tell(self, line: str) -> None:
        terminal = self._plugins.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Takes part only where the output is no terminal."""
    if not sys.stdout.isatty() and not config.option.verbose > 0:
        config.pluginmanager.register(ToldAtOnce(config), "told-at-once")
