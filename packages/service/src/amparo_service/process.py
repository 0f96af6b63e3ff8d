"""What a long-lived process tells the system and the interpreter about itself. Changes speed only, never results."""

import gc
import os

# A collection after so many new objects, instead of 700: requests leave no cycles behind, so there is little to find.
_YOUNG_OBJECTS = 20_000


def work_in_batches() -> None:
    """On a single core, ask not to be given it before whoever has it is done, where the system knows such a wish (Linux): two
    processes that hand work to each other then do it in batches, and their caches stay warm. With more cores answers would only
    wait for a clock tick. Call before threads are started."""
    if hasattr(os, "SCHED_BATCH") and len(os.sched_getaffinity(0)) == 1:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def keep_what_is_loaded() -> None:
    """Take what the program is made of out of the garbage collector's rounds: it stays until the end. So does the little that is
    garbage already; to look for it would be a twentieth of a start."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
