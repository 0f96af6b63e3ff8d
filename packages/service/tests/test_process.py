"""A process on a single core works in batches; it changes nothing else of it."""

import os
import subprocess
import sys

import pytest

SET = """
import gc, os, sys
CORES = sorted(os.sched_getaffinity(0))[: int(sys.argv[1])] if hasattr(os, "sched_getaffinity") else []
if CORES:
    os.sched_setaffinity(0, CORES)
from amparo_service.process import keep_what_is_loaded, work_in_batches
work_in_batches()
keep_what_is_loaded()
print(hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_BATCH, gc.get_freeze_count() > 1000)
"""


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system knows no such wish")
@pytest.mark.parametrize("cores", [1, 2])
def test_a_process_on_one_core_works_in_batches_and_all_keep_what_is_loaded(cores: int) -> None:
    if len(os.sched_getaffinity(0)) < cores:
        pytest.skip("this machine has one core")
    done = subprocess.run(
        [sys.executable, "-c", SET, str(cores)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == [str(cores == 1), "True"]
