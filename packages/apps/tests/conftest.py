"""The phone apps, built from this checkout."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.needed import cannot_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def apps() -> Path:
    """Where the built apps lie. Skips where they cannot be built; fails in CI."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.phone_apps"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        cannot_run(f"the phone apps cannot be built: {done.stderr[-1000:]}")
    return ROOT / "packages" / "apps" / "src" / "amparo_apps" / "built"
