"""What tests need of the machine."""

import os
from pathlib import Path
from typing import NoReturn

import pytest


def cannot_run(reason: str, *, whole_file: bool = False) -> NoReturn:
    """Something is not on this machine: in CI, which installs it, that is a failure; elsewhere the test is skipped and says why."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=whole_file)


def real_data(where: str) -> Path:
    """Real input that is not ours to hand on: it lies beside the checkout where the team works, and nowhere else, CI included.
    Without it the test is skipped and says so; beside each such test stand others that read made files of the same form."""
    path = Path(__file__).parents[2] / "shared" / "data" / where
    if not path.exists():
        pytest.skip(f"not at hand, because it is not ours to hand on: {where}")
    return path
