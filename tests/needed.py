"""What tests need of the machine."""

import os
from typing import NoReturn

import pytest


def cannot_run(reason: str) -> NoReturn:
    """Something is not on this machine: in CI, which installs it, that is a failure; elsewhere the test is skipped and says why."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
