"""Judging possible duplicates: which pairs a member of staff sees, and what a verdict does."""

from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet

from amparo_office.duplicates.merging import PERMISSION, merge
from amparo_office.duplicates.models import Crowd, Judgement, PossibleDuplicate, Verdict
from amparo_office.errors import OutsideArea, PairDecided, RecordUnknown
from amparo_office.register.correction import area_of, within
from amparo_office.register.models import RecordState
from amparo_staff.accounts.models import StaffMember
from amparo_staff.trail.service import note

UNDECIDED = (Verdict.WAITING.value, Verdict.UNSURE.value)


class Judged(msgspec.Struct, frozen=True):
    """A reviewer's word. `keep` is who is kept when they are the same; `ask_by` and `ask_whom` say who asks whom otherwise."""

    verdict: str
    why: str
    keep: int | None = None
    with_members: bool = False
    ask_by: StaffMember | None = None
    ask_whom: str = ""


def pairs_for(member: StaffMember) -> QuerySet[PossibleDuplicate]:
    """The pairs of which the member may see both records; those with a merged record wait until that is undone."""
    found = PossibleDuplicate.objects.exclude(first__state=RecordState.MERGED).exclude(second__state=RecordState.MERGED)
    areas = member.areas(PERMISSION)
    if "" in areas:
        return found
    for side in ("first", "second"):
        inside = Q(pk__in=[])
        for area in areas:
            inside |= Q(**{f"{side}__household__area__code__startswith": area})
        found = found.filter(inside)
    return found


def pair_for(number: int, member: StaffMember) -> PossibleDuplicate:
    """One pair. Raises `RecordUnknown`, `OutsideArea`."""
    pair = PossibleDuplicate.objects.select_related("first__household", "second__household").filter(id=number).first()
    if pair is None:
        raise RecordUnknown("There is no such pair of records.")
    areas = member.areas(PERMISSION)
    if not all(within(areas, area_of(person)) for person in (pair.first, pair.second)):
        raise OutsideArea("This record lies outside your areas.")
    return pair


def judge(number: int, said: Judged, *, by: StaffMember, at: datetime) -> PossibleDuplicate:
    """Take a verdict down; two records of one person are merged at once. Raises `PairDecided`, `OutsideArea`, `MergeRefused`."""
    pair_for(number, by)
    with transaction.atomic():
        pair = PossibleDuplicate.objects.select_for_update(of=("self",)).get(id=number)
        if pair.verdict not in UNDECIDED:
            raise PairDecided("These two records were judged already.")
        Judgement.objects.create(pair=pair, verdict=said.verdict, why=said.why, by=by, at=at)
        pair.verdict, pair.by, pair.at = said.verdict, by, at
        pair.ask_by = said.ask_by if said.verdict == Verdict.UNSURE else None
        pair.ask_whom = said.ask_whom if said.verdict == Verdict.UNSURE else ""
        pair.save()
        if said.verdict == Verdict.SAME:
            kept, other = (
                (pair.first_id, pair.second_id) if said.keep == pair.first_id else (pair.second_id, pair.first_id)
            )
            merge(kept, other, with_members=said.with_members, why=said.why, by=by, at=at)
        note(
            "duplicates.judged", by=by, at=at, subject=str(pair.id), details={"verdict": said.verdict, "why": said.why}
        )
        return pair


def crowds_for(member: StaffMember) -> QuerySet[Crowd]:
    """The crowds that nobody looked at, for members who may see everywhere; a crowd is rarely in one area."""
    if "" not in member.areas(PERMISSION):
        return Crowd.objects.none()
    return Crowd.objects.filter(looked_at=None)


def look_at_crowd(number: int, *, by: StaffMember, at: datetime) -> None:
    """Close the case of a crowd: it comes back when somebody joins it. Raises `RecordUnknown`."""
    with transaction.atomic():
        if not crowds_for(by).filter(id=number).update(looked_by=by, looked_at=at):
            raise RecordUnknown("There is no such case.")
        note("duplicates.crowd-looked-at", by=by, at=at, subject=str(number))
