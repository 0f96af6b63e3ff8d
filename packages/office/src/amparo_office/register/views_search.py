"""Searching people: by how a name sounds or begins in any script, by a whole number of a paper or telephone, or by our reference.

The words are posted, used, and forgotten: they stand in no URL, no log, no session. Every person shown is written down as read.
"""

from collections.abc import Iterable

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amparo_office.register import bulk, search
from amparo_office.register import words as spoken
from amparo_office.register.access import read_names
from amparo_office.register.forms_filter import in_areas
from amparo_office.register.forms_search import SearchForm
from amparo_office.register.models import Household, Individual
from amparo_office.register.service import read_ref
from amparo_office.register.views import IDENTITY, VIEW, area_name, birth_words, may_see, moment, state_words
from amparo_staff.accounts.access import member_of, requires

LIMIT = 50


class Found(msgspec.Struct, frozen=True):
    """One person of the result."""

    ref: str
    name: str
    why: str
    born: str
    area: str
    state: str
    household: str


@requires(VIEW)
@require_http_methods(["GET", "POST"])
def register_search(request: HttpRequest) -> HttpResponse:
    """The search. A reference leads to its page; words lead to a list, for members who may see names."""
    member = member_of(request)
    with_names = member.may(IDENTITY)
    if request.method != "POST":
        return render(
            request, "register/search.html", {"form": SearchForm(with_names=with_names), "with_names": with_names}
        )
    form = SearchForm(request.POST, with_names=with_names)
    shown: dict[str, object] = {"form": form, "with_names": with_names, "limit": LIMIT}
    if form.is_valid():
        words = form.cleaned_data["words"]
        if page := _page_of(read_ref(words) or "", request):
            return page
        shown["results"] = _results(words, form.cleaned_data["purpose"], request) if with_names else []
    return render(request, "register/search.html", shown)


def why(words: str, name: str) -> str:
    """Why a person was found, in words: what the strongest of the words typed agrees with."""
    if any(sign.isdecimal() for sign in words):
        return _("number")
    parts = [spoken.plain(each) for each in spoken.words(name)]
    typed = [spoken.plain(each) for each in spoken.words(words)]
    if typed and all(each in parts for each in typed):
        return _("the same name")
    if any(part.startswith(each) for each in typed for part in parts if each):
        return _("begins alike")
    return _("sounds alike")


def _page_of(ref: str, request: HttpRequest) -> HttpResponse | None:
    areas = member_of(request).areas(VIEW)
    if ref.startswith("H"):
        known = in_areas(Household.objects.all(), areas).filter(ref=ref).exists()
        return redirect("register-household", ref=ref) if known else None
    person = Individual.objects.filter(ref=ref).select_related("household").first() if ref else None
    return redirect("register-person", ref=ref) if person and may_see(person, areas) else None


def _results(words: str, purpose: str, request: HttpRequest) -> list[Found]:
    member = member_of(request)
    ids = search.find(words, areas=member.areas(IDENTITY), limit=LIMIT)
    people = {each.id: each for each in _people(ids)}
    names = read_names([number for number in ids if number in people], by=member, purpose=purpose, at=moment())
    states = state_words()
    return [
        Found(
            ref=person.ref,
            name=names.get(number, ""),
            why=why(words, names.get(number, "")),
            born=birth_words(person.facts.get("birth_date"), person.birth_precision),
            area=area_name(person.household.area) if person.household else "",
            state=states[person.state],
            household=person.household.ref if person.household else "",
        )
        for number in ids
        if (person := people.get(number))
    ]


def _people(ids: Iterable[int]) -> Iterable[Individual]:
    return (
        Individual.objects.select_related("household__area")
        .filter(id__in=bulk.these(ids))
        .defer("sealed", "household__sealed")
    )
