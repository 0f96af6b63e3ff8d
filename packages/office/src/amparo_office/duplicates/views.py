"""The pages of this part: what waits, two records side by side, what was merged, crowds."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from amparo_office.duplicates import agreement, exchange, merging, service
from amparo_office.duplicates.compared import Place, birth, compared
from amparo_office.duplicates.forms import KIND_WORDS, REASONS, VERDICT_WORDS, OtherListForm, VerdictForm, askers
from amparo_office.duplicates.models import Asked, Crowd, Merge, PossibleDuplicate, Verdict
from amparo_office.duplicates.work import FIND
from amparo_office.errors import RecordUnknown
from amparo_office.register.access import IndividualView, read_individual, read_individuals
from amparo_office.register.correction import area_of, within
from amparo_office.register.models import Area, Individual, Relationship
from amparo_office.register.sealing import Identity, Name
from amparo_office.register.views import area_name
from amparo_staff.accounts.access import member_of, requires
from amparo_staff.accounts.clock import now
from amparo_staff.accounts.models import StaffMember
from amparo_staff.jobs import files
from amparo_staff.jobs.service import add
from amparo_staff.layout.lists import page_of

JUDGE = merging.PERMISSION
PURPOSE = "duplicates"
COMPARED = frozenset({"names", "documents", "telephone", "facts", "place"})
MOST_REFS = 200


@require_GET
@requires(JUDGE)
def duplicates_list(request: HttpRequest) -> HttpResponse:
    """The pairs in the member's areas: references and what agreed, no names."""
    member = member_of(request)
    chosen = request.GET.get("state", Verdict.WAITING.value)
    pairs = service.pairs_for(member).select_related("first__household", "second__household", "ask_by")
    if chosen in Verdict.values:
        pairs = pairs.filter(verdict=chosen)
    page = page_of(pairs, ("id",), request.GET)
    for pair in page.rows:
        _say(pair)
    context = {
        "page": page,
        "states": [(code, words, code == chosen) for code, words in VERDICT_WORDS.items()],
        "crowds": service.crowds_for(member).count(),
    }
    return render(request, "duplicates/list.html", context)


@require_POST
@requires(JUDGE)
def look(request: HttpRequest) -> HttpResponse:
    """Start a run."""
    made = add(FIND, {}, by=member_of(request), at=now())
    return redirect("job", made.id)


