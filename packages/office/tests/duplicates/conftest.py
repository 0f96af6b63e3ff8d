"""What tests of duplicates share: a folder of keys of their own, and a clock that stands still."""

from pathlib import Path

import pytest

from amparo_office.desk import place


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of keys that no other test uses."""
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setenv(place.FOLDER, str(folder))
    return folder
