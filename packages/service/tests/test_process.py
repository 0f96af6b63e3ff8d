"""A process may be set to work in batches; it changes nothing else of it."""

import subprocess
import sys

SET = """
import gc, os
from amparo_service.process import keep_what_is_loaded, work_in_batches
work_in_batches()
keep_what_is_loaded()
print(os.sched_getscheduler(0) == os.SCHED_BATCH if hasattr(os, "SCHED_BATCH") else True, gc.get_freeze_count() > 1000)
"""


def test_a_process_works_in_batches_and_keeps_what_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", SET], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["True", "True"]
