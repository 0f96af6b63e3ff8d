"""The daily job of this part."""

from django.utils.translation import gettext_lazy

from amparo_office.packets import service
from amparo_staff.jobs.service import Result, Running, job

END = "packets.end"


@job(END, words=gettext_lazy("Forget ended voucher sheets"), permission="register.change")
def _run(running: Running) -> Result:
    return {"ended": service.end(running.clock.now().date())}
