"""A process on a single core works in batches; every one keeps what is loaded. Nothing else of it changes."""

import os
import subprocess
import sys

import pytest

ON_CORES = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
from amparo_service.process import work_in_batches
work_in_batches()
print(os.sched_getscheduler(0) == os.SCHED_BATCH)
"""
KEPT = """
import gc
from amparo_service.process import keep_what_is_loaded
keep_what_is_loaded()
print(gc.get_freeze_count() > 1000)
"""


def said(script: str, *words: str) -> str:
    """What a fresh process prints."""
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system knows no such wish")
@pytest.mark.parametrize("cores", [1, 2])
def test_a_process_on_one_core_works_in_batches(cores: int) -> None:
    if len(os.sched_getaffinity(0)) < cores:
        pytest.skip("this machine has one core")
    assert said(ON_CORES, str(cores)) == str(cores == 1)


def test_a_process_keeps_what_is_loaded() -> None:
    assert said(KEPT) == "True"
