"""What tests of the register share: a folder of keys of their own, and invented people."""

from collections.abc import Callable
from pathlib import Path

import pytest
from packages.office.tests.town_log import TownLog

from amparo_office.desk import place, public_log


@pytest.fixture
def rebased(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Lets the desk keep its keys in another folder for the length of a test."""

    def use(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(place.FOLDER, str(folder))

    return use


@pytest.fixture
def own_folder(tmp_path: Path, rebased: Callable[[Path], None]) -> Path:
    """A folder of keys that no other test uses."""
    folder = tmp_path / "keys"
    rebased(folder)
    return folder


@pytest.fixture
def town_log(monkeypatch: pytest.MonkeyPatch) -> TownLog:
    """A public log in which nothing is published yet."""
    log = TownLog()
    monkeypatch.setattr(public_log, "known", lambda: log)
    return log


@pytest.fixture
def everything_needed(monkeypatch: pytest.MonkeyPatch) -> TownLog:
    """A public log with a programme that needs every fact of the catalogue."""
    log = TownLog.with_everything()
    monkeypatch.setattr(public_log, "known", lambda: log)
    return log
