"""Changing all households that a filter finds: first a dry run with the count, then the change; above a thousand as a job."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from amparo_office.register import bulk_state, service
from amparo_office.register.forms import ReasonForm
from amparo_office.register.forms_filter import Filter, households, read_filter
from amparo_office.register.models import Origin
from amparo_office.register.views import CHANGE, moment, state_words
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.jobs.service import add
from amparo_staff.trail.service import note

AT_ONCE = 1_000


@requires(CHANGE)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """The dry run (step=check), then the change (step=do)."""
    asked = read_filter(request.GET.dict())
    state = request.POST.get("state", "")
    if state not in bulk_state.STATES:
        return redirect(_list(asked))
    areas = member_of(request).areas(CHANGE)
    count = bulk_state.changing(asked, areas, state).count()
    form = ReasonForm(request.POST if request.POST.get("step") == "do" else None)
    if form.is_bound and form.is_valid():
        return _carry_out(request, asked, state, form.cleaned_data["reason"], count)
    shown = {
        "form": form,
        "filter": asked,
        "query": asked.query(),
        "state": state,
        "words": state_words()[state],
        "count": count,
        "stays": households(asked, areas).count() - count,
        "as_job": count > AT_ONCE,
    }
    return render(request, "register/bulk.html", shown)


def _carry_out(request: HttpRequest, asked: Filter, state: str, reason: str, count: int) -> HttpResponse:
    member, at = member_of(request), moment()
    bulk_state.check_pausing(state, count, by=member, at=at)
    origin = service.make_origin(Origin.Kind.CORRECTION, source=bulk_state.SOURCE, day=at.date(), by=member)
    if count > AT_ONCE:
        made = add(bulk_state.KIND, bulk_state.argument(asked, state, reason, origin), by=member, at=at)
        return redirect("job", made.id)
    changed = bulk_state.set_some(asked, state, reason, origin, by=member, at=at)
    note(bulk_state.SET, by=member, at=at, details={"state": state, "count": changed})
    messages.success(
        request,
        ngettext("%(count)s household is changed.", "%(count)s households are changed.", changed) % {"count": changed},
    )
    return redirect(_list(asked))


def _list(asked: Filter) -> str:
    query = asked.query()
    return reverse("register-list") + (f"?{query}" if query else "")
