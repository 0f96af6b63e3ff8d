"""The real tree, and a copy of it in which a test may plant a breach."""

import shutil
from pathlib import Path

import pytest
from tests.tidy.tree import ROOT, Workspace

# What the checks read. Tests are read too, but only by the checks about tests, which plant their own.
_COPIED = ("pyproject.toml", "tools", "bench", "docs")
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules", ".*")


@pytest.fixture
def workspace() -> Workspace:
    """The tree this test is part of."""
    return Workspace(ROOT)


@pytest.fixture
def copy(tmp_path: Path) -> Workspace:
    """A copy of the tree's packages and settings, to plant a breach in."""
    root = tmp_path / "copy"
    root.mkdir()
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=_NOT_COPIED)
        elif source.exists():
            shutil.copy(source, root / name)
    for package in Workspace(ROOT).packages:
        source = ROOT / "packages" / package
        shutil.copytree(source / "src", root / "packages" / package / "src", ignore=_NOT_COPIED)
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(source / name, root / "packages" / package / name)
    return Workspace(root)
