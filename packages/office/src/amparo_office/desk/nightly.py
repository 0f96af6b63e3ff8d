"""What the desk does by itself once a day, as jobs like any other: end what may not be kept longer."""

from datetime import datetime, timedelta

from amparo_staff.jobs.models import Job
from amparo_staff.jobs.service import add

DAILY = ("register.retention", "packets.end")
_A_DAY = timedelta(hours=24)


def add_if_due(at: datetime) -> list[str]:
    """Add the jobs whose last one is a day old. Their kinds. Of several workers that ask at once two may add the same: done twice,
    it changes nothing."""
    due = [kind for kind in DAILY if not Job.objects.filter(kind=kind, added__gt=at - _A_DAY).exists()]
    for kind in due:
        add(kind, {}, by=None, at=at)
    return due
