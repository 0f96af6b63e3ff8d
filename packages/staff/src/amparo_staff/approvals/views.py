"""The inbox of approvals, and one approval with its answers."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo_staff.accounts.access import member_of, signed_in
from amparo_staff.accounts.clock import now
from amparo_staff.approvals import service
from amparo_staff.approvals.forms import YES, AnswerForm
from amparo_staff.approvals.models import Approval, Decision

_TAGS = {
    Decision.WAITING: "waiting",
    Decision.APPROVED: "good",
    Decision.REFUSED: "bad",
    Decision.CANCELLED: "off",
    Decision.EXPIRED: "off",
}
SHOWN = 50


@signed_in
@require_GET
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for the member, what they asked, what they answered."""
    member = member_of(request)
    service.expire(now())
    words = {
        "waiting": _rows(service.waiting_for(member)),
        "asked": _rows(service.asked_by(member)[:SHOWN]),
        "answered": _rows(service.answered_by(member)[:SHOWN]),
    }
    return render(request, "approvals/inbox.html", words)


@signed_in
@require_http_methods(["GET", "POST"])
def approval(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """One approval: what will happen, who asked and why; yes or no."""
    service.expire(now())
    row, member = get_object_or_404(Approval.objects.select_related("maker"), id=approval_id), member_of(request)
    if not service.may_see(row, member):
        raise PermissionDenied
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        service.answer(row, by=member, yes=given["answer"] == YES, why=given["why"], at=now())
        messages.success(request, gettext("Your answer was kept."))
        return redirect("approval", row.id)
    words = {
        **_shown(row),
        "form": form,
        "votes": row.votes.select_related("member").order_by("at", "id"),
        "yes_count": row.votes.filter(yes=True).count(),
        "expires": row.asked + service.LIFE,
        "may_answer": row.state == Decision.WAITING and service.may_answer(row, member),
        "heed": service.heed_of(row),
        "may_cancel": row.state == Decision.WAITING and row.maker_id == member.id,
        "onward": service.next_for(row, member),
    }
    return render(request, "approvals/approval.html", words, status=400 if form.errors else 200)


@signed_in
@require_POST
def cancel(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Take back what one asked."""
    row = get_object_or_404(Approval, id=approval_id)
    service.cancel(row, by=member_of(request), at=now())
    messages.success(request, gettext("You took it back. Nothing will happen."))
    return redirect("approvals")


def state_words(state: str) -> str:
    """Where an approval stands, in words."""
    return {
        Decision.WAITING: gettext("waits"),
        Decision.APPROVED: gettext("approved and done"),
        Decision.REFUSED: gettext("refused"),
        Decision.CANCELLED: gettext("taken back"),
        Decision.EXPIRED: gettext("expired, nothing happened"),
    }[Decision(state)]


def _shown(row: Approval) -> dict[str, Any]:
    return {
        "row": row,
        "words": service.words_of(row),
        "count": row.subject.get("count"),
        "kind_of_tag": _TAGS[Decision(row.state)],
        "state": state_words(row.state),
    }


def _rows(found: Iterable[Approval]) -> list[dict[str, Any]]:
    return [_shown(row) for row in found]
