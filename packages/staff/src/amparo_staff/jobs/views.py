"""The pages of jobs. A member sees their own; who reads the trail sees that there were others, and what became of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from amparo_staff.accounts.access import member_of, requires
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.models import StaffMember
from amparo_staff.errors import JobHasEnded
from amparo_staff.jobs import files, service
from amparo_staff.jobs.models import Job, JobFile, State
from amparo_staff.jobs.shown import STATES, JobShown, show
from amparo_staff.layout.lists import page_of
from amparo_staff.layout.streams import stream

POLL_SECONDS = 1.0
# A browser opens the stream anew by itself, and says what it saw last.
LONGEST_SECONDS = 300.0


@requires("jobs.view")
@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """The jobs, newest first."""
    member, at = member_of(request), now()
    state = request.GET.get("state", "")
    rows = _visible(member).select_related("by")
    if state in STATES:
        rows = rows.filter(state=state)
    page = page_of(rows, ("-added", "id"), request.GET)
    return render(
        request,
        "jobs/list.html",
        {"page": page, "lines": [show(row, at, member) for row in page.rows], "states": STATES.items(), "state": state},
    )


@requires("jobs.view")
@require_GET
def job_page(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job."""
    member, at = member_of(request), now()
    job = get_object_or_404(_visible(member).select_related("by"), id=job_id)
    mine = job.by_id == member.id
    return render(
        request,
        "jobs/job.html",
        {
            "shown": show(job, at, member),
            "mine": mine,
            "files": job.files.filter(expires__gt=at, by=member) if mine else [],
            "can_cancel": mine and job.state in {State.WAITING, State.RUNNING} and not job.cancel_asked,
            "can_retry": mine and job.state in {State.FAILED, State.CANCELLED},
        },
    )


@requires("jobs.view")
@require_POST
def job_cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Stop one's own job."""
    try:
        service.cancel(_own(request, job_id), at=now())
    except JobHasEnded:
        messages.info(request, gettext("This work has ended already."))
    return redirect("job", job_id)


@requires("jobs.view")
@require_POST
def job_retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Let one's own job run again."""
    try:
        service.retry(_own(request, job_id))
    except JobHasEnded:
        messages.info(request, gettext("This work cannot be tried again."))
    return redirect("job", job_id)


@requires("jobs.view")
@require_GET
def job_file(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """A file that one of the member's own jobs made."""
    row = get_object_or_404(JobFile.objects.select_related("job"), id=file_id, by=member_of(request))
    kind = service.kind_of(row.job) if row.job else None
    if kind is not None and not member_of(request).may(kind.permission):
        raise PermissionDenied
    return stream(request, files.read_pieces(row, at=now()), kind="application/octet-stream", name=row.name)


@requires("jobs.view")
@require_GET
def job_events(request: HttpRequest, job_id: UUID) -> HttpResponseBase:
    """The job's progress as server-sent events. `id` says what was told, so a browser that comes back hears only what is new."""
    get_object_or_404(_visible(member_of(request)), id=job_id)
    seen = request.headers.get("Last-Event-ID", "")
    language = translation.get_language() or "en"
    if isinstance(request, ASGIRequest):
        return _event_answer(_events(job_id, seen, language))
    return _event_answer([_event(_told(job_id, language))])


def _visible(member: StaffMember) -> QuerySet[Job]:
    return Job.objects.all() if member.may("trail.read") else Job.objects.filter(by=member)


def _own(request: HttpRequest, job_id: UUID) -> Job:
    return get_object_or_404(Job, id=job_id, by=member_of(request))


def _event_answer(content: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(content, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(job_id: UUID, seen: str, language: str) -> AsyncIterator[bytes]:
    until = asyncio.get_running_loop().time() + LONGEST_SECONDS
    yield b"retry: 2000\n\n"
    while asyncio.get_running_loop().time() < until:
        told = await asyncio.to_thread(_told, job_id, language)
        if told is None:
            return
        if told["id"] != seen:
            seen = told["id"]
            yield _event(told)
        else:
            yield b":\n\n"  # a browser that has gone is noticed by this
        if told["ended"]:
            return
        await asyncio.sleep(POLL_SECONDS)


def _told(job_id: UUID, language: str) -> dict[str, Any] | None:
    """What there is to tell, read in a thread that keeps no connection."""
    try:
        job = Job.objects.filter(id=job_id).first()
        if job is None:
            return None
        with translation.override(language):
            shown: JobShown = show(job, now())
    finally:
        if not connection.in_atomic_block:
            connection.close()
    return {
        "id": f"{job.state}-{job.attempts}-{shown.done}-{int(job.cancel_asked)}",
        "done": shown.done,
        "total": shown.total,
        "words": shown.words,
        "ended": shown.ended,
    }


def _event(told: dict[str, Any] | None) -> bytes:
    if told is None:
        return b":\n\n"
    return b"id: %s\ndata: %s\n\n" % (told["id"].encode(), msgspec.json.encode(told))
