"""The long work of this part: the job `duplicates.find`."""

from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from amparo_staff.jobs.service import Running, job

FIND = "duplicates.find"


@job(FIND, words=_("Look for possible duplicates"), permission="duplicates.judge", result_path="duplicates-of-job")
def find_all(running: Running) -> dict[str, Any]:
    """Compare what is new or changed with everybody. Its result is counts."""
    # Splink and DuckDB are loaded where they work, not in every process of the desk.
    from amparo_office.duplicates.runs import find_duplicates

    made = find_duplicates(by=running.row.by, at=running.clock.now(), progress=running.progress)
    return dict(msgspec.to_builtins(made))