@require_GET
@requires(JUDGE)
def of_job(_request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Where what a run found is judged."""
    del job_id
    return redirect("duplicates-list")


@require_http_methods(["GET", "POST"])
@requires(JUDGE)
def pair(request: HttpRequest, number: int) -> HttpResponse:
    """Two records side by side, and the verdict."""
    member = member_of(request)
    found = service.pair_for(number, member)
    open_ = found.verdict in service.UNDECIDED
    form = VerdictForm(
        request.POST if request.method == "POST" else None, refs=(found.first.ref, found.second.ref), members=askers()
    )
    if request.method == "POST" and form.is_valid():
        service.judge(number, _said(form.cleaned_data, found), by=member, at=now())
        messages.success(request, gettext("Your word is kept."))
        return redirect("duplicates-list")
    _say(found)
    return render(
        request,
        "duplicates/pair.html",
        {"pair": found, "rows": _side_by_side(found, member), "form": form, "open": open_},
    )


def _said(given: dict[str, Any], found: PossibleDuplicate) -> service.Judged:
    keep = {Asked.FIRST.value: found.first_id, Asked.SECOND.value: found.second_id}.get(given["keep"])
    return service.Judged(
        verdict=given["verdict"],
        why=given["why"],
        keep=keep,
        with_members=given["with_members"],
        ask_by=given["ask_by"],
        ask_whom=given["ask_whom"],
    )


def _say(found: PossibleDuplicate) -> None:
    """Give the row the words that a page says."""
    found.kinds = [KIND_WORDS[kind] for kind in found.agreed if kind in KIND_WORDS]  # type: ignore[attr-defined] # for the page
    found.state_words = VERDICT_WORDS[Verdict(found.verdict)]  # type: ignore[attr-defined] # for the page


def _side_by_side(found: PossibleDuplicate, member: StaffMember) -> list[dict[str, Any]]:
    """What was compared, and nothing else. Each reading is in the access log, the heads' names too."""
    at = now()
    views = [
        read_individual(number, by=member, purpose=PURPOSE, at=at, kinds=COMPARED)
        for number in (found.first_id, found.second_id)
    ]
    homes = [view.household for view in views if view.household is not None]
    heads = {
        row.household_id: row.id
        for row in Individual.objects.filter(household__in=homes, relationship=Relationship.HEAD).order_by(
            "-state", "id"
        )
    }
    others = [number for number in heads.values() if number not in (found.first_id, found.second_id)]
    names = {
        number: view.identity.names[0]
        for number, view in read_individuals(
            others, by=member, purpose=PURPOSE, at=at, kinds=frozenset({"names"})
        ).items()
        if view.identity and view.identity.names
    }
    sides = [_side(view, names.get(heads.get(view.household, 0))) for view in views]
    shown = [_shown(side, view) for side, view in zip(sides, views, strict=True)]
    return [
        {
            "words": KIND_WORDS[row.kind],
            "first": shown[0].get(row.kind, row.first),
            "second": shown[1].get(row.kind, row.second),
            "state": row.state,
        }
        for row in agreement.rows(sides[0], sides[1])
    ]


def _shown(side: agreement.Side, view: IndividualView) -> dict[str, list[str]]:
    """What a reader is told in other words than it is compared: a place by its name, and that somebody is the head."""
    found: dict[str, list[str]] = {}
    if side.area:
        found["area"] = [f"{area_name(Area.objects.filter(code=side.area).first())} ({side.area})"]
    if view.relationship == Relationship.HEAD:
        found["head"] = [gettext("Is the head")]
    return found


def _side(view: IndividualView, head: Name | None) -> agreement.Side:
    identity, area = view.identity or Identity(), view.area
    born = birth(view.facts.get("birth_date"), view.birth_precision)
    place = Place(
        household=view.household,
        area=area or None,
        district=Area.objects.filter(code=area).values_list("parent_id", flat=True).first() if area else None,
        is_head=view.relationship == Relationship.HEAD,
        head=head,
    )
    return agreement.Side(identity, born, area, head, compared(view.id, identity, born, place))


# --- what was merged -----------------------------------------------------------------------------------------------------


@require_GET
@requires(JUDGE)
def merges(request: HttpRequest) -> HttpResponse:
    """Merges that hold, newest first."""
    areas = member_of(request).areas(JUDGE)
    rows = Merge.objects.filter(undone_at=None).select_related("kept__household", "other__household", "by")
    page = page_of(rows, ("-id",), request.GET)
    words = dict(REASONS)
    for row in page.rows:
        row.inside = all(within(areas, area_of(person)) for person in (row.kept, row.other))  # type: ignore[attr-defined]
        row.why_words = words.get(row.why, "")  # type: ignore[attr-defined, call-overload] # for the page
    return render(request, "duplicates/merges.html", {"page": page})


@require_POST
@requires(JUDGE)
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Undo a merge."""
    merging.undo(number, by=member_of(request), at=now())
    messages.success(request, gettext("The two records stand by themselves again."))
    return redirect("duplicates-merges")


# --- crowds --------------------------------------------------------------------------------------------------------------


@require_GET
@requires(JUDGE)
def crowds(request: HttpRequest) -> HttpResponse:
    """The cases in which very many records look alike."""
    page = page_of(service.crowds_for(member_of(request)), ("id",), request.GET)
    for row in page.rows:
        row.count = row.people.count()  # type: ignore[attr-defined] # for the page
    return render(request, "duplicates/crowds.html", {"page": page})


@require_http_methods(["GET", "POST"])
@requires(JUDGE)
def crowd(request: HttpRequest, number: int) -> HttpResponse:
    """One such case: the references, so that somebody looks at what was typed in."""
    member = member_of(request)
    if request.method == "POST":
        service.look_at_crowd(number, by=member, at=now())
        messages.success(request, gettext("The case is closed. It comes back when records join it."))
        return redirect("duplicates-crowds")
    found = service.crowds_for(member).filter(id=number).first()
    if found is None:
        raise RecordUnknown("There is no such case.")
    return render(request, "duplicates/crowd.html", _crowd_context(found))


def _crowd_context(found: Crowd) -> dict[str, Any]:
    people = found.people.select_related("individual").order_by("individual_id")
    return {"crowd": found, "count": people.count(), "people": people[:MOST_REFS], "most": MOST_REFS}


# --- other lists ---------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@requires(JUDGE)
def other_list(request: HttpRequest) -> HttpResponse:
    """Ask a second person to compare with another agency's list, without names. Off unless the operator turned it on."""
    member, at = member_of(request), now()
    form = OtherListForm(request.POST, request.FILES) if request.method == "POST" else OtherListForm()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        upload = None
        if given["file"] is not None:
            with files.new_file("other-list.txt", by=member, at=at) as made:
                for piece in given["file"].chunks():
                    made.write(piece)
            upload = made.row
        exchange.start(given["kind"], agency=given["agency"], area=given["area"], file=upload, by=member, at=at)
        messages.success(request, gettext("A second person is asked."))
        return redirect("duplicates-other")
    return render(request, "duplicates/other.html", {"form": form, "on": exchange.is_on()})
